//! Differences between neighbours, as `DELTA_BINARY_PACKED` stores them.

use super::encode::at_each_level;

/// Values of a block of 32-bit and of 64-bit numbers. A block has four mini blocks, each with a width of its own.
pub(crate) const BLOCK32: usize = 128;
/// As [`BLOCK32`].
pub(crate) const BLOCK64: usize = 256;
/// Mini blocks in a block.
pub(crate) const MINI_BLOCKS: usize = 4;

macro_rules! block {
    ($body:ident, $unsigned:ty, $signed:ty, $block:expr) => {
        #[inline(always)]
        fn $body(
            before: $unsigned,
            values: &[$unsigned],
            above: &mut [$unsigned; $block],
        ) -> ($signed, [u32; MINI_BLOCKS]) {
            let count = values.len().min($block);
            let values = &values[..count];
            let Some(&first) = values.first() else {
                return (0, [0; MINI_BLOCKS]);
            };
            above[0] = first.wrapping_sub(before);
            for (above, pair) in above[1..].iter_mut().zip(values.windows(2)) {
                *above = pair[1].wrapping_sub(pair[0]);
            }
            let mut least = <$signed>::MAX;
            for &delta in &above[..count] {
                least = least.min(delta as $signed);
            }
            for delta in &mut above[..count] {
                *delta = delta.wrapping_sub(least as $unsigned);
            }
            above[count..].fill(0);
            let mut widths = [0; MINI_BLOCKS];
            for (width, mini) in widths.iter_mut().zip(above.chunks_exact($block / MINI_BLOCKS)) {
                let bits = mini.iter().fold(0, |bits, delta| bits | delta);
                *width = <$unsigned>::BITS - bits.leading_zeros();
            }
            (least, widths)
        }
    };
}

block!(block32_body, u32, i32, BLOCK32);
block!(block64_body, u64, i64, BLOCK64);

at_each_level! {
    /// The differences of at most [`BLOCK32`] values to the one before each, less the smallest of them; zeros behind. That
    /// smallest, and how many bits each mini block needs.
    fn block32(before: u32, values: &[u32], above: &mut [u32; BLOCK32]) -> (i32, [u32; MINI_BLOCKS]) = block32_body;
}
at_each_level! {
    /// As [`block32`], of 64-bit values.
    fn block64(before: u64, values: &[u64], above: &mut [u64; BLOCK64]) -> (i64, [u32; MINI_BLOCKS]) = block64_body;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::encode::Cpu;
    use super::*;

    proptest! {
        #[test]
        fn differences_add_up(values in proptest::collection::vec(any::<u64>(), 1..=BLOCK64), shift in 0..63_u32, before in any::<u64>()) {
            let values: Vec<u64> = values.iter().map(|value| value >> shift).collect();
            for cpu in Cpu::all() {
                let mut above = [7; BLOCK64];
                let (least, widths) = block64(cpu, before, &values, &mut above);
                let mut last = before;
                for (at, &value) in values.iter().enumerate() {
                    last = last.wrapping_add(above[at]).wrapping_add(least as u64);
                    prop_assert_eq!(last, value);
                    let width = widths[at / (BLOCK64 / MINI_BLOCKS)];
                    prop_assert!(width == 64 || above[at] >> width == 0);
                }
                prop_assert!(above[..values.len()].contains(&0));
                prop_assert!(above[values.len()..].iter().all(|&above| above == 0));
                let short: Vec<u32> = values.iter().take(BLOCK32).map(|&value| value as u32).collect();
                let mut above = [7; BLOCK32];
                let (least, _) = block32(cpu, 5, &short, &mut above);
                let sums = above.iter().scan(5_u32, |last, &above| {
                    *last = last.wrapping_add(above).wrapping_add(least as u32);
                    Some(*last)
                });
                prop_assert_eq!(sums.take(short.len()).collect::<Vec<_>>(), short);
            }
        }
    }
}
