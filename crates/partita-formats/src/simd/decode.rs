//! Texts of numbers, times and truth values to what they mean, a block of 64 rows at a time.
//!
//! A block has the last bytes of each text in words of eight, the last byte highest, and the lengths. Each kernel knows the
//! common shape of its type and answers with a mask of the rows that have another shape, about which it says nothing; of
//! the rest it gives exactly what the parsers of [`crate::csv::value`] would. There is one body a kernel, over the
//! operations of [`lanes::Lanes`], and one implementation of these a level.

use partita_columns::cpu::{self, Level};

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod lanes;
mod numbers;
mod stage;
mod times;
mod words;

use lanes::Portable;
pub(crate) use stage::Places;
pub(crate) use words::Word;

/// Rows of a block: one bit each in a mask.
pub(crate) const ROWS: usize = 64;

/// One number a row.
pub(crate) type Column = [u64; ROWS];

/// The texts of a block.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    /// Where they are. A text longer than [`Texts::BYTES_MAX`] bytes is one that no kernel knows as a number.
    pub(crate) places: Places,
    /// For numbers and words the bytes before the end, nearest first: word `j` ends `8 * j` bytes before the text does. For
    /// times the bytes from 0, from 3 and from 11 on. What stands beside the text may be anything.
    pub(crate) words: [Column; 3],
}

impl Texts {
    /// The longest number that kernels know.
    pub(crate) const BYTES_MAX: u32 = 24;

    /// No texts.
    pub(crate) const EMPTY: Self = Self { places: Places::NONE, words: [[0; ROWS]; 3] };

    /// Makes a text one that no kernel knows.
    pub(crate) fn forget(&mut self, row: usize) {
        self.places.lens[row] = stage::UNKNOWN;
    }
}

/// Decimal numbers, as a kernel reads them.
#[derive(Debug, Clone)]
pub(crate) struct Decimals {
    /// The numbers as bits of `f64`, but for the rows in `hard`.
    pub(crate) values: Column,
    /// All digits, without sign and point.
    pub(crate) mantissas: Column,
    /// How many of them stand behind the point.
    pub(crate) fractions: Column,
    /// Rows with a `-`.
    pub(crate) negative: u64,
    /// Rows whose digits and power of ten are not both exact as `f64`.
    pub(crate) hard: u64,
}

impl Decimals {
    /// Zeros.
    pub(crate) const ZERO: Self =
        Self { values: [0; ROWS], mantissas: [0; ROWS], fractions: [0; ROWS], negative: 0, hard: 0 };
}

/// The kernels of one level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernels(Level);

impl Kernels {
    /// Those of [`cpu::level`].
    pub(crate) fn new() -> Self {
        Self::at(cpu::level())
    }

    /// Those of a level; the portable ones where the processor does not have it.
    pub(crate) fn at(level: Level) -> Self {
        Self(if cpu::levels().contains(&level) { level } else { Level::Portable })
    }

    /// Their level.
    pub(crate) fn level(self) -> Level {
        self.0
    }

