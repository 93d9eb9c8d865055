//! The smallest and the largest of many values.

use super::encode::at_each_level;

/// Values that are looked at side by side.
const LANES: usize = 32;

/// Smallest and largest by two comparisons that are false for NaN, from two values that every other one passes.
macro_rules! extremes {
    ($body:ident, $type:ty, $low:expr, $high:expr) => {
        #[inline(always)]
        fn $body(values: &[$type]) -> ($type, $type) {
            let (mut low, mut high) = ([$low; LANES], [$high; LANES]);
            let (chunks, rest) = values.as_chunks::<LANES>();
            for chunk in chunks {
                for lane in 0..LANES {
                    low[lane] = if chunk[lane] < low[lane] { chunk[lane] } else { low[lane] };
                    high[lane] = if chunk[lane] > high[lane] { chunk[lane] } else { high[lane] };
                }
            }
            let (mut least, mut most) = ($low, $high);
            for &value in rest.iter().chain(&low) {
                least = if value < least { value } else { least };
            }
            for &value in rest.iter().chain(&high) {
                most = if value > most { value } else { most };
            }
            (least, most)
        }
    };
}

extremes!(i32_body, i32, i32::MAX, i32::MIN);
extremes!(i64_body, i64, i64::MAX, i64::MIN);
extremes!(u32_body, u32, u32::MAX, u32::MIN);
extremes!(u64_body, u64, u64::MAX, u64::MIN);
extremes!(f32_body, f32, f32::INFINITY, f32::NEG_INFINITY);
extremes!(f64_body, f64, f64::INFINITY, f64::NEG_INFINITY);

at_each_level! {
    /// Smallest and largest.
    fn extremes_i32(values: &[i32]) -> (i32, i32) = i32_body;
}
at_each_level! {
    /// Smallest and largest.
    fn extremes_i64(values: &[i64]) -> (i64, i64) = i64_body;
}
at_each_level! {
    /// Smallest and largest.
    fn extremes_u32(values: &[u32]) -> (u32, u32) = u32_body;
}
at_each_level! {
    /// Smallest and largest.
    fn extremes_u64(values: &[u64]) -> (u64, u64) = u64_body;
}
at_each_level! {
    /// Smallest and largest that are no NaN; the first is greater than the second where there are only NaNs. Of zeros
    /// that differ in sign it may be any.
    fn extremes_f32(values: &[f32]) -> (f32, f32) = f32_body;
}
at_each_level! {
    /// As [`extremes_f32`].
    fn extremes_f64(values: &[f64]) -> (f64, f64) = f64_body;
}

/// Slices of numbers that are seen as numbers of another kind.
macro_rules! seen_as {
    ($trait:ident, $bits:ty, $signed:ty, $float:ty) => {
        impl $trait for $bits {
            type Signed = $signed;
            type Float = $float;

            fn signed(values: &[Self]) -> &[$signed] {
                // SAFETY: both types have the same size and alignment, and every pattern of bits is a value of both.
                unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
            }

            fn floats(values: &[Self]) -> &[$float] {
                // SAFETY: as above.
                unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
            }
        }
    };
}

/// The bits of a number.
pub(crate) trait Bits: Sized {
    /// A signed integer of the same bits.
    type Signed;
    /// A float of the same bits.
    type Float;

    /// The same bits as signed integers.
    fn signed(values: &[Self]) -> &[Self::Signed];
    /// The same bits as floats.
    fn floats(values: &[Self]) -> &[Self::Float];
}

seen_as!(Bits, u32, i32, f32);
seen_as!(Bits, u64, i64, f64);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::encode::Cpu;
    use super::*;

    proptest! {
        #[test]
        fn all_levels_find_the_same(values in proptest::collection::vec(any::<u64>(), 0..200)) {
            for cpu in Cpu::all() {
                let signed: Vec<i64> = values.iter().map(|&value| value as i64).collect();
                let short: Vec<u32> = values.iter().map(|&value| value as u32).collect();
                let short_signed: Vec<i32> = values.iter().map(|&value| value as i32).collect();
                let floats: Vec<f64> = values.iter().map(|&value| f64::from_bits(value)).collect();
                let short_floats: Vec<f32> = short.iter().map(|&value| f32::from_bits(value)).collect();
                if values.is_empty() {
                    prop_assert_eq!(extremes_i64(cpu, &signed), (i64::MAX, i64::MIN));
                } else {
                    let of = |values: &[i64]| (*values.iter().min().unwrap(), *values.iter().max().unwrap());
                    prop_assert_eq!(extremes_i64(cpu, &signed), of(&signed));
                    prop_assert_eq!(extremes_u64(cpu, &values), (*values.iter().min().unwrap(), *values.iter().max().unwrap()));
                    prop_assert_eq!(extremes_u32(cpu, &short), (*short.iter().min().unwrap(), *short.iter().max().unwrap()));
                    prop_assert_eq!(extremes_i32(cpu, &short_signed), (*short_signed.iter().min().unwrap(), *short_signed.iter().max().unwrap()));
                }
                let low = floats.iter().copied().fold(f64::INFINITY, f64::min);
                let high = floats.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                prop_assert_eq!(extremes_f64(cpu, &floats), (low, high));
                let low = short_floats.iter().copied().fold(f32::INFINITY, f32::min);
                let high = short_floats.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                prop_assert_eq!(extremes_f32(cpu, &short_floats), (low, high));
            }
        }
    }
}
