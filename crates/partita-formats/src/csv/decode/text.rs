//! Columns of text: views, with one buffer a batch for what does not fit in a view.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, make_view};
use arrow::buffer::{Buffer, ScalarBuffer};
use memchr::memchr;

use super::bits::Nulls;
use super::fields::Fields;
use super::rules::Slow;
use super::sinks::{Field, Sink};
use super::{Chunk, Misfit, Rules, Scratch};
use crate::csv::dialect::is_blank;
use crate::csv::records::ESCAPED;
use crate::error::Result;
use crate::simd::decode::ROWS;
use crate::simd::views::{INLINE_BYTES_MAX, Views};

/// A column of text.
pub(crate) struct TextSink {
    views: Views,
    nulls: Nulls,
    decoded: Vec<u8>,
    /// Texts that are null and fit in a view, as views.
    null_views: Vec<u128>,
    /// There are other texts that are null.
    long_nulls: bool,
}

impl TextSink {
    pub(crate) fn new(rules: &Rules, rows: usize) -> Self {
        let inline = |text: &&[u8]| text.len() <= INLINE_BYTES_MAX;
        Self {
            views: Views::with_capacity(rows),
            nulls: Nulls::default(),
            decoded: Vec::new(),
            null_views: rules.nulls.iter().filter(inline).map(|text| make_view(text, 0, 0)).collect(),
            long_nulls: rules.nulls.iter().any(|text| !inline(&text)),
        }
    }

    /// Appends a field that stands for itself, or between quotes with nothing special inside. `false`: it may not be one, and
    /// nothing was appended.
    #[inline(always)]
    fn push_plain(&mut self, chunk: &Chunk<'_>, (start, len): (u32, u32), rules: &Rules) -> bool {
        let (mut start, mut len) = (start as usize, len as usize);
        if len >= ESCAPED as usize {
            len &= !ESCAPED as usize;
            if !is_quoted_plainly(chunk.bytes, start, len, rules) {
                return false;
            }
            start += 1;
            len -= 2;
        }
        let pushed = match chunk.text {
            Some(text) => self.views.push_part(text, start, len),
            None => {
                // Not all of the chunk is text as it stands, but what is ASCII is so in every encoding.
                let text = chunk.bytes.get(start..start + len).filter(|text| text.is_ascii());
                text.and_then(|text| std::str::from_utf8(text).ok()).is_some_and(|text| self.views.push(text))
            }
        };
        if !pushed {
            return false;
        }
        let unsure = self.long_nulls && len > INLINE_BYTES_MAX
            || !self.null_views.is_empty()
                && self.views.last().is_some_and(|view| self.null_views.contains(&view))
            || rules.dialect.trim && has_blank_ends(chunk.bytes, start, len);
        if unsure {
            self.views.pop();
        }
        !unsure
    }

    /// Appends a field of any other shape. `false`: it is null, or does not fit and is reported.
    #[inline(never)]
    fn push_slow(
        &mut self,
        field: Field,
        chunk: &Chunk<'_>,
        rules: &mut Rules,
        misfits: &mut Vec<Misfit>,
    ) -> bool {
        let encoding = rules.encoding;
        let Slow::Text(text) = rules.text(chunk.bytes, field.span) else {
            self.views.push_empty(1);
            return false;
        };
        self.decoded.clear();
        let decoded = encoding.decode_into(text, &mut self.decoded).is_ok();
        let text = simdutf8::basic::from_utf8(&self.decoded).ok().filter(|_| decoded);
        if text.is_some_and(|text| self.views.push(text)) {
            return true;
        }
        self.views.push_empty(1);
        misfits.push(rules.misfit(chunk, field.span, field.row, true));
        false
    }
}

/// Whether a field that is marked as escaped begins and ends with quotes, and has nothing special between them. The field
/// is the `len` bytes of `bytes` from `start` on.
#[inline(always)]
fn is_quoted_plainly(bytes: &[u8], start: usize, len: usize, rules: &Rules) -> bool {
    let raw = bytes.get(start..start + len).unwrap_or(&[]);
    let ([open, inside @ .., close], Some(quote)) = (raw, rules.dialect.quote) else { return false };
    if *open != quote || *close != quote {
        return false;
    }
    let behind = bytes.get(start + 1..).unwrap_or(&[]);
    let has = |byte: u8| match (behind.first_chunk(), behind.first_chunk()) {
        (Some(sixteen), _) if inside.len() <= 16 => has_byte_in_16(sixteen, inside.len(), byte),
        (_, Some(sixty_four)) if inside.len() <= 64 => has_byte_in_64(sixty_four, inside.len(), byte),
        _ => memchr(byte, inside).is_some(),
    };
    !has(quote) && !rules.dialect.escape.is_some_and(has)
}

