//! Reductions against loops over options, whatever the cuts into partitions and batches.

mod twin;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringViewArray,
    UInt8Array,
};
use arrow::datatypes::DataType;
use proptest::prelude::*;

use super::{Reduction, State};
use crate::scalar::Scalar;

/// Reduces `column` cut into partitions of `partition` rows and batches of `batch`.
pub(super) fn reduce(
    reduction: Reduction,
    columns: &[ArrayRef],
    cuts: (usize, usize),
) -> crate::Result<Scalar> {
    let (partition, batch) = cuts;
    let types: Vec<DataType> = columns.iter().map(|column| column.data_type().clone()).collect();
    let rows = columns.first().map_or(0, |column| column.len());
    let start = || reduction.accumulator().start(&types);
    let mut total: Option<State> = None;
    for from in (0..rows.max(1)).step_by(partition) {
        let until = rows.min(from + partition);
        let mut state = start()?;
        for at in (from..until).step_by(batch) {
            let slices: Vec<ArrayRef> = columns.iter().map(|c| c.slice(at, batch.min(until - at))).collect();
            state.update(&slices, batch.min(until - at))?;
        }
        match &mut total {
            None => total = Some(state),
            Some(total) => total.merge(&state)?,
        }
    }
    reduction.finish(&total.map_or_else(start, Ok)?, &types)
}

fn one(reduction: Reduction, column: impl Array + 'static) -> Scalar {
    let column: ArrayRef = Arc::new(column);
    reduce(reduction, &[column], (3, 2)).unwrap()
}

#[test]
fn few_and_no_values() {
    let floats = || Float64Array::from(vec![Some(1.0), Some(f64::NAN), None, Some(2.0), Some(-0.0)]);
    assert_eq!(one(Reduction::Max, floats()), Scalar::Float64(2.0));
    assert_eq!(one(Reduction::IdxMax, floats()), Scalar::UInt64(3));
    assert_eq!(one(Reduction::Min, floats()), Scalar::Float64(0.0));
    assert_eq!(one(Reduction::IdxMin, floats()), Scalar::UInt64(4));
    assert_eq!(one(Reduction::NullCount, floats()), Scalar::UInt64(1));
    assert!(matches!(one(Reduction::Sum, floats()), Scalar::Float64(sum) if sum.is_nan()));
    let nan = Float64Array::from(vec![None, Some(f64::NAN)]);
    assert_eq!(one(Reduction::IdxMin, nan.clone()), Scalar::UInt64(1));
    assert!(matches!(one(Reduction::Min, nan), Scalar::Float64(least) if least.is_nan()));
    let infinite = Float64Array::from(vec![f64::INFINITY; 40]);
    assert_eq!(one(Reduction::Min, infinite), Scalar::Float64(f64::INFINITY));
    let none = || Float64Array::from(vec![None, None]);
    assert_eq!(one(Reduction::Sum, none()), Scalar::Float64(0.0));
    assert_eq!(one(Reduction::Mean, none()), Scalar::Null(DataType::Float64));
    assert_eq!(one(Reduction::Min, none()), Scalar::Null(DataType::Float64));
    assert_eq!(one(Reduction::Count, none()), Scalar::UInt64(0));
}

#[test]
fn sums_have_the_wide_type_or_say_that_they_do_not_fit() {
    assert_eq!(one(Reduction::Sum, UInt8Array::from(vec![255; 4])), Scalar::UInt64(1020));
    assert_eq!(one(Reduction::Sum, BooleanArray::from(vec![Some(true), None, Some(true)])), Scalar::Int64(2));
    let large: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1]));
    let error = reduce(Reduction::Sum, &[Arc::clone(&large)], (1, 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "integer overflow in sum: the result does not fit Int64; cast to a wider type or to Float64"
    );
    assert_eq!(reduce(Reduction::Mean, &[large], (1, 1)).unwrap(), Scalar::Float64(2_f64.powi(62)));
    let cents = Decimal128Array::from(vec![10, 20, 30]).with_precision_and_scale(10, 2).unwrap();
    assert_eq!(one(Reduction::Sum, cents.clone()), Scalar::Decimal128(60, 38, 2));
    assert_eq!(one(Reduction::Mean, cents), Scalar::Float64(0.2));
    let days = Date32Array::from(vec![0, 1]);
    let noon = Scalar::Timestamp(43_200_000_000, arrow::datatypes::TimeUnit::Microsecond, None);
    assert_eq!(one(Reduction::Mean, days), noon);
}

