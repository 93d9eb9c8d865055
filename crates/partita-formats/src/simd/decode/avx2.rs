//! Four lanes of AVX2.

use std::arch::x86_64::*;

use super::super::super::csv::value::float::POWERS_OF_TEN;
use super::lanes::Lanes;
use super::{Column, Decimals, Places, Texts, Word, numbers, stage, times, words};

/// Proves that AVX2 is there: made by functions that are compiled for it.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// Four numbers. There is none unless there is an [`Avx2`].
#[derive(Clone, Copy)]
pub(super) struct Wide(__m256i);

impl Lanes for Wide {
    type Level = Avx2;
    type Mask = __m256i;
    const LANES: usize = 4;

    #[inline(always)]
    fn load(_: Avx2, from: &[u64]) -> Self {
        // SAFETY: the level proves that the instructions are there, and the slice has four numbers.
        unsafe { Self(_mm256_loadu_si256(from[..4].as_ptr().cast())) }
    }

    #[inline(always)]
    fn widen(_: Avx2, from: &[u32]) -> Self {
        // SAFETY: the level proves that the instructions are there, and the slice has four numbers.
        unsafe { Self(_mm256_cvtepu32_epi64(_mm_loadu_si128(from[..4].as_ptr().cast()))) }
    }

    #[inline(always)]
    fn splat(_: Avx2, number: u64) -> Self {
        // SAFETY: the level proves that the instructions are there.
        unsafe { Self(_mm256_set1_epi64x(number as i64)) }
    }

    #[inline(always)]
    fn store(self, to: &mut [u64]) {
        // SAFETY: the value proves that the instructions are there, and the slice has four numbers.
        unsafe {
            _mm256_storeu_si256(to[..4].as_mut_ptr().cast(), self.0);
        }
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_and_si256(self.0, other.0)) }
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_or_si256(self.0, other.0)) }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_xor_si256(self.0, other.0)) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_add_epi64(self.0, other.0)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_sub_epi64(self.0, other.0)) }
    }

    #[inline(always)]
    fn shl(self, by: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_sllv_epi64(self.0, by.0)) }
    }

    #[inline(always)]
    fn shr(self, by: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_srlv_epi64(self.0, by.0)) }
    }

    #[inline(always)]
    fn mul_low(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_mul_epu32(self.0, other.0)) }
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_subs_epu8(self.0, other.0)) }
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_min_epu8(self.0, other.0)) }
    }

    #[inline(always)]
    fn exceeding(self, limits: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_subs_epu8(self.0, limits.0)) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe {
            let low = _mm256_mul_epu32(self.0, other.0);
            let one = _mm256_mul_epu32(_mm256_srli_epi64::<32>(self.0), other.0);
            let two = _mm256_mul_epu32(self.0, _mm256_srli_epi64::<32>(other.0));
            Self(_mm256_add_epi64(low, _mm256_slli_epi64::<32>(_mm256_add_epi64(one, two))))
        }
    }

    #[inline(always)]
    fn first_byte(self, byte: Self, inside: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe {
            let found = _mm256_and_si256(_mm256_cmpeq_epi8(self.0, byte.0), inside.0);
            Self(_mm256_and_si256(found, _mm256_sub_epi64(_mm256_setzero_si256(), found)))
        }
    }

    #[inline(always)]
    fn count_bytes(self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_sad_epu8(self.0, _mm256_setzero_si256())) }
    }

    #[inline(always)]
    fn join(self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe {
            let pairs = _mm256_maddubs_epi16(self.0, _mm256_set1_epi16(0x010A));
            let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0001_0064));
            let high = _mm256_mul_epu32(fours, _mm256_set1_epi64x(10_000));
            Self(_mm256_add_epi64(high, _mm256_srli_epi64::<32>(fours)))
        }
    }

    #[inline(always)]
    fn weigh(self, bytes: Self, pairs: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm256_madd_epi16(_mm256_maddubs_epi16(self.0, bytes.0), pairs.0)) }
    }

    #[inline(always)]
    fn is_zero(self) -> __m256i {
        // SAFETY: the value proves that the instructions are there.
        unsafe { _mm256_cmpeq_epi64(self.0, _mm256_setzero_si256()) }
    }

    #[inline(always)]
    fn is_less(self, other: Self) -> __m256i {
        // SAFETY: the value proves that the instructions are there.
        unsafe { _mm256_cmpgt_epi64(other.0, self.0) }
    }

    #[inline(always)]
    fn either(one: __m256i, other: __m256i) -> __m256i {
        // SAFETY: masks are made of values, which prove that the instructions are there.
        unsafe { _mm256_or_si256(one, other) }
    }

    #[inline(always)]
    fn select(mask: __m256i, yes: Self, no: Self) -> Self {
        // SAFETY: the values prove that the instructions are there.
        unsafe { Self(_mm256_blendv_epi8(no.0, yes.0, mask)) }
    }

    #[inline(always)]
    fn bits(mask: __m256i) -> u64 {
        // SAFETY: masks are made of values, which prove that the instructions are there.
        unsafe { u64::from(_mm256_movemask_pd(_mm256_castsi256_pd(mask)) as u32) }
    }

    #[inline(always)]
    fn shift_point(self, places: Self) -> Self {
        // SAFETY: the value proves that the instructions are there, and the table has more than sixteen numbers.
        unsafe {
            // Both halves as the low digits of a large power of two, which is taken off again; all of it is exact.
            let (two52, two84) = (_mm256_set1_pd(TWO_52), _mm256_set1_pd(TWO_84));
            let low = _mm256_blend_epi32::<0b1010_1010>(self.0, _mm256_castpd_si256(two52));
            let high = _mm256_xor_si256(_mm256_srli_epi64::<32>(self.0), _mm256_castpd_si256(two84));
            let high = _mm256_sub_pd(_mm256_castsi256_pd(high), _mm256_set1_pd(TWO_84 + TWO_52));
            let mantissa = _mm256_add_pd(high, _mm256_castsi256_pd(low));
            // Four numbers of the table at a time: both halves of the one that the lowest two bits say.
            let place = _mm256_and_si256(places.0, _mm256_set1_epi64x(3));
            let place = _mm256_add_epi64(place, place);
            let next = _mm256_add_epi64(place, _mm256_set1_epi64x(1));
            let halves = _mm256_or_si256(place, _mm256_slli_epi64::<32>(next));
            let pick = |at: usize| {
                let four = _mm256_castpd_ps(_mm256_loadu_pd(POWERS_OF_TEN[at..at + 4].as_ptr()));
                _mm256_castps_pd(_mm256_permutevar8x32_ps(four, halves))
            };
            // The next two bits, as signs.
            let bit2 = _mm256_castsi256_pd(_mm256_slli_epi64::<61>(places.0));
            let bit3 = _mm256_castsi256_pd(_mm256_slli_epi64::<60>(places.0));
            let below8 = _mm256_blendv_pd(pick(0), pick(4), bit2);
            let power = if _mm256_movemask_pd(bit3) == 0 {
                below8
            } else {
                _mm256_blendv_pd(below8, _mm256_blendv_pd(pick(8), pick(12), bit2), bit3)
            };
            Self(_mm256_castpd_si256(_mm256_div_pd(mantissa, power)))
        }
    }
}

