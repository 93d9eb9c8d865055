use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    DurationSecondArray, Float64Array, Int8Array, Int64Array, ListArray, RecordBatch, StringArray,
    StringViewArray, StructArray, Time32SecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampSecondArray, UInt16Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit};

use super::{CHUNK_ROWS_MAX, CHUNK_ROWS_MIN, from_polars, groups, to_polars};
use crate::ErrorKind;

fn batch_of(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

const LONG: &str = "a text that does not fit into a view";

fn zero_copy_columns() -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("int8", Arc::new(Int8Array::from(vec![Some(-1), None, Some(i8::MAX)]))),
        ("int64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(3)]))),
        ("uint16", Arc::new(UInt16Array::from(vec![1, 2, u16::MAX]))),
        ("float64", Arc::new(Float64Array::from(vec![Some(f64::NAN), None, Some(-0.0)]))),
        ("text", Arc::new(StringViewArray::from(vec![Some(LONG), None, Some("")]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1)]))),
        (
            "zoned",
            Arc::new(
                TimestampMillisecondArray::from(vec![Some(1), None, Some(-1)]).with_timezone("Europe/Berlin"),
            ),
        ),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None, Some(-1)]))),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![Some(12345), None, Some(-1)])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
    ]
}

fn pointers(array: &ArrayRef) -> Vec<usize> {
    let data = array.to_data();
    let validity = data.nulls().map(|nulls| nulls.buffer());
    data.buffers().iter().chain(validity).map(|buffer| buffer.as_ptr() as usize).collect()
}

#[test]
fn a_round_trip_copies_no_buffer() {
    let batch = batch_of(zero_copy_columns());
    let frame = to_polars(&batch.schema(), vec![batch.clone()]).unwrap();
    assert_eq!(frame.shape(), (3, batch.num_columns()));
    let (schema, batches) = from_polars(&frame, usize::MAX).unwrap();
    assert_eq!(schema, batch.schema());
    assert_eq!(batches, vec![batch.clone()]);
    for (before, after) in batch.columns().iter().zip(batches[0].columns()) {
        assert_eq!(pointers(before), pointers(after), "{}", before.data_type());
    }
}

#[test]
fn the_buffers_outlive_both_sides() {
    let batch = batch_of(zero_copy_columns());
    let expected = batch_of(zero_copy_columns());
    let frame = to_polars(&batch.schema(), vec![batch]).unwrap();
    let copy = frame.clone();
    drop(frame);
    let (_, batches) = from_polars(&copy, usize::MAX).unwrap();
    drop(copy);
    assert_eq!(batches, [expected]);
}

#[test]
fn slices_give_their_rows() {
    let batch = batch_of(zero_copy_columns()).slice(1, 2);
    let (_, batches) = from_polars(&to_polars(&batch.schema(), vec![batch.clone()]).unwrap(), 8).unwrap();
    assert_eq!(batches, [batch]);
}

#[test]
fn other_types_become_their_nearest() {
    let dictionary: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    let batch = batch_of(vec![
        ("seconds", Arc::new(TimestampSecondArray::from(vec![Some(1), None, Some(-1)]))),
        ("span", Arc::new(DurationSecondArray::from(vec![Some(1), None, Some(-1)]))),
        ("text", Arc::new(StringArray::from(vec![Some(LONG), None, Some("")]))),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(&[0_u8, 255][..]), None, Some(&[])]))),
        ("dictionary", Arc::new(dictionary)),
        ("time", Arc::new(Time32SecondArray::from(vec![Some(1), None, Some(2)]))),
        ("list", Arc::new(list)),
    ]);
    let frame = to_polars(&batch.schema(), vec![batch]).unwrap();
    let (schema, batches) = from_polars(&frame, 8).unwrap();
    let types: Vec<String> =
        schema.fields().iter().map(|field| crate::dtype::name(field.data_type())).collect();
    assert_eq!(types[..5], ["Timestamp(ms)", "Duration(ms)", "Utf8", "Binary", "Utf8"]);
    assert_eq!(schema.field(5).data_type(), &DataType::Time64(TimeUnit::Nanosecond));
    let seconds = batches[0].column(0).as_primitive::<arrow::datatypes::TimestampMillisecondType>();
    assert_eq!(seconds, &TimestampMillisecondArray::from(vec![Some(1000), None, Some(-1000)]));
    assert_eq!(
        batches[0].column(4).as_string_view(),
        &StringViewArray::from(vec![Some("a"), None, Some("a")])
    );
    assert_eq!(batches[0].column(6).as_list::<i64>().value(0).len(), 2);
}

#[test]
fn types_that_polars_lacks_are_named() {
    let inner: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let nested = StructArray::from(vec![(Arc::new(Field::new("x", DataType::Int64, true)), inner)]);
    let batch = batch_of(vec![("nested", Arc::new(nested))]);
    let error = to_polars(&batch.schema(), vec![batch]).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Undefined { types, .. } if types.contains("\"nested\"")),
        "{error}"
    );
}

#[test]
fn empty_frames_keep_their_types() {
    let schema = batch_of(zero_copy_columns()).schema();
    let frame = to_polars(&schema, Vec::new()).unwrap();
    assert_eq!(frame.shape(), (0, schema.fields().len()));
    let (back, batches) = from_polars(&frame, 8).unwrap();
    assert_eq!(back, schema);
    assert!(batches.is_empty());
    let none = to_polars(&Schema::empty(), Vec::new()).unwrap();
    assert_eq!(none.shape(), (0, 0));
}

#[test]
fn small_batches_are_joined_and_large_ones_are_not() {
    let rows = |rows: usize| batch_of(vec![("a", Arc::new(Int8Array::from(vec![1; rows])))]);
    let large = CHUNK_ROWS_MIN;
    let batches = [rows(5), rows(8), rows(large), rows(1), rows(large - 1), rows(large + 1)];
    let sizes = |batches: &[RecordBatch]| -> Vec<usize> {
        let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
        groups(&rows).into_iter().map(|group| rows[group].iter().sum()).collect()
    };
    assert_eq!(sizes(&batches), [13, large, large, large + 1]);
    let many = vec![rows(4_000); 600];
    assert_eq!(sizes(&many), [1_048_000, 1_048_000, 304_000]);
    assert!(sizes(&many).iter().all(|rows| *rows <= CHUNK_ROWS_MAX));
    let frame = to_polars(&batches[0].schema(), batches.to_vec()).unwrap();
    assert_eq!(frame.columns()[0].as_materialized_series().n_chunks(), 4);
}

#[test]
fn batches_end_where_any_chunk_ends() {
    let numbers =
        |range: std::ops::Range<i64>| batch_of(vec![("a", Arc::new(Int64Array::from_iter_values(range)))]);
    let mut left = to_polars(&numbers(0..5).schema(), vec![numbers(0..5)]).unwrap();
    left.vstack_mut(&to_polars(&numbers(0..5).schema(), vec![numbers(5..12)]).unwrap()).unwrap();
    let mut other = left.columns()[0].as_materialized_series().rechunk();
    other.rename("b".into());
    let frame = left.with_column(other.into()).unwrap();
    let (_, batches) = from_polars(frame, 4).unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [4, 1, 4, 3]);
    for column in [0, 1] {
        let values = batches.iter().flat_map(|batch| {
            batch.column(column).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
        });
        assert_eq!(values.collect::<Vec<_>>(), (0..12).collect::<Vec<_>>());
    }
}
