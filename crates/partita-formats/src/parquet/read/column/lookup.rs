//! Codes of a page to the entries of its dictionary.

use super::damage::Damage;
use super::hybrid::{Hybrid, Piece};
use super::words::Word;
use super::{CODES, Work};
use crate::simd::compact::compact_u32;
use crate::simd::unpack;

/// The entries of the next codes.
pub(super) fn push_codes<T: Word>(
    hybrid: &mut Hybrid,
    page: &[u8],
    entries: &[T],
    out: &mut [T],
    work: &mut Work,
) -> Result<(), Damage> {
    let mut at = 0;
    while at < out.len() {
        match hybrid.next(page, (out.len() - at).min(CODES))? {
            Piece::Same { code, count } => {
                let entry = entries.get(code as usize).ok_or_else(|| Damage::code(entries.len()))?;
                out[at..at + count].fill(*entry);
                at += count;
            }
            Piece::Packed { at: start, skip, count } => {
                let codes = &mut work.codes[..skip + count];
                unpack::unpack32(work.cpu, &page[start..], hybrid.width(), codes);
                if !T::gather(work.cpu, entries, &codes[skip..], &mut out[at..at + count]) {
                    return Err(Damage::code(entries.len()));
                }
                at += count;
            }
        }
    }
    Ok(())
}

/// The entries of those of the next `rows` codes that `work.kept` says; there are as many as `out` has room for.
pub(super) fn push_kept_codes<T: Word>(
    hybrid: &mut Hybrid,
    page: &[u8],
    entries: &[T],
    (rows, out): (usize, &mut [T]),
    work: &mut Work,
) -> Result<(), Damage> {
    let (mut at, mut filled) = (0, 0);
    while at < rows {
        let piece = hybrid.next(page, (rows - at).min(CODES))?;
        let (Piece::Same { count, .. } | Piece::Packed { count, .. }) = piece;
        let kept = bits(&work.kept, at, count);
        match piece {
            Piece::Same { code, .. } => {
                let entry = entries.get(code as usize).ok_or_else(|| Damage::code(entries.len()))?;
                let some = kept.iter().map(|word| word.count_ones() as usize).sum::<usize>();
                out[filled..filled + some].fill(*entry);
                filled += some;
            }
            Piece::Packed { at: start, skip, .. } => {
                let codes = &mut work.codes[..skip + count];
                unpack::unpack32(work.cpu, &page[start..], hybrid.width(), codes);
                work.kept_codes.clear();
                compact_u32(work.cpu, &codes[skip..], &kept, &mut work.kept_codes);
                let some = work.kept_codes.len();
                if !T::gather(work.cpu, entries, &work.kept_codes, &mut out[filled..filled + some]) {
                    return Err(Damage::code(entries.len()));
                }
                filled += some;
            }
        }
        at += count;
    }
    Ok(())
}

/// `count` bits from bit `at` on, at most [`CODES`] of them, then zeros.
fn bits(words: &[u64], at: usize, count: usize) -> [u64; CODES / 64] {
    let word = |number: usize| words.get(number).copied().unwrap_or(0);
    std::array::from_fn(|number| {
        let (first, left) = (at + number * 64, count.saturating_sub(number * 64));
        let (from, shift) = (first / 64, first % 64);
        let next = if shift > 0 { word(from + 1) << (64 - shift) } else { 0 };
        let mask = if left >= 64 { u64::MAX } else { !(u64::MAX << left) };
        (word(from) >> shift | next) & mask
    })
}
