//! States of groups against loops over options, and cuts of all kinds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringViewArray,
};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, UInt64Type};
use proptest::prelude::*;

use super::super::{Aggregate, NO_GROUP, Question, RowNumbers, States};
use crate::reduce::Reduction;

fn asks(reductions: &[Reduction]) -> Vec<Question> {
    let question = |reduction: &Reduction| Question {
        aggregate: Aggregate::Reduction(*reduction),
        columns: (0..reduction.columns()).collect(),
    };
    reductions.iter().map(question).collect()
}

fn floats(states: &States, question: usize) -> Vec<Option<f64>> {
    let all = states.finish(question, 0..states.len()).unwrap();
    all.as_primitive::<Float64Type>().iter().collect()
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        8 => (-1e3_f64..1e3).prop_map(|value| Some(value.round() / 8.0)),
        1 => Just(None),
        1 => prop_oneof![Just(f64::NAN), Just(-0.0), Just(f64::INFINITY)].prop_map(Some),
    ]
}

/// Rows: a group and two values.
type Rows = Vec<(u32, Option<f64>, Option<f64>)>;

fn rows() -> impl Strategy<Value = Rows> {
    prop::collection::vec((0_u32..7, value(), value()), 0..150)
}

fn columns(rows: &Rows) -> (Vec<u32>, Vec<ArrayRef>) {
    let groups = rows.iter().map(|row| row.0).collect();
    let left: Float64Array = rows.iter().map(|row| row.1).collect();
    let right: Float64Array = rows.iter().map(|row| row.2).collect();
    (groups, vec![Arc::new(left), Arc::new(right)])
}

const FLOATS: [DataType; 2] = [DataType::Float64, DataType::Float64];

fn close(got: Option<f64>, wanted: Option<f64>, scale: f64) -> bool {
    match (got, wanted) {
        (Some(a), Some(b)) => {
            a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-9 * scale.max(b.abs())
        }
        (a, b) => a == b,
    }
}

