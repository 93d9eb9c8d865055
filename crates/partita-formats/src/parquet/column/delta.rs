//! `DELTA_BINARY_PACKED`, and what is made of it: lengths of texts, and prefixes that they share.

use super::runs::{varint, zigzag};
use super::words::Word;
use crate::simd::delta::MINI_BLOCKS;
use crate::simd::encode::Cpu;
use crate::simd::pack::pack32;

/// Appends `values` as differences.
pub(super) fn encode<T: Word>(cpu: Cpu, values: &[T], out: &mut Vec<u8>) {
    header(values, out);
    let mut above = T::block();
    let mut before = values.first().copied().unwrap_or_default();
    for block in values.get(1..).unwrap_or_default().chunks(T::BLOCK) {
        let (least, widths) = T::differences(cpu, before, block, &mut above);
        before = block.last().copied().unwrap_or(before);
        zigzag(least, out);
        out.extend(widths.map(|width| width as u8));
        for (mini, width) in T::minis(&above).zip(widths) {
            T::pack(cpu, mini, width, out);
        }
    }
}

/// The bytes that [`encode`] appends.
pub(super) fn encoded_bytes<T: Word>(cpu: Cpu, values: &[T]) -> usize {
    let mut head = Vec::new();
    header(values, &mut head);
    let mut bytes = head.len();
    let mut above = T::block();
    let mut before = values.first().copied().unwrap_or_default();
    for block in values.get(1..).unwrap_or_default().chunks(T::BLOCK) {
        let (least, widths) = T::differences(cpu, before, block, &mut above);
        before = block.last().copied().unwrap_or(before);
        head.clear();
        zigzag(least, &mut head);
        let packed: usize = widths.iter().map(|&width| width as usize * T::BLOCK / MINI_BLOCKS / 8).sum();
        bytes += head.len() + MINI_BLOCKS + packed;
    }
    bytes
}

fn header<T: Word>(values: &[T], out: &mut Vec<u8>) {
    varint(T::BLOCK as u64, out);
    varint(MINI_BLOCKS as u64, out);
    varint(values.len() as u64, out);
    zigzag(values.first().map_or(0, |first| first.signed()), out);
}

/// Packs a mini block of 64-bit numbers.
pub(super) fn pack_wide(cpu: Cpu, values: &[u64], width: u32, out: &mut Vec<u8>) {
    if width > 32 {
        return crate::simd::pack::pack64(cpu, values, width, out);
    }
    let mut short = [0; crate::simd::delta::BLOCK64 / MINI_BLOCKS];
    for (short, &value) in short.iter_mut().zip(values) {
        *short = value as u32;
    }
    pack32(cpu, &short, width, out);
}

/// The texts of a page in plain encoding.
fn texts(plain: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = plain;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let (text, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = behind;
        Some(text)
    })
}

/// Appends plain texts as their lengths, then their bytes (`DELTA_LENGTH_BYTE_ARRAY`).
pub(super) fn encode_lengths(cpu: Cpu, plain: &[u8], out: &mut Vec<u8>) {
    let lengths: Vec<u32> = texts(plain).map(|text| text.len() as u32).collect();
    encode(cpu, &lengths, out);
    texts(plain).for_each(|text| out.extend_from_slice(text));
}

/// Appends plain texts as what each shares with the one before, then the rest of each (`DELTA_BYTE_ARRAY`).
pub(super) fn encode_prefixes(cpu: Cpu, plain: &[u8], out: &mut Vec<u8>) {
    let (mut shared, mut lengths) = (Vec::new(), Vec::new());
    let mut before: &[u8] = &[];
    for text in texts(plain) {
        let same = text.iter().zip(before).take_while(|(one, other)| one == other).count();
        shared.push(same as u32);
        lengths.push((text.len() - same) as u32);
        before = text;
    }
    encode(cpu, &shared, out);
    encode(cpu, &lengths, out);
    for (text, &same) in texts(plain).zip(&shared) {
        out.extend_from_slice(&text[same as usize..]);
    }
}
