//! Kleene logic: a missing truth value is one that could be either.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::boolean;
use arrow::datatypes::DataType;

use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::scalar::{Scalar, Value};

/// Kleene and: false where either is false, else null where either is null.
///
/// # Errors
/// [`ErrorKind::Undefined`] where an operand is not Boolean.
pub fn and(left: &Value, right: &Value) -> Result<Value> {
    binary(left, right, false)
}

/// Kleene or: true where either is true, else null where either is null.
///
/// # Errors
/// [`ErrorKind::Undefined`] where an operand is not Boolean.
pub fn or(left: &Value, right: &Value) -> Result<Value> {
    binary(left, right, true)
}

/// Kleene not: null stays null.
///
/// # Errors
/// [`ErrorKind::Undefined`] where the operand is not Boolean.
pub fn not(value: &Value) -> Result<Value> {
    Ok(match truth(value, "not")? {
        Truth::One(value) => one(value.map(|value| !value)),
        Truth::Rows(array) => Value::Array(Arc::new(boolean::not(array)?)),
    })
}

/// Whether the value is missing; never null itself. NaN is not missing.
pub fn is_null(value: &Value) -> Value {
    match value {
        Value::Scalar(scalar) => Value::Scalar(Scalar::Boolean(scalar.is_null())),
        Value::Array(array) => match array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
            None => Value::Scalar(Scalar::Boolean(false)),
            Some(nulls) => Value::Array(Arc::new(BooleanArray::new(!nulls.inner(), None))),
        },
    }
}

/// A mask of `rows` rows for [`super::filter`]: null becomes false.
///
/// # Errors
/// [`ErrorKind::Undefined`] where the value is not Boolean, [`ErrorKind::Shape`] where it has another length.
pub fn to_mask(value: &Value, rows: usize) -> Result<BooleanArray> {
    match truth(value, "filter")? {
        Truth::One(Some(true)) => Ok(BooleanArray::new(BooleanBuffer::new_set(rows), None)),
        Truth::One(_) => Ok(BooleanArray::new(BooleanBuffer::new_unset(rows), None)),
        Truth::Rows(array) if array.len() != rows => {
            Err(ErrorKind::Shape(format!("expected a mask of {rows} rows, got {}", array.len())).into())
        }
        Truth::Rows(array) => Ok(match array.nulls() {
            None => array.clone(),
            Some(nulls) => BooleanArray::new(array.values() & nulls.inner(), None),
        }),
    }
}

enum Truth<'a> {
    Rows(&'a BooleanArray),
    One(Option<bool>),
}

fn truth<'a>(value: &'a Value, operation: &str) -> Result<Truth<'a>> {
    match value {
        Value::Array(array) if array.data_type() == &DataType::Boolean => Ok(Truth::Rows(array.as_boolean())),
        Value::Scalar(Scalar::Boolean(value)) => Ok(Truth::One(Some(*value))),
        Value::Scalar(Scalar::Null(DataType::Boolean | DataType::Null)) => Ok(Truth::One(None)),
        other => {
            let types = dtype::name(&other.data_type());
            Err(ErrorKind::Undefined { operation: operation.to_owned(), types }.into())
        }
    }
}

fn one(value: Option<bool>) -> Value {
    Value::Scalar(value.map_or(Scalar::Null(DataType::Boolean), Scalar::Boolean))
}

/// Kleene's connectives differ in the value that decides alone: false for and, true for or.
fn binary(left: &Value, right: &Value, decisive: bool) -> Result<Value> {
    let name = if decisive { "or" } else { "and" };
    Ok(match (truth(left, name)?, truth(right, name)?) {
        (Truth::One(Some(value)), Truth::One(_)) | (Truth::One(_), Truth::One(Some(value)))
            if value == decisive =>
        {
            one(Some(decisive))
        }
        (Truth::One(a), Truth::One(b)) => one(a.and(b)),
        (Truth::Rows(_), Truth::One(Some(value))) | (Truth::One(Some(value)), Truth::Rows(_))
            if value == decisive =>
        {
            one(Some(decisive))
        }
        (Truth::Rows(array), Truth::One(Some(_))) | (Truth::One(Some(_)), Truth::Rows(array)) => {
            Value::Array(Arc::new(array.clone()))
        }
        (Truth::Rows(array), Truth::One(None)) | (Truth::One(None), Truth::Rows(array)) => {
            Value::Array(with_null(array, decisive))
        }
        (Truth::Rows(a), Truth::Rows(b)) => {
            let kernel = if decisive { boolean::or_kleene } else { boolean::and_kleene };
            Value::Array(Arc::new(kernel(a, b)?))
        }
    })
}

/// `array op null`: known only where the array alone decides.
fn with_null(array: &BooleanArray, decisive: bool) -> ArrayRef {
    let decided = if decisive { array.values().clone() } else { !array.values() };
    let known = match array.nulls() {
        Some(nulls) => &decided & nulls.inner(),
        None => decided,
    };
    let values =
        if decisive { BooleanBuffer::new_set(array.len()) } else { BooleanBuffer::new_unset(array.len()) };
    Arc::new(BooleanArray::new(values, Some(NullBuffer::new(known))))
}
