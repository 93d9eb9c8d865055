//! Sums of integers, exact.

use serde::{Deserialize, Serialize};

use crate::compute::halves::{self, Halves};
use crate::wide::{self, Kernel, Valid};

/// Rows whose halves add up without overflow in 64 bits.
const CHUNK_ROWS: usize = 1 << 20;

/// A sum of 192 bits, which no number of rows overflows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeSum {
    low: u128,
    high: i64,
}

impl WholeSum {
    /// Adds one value.
    pub fn add(&mut self, value: i128) {
        self.add_wide(WholeSum { low: value.cast_unsigned(), high: if value < 0 { -1 } else { 0 } });
    }

    fn add_wide(&mut self, other: WholeSum) {
        let (low, carry) = self.low.overflowing_add(other.low);
        self.low = low;
        self.high = self.high.wrapping_add(other.high).wrapping_add(i64::from(carry));
    }

    /// The sum in three parts, the lowest first.
    pub(crate) fn parts(self) -> (u64, u64, i64) {
        (self.low as u64, (self.low >> 64) as u64, self.high)
    }

    /// The sum of its parts.
    pub(crate) fn from_parts(low: u64, middle: u64, high: i64) -> Self {
        Self { low: u128::from(middle) << 64 | u128::from(low), high }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &WholeSum) {
        self.add_wide(*other);
    }

    /// The sum; `None` where 128 bits do not hold it.
    pub fn value(&self) -> Option<i128> {
        let value = self.low.cast_signed();
        (self.high == if value < 0 { -1 } else { 0 }).then_some(value)
    }

    /// The sum as the nearest float, or near it where 128 bits do not hold it.
    pub fn to_f64(self) -> f64 {
        match self.value() {
            Some(value) => value as f64,
            None => self.high as f64 * 2_f64.powi(128) + self.low as f64,
        }
    }

    /// Adds the rows of a column that `valid` does not leave out.
    pub(super) fn add_rows<T: Split>(&mut self, values: &[T], valid: Option<&Valid>) {
        for (number, chunk) in values.chunks(CHUNK_ROWS).enumerate() {
            let (high, low) = wide::run(AddHalves { values: chunk, row: number * CHUNK_ROWS, valid });
            self.add((i128::from(high) << 32) + i128::from(low));
        }
    }

    /// Adds the rows of a column of decimals that `valid` does not leave out.
    pub(super) fn add_long(&mut self, values: &[Halves], valid: Option<&Valid>) {
        for (number, chunk) in values.chunks(CHUNK_ROWS).enumerate() {
            let row = number * CHUNK_ROWS;
            if let Some(sum) = wide::run(AddLong { values: chunk, row, valid }) {
                self.add(sum);
                continue;
            }
            let rows = chunk.iter().enumerate();
            let kept = rows.filter(|(at, _)| valid.is_none_or(|valid| valid.at(row + at)));
            kept.for_each(|(_, value)| self.add(halves::whole(*value)));
        }
    }
}

/// A sum of parts of at most 32 bits each, and whether the upper ones were that short.
struct AddLong<'a> {
    values: &'a [Halves],
    row: usize,
    valid: Option<&'a Valid>,
}

/// Halves that are added side by side.
const LANES: usize = 16;

/// Sums of both halves alike, of which each is used for what it is.
struct Parts {
    /// Of the lower and the upper 32 bits.
    low: [i64; LANES],
    middle: [i64; LANES],
    /// Of the whole half, modulo 2^64.
    all: [i64; LANES],
    /// Bits in which a half differs from its sign.
    longer: [i64; LANES],
}

impl Parts {
    #[inline(always)]
    fn add(&mut self, lane: usize, half: i64) {
        self.low[lane] += half & 0xffff_ffff;
        self.middle[lane] += (half.cast_unsigned() >> 32).cast_signed();
        self.all[lane] = self.all[lane].wrapping_add(half);
        self.longer[lane] |= half ^ (half >> 63);
    }
}

impl Kernel for AddLong<'_> {
    type Output = Option<i128>;

    #[expect(clippy::needless_range_loop, reason = "of an iterator the compiler makes no vector code here")]
    #[inline(always)]
    fn run(self) -> Option<i128> {
        let zeros = [0; LANES];
        let mut parts = Parts { low: zeros, middle: zeros, all: zeros, longer: zeros };
        let (blocks, rest) = self.values.as_flattened().as_chunks::<LANES>();
        for (number, block) in blocks.iter().enumerate() {
            if let Some(valid) = self.valid {
                let word = valid.word32(self.row + number * (LANES / 2));
                for lane in 0..LANES {
                    parts.add(lane, block[lane] & -i64::from(word >> (lane / 2) & 1));
                }
            } else {
                for lane in 0..LANES {
                    parts.add(lane, block[lane]);
                }
            }
        }
        for (lane, half) in rest.iter().enumerate() {
            let row = self.row + (blocks.len() * LANES + lane) / 2;
            parts.add(lane, half & -i64::from(self.valid.is_none_or(|valid| valid.at(row))));
        }
        let (mut sum, mut longest) = (0_i128, 0);
        for lane in (0..LANES).step_by(2) {
            let (low, high) = (lane + halves::LOW, lane + halves::HIGH);
            let lower = i128::from(parts.low[low]) + (i128::from(parts.middle[low]) << 32);
            // Where an upper half was longer the sum may overflow, and is not used.
            sum = sum.wrapping_add(lower).wrapping_add(i128::from(parts.all[high]) << 64);
            longest |= parts.longer[high];
        }
        (longest >> 32 == 0).then_some(sum)
    }
}

