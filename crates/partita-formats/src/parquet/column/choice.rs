//! Whether a column keeps its dictionary.

use crate::parquet::options::Encoding;

/// Values after which a column whose values hardly ever repeat is known as such.
pub(super) const CHECK_VALUES: usize = 4096;

/// What a page of its own costs a dictionary: a header, and the frame of a compressor.
pub(super) const PAGE_BYTES: usize = 32;

/// When a column has a dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::parquet) enum Use {
    /// Not at all.
    Never,
    /// As long as it makes the column smaller.
    Pays,
    /// As long as it is below its limit.
    Always,
}

/// How the values of a column are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::parquet) struct Plan {
    pub(in crate::parquet) dictionary: Use,
    /// Where there is no dictionary; `None`: plain, or as differences where that is smaller.
    pub(in crate::parquet) values: Option<Encoding>,
}

/// The life of a dictionary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) plan: Use,
    /// Whether values are looked up.
    pub(super) is_open: bool,
    /// Values so far.
    pub(super) values: usize,
    /// Bytes of the dictionary at the check.
    pub(super) checked_bytes: usize,
    pub(super) limit_bytes: usize,
}

impl Choice {
    pub(super) fn new(plan: Use, limit_bytes: usize) -> Self {
        // A page has less than 2 GiB.
        let limit_bytes = limit_bytes.min(1 << 30);
        Self { plan, is_open: plan != Use::Never, values: 0, checked_bytes: 0, limit_bytes }
    }

    /// Values to the check, where it lies ahead.
    pub(super) fn before_check(&self) -> Option<usize> {
        let ahead = CHECK_VALUES.saturating_sub(self.values);
        (self.is_open && self.plan == Use::Pays && ahead > 0).then_some(ahead)
    }

    /// Whether `distinct` of the values up to the check are too many for a dictionary that would not pass its limit by
    /// far, if values were drawn from it at random. One that passes it a little has paid by then.
    pub(super) fn is_beyond(&self, distinct: usize, dictionary_bytes: usize) -> bool {
        let entry_bytes = dictionary_bytes.div_ceil(distinct.max(1)).max(1);
        let most = (2 * self.limit_bytes / entry_bytes).max(1) as f64;
        // By multiplications alone: the same on every machine.
        let missed = power(1.0 - 1.0 / most, self.values);
        distinct as f64 > most * (1.0 - missed)
    }

    /// Whether the values since the check took more bytes with the dictionary than without, where all `values` took
    /// `other_bytes` without, and `coded_bytes` in codes.
    pub(super) fn is_outgrown(
        &self,
        dictionary_bytes: usize,
        coded_bytes: usize,
        other_bytes: usize,
    ) -> bool {
        if self.plan != Use::Pays || self.values < 2 * CHECK_VALUES {
            return false;
        }
        let share = |bytes: usize| bytes as u128 * (self.values - CHECK_VALUES) as u128;
        let grown = dictionary_bytes.saturating_sub(self.checked_bytes) as u128 * self.values as u128;
        grown + share(coded_bytes) >= share(other_bytes)
    }
}

fn power(base: f64, mut exponent: usize) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}
