//! The fields of one column, and blocks of them on their way to the kernels.

use super::super::records::ESCAPED;
use super::layout::Span;
use crate::simd::decode::{Column, Decimals, Kernels, ROWS, Texts};

/// The fields of a column that are decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    /// How many there are.
    pub(crate) rows: usize,
    pub(crate) source: Source<'a>,
    /// Which rows of the chunk they are, where not all are meant.
    pub(crate) picked: Option<&'a [u32]>,
}

/// Where the fields of all rows of a chunk are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// The first fields of records whose ends stand `stride` apart.
    First { starts: &'a [u32], ends: &'a [u32], stride: usize },
    /// Fields that begin behind the end before theirs: the two stand beside each other, every `stride` ends.
    Inner { ends: &'a [u32], stride: usize },
    /// One by one.
    Listed(&'a [Span]),
}

impl Fields<'_> {
    /// The row of the chunk that a field is of.
    #[inline]
    pub(crate) fn row(&self, at: usize) -> usize {
        self.picked.map_or(at, |picked| picked[at] as usize)
    }

    /// One of the fields.
    #[inline]
    pub(crate) fn span(&self, at: usize) -> Span {
        self.source.span(self.row(at))
    }
}

impl Source<'_> {
    /// The field of a row.
    #[inline]
    pub(crate) fn span(&self, row: usize) -> Span {
        match *self {
            Source::First { starts, ends, stride } => Span { start: starts[row], end: ends[row * stride] },
            Source::Inner { ends, stride } => inner(&ends[row * stride..][..2]),
            Source::Listed(spans) => spans[row],
        }
    }
}

/// From the end of the field before, which the separator follows, and the field's own.
#[inline(always)]
fn inner(pair: &[u32]) -> Span {
    Span { start: (pair[0] & !ESCAPED) + 1, end: pair[1] }
}

/// Up to 64 fields of a column.
pub(crate) struct Block {
    /// Where they are, and the bytes that were asked for.
    pub(crate) texts: Texts,
    /// What kernels make of them.
    pub(crate) column: Column,
    pub(crate) decimals: Decimals,
    kernels: Kernels,
    rows: usize,
    /// All lengths or-ed together, each with 7 added: below 16 where none is above 8.
    lens_and_seven: u32,
}

impl Block {
    pub(crate) fn new(kernels: Kernels) -> Self {
        Self {
            texts: Texts::EMPTY,
            column: [0; ROWS],
            decimals: Decimals::ZERO,
            kernels,
            rows: 0,
            lens_and_seven: 0,
        }
    }

    /// The rows of the block, one bit each.
    pub(crate) fn rows_mask(&self) -> u64 {
        if self.rows == 0 { 0 } else { u64::MAX >> (ROWS - self.rows) }
    }

    /// The rows whose fields are empty.
    pub(crate) fn empty(&self) -> u64 {
        let empty = self.texts.places.lens.iter().enumerate().map(|(row, len)| u64::from(*len == 0) << row);
        empty.fold(0, |mask, bit| mask | bit)
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The place of a row in the chunk: its first byte, and its length.
    #[inline(always)]
    pub(crate) fn place(&self, row: usize) -> (u32, u32) {
        (self.texts.places.starts[row], self.texts.places.lens[row])
    }

    /// Takes the fields from `first` on. Those that are marked as escaped lose the bytes `quote` around them; those that do
    /// not have them are of no shape that kernels know.
    #[inline]
    pub(crate) fn take(&mut self, bytes: &[u8], fields: &Fields<'_>, first: usize, quote: Option<u8>) {
        self.take_raw(fields, first);
        if self.lens_and_seven & ESCAPED != 0 {
            self.unquote(bytes, quote);
        }
    }

    /// Takes the fields from `first` on as they stand: the length of one that is marked as escaped has [`ESCAPED`].
    #[inline]
    pub(crate) fn take_raw(&mut self, fields: &Fields<'_>, first: usize) {
        self.rows = (fields.rows - first).min(ROWS);
        let places = &mut self.texts.places;
        if let (Source::Inner { ends, stride }, None) = (fields.source, fields.picked) {
            self.lens_and_seven = self.kernels.places(&ends[first * stride..], stride, self.rows, places);
            return;
        }
        self.lens_and_seven = 0;
        for (row, place) in (first..first + self.rows).zip(0..ROWS) {
            let span = fields.span(row);
            places.starts[place] = span.start;
            places.lens[place] = span.len();
            self.lens_and_seven |= span.len().wrapping_add(7);
        }
        places.lens[self.rows..].fill(0);
    }

    /// Takes the quotes off. What else stands between them, kernels do not take for a value.
    #[inline(never)]
    fn unquote(&mut self, bytes: &[u8], quote: Option<u8>) {
        self.lens_and_seven = 0;
        for row in 0..self.rows {
            let (start, mut len) = self.place(row);
            if len >= ESCAPED {
                let raw = bytes.get(start as usize..start.wrapping_add(len & !ESCAPED) as usize);
                match raw {
                    Some([open, inside @ .., close]) if Some(*open) == quote && open == close => {
                        len = inside.len() as u32;
                        (self.texts.places.starts[row], self.texts.places.lens[row]) = (start + 1, len);
                    }
                    _ => self.texts.forget(row),
                }
            }
            self.lens_and_seven |= len.wrapping_add(7);
        }
    }

    /// Loads the bytes before the ends; returns how many words the texts that kernels know have at most.
    #[inline]
    pub(crate) fn load_ends(&mut self, bytes: &[u8]) -> usize {
        self.kernels.load_ends(bytes, 0, &mut self.texts);
        if self.lens_and_seven < 16 {
            return 1;
        }
        let words = self.kernels.longest_known(&self.texts).div_ceil(8).clamp(1, 3) as usize;
        for word in 1..words {
            self.kernels.load_ends(bytes, word, &mut self.texts);
        }
        words
    }

    /// Loads eight bytes of each text from each of `offsets` on.
    #[inline]
    pub(crate) fn load_begins(&mut self, bytes: &[u8], offsets: &[u32]) {
        for (word, offset) in offsets.iter().enumerate() {
            self.kernels.load_begins(bytes, word, *offset, &mut self.texts);
        }
    }
}
