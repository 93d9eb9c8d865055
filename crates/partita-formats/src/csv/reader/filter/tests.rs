use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Int64Type};
use proptest::prelude::*;

use super::super::testing::{gather, open, plan, read_whole, rows};
use super::super::{BlockReader, StreamReader};
use super::*;
use crate::csv::options::{Infer, Ragged, ReadOptions};

/// Keeps a row where the sum of what its columns hold, null being nothing, leaves the right remainder; null where that is
/// one more.
#[derive(Clone)]
struct Remainder {
    columns: Vec<usize>,
    output_columns: usize,
    divisor: u64,
}

/// Some number that a value stands for.
fn number(column: &ArrayRef, row: usize) -> u64 {
    if column.is_null(row) {
        return 0;
    }
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row) as u64,
        _ => column.as_string_view().value(row).bytes().map(u64::from).sum(),
    }
}

impl Remainder {
    fn mask(&self, columns: &[ArrayRef], rows: usize) -> BooleanArray {
        let of_row = |row| {
            let sum = columns.iter().fold(0_u64, |sum, column| sum.wrapping_add(number(column, row)));
            let left = sum % self.divisor;
            (left != 1).then_some(left == 0)
        };
        (0..rows).map(of_row).collect()
    }
}

impl RowFilter for Remainder {
    fn columns(&self) -> &[usize] {
        &self.columns
    }

    fn output_columns(&self) -> usize {
        self.output_columns
    }

    fn keep(&mut self, batch: &RecordBatch) -> Result<BooleanArray> {
        Ok(self.mask(batch.columns(), batch.num_rows()))
    }
}

fn options(chunk_bytes: usize, batch_rows_max: usize) -> ReadOptions {
    let types = [DataType::Int64, DataType::Utf8View, DataType::Int64, DataType::Float64];
    ReadOptions {
        dtypes: ["a", "b", "c", "d"].map(str::to_owned).into_iter().zip(types).collect(),
        ragged: Ragged::Pad,
        infer: Infer::None,
        chunk_bytes,
        batch_rows_max,
        ..ReadOptions::default()
    }
}

proptest! {
    #[test]
    fn rows_are_those_of_decoding_all_and_filtering(
        records in prop::collection::vec("[0-9]{0,4},(\"[a-z,\n]{0,15}\"|[a-z]{0,20}),(-?[0-9]{1,12})?(,[0-9]{0,3}\\.?[0-9]{0,3})?", 0..300)
            .prop_map(|records| records.join("\n").replace(",.", ",0.")),
        (chunk_bytes, batch_rows_max) in (1_usize..3000, 1_usize..80),
        columns in prop::sample::subsequence(vec![0, 1, 2], 1..=3),
        output_columns in 0_usize..=4,
        divisor in prop::sample::select(vec![1, 2, 3, 50, 1_000_003]),
    ) {
        let text = format!("a,b,c,d\n{records}\n");
        let block = plan(text.as_bytes(), &options(chunk_bytes, batch_rows_max)).expect("a plan");
        let all = read_whole(&block, text.as_bytes()).expect("rows");
        let filter = Remainder { columns: columns.clone(), output_columns, divisor };
        let seen: Vec<ArrayRef> = columns.iter().map(|&column| Arc::clone(all.column(column))).collect();
        let output: Vec<usize> = (0..output_columns).collect();
        let mask = filter.mask(&seen, all.num_rows());
        let expected = filter_record_batch(&all, &mask).expect("rows").project(&output).expect("columns");

        let input = open(text.as_bytes());
        let reader = BlockReader::new(Arc::clone(&block), Arc::clone(&input), 0..input.len()).expect("a reader");
        let mut reader = reader.filtered(Box::new(filter.clone())).expect("a filter");
        let output = block.project(&output);
        prop_assert_eq!(reader.schema(), &output.schema);
        let found = if output_columns == 0 {
            let mut rows = 0;
            while let Some(batch) = reader.next_batch().expect("a batch") {
                rows += batch.num_rows();
            }
            prop_assert_eq!(rows, expected.num_rows());
            prop_assert_eq!(reader.rows_seen(), all.num_rows() as u64);
            return Ok(());
        } else {
            gather(&output, || reader.next_batch()).expect("rows")
        };
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(reader.rows_seen(), all.num_rows() as u64);

        let reader = StreamReader::new(Arc::clone(&block), Arc::clone(&input)).expect("a reader");
        let mut reader = reader.filtered(Box::new(filter)).expect("a filter");
        // The first partition is passed over by another task, and is not filtered.
        let cut = input.len() / 3;
        let mut skipping = StreamReader::new(Arc::clone(&block), Arc::clone(&input)).expect("a reader");
        let skipped = skipping.skip(cut).expect("rows");
        prop_assert_eq!(skipping.rows_seen(), skipped);
        let parts = [cut, input.len()].map(|end| gather(&output, || reader.next_batch(end)).expect("rows"));
        prop_assert_eq!(&arrow::compute::concat_batches(&output.schema, &parts).expect("rows"), &expected);
    }
}

