//! The rules of the house, read from the files themselves: which room may lean on which, where `unsafe`, threads, clocks
//! and prints may be, how long functions and files may grow, and what must not be left lying about.
//!
//! Each rule is a function from text to findings, and has tests that feed it a bad snippet. The tests in this file run all
//! rules over the whole workspace. `cargo test -p partita --test tidy -- --nocapture` also prints the longest functions.

mod attributes;
mod layers;
mod leftovers;
mod length;
mod machine;
mod manifest;
mod source;
mod tree;
mod unsafety;
mod words;

use crate::source::Source;
use crate::tree::Tree;

/// What a rule has to say: a place, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    path: String,
    /// One-based; 0 where the whole file is meant.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

/// Fails with one line per finding.
#[track_caller]
fn assert_none(findings: &[Finding]) {
    let lines: Vec<String> =
        findings.iter().map(|f| format!("  {}:{}: {}", f.path, f.line, f.message)).collect();
    assert!(findings.is_empty(), "{} found:\n{}\n", findings.len(), lines.join("\n"));
}

fn over_sources(rule: fn(&Source) -> Vec<Finding>) -> Vec<Finding> {
    Tree::load().sources.iter().flat_map(rule).collect()
}

#[test]
fn the_tree_is_seen() {
    let tree = Tree::load();
    assert!(tree.manifests.len() >= 8, "manifests: {}", tree.manifests.len());
    assert!(tree.sources.len() > 20, "sources: {}", tree.sources.len());
    assert!(tree.files.iter().any(|f| f.path == "LICENSE"));
    assert!(tree.sources.iter().any(|s| s.path == "crates/partita/src/lib.rs"));
}

#[test]
fn arrows_between_rooms_go_down() {
    assert_none(&layers::check(&Tree::load().manifests));
}

#[test]
fn locked_packages_come_from_the_public_registry() {
    let tree = Tree::load();
    let lock = tree.files.iter().find(|f| f.path == "Cargo.lock");
    assert_none(&lock.map_or_else(Vec::new, |f| layers::check_lock(&f.path, &f.text)));
}

#[test]
fn unsafe_is_where_it_belongs() {
    assert_none(&over_sources(unsafety::check));
}

#[test]
fn functions_and_files_are_short() {
    let tree = Tree::load();
    println!("The ten longest functions outside tests:");
    for (path, f) in length::longest(&tree.sources, 10) {
        println!("  {:4} lines  {path}:{}  {}", f.lines, f.line, f.name);
    }
    assert_none(&tree.sources.iter().flat_map(length::check).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_over() {
    let tree = Tree::load();
    let mut findings: Vec<Finding> =
        tree.files.iter().flat_map(|f| leftovers::check_markers(&f.path, &f.text)).collect();
    findings.extend(tree.sources.iter().flat_map(leftovers::check_code));
    assert_none(&findings);
}

#[test]
fn the_text_speaks_of_the_project_only() {
    let tree = Tree::load();
    assert_none(&tree.files.iter().flat_map(|f| words::check(&f.path, &f.text)).collect::<Vec<_>>());
}

#[test]
fn allowed_lints_have_reasons() {
    assert_none(&over_sources(attributes::check_reasons));
}

#[test]
fn every_file_says_what_it_is() {
    assert_none(&over_sources(attributes::check_first_line));
}

#[test]
fn threads_clocks_files_and_prints_are_where_they_belong() {
    assert_none(&over_sources(machine::check));
}
