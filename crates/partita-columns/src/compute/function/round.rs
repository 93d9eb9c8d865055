//! Rounding. Ties go away from zero, as in SQL.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Array, PrimitiveArray};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::math::number;
use super::{Argument, Input, Signature, Spec, value};
use crate::error::{ErrorKind, Result};
use crate::scalar::{Scalar, Value};

pub(super) const ALL: &[&Spec] = &[&FLOOR, &CEIL, &ROUND];

/// `floor(x)`: the greatest whole number that is not above `x`. Floats and integers keep their type, decimals lose their
/// scale.
pub static FLOOR: Spec = Spec {
    name: "floor",
    arguments: (1, 1),
    common: false,
    signature: |arguments| whole(&arguments[0]),
    kernel: |input| to_whole(input, f32::floor, f64::floor, i128::div_euclid),
};

/// `ceil(x)`: the least whole number that is not below `x`, of the type that [`FLOOR`] has.
pub static CEIL: Spec = Spec {
    name: "ceil",
    arguments: (1, 1),
    common: false,
    signature: |arguments| whole(&arguments[0]),
    kernel: |input| {
        to_whole(input, f32::ceil, f64::ceil, |v, unit| {
            v.div_euclid(unit) + i128::from(v.rem_euclid(unit) != 0)
        })
    },
};

/// `round(x, digits)`: the nearest number with so many digits behind the point (0 where they are left out), ties away
/// from zero; negative digits count before the point. Floats: `x` times the power of ten, rounded, over that power,
/// or `x` itself where that is not finite. Integers keep their type, and may overflow; decimals keep the digits asked for,
/// in the type that holds every rounded value.
pub static ROUND: Spec =
    Spec { name: "round", arguments: (1, 2), common: false, signature: rounded, kernel: round };

fn whole(argument: &Argument<'_>) -> Result<Signature, String> {
    let of = number(argument)?;
    let result = match &of {
        DataType::Decimal128(precision, scale) => decimal(*precision, *scale, 0),
        other => other.clone(),
    };
    Ok(Signature::new([of], result))
}

/// A decimal rounded to `digits` behind the point: rounding may carry into one digit more before the point.
fn decimal(precision: u8, scale: i8, digits: i8) -> DataType {
    if digits >= scale {
        return DataType::Decimal128(precision, scale);
    }
    let before = i16::from(precision) - i16::from(scale) + 1;
    let kept = (before + i16::from(digits)).clamp(1, i16::from(DECIMAL128_MAX_PRECISION));
    DataType::Decimal128(u8::try_from(kept).unwrap_or(DECIMAL128_MAX_PRECISION), digits)
}

fn rounded(arguments: &[Argument<'_>]) -> Result<Signature, String> {
    let of = number(&arguments[0])?;
    let digits = match arguments.get(1) {
        None => 0,
        Some(Argument { literal: Some(Scalar::Int64(digits)), .. }) => *digits,
        Some(_) => return Err("expected a whole number of digits, as a literal".to_owned()),
    };
    let result = match &of {
        DataType::Decimal128(precision, scale) => {
            let kept = i8::try_from(digits.clamp(0, 38)).unwrap_or(0);
            decimal(*precision, *scale, kept)
        }
        other => other.clone(),
    };
    let types = [of, DataType::Int64];
    Ok(Signature::new(&types[..arguments.len()], result))
}

fn to_whole(
    input: &Input<'_>,
    narrow: fn(f32) -> f32,
    wide: fn(f64) -> f64,
    divide: fn(i128, i128) -> i128,
) -> Result<Value> {
    let column = input.column(0)?;
    match column.data_type() {
        DataType::Float32 => value(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(narrow)),
        DataType::Float64 => value(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(wide)),
        DataType::Decimal128(_, scale) => match power(i64::from(*scale)) {
            Some(unit) if *scale > 0 => decimals(&column, &input.signature.result, |v| Some(divide(v, unit))),
            _ => Ok(Value::Array(column)),
        },
        _ => Ok(Value::Array(column)),
    }
}

fn round(input: &Input<'_>) -> Result<Value> {
    let column = input.column(0)?;
    let digits = match input.scalar(1) {
        Some(Scalar::Int64(digits)) => *digits,
        _ => 0,
    };
    match column.data_type() {
        DataType::Float32 => {
            let rounded = |v: f32| float(f64::from(v), digits) as f32;
            value(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(rounded))
        }
        DataType::Float64 => {
            value(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(|v| float(v, digits)))
        }
        DataType::Decimal128(_, scale) => {
            let drop = i64::from(*scale).saturating_sub(digits);
            let again = drop - i64::from(*scale).max(0).min(drop);
            decimals(&column, &input.signature.result, |v| {
                if drop <= 0 { Some(v) } else { tens(nearest(v, drop), again) }
            })
        }
        _ if digits >= 0 => Ok(Value::Array(column)),
        other => integers(&column, other, digits.saturating_neg()),
    }
}

/// See [`ROUND`].
fn float(v: f64, digits: i64) -> f64 {
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    const POWER_MAX: i64 = 308;
    if !v.is_finite() || (digits >= 0 && v.abs() >= WHOLE) || digits > POWER_MAX {
        return v;
    }
    if digits < -POWER_MAX {
        return 0.0_f64.copysign(v);
    }
    let power = 10_f64.powi(i32::try_from(digits.abs()).unwrap_or(0));
    let rounded = if digits >= 0 { (v * power).round() / power } else { (v / power).round() * power };
    if rounded.is_finite() { rounded } else { v }
}

fn power(digits: i64) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(digits).ok()?)
}

