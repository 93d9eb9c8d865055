//! Other values in the place of missing ones.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray, Scalar as OneRow, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{concat, take};
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use arrow::downcast_primitive_array;

use crate::error::{ErrorKind, Result};
use crate::scalar::{Scalar, Value};

/// `value`, or `fill` where it is null. Both have one type; a scalar takes the type of the column. NaN is a value and
/// stays.
///
/// # Errors
/// [`ErrorKind::Shape`] where the columns differ in length, [`ErrorKind::Cast`] where a scalar does not fit the type
/// of the column.
pub fn fill_null(value: &Value, fill: &Value) -> Result<Value> {
    match (value, fill) {
        (Value::Scalar(scalar), fill) if scalar.is_null() => Ok(fill.clone()),
        (Value::Scalar(scalar), _) => Ok(Value::Scalar(scalar.clone())),
        (Value::Array(array), _) if array.logical_null_count() == 0 => Ok(Value::Array(Arc::clone(array))),
        (Value::Array(array), Value::Scalar(Scalar::Null(_))) => Ok(Value::Array(Arc::clone(array))),
        (Value::Array(array), Value::Scalar(fill)) => Ok(Value::Array(with_scalar(array, fill)?)),
        (Value::Array(array), Value::Array(fill)) => {
            if array.len() != fill.len() {
                let message = format!("columns of {} and {} rows beside each other", array.len(), fill.len());
                return Err(ErrorKind::Shape(message).into());
            }
            Ok(Value::Array(zip(&valid(array), array, fill)?))
        }
    }
}

fn valid(array: &ArrayRef) -> BooleanArray {
    let nulls = array.logical_nulls().unwrap_or_else(|| NullBuffer::new_valid(array.len()));
    BooleanArray::new(nulls.into_inner(), None)
}

fn with_scalar(array: &ArrayRef, fill: &Scalar) -> Result<ArrayRef> {
    let one = fill.to_array_of(array.data_type(), 1)?;
    let column = array.as_ref();
    downcast_primitive_array! {
        column => Ok(primitive(column, &one)),
        DataType::Utf8View | DataType::BinaryView => text(array, &one),
        _ => Ok(zip(&valid(array), array, &OneRow::new(one))?),
    }
}

/// The places of the nulls; the caller has seen that there are some.
fn missing(nulls: Option<&NullBuffer>, mut set: impl FnMut(usize)) {
    if let Some(nulls) = nulls {
        (!nulls.inner()).set_indices().for_each(&mut set);
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, one: &ArrayRef) -> ArrayRef {
    let fill = one.as_primitive::<T>().value(0);
    let mut values = array.values().to_vec();
    missing(array.nulls(), |row| values[row] = fill);
    Arc::new(PrimitiveArray::<T>::new(values.into(), None).with_data_type(array.data_type().clone()))
}

/// The fill becomes one row more, which the nulls point to: a gather of views, whose text is shared.
fn text(array: &ArrayRef, one: &ArrayRef) -> Result<ArrayRef> {
    let rows =
        u32::try_from(array.len()).map_err(|_| ErrorKind::Shape("a column of over 2^32 rows".to_owned()))?;
    let with_fill = concat(&[array, one])?;
    let mut source: Vec<u32> = (0..rows).collect();
    missing(array.nulls(), |row| source[row] = rows);
    Ok(take(&with_fill, &UInt32Array::from(source), None)?)
}
