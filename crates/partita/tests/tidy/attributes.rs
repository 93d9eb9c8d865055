//! What files and attributes say about themselves.

use crate::Finding;
use crate::source::{Area, Source, closing};

/// `#[allow(..)]` and `#[expect(..)]` without `reason = ".."` and without a comment beside or above.
pub(crate) fn check_reasons(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for open in ["#[", "#!["] {
        for (at, _) in source.code.match_indices(open) {
            let bracket = at + open.len() - 1;
            let attribute = &source.code[bracket..closing(&source.code, bracket)];
            let silences = attribute.contains("allow(") || attribute.contains("expect(");
            if silences && !attribute.contains("reason") && !has_comment(source, source.line(at)) {
                let message = "a lint is allowed without saying why: add `reason = \"..\"` or a comment";
                findings.push(Finding::new(&source.path, source.line(at), message));
            }
        }
    }
    findings
}

fn has_comment(source: &Source, line: usize) -> bool {
    source.comments.iter().any(|c| !c.is_doc() && (c.line == line || c.line + 1 == line))
}

/// Files outside tests begin with `//!`.
pub(crate) fn check_first_line(source: &Source) -> Vec<Finding> {
    // A program may begin with attributes of its crate.
    let first = source.text.lines().find(|l| !l.starts_with("#!["));
    if source.area == Area::Test || first.is_some_and(|l| l.starts_with("//!")) {
        return Vec::new();
    }
    vec![Finding::new(&source.path, 1, "the file does not say what it is for: begin with `//!`")]
}

#[test]
fn silent_allows_are_found() {
    let found = |text: &str| check_reasons(&Source::new("crates/partita-plan/src/lib.rs", text)).len();
    assert_eq!(found("#[allow(dead_code)]\nfn f() {}\n"), 1);
    assert_eq!(found("#![allow(dead_code)]\n"), 1);
    assert_eq!(found("#[expect(\n    clippy::too_many_lines,\n)]\nfn f() {}\n"), 1);
    assert_eq!(found("#[cfg_attr(test, allow(dead_code))]\nfn f() {}\n"), 1);
    assert_eq!(found("/// Doc is no reason.\n#[allow(dead_code)]\nfn f() {}\n"), 1);
    assert_eq!(found("#[allow(dead_code, reason = \"kept for the next format\")]\nfn f() {}\n"), 0);
    assert_eq!(found("// The layout is fixed.\n#[allow(dead_code)]\nfn f() {}\n"), 0);
    assert_eq!(found("#[allow(dead_code)] // the layout is fixed\nfn f() {}\n"), 0);
    assert_eq!(found("let s = \"#[allow(dead_code)]\";\n"), 0);
}

#[test]
fn files_without_a_purpose_are_found() {
    let found = |path: &str, text: &str| check_first_line(&Source::new(path, text)).len();
    assert_eq!(found("crates/partita-plan/src/lib.rs", "use std::fmt;\n"), 1);
    assert_eq!(found("crates/partita-plan/src/lib.rs", ""), 1);
    assert_eq!(found("crates/partita-plan/src/lib.rs", "//! Plans.\n"), 0);
    assert_eq!(found("benches/src/bin/jobs.rs", "#![allow(clippy::print_stdout)]\n//! Jobs.\n"), 0);
    assert_eq!(found("crates/partita-plan/src/tests.rs", "use std::fmt;\n"), 0);
}