/// Integers of up to 64 bits: `high * 2^32 + low`, each of which has room for a million of its kind.
pub(super) trait Split: Copy {
    fn halves(self) -> (i64, i64);
}

macro_rules! narrow {
    ($($native:ty),*) => {
        $(impl Split for $native {
            #[inline(always)]
            fn halves(self) -> (i64, i64) {
                (0, i64::from(self))
            }
        })*
    };
}

narrow!(i8, i16, i32, u8, u16, u32);

impl Split for i64 {
    #[inline(always)]
    fn halves(self) -> (i64, i64) {
        (self >> 32, self & 0xffff_ffff)
    }
}

impl Split for u64 {
    #[inline(always)]
    fn halves(self) -> (i64, i64) {
        ((self >> 32) as i64, (self & 0xffff_ffff) as i64)
    }
}

struct AddHalves<'a, T> {
    values: &'a [T],
    row: usize,
    valid: Option<&'a Valid>,
}

impl<T: Split> Kernel for AddHalves<'_, T> {
    type Output = (i64, i64);

    #[inline(always)]
    fn run(self) -> (i64, i64) {
        let mut sums = (0_i64, 0_i64);
        let mut add = |value: T, keep: i64| {
            let (high, low) = value.halves();
            sums.0 += high & keep;
            sums.1 += low & keep;
        };
        let Some(valid) = self.valid else {
            for value in self.values {
                add(*value, -1);
            }
            return sums;
        };
        let blocks = self.values.len() / 32;
        for (number, block) in self.values.chunks_exact(32).enumerate() {
            let word = valid.word32(self.row + number * 32);
            for (lane, value) in block.iter().enumerate() {
                add(*value, -i64::from(word >> lane & 1));
            }
        }
        for at in blocks * 32..self.values.len() {
            add(self.values[at], -i64::from(valid.at(self.row + at)));
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Decimal128Array;

    use super::*;

    #[test]
    fn sums_are_exact_beyond_128_bits() {
        let mut sum = WholeSum::default();
        sum.add(i128::MAX);
        sum.add(1);
        assert_eq!(sum.value(), None);
        assert!((sum.to_f64() - 2_f64.powi(127)).abs() < 1e20);
        sum.add(-1);
        sum.add(-1);
        assert_eq!(sum.value(), Some(i128::MAX - 1));
        let mut least = WholeSum::default();
        least.add(i128::MIN);
        least.add(-1);
        assert_eq!(least.value(), None);
        least.add(i128::MAX);
        assert_eq!(least.value(), Some(-2));
    }

    #[test]
    fn every_level_adds_the_same() {
        let values: Vec<i64> =
            (0..3000).map(|i| i64::wrapping_mul(i, 0x1e37_79b9_7f4a_7c15) ^ i64::MIN).collect();
        let nulls = arrow::buffer::NullBuffer::from_iter((0..3000).map(|i| i % 5 != 1));
        let valid = Valid::of(Some(&nulls));
        let expected: i128 =
            values.iter().enumerate().filter(|(i, _)| i % 5 != 1).map(|(_, v)| i128::from(*v)).sum();
        for (high, low) in wide::run_all(|| AddHalves { values: &values, row: 0, valid: valid.as_ref() }) {
            assert_eq!((i128::from(high) << 32) + i128::from(low), expected);
        }
        let longs: Vec<i128> = values.iter().map(|value| i128::from(*value) * (1 << 32) - 7).collect();
        let array = Decimal128Array::from(longs.clone());
        let kept = longs.iter().enumerate().filter(|(i, _)| i % 5 != 1).map(|(_, v)| *v);
        let expected: i128 = kept.sum();
        let long = || AddLong { values: halves::halves(&array), row: 0, valid: valid.as_ref() };
        assert!(wide::run_all(long).into_iter().all(|sum| sum == Some(expected)));
        let mut sum = WholeSum::default();
        sum.add_long(
            halves::halves(&Decimal128Array::from(vec![i128::MAX, -5, i128::MAX, 2, i128::MIN])),
            None,
        );
        assert_eq!(sum.value(), Some(i128::MAX - 4));
        let mut sum = WholeSum::default();
        sum.add_rows(&[u64::MAX, u64::MAX, 1], None);
        assert_eq!(sum.value(), Some(2 * i128::from(u64::MAX) + 1));
    }
}
