//! One value: what literals, null fills and statistics are made of.

mod display;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array,
    DurationMicrosecondArray, DurationMillisecondArray, DurationNanosecondArray, DurationSecondArray,
    Float64Array, Int64Array, StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt32Array, UInt64Array, new_empty_array,
    new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use serde::{Deserialize, Serialize};

use crate::compute::{CastMode, cast_array};
use crate::error::{Error, ErrorKind, Result};

/// One value of a supported type; null is a value of every type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scalar {
    /// A missing value of a type (`DataType::Null` where nothing is known).
    Null(DataType),
    /// A truth value.
    Boolean(bool),
    /// Any signed integer type is held wide; `data_type` of the column decides.
    Int64(i64),
    /// An unsigned integer.
    UInt64(u64),
    /// A float; NaN is a value.
    Float64(f64),
    /// Text.
    Utf8(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// Days since 1970-01-01.
    Date32(i32),
    /// An instant (with zone) or a wall-clock time (without), in `unit`s since 1970-01-01.
    Timestamp(i64, TimeUnit, Option<Arc<str>>),
    /// A span of time.
    Duration(i64, TimeUnit),
    /// A decimal: unscaled value, precision, scale.
    Decimal128(i128, u8, i8),
}

/// A column, or one value that stands for every row.
#[derive(Debug, Clone)]
pub enum Value {
    /// One value a row.
    Array(ArrayRef),
    /// The same value in every row.
    Scalar(Scalar),
}

impl Scalar {
    /// The type that the value has by itself: integers are wide, text is `Utf8View`.
    pub fn data_type(&self) -> DataType {
        match self {
            Scalar::Null(data_type) => data_type.clone(),
            Scalar::Boolean(_) => DataType::Boolean,
            Scalar::Int64(_) => DataType::Int64,
            Scalar::UInt64(_) => DataType::UInt64,
            Scalar::Float64(_) => DataType::Float64,
            Scalar::Utf8(_) => DataType::Utf8View,
            Scalar::Binary(_) => DataType::Binary,
            Scalar::Date32(_) => DataType::Date32,
            Scalar::Timestamp(_, unit, zone) => DataType::Timestamp(*unit, zone.as_ref().map(Arc::clone)),
            Scalar::Duration(_, unit) => DataType::Duration(*unit),
            Scalar::Decimal128(_, precision, scale) => DataType::Decimal128(*precision, *scale),
        }
    }

    /// Whether the value is missing. NaN is not.
    pub fn is_null(&self) -> bool {
        matches!(self, Scalar::Null(_))
    }

    /// An array of [`Scalar::data_type`] that holds the value `rows` times.
    ///
    /// # Errors
    /// [`ErrorKind::Arrow`] where a decimal's precision or scale is out of range.
    pub fn to_array(&self, rows: usize) -> Result<ArrayRef> {
        repeat(&self.one_row()?, rows)
    }

    /// An array of `data_type` that holds the value `rows` times.
    ///
    /// # Errors
    /// [`ErrorKind::Cast`] where the type cannot hold the value.
    pub fn to_array_of(&self, data_type: &DataType, rows: usize) -> Result<ArrayRef> {
        if self.is_null() {
            return Ok(new_null_array(data_type, rows));
        }
        repeat(&cast_array(&self.one_row()?, data_type, CastMode::Strict)?, rows)
    }

    /// The value as another type. The result is as wide as scalars are: 300 as `Int16` is `Int64(300)`, 300 as `Int8`
    /// does not fit.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] where there is no such cast; with [`CastMode::Strict`], [`ErrorKind::Cast`] where
    /// the type cannot hold the value. [`CastMode::Lenient`] gives null there.
    pub fn cast(&self, data_type: &DataType, mode: CastMode) -> Result<Scalar> {
        if self.is_null() {
            return Ok(Scalar::Null(data_type.clone()));
        }
        Scalar::try_from_array(&cast_array(&self.one_row()?, data_type, mode)?, 0)
    }

