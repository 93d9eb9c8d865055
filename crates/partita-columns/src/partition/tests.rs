use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::Schema;

use super::{Partition, unique_buffer_bytes};

fn batch(rows: i64) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    RecordBatch::try_from_iter([("n", numbers)]).unwrap()
}

#[test]
fn shared_buffers_count_once() {
    let whole = batch(1000);
    let bytes = unique_buffer_bytes(std::slice::from_ref(&whole));
    assert!(bytes >= 8000);
    let halves = [whole.slice(0, 500), whole.slice(500, 500), whole.clone()];
    assert_eq!(unique_buffer_bytes(&halves), bytes);
    assert_eq!(unique_buffer_bytes(&[whole, batch(1000)]), 2 * bytes);
}

#[test]
fn text_counts_its_views_and_its_bytes() {
    let text: ArrayRef = Arc::new(StringViewArray::from(vec!["a text longer than a view"; 100]));
    let batch = RecordBatch::try_from_iter([("t", text)]).unwrap();
    assert!(unique_buffer_bytes(&[batch]) >= 100 * (16 + 25));
}

#[test]
fn a_partition_knows_its_rows_and_bytes() {
    let batches = vec![batch(3), batch(4)];
    let bytes = unique_buffer_bytes(&batches);
    let partition = Partition::new(batches[0].schema(), batches.clone());
    assert_eq!((partition.rows(), partition.bytes(), partition.batches().len()), (7, bytes, 2));
    assert_eq!(partition.into_batches(), batches);
    let empty = Partition::new(Arc::new(Schema::empty()), Vec::new());
    assert_eq!((empty.rows(), empty.bytes()), (0, 0));
}
