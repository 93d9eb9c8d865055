//! One loop, compiled for each level of instructions.

#[cfg(target_arch = "x86_64")]
use crate::cpu::Level;
use crate::cpu::level;

/// A loop over columns. `run` is `#[inline(always)]`, so that it is compiled for the instructions of its caller.
pub(crate) trait Kernel {
    /// What it computes.
    type Output;

    /// Runs it.
    fn run(self) -> Self::Output;
}

/// Runs `kernel` with the widest instructions that this processor has.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    match level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has all of the features.
        Level::Avx512 => unsafe { avx512(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { avx2(kernel) },
        _ => kernel.run(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// Runs `make()` at every level of this processor.
#[cfg(test)]
pub(crate) fn run_all<K: Kernel>(make: impl Fn() -> K) -> Vec<K::Output> {
    let mut outputs = vec![make().run()];
    #[cfg(target_arch = "x86_64")]
    for level in crate::cpu::levels() {
        match level {
            // SAFETY: the processor has all of the features.
            Level::Avx512 => outputs.push(unsafe { avx512(make()) }),
            // SAFETY: as above.
            Level::Avx2 => outputs.push(unsafe { avx2(make()) }),
            _ => {}
        }
    }
    outputs
}

/// Which rows of a column are there, as words of 64 bits from its first row, and one word more.
pub(crate) struct Valid(Vec<u64>);

impl Valid {
    /// `None` where all are.
    pub(crate) fn of(nulls: Option<&arrow::buffer::NullBuffer>) -> Option<Self> {
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0)?;
        let mut words: Vec<u64> = nulls.inner().bit_chunks().iter_padded().collect();
        words.push(0);
        Some(Self(words))
    }

    #[inline(always)]
    pub(crate) fn at(&self, row: usize) -> bool {
        self.0[row / 64] >> (row % 64) & 1 == 1
    }

    /// Rows `row .. row + 32`, the first in the lowest bit.
    #[inline(always)]
    pub(crate) fn word32(&self, row: usize) -> u32 {
        let (word, shift) = (row / 64, row % 64);
        let low = self.0[word] >> shift;
        let high = if shift > 32 { self.0[word + 1] << (64 - shift) } else { 0 };
        (low | high) as u32
    }
}

/// Zeros that are written at once. Pages that come as zeros, and are read before they are written, are given out twice.
pub(crate) fn written_zeros<T: Copy + Default>(len: usize) -> Vec<T> {
    let mut zeros = Vec::with_capacity(len);
    zeros.resize(len, T::default());
    zeros
}