    /// The value of one row of an array.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where the array has no such row, [`ErrorKind::Undefined`] where no scalar holds its
    /// type (lists, structs, times of day).
    pub fn try_from_array(array: &dyn Array, row: usize) -> Result<Scalar> {
        if row >= array.len() {
            return Err(ErrorKind::Shape(format!("row {row} of an array of {} rows", array.len())).into());
        }
        if array.is_null(row) {
            return Ok(Scalar::Null(array.data_type().clone()));
        }
        match array.data_type() {
            DataType::Null => Ok(Scalar::Null(DataType::Null)),
            DataType::Timestamp(..) | DataType::Duration(_) => time_from_array(array, row),
            data_type if data_type.is_integer() => integer_from_array(array, row),
            _ => other_from_array(array, row),
        }
    }

    /// The order of two values of one kind: false before true, NaN after every number and equal to itself,
    /// -0.0 equal to 0.0, numbers of different kinds by their exact value, null after everything. `None` where the
    /// kinds have no common order.
    pub fn compare(&self, other: &Scalar) -> Option<Ordering> {
        use Scalar as S;
        Some(match (self, other) {
            (S::Null(_), S::Null(_)) => Ordering::Equal,
            (S::Null(_), _) => Ordering::Greater,
            (_, S::Null(_)) => Ordering::Less,
            (S::Boolean(a), S::Boolean(b)) => a.cmp(b),
            (S::Int64(a), S::Int64(b)) => a.cmp(b),
            (S::UInt64(a), S::UInt64(b)) => a.cmp(b),
            (S::Int64(a), S::UInt64(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (S::UInt64(a), S::Int64(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (S::Float64(a), S::Float64(b)) => total_order(*a, *b),
            (S::Int64(a), S::Float64(b)) => integer_with_float(i128::from(*a), *b),
            (S::UInt64(a), S::Float64(b)) => integer_with_float(i128::from(*a), *b),
            (S::Float64(a), S::Int64(b)) => integer_with_float(i128::from(*b), *a).reverse(),
            (S::Float64(a), S::UInt64(b)) => integer_with_float(i128::from(*b), *a).reverse(),
            (S::Utf8(a), S::Utf8(b)) => a.cmp(b),
            (S::Binary(a), S::Binary(b)) => a.cmp(b),
            (S::Date32(a), S::Date32(b)) => a.cmp(b),
            (S::Timestamp(a, u, x), S::Timestamp(b, v, y)) if x.is_some() == y.is_some() => {
                in_units(*a, *u, *b, *v)
            }
            (S::Duration(a, u), S::Duration(b, v)) => in_units(*a, *u, *b, *v),
            (S::Decimal128(a, _, x), S::Decimal128(b, _, y)) => decimal_order(*a, *x, *b, *y),
            _ => return None,
        })
    }

    fn one_row(&self) -> Result<ArrayRef> {
        Ok(match self {
            Scalar::Null(data_type) => new_null_array(data_type, 1),
            Scalar::Boolean(v) => Arc::new(BooleanArray::from(vec![*v])),
            Scalar::Int64(v) => Arc::new(Int64Array::from(vec![*v])),
            Scalar::UInt64(v) => Arc::new(UInt64Array::from(vec![*v])),
            Scalar::Float64(v) => Arc::new(Float64Array::from(vec![*v])),
            Scalar::Utf8(v) => Arc::new(StringViewArray::from(vec![v.as_str()])),
            Scalar::Binary(v) => Arc::new(BinaryArray::from(vec![v.as_slice()])),
            Scalar::Date32(v) => Arc::new(Date32Array::from(vec![*v])),
            Scalar::Timestamp(v, unit, zone) => timestamp_row(*v, *unit, zone.as_ref()),
            Scalar::Duration(v, TimeUnit::Second) => Arc::new(DurationSecondArray::from(vec![*v])),
            Scalar::Duration(v, TimeUnit::Millisecond) => Arc::new(DurationMillisecondArray::from(vec![*v])),
            Scalar::Duration(v, TimeUnit::Microsecond) => Arc::new(DurationMicrosecondArray::from(vec![*v])),
            Scalar::Duration(v, TimeUnit::Nanosecond) => Arc::new(DurationNanosecondArray::from(vec![*v])),
            Scalar::Decimal128(v, precision, scale) => {
                Arc::new(Decimal128Array::from(vec![*v]).with_precision_and_scale(*precision, *scale)?)
            }
        })
    }
}

impl Value {
    /// The type of the column, or of the value by itself.
    pub fn data_type(&self) -> DataType {
        match self {
            Value::Array(array) => array.data_type().clone(),
            Value::Scalar(scalar) => scalar.data_type(),
        }
    }

    /// The column; a scalar is repeated `rows` times, as [`Scalar::to_array`] does.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where a column has not `rows` rows.
    pub fn into_array(self, rows: usize) -> Result<ArrayRef> {
        match self {
            Value::Array(array) => check_rows(array, rows),
            Value::Scalar(scalar) => scalar.to_array(rows),
        }
    }

    /// The column as `data_type`: scalars are narrowed to it, columns must have it or be castable without loss.
    ///
    /// # Errors
    /// As [`Value::into_array`], and [`ErrorKind::Cast`] where a value does not fit.
    pub fn into_array_of(self, data_type: &DataType, rows: usize) -> Result<ArrayRef> {
        match self {
            Value::Array(array) => cast_array(&check_rows(array, rows)?, data_type, CastMode::Strict),
            Value::Scalar(scalar) => scalar.to_array_of(data_type, rows),
        }
    }
}

/// NaN equals NaN and is greater than every number; -0.0 equals 0.0.
pub(crate) fn total_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// By exact value. A float of magnitude 2^127 or more is beyond every 64-bit integer; the saturating cast keeps its sign.
fn integer_with_float(a: i128, b: f64) -> Ordering {
    if b.is_nan() {
        return Ordering::Less;
    }
    let floor = b.floor();
    a.cmp(&(floor as i128)).then(if b > floor { Ordering::Less } else { Ordering::Equal })
}

/// Of two decimals, each with its scale, by their exact values.
#[inline]
pub(crate) fn decimal_order(a: i128, a_scale: i8, b: i128, b_scale: i8) -> Ordering {
    // Where the one of the smaller scale does not fit 128 bits in the larger one, it is farther from zero than the other.
    let scaled = |value: i128, digits: i8| {
        let unit = 10_i128.checked_pow(u32::from(digits.unsigned_abs()));
        unit.and_then(|unit| value.checked_mul(unit))
    };
    match a_scale.cmp(&b_scale) {
        Ordering::Equal => a.cmp(&b),
        Ordering::Less => scaled(a, b_scale - a_scale).map_or(a.cmp(&0), |a| a.cmp(&b)),
        Ordering::Greater => scaled(b, a_scale - b_scale).map_or(0.cmp(&b), |b| a.cmp(&b)),
    }
}

fn in_units(a: i64, a_unit: TimeUnit, b: i64, b_unit: TimeUnit) -> Ordering {
    (i128::from(a) * nanoseconds(a_unit)).cmp(&(i128::from(b) * nanoseconds(b_unit)))
}

fn nanoseconds(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

fn check_rows(array: ArrayRef, rows: usize) -> Result<ArrayRef> {
    if array.len() == rows {
        return Ok(array);
    }
    Err(ErrorKind::Shape(format!("expected a column of {rows} rows, got {}", array.len())).into())
}

fn repeat(one: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    match rows {
        0 => Ok(new_empty_array(one.data_type())),
        1 => Ok(Arc::clone(one)),
        _ => Ok(take(one, &UInt32Array::from(vec![0; rows]), None)?),
    }
}

fn timestamp_row(value: i64, unit: TimeUnit, zone: Option<&Arc<str>>) -> ArrayRef {
    let zone = zone.map(Arc::clone);
    match unit {
        TimeUnit::Second => Arc::new(TimestampSecondArray::from(vec![value]).with_timezone_opt(zone)),
        TimeUnit::Millisecond => {
            Arc::new(TimestampMillisecondArray::from(vec![value]).with_timezone_opt(zone))
        }
        TimeUnit::Microsecond => {
            Arc::new(TimestampMicrosecondArray::from(vec![value]).with_timezone_opt(zone))
        }
        TimeUnit::Nanosecond => Arc::new(TimestampNanosecondArray::from(vec![value]).with_timezone_opt(zone)),
    }
}

fn integer_from_array(array: &dyn Array, row: usize) -> Result<Scalar> {
    Ok(match array.data_type() {
        DataType::Int8 => Scalar::Int64(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Scalar::Int64(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Scalar::Int64(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Scalar::Int64(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => Scalar::UInt64(array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => Scalar::UInt64(array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => Scalar::UInt64(array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => Scalar::UInt64(array.as_primitive::<UInt64Type>().value(row)),
        other => return Err(no_scalar(other)),
    })
}

fn time_from_array(array: &dyn Array, row: usize) -> Result<Scalar> {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    let value = match array.data_type() {
        DataType::Timestamp(Second, _) => array.as_primitive::<TimestampSecondType>().value(row),
        DataType::Timestamp(Millisecond, _) => array.as_primitive::<TimestampMillisecondType>().value(row),
        DataType::Timestamp(Microsecond, _) => array.as_primitive::<TimestampMicrosecondType>().value(row),
        DataType::Timestamp(Nanosecond, _) => array.as_primitive::<TimestampNanosecondType>().value(row),
        DataType::Duration(Second) => array.as_primitive::<DurationSecondType>().value(row),
        DataType::Duration(Millisecond) => array.as_primitive::<DurationMillisecondType>().value(row),
        DataType::Duration(Microsecond) => array.as_primitive::<DurationMicrosecondType>().value(row),
        DataType::Duration(Nanosecond) => array.as_primitive::<DurationNanosecondType>().value(row),
        other => return Err(no_scalar(other)),
    };
    Ok(match array.data_type() {
        DataType::Timestamp(unit, zone) => Scalar::Timestamp(value, *unit, zone.as_ref().map(Arc::clone)),
        DataType::Duration(unit) => Scalar::Duration(value, *unit),
        other => return Err(no_scalar(other)),
    })
}

fn other_from_array(array: &dyn Array, row: usize) -> Result<Scalar> {
    Ok(match array.data_type() {
        DataType::Boolean => Scalar::Boolean(array.as_boolean().value(row)),
        DataType::Float32 => Scalar::Float64(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Scalar::Float64(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8View => Scalar::Utf8(array.as_string_view().value(row).to_owned()),
        DataType::Utf8 => Scalar::Utf8(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Scalar::Utf8(array.as_string::<i64>().value(row).to_owned()),
        DataType::Binary => Scalar::Binary(array.as_binary::<i32>().value(row).to_vec()),
        DataType::LargeBinary => Scalar::Binary(array.as_binary::<i64>().value(row).to_vec()),
        DataType::BinaryView => Scalar::Binary(array.as_binary_view().value(row).to_vec()),
        DataType::FixedSizeBinary(_) => Scalar::Binary(array.as_fixed_size_binary().value(row).to_vec()),
        DataType::Date32 => Scalar::Date32(array.as_primitive::<Date32Type>().value(row)),
        DataType::Decimal128(precision, scale) => {
            Scalar::Decimal128(array.as_primitive::<Decimal128Type>().value(row), *precision, *scale)
        }
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let key = dictionary.normalized_keys()[row];
            return Scalar::try_from_array(dictionary.values(), key);
        }
        other => return Err(no_scalar(other)),
    })
}

fn no_scalar(data_type: &DataType) -> Error {
    ErrorKind::Undefined { operation: "taking one value".to_owned(), types: crate::dtype::name(data_type) }
        .into()
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Scalar::Boolean(value)
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Scalar::Int64(value)
    }
}

impl From<i32> for Scalar {
    fn from(value: i32) -> Self {
        Scalar::Int64(value.into())
    }
}

impl From<i16> for Scalar {
    fn from(value: i16) -> Self {
        Scalar::Int64(value.into())
    }
}

impl From<i8> for Scalar {
    fn from(value: i8) -> Self {
        Scalar::Int64(value.into())
    }
}

impl From<u64> for Scalar {
    fn from(value: u64) -> Self {
        Scalar::UInt64(value)
    }
}

impl From<u32> for Scalar {
    fn from(value: u32) -> Self {
        Scalar::UInt64(value.into())
    }
}

impl From<u16> for Scalar {
    fn from(value: u16) -> Self {
        Scalar::UInt64(value.into())
    }
}

impl From<u8> for Scalar {
    fn from(value: u8) -> Self {
        Scalar::UInt64(value.into())
    }
}

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        Scalar::Float64(value)
    }
}

impl From<f32> for Scalar {
    fn from(value: f32) -> Self {
        Scalar::Float64(value.into())
    }
}

impl From<&str> for Scalar {
    fn from(value: &str) -> Self {
        Scalar::Utf8(value.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(value: String) -> Self {
        Scalar::Utf8(value)
    }
}

impl<T: Into<Scalar>> From<Option<T>> for Scalar {
    fn from(value: Option<T>) -> Self {
        value.map_or(Scalar::Null(DataType::Null), Into::into)
    }
}