#[test]
fn texts_have_ends() {
    let texts = || StringViewArray::from(vec![Some("b"), None, Some("a"), Some("c"), Some("a"), Some("")]);
    assert_eq!(one(Reduction::Min, texts()), Scalar::Utf8(String::new()));
    assert_eq!(one(Reduction::IdxMax, texts()), Scalar::UInt64(3));
    assert!(Reduction::Sum.result_type(&[DataType::Utf8View]).is_err());
}

fn floats() -> impl Strategy<Value = Vec<Option<f64>>> {
    let value = prop_oneof![
        8 => (-1e6_f64..1e6).prop_map(Some),
        1 => Just(None),
        1 => prop_oneof![Just(f64::NAN), Just(-0.0), Just(f64::INFINITY), Just(1e300)].prop_map(Some),
    ];
    prop::collection::vec(value, 0..300)
}

proptest! {
    #[test]
    fn floats_reduce_as_in_loops(values in floats(), partition in 1_usize..200, batch in 1_usize..80) {
        let column: ArrayRef = Arc::new(Float64Array::from(values.clone()));
        let run = |reduction| reduce(reduction, &[Arc::clone(&column)], (partition, batch)).unwrap();
        let present: Vec<f64> = values.iter().flatten().copied().collect();
        prop_assert_eq!(run(Reduction::Count), Scalar::UInt64(present.len() as u64));
        let exact: f64 = present.iter().sum();
        let Scalar::Float64(sum) = run(Reduction::Sum) else { panic!("no float") };
        let scale: f64 = present.iter().map(|v| v.abs()).sum();
        prop_assert!((sum - exact).abs() <= scale * 1e-13 || sum.to_bits() == exact.to_bits() || (sum.is_nan() && exact.is_nan()));
        let numbers = || values.iter().enumerate().filter_map(|(row, v)| v.filter(|v| !v.is_nan()).map(|v| (row, v)));
        let least = numbers().map(|(_, v)| v).reduce(f64::min);
        match least {
            Some(least) => {
                prop_assert_eq!(run(Reduction::Min), Scalar::Float64(least));
                let row = numbers().find(|(_, v)| *v == least).map(|(row, _)| row as u64);
                prop_assert_eq!(run(Reduction::IdxMin), row.map_or(Scalar::Null(DataType::UInt64), Scalar::UInt64));
            }
            None => prop_assert_eq!(run(Reduction::Min).is_null(), present.is_empty()),
        }
    }

    #[test]
    fn integers_reduce_as_in_loops(
        values in prop::collection::vec(prop::option::weighted(0.8, any::<i64>()), 0..300),
        partition in 1_usize..200,
        batch in 1_usize..80,
    ) {
        let column: ArrayRef = Arc::new(Int64Array::from(values.clone()));
        let run = |reduction| reduce(reduction, &[Arc::clone(&column)], (partition, batch));
        let sum: i128 = values.iter().flatten().map(|v| i128::from(*v)).sum();
        match i64::try_from(sum) {
            Ok(sum) => prop_assert_eq!(run(Reduction::Sum).unwrap(), Scalar::Int64(sum)),
            Err(_) => prop_assert!(run(Reduction::Sum).is_err()),
        }
        let greatest = values.iter().flatten().max().copied();
        prop_assert_eq!(run(Reduction::Max).unwrap(), greatest.map_or(Scalar::Null(DataType::Int64), Scalar::Int64));
    }
}

#[test]
fn further_reductions_of_few_values() {
    let values =
        || Float64Array::from(vec![Some(1.0), Some(2.0), None, Some(4.0), Some(7.0), Some(1.5), Some(1.5)]);
    let close = |reduction, expected: f64| match one(reduction, values()) {
        Scalar::Float64(got) => assert!((got - expected).abs() < 1e-12, "{reduction}: {got}"),
        other => assert_eq!(other, Scalar::Float64(expected)),
    };
    close(Reduction::Var { ddof: 1 }, 5.266_666_666_666_667);
    close(Reduction::Std { ddof: 0 }, (5.266_666_666_666_667_f64 * 5.0 / 6.0).sqrt());
    close(Reduction::Sem { ddof: 1 }, 0.936_897_954_837_013_1);
    close(Reduction::Prod, 126.0);
    assert_eq!(one(Reduction::First, values()), Scalar::Float64(1.0));
    assert_eq!(one(Reduction::Last, values()), Scalar::Float64(1.5));
    let one_value = || Float64Array::from(vec![Some(7.0), None]);
    assert_eq!(one(Reduction::Var { ddof: 1 }, one_value()), Scalar::Null(DataType::Float64));
    assert_eq!(one(Reduction::Var { ddof: 0 }, one_value()), Scalar::Float64(0.0));
    assert_eq!(one(Reduction::Skew, one_value()), Scalar::Null(DataType::Float64));
    let truths = |values: Vec<Option<bool>>| BooleanArray::from(values);
    assert_eq!(one(Reduction::Any, truths(vec![None, Some(false), Some(true)])), Scalar::Boolean(true));
    assert_eq!(one(Reduction::All, truths(vec![None, Some(false), Some(true)])), Scalar::Boolean(false));
    assert_eq!(one(Reduction::All, truths(vec![None])), Scalar::Boolean(true));
    assert_eq!(one(Reduction::Any, truths(vec![])), Scalar::Boolean(false));
}