proptest! {
    #[test]
    fn floats_reduce_as_in_loops(rows in rows()) {
        let (groups, arrays) = columns(&rows);
        use Reduction as R;
        let questions = [R::Sum, R::Mean, R::Min, R::Max, R::Prod, R::Var { ddof: 1 }, R::Cov { ddof: 0 }, R::Quantile(0.5)];
        let mut states = States::new(&asks(&questions), &FLOATS).unwrap();
        states.update(&groups, 7, &arrays, RowNumbers::From(0)).unwrap();
        for group in 0..7 {
            let of = || rows.iter().filter(|row| row.0 == group);
            let values: Vec<f64> = of().filter_map(|row| row.1).collect();
            let pairs: Vec<(f64, f64)> = of().filter_map(|row| row.1.zip(row.2)).collect();
            let n = values.len() as f64;
            let got = |question: usize| floats(&states, question)[group as usize];
            let sum = values.iter().fold(0.0, |sum, value| sum + value);
            prop_assert!(close(got(0), Some(sum), 0.0));
            prop_assert!(close(got(1), (n > 0.0).then(|| sum / n), 0.0));
            let numbers = || values.iter().copied().filter(|value| !value.is_nan());
            let or_nan = |best: Option<f64>| best.or((n > 0.0).then_some(f64::NAN));
            prop_assert!(close(got(2), or_nan(numbers().reduce(f64::min)), 0.0));
            prop_assert!(close(got(3), or_nan(numbers().reduce(f64::max)), 0.0));
            prop_assert!(close(got(4), Some(values.iter().product()), 0.0));
            let mean = sum / n;
            let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
            prop_assert!(close(got(5), (n > 1.0).then(|| squares / (n - 1.0)), 1.0));
            let m = pairs.len() as f64;
            let (x, y) = (pairs.iter().map(|p| p.0).sum::<f64>() / m, pairs.iter().map(|p| p.1).sum::<f64>() / m);
            let products: f64 = pairs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
            prop_assert!(close(got(6), (m > 0.0).then(|| products / m), 1e3));
            let mut sorted = values.clone();
            sorted.sort_by(|a, b| a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal)));
            let middle = |at: usize| sorted[at];
            let median = (!sorted.is_empty()).then(|| {
                let (low, high) = (middle((sorted.len() - 1) / 2), middle(sorted.len() / 2));
                if low == high { low } else { low + (high - low) * 0.5 }
            });
            prop_assert!(close(got(7), median, 0.0));
        }
    }

    #[test]
    fn a_state_of_one_row_is_as_good_as_the_row(rows in rows(), cuts in prop::collection::vec(any::<bool>(), 150)) {
        let (groups, arrays) = columns(&rows);
        let mut all = Reduction::ALL.to_vec();
        all.retain(|reduction| reduction.result_type(&FLOATS[..reduction.columns()]).is_ok());
        let mut questions = asks(&all);
        questions.push(Question { aggregate: Aggregate::List, columns: vec![1] });
        questions.push(Question { aggregate: Aggregate::Top { count: 3, is_largest: false }, columns: vec![0] });
        let start = || States::new(&questions, &FLOATS).unwrap();
        let (mut whole, mut mixed) = (start(), start());
        whole.update(&groups, 7, &arrays, RowNumbers::From(0)).unwrap();
        let none: Vec<ArrayRef> = arrays.iter().map(|array| array.slice(0, 0)).collect();
        mixed.update(&[], 7, &none, RowNumbers::From(0)).unwrap();
        for (row, group) in groups.iter().enumerate() {
            let one: Vec<ArrayRef> = arrays.iter().map(|array| array.slice(row, 1)).collect();
            let numbers = RowNumbers::From(row as u64);
            if cuts[row] {
                mixed.update(&[*group], 7, &one, numbers).unwrap();
            } else {
                let mut state = start();
                state.update(&[0], 1, &one, numbers).unwrap();
                mixed.merge(&[*group], 7, &state.columns(0..1).unwrap()).unwrap();
            }
        }
        let count = whole.len();
        for (one, other) in whole.columns(0..count).unwrap().iter().zip(mixed.columns(0..count).unwrap()) {
            prop_assert_eq!(one.to_data(), other.to_data());
        }
        for question in 0..questions.len() {
            let (one, other) = (whole.finish(question, 0..count).unwrap(), mixed.finish(question, 0..count).unwrap());
            prop_assert_eq!(one.to_data(), other.to_data());
        }
    }

    #[test]
    fn pieces_are_joined_within_rounding(rows in rows(), cut in 0_usize..150) {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let rows: Rows = rows.into_iter().map(|row| (row.0, finite(row.1), finite(row.2))).collect();
        let (groups, arrays) = columns(&rows);
        use Reduction as R;
        let all = [R::Sum, R::Mean, R::Var { ddof: 1 }, R::Cov { ddof: 1 }, R::Min, R::Quantile(0.25)];
        let start = || States::new(&asks(&all), &FLOATS).unwrap();
        let (mut whole, mut early, mut late) = (start(), start(), start());
        whole.update(&groups, 7, &arrays, RowNumbers::From(0)).unwrap();
        let cut = cut.min(rows.len());
        let piece = |from: usize, len: usize| arrays.iter().map(|array| array.slice(from, len)).collect::<Vec<_>>();
        early.update(&groups[..cut], 7, &piece(0, cut), RowNumbers::From(0)).unwrap();
        late.update(&groups[cut..], 7, &piece(cut, rows.len() - cut), RowNumbers::From(cut as u64)).unwrap();
        early.merge(&[6, 5, 4, 3, 2, 1, 0], 7, &late.columns(0..7).map(|columns| reversed(&columns)).unwrap()).unwrap();
        for question in 0..all.len() {
            for (got, wanted) in floats(&early, question).into_iter().zip(floats(&whole, question)) {
                match (got, wanted) {
                    (Some(a), Some(b)) => prop_assert!((a - b).abs() <= 1e-12 * 1e6, "{a} {b}"),
                    (a, b) => prop_assert_eq!(a, b),
                }
            }
        }
    }

    #[test]
    fn integers_reduce_as_in_loops(
        rows in prop::collection::vec((0_u32..5, prop::option::weighted(0.8, prop_oneof![8 => -4_i64..4, 1 => any::<i64>()])), 0..120),
    ) {
        let groups: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let column: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>());
        use Reduction as R;
        let all = [R::Sum, R::Min, R::Max, R::First, R::Last, R::Mode, R::NUnique { nulls: false }, R::ModeCount, R::IdxMax, R::Len, R::Count];
        let mut states = States::new(&asks(&all), &[DataType::Int64]).unwrap();
        states.update(&groups, 5, &[column], RowNumbers::From(0)).unwrap();
        let sums: Vec<i128> = (0..5).map(|group| rows.iter().filter(|row| row.0 == group).filter_map(|row| row.1).map(i128::from).sum()).collect();
        let fitting: Option<Vec<i64>> = sums.iter().map(|sum| i64::try_from(*sum).ok()).collect();
        match (states.finish(0, 0..5), fitting) {
            (Ok(got), Some(wanted)) => prop_assert_eq!(&got.as_primitive::<Int64Type>().values()[..], &wanted[..]),
            (Err(error), None) => prop_assert!(error.to_string().contains("overflow in sum")),
            (got, wanted) => prop_assert!(false, "{got:?} {wanted:?}"),
        }
        for group in 0..5_u32 {
            let values: Vec<i64> = rows.iter().filter(|row| row.0 == group).filter_map(|row| row.1).collect();
            let at = |question: usize| {
                let all = states.finish(question, group as usize..group as usize + 1).unwrap();
                all.as_primitive_opt::<Int64Type>().map_or_else(
                    || all.as_primitive::<UInt64Type>().iter().next().flatten().map(|value| value as i64),
                    |all| all.iter().next().flatten(),
                )
            };
            let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
            values.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
            let most = counts.values().max().copied();
            let best = rows.iter().enumerate().filter(|(_, row)| row.0 == group && row.1.is_some() && row.1 == values.iter().max().copied());
            prop_assert_eq!(at(1), values.iter().min().copied());
            prop_assert_eq!(at(2), values.iter().max().copied());
            prop_assert_eq!(at(3), values.first().copied());
            prop_assert_eq!(at(4), values.last().copied());
            prop_assert_eq!(at(5), counts.iter().find(|(_, count)| Some(**count) == most).map(|(value, _)| *value));
            prop_assert_eq!(at(6), Some(values.iter().collect::<BTreeSet<_>>().len() as i64));
            prop_assert_eq!(at(7), Some(most.unwrap_or(0)));
            prop_assert_eq!(at(8), best.map(|(row, _)| row as i64).next());
            prop_assert_eq!(at(9), Some(rows.iter().filter(|row| row.0 == group).count() as i64));
            prop_assert_eq!(at(10), Some(values.len() as i64));
        }
    }
}

