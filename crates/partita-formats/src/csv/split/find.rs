//! What a block has that matters, at any level.

use super::super::dialect::Dialect;
use super::mark::Stop;
use super::masks::{Block, last_taken};
use super::quotes::{Masks, Outside, Quotes};
use crate::simd::split::Lanes;

/// Finds ends of fields and lines in one block after the other. `QUOTES`: there may be quotes, or other bytes with a
/// meaning.
#[derive(Debug, Clone)]
pub(super) struct Finder<const QUOTES: bool> {
    /// Where other bytes have a meaning as well.
    special: Option<Dialect>,
    /// The separator, the line end, the `\r` before it, and the quote.
    needles: [u8; 4],
    /// All ones where there are quotes, else zero.
    has_quotes: u64,
    quotes: Quotes,
}

/// What a block has outside quotes. The last field of a record ends before a `\r` that belongs to the line end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Where fields end.
    pub(super) ends: u64,
    /// Where the last fields of records end, or those of lines without any byte.
    pub(super) last_ends: u64,
    /// Where lines end: as many as of `last_ends`, each there or one byte later.
    pub(super) line_ends: u64,
    /// Those of `ends` whose field must be unescaped.
    pub(super) quoted: u64,
    /// How many bytes were taken: a `\r` at the end of a block is left for the next, which has its line end.
    pub(super) taken: usize,
}

impl<const QUOTES: bool> Finder<QUOTES> {
    /// Lines end with `\n`, and the dialect's bytes can be told apart.
    pub(super) fn new(dialect: &Dialect, quotes: Quotes) -> Self {
        let quote = dialect.quote.unwrap_or(dialect.separator);
        Self {
            special: dialect.is_special().then(|| dialect.clone()),
            needles: [dialect.separator, b'\n', b'\r', quote],
            has_quotes: if dialect.quote.is_some() { u64::MAX } else { 0 },
            quotes,
        }
    }

    /// What is carried to the next block. `at`: where that is, if it is not the first one.
    pub(super) fn quotes(&self, input: &[u8], at: Option<usize>) -> Quotes {
        let before = at.and_then(|at| input.get(at.wrapping_sub(1)));
        match before {
            Some(&byte) if !QUOTES => Quotes::behind(u64::from(self.needles[..2].contains(&byte)), 0),
            _ => self.quotes,
        }
    }

    /// Takes a block.
    ///
    /// # Errors
    /// Where something else must take it: then nothing has changed.
    #[inline(always)]
    pub(super) fn take<L: Lanes>(&mut self, lanes: L, block: &Block) -> Result<Found, Stop> {
        let last = last_taken(block);
        let [separators, line_ends, returns, quotes] = lanes.equal(block, self.needles);
        let quotes = quotes & self.has_quotes;
        let outside = if !QUOTES {
            if quotes != 0 {
                return Err(Stop::Quotes);
            }
            Outside { ends: separators | line_ends, line_ends, quoted: 0 }
        } else if quotes == 0 && self.quotes.is_plain() && self.special.is_none() {
            let ends = separators | line_ends;
            self.quotes = Quotes::behind(ends, last);
            Outside { ends, line_ends, quoted: 0 }
        } else {
            let masks = Masks { separators, line_ends, quotes };
            let special = self.special.as_ref();
            self.quotes.outside(lanes, special, block, masks, last).ok_or(Stop::Exact)?
        };
        // No line ends behind the last bit.
        let moved_to = returns & (outside.line_ends >> 1);
        let moved_from = moved_to << 1;
        Ok(Found {
            ends: (outside.ends & !moved_from) | moved_to,
            last_ends: (outside.line_ends & !moved_from) | moved_to,
            line_ends: outside.line_ends,
            quoted: (outside.quoted & !moved_from) | (outside.quoted >> 1 & moved_to),
            taken: last as usize + 1,
        })
    }
}
