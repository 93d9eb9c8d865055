//! Values counted as they come, as long as few of them are different.

#[cfg(test)]
mod tests;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use xxhash_rust::xxh3::xxh3_64;

use super::keys;
use super::sorted::{bytes_run, run_schema, words_run};
use crate::error::Result;

/// Bytes of texts a value, on average, as far as the bound goes.
const BYTES_A_VALUE: usize = 32;

/// Slots of a table that has just begun.
const SLOTS_MIN: usize = 1 << 10;

/// A set of values and how often each was there, up to a bound; what it holds makes a run like those of [`super::Gather`].
#[derive(Debug)]
pub struct Few {
    schema: SchemaRef,
    values_max: usize,
    table: Table,
}

#[derive(Debug)]
enum Table {
    Words(Words),
    Bytes(Bytes),
}

impl Few {
    /// For at most `values_max` different values of a type.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Undefined`] where the type has no order.
    pub fn new(data_type: &DataType, values_max: usize) -> Result<Self> {
        if !keys::has_keys(data_type) {
            return Err(keys::no_keys(data_type));
        }
        let table = match keys::is_fixed(data_type) {
            true => Table::Words(Words::default()),
            false => Table::Bytes(Bytes::default()),
        };
        Ok(Self { schema: run_schema(data_type), values_max, table })
    }

    /// Counts the values of a column that are not null, row by row, and says how many rows: fewer than there are where the bound
    /// is reached.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Undefined`] for another type.
    pub fn add(&mut self, column: &ArrayRef) -> Result<usize> {
        let values_max = self.values_max;
        match &mut self.table {
            Table::Words(table) => match keys::fixed(column) {
                Some(words) => Ok(table.add(column, &words, values_max)),
                None => Err(keys::no_keys(column.data_type())),
            },
            Table::Bytes(table) => {
                let mut taken = column.len();
                keys::for_each_bytes(column, |row, key| {
                    if row < taken && !table.add(key, values_max) {
                        taken = row;
                    }
                })?;
                Ok(taken)
            }
        }
    }

    /// Bytes held, and as many again for the run that is made of them.
    pub fn memory_bytes(&self) -> usize {
        2 * match &self.table {
            Table::Words(table) => table.slots.capacity() * size_of::<(u64, u64)>(),
            Table::Bytes(table) => {
                table.slots.capacity() * size_of::<u32>()
                    + table.entries.capacity() * size_of::<Entry>()
                    + table.bytes.capacity()
            }
        }
    }

    /// The bytes that it may hold when so many rows were counted, and what is needed on the way.
    pub fn need_bytes(&self, rows: usize) -> usize {
        let of_rows = rows * size_of::<u64>();
        match &self.table {
            Table::Words(table) => {
                let slots = slots_for((table.values + rows).min(self.values_max)).max(table.slots.len());
                of_rows + 3 * slots * size_of::<(u64, u64)>()
            }
            Table::Bytes(table) => {
                let values = (table.entries.len() + rows).min(self.values_max);
                let slots = slots_for(values).max(table.slots.len());
                let texts = self.values_max * BYTES_A_VALUE;
                of_rows + 3 * (slots * size_of::<u32>() + 2 * values * size_of::<Entry>() + texts)
            }
        }
    }

    /// The run of what was counted; nothing is left.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Arrow`] from the arrays.
    pub fn take_run(&mut self) -> Result<RecordBatch> {
        match &mut self.table {
            Table::Words(table) => {
                let mut counted = std::mem::take(table).slots;
                counted.retain(|(_, count)| *count > 0);
                counted.sort_unstable();
                words_run(&self.schema, counted.into_iter())
            }
            Table::Bytes(table) => {
                let Bytes { mut entries, bytes, .. } = std::mem::take(table);
                let key = |entry: &Entry| bytes.get(entry.range()).unwrap_or_default();
                entries.sort_unstable_by(|a, b| key(a).cmp(key(b)));
                bytes_run(&self.schema, entries.iter().map(|entry| (key(entry), entry.count)))
            }
        }
    }
}

