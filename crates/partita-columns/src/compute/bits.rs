//! Truth values, 64 at a time.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

/// Packs `test(0..len)` into bits. The bytes of 64 tests are computed in one branch-free loop, which compilers turn
/// into vector code, then gathered by a multiplication: each byte is 0 or 1, and the product moves bit 0 of byte `i` to
/// bit `56 + i` without carries.
#[inline]
pub(super) fn pack(len: usize, test: impl Fn(usize) -> bool) -> BooleanBuffer {
    let mut words = Vec::with_capacity(len.div_ceil(64));
    let whole = len / 64;
    for word in 0..whole {
        let mut bytes = [0_u8; 64];
        for (lane, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from(test(word * 64 + lane));
        }
        words.push(gather(&bytes));
    }
    if !len.is_multiple_of(64) {
        let mut bytes = [0_u8; 64];
        for (lane, byte) in bytes.iter_mut().enumerate().take(len % 64) {
            *byte = u8::from(test(whole * 64 + lane));
        }
        words.push(gather(&bytes));
    }
    BooleanBuffer::new(Buffer::from_vec(words), 0, len)
}

#[inline]
fn gather(bytes: &[u8; 64]) -> u64 {
    let mut word = 0;
    for (i, eight) in bytes.chunks_exact(8).enumerate() {
        let eight = u64::from_le_bytes([
            eight[0], eight[1], eight[2], eight[3], eight[4], eight[5], eight[6], eight[7],
        ]);
        word |= (eight.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
    }
    // Arrow's bitmaps are little-endian bytes, and a `Buffer` shows the words as they lie in memory.
    word.to_le()
}

/// Valid where both are.
pub(super) fn both(a: Option<&NullBuffer>, b: Option<&NullBuffer>) -> Option<NullBuffer> {
    NullBuffer::union(a, b).filter(|nulls| nulls.null_count() > 0)
}
