//! Eight lanes of AVX-512, as of Ice Lake and Zen 4.

use std::arch::x86_64::*;

use super::lanes::Lanes;
use super::{Column, Decimals, Places, Texts, Word, numbers, stage, times, words};

/// Proves that AVX-512 `f`, `bw`, `dq` and `vl` are there: made by functions that are compiled for them.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// Eight numbers. There is none unless there is an [`Avx512`].
#[derive(Clone, Copy)]
pub(super) struct Wide(__m512i);

impl Lanes for Wide {
    type Level = Avx512;
    type Mask = __mmask8;
    const LANES: usize = 8;

    #[inline(always)]
    fn load(_: Avx512, from: &[u64]) -> Self {
        // SAFETY: the level proves that the instructions are there, and the slice has eight numbers.
        unsafe { Self(_mm512_loadu_si512(from[..8].as_ptr().cast())) }
    }

    #[inline(always)]
    fn widen(_: Avx512, from: &[u32]) -> Self {
        // SAFETY: the level proves that the instructions are there, and the slice has eight numbers.
        unsafe { Self(_mm512_cvtepu32_epi64(_mm256_loadu_si256(from[..8].as_ptr().cast()))) }
    }

    #[inline(always)]
    fn splat(_: Avx512, number: u64) -> Self {
        // SAFETY: the level proves that the instructions are there.
        unsafe { Self(_mm512_set1_epi64(number as i64)) }
    }

    #[inline(always)]
    fn store(self, to: &mut [u64]) {
        // SAFETY: the value proves that the instructions are there, and the slice has eight numbers.
        unsafe {
            _mm512_storeu_si512(to[..8].as_mut_ptr().cast(), self.0);
        }
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_and_si512(self.0, other.0)) }
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_or_si512(self.0, other.0)) }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_xor_si512(self.0, other.0)) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_add_epi64(self.0, other.0)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_sub_epi64(self.0, other.0)) }
    }

    #[inline(always)]
    fn shl(self, by: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_sllv_epi64(self.0, by.0)) }
    }

    #[inline(always)]
    fn shr(self, by: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_srlv_epi64(self.0, by.0)) }
    }

    #[inline(always)]
    fn mul_low(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_mul_epu32(self.0, other.0)) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_mullo_epi64(self.0, other.0)) }
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_subs_epu8(self.0, other.0)) }
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_min_epu8(self.0, other.0)) }
    }

    #[inline(always)]
    fn exceeding(self, limits: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_subs_epu8(self.0, limits.0)) }
    }

    #[inline(always)]
    fn first_byte(self, byte: Self, inside: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe {
            let equal = _mm512_movm_epi8(_mm512_cmpeq_epi8_mask(self.0, byte.0));
            let found = _mm512_and_si512(equal, inside.0);
            Self(_mm512_and_si512(found, _mm512_sub_epi64(_mm512_setzero_si512(), found)))
        }
    }

    #[inline(always)]
    fn count_bytes(self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_sad_epu8(self.0, _mm512_setzero_si512())) }
    }

    #[inline(always)]
    fn join(self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe {
            let pairs = _mm512_maddubs_epi16(self.0, _mm512_set1_epi16(0x010A));
            let fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x0001_0064));
            let high = _mm512_mul_epu32(fours, _mm512_set1_epi64(10_000));
            Self(_mm512_add_epi64(high, _mm512_srli_epi64::<32>(fours)))
        }
    }

    #[inline(always)]
    fn weigh(self, bytes: Self, pairs: Self) -> Self {
        // SAFETY: the value proves that the instructions are there.
        unsafe { Self(_mm512_madd_epi16(_mm512_maddubs_epi16(self.0, bytes.0), pairs.0)) }
    }

    #[inline(always)]
    fn is_zero(self) -> __mmask8 {
        // SAFETY: the value proves that the instructions are there.
        unsafe { _mm512_testn_epi64_mask(self.0, self.0) }
    }

    #[inline(always)]
    fn is_less(self, other: Self) -> __mmask8 {
        // SAFETY: the value proves that the instructions are there.
        unsafe { _mm512_cmplt_epi64_mask(self.0, other.0) }
    }

    #[inline(always)]
    fn either(one: __mmask8, other: __mmask8) -> __mmask8 {
        one | other
    }

    #[inline(always)]
    fn select(mask: __mmask8, yes: Self, no: Self) -> Self {
        // SAFETY: the values prove that the instructions are there.
        unsafe { Self(_mm512_mask_blend_epi64(mask, no.0, yes.0)) }
    }

    #[inline(always)]
    fn bits(mask: __mmask8) -> u64 {
        u64::from(mask)
    }

    /// By a product, as a division takes four times as long. The two parts of `10^-n` are together exact to 2^-106 of it, and
    /// so is the smaller product; so the sum is off by less than 2^-105 of itself before it is rounded. It lies no nearer than
    /// that to the middle between two floats: such a middle is `odd / 2^s` with an odd number below 2^54, and for a mantissa
    /// below 2^53 and `n` below 16 it is never hit, and differs by `1 / (10^n 2^s)` at least, which is 2^-104 of it.
    #[inline(always)]
    fn shift_point(self, places: Self) -> Self {
        // SAFETY: the value proves that the instructions are there, and the tables have sixteen numbers each.
        unsafe {
            let pick = |table: &[u64; 16]| {
                let low = _mm512_loadu_pd(table.as_ptr().cast());
                let high = _mm512_loadu_pd(table[8..].as_ptr().cast());
                _mm512_permutex2var_pd(low, places.0, high)
            };
            let mantissa = _mm512_cvtepu64_pd(self.0);
            let rest = _mm512_mul_pd(mantissa, pick(&TENTHS_REST));
            Self(_mm512_castpd_si512(_mm512_fmadd_pd(mantissa, pick(&TENTHS), rest)))
        }
    }
}

