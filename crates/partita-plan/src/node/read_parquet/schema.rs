//! One schema for files whose schemas differ: columns go by name.
//!
//! The columns are those of the first file, then those that others add, in the order in which they are met. A column that
//! a file lacks is null there. Where types differ, the column has one that holds the values of all:
//!
//! | types | together |
//! | --- | --- |
//! | integers | the wider; signed with unsigned the signed one that holds both |
//! | `Float16`, `Float32`, `Float64` | the wider |
//! | integers of up to 32 bits with floats | `Float64`; of up to 16 bits with `Float32`: `Float32` |
//! | `Date32` with timestamp without zone | the timestamp |
//! | timestamps, both with a zone or both without | the finer unit; the zone of the first |
//! | decimals | the digits before and after the point of both |
//! | kinds of text, kinds of bytes, with or without a dictionary | `Utf8View`, `Binary` |
//! | `Null` with anything | the other |

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::error::{ErrorKind, Result};

/// Digits of a decimal of 128 bits at most.
const DECIMAL_DIGITS_MAX: u8 = 38;

/// The schema of all files; each comes with its name, for messages.
///
/// # Errors
/// [`ErrorKind::Option`] where a column has types of which none holds the values of the other.
pub fn merged<'a>(files: impl IntoIterator<Item = (&'a str, &'a SchemaRef)>) -> Result<SchemaRef> {
    let mut files = files.into_iter();
    let Some((first_file, first)) = files.next() else { return Ok(Arc::new(Schema::empty())) };
    let mut fields: Vec<Field> = first.fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut origins = vec![first_file; fields.len()];
    let mut places: HashMap<String, usize> = HashMap::new();
    for (place, field) in fields.iter().enumerate() {
        places.entry(field.name().clone()).or_insert(place);
    }
    for (file, schema) in files {
        // Most files of a set have one schema.
        if schema.fields().len() == fields.len()
            && schema.fields().iter().zip(&fields).all(|(a, b)| **a == *b)
        {
            continue;
        }
        for field in schema.fields() {
            let Some(&place) = places.get(field.name()) else {
                places.insert(field.name().clone(), fields.len());
                fields.push(field.as_ref().clone().with_nullable(true));
                origins.push(file);
                continue;
            };
            let known = &fields[place];
            if known.data_type() != field.data_type() || known.is_nullable() != field.is_nullable() {
                let Some(data_type) = together(known.data_type(), field.data_type()) else {
                    return Err(differ(
                        field.name(),
                        (known.data_type(), origins[place]),
                        (field.data_type(), file),
                    ));
                };
                let nullable = known.is_nullable() || field.is_nullable();
                fields[place] =
                    Field::new(field.name(), data_type, nullable).with_metadata(known.metadata().clone());
            }
        }
        for field in fields.iter_mut().filter(|field| !field.is_nullable()) {
            if schema.index_of(field.name()).is_err() {
                field.set_nullable(true);
            }
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn differ(name: &str, one: (&DataType, &str), other: (&DataType, &str)) -> crate::error::Error {
    let message = format!(
        "column {name:?} is {} in {} and {} in {}, and no type holds both; read the files apart, and cast one of them",
        one.0, one.1, other.0, other.1
    );
    ErrorKind::Option(message).into()
}

/// The type that holds the values of both.
pub fn together(one: &DataType, other: &DataType) -> Option<DataType> {
    use DataType as T;
    if one == other {
        return Some(one.clone());
    }
    Some(match (one, other) {
        (T::Null, known) | (known, T::Null) => known.clone(),
        (T::Dictionary(_, values), other) | (other, T::Dictionary(_, values)) => together(values, other)?,
        (one, other) if is_text(one) && is_text(other) => T::Utf8View,
        (one, other) if is_binary(one) && is_binary(other) => T::Binary,
        (one, other) if one.is_integer() && other.is_integer() => integers(one, other)?,
        (T::Float16 | T::Float32 | T::Float64, T::Float16 | T::Float32 | T::Float64) => {
            if bits(one) > bits(other) { one.clone() } else { other.clone() }
        }
        (float, integer) | (integer, float) if float.is_floating() && integer.is_integer() => {
            match (bits(float), bits(integer)) {
                (16 | 32, 8 | 16) => T::Float32,
                (_, 8 | 16 | 32) => T::Float64,
                _ => return None,
            }
        }
        (T::Date32, T::Timestamp(unit, None)) | (T::Timestamp(unit, None), T::Date32) => {
            T::Timestamp(*unit, None)
        }
        (T::Timestamp(one, zone), T::Timestamp(other, second)) if zone.is_some() == second.is_some() => {
            T::Timestamp(finer(*one, *other), zone.as_ref().map(Arc::clone))
        }
        (T::Duration(one), T::Duration(other)) => T::Duration(finer(*one, *other)),
        (T::Decimal128(precision, scale), T::Decimal128(digits, places)) => {
            decimals((*precision, *scale), (*digits, *places))?
        }
        _ => return None,
    })
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_binary(data_type: &DataType) -> bool {
    use DataType as T;
    matches!(data_type, T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_))
}

fn bits(data_type: &DataType) -> usize {
    data_type.primitive_width().unwrap_or(0) * 8
}

fn integers(one: &DataType, other: &DataType) -> Option<DataType> {
    let wider = if bits(one) >= bits(other) { one } else { other };
    if one.is_signed_integer() == other.is_signed_integer() {
        return Some(wider.clone());
    }
    let unsigned = if one.is_signed_integer() { other } else { one };
    match bits(wider).max(bits(unsigned) * 2) {
        16 => Some(DataType::Int16),
        32 => Some(DataType::Int32),
        64 => Some(DataType::Int64),
        _ => None,
    }
}

fn finer(one: TimeUnit, other: TimeUnit) -> TimeUnit {
    let rank = |unit: TimeUnit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    };
    if rank(one) >= rank(other) { one } else { other }
}

fn decimals(one: (u8, i8), other: (u8, i8)) -> Option<DataType> {
    let whole = |(precision, scale): (u8, i8)| i16::from(precision) - i16::from(scale);
    let scale = one.1.max(other.1);
    let precision = u8::try_from(whole(one).max(whole(other)) + i16::from(scale)).ok()?;
    (precision <= DECIMAL_DIGITS_MAX).then_some(DataType::Decimal128(precision, scale))
}
