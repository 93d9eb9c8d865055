//! Values that do not fit, and what a conversion does with them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, folder_with, lines, names, rows, run, types};

/// The types of the first row, and nothing of the others.
const SAMPLE: &str = "--sample-head-bytes 4 --sample-places 0 --progress none";

fn report(path: &Path) -> serde_json::Map<String, Value> {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The run went well; what it said on standard error.
#[track_caller]
fn noted(ran: &Ran) -> &str {
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    &ran.err
}

#[test]
fn types_are_widened_when_asked() {
    let (folder, input) =
        folder_with("in.csv", "id,fare,day\n1,2,2020-01-01\n2,2.5,2020-01-02\n3,,2020-01-03 10:00\n");
    let (target, report_path) = (folder.path().join("out"), folder.path().join("report.json"));
    let line = format!("convert {{}} --to {{}} --report {{}} --on-mismatch widen --block-size 8 {SAMPLE}");
    let ran = run(&line, &[&input, &target, &report_path]);
    let notes = [
        format!(
            "note: widened column \"fare\" from Int64 to Float64, for \"2.5\" ({}: line 3, byte 29)",
            input.display()
        ),
        format!(
            "note: widened column \"day\" from Date32 to Timestamp(us), for \"2020-01-03 10:00\" ({}: line 4, byte 47)",
            input.display()
        ),
    ];
    assert_eq!(noted(&ran).lines().collect::<Vec<_>>(), notes);
    let found = rows(&target);
    assert_eq!(
        types(&found),
        [("id", "Int64"), ("fare", "Float64"), ("day", "Timestamp(us)")].map(|(a, b)| (a.into(), b.into()))
    );
    assert_eq!(
        lines(&found),
        ["1,2.0,2020-01-01T00:00:00", "2,2.5,2020-01-02T00:00:00", "3,null,2020-01-03T10:00:00"]
    );
    let report = report(&report_path);
    assert_eq!(report["columns_widened"], serde_json::json!(["fare", "day"]));
    assert_eq!(report["rows"], 3);
    assert_eq!(names(folder.path()), ["in.csv", "out", "report.json"]);
}

#[test]
fn a_type_that_was_given_is_kept() {
    let (folder, input) = folder_with("in.csv", "id,fare\n1,2\n2,2.5\nx,3\n");
    let target = folder.path().join("out");
    let line = format!("convert {{}} --to {{}} --on-mismatch widen --dtype fare=Int64 {SAMPLE}");
    run(&line, &[&input, &target])
        .refused(1, &["fare", "line 3, byte 14", "\"2.5\"", "--dtype fare=Float64"]);
    assert_eq!(names(folder.path()), ["in.csv"]);
    // What was said about the rest must go with the wider types.
    let line = format!("convert {{}} --to {{}} --on-mismatch widen --where fare>2 {SAMPLE}");
    fs::write(&input, "id,fare\n1,2\n2,x\n").unwrap();
    run(&line, &[&input, &target]).refused(
        1,
        &[
            "column \"fare\" from Int64 to Utf8, for \"x\"",
            "line 3",
            "the rest of the work is not possible",
            "fare > 2",
        ],
    );
    assert_eq!(names(folder.path()), ["in.csv"]);
}

#[test]
fn errors_name_the_ways_out() {
    let (folder, input) = folder_with("in.csv", "id,fare\n1,2\n2,2.5\n");
    let target = folder.path().join("out");
    let line = format!("convert {{}} --to {{}} {SAMPLE}");
    run(&line, &[&input, &target]).refused(
        1,
        &[
            ".on_mismatch(OnMismatch::Widen)",
            "--on-mismatch widen",
            ".on_mismatch(OnMismatch::Quarantine)",
            "--on-mismatch quarantine",
        ],
    );
    fs::write(&input, "id,fare\n1,2,3\n").unwrap();
    run(&line, &[&input, &target]).refused(1, &["expected 2 fields, found 3", "--on-mismatch quarantine"]);
    run("head {} --on-mismatch widen", &[&input]).refused(2, &["--on-mismatch"]);
}
