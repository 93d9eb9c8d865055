//! The common types of operands.

use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};
use partita_columns::compute::ArithmeticOp;
use partita_columns::{Scalar, dtype};

use super::{Typed, literal, mismatch};
use crate::error::Result;
use crate::expr::Expr;

/// A dictionary's values in the place of its keys.
pub(super) fn decoded(typed: Typed) -> Result<Typed> {
    match &typed.data_type {
        DataType::Dictionary(_, values) => {
            let values = (**values).clone();
            typed.cast(&values)
        }
        _ => Ok(typed),
    }
}

/// Both operands as one type: a literal as that of the other where it fits, else their common type. `Int64` and
/// `UInt64` stay as they are.
pub(super) fn equalized(written: &Expr, verb: &str, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    if left.data_type == right.data_type {
        return Ok((left, right));
    }
    if let Some(scalar) = right.as_literal()
        && let Some(fitted) = literal::fit(written, scalar, &left.data_type)?
    {
        let right = Typed::fitted(fitted, &left.data_type);
        return Ok((left, right));
    }
    if let Some(scalar) = left.as_literal()
        && let Some(fitted) = literal::fit(written, scalar, &right.data_type)?
    {
        let left = Typed::fitted(fitted, &right.data_type);
        return Ok((left, right));
    }
    match (&left.data_type, &right.data_type) {
        (l, r) if is_unsigned_64(l) && r.is_signed_integer() => Ok((left, right.cast(&DataType::Int64)?)),
        (l, r) if is_unsigned_64(r) && l.is_signed_integer() => Ok((left.cast(&DataType::Int64)?, right)),
        (l, r) => match common(l, r) {
            Some(data_type) => Ok((left.cast(&data_type)?, right.cast(&data_type)?)),
            None => Err(mismatch(written, no_common_type(verb, l, r))),
        },
    }
}

/// The operands of a comparison: as [`equalized`], but exact numbers beside a decimal become decimals and keep their scale,
/// as the digits of a common one may be too many.
pub(super) fn compared(written: &Expr, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let exact = |of: &Typed| is_decimal(&of.data_type) || of.data_type.is_integer();
    let decimals =
        exact(&left) && exact(&right) && (is_decimal(&left.data_type) || is_decimal(&right.data_type));
    if decimals && !is_fit(written, &left, &right)? && !is_fit(written, &right, &left)? {
        return Ok((as_decimal(left)?, as_decimal(right)?));
    }
    equalized(written, "compare", left, right)
}

/// Whether an operand is a literal that has a place in the type of the other.
fn is_fit(written: &Expr, of: &Typed, beside: &Typed) -> Result<bool> {
    let Some(scalar) = of.as_literal() else { return Ok(false) };
    Ok(literal::fit(written, scalar, &beside.data_type)?.is_some())
}

fn is_unsigned_64(data_type: &DataType) -> bool {
    data_type == &DataType::UInt64
}

fn no_common_type(verb: &str, left: &DataType, right: &DataType) -> String {
    let (l, r) = (dtype::name(left), dtype::name(right));
    let way_out = match (left, right) {
        (DataType::Timestamp(_, _), DataType::Timestamp(_, _)) => {
            format!("one is an instant and one a wall-clock time: cast one to {l} or {r}")
        }
        (text, other) | (other, text) if text.is_string() && !other.is_string() => {
            let other = dtype::name(other);
            format!("cast the text to {other}, or the other side to Utf8")
        }
        _ => "cast one of them".to_owned(),
    };
    format!("cannot {verb} {l} with {r}; {way_out}")
}