    /// Finds `rows` fields whose ends, each with the end before it, stand `stride` apart in `ends`; behind them there are
    /// empty ones. Returns all lengths or-ed together, each with 7 added.
    #[inline]
    pub(crate) fn places(self, ends: &[u32], stride: usize, rows: usize, places: &mut Places) -> u32 {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` has the level of this processor.
            Level::Avx512 => unsafe { avx512::places(ends, stride, rows, places) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2::places(ends, stride, rows, places) },
            _ => stage::places(ends, stride, rows, places),
        }
    }

    /// The greatest length of the texts that are no longer than [`Texts::BYTES_MAX`].
    #[inline]
    pub(crate) fn longest_known(self, texts: &Texts) -> u32 {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` has the level of this processor.
            Level::Avx512 => unsafe { avx512::longest_known(&texts.places) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2::longest_known(&texts.places) },
            _ => stage::longest_known(&texts.places),
        }
    }

    /// Loads word `word` of each number: the eight bytes that end `8 * word` before it does. A text that has some of them
    /// where the chunk does not have all of them becomes one that no kernel knows.
    #[inline]
    pub(crate) fn load_ends(self, bytes: &[u8], word: usize, texts: &mut Texts) {
        let (behind, places, to) = (8 * word as u32, &mut texts.places, &mut texts.words[word]);
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` has the level of this processor.
            Level::Avx512 => unsafe { avx512::load_ends(bytes, behind, places, to) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2::load_ends(bytes, behind, places, to) },
            _ => stage::load_ends(bytes, behind, places, to),
        }
    }

    /// Loads word `word` of each time: the eight bytes from `offset` on, with the same exception.
    #[inline]
    pub(crate) fn load_begins(self, bytes: &[u8], word: usize, offset: u32, texts: &mut Texts) {
        let (places, to) = (&mut texts.places, &mut texts.words[word]);
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` has the level of this processor.
            Level::Avx512 => unsafe { avx512::load_begins(bytes, offset, places, to) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2::load_begins(bytes, offset, places, to) },
            _ => stage::load_begins(bytes, offset, places, to),
        }
    }

    /// Whole numbers of up to 18 digits with or without `-`, between `min` and `max`, in `N` words. Returns the rows of
    /// another shape.
    #[inline]
    pub(crate) fn integers<const N: usize>(
        self,
        texts: &Texts,
        (min, max): (i64, i64),
        out: &mut Column,
    ) -> u64 {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` has the level of this processor.
            Level::Avx512 => unsafe { avx512::integers::<N>(texts, (min, max), out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2::integers::<N>(texts, (min, max), out) },
            _ => numbers::integers::<Portable, N>((), texts, (min, max), out),
        }
    }

    /// Numbers of digits with or without `-`, and one point or none (the byte `point`), in `N` words and at most 19 digits from the first that
    /// is not zero. Returns the rows of another shape. `PARTS`: mantissas and fractions are filled too; without it no row
    /// may be hard, which one word never is.
    #[inline]
    pub(crate) fn decimals<const N: usize, const PARTS: bool>(
        self,
        texts: &Texts,
        point: u8,
        out: &mut Decimals,
    ) -> u64 {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` has the level of this processor.
            Level::Avx512 => unsafe { avx512::decimals::<N, PARTS>(texts, point, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2::decimals::<N, PARTS>(texts, point, out) },
            _ => numbers::decimals::<Portable, N, PARTS>((), texts, point, out),
        }
    }

    /// `YYYY-MM-DD`, years from 1 and no 29 February, as days since 1970. Returns the rows of another shape.
    #[inline]
    pub(crate) fn dates(self, texts: &Texts, out: &mut Column) -> u64 {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` has the level of this processor.
            Level::Avx512 => unsafe { avx512::dates(texts, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2::dates(texts, out) },
            _ => times::dates::<Portable>((), texts, out),
        }
    }

    /// Texts that begin with `YYYY-MM-DD HH:MM:SS` (or with `T`), as seconds since 1970, whatever follows. Returns the
    /// rows that do not, and those of the dates that [`Kernels::dates`] does not know.
    #[inline]
    pub(crate) fn stamps(self, texts: &Texts, out: &mut Column) -> u64 {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` has the level of this processor.
            Level::Avx512 => unsafe { avx512::stamps(texts, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2::stamps(texts, out) },
            _ => times::stamps::<Portable>((), texts, out),
        }
    }

    /// Texts that are one of some words. Returns the rows of those that mean yes, and the rows that are none.
    #[inline]
    pub(crate) fn words(self, texts: &Texts, words: &[Word]) -> (u64, u64) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` has the level of this processor.
            Level::Avx512 => unsafe { avx512::words(texts, words) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2::words(texts, words) },
            _ => words::words::<Portable>((), texts, words),
        }
    }
}