#[test]
fn products_of_integers_say_that_they_do_not_fit() {
    let run = |values: Vec<i64>| reduce(Reduction::Prod, &[Arc::new(Int64Array::from(values))], (2, 1));
    assert_eq!(run(vec![]).unwrap(), Scalar::Int64(1));
    assert_eq!(run(vec![-3, 5, 7]).unwrap(), Scalar::Int64(-105));
    assert!(run(vec![i64::MAX, 2]).is_err());
    assert!(run(vec![i64::MAX; 9]).is_err());
    assert_eq!(run(vec![i64::MAX, i64::MAX, i64::MAX, i64::MAX, i64::MAX, 0]).unwrap(), Scalar::Int64(0));
    assert_eq!(run(vec![0, 1, i64::MAX, i64::MAX, i64::MAX, i64::MAX]).unwrap(), Scalar::Int64(0));
}

#[test]
fn moments_of_thousands_are_those_of_two_passes() {
    let values: Vec<f64> = (0..5000).map(|i| (f64::from(i) * 0.7).sin().exp() * 3.0 + 1e6).collect();
    let others: Vec<f64> = values.iter().enumerate().map(|(i, v)| v * 0.5 + (i % 17) as f64).collect();
    let n = values.len() as f64;
    let mean = |of: &[f64]| of.iter().map(|v| v - 1e6).sum::<f64>() / n + 1e6;
    let (m, o) = (mean(&values), mean(&others));
    let power = |k: i32| values.iter().map(|v| (v - m).powi(k)).sum::<f64>();
    let product: f64 = values.iter().zip(&others).map(|(a, b)| (a - m) * (b - o)).sum();
    let other: f64 = others.iter().map(|b| (b - o) * (b - o)).sum();
    let deviation = (power(2) / n).sqrt();
    let skew = power(3) / n / deviation.powi(3) * (n * (n - 1.0)).sqrt() / (n - 2.0);
    let excess = power(4) / n / deviation.powi(4) - 3.0;
    let kurtosis = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * excess + 6.0);
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Float64Array::from(values.clone())), Arc::new(Float64Array::from(others))];
    for cuts in [(5000, 5000), (777, 100), (1024, 1000)] {
        let close = |reduction: Reduction, expected: f64| {
            let got = reduce(reduction, &columns[..reduction.columns()], cuts).unwrap();
            let Scalar::Float64(got) = got else { panic!("{got:?}") };
            assert!(
                (got - expected).abs() <= expected.abs() * 1e-8,
                "{reduction} {cuts:?}: {got} {expected}"
            );
        };
        close(Reduction::Var { ddof: 1 }, power(2) / (n - 1.0));
        close(Reduction::Skew, skew);
        close(Reduction::Kurtosis, kurtosis);
        close(Reduction::Cov { ddof: 1 }, product / (n - 1.0));
        close(Reduction::Corr, product / (power(2).sqrt() * other.sqrt()));
    }
}

#[test]
fn names_and_parameters_read_back() {
    for name in ["var", "nunique", "quantile", "approx_quantile", "corr", "mode", "len", "memory_usage"] {
        assert_eq!(Reduction::from_name(name).unwrap().to_string(), name);
    }
    assert_eq!(Reduction::from_name("median"), Some(Reduction::Quantile(0.5)));
    let var = Reduction::Var { ddof: 1 };
    assert_eq!(var.with_parameter(&Scalar::Int64(0)), Some(Reduction::Var { ddof: 0 }));
    assert_eq!(var.with_parameter(&Scalar::Float64(0.5)), None);
    assert_eq!(Reduction::Quantile(0.5).with_parameter(&Scalar::Int64(1)), Some(Reduction::Quantile(1.0)));
    assert_eq!(Reduction::Quantile(0.5).with_parameter(&Scalar::Float64(1.5)), None);
    assert_eq!(Reduction::Sum.with_parameter(&Scalar::Int64(1)), None);
}
