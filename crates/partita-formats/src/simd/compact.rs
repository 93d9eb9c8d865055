//! The values of the rows that are not null, one after the other.

use super::encode::at_each_level;

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
    /// As [`compact_u8`].
    fn compact_u32(values: &[u32], valid: &[u64], out: &mut Vec<u32>) = compact_u32_body;
}
at_each_level! {
    /// As [`compact_u8`].
    fn compact_u64(values: &[u64], valid: &[u64], out: &mut Vec<u64>) = compact_u64_body;
}
at_each_level! {
    /// As [`compact_u8`].
    fn compact_u128(values: &[u128], valid: &[u64], out: &mut Vec<u128>) = compact_u128_body;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::encode::Cpu;
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
