//! Data sets in temporary folders, read back through the `parquet` crate's own reader.

mod append;
mod faults;
mod folders;
mod jobs;
mod ordering;
mod places;
mod resume;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use arrow::array::{AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use partita_formats::output::Format;
use partita_formats::parquet::options::{MANIFEST_KEY, PART_BYTES_MIN};
use partita_formats::parquet::{
    ColumnOptions, Compression, EncodedRowGroup, Encoding, Layout, PartitionKeys, RowGroupEncoder,
    WriteOptions,
};
use partita_formats::rows::{CsvOptions, RowsEncoder, RowsFormat, RowsOptions};
use xxhash_rust::xxh3::xxh3_64;

use super::*;

/// A ledger with a limit, which must be empty in the end.
#[derive(Debug)]
struct Ledger {
    free: AtomicI64,
    limit: i64,
    refused: AtomicUsize,
}

impl Ledger {
    fn new(limit: i64) -> Arc<Self> {
        Arc::new(Self { free: AtomicI64::new(limit), limit, refused: AtomicUsize::new(0) })
    }

    fn is_whole(&self) -> bool {
        self.free.load(Ordering::SeqCst) == self.limit
    }
}

impl Room for Ledger {
    fn grow(&self, bytes: usize) -> bool {
        if self.free.fetch_sub(bytes as i64, Ordering::SeqCst) >= bytes as i64 {
            return true;
        }
        self.free.fetch_add(bytes as i64, Ordering::SeqCst);
        self.refused.fetch_add(1, Ordering::SeqCst);
        false
    }

    fn shrink(&self, bytes: usize) {
        self.free.fetch_add(bytes as i64, Ordering::SeqCst);
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, false),
        Field::new("text", DataType::Utf8View, true),
    ]))
}

/// Rows whose `n` is `first..first + rows`.
fn rows(first: u64, rows: u64) -> RecordBatch {
    let numbers = first as i64..(first + rows) as i64;
    let texts =
        numbers.clone().map(|n| (n % 3 != 0).then(|| format!("{:x}", n.wrapping_mul(0x1E37_79B9_7F4A_7C15))));
    let columns = [
        Arc::new(Int64Array::from_iter_values(numbers)) as _,
        Arc::new(texts.collect::<StringViewArray>()) as _,
    ];
    RecordBatch::try_new(schema(), columns.to_vec()).unwrap()
}

/// How a data set of Parquet is written.
fn write_of(options: &mut DatasetOptions) -> &mut WriteOptions {
    match &mut options.write {
        Format::Parquet(write) => write,
        Format::Rows(_) => panic!("a data set of Parquet"),
    }
}

/// The layout of a data set of Parquet.
fn parquet_layout(dataset: &Dataset) -> Arc<Layout> {
    match dataset.layout() {
        FileLayout::Parquet(layout) => Arc::clone(layout),
        FileLayout::Rows(_) => panic!("a data set of Parquet"),
    }
}

fn encode(dataset: &Dataset, batch: &RecordBatch) -> EncodedRowGroup {
    if let FileLayout::Rows(layout) = dataset.layout() {
        let mut encoder = RowsEncoder::new(Arc::clone(layout));
        encoder.write(batch).unwrap();
        return encoder.take().unwrap();
    }
    let mut encoder = RowGroupEncoder::with_layout(parquet_layout(dataset)).unwrap();
    encoder.write(batch).unwrap();
    encoder.finish().unwrap()
}

/// The numbers as they are: eight bytes each.
fn plain() -> BTreeMap<String, ColumnOptions> {
    let plain = ColumnOptions { encoding: Some(Encoding::Plain), ..ColumnOptions::default() };
    BTreeMap::from([("n".to_owned(), plain)])
}

fn options() -> DatasetOptions {
    let write = WriteOptions { compression: Compression::Uncompressed, ..WriteOptions::default() };
    DatasetOptions { write: write.into(), sync: false, ..DatasetOptions::default() }
}

fn create(target: &Path, options: DatasetOptions) -> Result<Dataset> {
    Dataset::create(target, schema(), options, Arc::new(Unlimited))
}

fn refusal(target: &Path, options: DatasetOptions) -> Error {
    create(target, options).err().expect("refused")
}

/// Writes `count` rows as one partition and commits.
fn write_all(dataset: &Dataset, count: u64) -> Result<Written> {
    dataset.write_row_group(0, 0, encode(dataset, &rows(0, count)))?;
    dataset.close_partition(0, 1, count)?;
    dataset.commit(Some(count))
}

