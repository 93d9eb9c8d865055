//! Adding to a data set.

use std::os::unix::fs::MetadataExt;

use super::jobs::{PARTITIONS, job, run};
use super::*;

fn appending(name: &str) -> DatasetOptions {
    DatasetOptions { append: true, ..job(name) }
}

#[test]
fn new_parts_follow_the_old_ones() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    run(&target, appending("one")).unwrap();
    assert_eq!(read_manifest(&target).inputs.len(), 1, "nothing was there: written as ever");
    let inode = |name: &str| fs::metadata(target.join(name)).unwrap().ino();
    let before = inode("part-00000.parquet");
    fs::write(target.join("README"), "mine").unwrap();
    fs::write(target.join("part-00007.parquet"), "mine too").unwrap();

    let written = run(&target, appending("two")).unwrap();
    assert_eq!((written.replaced, written.rows, written.files.len()), (Replaced::Extended, 40, PARTITIONS));
    assert_eq!(written.files[0], target.join("part-00008.parquet"), "after all that is there");
    assert_eq!(inode("part-00000.parquet"), before, "the same file");
    assert_eq!(fs::read_to_string(target.join("README")).unwrap(), "mine");
    let manifest = read_manifest(&target);
    let inputs: Vec<_> = manifest.inputs.iter().map(|input| input.path.as_str()).collect();
    assert_eq!((manifest.rows, inputs, manifest.set_aside), (80, vec!["one.csv", "two.csv"], 4));
    let files: Vec<PathBuf> = manifest.parts.iter().map(|part| target.join(&part.name)).collect();
    assert_eq!(numbers(&files), (0..40).chain(0..40).collect::<Vec<_>>());
    let aside = fs::read_to_string(target.join(QUARANTINE_NAME)).unwrap();
    assert_eq!(aside, "{\"line\": 1}\n{\"line\": 2}\n".repeat(2));
    assert_eq!(listing(home.path()), ["out"]);

    // The same again is added again, unless it is asked to go on.
    run(&target, appending("two")).unwrap();
    assert_eq!(read_manifest(&target).rows, 120);
    let again = run(&target, DatasetOptions { resume: true, ..appending("two") }).unwrap();
    assert_eq!((again.replaced, read_manifest(&target).rows), (Replaced::Unchanged, 120));
}

#[test]
fn nothing_new_adds_no_part() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    run(&target, job("one")).unwrap();
    let mut options = appending("two");
    write_of(&mut options).file_per_partition = false;
    options.partitions = Some(1);
    let dataset = create(&target, options).unwrap();
    dataset.close_partition(0, 0, 0).unwrap();
    let written = dataset.commit(Some(0)).unwrap();
    assert!(written.files.is_empty());
    assert_eq!((read_manifest(&target).parts.len(), read_manifest(&target).inputs.len()), (PARTITIONS, 2));
}

#[test]
fn what_is_no_data_set_of_this_version_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("a.parquet"), "x").unwrap();
    let refused = |words: &str| {
        let error = refusal(&target, appending("new"));
        assert!(matches!(error.kind(), ErrorKind::NotADataset { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        let error = Dataset::check(&target, schema(), &appending("new")).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(listing(home.path()), ["out"]);
    };
    refused("has no _partita.json");
    fs::write(target.join(MANIFEST_NAME), "{\"version\": 2}").unwrap();
    refused("version 2, and this is version 1");
    fs::write(target.join(MANIFEST_NAME), "{}").unwrap();
    refused("version none");
    fs::write(target.join(MANIFEST_NAME), "{\"version\": 1}").unwrap();
    refused("damaged");
}

#[test]
fn a_single_file_cannot_be_added_to() {
    let home = tempfile::tempdir().unwrap();
    for single_file in [true, false] {
        let error =
            refusal(&home.path().join("x.parquet"), DatasetOptions { single_file, ..appending("new") });
        assert!(matches!(error.kind(), ErrorKind::WrongKind { found: "a single file", .. }), "{error}");
    }
}

#[test]
fn columns_that_have_changed_are_named() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    run(&target, job("one")).unwrap();
    let refused = |fields: Vec<Field>| {
        let schema = Arc::new(Schema::new(fields));
        let error = Dataset::create(&target, schema, appending("new"), Arc::new(Unlimited)).err().unwrap();
        assert!(matches!(error.kind(), ErrorKind::SchemaDrift { .. }), "{error}");
        assert_eq!(listing(home.path()), ["out"]);
        error.to_string()
    };
    let n = || Field::new("n", DataType::Int64, false);
    let text = || Field::new("text", DataType::Utf8View, true);
    let message = refused(vec![
        Field::new("n", DataType::Float64, true),
        text(),
        Field::new("x", DataType::Date32, true),
    ]);
    assert!(message.contains("\"n\" was Int64 without nulls, and is Float64"), "{message}");
    assert!(message.contains("\"x\" was not there, and is Date32"), "{message}");
    assert!(!message.contains("\"text\""), "{message}");
    assert!(refused(vec![n()]).contains("\"text\" was Utf8, and is not there"));
    assert!(refused(vec![text(), n()]).contains("in another order"));
}

#[test]
fn a_manifest_that_changes_meanwhile_is_noticed() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    run(&target, job("one")).unwrap();
    let dataset = create(&target, DatasetOptions { partitions: Some(0), ..appending("two") }).unwrap();
    let path = target.join(MANIFEST_NAME);
    let json = fs::read_to_string(&path).unwrap() + "\n";
    fs::write(&path, &json).unwrap();
    let error = dataset.commit(None).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Changed { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), json);
    assert_eq!(listing(home.path()), ["out"]);
}

