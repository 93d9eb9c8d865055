//! Definition levels of a flat column: one bit a row, whether it has a value.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

use super::runs::varint;

/// The rows of the open page.
pub(in crate::parquet) struct Levels {
    rows: usize,
    nulls: usize,
    /// A bit for every row; empty as long as there is no null.
    bits: BooleanBufferBuilder,
}

impl Default for Levels {
    fn default() -> Self {
        Self { rows: 0, nulls: 0, bits: BooleanBufferBuilder::new(0) }
    }
}

impl Levels {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn nulls(&self) -> usize {
        self.nulls
    }

    /// Adds `rows` rows, the first of `valid`; all have values where there is none.
    pub(super) fn push(&mut self, rows: usize, valid: Option<&NullBuffer>) {
        match valid.map(|valid| valid.slice(0, rows)).filter(|valid| valid.null_count() > 0) {
            None if self.nulls == 0 => {}
            None => self.bits.append_n(rows, true),
            Some(valid) => {
                if self.nulls == 0 {
                    self.bits.append_n(self.rows, true);
                }
                self.bits.append_buffer(valid.inner());
                self.nulls += valid.null_count();
            }
        }
        self.rows += rows;
    }

    /// Forgets the rows.
    pub(super) fn clear(&mut self) {
        self.bits.truncate(0);
        (self.rows, self.nulls) = (0, 0);
    }

    /// Appends the levels as a data page of version 1 has them, behind their length; the next page begins.
    pub(super) fn end_page(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        if self.nulls == 0 || self.nulls == self.rows {
            run(u8::from(self.nulls == 0), self.rows, out);
        } else {
            encode(self.bits.as_slice(), self.rows, out);
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.clear();
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.bits.capacity() / 8
    }
}

/// Bytes of the same levels from which on they are a run of their own.
const RUN_BYTES_MIN: usize = 6;

/// Appends `rows` bits as runs of the same bit and as packed bytes.
fn encode(bits: &[u8], rows: usize, out: &mut Vec<u8>) {
    let whole = &bits[..rows / 8];
    let (mut at, mut packed) = (0, 0);
    while at < whole.len() {
        let first = whole[at];
        if first != 0 && first != u8::MAX {
            at += 1;
            continue;
        }
        let same = whole[at..].iter().take_while(|&&byte| byte == first).count();
        if same >= RUN_BYTES_MIN {
            pack(&whole[packed..at], out);
            run(first & 1, same * 8, out);
            packed = at + same;
        }
        at += same;
    }
    let rest = rows % 8;
    match bits.get(rows / 8).filter(|_| rest > 0) {
        None => pack(&whole[packed..], out),
        // Bits behind the last row are zero.
        Some(last) => {
            varint(((whole.len() - packed + 1) as u64) << 1 | 1, out);
            out.extend_from_slice(&whole[packed..]);
            out.push(last & ((1 << rest) - 1));
        }
    }
}

fn pack(bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.is_empty() {
        varint((bytes.len() as u64) << 1 | 1, out);
        out.extend_from_slice(bytes);
    }
}

fn run(bit: u8, rows: usize, out: &mut Vec<u8>) {
    varint((rows as u64) << 1, out);
    out.push(bit);
}

/// Rows up to the one with value number `values`, counted from 1, where bits of `valid` say which rows have values.
pub(super) fn rows_with(valid: &[u64], values: usize) -> usize {
    let mut missing = values;
    for (at, &word) in valid.iter().enumerate() {
        let here = word.count_ones() as usize;
        if here >= missing {
            // The lowest bits go until the one is left that is asked for.
            let last = (1..missing).fold(word, |word, _| word & word.wrapping_sub(1));
            return at * 64 + if missing == 0 { 0 } else { last.trailing_zeros() as usize + 1 };
        }
        missing -= here;
    }
    valid.len() * 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_up_to_a_value() {
        assert_eq!(rows_with(&[0b1011_0000], 1), 5);
        assert_eq!(rows_with(&[0b1011_0000], 3), 8);
        assert_eq!(rows_with(&[1, 0, 1 << 63], 2), 192);
        assert_eq!(rows_with(&[u64::MAX, 1], 65), 65);
    }

    #[test]
    fn levels_are_runs_and_packed_bytes() {
        let mut levels = Levels::default();
        levels.push(5, None);
        let valid: Vec<bool> = (0..70).map(|row| row >= 3 && row != 69).collect();
        levels.push(70, Some(&NullBuffer::from(valid)));
        assert_eq!((levels.rows(), levels.nulls()), (75, 4));
        let mut out = Vec::new();
        levels.end_page(&mut out);
        // One packed byte; a run of 64; one packed byte with three rows in it.
        assert_eq!(out, [7, 0, 0, 0, 3, 0b0001_1111, 0x80, 1, 1, 3, 0b011]);
        levels.push(3, None);
        out.clear();
        levels.end_page(&mut out);
        assert_eq!(out, [2, 0, 0, 0, 6, 1]);
    }
}
