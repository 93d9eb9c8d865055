//! Values spread over the rows that have one: what [`super::compact`] undoes.

#[cfg(target_arch = "x86_64")]
use partita_columns::cpu::Level;

use super::encode::{Cpu, at_each_level};

macro_rules! expand {
    ($body:ident, $type:ty) => {
        #[inline(always)]
        fn $body(values: &mut [$type], valid: &[u64]) {
            let Some(last) = values.len().checked_sub(1) else { return };
            let mut from = present(values.len(), valid);
            // From the end on: what is overwritten has been moved.
            for (number, chunk) in (0..values.len()).step_by(64).enumerate().rev() {
                let rows = (values.len() - chunk).min(64);
                let word = valid.get(number).copied().unwrap_or(0);
                if word == u64::MAX && rows == 64 {
                    from -= 64;
                    values.copy_within(from..from + 64, chunk);
                    continue;
                }
                for row in (0..rows).rev() {
                    let is_valid = (word >> row & 1) as $type;
                    from -= is_valid as usize;
                    values[chunk + row] = values[from.min(last)] & (0 as $type).wrapping_sub(is_valid);
                }
            }
        }
    };
}

/// How many of the rows are valid.
#[inline(always)]
pub(super) fn present(rows: usize, valid: &[u64]) -> usize {
    let (whole, rest) = (rows / 64, rows % 64);
    let word = |number: usize| valid.get(number).copied().unwrap_or(0);
    let ones = |word: u64| word.count_ones() as usize;
    let last = if rest > 0 { ones(word(whole) & !(u64::MAX << rest)) } else { 0 };
    (0..whole).map(|number| ones(word(number))).sum::<usize>() + last
}

expand!(expand_plain_u32_body, u32);
expand!(expand_plain_u64_body, u64);
expand!(expand_u128_body, u128);
expand!(expand_i128_body, i128);

at_each_level! {
    /// Value by value.
    fn expand_plain_u32(values: &mut [u32], valid: &[u64]) = expand_plain_u32_body;
}
at_each_level! {
    /// Value by value.
    fn expand_plain_u64(values: &mut [u64], valid: &[u64]) = expand_plain_u64_body;
}
at_each_level! {
    /// As [`expand_u32`].
    fn expand_u128(values: &mut [u128], valid: &[u64]) = expand_u128_body;
}
at_each_level! {
    /// As [`expand_u32`].
    fn expand_i128(values: &mut [i128], valid: &[u64]) = expand_i128_body;
}

/// Moves the first values, one for each set bit of `valid` (64 rows a word, lowest first), to the rows of those bits; zeros elsewhere.
pub(crate) fn expand_u32(cpu: Cpu, values: &mut [u32], valid: &[u64]) {
    match cpu.level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Cpu` has a level of this processor.
        Level::Avx512 => unsafe { avx512::expand_u32(values, valid) },
        _ => expand_plain_u32(cpu, values, valid),
    }
}

/// As [`expand_u32`].
pub(crate) fn expand_u64(cpu: Cpu, values: &mut [u64], valid: &[u64]) {
    match cpu.level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Cpu` has a level of this processor.
        Level::Avx512 => unsafe { avx512::expand_u64(values, valid) },
        _ => expand_plain_u64(cpu, values, valid),
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    use super::present;

    macro_rules! expand {
        ($name:ident, $type:ty, $lanes:expr, $mask:ty, $load:ident, $store:ident) => {
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
            pub(super) fn $name(values: &mut [$type], valid: &[u64]) {
                let mut from = present(values.len(), valid);
                let pointer = values.as_mut_ptr();
                for start in (0..values.len()).step_by($lanes).rev() {
                    let rows = (values.len() - start).min($lanes);
                    let there = <$mask>::MAX >> ($lanes - rows);
                    let word = valid.get(start / 64).copied().unwrap_or(0);
                    let mask = (word >> (start % 64)) as $mask & there;
                    from -= mask.count_ones() as usize;
                    // SAFETY: as many values as the mask has bits are read from `from` on, all of them before those that have been
                    // moved: `from` was the number of valid rows up to here, so it is at most `start`. `rows` are written from
                    // `start` on, which are in the slice.
                    unsafe {
                        let moved = $load(mask, pointer.add(from).cast());
                        $store(pointer.add(start).cast(), there, moved);
                    }
                }
            }
        };
    }

    expand!(expand_u32, u32, 16, u16, _mm512_maskz_expandloadu_epi32, _mm512_mask_storeu_epi32);
    expand!(expand_u64, u64, 8, u8, _mm512_maskz_expandloadu_epi64, _mm512_mask_storeu_epi64);
}

