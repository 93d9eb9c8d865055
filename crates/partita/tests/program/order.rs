//! `partita sort` and `partita convert --set-index`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, command, contents, finish, folder_with, lines, names, parts, rows, run, words};

/// Rows out of order: a key that occurs often, a number that occurs once.
fn text(rows: usize) -> String {
    let row = |row: usize| {
        let number = row * 7919 % rows;
        format!(
            "{},{number},2015-{:02}-{:02} {:02}:00:00\n",
            number % 11,
            number % 12 + 1,
            number % 28 + 1,
            row % 24
        )
    };
    "zone,fare,at\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

/// Runs the program with words that may hold spaces.
fn run_words(args: &[&str], paths: &[&Path]) -> Ran {
    let paths = paths.iter().map(|path| path.to_str().unwrap());
    finish(command(args.iter().copied().chain(paths)).spawn().unwrap())
}

/// The values of columns, row by row.
fn cells(target: &Path) -> Vec<Vec<String>> {
    lines(&rows(target)).iter().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn manifest(target: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(target.join("_partita.json")).unwrap()).unwrap()
}

#[test]
fn rows_are_sorted_from_file_to_file() {
    let (folder, input) = folder_with("in.csv", &text(3000));
    let out = folder.path().join("out");
    let by = ["sort", "--by", "zone,fare desc nulls first", "--file-per-partition"];
    let rest = ["--progress", "none", "--block-size", "4KiB", "--to"];
    run_words(&[&by[..], &rest].concat(), &[&out, &input]).quiet();
    let cells = cells(&out);
    let got: Vec<(u64, u64)> =
        cells.iter().map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap())).collect();
    let mut expected = got.clone();
    expected.sort_by_key(|(zone, fare)| (*zone, u64::MAX - fare));
    assert!(got.len() == 3000 && got == expected && parts(&out).len() > 5);
    let manifest = manifest(&out);
    assert_eq!(manifest["options"]["sort"], serde_json::json!(["zone", "fare descending, nulls first"]));
    assert_eq!(manifest["index"], Value::Null);
    run("sort {} --to {}", &[&input, &out]).refused(2, &["--by"]);
    run_words(&["sort", "--by", "zones", "--to"], &[&folder.path().join("no"), &input]).refused(1, &["zone"]);
}

#[test]
fn a_data_set_has_an_index_and_gives_a_part_of_it() {
    let (folder, input) = folder_with("in.csv", &text(60_000));
    let (out, report) = (folder.path().join("out"), folder.path().join("report.json"));
    let line = "convert {} --to {} --set-index at --partition-size 200KiB --row-group-rows 2000 \
                --compression none --progress none --block-size 160KiB";
    run(line, &[&input, &out]).quiet();
    let all = cells(&out);
    assert!(all.is_sorted_by_key(|row| &row[2]) && all.len() == 60_000);
    assert_eq!(manifest(&out)["index"], "at");
    let day = folder.path().join("day");
    let line = "convert {} --to {} --report {} --progress none --where";
    let mut args = words(line, &[&out, &day, &report]);
    args.push("at >= '2015-05-05' and at < '2015-05-06'".to_owned());
    finish(command(args).spawn().unwrap()).quiet();
    let expected: Vec<Vec<String>> =
        all.iter().filter(|row| row[2].starts_with("2015-05-05")).cloned().collect();
    assert!(!expected.is_empty() && cells(&day) == expected);
    let said: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    let bytes: u64 = parts(&out).iter().map(|part| fs::metadata(part).unwrap().len()).sum();
    assert!(said["bytes_in"].as_u64().unwrap() < bytes / 3, "{said} of {bytes}");
}

#[test]
fn the_index_is_cut_as_is_said() {
    let (folder, input) = folder_with("in.csv", &text(2000));
    let out = folder.path().join("out");
    let line = "convert {} --to {} --set-index at --file-per-partition --progress none --divisions";
    run(&format!("{line} 2015-01,2015-05,2016"), &[&input, &out]).quiet();
    let firsts: Vec<String> = parts(&out).iter().map(|part| cells(part)[0][2].clone()).collect();
    assert_eq!(firsts.len(), 2);
    assert!(firsts[0].starts_with("2015-01-") && firsts[1].starts_with("2015-05-"), "{firsts:?}");
    assert_eq!(manifest(&out)["options"]["set_index"]["divisions"][1], "2015-05");
    let no = folder.path().join("no");
    let refused = |rest: &str, code: i32, known: &[&str]| {
        run(&format!("convert {{}} --to {{}} --progress none {rest}"), &[&input, &no]).refused(code, known);
        assert!(!no.exists());
    };
    refused("--set-index at --divisions 2015-02,2016", 1, &["before the first division", "Outside::Ends"]);
    refused("--set-index at --divisions 2016,2015", 1, &["expected ascending values"]);
    refused("--set-index at --sorted", 1, &["not in order of \"at\"", "partition 0 row"]);
    refused("--set-index att", 1, &["at"]);
    refused("--npartitions 3", 2, &["--set-index"]);
    refused("--set-index at --npartitions 3 --partition-size 1MiB", 2, &["cannot be used with"]);
    refused("--set-index at --outside ends", 2, &["--divisions"]);
    run(
        "convert {} --to {} --progress none --set-index at --divisions 2015-02,2015-03 --outside ends",
        &[&input, &no],
    )
    .quiet();
    assert_eq!(rows(&no).num_rows(), 2000);
}

#[test]
fn a_sort_that_died_goes_on_to_the_same_files() {
    let (folder, input) = folder_with("in.csv", &text(4000));
    for line in [
        "sort {} --to {} --by zone,fare --progress none --block-size 4KiB --file-per-partition",
        "convert {} --to {} --set-index at --npartitions 9 --progress none --block-size 4KiB --file-per-partition",
    ] {
        let (target, whole) = (folder.path().join("out"), folder.path().join("whole"));
        let report = folder.path().join("report.json");
        run(line, &[&input, &whole]).quiet();
        let mut reused = 0;
        for calls in [20, 35, 50] {
            let mut died = command(words(line, &[&input, &target]));
            died.env("PARTITA_FAULTS", format!("abort:{calls}"));
            assert_eq!(died.output().unwrap().status.code(), None, "{calls}");
            run(&format!("{line} --resume --report {{}}"), &[&input, &target, &report]).quiet();
            let found: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
            reused += found["parts_reused"].as_u64().unwrap();
            assert_eq!(contents(&target), contents(&whole), "{calls}");
            fs::remove_dir_all(&target).unwrap();
        }
        assert!(reused > 0);
        assert_eq!(names(folder.path()), ["in.csv", "report.json", "whole"]);
        fs::remove_dir_all(&whole).unwrap();
    }
}
