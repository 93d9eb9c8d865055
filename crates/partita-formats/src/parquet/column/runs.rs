//! Codes as Parquet's hybrid of runs and bit-packed groups of eight.

use crate::parquet::column::Work;
use crate::simd::pack::{pack32, same_bits};

/// Bytes that a run has to save: it costs a header and a value, and another header for what follows.
const RUN_BYTES_MIN: usize = 6;

/// Bits that `most` needs.
pub(super) fn width_of(most: u64) -> u32 {
    u64::BITS - most.leading_zeros()
}

/// Appends a number seven bits a byte, lowest first.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number, small ones first whatever their sign.
pub(super) fn zigzag(value: i64, out: &mut Vec<u8>) {
    varint((value << 1 ^ value >> 63) as u64, out);
}

/// Appends codes of at most `width` bits. A run goes to the last code that is the same, and packed groups begin anew behind
/// it: so codes that come again behind the same run come again as the same bytes, which a compressor finds.
pub(super) fn encode(codes: &[u32], width: u32, work: &mut Work, out: &mut Vec<u8>) {
    if width == 0 {
        return run(0, codes.len(), 0, out);
    }
    let mut same = std::mem::take(&mut work.same);
    same_bits(work.cpu, codes, &mut same);
    // Codes before `packed` are written; those from there to `at` are whole groups.
    let (mut packed, mut at) = (0, 0);
    while let Some(start) = next_flat(&same, at).filter(|&start| start < codes.len()) {
        let count = (1 + ones(&same, start + 1)).min(codes.len() - start);
        if count * width as usize >= 8 * RUN_BYTES_MIN {
            pack(&codes[packed..start], width, work, out);
            run(codes[start], count, width, out);
            (packed, at) = (start + count, start + count);
        } else {
            at = start + 8 * (count / 8).max(1);
        }
    }
    pack(&codes[packed..], width, work, out);
    work.same = same;
}

/// The first of the groups of eight from `at` on in which every code but the first is the one before, as `same` says.
fn next_flat(same: &[u64], at: usize) -> Option<usize> {
    let groups = 0x0101_0101_0101_0101_u64 << (at % 8);
    let mut from = u64::MAX << (at % 64);
    for word in at / 64..same.len() {
        let next = same.get(word + 1).copied().unwrap_or(u64::MAX);
        // Bit `i`: whether the seven bits from `i + 1` on are set.
        let bits = (u128::from(next) << 64 | u128::from(same[word])) >> 1;
        let two = bits & bits >> 1;
        let four = two & two >> 2;
        let flat = (four & four >> 3) as u64 & groups & from;
        if flat != 0 {
            return Some(word * 64 + flat.trailing_zeros() as usize);
        }
        from = u64::MAX;
    }
    None
}

/// How many bits from `at` on are set.
fn ones(bits: &[u64], at: usize) -> usize {
    let Some(&first) = bits.get(at / 64) else { return 0 };
    let here = (!(first >> (at % 64))).trailing_zeros() as usize;
    if here < 64 - at % 64 {
        return here;
    }
    let rest = &bits[at / 64 + 1..];
    let whole = rest.iter().take_while(|&&word| word == u64::MAX).count();
    64 - at % 64 + 64 * whole + rest.get(whole).map_or(0, |word| word.trailing_ones() as usize)
}

fn pack(codes: &[u32], width: u32, work: &Work, out: &mut Vec<u8>) {
    if !codes.is_empty() {
        varint((codes.len().div_ceil(8) as u64) << 1 | 1, out);
        pack32(work.cpu, codes, width, out);
    }
}

fn run(value: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    if count > 0 {
        varint((count as u64) << 1, out);
        out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::encode::Cpu;

    /// The codes of runs and packed groups.
    fn decode(mut bytes: &[u8], width: usize, count: usize) -> Vec<u32> {
        let mut codes = Vec::new();
        let next = |bytes: &mut &[u8]| {
            let last = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
            let (number, rest) = bytes.split_at(last + 1);
            *bytes = rest;
            number.iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f))
        };
        while !bytes.is_empty() {
            let header = next(&mut bytes);
            let stored = if header & 1 == 1 { (header >> 1) * width } else { width.div_ceil(8) };
            let (values, rest) = bytes.split_at(stored);
            let bit = |at: usize| u32::from(values[at / 8] >> (at % 8) & 1);
            let code = |at: usize| (0..width).fold(0, |code, digit| code | bit(at * width + digit) << digit);
            match header & 1 {
                1 => codes.extend((0..(header >> 1) * 8).map(code)),
                _ => codes.extend(std::iter::repeat_n(code(0), header >> 1)),
            }
            bytes = rest;
        }
        assert!(codes.len() >= count && codes.len() < count + 8);
        codes.truncate(count);
        codes
    }

    proptest! {
        #[test]
        fn codes_come_back(
            runs in proptest::collection::vec((0..9_u32, 1..90_usize), 0..60),
            width in 4..=12_u32,
            short in any::<bool>(),
        ) {
            let of = |count: usize| if short { count % 5 + 1 } else { count };
            let codes: Vec<u32> = runs.iter().flat_map(|&(code, count)| std::iter::repeat_n(code, of(count))).collect();
            let mut before = None;
            for cpu in Cpu::all() {
                let mut out = Vec::new();
                encode(&codes, width, &mut Work::new(cpu), &mut out);
                prop_assert_eq!(&decode(&out, width as usize, codes.len()), &codes);
                // Never much more than all of it packed.
                prop_assert!(out.len() <= codes.len().div_ceil(8) * width as usize + 3);
                prop_assert!(before.replace(out.clone()).is_none_or(|before| before == out));
            }
        }
    }
}
