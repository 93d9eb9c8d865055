//! A table of values, compared exactly, that never has more than a bounded number of them.

use arrow::array::ArrayRef;
use partita_columns::compute;
use partita_columns::sort::{KeyLayout, Keys};

use crate::error::Result;

/// Values at most, and bytes of their keys. Fixed: what goes into an exchange must not depend on memory.
const VALUES_MAX: usize = 32 << 10;
const KEY_BYTES_MAX: usize = 1 << 20;

/// Slots of a table that has just begun.
const SLOTS_MIN: usize = 1 << 10;

/// Values by their hash, and how often each was there.
pub(super) struct Table {
    layout: KeyLayout,
    /// The number of an entry, counted from 1.
    slots: Vec<u32>,
    hashes: Vec<u64>,
    counts: Vec<u64>,
    keys: Keys,
}

/// Rows as the table sees them.
pub(super) struct Seen {
    hashes: Vec<u64>,
    keys: Keys,
}

impl Table {
    pub(super) fn new(layout: KeyLayout) -> Self {
        let keys = layout.empty();
        Self { layout, slots: Vec::new(), hashes: Vec::new(), counts: Vec::new(), keys }
    }

    /// Prepares rows.
    pub(super) fn look(&self, columns: &[ArrayRef], rows: usize) -> Result<Seen> {
        Ok(Seen { hashes: compute::hash_rows(columns, rows)?, keys: self.layout.encode(columns)? })
    }

    /// Counts a row: how often its value was there now; `None` where it is not there and there is no room.
    pub(super) fn add(&mut self, seen: &Seen, row: usize, times: u64) -> Option<u64> {
        if self.slots.is_empty() {
            self.slots = vec![0; SLOTS_MIN];
        }
        let hash = seen.hashes[row];
        let mut at = hash as usize & (self.slots.len() - 1);
        while let Some(entry) = (self.slots[at] as usize).checked_sub(1) {
            if self.hashes[entry] == hash && self.keys.compare(entry, &seen.keys, row).is_eq() {
                self.counts[entry] += times;
                return Some(self.counts[entry]);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        if self.hashes.len() == VALUES_MAX || self.keys.memory_bytes() > KEY_BYTES_MAX {
            return None;
        }
        self.hashes.push(hash);
        self.counts.push(times);
        self.keys.push_row(&seen.keys, row);
        self.slots[at] = self.hashes.len() as u32;
        if self.hashes.len() * 2 > self.slots.len() {
            self.grow();
        }
        Some(times)
    }

    #[cold]
    fn grow(&mut self) {
        let mut slots = vec![0_u32; self.slots.len() * 2];
        let mask = slots.len() - 1;
        for (entry, hash) in self.hashes.iter().enumerate() {
            let mut at = *hash as usize & mask;
            while slots[at] != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = entry as u32 + 1;
        }
        self.slots = slots;
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
            + (self.hashes.capacity() + self.counts.capacity()) * size_of::<u64>()
            + self.keys.memory_bytes()
    }

    /// Forgets all values.
    pub(super) fn clear(&mut self) {
        self.slots.fill(0);
        self.hashes.clear();
        self.counts.clear();
        self.keys = self.layout.empty();
    }

    /// The counts, in the order in which the values were first there; the table is empty then.
    pub(super) fn take_counts(&mut self) -> Vec<u64> {
        let counts = std::mem::take(&mut self.counts);
        self.clear();
        counts
    }

    /// Gives the memory back.
    pub(super) fn drop_all(&mut self) {
        *self = Self::new(self.layout.clone());
    }
}
