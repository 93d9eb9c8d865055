//! The one common shape of each type, a few instructions a value, for inference: most values are plainly of a kind that was
//! seen. Each answers `None` for anything else, and never another value than the parsers of [`super::super::value`] would.

use super::super::value::int::{digits_are_decimal, join_digits};
use super::super::value::time::{date10, time8};

const POINTS: u64 = 0x2E2E_2E2E_2E2E_2E2E;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// A text of one to eight bytes in one word, its last byte highest.
struct Word {
    /// The bytes; those before the text are whatever stands there.
    bytes: u64,
    /// Bits of the text, without a leading `-`.
    inside: u64,
    negative: bool,
}

impl Word {
    /// The `len` bytes from `start`, with one load of the eight bytes that end with them. `None` where there are not
    /// one to eight, or not eight before the end.
    #[inline(always)]
    fn load(bytes: &[u8], start: u32, len: u32) -> Option<Self> {
        if len.wrapping_sub(1) > 7 {
            return None;
        }
        let end = start as usize + len as usize;
        let eight: [u8; 8] = bytes.get(end.checked_sub(8)?..end)?.try_into().ok()?;
        let bytes = u64::from_le_bytes(eight);
        let shift = 64 - 8 * len;
        let negative = (bytes >> shift) as u8 == b'-';
        Some(Self { bytes, inside: u64::MAX << shift << (8 * u32::from(negative)), negative })
    }
}

/// A plain integer of up to eight bytes, with or without `-`.
#[inline(always)]
pub(crate) fn integer(bytes: &[u8], start: u32, len: u32) -> Option<i32> {
    let word = Word::load(bytes, start, len)?;
    let digits = (word.bytes ^ ZEROS) & word.inside;
    let value = join_digits(digits) as i32;
    // A lone `-` comes out as zero.
    if !digits_are_decimal(digits) || word.negative && value == 0 {
        return None;
    }
    Some(if word.negative { -value } else { value })
}

/// A plain decimal number of up to eight bytes, as `mantissa / 10^fraction` with a fraction of 0 to 7: digits, with
/// or without `-`, one point or none.
///
/// The point is found as the lowest zero byte of `bytes ^ POINTS`; the digits below it move up over it, and what is
/// left is joined like an integer. All without a branch: whether a number has a point is as good as random.
#[inline(always)]
pub(crate) fn decimal(bytes: &[u8], start: u32, len: u32) -> Option<(i32, u32)> {
    let word = Word::load(bytes, start, len)?;
    let spread = (word.bytes ^ POINTS) | !word.inside;
    let points = spread.wrapping_sub(ONES) & !spread & HIGHS;
    // The lowest bit of the point's byte, or nothing.
    let point = (points & points.wrapping_neg()) >> 7;
    let below = point.wrapping_sub(1) & 0_u64.wrapping_sub(u64::from(points != 0));
    let above = !(below | point.wrapping_mul(0xFF));
    let digits = (word.bytes ^ ZEROS) & word.inside;
    let digits = digits & above | (digits & below) << 8;
    let fraction = 7 - (points | 1 << 63).trailing_zeros() / 8;
    let mantissa = join_digits(digits) as i32;
    // A lone `-` and a lone point come out as zero, and zero has no sign here.
    let no_digit = mantissa == 0 && (word.negative || points != 0 && len == 1);
    if !digits_are_decimal(digits) || no_digit {
        return None;
    }
    Some((if word.negative { -mantissa } else { mantissa }, fraction))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fast_shapes_are_what_the_standard_library_says(
            text in prop_oneof!["-?[0-9]{0,9}", "-?[0-9]{0,5}\\.?[0-9]{0,5}", "[0-9.:/ -]{0,9}"],
            before in "[0-9.,]{0,12}",
            after in "[0-9.,]{0,12}",
        ) {
            let bytes = format!("{before}{text}{after}").into_bytes();
            let (start, len) = (before.len() as u32, text.len() as u32);
            // A sign alone, and zero with one, are left to the parsers.
            let plain = before.len() >= 8 && (1..=8).contains(&text.len());
            let zero = |value: f64| value == 0.0 && text.starts_with('-');
            match integer(&bytes, start, len) {
                Some(value) => prop_assert_eq!(text.parse::<i32>(), Ok(value)),
                None => prop_assert!(!plain || text.parse::<i64>().map_or(true, |value| zero(value as f64)), "{}", text),
            }
            match decimal(&bytes, start, len) {
                Some((mantissa, fraction)) => {
                    let value = f64::from(mantissa) / 10_f64.powi(fraction as i32);
                    prop_assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
                }
                None => prop_assert!(!plain || text.parse::<f64>().map_or(true, zero), "{}", text),
            }
        }
    }
}
