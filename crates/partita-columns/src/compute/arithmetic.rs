//! Arithmetic on columns of one type.

mod decimal;
mod float;
mod integer;
#[allow(unsafe_code, reason = "results are written where there were no values before")]
mod short;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, Float64Array, Scalar as OneRow, new_empty_array,
    new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;

use super::physical::Side;
use super::{ArithmeticOp, CastMode, bits, cast_array};
use crate::dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::{Scalar, Value};

/// `left op right`, row by row; null where either is null.
///
/// * **Integers** of one type give that type, except that `/` is true division and gives `Float64`.
/// * `/` by zero is what IEEE 754 says: an infinity or NaN, for integers and decimals too.
/// * `//` rounds towards negative infinity and `%` has the sign of the divisor (`-7 // 2 = -4`, `-7 % 2 = 1`).
///   By zero they are null for integers and decimals, and NaN or an infinity for floats.
/// * **Decimals** are exact: `+`, `-` and `%` keep the larger scale, `*` adds the scales, `//` has none; precision grows up to
///   38, and a result of more digits is an overflow. `/` gives `Float64`.
/// * **Time**: timestamp - timestamp and date - date give a duration, timestamp ± duration a timestamp, duration ±
///   duration a duration.
///
/// # Errors
/// [`ErrorKind::Overflow`] where a result does not fit its type, with the first such row; [`ErrorKind::Undefined`]
/// for other types.
pub fn arithmetic(op: ArithmeticOp, left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            if left.len() != right.len() {
                let message = format!("columns of {} and {} rows beside each other", left.len(), right.len());
                return Err(ErrorKind::Shape(message).into());
            }
            Ok(Value::Array(run(op, &Operand::rows(left), &Operand::rows(right))?))
        }
        (Value::Array(left), Value::Scalar(right)) => {
            let one = beside(left.data_type(), right)?;
            Ok(Value::Array(run(op, &Operand::rows(left), &Operand::one(&one))?))
        }
        (Value::Scalar(left), Value::Array(right)) => {
            let one = beside(right.data_type(), left)?;
            Ok(Value::Array(run(op, &Operand::one(&one), &Operand::rows(right))?))
        }
        (Value::Scalar(left), Value::Scalar(right)) => {
            let (left, right) = (left.to_array(1)?, right.to_array(1)?);
            let result = run(op, &Operand::rows(&left), &Operand::rows(&right))?;
            Ok(Value::Scalar(Scalar::try_from_array(&result, 0)?))
        }
    }
}

/// The type of `left op right`: what [`arithmetic`] gives for columns of these types.
///
/// # Errors
/// [`ErrorKind::Undefined`] where it is not defined.
pub fn arithmetic_type(op: ArithmeticOp, left: &DataType, right: &DataType) -> Result<DataType> {
    // The kernels are the only statement of these rules; without rows they cost nothing.
    let (left, right) = (new_empty_array(left), new_empty_array(right));
    Ok(run(op, &Operand::rows(&left), &Operand::rows(&right))?.data_type().clone())
}

/// `-value`, row by row.
///
/// # Errors
/// [`ErrorKind::Overflow`] for the least integer of a type; [`ErrorKind::Undefined`] for types without a sign.
pub fn negate(value: &Value) -> Result<Value> {
    let array = match value {
        Value::Array(array) => Arc::clone(array),
        Value::Scalar(scalar) => scalar.to_array(1)?,
    };
    let result = match array.data_type() {
        DataType::Null => array,
        DataType::Int8 => integer::negate::<Int8Type>(&array)?,
        DataType::Int16 => integer::negate::<Int16Type>(&array)?,
        DataType::Int32 => integer::negate::<Int32Type>(&array)?,
        DataType::Int64 => integer::negate::<Int64Type>(&array)?,
        DataType::Float32 | DataType::Float64 | DataType::Decimal128(_, _) | DataType::Duration(_) => {
            numeric::neg(&array).map_err(|error| refused("-", array.data_type(), error))?
        }
        other => return Err(undefined("-", other, None)),
    };
    match value {
        Value::Array(_) => Ok(Value::Array(result)),
        Value::Scalar(_) => Ok(Value::Scalar(Scalar::try_from_array(&result, 0)?)),
    }
}

/// One side: a column, or an array of one row that stands for all.
pub(super) struct Operand<'a> {
    pub(super) array: &'a ArrayRef,
    pub(super) one: bool,
}

impl<'a> Operand<'a> {
    fn rows(array: &'a ArrayRef) -> Self {
        Self { array, one: false }
    }

    fn one(array: &'a ArrayRef) -> Self {
        Self { array, one: true }
    }

    fn datum(&self) -> Box<dyn Datum> {
        match self.one {
            true => Box::new(OneRow::new(Arc::clone(self.array))),
            false => Box::new(Arc::clone(self.array)),
        }
    }

    /// The value of a row, as text for messages.
    fn text(&self, row: usize) -> String {
        let row = if self.one { 0 } else { row };
        Scalar::try_from_array(self.array, row).map_or_else(|_| "?".to_owned(), |value| value.to_string())
    }
}

/// Numbers take the type of the column; times and durations keep their own beside each other.
fn beside(column: &DataType, scalar: &Scalar) -> Result<ArrayRef> {
    match scalar {
        Scalar::Null(DataType::Null) => Ok(new_null_array(column, 1)),
        Scalar::Null(data_type) => Ok(new_null_array(data_type, 1)),
        Scalar::Int64(_) | Scalar::UInt64(_) | Scalar::Float64(_) => scalar.to_array_of(column, 1),
        _ => scalar.to_array(1),
    }
}

