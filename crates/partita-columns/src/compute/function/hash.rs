//! A hash of values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array, new_null_array};
use arrow::compute::{cast, take};
use arrow::datatypes::DataType;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Argument, Nulls, Signature, Spec, expected, value};
use crate::compute::physical::{Physical, physical};
use crate::compute::{CastMode, cast_array};
use crate::error::{ErrorKind, Result};
use crate::wide::written_zeros;

pub(super) const ALL: &[&Spec] = &[&HASH];

/// `hash(a, b, ..)`: a `UInt64` from the values of a row, the same on every machine and in every run; never null. Each
/// value is hashed by XXH3 with the hash so far as its seed (0 at first): numbers and times by their 8 bytes
/// (decimals: 16), least byte first, text and bytes as they are. Equal values have equal hashes: -0.0 is hashed as 0.0, all
/// NaN alike, floats as `Float64`, integers by value whatever their width.
pub static HASH: Spec = Spec {
    name: "hash",
    arguments: (1, usize::MAX),
    common: false,
    signature: |arguments| {
        let types = arguments.iter().map(hashable).collect::<Result<Vec<_>, _>>()?;
        Ok(Signature::new(types, DataType::UInt64).nulls(Nulls::Never))
    },
    kernel: |input| {
        let mut hashes = vec![0; input.rows];
        (0..input.len()).try_for_each(|argument| mix(&input.column(argument)?, &mut hashes))?;
        value(UInt64Array::from(hashes))
    },
};

/// What a missing value adds: no value has these bytes as its hash by design, only by chance.
const MISSING: u64 = 0x9e37_79b9_7f4a_7c15;

fn hashable(argument: &Argument<'_>) -> Result<DataType, String> {
    Ok(match &argument.data_type {
        DataType::Null => DataType::Boolean,
        text if text.is_string() => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::BinaryView
        }
        DataType::Float32 => DataType::Float64,
        plain if plain.is_primitive() || plain == &DataType::Boolean => plain.clone(),
        _ => return expected("plain values", argument, "pick one of its fields"),
    })
}

/// The hash of every row of some columns of `rows` rows, that of [`HASH`]: rows that are equal by value have equal ones, whatever lies
/// under nulls; dictionaries are hashed by their values.
///
/// # Errors
/// [`ErrorKind::Undefined`] for types that have no hash (lists, structs and the like), [`ErrorKind::Shape`] where a column has
/// another length.
pub fn hash_rows(columns: &[ArrayRef], rows: usize) -> Result<Vec<u64>> {
    let mut hashes = written_zeros(rows);
    for column in columns {
        if column.len() != rows {
            let message = format!("expected columns of {rows} rows to hash, got {}", column.len());
            return Err(ErrorKind::Shape(message).into());
        }
        mix(&plain(column)?, &mut hashes)?;
    }
    Ok(hashes)
}

/// A column in the form that is hashed.
fn plain(column: &ArrayRef) -> Result<ArrayRef> {
    if let Some(dictionary) = column.as_any_dictionary_opt() {
        return plain(&take(dictionary.values(), dictionary.keys(), None)?);
    }
    Ok(match column.data_type() {
        DataType::Null => new_null_array(&DataType::Boolean, column.len()),
        DataType::Utf8 | DataType::LargeUtf8 => cast(column, &DataType::Utf8View)?,
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => {
            cast(column, &DataType::BinaryView)?
        }
        _ => Arc::clone(column),
    })
}

fn mix(column: &ArrayRef, hashes: &mut [u64]) -> Result<()> {
    match column.data_type() {
        DataType::Utf8View => {
            let texts = column.as_string_view();
            each(column, hashes, |row, seed| xxh3_64_with_seed(texts.value(row).as_bytes(), seed));
        }
        DataType::BinaryView => {
            let bytes = column.as_binary_view();
            each(column, hashes, |row, seed| xxh3_64_with_seed(bytes.value(row), seed));
        }
        DataType::Boolean => {
            let truths = column.as_boolean();
            each(column, hashes, |row, seed| word(u64::from(truths.value(row)), seed));
        }
        _ => primitive(column, hashes)?,
    }
    Ok(())
}

fn primitive(column: &ArrayRef, hashes: &mut [u64]) -> Result<()> {
    let Some(values) = physical(column) else {
        let wide = cast_array(column, &DataType::Int64, CastMode::Strict);
        return match wide {
            Ok(wide) => primitive(&wide, hashes),
            Err(_) => Err(ErrorKind::Undefined {
                operation: "hash".to_owned(),
                types: crate::dtype::name(column.data_type()),
            }
            .into()),
        };
    };
    match values {
        Physical::I8(v) => each(column, hashes, |row, seed| signed(v[row].into(), seed)),
        Physical::I16(v) => each(column, hashes, |row, seed| signed(v[row].into(), seed)),
        Physical::I32(v) => each(column, hashes, |row, seed| signed(v[row].into(), seed)),
        Physical::I64(v) => each(column, hashes, |row, seed| signed(v[row], seed)),
        Physical::U8(v) => each(column, hashes, |row, seed| word(v[row].into(), seed)),
        Physical::U16(v) => each(column, hashes, |row, seed| word(v[row].into(), seed)),
        Physical::U32(v) => each(column, hashes, |row, seed| word(v[row].into(), seed)),
        Physical::U64(v) => each(column, hashes, |row, seed| word(v[row], seed)),
        Physical::F32(v) => each(column, hashes, |row, seed| float(v[row].into(), seed)),
        Physical::F64(v) => each(column, hashes, |row, seed| float(v[row], seed)),
        Physical::I128(v) => {
            each(column, hashes, |row, seed| xxh3_64_with_seed(&v[row].to_le_bytes(), seed));
        }
    }
    Ok(())
}

#[inline]
fn each(column: &ArrayRef, hashes: &mut [u64], hash: impl Fn(usize, u64) -> u64) {
    let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
    for (row, so_far) in hashes.iter_mut().enumerate() {
        let valid = nulls.is_none_or(|nulls| nulls.is_valid(row));
        *so_far = if valid { hash(row, *so_far) } else { word(MISSING, so_far.rotate_left(32) ^ MISSING) };
    }
}

fn word(value: u64, seed: u64) -> u64 {
    xxh3_64_with_seed(&value.to_le_bytes(), seed)
}

fn signed(value: i64, seed: u64) -> u64 {
    word(value.cast_unsigned(), seed)
}

fn float(value: f64, seed: u64) -> u64 {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    word(value.to_bits(), seed)
}
