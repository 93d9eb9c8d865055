//! What somebody meant to remove: markers, debug macros, code in comments. The words are written in halves so that this
//! file does not find itself.

use crate::Finding;
use crate::source::{Source, is_ident, words};

const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const MACROS: [&str; 3] = [concat!("to", "do"), concat!("unimple", "mented"), concat!("d", "bg")];
/// How a statement or an item starts.
const STARTS: [&str; 16] = [
    "let ", "use ", "pub ", "fn ", "mod ", "const ", "static ", "struct ", "enum ", "impl ", "impl<",
    "return", "match ", "self.", "#[", "} else",
];

/// Markers, in any text file.
pub(crate) fn check_markers(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (n, line) in text.lines().enumerate() {
        for marker in MARKERS.iter().filter(|m| !words(line, m).is_empty()) {
            findings.push(Finding::new(path, n + 1, format!("{marker} left over: do it, or leave it out")));
        }
    }
    findings
}

/// Debug macros and commented-out code, in Rust files.
pub(crate) fn check_code(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in MACROS {
        for at in source.words(name) {
            if source.code[at + name.len()..].starts_with('!') {
                findings.push(Finding::new(&source.path, source.line(at), format!("`{name}!` left over")));
            }
        }
    }
    for comment in source.comments.iter().filter(|c| !c.is_doc()) {
        for (n, line) in comment.text.lines().enumerate() {
            let text = line.trim().trim_start_matches(['/', '*']).trim_end_matches("*/").trim();
            if is_code(text) {
                let message = format!("code in a comment: `{text}`");
                findings.push(Finding::new(&source.path, comment.line + n, message));
            }
        }
    }
    findings
}

/// Whether a line of a comment looks like Rust rather than like a sentence.
fn is_code(text: &str) -> bool {
    if text == "}" || text == "};" || text == "})" || text == "});" {
        return true;
    }
    if text.ends_with('{') {
        return true;
    }
    if !text.ends_with(';') {
        return false;
    }
    let starts = STARTS.iter().any(|s| text.starts_with(s));
    let call = text
        .find('(')
        .is_some_and(|at| at > 0 && (is_ident(text.as_bytes()[at - 1]) || text[..at].ends_with('!')));
    starts || (call && text.ends_with(");")) || text.contains(" = ") || text.contains(" += ")
}

#[test]
fn markers_are_found() {
    for marker in MARKERS {
        assert_eq!(check_markers("docs/a.md", &format!("Fine.\nNot fine: {marker}: later\n"))[0].line, 2);
        assert_eq!(check_markers("docs/a.md", &format!("NO{marker}S and {marker}_S are other words\n")), []);
    }
}

#[test]
fn debug_macros_are_found() {
    for name in MACROS {
        let text = format!("fn f() {{\n    {name}!(\"x\");\n}}\n");
        let found = check_code(&Source::new("crates/partita-plan/src/lib.rs", &text));
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [2]);
    }
    let quoted = format!("fn f() -> &'static str {{\n    \"{}!()\"\n}}\n", MACROS[0]);
    assert_eq!(check_code(&Source::new("crates/partita-plan/src/lib.rs", &quoted)), []);
}

#[test]
fn code_in_comments_is_found() {
    let found = |comment: &str| {
        let source =
            Source::new("crates/partita-plan/src/lib.rs", &format!("fn f() {{\n    {comment}\n}}\n"));
        check_code(&source).len()
    };
    for bad in [
        "// let x = 1;",
        "// if x > 1 {",
        "// }",
        "// self.count += 1;",
        "// assert_eq!(a, b);",
        "// push(x);",
        "// use std::fmt;",
        "/* let x = 1; */",
    ] {
        assert_eq!(found(bad), 1, "{bad}");
    }
    for good in [
        "// The buffer is reused (see above);",
        "// rows come first; columns later",
        "// One pass over the input: no second read.",
        "/// let x = f();",
        "// a, b and c;",
    ] {
        assert_eq!(found(good), 0, "{good}");
    }
}
