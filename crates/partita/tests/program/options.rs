//! Options of writing, running and reporting.

use std::fs;

use parquet::basic::Compression;
use serde_json::Value;

use crate::support::{names, opened, parts, run, testdata};

#[test]
fn parquet_is_written_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("weather.parquet");
    let line = "convert {} --null-values NA --to {} --progress none --compression snappy --row-group-rows 10000 \
                --page-rows 1000 --statistics none --metadata source=nycflights13 --column-compression origin=none \
                --column-encoding hour=plain --no-dictionary";
    run(line, &[&testdata("weather.csv"), &target]).quiet();
    let file = opened(&target);
    let metadata = file.metadata();
    assert!(metadata.row_groups().iter().all(|group| group.num_rows() <= 10_000));
    assert_eq!(metadata.file_metadata().num_rows(), 26_115);
    let group = metadata.row_group(0);
    assert_eq!(group.column(0).compression(), Compression::UNCOMPRESSED);
    assert_eq!(group.column(1).compression(), Compression::SNAPPY);
    assert!(group.column(5).statistics().is_none());
    assert!(group.columns().iter().all(|column| column.dictionary_page_offset().is_none()));
    let keys = metadata.file_metadata().key_value_metadata().unwrap();
    let source = keys.iter().find(|pair| pair.key == "source").unwrap();
    assert_eq!(source.value.as_deref(), Some("nycflights13"));
}

#[test]
fn parts_are_cut_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (one, each) = (folder.path().join("one"), folder.path().join("each"));
    let input = testdata("weather.csv");
    let line = "convert {} --null-values NA --block-size 512KiB --progress none --to {}";
    run(line, &[&input, &one]).quiet();
    assert_eq!(parts(&one).len(), 1);
    run(&format!("{line} --file-per-partition"), &[&input, &each]).quiet();
    assert_eq!(parts(&each).len(), 5);
}

#[test]
fn the_report_is_json_with_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let (target, report) = (folder.path().join("out"), folder.path().join("report.json"));
    let input = testdata("weather.csv");
    let line = "convert {} --null-values NA --to {} --progress none --report {}";
    run(line, &[&input, &target, &report]).quiet();
    let text = fs::read_to_string(&report).unwrap();
    let found: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let mut keys: Vec<&str> = found.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "bytes_in",
            "bytes_out",
            "columns_widened",
            "folders",
            "parts_reused",
            "parts_written",
            "peak_memory_bytes",
            "rows",
            "rows_quarantined",
            "seconds"
        ]
    );
    assert_eq!(found["rows"], 26_115);
    assert_eq!(found["parts_written"], 1);
    assert_eq!(found["folders"], 0);
    assert_eq!(found["bytes_in"], fs::metadata(&input).unwrap().len());
    let written: u64 = parts(&target).iter().map(|part| fs::metadata(part).unwrap().len()).sum();
    assert_eq!(found["bytes_out"], written);
    assert!(found["seconds"].as_f64().unwrap() > 0.0);
    let memory = found["peak_memory_bytes"].as_u64().unwrap();
    assert!((1 << 20..4 << 30).contains(&memory), "{memory}");
    assert_eq!(names(folder.path()), ["out", "report.json"]);
}

#[test]
fn rows_go_to_folders_by_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (target, report) = (folder.path().join("out"), folder.path().join("report.json"));
    let input = testdata("weather.csv");
    let line = "convert {} --null-values NA --to {} --partition-on origin,month --progress none --report {}";
    let said = run(&format!("{line} --dry-run"), &[&input, &target, &report]).printed();
    assert!(said.contains("folders origin=../month=../ of parts"), "{said}");
    run(line, &[&input, &target, &report]).quiet();
    let found: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!(
        (&found["rows"], &found["folders"], &found["parts_written"]),
        (&26_115.into(), &36.into(), &36.into())
    );
    assert_eq!(names(&target), ["_partita.json", "origin=EWR", "origin=JFK", "origin=LGA"]);
    assert_eq!(names(&target.join("origin=JFK")).len(), 12);
    // What is complete is left alone.
    let again = run(&format!("{line} --resume --overwrite"), &[&input, &target, &report]);
    assert_eq!((again.code, again.err.as_str()), (0, "note: the target is complete: nothing was written\n"));
    let file = folder.path().join("x.parquet");
    run("convert {} --to {} --partition-on origin", &[&input, &file])
        .refused(1, &["the target is a single file"]);
    run("convert {} --to {} --partition-on origin --single-file", &[&input, &target])
        .refused(2, &["--single-file"]);
}

#[test]
fn a_report_that_cannot_be_written_is_refused_first() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let input = testdata("airlines.csv");
    let missing = folder.path().join("none/report.json");
    run("convert {} --to {} --report {}", &[&input, &target, &missing]).refused(1, &["none/report.json"]);
    fs::create_dir(&target).unwrap();
    run("convert {} --to {} --report {}", &[&input, &target, &target.join("r.json")])
        .refused(2, &["in the target"]);
    assert_eq!(names(&target), [""; 0]);
}

#[test]
fn progress_goes_to_standard_error_in_the_form_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let input = testdata("airports.csv");
    for (mode, is_last) in [("auto", "1,458 rows"), ("plain", "1,458 rows"), ("json", "\"event\":\"done\"")] {
        let target = folder.path().join(mode);
        let ran = run(&format!("convert {{}} --to {{}} --progress {mode}"), &[&input, &target]);
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
        assert!(ran.err.lines().last().unwrap().contains(is_last), "{}", ran.err);
        if mode == "json" {
            let last: Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
            assert_eq!(last["rows"], 1458);
        }
    }
}
