//! Numbers with exponents: what stands before the exponent goes through the kernels again.

use super::fields::Block;
use super::parsers::rows_of;
use crate::simd::decode::{Kernels, ROWS, Texts};

/// The numbers of a block that have exponents.
pub(crate) struct Exponents {
    /// Their rows, but for those of which no kernel knows the rest.
    pub(crate) rows: u64,
    /// Their exponents.
    pub(crate) values: [i32; ROWS],
}

impl Exponents {
    /// Reads the exponents of those of the rows in `odd` that have one, and the decimals before them into those of the block.
    #[inline(never)]
    pub(crate) fn read(kernels: Kernels, bytes: &[u8], block: &mut Block, odd: u64, point: u8) -> Self {
        let mut found = Self { rows: 0, values: [0; ROWS] };
        let lens = block.texts.places.lens;
        for row in rows_of(odd) {
            if let Some((value, taken)) = exponent(block.texts.words[0][row], lens[row]) {
                found.values[row] = value;
                found.rows |= 1 << row;
                block.texts.places.lens[row] = lens[row] - taken;
            }
        }
        if found.rows == 0 {
            return found;
        }
        block.load_ends(bytes);
        // The words behind those that were needed are of no account, but are there.
        let odd = kernels.decimals::<3, true>(&block.texts, point, &mut block.decimals);
        block.texts.places.lens = lens;
        found.rows &= !odd;
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
