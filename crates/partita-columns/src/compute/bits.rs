//! Truth values, 64 at a time.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

#[cfg(target_arch = "x86_64")]
use crate::cpu::Level;
use crate::cpu::level;

/// Packs `test(0..len)` into bits, 64 at a time: the bytes of 64 tests are computed in one branch-free loop, which
/// compilers turn into vector code, then gathered into a word. The same loop is compiled for the wider vectors
/// that a processor may have, and the widest one that is there is taken. `test` should have no branches.
///
/// ```
/// let even = partita_columns::compute::pack(100, |row| row % 2 == 0);
/// assert_eq!(even.count_set_bits(), 50);
/// ```
#[inline]
pub fn pack(len: usize, test: impl Fn(usize) -> bool) -> BooleanBuffer {
    pack_filled(len, &|start, bytes| {
        for (lane, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from(test(start + lane));
        }
    })
}

/// [`pack`] of a test of each of some values, which is the quicker way where they lie one after the other.
///
/// ```
/// let small = partita_columns::compute::pack_values(&[1, 20, 3], |number| number < 10);
/// assert_eq!(small.iter().collect::<Vec<_>>(), [true, false, true]);
/// ```
#[inline]
pub fn pack_values<T: Copy>(values: &[T], test: impl Fn(T) -> bool) -> BooleanBuffer {
    pack_filled(values.len(), &|start, bytes| {
        for (byte, value) in bytes.iter_mut().zip(&values[start..]) {
            *byte = u8::from(test(*value));
        }
    })
}

#[inline(always)]
fn pack_filled(len: usize, fill: &impl Fn(usize, &mut [u8])) -> BooleanBuffer {
    let mut words = Vec::with_capacity(len.div_ceil(64));
    match level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has all of the features.
        Level::Avx512 => unsafe { wide::pack_avx512(len, fill, &mut words) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { wide::pack_avx2(len, fill, &mut words) },
        _ => pack_words(len, fill, &mut words, gather),
    }
    BooleanBuffer::new(Buffer::from_vec(words), 0, len)
}

/// `fill` answers for the values from one on, one a byte.
#[inline(always)]
fn pack_words(
    len: usize,
    fill: &impl Fn(usize, &mut [u8]),
    words: &mut Vec<u64>,
    gather: impl Fn(&[u8; 64]) -> u64,
) {
    let whole = len / 64;
    for word in 0..whole {
        let mut bytes = [0_u8; 64];
        fill(word * 64, &mut bytes);
        // Arrow's bitmaps are little-endian bytes, and a `Buffer` shows the words as they lie in memory.
        words.push(gather(&bytes).to_le());
    }
    if !len.is_multiple_of(64) {
        let mut bytes = [0_u8; 64];
        fill(whole * 64, &mut bytes[..len % 64]);
        words.push(gather(&bytes).to_le());
    }
}

/// Each byte is 0 or 1, and the product moves bit 0 of byte `i` to bit `56 + i` without carries.
#[inline]
fn gather(bytes: &[u8; 64]) -> u64 {
    let mut word = 0;
    for (i, eight) in bytes.chunks_exact(8).enumerate() {
        let eight = u64::from_le_bytes([
            eight[0], eight[1], eight[2], eight[3], eight[4], eight[5], eight[6], eight[7],
        ]);
        word |= (eight.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
    }
    word
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_slli_epi16, _mm512_loadu_si512,
        _mm512_test_epi8_mask,
    };

    use super::pack_words;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn pack_avx512(len: usize, fill: &impl Fn(usize, &mut [u8]), words: &mut Vec<u64>) {
        pack_words(len, fill, words, |bytes| {
            // SAFETY: 64 bytes are read of 64.
            let bytes = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
            _mm512_test_epi8_mask(bytes, bytes)
        });
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn pack_avx2(len: usize, fill: &impl Fn(usize, &mut [u8]), words: &mut Vec<u64>) {
        pack_words(len, fill, words, |bytes| {
            let (low, high) = bytes.split_at(32);
            // SAFETY: 32 bytes are read of 32, twice.
            let (low, high) = unsafe {
                (_mm256_loadu_si256(low.as_ptr().cast()), _mm256_loadu_si256(high.as_ptr().cast()))
            };
            // A byte is 0 or 1: its low bit is moved to the top, where the mask is taken from.
            let low = _mm256_movemask_epi8(_mm256_slli_epi16::<7>(low)).cast_unsigned();
            let high = _mm256_movemask_epi8(_mm256_slli_epi16::<7>(high)).cast_unsigned();
            u64::from(low) | u64::from(high) << 32
        });
    }
}

/// Valid where both are.
pub(super) fn both(a: Option<&NullBuffer>, b: Option<&NullBuffer>) -> Option<NullBuffer> {
    NullBuffer::union(a, b).filter(|nulls| nulls.null_count() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_packs_the_same_bits() {
        for len in [0, 1, 63, 64, 65, 200, 1000] {
            let test = |row: usize| row.is_multiple_of(3) || row % 64 == 63;
            let mut plain = Vec::new();
            let fill = |start: usize, bytes: &mut [u8]| {
                bytes.iter_mut().enumerate().for_each(|(lane, byte)| *byte = u8::from(test(start + lane)));
            };
            pack_words(len, &fill, &mut plain, gather);
            assert!((0..len).all(|row| (plain[row / 64] >> (row % 64) & 1 == 1) == test(row)));
            let packed = pack(len, test);
            assert!((0..len).all(|row| packed.value(row) == test(row)));
            let rows: Vec<usize> = (0..len).collect();
            assert_eq!(pack_values(&rows, test), packed);
            #[cfg(target_arch = "x86_64")]
            if std::is_x86_feature_detected!("avx2") {
                let mut words = Vec::new();
                // SAFETY: the feature was asked for a line above.
                unsafe { wide::pack_avx2(len, &fill, &mut words) };
                assert_eq!(words, plain);
            }
        }
    }
}
