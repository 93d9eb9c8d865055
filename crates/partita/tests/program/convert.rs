//! `convert`: what is written, and how it appears.

use std::fs;

use partita::arrow::array::{Array, AsArray};
use partita::arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};

use crate::support::{contents, folder_with, lines, names, parts, rows, run, testdata, types};

#[test]
fn weather_is_typed_right_with_no_option_but_the_null_value() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("weather");
    run("convert {} --null-values NA --to {} --progress none", &[&testdata("weather.csv"), &target]).quiet();
    let written = rows(&target);
    let (int, float) = ("Int64", "Float64");
    let expected = [
        ("origin", "Utf8"),
        ("year", int),
        ("month", int),
        ("day", int),
        ("hour", int),
        ("temp", float),
        ("dewp", float),
        ("humid", float),
        ("wind_dir", int),
        ("wind_speed", float),
        ("wind_gust", float),
        ("precip", float),
        ("pressure", float),
        ("visib", float),
        ("time_hour", "Timestamp(us, \"UTC\")"),
    ];
    assert_eq!(types(&written), expected.map(|(name, data_type)| (name.to_owned(), data_type.to_owned())));

    let mut reader = csv::Reader::from_path(testdata("weather.csv")).unwrap();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(written.num_rows(), records.len());
    for (number, (_, data_type)) in expected.iter().enumerate() {
        let column = written.column(number);
        for (row, record) in records.iter().enumerate() {
            let text = &record[number];
            assert_eq!(column.is_null(row), text == "NA", "row {row}, column {number}");
            if text == "NA" {
                continue;
            }
            match *data_type {
                "Utf8" => assert_eq!(column.as_string::<i32>().value(row), text),
                "Int64" => {
                    assert_eq!(column.as_primitive::<Int64Type>().value(row), text.parse::<i64>().unwrap());
                }
                "Float64" => {
                    let value = column.as_primitive::<Float64Type>().value(row);
                    assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
                }
                _ => {
                    let time =
                        column.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row).unwrap();
                    assert_eq!(time.format("%Y-%m-%dT%H:%M:%SZ").to_string(), text);
                }
            }
        }
    }
}

#[test]
fn block_size_threads_and_scheduler_change_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let input = testdata("planes.csv");
    let whole = folder.path().join("whole");
    run("convert {} --null-values NA --to {} --progress none", &[&input, &whole]).quiet();
    let expected = rows(&whole);
    assert_eq!(expected.num_rows(), 3322);
    for (number, flags) in [
        "--block-size 1000 --threads 3",
        "--block-size 7KiB --scheduler single-threaded",
        "--block-size 100kB --memory-limit 128MiB --sync off",
    ]
    .iter()
    .enumerate()
    {
        let target = folder.path().join(format!("cut-{number}"));
        let line = format!("convert {{}} --null-values NA --to {{}} --progress none {flags}");
        run(&line, &[&input, &target]).quiet();
        assert_eq!(rows(&target), expected, "{flags}");
    }
}

#[test]
fn one_file_is_written_where_the_name_or_a_flag_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let input = testdata("airlines.csv");
    let (named, told) = (folder.path().join("airlines.parquet"), folder.path().join("airlines"));
    run("convert {} --to {} --progress none", &[&input, &named]).quiet();
    run("convert {} --to {} --single-file --progress none", &[&input, &told]).quiet();
    assert_eq!(names(folder.path()), ["airlines", "airlines.parquet"]);
    for file in [&named, &told] {
        assert!(file.is_file());
        assert_eq!(rows(file).num_rows(), 16);
        let opened = crate::support::opened(file);
        let keys = opened.metadata().file_metadata().key_value_metadata().unwrap();
        let manifest = keys.iter().find(|pair| pair.key == "partita.manifest").unwrap();
        let manifest: serde_json::Value = serde_json::from_str(manifest.value.as_ref().unwrap()).unwrap();
        assert_eq!(manifest["rows"], 16);
    }
}

