//! Rows that go to folders by their keys.

use std::collections::BTreeMap;

use super::jobs::{PARTITIONS, snapshot};
use super::*;

/// One part of a folder: its keys, and the numbers in it.
type Folders = BTreeMap<String, Vec<i64>>;

fn keyed() -> DatasetOptions {
    let mut options = options();
    write_of(&mut options).partition_on = vec!["text".to_owned()];
    write_of(&mut options).columns = plain();
    write_of(&mut options).part_bytes = PART_BYTES_MIN;
    options.inputs = vec![InputFingerprint { path: "in.csv".to_owned(), bytes: 7, modified_ns: 1 }];
    options.plan = Some(PlanFingerprint::of(["in"]));
    options
}

/// Writes a partition whose row groups have these keys, and ever higher numbers from `first` on.
fn write_keys(dataset: &Dataset, partition: usize, first: i64, keys: &[(&str, usize)]) -> Result<()> {
    let mut known = PartitionKeys::new(&schema(), &["text".to_owned()]).unwrap();
    let mut next = first;
    for (index, &(key, rows)) in keys.iter().enumerate() {
        let numbers = Int64Array::from_iter_values(next..next + rows as i64);
        next += rows as i64;
        let texts = StringViewArray::from_iter_values(std::iter::repeat_n(key, rows));
        let batch = RecordBatch::try_new(schema(), vec![Arc::new(numbers), Arc::new(texts)]).unwrap();
        let number = known.numbers(&batch).unwrap()[0];
        let row_group = encode(dataset, &batch.project(&[0]).unwrap());
        dataset.write_row_group(
            partition,
            index,
            row_group.with_key(Arc::clone(known.key(number).unwrap())),
        )?;
    }
    dataset.close_partition(partition, keys.len(), (next - first) as u64)
}

fn folders(target: &Path) -> Folders {
    let mut folders = Folders::new();
    for part in read_manifest(target).parts {
        let (folder, _) = part.name.rsplit_once('/').expect("a folder");
        let found = numbers(&[target.join(&part.name)]);
        assert_eq!(found.len() as u64, part.rows);
        folders.entry(folder.to_owned()).or_default().extend(found);
    }
    let in_folders: usize =
        snapshot(target).keys().filter(|path| path.extension().unwrap() == "parquet").count();
    assert_eq!(in_folders, read_manifest(target).parts.len());
    folders
}

#[test]
fn keys_are_in_names_and_in_the_manifest() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let dataset = create(&target, keyed()).unwrap();
    write_keys(&dataset, 0, 0, &[("a/b", 3), ("", 2)]).unwrap();
    write_keys(&dataset, 1, 5, &[("", 1), ("a/b", 4)]).unwrap();
    let written = dataset.commit(Some(10)).unwrap();
    assert_eq!((written.rows, written.folders, written.files.len()), (10, 2, 2));
    assert_eq!(listing(&target), [MANIFEST_NAME, "text=", "text=a%2Fb"]);
    let expected =
        [("text=".to_owned(), vec![3, 4, 5]), ("text=a%2Fb".to_owned(), vec![0, 1, 2, 6, 7, 8, 9])];
    assert_eq!(folders(&target), expected.into());
    let manifest = read_manifest(&target);
    let values: Vec<_> = manifest.parts.iter().map(|part| part.values["text"].as_deref()).collect();
    assert_eq!(values, [Some(""), Some("a/b")], "in the order in which they had rows last");
    let columns: Vec<_> =
        manifest.schema.iter().map(|column| (column.name.as_str(), column.in_folders)).collect();
    assert_eq!(columns, [("n", false), ("text", true)]);
    assert_eq!(manifest.write.partition_on(), ["text"]);
}

#[test]
fn more_keys_than_files_may_be_open() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let dataset = create(&target, keyed()).unwrap();
    let names: Vec<String> = (0..100).map(|n| format!("k{n}")).collect();
    let keys: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 2)).collect();
    let mut expected = Folders::new();
    for partition in 0..3_i64 {
        write_keys(&dataset, partition as usize, partition * 200, &keys).unwrap();
        for (at, name) in (0..).zip(&names) {
            let first = partition * 200 + 2 * at;
            expected.entry(format!("text={name}")).or_default().extend([first, first + 1]);
        }
    }
    let written = dataset.commit(Some(600)).unwrap();
    assert_eq!(folders(&target), expected);
    assert_eq!(
        (written.folders, written.files.len()),
        (100, 300),
        "each was ended before its next rows came"
    );
}

/// Row groups of so many numbers that eight parts are full after three partitions.
const MANY: usize = 200_000;

fn write_large(dataset: &Dataset, partitions: std::ops::Range<usize>) {
    for partition in partitions {
        let first = (partition * 2 * MANY) as i64;
        write_keys(dataset, partition, first, &[("a", MANY), ("b", MANY)]).unwrap();
    }
}

