//! Rows by key, against a map of lists.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use partita_formats::parquet::Layout;
use proptest::prelude::*;

use super::*;

type Row = (i64, Option<String>);

/// Rows of each folder.
type Folders = BTreeMap<String, Vec<Row>>;

/// Batches of a key, a number and a text; the key stands between the others.
fn batches(rows: &[(Option<String>, Row)], batch_rows: usize) -> Partition {
    let make = |rows: &[(Option<String>, Row)]| {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, row)| row.0)));
        let keys: ArrayRef = Arc::new(StringViewArray::from_iter(rows.iter().map(|(key, _)| key.as_deref())));
        let texts: ArrayRef =
            Arc::new(StringViewArray::from_iter(rows.iter().map(|(_, row)| row.1.as_deref())));
        let columns = [("n", numbers, false), ("k", keys, true), ("t", texts, true)];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let batches: Vec<_> = rows.chunks(batch_rows).map(make).collect();
    let schema = make(&[]).schema();
    Partition::new(schema, batches)
}

fn options() -> WriteOptions {
    WriteOptions { partition_on: vec!["k".to_owned()], ..WriteOptions::default() }
}

/// Rows of each folder, and rows of each row group as they were handed over.
fn read(host: &Double, options: &WriteOptions) -> (Folders, Vec<(String, usize)>) {
    let layout = Layout::new(Arc::clone(batches(&[], 1).schema()), options).unwrap();
    let (mut folders, mut cuts) = (Folders::new(), Vec::new());
    for (at, (partition, index, row_group)) in host.row_groups.lock().unwrap().drain(..).enumerate() {
        assert_eq!((partition, index), (3, at));
        let folder = row_group.key().unwrap().folder().to_owned();
        cuts.push((folder.clone(), row_group.rows() as usize));
        let mut part = PartWriter::with_layout(Vec::new(), &layout).unwrap();
        part.append(row_group).unwrap();
        let bytes = Bytes::from(part.finish().unwrap().1);
        for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            assert_eq!(batch.num_columns(), 2, "the key is not in the file");
            let numbers = batch.column(0).as_primitive::<Int64Type>();
            let texts = batch.column(1).as_string::<i32>();
            let rows = numbers.values().iter().zip(texts).map(|(n, text)| (*n, text.map(str::to_owned)));
            folders.entry(folder.clone()).or_default().extend(rows);
        }
    }
    (folders, cuts)
}

fn expected(rows: &[(Option<String>, Row)], name: impl Fn(&Option<String>) -> String) -> Folders {
    let mut folders = Folders::new();
    for (key, row) in rows {
        folders.entry(name(key)).or_default().push(row.clone());
    }
    folders
}

/// Plain keys only.
fn plain(key: &Option<String>) -> String {
    format!("k={}", key.as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__"))
}

/// `count` rows of about 120 bytes: half of them have one key, the others one of 500.
fn skewed(count: i64) -> Vec<(Option<String>, Row)> {
    let mixed = |n: i64| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    (0..count)
        .map(|n| {
            let key = if mixed(n) % 2 == 0 { "most".to_owned() } else { format!("key{}", mixed(n) % 1000) };
            let key = Some(key).filter(|_| mixed(n) % 97 != 0);
            (key, (n, Some(format!("{:090}", mixed(n)))))
        })
        .collect()
}

#[test]
fn rows_go_to_their_folders_in_their_order_in_few_row_groups() {
    let rows = skewed(260_000);
    let host = Double::new(usize::MAX);
    let done = write_rows(&host, batches(&rows, 8192), &options()).unwrap();
    assert!(matches!(done, Outcome::Count(260_000)));
    let row_groups = host.row_groups.lock().unwrap().len();
    assert_eq!(*host.closed.lock().unwrap(), [(3, row_groups, 260_000)]);
    let (folders, cuts) = read(&host, &options());
    assert_eq!(folders, expected(&rows, plain));
    // 31 MB in stages of 16: the large key more than once, the small ones mostly once.
    let large: Vec<_> = cuts.iter().filter(|(folder, _)| folder == "k=most").collect();
    assert!((2..6).contains(&large.len()), "{large:?}");
    assert!(cuts.len() < 2 * folders.len(), "{} row groups of {} keys", cuts.len(), folders.len());
    assert_eq!(host.held.load(Ordering::Relaxed), 0);
}

#[test]
fn memory_does_not_change_what_is_written() {
    let rows = skewed(200_000);
    let write = |limit| {
        let host = Double::new(limit);
        write_rows(&host, batches(&rows, 8192), &options()).unwrap();
        (read(&host, &options()), host.files.lock().unwrap().len())
    };
    let (plenty, files) = write(usize::MAX);
    assert_eq!(files, 0);
    // Two reservations have this each: enough for what waits.
    let (little, _) = write(45 << 20);
    assert_eq!(plenty, little);
    let host = Double::new(8 << 20);
    let error = write_rows(&host, batches(&rows, 8192), &options()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { .. }), "{error}");
    assert_eq!(host.held.load(Ordering::Relaxed), 0);
}

