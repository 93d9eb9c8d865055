mod choices;
mod numbers;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Float64Array, Int8Array, StringViewArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type};

use super::text::UPPER;
use super::time::YEAR;
use super::*;
use crate::compute::Unlimited;
use crate::error::ErrorKind;

/// The value of a call over arguments whose types are as they come.
pub(super) fn call(spec: &'static Spec, values: &[Value]) -> Result<Value> {
    let arguments: Vec<Argument<'_>> = values
        .iter()
        .map(|value| Argument {
            data_type: value.data_type(),
            literal: match value {
                Value::Scalar(scalar) => Some(scalar),
                Value::Array(_) => None,
            },
        })
        .collect();
    let function = Function::from(spec);
    let signature = function.signature(&arguments).map_err(ErrorKind::Shape)?;
    let rows = values.iter().find_map(|value| match value {
        Value::Array(array) => Some(array.len()),
        Value::Scalar(_) => None,
    });
    let cast = values.iter().zip(&signature.arguments);
    let cast = cast.map(|(value, to)| crate::compute::cast(value, to, crate::compute::CastMode::Strict));
    function.evaluate(&cast.collect::<Result<Vec<_>>>()?, &signature, rows.unwrap_or(3), &Unlimited)
}

/// The column that a call gives.
pub(super) fn column(spec: &'static Spec, values: &[Value]) -> ArrayRef {
    match call(spec, values).unwrap() {
        Value::Array(array) => array,
        Value::Scalar(scalar) => panic!("{} gave the scalar {scalar}", spec.name),
    }
}

pub(super) fn array(array: impl Array + 'static) -> Value {
    Value::Array(Arc::new(array))
}

#[test]
fn names_are_distinct_and_survive_serialization() {
    let mut seen = HashSet::new();
    for function in Function::all() {
        assert!(seen.insert(function.name()), "two functions are named {}", function.name());
        assert_eq!(function.name(), function.name().to_lowercase());
        assert_eq!(Function::by_name(function.name()), Some(function));
    }
    assert_eq!(Function::by_name("no_such"), None);
}

#[test]
fn nulls_and_scalars_pass_through() {
    let roots = column(&SQRT, &[array(Float64Array::from(vec![Some(4.0), None, Some(-1.0)]))]);
    let roots = roots.as_primitive::<Float64Type>();
    assert_eq!((roots.value(0), roots.is_valid(1), roots.value(2).is_nan()), (2.0, false, true));
    let scalar = call(&SQRT, &[Value::Scalar(Scalar::Int64(9))]).unwrap();
    assert!(matches!(scalar, Value::Scalar(Scalar::Float64(3.0))));
    let missing = call(&SQRT, &[Value::Scalar(Scalar::Null(DataType::Null))]).unwrap();
    assert!(matches!(missing, Value::Scalar(Scalar::Null(DataType::Float64))));
}

#[test]
fn the_least_integer_has_no_absolute_value() {
    let fine = column(&ABS, &[array(Int8Array::from(vec![Some(-127), None, Some(3)]))]);
    assert_eq!(&fine, &(Arc::new(Int8Array::from(vec![Some(127), None, Some(3)])) as ArrayRef));
    let error = call(&ABS, &[array(Int8Array::from(vec![None, Some(-128)]))]).unwrap_err();
    assert!(error.to_string().contains("abs(-128) (row 1 of the batch)"), "{error}");
}

#[test]
fn text_and_time_have_their_functions() {
    let upper = column(&UPPER, &[array(StringViewArray::from(vec![Some("stra\u{df}e"), None]))]);
    assert_eq!(upper.as_string_view().value(0), "STRASSE");
    assert!(upper.is_null(1));
    let year = column(&YEAR, &[array(Date32Array::from(vec![Some(-1), None, Some(0)]))]);
    assert_eq!(year.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [Some(1969), None, Some(1970)]);
    assert!(call(&YEAR, &[Value::Scalar(Scalar::Int64(3))]).is_err());
}
