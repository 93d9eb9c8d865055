//! Open-addressed sets of words.

/// An odd multiplier spreads keys over the high bits (Fibonacci hashing; Knuth, The Art of Computer Programming,
/// volume 3, 6.4).
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A key of a [`WordSet`].
pub(super) trait Word: Copy + Ord {
    /// Spread over the high bits.
    fn hash(self) -> u64;
    fn from_index(index: usize) -> Self;
}

impl Word for u64 {
    #[inline]
    fn hash(self) -> u64 {
        (self ^ (self >> 32)).wrapping_mul(MULTIPLIER)
    }

    fn from_index(index: usize) -> Self {
        index as u64
    }
}

impl Word for u128 {
    #[inline]
    fn hash(self) -> u64 {
        let (low, high) = (self as u64, (self >> 64) as u64);
        (low.wrapping_mul(MULTIPLIER).rotate_left(32) ^ high).hash()
    }

    fn from_index(index: usize) -> Self {
        index as u128
    }
}

/// A set with linear probing, at most half full.
pub(super) struct WordSet<W> {
    slots: Vec<W>,
    /// The word that stands for an empty slot: one that is not in the set.
    empty: W,
    shift: u32,
}

impl<W: Word> WordSet<W> {
    pub(super) fn new(words: &[W]) -> Self {
        let mut sorted = words.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        // Among one candidate more than there are words, one is free.
        let free = (0..sorted.len()).find(|&index| sorted.binary_search(&W::from_index(index)).is_err());
        let empty = W::from_index(free.unwrap_or(sorted.len()));
        let size = (sorted.len() * 2).next_power_of_two().max(2);
        let mut set = Self { slots: vec![empty; size], empty, shift: 64 - size.trailing_zeros() };
        for word in sorted {
            let slot = set.slot(word);
            set.slots[slot] = word;
        }
        set
    }

    #[inline]
    pub(super) fn contains(&self, word: W) -> bool {
        word != self.empty && self.slots[self.slot(word)] == word
    }

    /// Where the word is, or the empty slot where it would be.
    #[inline]
    fn slot(&self, word: W) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (word.hash() >> self.shift) as usize;
        while self.slots[slot] != word && self.slots[slot] != self.empty {
            slot = (slot + 1) & mask;
        }
        slot
    }
}
