//! Numbers with exponents: what stands before the exponent goes through the kernels again.

use super::fields::Block;
use super::parsers::rows_of;
use crate::simd::decode::{ROWS, Texts};

const ONES: u64 = 0x0101_0101_0101_0101;

/// The numbers of a block that have exponents.
pub(crate) struct Exponents {
    /// Their rows.
    pub(crate) rows: u64,
    /// Their exponents.
    pub(crate) values: [i32; ROWS],
}

impl Exponents {
    /// No row has one.
    pub(crate) const NONE: Self = Self { rows: 0, values: [0; ROWS] };

    /// Takes the exponents off the texts of `rows` that have one, whose last bytes are loaded.
    #[inline(never)]
    pub(crate) fn take(block: &mut Block, rows: u64) -> Self {
        let mut found = Self::NONE;
        let lens = &mut block.texts.places.lens;
        for row in rows_of(rows) {
            if let Some((value, taken)) = exponent(block.texts.words[0][row], lens[row]) {
                found.values[row] = value;
                found.rows |= 1 << row;
                lens[row] -= taken;
            }
        }
        found
    }
}

/// The exponent at the end of a text of `len` bytes whose last eight are `word`, and the bytes that it takes with its `e`:
/// one to three digits, with or without a sign. Without branches on what they are, as no processor foresees that.
#[inline(always)]
fn exponent(word: u64, len: u32) -> Option<(i32, u32)> {
    // The highest byte that is an `e`. Above it there may be a byte that is taken for one, but is no digit either.
    let others = (word | (ONES * 0x20)) ^ (ONES * u64::from(b'e'));
    let found = others.wrapping_sub(ONES) & !others & (ONES << 7);
    let behind = found.leading_zeros() / 8;
    if !(1..=4).contains(&behind) || behind + 1 >= len || len > Texts::BYTES_MAX {
        return None;
    }
    let first = (word >> (64 - 8 * behind)) as u8;
    let is_negative = first == b'-';
    let count = behind - u32::from(is_negative | (first == b'+'));
    let digits_mask = !(0xFF_FFFF_u32 >> (8 * count.min(3))) & 0xFF_FFFF;
    let digits = ((word >> 40) as u32 ^ 0x30_3030) & digits_mask;
    let is_e = (word >> (56 - 8 * behind)) as u8 | 0x20 == b'e';
    let are_digits = (digits | digits.wrapping_add(0x76_7676)) & 0x80_8080 == 0;
    let value = (digits & 0xFF) * 100 + (digits >> 8 & 0xFF) * 10 + (digits >> 16);
    let signed = if is_negative { -(value as i32) } else { value as i32 };
    (is_e & are_digits & (1..=3).contains(&count)).then_some((signed, behind + 1))
}
