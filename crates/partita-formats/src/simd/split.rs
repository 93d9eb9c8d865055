//! Masks of sixty-four bytes, and what the splitter does with them: one set of operations a level.
//!
//! A [`Job`] is a loop that is written once over [`Lanes`]; [`run`] compiles it for each level and picks one. A value
//! of a type of lanes is the proof that the processor has the instructions: only [`run`] makes them.

use std::mem::MaybeUninit;
use std::sync::LazyLock;

use partita_columns::cpu::{self, Level};

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 64;

/// Bytes that are looked at together: in masks they are one bit each, the lowest for the first.
pub(crate) type Block = [u8; BLOCK_BYTES];

/// Room for the positions in a block.
pub(crate) type Room = [u32; BLOCK_BYTES];

/// A block, and the one behind it.
pub(crate) type Window = [u8; 2 * BLOCK_BYTES];

/// Room for a block, wherever in it the last byte is written from.
pub(crate) type Target = [MaybeUninit<u8>; 2 * BLOCK_BYTES];

/// Set in a position that is marked.
const MARK: u32 = 1 << 31;

/// The operations of one level. All give the same.
pub(crate) trait Lanes: Copy {
    /// Whether [`Lanes::deposit`] is one instruction.
    const DEPOSITS: bool;

    /// The bytes of `block` that are each of `needles`.
    fn equal<const N: usize>(self, block: &Block, needles: [u8; N]) -> [u64; N];

    /// Each bit of the result is the parity of the bits of `mask` up to and with its own.
    fn parity(self, mask: u64) -> u64;

    /// The bits of `pattern`, from the lowest on, at the places of the bits of `mask`.
    fn deposit(self, pattern: u64, mask: u64) -> u64;

    /// Writes `base` plus the place of each bit of `places`, with the highest bit set for those in `marked`; returns
    /// how many. What stands behind them in `room` is of no account.
    fn write(self, room: &mut Room, base: u32, places: u64, marked: u64) -> usize;

    /// As [`Lanes::write`], but of the bits of `places` only those that have a bit in `keep`, counted from the lowest.
    fn write_kept(self, room: &mut Room, base: u32, places: u64, marked: u64, keep: u64) -> usize;

    /// Writes the bytes of the first block of `window` but for those in `dropped`, one behind the other. At least a block is
    /// written; what stands behind the bytes is of no account.
    #[inline(always)]
    fn squeeze(self, window: &Window, dropped: u64, target: &mut Target) {
        squeeze(window, dropped, target);
    }
}

/// A loop over lanes. `run` must be `#[inline(always)]`, and all it calls that works on masks: it is compiled for the
/// level that it is inlined into.
pub(crate) trait Job {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// Does `job` at `level`, or without vector instructions that are not everywhere where the processor lacks it.
pub(crate) fn run<J: Job>(level: Level, job: J) -> J::Output {
    static LEVELS: LazyLock<Vec<Level>> = LazyLock::new(cpu::levels);
    let level = if LEVELS.contains(&level) { level } else { Level::Portable };
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has the level.
        Level::Avx512 => unsafe { x86::run_avx512(job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has the level.
        Level::Avx2 => unsafe { x86::run_avx2(job) },
        #[cfg(target_arch = "x86_64")]
        _ => job.run(x86::Sse2),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => job.run(neon::Neon),
        #[cfg(not(target_arch = "x86_64"))]
        _ => job.run(Plain),
    }
}

/// No instructions of any processor.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    target_arch = "x86_64",
    allow(dead_code, reason = "there are better ones everywhere but in tests")
)]
pub(crate) struct Plain;

impl Lanes for Plain {
    const DEPOSITS: bool = false;

    #[inline(always)]
    fn equal<const N: usize>(self, block: &Block, needles: [u8; N]) -> [u64; N] {
        needles.map(|needle| equal(block, needle))
    }

    #[inline(always)]
    fn parity(self, mask: u64) -> u64 {
        parity(mask)
    }

    #[inline(always)]
    fn deposit(self, pattern: u64, mask: u64) -> u64 {
        deposit(pattern, mask)
    }

    #[inline(always)]
    fn write(self, room: &mut Room, base: u32, places: u64, marked: u64) -> usize {
        write(room, base, places, marked)
    }

    #[inline(always)]
    fn write_kept(self, room: &mut Room, base: u32, places: u64, marked: u64, keep: u64) -> usize {
        write_kept(room, base, places, marked, keep)
    }
}

/// The bytes of `block` that are `byte`.
///
/// The comparison into an array of flags is what compilers turn into vector instructions on every target; the
/// multiplication then gathers the low bits of eight bytes into one. Measured faster than comparing in 64-bit words
/// (2 x) and than shifting the flags together one by one (5 x).
#[inline(always)]
pub(crate) fn equal(block: &Block, byte: u8) -> u64 {
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut flags = [0; BLOCK_BYTES];
    for (flag, &found) in flags.iter_mut().zip(block) {
        *flag = u8::from(found == byte);
    }
    let mut mask = 0;
    for (index, word) in flags.as_chunks::<8>().0.iter().enumerate() {
        mask |= (u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56) << (8 * index);
    }
    mask
}

/// Each bit of the result is the parity of the bits of `mask` up to and with its own.
#[inline(always)]
pub(crate) fn parity(mut mask: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << distance;
    }
    mask
}

#[inline(always)]
fn deposit(mut pattern: u64, mut mask: u64) -> u64 {
    let mut out = 0;
    while mask != 0 {
        let lowest = mask & mask.wrapping_neg();
        out |= lowest & (pattern & 1).wrapping_neg();
        pattern >>= 1;
        mask ^= lowest;
    }
    out
}

/// Positions one by one, but eight before each look at what is left: the number of them is hard to foretell.
#[inline(always)]
fn write(room: &mut Room, base: u32, mut places: u64, marked: u64) -> usize {
    let count = places.count_ones() as usize;
    for room in room.as_chunks_mut::<8>().0 {
        if places == 0 {
            break;
        }
        for position in room {
            *position = base.wrapping_add(places.trailing_zeros()) | mark(marked, places);
            places &= places.wrapping_sub(1);
        }
    }
    count
}

#[inline(always)]
fn write_kept(room: &mut Room, base: u32, mut places: u64, marked: u64, mut keep: u64) -> usize {
    let mut count = 0;
    while places != 0 {
        for _ in 0..4 {
            room[count % BLOCK_BYTES] = base.wrapping_add(places.trailing_zeros()) | mark(marked, places);
            count += usize::from(keep & 1 != 0 && places != 0);
            keep >>= 1;
            places &= places.wrapping_sub(1);
        }
    }
    count
}

/// All of the block, then what stands behind each byte that is dropped over it, one byte further to the front each time.
#[inline(always)]
fn squeeze(window: &Window, mut dropped: u64, target: &mut Target) {
    let mut shift = 0;
    let mut behind = 0;
    loop {
        let from = window.get(behind..).and_then(<[u8]>::first_chunk::<BLOCK_BYTES>);
        let to = target.get_mut(behind - shift..).and_then(<[_]>::first_chunk_mut::<BLOCK_BYTES>);
        if let (Some(from), Some(to)) = (from, to) {
            *to = from.map(MaybeUninit::new);
        }
        if dropped == 0 {
            return;
        }
        behind = dropped.trailing_zeros() as usize + 1;
        shift += 1;
        dropped &= dropped - 1;
    }
}

/// The mark of the lowest of `places`.
#[inline(always)]
fn mark(marked: u64, places: u64) -> u32 {
    if marked & places & places.wrapping_neg() == 0 { 0 } else { MARK }
}
