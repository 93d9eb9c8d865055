//! `DELTA_BINARY_PACKED`: differences between neighbours.

use super::damage::Damage;
use super::hybrid::varint;
use crate::simd::encode::Cpu;
use crate::simd::unpack::{unpack32, unpack64};

/// Numbers of four or eight bytes, which wrap around.
pub(super) trait Number: Copy + Default {
    const BITS: u32;
    fn of(value: u64) -> Self;
    fn unpack(cpu: Cpu, bytes: &[u8], width: u32, out: &mut [Self]);
    /// Makes sums of differences: each is `least` more than it says, and the first follows `before`.
    fn sum(before: Self, least: Self, values: &mut [Self]) -> Self;
}

macro_rules! number {
    ($type:ty, $unpack:ident) => {
        impl Number for $type {
            const BITS: u32 = <$type>::BITS;

            fn of(value: u64) -> Self {
                value as $type
            }

            fn unpack(cpu: Cpu, bytes: &[u8], width: u32, out: &mut [Self]) {
                $unpack(cpu, bytes, width, out);
            }

            #[inline]
            fn sum(before: Self, least: Self, values: &mut [Self]) -> Self {
                let mut last = before;
                for value in values {
                    last = last.wrapping_add(value.wrapping_add(least));
                    *value = last;
                }
                last
            }
        }
    };
}

number!(u32, unpack32);
number!(u64, unpack64);

/// Values of a mini block, and mini blocks of a block, at most.
const MINI_VALUES_MAX: usize = 1 << 16;
const MINI_BLOCKS_MAX: usize = 1 << 10;

/// A place among the values of a page.
#[derive(Debug, Clone)]
pub(super) struct Delta<T> {
    mini_values: usize,
    mini_blocks: usize,
    /// Values that have not been decoded.
    left: usize,
    at: usize,
    /// Where the widths of the block are, and how many of its mini blocks have been decoded.
    widths: usize,
    minis: usize,
    least: T,
    last: T,
    is_begun: bool,
    /// Decoded values of a mini block; those before `taken` were handed out.
    open: Vec<T>,
    taken: usize,
}

impl<T: Number> Delta<T> {
    /// The values from byte `at` on.
    pub(super) fn new(bytes: &[u8], at: usize) -> Result<Self, Damage> {
        let (block, at) = varint(bytes, at)?;
        let (minis, at) = varint(bytes, at)?;
        let (values, at) = varint(bytes, at)?;
        let (first, at) = varint(bytes, at)?;
        let wrong = || Damage::new(format!("blocks of some numbers, got {block} in {minis} mini blocks"));
        let mini_blocks = usize::try_from(minis).map_err(|_| wrong())?;
        let block = usize::try_from(block).map_err(|_| wrong())?;
        if mini_blocks == 0 || mini_blocks > MINI_BLOCKS_MAX || !block.is_multiple_of(mini_blocks * 8) {
            return Err(wrong());
        }
        let mini_values = block / mini_blocks;
        if mini_values == 0 || mini_values > MINI_VALUES_MAX {
            return Err(wrong());
        }
        Ok(Self {
            mini_values,
            mini_blocks,
            left: usize::try_from(values).map_err(|_| wrong())?,
            at,
            widths: at,
            minis: mini_blocks,
            least: T::default(),
            last: T::of(zigzag(first)),
            is_begun: false,
            open: Vec::new(),
            taken: 0,
        })
    }

    /// Decodes as many values as `out` has.
    pub(super) fn take(&mut self, cpu: Cpu, bytes: &[u8], mut out: &mut [T]) -> Result<(), Damage> {
        if out.len() > self.left + (self.open.len() - self.taken) {
            return Err(Damage::short());
        }
        if !self.is_begun && !out.is_empty() {
            out[0] = self.last;
            self.is_begun = true;
            self.left -= 1;
            out = &mut out[1..];
        }
        while !out.is_empty() {
            let open = self.open.get(self.taken..).unwrap_or_default();
            if !open.is_empty() {
                let count = open.len().min(out.len());
                let (now, rest) = out.split_at_mut(count);
                now.copy_from_slice(&open[..count]);
                self.taken += count;
                out = rest;
            } else if out.len() >= self.mini_values.min(self.left) {
                let (now, rest) = out.split_at_mut(self.mini_values.min(self.left));
                self.mini(cpu, bytes, now)?;
                out = rest;
            } else {
                let mut open = std::mem::take(&mut self.open);
                open.resize(self.mini_values.min(self.left), T::default());
                let decoded = self.mini(cpu, bytes, &mut open);
                self.open = open;
                self.taken = 0;
                decoded?;
            }
        }
        Ok(())
    }

    /// Decodes the next mini block, or what there is of the last.
    fn mini(&mut self, cpu: Cpu, bytes: &[u8], out: &mut [T]) -> Result<(), Damage> {
        let width = self.next_width(bytes)?;
        let there = bytes.len().saturating_sub(self.at).saturating_mul(8);
        if out.len().saturating_mul(width as usize) > there {
            return Err(Damage::short());
        }
        T::unpack(cpu, bytes.get(self.at..).unwrap_or_default(), width, out);
        self.last = T::sum(self.last, self.least, out);
        self.left -= out.len();
        self.pass(bytes, width);
        Ok(())
    }

    /// The width of the next mini block; a block begins where the last has ended.
    fn next_width(&mut self, bytes: &[u8]) -> Result<u32, Damage> {
        if self.minis >= self.mini_blocks {
            let (least, at) = varint(bytes, self.at)?;
            self.least = T::of(zigzag(least));
            (self.widths, self.at, self.minis) = (at, at + self.mini_blocks, 0);
        }
        let width = u32::from(*bytes.get(self.widths + self.minis).ok_or_else(Damage::short)?);
        self.minis += 1;
        if width > T::BITS {
            let bits = T::BITS;
            return Err(Damage::new(format!("differences of at most {bits} bits, got {width}")));
        }
        Ok(width)
    }

    /// Goes behind a mini block. The last may lack what only pads it.
    fn pass(&mut self, bytes: &[u8], width: u32) {
        self.at = (self.at + self.mini_values * width as usize / 8).min(bytes.len());
    }

    /// The number of values in all, and the byte behind them. Asked before the first is taken.
    pub(super) fn end(&self, bytes: &[u8]) -> Result<(usize, usize), Damage> {
        let mut walk = self.clone();
        let mut left = walk.left.saturating_sub(1);
        while left > 0 {
            let width = walk.next_width(bytes)?;
            walk.pass(bytes, width);
            left = left.saturating_sub(walk.mini_values);
            if walk.at >= bytes.len() && left > 0 && width > 0 {
                return Err(Damage::short());
            }
        }
        Ok((self.left, walk.at))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.open.capacity() * size_of::<T>()
    }
}

fn zigzag(value: u64) -> u64 {
    value >> 1 ^ 0_u64.wrapping_sub(value & 1)
}
