//! What statistics prove about values, and no more.
//!
//! | what a file says | what is believed of it |
//! | --- | --- |
//! | the old fields `min` and `max` | numbers that are ordered with their sign, and truth values; not text, bytes, unsigned numbers or decimals in bytes, which old writers compared wrongly |
//! | `min_value`, `max_value` in an order that the type defines | all types but `INT96` and intervals, which have no order |
//! | the same in an unknown order | nothing |
//! | NaN as a bound | nothing; and floats may hold NaN whatever the bounds are |
//! | a minimum over the maximum, text that is no UTF-8, more nulls than rows | nothing |

use std::cmp::Ordering;

use arrow::datatypes::DataType;
use parquet::basic::{ColumnOrder, SortOrder, Type};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;
use partita_columns::Scalar;

/// What is known about the values of a column in a run of rows. The order is that of [`Scalar::compare`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bounds {
    /// No value that is neither null nor NaN is less; of the column's type.
    pub min: Option<Scalar>,
    /// No value that is neither null nor NaN is greater; of the column's type.
    pub max: Option<Scalar>,
    /// Whether `min` is one of the values.
    pub min_is_exact: bool,
    /// Whether `max` is one of the values.
    pub max_is_exact: bool,
    /// Missing values.
    pub nulls: Option<u64>,
    /// Whether there may be NaN, which the bounds do not cover and which is greater than every number.
    pub may_have_nan: bool,
    /// All rows, missing values with them.
    pub rows: u64,
}

impl Bounds {
    /// Whether no row has a value.
    pub fn is_all_null(&self) -> bool {
        self.nulls == Some(self.rows)
    }
}

/// How far the order of two bounds may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// The order is that of the type.
    TypeOrder,
    /// Numbers were compared with their sign.
    SignedNumbers,
    Nothing,
}

/// Bounds as bytes of the PLAIN encoding, without length.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RawBounds<'a> {
    pub(super) min: Option<&'a [u8]>,
    pub(super) max: Option<&'a [u8]>,
    pub(super) min_is_exact: bool,
    pub(super) max_is_exact: bool,
    pub(super) nulls: Option<u64>,
    pub(super) rows: u64,
}

/// The trust that a file's order of a column deserves.
pub(super) fn trust(order: ColumnOrder) -> Trust {
    match order {
        ColumnOrder::TYPE_DEFINED_ORDER(SortOrder::SIGNED | SortOrder::UNSIGNED) => Trust::TypeOrder,
        ColumnOrder::UNDEFINED => Trust::SignedNumbers,
        _ => Trust::Nothing,
    }
}

/// What the statistics of a column chunk of `rows` rows prove.
pub(super) fn of_chunk(
    statistics: &Statistics,
    column: &ColumnDescriptor,
    target: &DataType,
    order: ColumnOrder,
    rows: u64,
) -> Bounds {
    let is_old = statistics.is_min_max_deprecated();
    let trust = if is_old { Trust::SignedNumbers.min(trust(order)) } else { trust(order) };
    let is_whole = is_whole(column);
    let raw = RawBounds {
        min: statistics.min_bytes_opt(),
        max: statistics.max_bytes_opt(),
        min_is_exact: is_whole || statistics.min_is_exact(),
        max_is_exact: is_whole || statistics.max_is_exact(),
        nulls: statistics.null_count_opt(),
        rows,
    };
    of_bytes(raw, column, target, trust)
}

/// Whether bounds of a column are values of it: only those of variable length are ever cut.
pub(super) fn is_whole(column: &ColumnDescriptor) -> bool {
    !matches!(column.physical_type(), Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY)
}

impl Trust {
    fn min(self, other: Trust) -> Trust {
        match (self, other) {
            (Trust::Nothing, _) | (_, Trust::Nothing) => Trust::Nothing,
            (Trust::SignedNumbers, _) | (_, Trust::SignedNumbers) => Trust::SignedNumbers,
            (Trust::TypeOrder, Trust::TypeOrder) => Trust::TypeOrder,
        }
    }
}

