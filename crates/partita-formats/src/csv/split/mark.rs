//! Field ends and records of a chunk, found and written down.

use partita_columns::cpu::Level;

use super::super::dialect::Dialect;
use super::super::records::{Odd, Records};
use super::find::Finder;
use super::machine::{Line, Machine};
use super::masks::{BLOCK_BYTES, Block, block_at, filler};
use super::quotes::Quotes;
use super::shape::Shape;
use super::write::{Marks, ROOM_ENDS, ROOM_STARTS};
use crate::simd::split::{Job, Lanes, run};

/// Room for marks is made in steps of this many.
const ROOM_STEP: usize = 4096;

/// Blocks that are written line by line behind one with a record of another width.
const LINES_BLOCKS: usize = 32;

/// Why a loop over blocks stopped. But for the first, the block has not been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// So many blocks were taken as should be.
    Taken,
    /// The input ended.
    End,
    /// There is no room for the marks of a block.
    Room,
    /// A block has quotes, and the loop is one without.
    Quotes,
    /// A block has a record of another width, and the loop is one without.
    Irregular,
    /// The current line must be read by the exact machine.
    Exact,
    /// There are as many records as were asked for.
    Enough,
}

/// Writes the marks of `input`. The current line begins at the start behind those of the complete records.
pub(super) struct Marker<'a> {
    dialect: &'a Dialect,
    shape: Shape<'a>,
    input: &'a [u8],
    rows_max: usize,
    records: &'a mut Records,
    /// For the last block.
    filler: Block,
    /// The next byte.
    at: usize,
    quotes: Quotes,
    /// Ends seen of the current record.
    seen: usize,
}

impl<'a> Marker<'a> {
    pub(super) fn new(
        dialect: &'a Dialect,
        shape: Shape<'a>,
        input: &'a [u8],
        rows_max: usize,
        records: &'a mut Records,
    ) -> Self {
        let filler = filler(dialect);
        let (at, quotes, seen) = (0, Quotes::START, 0);
        let mut marker = Self { dialect, shape, input, rows_max, records, filler, at, quotes, seen };
        marker.make_room(0);
        marker.records.starts[0] = 0;
        marker
    }

    /// Marks all records by blocks, but for lines that need the exact machine. `last`: the input ends the data.
    pub(super) fn mark(&mut self, level: Level, machine: &Machine, last: bool, scratch: &mut Vec<u32>) {
        // Lines without any byte look like records of one field.
        let always_by_lines = self.shape.width <= 1;
        let mut by_lines = always_by_lines;
        let mut has_quotes = self.dialect.is_special();
        loop {
            let stop = if by_lines {
                run(level, ByLines(self))
            } else if has_quotes || !self.quotes.is_plain() {
                run(level, Regular::<true>(self))
            } else {
                run(level, Regular::<false>(self))
            };
            match stop {
                Stop::Taken => by_lines = always_by_lines,
                Stop::Quotes => has_quotes = true,
                Stop::Irregular => by_lines = true,
                // Where there is room, the last records are taken care of.
                Stop::Room => by_lines |= !self.make_room(0),
                Stop::Exact if self.mark_exactly(machine, last, scratch) => {}
                // What is left is a line without an end.
                Stop::End if last && !self.is_done() && self.mark_exactly(machine, last, scratch) => {}
                Stop::Exact | Stop::End | Stop::Enough => return,
            }
        }
    }

    /// Reads the current line again from its beginning, exactly. False: it is unfinished, or there are enough records.
    pub(super) fn mark_exactly(&mut self, machine: &Machine, last: bool, scratch: &mut Vec<u32>) -> bool {
        self.drop_line();
        scratch.clear();
        let next = match machine.record(self.input, self.start(), last, scratch) {
            Line::Unfinished => return false,
            Line::Skipped(next) => next,
            Line::Record(next) => {
                self.make_room(scratch.len());
                self.push(scratch);
                next
            }
        };
        self.records.starts[self.records.rows] = next as u32;
        (self.at, self.quotes) = (next, Quotes::START);
        self.records.rows < self.rows_max
    }

    /// Drops what belongs to no complete record; returns the bytes that are done with.
    pub(super) fn finish(mut self) -> usize {
        self.drop_line();
        self.records.seal();
        self.start()
    }

    /// Whether all bytes belong to lines that have ended.
    pub(super) fn is_done(&self) -> bool {
        self.start() >= self.input.len()
    }

    /// First byte of the current line.
    fn start(&self) -> usize {
        self.records.starts[self.records.rows] as usize
    }