/// Whether `byte` is among the first `len` of sixteen bytes.
#[inline(always)]
fn has_byte_in_16(text: &[u8; 16], len: usize, byte: u8) -> bool {
    const ONES: u128 = u128::MAX / 255;
    let zero_where_equal = u128::from_le_bytes(*text) ^ (ONES * u128::from(byte));
    // The lowest is found exactly, and what is found wrongly stands above it.
    let found = zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & (ONES << 7);
    (found.trailing_zeros() as usize) < 8 * len
}

/// Whether `byte` is among the first `len` of 64 bytes. Without a branch: lengths are as good as random.
#[inline(always)]
fn has_byte_in_64(text: &[u8; 64], len: usize, byte: u8) -> bool {
    let len = len as u8;
    let places = text.iter().zip(0_u8..);
    places.fold(false, |found, (this, place)| found | ((*this == byte) & (place < len)))
}

/// Whether a text begins or ends with a blank, which a dialect that trims may not mean.
fn has_blank_ends(bytes: &[u8], start: usize, len: usize) -> bool {
    let text = bytes.get(start..start + len).unwrap_or(&[]);
    [text.first(), text.last()].into_iter().flatten().any(|byte| is_blank(*byte))
}

impl Sink for TextSink {
    fn push(&mut self, chunk: &Chunk<'_>, fields: &Fields<'_>, rules: &mut Rules, scratch: &mut Scratch) {
        let Scratch { block, misfits } = scratch;
        for first in (0..fields.rows).step_by(ROWS) {
            block.take_raw(fields, first);
            let mut missing = 0;
            for row in 0..block.rows() {
                let place = block.place(row);
                if place.1 == 0 && !rules.keeps_empty {
                    self.views.push_empty(1);
                    missing |= 1 << row;
                } else if !self.push_plain(chunk, place, rules) {
                    let field = Field::of(fields, first + row);
                    missing |= u64::from(!self.push_slow(field, chunk, rules, misfits)) << row;
                }
            }
            self.nulls.push(missing, block.rows());
        }
    }

    fn repeat(&mut self, rows: usize) {
        self.nulls.repeat(rows);
        self.views.push_empty(rows);
    }

    fn finish(&mut self, capacity: usize) -> Result<ArrayRef> {
        Ok(self.views.take(self.nulls.take(), capacity)?)
    }

    fn clear(&mut self) {
        self.views.clear();
        self.nulls.clear();
    }

    fn text_bytes(&self) -> usize {
        self.views.text_bytes()
    }

    fn memory_bytes(&self) -> usize {
        self.views.memory_bytes() + self.nulls.memory_bytes() + self.decoded.capacity()
    }
}

/// The path of the file, in every row.
pub(crate) struct PathSink {
    path: String,
    rows: usize,
}

impl PathSink {
    pub(crate) fn new(path: &str) -> Self {
        Self { path: path.to_owned(), rows: 0 }
    }
}

impl Sink for PathSink {
    fn push(&mut self, _: &Chunk<'_>, fields: &Fields<'_>, _: &mut Rules, _: &mut Scratch) {
        self.rows += fields.rows;
    }

    fn repeat(&mut self, rows: usize) {
        self.rows += rows;
    }

    fn finish(&mut self, _: usize) -> Result<ArrayRef> {
        let views = vec![make_view(self.path.as_bytes(), 0, 0); std::mem::take(&mut self.rows)];
        let buffers = vec![Buffer::from_vec(self.path.clone().into_bytes())];
        Ok(Arc::new(StringViewArray::try_new(ScalarBuffer::from(views), buffers, None)?))
    }

    fn clear(&mut self) {
        self.rows = 0;
    }

    fn memory_bytes(&self) -> usize {
        self.path.capacity()
    }
}
