//! Bytes of a fixed length that are no numbers.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::DataType;

use super::damage::Damage;
use super::header::Layout;
use super::hybrid::{Hybrid, Piece};
use super::shared::{Shared, expect_length};
use super::words::array;
use super::{CODES, Sink, Work};
use crate::buffers::Pool;
use crate::error::Result;
use crate::simd::unpack::unpack32;

enum State {
    Closed,
    Plain { at: usize },
    Codes(Hybrid),
    Split { at: usize, values: usize },
    Shared(Box<Shared>),
}

/// The values of a column, each of `width` bytes, at least one.
pub(super) struct Fixed {
    width: usize,
    target: DataType,
    values: Vec<u8>,
    len: usize,
    pool: Arc<Pool>,
    entries: Vec<u8>,
    state: State,
}

impl Fixed {
    pub(super) fn new(width: usize, target: &DataType, pool: &Arc<Pool>) -> Self {
        Self {
            width,
            target: target.clone(),
            values: Vec::new(),
            len: 0,
            pool: Arc::clone(pool),
            entries: Vec::new(),
            state: State::Closed,
        }
    }
}

impl Sink for Fixed {
    fn reserve(&mut self, rows: usize) {
        let bytes = rows.saturating_mul(self.width);
        self.pool.grow(&mut self.values, bytes);
    }

    fn dictionary(&mut self, page: &Buffer, count: usize, _: &mut Work) -> Result<(), Damage> {
        let stored = page.get(..count.saturating_mul(self.width)).ok_or_else(Damage::short)?;
        self.entries.clear();
        self.entries.extend_from_slice(stored);
        Ok(())
    }

    fn open(&mut self, layout: Layout, page: &Buffer, _: usize) -> Result<(), Damage> {
        self.state = match layout {
            Layout::Plain => State::Plain { at: 0 },
            Layout::Dictionary => State::Codes(super::codes(page)?),
            Layout::ByteStreamSplit => State::Split { at: 0, values: super::split_values(page, self.width)? },
            Layout::DeltaByteArray => State::Shared(Box::new(Shared::new(page)?)),
            other => return Err(other.refuse()),
        };
        Ok(())
    }

    fn append(&mut self, page: &Buffer, present: usize, work: &mut Work) -> Result<(), Damage> {
        self.reserve(self.len + present);
        let width = self.width;
        let out = &mut self.values[self.len * width..(self.len + present) * width];
        match &mut self.state {
            State::Closed => return Err(Damage::short()),
            State::Plain { at } => {
                let end = at.saturating_add(out.len());
                out.copy_from_slice(page.get(*at..end).ok_or_else(Damage::short)?);
                *at = end;
            }
            State::Codes(hybrid) => {
                let mut out = out.chunks_exact_mut(width);
                let mut left = present;
                while left > 0 {
                    let (count, codes) = match hybrid.next(page, left.min(CODES))? {
                        Piece::Same { code, count } => {
                            work.codes[..count].fill(code);
                            (count, &work.codes[..count])
                        }
                        Piece::Packed { at, skip, count } => {
                            let codes = &mut work.codes[..skip + count];
                            unpack32(work.cpu, &page[at..], hybrid.width(), codes);
                            (count, &codes[skip..])
                        }
                    };
                    for (&code, value) in codes.iter().zip(out.by_ref()) {
                        let start = (code as usize).saturating_mul(width);
                        let entry = self.entries.get(start..start.saturating_add(width));
                        let entry = entry.ok_or_else(|| Damage::code(self.entries.len() / width))?;
                        value.copy_from_slice(entry);
                    }
                    left -= count;
                }
            }
            State::Split { at, values } => {
                if present > *values - *at {
                    return Err(Damage::short());
                }
                for (number, value) in out.chunks_exact_mut(width).enumerate() {
                    for (stream, byte) in value.iter_mut().enumerate() {
                        *byte = page[stream * *values + *at + number];
                    }
                }
                *at += present;
            }
            State::Shared(shared) => {
                let mut out = out.chunks_exact_mut(width);
                shared.take(work.cpu, page, present, usize::MAX, |text| {
                    expect_length(width, text.len())?;
                    out.next().map_or(Ok(()), |value| {
                        value.copy_from_slice(text);
                        Ok(())
                    })
                })?;
            }
        }
        self.len += present;
        Ok(())
    }

    fn expand(&mut self, present: usize, rows: usize, work: &mut Work) {
        let (width, start) = (self.width, self.len - present);
        self.reserve(start + rows);
        let values = &mut self.values[start * width..];
        let mut from = present;
        for row in (0..rows).rev() {
            if work.valid[row / 64] >> (row % 64) & 1 == 1 {
                from = from.saturating_sub(1);
                values.copy_within(from * width..(from + 1) * width, row * width);
            } else {
                values[row * width..(row + 1) * width].fill(0);
            }
        }
        self.len = start + rows;
    }

    fn truncate(&mut self, rows: usize) {
        self.len = self.len.min(rows);
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let rows = std::mem::take(&mut self.len);
        self.reserve(rows);
        let bytes = rows * self.width;
        if self.target == DataType::Float16 {
            // Aligned for its type.
            return array(&self.target, rows, Buffer::from_slice_ref(&self.values[..bytes]), nulls);
        }
        let values = std::mem::take(&mut self.values);
        array(&self.target, rows, self.pool.lend(values, bytes), nulls)
    }

    fn close(&mut self) {
        self.entries = Vec::new();
        self.state = State::Closed;
    }

    fn len(&self) -> usize {
        self.len
    }

    fn memory_bytes(&self) -> usize {
        let state = match &self.state {
            State::Shared(shared) => shared.memory_bytes(),
            _ => 0,
        };
        self.values.capacity() + self.entries.capacity() + state
    }
}
