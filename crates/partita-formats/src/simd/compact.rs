//! The values of the rows that are not null, one after the other.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_mm512_loadu_si512, _mm512_maskz_compress_epi32, _mm512_storeu_si512};

#[cfg(target_arch = "x86_64")]
use partita_columns::cpu::Level;

use super::encode::{Cpu, at_each_level};

/// Of 64 values so many are found by their bits; of more each is looked at.
const FEW: u32 = 12;

/// Appends of 64 values those whose bit is set.
macro_rules! compact {
    ($body:ident, $type:ty) => {
        #[inline(always)]
        fn $body(values: &[$type], valid: &[u64], out: &mut Vec<$type>) {
            let start = out.len();
            // One value more than there are: every value is stored, and then passed or not.
            out.resize(start + values.len() + 1, Default::default());
            let target = &mut out[start..];
            let mut count = 0;
            for (chunk, &word) in values.chunks(64).zip(valid) {
                if word == u64::MAX && chunk.len() == 64 {
                    target[count..count + 64].copy_from_slice(chunk);
                    count += 64;
                    continue;
                }
                if word.count_ones() <= FEW {
                    let mut left = word;
                    while let Some(&value) = chunk.get(left.trailing_zeros() as usize) {
                        target[count] = value;
                        count += 1;
                        left &= left - 1;
                    }
                    continue;
                }
                for (bit, &value) in chunk.iter().enumerate() {
                    target[count] = value;
                    count += (word >> bit & 1) as usize;
                }
            }
            out.truncate(start + count);
        }
    };
}

compact!(compact_u8_body, u8);
compact!(compact_u32_body, u32);
compact!(compact_u64_body, u64);
compact!(compact_u128_body, u128);

at_each_level! {
    /// Appends the values whose bit in `valid` is set; the bits of 64 values are a word, lowest first.
    fn compact_u8(values: &[u8], valid: &[u64], out: &mut Vec<u8>) = compact_u8_body;
}
at_each_level! {
    /// Value by value.
    fn compact_plain_u32(values: &[u32], valid: &[u64], out: &mut Vec<u32>) = compact_u32_body;
}
at_each_level! {
    /// As [`compact_u8`].
    fn compact_u64(values: &[u64], valid: &[u64], out: &mut Vec<u64>) = compact_u64_body;
}
at_each_level! {
    /// As [`compact_u8`].
    fn compact_u128(values: &[u128], valid: &[u64], out: &mut Vec<u128>) = compact_u128_body;
}

/// As [`compact_u8`].
pub(crate) fn compact_u32(cpu: Cpu, values: &[u32], valid: &[u64], out: &mut Vec<u32>) {
    match cpu.level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Cpu` has a level of this processor.
        Level::Avx512 => unsafe { compact_wide_u32(values, valid, out) },
        _ => compact_plain_u32(cpu, values, valid, out),
    }
}

/// Sixteen at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,popcnt")]
fn compact_wide_u32(values: &[u32], valid: &[u64], out: &mut Vec<u32>) {
    let mut count = out.len();
    // Sixteen are stored, however many of them stay.
    out.resize(count + values.len() + 16, 0);
    for (chunk, &word) in values.chunks(64).zip(valid) {
        for (number, sixteen) in chunk.chunks(16).enumerate() {
            let mask = (word >> (number * 16)) as u16;
            if let Ok(sixteen) = <&[u32; 16]>::try_from(sixteen) {
                // SAFETY: 16 values are read of 16. No more were kept than there have been, and `out` has 16 more than there are.
                unsafe {
                    let values = _mm512_loadu_si512(sixteen.as_ptr().cast());
                    let kept = _mm512_maskz_compress_epi32(mask, values);
                    _mm512_storeu_si512(out.as_mut_ptr().add(count).cast(), kept);
                }
                count += mask.count_ones() as usize;
                continue;
            }
            for (bit, &value) in sixteen.iter().enumerate() {
                out[count] = value;
                count += usize::from(mask >> bit & 1);
            }
        }
    }
    out.truncate(count);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_valid_stays(rows in proptest::collection::vec((any::<u64>(), any::<bool>()), 0..300), all in any::<bool>()) {
            let values: Vec<u64> = rows.iter().map(|row| row.0).collect();
            let is_valid = |row: &(u64, bool)| row.1 || all;
            let mut valid = vec![0; rows.len().div_ceil(64)];
            rows.iter().enumerate().for_each(|(at, row)| valid[at / 64] |= u64::from(is_valid(row)) << (at % 64));
            let expected: Vec<u64> = rows.iter().filter(|row| is_valid(row)).map(|row| row.0).collect();
            for cpu in Cpu::all() {
                let mut out = vec![7];
                compact_u64(cpu, &values, &valid, &mut out);
                prop_assert_eq!(&out[1..], &expected);
                let mut out = Vec::new();
                compact_u32(cpu, &values.iter().map(|&value| value as u32).collect::<Vec<_>>(), &valid, &mut out);
                prop_assert_eq!(out, expected.iter().map(|&value| value as u32).collect::<Vec<_>>());
            }
        }
    }
}
