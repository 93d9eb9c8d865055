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

/// Codes that are looked at in one go: as many groups of eight as a word has bits.
const WINDOW: usize = 512;

/// Appends codes of at most `width` bits. A run goes to the last code that is the same, and packed groups begin anew behind
/// it: so codes that come again behind the same run come again as the same bytes, which a compressor finds.
pub(super) fn encode(codes: &[u32], width: u32, work: &mut Work, out: &mut Vec<u8>) {
    if width == 0 {
        return run(0, codes.len(), 0, out);
    }
    let mut flat = std::mem::take(&mut work.flat);
    let worthwhile = (8 * RUN_BYTES_MIN).div_ceil(width as usize);
    // Codes before `packed` are written; those from there to `at` are whole groups.
    let (mut packed, mut at) = (0, 0);
    while at < codes.len() {
        flat.clear();
        flat_groups(work.cpu, &codes[at..codes.len().min(at + WINDOW)], &mut flat);
        let groups = flat.first().copied().unwrap_or_default();
        match next_run(&codes[at..], groups, worthwhile) {
            Some((start, count)) => {
                pack(&codes[packed..at + start], width, work, out);
                run(codes[at + start], count, width, out);
                at += start + count;
                packed = at;
            }
            None => at += WINDOW,
        }
    }
    pack(codes.get(packed..).unwrap_or_default(), width, work, out);
    work.flat = flat;
}

/// The first run of at least `worthwhile` codes that begins with a group of a window, whose flat groups are given; where it
/// begins, and how long it is.
fn next_run(codes: &[u32], mut groups: u64, worthwhile: usize) -> Option<(usize, usize)> {
    while groups != 0 {
        let first = groups.trailing_zeros();
        let flat = (groups >> first).trailing_ones();
        // At the end of the window a run may go on.
        if 8 * flat as usize + 7 >= worthwhile || first + flat == u64::BITS {
            let start = 8 * first as usize;
            let count = same(&codes[start..]);
            if count >= worthwhile {
                return Some((start, count));
            }
            let past = first + (count as u32 / 8).max(1);
            groups = if past < u64::BITS { groups & u64::MAX << past } else { 0 };
            continue;
        }
        groups &= groups + (1 << first);
    }
    None
}

/// How many codes from the first on are the same.
fn same(codes: &[u32]) -> usize {
    let Some(&value) = codes.first() else { return 0 };
    let whole =
        codes.chunks_exact(64).take_while(|chunk| chunk.iter().all(|&code| code == value)).count() * 64;
    whole + codes[whole..].iter().take_while(|&&code| code == value).count()
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