#[test]
fn few_rows_at_a_time_are_joined() {
    let rows = skewed(3000);
    let host = Double::new(usize::MAX);
    write_rows(&host, batches(&rows, 3), &options()).unwrap();
    let (folders, cuts) = read(&host, &options());
    assert_eq!(folders, expected(&rows, plain));
    assert_eq!(cuts.len(), folders.len());
}

#[test]
fn row_groups_are_cut_at_their_limit() {
    let rows = skewed(5000);
    let options = WriteOptions { row_group_rows_max: 700, ..options() };
    let host = Double::new(usize::MAX);
    write_rows(&host, batches(&rows, 8192), &options).unwrap();
    let (folders, cuts) = read(&host, &options);
    assert_eq!(folders, expected(&rows, plain));
    assert!(cuts.iter().all(|(_, rows)| *rows <= 700));
    assert!(cuts.iter().filter(|(folder, _)| folder == "k=most").count() >= 3);
}

#[test]
fn no_rows_make_no_row_groups() {
    let host = Double::new(usize::MAX);
    assert!(matches!(write_rows(&host, batches(&[], 1), &options()).unwrap(), Outcome::Count(0)));
    assert_eq!(*host.closed.lock().unwrap(), [(3, 0, 0)]);
}

#[test]
fn keys_of_several_columns_and_types() {
    let flags = BooleanArray::from(vec![Some(true), None, Some(true), Some(false)]);
    let columns: [(_, ArrayRef, bool); 3] = [
        ("b", Arc::new(flags), true),
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3, 4])), false),
        ("k", Arc::new(Int64Array::from(vec![7, 7, 7, 8])), false),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let host = Double::new(usize::MAX);
    let on = vec!["k".to_owned(), "b".to_owned()];
    let options = WriteOptions { partition_on: on, ..WriteOptions::default() };
    write_rows(&host, Partition::new(batch.schema(), vec![batch]), &options).unwrap();
    let handed = host.row_groups.lock().unwrap();
    let folders: Vec<_> =
        handed.iter().map(|(_, _, group)| (group.key().unwrap().folder(), group.rows())).collect();
    assert_eq!(folders, [("k=7/b=true", 2), ("k=7/b=__HIVE_DEFAULT_PARTITION__", 1), ("k=8/b=false", 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_keys_and_batches(
        rows in prop::collection::vec((prop::option::of("[ab/é.=%]{0,3}"), prop::option::of(".{0,20}")), 0..200),
        batch_rows in 1..60_usize,
        group_rows in 1..50_usize,
    ) {
        let rows: Vec<_> = rows.into_iter().zip(0..).map(|((key, text), n)| (key, (n, text))).collect();
        let options = WriteOptions { row_group_rows_max: group_rows, ..options() };
        let host = Double::new(usize::MAX);
        write_rows(&host, batches(&rows, batch_rows), &options).unwrap();
        let (folders, _) = read(&host, &options);
        let encode = |text: &str| -> String {
            // Of these letters these are encoded, and a name of dots.
            if text == "." || text == ".." {
                return text.replace('.', "%2E");
            }
            text.replace('%', "%25").replace('/', "%2F").replace('=', "%3D").replace('é', "%C3%A9")
        };
        let name = |key: &Option<String>| match key {
            Some(key) => format!("k={}", encode(key)),
            None => plain(&None),
        };
        prop_assert_eq!(folders, expected(&rows, name));
    }
}
