//! Columns of text under construction.
//!
//! Arrow's own constructor looks at each text again, which takes longer than reading it: here a text is let in as part
//! of a `str` only.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, make_view};
use arrow::buffer::NullBuffer;
use arrow::error::ArrowError;

use crate::csv::decode::lent::Lent;
use crate::simd::split::{BLOCK_BYTES, Lanes, Window};

/// Bytes that stand in the view itself.
pub(crate) const INLINE_BYTES_MAX: usize = 12;

/// Bytes that are copied at once: most texts that are too long for a view are not longer.
const COPY_BYTES: usize = 64;

/// What has a meaning between quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoting {
    quote: u8,
    escape: u8,
}

impl Quoting {
    /// `None` where taking a quote away may take a part of a character, or a quote may be an escape.
    pub(crate) fn new(quote: u8, escape: Option<u8>) -> Option<Self> {
        let is_plain = quote.is_ascii() && escape != Some(quote);
        is_plain.then_some(Self { quote, escape: escape.unwrap_or(quote) })
    }

    /// The quote.
    #[inline(always)]
    pub(crate) fn quote(self) -> u8 {
        self.quote
    }
}

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

    /// Appends what the `len` bytes of `chunk` from `start` on are between quotes: two quotes are one. Returns the bytes of the
    /// text. `None`, and nothing is appended, where quotes are not in pairs or there are escapes, and as in [`Views::push_part`].
    ///
    /// One pass: quotes are found and bytes are moved together, 64 at a time.
    #[inline(always)]
    pub(crate) fn push_quoted<L: Lanes>(
        &mut self,
        lanes: L,
        chunk: &str,
        (start, len): (usize, usize),
        quoting: Quoting,
    ) -> Option<usize> {
        chunk.get(start..start.saturating_add(len))?;
        let bytes = chunk.as_bytes();
        let Quoting { quote, escape } = quoting;
        let offset = self.block.len();
        let (mut at, mut written, mut is_open) = (0, 0, 0);
        let mut filled = None;
        while at < len {
            let window = window_at(bytes, start + at, &mut filled);
            let block = window.first_chunk::<BLOCK_BYTES>()?;
            let taken = (len - at).min(BLOCK_BYTES);
            let within = u64::MAX >> (BLOCK_BYTES - taken);
            let [quotes, escapes] = lanes.equal(block, [quote, escape]);
            let (quotes, escapes) = (quotes & within, escapes & within);
            if len <= BLOCK_BYTES && quotes | escapes == 0 {
                return self.push_part(chunk, start, len).then_some(len);
            }
            // The first of each two; whether the last byte is one is carried to the next block.
            let firsts = quotes & (lanes.parity(quotes) ^ 0_u64.wrapping_sub(is_open));
            let seconds = quotes & !firsts;
            if seconds != (firsts << 1 | is_open) || escape != quote && escapes != 0 {
                return None;
            }
            is_open = firsts >> (BLOCK_BYTES - 1);
            if at == 0 {
                self.block.reserve(len + 2 * BLOCK_BYTES);
            }
            let target = self.block.spare_capacity_mut().get_mut(written..)?.first_chunk_mut()?;
            lanes.squeeze(window, seconds, target);
            written += taken - seconds.count_ones() as usize;
            at += taken;
        }
        if is_open != 0 {
            return None;
        }
        // SAFETY: the bytes up to `written`, and at least a block where there are any, have been written: each round wrote a block
        // from where the one before ended.
        unsafe { self.block.set_len(offset + if at == 0 { 0 } else { written.max(16) }) };
        let view = self.view_of_last(offset, written)?;
        self.views.push(view);
        Some(written)
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
        self.views.clear();
        let bytes = self.block.len();
        if self.block.capacity() > bytes + bytes / 4 {
            self.block.shrink_to_fit();
        }
        let block = self.lent_block.hand_out(&mut self.block, bytes).into_inner();
        self.block.clear();
        let buffers = if block.is_empty() { Vec::new() } else { vec![block] };
        // SAFETY: every view comes from `push_part` or `push_quoted`, and is that of a part of a `str`, less some quotes, which are
        // ASCII: what is left are whole characters. A short one holds the bytes and zeros behind them; a long one their place in
        // the only buffer, which has only grown since, and the first of them. The nulls are as many. What was handed out is
        // written again only where nobody has it.
        Ok(Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) }))
    }

    /// The view of the text of `len` bytes at `offset` in the buffer, which ends behind it, or before it if the view has it all.
    #[inline(always)]
    fn view_of_last(&mut self, offset: usize, len: usize) -> Option<u128> {
        let head = self.block.get(offset..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        if len <= INLINE_BYTES_MAX {
            self.block.truncate(offset);
            return Some(if len == 0 { 0 } else { inline_view_of(head, len) });
        }
        let view = long_view(head, len, offset);
        self.block.truncate(if view.is_some() { offset + len } else { offset });
        view
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
        Some(sixteen) => inline_view_of(*sixteen, text.len()),
        None => make_view(text.as_bytes(), 0, 0),
    }
}

/// The view of the first 1 to 12 of these bytes.
#[inline(always)]
fn inline_view_of(bytes: [u8; 16], len: usize) -> u128 {
    (u128::from_le_bytes(bytes) & (u128::MAX >> (128 - 8 * len))) << 32 | len as u128
}

/// The view of a text of more than 12 bytes at `offset` that begins with these; `None` where no view tells the place.
#[inline(always)]
fn long_view(head: [u8; 16], len: usize, offset: usize) -> Option<u128> {
    let place = i32::try_from(offset + len).map(|_| offset as u128).ok()?;
    Some(len as u128 | u128::from(u128::from_le_bytes(head) as u32) << 32 | place << 96)
}

/// The bytes from `start` on; where there are fewer, filled up.
#[inline(always)]
fn window_at<'a>(bytes: &'a [u8], start: usize, filled: &'a mut Option<Window>) -> &'a Window {
    match bytes.get(start..).and_then(<[u8]>::first_chunk) {
        Some(window) => window,
        None => last_window(bytes, start, filled),
    }
}

#[cold]
#[inline(never)]
fn last_window<'a>(bytes: &[u8], start: usize, filled: &'a mut Option<Window>) -> &'a Window {
    let rest = bytes.get(start..).unwrap_or(&[]);
    let window = filled.insert([0; 2 * BLOCK_BYTES]);
    window.iter_mut().zip(rest).for_each(|(to, &byte)| *to = byte);
    window
}

#[cfg(test)]
mod tests;
