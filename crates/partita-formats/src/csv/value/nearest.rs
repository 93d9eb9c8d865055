//! The float nearest to a decimal number: ties to even, as everywhere.
//!
//! The algorithm of Eisel and Lemire ("Number Parsing at a Gigabyte per Second", 2021), for the powers of ten for which
//! it never has to give up: their powers of five, or those of the reciprocals, have 128 bits that decide each case
//! (section 6 and 8 there), and no result is subnormal or infinite.

/// Powers of ten that are known.
pub(crate) const EXPONENT_MIN: i32 = -27;
/// See [`EXPONENT_MIN`].
pub(crate) const EXPONENT_MAX: i32 = 55;

const COUNT: usize = (EXPONENT_MAX - EXPONENT_MIN + 1) as usize;

/// For each exponent the leading 128 bits of the power of five: cut for positive ones, rounded up for negative ones.
static FIVES: [u128; COUNT] = fives();

const fn fives() -> [u128; COUNT] {
    let mut table = [0; COUNT];
    let mut power: u128 = 1;
    let mut exponent = 0;
    // 5^55 has 128 bits.
    while exponent <= EXPONENT_MAX {
        table[(exponent - EXPONENT_MIN) as usize] = power << power.leading_zeros();
        if exponent <= -EXPONENT_MIN && exponent > 0 {
            table[(-exponent - EXPONENT_MIN) as usize] = reciprocal(power);
        }
        if exponent < EXPONENT_MAX {
            power *= 5;
        }
        exponent += 1;
    }
    table
}

/// The first 128 significant bits of `1 / divisor`, rounded up; of an odd number above 1 and below 2^63.
const fn reciprocal(divisor: u128) -> u128 {
    let mut quotient: u128 = 0;
    let mut rest: u128 = 1;
    while quotient >> 127 == 0 {
        rest <<= 1;
        quotient <<= 1;
        if rest >= divisor {
            rest -= divisor;
            quotient |= 1;
        }
    }
    // It never comes out even, and never all ones.
    quotient + 1
}

/// A binary format.
struct Format {
    /// Bits of the mantissa that are stored.
    mantissa_bits: u32,
    /// What is stored for the exponent of 1.0.
    bias: i32,
    /// The exponents for which a number may lie half way between two floats.
    ties: (i32, i32),
}

const DOUBLE: Format = Format { mantissa_bits: 52, bias: 1023, ties: (-4, 23) };
const SINGLE: Format = Format { mantissa_bits: 23, bias: 127, ties: (-17, 10) };

/// The double nearest to `mantissa * 10^exponent`; `None` for exponents that are not known.
#[inline]
pub(crate) fn nearest_f64(mantissa: u64, exponent: i32) -> Option<f64> {
    nearest(mantissa, exponent, &DOUBLE).map(f64::from_bits)
}

/// The single nearest to `mantissa * 10^exponent`; `None` for exponents that are not known, and where the result would
/// be subnormal or infinite.
#[inline]
pub(crate) fn nearest_f32(mantissa: u64, exponent: i32) -> Option<f32> {
    // 10^-38 is subnormal, and so is nothing from 10^-27 on; 10^38 is the last power that is finite.
    let largest = if mantissa == 0 { 0 } else { exponent.saturating_add(mantissa.ilog10() as i32) };
    let bits = nearest(mantissa, exponent, &SINGLE).filter(|_| largest < 38)?;
    Some(f32::from_bits(bits as u32))
}

#[inline(always)]
fn nearest(mantissa: u64, exponent: i32, format: &Format) -> Option<u64> {
    let five = *FIVES.get(usize::try_from(exponent.checked_sub(EXPONENT_MIN)?).ok()?)?;
    if mantissa == 0 {
        return Some(0);
    }
    let shift = mantissa.leading_zeros();
    let normal = u128::from(mantissa << shift);
    let first = normal * (five >> 64);
    let (mut high, mut low) = ((first >> 64) as u64, first as u64);
    // The lower half of the power matters only where the bits below those that are kept are all ones.
    if high & (u64::MAX >> (format.mantissa_bits + 3)) == u64::MAX >> (format.mantissa_bits + 3) {
        let second = (normal * (five & u128::from(u64::MAX))) >> 64;
        let (sum, carry) = low.overflowing_add(second as u64);
        (low, high) = (sum, high + u64::from(carry));
    }
    let upper = (high >> 63) as u32;
    let cut = upper + 64 - format.mantissa_bits - 3;
    let mut bits = high >> cut;
    // floor(log2(10^exponent)), as 10 is 2 times 5.
    let binary = ((exponent * 217_706) >> 16) + 63;
    let mut power = binary + upper as i32 - shift as i32 + format.bias;
    let may_tie = low <= 1 && (format.ties.0..=format.ties.1).contains(&exponent);
    if may_tie && bits & 3 == 1 && bits << cut == high {
        bits &= !1;
    }
    bits = (bits + (bits & 1)) >> 1;
    if bits >= 2 << format.mantissa_bits {
        bits = 1 << format.mantissa_bits;
        power += 1;
    }
    Some(bits & !(1 << format.mantissa_bits) | (power as u64) << format.mantissa_bits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nearest_is_what_the_standard_library_says(
            mantissa in prop_oneof![any::<u64>(), 0_u64..1 << 54, (0_u64..1 << 12, 0_u32..52).prop_map(|(m, s)| m << s)],
            exponent in EXPONENT_MIN - 2..EXPONENT_MAX + 3,
        ) {
            let text = format!("{mantissa}e{exponent}");
            let double = nearest_f64(mantissa, exponent);
            prop_assert_eq!(double.is_some(), (EXPONENT_MIN..=EXPONENT_MAX).contains(&exponent));
            if let Some(double) = double {
                prop_assert_eq!(double.to_bits(), text.parse::<f64>().expect("a float").to_bits(), "{}", text);
            }
            if let Some(single) = nearest_f32(mantissa, exponent) {
                prop_assert_eq!(single.to_bits(), text.parse::<f32>().expect("a float").to_bits(), "{}", text);
            }
        }

        /// Numbers that lie half way between two floats, and their neighbours.
        #[test]
        fn halves_go_to_the_even_one(bits in 1_u64 << 52..1 << 53, shift in 0_u32..10, step in -1_i64..2) {
            let mantissa = ((2 * bits + 1) << shift).wrapping_add_signed(step);
            let (double, single) = (nearest_f64(mantissa, 0), nearest_f32(mantissa >> 29, 0));
            prop_assert_eq!(double, Some(mantissa as f64));
            prop_assert_eq!(single, Some((mantissa >> 29) as f32));
            // A tenth of it, where that is whole: a tie with a fraction.
            let text = format!("{}e-1", mantissa / 10 * 10 + 5);
            let tie = nearest_f64(mantissa / 10 * 10 + 5, -1);
            prop_assert_eq!(tie, text.parse::<f64>().ok());
        }
    }
}