/// The numbers in files, in order.
fn numbers(files: &[PathBuf]) -> Vec<i64> {
    let read = |file: &PathBuf| {
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap().build().unwrap();
        reader
            .flat_map(|batch| batch.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect::<Vec<_>>()
    };
    files.iter().flat_map(read).collect()
}

/// Names in a folder, hidden ones too.
fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn read_manifest(folder: &Path) -> Manifest {
    serde_json::from_str(&fs::read_to_string(folder.join(MANIFEST_NAME)).unwrap()).unwrap()
}

fn footer_manifest(file: &Path) -> Manifest {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let pairs = builder.metadata().file_metadata().key_value_metadata().unwrap();
    let json = pairs.iter().find(|pair| pair.key == MANIFEST_KEY).unwrap().value.as_ref().unwrap();
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_folder_of_parts_with_its_manifest() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let inputs =
        vec![InputFingerprint { path: "a.csv".to_owned(), bytes: 7, modified_ns: 1_700_000_000_000_000_001 }];
    let options = DatasetOptions {
        inputs: inputs.clone(),
        options_json: serde_json::json!({"select": ["n"]}),
        sync: true,
        ..options()
    };
    let dataset = create(&target, options).unwrap();
    assert_eq!(listing(home.path()).len(), 1, "only the hidden sibling until the commit");
    let written = write_all(&dataset, 1000).unwrap();
    assert_eq!((written.rows, written.row_groups, written.replaced), (1000, 1, Replaced::Nothing));
    assert_eq!(written.files, [target.join("part-00000.parquet")]);
    assert_eq!(numbers(&written.files), (0..1000).collect::<Vec<_>>());
    assert_eq!(listing(home.path()), ["out"]);
    assert_eq!(listing(&target), [MANIFEST_NAME, "part-00000.parquet"]);

    let manifest = read_manifest(&target);
    let bytes = fs::read(&written.files[0]).unwrap();
    assert_eq!((manifest.version, manifest.rows, &manifest.inputs), (1, 1000, &inputs));
    assert_eq!(manifest.options["select"][0], "n");
    let part = &manifest.parts[0];
    assert_eq!((part.rows, part.bytes), (1000, Some(bytes.len() as u64)));
    assert_eq!(part.xxh3, Some(format!("{:016x}", xxh3_64(&bytes))));
    let columns: Vec<_> = manifest
        .schema
        .iter()
        .map(|column| (column.name.as_str(), column.data_type.as_str(), column.nullable))
        .collect();
    assert_eq!(columns, [("n", "Int64", false), ("text", "Utf8", true)]);
    assert_eq!(written.bytes, bytes.len() as u64);
}

#[test]
fn a_single_file_carries_its_manifest() {
    let home = tempfile::tempdir().unwrap();
    for (name, single_file) in [("x.parquet", false), ("file", true)] {
        let target = home.path().join(name);
        let options = DatasetOptions { single_file, sync: true, ..options() };
        let written = write_all(&create(&target, options).unwrap(), 10).unwrap();
        assert_eq!(written.files, std::slice::from_ref(&target));
        assert_eq!(numbers(&written.files), (0..10).collect::<Vec<_>>());
        let manifest = footer_manifest(&target);
        assert_eq!((manifest.rows, manifest.parts[0].name.as_str()), (10, name));
        assert_eq!((manifest.parts[0].bytes, &manifest.parts[0].xxh3), (None, &None));
    }
    assert_eq!(listing(home.path()), ["file", "x.parquet"]);
}

#[test]
fn empty_input_makes_one_part_without_rows() {
    let home = tempfile::tempdir().unwrap();
    for (name, partitions) in [("none", 0), ("empty", 3)] {
        let target = home.path().join(name);
        let dataset = create(&target, options()).unwrap();
        for partition in 0..partitions {
            dataset.close_partition(partition, 0, 0).unwrap();
        }
        let written = dataset.commit(Some(0)).unwrap();
        assert_eq!((written.rows, written.files.len(), written.row_groups), (0, 1, 0));
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(File::open(&written.files[0]).unwrap()).unwrap();
        assert_eq!(reader.schema().fields().len(), 2);
    }
}

#[test]
fn parts_are_cut_at_ends_of_partitions() {
    let home = tempfile::tempdir().unwrap();
    let one_part_of = |options: DatasetOptions, name: &str| {
        let target = home.path().join(name);
        let dataset = create(&target, options).unwrap();
        for partition in 0..6_usize {
            let first = partition as u64 * 50_000;
            dataset.write_row_group(partition, 0, encode(&dataset, &rows(first, 25_000))).unwrap();
            dataset.write_row_group(partition, 1, encode(&dataset, &rows(first + 25_000, 25_000))).unwrap();
            dataset.close_partition(partition, 2, 50_000).unwrap();
        }
        let written = dataset.commit(Some(300_000)).unwrap();
        assert_eq!(numbers(&written.files), (0..300_000).collect::<Vec<_>>());
        read_manifest(&target).parts.iter().map(|part| part.rows).collect::<Vec<_>>()
    };
    let cut = |change: &dyn Fn(&mut WriteOptions)| {
        let mut options = options();
        write_of(&mut options).columns = plain();
        change(write_of(&mut options));
        options
    };
    assert_eq!(one_part_of(options(), "default"), [300_000]);
    // A partition is about 1.2 MB here.
    assert_eq!(one_part_of(cut(&|write| write.part_bytes = PART_BYTES_MIN), "small"), [50_000; 6]);
    assert_eq!(one_part_of(cut(&|write| write.part_bytes = 2 * PART_BYTES_MIN), "two"), [100_000; 3]);
    assert_eq!(one_part_of(cut(&|write| write.file_per_partition = true), "each"), [50_000; 6]);
}

#[test]
fn file_per_partition_keeps_empty_ones() {
    let home = tempfile::tempdir().unwrap();
    let mut options = options();
    write_of(&mut options).file_per_partition = true;
    options.partitions = Some(3);
    let dataset = create(&home.path().join("out"), options).unwrap();
    dataset.close_partition(0, 0, 0).unwrap();
    dataset.write_row_group(1, 0, encode(&dataset, &rows(0, 5))).unwrap();
    dataset.close_partition(1, 1, 5).unwrap();
    dataset.close_partition(2, 0, 0).unwrap();
    let written = dataset.commit(None).unwrap();
    assert_eq!(written.files.len(), 3);
    assert_eq!(numbers(&written.files[1..2]), [0, 1, 2, 3, 4]);
}

#[test]
fn rows_must_add_up() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let dataset = create(&target, options()).unwrap();
    dataset.write_row_group(0, 0, encode(&dataset, &rows(0, 5))).unwrap();
    let error = dataset.close_partition(0, 1, 6).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RowsMismatch { expected: 6, got: 5, .. }), "{error}");
    let error = dataset.commit(None).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::GivenUp(why) if why.contains("do not add up")), "{error}");
    assert!(listing(home.path()).is_empty(), "given up before the commit");

    let dataset = create(&target, options()).unwrap();
    dataset.write_row_group(0, 0, encode(&dataset, &rows(0, 5))).unwrap();
    dataset.close_partition(0, 1, 5).unwrap();
    let error = dataset.commit(Some(7)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RowsMismatch { expected: 7, got: 5, .. }), "{error}");
    assert!(listing(home.path()).is_empty(), "a failed commit leaves nothing");
}

