//! `DELTA_BYTE_ARRAY`: texts that begin as the one before.

use super::damage::Damage;
use super::delta::Delta;
use crate::simd::encode::Cpu;

/// A place among the texts of a page.
pub(super) struct Shared {
    /// How many bytes each has of the one before, and how many more.
    prefixes: Delta<u32>,
    suffixes: Delta<u32>,
    /// Where the next bytes are.
    at: usize,
    last: Vec<u8>,
    lengths: [Vec<u32>; 2],
}

impl Shared {
    pub(super) fn new(page: &[u8]) -> Result<Self, Damage> {
        let prefixes = Delta::new(page, 0)?;
        let (prefix_values, end) = prefixes.end(page)?;
        let suffixes = Delta::new(page, end)?;
        let (suffix_values, at) = suffixes.end(page)?;
        if prefix_values != suffix_values {
            return Err(Damage::new(format!(
                "as many prefixes as suffixes, got {prefix_values} and {suffix_values}"
            )));
        }
        Ok(Self { prefixes, suffixes, at, last: Vec::new(), lengths: [Vec::new(), Vec::new()] })
    }

    /// Gives `count` texts to `each`; none of them where they have more bytes than `bytes_max`.
    pub(super) fn take(
        &mut self,
        cpu: Cpu,
        page: &[u8],
        count: usize,
        bytes_max: usize,
        mut each: impl FnMut(&[u8]) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let (mut prefixes, mut suffixes) = (self.prefixes.clone(), self.suffixes.clone());
        for lengths in &mut self.lengths {
            lengths.clear();
            lengths.resize(count, 0);
        }
        let [shared, own] = &mut self.lengths;
        prefixes.take(cpu, page, shared)?;
        suffixes.take(cpu, page, own)?;
        let sum = |lengths: &[u32]| lengths.iter().map(|&length| u64::from(length)).sum::<u64>();
        let bytes = usize::try_from(sum(shared) + sum(own)).unwrap_or(usize::MAX);
        if bytes > bytes_max {
            return Err(Damage::Memory(bytes));
        }
        (self.prefixes, self.suffixes) = (prefixes, suffixes);
        for (&shared, &own) in shared.iter().zip(own.iter()) {
            let (shared, own) = (shared as usize, own as usize);
            if shared > self.last.len() {
                let there = self.last.len();
                return Err(Damage::new(format!("a prefix of a text of {there} bytes, got one of {shared}")));
            }
            let end = self.at.saturating_add(own);
            let rest = page.get(self.at..end).ok_or_else(Damage::short)?;
            self.last.truncate(shared);
            self.last.extend_from_slice(rest);
            self.at = end;
            each(&self.last)?;
        }
        Ok(())
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let lengths: usize = self.lengths.iter().map(Vec::capacity).sum();
        self.prefixes.memory_bytes() + self.suffixes.memory_bytes() + self.last.capacity() + lengths * 4
    }
}

/// A value of fixed length has that.
pub(super) fn expect_length(expected: usize, got: usize) -> Result<(), Damage> {
    match got == expected {
        true => Ok(()),
        false => Err(Damage::new(format!("values of {expected} bytes, got one of {got}"))),
    }
}
