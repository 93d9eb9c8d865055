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
    // Codes before `packed` are written; those from there to `at` are whole groups.
    let (mut packed, mut at) = (0, 0);
    while at < codes.len() {
        let window = &codes[at..codes.len().min(at + WINDOW)];
        flat.clear();
        flat_groups(work.cpu, window, &mut flat);
        let first = flat.first().map_or(u64::BITS, |groups| groups.trailing_zeros()) as usize;
        if 8 * first >= window.len() {
            at += WINDOW;
            continue;
        }
        let start = at + 8 * first;
        let count = same(&codes[start..]);
        if count * width as usize >= 8 * RUN_BYTES_MIN {
            pack(&codes[packed..start], width, work, out);
            run(codes[start], count, width, out);
            (packed, at) = (start + count, start + count);
        } else {
            at = start + 8 * (count / 8).max(1);
        }
    }
    pack(&codes[packed..], width, work, out);
    work.flat = flat;
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
