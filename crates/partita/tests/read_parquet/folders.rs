//! Folders that are called `name=value`, manifests, patterns.

use std::fs;
use std::path::Path;

use partita::arrow::array::{Array, AsArray};
use partita::arrow::datatypes::{Date32Type, Int64Type};

use super::*;
use crate::disk::CountingDisk;

/// A data set in folders of `zone` and `day`.
fn by_zone_and_day(folder: &Path) -> PathBuf {
    let input = written_csv(folder, 4000);
    let out = folder.join("by");
    session()
        .read_csv(&input)
        .load()
        .unwrap()
        .to_parquet(&out)
        .partition_on(["zone", "day"])
        .write()
        .unwrap();
    out
}

/// `(id, zone, day)` of all rows, in order of `id`.
fn rows(frame: &DataFrame) -> Vec<(i64, Option<String>, i32)> {
    let batch = joined(&frame.select(["id", "zone", "day"]));
    let (ids, zones, days) = (
        batch.column(0).as_primitive::<Int64Type>(),
        batch.column(1).as_string_view(),
        batch.column(2).as_primitive::<Date32Type>(),
    );
    let zone = |row| zones.is_valid(row).then(|| zones.value(row).to_owned());
    let mut rows: Vec<_> =
        (0..batch.num_rows()).map(|row| (ids.value(row), zone(row), days.value(row))).collect();
    rows.sort();
    rows
}

fn without_manifest(out: &Path) {
    fs::remove_file(out.join("_partita.json")).unwrap();
}

#[test]
fn folders_are_typed_columns() {
    let folder = tempfile::tempdir().unwrap();
    let out = by_zone_and_day(folder.path());
    let session = session();
    let expected = rows(&session.read_csv(folder.path().join("trips.csv")).load().unwrap());
    let frame = session.read_parquet(&out).load().unwrap();
    assert_eq!(rows(&frame), expected);
    assert_eq!(frame.columns().unwrap(), ["id", "at", "note", "fare", "paid", "zone", "day"]);
    without_manifest(&out);
    let frame = session.read_parquet(&out).load().unwrap();
    assert_eq!(rows(&frame), expected);
    assert_eq!(frame.schema().unwrap().field_with_name("day").unwrap().data_type(), &DataType::Date32);
    let text = session.read_parquet(&out).hive_type("day", "Utf8").load().unwrap();
    assert_eq!(text.schema().unwrap().field_with_name("day").unwrap().data_type(), &DataType::Utf8View);
    let plain = session.read_parquet(&out).hive(false).load().unwrap();
    assert_eq!(plain.columns().unwrap(), ["id", "at", "note", "fare", "paid"]);
    assert_eq!(plain.len().unwrap(), 4000);
    let pattern = format!("{}/zone=north/*/*.parquet", out.display());
    let north = session.read_parquet(pattern).load().unwrap();
    assert_eq!(north.len().unwrap(), 1000);
    assert!(north.columns().unwrap().contains(&"day".to_owned()));
    let paths = session.read_parquet(&out).include_path("file").load().unwrap();
    let batch = joined(&paths.select(["file", "zone"]));
    let (files, zones) = (batch.column(0).as_string_view(), batch.column(1).as_string_view());
    let is_south = |row: &usize| zones.is_valid(*row) && zones.value(*row) == "south";
    let south: Vec<usize> = (0..4000).filter(is_south).collect();
    assert_eq!(south.len(), 1000);
    assert!(south.iter().all(|row| files.value(*row).contains("/zone=south/")));
}

#[test]
fn filters_on_folders_leave_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = by_zone_and_day(folder.path());
    let (disk, counts) = CountingDisk::new();
    let session = Session::builder().memory_limit("256MiB").threads(2).disk(disk).build().unwrap();
    let read = |frame: &DataFrame| {
        counts.lock().unwrap().clear();
        let rows = frame.len().unwrap();
        let files: Vec<String> =
            counts.lock().unwrap().keys().map(|path| path.display().to_string()).collect();
        (rows, files)
    };
    let wanted = col("zone").eq(lit("south")).and(col("day").eq(lit("2024-01-02")));
    for with_manifest in [true, false] {
        if !with_manifest {
            without_manifest(&out);
        }
        let frame = session.read_parquet(&out).load().unwrap();
        // Row counts are known from footers and manifests.
        assert_eq!(read(&frame.filter(wanted.clone())), (360, Vec::new()));
        let (rows, files) = read(&frame.filter(wanted.clone().and(col("fare").gt(lit(0)))));
        assert!(rows > 0 && rows < 360, "{rows}");
        assert!(!files.is_empty(), "something has to be read");
        assert!(files.iter().all(|file| file.contains("zone=south/day=2024-01-02/")), "{files:?}");
        counts.lock().unwrap().clear();
        let picked = session.read_parquet(&out).filters(wanted.clone()).load().unwrap();
        let opened: Vec<_> = counts.lock().unwrap().keys().cloned().collect();
        let is_wanted = |path: &PathBuf| path.display().to_string().contains("zone=south/day=2024-01-02/");
        assert!(opened.iter().all(is_wanted), "{opened:?}");
        assert_eq!(picked.len().unwrap(), 360);
        let none = session.read_parquet(&out).filters(col("zone").eq(lit("nowhere"))).load().unwrap();
        assert_eq!((none.len().unwrap(), none.columns().unwrap().len()), (0, 7));
        assert_eq!(none.compute().unwrap().height(), 0);
    }
}

