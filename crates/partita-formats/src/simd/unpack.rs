//! Bit-packed numbers, lowest bits first, back to numbers: what [`super::pack`] undoes.

#[cfg(target_arch = "x86_64")]
use partita_columns::cpu::Level;

use super::encode::{Cpu, at_each_level};

/// Bytes that a group of numbers is taken from.
const WINDOW: usize = 80;

/// The widest number of which any 4 bytes have all bits, wherever in a byte it begins.
#[cfg(target_arch = "x86_64")]
const WIDTH_OF_4: u32 = 25;
/// As before, of 8 bytes.
const WIDTH_OF_8: u32 = 57;

/// Unpacks as many numbers of `width` bits (at most 32) as `out` has. Bytes that are not there are zeros.
pub(crate) fn unpack32(cpu: Cpu, bytes: &[u8], width: u32, out: &mut [u32]) {
    if width == 0 {
        return out.fill(0);
    }
    match cpu.level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Cpu` has a level of this processor.
        Level::Avx512 => unsafe { avx512::unpack32(bytes, width, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 if width <= WIDTH_OF_4 => unsafe { avx2_unpack32(bytes, width, out) },
        _ => plain32(cpu, bytes, width, out),
    }
}

/// As [`unpack32`], of at most 64 bits.
pub(crate) fn unpack64(cpu: Cpu, bytes: &[u8], width: u32, out: &mut [u64]) {
    if width == 0 {
        return out.fill(0);
    }
    match cpu.level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Cpu` has a level of this processor.
        Level::Avx512 if width <= WIDTH_OF_8 => unsafe { avx512::unpack64(bytes, width, out) },
        _ => plain64(cpu, bytes, width, out),
    }
}

/// Calls `unpack` with the bytes of every group of `N` numbers, a multiple of 8, so that it begins with a byte.
#[inline(always)]
fn each_group<T: Copy + Default, const N: usize, const BYTES: usize>(
    bytes: &[u8],
    width: u32,
    out: &mut [T],
    mut unpack: impl FnMut(&[u8; BYTES], &mut [T; N]),
) {
    let step = N * width as usize / 8;
    let (groups, rest) = out.as_chunks_mut::<N>();
    let mut at = 0;
    for group in groups {
        match bytes.get(at..).and_then(<[u8]>::first_chunk) {
            Some(window) => unpack(window, group),
            None => unpack(&padded(bytes, at), group),
        }
        at += step;
    }
    if !rest.is_empty() {
        let mut group = [T::default(); N];
        unpack(&padded(bytes, at), &mut group);
        rest.copy_from_slice(&group[..rest.len()]);
    }
}

/// The bytes from `at` on, zeros behind them.
#[inline(never)]
fn padded<const BYTES: usize>(bytes: &[u8], at: usize) -> [u8; BYTES] {
    let mut window = [0; BYTES];
    let rest = bytes.get(at..).unwrap_or(&[]);
    let count = rest.len().min(BYTES);
    window[..count].copy_from_slice(&rest[..count]);
    window
}

