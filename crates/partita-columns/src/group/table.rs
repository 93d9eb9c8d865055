//! Keys to numbers, counted in the order in which keys are first seen.

use crate::error::{ErrorKind, Result};
use crate::wide::written_zeros;

/// What is kept of a key in its slot: the upper half of its hash.
const TAG: u64 = 0xffff_ffff_0000_0000;

/// Rows for which there is room before they are looked up, and whose slots are touched together, so that their cache misses
/// overlap.
pub(super) const ROUND_ROWS: usize = 128;

const SLOTS_MIN: usize = 2048;

/// Slots that stay in the nearest cache: nothing is touched ahead, and keys stand beside their numbers.
const NEAR_SLOTS: usize = 4096;

/// The place of a key in the front of a table is so far up in its hash.
const FRONT_SHIFT: u32 = u64::BITS - NEAR_SLOTS.ilog2();

/// Keys of the rows at hand, and those that have numbers.
pub(super) trait Store {
    /// The hash of the key of a row.
    fn hash(&self, row: usize) -> u64;
    /// The key of a row, where [`Store::is_short`]; else no short one.
    fn short(&self, row: usize) -> u128;
    /// Whether 128 bits hold the key of a row.
    fn is_short(&self, row: usize) -> bool;
    /// Whether a row has the key of that number.
    fn is(&self, number: u32, row: usize) -> bool;
    /// Whether a row has the key of the row before it.
    fn is_as_before(&self, row: usize) -> bool;
    /// Keeps the key of a row under the next number.
    fn keep(&mut self, row: usize);
}

/// Open addressing with linear steps. A slot is the upper half of the hash and the number plus one, or 0. Its place is the upper
/// end of the hash, so that slots are in the order of their hashes, and a table that grows is read and written from front to back.
///
/// While keys are few, most of them also stand in a **front** that is looked at first: key and number together, the first key of a
/// place for good.
#[derive(Debug, Clone)]
pub(super) struct Table {
    slots: Vec<u64>,
    shift: u32,
    len: usize,
    front: Vec<Short>,
}

