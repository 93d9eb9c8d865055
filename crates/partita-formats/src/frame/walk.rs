//! An array as numbers and pieces of buffers: only what its rows use.

use std::io;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, OffsetSizeTrait, make_array};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};

/// What is told of an array, in the order of the description.
pub(super) trait Visitor {
    /// A number.
    fn number(&mut self, value: u64) -> io::Result<()>;

    /// A piece of a buffer; empty ones too.
    fn piece(&mut self, piece: Piece<'_>) -> io::Result<()>;
}

/// Bytes that an array uses.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// As they are.
    Plain(Buffer),
    /// Offsets, the first of which is to become 0.
    Offsets32(Buffer),
    /// The same, of eight bytes each.
    Offsets64(Buffer),
    /// What the views that follow refer to.
    Text(Buffer),
    /// Views into the pieces of text before.
    Views(Views<'a>),
}

/// The views of an array.
#[derive(Debug, Clone)]
pub(super) struct Views<'a> {
    pub(super) views: Buffer,
    /// What they refer to: as many pieces of text came before.
    pub(super) texts: &'a [Buffer],
    pub(super) nulls: Option<&'a NullBuffer>,
}

impl Piece<'_> {
    pub(super) fn bytes(&self) -> &Buffer {
        match self {
            Piece::Plain(bytes) | Piece::Offsets32(bytes) | Piece::Offsets64(bytes) | Piece::Text(bytes) => {
                bytes
            }
            Piece::Views(views) => &views.views,
        }
    }
}

/// Bytes of a value of `data_type`, where all values have the same.
pub(super) fn fixed_width(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::FixedSizeBinary(width) => usize::try_from(*width).ok(),
        other => other.primitive_width(),
    }
}

/// Types of the arrays within an array whose description is that of its parts.
pub(super) fn child_types(data_type: &DataType) -> Vec<&DataType> {
    match data_type {
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        DataType::RunEndEncoded(ends, values) => vec![ends.data_type(), values.data_type()],
        DataType::ListView(item) | DataType::LargeListView(item) => vec![item.data_type()],
        _ => Vec::new(),
    }
}

/// Tells `visitor` of `array`. Its type and its length are known to the reader.
pub(super) fn walk(array: &dyn Array, visitor: &mut dyn Visitor) -> io::Result<()> {
    match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            walk_list(list.nulls(), list.offsets(), list.values(), visitor)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            walk_list(list.nulls(), list.offsets(), list.values(), visitor)
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let entries: ArrayRef = std::sync::Arc::new(map.entries().clone());
            walk_list(map.nulls(), map.offsets(), &entries, visitor)
        }
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list();
            walk_nulls(list.nulls(), visitor)?;
            visitor.number(list.values().len() as u64)?;
            walk(list.values(), visitor)
        }
        DataType::Struct(_) => {
            let fields = array.as_struct();
            walk_nulls(fields.nulls(), visitor)?;
            fields.columns().iter().try_for_each(|column| walk(column, visitor))
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            walk(dictionary.keys(), visitor)?;
            visitor.number(dictionary.values().len() as u64)?;
            walk(dictionary.values(), visitor)
        }
        _ => walk_data(&array.to_data(), visitor),
    }
}

fn walk_list<O: OffsetSizeTrait>(
    nulls: Option<&NullBuffer>,
    offsets: &OffsetBuffer<O>,
    values: &ArrayRef,
    visitor: &mut dyn Visitor,
) -> io::Result<()> {
    walk_nulls(nulls, visitor)?;
    let (first, last) = walk_offsets(offsets.inner().inner(), offsets, visitor)?;
    visitor.number((last - first) as u64)?;
    walk(&values.slice(first, last - first), visitor)
}