#[inline(always)]
fn deposit_body(bits: &[u64], valid: &[u64], out: &mut Vec<u64>) {
    let mut at = 0;
    for &word in valid {
        let (number, shift) = (at / 64, at % 64);
        let low = bits.get(number).copied().unwrap_or(0) >> shift;
        let high = bits.get(number + 1).copied().unwrap_or(0);
        let source = if shift == 0 { low } else { low | high << (64 - shift) };
        out.push(deposit_word(source, word));
        at += word.count_ones() as usize;
    }
}

/// The lowest bits of `source`, one for each bit of `mask`, at its place.
#[inline(always)]
fn deposit_word(mut source: u64, mask: u64) -> u64 {
    if mask == u64::MAX {
        return source;
    }
    let (mut left, mut bits) = (mask, 0);
    while left != 0 {
        let lowest = left & left.wrapping_neg();
        bits |= lowest & 0_u64.wrapping_sub(source & 1);
        source >>= 1;
        left &= left - 1;
    }
    bits
}

at_each_level! {
    /// Appends for each word of `valid` one with the next bits of `bits` at the places of its bits.
    fn deposit(bits: &[u64], valid: &[u64], out: &mut Vec<u64>) = deposit_body;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_go_to_their_rows(rows in proptest::collection::vec(any::<Option<u64>>(), 0..300), all in any::<bool>()) {
            let rows: Vec<Option<u64>> = rows.into_iter().map(|row| if all { row.or(Some(3)) } else { row }).collect();
            let mut valid = vec![0_u64; rows.len().div_ceil(64)];
            rows.iter().enumerate().for_each(|(at, row)| valid[at / 64] |= u64::from(row.is_some()) << (at % 64));
            let expected: Vec<u64> = rows.iter().map(|row| row.unwrap_or(0)).collect();
            let mut compact: Vec<u64> = rows.iter().filter_map(|row| *row).collect();
            let mut bits = vec![0_u64; compact.len().div_ceil(64)];
            compact.iter().enumerate().for_each(|(at, value)| bits[at / 64] |= (value & 1) << (at % 64));
            compact.resize(rows.len(), 99);
            for cpu in Cpu::all() {
                let mut values = compact.clone();
                expand_u64(cpu, &mut values, &valid);
                prop_assert_eq!(&values, &expected);
                let mut values: Vec<u32> = compact.iter().map(|&value| value as u32).collect();
                expand_u32(cpu, &mut values, &valid);
                prop_assert_eq!(values, expected.iter().map(|&value| value as u32).collect::<Vec<_>>());
                let mut values: Vec<u128> = compact.iter().map(|&value| u128::from(value) << 50).collect();
                expand_u128(cpu, &mut values, &valid);
                prop_assert_eq!(values, expected.iter().map(|&value| u128::from(value) << 50).collect::<Vec<_>>());
                let mut out = Vec::new();
                deposit(cpu, &bits, &valid, &mut out);
                let spread: Vec<u64> = (0..rows.len()).map(|row| out[row / 64] >> (row % 64) & 1).collect();
                prop_assert_eq!(spread, expected.iter().map(|value| value & 1).collect::<Vec<_>>());
            }
        }
    }
}
