//! Buffers to arrays, in the types that the engine has.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BinaryViewArray, PrimitiveArray, make_array, new_empty_array,
};
use arrow::buffer::Buffer;
use arrow::compute::{CastOptions, cast_with_options, take};
use arrow::datatypes::{DataType, UInt64Type};

use super::buffers::Buffers;
use super::reader::IpcReader;
use super::schema::Node;
use crate::error::Result;
use crate::parquet::read::malformed;

/// Bytes of a value of text: a view.
const VIEW_BYTES: u64 = 16;

/// Bytes that a value takes by itself in an array of a type; what it points to comes on top.
fn width(data_type: &DataType) -> u64 {
    match data_type {
        DataType::FixedSizeBinary(width) => u64::try_from(*width).unwrap_or(0),
        other => other.primitive_width().map_or(VIEW_BYTES, |width| width as u64),
    }
}

impl IpcReader {
    /// Bytes that reading a field takes; nothing where it is not wanted.
    pub(super) fn measure(&self, node: &Node, buffers: &mut Buffers<'_>, wanted: bool) -> Result<u64> {
        if !wanted {
            super::reader::skip(node, buffers)?;
            return Ok(0);
        }
        let (length, _) = buffers.node()?;
        let parts = node.parts(buffers.is_old);
        let further = if parts.is_variadic { buffers.views()? } else { 0 };
        let mut bytes = 0_u64;
        for _ in 0..usize::from(parts.validity) + parts.fixed + further {
            bytes = bytes.saturating_add(buffers.measure()?);
        }
        if node.dictionary.is_some() || node.children.is_empty() && node.physical != node.target {
            bytes = bytes.saturating_add(width(&node.target).saturating_mul(length as u64));
        }
        if let DataType::RunEndEncoded(..) = node.physical {
            bytes = bytes.saturating_add(width(&node.target).saturating_mul(length as u64));
        }
        for child in &node.children {
            bytes = bytes.saturating_add(self.measure(child, buffers, true)?);
        }
        Ok(bytes)
    }

    /// Reads a field.
    pub(super) fn array(&mut self, node: &Node, buffers: &mut Buffers<'_>) -> Result<ArrayRef> {
        let (length, has_nulls) = buffers.node()?;
        let parts = node.parts(buffers.is_old);
        let further = if parts.is_variadic { buffers.views()? } else { 0 };
        let validity = if parts.validity { Some(buffers.read()?) } else { None };
        let read: Vec<Buffer> = (0..parts.fixed + further).map(|_| buffers.read()).collect::<Result<_>>()?;
        let mut children = Vec::with_capacity(node.children.len());
        for child in &node.children {
            children.push(self.array(child, buffers)?.to_data());
        }
        if node.physical == DataType::Null {
            return Ok(make_array(ArrayData::new_null(&DataType::Null, length)));
        }
        let is_union = matches!(node.physical, DataType::Union(..));
        let validity = validity.filter(|_| has_nulls && !is_union);
        if validity.as_ref().is_some_and(Buffer::is_empty) && length > 0 {
            return Err(malformed(buffers.file, "a field has nulls, and does not say which values they are"));
        }
        // Older writers leave the offsets of no values out.
        if length == 0 && read.first().is_some_and(Buffer::is_empty) && children.is_empty() {
            return self.decoded(node, new_empty_array(&node.physical));
        }
        let data = ArrayData::builder(node.physical.clone())
            .len(length)
            .null_bit_buffer(validity.filter(|validity| !validity.is_empty()))
            .buffers(read)
            .child_data(children)
            .align_buffers(true)
            .build()
            .map_err(|error| malformed(buffers.file, format!("a column of {}: {error}", node.physical)))?;
        self.decoded(node, make_array(data))
    }

    /// An array as the engine has it.
    fn decoded(&mut self, node: &Node, array: ArrayRef) -> Result<ArrayRef> {
        let wrong = |message: String| malformed(&self.file.name, message);
        if let Some(id) = node.dictionary {
            let values = match self.dictionaries.get(&id) {
                Some(values) => Arc::clone(values),
                // One that has no values may be left out.
                None if array.null_count() == array.len() => new_empty_array(&node.target),
                None => return Err(wrong(format!("the dictionary {id} is missing"))),
            };
            return self.looked_up(&array, &values);
        }
        if array.data_type() == &node.target {
            return Ok(array);
        }
        let further = match array.data_type() {
            DataType::BinaryView => view_bytes(array.as_binary_view()),
            DataType::RunEndEncoded(..) if !is_shared(&node.target) => {
                return Err(wrong(format!(
                    "runs of {} cannot be read; write the column as its values",
                    node.target
                )));
            }
            _ => 0,
        };
        self.take(further)?;
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(&array, &node.target, &options)
            .map_err(|error| malformed(&self.file.name, error.to_string()))
    }

    /// The values of keys.
    fn looked_up(&mut self, keys: &ArrayRef, values: &ArrayRef) -> Result<ArrayRef> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let wrong = |error: arrow::error::ArrowError| {
            malformed(&self.file.name, format!("a key of a dictionary: {error}"))
        };
        let keys = cast_with_options(keys, &DataType::UInt64, &options).map_err(wrong)?;
        let keys: &PrimitiveArray<UInt64Type> = keys.as_primitive();
        if let Some(key) = keys.iter().flatten().find(|key| *key >= values.len() as u64) {
            let message = format!("the key {key} of a dictionary of {} values", values.len());
            return Err(malformed(&self.file.name, message));
        }
        if !is_shared(values.data_type()) {
            let bytes = keys.iter().flatten().fold(0_u64, |bytes, key| {
                bytes.saturating_add(value_bytes(values, usize::try_from(key).unwrap_or(0)))
            });
            self.take(bytes)?;
        }
        take(values, keys, None).map_err(|error| malformed(&self.file.name, error.to_string()))
    }
}

/// Whether repeated values take no more than their width.
fn is_shared(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Null | DataType::Boolean | DataType::FixedSizeBinary(_) | DataType::Utf8View
    ) || data_type.primitive_width().is_some()
}

/// Bytes of all values of views, which may lie over each other.
fn view_bytes(views: &BinaryViewArray) -> u64 {
    views.lengths().map(u64::from).fold(0, u64::saturating_add)
}

/// Bytes of one value.
fn value_bytes(values: &ArrayRef, at: usize) -> u64 {
    values.slice(at, 1).to_data().get_slice_memory_size().map_or(0, |bytes| bytes as u64)
}