/// The offsets of no rows are not written: the reader knows them.
fn walk_offsets<O: OffsetSizeTrait>(
    bytes: &Buffer,
    offsets: &[O],
    visitor: &mut dyn Visitor,
) -> io::Result<(usize, usize)> {
    let ends = offsets.first().zip(offsets.last()).filter(|_| offsets.len() > 1);
    let Some((first, last)) = ends.map(|(first, last)| (first.as_usize(), last.as_usize())) else {
        visitor.piece(Piece::Plain(Buffer::default()))?;
        return Ok((0, 0));
    };
    visitor.piece(match (first, O::IS_LARGE) {
        (0, _) => Piece::Plain(bytes.clone()),
        (_, false) => Piece::Offsets32(bytes.clone()),
        (_, true) => Piece::Offsets64(bytes.clone()),
    })?;
    Ok((first, last))
}

fn walk_nulls(nulls: Option<&NullBuffer>, visitor: &mut dyn Visitor) -> io::Result<()> {
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        Some(nulls) => walk_bits(nulls.buffer(), nulls.offset(), nulls.len(), visitor),
        None => visitor.piece(Piece::Plain(Buffer::default())),
    }
}

/// Bits, and where in the first byte they begin; none have no beginning.
fn walk_bits(buffer: &Buffer, offset: usize, len: usize, visitor: &mut dyn Visitor) -> io::Result<()> {
    if len == 0 {
        return visitor.piece(Piece::Plain(Buffer::default()));
    }
    let (start, end) = (offset / 8, (offset + len).div_ceil(8));
    visitor.piece(Piece::Plain(buffer.slice_with_length(start, end - start)))?;
    visitor.number((offset % 8) as u64)
}

/// Arrays without others in them, and those of which the parts are written as they are.
fn walk_data(data: &ArrayData, visitor: &mut dyn Visitor) -> io::Result<()> {
    let (offset, len) = (data.offset(), data.len());
    if !child_types(data.data_type()).is_empty() {
        return walk_parts(data, visitor);
    }
    walk_nulls(data.nulls(), visitor)?;
    match (data.data_type(), data.buffers()) {
        (DataType::Boolean, [bits]) => walk_bits(bits, offset, len, visitor),
        (DataType::Utf8 | DataType::Binary, [offsets, values]) => {
            walk_values::<i32>(offsets, values, offset, len, visitor)
        }
        (DataType::LargeUtf8 | DataType::LargeBinary, [offsets, values]) => {
            walk_values::<i64>(offsets, values, offset, len, visitor)
        }
        (DataType::Utf8View | DataType::BinaryView, [views, texts @ ..]) => {
            let views = views.slice_with_length(offset * size_of::<u128>(), len * size_of::<u128>());
            visitor.number(texts.len() as u64)?;
            texts.iter().try_for_each(|text| visitor.piece(Piece::Text(text.clone())))?;
            visitor.piece(Piece::Views(Views { views, texts, nulls: data.nulls() }))
        }
        (data_type, [values]) => match fixed_width(data_type) {
            Some(width) => visitor.piece(Piece::Plain(values.slice_with_length(offset * width, len * width))),
            None => Err(unknown(data_type)),
        },
        (DataType::Null, []) => Ok(()),
        (data_type, _) => Err(unknown(data_type)),
    }
}

fn unknown(data_type: &DataType) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("a frame cannot hold {data_type}"))
}

fn walk_values<O: OffsetSizeTrait + ArrowNativeType>(
    offsets: &Buffer,
    values: &Buffer,
    offset: usize,
    len: usize,
    visitor: &mut dyn Visitor,
) -> io::Result<()> {
    let width = size_of::<O>();
    let offsets = match len {
        0 => Buffer::default(),
        _ => offsets.slice_with_length(offset * width, (len + 1) * width),
    };
    let (first, last) = walk_offsets::<O>(&offsets, offsets.typed_data::<O>(), visitor)?;
    visitor.piece(Piece::Plain(values.slice_with_length(first, last - first)))
}

fn walk_parts(data: &ArrayData, visitor: &mut dyn Visitor) -> io::Result<()> {
    walk_nulls(data.nulls(), visitor)?;
    visitor.number(data.offset() as u64)?;
    visitor.number(data.buffers().len() as u64)?;
    data.buffers().iter().try_for_each(|buffer| visitor.piece(Piece::Plain(buffer.clone())))?;
    data.child_data().iter().try_for_each(|child| {
        visitor.number(child.len() as u64)?;
        walk(&make_array(child.clone()), visitor)
    })
}
