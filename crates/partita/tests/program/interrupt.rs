//! Ctrl-C, and two writers of one target.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::support::{command, contents, finish, interrupt, names, rows, run, testdata, wait_for, words};

/// A file that takes seconds to convert.
fn large(folder: &Path) -> PathBuf {
    let mut block = String::new();
    for row in 0..50_000 {
        block.push_str(&format!("{row},{}.5,2020-01-{:02},name {row}\n", row % 977, row % 28 + 1));
    }
    let path = folder.join("large.csv");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"id,fare,day,name\n").unwrap();
    for _ in 0..150 {
        file.write_all(block.as_bytes()).unwrap();
    }
    path
}

fn hidden(folder: &Path) -> Option<String> {
    names(folder).into_iter().find(|name| name.starts_with(".out.partita-"))
}

#[test]
fn an_interrupted_run_leaves_everything_as_it_was() {
    let inputs = tempfile::tempdir().unwrap();
    let input = large(inputs.path());
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    run("convert {} --to {} --progress none", &[&testdata("airlines.csv"), &target]).quiet();
    let before = contents(&target);

    let line = "convert {} --to {} --overwrite --progress none --threads 1 --sync off --compression zstd:19";
    let first = command(words(line, &[&input, &target])).spawn().unwrap();
    wait_for("hidden folder", || hidden(folder.path()));
    let second = "convert {} --to {} --overwrite --progress none";
    run(second, &[&testdata("airports.csv"), &target])
        .refused(1, &["another writer", &first.id().to_string()]);
    interrupt(&first);
    finish(first).refused(130, &["interrupted"]);

    assert_eq!(contents(&target), before);
    assert_eq!(names(folder.path()), ["out"]);
    // The lock went with it.
    run(second, &[&testdata("airports.csv"), &target]).quiet();
}

#[test]
fn an_interrupted_first_run_leaves_nothing() {
    let inputs = tempfile::tempdir().unwrap();
    let input = large(inputs.path());
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("new/out");
    let line =
        "convert {} --to {} --progress json --scheduler single-threaded --compression zstd:19 --report {}";
    let report = folder.path().join("report.json");
    let child = command(words(line, &[&input, &target, &report])).spawn().unwrap();
    let begun = || fs::read_dir(folder.path().join("new")).is_ok_and(|mut entries| entries.next().is_some());
    wait_for("hidden folder", || begun().then_some(()));
    interrupt(&child);
    let ran = finish(child);
    assert_eq!((ran.code, ran.out.as_str()), (130, ""), "{ran:?}");
    assert!(ran.err.lines().last().unwrap().contains("interrupted"), "{}", ran.err);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_killed_run_leaves_the_target_and_the_next_one_sweeps_up() {
    let inputs = tempfile::tempdir().unwrap();
    let input = large(inputs.path());
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    run("convert {} --to {} --progress none", &[&testdata("airlines.csv"), &target]).quiet();
    let before = contents(&target);

    let line = "convert {} --to {} --overwrite --progress none --compression zstd:19";
    let mut killed = command(words(line, &[&input, &target])).spawn().unwrap();
    wait_for("hidden folder", || hidden(folder.path()));
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(contents(&target), before);
    assert_eq!(names(folder.path()).len(), 2);

    run("convert {} --to {} --overwrite --progress none", &[&testdata("airports.csv"), &target]).quiet();
    assert_eq!(names(folder.path()), ["out"]);
    assert_eq!(rows(&target).num_rows(), 1458);
}