    /// Makes room for the marks of a block and of a record with so many ends. False: there is.
    fn make_room(&mut self, ends: usize) -> bool {
        let Records { ends: marks, filled, starts, rows, .. } = &mut *self.records;
        let (ends_wanted, starts_wanted) = (*filled + ROOM_ENDS + ends, *rows + ROOM_STARTS);
        let lacks = marks.len() < ends_wanted || starts.len() < starts_wanted;
        if marks.len() < ends_wanted {
            marks.resize(ends_wanted + ROOM_STEP, 0);
        }
        if starts.len() < starts_wanted {
            starts.resize(starts_wanted + ROOM_STEP, 0);
        }
        lacks
    }

    /// Forgets the ends of the current record.
    fn drop_line(&mut self) {
        self.records.filled -= self.records.kept_of(self.seen);
        self.seen = 0;
    }

    /// Writes a record with these ends. There is room.
    fn push(&mut self, ends: &[u32]) {
        let Records { ends: marks, filled, rows, odd, .. } = &mut *self.records;
        for (column, &end) in ends.iter().enumerate() {
            marks[*filled] = end;
            *filled += usize::from(self.shape.keep_of_record(column) & 1 != 0);
        }
        if ends.len() != self.shape.width {
            odd.push(Odd::new(*rows, ends.len()));
        }
        *rows += 1;
    }

    #[inline(always)]
    fn regular<L: Lanes, const PROJECTED: bool, const QUOTES: bool>(&mut self, lanes: L) -> Stop {
        let mut finder = Finder::<QUOTES>::new(self.dialect, self.quotes);
        let mut filled_up = self.filler;
        let mut marks = self.marks();
        let mut at = self.at;
        let Records { ends, filled, starts, rows, .. } = &mut *self.records;
        let ends = ends.as_mut_slice();
        // In a block there are never enough records: the room ends before.
        let starts_max = starts.len().min(self.rows_max.saturating_add(BLOCK_BYTES));
        let starts = &mut starts[..starts_max];
        let stop = loop {
            let Some(block) = block_at(self.input, at, &mut filled_up) else { break Stop::End };
            let Some(mut room) = marks.room(ends, starts) else { break Stop::Room };
            let before = finder.clone();
            let found = match finder.take(lanes, block) {
                Ok(found) => found,
                Err(stop) => break stop,
            };
            if !marks.write_block::<L, PROJECTED, QUOTES>(lanes, at, &found, &mut room) {
                finder = before;
                break Stop::Irregular;
            }
            at += found.taken;
        };
        self.quotes = finder.quotes(self.input, (at != self.at).then_some(at));
        (*filled, *rows, self.seen, self.at) = (marks.filled, marks.rows, marks.seen, at);
        stop
    }

    #[inline(always)]
    fn by_lines<L: Lanes>(&mut self, lanes: L) -> Stop {
        let mut finder = Finder::<true>::new(self.dialect, self.quotes);
        let mut filled_up = self.filler;
        let mut marks = self.marks();
        let Records { ends, filled, starts, rows, odd, .. } = &mut *self.records;
        let mut stop = Stop::Taken;
        for _ in 0..LINES_BLOCKS {
            let Some(block) = block_at(self.input, self.at, &mut filled_up) else {
                stop = Stop::End;
                break;
            };
            let Some(mut room) = marks.room(ends, starts) else {
                stop = Stop::Room;
                break;
            };
            let Ok(found) = finder.take(lanes, block) else {
                stop = Stop::Exact;
                break;
            };
            if !marks.write_lines(lanes, self.at, found, &mut room, (self.rows_max, odd)) {
                stop = Stop::Enough;
                break;
            }
            self.at += found.taken;
        }
        self.quotes = finder.quotes(self.input, None);
        (*filled, *rows, self.seen) = (marks.filled, marks.rows, marks.seen);
        stop
    }

    fn marks(&self) -> Marks<'a> {
        Marks { shape: self.shape, filled: self.records.filled, rows: self.records.rows, seen: self.seen }
    }
}

/// Blocks whose records have the width that they should have.
struct Regular<'m, 'a, const QUOTES: bool>(&'m mut Marker<'a>);

impl<const QUOTES: bool> Job for Regular<'_, '_, QUOTES> {
    type Output = Stop;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Stop {
        let Self(marker) = self;
        if marker.shape.full {
            marker.regular::<L, false, QUOTES>(lanes)
        } else {
            marker.regular::<L, true, QUOTES>(lanes)
        }
    }
}

/// Some blocks of any records.
struct ByLines<'m, 'a>(&'m mut Marker<'a>);

impl Job for ByLines<'_, '_> {
    type Output = Stop;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Stop {
        self.0.by_lines(lanes)
    }
}
