//! Entries of a dictionary by their codes.

use super::encode::at_each_level;

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
    fn gather_u64(entries: &[u64], codes: &[u32], out: &mut [u64]) -> bool = gather_u64_body;
}
at_each_level! {
    /// As [`gather_u32`].
    fn gather_u128(entries: &[u128], codes: &[u32], out: &mut [u128]) -> bool = gather_u128_body;
}
at_each_level! {
    /// As [`gather_u32`].
    fn gather_i128(entries: &[i128], codes: &[u32], out: &mut [i128]) -> bool = gather_i128_body;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::encode::Cpu;

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
