//! The float nearest to a decimal number: ties to even, as everywhere.
//!
//! The algorithm of Eisel and Lemire ("Number Parsing at a Gigabyte per Second", 2021). Where it would have to give up (128
//! bits of a power of five do not decide, which cannot happen near 10^0) and where the result is subnormal or infinite, it
//! says so.

use std::sync::LazyLock;

/// Powers of ten that are known: all whose products with 64 bits may be normal doubles.
pub(crate) const EXPONENT_MIN: i32 = -342;
/// See [`EXPONENT_MIN`].
pub(crate) const EXPONENT_MAX: i32 = 308;

/// The powers for which 128 bits of the power of five always decide (sections 6 and 8 of the paper).
const DECIDED: (i32, i32) = (-27, 55);

const COUNT: usize = (EXPONENT_MAX - EXPONENT_MIN + 1) as usize;

/// For each exponent the leading 128 bits of the power of five: cut, but for those of [`DECIDED`] below zero, which are
/// rounded up. Made at its first use, in about a millisecond.
static FIVES: LazyLock<Box<[u128; COUNT]>> = LazyLock::new(fives);

/// A number of up to 832 bits, lowest first: 5^342 has 795.
type Big = [u64; 13];

fn fives() -> Box<[u128; COUNT]> {
    let mut table = Box::new([0; COUNT]);
    let mut power: Big = [0; 13];
    power[0] = 1;
    for exponent in 0..=-EXPONENT_MIN {
        if exponent <= EXPONENT_MAX {
            table[(exponent - EXPONENT_MIN) as usize] = leading(&power);
        }
        if exponent > 0 {
            // The last bit never comes out even, and the others are never all ones.
            let up = u128::from(-exponent >= DECIDED.0);
            table[(-exponent - EXPONENT_MIN) as usize] = reciprocal(&power) + up;
        }
        let mut carry = 0;
        for limb in &mut power {
            let product = u128::from(*limb) * 5 + carry;
            (*limb, carry) = (product as u64, product >> 64);
        }
    }
    table
}

/// The leading 128 bits of a number above 0, zeros behind them where it has fewer.
fn leading(number: &Big) -> u128 {
    let top = number.iter().rposition(|limb| *limb != 0).unwrap_or(0);
    let limb = |below: usize| u128::from(top.checked_sub(below).map_or(0, |index| number[index]));
    let zeros = number[top].leading_zeros();
    let high = limb(0) << 64 | limb(1);
    if zeros == 0 { high } else { high << zeros | limb(2) >> (64 - zeros) }
}

/// The first 128 significant bits of `1 / divisor`, cut; of an odd number above 1. Long division, bit by bit.
fn reciprocal(divisor: &Big) -> u128 {
    let top = divisor.iter().rposition(|limb| *limb != 0).unwrap_or(0);
    // The power of two below the divisor: what is left of 1 when all bits before the first significant one are zero.
    let mut rest: Big = [0; 13];
    rest[top] = 1 << divisor[top].ilog2();
    let mut quotient: u128 = 0;
    while quotient >> 127 == 0 {
        let mut carry = 0;
        for limb in &mut rest {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
        }
        quotient <<= 1;
        if rest.iter().rev().ge(divisor.iter().rev()) {
            let mut borrow = false;
            for (limb, less) in rest.iter_mut().zip(divisor) {
                let (difference, first) = limb.overflowing_sub(*less);
                let (difference, second) = difference.overflowing_sub(u64::from(borrow));
                (*limb, borrow) = (difference, first | second);
            }
            quotient |= 1;
        }
    }
    quotient
}

/// A binary format.
struct Format {
    /// Bits of the mantissa that are stored.
    mantissa_bits: u32,
    /// What is stored for the exponent of 1.0.
    bias: i32,
    /// What is stored for the exponent of infinity.
    infinite: i32,
    /// The exponents for which a number may lie half way between two floats.
    ties: (i32, i32),
}

const DOUBLE: Format = Format { mantissa_bits: 52, bias: 1023, infinite: 2047, ties: (-4, 23) };
const SINGLE: Format = Format { mantissa_bits: 23, bias: 127, infinite: 255, ties: (-17, 10) };

/// The double nearest to `mantissa * 10^exponent`; `None` where the algorithm does not say.
#[inline]
pub(crate) fn nearest_f64(mantissa: u64, exponent: i32) -> Option<f64> {
    nearest(mantissa, exponent, &DOUBLE).map(f64::from_bits)
}

/// The single nearest to `mantissa * 10^exponent`; `None` where the algorithm does not say.
#[inline]
pub(crate) fn nearest_f32(mantissa: u64, exponent: i32) -> Option<f32> {
    nearest(mantissa, exponent, &SINGLE).map(|bits| f32::from_bits(bits as u32))
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
    if low == u64::MAX && !(DECIDED.0..=DECIDED.1).contains(&exponent) {
        return None;
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
    if power <= 0 || power >= format.infinite {
        return None;
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
            exponent in prop_oneof![EXPONENT_MIN - 2..EXPONENT_MAX + 3, DECIDED.0 - 20..DECIDED.1 + 3],
        ) {
            let text = format!("{mantissa}e{exponent}");
            let double = nearest_f64(mantissa, exponent);
            let decided = (DECIDED.0..=DECIDED.1).contains(&exponent);
            prop_assert!(double.is_some() || !decided);
            prop_assert!(double.is_none() || (EXPONENT_MIN..=EXPONENT_MAX).contains(&exponent));
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