/// The operands of arithmetic: numbers of one type (decimals may differ in scale), or times and durations of one unit.
pub(super) fn arithmetic(
    written: &Expr,
    op: ArithmeticOp,
    left: Typed,
    right: Typed,
) -> Result<(Typed, Typed)> {
    let (l, r) = (&left.data_type, &right.data_type);
    if is_time(l) || is_time(r) {
        return times(written, op, left, right);
    }
    if l == r || (is_decimal(l) && is_decimal(r)) {
        return Ok((left, right));
    }
    // A float literal makes a float of an integer; an integer literal takes the type beside it.
    let adapts = |of: &Typed| of.as_literal().is_some_and(|scalar| !matches!(scalar, Scalar::Float64(_)));
    let fits_float = |of: &Typed, beside: &DataType| of.as_literal().is_some() && beside.is_floating();
    if (adapts(&right) || fits_float(&right, l))
        && let Some(fitted) = numeric_fit(written, &right, l)?
    {
        return Ok((left, fitted));
    }
    if (adapts(&left) || fits_float(&left, r))
        && let Some(fitted) = numeric_fit(written, &left, r)?
    {
        return Ok((fitted, right));
    }
    let (l, r) = (&left.data_type, &right.data_type);
    let data_type = match (l, r) {
        (unsigned, signed) | (signed, unsigned) if is_unsigned_64(unsigned) && signed.is_signed_integer() => {
            // True division is of floats, which hold either.
            Some(if op == ArithmeticOp::Divide { DataType::Float64 } else { DataType::Int64 })
        }
        (decimal, integer) | (integer, decimal) if is_decimal(decimal) && integer.is_integer() => {
            return Ok((as_decimal(left)?, as_decimal(right)?));
        }
        (l, r) => common(l, r),
    };
    match data_type {
        Some(data_type) => Ok((left.cast(&data_type)?, right.cast(&data_type)?)),
        None => Err(mismatch(written, no_common_type(verb(op), l, r))),
    }
}

fn verb(op: ArithmeticOp) -> &'static str {
    match op {
        ArithmeticOp::Add => "add",
        ArithmeticOp::Subtract => "subtract",
        ArithmeticOp::Multiply => "multiply",
        _ => "divide",
    }
}

fn numeric_fit(written: &Expr, of: &Typed, to: &DataType) -> Result<Option<Typed>> {
    let Some(scalar) = of.as_literal() else { return Ok(None) };
    if !(to.is_numeric() || scalar.is_null()) || scalar.data_type().is_string() {
        return Ok(None);
    }
    // Beside a decimal, literals become decimals of their own.
    if is_decimal(to) && !scalar.is_null() {
        return Ok(None);
    }
    let fitted = literal::fit(written, scalar, to)?;
    Ok(fitted.map(|scalar| Typed::fitted(scalar, to)))
}

/// An integer as a decimal; a literal brings no more digits than it has, because the precision of a result grows with
/// that of its operands.
fn as_decimal(of: Typed) -> Result<Typed> {
    let digits = |value: u64| value.checked_ilog10().map_or(1, |log| log + 1);
    let data_type = match (of.as_literal(), &of.data_type) {
        (_, DataType::Decimal128(_, _)) => return Ok(of),
        (Some(Scalar::Int64(value)), _) => decimal_of(digits(value.unsigned_abs())),
        (Some(Scalar::UInt64(value)), _) => decimal_of(digits(*value)),
        (_, integer) => integer_decimal(integer),
    };
    of.cast(&data_type)
}

fn decimal_of(digits: u32) -> DataType {
    DataType::Decimal128(u8::try_from(digits).unwrap_or(DECIMAL128_MAX_PRECISION), 0)
}

fn times(written: &Expr, op: ArithmeticOp, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let is_duration = |of: &Typed| matches!(of.data_type, DataType::Duration(_));
    let (l, r) = (&left.data_type, &right.data_type);
    match (is_duration(&left), is_duration(&right)) {
        (false, false) | (true, true) => equalized(written, verb(op), left, right),
        _ => {
            let (Some(from), Some(of)) = (unit(l), unit(r)) else {
                return Err(mismatch(written, no_common_type(verb(op), l, r)));
            };
            let unit = from.max_precision(of);
            Ok((in_unit(left, unit)?, in_unit(right, unit)?))
        }
    }
}

fn is_time(data_type: &DataType) -> bool {
    unit(data_type).is_some()
}

/// The unit of a time; days go with any.
fn unit(data_type: &DataType) -> Option<TimeUnit> {
    match data_type {
        DataType::Date32 => Some(TimeUnit::Second),
        DataType::Timestamp(unit, _) | DataType::Duration(unit) => Some(*unit),
        _ => None,
    }
}

