//! The one common shape of each type, a few instructions a value. Each answers `None` for anything else, and never
//! another value than the parsers of [`super::super::value`] would.

use super::super::value::float::POWERS_OF_TEN;
use super::super::value::int::{digits_are_decimal, digits8, eight_before, join_digits};
use super::super::value::time::{date10, time8};

/// A plain integer of up to eight digits, with or without `-`.
#[inline(always)]
pub(crate) fn integer(bytes: &[u8], start: u32, len: u32) -> Option<i64> {
    let negative = *bytes.get(start as usize)? == b'-';
    let count = len.wrapping_sub(u32::from(negative));
    if count.wrapping_sub(1) > 7 {
        return None;
    }
    let value = digits8(eight_before(bytes, (start + len) as usize)?, count)? as i64;
    Some(if negative { -value } else { value })
}

const POINTS: u64 = 0x2E2E_2E2E_2E2E_2E2E;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// A plain decimal number of up to eight bytes behind its sign: digits, one point or none.
///
/// The eight bytes hold the last one highest. The point is found as the lowest zero byte of `bytes ^ POINTS` (the
/// bytes below the number are masked first), the digits below it move up over it, and what is left is joined like
/// an integer. Mantissa and power of ten are exact, so the one division rounds correctly.
#[inline(always)]
pub(crate) fn float(bytes: &[u8], start: u32, len: u32) -> Option<f64> {
    let negative = *bytes.get(start as usize)? == b'-';
    let count = len.wrapping_sub(u32::from(negative));
    if count.wrapping_sub(1) > 7 {
        return None;
    }
    let word = eight_before(bytes, (start + len) as usize)?;
    let inside = u64::MAX << (64 - 8 * count);
    let spread = (word ^ POINTS) | !inside;
    let points = spread.wrapping_sub(ONES) & !spread & HIGHS;
    let digits = (word ^ ZEROS) & inside;
    let (digits, fraction) = if points == 0 {
        (digits, 0)
    } else {
        // The bit index of the point's byte, 0 to 56.
        let at = points.trailing_zeros() - 7;
        let below = digits & ((1 << at) - 1);
        let above = digits & (u64::MAX << at << 8);
        (above | below << 8, 7 - at / 8)
    };
    // A point alone has no digit.
    if !digits_are_decimal(digits) || points != 0 && count == 1 {
        return None;
    }
    let magnitude = join_digits(digits) as f64 / POWERS_OF_TEN[fraction as usize];
    Some(if negative { -magnitude } else { magnitude })
}

/// The last date seen, with its day: most values of a column share it with their neighbour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastDate {
    text: [u8; 10],
    days: i32,
}

impl Default for LastDate {
    fn default() -> Self {
        Self { text: *b"1970-01-01", days: 0 }
    }
}

impl LastDate {
    #[inline(always)]
    pub(crate) fn days(&mut self, text: &[u8; 10]) -> Option<i32> {
        if *text != self.text {
            self.days = date10(text)?;
            self.text = *text;
        }
        Some(self.days)
    }
}

/// `YYYY-MM-DD HH:MM:SS` (or with `T`), as seconds since 1970.
#[inline(always)]
pub(crate) fn stamp19(text: &[u8; 19], last: &mut LastDate) -> Option<i64> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let (between, clock) = rest.split_first_chunk::<1>()?;
    if between[0] != b' ' && between[0] != b'T' {
        return None;
    }
    let seconds = time8(clock.try_into().ok()?)?;
    Some(i64::from(last.days(date)?) * 86_400 + i64::from(seconds))
}