/// What a reader with a filter of column `a` makes of a file.
fn outcome(text: &str, filter: &Remainder) -> Result<RecordBatch> {
    let block = plan(text.as_bytes(), &options(64, 3)).expect("a plan");
    let input = open(text.as_bytes());
    let reader = BlockReader::new(Arc::clone(&block), Arc::clone(&input), 0..input.len())?;
    let mut reader = reader.filtered(Box::new(filter.clone()))?;
    gather(&block, || reader.next_batch())
}

#[test]
fn only_rows_that_stay_are_judged_by_the_other_columns() {
    let filter = Remainder { columns: vec![0], output_columns: 4, divisor: 3 };
    let batch = outcome("a,b,c,d\n3,x,1,1.5\n5,y,wrong,2\n,z,9,\n", &filter).expect("rows");
    assert_eq!(rows(&batch), [["3", "\"x\"", "1", "1.5"], ["null", "\"z\"", "9", "null"]]);

    let told = |text: &str, filter: &Remainder| {
        let error = outcome(text, filter).expect_err("values that do not fit");
        let ErrorKind::Mismatch(table) = error.kind() else { panic!("{error}") };
        let row = |row: &crate::csv::mismatch::Mismatch| (row.column.clone(), row.count, row.record);
        table.rows().iter().map(row).collect::<Vec<_>>()
    };
    // In its own columns every value is judged, once.
    let text = "a,b,c,d\n3,x,1,1\n6,y,wrong,2\n7,z,wrong,2\nw,z,1,1\nw,z,1,1\n8,z,wrong,wrong\n9,z,1,wrong\n";
    let row = |name: &str, count, record| (name.to_owned(), count, Some(record));
    assert_eq!(told(text, &filter), [row("c", 1, 2), row("a", 2, 4), row("d", 1, 7)]);
    let both = Remainder { columns: vec![2, 0], ..filter };
    assert_eq!(told("a,b,c,d\n3,x,w,1\n4,x,-1,w\n5,x,1,w\n", &both)[..1], [row("c", 1, 1)]);
}

/// Cannot decide.
struct Broken;

impl RowFilter for Broken {
    fn columns(&self) -> &[usize] {
        &[0]
    }

    fn output_columns(&self) -> usize {
        1
    }

    fn keep(&mut self, _: &RecordBatch) -> Result<BooleanArray> {
        Err(ErrorKind::Filter("it is Monday".into()).into())
    }
}

#[test]
fn what_a_filter_says_is_told_unless_values_do_not_fit() {
    let read = |text: &str, on_mismatch| {
        let block = plan(text.as_bytes(), &ReadOptions { on_mismatch, ..options(1000, 10) }).expect("a plan");
        let input = open(text.as_bytes());
        let reader = BlockReader::new(block, Arc::clone(&input), 0..input.len())?;
        reader.filtered(Box::new(Broken))?.next_batch().map(drop)
    };
    let error = read("a,b,c,d\n1,2,3,4\n", OnMismatch::Error).expect_err("an error");
    assert_eq!(error.to_string(), "it is Monday");
    assert_eq!(error.into_filter_error().expect("the filter's").to_string(), "it is Monday");
    let error = read("a,b,c,d\nx,2,3,4\n", OnMismatch::Error).expect_err("an error");
    assert!(matches!(error.kind(), ErrorKind::Mismatch(_)), "{error}");
    let error = read("a,b,c,d\n1,2,3,4\n", OnMismatch::Quarantine).expect_err("an error");
    assert!(matches!(error.kind(), ErrorKind::Options(_)), "{error}");
}
