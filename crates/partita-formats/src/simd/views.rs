//! Columns of text under construction.
//!
//! Arrow's own constructor looks at each text again, which takes longer than reading it: here a text is let in as part
//! of a `str` only.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, make_view};
use arrow::buffer::NullBuffer;
use arrow::error::ArrowError;

use crate::csv::decode::lent::Lent;

/// Bytes that stand in the view itself.
pub(crate) const INLINE_BYTES_MAX: usize = 12;

/// Bytes that are copied at once: most texts that are too long for a view are not longer.
const COPY_BYTES: usize = 64;

/// Views of texts, and one buffer with those that do not fit in a view. Every view is that of a `str`.
#[derive(Debug, Default)]
pub(crate) struct Views {
    views: Vec<u128>,
    block: Vec<u8>,
    lent_views: Lent,
    lent_block: Lent,
}

impl Views {
    /// None, with room for so many.
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self { views: Vec::with_capacity(rows), ..Self::default() }
    }

    /// Appends the `len` bytes of `chunk` from `start` on. `false`, and nothing is appended, where they are not there or cut
    /// a character, or where the buffer would pass 2 GiB.
    #[inline(always)]
    pub(crate) fn push_part(&mut self, chunk: &str, start: usize, len: usize) -> bool {
        let Some(text) = chunk.get(start..start.saturating_add(len)) else { return false };
        let view = if (1..=INLINE_BYTES_MAX).contains(&len) {
            inline_view(chunk.as_bytes(), start, text)
        } else if len == 0 {
            0
        } else {
            let Some(view) = self.append(chunk.as_bytes(), start, text) else { return false };
            view
        };
        self.views.push(view);
        true
    }

    /// Appends a text, as [`Views::push_part`].
    pub(crate) fn push(&mut self, text: &str) -> bool {
        self.push_part(text, 0, text.len())
    }

    /// Appends empty texts.
    pub(crate) fn push_empty(&mut self, rows: usize) {
        self.views.resize(self.views.len() + rows, 0);
    }

    /// The last view.
    #[inline]
    pub(crate) fn last(&self) -> Option<u128> {
        self.views.last().copied()
    }

    /// Takes the last text back.
    pub(crate) fn pop(&mut self) {
        self.views.pop();
    }

    /// Bytes behind the views.
    pub(crate) fn text_bytes(&self) -> usize {
        self.block.len()
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        let lent = self.lent_views.memory_bytes() + self.lent_block.memory_bytes();
        self.views.capacity() * size_of::<u128>() + self.block.capacity() + lent
    }

    pub(crate) fn clear(&mut self) {
        self.views.clear();
        self.block.clear();
    }

    /// The column so far; then there is none, with room for `capacity` rows.
    ///
    /// # Errors
    /// Where `nulls` are not as many as the texts.
    pub(crate) fn take(
        &mut self,
        nulls: Option<NullBuffer>,
        capacity: usize,
    ) -> Result<ArrayRef, ArrowError> {
        if nulls.as_ref().is_some_and(|nulls| nulls.len() != self.views.len()) {
            return Err(ArrowError::InvalidArgumentError(format!("expected {} null bits", self.views.len())));
        }
        let views = self.lent_views.hand_out(&mut self.views, capacity);
        let bytes = self.block.len();
        if self.block.capacity() > bytes + bytes / 4 {
            self.block.shrink_to_fit();
        }
        let block = self.lent_block.hand_out(&mut self.block, bytes).into_inner();
        let buffers = if block.is_empty() { Vec::new() } else { vec![block] };
        // SAFETY: every view comes from `push_part`. A short one holds the bytes of a `str` and zeros behind them; a long one
        // the place of a `str` in the only buffer, which has only grown since, and its first bytes. The nulls are as many. What
        // was handed out is written again only where nobody has it.
        Ok(Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) }))
    }

    #[inline(always)]
    fn append(&mut self, chunk: &[u8], start: usize, text: &str) -> Option<u128> {
        let offset = self.block.len();
        let place = i32::try_from(offset + text.len()).map(|_| offset as u128).ok()?;
        match chunk.get(start..).and_then(<[u8]>::first_chunk::<COPY_BYTES>) {
            Some(window) if text.len() <= COPY_BYTES => {
                self.block.extend_from_slice(window);
                self.block.truncate(offset + text.len());
            }
            _ => self.block.extend_from_slice(text.as_bytes()),
        }
        let prefix = text.as_bytes().first_chunk().map_or(0, |prefix| u32::from_le_bytes(*prefix));
        Some(text.len() as u128 | u128::from(prefix) << 32 | place << 96)
    }
}

/// The view of a text of 1 to 12 bytes: its length, its bytes, zeros.
#[inline(always)]
fn inline_view(chunk: &[u8], start: usize, text: &str) -> u128 {
    match chunk.get(start..).and_then(<[u8]>::first_chunk) {
        Some(sixteen) => {
            let bytes = u128::from_le_bytes(*sixteen) & (u128::MAX >> (128 - 8 * text.len()));
            bytes << 32 | text.len() as u128
        }
        None => make_view(text.as_bytes(), 0, 0),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn views_are_those_of_arrow(texts in prop::collection::vec("[a-zé☃]{0,40}", 0..60), after in "[a-z]{0,40}") {
            let chunk = format!("{}{after}", texts.concat());
            let mut views = Views::with_capacity(0);
            let mut start = 0;
            for text in &texts {
                prop_assert!(views.push_part(&chunk, start, text.len()));
                start += text.len();
            }
            let column = views.take(None, 0).expect("a column");
            let expected = StringViewArray::from_iter_values(&texts);
            prop_assert_eq!(column.as_string_view(), &expected);
            // Arrow checks each view again.
            prop_assert!(column.to_data().validate_full().is_ok());
        }

        #[test]
        fn no_part_is_let_in_that_is_no_text(text in "[aé☃]{0,20}", start in 0_usize..70, len in 0_usize..70) {
            let mut views = Views::with_capacity(0);
            let expected = text.get(start..start + len);
            prop_assert_eq!(views.push_part(&text, start, len), expected.is_some());
            prop_assert_eq!(views.take(None, 0).expect("a column").len(), usize::from(expected.is_some()));
        }
    }
}
