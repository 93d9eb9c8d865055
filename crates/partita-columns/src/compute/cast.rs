//! Casts.

mod number;
mod text;
pub(super) mod time;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::DataType;
use arrow::util::display::FormatOptions;

use super::CastMode;
use crate::dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::{Scalar, Value};

/// `value` as another type; see [`cast_array`]. A scalar keeps the wide form that scalars have.
///
/// # Errors
/// As [`cast_array`].
pub fn cast(value: &Value, to: &DataType, mode: CastMode) -> Result<Value> {
    match value {
        Value::Array(array) => Ok(Value::Array(cast_array(array, to, mode)?)),
        Value::Scalar(scalar) => Ok(Value::Scalar(scalar.cast(to, mode)?)),
    }
}

/// A column as another type. What the new type cannot hold is an error or null, by `mode`:
///
/// * a number outside the range of an integer type, a float or decimal with a fraction as an integer, NaN as one, a
///   finite float beyond the range of `Float32`. To a float, numbers are rounded to the nearest; to a decimal, to the nearest
///   with its scale, ties away from zero, and more digits than its precision do not fit;
/// * text that is not a number (as Rust reads them: no blanks around, `1e5`, `inf` and `NaN` are floats), not
///   `true` or `false` in any letter case, not an ISO date or time (`2020-01-31`, `2020-01-31 23:59:59.5`,
///   `2020-01-31T23:59Z`), or has digits finer than the unit; a wall-clock time refuses text with an offset, an instant
///   takes text without one as the wall-clock time of its zone;
/// * a wall-clock time that its zone does not have, or has twice. Instants become wall-clock times of their zone;
/// * a time beyond the range of a finer unit. To a coarser unit, and to a date, times are rounded down: that is what is
///   asked for.
///
/// Integers count days and ticks: to and from dates, times and durations. Numbers to Boolean are whether they differ from zero. Text from values is what their `Display` in ISO form is.
///
/// # Errors
/// [`ErrorKind::Undefined`] where there is no such cast; with [`CastMode::Strict`], [`ErrorKind::Cast`] with the
/// first value that does not fit.
pub fn cast_array(array: &ArrayRef, to: &DataType, mode: CastMode) -> Result<ArrayRef> {
    let from = array.data_type();
    if from == to {
        return Ok(Arc::clone(array));
    }
    let result = lenient(array, to)?;
    if mode == CastMode::Strict && result.logical_null_count() > array.logical_null_count() {
        return Err(first_refused(array, &result, to));
    }
    Ok(result)
}

fn lenient(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    use DataType as T;
    let from = array.data_type();
    match (from, to) {
        (T::Dictionary(_, values), T::Dictionary(_, _)) if !values.equals_datatype(to) => by_arrow(array, to),
        (T::Dictionary(_, values), _) => lenient_or_same(&by_arrow(array, values)?, to),
        (_, T::Dictionary(_, values)) => by_arrow(&lenient_or_same(array, values)?, to),
        (T::Utf8 | T::LargeUtf8, _) if !to.is_string() && !is_binary(to) => {
            lenient_or_same(&by_arrow(array, &T::Utf8View)?, to)
        }
        (T::Utf8View, T::Boolean) => Ok(text::to_boolean(array.as_string_view())),
        (T::Utf8View, _) if to.is_integer() || to.is_floating() => {
            text::to_number(array.as_string_view(), to)
        }
        (T::Utf8View, T::Date32) => Ok(text::to_date(array.as_string_view())),
        (T::Utf8View, T::Timestamp(unit, zone)) => {
            text::to_timestamp(array.as_string_view(), *unit, zone.as_ref())
        }
        (T::Float32 | T::Float64, _) if to.is_integer() => number::float_to_integer(array, to),
        (T::Float64, T::Float32) => Ok(number::to_float32(array)),
        (T::Float32 | T::Float64, T::Decimal128(_, _)) => by_arrow(array, to),
        (T::Decimal128(_, scale), _) if to.is_integer() => number::decimal_to_integer(array, *scale, to),
        (T::Decimal128(_, scale), T::Float32 | T::Float64) => Ok(number::decimal_to_float(array, *scale, to)),
        (T::Decimal128(_, _), T::Boolean) => Ok(number::decimal_to_boolean(array)),
        (T::Boolean, T::Decimal128(_, _)) => lenient(&by_arrow(array, &T::Int8)?, to),
        (T::Timestamp(_, _), T::Timestamp(unit, zone)) => time::convert(array, *unit, zone.as_ref()),
        (T::Timestamp(_, _), T::Date32) => time::to_date(array),
        (T::Date32, T::Timestamp(unit, zone)) => time::from_date(array, *unit, zone.as_ref()),
        (T::Duration(_), T::Duration(unit)) => time::duration(array, *unit),
        // Days and ticks are counted by integers, and by nothing else.
        (_, T::Date32) if from.is_integer() => by_arrow(&lenient_or_same(array, &T::Int32)?, to),
        (T::Date32, _) if to.is_integer() => lenient_or_same(&by_arrow(array, &T::Int32)?, to),
        (_, T::Timestamp(_, _) | T::Duration(_)) if from.is_integer() => {
            by_arrow(&lenient_or_same(array, &T::Int64)?, to)
        }
        (T::Timestamp(_, _) | T::Duration(_), _) if to.is_integer() => {
            lenient_or_same(&by_arrow(array, &T::Int64)?, to)
        }
        _ if !goes(from, to) || !goes(to, from) => Err(undefined(from, to)),
        _ => by_arrow(array, to),
    }
}

/// Whether a cast that is Arrow's alone means something: times go with no numbers but integers, bytes with text alone.
fn goes(from: &DataType, to: &DataType) -> bool {
    let number = to.is_numeric() || to == &DataType::Boolean;
    match from {
        DataType::Date32 => !number && !matches!(to, DataType::Duration(_)),
        DataType::Timestamp(_, _) | DataType::Duration(_) => !number,
        from if is_binary(from) => {
            is_binary(to) || to.is_string() || to.is_null() || matches!(to, DataType::Dictionary(_, _))
        }
        _ => true,
    }
}

fn undefined(from: &DataType, to: &DataType) -> Error {
    let types = format!("{} to {}", dtype::name(from), dtype::name(to));
    ErrorKind::Undefined { operation: "cast".to_owned(), types }.into()
}

fn lenient_or_same(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to { Ok(Arc::clone(array)) } else { lenient(array, to) }
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}

pub(super) fn by_arrow(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if !can_cast_types(array.data_type(), to) {
        return Err(undefined(array.data_type(), to));
    }
    let options = CastOptions { safe: true, format_options: FormatOptions::default() };
    Ok(cast_with_options(array, to, &options)?)
}

fn first_refused(array: &ArrayRef, result: &ArrayRef, to: &DataType) -> Error {
    let (before, after) = (array.logical_nulls(), result.logical_nulls());
    let row = (0..array.len()).find(|&row| {
        after.as_ref().is_some_and(|nulls| nulls.is_null(row))
            && before.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    });
    let value = row.and_then(|row| Scalar::try_from_array(array, row).ok());
    let value = value.map_or_else(|| "a value".to_owned(), |value| value.to_string());
    ErrorKind::Cast { value, from: array.data_type().clone(), to: to.clone() }.into()
}
