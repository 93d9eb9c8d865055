//! `--resume` and `--append`, as they are used.

use std::fs;

use serde_json::Value;

use crate::support::{
    command, contents, finish, folder_with, interrupt, lines, names, rows, run, wait_for, words,
};

/// Rows for a few blocks of 1 KiB.
fn text(rows: std::ops::Range<usize>) -> String {
    let rows: String = rows.map(|row| format!("{row},{}.5,name {row}\n", row % 97)).collect();
    format!("id,fare,name\n{rows}")
}

const LINE: &str = "convert {} --to {} --progress none --block-size 1KiB --file-per-partition";

#[test]
fn a_run_that_died_goes_on_and_says_so_in_its_report() {
    let (folder, input) = folder_with("in.csv", &text(0..1000));
    let (target, whole) = (folder.path().join("out"), folder.path().join("whole"));
    let report = folder.path().join("report.json");
    run(LINE, &[&input, &whole]).quiet();
    let ran = command(words(LINE, &[&input, &target])).env("PARTITA_FAULTS", "abort:100").output().unwrap();
    assert_eq!(ran.status.code(), None);
    assert!(!target.exists());
    run(&format!("{LINE} --resume --report {{}}"), &[&input, &target, &report]).quiet();
    let found: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    let (kept, written) = (found["parts_reused"].as_u64().unwrap(), found["parts_written"].as_u64().unwrap());
    assert!(kept > 0 && written > 0, "{found}");
    assert_eq!(found["rows"], 1000);
    assert!(found["bytes_in"].as_u64().unwrap() < fs::metadata(&input).unwrap().len(), "{found}");
    assert_eq!(contents(&target), contents(&whole));
    assert_eq!(names(folder.path()), ["in.csv", "out", "report.json", "whole"]);

    // Once more: nothing is to be done.
    let again = run(&format!("{LINE} --resume --report {{}}"), &[&input, &target, &report]);
    assert_eq!((again.code, again.err.as_str()), (0, "note: the target is complete: nothing was written\n"));
    let found: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!((&found["parts_written"], &found["parts_reused"]), (&0.into(), &(kept + written).into()));
    assert_eq!(found["bytes_in"], 0);
}

#[test]
fn what_does_not_fit_is_said() {
    let (folder, input) = folder_with("in.csv", &text(0..1000));
    let target = folder.path().join("out");
    let abort = || {
        let ran =
            command(words(LINE, &[&input, &target])).env("PARTITA_FAULTS", "abort:100").output().unwrap();
        assert_eq!(ran.status.code(), None);
    };
    for (flags, word) in [
        ("--compression snappy", "option write compression was"),
        ("--where id>=0", "option where was null"),
        ("--null-values x", "option read"),
    ] {
        abort();
        let ran = run(&format!("{LINE} --resume {flags}"), &[&input, &target]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.err.contains(word) && ran.err.contains("everything is done again"), "{}", ran.err);
        fs::remove_dir_all(&target).unwrap();
    }
    abort();
    fs::write(&input, text(0..1001)).unwrap();
    let ran = run(&format!("{LINE} --resume"), &[&input, &target]);
    assert!(ran.err.contains("in.csv had") && ran.err.contains("bytes, and has"), "{}", ran.err);
    assert_eq!(rows(&target).num_rows(), 1001);
    assert_eq!(names(folder.path()), ["in.csv", "out"]);
}

#[test]
fn an_interrupted_run_with_resume_keeps_what_it_has() {
    let (folder, input) = folder_with("in.csv", &text(0..200_000));
    let target = folder.path().join("new/out");
    let line = "convert {} --to {} --progress none --block-size 16KiB --file-per-partition --threads 1 --resume \
                --compression zstd:15";
    let child = command(words(line, &[&input, &target])).spawn().unwrap();
    let begun = || {
        let hidden = names(target.parent().filter(|parent| parent.exists())?).into_iter().next()?;
        let record = fs::read_to_string(target.with_file_name(hidden).join("parts.jsonl")).ok()?;
        (record.lines().count() > 3).then_some(())
    };
    wait_for("finished parts", begun);
    interrupt(&child);
    finish(child).refused(130, &["interrupted", "the same command goes on"]);
    assert!(!target.exists());
    let left = names(target.parent().unwrap());
    assert!(left.len() == 1 && left[0].starts_with(".out.partita-"), "{left:?}");
    run(line, &[&input, &target]).quiet();
    assert_eq!(names(target.parent().unwrap()), ["out"]);
    assert_eq!(rows(&target).num_rows(), 200_000);
}

