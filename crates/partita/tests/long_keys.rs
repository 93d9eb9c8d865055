//! A million different keys of a kilobyte each, under a small limit.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use partita::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use partita::arrow::datatypes::{DataType, Int64Type};
use partita::prelude::*;

const ROWS: i64 = 1_000_000;
const PARTS: i64 = 20;

/// Odd, so that it permutes all numbers of twenty bits.
const STEP: i64 = 694_847_539;
const BITS: u32 = 20;

/// Keys differ behind their first kilobyte less a few bytes, and their order is that of these numbers.
fn number(row: i64) -> i64 {
    (row * STEP) & ((1 << BITS) - 1)
}

fn key(start: &str, row: i64) -> String {
    format!("{start}{:08}", number(row))
}

/// Rows in order of their numbers, and the texts made where they are read.
fn rows(session: &Session) -> DataFrame {
    let part = |part: i64| {
        let rows = part * ROWS / PARTS..(part + 1) * ROWS / PARTS;
        let column = Arc::new(Int64Array::from_iter_values(rows)) as ArrayRef;
        vec![RecordBatch::try_from_iter([("row", column)]).unwrap()]
    };
    let parts: Vec<_> = (0..PARTS).map(part).collect();
    let frame = session.from_batches(parts[0][0].schema(), parts).unwrap();
    let start = "k".repeat(1016);
    let text = col("row").map_batches(DataType::Utf8View, move |column| {
        let rows = column.as_primitive::<Int64Type>();
        let texts = rows.values().iter().map(|row| key(&start, *row));
        Ok(Arc::new(StringViewArray::from_iter_values(texts)) as ArrayRef)
    });
    frame.with_columns([text.alias("key")])
}

fn session(folder: &tempfile::TempDir) -> Session {
    let builder = Session::builder().memory_limit("256MiB").threads(2);
    builder.spill_dirs([folder.path()]).spill_to_memory(true).build().unwrap()
}

/// Looks at all rows, one partition after the other.
fn check(frame: &DataFrame) {
    // Which row has which number, found without sorting.
    let mut expected = vec![None; 1 << BITS];
    (0..ROWS).for_each(|row| expected[number(row) as usize] = Some(row));
    let mut expected = expected.into_iter().flatten();
    let start = "k".repeat(1016);
    let partitions = frame.npartitions().unwrap();
    let target = ROWS as usize / partitions;
    for partition in 0..partitions {
        let mut count = 0;
        for batch in frame.partitions(partition..partition + 1).batches().unwrap() {
            let batch = batch.unwrap();
            let rows = batch.column_by_name("row").unwrap().as_primitive::<Int64Type>();
            let keys = batch.column_by_name("key").unwrap().as_string_view();
            for (row, text) in rows.values().iter().zip(keys) {
                assert_eq!(Some(*row), expected.next());
                assert_eq!(text, Some(key(&start, *row).as_str()));
            }
            count += batch.num_rows();
        }
        assert!(count <= 2 * target, "{count} rows of {ROWS} in one of {partitions} partitions");
    }
    assert_eq!(expected.next(), None);
}

#[test]
fn a_million_long_keys_are_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(&folder);
    check(&rows(&session).sort_values(["key"]).persist().unwrap());
}

#[test]
fn a_million_long_keys_become_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(&folder);
    let frame = rows(&session).set_index(SetIndex::new("key").npartitions(30)).persist().unwrap();
    check(&frame);
    assert!(frame.known_divisions().unwrap());
    assert_eq!(frame.npartitions().unwrap(), 30);
}
