//! Records of a chunk, counted.

use super::super::dialect::Dialect;
use super::machine::{Line, Machine};
use super::mark::Stop;
use super::masks::{BLOCK_BYTES, block_at, filler, last_taken};
use super::quotes::{Masks, Quotes};
use crate::simd::split::{Job, Lanes};

/// Counts the records of `input`.
pub(super) struct Counter<'a> {
    dialect: &'a Dialect,
    input: &'a [u8],
    pub(super) records: usize,
    /// First byte of the current line.
    pub(super) start: usize,
    /// The next byte.
    at: usize,
    quotes: Quotes,
}

impl<'a> Counter<'a> {
    pub(super) fn new(dialect: &'a Dialect, input: &'a [u8]) -> Self {
        Self { dialect, input, records: 0, start: 0, at: 0, quotes: Quotes::START }
    }

    /// Whether all bytes belong to lines that have ended.
    pub(super) fn is_done(&self) -> bool {
        self.start >= self.input.len()
    }

    /// Reads the current line again from its beginning, exactly. False: it is unfinished.
    pub(super) fn exact(&mut self, machine: &Machine, last: bool, scratch: &mut Vec<u32>) -> bool {
        scratch.clear();
        self.start = match machine.record(self.input, self.start, last, scratch) {
            Line::Unfinished => return false,
            Line::Skipped(next) => next,
            Line::Record(next) => {
                self.records += 1;
                next
            }
        };
        (self.at, self.quotes) = (self.start, Quotes::START);
        true
    }
}

impl Job for &mut Counter<'_> {
    type Output = Stop;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Stop {
        let dialect = self.dialect.clone();
        let special = dialect.is_special().then_some(&dialect);
        let quote = dialect.quote.unwrap_or(b'\n');
        let has_quotes = if dialect.quote.is_some() { u64::MAX } else { 0 };
        let mut filled_up = filler(&dialect);
        let (mut at, mut quotes, mut start, mut records) = (self.at, self.quotes, self.start, self.records);
        // Whether a field begins at `at` has not been looked at.
        let mut is_behind_plain = false;
        let stop = loop {
            let Some(block) = block_at(self.input, at, &mut filled_up) else { break Stop::End };
            let last = last_taken(block);
            let [mut line_ends, returns, found] = lanes.equal(block, [b'\n', b'\r', quote]);
            let found = found & has_quotes;
            if found != 0 || !quotes.is_plain() || special.is_some() {
                if is_behind_plain {
                    let before = self.input[at - 1];
                    let is_end = before == dialect.separator || before == b'\n';
                    quotes = Quotes::behind(u64::from(is_end), 0);
                    is_behind_plain = false;
                }
                let [separators] = lanes.equal(block, [dialect.separator]);
                let masks = Masks { separators, line_ends, quotes: found };
                let Some(outside) = quotes.outside(lanes, special, block, masks, last) else {
                    break Stop::Exact;
                };
                line_ends = outside.line_ends;
            } else {
                is_behind_plain = true;
            }
            // Lines of no byte, or of a `\r` alone, are no records.
            let line_starts = line_ends << 1 | u64::from(start == at);
            let empty = line_starts | (returns & line_starts) << 1;
            records += (line_ends & !empty).count_ones() as usize;
            if line_ends != 0 {
                start = at + BLOCK_BYTES - line_ends.leading_zeros() as usize;
            }
            at += last as usize + 1;
        };
        (self.at, self.quotes, self.start, self.records) = (at, quotes, start, records);
        stop
    }
}
