use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringViewArray, UInt32Array};
use arrow::datatypes::Schema;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{bools, floats, int64, ints, text, texts};
use crate::compute::{compact, concat, filter, slice, take};
use crate::partition::unique_buffer_bytes;

fn batch(rows: &[(Option<i64>, Option<String>)]) -> RecordBatch {
    let (numbers, words): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
    let halves: Vec<_> = numbers.iter().map(|v| v.map(|v| v as f64 / 2.0)).collect();
    let flags: Vec<_> = numbers.iter().map(|v| v.map(|v| v > 0)).collect();
    let columns = [("n", ints(&numbers)), ("t", texts(&words)), ("f", floats(&halves)), ("b", bools(&flags))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
}

fn rows() -> impl Strategy<Value = Vec<(Option<i64>, Option<String>)>> {
    vec((int64(), text()), 0..120)
}

/// Equal rows, NaN included: as text.
fn shown(batch: &RecordBatch) -> String {
    format!("{batch:?}")
}

proptest! {
    #[test]
    fn filter_keeps_the_rows_that_are_true(rows in rows(), masks in vec(any::<Option<bool>>(), 120), all in any::<Option<bool>>()) {
        let mask: Vec<Option<bool>> = match all {
            Some(all) if rows.len() % 2 == 0 => vec![Some(all); rows.len()],
            _ => masks[..rows.len()].to_vec(),
        };
        let kept: Vec<_> = rows.iter().zip(&mask).filter(|(_, keep)| **keep == Some(true)).map(|(row, _)| row.clone()).collect();
        let found = filter(&batch(&rows), &BooleanArray::from(mask)).unwrap();
        prop_assert_eq!(shown(&found), shown(&batch(&kept)));
        prop_assert_eq!(shown(&compact(&found).unwrap()), shown(&batch(&kept)));
    }

    #[test]
    fn slices_joined_are_the_whole(rows in rows(), at in 0_usize..130) {
        let whole = batch(&rows);
        let parts = [slice(&whole, 0, at), slice(&whole, at, usize::MAX)];
        prop_assert_eq!(parts[0].num_rows() + parts[1].num_rows(), rows.len());
        prop_assert_eq!(shown(&concat(&whole.schema(), &parts).unwrap()), shown(&whole));
    }

    #[test]
    fn take_gives_rows_in_the_order_asked(rows in rows(), positions in vec(0_u32..120, 0..50)) {
        let positions: Vec<u32> = positions.into_iter().filter(|at| (*at as usize) < rows.len()).collect();
        let expected: Vec<_> = positions.iter().map(|at| rows[*at as usize].clone()).collect();
        let found = take(&batch(&rows), &UInt32Array::from(positions)).unwrap();
        prop_assert_eq!(shown(&found), shown(&batch(&expected)));
    }
}

#[test]
fn nothing_is_copied_where_all_rows_stay() {
    let whole = batch(&[(Some(1), None), (None, Some("x".to_owned()))]);
    let kept = filter(&whole, &BooleanArray::from(vec![true, true])).unwrap();
    assert!(whole.columns().iter().zip(kept.columns()).all(|(a, b)| Arc::ptr_eq(a, b)));
}

#[test]
fn batches_without_columns_have_rows() {
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let empty = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let kept = filter(&empty, &BooleanArray::from(vec![true, false, true])).unwrap();
    assert_eq!(kept.num_rows(), 2);
    assert_eq!(compact(&kept).unwrap().num_rows(), 2);
}

#[test]
fn wrong_lengths_and_positions_are_refused() {
    let whole = batch(&[(Some(1), None)]);
    assert!(filter(&whole, &BooleanArray::from(vec![true, true])).is_err());
    assert_eq!(
        take(&whole, &UInt32Array::from(vec![1])).unwrap_err().to_string(),
        "row 1 of a batch of 1 rows"
    );
}

#[test]
fn compaction_gives_memory_back() {
    let words: Vec<String> = (0..8192).map(|row| format!("a text of its own in row {row}")).collect();
    let array: ArrayRef = Arc::new(StringViewArray::from_iter_values(&words));
    let numbers: ArrayRef = Arc::new(arrow::array::Int64Array::from_iter_values(0..8192));
    let whole = RecordBatch::try_from_iter([("t", array), ("n", numbers)]).unwrap();
    let mask: BooleanArray = (0..8192).map(|row| Some(row % 100 == 0)).collect();
    let kept = filter(&whole, &mask).unwrap();
    let small = compact(&kept).unwrap();
    assert_eq!(small, kept);
    assert!(unique_buffer_bytes(std::slice::from_ref(&kept)) > 200_000);
    assert!(unique_buffer_bytes(std::slice::from_ref(&small)) < 10_000);
    let part = slice(&whole, 100, 50);
    let small = compact(&part).unwrap();
    assert_eq!(small, part);
    assert!(unique_buffer_bytes(&[small]) < 5_000);
    // What is in use stays where it is.
    let same = compact(&whole).unwrap();
    assert!(whole.columns().iter().zip(same.columns()).all(|(a, b)| Arc::ptr_eq(a, b)));
}