#[inline(always)]
fn word_at(window: &[u8; WINDOW], bit: usize) -> u64 {
    let word = window.get(bit / 8..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    u64::from_le_bytes(word) >> (bit % 8)
}

#[inline(always)]
fn plain32_body(bytes: &[u8], width: u32, out: &mut [u32]) {
    let mask = (1_u64 << width) - 1;
    each_group::<u32, 8, WINDOW>(bytes, width, out, |window, out| {
        for (number, value) in out.iter_mut().enumerate() {
            *value = (word_at(window, number * width as usize) & mask) as u32;
        }
    });
}

#[inline(always)]
fn plain64_body(bytes: &[u8], width: u32, out: &mut [u64]) {
    let mask = u64::MAX >> (64 - width);
    each_group::<u64, 8, WINDOW>(bytes, width, out, |window, out| {
        for (number, value) in out.iter_mut().enumerate() {
            let bit = number * width as usize;
            let low = word_at(window, bit);
            *value = if width <= WIDTH_OF_8 || bit.is_multiple_of(8) {
                low & mask
            } else {
                (low | u64::from(window[bit / 8 + 8]) << (64 - bit % 8)) & mask
            };
        }
    });
}

at_each_level! {
    /// Number by number.
    fn plain32(bytes: &[u8], width: u32, out: &mut [u32]) = plain32_body;
}
at_each_level! {
    /// Number by number.
    fn plain64(bytes: &[u8], width: u32, out: &mut [u64]) = plain64_body;
}

/// For each width, which bytes of a window the lanes of `LANE` bytes have their numbers in.
#[cfg(target_arch = "x86_64")]
const fn lane_bytes<const WIDTHS: usize, const LANE: usize>() -> [[u8; 64]; WIDTHS] {
    let mut table = [[0; 64]; WIDTHS];
    let mut width = 0;
    while width < WIDTHS {
        let mut byte = 0;
        while byte < 64 {
            table[width][byte] = (byte / LANE * width / 8 + byte % LANE) as u8;
            byte += 1;
        }
        width += 1;
    }
    table
}

/// Eight numbers at a time: four in each half, whose bytes are brought into place and shifted.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn avx2_unpack32(bytes: &[u8], width: u32, out: &mut [u32]) {
    use std::arch::x86_64::*;

    let (mut order, mut shifts) = ([0_u8; 32], [0_u32; 8]);
    // The upper half begins with the byte that the fifth number begins in.
    let upper = 4 * width as usize / 8;
    for number in 0..8 {
        let (base, bit) = (if number < 4 { 0 } else { upper }, number * width as usize);
        for byte in 0..4 {
            order[number * 4 + byte] = (bit / 8 - base + byte) as u8;
        }
        shifts[number] = (bit % 8) as u32;
    }
    // SAFETY: both arrays have 32 bytes.
    let (order, shifts) =
        unsafe { (_mm256_loadu_si256(order.as_ptr().cast()), _mm256_loadu_si256(shifts.as_ptr().cast())) };
    let mask = _mm256_set1_epi32(((1_u64 << width) - 1) as i32);
    each_group::<u32, 8, 32>(bytes, width, out, |window, out| {
        // SAFETY: 16 bytes from 0 and from `upper` on are in the window, as that is at most 12; `out` has 32 bytes.
        unsafe {
            let low = _mm_loadu_si128(window.as_ptr().cast());
            let high = _mm_loadu_si128(window.as_ptr().add(upper).cast());
            let words = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), order);
            let values = _mm256_and_si256(_mm256_srlv_epi32(words, shifts), mask);
            _mm256_storeu_si256(out.as_mut_ptr().cast(), values);
        }
    });
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    use super::{WIDTH_OF_4, WIDTH_OF_8, each_group, lane_bytes};

    static BYTES_OF_4: [[u8; 64]; WIDTH_OF_4 as usize + 1] = lane_bytes::<{ WIDTH_OF_4 as usize + 1 }, 4>();
    static BYTES_OF_8: [[u8; 64]; WIDTH_OF_8 as usize + 1] = lane_bytes::<{ WIDTH_OF_8 as usize + 1 }, 8>();

    /// Sixteen numbers at a time, eight of the widest: their bytes are brought into place and shifted.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vl,avx2")]
    pub(super) fn unpack32(bytes: &[u8], width: u32, out: &mut [u32]) {
        let Some(order) = BYTES_OF_4.get(width as usize) else {
            return unpack_wide32(bytes, width, out);
        };
        let numbers = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        let bits = _mm512_mullo_epi32(numbers, _mm512_set1_epi32(width as i32));
        let shifts = _mm512_and_si512(bits, _mm512_set1_epi32(7));
        let mask = _mm512_set1_epi32(((1_u64 << width) - 1) as i32);
        // SAFETY: an order has 64 bytes.
        let order = unsafe { _mm512_loadu_si512(order.as_ptr().cast()) };
        each_group::<u32, 16, 64>(bytes, width, out, |window, out| {
            // SAFETY: the window has 64 bytes, and so has `out`.
            unsafe {
                let words = _mm512_permutexvar_epi8(order, _mm512_loadu_si512(window.as_ptr().cast()));
                let values = _mm512_and_si512(_mm512_srlv_epi32(words, shifts), mask);
                _mm512_storeu_si512(out.as_mut_ptr().cast(), values);
            }
        });
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vl,avx2")]
    fn unpack_wide32(bytes: &[u8], width: u32, out: &mut [u32]) {
        let lanes = Lanes::new(width);
        each_group::<u32, 8, 64>(bytes, width, out, |window, out| {
            let values = _mm512_cvtepi64_epi32(lanes.values(window));
            // SAFETY: `out` has 32 bytes.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), values) };
        });
    }

    /// Eight numbers at a time.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vl,avx2")]
    pub(super) fn unpack64(bytes: &[u8], width: u32, out: &mut [u64]) {
        let lanes = Lanes::new(width);
        each_group::<u64, 8, 64>(bytes, width, out, |window, out| {
            // SAFETY: `out` has 64 bytes.
            unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), lanes.values(window)) };
        });
    }

    /// How eight numbers of one width are found.
    struct Lanes {
        order: __m512i,
        shifts: __m512i,
        mask: __m512i,
    }

    impl Lanes {
        /// Of at most 57 bits.
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
        #[inline]
        fn new(width: u32) -> Self {
            let order = &BYTES_OF_8[width as usize];
            let width = i64::from(width);
            let shift = |number: i64| number * width % 8;
            Self {
                // SAFETY: an order has 64 bytes.
                order: unsafe { _mm512_loadu_si512(order.as_ptr().cast()) },
                shifts: _mm512_set_epi64(
                    shift(7),
                    shift(6),
                    shift(5),
                    shift(4),
                    shift(3),
                    shift(2),
                    shift(1),
                    shift(0),
                ),
                mask: _mm512_set1_epi64((1_i64 << width) - 1),
            }
        }

        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
        #[inline]
        fn values(&self, window: &[u8; 64]) -> __m512i {
            // SAFETY: the window has 64 bytes.
            let bytes = unsafe { _mm512_loadu_si512(window.as_ptr().cast()) };
            let words = _mm512_permutexvar_epi8(self.order, bytes);
            _mm512_and_si512(_mm512_srlv_epi64(words, self.shifts), self.mask)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::pack::{pack32, pack64};

    proptest! {
        #[test]
        fn numbers_come_back(values in proptest::collection::vec(any::<u64>(), 0..200), width in 0..=64_u32, cut in 0..20_usize) {
            let mask = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
            let values: Vec<u64> = values.iter().map(|value| value & mask).collect();
            let short: Vec<u32> = values.iter().map(|&value| value as u32).collect();
            for cpu in Cpu::all() {
                let (mut bytes, mut back) = (Vec::new(), vec![7; values.len()]);
                pack64(cpu, &values, width, &mut bytes);
                unpack64(cpu, &bytes, width, &mut back);
                prop_assert_eq!(&back, &values);
                if width <= 32 {
                    let (mut bytes, mut back) = (Vec::new(), vec![7; values.len()]);
                    pack32(cpu, &short, width, &mut bytes);
                    unpack32(cpu, &bytes, width, &mut back);
                    prop_assert_eq!(&back, &short);
                    // Bytes that are not there are zeros.
                    bytes.truncate(bytes.len().saturating_sub(cut));
                    unpack32(cpu, &bytes, width, &mut back);
                    let whole = bytes.len() * 8 / width.max(1) as usize;
                    let whole = whole.min(short.len());
                    prop_assert_eq!(&back[..whole], &short[..whole]);
                }
            }
        }
    }
}
