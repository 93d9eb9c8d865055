//! How long functions and files are. Functions of tests have no hard limit; files of tests have the same as all others.

use crate::Finding;
use crate::source::{Source, is_ident, item_end};

const FUNCTION_LINES_MAX: usize = 100;
const FILE_LINES_MAX: usize = 800;

/// A function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From the line with `fn` to the one with the closing brace.
    pub(crate) lines: usize,
    pub(crate) test: bool,
}

/// All functions of a file, nested ones too.
pub(crate) fn functions(source: &Source) -> Vec<Function> {
    source.words("fn").into_iter().filter_map(|at| function(source, at)).collect()
}

fn function(source: &Source, at: usize) -> Option<Function> {
    let rest = source.code[at + 2..].trim_start();
    let name: String =
        rest.chars().take_while(|c| !c.is_ascii() || is_ident(*c as u8) || *c == '#').collect();
    if name.is_empty() {
        return None;
    }
    let (end, body) = item_end(&source.code, at);
    body?;
    let (line, last) = (source.line(at), source.line(end - 1));
    Some(Function { name, line, lines: last - line + 1, test: source.is_test(at) })
}

/// Functions and files that are too long.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES_MAX {
        let message = format!("{lines} lines, at most {FILE_LINES_MAX}: split the file");
        findings.push(Finding::new(&source.path, 0, message));
    }
    for f in functions(source).into_iter().filter(|f| !f.test && f.lines > FUNCTION_LINES_MAX) {
        let message = format!("`{}` has {} lines, at most {FUNCTION_LINES_MAX}", f.name, f.lines);
        findings.push(Finding::new(&source.path, f.line, message));
    }
    findings
}

/// The `count` longest functions outside tests, longest first.
pub(crate) fn longest(sources: &[Source], count: usize) -> Vec<(&str, Function)> {
    let mut all: Vec<(&str, Function)> =
        sources.iter().flat_map(|s| functions(s).into_iter().map(|f| (s.path.as_str(), f))).collect();
    all.retain(|(_, f)| !f.test);
    all.sort_by_key(|(_, f)| std::cmp::Reverse(f.lines));
    all.truncate(count);
    all
}

#[test]
fn functions_are_measured() {
    let text = "trait T {\n    fn declared(&self);\n    fn given(\n        &self,\n        f: fn(u8) -> [u8; 3],\n    ) -> u8\n    where\n        Self: Sized,\n    {\n        0\n    }\n}\nfn one() {}\n";
    let source = Source::new("crates/partita-plan/src/lib.rs", text);
    let found: Vec<(String, usize, usize)> =
        functions(&source).into_iter().map(|f| (f.name, f.line, f.lines)).collect();
    assert_eq!(found, [("given".to_owned(), 3, 9), ("one".to_owned(), 13, 1)]);
}

#[test]
fn long_functions_are_found_outside_tests() {
    let body = "    let _ = \"}\";\n".repeat(FUNCTION_LINES_MAX - 1);
    let long = format!("fn long() {{\n{body}}}\n");
    let source = Source::new("crates/partita-plan/src/lib.rs", &long);
    assert_eq!(check(&source).len(), 1);
    assert_eq!(longest(&[source], 10)[0].1.lines, FUNCTION_LINES_MAX + 1);
    let shorter = long.replacen("    let _ = \"}\";\n", "", 1);
    assert_eq!(check(&Source::new("crates/partita-plan/src/lib.rs", &shorter)), []);
    let test = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(check(&Source::new("crates/partita-plan/src/lib.rs", &test)), []);
    assert_eq!(check(&Source::new("crates/partita-plan/tests/a.rs", &long)), []);
}

#[test]
fn long_files_are_found() {
    let text = "\n".repeat(FILE_LINES_MAX + 1);
    assert_eq!(check(&Source::new("crates/partita-plan/src/lib.rs", &text)).len(), 1);
    assert_eq!(check(&Source::new("crates/partita-plan/tests/a.rs", &text)).len(), 1);
}