/// Rows from the last to the first.
fn reversed(columns: &[ArrayRef]) -> Vec<ArrayRef> {
    let rows = columns[0].len() as u32;
    let order = arrow::array::UInt32Array::from_iter_values((0..rows).rev());
    columns.iter().map(|column| arrow::compute::take(column, &order, None).unwrap()).collect()
}

#[test]
fn truths_and_bytes() {
    let truths: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]));
    let mut states = States::new(&asks(&[Reduction::Any, Reduction::All]), &[DataType::Boolean]).unwrap();
    states.update(&[0, 1, 2, 0], 3, &[truths], RowNumbers::From(0)).unwrap();
    let shown = |question: usize| {
        states.finish(question, 0..3).unwrap().as_boolean().iter().flatten().collect::<Vec<_>>()
    };
    assert_eq!((shown(0), shown(1)), (vec![true, false, false], vec![true, false, true]));
    let texts: ArrayRef =
        Arc::new(StringViewArray::from(vec![Some("short"), Some("a text of over 12 bytes"), None]));
    let mut states = States::new(&asks(&[Reduction::MemoryUsage]), &[DataType::Utf8View]).unwrap();
    states.update(&[0, 1, 1], 2, &[texts], RowNumbers::From(0)).unwrap();
    let bytes = states.finish(0, 0..2).unwrap();
    assert_eq!(&bytes.as_primitive::<UInt64Type>().values()[..], [16, 16 + 23 + 16]);
}

#[test]
fn many_distinct_values_are_counted_within_the_bound() {
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values((0..60_000).map(|i| i * 7)));
    let groups: Vec<u32> = (0..60_000).map(|i| u32::from(i % 100 == 0)).collect();
    let questions = asks(&[Reduction::ApproxNUnique]);
    let mut states = States::new(&questions, &[DataType::Int64]).unwrap();
    let mut later = States::new(&questions, &[DataType::Int64]).unwrap();
    states.update(&groups[..30_000], 2, &[values.slice(0, 30_000)], RowNumbers::From(0)).unwrap();
    later.update(&groups[30_000..], 2, &[values.slice(30_000, 30_000)], RowNumbers::From(0)).unwrap();
    states.merge(&[0, 1], 2, &later.columns(0..2).unwrap()).unwrap();
    let counts = states.finish(0, 0..2).unwrap();
    let counts = counts.as_primitive::<UInt64Type>().values();
    assert!(counts[0].abs_diff(59_400) < 59_400 / 40, "{counts:?}");
    assert!(counts[1].abs_diff(600) < 15, "{counts:?}");
}