/// What bounds of a column of type `target` prove.
pub(super) fn of_bytes(
    raw: RawBounds<'_>,
    column: &ColumnDescriptor,
    target: &DataType,
    trust: Trust,
) -> Bounds {
    let may_have_nan = matches!(target, DataType::Float16 | DataType::Float32 | DataType::Float64);
    let nulls = raw.nulls.filter(|nulls| *nulls <= raw.rows);
    let unknown = Bounds { nulls, may_have_nan, rows: raw.rows, ..Bounds::default() };
    let is_believed = match trust {
        Trust::TypeOrder => true,
        Trust::SignedNumbers => {
            column.sort_order() == SortOrder::SIGNED
                && matches!(column.physical_type(), Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE)
                || column.physical_type() == Type::BOOLEAN
        }
        Trust::Nothing => false,
    };
    if !is_believed || nulls == Some(raw.rows) {
        return unknown;
    }
    let value = |bytes: Option<&[u8]>| bytes.map(|bytes| value(bytes, column, target));
    let (min, max) = match (value(raw.min), value(raw.max)) {
        // What is no value of the type makes the other one doubtful.
        (Some(None), _) => return unknown,
        (min, max) => (min.flatten(), max),
    };
    // A text that was cut within a character is a lower bound once the rest of the character is gone, but no upper one.
    let max = match max {
        Some(None) if *target != DataType::Utf8View => return unknown,
        max => max.flatten(),
    };
    let is_nan = |value: &Option<Scalar>| matches!(value, Some(Scalar::Float64(value)) if value.is_nan());
    let is_backwards = match (&min, &max) {
        (Some(min), Some(max)) => !matches!(min.compare(max), Some(Ordering::Less | Ordering::Equal)),
        _ => false,
    };
    if is_nan(&min) || is_nan(&max) || is_backwards {
        return unknown;
    }
    // A zero has a sign that statistics may have lost, and that does not count: the value is there, or its equal.
    Bounds {
        min_is_exact: raw.min_is_exact && min.is_some(),
        max_is_exact: raw.max_is_exact && max.is_some(),
        min,
        max,
        ..unknown
    }
}

/// A value in the PLAIN encoding, without length; `None` where it is none of the type, or no scalar holds the type.
fn value(bytes: &[u8], column: &ColumnDescriptor, target: &DataType) -> Option<Scalar> {
    match column.physical_type() {
        Type::BOOLEAN => Some(Scalar::Boolean(*bytes.first()? != 0)),
        Type::INT32 => int32(i32::from_le_bytes(*bytes.first_chunk()?), target),
        Type::INT64 => int64(i64::from_le_bytes(*bytes.first_chunk()?), target),
        Type::FLOAT => Some(Scalar::Float64(f64::from(f32::from_le_bytes(*bytes.first_chunk()?)))),
        Type::DOUBLE => Some(Scalar::Float64(f64::from_le_bytes(*bytes.first_chunk()?))),
        Type::INT96 => None,
        Type::BYTE_ARRAY => bytes_value(bytes, target),
        Type::FIXED_LEN_BYTE_ARRAY => match target {
            DataType::Float16 => Some(Scalar::Float64(half(u16::from_le_bytes(*bytes.first_chunk()?)))),
            target => bytes_value(bytes, target),
        },
    }
}

fn int32(value: i32, target: &DataType) -> Option<Scalar> {
    let unsigned = u64::from(value.cast_unsigned());
    Some(match target {
        DataType::Int8 => Scalar::Int64(i8::try_from(value).ok()?.into()),
        DataType::Int16 => Scalar::Int64(i16::try_from(value).ok()?.into()),
        DataType::Int32 => Scalar::Int64(value.into()),
        DataType::UInt8 => Scalar::UInt64(u8::try_from(unsigned).ok()?.into()),
        DataType::UInt16 => Scalar::UInt64(u16::try_from(unsigned).ok()?.into()),
        DataType::UInt32 => Scalar::UInt64(unsigned),
        DataType::Date32 => Scalar::Date32(value),
        DataType::Decimal128(precision, scale) => Scalar::Decimal128(value.into(), *precision, *scale),
        _ => return None,
    })
}

fn int64(value: i64, target: &DataType) -> Option<Scalar> {
    Some(match target {
        DataType::Int64 => Scalar::Int64(value),
        DataType::UInt64 => Scalar::UInt64(value.cast_unsigned()),
        DataType::Timestamp(unit, zone) => Scalar::Timestamp(value, *unit, zone.clone()),
        DataType::Duration(unit) => Scalar::Duration(value, *unit),
        DataType::Decimal128(precision, scale) => Scalar::Decimal128(value.into(), *precision, *scale),
        _ => return None,
    })
}

fn bytes_value(bytes: &[u8], target: &DataType) -> Option<Scalar> {
    match target {
        DataType::Utf8View => match std::str::from_utf8(bytes) {
            Ok(text) => Some(Scalar::Utf8(text.to_owned())),
            Err(_) => None,
        },
        DataType::Binary | DataType::FixedSizeBinary(_) => Some(Scalar::Binary(bytes.to_vec())),
        DataType::Decimal128(precision, scale) => {
            Some(Scalar::Decimal128(big_endian(bytes)?, *precision, *scale))
        }
        _ => None,
    }
}

/// A signed number, highest byte first.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let sign = if first & 0x80 == 0 { 0 } else { u8::MAX };
    let (head, tail) = bytes.split_at(bytes.len().saturating_sub(16));
    let mut wide = [sign; 16];
    wide[16 - tail.len()..].copy_from_slice(tail);
    let fits = head.iter().all(|byte| *byte == sign) && (head.is_empty() || (wide[0] ^ sign) & 0x80 == 0);
    fits.then(|| i128::from_be_bytes(wide))
}

/// A float of 16 bits, by its definition.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    match exponent {
        0 => sign * fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}
