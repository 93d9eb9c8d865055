//! Integers: an optional sign and decimal digits. Too large is `None`, never a wrap.

use super::trim_blanks;

/// Eight times the digit 0.
pub(crate) const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The number that up to eight ASCII digits spell. `bytes` holds them little-endian with the *last* digit in the
/// highest byte and anything below the first; `count` is 1 to 8. `None` where one is not a digit.
///
/// Pairs, then fours, then all eight digits are joined by multiplication, as in Johnny Lee's `parse_eight_digits`.
#[inline(always)]
pub fn digits8(bytes: u64, count: u32) -> Option<u64> {
    let digits = (bytes ^ ZEROS) >> (64 - 8 * count) << (64 - 8 * count);
    digits_are_decimal(digits).then(|| join_digits(digits))
}

/// Whether each byte is 0 to 9.
#[inline(always)]
pub(crate) fn digits_are_decimal(digits: u64) -> bool {
    // 0x76 carries a byte of 10 to 137 into its top bit; above that the top bit is set already, or the carry
    // reaches a neighbour, which can only refuse what is refused anyway.
    (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080 == 0
}

/// How many of eight bytes, the first one lowest, are digits before the first that is none, and the number that these spell.
#[inline(always)]
pub(crate) fn leading_digits(bytes: u64) -> (u32, u64) {
    let digits = bytes ^ ZEROS;
    // As above: below the first byte that is no digit, nothing is refused.
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    match others.trailing_zeros() / 8 {
        0 => (0, 0),
        count => (count, join_digits(digits << (64 - 8 * count))),
    }
}

/// The number whose decimal digits are the bytes of `digits`, most significant digit in the lowest byte.
#[inline(always)]
pub(crate) fn join_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

/// The digits of `text` as a number: at least one, nothing else, at most `u64::MAX`.
fn magnitude(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    let mut rest = text;
    while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
        let eight = digits8(u64::from_le_bytes(*chunk), 8)?;
        value = value.checked_mul(100_000_000)?.checked_add(eight)?;
        rest = tail;
    }
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match trim_blanks(text) {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    }
}

/// A signed integer.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    let value = magnitude(digits)?;
    if negative { 0_i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
}

/// An unsigned integer; `-0` is 0.
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    let (negative, digits) = split_sign(text);
    let value = magnitude(digits)?;
    (!negative || value == 0).then_some(value)
}

/// Whether `text` is an integer of any size, and whether it is negative.
pub fn integer_shape(text: &[u8]) -> Option<bool> {
    let (negative, digits) = split_sign(text);
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(negative)
}
