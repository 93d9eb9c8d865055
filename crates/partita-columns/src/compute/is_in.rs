//! Membership in a list.

mod set;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, GenericByteViewArray, new_empty_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::concat;
use arrow::datatypes::{ByteViewType, DataType};

use self::set::{Word, WordSet};
use super::physical::{Physical, physical};
use super::{CastMode, bits, cast_array};
use crate::error::Result;
use crate::scalar::{Scalar, Value};

/// Lists up to this length are searched value by value, by vector instructions; longer ones by hash.
const LINEAR_VALUES_MAX: usize = 6;

/// Whether each value is one of `list`; never null. Null is in the list if the list has a null, and otherwise not; NaN
/// and -0.0 match as in [`super::compare`]. Values of the list that the type of the column cannot hold match nothing.
///
/// # Errors
/// [`crate::ErrorKind::Undefined`] where the list has values of a kind that the column's type has no cast from.
pub fn is_in(value: &Value, list: &[Scalar]) -> Result<Value> {
    let null_in_list = list.iter().any(Scalar::is_null);
    let array = match value {
        Value::Scalar(scalar) if scalar.is_null() => return Ok(Value::Scalar(Scalar::Boolean(null_in_list))),
        Value::Scalar(scalar) => {
            let found = list.iter().any(|one| scalar.compare(one).is_some_and(std::cmp::Ordering::is_eq));
            return Ok(Value::Scalar(Scalar::Boolean(found)));
        }
        Value::Array(array) => array,
    };
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => &cast_array(array, values, CastMode::Strict)?,
        _ => array,
    };
    let wanted = column_of(list, array.data_type())?;
    let found = members(array, &wanted)?;
    let found = match array.logical_nulls() {
        None => found,
        Some(nulls) if null_in_list => &found | &!nulls.inner(),
        Some(nulls) => &found & nulls.inner(),
    };
    Ok(Value::Array(Arc::new(BooleanArray::new(found, None))))
}

/// The values of the list as a column without nulls.
fn column_of(list: &[Scalar], data_type: &DataType) -> Result<ArrayRef> {
    let mut rows = Vec::with_capacity(list.len());
    for scalar in list.iter().filter(|scalar| !scalar.is_null()) {
        let one = scalar.to_array(1)?;
        let cast = cast_array(&one, data_type, CastMode::Lenient)?;
        // A cast may round (a float to a narrower one): such a value is none of the column's.
        if cast.null_count() == 0
            && Scalar::try_from_array(&cast, 0)?.compare(scalar).is_none_or(|order| order.is_eq())
        {
            rows.push(cast);
        }
    }
    if rows.is_empty() {
        return Ok(new_empty_array(data_type));
    }
    Ok(concat(&rows.iter().map(|row| row.as_ref()).collect::<Vec<_>>())?)
}

fn members(array: &ArrayRef, wanted: &ArrayRef) -> Result<BooleanBuffer> {
    if wanted.is_empty() {
        return Ok(BooleanBuffer::new_unset(array.len()));
    }
    match array.data_type() {
        DataType::Boolean => Ok(booleans(array.as_boolean(), wanted.as_boolean())),
        DataType::Utf8View => Ok(views(array.as_string_view(), wanted.as_string_view())),
        DataType::BinaryView => Ok(views(array.as_binary_view(), wanted.as_binary_view())),
        DataType::Utf8 | DataType::LargeUtf8 => by_views(array, wanted, &DataType::Utf8View),
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => {
            by_views(array, wanted, &DataType::BinaryView)
        }
        _ => primitives(array, wanted),
    }
}

fn by_views(array: &ArrayRef, wanted: &ArrayRef, data_type: &DataType) -> Result<BooleanBuffer> {
    let cast = |array| cast_array(array, data_type, CastMode::Strict);
    members(&cast(array)?, &cast(wanted)?)
}

fn booleans(array: &BooleanArray, wanted: &BooleanArray) -> BooleanBuffer {
    match (wanted.has_true(), wanted.has_false()) {
        (true, true) => BooleanBuffer::new_set(array.len()),
        (true, false) => array.values().clone(),
        (false, _) => !array.values(),
    }
}

fn primitives(array: &ArrayRef, wanted: &ArrayRef) -> Result<BooleanBuffer> {
    use Physical as P;
    Ok(match (physical(array), physical(wanted)) {
        (Some(P::I8(a)), Some(P::I8(w))) => words(a, w, |v| v as u64),
        (Some(P::I16(a)), Some(P::I16(w))) => words(a, w, |v| v as u64),
        (Some(P::I32(a)), Some(P::I32(w))) => words(a, w, |v| v as u64),
        (Some(P::I64(a)), Some(P::I64(w))) => words(a, w, |v| v as u64),
        (Some(P::U8(a)), Some(P::U8(w))) => words(a, w, u64::from),
        (Some(P::U16(a)), Some(P::U16(w))) => words(a, w, u64::from),
        (Some(P::U32(a)), Some(P::U32(w))) => words(a, w, u64::from),
        (Some(P::U64(a)), Some(P::U64(w))) => words(a, w, |v| v),
        (Some(P::F32(a)), Some(P::F32(w))) => words(a, w, |v| float_key(v.into())),
        (Some(P::F64(a)), Some(P::F64(w))) => words(a, w, float_key),
        (Some(P::I128(a)), Some(P::I128(w))) => words(a, w, |v| v as u128),
        _ => {
            let types = crate::dtype::name(array.data_type());
            return Err(crate::ErrorKind::Undefined { operation: "in".to_owned(), types }.into());
        }
    })
}

/// Equal floats get equal keys: one zero, one NaN.
fn float_key(value: f64) -> u64 {
    let one_zero = value + 0.0;
    if one_zero.is_nan() { f64::NAN.to_bits() } else { one_zero.to_bits() }
}

/// Whether the key of each value is among those of `wanted`.
fn words<N: Copy, W: Word>(array: &[N], wanted: &[N], key: impl Fn(N) -> W) -> BooleanBuffer {
    let wanted: Vec<W> = wanted.iter().map(|&value| key(value)).collect();
    if wanted.len() <= LINEAR_VALUES_MAX {
        return bits::pack(array.len(), |row| {
            let key = key(array[row]);
            wanted.iter().fold(false, |found, &one| found | (one == key))
        });
    }
    let set = WordSet::new(&wanted);
    bits::pack(array.len(), |row| set.contains(key(array[row])))
}

/// A view is the length, then the whole value if it has up to 12 bytes: short values are equal where their views
/// are, and only longer ones are looked at.
fn views<T: ByteViewType>(
    array: &GenericByteViewArray<T>,
    wanted: &GenericByteViewArray<T>,
) -> BooleanBuffer {
    const INLINE_BYTES: u32 = 12;
    let is_short = |view: u128| view as u32 <= INLINE_BYTES;
    let short: Vec<u128> = wanted.views().iter().copied().filter(|&view| is_short(view)).collect();
    let found = words(array.views(), &short, |view| view);
    let long: HashSet<&[u8]> = (0..wanted.len())
        .filter(|&row| !is_short(wanted.views()[row]))
        .map(|row| wanted.value(row).as_ref())
        .collect();
    if long.is_empty() {
        return found;
    }
    &found
        | &bits::pack(array.len(), |row| {
            !is_short(array.views()[row]) && long.contains::<[u8]>(array.value(row).as_ref())
        })
}
