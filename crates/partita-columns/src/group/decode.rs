//! Codes back to values.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, StringViewArray, make_array,
    new_null_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::codec::{Codec, KeyColumn};
use super::input::{Kind, SIGN, primitive};
use super::intern::{INLINE, Texts, long_bytes};
use crate::dtype;
use crate::error::{ErrorKind, Result};

/// The values of codes; `variants` are bits of floats at some places instead of those of the code.
pub(super) fn column(column: &KeyColumn, codes: &[u64], variants: &[(usize, u64)]) -> Result<ArrayRef> {
    match &column.data_type {
        DataType::Dictionary(keys, values) => dictionary(column, codes, keys, values),
        data_type => plain(column, codes, data_type, variants),
    }
}

/// Bytes that the values of `rows` codes take at most, and what is needed on the way.
pub(super) fn need_bytes(column: &KeyColumn, rows: usize) -> usize {
    let fixed = rows * 64 + 1024;
    match &column.codec {
        Codec::Texts(texts) => fixed + 4 * rows * (size_of::<u128>() + texts.longest()),
        _ => fixed,
    }
}

fn dictionary(column: &KeyColumn, codes: &[u64], keys: &DataType, values: &DataType) -> Result<ArrayRef> {
    let null = null_code(&column.codec);
    let mut numbers: HashMap<u64, u64> = HashMap::new();
    let mut distinct = Vec::new();
    let mut rows = Vec::with_capacity(codes.len());
    for code in codes {
        let next = numbers.len() as u64;
        rows.push((Some(*code) != null).then(|| {
            *numbers.entry(*code).or_insert_with(|| {
                distinct.push(*code);
                next
            })
        }));
    }
    let values = plain(column, &distinct, values, &[])?;
    let numbers: ArrayRef = Arc::new(arrow::array::UInt64Array::from(rows));
    let keys = arrow::compute::cast_with_options(
        &numbers,
        keys,
        &arrow::compute::CastOptions { safe: false, ..Default::default() },
    );
    let keys = keys.map_err(|_| {
        let name = dtype::name(&column.data_type);
        let message = format!(
            "expected keys that the dictionary type {:?} can count, got {} values; cast the key to {name}",
            column.data_type,
            distinct.len()
        );
        crate::Error::from(ErrorKind::Shape(message))
    })?;
    let data =
        keys.to_data().into_builder().data_type(column.data_type.clone()).add_child_data(values.to_data());
    Ok(make_array(data.build()?))
}

fn null_code(codec: &Codec) -> Option<u64> {
    match codec {
        Codec::Near(_) => Some(0),
        Codec::Words(words) => words.null().map(u64::from),
        Codec::Floats(words) => words.null().map(u64::from),
        Codec::Longs(words) => words.null().map(u64::from),
        Codec::Texts(texts) => texts.null().map(u64::from),
    }
}

fn plain(
    column: &KeyColumn,
    codes: &[u64],
    data_type: &DataType,
    variants: &[(usize, u64)],
) -> Result<ArrayRef> {
    let null = null_code(&column.codec);
    let has_null = null.is_some_and(|null| codes.contains(&null));
    let nulls = has_null.then(|| NullBuffer::from_iter(codes.iter().map(|code| Some(*code) != null)));
    match &column.codec {
        Codec::Near(near) => words(
            column.kind,
            data_type,
            codes.iter().map(|code| near.low.wrapping_add(*code).wrapping_sub(1)),
            nulls,
        ),
        Codec::Words(interned) => {
            words(column.kind, data_type, codes.iter().map(|code| interned.keys()[*code as usize]), nulls)
        }
        Codec::Floats(interned) => {
            let mut values: Vec<u64> = codes.iter().map(|code| interned.keys()[*code as usize].0).collect();
            variants.iter().for_each(|(at, bits)| values[*at] = *bits);
            if column.kind == Kind::Float(32) {
                primitive(
                    data_type,
                    values.into_iter().map(|bits| f64::from_bits(bits) as f32).collect(),
                    nulls,
                )
            } else {
                primitive(data_type, values, nulls)
            }
        }
        Codec::Longs(interned) => {
            let values = codes.iter().map(|code| interned.keys()[*code as usize].cast_signed());
            primitive::<i128>(data_type, values.collect(), nulls)
        }
        Codec::Texts(interned) => texts(interned, data_type, codes, nulls),
    }
}

