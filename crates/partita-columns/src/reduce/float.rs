//! Sums of floats that do not depend on how rows are cut, nor on the processor.

use serde::{Deserialize, Serialize};

use crate::wide::{self, Kernel, Valid};

/// Row `i` of a partition goes to lane `i % LANES`: so many additions have no order among each other.
pub(super) const LANES: usize = 32;

/// Lanes are added up after so many rows, and the error of that addition is kept.
const BLOCK_ROWS: usize = 1024;

/// A running sum. Within a block of rows each lane is a plain sum; sums of blocks are added with their rounding errors
/// kept (Knuth, The Art of Computer Programming 4.2.2, TwoSum), so that the error of the whole does not grow with the
/// number of blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FloatSum {
    lanes: [f64; LANES],
    /// Rows of the current block.
    rows: usize,
    high: f64,
    low: f64,
}

impl Default for FloatSum {
    fn default() -> Self {
        Self { lanes: [0.0; LANES], rows: 0, high: 0.0, low: 0.0 }
    }
}

impl FloatSum {
    /// Adds the rows of a column; those that `valid` leaves out take their place and add nothing.
    pub(super) fn add<T: Copy + Into<f64>>(&mut self, values: &[T], valid: Option<&Valid>) {
        let mut done = 0;
        while done < values.len() {
            let rows = (BLOCK_ROWS - self.rows).min(values.len() - done);
            wide::run(AddRows {
                lanes: &mut self.lanes,
                first: self.rows % LANES,
                values: &values[done..done + rows],
                row: done,
                valid,
            });
            done += rows;
            self.rows += rows;
            if self.rows == BLOCK_ROWS {
                self.close();
            }
        }
    }

    /// Ends the block.
    fn close(&mut self) {
        let mut lanes = self.lanes;
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
            width /= 2;
        }
        (self.lanes, self.rows) = ([0.0; LANES], 0);
        self.add_one(lanes[0]);
    }

    fn add_one(&mut self, value: f64) {
        let sum = self.high + value;
        if sum.is_finite() {
            let part = sum - self.high;
            self.low += (self.high - (sum - part)) + (value - part);
        } else {
            self.low = 0.0;
        }
        self.high = sum;
    }

    /// Adds the sum of the rows behind these.
    pub fn merge(&mut self, later: &FloatSum) {
        let mut later = later.clone();
        later.close();
        self.close();
        self.add_one(later.high);
        self.low += later.low;
    }

    /// The sum.
    pub fn value(&self) -> f64 {
        let mut done = self.clone();
        done.close();
        done.high + done.low
    }
}

/// Adds rows to lanes, the first to lane `first`.
struct AddRows<'a, T> {
    lanes: &'a mut [f64; LANES],
    first: usize,
    values: &'a [T],
    /// The place of the first value in `valid`.
    row: usize,
    valid: Option<&'a Valid>,
}

impl<T: Copy + Into<f64>> AddRows<'_, T> {
    #[inline(always)]
    fn one(&mut self, at: usize) {
        if self.valid.is_none_or(|valid| valid.at(self.row + at)) {
            self.lanes[(self.first + at) % LANES] += self.values[at].into();
        }
    }
}

impl<T: Copy + Into<f64>> Kernel for AddRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let head = ((LANES - self.first) % LANES).min(self.values.len());
        let blocks = (self.values.len() - head) / LANES;
        for at in 0..head {
            self.one(at);
        }
        let mut lanes = *self.lanes;
        let whole = &self.values[head..head + blocks * LANES];
        match self.valid {
            None => {
                for block in whole.chunks_exact(LANES) {
                    for lane in 0..LANES {
                        lanes[lane] += block[lane].into();
                    }
                }
            }
            Some(valid) => {
                for (number, block) in whole.chunks_exact(LANES).enumerate() {
                    let word = valid.word32(self.row + head + number * LANES);
                    for lane in 0..LANES {
                        let value: f64 = block[lane].into();
                        lanes[lane] += if word >> lane & 1 == 1 { value } else { 0.0 };
                    }
                }
            }
        }
        *self.lanes = lanes;
        for at in head + blocks * LANES..self.values.len() {
            self.one(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_and_every_cut_gives_the_same_bits() {
        let values: Vec<f64> =
            (0..5000).map(|i| (f64::from(i) * 0.37).sin() * 1e6 / f64::from(i + 1)).collect();
        let nulls = arrow::buffer::NullBuffer::from_iter((0..5000).map(|i| i % 7 != 3));
        for valid in [None, Valid::of(Some(&nulls))] {
            let mut lanes = wide::run_all(|| LanesOf { values: &values, valid: valid.as_ref() }).into_iter();
            let first = lanes.next();
            assert!(lanes.all(|other| Some(other) == first));
            let mut whole = FloatSum::default();
            whole.add(&values, valid.as_ref());
            for cut in [1, 31, 32, 100, 1024, 3000] {
                let mut cuts = FloatSum::default();
                for (number, chunk) in values.chunks(cut).enumerate() {
                    let part = nulls.slice(number * cut, chunk.len());
                    cuts.add(chunk, valid.as_ref().and_then(|_| Valid::of(Some(&part))).as_ref());
                }
                assert_eq!(cuts.value().to_bits(), whole.value().to_bits());
            }
        }
    }

    struct LanesOf<'a> {
        values: &'a [f64],
        valid: Option<&'a Valid>,
    }

    impl Kernel for LanesOf<'_> {
        type Output = [f64; LANES];

        #[inline(always)]
        fn run(self) -> [f64; LANES] {
            let mut lanes = [0.5; LANES];
            let (values, valid) = (self.values, self.valid);
            AddRows { lanes: &mut lanes, first: 5, values, row: 0, valid }.run();
            lanes
        }
    }

    #[test]
    fn errors_of_blocks_are_kept() {
        let mut values = vec![0.1; 1 << 20];
        values.extend([1e16, -1e16]);
        let mut sum = FloatSum::default();
        sum.add(&values, None);
        // Around 1e16 a float is even: what was added before survives up to one lane of one block.
        let mut small = FloatSum::default();
        small.add(&vec![0.1; 1 << 20], None);
        assert!((small.value() - 0.1 * f64::from(1 << 20)).abs() < 1e-9);
        assert!((sum.value() - small.value()).abs() <= 2.0);
    }

    #[test]
    fn infinities_and_nan_come_through() {
        let of = |values: &[f64]| {
            let mut sum = FloatSum::default();
            sum.add(values, None);
            sum.value()
        };
        assert_eq!(of(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(of(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(of(&[f64::NAN, 1.0]).is_nan());
        assert_eq!(of(&[]), 0.0);
    }
}
