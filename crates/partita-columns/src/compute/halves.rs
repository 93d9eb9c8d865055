//! Integers of 128 bits as two of 64. Most decimals need the lower one alone, and loops over those are vector code.

use arrow::array::Decimal128Array;

use crate::wide::{self, Kernel};

/// Where the halves are in memory.
pub(crate) const LOW: usize = if cfg!(target_endian = "little") { 0 } else { 1 };
pub(crate) const HIGH: usize = 1 - LOW;

/// An integer as it lies in memory.
pub(crate) type Halves = [i64; 2];

/// The lower half, with the sign of the whole where that has 64 bits.
#[inline(always)]
pub(crate) fn low(halves: Halves) -> i64 {
    halves[LOW]
}

/// The upper half.
#[inline(always)]
pub(crate) fn high(halves: Halves) -> i64 {
    halves[HIGH]
}

/// The integer.
pub(crate) fn whole(halves: Halves) -> i128 {
    i128::from(high(halves)) << 64 | i128::from(low(halves).cast_unsigned())
}

/// The halves of every row; what lies under nulls is arbitrary.
pub(crate) fn halves(array: &Decimal128Array) -> &[Halves] {
    array.values().inner().typed_data::<i64>().as_chunks().0
}

/// The least and the greatest value; `None` where one has more than 64 bits, and where there are none.
pub(crate) fn bounds(values: &[Halves]) -> Option<(i64, i64)> {
    if values.is_empty() {
        return None;
    }
    wide::run(Bounds(values))
}

struct Bounds<'a>(&'a [Halves]);

const LANES: usize = 16;

impl Kernel for Bounds<'_> {
    type Output = Option<(i64, i64)>;

    #[inline(always)]
    fn run(self) -> Option<(i64, i64)> {
        let (mut least, mut greatest, mut longer) = ([i64::MAX; LANES], [i64::MIN; LANES], [0; LANES]);
        let (blocks, rest) = self.0.as_chunks::<LANES>();
        for block in blocks {
            for lane in 0..LANES {
                let value = low(block[lane]);
                least[lane] = least[lane].min(value);
                greatest[lane] = greatest[lane].max(value);
                longer[lane] |= high(block[lane]) ^ (value >> 63);
            }
        }
        for (lane, halves) in rest.iter().enumerate() {
            let value = low(*halves);
            least[lane] = least[lane].min(value);
            greatest[lane] = greatest[lane].max(value);
            longer[lane] |= high(*halves) ^ (value >> 63);
        }
        let fits = longer.iter().all(|bits| *bits == 0);
        let least = least.into_iter().fold(i64::MAX, i64::min);
        let greatest = greatest.into_iter().fold(i64::MIN, i64::max);
        fits.then_some((least, greatest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_finds_the_bounds() {
        for rows in [1, 15, 16, 17, 100] {
            let mut values: Vec<i128> = (0..rows).map(|row| (row * 7919) % 1009 - 500).collect();
            let expected = (values.iter().min().copied(), values.iter().max().copied());
            let array = Decimal128Array::from(values.clone());
            for found in wide::run_all(|| Bounds(halves(&array))) {
                let found = found.map(|(least, greatest)| (Some(least.into()), Some(greatest.into())));
                assert_eq!(found, Some(expected));
            }
            for (row, value) in [(0, i128::from(i64::MAX) + 1), (rows - 1, i128::from(i64::MIN) - 1)] {
                values[row as usize] = value;
                let array = Decimal128Array::from(values.clone());
                assert!(wide::run_all(|| Bounds(halves(&array))).iter().all(Option::is_none));
            }
        }
        let ends = Decimal128Array::from(vec![i128::from(i64::MAX), i128::from(i64::MIN), -1]);
        assert_eq!(bounds(halves(&ends)), Some((i64::MIN, i64::MAX)));
        assert_eq!(bounds(&[]), None);
    }
}
