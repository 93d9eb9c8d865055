//! Which separators and line ends of a block stand outside quotes, by the parity of the quotes before them.
//!
//! Parity is exact only while every quote that opens stands where a field begins, or behind the quote that closed
//! the same field (a doubled one). A quote that closes needs no such check: what follows it is data until the field
//! ends, and the next quote, if it is data as well, is one that opens in the wrong place. Escapes, and comments
//! outside quotes, end the method: then [`Quotes::block`] says so, and the caller goes on with the exact machine. Lines
//! end with `\n` here; for [`LineEnd::Any`](super::super::dialect::LineEnd) there is the exact machine alone.

use super::super::dialect::Dialect;
use super::machine::State;
use super::masks::{BLOCK_BYTES, Block};
use crate::simd::split::{Lanes, Plain, equal};

/// The bytes of a block that may matter, inside quotes and outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Masks {
    /// Separators.
    pub(crate) separators: u64,
    /// Line ends.
    pub(crate) line_ends: u64,
    /// Quotes.
    pub(crate) quotes: u64,
}

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

    /// Whether a block without quotes, escapes and comments needs nothing of what is carried but whether a field begins.
    #[inline(always)]
    pub(crate) fn is_plain(self) -> bool {
        self.inside | self.quoted == 0
    }

    /// Behind the byte `last` of a block without quotes, escapes and comments, from a plain state, with these ends of fields.
    #[inline(always)]
    pub(crate) fn behind(ends: u64, last: u32) -> Self {
        Self { at_start: ends >> last & 1, ..Self::START }
    }

    /// As [`Quotes::outside`], for one block here and there.
    pub(crate) fn block(&mut self, dialect: &Dialect, block: &Block) -> Option<Outside> {
        let find = |byte: u8| equal(block, byte);
        let masks = Masks {
            separators: find(dialect.separator),
            line_ends: find(b'\n'),
            quotes: dialect.quote.map_or(0, find),
        };
        let special = dialect.is_special().then_some(dialect);
        self.outside(Plain, special, block, masks, BITS - 1)
    }

    /// Takes a block, which has these `masks`, up to and with its byte `last`: behind that it has nothing that matters.
    /// `None` where quotes by parity would not be exact: then nothing has changed. `special`: the dialect, where it
    /// [is special](Dialect::is_special).
    #[inline(always)]
    pub(crate) fn outside<L: Lanes>(
        &mut self,
        lanes: L,
        special: Option<&Dialect>,
        block: &Block,
        masks: Masks,
        last: u32,
    ) -> Option<Outside> {
        let Masks { separators, line_ends, quotes } = masks;
        let inside = lanes.parity(quotes) ^ self.inside;
        let line_ends = line_ends & !inside;
        let ends = (separators & !inside) | line_ends;
        let closing = quotes & !inside;
        let mut starts = ends << 1 | self.at_start;
        let mut at_start = ends >> last & 1;
        if let Some(dialect) = special {
            let find = |byte: u8| lanes.equal(block, [byte])[0];
            if dialect.escape.is_some_and(|escape| find(escape) != 0)
                || dialect.comment.is_some_and(|comment| find(comment) & !inside != 0)
            {
                return None;
            }
            if dialect.trim {
                let blanks = (find(b' ') | find(b'\t')) & !ends;
                // Adding the first blank of a run to the run carries into the byte behind it. (What the sum leaves on
                // blanks is of no account: no blank is a quote.)
                let (sum, overflow) = (starts & blanks).overflowing_add(blanks);
                starts |= sum;
                at_start |= if last + 1 == BITS { u64::from(overflow) } else { starts >> (last + 1) & 1 };
            }
        }
        if quotes & inside & !(starts | closing << 1 | self.closed) != 0 {
            return None;
        }
        // A quote added to the run of bytes before an end carries into that end. Several do not overflow it: they
        // are no more than the run.
        let (sum, carry) = (!ends).overflowing_add(quotes);
        let (sum, carried) = sum.overflowing_add(self.quoted);
        *self = Self {
            inside: ((inside as i64) >> (BITS - 1)) as u64,
            at_start,
            closed: closing >> last & 1,
            quoted: u64::from(carry | carried),
        };
        Some(Outside { ends, line_ends, quoted: sum & ends })
    }
}

const BITS: u32 = BLOCK_BYTES as u32;
