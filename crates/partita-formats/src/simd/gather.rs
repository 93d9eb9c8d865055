//! Entries of a dictionary by their codes.

#[cfg(target_arch = "x86_64")]
use partita_columns::cpu::Level;

use super::encode::{Cpu, at_each_level};

macro_rules! gather {
    ($body:ident, $type:ty) => {
        #[inline(always)]
        fn $body(entries: &[$type], codes: &[u32], out: &mut [$type]) -> bool {
            let most = codes.iter().fold(0, |most, &code| most.max(code));
            if most as usize >= entries.len() {
                return codes.is_empty();
            }
            for (value, &code) in out.iter_mut().zip(codes) {
                // SAFETY: no code is above `most`, which is below the number of entries.
                *value = unsafe { *entries.get_unchecked(code as usize) };
            }
            true
        }
    };
}

gather!(gather_u32_body, u32);
gather!(gather_u64_body, u64);
gather!(gather_u128_body, u128);
gather!(gather_i128_body, i128);

at_each_level! {
    /// Puts the entry of each code in its place; `false` where a code has none.
    fn gather_u32(entries: &[u32], codes: &[u32], out: &mut [u32]) -> bool = gather_u32_body;
}
at_each_level! {
    /// As [`gather_u32`].
    fn gather_any_u64(entries: &[u64], codes: &[u32], out: &mut [u64]) -> bool = gather_u64_body;
}
at_each_level! {
    /// As [`gather_u32`].
    fn gather_u128(entries: &[u128], codes: &[u32], out: &mut [u128]) -> bool = gather_u128_body;
}
at_each_level! {
    /// As [`gather_u32`].
    fn gather_i128(entries: &[i128], codes: &[u32], out: &mut [i128]) -> bool = gather_i128_body;
}

/// Entries that two vectors hold.
#[cfg(target_arch = "x86_64")]
const FEW: usize = 16;

/// As [`gather_u32`].
pub(crate) fn gather_u64(cpu: Cpu, entries: &[u64], codes: &[u32], out: &mut [u64]) -> bool {
    match cpu.level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Cpu` has a level of this processor.
        Level::Avx512 if entries.len() <= FEW => unsafe { gather_few(entries, codes, out) },
        _ => gather_any_u64(cpu, entries, codes, out),
    }
}

/// Eight codes at a time, from entries that stay in two vectors.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2")]
fn gather_few(entries: &[u64], codes: &[u32], out: &mut [u64]) -> bool {
    use std::arch::x86_64::*;

    let most = codes.iter().fold(0, |most, &code| most.max(code));
    if most as usize >= entries.len() {
        return codes.is_empty();
    }
    let mut table = [0; FEW];
    table[..entries.len()].copy_from_slice(entries);
    // SAFETY: the table has 16 numbers, eight in each half.
    let (low, high) = unsafe {
        (_mm512_loadu_si512(table.as_ptr().cast()), _mm512_loadu_si512(table.as_ptr().add(8).cast()))
    };
    let ((blocks, rest), (targets, last)) = (codes.as_chunks::<8>(), out.as_chunks_mut::<8>());
    for (block, target) in blocks.iter().zip(targets) {
        // SAFETY: a block has 32 bytes, its target 64.
        unsafe {
            let places = _mm512_cvtepu32_epi64(_mm256_loadu_si256(block.as_ptr().cast()));
            let values = _mm512_permutex2var_epi64(low, places, high);
            _mm512_storeu_si512(target.as_mut_ptr().cast(), values);
        }
    }
    for (value, &code) in last.iter_mut().zip(rest) {
        *value = table[code as usize % FEW];
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_code_gets_its_entry(entries in proptest::collection::vec(any::<u64>(), 0..50), codes in proptest::collection::vec(0..40_u32, 0..100)) {
            let expected: Option<Vec<u64>> = codes.iter().map(|&code| entries.get(code as usize).copied()).collect();
            for cpu in Cpu::all() {
                let mut out = vec![0; codes.len()];
                prop_assert_eq!(gather_u64(cpu, &entries, &codes, &mut out), expected.is_some());
                if let Some(expected) = &expected {
                    prop_assert_eq!(&out, expected);
                    let short: Vec<u32> = entries.iter().map(|&entry| entry as u32).collect();
                    let mut out = vec![0; codes.len()];
                    prop_assert!(gather_u32(cpu, &short, &codes, &mut out));
                    prop_assert_eq!(out, expected.iter().map(|&entry| entry as u32).collect::<Vec<_>>());
                }
            }
        }
    }
}