/// 2^52.
const TWO_52: f64 = 4_503_599_627_370_496.0;
/// 2^84.
const TWO_84: f64 = 19_342_813_113_834_066_795_298_816.0;

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn integers<const N: usize>(texts: &Texts, range: (i64, i64), out: &mut Column) -> u64 {
    numbers::integers::<Wide, N>(Avx2(()), texts, range, out)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn decimals<const N: usize, const PARTS: bool>(
    texts: &Texts,
    point: u8,
    out: &mut Decimals,
) -> u64 {
    numbers::decimals::<Wide, N, PARTS>(Avx2(()), texts, point, out)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn dates(texts: &Texts, out: &mut Column) -> u64 {
    times::dates::<Wide>(Avx2(()), texts, out)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn stamps(texts: &Texts, out: &mut Column) -> u64 {
    times::stamps::<Wide>(Avx2(()), texts, out)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn words(texts: &Texts, of: &[Word]) -> (u64, u64) {
    words::words::<Wide>(Avx2(()), texts, of)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn places(ends: &[u32], stride: usize, rows: usize, places: &mut Places) -> u32 {
    stage::places(ends, stride, rows, places)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn longest_known(places: &Places) -> u32 {
    stage::longest_known(places)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn load_ends(bytes: &[u8], behind: u32, places: &mut Places, to: &mut Column) {
    stage::load_ends(bytes, behind, places, to);
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn load_begins(bytes: &[u8], offset: u32, places: &mut Places, to: &mut Column) {
    stage::load_begins(bytes, offset, places, to);
}
