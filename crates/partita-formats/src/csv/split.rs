//! The splitter: separators and record ends, in counts.
//!
//! It marks where fields and records end and copies nothing; it knows no types and no errors, and any bytes give
//! some marks. What it marks is exactly what [`super::twin`] reads.

use super::dialect::Dialect;
use super::records::{Record, Records};

pub(crate) mod machine;
mod unescape;

#[cfg(test)]
mod tests;

use machine::{Line, Machine};
pub use unescape::{Value, is_quoted, unescape, value};

/// Bytes of one input at most: positions and [`super::records::ESCAPED`] share 32 bits.
const INPUT_BYTES_MAX: usize = (1 << 31) - 1;

/// Splits chunks of one dialect. Keeps nothing between calls but its tables.
#[derive(Debug, Clone)]
pub struct Splitter {
    machine: Machine,
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
        Self { machine: Machine::new(dialect) }
    }

    /// Marks the records of `input`, which begins at a record (or at a line to be skipped): appends to `records`
    /// the complete ones, and with `last` the unterminated one at the end, up to `rows_max` of them. Returns the
    /// bytes consumed: through the end of the last record marked, and through skipped lines where they were
    /// reached. The caller presents the rest again, with more bytes behind it; where 0 comes back for an input that
    /// is not the last, doubling the input keeps the whole linear.
    ///
    /// Marks are relative to the beginning of `input`; those of an earlier chunk should be cleared first. Inputs
    /// of 2 GiB and more are split up to there.
    pub fn split(&mut self, input: &[u8], last: bool, rows_max: usize, records: &mut Records) -> usize {
        let (input, last) = limited(input, last);
        let mut at = 0;
        let limit = records.len().saturating_add(rows_max);
        while at < input.len() && records.len() < limit {
            let first = records.ends.len() as u32;
            match self.machine.record(input, at, last, &mut records.ends) {
                Line::Record(next) => {
                    records.records.push(Record { start: at as u32, first });
                    at = next;
                }
                Line::Skipped(next) => at = next,
                Line::Unfinished => break,
            }
        }
        at
    }

    /// Counts the records of `input` as [`Splitter::split`] would mark them, without marking any.
    pub fn count(&mut self, input: &[u8], last: bool) -> Counted {
        let mut counted = Counted { records: 0, consumed: 0 };
        let mut ends = Vec::new();
        while counted.consumed < input.len() {
            ends.clear();
            match self.machine.record(input, counted.consumed, last, &mut ends) {
                Line::Record(next) => {
                    counted.records += 1;
                    counted.consumed = next;
                }
                Line::Skipped(next) => counted.consumed = next,
                Line::Unfinished => break,
            }
        }
        counted
    }
}

/// The part of `input` that positions can address, and whether it ends the data.
fn limited(input: &[u8], last: bool) -> (&[u8], bool) {
    match input.get(..INPUT_BYTES_MAX) {
        Some(head) if head.len() < input.len() => (head, false),
        _ => (input, last),
    }
}
