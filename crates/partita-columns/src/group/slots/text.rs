//! One text or byte string a group, which may change.

use arrow::array::{Array, ArrayRef, BinaryViewArray, StringViewArray};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use std::ops::Range;
use std::sync::Arc;

use super::super::decode::gather;
use super::super::input::{Input, Kind, Values, long_texts};
use super::super::intern::{INLINE, chunks_need, grown, long_bytes, put_text, view_bytes};
use super::resize;
use crate::error::Result;

/// Texts of groups. What was replaced stays in the chunks until it is more than what was not.
#[derive(Debug, Default)]
pub(super) struct Cells {
    views: Vec<u128>,
    chunks: Vec<Vec<u8>>,
    /// Bytes of long texts, and those of them that are still theirs.
    held: usize,
    live: usize,
}

/// Texts of a column.
pub(super) struct Texts {
    input: Input,
}

impl Texts {
    pub(super) fn of(column: &ArrayRef) -> Result<Self> {
        Ok(Self { input: Input::new(column, Kind::Text)? })
    }

    pub(super) fn view(&self, row: usize) -> (u128, &[Buffer]) {
        match &self.input.values {
            Values::Text(views, buffers) => (views[row], buffers),
            _ => (0, &[]),
        }
    }

    pub(super) fn is_valid(&self, row: usize) -> bool {
        self.input.valid.as_ref().is_none_or(|valid| valid.at(row))
    }
}

fn long(view: u128) -> usize {
    if view as u32 > INLINE { view as u32 as usize } else { 0 }
}

impl Cells {
    pub(super) fn grow(&mut self, count: usize) {
        resize(&mut self.views, count, 0);
    }

    /// How the text of a group compares with another one.
    pub(super) fn compare(&self, group: usize, (view, buffers): (u128, &[Buffer])) -> std::cmp::Ordering {
        let (mut one, mut other) = ([0; 16], [0; 16]);
        view_bytes(self.views[group], &self.chunks, &mut one).cmp(view_bytes(view, buffers, &mut other))
    }

    pub(super) fn set(&mut self, group: usize, (view, buffers): (u128, &[Buffer])) {
        self.live -= long(self.views[group]);
        self.views[group] = view;
        if long(view) > 0 {
            self.views[group] = put_text(&mut self.chunks, long_bytes(view, buffers));
            self.live += long(view);
            self.held += long(view);
        }
    }

    /// Drops texts that were replaced, where they are most of all.
    pub(super) fn tidy(&mut self) {
        if self.held > 2 * self.live + (1 << 16) {
            let (views, chunks) = gather(self.views.iter().copied(), &self.chunks);
            (self.views, self.chunks, self.held) = (views, chunks, self.live);
        }
    }

    pub(super) fn array(
        &self,
        range: Range<usize>,
        data_type: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef> {
        let (views, buffers) = gather(self.views[range].iter().copied(), &self.chunks);
        let (views, buffers) =
            (ScalarBuffer::from(views), buffers.into_iter().map(Buffer::from_vec).collect::<Vec<_>>());
        let array: ArrayRef = if data_type.is_string() {
            Arc::new(StringViewArray::try_new(views, buffers, nulls)?)
        } else {
            Arc::new(BinaryViewArray::try_new(views, buffers, nulls)?)
        };
        Ok(if array.data_type() == data_type { array } else { cast(&array, data_type)? })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(Vec::capacity).sum();
        self.views.capacity() * size_of::<u128>() + chunks + self.chunks.capacity() * size_of::<Vec<u8>>()
    }

    pub(super) fn need_bytes(&self, count: usize, column: &ArrayRef) -> usize {
        let (bytes, longest) = long_texts(column);
        let cast = column.len() * size_of::<u128>() + bytes;
        let tidied = 2 * (self.live + bytes) + count * size_of::<u128>();
        let chunks = (bytes / 2048 + 64 + self.chunks.capacity()) * 2 * size_of::<Vec<u8>>();
        grown::<u128>(self.views.capacity(), count)
            + chunks_need(&self.chunks, bytes, longest)
            + cast
            + tidied
            + chunks
    }

    pub(super) fn give_need_bytes(&self, range: Range<usize>) -> usize {
        let bytes: usize = self.views[range.clone()].iter().map(|view| long(*view)).sum();
        4 * (range.len() * size_of::<u128>() + bytes) + 1024
    }

    pub(super) fn clear(&mut self) {
        self.views.clear();
        self.chunks.clear();
        (self.held, self.live) = (0, 0);
    }
}
