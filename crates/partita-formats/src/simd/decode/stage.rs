//! Fields of a column, brought together: where they are, and the bytes that kernels look at.

use super::ROWS;
use crate::csv::records::ESCAPED;

/// A length that no kernel knows.
pub(super) const UNKNOWN: u32 = u32::MAX >> 1;

/// Where the fields of a block are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The first byte of each in the chunk.
    pub(crate) starts: [u32; ROWS],
    /// How many bytes it has; with [`ESCAPED`] where it must be unescaped.
    pub(crate) lens: [u32; ROWS],
}

impl Places {
    /// Nowhere.
    pub(crate) const NONE: Self = Self { starts: [0; ROWS], lens: [0; ROWS] };
}

/// The places of `rows` fields whose ends, each with the end before it, stand `stride` apart in `ends`; behind them there
/// are empty ones. Returns all lengths or-ed together, each with 7 added.
#[inline(always)]
pub(super) fn places(ends: &[u32], stride: usize, rows: usize, places: &mut Places) -> u32 {
    let mut all = 0;
    if !(1..=ROWS).contains(&rows) || ends.len() < (rows - 1) * stride + 2 {
        places.lens.fill(0);
        return all;
    }
    let mut pair = ends.as_ptr();
    for row in 0..rows {
        // SAFETY: the pair begins `row * stride` numbers from the first, and the last row's has two numbers to the end.
        let (before, end) = unsafe { (*pair, *pair.add(1)) };
        // Wrapping: behind the last pair there may be no number.
        pair = pair.wrapping_add(stride);
        // The separator is one byte.
        let start = (before & !ESCAPED) + 1;
        let len = end.wrapping_sub(start);
        places.starts[row] = start;
        places.lens[row] = len;
        all |= len.wrapping_add(7);
    }
    places.lens[rows..].fill(0);
    all
}

/// The greatest length that is at most [`Texts::BYTES_MAX`](super::Texts::BYTES_MAX).
#[inline(always)]
pub(super) fn longest_known(places: &Places) -> u32 {
    let known = places.lens.iter().map(|len| if *len <= super::Texts::BYTES_MAX { *len } else { 0 });
    known.fold(0, u32::max)
}

/// Eight bytes of each field: those that end `behind` bytes before the field does. A field that has some of them where
/// the chunk does not have all of them gets a length that no kernel knows.
#[inline(always)]
pub(super) fn load_ends(bytes: &[u8], behind: u32, places: &mut Places, to: &mut [u64; ROWS]) {
    let Places { starts, lens } = places;
    let mut from = [0_u32; ROWS];
    for row in 0..ROWS {
        from[row] = starts[row].wrapping_add(lens[row]).wrapping_sub(behind + 8);
    }
    load(bytes, &from, lens, behind, to);
}

/// Eight bytes of each field from `offset` on, with the same exception.
#[inline(always)]
pub(super) fn load_begins(bytes: &[u8], offset: u32, places: &mut Places, to: &mut [u64; ROWS]) {
    let Places { starts, lens } = places;
    let mut from = [0_u32; ROWS];
    for row in 0..ROWS {
        from[row] = starts[row].wrapping_add(offset);
    }
    load(bytes, &from, lens, 0, to);
}

#[inline(always)]
fn load(bytes: &[u8], from: &[u32; ROWS], lens: &mut [u32; ROWS], needed: u32, to: &mut [u64; ROWS]) {
    let last = from.iter().fold(0, |last, from| last.max(*from)) as usize;
    if last + 8 <= bytes.len() {
        for row in 0..ROWS {
            // SAFETY: eight bytes from the last place on are in the chunk, and so they are from all others.
            to[row] =
                unsafe { bytes.as_ptr().add(from[row] as usize).cast::<u64>().read_unaligned() }.to_le();
        }
        return;
    }
    for row in 0..ROWS {
        match bytes.get(from[row] as usize..).and_then(<[u8]>::first_chunk) {
            Some(eight) => to[row] = u64::from_le_bytes(*eight),
            None if lens[row] > needed => lens[row] = UNKNOWN,
            None => to[row] = 0,
        }
    }
}
