use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, Int64Array, StringViewArray};
use arrow::datatypes::UInt64Type;
use proptest::prelude::*;

use super::*;
use crate::reduce::{Gather, merge_step};

/// All keys of a column as one run, by sorting alone.
fn sorted(column: &ArrayRef) -> RecordBatch {
    let mut gather = Gather::new(column.data_type()).unwrap();
    gather.push(column).unwrap();
    gather.take_run().unwrap()
}

/// The same, by counting as far as that goes and sorting the rest.
fn counted(column: &ArrayRef, batch_rows: usize, values_max: usize) -> (RecordBatch, usize) {
    let mut few = Few::new(column.data_type(), values_max).unwrap();
    let mut gather = Gather::new(column.data_type()).unwrap();
    let mut taken_in_all = 0;
    for start in (0..column.len()).step_by(batch_rows) {
        let part = column.slice(start, batch_rows.min(column.len() - start));
        let is_open = taken_in_all == start;
        let need = few.need_bytes(part.len());
        let taken = if is_open { few.add(&part).unwrap() } else { 0 };
        assert!(few.memory_bytes() <= need, "{} over {need}", few.memory_bytes());
        taken_in_all += taken;
        gather.push(&part.slice(taken, part.len() - taken)).unwrap();
    }
    let mut fronts = [few.take_run().unwrap(), gather.take_run().unwrap()];
    let mut pieces = Vec::new();
    while let Some(piece) = merge_step(&mut fronts).unwrap() {
        pieces.push(piece);
    }
    (crate::compute::concat(&run_schema(column.data_type()), &pieces).unwrap(), taken_in_all)
}

#[test]
fn counts_are_those_of_a_loop() {
    let column: ArrayRef =
        Arc::new((0..5000).map(|i| (i % 7 != 1).then_some(i * i % 311)).collect::<Int64Array>());
    let mut expected: BTreeMap<i64, u64> = BTreeMap::new();
    for i in (0..5000_i64).filter(|i| i % 7 != 1) {
        *expected.entry(i * i % 311).or_default() += 1;
    }
    let mut few = Few::new(column.data_type(), 4096).unwrap();
    assert_eq!(few.add(&column).unwrap(), 5000);
    let run = few.take_run().unwrap();
    let keys = run.column(0).as_primitive::<UInt64Type>().values();
    assert_eq!(
        keys.iter().map(|key| (*key ^ 1 << 63).cast_signed()).collect::<Vec<_>>(),
        expected.keys().copied().collect::<Vec<_>>()
    );
    assert_eq!(
        run.column(1).as_primitive::<UInt64Type>().values(),
        expected.values().copied().collect::<Vec<_>>().as_slice()
    );
    assert_eq!(few.take_run().unwrap().num_rows(), 0);
}

#[test]
fn many_values_are_left_to_others() {
    let words: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5000));
    let texts: ArrayRef = Arc::new((0..5000).map(|i| Some(format!("{i}"))).collect::<StringViewArray>());
    for column in [words, texts] {
        let mut few = Few::new(column.data_type(), 1500).unwrap();
        assert_eq!(few.add(&column).unwrap(), 1500);
        assert_eq!(few.take_run().unwrap().num_rows(), 1500);
    }
    // Long texts are many, too.
    let long: ArrayRef = Arc::new((0..100).map(|i| Some(format!("{i:1000}"))).collect::<StringViewArray>());
    let mut few = Few::new(long.data_type(), 1500).unwrap();
    assert_eq!(few.add(&long).unwrap(), 48);
}

proptest! {
    /// Counting first changes nothing, wherever it ends.
    #[test]
    fn runs_are_those_of_sorting(
        values in prop::collection::vec(prop::option::weighted(0.8, -9_i64..9), 0..300),
        times in 1_i64..2000,
        batch_rows in 1_usize..400,
        values_max in prop_oneof![Just(1_usize), 1..40_usize, Just(4096)],
    ) {
        let many = |at: usize, value: i64| value * times + (at as i64 % times);
        let numbers: ArrayRef = Arc::new(values.iter().enumerate().map(|(at, value)| value.map(|value| many(at, value))).collect::<Int64Array>());
        let specials = [f64::NAN, -f64::NAN, 0.0, -0.0, f64::INFINITY];
        let floats: ArrayRef = Arc::new(values.iter().map(|value| value.map(|value| match usize::try_from(value) {
            Ok(place) if place < specials.len() => specials[place],
            _ => value as f64 / 3.0,
        })).collect::<Float64Array>());
        let texts: ArrayRef = Arc::new(values.iter().enumerate().map(|(at, value)| value.map(|value| "long text ".repeat((value.unsigned_abs() % 3) as usize) + &many(at, value).to_string())).collect::<StringViewArray>());
        for column in [numbers, floats, texts] {
            let (run, taken) = counted(&column, batch_rows, values_max);
            prop_assert_eq!(&run, &sorted(&column));
            prop_assert!(taken <= column.len());
        }
    }
}