#[test]
fn every_partition_must_be_closed() {
    let home = tempfile::tempdir().unwrap();
    let missing = |partitions: Option<usize>, close: &[usize]| {
        let dataset = create(&home.path().join("out"), DatasetOptions { partitions, ..options() }).unwrap();
        for &partition in close {
            dataset.close_partition(partition, 0, 0).unwrap();
        }
        let error = dataset.commit(None).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Misuse(_)), "{error}");
        assert!(listing(home.path()).is_empty());
        error.to_string()
    };
    assert!(missing(Some(2), &[0]).contains("partition 1 of 2 was not closed"));
    assert!(missing(None, &[0, 2]).contains("partition 1 was not closed"));
}

#[test]
fn tasks_that_run_again_change_nothing() {
    let home = tempfile::tempdir().unwrap();
    let dataset = create(&home.path().join("out"), options()).unwrap();
    let send = |partition, index, first| {
        dataset.write_row_group(partition, index, encode(&dataset, &rows(first, 10)))
    };
    send(1, 0, 20).unwrap();
    send(0, 0, 0).unwrap();
    send(0, 0, 0).unwrap();
    send(1, 0, 20).unwrap();
    send(0, 1, 10).unwrap();
    dataset.close_partition(0, 2, 20).unwrap();
    dataset.close_partition(0, 2, 20).unwrap();
    dataset.close_partition(1, 1, 10).unwrap();
    let written = dataset.commit(Some(30)).unwrap();
    assert_eq!(numbers(&written.files), (0..30).collect::<Vec<_>>());
}