#[test]
fn compressed_inputs_and_row_numbers_go_on_too() {
    let (folder, _) = folder_with("in.csv", "");
    let input = folder.path().join("in.csv.gz");
    let mut gzip =
        flate2::write::GzEncoder::new(fs::File::create(&input).unwrap(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, text(0..5000).as_bytes()).unwrap();
    gzip.finish().unwrap();
    let (target, whole) = (folder.path().join("out"), folder.path().join("whole"));
    let line = format!("{LINE} --where id!=4999");
    run(&line, &[&input, &whole]).quiet();
    let ran = command(words(&line, &[&input, &target])).env("PARTITA_FAULTS", "abort:90").output().unwrap();
    assert_eq!(ran.status.code(), None);
    run(&format!("{line} --resume"), &[&input, &target]).quiet();
    assert_eq!(contents(&target), contents(&whole));
}

#[test]
fn rows_are_added() {
    let (folder, one) = folder_with("one.csv", &text(0..300));
    let two = folder.path().join("two.csv");
    fs::write(&two, text(300..500)).unwrap();
    let (target, both) = (folder.path().join("out"), folder.path().join("both"));
    run(&format!("{LINE} --append"), &[&one, &target]).quiet();
    let report = folder.path().join("report.json");
    run(&format!("{LINE} --append --report {{}}"), &[&two, &target, &report]).quiet();
    run("convert {} {} --to {} --progress none", &[&one, &two, &both]).quiet();
    assert_eq!(lines(&rows(&target)), lines(&rows(&both)));
    let found: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!(found["rows"], 200);
    assert_eq!(names(folder.path()), ["both", "one.csv", "out", "report.json", "two.csv"]);

    run(&format!("{LINE} --append --overwrite"), &[&two, &target]).refused(2, &["--append", "--overwrite"]);
    run(&format!("{LINE} --append"), &[&two, &folder.path().join("x.parquet")])
        .refused(1, &["a folder of parts to append to"]);
}

#[test]
fn columns_that_have_changed_are_named_and_nothing_is_added() {
    let (folder, one) = folder_with("one.csv", &text(0..300));
    let two = folder.path().join("two.csv");
    fs::write(&two, "id,fare,extra\n1.5,2.5,x\n").unwrap();
    let target = folder.path().join("out");
    run(LINE, &[&one, &target]).quiet();
    let before = contents(&target);
    let words = [
        "\"id\" was Int64, and is Float64",
        "\"name\" was Utf8, and is not there",
        "\"extra\" was not there",
    ];
    run(&format!("{LINE} --append"), &[&two, &target]).refused(1, &words);
    assert_eq!(contents(&target), before);
    assert_eq!(names(folder.path()), ["one.csv", "out", "two.csv"]);
}

#[test]
fn new_rows_get_the_old_types_where_widening_is_asked_for_and_nothing_is_lost() {
    let (folder, one) = folder_with("one.csv", "zip,fare,note\nA1,2.5,x\n");
    let (two, three) = (folder.path().join("two.csv"), folder.path().join("three.csv"));
    fs::write(&two, "fare,zip\n3,007\n,008\n").unwrap();
    fs::write(&three, "zip,fare,note\nA1,much,x\n").unwrap();
    let target = folder.path().join("out");
    run(LINE, &[&one, &target]).quiet();
    let line = format!("{LINE} --append");
    run(&line, &[&two, &target])
        .refused(1, &["\"zip\" was Utf8, and is Int64", "\"note\" was Utf8", "--on-mismatch widen"]);
    let line = format!("{line} --on-mismatch widen");
    run(&line, &[&two, &target]).quiet();
    assert_eq!(lines(&rows(&target)), ["A1,2.5,x", "007,3.0,null", "008,null,null"]);
    run(&line, &[&three, &target]).refused(1, &["\"fare\" was Float64, and is Utf8"]);
    assert_eq!(rows(&target).num_rows(), 3);
    // Once is enough.
    run(&format!("{line} --resume"), &[&two, &target]);
    assert_eq!(rows(&target).num_rows(), 3);
}

#[test]
fn a_run_that_had_widened_its_types_goes_on_with_them() {
    let wide = format!("{}2000,many,name\n", text(0..2000));
    let (folder, input) = folder_with("in.csv", &wide);
    let (target, whole) = (folder.path().join("out"), folder.path().join("whole"));
    let report = folder.path().join("report.json");
    let line = format!("{LINE} --threads 1 --on-mismatch widen --sample-head-bytes 100 --sample-places 0");
    assert_eq!(run(&line, &[&input, &whole]).code, 0);
    let mut most = 0;
    for step in (20..600).step_by(60) {
        let rules = format!("abort:{step}");
        let ran = command(words(&line, &[&input, &target])).env("PARTITA_FAULTS", rules).output().unwrap();
        if ran.status.code() == Some(0) {
            fs::remove_dir_all(&target).unwrap();
            break;
        }
        let ran = run(&format!("{line} --resume --report {{}}"), &[&input, &target, &report]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.err.contains("does not fit"), "{}", ran.err);
        assert_eq!(contents(&target), contents(&whole));
        let found: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
        most = most.max(found["parts_reused"].as_u64().unwrap());
        let again = run(&format!("{line} --resume"), &[&input, &target]);
        assert!(again.err.contains("nothing was written"), "{}", again.err);
        fs::remove_dir_all(&target).unwrap();
    }
    assert!(most > 10, "{most} parts kept at most");
    assert_eq!(names(folder.path()), ["in.csv", "report.json", "whole"]);
}