fn run(op: ArithmeticOp, left: &Operand<'_>, right: &Operand<'_>) -> Result<ArrayRef> {
    let (l, r) = (left.array.data_type(), right.array.data_type());
    match (l, r) {
        (DataType::Null, DataType::Null) => Ok(Arc::clone(left.array)),
        (DataType::Int8, DataType::Int8) => integer::arithmetic::<Int8Type>(op, left, right),
        (DataType::Int16, DataType::Int16) => integer::arithmetic::<Int16Type>(op, left, right),
        (DataType::Int32, DataType::Int32) => integer::arithmetic::<Int32Type>(op, left, right),
        (DataType::Int64, DataType::Int64) => integer::arithmetic::<Int64Type>(op, left, right),
        (DataType::UInt8, DataType::UInt8) => integer::arithmetic::<UInt8Type>(op, left, right),
        (DataType::UInt16, DataType::UInt16) => integer::arithmetic::<UInt16Type>(op, left, right),
        (DataType::UInt32, DataType::UInt32) => integer::arithmetic::<UInt32Type>(op, left, right),
        (DataType::UInt64, DataType::UInt64) => integer::arithmetic::<UInt64Type>(op, left, right),
        (DataType::Float32, DataType::Float32) => Ok(float::arithmetic::<Float32Type>(op, left, right)),
        (DataType::Float64, DataType::Float64) => Ok(float::arithmetic::<Float64Type>(op, left, right)),
        (DataType::Decimal128(_, _), DataType::Decimal128(_, _)) => decimals(op, left, right),
        (DataType::Timestamp(u, _), DataType::Timestamp(v, _)) if u == v && op == ArithmeticOp::Subtract => {
            time(op, left, right)
        }
        (DataType::Date32, DataType::Date32) if op == ArithmeticOp::Subtract => time(op, left, right),
        (DataType::Timestamp(u, _) | DataType::Duration(u), DataType::Duration(v)) if u == v => {
            time(op, left, right)
        }
        (DataType::Duration(u), DataType::Timestamp(v, _)) if u == v && op == ArithmeticOp::Add => {
            time(op, right, left)
        }
        _ => Err(undefined(op.symbol(), l, Some(r))),
    }
}

fn time(op: ArithmeticOp, left: &Operand<'_>, right: &Operand<'_>) -> Result<ArrayRef> {
    let kernel = match op {
        ArithmeticOp::Add => numeric::add,
        ArithmeticOp::Subtract => numeric::sub,
        _ => return Err(undefined(op.symbol(), left.array.data_type(), Some(right.array.data_type()))),
    };
    kernel(&*left.datum(), &*right.datum())
        .map_err(|error| refused(op.symbol(), left.array.data_type(), error))
}

/// True division gives a float; the others are exact.
fn decimals(op: ArithmeticOp, left: &Operand<'_>, right: &Operand<'_>) -> Result<ArrayRef> {
    if op != ArithmeticOp::Divide {
        return decimal::arithmetic(op, left, right);
    }
    let left_float = cast_array(left.array, &DataType::Float64, CastMode::Strict)?;
    let right_float = cast_array(right.array, &DataType::Float64, CastMode::Strict)?;
    let left = Operand { array: &left_float, one: left.one };
    let right = Operand { array: &right_float, one: right.one };
    Ok(float::arithmetic::<Float64Type>(op, &left, &right))
}

pub(super) fn undefined(symbol: &str, left: &DataType, right: Option<&DataType>) -> Error {
    let types = match right {
        Some(right) => format!("{} and {}", dtype::name(left), dtype::name(right)),
        None => dtype::name(left),
    };
    ErrorKind::Undefined { operation: symbol.to_owned(), types }.into()
}

fn refused(symbol: &str, data_type: &DataType, error: ArrowError) -> Error {
    match error {
        ArrowError::ArithmeticOverflow(what) => {
            let operation = format!("{symbol} ({})", what.to_lowercase());
            ErrorKind::Overflow { operation, data_type: data_type.clone() }.into()
        }
        error => error.into(),
    }
}

/// The error for the first valid row among those that `overflows` marks; `None` where all of them are null.
fn first_overflow(
    op: ArithmeticOp,
    left: &Operand<'_>,
    right: &Operand<'_>,
    result: &DataType,
    overflows: &BooleanBuffer,
) -> Option<Error> {
    let valid = |side: &Operand<'_>, row: usize| side.array.is_valid(if side.one { 0 } else { row });
    let row = overflows.set_indices().find(|&row| valid(left, row) && valid(right, row))?;
    let operation =
        format!("{} {} {} (row {row} of the batch)", left.text(row), op.symbol(), right.text(row));
    Some(ErrorKind::Overflow { operation, data_type: result.clone() }.into())
}

/// The rows of the result, and its nulls, where neither side is one missing value.
fn shape(left: &Operand<'_>, right: &Operand<'_>) -> Option<(usize, Option<NullBuffer>)> {
    let missing = |side: &Operand<'_>| side.one && side.array.null_count() > 0;
    if missing(left) || missing(right) {
        return None;
    }
    let nulls = |side: &Operand<'_>| if side.one { None } else { side.array.nulls().cloned() };
    let rows = if left.one { right.array.len() } else { left.array.len() };
    Some((rows, bits::both(nulls(left).as_ref(), nulls(right).as_ref())))
}

fn side<'a, T: ArrowPrimitiveType>(operand: &Operand<'a>) -> Side<'a, T::Native> {
    let values: &'a [T::Native] = operand.array.as_primitive::<T>().values();
    match values {
        [one] if operand.one => Side::One(*one),
        rows => Side::Rows(rows),
    }
}

fn float64(values: Vec<f64>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(Float64Array::new(values.into(), nulls))
}
