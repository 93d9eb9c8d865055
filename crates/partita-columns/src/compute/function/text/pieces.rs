//! Parts of texts as a column, which shares the bytes of the texts where that holds on to little more than it uses.

use std::sync::Arc;

use arrow::array::{Array, ByteView, StringViewArray, StringViewBuilder};

use crate::compute::{Memory, Unlimited};
use crate::error::{ErrorKind, Result};

/// Longer texts lie in buffers, shorter ones in their views.
const INLINE_BYTES_MAX: usize = 12;

/// The parts share the buffers of the texts where those hold at most this many times the bytes of the parts, else
/// they are copied: nothing large is kept for something small.
const HELD_OVER_USED_MAX: usize = 2;

/// Where a part lies: `None` is a null.
type Place = Option<(u32, u32, u32)>;

/// What a part takes here and in the result, where it shares the bytes of its text.
const PART_BYTES: usize = size_of::<Place>() + size_of::<u128>();

/// Parts of the texts of one column, in the order of the result.
pub(super) struct Pieces<'a> {
    memory: &'a dyn Memory,
    column: &'a StringViewArray,
    places: Vec<Place>,
    /// Bytes of the parts that do not fit views.
    long_bytes: usize,
}

impl<'a> Pieces<'a> {
    /// For about one part a row; `memory` is asked for more.
    pub(super) fn new(memory: &'a dyn Memory, column: &'a StringViewArray) -> Self {
        Self { memory, column, places: Vec::with_capacity(column.len()), long_bytes: 0 }
    }

    pub(super) fn null(&mut self) {
        self.places.push(None);
    }

    /// `part` lies in the text of `row`, from byte `start`.
    pub(super) fn push(&mut self, row: usize, start: usize, part: &str) -> Result<()> {
        if self.places.len() == self.places.capacity() {
            self.memory.take(self.places.capacity().max(1) * PART_BYTES)?;
        }
        let fits = |of: usize| u32::try_from(of).map_err(|_| ErrorKind::Shape(format!("{of} bytes or rows")));
        self.places.push(Some((fits(row)?, fits(start)?, fits(part.len())?)));
        if part.len() > INLINE_BYTES_MAX {
            self.long_bytes += part.len();
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The part that `find` gives of every text, `None` for null.
    pub(super) fn of(
        column: &'a StringViewArray,
        find: impl Fn(usize, &'a str) -> Option<&'a str>,
    ) -> Result<StringViewArray> {
        let mut pieces = Pieces::new(&Unlimited, column);
        for row in 0..column.len() {
            let text = column.value(row);
            match column.is_valid(row).then(|| find(row, text)).flatten() {
                // The part begins in the text: the difference of their places is where.
                Some(part) => {
                    let start = (part.as_ptr().addr()).saturating_sub(text.as_ptr().addr());
                    pieces.push(row, start.min(text.len()), part)?;
                }
                None => pieces.null(),
            }
        }
        pieces.finish()
    }

    pub(super) fn finish(self) -> Result<StringViewArray> {
        let buffers = self.column.data_buffers();
        let held: usize = buffers.iter().map(|buffer| buffer.capacity()).sum();
        let mut builder = StringViewBuilder::with_capacity(self.places.len());
        let share = self.long_bytes > 0
            && held <= self.long_bytes.saturating_mul(HELD_OVER_USED_MAX)
            && buffers.iter().all(|buffer| buffer.len() < u32::MAX as usize);
        if share {
            for buffer in buffers.iter() {
                builder.append_block(buffer.clone());
            }
        }
        for place in self.places {
            let Some((row, start, length)) = place else {
                builder.append_null();
                continue;
            };
            if share && length as usize > INLINE_BYTES_MAX {
                let view = ByteView::from(self.column.views()[row as usize]);
                builder.try_append_view(view.buffer_index, view.offset + start, length)?;
                continue;
            }
            let (start, end) = (start as usize, start as usize + length as usize);
            let part = self.column.value(row as usize).get(start..end);
            builder.try_append_value(part.unwrap_or_default())?;
        }
        Ok(builder.finish())
    }
}

/// A part of every text as the value of a kernel.
pub(super) fn parts<'a>(
    column: &'a StringViewArray,
    find: impl Fn(usize, &'a str) -> Option<&'a str>,
) -> Result<crate::Value> {
    Ok(crate::Value::Array(Arc::new(Pieces::of(column, find)?)))
}
