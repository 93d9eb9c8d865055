//! Numbers to as few bits as they need, lowest bits first, as Parquet's hybrid of runs and packed groups and its packed
//! differences have them.

#[cfg(target_arch = "x86_64")]
use partita_columns::cpu::Level;

use super::encode::{Cpu, at_each_level};

/// Bytes behind the packed ones that kernels may touch.
const SLACK: usize = 32;

/// Appends `values`, each in `width` bits (at most 32, and no value may need more), padded with zeros to a multiple of
/// eight values: `values.len().div_ceil(8) * width` bytes.
pub(crate) fn pack32(cpu: Cpu, values: &[u32], width: u32, out: &mut Vec<u8>) {
    let start = out.len();
    let end = start + values.len().div_ceil(8) * width as usize;
    if width == 0 {
        return;
    }
    out.resize(end + SLACK, 0);
    pack_groups(cpu, values, width, &mut out[start..]);
    out.truncate(end);
}

fn pack_groups(cpu: Cpu, values: &[u32], width: u32, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if matches!(cpu.level(), Level::Avx2 | Level::Avx512) {
        // SAFETY: a `Cpu` has a level of this processor, and both have what is needed.
        unsafe { extract(values, width, out) };
        return;
    }
    let _ = cpu.level();
    each_group(values, out, width, |group, out| shift_group(group, width, out));
}

/// Packs group by group; the last may be shorter.
#[inline(always)]
fn each_group(values: &[u32], out: &mut [u8], width: u32, mut pack: impl FnMut(&[u32; 8], &mut [u8])) {
    let (groups, rest) = values.as_chunks::<8>();
    let mut at = 0;
    for group in groups {
        pack(group, &mut out[at..at + SLACK]);
        at += width as usize;
    }
    if !rest.is_empty() {
        let mut group = [0; 8];
        group[..rest.len()].copy_from_slice(rest);
        pack(&group, &mut out[at..at + SLACK]);
    }
}

/// Every group by shifts. `out` has [`SLACK`] bytes.
#[inline(always)]
fn shift_group(group: &[u32; 8], width: u32, out: &mut [u8]) {
    let (mut bits, mut used, mut at) = (0_u64, 0, 0);
    for &value in group {
        bits |= u64::from(value) << used;
        used += width;
        if used >= 32 {
            out[at..at + 4].copy_from_slice(&(bits as u32).to_le_bytes());
            at += 4;
            bits >>= 32;
            used -= 32;
        }
    }
    if used > 0 {
        out[at..at + 4].copy_from_slice(&(bits as u32).to_le_bytes());
    }
}

/// Groups by parallel bit extraction: the values as bytes, 16-bit or 32-bit numbers in words, and of each the lower bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn extract(values: &[u32], width: u32, out: &mut [u8]) {
    use std::arch::x86_64::_pext_u64;

    let low = (1_u64 << width) - 1;
    match width {
        ..=8 => each_group(values, out, width, |group, out| {
            let word = u64::from_le_bytes(group.map(|value| value as u8));
            let bits = _pext_u64(word, low * 0x0101_0101_0101_0101);
            out[..8].copy_from_slice(&bits.to_le_bytes());
        }),
        9..=16 => each_group(values, out, width, |group, out| {
            let word =
                |at: usize| (0..4).fold(0, |word, lane| word | u64::from(group[at + lane]) << (16 * lane));
            let mask = low * 0x0001_0001_0001_0001;
            let first = u128::from(_pext_u64(word(0), mask));
            let second = u128::from(_pext_u64(word(4), mask));
            out[..16].copy_from_slice(&(first | second << (4 * width)).to_le_bytes());
        }),
        _ => each_group(values, out, width, |group, out| {
            let pair = |at: usize| u128::from(group[at]) | u128::from(group[at + 1]) << width;
            let first = pair(0) | pair(2) << (2 * width);
            let second = pair(4) | pair(6) << (2 * width);
            // Four values end in the middle of a byte where the width is odd.
            let whole = (4 * width / 8) as usize;
            out[..16].copy_from_slice(&first.to_le_bytes());
            let (shift, rest) = (4 * width % 8, first.checked_shr(8 * whole as u32).unwrap_or(0));
            out[whole..whole + 16].copy_from_slice(&(second << shift | rest).to_le_bytes());
        }),
    }
}

/// Appends `values`, each in `width` bits (at most 64), padded with zeros to a whole number of bytes.
pub(crate) fn pack64(cpu: Cpu, values: &[u64], width: u32, out: &mut Vec<u8>) {
    let start = out.len();
    let end = start + (values.len() * width as usize).div_ceil(8);
    out.resize(end + 16, 0);
    if width > 0 {
        shift64(cpu, values, width, &mut out[start..]);
    }
    out.truncate(end);
}

#[inline(always)]
fn shift64_body(values: &[u64], width: u32, out: &mut [u8]) {
    let (mut bits, mut used, mut at) = (0_u64, 0, 0);
    for &value in values {
        bits |= value << used;
        used += width;
        if used >= 64 {
            out[at..at + 8].copy_from_slice(&bits.to_le_bytes());
            at += 8;
            used -= 64;
            // What is left of the value: none of it where it ended with the word.
            bits = value.checked_shr(width - used).unwrap_or(0);
        }
    }
    out[at..at + 8].copy_from_slice(&bits.to_le_bytes());
}

at_each_level! {
    /// Packs into a buffer of 8 bytes more than needed.
    fn shift64(values: &[u64], width: u32, out: &mut [u8]) = shift64_body;
}

