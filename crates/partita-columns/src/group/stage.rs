//! Codes of several columns in one word, and words to numbers.

use super::codec::KeyColumn;
use super::intern::{Words, grown};
use super::table::ROUND_ROWS;
use crate::error::{ErrorKind, Result};
use crate::wide::written_zeros;

/// Bits of the number that a stage gives the next one.
const NUMBER_BITS: u32 = 32;

/// Widest words that are the place of their number.
const DENSE_BITS_MAX: u32 = 26;

/// Widest words that always are.
const DENSE_BITS_MIN: u32 = 12;

/// Slots from which on a table may become an array: there are enough rows then for [`plan`] to choose one.
const BETTER_SLOTS_MIN: usize = 8192;

/// Where the codes of a column lie in a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) column: usize,
    pub(super) shift: u32,
    pub(super) bits: u32,
}

/// Words to numbers. A key of more than 64 bits has several stages: the lowest bits of the words of a stage are the number
/// that the stage before gave.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) fields: Vec<Field>,
    is_first: bool,
    bits: u32,
    words: Words<u64>,
    /// Numbers plus one by word, where words are short.
    dense: Option<Vec<u32>>,
}

/// Stages for columns of codes of so many bits; `rows` were seen, or are about to be. The memory of a `spare` array is used again.
pub(super) fn plan(columns: &[KeyColumn], rows: usize, spare: Option<Vec<u32>>) -> Vec<Stage> {
    let mut bits: Vec<u32> = columns.iter().map(|column| column.codec.bits()).collect();
    let total: u32 = bits.iter().sum();
    let is_dense = total <= DENSE_BITS_MAX && 1 << total <= (16 * rows).max(1 << DENSE_BITS_MIN);
    if !is_dense && total < u64::BITS {
        // Room for codes to come.
        let numbered: Vec<usize> = (0..bits.len()).filter(|at| columns[*at].codec.len().is_some()).collect();
        let spare = (u64::BITS - total) / numbered.len().max(1) as u32;
        numbered.into_iter().for_each(|at| bits[at] = (bits[at] + spare).min(NUMBER_BITS).max(bits[at]));
    }
    let mut stages = vec![Stage::new(true)];
    for (column, bits) in bits.into_iter().enumerate() {
        let last = stages.len() - 1;
        if stages[last].bits + bits > u64::BITS {
            stages.push(Stage::new(false));
        }
        let last = stages.len() - 1;
        let stage = &mut stages[last];
        stage.fields.push(Field { column, shift: stage.bits, bits });
        stage.bits += bits;
    }
    if is_dense {
        stages[0].dense = Some(match spare {
            Some(mut dense) => {
                dense.clear();
                dense.resize(1 << total, 0);
                dense
            }
            None => written_zeros(1 << total),
        });
    }
    stages
}

/// Bytes of the widest array of numbers that [`plan`] makes.
pub(super) fn dense_need_bytes(rows: usize) -> usize {
    let most = (16 * rows).clamp(1 << DENSE_BITS_MIN, 1 << DENSE_BITS_MAX);
    most * size_of::<u32>()
}

/// The widest code that two stages can take beside a number.
pub(super) const LINKED_BITS_MAX: u32 = u64::BITS - NUMBER_BITS;

impl Stage {
    fn new(is_first: bool) -> Self {
        let bits = if is_first { 0 } else { NUMBER_BITS };
        Self { fields: Vec::new(), is_first, bits, words: Words::default(), dense: None }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Gives its array away: words are taken apart without it.
    pub(super) fn take_dense(&mut self) -> Option<Vec<u32>> {
        self.dense.take()
    }

    /// Whether an array of numbers would take no more than the table does.
    pub(super) fn is_better_dense(&self) -> bool {
        self.is_first
            && self.dense.is_none()
            && self.bits <= DENSE_BITS_MAX
            && self.words.slots() >= BETTER_SLOTS_MIN
            && 1_usize << self.bits <= 2 * self.words.slots()
    }

    /// The numbers of rows whose codes are `codes`; `numbers` holds those of the stage before, and takes these.
    pub(super) fn number(
        &mut self,
        codes: &[Vec<u64>],
        scratch: &mut Vec<u64>,
        numbers: &mut [u32],
    ) -> Result<()> {
        scratch.clear();
        match (self.is_first, self.fields.split_first()) {
            (true, Some((first, rest))) => {
                scratch.extend_from_slice(&codes[first.column]);
                rest.iter().for_each(|field| put(scratch, &codes[field.column], field.shift));
            }
            (true, None) => scratch.resize(numbers.len(), 0),
            (false, _) => {
                scratch.extend(numbers.iter().map(|number| u64::from(*number)));
                self.fields.iter().for_each(|field| put(scratch, &codes[field.column], field.shift));
            }
        }
        match &mut self.dense {
            Some(dense) => self.words.push_dense(scratch, dense, numbers),
            None => self.words.push(scratch, (None, 0), numbers),
        }
    }

    /// Takes words of numbers apart: codes of the columns of this stage, and numbers of the one before in place.
    pub(super) fn take_apart(&self, numbers: &mut [u32], codes: &mut [Vec<u64>]) {
        let words = self.words.keys();
        for field in &self.fields {
            let mask = u64::MAX.unbounded_shr(u64::BITS - field.bits);
            let code = |number: &u32| words[*number as usize].unbounded_shr(field.shift) & mask;
            codes[field.column].clear();
            codes[field.column].extend(numbers.iter().map(code));
        }
        if !self.is_first {
            numbers.iter_mut().for_each(|number| *number = words[*number as usize] as u32);
        }
    }

    pub(super) fn clear(&mut self) {
        self.words.clear();
        if let Some(dense) = &mut self.dense {
            dense.fill(0);
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let dense = self.dense.as_ref().map_or(0, |dense| dense.capacity() * size_of::<u32>());
        dense + self.words.memory_bytes() + self.fields.capacity() * size_of::<Field>()
    }

    pub(super) fn need_bytes(&self, more: usize) -> usize {
        let dense = self.dense.as_ref().map_or(0, |dense| dense.capacity() * size_of::<u32>());
        dense + self.words.need_bytes(more)
    }
}

#[inline]
fn put(words: &mut [u64], codes: &[u64], shift: u32) {
    // A code of no bits may begin behind the last one.
    words.iter_mut().zip(codes).for_each(|(word, code)| *word |= code.unbounded_shl(shift));
}

impl Words<u64> {
    /// As [`Words::push`], where a word is the place of its number plus one.
    fn push_dense(&mut self, rows: &[u64], dense: &mut [u32], out: &mut [u32]) -> Result<()> {
        if self.len() + rows.len() >= u32::MAX as usize {
            return Err(ErrorKind::Shape("expected less than 2^32 groups, got more".to_owned()).into());
        }
        for (rows, out) in rows.chunks(ROUND_ROWS).zip(out.chunks_mut(ROUND_ROWS)) {
            let mut is_known = true;
            for (word, out) in rows.iter().zip(out.iter_mut()) {
                let number = dense[*word as usize];
                is_known &= number != 0;
                *out = number.wrapping_sub(1);
            }
            if is_known {
                continue;
            }
            for (word, out) in rows.iter().zip(out.iter_mut()) {
                let number = &mut dense[*word as usize];
                if *number == 0 {
                    *number = self.keep(*word);
                }
                *out = *number - 1;
            }
        }
        Ok(())
    }
}

/// Bytes at most of a stage with so many words.
pub(super) fn stage_need_bytes(words: usize) -> usize {
    Words::<u64>::default().need_bytes(words) + grown::<u64>(words, words)
}
