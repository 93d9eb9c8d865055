//! Numbers of a block of a frame, as their differences to the least of them, and back.

use super::encode::at_each_level;

/// Added to a number below 2^51, it leaves its nearest integer in the lowest bits.
pub(crate) const INTEGER: f64 = 6_755_399_441_055_744.0;

/// Powers of ten that doubles may be multiples of the inverse of.
pub(crate) const TENS: [f64; 5] = [1.0, 1e1, 1e2, 1e3, 1e4];

at_each_level! {
    /// The least and the greatest of some numbers; zeros where there are none.
    fn extent64(values: &[[u8; 8]]) -> (i64, i64) = extent64_body;
}

#[inline(always)]
fn extent64_body(values: &[[u8; 8]]) -> (i64, i64) {
    let first = values.first().map_or(0, |value| i64::from_le_bytes(*value));
    values
        .iter()
        .map(|value| i64::from_le_bytes(*value))
        .fold((first, first), |(least, most), value| (least.min(value), most.max(value)))
}

at_each_level! {
    /// As [`extent64`].
    fn extent32(values: &[[u8; 4]]) -> (i32, i32) = extent32_body;
}

#[inline(always)]
fn extent32_body(values: &[[u8; 4]]) -> (i32, i32) {
    let first = values.first().map_or(0, |value| i32::from_le_bytes(*value));
    values
        .iter()
        .map(|value| i32::from_le_bytes(*value))
        .fold((first, first), |(least, most), value| (least.min(value), most.max(value)))
}

at_each_level! {
    /// How often `divisor` goes into the differences to `least`, and whether it leaves nothing of any: then all are at most
    /// `most`, which is below 2^32. Numbers are not less than `least`.
    fn quotients(values: &[[u8; 8]], least: i64, divisor: u64, most: u64, out: &mut [u32]) -> bool = quotients_body;
}

/// Exact division is a product with the inverse modulo 2^64; what is no multiple has a quotient above all others
/// (Warren, Hacker's Delight, 10-16).
#[inline(always)]
fn quotients_body(values: &[[u8; 8]], least: i64, divisor: u64, most: u64, out: &mut [u32]) -> bool {
    let (zeros, odd) = (divisor.trailing_zeros(), divisor >> divisor.trailing_zeros());
    // Newton's iteration: 3 bits are right, then twice as many each time.
    let inverse =
        (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse))));
    let mut highest = 0;
    for (out, value) in out.iter_mut().zip(values) {
        let difference = i64::from_le_bytes(*value).wrapping_sub(least) as u64;
        let quotient = difference.wrapping_mul(inverse).rotate_right(zeros);
        highest = highest.max(quotient);
        *out = quotient as u32;
    }
    highest <= most
}

at_each_level! {
    /// What [`quotients`] was given.
    fn products(quotients: &[u32], least: i64, divisor: u64, out: &mut [[u8; 8]]) = products_body;
}

#[inline(always)]
fn products_body(quotients: &[u32], least: i64, divisor: u64, out: &mut [[u8; 8]]) {
    for (out, quotient) in out.iter_mut().zip(quotients) {
        let difference = u64::from(*quotient).wrapping_mul(divisor) as i64;
        *out = least.wrapping_add(difference).to_le_bytes();
    }
}

at_each_level! {
    /// Differences to `least`, which no number is less than.
    fn differences32(values: &[[u8; 4]], least: i32, out: &mut [u32]) = differences32_body;
}

#[inline(always)]
fn differences32_body(values: &[[u8; 4]], least: i32, out: &mut [u32]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = i32::from_le_bytes(*value).wrapping_sub(least) as u32;
    }
}

at_each_level! {
    /// What [`differences32`] was given.
    fn sums32(differences: &[u32], least: i32, out: &mut [[u8; 4]]) = sums32_body;
}

#[inline(always)]
fn sums32_body(differences: &[u32], least: i32, out: &mut [[u8; 4]]) {
    for (out, difference) in out.iter_mut().zip(differences) {
        *out = least.wrapping_add(*difference as i32).to_le_bytes();
    }
}

at_each_level! {
    /// The integers that doubles are, in units of `1 / ten`, as 64 bits each; whether all come back, bit for bit, as [`decimals`].
    fn units(values: &[[u8; 8]], ten: f64, out: &mut [[u8; 8]]) -> bool = units_body;
}

#[inline(always)]
fn units_body(values: &[[u8; 8]], ten: f64, out: &mut [[u8; 8]]) -> bool {
    let mut differing = 0;
    for (out, value) in out.iter_mut().zip(values) {
        let bits = u64::from_le_bytes(*value);
        let unit = unit(f64::from_bits(bits), ten);
        differing |= decimal(unit, ten).to_bits() ^ bits;
        *out = unit.to_le_bytes();
    }
    differing == 0
}

at_each_level! {
    /// Doubles of the units that [`products`] gives.
    fn decimals(values: &mut [[u8; 8]], ten: f64) = decimals_body;
}

#[inline(always)]
fn decimals_body(values: &mut [[u8; 8]], ten: f64) {
    for value in values {
        *value = decimal(i64::from_le_bytes(*value), ten).to_le_bytes();
    }
}

#[inline(always)]
fn unit(value: f64, ten: f64) -> i64 {
    (value * ten + INTEGER).to_bits().wrapping_sub(INTEGER.to_bits()) as i64
}

#[inline(always)]
fn decimal(unit: i64, ten: f64) -> f64 {
    (f64::from_bits((unit as u64).wrapping_add(INTEGER.to_bits())) - INTEGER) / ten
}
