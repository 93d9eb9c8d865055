//! Codes as Parquet's hybrid of runs and bit-packed groups of eight.

use crate::parquet::column::Work;
use crate::simd::pack::{flat_groups, pack32};

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

/// Appends codes of at most `width` bits.
pub(super) fn encode(codes: &[u32], width: u32, work: &mut Work, out: &mut Vec<u8>) {
    if width == 0 {
        return run(0, codes.len(), 0, out);
    }
    let mut flat = std::mem::take(&mut work.flat);
    flat.clear();
    flat_groups(work.cpu, codes, &mut flat);
    let groups = codes.len().div_ceil(8);
    let (mut group, mut packed) = (0, 0);
    while let Some(found) = next_flat(&flat, group).filter(|&found| found < groups) {
        let value = codes[8 * found];
        let is_same = |group: usize| group < groups && is_flat(&flat, group) && codes[8 * group] == value;
        let end = (found + 1..).find(|&group| !is_same(group)).unwrap_or(groups);
        if (end - found) * width as usize >= RUN_BYTES_MIN {
            pack(&codes[8 * packed..8 * found], width, work, out);
            run(value, (8 * end).min(codes.len()) - 8 * found, width, out);
            packed = end;
        }
        group = end;
    }
    pack(codes.get(8 * packed..).unwrap_or_default(), width, work, out);
    work.flat = flat;
}

fn is_flat(flat: &[u64], group: usize) -> bool {
    flat.get(group / 64).is_some_and(|word| word >> (group % 64) & 1 == 1)
}

/// The first group from `group` on whose bit is set.
fn next_flat(flat: &[u64], group: usize) -> Option<usize> {
    let first = flat.get(group / 64)? >> (group % 64);
    if first != 0 {
        return Some(group + first.trailing_zeros() as usize);
    }
    let word = (group / 64 + 1..flat.len()).find(|&word| flat[word] != 0)?;
    Some(word * 64 + flat[word].trailing_zeros() as usize)
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