/// The `f64` nearest to `10^-n`, as bits.
const TENTHS: [u64; 16] = [
    0x3FF0_0000_0000_0000,
    0x3FB9_9999_9999_999A,
    0x3F84_7AE1_47AE_147B,
    0x3F50_624D_D2F1_A9FC,
    0x3F1A_36E2_EB1C_432D,
    0x3EE4_F8B5_88E3_68F1,
    0x3EB0_C6F7_A0B5_ED8D,
    0x3E7A_D7F2_9ABC_AF48,
    0x3E45_798E_E230_8C3A,
    0x3E11_2E0B_E826_D695,
    0x3DDB_7CDF_D9D7_BDBB,
    0x3DA5_FD7F_E179_6495,
    0x3D71_9799_812D_EA11,
    0x3D3C_25C2_6849_7682,
    0x3D06_849B_86A1_2B9B,
    0x3CD2_03AF_9EE7_5616,
];

/// The `f64` nearest to what these lack of `10^-n`, as bits.
const TENTHS_REST: [u64; 16] = [
    0x0000_0000_0000_0000,
    0xBC59_9999_9999_999A,
    0xBC0E_B851_EB85_1EB8,
    0xBBD8_9374_BC6A_7EFA,
    0xBBB6_A161_E4F7_65FE,
    0xBB8E_E781_83F9_1E64,
    0x3B4B_5A63_F9A4_9C2C,
    0x3B15_E1E9_9483_B023,
    0xBAD0_3023_DF2D_4C94,
    0xBAB3_4674_BFAB_B83B,
    0xBA72_0A54_65DF_8D2C,
    0x3A47_F7BC_7B4D_28AA,
    0x39F9_7F27_F0F6_E886,
    0xB9CE_CD79_A5A0_DF95,
    0x394E_A709_0983_3DE7,
    0xB979_3783_1647_F5A0,
];

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn integers<const N: usize>(texts: &Texts, range: (i64, i64), out: &mut Column) -> u64 {
    numbers::integers::<Wide, N>(Avx512(()), texts, range, out)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn decimals<const N: usize, const PARTS: bool>(
    texts: &Texts,
    point: u8,
    out: &mut Decimals,
) -> u64 {
    numbers::decimals::<Wide, N, PARTS>(Avx512(()), texts, point, out)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn dates(texts: &Texts, out: &mut Column) -> u64 {
    times::dates::<Wide>(Avx512(()), texts, out)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn stamps(texts: &Texts, out: &mut Column) -> u64 {
    times::stamps::<Wide>(Avx512(()), texts, out)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn words(texts: &Texts, of: &[Word]) -> (u64, u64) {
    words::words::<Wide>(Avx512(()), texts, of)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn places(ends: &[u32], stride: usize, rows: usize, places: &mut Places) -> u32 {
    // One by one: eight loads by one instruction are no faster, as the pairs are on as many lines of the cache.
    stage::places(ends, stride, rows, places)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn longest_known(places: &Places) -> u32 {
    stage::longest_known(places)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn load_ends(bytes: &[u8], behind: u32, places: &mut Places, to: &mut Column) {
    stage::load_ends(bytes, behind, places, to);
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn load_begins(bytes: &[u8], offset: u32, places: &mut Places, to: &mut Column) {
    stage::load_begins(bytes, offset, places, to);
}
