//! The splitter: separators and record ends, in counts.
//!
//! It marks where fields and records end and copies nothing; it knows no types and no errors, and any bytes give
//! some marks. What it marks is exactly what [`super::twin`] reads.

use std::sync::Arc;

use super::dialect::Dialect;
use super::records::{Projection, Records};

mod count;
pub(crate) mod machine;
mod mark;
pub(crate) mod masks;
pub(crate) mod quotes;
mod scan;
mod unescape;

#[cfg(test)]
mod tests;

use count::Counter;
use machine::Machine;
use mark::Marker;
use scan::scan;
pub use unescape::{Value, is_quoted, unescape, value};

/// Bytes of one input at most: positions and [`super::records::ESCAPED`] share 32 bits.
const INPUT_BYTES_MAX: usize = (1 << 31) - 1;

/// Splits chunks of one dialect. Keeps nothing between calls but its tables.
#[derive(Debug, Clone)]
pub struct Splitter {
    dialect: Dialect,
    machine: Machine,
    /// Which ends are kept; `None`: all, of records of any width.
    projection: Option<Arc<Projection>>,
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
            scratch: Vec::new(),
        }
    }

    /// A splitter of records that should have `width` fields, of which those in `wanted` (from 0, in any order) are
    /// looked at: it keeps the ends of these fields and of the ones just before them. Records of another width are
    /// marked in the same way, as far as they go, and [`Records::width`] tells their true width.
    #[must_use]
    pub fn with_projection(dialect: &Dialect, width: usize, wanted: &[usize]) -> Self {
        let projection = (width > 0).then(|| Arc::new(Projection::new(width, wanted)));
        Self { projection, ..Self::new(dialect) }
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
        let projection = self.projection.as_deref();
        let partial = self.projection.as_ref().filter(|projection| !projection.is_full());
        records.begin(projection.map_or(0, Projection::width), partial);
        if rows_max == 0 {
            return 0;
        }
        let (input, last) = limited(input, last);
        let mut marker = Marker::new(&self.machine, input, rows_max, projection, records, &mut self.scratch);
        scan(&self.dialect, &self.machine, input, last, &mut marker);
        marker.finish()
    }

    /// Counts the records of `input` as [`Splitter::split`] would mark them, without marking any.
    pub fn count(&mut self, input: &[u8], last: bool) -> Counted {
        let (input, last) = limited(input, last);
        let mut counter = Counter::new(&self.machine, input, &mut self.scratch);
        scan(&self.dialect, &self.machine, input, last, &mut counter);
        Counted { records: counter.records, consumed: counter.start }
    }
}

/// The part of `input` that positions can address, and whether it ends the data.
fn limited(input: &[u8], last: bool) -> (&[u8], bool) {
    match input.get(..INPUT_BYTES_MAX) {
        Some(head) if head.len() < input.len() => (head, false),
        _ => (input, last),
    }
}
