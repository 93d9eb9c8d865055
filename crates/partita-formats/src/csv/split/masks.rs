//! The input as blocks of sixty-four bytes.

use super::super::dialect::Dialect;
pub(crate) use crate::simd::split::{BLOCK_BYTES, Block};

/// A block of a byte that means nothing in `dialect`, to fill up the last one of an input.
pub(super) fn filler(dialect: &Dialect) -> Block {
    let roles = [Some(dialect.separator), dialect.quote, dialect.escape, dialect.comment];
    let means_nothing = |byte: &u8| !roles.contains(&Some(*byte)) && !b"\r\n\t ".contains(byte);
    [(0..=u8::MAX).find(means_nothing).unwrap_or(0); BLOCK_BYTES]
}

/// The block of `input` at `at`, filled up in `filled` where the input ends in it; `None` behind the end.
#[inline(always)]
pub(super) fn block_at<'a>(input: &'a [u8], at: usize, filled: &'a mut Block) -> Option<&'a Block> {
    match input.get(at..).and_then(<[u8]>::first_chunk) {
        Some(block) => Some(block),
        None => last_block(input, at, filled),
    }
}

#[cold]
#[inline(never)]
fn last_block<'a>(input: &'a [u8], at: usize, filled: &'a mut Block) -> Option<&'a Block> {
    let rest = input.get(at..).unwrap_or(&[]);
    filled.get_mut(..rest.len())?.copy_from_slice(rest);
    (!rest.is_empty()).then_some(filled)
}

/// The last byte of `block` to be taken: the last of all, or the one before where that is a `\r`, whose line end may be
/// the first byte of the next block.
#[inline(always)]
pub(super) fn last_taken(block: &Block) -> u32 {
    if block[BLOCK_BYTES - 1] == b'\r' { one_less() } else { BLOCK_BYTES as u32 - 1 }
}

/// A call: so that the next block is loaded before this one is looked at, as the processor guesses that it follows.
#[cold]
#[inline(never)]
fn one_less() -> u32 {
    BLOCK_BYTES as u32 - 2
}
