//! Floats as the shortest text that reads back as the same number.

/// Numbers below it have 15 digits at most with two behind the point, and no other text of 15 digits or fewer is the same
/// double (IEEE 754: 15 decimal digits survive the way into a double and back).
const HUNDREDTHS_MAX: f64 = 1e15;

/// Adds a double.
#[inline]
pub(super) fn push_f64(out: &mut Vec<u8>, value: f64) {
    let hundredths = value.abs() * 100.0;
    let whole = hundredths.round_ties_even();
    // Both are exact as doubles, so that their quotient is the double nearest to the decimal number: where that is the
    // value, its digits are those of the whole number.
    if whole < HUNDREDTHS_MAX && whole / 100.0 == value.abs() {
        push_hundredths(out, value.is_sign_negative(), whole as u64);
        return;
    }
    push_shortest(out, value);
}

/// Adds a single.
pub(super) fn push_f32(out: &mut Vec<u8>, value: f32) {
    push_shortest(out, value);
}

fn push_shortest<F: zmij::Float + Into<f64> + Copy>(out: &mut Vec<u8>, value: F) {
    let wide: f64 = value.into();
    if wide.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else if wide.is_nan() {
        out.extend_from_slice(b"NaN");
    } else {
        out.extend_from_slice(if wide > 0.0 { b"inf" } else { b"-inf" });
    }
}

fn push_hundredths(out: &mut Vec<u8>, is_negative: bool, hundredths: u64) {
    if is_negative {
        out.push(b'-');
    }
    let (whole, rest) = (hundredths / 100, (hundredths % 100) as u8);
    if whole < 10 {
        out.push(b'0' + whole as u8);
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    }
    let (tenths, ones) = (rest / 10, rest % 10);
    if ones == 0 {
        out.extend_from_slice(&[b'.', b'0' + tenths]);
    } else {
        out.extend_from_slice(&[b'.', b'0' + tenths, b'0' + ones]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        push_f64(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_of_all_kinds() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (12.5, "12.5"),
            (-12.05, "-12.05"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999.99, "9999999999999.99"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(text(value), expected);
        }
        let mut out = Vec::new();
        push_f32(&mut out, 0.1);
        assert_eq!(out, b"0.1");
    }

    proptest! {
        #[test]
        fn a_text_is_the_same_number_and_as_short_as_the_other_way(
            value in prop_oneof![any::<f64>(), (-1_000_000_000_i64..1_000_000_000).prop_map(|cents| cents as f64 / 100.0)],
        ) {
            let written = text(value);
            prop_assert!(written.parse::<f64>().unwrap() == value || value.is_nan());
            if value.is_finite() {
                // The standard library's own shortest digits.
                let digits = |text: &str| {
                    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
                    mantissa.chars().filter(char::is_ascii_digit).collect::<String>().trim_matches('0').len()
                };
                prop_assert_eq!(digits(&written), digits(&format!("{value:e}")));
            }
        }
    }
}