#[test]
fn lines_are_set_aside_in_order_and_replaced_by_those_of_another_attempt() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let dataset = create(&target, options()).unwrap();
    dataset.set_aside(1, 0, b"1 wrong\n").unwrap();
    dataset.set_aside(0, 0, b"0\n").unwrap();
    dataset.set_aside(1, 0, b"1a\n").unwrap();
    dataset.set_aside(1, 1, b"1b\n").unwrap();
    dataset.set_aside(10, 0, b"10\n").unwrap();
    for partition in 0..11 {
        dataset.close_partition(partition, 0, 0).unwrap();
    }
    dataset.set_aside(0, 0, b"late\n").unwrap();
    let written = dataset.commit(None).unwrap();
    assert_eq!(written.set_aside, 4);
    assert_eq!(fs::read_to_string(target.join(QUARANTINE_NAME)).unwrap(), "0\n1a\n1b\n10\n");
    assert_eq!(read_manifest(&target).set_aside, 4);

    let dataset = create(&home.path().join("next"), options()).unwrap();
    let error = dataset.set_aside(0, 1, b"x\n").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Misuse(_)), "{error}");
}

#[test]
fn lines_beside_a_single_file_go_with_it() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("x.parquet");
    let beside = home.path().join("x.parquet.quarantine.ndjson");
    let write = |lines: &[u8], overwrite| {
        let dataset = create(&target, DatasetOptions { overwrite, ..options() })?;
        if !lines.is_empty() {
            dataset.set_aside(0, 0, lines)?;
        }
        write_all(&dataset, 3)
    };
    assert_eq!(write(b"1\n", false).unwrap().set_aside, 1);
    assert_eq!(fs::read_to_string(&beside).unwrap(), "1\n");
    write(b"2\n", true).unwrap();
    assert_eq!(fs::read_to_string(&beside).unwrap(), "2\n");
    write(b"", true).unwrap();
    assert_eq!(listing(home.path()), ["x.parquet"], "lines of a file that is gone go too");

    fs::remove_file(&target).unwrap();
    fs::write(&beside, "mine").unwrap();
    let error = write(b"3\n", false).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotEmpty { target } if *target == beside), "{error}");
    assert_eq!(listing(home.path()), ["x.parquet.quarantine.ndjson"]);
    assert_eq!(fs::read_to_string(&beside).unwrap(), "mine");
}

#[test]
fn csv_is_added_to_csv_alone() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let csv = |append| DatasetOptions {
        write: RowsOptions::new(RowsFormat::Csv(CsvOptions::default())).into(),
        append,
        ..options()
    };
    let write = |options, first| -> Result<Written> {
        let dataset = create(&target, options)?;
        // In the wrong order.
        dataset.write_row_group(1, 0, encode(&dataset, &rows(first + 3, 1)))?;
        dataset.close_partition(1, 1, 1)?;
        dataset.write_row_group(0, 1, encode(&dataset, &rows(first + 1, 2)))?;
        dataset.write_row_group(0, 0, encode(&dataset, &rows(first, 1)))?;
        dataset.close_partition(0, 2, 3)?;
        dataset.commit(Some(4))
    };
    write(csv(false), 0).unwrap();
    write(csv(true), 3).unwrap();
    assert_eq!(listing(&target), [MANIFEST_NAME, "part-00000.csv", "part-00001.csv"]);
    let text = |name: &str| fs::read_to_string(target.join(name)).unwrap();
    assert_eq!(text("part-00000.csv"), "n,text\n0,\n1,1e3779b97f4a7c15\n2,3c6ef372fe94f82a\n3,\n");
    assert_eq!(text("part-00001.csv").lines().count(), 5);
    let parts = read_manifest(&target).parts;
    assert_eq!(parts[0].xxh3, Some(format!("{:016x}", xxh3_64(text("part-00000.csv").as_bytes()))));
    let error = write(DatasetOptions { append: true, ..options() }, 0).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotADataset { .. }), "{error}");
    assert!(error.to_string().contains("format csv"), "{error}");
}
