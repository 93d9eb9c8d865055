//! Values chosen by conditions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Datum, Scalar as OneRow, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::zip::zip;
use arrow::compute::take;
use arrow::datatypes::DataType;

use crate::error::{ErrorKind, Result};
use crate::scalar::{Scalar, Value};

/// In each row the value behind the first mask that is true, or `otherwise`: `rows` rows of `to`, where columns have
/// that type. Without masks it is `otherwise` as it is.
///
/// # Errors
/// [`ErrorKind::Shape`] where lengths differ, [`ErrorKind::Cast`] where a scalar does not fit the type.
pub fn case(
    branches: Vec<(BooleanBuffer, Value)>,
    otherwise: &Value,
    to: &DataType,
    rows: usize,
) -> Result<Value> {
    if branches.is_empty() {
        return Ok(otherwise.clone());
    }
    let mut result = otherwise.clone();
    for (mask, value) in branches.into_iter().rev() {
        if mask.len() != rows {
            return Err(
                ErrorKind::Shape(format!("expected a mask of {rows} rows, got {}", mask.len())).into()
            );
        }
        let chosen = zip(&BooleanArray::new(mask, None), &*datum(value, to)?, &*datum(result, to)?)?;
        result = Value::Array(chosen);
    }
    Ok(result)
}

fn datum(value: Value, to: &DataType) -> Result<Box<dyn Datum>> {
    Ok(match value {
        Value::Array(array) => Box::new(array),
        Value::Scalar(Scalar::Null(_)) => Box::new(OneRow::new(arrow::array::new_null_array(to, 1))),
        Value::Scalar(scalar) => Box::new(OneRow::new(scalar.to_array_of(to, 1)?)),
    })
}

/// The values of a column in the rows where `mask` is true, in order; null in the others.
///
/// # Errors
/// [`ErrorKind::Shape`] where there are not as many values as true rows, or over 2^32 rows.
pub fn spread(values: &ArrayRef, mask: &BooleanArray) -> Result<ArrayRef> {
    if values.len() != mask.true_count() || u32::try_from(mask.len()).is_err() {
        let message = format!("{} values for {} of {} rows", values.len(), mask.true_count(), mask.len());
        return Err(ErrorKind::Shape(message).into());
    }
    let mut next = 0_u32;
    let positions = mask.values().iter().map(|there| {
        next += u32::from(there);
        if there { next - 1 } else { 0 }
    });
    let positions = UInt32Array::new(positions.collect(), Some(NullBuffer::new(mask.values().clone())));
    Ok(take(&Arc::clone(values), &positions, None)?)
}
