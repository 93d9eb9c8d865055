//! The marks of one block, written down.

use super::super::records::Odd;
use super::find::Found;
use super::masks::BLOCK_BYTES;
use super::shape::Shape;
use crate::simd::split::Lanes;

/// Room for the ends of a block: each write wants to see room for a whole block.
pub(super) const ROOM_ENDS: usize = 2 * BLOCK_BYTES;

/// Room for the starts of a block: the one of the line that a block begins in, and the same.
pub(super) const ROOM_STARTS: usize = 1 + 2 * BLOCK_BYTES;

/// Where the marks of a block go.
pub(super) struct Room<'a> {
    /// From the next end on.
    ends: &'a mut [u32; ROOM_ENDS],
    /// From the start of the current record on.
    starts: &'a mut [u32; ROOM_STARTS],
}

/// How far the marks are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks<'a> {
    pub(super) shape: Shape<'a>,
    /// Ends that are kept.
    pub(super) filled: usize,
    pub(super) rows: usize,
    /// Ends seen of the current record.
    pub(super) seen: usize,
}

impl Marks<'_> {
    #[inline(always)]
    pub(super) fn room<'a>(&self, ends: &'a mut [u32], starts: &'a mut [u32]) -> Option<Room<'a>> {
        let ends = ends.get_mut(self.filled..)?.first_chunk_mut()?;
        let starts = starts.get_mut(self.rows..)?.first_chunk_mut()?;
        Some(Room { ends, starts })
    }

    /// Writes the marks of a block if all records that end in it have their fields, which are more than one. `QUOTES`: there may
    /// be quotes.
    #[inline(always)]
    pub(super) fn write_block<L: Lanes, const PROJECTED: bool, const QUOTES: bool>(
        &mut self,
        lanes: L,
        at: usize,
        found: &Found,
        room: &mut Room<'_>,
    ) -> bool {
        // In long quoted texts most blocks are so; elsewhere next to none, and the question costs more than it saves.
        if QUOTES && found.ends == 0 {
            return true;
        }
        let phase = self.shape.phase(self.seen);
        let is_regular = if L::DEPOSITS {
            lanes.deposit(phase.lines, found.ends) == found.last_ends
        } else {
            self.have_width(found)
        };
        let Some(ends) = room.ends.first_chunk_mut() else { return false };
        let Some(starts) = room.starts[1..].first_chunk_mut() else { return false };
        if !is_regular {
            return false;
        }
        let base = at as u32;
        self.filled += if PROJECTED {
            lanes.write_kept(ends, base, found.ends, found.quoted, phase.keep)
        } else {
            lanes.write(ends, base, found.ends, found.quoted)
        };
        let line_ends = found.line_ends;
        let lines = if line_ends & line_ends.wrapping_sub(1) == 0 {
            // Where no line ends this is of no account.
            starts[0] = (base + 1).wrapping_add(line_ends.trailing_zeros());
            usize::from(line_ends != 0)
        } else {
            lanes.write(starts, base + 1, line_ends, 0)
        };
        self.rows += lines;
        self.seen += found.ends.count_ones() as usize;
        self.seen -= lines * self.shape.width;
        true
    }

    /// Whether records have their width, counted one by one.
    #[inline(always)]
    fn have_width(&self, found: &Found) -> bool {
        let (mut seen, mut ends, mut last_ends) = (self.seen, found.ends, found.last_ends);
        while last_ends != 0 {
            let line = last_ends ^ (last_ends - 1);
            if seen + (ends & line).count_ones() as usize != self.shape.width {
                return false;
            }
            seen = 0;
            ends &= !line;
            last_ends &= last_ends - 1;
        }
        seen + (ends.count_ones() as usize) < self.shape.width
    }

    /// Writes the marks of a block line by line, whatever they are. False: there are enough records.
    #[inline(always)]
    pub(super) fn write_lines<L: Lanes>(
        &mut self,
        lanes: L,
        at: usize,
        mut found: Found,
        room: &mut Room<'_>,
        (rows_max, odd): (usize, &mut Vec<Odd>),
    ) -> bool {
        let (first_end, first_row) = (self.filled, self.rows);
        loop {
            let line = if found.line_ends == 0 { u64::MAX } else { found.last_ends ^ (found.last_ends - 1) };
            let end = at + found.last_ends.trailing_zeros() as usize;
            // A line without any byte is no record.
            let is_record = end != room.starts[self.rows - first_row] as usize;
            if let Some(ends) = room.ends[self.filled - first_end..].first_chunk_mut()
                && is_record
            {
                let (ends_of_line, marked) = (found.ends & line, found.quoted & line);
                self.filled += if self.shape.full {
                    lanes.write(ends, at as u32, ends_of_line, marked)
                } else {
                    let keep = self.shape.keep_of_record(self.seen);
                    lanes.write_kept(ends, at as u32, ends_of_line, marked, keep)
                };
                self.seen += ends_of_line.count_ones() as usize;
            }
            if found.line_ends == 0 {
                return true;
            }
            if is_record {
                if self.seen != self.shape.width {
                    odd.push(Odd::new(self.rows, self.seen));
                }
                self.rows += 1;
            }
            self.seen = 0;
            room.starts[self.rows - first_row] = (at + 1) as u32 + found.line_ends.trailing_zeros();
            if self.rows >= rows_max {
                return false;
            }
            found.ends &= !line;
            found.last_ends &= found.last_ends - 1;
            found.line_ends &= found.line_ends - 1;
        }
    }
}
