use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray, TimestampSecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};

use super::*;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

#[test]
fn columns_pass_both_ways_without_a_copy() {
    let texts = vec![Some("short"), None, Some("long enough for a buffer of its own")];
    let given = batch(vec![
        ("int", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("float", Arc::new(Float64Array::from(vec![Some(1.5), None, Some(f64::NAN)]))),
        ("text", Arc::new(StringViewArray::from(texts))),
        ("time", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(3)]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
    ]);
    let frame = to_polars(&given.schema(), std::slice::from_ref(&given)).unwrap();
    assert_eq!((frame.height(), frame.width()), (3, 5));
    let (schema, back) = from_polars(&frame, 8192).unwrap();
    assert_eq!(schema.fields(), given.schema().fields());
    assert_eq!(back.len(), 1);
    for (before, after) in given.columns().iter().zip(back[0].columns()) {
        // NaN is not equal to itself: its column is compared by its buffers below.
        if before.data_type() != &DataType::Float64 {
            assert_eq!(before, after);
        }
        for (left, right) in before.to_data().buffers().iter().zip(after.to_data().buffers()) {
            assert_eq!(left.as_ptr(), right.as_ptr(), "{} was copied", before.data_type());
        }
    }
}

#[test]
fn many_batches_become_few_chunks_and_batches_are_bounded() {
    let batches: Vec<RecordBatch> =
        (0..200).map(|n| batch(vec![("n", Arc::new(Int64Array::from(vec![n; 10])))])).collect();
    let frame = to_polars(&batches[0].schema(), &batches).unwrap();
    assert_eq!(frame.height(), 2000);
    assert_eq!(frame.columns()[0].n_chunks(), 1);
    let (_, back) = from_polars(&frame, 300).unwrap();
    assert_eq!(back.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [300, 300, 300, 300, 300, 300, 200]);
}

#[test]
fn what_polars_lacks_is_converted() {
    let given = batch(vec![("t", Arc::new(TimestampSecondArray::from(vec![Some(7), None])))]);
    let frame = to_polars(&given.schema(), &[given]).unwrap();
    let (schema, back) = from_polars(&frame, 10).unwrap();
    assert_eq!(schema.field(0).data_type(), &DataType::Timestamp(TimeUnit::Millisecond, None));
    assert_eq!(back[0].column(0).null_count(), 1);
}

#[test]
fn no_batches_are_an_empty_frame_with_columns() {
    let given = batch(vec![("a", Arc::new(Int64Array::from(vec![1])))]);
    let frame = to_polars(&given.schema(), &[]).unwrap();
    assert_eq!((frame.height(), frame.width()), (0, 1));
}
