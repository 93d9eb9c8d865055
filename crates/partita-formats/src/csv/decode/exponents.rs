//! Numbers with exponents: what stands before the exponent goes through the kernels again.

use super::fields::Block;
use super::parsers::rows_of;
use crate::simd::decode::{ROWS, Texts};

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

/// The exponent at the end of a text of `len` bytes whose last eight are `word`, and the bytes that it takes with its `e`.
#[inline(always)]
fn exponent(word: u64, len: u32) -> Option<(i32, u32)> {
    let byte = |behind: u32| (word >> (56 - 8 * behind)) as u8;
    let (mut value, mut power, mut taken) = (0, 1, 0);
    while taken < 3 && byte(taken).is_ascii_digit() {
        value += i32::from(byte(taken) - b'0') * power;
        power *= 10;
        taken += 1;
    }
    if taken == 0 {
        return None;
    }
    let sign = byte(taken);
    taken += u32::from(sign == b'-' || sign == b'+');
    let is_exponent = byte(taken) | 0x20 == b'e' && taken + 1 < len && len <= Texts::BYTES_MAX;
    is_exponent.then_some((if sign == b'-' { -value } else { value }, taken + 1))
}
