//! Values as keys that sort as they do: words for what has up to 64 bits, bytes for the rest.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type};

use super::extreme::whole_scalar;
use crate::compute::physical::{Physical, physical};
use crate::dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::Scalar;

const SIGN: u64 = 1 << 63;

/// Whether values of the type are words.
pub(super) fn is_fixed(data_type: &DataType) -> bool {
    !matches!(
        data_type,
        DataType::Utf8View | DataType::Binary | DataType::BinaryView | DataType::Decimal128(..)
    )
}

/// Whether values of the type have keys.
pub(super) fn has_keys(data_type: &DataType) -> bool {
    super::kind::is_ordered(data_type)
}

/// The key of every row, whatever it is under nulls; `None` for types whose keys are bytes.
pub(super) fn fixed(column: &ArrayRef) -> Option<Vec<u64>> {
    let signed = |value: i64| value.cast_unsigned() ^ SIGN;
    if column.data_type() == &DataType::Boolean {
        return Some(column.as_boolean().values().iter().map(u64::from).collect());
    }
    Some(match physical(column)? {
        Physical::I8(values) => values.iter().map(|value| signed((*value).into())).collect(),
        Physical::I16(values) => values.iter().map(|value| signed((*value).into())).collect(),
        Physical::I32(values) => values.iter().map(|value| signed((*value).into())).collect(),
        Physical::I64(values) => values.iter().map(|value| signed(*value)).collect(),
        Physical::U8(values) => values.iter().map(|value| (*value).into()).collect(),
        Physical::U16(values) => values.iter().map(|value| (*value).into()).collect(),
        Physical::U32(values) => values.iter().map(|value| (*value).into()).collect(),
        Physical::U64(values) => values.to_vec(),
        Physical::F32(values) => values.iter().map(|value| of_float((*value).into())).collect(),
        Physical::F64(values) => values.iter().map(|value| of_float(*value)).collect(),
        Physical::I128(_) => return None,
    })
}

/// NaN is one value, greater than every number; zeros are equal.
fn of_float(value: f64) -> u64 {
    let value = if value.is_nan() { f64::NAN.abs() } else { value + 0.0 };
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn to_float(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

/// Calls `see` with every value that is not null, and its row.
///
/// # Errors
/// [`ErrorKind::Undefined`] for other types than texts, bytes and decimals.
pub(super) fn for_each_bytes(column: &ArrayRef, mut see: impl FnMut(usize, &[u8])) -> Result<()> {
    let rows = (0..column.len()).filter(|row| column.is_valid(*row));
    match column.data_type() {
        DataType::Utf8View => rows.for_each(|row| see(row, column.as_string_view().value(row).as_bytes())),
        DataType::BinaryView => rows.for_each(|row| see(row, column.as_binary_view().value(row))),
        DataType::Binary => rows.for_each(|row| see(row, column.as_binary::<i32>().value(row))),
        DataType::Decimal128(..) => {
            let values = column.as_primitive::<Decimal128Type>().values();
            rows.for_each(|row| see(row, &(values[row].cast_unsigned() ^ 1 << 127).to_be_bytes()));
        }
        other => return Err(no_keys(other)),
    }
    Ok(())
}

pub(super) fn no_keys(data_type: &DataType) -> Error {
    ErrorKind::Undefined { operation: "an order".to_owned(), types: dtype::name(data_type) }.into()
}

/// The value of a word.
pub(super) fn scalar_of_word(data_type: &DataType, key: u64) -> Scalar {
    match data_type {
        DataType::Boolean => Scalar::Boolean(key != 0),
        DataType::Float32 | DataType::Float64 => Scalar::Float64(to_float(key)),
        other if other.is_unsigned_integer() => Scalar::UInt64(key),
        other => whole_scalar(other, i128::from((key ^ SIGN).cast_signed())),
    }
}

/// The value of bytes.
pub(super) fn scalar_of_bytes(data_type: &DataType, key: &[u8]) -> Scalar {
    match (data_type, <[u8; 16]>::try_from(key)) {
        (DataType::Decimal128(precision, scale), Ok(bytes)) => {
            Scalar::Decimal128((u128::from_be_bytes(bytes) ^ 1 << 127).cast_signed(), *precision, *scale)
        }
        (DataType::Utf8View, _) => Scalar::Utf8(String::from_utf8_lossy(key).into_owned()),
        _ => Scalar::Binary(key.to_vec()),
    }
}
