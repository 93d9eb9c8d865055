//! Floats, rounded correctly: every answer equals that of `str::parse`.

use super::int::{ZEROS, digits_are_decimal, join_digits};
use super::nearest::{nearest_f32, nearest_f64};
use super::trim_blanks;

/// Powers of ten that `f64` holds exactly.
pub(crate) const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Powers of ten that `f32` holds exactly.
pub(crate) const POWERS_OF_TEN_F32: [f32; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

/// A decimal number as written: `mantissa * 10^exponent`.
struct Decimal {
    negative: bool,
    mantissa: u64,
    exponent: i32,
    /// The mantissa holds every digit.
    whole: bool,
}

/// A double: digits with an optional sign, point (`1.` and `.5` count) and exponent, or `nan`, `inf`, `infinity`
/// in any case.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let text = trim_blanks(text);
    let Some(decimal) = scan(text) else { return special(text) };
    if decimal.whole
        && let Some(value) = nearest_f64(decimal.mantissa, decimal.exponent)
    {
        return Some(if decimal.negative { -value } else { value });
    }
    fast_float2::parse::<f64, _>(without_plus(text)).ok()
}

/// A single, rounded once from the text and not by way of a double.
pub fn parse_f32(text: &[u8]) -> Option<f32> {
    let text = trim_blanks(text);
    let Some(decimal) = scan(text) else { return special(text).map(|value| value as f32) };
    if decimal.whole
        && let Some(value) = nearest_f32(decimal.mantissa, decimal.exponent)
    {
        return Some(if decimal.negative { -value } else { value });
    }
    fast_float2::parse::<f32, _>(without_plus(text)).ok()
}

fn without_plus(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"+").unwrap_or(text)
}

/// Reads `[+-]digits[.digits][e[+-]digits]` to its end; at least one digit before the exponent.
fn scan(text: &[u8]) -> Option<Decimal> {
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut mantissa = 0_u64;
    let mut significant = 0_u32;
    let whole_digits = digits(&mut rest, &mut mantissa, &mut significant);
    let mut fraction_digits = 0;
    if let [b'.', after @ ..] = rest {
        rest = after;
        fraction_digits = digits(&mut rest, &mut mantissa, &mut significant);
    }
    if whole_digits + fraction_digits == 0 {
        return None;
    }
    let mut exponent = 0_i32;
    if let [b'e' | b'E', after @ ..] = rest {
        (exponent, rest) = scan_exponent(after)?;
    }
    let exponent = exponent.saturating_sub(i32::try_from(fraction_digits).unwrap_or(i32::MAX));
    rest.is_empty().then_some(Decimal { negative, mantissa, exponent, whole: significant <= 19 })
}

/// Takes digits off `rest` into `mantissa` (which wraps beyond 19 significant digits) and counts them, eight at a time as
/// far as that goes.
#[inline]
fn digits(rest: &mut &[u8], mantissa: &mut u64, significant: &mut u32) -> usize {
    let mut count = 0;
    while let Some(eight) = rest[count..].first_chunk::<8>() {
        let digits = u64::from_le_bytes(*eight) ^ ZEROS;
        if !digits_are_decimal(digits) {
            break;
        }
        *mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(join_digits(digits));
        let leading_zeros = if *significant > 0 { 0 } else { digits.trailing_zeros() / 8 };
        *significant = significant.saturating_add(8 - leading_zeros);
        count += 8;
    }
    for byte in &rest[count..] {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        // Leading zeros do not count; the sum saturates so that a text of 4 GiB cannot wrap it.
        *significant = significant.saturating_add(u32::from(*significant > 0 || digit > 0));
        count += 1;
    }
    *rest = &rest[count..];
    count
}

/// `[+-]digits`, saturated: what lies beyond is 0 or infinite whatever its digits.
fn scan_exponent(text: &[u8]) -> Option<(i32, &[u8])> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let value = digits[..count]
        .iter()
        .fold(0_i32, |value, byte| value.saturating_mul(10).saturating_add(i32::from(byte - b'0')));
    Some((if negative { -value } else { value }, &digits[count..]))
}

/// `nan`, `inf`, `infinity`, signed or not, in any case.
fn special(text: &[u8]) -> Option<f64> {
    let (negative, word) = match text {
        [b'-', word @ ..] => (true, word),
        [b'+', word @ ..] => (false, word),
        _ => (false, text),
    };
    let value = if word.eq_ignore_ascii_case(b"nan") {
        f64::NAN
    } else if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity") {
        f64::INFINITY
    } else {
        return None;
    };
    Some(if negative { -value } else { value })
}