#[test]
fn groups_beyond_the_count_and_other_columns_are_refused() {
    let mut states = States::new(&asks(&[Reduction::Sum]), &[DataType::Int64]).unwrap();
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    assert!(states.update(&[1], 1, std::slice::from_ref(&column), RowNumbers::From(0)).is_err());
    assert!(states.update(&[0], 1, &[], RowNumbers::From(0)).is_err());
    assert!(states.merge(&[0], 1, &[column]).is_err());
    assert!(states.finish(1, 0..1).is_err());
    assert!(States::new(&asks(&[Reduction::Sum]), &[DataType::Utf8View]).is_err());
}

#[test]
fn short_decimals_leave_64_bits_and_come_back_from_states() {
    let column = |values: Vec<i128>, valid: Vec<bool>| -> ArrayRef {
        let all = Decimal128Array::new(values.into(), Some(valid.into()));
        Arc::new(all.with_precision_and_scale(18, 2).unwrap())
    };
    let greatest = 10_i128.pow(18) - 1;
    let types = [DataType::Decimal128(18, 2)];
    let questions = asks(&[Reduction::Sum]);
    let sums = |states: &States| {
        let sums = states.finish(0, 0..states.len()).unwrap();
        sums.as_primitive::<Decimal128Type>().values().to_vec()
    };
    // What lies under a null is nobody's.
    let some = column(vec![greatest, -5, 1 << 90, -greatest], vec![true, true, false, true]);
    let (mut short, mut long) =
        (States::new(&questions, &types).unwrap(), States::new(&questions, &types).unwrap());
    short.update(&[0, 1, 1, 2], 3, &[Arc::clone(&some)], RowNumbers::From(0)).unwrap();
    assert_eq!(sums(&short), [greatest, -5, -greatest]);
    for _ in 0..12 {
        long.update(&[0, 1, 1, 2], 3, &[Arc::clone(&some)], RowNumbers::From(0)).unwrap();
    }
    assert_eq!(sums(&long), [12 * greatest, -60, -12 * greatest]);
    short.merge(&[0, 1, 2], 3, &long.columns(0..3).unwrap()).unwrap();
    assert_eq!(sums(&short), [13 * greatest, -65, -13 * greatest]);
    let states = short.columns(0..3).unwrap();
    long.merge(&[2, 1, 0], 3, &states).unwrap();
    assert_eq!(sums(&long), [-greatest, -125, greatest]);
    let beyond = column(vec![1 << 90], vec![true]);
    let error = short.update(&[0], 3, &[beyond], RowNumbers::From(0)).unwrap_err().to_string();
    assert!(error.contains("more digits") && error.contains("wider decimal"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// As many rows and as few groups as are added up apart, and a few more and less.
    #[test]
    fn few_groups_of_many_rows_are_added_up(
        count in prop_oneof![Just(1_u32), Just(4), Just(127), Just(128), Just(129)],
        values in prop::collection::vec((any::<u32>(), prop_oneof![4 => -50_i64..50, 1 => any::<i64>().prop_map(|value| value >> 14)]), 1015..2060),
    ) {
        let group = |at: u32| if at.is_multiple_of(9) { NO_GROUP } else { at % count };
        let groups: Vec<u32> = values.iter().map(|(at, _)| group(*at)).collect();
        let column: ArrayRef = Arc::new(values.iter().map(|(_, value)| Some(*value)).collect::<Int64Array>());
        let question = |reduction: Reduction, columns: &[usize]| Question { aggregate: reduction.into(), columns: columns.to_vec() };
        let questions = [question(Reduction::Sum, &[0]), question(Reduction::Len, &[])];
        let mut states = States::new(&questions, &[DataType::Int64]).unwrap();
        for _ in 0..2 {
            states.update(&groups, count as usize, std::slice::from_ref(&column), RowNumbers::From(0)).unwrap();
        }
        let (sums, lens) = (states.finish(0, 0..count as usize).unwrap(), states.finish(1, 0..count as usize).unwrap());
        for number in 0..count {
            let of = || groups.iter().zip(&values).filter(|(group, _)| **group == number);
            let sum: i64 = of().map(|(_, (_, value))| 2 * value).sum();
            prop_assert_eq!(sums.as_primitive::<Int64Type>().value(number as usize), sum);
            prop_assert_eq!(lens.as_primitive::<UInt64Type>().value(number as usize), 2 * of().count() as u64);
        }
    }
}