/// Puts a bit for each value: whether it is the one before. The bit of the first is 0, those behind the last are 1, at least
/// 64 of them.
pub(crate) fn same_bits(cpu: Cpu, values: &[u32], bits: &mut Vec<u64>) {
    bits.clear();
    let Some((&first, _)) = values.split_first() else {
        bits.push(u64::MAX);
        return;
    };
    // The first block has no value before it in memory.
    let head = &values[..values.len().min(64)];
    let other = !first;
    let before = std::iter::once(&other).chain(head);
    bits.push(
        head.iter()
            .zip(before)
            .enumerate()
            .fold(0, |word, (at, (value, before))| word | u64::from(value == before) << at),
    );
    same_blocks(cpu, values, bits);
    let rest = values.len() % 64;
    if rest > 0 && values.len() > 64 {
        let start = values.len() - rest;
        bits.push(
            (0..rest)
                .fold(0, |word, at| word | u64::from(values[start + at] == values[start + at - 1]) << at),
        );
    }
    if let Some(last) = bits.last_mut().filter(|_| rest > 0) {
        *last |= u64::MAX << rest;
    }
    bits.push(u64::MAX);
}

/// Whole blocks of 64 but the first.
fn same_blocks(cpu: Cpu, values: &[u32], bits: &mut Vec<u64>) {
    #[cfg(target_arch = "x86_64")]
    match cpu.level() {
        // SAFETY: a `Cpu` has a level of this processor.
        Level::Avx512 => return unsafe { same_blocks_avx512(values, bits) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { same_blocks_avx2(values, bits) },
        _ => {}
    }
    let _ = cpu.level();
    for start in (64..values.len() / 64 * 64).step_by(64) {
        let (block, before) = (&values[start..start + 64], &values[start - 1..start + 63]);
        bits.push(
            block
                .iter()
                .zip(before)
                .enumerate()
                .fold(0, |word, (at, (value, before))| word | u64::from(value == before) << at),
        );
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn same_blocks_avx512(values: &[u32], bits: &mut Vec<u64>) {
    use std::arch::x86_64::{_mm512_cmpeq_epi32_mask, _mm512_loadu_si512};

    for start in (64..values.len() / 64 * 64).step_by(64) {
        let word = (0..4).fold(0, |word, quarter| {
            let at = start + 16 * quarter;
            // SAFETY: 16 values from `at - 1` on and 16 from `at` on are within the 64 from `start` on and the one before.
            let (before, here) = unsafe {
                let at = values.as_ptr().add(at);
                (_mm512_loadu_si512(at.sub(1).cast()), _mm512_loadu_si512(at.cast()))
            };
            word | u64::from(_mm512_cmpeq_epi32_mask(before, here)) << (16 * quarter)
        });
        bits.push(word);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn same_blocks_avx2(values: &[u32], bits: &mut Vec<u64>) {
    use std::arch::x86_64::{
        _mm256_castsi256_ps, _mm256_cmpeq_epi32, _mm256_loadu_si256, _mm256_movemask_ps,
    };

    for start in (64..values.len() / 64 * 64).step_by(64) {
        let word = (0..8).fold(0, |word, eighth| {
            let at = start + 8 * eighth;
            // SAFETY: 8 values from `at - 1` on and 8 from `at` on are within the 64 from `start` on and the one before.
            let (before, here) = unsafe {
                let at = values.as_ptr().add(at);
                (_mm256_loadu_si256(at.sub(1).cast()), _mm256_loadu_si256(at.cast()))
            };
            let same = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(before, here)));
            word | u64::from(same as u32) << (8 * eighth)
        });
        bits.push(word);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bit by bit.
    fn packed(values: impl Iterator<Item = u64>, width: u32, bytes: usize) -> Vec<u8> {
        let mut out = vec![0; bytes];
        let bits = values.flat_map(|value| (0..width).map(move |bit| value >> bit & 1 == 1));
        for (at, bit) in bits.enumerate() {
            out[at / 8] |= u8::from(bit) << (at % 8);
        }
        out
    }

    proptest! {
        #[test]
        fn bits_are_where_they_belong(values in proptest::collection::vec(any::<u64>(), 0..100), width in 0..=64_u32) {
            let masked: Vec<u64> = values.iter().map(|&value| value & 1_u64.checked_shl(width).map_or(u64::MAX, |bit| bit - 1)).collect();
            let expected = packed(masked.iter().copied(), width, (masked.len() * width as usize).div_ceil(8));
            for cpu in Cpu::all() {
                let mut out = vec![1];
                pack64(cpu, &masked, width, &mut out);
                prop_assert_eq!(&out[1..], &expected);
                if width <= 32 {
                    let short: Vec<u32> = masked.iter().map(|&value| value as u32).collect();
                    let expected = packed(masked.iter().copied(), width, masked.len().div_ceil(8) * width as usize);
                    let mut out = vec![2, 3];
                    pack32(cpu, &short, width, &mut out);
                    prop_assert_eq!(&out[2..], &expected);
                }
            }
        }

        #[test]
        fn same_values_have_a_bit(runs in proptest::collection::vec((0..3_u32, 1..30_usize), 0..80)) {
            let values: Vec<u32> = runs.iter().flat_map(|&(value, count)| std::iter::repeat_n(value, count)).collect();
            for cpu in Cpu::all() {
                let mut bits = vec![5];
                same_bits(cpu, &values, &mut bits);
                prop_assert!(bits.len() * 64 >= values.len() + 64);
                for at in 0..bits.len() * 64 {
                    let expected = at >= values.len() || at > 0 && values[at] == values[at - 1];
                    prop_assert_eq!(bits[at / 64] >> (at % 64) & 1 == 1, expected, "{} of {}", at, values.len());
                }
            }
        }
    }
}
