//! The operations that kernels are written in, and the portable ones: one lane, plain arithmetic.

use super::super::super::csv::value::float::POWERS_OF_TEN;
use super::super::super::csv::value::int::join_digits;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Some lanes of 64 bits. All of its functions must be inlined into one that is compiled for its instructions.
pub(super) trait Lanes: Copy {
    /// Proves that the instructions are there; where it has been used once, every value of the type proves it.
    type Level: Copy;
    /// One truth value a lane.
    type Mask: Copy;
    /// How many lanes, a divisor of 64.
    const LANES: usize;

    /// The place of a row, as a compiler should see it.
    #[inline(always)]
    fn at(row: usize) -> usize {
        row
    }

    /// The first lanes of `from`, which has as many.
    fn load(level: Self::Level, from: &[u64]) -> Self;
    /// The same, each number wider.
    fn widen(level: Self::Level, from: &[u32]) -> Self;
    /// One number in all lanes.
    fn splat(level: Self::Level, number: u64) -> Self;
    /// Into the first places of `to`, which has as many.
    fn store(self, to: &mut [u64]);

    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    /// Wraps.
    fn add(self, other: Self) -> Self;
    /// Wraps.
    fn sub(self, other: Self) -> Self;
    /// To the left; 64 and more leave nothing.
    fn shl(self, by: Self) -> Self;
    /// To the right; 64 and more leave nothing.
    fn shr(self, by: Self) -> Self;
    /// The product of the lower halves.
    fn mul_low(self, other: Self) -> Self;
    /// The product, wrapped.
    fn mul(self, other: Self) -> Self;

    /// Of numbers below 256: the difference, or 0.
    fn less(self, other: Self) -> Self;
    /// Of numbers below 256.
    fn min(self, other: Self) -> Self;
    /// Not zero where a byte is above that of `limits`, which are below 128.
    fn exceeding(self, limits: Self) -> Self;
    /// The lowest bit of the first byte that equals that of `byte`, among those whose bits are all in `inside`.
    fn first_byte(self, byte: Self, inside: Self) -> Self;
    /// How many bytes have their lowest bit.
    fn count_bytes(self) -> Self;
    /// The number whose digits are the bytes, the most significant one lowest.
    fn join(self) -> Self;
    /// For each half: its four bytes times those of `bytes`, in pairs, and these times the 16-bit numbers of `pairs`,
    /// summed. Sums of pairs are below 2^15.
    fn weigh(self, bytes: Self, pairs: Self) -> Self;

    fn is_zero(self) -> Self::Mask;
    /// Signed.
    fn is_less(self, other: Self) -> Self::Mask;
    fn either(one: Self::Mask, other: Self::Mask) -> Self::Mask;
    /// `yes` where the mask is true, else `no`.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// One bit a lane.
    fn bits(mask: Self::Mask) -> u64;

    /// A number below 2^53 divided by ten to the power of one below 16, rounded once, as bits of `f64`.
    fn shift_point(self, places: Self) -> Self;
}

/// One lane, for any processor.
#[derive(Clone, Copy)]
pub(super) struct Portable(u64);

impl Lanes for Portable {
    type Level = ();
    type Mask = bool;
    const LANES: usize = 1;

    /// Rows are taken one by one: loops over the vectors that every processor has, without most of the operations that are
    /// needed here, would be slower.
    #[inline(always)]
    fn at(row: usize) -> usize {
        std::hint::black_box(row) % super::ROWS
    }

    #[inline(always)]
    fn load((): (), from: &[u64]) -> Self {
        Self(from[0])
    }

    #[inline(always)]
    fn widen((): (), from: &[u32]) -> Self {
        Self(u64::from(from[0]))
    }

    #[inline(always)]
    fn splat((): (), number: u64) -> Self {
        Self(number)
    }

    #[inline(always)]
    fn store(self, to: &mut [u64]) {
        to[0] = self.0;
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    #[inline(always)]
    fn shl(self, by: Self) -> Self {
        Self(if by.0 < 64 { self.0 << by.0 } else { 0 })
    }

    #[inline(always)]
    fn shr(self, by: Self) -> Self {
        Self(if by.0 < 64 { self.0 >> by.0 } else { 0 })
    }

    #[inline(always)]
    fn mul_low(self, other: Self) -> Self {
        Self((self.0 & 0xFFFF_FFFF) * (other.0 & 0xFFFF_FFFF))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(self.0.wrapping_mul(other.0))
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    #[inline(always)]
    fn exceeding(self, limits: Self) -> Self {
        // What is missing to 127 carries a byte above its limit into its top bit; a byte above 127 has it already, and
        // only such a byte carries into its neighbour.
        Self((self.0.wrapping_add(!HIGHS - limits.0) | self.0) & HIGHS)
    }

    #[inline(always)]
    fn first_byte(self, byte: Self, inside: Self) -> Self {
        // The lowest zero byte is found exactly; what stands above it may be wrong.
        let zero_where_equal = (self.0 ^ byte.0) | !inside.0;
        let found = zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGHS;
        Self((found & found.wrapping_neg()) >> 7)
    }

    #[inline(always)]
    fn count_bytes(self) -> Self {
        Self((self.0 & ONES).wrapping_mul(ONES) >> 56)
    }

    #[inline(always)]
    fn join(self) -> Self {
        Self(join_digits(self.0))
    }

    #[inline(always)]
    fn weigh(self, bytes: Self, pairs: Self) -> Self {
        let (these, bytes) = (self.0.to_le_bytes(), bytes.0.to_le_bytes());
        let pair = |at: usize| {
            let pair_weight = (pairs.0 >> (8 * at)) & 0xFFFF;
            (u64::from(these[at]) * u64::from(bytes[at])
                + u64::from(these[at + 1]) * u64::from(bytes[at + 1]))
                * pair_weight
        };
        Self((pair(0) + pair(2)) | (pair(4) + pair(6)) << 32)
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        self.0 == 0
    }

    #[inline(always)]
    fn is_less(self, other: Self) -> bool {
        (self.0 as i64) < other.0 as i64
    }

    #[inline(always)]
    fn either(one: bool, other: bool) -> bool {
        one | other
    }

    #[inline(always)]
    fn select(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }

    #[inline(always)]
    fn bits(mask: bool) -> u64 {
        u64::from(mask)
    }

    #[inline(always)]
    fn shift_point(self, places: Self) -> Self {
        // It is small enough to be a signed number, which converts faster.
        Self((self.0 as i64 as f64 / POWERS_OF_TEN[(places.0 & 15) as usize]).to_bits())
    }
}
