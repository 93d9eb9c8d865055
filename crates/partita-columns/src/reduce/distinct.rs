//! The number of distinct values, within a bound.

use arrow::array::{Array, ArrayRef};
use serde::{Deserialize, Serialize};

use super::keys;
use crate::error::Result;

/// Bits of a hash that choose a register.
const BITS: u32 = 14;

/// Bits that are left to count zeros in.
const LEFT: u32 = 64 - BITS;

/// HyperLogLog with 2^14 registers (Flajolet and others, 2007) and the estimator of Ertl (2017), which has no bias for small and
/// for large numbers. The standard error is 1.04 / sqrt(2^14) = 0.81 %; two of three answers are nearer than that, and 99.7 %
/// within 2.5 %. Hashes are fixed: an answer depends on the set of values alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HyperLogLog {
    registers: Vec<u8>,
}

impl Default for HyperLogLog {
    fn default() -> Self {
        Self { registers: vec![0; 1 << BITS] }
    }
}

impl HyperLogLog {
    /// Adds the values of a column that are not null.
    ///
    /// # Errors
    /// Where the type has no keys.
    pub fn update(&mut self, column: &ArrayRef) -> Result<()> {
        for_each_mark(column, |_, mark| self.add(mark))
    }

    fn add(&mut self, (register, zeros): Mark) {
        let register = &mut self.registers[usize::from(register)];
        *register = (*register).max(zeros);
    }

    /// Adds the values of another set.
    pub fn merge(&mut self, other: &HyperLogLog) {
        for (register, other) in self.registers.iter_mut().zip(&other.registers) {
            *register = (*register).max(*other);
        }
    }

    /// Bytes that it takes beside itself.
    pub(super) fn memory_bytes(&self) -> usize {
        self.registers.capacity()
    }

    /// About how many there are.
    pub fn estimate(&self) -> u64 {
        estimate(self.registers.iter().copied().filter(|register| *register > 0))
    }
}

/// The register that a hash changes, and the value that it takes at least.
pub(crate) type Mark = (u16, u8);

/// Calls `see` with the row and the mark of every value that is not null.
///
/// # Errors
/// Where the type has no keys.
pub(crate) fn for_each_mark(column: &ArrayRef, mut see: impl FnMut(usize, Mark)) -> Result<()> {
    match keys::fixed(column) {
        Some(keys) => {
            let rows = keys.iter().enumerate().filter(|(row, _)| column.is_valid(*row));
            rows.for_each(|(row, key)| see(row, mark(mix(*key))));
        }
        None => keys::for_each_bytes(column, |row, bytes| see(row, mark(hash(bytes))))?,
    }
    Ok(())
}

fn mark(hash: u64) -> Mark {
    // The bit below the last stops the count.
    ((hash >> LEFT) as u16, (hash << BITS | 1 << (BITS - 1)).leading_zeros() as u8 + 1)
}

/// About how many values there are, from the registers that are not zero.
pub(crate) fn estimate(registers: impl Iterator<Item = u8>) -> u64 {
    let mut counts = [0_u32; LEFT as usize + 2];
    let mut set = 0;
    for register in registers {
        counts[usize::from(register).min(LEFT as usize + 1)] += 1;
        set += 1;
    }
    counts[0] = (1 << BITS) - set;
    let all = f64::from(1_u32 << BITS);
    let mut sum = all * tau(1.0 - f64::from(counts[LEFT as usize + 1]) / all);
    for count in counts[1..=LEFT as usize].iter().rev() {
        sum = 0.5 * (sum + f64::from(*count));
    }
    sum += all * sigma(f64::from(counts[0]) / all);
    (all * all / (2.0 * std::f64::consts::LN_2) / sum).round() as u64
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the key changes half of the bits.
pub(super) fn mix(key: u64) -> u64 {
    let mut hash = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

/// Eight bytes at a time, by a product of 128 bits folded to 64.
fn hash(bytes: &[u8]) -> u64 {
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        (product as u64) ^ (product >> 64) as u64
    };
    let mut state = 0x2d35_8dcc_aa6c_78a5 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state =
            fold(state ^ u64::from_le_bytes(word), 0x9e37_79b9_7f4a_7c15).wrapping_add(0x8bb8_4b93_962e_acc9);
    }
    mix(state)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringViewArray};

    use super::*;

    #[test]
    fn estimates_are_within_the_bound() {
        for count in [0_i64, 1, 10, 1000, 20_000, 60_000, 300_000] {
            let whole: ArrayRef =
                Arc::new(Int64Array::from_iter_values((0..count * 2).map(|i| i % count.max(1) * 7)));
            let texts: ArrayRef =
                Arc::new((0..count).map(|i| Some(format!("value {i}"))).collect::<StringViewArray>());
            for column in [whole, texts] {
                let mut sketch = HyperLogLog::default();
                let half = column.len() / 2;
                sketch.update(&column.slice(0, half)).unwrap();
                let mut later = HyperLogLog::default();
                later.update(&column.slice(half, column.len() - half)).unwrap();
                sketch.merge(&later);
                let error = sketch.estimate() as f64 - count as f64;
                assert!(error.abs() <= count as f64 * 0.025, "{count}: {}", sketch.estimate());
            }
        }
    }
}
