//! Which separators and line ends of a block stand outside quotes, by the parity of the quotes before them.
//!
//! Parity is exact only while every quote that opens stands where a field begins, or behind the quote that closed
//! the same field (a doubled one). A quote that closes needs no such check: what follows it is data until the field
//! ends, and the next quote, if it is data as well, is one that opens in the wrong place. Escapes, and comments
//! outside quotes, end the method: then [`Quotes::block`] says so, and the caller goes on with the exact machine. Lines
//! end with `\n` here; for [`LineEnd::Any`](super::super::dialect::LineEnd) there is the exact machine alone.

use super::super::dialect::{Dialect, is_blank};
use super::machine::State;
use super::masks::{BLOCK_BYTES, Block, equal, parity};

/// What a block has outside quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outside {
    /// Separators and line ends.
    pub(crate) ends: u64,
    /// Line ends.
    pub(crate) line_ends: u64,
    /// Those of `ends` whose field has quotes around it.
    pub(crate) quoted: u64,
}

/// What is carried from block to block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quotes {
    /// All ones inside quotes, else zero.
    inside: u64,
    /// 1 where a field begins, else 0.
    at_start: u64,
    /// 1 behind a quote that closed, else 0.
    closed: u64,
    /// 1 in a field that has had a quote, else 0.
    quoted: u64,
}

impl Quotes {
    /// At the beginning of a line.
    pub(crate) const START: Self = Self { inside: 0, at_start: 1, closed: 0, quoted: 0 };

    /// From the state of the exact machine, where it is one that this method knows.
    pub(crate) fn from_state(state: State) -> Option<Self> {
        let none = Self { inside: 0, at_start: 0, closed: 0, quoted: 0 };
        match state {
            State::Line | State::Field => Some(Self::START),
            State::Bare => Some(none),
            State::Quoted => Some(Self { inside: u64::MAX, quoted: 1, ..none }),
            State::Closing => Some(Self { closed: 1, quoted: 1, ..none }),
            _ => None,
        }
    }

    /// A state of the exact machine from which the same fields follow, but that it does not tell the beginning of a
    /// line from the beginning of any other field.
    pub(crate) fn state(self) -> State {
        match self {
            Self { inside: u64::MAX, .. } => State::Quoted,
            Self { at_start: 1, .. } => State::Field,
            Self { closed: 1, .. } => State::Closing,
            _ => State::Bare,
        }
    }

    /// Whether bytes without quotes, escapes and comments need nothing of what is carried.
    pub(crate) fn is_plain(self) -> bool {
        self.inside == 0 && self.quoted == 0
    }

    /// Behind `bytes` that have no quotes, escapes and comments; from a plain state.
    pub(crate) fn behind(self, dialect: &Dialect, bytes: &[u8]) -> Self {
        let blank = |byte: u8| dialect.trim && is_blank(byte) && byte != dialect.separator;
        let at_start = match bytes.iter().rev().find(|&&byte| !blank(byte)) {
            Some(&byte) => u64::from(byte == dialect.separator || byte == b'\n'),
            None => self.at_start,
        };
        Self { at_start, ..self }
    }

    /// Takes the bytes of `block` that are in `valid` (all of them, unless it is the last). `None` where quotes by
    /// parity would not be exact: then nothing has changed.
    #[inline(always)]
    pub(crate) fn block(&mut self, dialect: &Dialect, block: &Block, valid: u64) -> Option<Outside> {
        let find = |byte: u8| equal(block, byte) & valid;
        let quotes = dialect.quote.map_or(0, find);
        let inside = parity(quotes) ^ self.inside;
        if dialect.escape.is_some_and(|escape| find(escape) != 0)
            || dialect.comment.is_some_and(|comment| find(comment) & !inside != 0)
        {
            return None;
        }
        let line_ends = find(b'\n') & !inside;
        let ends = (find(dialect.separator) & !inside) | line_ends;
        let closing = quotes & !inside;
        let mut starts = ends << 1 | self.at_start;
        let mut at_start = ends >> (BLOCK_BYTES - 1);
        if dialect.trim {
            let blanks = (find(b' ') | find(b'\t')) & !ends;
            // Adding the first blank of a run to the run carries into the byte behind it. (What the sum leaves on
            // blanks is of no account: no blank is a quote.)
            let (sum, overflow) = (starts & blanks).overflowing_add(blanks);
            starts |= sum;
            at_start |= u64::from(overflow);
        }
        if quotes & inside & !(starts | closing << 1 | self.closed) != 0 {
            return None;
        }
        // A quote added to the run of bytes before an end carries into that end. Several do not overflow it: they
        // are no more than the run.
        let (sum, carry) = (!ends).overflowing_add(quotes);
        let (sum, carried) = sum.overflowing_add(self.quoted);
        *self = Self {
            inside: ((inside as i64) >> (BLOCK_BYTES - 1)) as u64,
            at_start,
            closed: closing >> (BLOCK_BYTES - 1),
            quoted: u64::from(carry | carried),
        };
        Some(Outside { ends, line_ends, quoted: sum & ends })
    }
}