#[test]
fn folders_that_a_filter_excludes_may_hold_anything() {
    let folder = tempfile::tempdir().unwrap();
    let out = by_zone_and_day(folder.path());
    without_manifest(&out);
    for zone in fs::read_dir(&out).unwrap() {
        for day in fs::read_dir(zone.unwrap().path()).unwrap() {
            for file in fs::read_dir(day.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                if !path.to_str().unwrap().contains("zone=south/day=2024-01-02/") {
                    fs::write(&path, "no Parquet at all").unwrap();
                }
            }
        }
    }
    let session = session();
    let wanted = col("zone").eq(lit("south")).and(col("day").eq(lit("2024-01-02")));
    let frame = session.read_parquet(&out).filters(wanted).load().unwrap();
    assert_eq!(frame.compute().unwrap().height(), 360);
    let message = session.read_parquet(&out).load().unwrap_err().to_string();
    assert!(message.contains("expected a Parquet file"), "{message}");
}

#[test]
fn nulls_and_odd_texts_come_back_from_folders() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.csv");
    fs::write(&path, "key,n\n__HIVE_DEFAULT_PARTITION__,1\n,2\na/b=c,3\nK\u{f6}ln,4\n..,5\n").unwrap();
    let session = session();
    let out = folder.path().join("out");
    session.read_csv(&path).load().unwrap().to_parquet(&out).partition_on(["key"]).write().unwrap();
    for manifest in [true, false] {
        let frame = session.read_parquet(&out).manifest(manifest).load().unwrap();
        let batch = joined(&frame.select(["n", "key"]));
        let (numbers, keys) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_string_view());
        let mut found: Vec<(i64, Option<&str>)> = (0..batch.num_rows())
            .map(|row| (numbers.value(row), keys.is_valid(row).then(|| keys.value(row))))
            .collect();
        found.sort_unstable();
        let expected =
            [Some("__HIVE_DEFAULT_PARTITION__"), None, Some("a/b=c"), Some("K\u{f6}ln"), Some("..")];
        assert_eq!(found, (1..).zip(expected).collect::<Vec<_>>());
        assert_eq!(frame.filter(col("key").is_null()).len().unwrap(), 1);
    }
}

#[test]
fn a_manifest_says_what_belongs_to_a_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 100);
    let session = session();
    let out = folder.path().join("out");
    session.read_csv(&input).load().unwrap().to_parquet(&out).write().unwrap();
    fs::copy(out.join("part-00000.parquet"), out.join("other.parquet")).unwrap();
    let len = |manifest| session.read_parquet(&out).manifest(manifest).load().unwrap().len().unwrap();
    assert_eq!((len(true), len(false)), (100, 200));
    fs::write(out.join("part-00000.parquet"), "short").unwrap();
    let message = session.read_parquet(&out).load().unwrap_err().to_string();
    assert!(message.contains("part-00000.parquet has") && message.contains("manifest(false)"), "{message}");
    fs::write(out.join("_partita.json"), "{}").unwrap();
    let message = session.read_parquet(&out).load().unwrap_err().to_string();
    assert!(message.contains("_partita.json of version none"), "{message}");
    let away = r#"{"version":1,"created_by":"x","inputs":[],"options":null,"write":{},"schema":[],"rows":1,
        "parts":[{"name":"../trips.csv","rows":1,"row_groups":1}]}"#;
    fs::write(out.join("_partita.json"), away).unwrap();
    let message = session.read_parquet(&out).load().unwrap_err().to_string();
    assert!(message.contains("../trips.csv") || message.contains("damaged"), "{message}");
}
