//! Columns of text: views, with one buffer a batch for what does not fit in a view.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, make_view};
use arrow::buffer::{Buffer, ScalarBuffer};

use super::rules::Slow;
use super::sinks::{Sink, null_buffer};
use super::{Chunk, Misfit, Rules, Span};
use crate::error::Result;

/// Bytes that stand in the view itself.
const INLINE_BYTES_MAX: u32 = 12;

/// A column of text.
pub(crate) struct TextSink {
    views: Vec<u128>,
    nulls: Vec<u32>,
    /// Texts longer than a view, one after the other.
    block: Vec<u8>,
    decoded: Vec<u8>,
}

impl TextSink {
    pub(crate) fn new(rows: usize) -> Self {
        Self { views: Vec::with_capacity(rows), nulls: Vec::new(), block: Vec::new(), decoded: Vec::new() }
    }

    /// The fields stand for themselves unless they are empty or must be unescaped.
    fn push_plain(
        &mut self,
        chunk: &Chunk<'_>,
        spans: &[Span],
        rules: &mut Rules,
        misfits: &mut Vec<Misfit>,
    ) {
        let before = self.views.len() as u32;
        let Self { views, nulls, block, decoded } = self;
        let bytes = chunk.bytes;
        views.extend(spans.iter().zip(0_u32..).map(|(span, row)| {
            let len = span.len();
            if len.wrapping_sub(1) < INLINE_BYTES_MAX {
                inline_view(bytes, span.start as usize, len)
            } else if len.wrapping_sub(1) < 1 << 31 {
                append(block, span.raw(bytes).0)
            } else {
                slow(block, decoded, nulls, (before, row), *span, chunk, rules, misfits)
            }
        }));
    }
}

/// The view of a text of 1 to 12 bytes: its length, its bytes, zeros.
#[inline(always)]
fn inline_view(bytes: &[u8], start: usize, len: u32) -> u128 {
    let mut sixteen = [0; 16];
    if let Some(window) = bytes.get(start..start + 16) {
        sixteen.copy_from_slice(window);
    } else if let Some(text) = bytes.get(start..start + len as usize) {
        sixteen[..text.len()].copy_from_slice(text);
    }
    let text = u128::from_le_bytes(sixteen) & (u128::MAX >> (128 - 8 * len));
    text << 32 | u128::from(len)
}

/// Puts a text into the block, unless it fits in its view.
#[inline]
fn append(block: &mut Vec<u8>, text: &[u8]) -> u128 {
    // A batch's block is cut long before 4 GiB: a chunk has at most 1 GiB, and no encoding more than triples it.
    let offset = block.len() as u32;
    if text.len() > INLINE_BYTES_MAX as usize {
        block.extend_from_slice(text);
    }
    make_view(text, 0, offset)
}

/// Any field: quoted, null, in another encoding.
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "the parts of a sink, borrowed apart")]
fn slow(
    block: &mut Vec<u8>,
    decoded: &mut Vec<u8>,
    nulls: &mut Vec<u32>,
    at: (u32, u32),
    span: Span,
    chunk: &Chunk<'_>,
    rules: &mut Rules,
    misfits: &mut Vec<Misfit>,
) -> u128 {
    let (before, row) = at;
    let encoding = rules.encoding;
    if let Slow::Text(text) = rules.text(chunk.bytes, span) {
        if chunk.verbatim {
            return append(block, text);
        }
        decoded.clear();
        if encoding.decode_into(text, decoded).is_ok() {
            return append(block, decoded);
        }
        misfits.push(rules.misfit(chunk, span, row, true));
    }
    nulls.push(before + row);
    0
}

impl Sink for TextSink {
    fn push(&mut self, chunk: &Chunk<'_>, spans: &[Span], rules: &mut Rules, misfits: &mut Vec<Misfit>) {
        if chunk.verbatim && rules.nulls.is_empty() && !rules.dialect.trim {
            self.push_plain(chunk, spans, rules, misfits);
            return;
        }
        let before = self.views.len() as u32;
        let Self { views, nulls, block, decoded } = self;
        views.extend(
            spans
                .iter()
                .zip(0_u32..)
                .map(|(span, row)| slow(block, decoded, nulls, (before, row), *span, chunk, rules, misfits)),
        );
    }

    fn repeat(&mut self, rows: usize) {
        let before = self.views.len();
        self.nulls.extend((before..before + rows).map(|row| row as u32));
        self.views.resize(before + rows, 0);
    }

    fn finish(&mut self, capacity: usize) -> Result<ArrayRef> {
        let views = std::mem::replace(&mut self.views, Vec::with_capacity(capacity));
        let nulls = null_buffer(&self.nulls, views.len());
        self.nulls.clear();
        let mut block = std::mem::take(&mut self.block);
        block.shrink_to_fit();
        let buffers = if block.is_empty() { Vec::new() } else { vec![Buffer::from_vec(block)] };
        Ok(Arc::new(StringViewArray::try_new(ScalarBuffer::from(views), buffers, nulls)?))
    }

    fn clear(&mut self) {
        self.views.clear();
        self.nulls.clear();
        self.block.clear();
    }

    fn text_bytes(&self) -> usize {
        self.block.len()
    }

    fn memory_bytes(&self) -> usize {
        let (views, nulls) =
            (self.views.capacity() * size_of::<u128>(), self.nulls.capacity() * size_of::<u32>());
        views + nulls + self.block.capacity() + self.decoded.capacity()
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
    fn push(&mut self, _: &Chunk<'_>, spans: &[Span], _: &mut Rules, _: &mut Vec<Misfit>) {
        self.rows += spans.len();
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
