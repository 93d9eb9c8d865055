//! Value columns as few kinds of numbers, and numbers as columns of a type.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::DataType;

use super::input::{Kind, primitive};
use crate::compute::physical::{Physical, physical};
use crate::dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::reduce::kind::decimal_unit;

/// How values of a type are compared and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Domain {
    /// Integers of 64 bits: truth values, integers, ticks.
    Whole,
    Float,
    /// Parts of decimals.
    Long,
    Text,
}

impl Domain {
    pub(super) fn of(data_type: &DataType) -> Result<Self> {
        Ok(match Kind::of(data_type)? {
            Kind::Float(_) => Domain::Float,
            Kind::Long => Domain::Long,
            Kind::Text => Domain::Text,
            _ => Domain::Whole,
        })
    }
}

pub(super) fn wrong(column: &dyn Array) -> Error {
    ErrorKind::Shape(format!("states of groups that take no {}", dtype::name(column.data_type()))).into()
}

/// Integers of up to 64 bits; those of `UInt64` modulo 2^64.
pub(super) fn wholes(column: &ArrayRef) -> Result<Cow<'_, [i64]>> {
    fn wide<T: Copy + Into<i64>>(values: &[T]) -> Cow<'static, [i64]> {
        Cow::Owned(values.iter().map(|value| (*value).into()).collect())
    }
    if let Some(truths) = column.as_boolean_opt() {
        return Ok(Cow::Owned(truths.values().iter().map(i64::from).collect()));
    }
    Ok(match physical(column) {
        Some(Physical::I8(values)) => wide(values),
        Some(Physical::I16(values)) => wide(values),
        Some(Physical::I32(values)) => wide(values),
        Some(Physical::I64(values)) => Cow::Borrowed(values),
        Some(Physical::U8(values)) => wide(values),
        Some(Physical::U16(values)) => wide(values),
        Some(Physical::U32(values)) => wide(values),
        Some(Physical::U64(values)) => Cow::Owned(values.iter().map(|value| value.cast_signed()).collect()),
        _ => return Err(wrong(column)),
    })
}

/// [`wholes`] in the order of the values.
pub(super) fn ordered(column: &ArrayRef) -> Result<Cow<'_, [i64]>> {
    match physical(column) {
        Some(Physical::U64(values)) => {
            Ok(Cow::Owned(values.iter().map(|value| flip(value.cast_signed())).collect()))
        }
        _ => wholes(column),
    }
}

/// Between the orders of signed and of unsigned integers.
pub(super) fn flip(value: i64) -> i64 {
    value ^ i64::MIN
}

/// Floats as they are.
pub(super) fn plain_floats(column: &ArrayRef) -> Result<Cow<'_, [f64]>> {
    match physical(column) {
        Some(Physical::F64(values)) => Ok(Cow::Borrowed(values)),
        Some(Physical::F32(values)) => Ok(Cow::Owned(values.iter().map(|value| f64::from(*value)).collect())),
        _ => Err(wrong(column)),
    }
}

/// Numbers and truth values as floats.
pub(super) fn floats(column: &ArrayRef) -> Result<Cow<'_, [f64]>> {
    match physical(column) {
        Some(Physical::F64(_) | Physical::F32(_)) => plain_floats(column),
        Some(Physical::I128(values)) => {
            let unit = decimal_unit(column.data_type());
            Ok(Cow::Owned(values.iter().map(|value| *value as f64 / unit).collect()))
        }
        Some(Physical::U64(values)) => Ok(Cow::Owned(values.iter().map(|value| *value as f64).collect())),
        _ => Ok(Cow::Owned(wholes(column)?.iter().map(|value| *value as f64).collect())),
    }
}

/// The parts of decimals.
pub(super) fn longs(column: &ArrayRef) -> Result<&[i128]> {
    match physical(column) {
        Some(Physical::I128(values)) => Ok(values),
        _ => Err(wrong(column)),
    }
}

/// The values of a state column.
pub(super) fn values<T: ArrowPrimitiveType>(column: &ArrayRef) -> Result<&[T::Native]> {
    let column = column.as_primitive_opt::<T>().ok_or_else(|| wrong(column))?;
    Ok(column.values())
}

/// A column of a type of [`Domain::Whole`].
pub(super) fn whole_array(
    data_type: &DataType,
    values: Vec<i64>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    match Kind::of(data_type)? {
        Kind::Boolean => {
            let bits: BooleanBuffer = values.iter().map(|value| *value != 0).collect();
            Ok(Arc::new(BooleanArray::new(bits, nulls)))
        }
        Kind::Signed(8) => narrow(data_type, &values, |value| value as i8, nulls),
        Kind::Signed(16) => narrow(data_type, &values, |value| value as i16, nulls),
        Kind::Signed(32) => narrow(data_type, &values, |value| value as i32, nulls),
        Kind::Unsigned(8) => narrow(data_type, &values, |value| value as u8, nulls),
        Kind::Unsigned(16) => narrow(data_type, &values, |value| value as u16, nulls),
        Kind::Unsigned(32) => narrow(data_type, &values, |value| value as u32, nulls),
        _ => primitive(data_type, values, nulls),
    }
}

fn narrow<T: arrow::datatypes::ArrowNativeType>(
    data_type: &DataType,
    values: &[i64],
    to: impl Fn(i64) -> T,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    primitive(data_type, values.iter().map(|value| to(*value)).collect(), nulls)
}

/// A column of a float type.
pub(super) fn float_array(
    data_type: &DataType,
    values: Vec<f64>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    if data_type == &DataType::Float32 {
        return primitive(data_type, values.iter().map(|value| *value as f32).collect(), nulls);
    }
    primitive(data_type, values, nulls)
}

/// All NaN alike: which one an operation gives is the choice of processor and compiler.
#[inline]
pub(super) fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

/// A column of floats, with one NaN.
pub(super) fn floats_array(values: impl Iterator<Item = f64>) -> ArrayRef {
    Arc::new(arrow::array::Float64Array::from_iter_values(values.map(one_nan)))
}

/// A column of floats of which some are missing.
pub(super) fn optional_floats(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.map(|value| value.map(one_nan)).collect::<arrow::array::Float64Array>())
}
