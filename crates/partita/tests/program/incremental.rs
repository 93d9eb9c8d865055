//! `convert --append --incremental`: recurring jobs.

use std::fs;
use std::path::Path;

use crate::support::{parts, rows, run};

fn day(folder: &Path, name: &str, first: usize) {
    let lines: String = (first..first + 10).map(|n| format!("{n}\n")).collect();
    fs::write(folder.join(name), format!("n\n{lines}")).unwrap();
}

#[test]
fn inputs_that_are_there_are_left_out() {
    let home = tempfile::tempdir().unwrap();
    let (days, out) = (home.path().join("days"), home.path().join("out"));
    fs::create_dir(&days).unwrap();
    day(&days, "1.csv", 0);
    day(&days, "2.csv", 10);
    let convert = |more: &str| {
        run(&format!("convert {{}} --to {{}} --progress none --append --incremental {more}"), &[&days, &out])
    };
    convert("").quiet();
    assert_eq!((rows(&out).num_rows(), parts(&out).len()), (20, 1));
    // Nothing is new.
    let ran = convert("");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(ran.err.contains("nothing is new") && ran.err.contains("all of the 2 inputs"), "{}", ran.err);
    assert_eq!(parts(&out).len(), 1);
    // Another name of the same file is the same input.
    let again = home.path().join("days/../days/2.csv");
    assert_eq!(run("convert {} --to {} --append --incremental", &[&again, &out]).code, 0);
    day(&days, "3.csv", 20);
    convert("").quiet();
    assert_eq!((rows(&out).num_rows(), parts(&out).len()), (30, 2));

    // One that changed is an error, or all is done again.
    day(&days, "2.csv", 1000);
    convert("").refused(1, &["changed since", "2.csv", "--changed rebuild"]);
    let one = days.join("2.csv");
    run("convert {} --to {} --append --incremental --changed rebuild", &[&one, &out])
        .refused(1, &["cannot be rebuilt", "1.csv, ", "3.csv"]);
    assert_eq!(rows(&out).num_rows(), 30);
    convert("--changed rebuild").quiet();
    let n = rows(&out);
    assert_eq!(n.num_rows(), 30);
    let values =
        partita::arrow::array::AsArray::as_primitive::<partita::arrow::datatypes::Int64Type>(n.column(0));
    assert_eq!(values.values()[10], 1000);
    assert_eq!(convert("").code, 0);
}

#[test]
fn wrong_usage_is_refused() {
    let home = tempfile::tempdir().unwrap();
    day(home.path(), "1.csv", 0);
    let (input, out) = (home.path().join("1.csv"), home.path().join("out"));
    let ran = run("convert {} --to {} --incremental", &[&input, &out]);
    assert!(ran.code == 2 && ran.err.contains("--append"), "{}", ran.err);
    run("convert - --to {} --append --incremental", &[&out]).refused(2, &["standard input"]);
}
