//! What is refused: the exit code, the words, and the target untouched.

use std::fs;

use crate::support::{contents, folder_with, names, run, testdata};

#[test]
fn wrong_usage_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let input = testdata("airlines.csv");
    let target = folder.path().join("out");
    let convert = "convert {} --to {} ";
    for (flags, word) in [
        ("--dtype carrier=Money", "Money"),
        ("--dtype carrier", "COL=TYPE"),
        ("--separator ;;", "one ASCII character"),
        ("--separator \"", "quote"),
        ("--compression zip", "zstd"),
        ("--compression zstd:99", "1 to 22"),
        ("--where carrier=", "column 9"),
        ("--memory-limit many", "many"),
        ("--memory-limit 1MiB", "128"),
        ("--part-size 1", "1 MiB"),
        ("--threads -1", "-1"),
        ("--scheduler cluster", "threaded"),
        ("--infer some", "sample"),
        ("--unheard-of", "--unheard-of"),
    ] {
        run(&format!("{convert}{flags}"), &[&input, &target]).refused(2, &[word]);
    }
    run("convert {}", &[&input]).refused(2, &["--to"]);
    run("convert --to x", &[]).refused(2, &["INPUT"]);
    run("convert - - --to {}", &[&target]).refused(2, &["twice"]);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn help_is_printed_and_teaches() {
    let all = run("--help", &[]).printed();
    for word in ["convert", "Examples:", "partita convert trips.csv --to trips", "Exit codes:"] {
        assert!(all.contains(word), "no {word:?} in:\n{all}");
    }
    let convert = run("convert --help", &[]).printed();
    for word in
        ["Writing Parquet:", "Running:", "Reporting:", "[default: 64MiB]", "Examples:", "single-threaded"]
    {
        assert!(convert.contains(word), "no {word:?} in:\n{convert}");
    }
    assert!(run("convert -h", &[]).printed().len() < convert.len());
}

#[test]
fn inputs_that_are_not_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    run("convert {}/none.csv --to {}", &[folder.path(), &target]).refused(1, &["none.csv", "No such file"]);
    run("head {}/*.csv", &[folder.path()]).refused(1, &["*.csv", "no such files"]);
    run("count s3://bucket/a.csv", &[]).refused(1, &["s3"]);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_cause_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run("head {}/none.csv", &[folder.path()]);
    assert_eq!(ran.err.matches("No such file").count(), 1, "{}", ran.err);
}

#[test]
fn a_wrong_value_names_its_place_and_the_way_out_and_changes_nothing() {
    let (folder, input) = folder_with("trips.csv", "id,fare\n1,2.5\n2,free\n3,4\n");
    let target = folder.path().join("out");
    run("convert {} --to {} --progress none", &[&testdata("airlines.csv"), &target]).quiet();
    let before = contents(&target);
    let line = "convert {} --to {} --overwrite --progress none --dtype fare=Float64";
    let ways = [
        "trips.csv: line 3, byte 16",
        "fare",
        "Float64",
        "\"free\"",
        "--dtype fare=Utf8",
        "--null-values free",
    ];
    run(line, &[&input, &target]).refused(1, &ways);
    assert_eq!(contents(&target), before);
    assert_eq!(names(folder.path()), ["out", "trips.csv"]);
    run(&format!("{line} --null-values free"), &[&input, &target]).quiet();
}

#[test]
fn columns_that_are_not_there_are_named_with_those_that_are() {
    let (folder, input) = folder_with("trips.csv", "id,fare\n1,2.5\n");
    let target = folder.path().join("out");
    for flags in ["--select fair", "--drop fair", "--where fair>1", "--dtype fair=Utf8", "--usecols fair"] {
        let line = format!("convert {{}} --to {{}} {flags}");
        run(&line, &[&input, &target]).refused(1, &["\"fair\"", "fare"]);
    }
    run("convert {} --to {} --where fare", &[&input, &target]).refused(1, &["fare"]);
    assert_eq!(names(folder.path()), ["trips.csv"]);
}

#[test]
fn the_input_is_not_written_over() {
    let (folder, input) = folder_with("trips.csv", "id\n1\n");
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::rename(&input, data.join("trips.csv")).unwrap();
    run("convert {}/trips.csv --to {} --overwrite", &[&data, &data]).refused(1, &["input", "another place"]);
    assert_eq!(fs::read_to_string(data.join("trips.csv")).unwrap(), "id\n1\n");
    assert_eq!(names(folder.path()), ["data"]);
}

/// A window that does not fit the limit is refused before it is there, and one beyond all limits by name.
#[test]
fn windows_of_decompressors_are_in_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (input, target) = (folder.path().join("in.csv.zst"), folder.path().join("out"));
    let packed = |log: u32| {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(log).unwrap();
        std::io::Write::write_all(&mut encoder, b"a,b\n1,2\n").unwrap();
        encoder.finish().unwrap()
    };
    let line = "convert {} --to {} --progress none --memory-limit 128MiB --overwrite";
    fs::write(&input, packed(24)).unwrap();
    run(line, &[&input, &target]).quiet();
    fs::write(&input, packed(27)).unwrap();
    run(line, &[&input, &target])
        .refused(1, &["read_csv needs", "raise memory_limit, or decompress the file first"]);
    fs::write(&input, b"\x28\xB5\x2F\xFD\x00\x98\x09\x00\x00a").unwrap();
    let words = ["compressed byte", "a window of 536870912 bytes; at most 134217728 are read"];
    run(line, &[&input, &target]).refused(1, &words);
    assert_eq!(names(folder.path()), ["in.csv.zst", "out"]);
}
