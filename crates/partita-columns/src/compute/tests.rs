//! Every kernel against a slow twin, row by row, on columns with nulls, NaN, extremes and slices.

mod arithmetic;
mod cast;
mod compare;
mod fill;
mod is_in;
mod logic;
mod select;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringViewArray, UInt64Array,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::scalar::Value;

/// Long enough to cross the 64 rows of a word.
pub(crate) const ROWS_MAX: usize = 150;

pub(crate) fn int64() -> impl Strategy<Value = Option<i64>> + Clone {
    prop_oneof![
        2 => Just(None),
        2 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(-1), Just(0), Just(1)].prop_map(Some),
        4 => (-5_i64..5).prop_map(Some),
        2 => any::<i64>().prop_map(Some),
    ]
}

pub(crate) fn uint64() -> impl Strategy<Value = Option<u64>> + Clone {
    prop_oneof![
        2 => Just(None),
        2 => prop_oneof![Just(u64::MAX), Just(i64::MAX as u64), Just(i64::MAX as u64 + 1), Just(0)].prop_map(Some),
        4 => (0_u64..5).prop_map(Some),
        2 => any::<u64>().prop_map(Some),
    ]
}

pub(crate) fn float64() -> impl Strategy<Value = Option<f64>> + Clone {
    let special = [
        f64::NAN,
        -f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
        f64::MIN,
        9_007_199_254_740_993.0,
    ];
    prop_oneof![
        2 => Just(None),
        4 => proptest::sample::select(special.to_vec()).prop_map(Some),
        4 => (-8_i32..8).prop_map(|v| Some(f64::from(v) / 2.0)),
        2 => any::<f64>().prop_map(Some),
    ]
}

pub(crate) fn text() -> impl Strategy<Value = Option<String>> + Clone {
    let near = ["", "a", "b", "twelve bytes", "twelve bytes+", "twelve bytes-", "zürich", "\u{0}", "a\u{0}"];
    prop_oneof![
        2 => Just(None),
        5 => proptest::sample::select(near.to_vec()).prop_map(|v| Some(v.to_owned())),
        2 => "[a-b]{0,30}".prop_map(Some),
    ]
}

/// Two columns of equal length, seen through a slice.
pub(crate) fn two<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = Option<T>> + Clone,
) -> impl Strategy<Value = Vec<(Option<T>, Option<T>)>> {
    vec((value.clone(), value), 0..ROWS_MAX)
}

/// An array that is a slice of a larger one, so that offsets matter.
pub(crate) fn sliced(array: &dyn Array, rows: usize) -> ArrayRef {
    array.slice(array.len() - rows, rows)
}

pub(crate) fn ints(values: &[Option<i64>]) -> ArrayRef {
    let padded = [None, Some(7), Some(i64::MIN)].into_iter().chain(values.iter().copied());
    sliced(&padded.collect::<Int64Array>(), values.len())
}

pub(crate) fn uints(values: &[Option<u64>]) -> ArrayRef {
    let padded = [None, Some(7)].into_iter().chain(values.iter().copied());
    sliced(&padded.collect::<UInt64Array>(), values.len())
}

pub(crate) fn floats(values: &[Option<f64>]) -> ArrayRef {
    let padded = [None, Some(7.0), Some(f64::NAN)].into_iter().chain(values.iter().copied());
    sliced(&padded.collect::<Float64Array>(), values.len())
}

pub(crate) fn texts(values: &[Option<String>]) -> ArrayRef {
    let padded = [None, Some("padding of more than twelve bytes")].into_iter();
    let padded = padded.chain(values.iter().map(|value| value.as_deref()));
    sliced(&padded.collect::<StringViewArray>(), values.len())
}

pub(crate) fn bools(values: &[Option<bool>]) -> ArrayRef {
    let padded = [None, Some(true), Some(false)].into_iter().chain(values.iter().copied());
    sliced(&padded.collect::<BooleanArray>(), values.len())
}

pub(crate) fn column(array: &ArrayRef) -> Value {
    Value::Array(Arc::clone(array))
}

pub(crate) fn truths(value: Value, rows: usize) -> Vec<Option<bool>> {
    let array = value.into_array_of(&arrow::datatypes::DataType::Boolean, rows).unwrap();
    array.as_boolean().iter().collect()
}
