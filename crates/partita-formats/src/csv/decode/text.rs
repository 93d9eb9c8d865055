//! Columns of text: views, with one buffer a batch for what does not fit in a view.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, make_view};
use arrow::buffer::{Buffer, ScalarBuffer};

use super::bits::Nulls;
use super::fields::Fields;
use super::rules::Slow;
use super::sinks::{Field, Sink};
use super::{Chunk, Misfit, Rules, Scratch};
use crate::csv::dialect::is_blank;
use crate::csv::records::ESCAPED;
use crate::error::Result;
use crate::simd::decode::ROWS;
use crate::simd::split::{Job, Lanes, run};
use crate::simd::views::{INLINE_BYTES_MAX, Quoting, Views};

/// A column of text.
pub(crate) struct TextSink {
    views: Views,
    nulls: Nulls,
    decoded: Vec<u8>,
    quoting: Option<Quoting>,
    /// Texts that are null and fit in a view, as views.
    null_views: Vec<u128>,
    /// There are other texts that are null.
    long_nulls: bool,
}

impl TextSink {
    pub(crate) fn new(rules: &Rules, rows: usize) -> Self {
        let inline = |text: &&[u8]| text.len() <= INLINE_BYTES_MAX;
        let dialect = &rules.dialect;
        Self {
            quoting: dialect.quote.and_then(|quote| Quoting::new(quote, dialect.escape)),
            views: Views::with_capacity(rows),
            nulls: Nulls::default(),
            decoded: Vec::new(),
            null_views: rules.nulls.iter().filter(inline).map(|text| make_view(text, 0, 0)).collect(),
            long_nulls: rules.nulls.iter().any(|text| !inline(&text)),
        }
    }

    /// Appends a field that stands for itself, or between quotes without escapes. `false`: it may not be one, and nothing was
    /// appended.
    #[inline(always)]
    fn push_plain<L: Lanes>(
        &mut self,
        lanes: L,
        chunk: &Chunk<'_>,
        (start, len): (u32, u32),
        rules: &Rules,
    ) -> bool {
        let (start, len) = (start as usize, len as usize);
        let pushed = if len < ESCAPED as usize {
            match chunk.text {
                Some(text) => self.views.push_part(text, start, len).then_some(len),
                None => {
                    let text = chunk.bytes.get(start..start + len).and_then(ascii);
                    text.filter(|text| self.views.push(text)).map(str::len)
                }
            }
        } else {
            self.push_quoted(lanes, chunk, start, len & !ESCAPED as usize)
        };
        let Some(pushed) = pushed else { return false };
        let unsure = self.long_nulls && pushed > INLINE_BYTES_MAX
            || !self.null_views.is_empty()
                && self.views.last().is_some_and(|view| self.null_views.contains(&view))
            || rules.dialect.trim && has_blank_ends(chunk.bytes, start, len & !ESCAPED as usize);
        if unsure {
            self.views.pop();
        }
        !unsure
    }

    /// Appends a field between quotes; the bytes of its text. `None`: it is of another shape.
    #[inline(always)]
    fn push_quoted<L: Lanes>(
        &mut self,
        lanes: L,
        chunk: &Chunk<'_>,
        start: usize,
        len: usize,
    ) -> Option<usize> {
        let quoting = self.quoting?;
        let raw = chunk.bytes.get(start..start + len)?;
        let [open, inside @ .., close] = raw else { return None };
        if *open != quoting.quote() || *close != *open {
            return None;
        }
        let (text, start) = match chunk.text {
            Some(text) => (text, start + 1),
            None => (ascii(inside)?, 0),
        };
        self.views.push_quoted(lanes, text, (start, inside.len()), quoting)
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

/// Bytes of a chunk that is not all text as it stands: those that are ASCII are text in every encoding.
#[inline(never)]
fn ascii(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|_| bytes.is_ascii())
}

/// The fields of a column in a chunk.
struct Push<'p, 'c> {
    sink: &'p mut TextSink,
    chunk: &'p Chunk<'c>,
    fields: &'p Fields<'p>,
    rules: &'p mut Rules,
    scratch: &'p mut Scratch,
}

impl Job for Push<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { sink, chunk, fields, rules, scratch: Scratch { block, misfits } } = self;
        for first in (0..fields.rows).step_by(ROWS) {
            block.take_raw(fields, first);
            let mut missing = 0;
            for row in 0..block.rows() {
                let place = block.place(row);
                if place.1 == 0 && !rules.keeps_empty {
                    sink.views.push_empty(1);
                    missing |= 1 << row;
                } else if !sink.push_plain(lanes, chunk, place, rules) {
                    let field = Field::of(fields, first + row);
                    missing |= u64::from(!sink.push_slow(field, chunk, rules, misfits)) << row;
                }
            }
            sink.nulls.push(missing, block.rows());
        }
    }
}

/// Whether a text begins or ends with a blank, which a dialect that trims may not mean.
fn has_blank_ends(bytes: &[u8], start: usize, len: usize) -> bool {
    let text = bytes.get(start..start + len).unwrap_or(&[]);
    [text.first(), text.last()].into_iter().flatten().any(|byte| is_blank(*byte))
}

impl Sink for TextSink {
    fn push(&mut self, chunk: &Chunk<'_>, fields: &Fields<'_>, rules: &mut Rules, scratch: &mut Scratch) {
        let level = rules.kernels.level();
        run(level, Push { sink: self, chunk, fields, rules, scratch });
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
