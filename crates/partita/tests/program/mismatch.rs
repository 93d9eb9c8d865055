//! Values that do not fit, and what a conversion does with them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, command, finish, folder_with, lines, names, rows, run, types, words};

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

#[test]
fn records_that_do_not_fit_are_set_aside_when_asked() {
    let (folder, input) = folder_with("in.csv", "id,fare\n1,2.5\n2,n/a\n3,4,5\n4,\n\"5\r\n\",0.5\n");
    let (target, report_path) = (folder.path().join("out"), folder.path().join("report.json"));
    let flags =
        "--on-mismatch quarantine --dtype id=Int64 --dtype fare=Float64 --block-size 3 --progress none";
    let line = format!("convert {{}} --to {{}} --report {{}} {flags}");
    let ran = run(&line, &[&input, &target, &report_path]);
    let aside = target.join("_partita_quarantine.ndjson");
    assert_eq!(
        noted(&ran),
        format!("note: 3 records did not fit and are set aside in {}\n", aside.display())
    );
    assert_eq!(lines(&rows(&target)), ["1,2.5", "4,null"]);
    let report = report(&report_path);
    assert_eq!((&report["rows"], &report["rows_quarantined"]), (&2.into(), &3.into()));
    assert_eq!(names(&target), ["_partita.json", "_partita_quarantine.ndjson", "part-00000.parquet"]);
    let told: Vec<Value> =
        fs::read_to_string(&aside).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let place = |line: &Value| (line["line"].as_u64().unwrap(), line["reason"].as_str().unwrap().to_owned());
    assert_eq!(
        told.iter().map(place).collect::<Vec<_>>(),
        [(3, "value".into()), (4, "too many fields".into()), (6, "value".into())]
    );
    assert_eq!(told[2]["record"], "\"5\r\n\",0.5");
    // The same from a compressed file, as one file, and with nothing set aside.
    let packed = folder.path().join("in.csv.zst");
    fs::write(&packed, zstd::bulk::compress(&fs::read(&input).unwrap(), 1).unwrap()).unwrap();
    let single = folder.path().join("one.parquet");
    let line = format!("convert {{}} --to {{}} {flags}");
    let ran = run(&line, &[&packed, &single]);
    let beside = folder.path().join("one.parquet.quarantine.ndjson");
    assert!(noted(&ran).ends_with(&format!("set aside in {}\n", beside.display())), "{ran:?}");
    let text = fs::read_to_string(&aside).unwrap().replace("in.csv", "in.csv.zst");
    assert_eq!(fs::read_to_string(&beside).unwrap(), text);
    fs::write(&input, "id,fare\n1,2.5\n").unwrap();
    run(&format!("{line} --overwrite"), &[&input, &target]).quiet();
    assert_eq!(names(&target), ["_partita.json", "part-00000.parquet"]);
}

/// Parts of an earlier run are kept, but what they hold counts for the wider type.
#[test]
fn a_job_that_goes_on_looks_at_everything_before_it_widens() {
    // The first part holds a number that no float holds, the last a fraction.
    let mut text = String::from("n\n9007199254740993\n");
    for row in 0..400 {
        text.push_str(&format!("{row}\n"));
    }
    let (folder, input) = folder_with("in.csv", &text);
    let (target, expected) = (folder.path().join("out"), folder.path().join("expected"));
    fs::write(&input, text + "2.5\n").unwrap();
    let line = format!(
        "convert {{}} --to {{}} --on-mismatch widen --block-size 100 --file-per-partition --threads 1 {SAMPLE}"
    );
    noted(&run(&line, &[&input, &expected]));
    let line = line + " --resume";
    let mut kept = 0;
    for write in [3, 12, 30, 50, 80] {
        let mut broken = command(words(&line, &[&input, &target]));
        let broken = finish(broken.env("PARTITA_FAULTS", format!("write:{write}:EIO")).spawn().unwrap());
        if broken.code != 0 {
            kept += usize::from(names(folder.path()).len() > 2);
            let ran = run(&line, &[&input, &target]);
            assert!(noted(&ran).contains("\"n\" from Int64 to Utf8, "), "{ran:?}");
        }
        assert_eq!(lines(&rows(&target)), lines(&rows(&expected)));
        // What is complete stays.
        let ran = run(&line, &[&input, &target]);
        assert_eq!(noted(&ran), "note: the target is complete: nothing was written\n");
        fs::remove_dir_all(&target).unwrap();
    }
    assert!(kept > 0, "no run left anything to go on from");
    assert_eq!(names(folder.path()), ["expected", "in.csv"]);
}

/// Lines go on where a job goes on, and are added to where a data set is.
#[test]
fn lines_survive_with_their_parts() {
    let mut text = String::from("n\n");
    for row in 0..300 {
        text.push_str(&if row % 7 == 0 { format!("x{row}\n") } else { format!("{row}\n") });
    }
    let (folder, input) = folder_with("in.csv", &text);
    let (target, expected) = (folder.path().join("out"), folder.path().join("expected"));
    let line = "convert {} --to {} --on-mismatch quarantine --dtype n=Int64 --block-size 50 --file-per-partition \
                --threads 1 --progress none --report {}";
    let told = folder.path().join("report.json");
    noted(&run(line, &[&input, &expected, &told]));
    let name = "_partita_quarantine.ndjson";
    let aside = fs::read_to_string(expected.join(name)).unwrap();
    assert_eq!((aside.lines().count(), report(&told)["rows_quarantined"].as_u64()), (43, Some(43)));
    let resumes = format!("{line} --resume");
    let mut kept = 0;
    for write in [3, 12, 30, 50, 80] {
        let mut broken = command(words(&resumes, &[&input, &target, &told]));
        let broken = finish(broken.env("PARTITA_FAULTS", format!("write:{write}:EIO")).spawn().unwrap());
        if broken.code != 0 {
            noted(&run(&resumes, &[&input, &target, &told]));
            kept += report(&told)["parts_reused"].as_u64().unwrap();
        }
        assert_eq!(fs::read_to_string(target.join(name)).unwrap(), aside);
        assert_eq!(report(&told)["rows_quarantined"], 43);
        assert_eq!(lines(&rows(&target)), lines(&rows(&expected)));
        fs::remove_dir_all(&target).unwrap();
    }
    assert!(kept > 0, "no run left anything to go on from");
    fs::write(&input, "n\n1\ny\n").unwrap();
    noted(&run(&format!("{line} --append"), &[&input, &expected, &told]));
    let grown = fs::read_to_string(expected.join(name)).unwrap();
    assert!(grown.starts_with(&aside) && grown.lines().count() == 44, "{grown}");
    assert_eq!(report(&told)["rows_quarantined"], 1);
}
