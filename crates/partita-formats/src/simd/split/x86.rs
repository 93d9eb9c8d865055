//! The lanes of x86-64.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_clmulepi64_si128, _mm_cmpeq_epi8, _mm_cvtsi64_si128, _mm_cvtsi128_si64,
    _mm_loadl_epi64, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8, _mm256_add_epi32, _mm256_and_si256,
    _mm256_cmpeq_epi8, _mm256_cvtepu8_epi32, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_sllv_epi32, _mm256_storeu_si256,
    _mm512_add_epi32, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask, _mm512_cvtepu8_epi32,
    _mm512_extracti32x4_epi32, _mm512_loadu_si512, _mm512_mask_or_epi32, _mm512_maskz_compress_epi8,
    _mm512_set1_epi8, _mm512_set1_epi32, _mm512_storeu_si512, _pdep_u64, _pext_u64,
};

use super::{BLOCK_BYTES, Block, Job, Lanes, MARK, Room, Target, Window};

/// What every x86-64 has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sse2;

/// [`partita_columns::cpu::Level::Avx2`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

/// [`partita_columns::cpu::Level::Avx512`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(());

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
pub(super) fn run_avx2<J: Job>(job: J) -> J::Output {
    job.run(Avx2(()))
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2")]
pub(super) fn run_avx512<J: Job>(job: J) -> J::Output {
    job.run(Avx512(()))
}

impl Lanes for Sse2 {
    const DEPOSITS: bool = false;

    #[inline(always)]
    fn equal<const N: usize>(self, block: &Block, needles: [u8; N]) -> [u64; N] {
        let quarters = block.as_chunks::<16>().0;
        let mut masks = [0; N];
        for (mask, needle) in masks.iter_mut().zip(needles) {
            for (index, quarter) in quarters.iter().enumerate() {
                // SAFETY: every x86-64 has SSE2; the load is of the sixteen bytes of an array.
                let found = unsafe {
                    let bytes = _mm_loadu_si128(quarter.as_ptr().cast::<__m128i>());
                    _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(needle as i8)))
                };
                *mask |= u64::from(found as u32) << (16 * index);
            }
        }
        masks
    }

    #[inline(always)]
    fn parity(self, mask: u64) -> u64 {
        super::parity(mask)
    }

    #[inline(always)]
    fn deposit(self, pattern: u64, mask: u64) -> u64 {
        super::deposit(pattern, mask)
    }

    #[inline(always)]
    fn write(self, room: &mut Room, base: u32, places: u64, marked: u64) -> usize {
        if marked == 0 {
            return super::write(room, base, places, 0);
        }
        super::write(room, base, places, marked)
    }

    #[inline(always)]
    fn write_kept(self, room: &mut Room, base: u32, places: u64, marked: u64, keep: u64) -> usize {
        if marked == 0 {
            return super::write_kept(room, base, places, 0, keep);
        }
        super::write_kept(room, base, places, marked, keep)
    }
}

/// The places of the bits of each byte, one byte each, from the lowest on.
static PLACES: [[u8; 8]; 256] = places();

const fn places() -> [[u8; 8]; 256] {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut count, mut bit) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte][count] = bit;
                count += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
}

/// # Safety
/// The processor has `pclmulqdq`.
#[inline(always)]
unsafe fn parity(mask: u64) -> u64 {
    // SAFETY: as the caller promises. A product without carries with all ones is the parity of each prefix.
    unsafe {
        let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(mask as i64), _mm_set1_epi8(-1));
        _mm_cvtsi128_si64(product) as u64
    }
}

impl Lanes for Avx2 {
    const DEPOSITS: bool = true;

    #[inline(always)]
    fn equal<const N: usize>(self, block: &Block, needles: [u8; N]) -> [u64; N] {
        // SAFETY: a value of this type is there only where the processor has the level; the loads are of the two
        // halves of a block.
        unsafe {
            let bytes = block.as_ptr().cast::<__m256i>();
            let (low, high) = (_mm256_loadu_si256(bytes), _mm256_loadu_si256(bytes.add(1)));
            // No closure: one would be compiled for every processor.
            let mut masks = [0; N];
            for (mask, needle) in masks.iter_mut().zip(needles) {
                let needle = _mm256_set1_epi8(needle as i8);
                let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, needle)) as u32;
                let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, needle)) as u32;
                *mask = u64::from(low) | u64::from(high) << 32;
            }
            masks
        }
    }

    #[inline(always)]
    fn parity(self, mask: u64) -> u64 {
        // SAFETY: the level has it, and a value of this type is there only where the processor has the level.
        unsafe { parity(mask) }
    }

    #[inline(always)]
    fn deposit(self, pattern: u64, mask: u64) -> u64 {
        // SAFETY: as above.
        unsafe { _pdep_u64(pattern, mask) }
    }

    #[inline(always)]
    fn write(self, room: &mut Room, base: u32, places: u64, marked: u64) -> usize {
        let mut count = 0;
        // SAFETY: a value of this type is there only where the processor has the level. Eight positions are written
        // from `count` on, which before byte `index` of the mask is `8 * index` at most.
        unsafe {
            let to = room.as_mut_ptr();
            let mut base = _mm256_set1_epi32(base as i32);
            let marks = if marked == 0 { 0 } else { _pext_u64(marked, places) };
            for index in 0..8 {
                let byte = (places >> (8 * index)) as u8;
                let places = PLACES[usize::from(byte)].as_ptr().cast::<__m128i>();
                let mut positions = _mm256_add_epi32(base, _mm256_cvtepu8_epi32(_mm_loadl_epi64(places)));
                if marked != 0 {
                    let shifts = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
                    let marks = _mm256_sllv_epi32(_mm256_set1_epi32((marks >> count) as i32), shifts);
                    let marks = _mm256_and_si256(marks, _mm256_set1_epi32(MARK as i32));
                    positions = _mm256_or_si256(positions, marks);
                }
                _mm256_storeu_si256(to.add(count).cast::<__m256i>(), positions);
                base = _mm256_add_epi32(base, _mm256_set1_epi32(8));
                count += byte.count_ones() as usize;
            }
        }
        count
    }

    #[inline(always)]
    fn write_kept(self, room: &mut Room, base: u32, places: u64, marked: u64, keep: u64) -> usize {
        let places = self.deposit(keep, places);
        // They are few.
        if marked == 0 {
            super::write(room, base, places, 0)
        } else {
            super::write(room, base, places, marked)
        }
    }
}

