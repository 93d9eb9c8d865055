//! Field ends and records of a chunk, written down.

use super::super::dialect::Dialect;
use super::super::records::{Projection, Records};
use super::machine::{Line, Machine};
use super::masks::{BLOCK_BYTES, Block, equal, padded};
use super::quotes::Outside;
use super::scan::Sink;

/// Room for ends is made in steps of this many.
const ENDS_STEP: usize = 2048;

/// Writes the marks of `input`.
pub(super) struct Marker<'a> {
    machine: &'a Machine,
    input: &'a [u8],
    records: &'a mut Records,
    /// Fields of a record as it should be; 0: not known yet.
    width: usize,
    /// The fields whose ends are kept, where not all are.
    kept: Option<&'a [u32]>,
    /// Ends in use of `records.ends`; behind them there is room.
    filled: usize,
    /// First byte of the current line.
    start: usize,
    /// Where its first end is.
    first: usize,
    rows_left: usize,
    scratch: &'a mut Vec<u32>,
}

impl<'a> Marker<'a> {
    pub(super) fn new(
        machine: &'a Machine,
        input: &'a [u8],
        rows_max: usize,
        projection: Option<&'a Projection>,
        records: &'a mut Records,
        scratch: &'a mut Vec<u32>,
    ) -> Self {
        let width = projection.map_or(0, Projection::width);
        let kept = projection.filter(|projection| !projection.is_full()).map(Projection::kept);
        Self {
            machine,
            input,
            records,
            width,
            kept,
            filled: 0,
            start: 0,
            first: 0,
            rows_left: rows_max,
            scratch,
        }
    }

    /// Drops what belongs to no complete record; returns the bytes that are done with.
    pub(super) fn finish(self) -> usize {
        self.records.filled = self.first;
        self.records.seal();
        self.start
    }

    /// Writes the ends in `ends`, with the mark on those in `quoted`. There is room for a block.
    #[inline(always)]
    fn write(&mut self, at: usize, mut ends: u64, quoted: u64) {
        let Some(room) = self.records.ends[self.filled..].first_chunk_mut::<BLOCK_BYTES>() else { return };
        let mut count = 0;
        if quoted == 0 {
            while ends != 0 {
                room[count % BLOCK_BYTES] = (at as u32).wrapping_add(ends.trailing_zeros());
                ends &= ends - 1;
                count += 1;
            }
        } else {
            while ends != 0 {
                let bit = ends.trailing_zeros();
                let mark = ((quoted >> bit) as u32) << 31;
                room[count % BLOCK_BYTES] = (at as u32).wrapping_add(bit) | mark;
                ends &= ends - 1;
                count += 1;
            }
        }
        self.filled += count;
    }

    /// The line ends at `at`, where the last end has been written. False: enough.
    #[inline(always)]
    fn end_line(&mut self, at: usize) -> bool {
        let end = self.machine.without_cr(self.input, self.start, at);
        if end == self.start {
            self.filled = self.first;
        } else {
            self.records.ends[self.filled - 1] -= (at - end) as u32;
            self.end_record();
        }
        self.start = at + 1;
        self.rows_left > 0
    }

    /// All ends of the record are written.
    #[inline(always)]
    fn end_record(&mut self) {
        let width = self.filled - self.first;
        if width != self.width {
            self.odd_record(width);
        }
        if let Some(kept) = self.kept {
            let kept = &kept[..self.records.kept_of(width)];
            let ends = &mut self.records.ends[self.first..self.filled];
            for (position, &column) in kept.iter().enumerate() {
                ends[position] = ends[column as usize];
            }
            self.filled = self.first + kept.len();
        }
        if self.records.starts.len() == self.records.rows {
            self.records.starts.resize(self.records.rows + ENDS_STEP, 0);
        }
        self.records.starts[self.records.rows] = self.start as u32;
        self.records.rows += 1;
        self.rows_left -= 1;
        self.first = self.filled;
    }

    #[cold]
    fn odd_record(&mut self, width: usize) {
        if self.width == 0 {
            self.width = width;
            self.records.begin(width, None);
        } else {
            self.records.note_odd(width);
        }
    }

    fn make_room(&mut self, count: usize) {
        if self.records.ends.len() < self.filled + count {
            self.records.ends.resize(self.filled + count.max(ENDS_STEP), 0);
        }
    }
}

impl Sink for Marker<'_> {
    fn plain(&mut self, dialect: &Dialect, from: usize, to: usize) -> bool {
        let find = |block: &Block, valid: u64| {
            let line_ends = equal(block, b'\n') & valid;
            let ends = line_ends | (equal(block, dialect.separator) & valid);
            Outside { ends, line_ends, quoted: 0 }
        };
        let input = self.input;
        let (whole, tail) = input[from..to].as_chunks::<BLOCK_BYTES>();
        let mut at = from;
        for block in whole {
            if !self.block(at, find(block, u64::MAX)) {
                return false;
            }
            at += BLOCK_BYTES;
        }
        let (block, valid) = padded(tail);
        tail.is_empty() || self.block(at, find(&block, valid))
    }

    #[inline(always)]
    fn block(&mut self, at: usize, outside: Outside) -> bool {
        let Outside { mut ends, mut line_ends, quoted } = outside;
        // A block has at most 64 ends, and each write wants to see room for 64.
        self.make_room(2 * BLOCK_BYTES);
        while line_ends != 0 {
            let line = line_ends ^ (line_ends - 1);
            self.write(at, ends & line, quoted);
            ends &= !line;
            if !self.end_line(at + line_ends.trailing_zeros() as usize) {
                return false;
            }
            line_ends &= line_ends - 1;
        }
        self.write(at, ends, quoted);
        true
    }

    fn exact(&mut self, machine: &Machine, last: bool) -> Option<usize> {
        self.filled = self.first;
        self.scratch.clear();
        match machine.record(self.input, self.start, last, self.scratch) {
            Line::Unfinished => return None,
            Line::Skipped(next) => self.start = next,
            Line::Record(next) => {
                self.make_room(self.scratch.len());
                self.records.ends[self.filled..][..self.scratch.len()].copy_from_slice(self.scratch);
                self.filled += self.scratch.len();
                self.end_record();
                self.start = next;
            }
        }
        (self.rows_left > 0).then_some(self.start)
    }
}
