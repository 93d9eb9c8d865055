//! The splitter: separators and record ends, in counts.
//!
//! It marks where fields and records end and copies nothing; it knows no types and no errors, and any bytes give
//! some marks. What it marks is exactly what [`super::twin`] reads.

use std::sync::Arc;

use partita_columns::cpu::{self, Level};

use super::dialect::{Dialect, LineEnd};
use super::records::{Projection, Records};
use crate::simd::split::run;

mod count;
mod find;
pub(crate) mod machine;
mod mark;
pub(crate) mod masks;
pub(crate) mod quotes;
mod shape;
mod unescape;
mod write;

#[cfg(test)]
mod tests;

use count::Counter;
use machine::{Line, Machine};
use mark::{Marker, Stop};
use shape::Shapes;
pub use unescape::{Value, is_quoted, unescape, value};

/// Bytes of one input at most: positions and [`super::records::ESCAPED`] share 32 bits.
const INPUT_BYTES_MAX: usize = (1 << 31) - 1;

/// Splits chunks of one dialect. Keeps nothing between calls but its tables, and what width records have.
#[derive(Debug, Clone)]
pub struct Splitter {
    dialect: Dialect,
    machine: Machine,
    /// Which ends are kept; `None`: all, of records of any width.
    projection: Option<Arc<Projection>>,
    /// What a record should look like, or what the last ones have looked like.
    shape: Shapes,
    level: Level,
    scratch: Vec<u32>,
}

/// What [`Splitter::count`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Records that end in the input.
    pub records: usize,
    /// Bytes up to the end of the last of them, lines skipped behind it included.
    pub consumed: usize,
}

impl Splitter {
    /// A splitter for `dialect`, which has passed [`Dialect::check`] (otherwise one role of a byte wins).
    pub fn new(dialect: &Dialect) -> Self {
        Self {
            dialect: dialect.clone(),
            machine: Machine::new(dialect),
            projection: None,
            shape: Shapes::full(0),
            level: cpu::level(),
            scratch: Vec::new(),
        }
    }

    /// A splitter of records that should have `width` fields, of which those in `wanted` (from 0, in any order) are
    /// looked at: it keeps the ends of these fields and of the ones just before them. Records of another width are
    /// marked in the same way, as far as they go, and [`Records::width`] tells their true width.
    #[must_use]
    pub fn with_projection(dialect: &Dialect, width: usize, wanted: &[usize]) -> Self {
        let splitter = Self::new(dialect);
        if width == 0 {
            return splitter;
        }
        let projection = Projection::new(width, wanted);
        Self { shape: Shapes::of(&projection), projection: Some(Arc::new(projection)), ..splitter }
    }

    /// Marks the records of `input`, which begins at a record (or at a line to be skipped): puts into `records`, in
    /// place of what was there,
    /// the complete ones, and with `last` the unterminated one at the end, up to `rows_max` of them. Returns the
    /// bytes consumed: through the end of the last record marked, and through skipped lines where they were
    /// reached. The caller presents the rest again, with more bytes behind it; where 0 comes back for an input that
    /// is not the last, doubling the input keeps the whole linear.
    ///
    /// Marks are relative to the beginning of `input`. Inputs of 2 GiB and more are split up to there.
    pub fn split(&mut self, input: &[u8], last: bool, rows_max: usize, records: &mut Records) -> usize {
        let (input, last) = limited(input, last);
        if self.shape.width() == 0 {
            self.shape = Shapes::full(self.first_width(input, last));
        }
        let partial = self.projection.as_ref().filter(|projection| !projection.is_full());
        records.begin(self.shape.width(), partial);
        if rows_max == 0 {
            return 0;
        }
        let exact_only = self.exact_only();
        let mut marker = Marker::new(&self.dialect, self.shape.shape(), input, rows_max, records);
        if exact_only {
            while !marker.is_done() && marker.mark_exactly(&self.machine, last, &mut self.scratch) {}
        } else {
            marker.mark(self.level, &self.machine, last, &mut self.scratch);
        }
        let consumed = marker.finish();
        if self.projection.is_none() && records.are_mostly_odd() {
            self.shape = Shapes::full(0);
        }
        consumed
    }

    /// Counts the records of `input` as [`Splitter::split`] would mark them, without marking any.
    pub fn count(&mut self, input: &[u8], last: bool) -> Counted {
        let (input, last) = limited(input, last);
        let exact_only = self.exact_only();
        let mut counter = Counter::new(&self.dialect, input);
        loop {
            let stop = if exact_only { Stop::Exact } else { run(self.level, &mut counter) };
            let is_read = counter.is_done() || stop == Stop::End && !last;
            if is_read || !counter.exact(&self.machine, last, &mut self.scratch) {
                return Counted { records: counter.records, consumed: counter.start };
            }
        }
    }

    /// Lines that may end in two ways, and bytes with two roles, are rare: they are read exactly, one by one.
    fn exact_only(&self) -> bool {
        self.dialect.line_end == LineEnd::Any || self.dialect.check().is_err()
    }

    /// Fields of the first record, or 0 where none ends here.
    fn first_width(&mut self, input: &[u8], last: bool) -> usize {
        let mut at = 0;
        while at < input.len() {
            self.scratch.clear();
            match self.machine.record(input, at, last, &mut self.scratch) {
                Line::Record(_) => return self.scratch.len(),
                Line::Skipped(next) => at = next,
                Line::Unfinished => break,
            }
        }
        0
    }
}

/// The part of `input` that positions can address, and whether it ends the data.
fn limited(input: &[u8], last: bool) -> (&[u8], bool) {
    match input.get(..INPUT_BYTES_MAX) {
        Some(head) if head.len() < input.len() => (head, false),
        _ => (input, last),
    }
}
