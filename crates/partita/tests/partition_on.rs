//! Rows in folders by their keys, against a map of lists made from the input's own rows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use partita::Session;
use proptest::prelude::*;

type Rows = BTreeMap<String, Vec<(i64, Option<String>)>>;

/// What a reader makes of `NAME=VALUE`, by hand.
fn folder(name: &str, value: Option<&str>) -> String {
    let Some(value) = value else { return format!("{name}=__HIVE_DEFAULT_PARTITION__") };
    let encode = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => char::from(byte).to_string(),
        b'.' if value != "." && value != ".." => ".".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    format!("{name}={}", value.bytes().map(encode).collect::<String>())
}

/// Files below a folder with their bytes, by their names relative to it.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Rows of each folder, part after part.
fn rows(root: &Path) -> Rows {
    let mut rows = Rows::new();
    for path in files(root).into_keys().filter(|path| path.extension().is_some_and(|end| end == "parquet")) {
        let folder = path.parent().unwrap().to_str().unwrap().to_owned();
        let file = File::open(root.join(&path)).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            assert_eq!(batch.num_columns(), 2, "keys are not in the files");
            let (numbers, texts) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1));
            let texts = texts.as_string::<i32>();
            let text = |row| texts.is_valid(row).then(|| texts.value(row).to_owned());
            let found = (0..batch.num_rows()).map(|row| (numbers.value(row), text(row)));
            rows.entry(folder.clone()).or_default().extend(found);
        }
    }
    rows
}

fn session(threads: usize) -> Session {
    Session::builder().threads(threads).memory_limit("400MiB").build().unwrap()
}

#[test]
fn rows_are_where_their_keys_say() {
    let home = tempfile::tempdir().unwrap();
    let input = home.path().join("in.csv");
    let text = "n,day,zone,flag,note\n1,2024-01-31,a/b,true,x\n2,2024-02-01,,false,\n3,2024-01-31,a/b,true,y\n\
                4,,é,true,z\n5,2024-01-31,a/b,,w\n";
    fs::write(&input, text).unwrap();
    let target = home.path().join("out");
    let frame = session(2).read_csv(input.to_str().unwrap()).dtypes([("day", "date")]).load().unwrap();
    let written = frame.to_parquet(&target).partition_on(["day", "zone", "flag"]).write().unwrap();
    assert_eq!((written.rows, written.folders), (5, 4));
    let expected: Rows = [
        ("day=2024-01-31/zone=a%2Fb/flag=true", vec![(1, "x"), (3, "y")]),
        ("day=2024-02-01/zone=__HIVE_DEFAULT_PARTITION__/flag=false", vec![(2, "")]),
        ("day=__HIVE_DEFAULT_PARTITION__/zone=%C3%A9/flag=true", vec![(4, "z")]),
        ("day=2024-01-31/zone=a%2Fb/flag=__HIVE_DEFAULT_PARTITION__", vec![(5, "w")]),
    ]
    .into_iter()
    .map(|(folder, rows)| {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        (folder.to_owned(), rows.into_iter().map(|(n, note)| (n, text(note))).collect())
    })
    .collect();
    assert_eq!(rows(&target), expected);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(target.join("_partita.json")).unwrap()).unwrap();
    let parts = manifest["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 4);
    let first = parts.iter().find(|part| part["rows"] == 2).unwrap();
    assert_eq!(first["name"], "day=2024-01-31/zone=a%2Fb/flag=true/part-00000.parquet");
    assert_eq!(first["values"], serde_json::json!({"day": "2024-01-31", "zone": "a/b", "flag": "true"}));
}

#[test]
fn keys_that_cannot_be_are_refused_before_anything_is_read() {
    let home = tempfile::tempdir().unwrap();
    let input = home.path().join("in.csv");
    fs::write(&input, "a,f\n1,1.5\n").unwrap();
    let frame = session(1).read_csv(input.to_str().unwrap()).load().unwrap();
    let refused = |keys: &[&str], target: &str| {
        let writer = frame.to_parquet(home.path().join(target)).partition_on(keys.iter().copied());
        let error = writer.check().unwrap_err().to_string();
        assert_eq!(writer.write().unwrap_err().to_string(), error);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        error
    };
    assert!(refused(&["f"], "out").contains("column \"f\" is Float64"));
    assert!(refused(&["g"], "out").contains("no column \"g\"; there are a, f"));
    assert!(refused(&["a", "f"], "out").contains("\"f\" is Float64"));
    assert!(refused(&["a"], "x.parquet").contains("the target is a single file"));
}

#[test]
fn more_is_added_and_an_old_job_is_complete() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let write = |name: &str, text: &str, resume| {
        let input = home.path().join(name);
        if !input.exists() {
            fs::write(&input, text).unwrap();
        }
        let frame = session(2).read_csv(input.to_str().unwrap()).load().unwrap();
        frame.to_parquet(&target).partition_on(["k"]).append(true).resume(resume).write().unwrap()
    };
    write("one.csv", "n,k,t\n1,a,x\n2,b,x\n", false);
    write("two.csv", "n,k,t\n3,c,x\n4,a,x\n", false);
    let again = write("two.csv", "", true);
    assert_eq!(again.parts_reused, again.files.len());
    let x = || Some("x".to_owned());
    let expected: Rows = [
        ("k=a".to_owned(), vec![(1, x()), (4, x())]),
        ("k=b".to_owned(), vec![(2, x())]),
        ("k=c".to_owned(), vec![(3, x())]),
    ]
    .into();
    assert_eq!(rows(&target), expected);
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Odd keys, any blocks, any threads: the same files, with all rows in their folders, in the order of the input.
    #[test]
    fn any_keys_blocks_and_threads(
        lines in prop::collection::vec(
            (prop::option::of("[a-c./%= é_\u{301}\u{7}-]{1,4}"), prop::option::of("[a-z,\n]{1,9}")), 1..300),
        block in 1..4000_u64,
        threads in 2..5_usize,
    ) {
        let home = tempfile::tempdir().unwrap();
        let input = home.path().join("in.csv");
        let mut text = "n,k,t\n".to_owned();
        let mut expected = Rows::new();
        for (n, (key, note)) in lines.iter().enumerate() {
            let field = |text: &Option<String>| text.as_deref().map_or_else(String::new, quoted);
            text += &format!("{n},{},{}\n", field(key), field(note));
            expected.entry(folder("k", key.as_deref())).or_default().push((n as i64, note.clone()));
        }
        fs::write(&input, text).unwrap();
        let write = |threads, target: &Path| {
            let reader = session(threads).read_csv(input.to_str().unwrap());
            let reader = reader.dtypes([("k", "text"), ("t", "text")]).block_size(block);
            reader.load().unwrap().to_parquet(target).partition_on(["k"]).sync(false).write().unwrap()
        };
        let (one, many) = (home.path().join("one"), home.path().join("many"));
        let written = write(1, &one);
        prop_assert_eq!(written.folders, expected.len());
        prop_assert_eq!(rows(&one), expected);
        write(threads, &many);
        prop_assert!(files(&one) == files(&many), "the same bytes whatever the threads");
    }
}
