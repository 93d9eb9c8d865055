//! Texts that are one of a few short words.

use super::lanes::Lanes;
use super::numbers::lanes_mask;
use super::{ROWS, Texts};

/// A word of one to eight bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    /// Its bytes, the last one highest, zeros below the first.
    bytes: u64,
    len: u32,
    yes: bool,
}

impl Word {
    /// A word and whether it means yes; `None` where it has not one to eight bytes.
    pub(crate) fn new(text: &[u8], yes: bool) -> Option<Self> {
        let mut bytes = [0; 8];
        let at = 8_usize.checked_sub(text.len()).filter(|at| *at < 8)?;
        bytes[at..].copy_from_slice(text);
        Some(Self { bytes: u64::from_le_bytes(bytes), len: text.len() as u32, yes })
    }
}

#[inline(always)]
pub(super) fn words<L: Lanes>(level: L::Level, texts: &Texts, words: &[Word]) -> (u64, u64) {
    let splat = |number| L::splat(level, number);
    let (mut yes, mut known) = (0, 0);
    for row in (0..ROWS).step_by(L::LANES) {
        let at = L::at(row);
        let len = L::widen(level, &texts.places.lens[at..]);
        let outside = splat(64).sub(len.shl(splat(3)));
        // Of a text that is too long nothing is left, or something; its length is that of no word.
        let text = L::load(level, &texts.words[0][at..]).shr(outside).shl(outside);
        for word in words {
            let same = text.xor(splat(word.bytes)).or(len.xor(splat(u64::from(word.len)))).is_zero();
            let bits = (L::bits(same) & lanes_mask::<L>()) << at;
            known |= bits;
            yes |= if word.yes { bits } else { 0 };
        }
    }
    (yes, !known)
}
