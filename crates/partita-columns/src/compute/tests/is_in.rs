use std::sync::Arc;

use arrow::array::{ArrayRef, Int8Array, StringArray};
use arrow::datatypes::DataType;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{column, float64, floats, int64, ints, text, texts, truths};
use crate::compute::is_in;
use crate::scalar::{Scalar, Value};

fn scalars<T: Clone + Into<Scalar>>(list: &[Option<T>]) -> Vec<Scalar> {
    list.iter().map(|value| value.clone().into()).collect()
}

fn check<T: Clone + Into<Scalar>>(
    array: &ArrayRef,
    values: &[Option<T>],
    list: &[Option<T>],
    same: impl Fn(&T, &T) -> bool,
) {
    let expected: Vec<Option<bool>> = values
        .iter()
        .map(|value| {
            Some(list.iter().any(|one| match (value, one) {
                (Some(value), Some(one)) => same(value, one),
                (None, None) => true,
                _ => false,
            }))
        })
        .collect();
    assert_eq!(truths(is_in(&column(array), &scalars(list)).unwrap(), values.len()), expected);
    for (value, expected) in values.iter().zip(expected).take(3) {
        let one = Value::Scalar(value.clone().into());
        assert_eq!(truths(is_in(&one, &scalars(list)).unwrap(), 1), [expected]);
    }
}

proptest! {
    #[test]
    fn integers(values in vec(int64(), 0..150), list in vec(int64(), 0..40)) {
        check(&ints(&values), &values, &list, PartialEq::eq);
    }

    #[test]
    fn floats_with_one_nan_and_one_zero(values in vec(float64(), 0..150), list in vec(float64(), 0..20)) {
        check(&floats(&values), &values, &list, |a, b| a == b || a.is_nan() && b.is_nan());
    }

    #[test]
    fn short_and_long_text(values in vec(text(), 0..150), list in vec(text(), 0..20)) {
        check(&texts(&values), &values, &list, PartialEq::eq);
        let plain: ArrayRef = Arc::new(StringArray::from_iter(values.iter().map(|v| v.as_deref())));
        check(&plain, &values, &list, PartialEq::eq);
    }

    #[test]
    fn booleans(values in vec(any::<Option<bool>>(), 0..150), list in vec(any::<Option<bool>>(), 0..4)) {
        check(&super::bools(&values), &values, &list, PartialEq::eq);
    }
}

/// The recorded behaviour `reshape-04`.
#[test]
fn null_in_the_list_matches_null() {
    let values = texts(&[Some("a".to_owned()), None, Some("b".to_owned())]);
    let found = is_in(&column(&values), &[Scalar::from("a"), Scalar::Null(DataType::Null)]).unwrap();
    assert_eq!(truths(found, 3), [Some(true), Some(true), Some(false)]);
    let found = is_in(&column(&values), &[Scalar::from("a")]).unwrap();
    assert_eq!(truths(found, 3), [Some(true), Some(false), Some(false)]);
}

#[test]
fn values_that_the_column_cannot_hold_match_nothing() {
    let bytes: ArrayRef = Arc::new(Int8Array::from(vec![44, -128, 0]));
    // 300 is 44 in eight bits.
    let list = [Scalar::Int64(300), Scalar::Int64(-128), Scalar::Float64(0.5)];
    assert_eq!(truths(is_in(&column(&bytes), &list).unwrap(), 3), [Some(false), Some(true), Some(false)]);
}

#[test]
fn an_empty_list_has_nothing() {
    assert_eq!(truths(is_in(&column(&ints(&[Some(1), None])), &[]).unwrap(), 2), [Some(false), Some(false)]);
}
