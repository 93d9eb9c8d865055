//! Which bytes of a chunk are the fields of a column.

use super::super::options::Ragged;
use super::super::records::{ESCAPED, Records};
use super::fields::Source;

/// The raw bytes of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// First byte in the chunk.
    pub(crate) start: u32,
    /// Behind the last byte, with [`ESCAPED`] where the field must be unescaped.
    pub(crate) end: u32,
}

impl Span {
    /// A field that a short record lacks.
    pub(crate) const MISSING: Span = Span { start: u32::MAX, end: ESCAPED };

    /// The length of a field that needs no unescaping; of any other field a number of 2^31 and more, which every
    /// fast path refuses.
    #[inline(always)]
    pub(crate) fn len(self) -> u32 {
        self.end.wrapping_sub(self.start)
    }

    /// Whether the record had no such field.
    #[inline]
    pub(crate) fn is_missing(self) -> bool {
        self.start == u32::MAX
    }

    /// The raw bytes, and whether they must be unescaped.
    #[inline]
    pub(crate) fn raw(self, bytes: &[u8]) -> (&[u8], bool) {
        let range = self.start as usize..(self.end & !ESCAPED) as usize;
        (bytes.get(range).unwrap_or(&[]), self.end & ESCAPED != 0)
    }
}

/// A record of another width where `ragged` does not allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Irregular {
    /// Which record of its chunk.
    pub record: usize,
    /// First byte of the record in its chunk.
    pub start: u32,
    /// Its fields.
    pub found: usize,
}

/// How the records of a chunk lie: all of the same width, or some of them by name.
#[derive(Debug)]
pub(crate) struct Layout {
    width: usize,
    ragged: Ragged,
    regular: bool,
    /// Ends of each record among the marks, where they are regular.
    stride: usize,
    /// The records to decode, where they are not all regular.
    kept: Vec<u32>,
    /// Records of a width that is not allowed, where they are set aside rather than refused.
    rejected: Option<Vec<Irregular>>,
}

impl Layout {
    pub(crate) fn new(width: usize, ragged: Ragged) -> Self {
        Self { width, ragged, regular: true, stride: 0, kept: Vec::new(), rejected: None }
    }

    /// The same, which leaves records of a width that is not allowed out, and keeps a list of them.
    pub(crate) fn setting_aside(self) -> Self {
        Self { rejected: Some(Vec::new()), ..self }
    }

    /// Fields of a record.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The records that were left out since the last call, in order.
    pub(crate) fn take_rejected(&mut self) -> Vec<Irregular> {
        self.rejected.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Looks at the records of a chunk; returns the rows that they make.
    pub(crate) fn lay_out(&mut self, records: &Records) -> Result<usize, Irregular> {
        let stride = records.stride(self.width);
        self.regular = stride.is_some();
        if let Some(stride) = stride {
            self.stride = stride;
            return Ok(records.len());
        }
        self.kept.clear();
        for row in 0..records.len() {
            let found = records.width(row);
            let allowed = match self.ragged {
                Ragged::Error => found == self.width,
                Ragged::Pad => found <= self.width,
                Ragged::Skip if found != self.width => continue,
                Ragged::Skip => true,
            };
            if allowed {
                self.kept.push(row as u32);
                continue;
            }
            let irregular = Irregular { record: row, start: records.starts()[row], found };
            match &mut self.rejected {
                Some(rejected) => rejected.push(irregular),
                None => return Err(irregular),
            }
        }
        Ok(self.kept.len())
    }

    /// As [`Layout::lay_out`], but what is irregular is taken as far as it goes: for inference, which leaves errors to
    /// the reader. `width_only`: leaves out records of another width.
    pub(crate) fn lay_out_freely(&mut self, records: &Records, width_only: bool) -> usize {
        let stride = records.stride(self.width);
        self.regular = stride.is_some();
        if let Some(stride) = stride {
            self.stride = stride;
            return records.len();
        }
        self.kept.clear();
        let rows = (0..records.len()).filter(|&row| !width_only || records.width(row) == self.width);
        self.kept.extend(rows.map(|row| row as u32));
        self.kept.len()
    }

    /// The fields of a column, one for each row; `spans` may be used to list them.
    pub(crate) fn source<'a>(
        &self,
        records: &'a Records,
        column: usize,
        spans: &'a mut Vec<Span>,
    ) -> Source<'a> {
        let position = records.position(column).filter(|_| column < self.width);
        let (ends, stride) = (records.ends(), self.stride);
        match position {
            Some(0) if self.regular => return Source::First { starts: records.starts(), ends, stride },
            Some(position) if self.regular => {
                // Without records there is no end to begin at.
                return Source::Inner { ends: ends.get(position - 1..).unwrap_or(&[]), stride };
            }
            _ => spans.clear(),
        }
        if self.regular {
            spans.resize(records.len(), Span::MISSING);
        } else {
            spans.extend(self.kept.iter().map(|&row| span(records, row as usize, column)));
        }
        Source::Listed(spans)
    }

    /// The record in its chunk that a row was made of.
    pub(crate) fn record(&self, row: u32) -> u64 {
        let kept = if self.regular { None } else { self.kept.get(row as usize) };
        u64::from(kept.copied().unwrap_or(row))
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let rejected = self.rejected.as_ref().map_or(0, Vec::capacity) * size_of::<Irregular>();
        self.kept.capacity() * size_of::<u32>() + rejected
    }
}

fn span(records: &Records, row: usize, column: usize) -> Span {
    match records.field(row, column) {
        Some((range, escaped)) => {
            let mark = if escaped { ESCAPED } else { 0 };
            Span { start: range.start as u32, end: range.end as u32 | mark }
        }
        None => Span::MISSING,
    }
}
