//! Definition levels of a flat column: whether each row has a value.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::util::bit_chunk_iterator::BitChunks;

use super::damage::Damage;
use super::hybrid::{Hybrid, Piece};

/// The levels of a page.
#[derive(Debug, Default)]
pub(super) struct Levels {
    bytes: Vec<u8>,
    /// `None` where every row has a value.
    hybrid: Option<Hybrid>,
}

impl Levels {
    /// The levels of a page whose rows all have values.
    pub(super) fn clear(&mut self) {
        self.hybrid = None;
    }

    /// Levels as runs and packed groups.
    pub(super) fn open(&mut self, bytes: &[u8]) -> Result<(), Damage> {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.hybrid = Some(Hybrid::new(1, 0)?);
        Ok(())
    }

    /// Levels as bits, from the highest of each byte on.
    pub(super) fn open_bits(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend(bytes.iter().map(|byte| byte.reverse_bits()));
        self.hybrid = Some(Hybrid::packed(1, 0, bytes.len().saturating_mul(8)));
    }

    /// Appends the levels of the next `rows` rows; how many of them have a value.
    pub(super) fn take(&mut self, rows: usize, validity: &mut Validity) -> Result<usize, Damage> {
        let Some(hybrid) = &mut self.hybrid else {
            validity.push_same(true, rows);
            return Ok(rows);
        };
        let (mut left, mut present) = (rows, 0);
        while left > 0 {
            let count = match hybrid.next(&self.bytes, left)? {
                Piece::Same { code: code @ 0..=1, count } => {
                    validity.push_same(code == 1, count);
                    present += code as usize * count;
                    count
                }
                Piece::Same { code, .. } => {
                    return Err(Damage::new(format!("definition levels of 0 and 1, got {code}")));
                }
                Piece::Packed { at, skip, count } => {
                    present += validity.push_bits(&self.bytes, at * 8 + skip, count);
                    count
                }
            };
            left -= count;
        }
        Ok(present)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Which rows of the array at hand have values.
pub(super) struct Validity {
    rows: usize,
    nulls: usize,
    /// A bit for every row; empty as long as there is no null.
    bits: BooleanBufferBuilder,
}

impl Default for Validity {
    fn default() -> Self {
        Self { rows: 0, nulls: 0, bits: BooleanBufferBuilder::new(0) }
    }
}

impl Validity {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    fn push_same(&mut self, is_valid: bool, rows: usize) {
        if !is_valid || self.nulls > 0 {
            self.begin();
            self.bits.append_n(rows, is_valid);
            self.nulls += if is_valid { 0 } else { rows };
        }
        self.rows += rows;
    }

    /// Appends `rows` bits of `bytes`, all of which are there; how many are set.
    fn push_bits(&mut self, bytes: &[u8], start: usize, rows: usize) -> usize {
        let chunks = BitChunks::new(bytes, start, rows);
        let present = chunks.iter_padded().map(|word| word.count_ones() as usize).sum();
        if present < rows || self.nulls > 0 {
            self.begin();
            self.bits.append_packed_range(start..start + rows, bytes);
            self.nulls += rows - present;
        }
        self.rows += rows;
        present
    }

    /// Makes bits of the rows so far, none of which is null.
    fn begin(&mut self) {
        if self.nulls == 0 {
            self.bits.append_n(self.rows, true);
        }
    }

    /// The bits of the rows from `start` on, 64 a word; nothing where none is null.
    pub(super) fn words(&self, start: usize, words: &mut Vec<u64>) {
        words.clear();
        if self.nulls > 0 {
            let chunks = BitChunks::new(self.bits.as_slice(), start, self.rows - start);
            words.extend(chunks.iter_padded().take((self.rows - start).div_ceil(64)));
        }
    }

    /// Forgets the rows from `rows` on.
    pub(super) fn truncate(&mut self, rows: usize) {
        if self.nulls > 0 && rows < self.rows {
            self.bits.truncate(rows);
            let bits = BooleanBuffer::new(self.bits.as_slice().into(), 0, rows);
            self.nulls = rows - bits.count_set_bits();
            if self.nulls == 0 {
                self.bits.truncate(0);
            }
        }
        self.rows = self.rows.min(rows);
    }

    /// The rows so far; then there are none.
    pub(super) fn finish(&mut self) -> Option<NullBuffer> {
        let nulls = (self.nulls > 0).then(|| NullBuffer::new(self.bits.finish()));
        (self.rows, self.nulls) = (0, 0);
        nulls
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.bits.capacity() / 8
    }
}