/// A key and its number plus one, or 0.
#[derive(Debug, Clone, Copy, Default)]
struct Short {
    key: u128,
    number: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self { slots: Vec::new(), shift: 63, len: 0, front: Vec::new() }
    }
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Counts a key that is kept beside the table.
    pub(super) fn skip(&mut self) {
        self.len += 1;
    }

    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(0);
        self.front.fill(Short::default());
        self.len = 0;
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u64>() + self.front.capacity() * size_of::<Short>()
    }

    /// Bytes that it takes at most, on the way and after, for so many keys more.
    pub(super) fn need_bytes(&self, more: usize) -> usize {
        let slots = slots_for(self.len + more + ROUND_ROWS);
        let front = if self.slots.len() <= NEAR_SLOTS { NEAR_SLOTS * size_of::<Short>() } else { 0 };
        if slots <= self.slots.len() {
            return self.slots.capacity() * size_of::<u64>() + front;
        }
        // A table is copied into one of twice the size.
        (slots + slots / 2) * size_of::<u64>() + front
    }

    /// Makes room for `more` keys.
    fn reserve(&mut self, more: usize) -> Result<()> {
        if self.len + more >= u32::MAX as usize {
            let message = "expected less than 2^32 distinct keys in one table, got more; use more partitions";
            return Err(ErrorKind::Shape(message.to_owned()).into());
        }
        let wanted = slots_for(self.len + more);
        if wanted <= self.slots.len() {
            return Ok(());
        }
        let shift = 64 - wanted.ilog2();
        let mut slots: Vec<u64> = written_zeros(wanted);
        for &slot in self.slots.iter().filter(|slot| **slot != 0) {
            let mut at = (slot >> shift) as usize;
            while slots[at] != 0 {
                at = (at + 1) & (wanted - 1);
            }
            slots[at] = slot;
        }
        (self.slots, self.shift) = (slots, shift);
        if wanted > NEAR_SLOTS {
            self.front = Vec::new();
        }
        Ok(())
    }

    /// The numbers of rows `first .. first + out.len()` of a store.
    pub(super) fn number<S: Store>(
        &mut self,
        store: &mut S,
        first: usize,
        out: &mut [u32],
        is_run: bool,
    ) -> Result<()> {
        for (round, out) in out.chunks_mut(ROUND_ROWS).enumerate() {
            self.reserve(out.len())?;
            let first = first + round * ROUND_ROWS;
            if is_run {
                self.runs(store, first, out);
            } else if self.slots.len() <= NEAR_SLOTS {
                self.near(store, first, out);
            } else {
                self.far(store, first, out);
            }
        }
        Ok(())
    }

    fn near<S: Store>(&mut self, store: &mut S, first: usize, out: &mut [u32]) {
        self.front.resize(NEAR_SLOTS, Short::default());
        for (at, out) in out.iter_mut().enumerate() {
            let row = first + at;
            let hash = mark(store.hash(row));
            let short = &self.front[(hash >> FRONT_SHIFT) as usize];
            let is_found = short.key == store.short(row) && short.number != 0;
            *out = if is_found { short.number - 1 } else { self.find_near(store, row, hash) };
        }
    }

    fn find_near<S: Store>(&mut self, store: &mut S, row: usize, hash: u64) -> u32 {
        let number = self.find(store, row, hash);
        let short = &mut self.front[(hash >> FRONT_SHIFT) as usize];
        if short.number == 0 && store.is_short(row) {
            *short = Short { key: store.short(row), number: number + 1 };
        }
        number
    }

    fn far<S: Store>(&mut self, store: &mut S, first: usize, out: &mut [u32]) {
        let mut hashes = [0_u64; ROUND_ROWS];
        let mut touched = [0_u64; ROUND_ROWS];
        let shift = self.shift;
        for (at, hash) in hashes[..out.len()].iter_mut().enumerate() {
            *hash = mark(store.hash(first + at));
        }
        for (slot, hash) in touched.iter_mut().zip(&hashes[..out.len()]) {
            *slot = self.slots[(hash >> shift) as usize];
        }
        for (at, out) in out.iter_mut().enumerate() {
            let (slot, hash, row) = (touched[at], hashes[at], first + at);
            // What was in a slot before these rows still is.
            let number = (slot as u32).wrapping_sub(1);
            let is_found = (slot ^ hash) & TAG == 0 && store.is(number, row);
            *out = if is_found { number } else { self.find(store, row, hash) };
        }
    }

    fn runs<S: Store>(&mut self, store: &mut S, first: usize, out: &mut [u32]) {
        for at in 0..out.len() {
            let row = first + at;
            out[at] = if at > 0 && store.is_as_before(row) {
                out[at - 1]
            } else {
                self.find(store, row, mark(store.hash(row)))
            };
        }
    }

    #[inline(never)]
    fn find<S: Store>(&mut self, store: &mut S, row: usize, hash: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = (hash >> self.shift) as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return self.insert(store, row, at, hash);
            }
            if (slot ^ hash) & TAG == 0 {
                let number = (slot as u32).wrapping_sub(1);
                if store.is(number, row) {
                    return number;
                }
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    fn insert<S: Store>(&mut self, store: &mut S, row: usize, at: usize, hash: u64) -> u32 {
        store.keep(row);
        let number = self.len as u32;
        self.len += 1;
        self.slots[at] = hash & TAG | u64::from(number + 1);
        number
    }
}

/// At most half of the slots are taken, and fewer of a small table, whose keys shall have the slot of their hash.
fn slots_for(keys: usize) -> usize {
    (keys * 2).next_power_of_two().max(SLOTS_MIN)
}

/// A hash of which an empty slot never has the tag.
#[inline(always)]
fn mark(hash: u64) -> u64 {
    weaken(hash) | 1 << 32
}

/// A product of 128 bits, folded to 64.
#[inline(always)]
pub(super) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ (product >> 64) as u64
}

#[inline(always)]
pub(super) fn hash_word(key: u64) -> u64 {
    fold(key ^ 0x2d35_8dcc_aa6c_78a5, 0x9e37_79b9_7f4a_7c15)
}

#[inline(always)]
pub(super) fn hash_pair(low: u64, high: u64) -> u64 {
    fold(low ^ 0x2d35_8dcc_aa6c_78a5, high ^ 0x8bb8_4b93_962e_acc9)
}

#[cfg(not(test))]
#[inline(always)]
fn weaken(hash: u64) -> u64 {
    hash
}

#[cfg(test)]
thread_local! {
    /// Bits of hashes that tests leave: with few of them all keys collide.
    pub(super) static HASH_BITS: std::cell::Cell<u64> = const { std::cell::Cell::new(u64::MAX) };
}

#[cfg(test)]
fn weaken(hash: u64) -> u64 {
    hash & HASH_BITS.with(std::cell::Cell::get)
}
