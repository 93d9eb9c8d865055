//! Blocks of numbers in few bits: integers as multiples of a divisor above the least one, doubles of few decimal places as integers.
//! LZ4 alone took a third of the time of a sort on disk, for what is seldom smaller. Doubles: after Afroozeh, Kuffo and Boncz, ALP: Adaptive
//! Lossless Floating-Point Compression, SIGMOD 2023, without its exceptions.

#[cfg(test)]
mod tests;

use crate::simd::encode::Cpu;
use crate::simd::numbers::{
    TENS, decimals, differences32, extent32, extent64, products, quotients, sums32, units,
};
use crate::simd::pack::pack32;
use crate::simd::unpack::unpack32;

/// Kind, bits of a number, power of ten.
const KIND_BYTES: usize = 3;
/// Those, the least number and the divisor.
const HEAD_BYTES: usize = KIND_BYTES + 2 * size_of::<u64>();

const INTEGERS_OF_8: u8 = 0;
const INTEGERS_OF_4: u8 = 1;
const DOUBLES: u8 = 2;

/// Bits that numbers of eight and of four bytes may need at most, to be worth it.
const BITS_OF_8_MAX: u32 = 32;
const BITS_OF_4_MAX: u32 = 20;

/// Numbers that are looked at before all are.
const SAMPLES: usize = 64;

/// What packing a block needs.
#[derive(Default)]
pub(super) struct Numbers {
    packed: Vec<u32>,
    units: Vec<[u8; 8]>,
}

impl Numbers {
    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.packed.capacity() * size_of::<u32>() + self.units.capacity() * size_of::<u64>()
    }

    /// Appends to `out` what [`Numbers::unpack`] makes `raw` of; nothing, and `false`, where numbers need too many bits.
    pub(super) fn pack(&mut self, cpu: Cpu, raw: &[u8], out: &mut Vec<u8>) -> bool {
        let (of_8, rest) = raw.as_chunks::<8>();
        if rest.is_empty() && !of_8.is_empty() {
            if self.pack_integers(cpu, INTEGERS_OF_8, 0, of_8, out) {
                return true;
            }
            if let Some(place) = places(of_8) {
                let mut all = std::mem::take(&mut self.units);
                all.resize(of_8.len(), [0; 8]);
                let done = units(cpu, of_8, TENS[place], &mut all)
                    && self.pack_integers(cpu, DOUBLES, place as u8, &all, out);
                self.units = all;
                return done;
            }
        }
        let (of_4, rest) = raw.as_chunks::<4>();
        rest.is_empty() && self.pack_short(cpu, of_4, out)
    }

    fn pack_integers(
        &mut self,
        cpu: Cpu,
        kind: u8,
        place: u8,
        values: &[[u8; 8]],
        out: &mut Vec<u8>,
    ) -> bool {
        let (first, last) = extent64(cpu, &values[..values.len().min(SAMPLES)]);
        // Neighbours too: rows at even distances may have more in common than all have.
        let spread = values.iter().step_by((values.len() / SAMPLES).max(1));
        let sample = values.iter().take(SAMPLES).chain(spread).map(|value| i64::from_le_bytes(*value));
        let guess = sample.fold(0, |guess, value| divisor(guess, value.abs_diff(first)));
        // What the first ones tell: wide without a divisor stays wide.
        if bits((last.wrapping_sub(first) as u64) / guess.max(1)) > BITS_OF_8_MAX {
            return false;
        }
        let (least, most) = extent64(cpu, values);
        let range = most.wrapping_sub(least) as u64;
        self.packed.resize(values.len(), 0);
        let guess = divisor(guess, first.wrapping_sub(least) as u64);
        let divisors = [guess.max(1), 1];
        let found = divisors.into_iter().find(|by| {
            let most = range / by;
            bits(most) <= BITS_OF_8_MAX && quotients(cpu, values, least, *by, most, &mut self.packed)
        });
        let Some(by) = found else { return false };
        let width = bits(range / by);
        out.extend([kind, width as u8, place]);
        out.extend(least.to_le_bytes());
        out.extend(by.to_le_bytes());
        pack32(cpu, &self.packed, width, out);
        true
    }

    fn pack_short(&mut self, cpu: Cpu, values: &[[u8; 4]], out: &mut Vec<u8>) -> bool {
        let (least, most) = extent32(cpu, values);
        let width = bits(u64::from(most.wrapping_sub(least) as u32));
        if width > BITS_OF_4_MAX {
            return false;
        }
        self.packed.resize(values.len(), 0);
        differences32(cpu, values, least, &mut self.packed);
        out.extend([INTEGERS_OF_4, width as u8, 0]);
        out.extend(i64::from(least).to_le_bytes());
        out.extend(1_u64.to_le_bytes());
        pack32(cpu, &self.packed, width, out);
        true
    }

    /// Fills `raw`; `None` where `bytes` are not of so many.
    pub(super) fn unpack(&mut self, cpu: Cpu, bytes: &[u8], raw: &mut [u8]) -> Option<()> {
        let (head, packed) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let (kind, rest) = head.split_first_chunk::<KIND_BYTES>()?;
        let (least, by) = rest.split_first_chunk::<8>()?;
        let (least, by) = (i64::from_le_bytes(*least), u64::from_le_bytes(by.try_into().ok()?));
        let [kind, width, place] = *kind;
        let size = if kind == INTEGERS_OF_4 { 4 } else { 8 };
        let count = raw.len() / size;
        let width = u32::from(width);
        if !raw.len().is_multiple_of(size) || width > 32 || packed.len() != count.div_ceil(8) * width as usize
        {
            return None;
        }
        self.packed.resize(count, 0);
        unpack32(cpu, packed, width, &mut self.packed);
        match kind {
            INTEGERS_OF_8 => products(cpu, &self.packed, least, by, raw.as_chunks_mut().0),
            INTEGERS_OF_4 => {
                sums32(cpu, &self.packed, i32::try_from(least).ok()?, raw.as_chunks_mut().0);
            }
            DOUBLES => {
                let ten = TENS.get(usize::from(place))?;
                products(cpu, &self.packed, least, by, raw.as_chunks_mut().0);
                decimals(cpu, raw.as_chunks_mut().0, *ten);
            }
            _ => return None,
        }
        Some(())
    }
}

/// Decimal places that some of the doubles have at most; `None` where they are more than are known.
fn places(values: &[[u8; 8]]) -> Option<usize> {
    let sample = || values.iter().step_by((values.len() / SAMPLES).max(1)).copied();
    let all: Vec<[u8; 8]> = sample().take(SAMPLES).collect();
    let mut out = [[0; 8]; SAMPLES];
    (0..TENS.len()).find(|place| units(Cpu::new(), &all, TENS[*place], &mut out))
}

/// Bits of a number.
fn bits(most: u64) -> u32 {
    u64::BITS - most.leading_zeros()
}

/// The greatest common divisor; that of 0 and another is the other.
fn divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
