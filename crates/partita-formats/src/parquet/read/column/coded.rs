//! Rows as codes of their dictionary, in the place of their values.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;
use parquet::errors::ParquetError;

use super::damage::Damage;
use super::hybrid::{Hybrid, Piece};
use super::{CODES, Work};
use crate::error::Result;
use crate::simd::encode::Cpu;
use crate::simd::expand::expand_u32;
use crate::simd::page_texts::{are_below, coded};
use crate::simd::unpack::unpack32;

/// The codes of the rows at hand.
#[derive(Debug, Default)]
pub(super) struct Coded {
    codes: Vec<u32>,
    /// The values that they stand for, the same as long as the dictionary is.
    values: Option<ArrayRef>,
}

impl Coded {
    pub(super) fn codes(&self) -> &[u32] {
        &self.codes
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        self.codes.reserve(rows.saturating_sub(self.codes.len()));
    }

    /// Appends the next `count` codes of a page, each of which has one of `entries`.
    pub(super) fn push(
        &mut self,
        hybrid: &mut Hybrid,
        page: &[u8],
        (count, entries): (usize, usize),
        work: &mut Work,
    ) -> Result<(), Damage> {
        let mut left = count;
        while left > 0 {
            left -= match hybrid.next(page, left.min(CODES))? {
                Piece::Same { code, count } => {
                    expect_below(work.cpu, &[code], entries)?;
                    self.codes.resize(self.codes.len() + count, code);
                    count
                }
                Piece::Packed { at, skip, count } => {
                    let codes = &mut work.codes[..skip + count];
                    unpack32(work.cpu, &page[at..], hybrid.width(), codes);
                    expect_below(work.cpu, &codes[skip..], entries)?;
                    self.codes.extend_from_slice(&codes[skip..]);
                    count
                }
            };
        }
        Ok(())
    }

    /// Spreads the last codes, `present` of them, over `rows` rows, those whose bit is set.
    pub(super) fn expand(&mut self, present: usize, rows: usize, work: &Work) {
        let start = self.codes.len().saturating_sub(present);
        self.codes.resize(start + rows, 0);
        expand_u32(work.cpu, &mut self.codes[start..], &work.valid);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.codes.truncate(rows);
    }

    /// The rows so far as `Dictionary(UInt32, ..)`; `make` makes the values, once a dictionary.
    pub(super) fn finish(
        &mut self,
        nulls: Option<NullBuffer>,
        make: impl FnOnce() -> Result<ArrayRef>,
    ) -> Result<ArrayRef> {
        let values = match &self.values {
            Some(values) => Arc::clone(values),
            None => Arc::clone(self.values.insert(make()?)),
        };
        let codes = std::mem::take(&mut self.codes);
        let rows = codes.len();
        let array = coded(Cpu::new(), codes, nulls, &values);
        Ok(array.ok_or_else(|| ParquetError::General(format!("codes of a dictionary for {rows} rows")))?)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let values = self.values.as_ref().map_or(0, |values| values.len() * size_of::<u128>());
        self.codes.capacity() * size_of::<u32>() + values
    }
}

fn expect_below(cpu: Cpu, codes: &[u32], entries: usize) -> Result<(), Damage> {
    match are_below(cpu, codes, u32::try_from(entries).unwrap_or(u32::MAX)) {
        true => Ok(()),
        false => Err(Damage::code(entries)),
    }
}
