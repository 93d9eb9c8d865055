//! Files whose columns differ.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use partita::arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use partita::arrow::datatypes::Schema;

use super::*;

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    );
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// An old file, and a new one with a wider, an added and without a column.
fn old_and_new(folder: &Path) {
    write(
        &folder.join("a.parquet"),
        vec![
            ("id", Arc::new(Int32Array::from(vec![1, 2]))),
            ("name", Arc::new(StringArray::from(vec![Some("x"), None]))),
        ],
    );
    write(
        &folder.join("b.parquet"),
        vec![
            ("fare", Arc::new(Float64Array::from(vec![2.5]))),
            ("id", Arc::new(Int64Array::from(vec![1_i64 << 40]))),
        ],
    );
}

#[test]
fn missing_added_and_widened_columns_go_by_name() {
    let folder = tempfile::tempdir().unwrap();
    old_and_new(folder.path());
    let frame = session().read_parquet(folder.path()).load().unwrap();
    let got = joined(&frame);
    let expected = RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from(vec![1, 2, 1 << 40])) as ArrayRef, true),
        ("name", Arc::new(partita::arrow::array::StringViewArray::from(vec![Some("x"), None, None])), true),
        ("fare", Arc::new(Float64Array::from(vec![None, None, Some(2.5)])), true),
    ]);
    assert_eq!(got, expected.unwrap());
    for (filter, rows) in [
        (col("fare").is_null(), 2),
        (col("fare").gt(lit(1)), 1),
        (col("id").gt(lit(1)), 2),
        (col("id").gt(lit(1_i64 << 39)), 1),
        (col("name").is_null().and(col("id").gt(lit(0))), 2),
        (col("name").eq(lit("x")).or(col("fare").lt(lit(3))), 2),
    ] {
        assert_eq!(frame.filter(filter.clone()).len().unwrap(), rows, "{filter}");
    }
}

#[test]
fn files_said_to_be_alike_and_are_not_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    old_and_new(folder.path());
    let frame =
        session().read_parquet(folder.path()).same_schema(true).split_row_groups(false).load().unwrap();
    assert_eq!(frame.columns().unwrap(), ["id", "name"]);
    let message = frame.compute().unwrap_err().to_string();
    assert!(message.contains("b.parquet") && message.contains("same_schema"), "{message}");
}

#[test]
fn types_that_do_not_go_together_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("a.parquet"), vec![("id", Arc::new(Int64Array::from(vec![1])))]);
    write(&folder.path().join("b.parquet"), vec![("id", Arc::new(StringArray::from(vec!["1"])))]);
    let message = session().read_parquet(folder.path()).load().unwrap_err().to_string();
    assert!(message.contains("\"id\" is Int64") && message.contains("b.parquet"), "{message}");
}

#[test]
fn a_schema_without_rows_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.parquet");
    let schema =
        Arc::new(Schema::new(vec![partita::arrow::datatypes::Field::new("id", DataType::Int64, false)]));
    ArrowWriter::try_new(File::create(&path).unwrap(), schema, None).unwrap().close().unwrap();
    let frame = session().read_parquet(&path).load().unwrap();
    assert_eq!((frame.len().unwrap(), frame.npartitions().unwrap()), (0, 1));
    assert_eq!(frame.compute().unwrap().width(), 1);
    assert_eq!(frame.head(3).unwrap().height(), 0);
}