/// `v` over `10^drop`, to the nearest whole number.
fn nearest(v: i128, drop: i64) -> i128 {
    let Some(unit) = power(drop) else { return 0 };
    let (whole, rest) = (v / unit, v % unit);
    // |rest| < unit <= 10^38: twice that may not fit, the difference does.
    let up = rest.unsigned_abs() >= unit.unsigned_abs() - rest.unsigned_abs() && rest != 0;
    if up { whole + v.signum() } else { whole }
}

fn tens(v: i128, digits: i64) -> Option<i128> {
    if v == 0 { Some(0) } else { v.checked_mul(power(digits)?) }
}

fn integers(column: &ArrayRef, data_type: &DataType, digits: i64) -> Result<Value> {
    match data_type {
        DataType::Int8 => integer::<Int8Type>(column, digits),
        DataType::Int16 => integer::<Int16Type>(column, digits),
        DataType::Int32 => integer::<Int32Type>(column, digits),
        DataType::Int64 => integer::<Int64Type>(column, digits),
        DataType::UInt8 => integer::<UInt8Type>(column, digits),
        DataType::UInt16 => integer::<UInt16Type>(column, digits),
        DataType::UInt32 => integer::<UInt32Type>(column, digits),
        _ => integer::<UInt64Type>(column, digits),
    }
}

fn integer<T>(column: &ArrayRef, digits: i64) -> Result<Value>
where
    T: ArrowPrimitiveType<Native: Into<i128> + TryFrom<i128>>,
{
    let column = column.as_primitive::<T>();
    let answer = |v: T::Native| T::Native::try_from(tens(nearest(v.into(), digits), digits)?).ok();
    let result: PrimitiveArray<T> = column.unary_opt(answer);
    fitting(&column, &result, &T::DATA_TYPE)?;
    value(result)
}

fn decimals(column: &ArrayRef, result: &DataType, f: impl Fn(i128) -> Option<i128>) -> Result<Value> {
    let column = column.as_primitive::<Decimal128Type>();
    let most = 10_i128.pow(u32::from(DECIMAL128_MAX_PRECISION));
    let rounded: Decimal128Array = column.unary_opt(|v| f(v).filter(|v| -most < *v && *v < most));
    fitting(&column, &rounded, result)?;
    value(rounded.with_data_type(result.clone()))
}

/// Refuses a result that has a null where its column has none.
fn fitting(column: &dyn Array, result: &dyn Array, data_type: &DataType) -> Result<()> {
    if result.null_count() == column.null_count() {
        return Ok(());
    }
    let row = (0..column.len()).find(|&row| column.is_valid(row) && result.is_null(row)).unwrap_or(0);
    let shown = Scalar::try_from_array(column, row)?;
    let operation = format!("round({shown}) (row {row} of the batch)");
    Err(ErrorKind::Overflow { operation, data_type: data_type.clone() }.into())
}
