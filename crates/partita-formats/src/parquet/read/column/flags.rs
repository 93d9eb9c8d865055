//! Booleans.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::util::bit_chunk_iterator::BitChunks;
use parquet::errors::ParquetError;

use super::damage::Damage;
use super::header::Layout;
use super::hybrid::{Hybrid, Piece};
use super::{Sink, Work};
use crate::error::Result;
use crate::simd::expand::deposit;

enum State {
    Closed,
    /// The next value's bit.
    Plain {
        bit: usize,
    },
    Runs(Hybrid),
}

/// The booleans of a column.
pub(super) struct Flags {
    bits: BooleanBufferBuilder,
    state: State,
}

impl Flags {
    pub(super) fn new() -> Self {
        Self { bits: BooleanBufferBuilder::new(0), state: State::Closed }
    }
}

impl Sink for Flags {
    fn reserve(&mut self, rows: usize) {
        self.bits.reserve(rows.saturating_sub(self.bits.len()));
    }

    fn dictionary(&mut self, _: &Buffer, _: usize, _: &mut Work) -> Result<(), Damage> {
        Err(Layout::Dictionary.refuse())
    }

    fn open(&mut self, layout: Layout, page: &Buffer, _: usize) -> Result<(), Damage> {
        self.state = match layout {
            Layout::Plain => State::Plain { bit: 0 },
            // Behind their length.
            Layout::Rle => State::Runs(Hybrid::new(1, page.len().min(4))?),
            other => return Err(other.refuse()),
        };
        Ok(())
    }

    fn append(&mut self, page: &Buffer, present: usize, _: &mut Work) -> Result<(), Damage> {
        match &mut self.state {
            State::Closed => return Err(Damage::short()),
            State::Plain { bit } => {
                let end = bit.checked_add(present).filter(|&end| end <= page.len().saturating_mul(8));
                let end = end.ok_or_else(Damage::short)?;
                self.bits.append_packed_range(*bit..end, page);
                *bit = end;
            }
            State::Runs(hybrid) => {
                let mut left = present;
                while left > 0 {
                    left -= match hybrid.next(page, left)? {
                        Piece::Same { code, count } => {
                            self.bits.append_n(count, code != 0);
                            count
                        }
                        Piece::Packed { at, skip, count } => {
                            let start = at * 8 + skip;
                            self.bits.append_packed_range(start..start + count, page);
                            count
                        }
                    };
                }
            }
        }
        Ok(())
    }

    fn expand(&mut self, present: usize, rows: usize, work: &mut Work) {
        let start = self.bits.len() - present;
        let words: Vec<u64> = BitChunks::new(self.bits.as_slice(), start, present).iter_padded().collect();
        self.bits.truncate(start);
        let mut spread = Vec::with_capacity(work.valid.len());
        deposit(work.cpu, &words, &work.valid, &mut spread);
        spread.resize(rows.div_ceil(64), 0);
        let bytes = Buffer::from_vec(spread);
        self.bits.append_packed_range(0..rows, &bytes);
    }

    fn truncate(&mut self, rows: usize) {
        self.bits.truncate(rows.min(self.bits.len()));
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let values = self.bits.finish();
        if nulls.as_ref().is_some_and(|nulls| nulls.len() != values.len()) {
            return Err(ParquetError::General(format!("a bit for each of {} rows", values.len())).into());
        }
        Ok(Arc::new(BooleanArray::new(values, nulls)))
    }

    fn close(&mut self) {
        self.state = State::Closed;
    }

    fn len(&self) -> usize {
        self.bits.len()
    }

    fn memory_bytes(&self) -> usize {
        self.bits.capacity() / 8
    }
}
