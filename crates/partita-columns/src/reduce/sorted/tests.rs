//! Runs against maps, whatever their number and their pieces.

use std::collections::BTreeMap;

use arrow::array::{Decimal128Array, Float64Array, Int64Array, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::TimeUnit;
use proptest::prelude::*;

use super::*;

/// Sorts `column` in runs of `run` rows, read in pieces of `piece`, and asks.
fn ask(column: &ArrayRef, run: usize, piece: usize, questions: &[Reduction]) -> Vec<Scalar> {
    let mut gather = Gather::new(column.data_type()).unwrap();
    let mut runs = Vec::new();
    for start in (0..column.len()).step_by(run) {
        gather.push(&column.slice(start, run.min(column.len() - start))).unwrap();
        runs.push(gather.take_run().unwrap());
    }
    let nulls = column.null_count() as u64;
    let mut walk = Walk::new(column.data_type(), column.len() as u64 - nulls, nulls, questions);
    let mut places = vec![0; runs.len()];
    let mut fronts: Vec<RecordBatch> = runs.iter().map(|run| run.slice(0, 0)).collect();
    loop {
        for ((front, run), place) in fronts.iter_mut().zip(&runs).zip(&mut places) {
            if front.num_rows() == 0 {
                *front = run.slice(*place, piece.min(run.num_rows() - *place));
                *place += front.num_rows();
            }
        }
        match merge_step(&mut fronts).unwrap() {
            Some(merged) => walk.push(&merged).unwrap(),
            None => break,
        }
    }
    questions.iter().map(|question| walk.answer(*question).unwrap()).collect()
}

const QUESTIONS: [Reduction; 7] = [
    Reduction::NUnique { nulls: false },
    Reduction::NUnique { nulls: true },
    Reduction::Mode,
    Reduction::ModeCount,
    Reduction::Quantile(0.0),
    Reduction::Quantile(0.37),
    Reduction::Quantile(1.0),
];

proptest! {
    #[test]
    fn integers_are_counted_as_in_a_map(
        values in prop::collection::vec(prop::option::weighted(0.9, -20_i64..20), 0..200),
        run in 1_usize..60,
        piece in 1_usize..10,
    ) {
        let column: ArrayRef = Arc::new(Int64Array::from(values.clone()));
        let answers = ask(&column, run, piece, &QUESTIONS);
        let mut sorted: Vec<i64> = values.iter().flatten().copied().collect();
        sorted.sort_unstable();
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        sorted.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
        let distinct = counts.len() as u64;
        prop_assert_eq!(&answers[0], &Scalar::UInt64(distinct));
        prop_assert_eq!(&answers[1], &Scalar::UInt64(distinct + u64::from(values.contains(&None))));
        let most = counts.values().max().copied().unwrap_or(0);
        let mode = counts.iter().find(|(_, count)| **count == most).map(|(value, _)| *value);
        prop_assert_eq!(&answers[2], &mode.map_or(Scalar::Null(DataType::Int64), Scalar::Int64));
        prop_assert_eq!(&answers[3], &Scalar::UInt64(most));
        for (answer, share) in answers[4..].iter().zip([0.0, 0.37, 1.0]) {
            let expected = (!sorted.is_empty()).then(|| {
                let at = share * (sorted.len() - 1) as f64;
                let (low, high) = (sorted[at as usize] as f64, sorted[(at as usize + 1).min(sorted.len() - 1)] as f64);
                low + (high - low) * at.fract()
            });
            prop_assert_eq!(answer, &expected.map_or(Scalar::Null(DataType::Float64), Scalar::Float64));
        }
    }

    #[test]
    fn texts_are_counted_as_in_a_map(
        values in prop::collection::vec(prop::option::weighted(0.9, "[ab]{0,3}|long text, longer than twelve [ab]"), 0..100),
        run in 1_usize..60,
        piece in 1_usize..10,
    ) {
        let column: ArrayRef = Arc::new(StringViewArray::from_iter(values.clone()));
        let answers = ask(&column, run, piece, &QUESTIONS[..4]);
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        values.iter().flatten().for_each(|value| *counts.entry(value).or_default() += 1);
        prop_assert_eq!(&answers[0], &Scalar::UInt64(counts.len() as u64));
        let most = counts.values().max().copied().unwrap_or(0);
        let mode = counts.iter().find(|(_, count)| **count == most).map(|(value, _)| Scalar::Utf8((*value).to_owned()));
        prop_assert_eq!(&answers[2], &mode.unwrap_or(Scalar::Null(DataType::Utf8View)));
        prop_assert_eq!(&answers[3], &Scalar::UInt64(most));
    }
}

#[test]
fn floats_have_one_nan_and_one_zero() {
    let values = vec![0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, -1.0, f64::NEG_INFINITY];
    let column: ArrayRef = Arc::new(Float64Array::from(values));
    let answers = ask(&column, 2, 1, &QUESTIONS);
    assert_eq!(answers[0], Scalar::UInt64(5));
    assert_eq!(answers[2], Scalar::Float64(0.0));
    assert_eq!(answers[4], Scalar::Float64(f64::NEG_INFINITY));
    assert!(matches!(answers[6], Scalar::Float64(greatest) if greatest.is_nan()));
}

#[test]
fn decimals_and_times_come_back_as_they_were() {
    let decimals = Decimal128Array::from(vec![-150, 20, 20, 300]).with_precision_and_scale(10, 2).unwrap();
    let answers = ask(&(Arc::new(decimals) as ArrayRef), 3, 2, &QUESTIONS);
    assert_eq!(answers[2], Scalar::Decimal128(20, 10, 2));
    assert_eq!(answers[4], Scalar::Float64(-1.5));
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![10, -10, 21]));
    let median = ask(&times, 1, 1, &[Reduction::Quantile(0.75), Reduction::Mode]);
    assert_eq!(median[0], Scalar::Timestamp(15, TimeUnit::Microsecond, None));
    assert_eq!(median[1], Scalar::Timestamp(-10, TimeUnit::Microsecond, None));
}