#[test]
fn an_interrupted_job_goes_on_after_the_last_time_that_all_was_ended() {
    let home = tempfile::tempdir().unwrap();
    let (target, other) = (home.path().join("out"), home.path().join("other"));
    let resuming = || DatasetOptions { resume: true, partitions: Some(6), ..keyed() };
    let dataset = create(&other, keyed()).unwrap();
    write_large(&dataset, 0..6);
    dataset.commit(None).unwrap();
    let expected: Vec<_> = snapshot(&other)
        .into_iter()
        .map(|(path, bytes)| (path.strip_prefix(&other).unwrap().to_path_buf(), bytes))
        .filter(|(path, _)| path.as_os_str() != MANIFEST_NAME)
        .collect();

    let dataset = create(&target, resuming()).unwrap();
    write_large(&dataset, 0..5);
    drop(dataset);
    assert!(!target.exists());
    let dataset = create(&target, resuming()).unwrap();
    assert_eq!(dataset.first_partition(), 3, "eight MiB of numbers");
    write_large(&dataset, 3..6);
    let written = dataset.commit(None).unwrap();
    assert_eq!(written.rows, 12 * MANY as u64);
    assert_eq!(written.parts_reused, 6, "two keys, a full part in each partition");
    let got: Vec<_> = snapshot(&target)
        .into_iter()
        .map(|(path, bytes)| (path.strip_prefix(&target).unwrap().to_path_buf(), bytes))
        .filter(|(path, _)| path.as_os_str() != MANIFEST_NAME)
        .collect();
    assert!(got == expected);
    assert_eq!(listing(home.path()), ["other", "out"]);
}

#[test]
fn more_is_added_in_old_and_new_folders() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let run = |keys: &[(&str, usize)], append| {
        let dataset = create(&target, DatasetOptions { append, ..keyed() })?;
        write_keys(&dataset, 0, 0, keys)?;
        dataset.commit(None)
    };
    run(&[("a", 2), ("b", 1)], false).unwrap();
    let written = run(&[("c", 1), ("a", 2)], true).unwrap();
    assert_eq!((written.replaced, written.folders), (Replaced::Extended, 2));
    let expected = [
        ("text=a".to_owned(), vec![0, 1, 1, 2]),
        ("text=b".to_owned(), vec![2]),
        ("text=c".to_owned(), vec![0]),
    ];
    assert_eq!(folders(&target), expected.into());
    let names: Vec<_> = read_manifest(&target).parts.into_iter().map(|part| part.name).collect();
    assert_eq!(
        names,
        [
            "text=a/part-00000.parquet",
            "text=b/part-00001.parquet",
            "text=c/part-00002.parquet",
            "text=a/part-00003.parquet"
        ]
    );

    let plain = refusal(&target, DatasetOptions { append: true, ..options() });
    assert!(matches!(plain.kind(), ErrorKind::SchemaDrift { .. }), "{plain}");
    assert!(plain.to_string().contains("\"text\" was Utf8View in the names of folders"), "{plain}");
}

#[test]
fn no_rows_make_no_files() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let dataset = create(&target, DatasetOptions { partitions: Some(PARTITIONS), ..keyed() }).unwrap();
    for partition in 0..PARTITIONS {
        dataset.close_partition(partition, 0, 0).unwrap();
    }
    let written = dataset.commit(Some(0)).unwrap();
    assert_eq!((written.rows, written.folders, written.files.len()), (0, 0, 0));
    assert_eq!(listing(&target), [MANIFEST_NAME]);
}

#[test]
fn a_single_file_has_no_folders() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("x.parquet");
    let error = refusal(&target, keyed());
    assert!(matches!(error.kind(), ErrorKind::FoldersInFile { .. }), "{error}");
    let error = Dataset::check(&target, schema(), &keyed()).unwrap_err();
    assert!(error.to_string().contains("name a folder, or leave partition_on out"), "{error}");
    assert!(listing(home.path()).is_empty());
}

#[test]
fn pages_may_wait_in_a_file_of_the_data_set() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let dataset = create(&target, options()).unwrap();
    let file = dataset.page_file().unwrap();
    let mut row_group = encode(&dataset, &rows(0, 5000));
    assert!(row_group.spill(&file, 0).unwrap() > 0);
    file.rest();
    drop(file);
    dataset.write_row_group(0, 0, row_group).unwrap();
    dataset.close_partition(0, 1, 5000).unwrap();
    let written = dataset.commit(Some(5000)).unwrap();
    assert_eq!(numbers(&written.files), (0..5000).collect::<Vec<_>>());
    assert!(dataset.page_file().is_err());
    assert_eq!(listing(home.path()), ["out"]);
}
