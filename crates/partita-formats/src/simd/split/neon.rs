//! The lanes of 64-bit ARM.

use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vpaddq_u8, vreinterpretq_u64_u8,
};

use super::{Block, Lanes, Room};

/// What every 64-bit ARM has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neon;

/// One bit for each byte of half a vector.
static BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];

impl Lanes for Neon {
    const DEPOSITS: bool = false;

    /// Adding neighbours three times leaves one byte of bits for eight bytes (Langdale and Lemire, "Parsing gigabytes of JSON per
    /// second", 2019).
    #[inline(always)]
    fn equal<const N: usize>(self, block: &Block, needles: [u8; N]) -> [u64; N] {
        // SAFETY: every 64-bit ARM has NEON; the loads are of the four quarters of a block and of an array of their size.
        unsafe {
            let bits = vld1q_u8(BITS.as_ptr());
            let quarter = |index: usize| -> uint8x16_t { vld1q_u8(block.as_ptr().add(16 * index)) };
            let quarters = [quarter(0), quarter(1), quarter(2), quarter(3)];
            needles.map(|needle| {
                let needle = vdupq_n_u8(needle);
                let [a, b, c, d] = quarters.map(|bytes| vandq_u8(vceqq_u8(bytes, needle), bits));
                let sums = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
                vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))
            })
        }
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
        super::write(room, base, places, marked)
    }

    #[inline(always)]
    fn write_kept(self, room: &mut Room, base: u32, places: u64, marked: u64, keep: u64) -> usize {
        super::write_kept(room, base, places, marked, keep)
    }
}
