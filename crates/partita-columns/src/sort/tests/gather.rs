//! Gathers against arrow's interleave.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;

use super::twin::{Case, case};
use crate::error::ErrorKind;
use crate::sort::gather;

/// The columns of a case as batches of `rows` rows.
fn batches(case: &Case, rows: usize) -> (SchemaRef, Vec<RecordBatch>) {
    let fields = case.columns.iter().enumerate();
    let fields = fields.map(|(at, column)| Field::new(format!("c{at}"), column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let all = RecordBatch::try_new(Arc::clone(&schema), case.columns.clone()).unwrap();
    let starts = (0..all.num_rows()).step_by(rows);
    let batches = starts.map(|start| all.slice(start, rows.min(all.num_rows() - start))).collect();
    (schema, batches)
}

fn slow(batches: &[RecordBatch], column: usize, places: &[(u32, u32)]) -> ArrayRef {
    let sources: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(column).as_ref()).collect();
    let places: Vec<(usize, usize)> =
        places.iter().map(|place| (place.0 as usize, place.1 as usize)).collect();
    interleave(&sources, &places).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn gathered_rows_are_interleaved_rows(
        case in case(200), rows in 1_usize..90, seeds in prop::collection::vec((any::<u32>(), 1_u32..40), 0..60),
    ) {
        let (schema, batches) = batches(&case, rows);
        // Stretches of rows that follow each other, from single rows to whole batches and on into the next.
        let mut places = Vec::new();
        let total = case.columns[0].len() as u32;
        for (start, length) in seeds {
            let start = start.checked_rem(total).unwrap_or(0);
            let length = if length < 15 { 1 } else { length };
            let until = total.min(start + length);
            places.extend((start..until).map(|row| (row / rows as u32, row % rows as u32)));
        }
        let gathered = gather(&schema, &batches, &places).unwrap();
        prop_assert_eq!(gathered.num_rows(), places.len());
        prop_assert_eq!(gathered.schema(), schema);
        for (at, column) in gathered.columns().iter().enumerate() {
            column.to_data().validate_full().unwrap();
            if !places.is_empty() {
                prop_assert_eq!(column, &slow(&batches, at, &places));
            }
        }
    }
}

#[test]
fn places_and_batches_are_checked() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8View, true)]));
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b"]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![texts]).unwrap();
    for place in [(0, 2), (1, 0)] {
        let error = gather(&schema, std::slice::from_ref(&batch), &[place]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Shape(_)));
    }
    let other = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    assert!(gather(&other, &[batch], &[(0, 0)]).is_err());
}

#[test]
fn rows_without_columns_are_counted() {
    let schema = Arc::new(Schema::empty());
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), Vec::new(), &options).unwrap();
    assert_eq!(gather(&schema, &[batch], &[(0, 2), (0, 2)]).unwrap().num_rows(), 2);
}

#[test]
fn few_texts_do_not_hold_the_buffers_of_many() {
    let texts: Vec<String> =
        (0..1000).map(|row| format!("a text of more than twelve bytes, {row}")).collect();
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8View, false)]));
    let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(&texts));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
    let held = |rows: u32| {
        let places: Vec<(u32, u32)> = (0..rows).map(|row| (0, row)).collect();
        let gathered = gather(&schema, std::slice::from_ref(&batch), &places).unwrap();
        assert!(gathered.column(0).as_string_view().iter().flatten().eq(&texts[..rows as usize]));
        gathered
            .column(0)
            .as_string_view()
            .data_buffers()
            .iter()
            .map(|buffer| buffer.capacity())
            .sum::<usize>()
    };
    assert!(held(10) < 1000);
    assert!(held(1000) >= 30_000);
}