/// A power of two with so many values in every second slot at most.
fn slots_for(values: usize) -> usize {
    (values * 2).next_power_of_two().max(SLOTS_MIN)
}

/// A table of words: a slot is free where the count is 0.
#[derive(Debug, Default)]
struct Words {
    slots: Vec<(u64, u64)>,
    values: usize,
}

/// The product of 128 bits with a constant, folded: every bit of the word reaches every bit of the place.
#[inline(always)]
fn place(word: u64, slots: usize) -> usize {
    let product = u128::from(word ^ 0x2d35_8dcc_aa6c_78a5) * 0x9e37_79b9_7f4a_7c15;
    ((product as u64) ^ (product >> 64) as u64) as usize & (slots - 1)
}

impl Words {
    fn add(&mut self, column: &ArrayRef, words: &[u64], values_max: usize) -> usize {
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        if self.slots.is_empty() {
            self.slots = vec![(0, 0); SLOTS_MIN];
        }
        for (row, word) in words.iter().enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let mut at = self.find(*word);
            if self.slots[at].1 == 0 {
                if self.values == values_max {
                    return row;
                }
                if (self.values + 1) * 2 > self.slots.len() {
                    self.grow();
                    at = self.find(*word);
                }
                self.values += 1;
                self.slots[at].0 = *word;
            }
            self.slots[at].1 += 1;
        }
        words.len()
    }

    /// The slot of a word, or the free one where it goes: there always is one.
    #[inline(always)]
    fn find(&self, word: u64) -> usize {
        let slots = self.slots.as_slice();
        let mut at = place(word, slots.len());
        while slots[at].1 != 0 && slots[at].0 != word {
            at = (at + 1) & (slots.len() - 1);
        }
        at
    }

    #[cold]
    fn grow(&mut self) {
        let slots = vec![(0, 0); self.slots.len() * 2];
        let before = std::mem::replace(&mut self.slots, slots);
        for slot in before.into_iter().filter(|(_, count)| *count > 0) {
            let at = self.find(slot.0);
            self.slots[at] = slot;
        }
    }
}

/// A table of texts: a slot has the number of an entry, counted from 1.
#[derive(Debug, Default)]
struct Bytes {
    slots: Vec<u32>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    start: u32,
    length: u32,
    count: u64,
}

impl Entry {
    fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }
}

impl Bytes {
    /// Whether there was room.
    fn add(&mut self, key: &[u8], values_max: usize) -> bool {
        if self.slots.is_empty() {
            self.slots = vec![0; SLOTS_MIN];
        }
        let hash = xxh3_64(key);
        let mut at = hash as usize & (self.slots.len() - 1);
        while let Some(number) = (self.slots[at] as usize).checked_sub(1) {
            let entry = &mut self.entries[number];
            if entry.hash == hash && self.bytes.get(entry.range()) == Some(key) {
                entry.count += 1;
                return true;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        let (start, length) = (self.bytes.len(), key.len());
        if self.entries.len() == values_max || start + length > values_max * BYTES_A_VALUE {
            return false;
        }
        let (Ok(start), Ok(length)) = (u32::try_from(start), u32::try_from(length)) else { return false };
        self.bytes.extend_from_slice(key);
        self.entries.push(Entry { hash, start, length, count: 1 });
        self.slots[at] = self.entries.len() as u32;
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
        true
    }

    #[cold]
    fn grow(&mut self) {
        let mut slots = vec![0_u32; self.slots.len() * 2];
        for (number, entry) in self.entries.iter().enumerate() {
            let mut at = entry.hash as usize & (slots.len() - 1);
            while slots[at] != 0 {
                at = (at + 1) & (slots.len() - 1);
            }
            slots[at] = number as u32 + 1;
        }
        self.slots = slots;
    }
}