#[test]
fn a_folder_holds_parts_and_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("deep/er/airports");
    run("convert {} --to {} --progress none", &[&testdata("airports.csv"), &target]).quiet();
    assert_eq!(parts(&target).len(), 1);
    let manifest = fs::read_to_string(target.join("_partita.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["rows"], 1458);
    assert_eq!(names(&target).len(), 2);
    assert_eq!(names(target.parent().unwrap()), ["airports"]);
}

#[test]
fn what_is_there_is_replaced_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    run("convert {} --to {} --progress none", &[&testdata("airlines.csv"), &target]).quiet();
    let before = contents(&target);
    run("convert {} --to {}", &[&testdata("airports.csv"), &target])
        .refused(1, &["not empty", "--overwrite"]);
    assert_eq!(contents(&target), before);
    run("convert {} --to {} --overwrite --progress none", &[&testdata("airports.csv"), &target]).quiet();
    assert_eq!(rows(&target).num_rows(), 1458);
    assert_eq!(names(folder.path()), ["out"]);
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    let input = testdata("weather.csv");
    let line =
        "convert {} --null-values NA --to {} --dry-run --compression snappy --select temp --where temp>90";
    let text = run(line, &[&input, &target]).printed();
    for word in ["would read", "2.19 MiB", "a folder", "snappy", "temp", "Float64", "ReadCsv", "filter"] {
        assert!(text.contains(word), "no {word:?} in:\n{text}");
    }
    assert!(!text.contains("wind_gust"), "{text}");
    assert_eq!(names(folder.path()), [""; 0]);

    fs::create_dir(&target).unwrap();
    fs::write(target.join("kept"), "x").unwrap();
    run(line, &[&input, &target]).refused(1, &["not empty"]);
    let one = run("convert {} --to {}/all.parquet --dry-run", &[&input, folder.path()]).printed();
    assert!(one.contains("one file"), "{one}");
}

#[test]
fn rows_and_columns_are_picked() {
    let text = "id,name,\"fare, total\"\n1,a,2.5\n2,b,0\n3,c,4\n";
    let (folder, input) = folder_with("trips.csv", text);
    let target = folder.path().join("out");
    let mut args = crate::support::words("convert {} --to {} --progress none", &[&input, &target]);
    args.extend(["--where", "\"fare, total\" > 0", "--select", "\"fare, total\",id"].map(str::to_owned));
    crate::support::finish(crate::support::command(args).spawn().unwrap()).quiet();
    assert_eq!(lines(&rows(&target)), ["2.5,1", "4.0,3"]);

    let fewer = folder.path().join("fewer");
    run("convert {} --to {} --drop name --n-rows 2 --progress none", &[&input, &fewer]).quiet();
    assert_eq!(lines(&rows(&fewer)), ["1,2.5", "2,0.0"]);
}

#[test]
fn several_inputs_are_one_table() {
    let (folder, first) = folder_with("a.csv", "id,name\n1,x\n");
    fs::write(folder.path().join("b.csv"), "name,id\ny,2\n").unwrap();
    let target = folder.path().join("out");
    run("convert {}/*.csv --to {} --include-path file --progress none", &[folder.path(), &target]).quiet();
    let written = rows(&target);
    assert_eq!(
        written.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        ["id", "name", "file"]
    );
    let paths = lines(&written);
    assert!(paths[0].starts_with("1,x,") && paths[0].ends_with("a.csv"), "{paths:?}");
    assert!(paths[1].starts_with("2,y,") && paths[1].ends_with("b.csv"), "{paths:?}");

    fs::write(&first, "id,other\n1,x\n").unwrap();
    let both = folder.path().join("both");
    run("convert {} {}/b.csv --to {}", &[&first, folder.path(), &both]).refused(1, &["a.csv", "b.csv"]);
    let line = "convert {} {}/b.csv --headers union --to {} --progress none";
    run(line, &[&first, folder.path(), &both]).quiet();
    assert_eq!(lines(&rows(&both)), ["1,x,null", "2,null,y"]);
}
