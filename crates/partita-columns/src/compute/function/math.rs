//! Functions of numbers.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array};
use arrow::compute::kernels::arity::binary;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type,
};

use super::{Argument, Input, Signature, Spec, expected, is_decimal, value};
use crate::compute::bits;
use crate::error::{ErrorKind, Result};
use crate::scalar::{Scalar, Value};

pub(super) const ALL: &[&Spec] = &[&ABS, &SQRT, &EXP, &LN, &POW, &IS_NAN];

/// `abs(x)`: without the sign, of the same type. The least integer of a type has none: an overflow.
pub static ABS: Spec = Spec {
    name: "abs",
    arguments: (1, 1),
    common: false,
    signature: |arguments| number(&arguments[0]).map(|of| Signature::new([of.clone()], of)),
    kernel: abs,
};

/// `sqrt(x)`: the square root; NaN of negative numbers.
pub static SQRT: Spec = Spec {
    name: "sqrt",
    arguments: (1, 1),
    common: false,
    signature: |arguments| float(&arguments[0]).map(|of| Signature::new([of.clone()], of)),
    kernel: |input| floats(input, f32::sqrt, f64::sqrt),
};

/// `exp(x)`: e to the power of `x`.
pub static EXP: Spec = Spec {
    name: "exp",
    arguments: (1, 1),
    common: false,
    signature: |arguments| float(&arguments[0]).map(|of| Signature::new([of.clone()], of)),
    kernel: |input| floats(input, f32::exp, f64::exp),
};

/// `ln(x)`: the natural logarithm; minus infinity of zero, NaN of negative numbers.
pub static LN: Spec = Spec {
    name: "ln",
    arguments: (1, 1),
    common: false,
    signature: |arguments| float(&arguments[0]).map(|of| Signature::new([of.clone()], of)),
    kernel: |input| floats(input, f32::ln, f64::ln),
};

/// `pow(x, y)`: `x` to the power of `y`, as floats.
pub static POW: Spec = Spec {
    name: "pow",
    arguments: (2, 2),
    common: false,
    signature: |arguments| {
        let of = match (float(&arguments[0])?, float(&arguments[1])?, arguments[1].literal) {
            (DataType::Float32, DataType::Float32, _) | (DataType::Float32, _, Some(_)) => DataType::Float32,
            _ => DataType::Float64,
        };
        Ok(Signature::new([of.clone(), of.clone()], of))
    },
    kernel: pow,
};

/// `is_nan(x)`: whether a number is NaN; null of null, false of all that are no floats.
pub static IS_NAN: Spec = Spec {
    name: "is_nan",
    arguments: (1, 1),
    common: false,
    signature: |arguments| number(&arguments[0]).map(|of| Signature::new([of], DataType::Boolean)),
    kernel: is_nan,
};

/// The type of an argument that is a number.
pub(super) fn number(argument: &Argument<'_>) -> Result<DataType, String> {
    match &argument.data_type {
        DataType::Null => Ok(DataType::Float64),
        data_type if data_type.is_integer() || data_type.is_floating() || is_decimal(data_type) => {
            Ok(data_type.clone())
        }
        _ => expected("a number", argument, "cast it to Float64"),
    }
}

/// The float that an argument becomes: `Float32` stays.
fn float(argument: &Argument<'_>) -> Result<DataType, String> {
    Ok(match number(argument)? {
        DataType::Float32 => DataType::Float32,
        _ => DataType::Float64,
    })
}

/// A function of floats.
fn floats(input: &Input<'_>, narrow: fn(f32) -> f32, wide: fn(f64) -> f64) -> Result<Value> {
    let column = input.column(0)?;
    match column.data_type() {
        DataType::Float32 => value(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(narrow)),
        _ => value(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(wide)),
    }
}

fn pow(input: &Input<'_>) -> Result<Value> {
    let (base, exponent) = (input.column(0)?, input.column(1)?);
    match base.data_type() {
        DataType::Float32 => {
            let (base, exponent) = (base.as_primitive(), exponent.as_primitive());
            value(binary::<Float32Type, Float32Type, _, Float32Type>(base, exponent, f32::powf)?)
        }
        _ => {
            let (base, exponent) = (base.as_primitive(), exponent.as_primitive());
            value(binary::<Float64Type, Float64Type, _, Float64Type>(base, exponent, f64::powf)?)
        }
    }
}

fn abs(input: &Input<'_>) -> Result<Value> {
    let column = input.column(0)?;
    match column.data_type() {
        DataType::Int8 => checked::<Int8Type>("abs", &column, i8::checked_abs),
        DataType::Int16 => checked::<Int16Type>("abs", &column, i16::checked_abs),
        DataType::Int32 => checked::<Int32Type>("abs", &column, i32::checked_abs),
        DataType::Int64 => checked::<Int64Type>("abs", &column, i64::checked_abs),
        DataType::Float32 | DataType::Float64 => floats(input, f32::abs, f64::abs),
        DataType::Decimal128(precision, scale) => {
            let all: Decimal128Array = column.as_primitive::<Decimal128Type>().unary(i128::wrapping_abs);
            value(all.with_precision_and_scale(*precision, *scale)?)
        }
        _ => Ok(Value::Array(column)),
    }
}

/// `f` of every integer; the first one without an answer is an overflow.
fn checked<T: ArrowPrimitiveType>(
    name: &str,
    column: &ArrayRef,
    f: impl Fn(T::Native) -> Option<T::Native>,
) -> Result<Value> {
    let column = column.as_primitive::<T>();
    let result = column.unary_opt::<_, T>(&f);
    if result.null_count() == column.null_count() {
        return value(result);
    }
    let refused = (0..column.len()).find(|&row| column.is_valid(row) && result.is_null(row)).unwrap_or(0);
    let operation = format!("{name}({:?}) (row {refused} of the batch)", column.value(refused));
    Err(ErrorKind::Overflow { operation, data_type: T::DATA_TYPE }.into())
}

fn is_nan(input: &Input<'_>) -> Result<Value> {
    let column = input.column(0)?;
    let bits = match column.data_type() {
        DataType::Float32 => {
            let values = column.as_primitive::<Float32Type>().values();
            bits::pack_values(values, |value| value.is_nan())
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>().values();
            bits::pack_values(values, |value| value.is_nan())
        }
        _ if column.null_count() == 0 => return Ok(Value::Scalar(Scalar::Boolean(false))),
        _ => arrow::buffer::BooleanBuffer::new_unset(column.len()),
    };
    value(BooleanArray::new(bits, column.nulls().cloned()))
}