fn in_unit(of: Typed, unit: TimeUnit) -> Result<Typed> {
    let to = match &of.data_type {
        DataType::Timestamp(_, zone) => DataType::Timestamp(unit, zone.as_ref().map(Arc::clone)),
        DataType::Duration(_) => DataType::Duration(unit),
        _ => DataType::Timestamp(unit, None),
    };
    of.cast(&to)
}

trait Finer {
    fn max_precision(self, other: Self) -> Self;
}

impl Finer for TimeUnit {
    fn max_precision(self, other: TimeUnit) -> TimeUnit {
        let order = [TimeUnit::Nanosecond, TimeUnit::Microsecond, TimeUnit::Millisecond];
        order.into_iter().find(|unit| *unit == self || *unit == other).unwrap_or(TimeUnit::Second)
    }
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(_, _))
}

/// The type that both become, without loss except that integers of over 53 bits round as floats; `None` where there is
/// none.
fn common(left: &DataType, right: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match (left, right) {
        (T::Null, other) | (other, T::Null) => other.clone(),
        (l, r) if l.is_integer() && r.is_integer() => integers(l, r),
        (T::Float64, other) | (other, T::Float64) if other.is_numeric() => T::Float64,
        (T::Float32, T::Int8 | T::Int16 | T::UInt8 | T::UInt16) => T::Float32,
        (T::Int8 | T::Int16 | T::UInt8 | T::UInt16, T::Float32) => T::Float32,
        (T::Float32, other) | (other, T::Float32) if other.is_numeric() => T::Float64,
        (T::Decimal128(p, s), T::Decimal128(q, t)) => decimals((*p, *s), (*q, *t)),
        (T::Decimal128(p, s), other) | (other, T::Decimal128(p, s)) if other.is_integer() => {
            match integer_decimal(other) {
                T::Decimal128(q, t) => decimals((*p, *s), (q, t)),
                _ => return None,
            }
        }
        (T::Date32, T::Timestamp(unit, zone)) | (T::Timestamp(unit, zone), T::Date32) => {
            T::Timestamp(*unit, zone.as_ref().map(Arc::clone))
        }
        (T::Timestamp(u, x), T::Timestamp(v, y)) if x.is_some() == y.is_some() => {
            T::Timestamp(u.max_precision(*v), x.as_ref().map(Arc::clone))
        }
        (T::Duration(u), T::Duration(v)) => T::Duration(u.max_precision(*v)),
        (l, r) if l.is_string() && r.is_string() => T::Utf8View,
        (l, r) if is_binary(l) && is_binary(r) => T::BinaryView,
        _ => return None,
    })
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}

/// The narrowest that holds both; for `UInt64` with a signed type, `Int64`.
fn integers(left: &DataType, right: &DataType) -> DataType {
    let signed = left.is_signed_integer() || right.is_signed_integer();
    let bits = |of: &DataType| {
        let bits = of.primitive_width().unwrap_or(8) * 8;
        if signed && of.is_unsigned_integer() { bits * 2 } else { bits }
    };
    match (bits(left).max(bits(right)), signed) {
        (8, true) => DataType::Int8,
        (16, true) => DataType::Int16,
        (32, true) => DataType::Int32,
        (_, true) => DataType::Int64,
        (8, false) => DataType::UInt8,
        (16, false) => DataType::UInt16,
        (32, false) => DataType::UInt32,
        (_, false) => DataType::UInt64,
    }
}

/// The decimal that holds every value of an integer type.
fn integer_decimal(integer: &DataType) -> DataType {
    decimal_of(match integer {
        DataType::Int8 | DataType::UInt8 => 3,
        DataType::Int16 | DataType::UInt16 => 5,
        DataType::Int32 | DataType::UInt32 => 10,
        DataType::Int64 => 19,
        _ => 20,
    })
}

/// The larger scale, and the larger number of digits before the point, within 38 digits.
fn decimals((p, s): (u8, i8), (q, t): (u8, i8)) -> DataType {
    let scale = s.max(t);
    let whole = (i16::from(p) - i16::from(s)).max(i16::from(q) - i16::from(t));
    let digits = (whole + i16::from(scale)).clamp(1, i16::from(DECIMAL128_MAX_PRECISION));
    DataType::Decimal128(u8::try_from(digits).unwrap_or(DECIMAL128_MAX_PRECISION), scale)
}