fn words(
    kind: Kind,
    data_type: &DataType,
    words: impl Iterator<Item = u64>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let signed = |word: u64| (word ^ SIGN).cast_signed();
    match kind {
        Kind::Boolean => {
            let bits: BooleanBuffer = words.map(|word| word & 1 != 0).collect();
            Ok(Arc::new(BooleanArray::new(bits, nulls)))
        }
        Kind::Signed(8) => primitive(data_type, words.map(|word| signed(word) as i8).collect(), nulls),
        Kind::Signed(16) => primitive(data_type, words.map(|word| signed(word) as i16).collect(), nulls),
        Kind::Signed(32) => primitive(data_type, words.map(|word| signed(word) as i32).collect(), nulls),
        Kind::Signed(_) => primitive(data_type, words.map(signed).collect(), nulls),
        Kind::Unsigned(8) => primitive(data_type, words.map(|word| word as u8).collect(), nulls),
        Kind::Unsigned(16) => primitive(data_type, words.map(|word| word as u16).collect(), nulls),
        Kind::Unsigned(32) => primitive(data_type, words.map(|word| word as u32).collect(), nulls),
        Kind::Unsigned(_) => primitive(data_type, words.collect(), nulls),
        _ => Ok(new_null_array(data_type, words.count())),
    }
}

pub(super) fn texts(
    interned: &Texts,
    data_type: &DataType,
    codes: &[u64],
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let views = codes.iter().map(|code| interned.views()[*code as usize]);
    let (views, buffers) = gather(views, interned.chunks());
    let buffers: Vec<Buffer> = buffers.into_iter().map(Buffer::from_vec).collect();
    let views = ScalarBuffer::from(views);
    if data_type.is_string() {
        // SAFETY: [`Grouper::push`](super::Grouper::push) takes columns of the type of the key alone, so all texts that are interned for a
        // string were those of strings. Their views are as they came, or point to where [`gather`] has put the whole text.
        let array: ArrayRef = Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) });
        return if data_type == &DataType::Utf8View { Ok(array) } else { Ok(cast(&array, data_type)?) };
    }
    let array = BinaryViewArray::try_new(views, buffers, nulls)?;
    Ok(match data_type {
        DataType::BinaryView => Arc::new(array),
        DataType::FixedSizeBinary(width) => {
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(array.iter(), *width)?)
        }
        _ => cast(&(Arc::new(array) as ArrayRef), data_type)?,
    })
}

/// Bytes of a buffer of texts, which 31 bits count.
const BUFFER_BYTES: usize = 1 << 30;

/// Views into new buffers, which hold nothing else.
pub(super) fn gather(views: impl Iterator<Item = u128>, chunks: &[Vec<u8>]) -> (Vec<u128>, Vec<Vec<u8>>) {
    let mut buffers: Vec<Vec<u8>> = Vec::new();
    let gather = |view: u128| {
        if view as u32 <= INLINE {
            return view;
        }
        let text = long_bytes(view, chunks);
        if buffers.last().is_none_or(|buffer| buffer.len() + text.len() > BUFFER_BYTES) {
            buffers.push(Vec::new());
        }
        let number = buffers.len() - 1;
        let offset = buffers[number].len() as u32;
        buffers[number].extend_from_slice(text);
        arrow::array::ByteView::from(view).with_buffer_index(number as u32).with_offset(offset).as_u128()
    };
    let views = views.map(gather).collect();
    (views, buffers)
}