/// The numbers of the bytes of a block.
static NUMBERS: Block = numbers();

const fn numbers() -> Block {
    let mut numbers = [0; BLOCK_BYTES];
    let mut index = 0;
    while index < BLOCK_BYTES {
        numbers[index] = index as u8;
        index += 1;
    }
    numbers
}

impl Lanes for Avx512 {
    const DEPOSITS: bool = true;

    #[inline(always)]
    fn equal<const N: usize>(self, block: &Block, needles: [u8; N]) -> [u64; N] {
        // SAFETY: a value of this type is there only where the processor has the level; the load is of a block.
        unsafe {
            let bytes = _mm512_loadu_si512(block.as_ptr().cast());
            let mut masks = [0; N];
            for (mask, needle) in masks.iter_mut().zip(needles) {
                *mask = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(needle as i8));
            }
            masks
        }
    }

    #[inline(always)]
    fn parity(self, mask: u64) -> u64 {
        // SAFETY: the level has it, and a value of this type is there only where the processor has the level.
        unsafe { parity(mask) }
    }

    #[inline(always)]
    fn deposit(self, pattern: u64, mask: u64) -> u64 {
        // SAFETY: as above.
        unsafe { _pdep_u64(pattern, mask) }
    }

    #[inline(always)]
    fn write(self, room: &mut Room, base: u32, places: u64, marked: u64) -> usize {
        let count = places.count_ones() as usize;
        // SAFETY: a value of this type is there only where the processor has the level; the load is of a block, and
        // the four stores are of the four quarters of `room`.
        unsafe {
            let to = room.as_mut_ptr();
            let places_in_order =
                _mm512_maskz_compress_epi8(places, _mm512_loadu_si512(NUMBERS.as_ptr().cast()));
            let base = _mm512_set1_epi32(base as i32);
            let marks = if marked == 0 { 0 } else { _pext_u64(marked, places) };
            macro_rules! quarter {
                ($index:literal) => {
                    let numbers = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<$index>(places_in_order));
                    let mut positions = _mm512_add_epi32(base, numbers);
                    if marked != 0 {
                        let mark = _mm512_set1_epi32(MARK as i32);
                        let marks = (marks >> (16 * $index)) as u16;
                        positions = _mm512_mask_or_epi32(positions, marks, positions, mark);
                    }
                    _mm512_storeu_si512(to.add(16 * $index).cast(), positions);
                };
            }
            quarter!(0);
            quarter!(1);
            if count > 32 {
                quarter!(2);
                quarter!(3);
            }
        }
        count
    }

    #[inline(always)]
    fn write_kept(self, room: &mut Room, base: u32, places: u64, marked: u64, keep: u64) -> usize {
        let places = self.deposit(keep, places);
        let count = places.count_ones() as usize;
        if marked != 0 || count > 16 {
            return self.write(room, base, places, marked);
        }
        // They are few, next to always.
        // SAFETY: a value of this type is there only where the processor has the level; the load is of a block, and the store is
        // of the first quarter of `room`.
        unsafe {
            let in_order = _mm512_maskz_compress_epi8(places, _mm512_loadu_si512(NUMBERS.as_ptr().cast()));
            let numbers = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(in_order));
            let positions = _mm512_add_epi32(_mm512_set1_epi32(base as i32), numbers);
            _mm512_storeu_si512(room.as_mut_ptr().cast(), positions);
        }
        count
    }

    #[inline(always)]
    fn squeeze(self, window: &Window, dropped: u64, target: &mut Target) {
        // SAFETY: a value of this type is there only where the processor has the level; the load is of the first half of
        // `window`, the store to that of `target`.
        unsafe {
            let bytes = _mm512_loadu_si512(window.as_ptr().cast());
            _mm512_storeu_si512(target.as_mut_ptr().cast(), _mm512_maskz_compress_epi8(!dropped, bytes));
        }
    }
}
