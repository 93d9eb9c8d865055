//! Columns of text: views, with one buffer a batch for what does not fit in a view.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, make_view};
use arrow::buffer::{Buffer, ScalarBuffer};

use super::rules::Slow;
use super::sinks::{Reports, Sink, null_buffer};
use super::{Chunk, Misfit, Rules, Span};
use crate::error::Result;

/// Bytes that stand in the view itself.
const INLINE_BYTES_MAX: u32 = 12;

/// A column of text.
pub(crate) struct TextSink {
    views: Vec<u128>,
    nulls: Vec<u32>,
    texts: Texts,
}

/// Texts longer than a view, one after the other.
#[derive(Default)]
struct Texts {
    block: Vec<u8>,
    decoded: Vec<u8>,
}

impl TextSink {
    pub(crate) fn new(rows: usize) -> Self {
        Self { views: Vec::with_capacity(rows), nulls: Vec::new(), texts: Texts::default() }
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

impl Texts {
    /// The view of a text, which goes into the block unless it fits in the view.
    #[inline]
    fn append(&mut self, text: &[u8]) -> u128 {
        append(&mut self.block, text)
    }

    /// The view of any field: quoted, null, in another encoding.
    #[inline(never)]
    fn slow(
        &mut self,
        reports: &mut Reports<'_>,
        row: u32,
        span: Span,
        chunk: &Chunk<'_>,
        rules: &mut Rules,
    ) -> u128 {
        let encoding = rules.encoding;
        let Slow::Text(text) = rules.text(chunk.bytes, span) else {
            reports.null(row);
            return 0;
        };
        if chunk.verbatim {
            return self.append(text);
        }
        self.decoded.clear();
        if encoding.decode_into(text, &mut self.decoded).is_ok() {
            return append(&mut self.block, &self.decoded);
        }
        reports.misfit(rules.misfit(chunk, span, row, true));
        0
    }
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

impl Sink for TextSink {
    fn push(&mut self, chunk: &Chunk<'_>, spans: &[Span], rules: &mut Rules, misfits: &mut Vec<Misfit>) {
        let Self { views, nulls, texts } = self;
        let mut reports = Reports { before: views.len() as u32, nulls, misfits };
        let rows = spans.iter().zip(0_u32..);
        if !chunk.verbatim || !rules.nulls.is_empty() || rules.dialect.trim {
            views.extend(rows.map(|(span, row)| texts.slow(&mut reports, row, *span, chunk, rules)));
            return;
        }
        // Here fields stand for themselves unless they are empty or must be unescaped.
        let empty_is_null = !rules.keeps_empty;
        views.extend(rows.map(|(span, row)| {
            let len = span.len();
            if len.wrapping_sub(1) < INLINE_BYTES_MAX {
                inline_view(chunk.bytes, span.start as usize, len)
            } else if len == 0 && empty_is_null {
                reports.null(row);
                0
            } else if len.wrapping_sub(1) < 1 << 31 {
                texts.append(span.raw(chunk.bytes).0)
            } else {
                texts.slow(&mut reports, row, *span, chunk, rules)
            }
        }));
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
        let mut block = std::mem::take(&mut self.texts.block);
        self.texts.block.reserve(block.len());
        if block.capacity() > block.len() + block.len() / 4 {
            block.shrink_to_fit();
        }
        let buffers = if block.is_empty() { Vec::new() } else { vec![Buffer::from_vec(block)] };
        Ok(Arc::new(StringViewArray::try_new(ScalarBuffer::from(views), buffers, nulls)?))
    }

    fn clear(&mut self) {
        self.views.clear();
        self.nulls.clear();
        self.texts.block.clear();
    }

    fn text_bytes(&self) -> usize {
        self.texts.block.len()
    }

    fn memory_bytes(&self) -> usize {
        let (views, nulls) =
            (self.views.capacity() * size_of::<u128>(), self.nulls.capacity() * size_of::<u32>());
        views + nulls + self.texts.block.capacity() + self.texts.decoded.capacity()
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
