//! A set of small numbers that gives its least: the queue of tasks that may start.
//!
//! Bits in words, and a word of the level above says which words below are not empty. Every operation touches one word
//! a level, four levels for sixteen million tasks, and never allocates; a binary heap would compare and move `log2 n` times.

#[cfg(test)]
mod tests;

const BITS: u32 = u64::BITS;

/// A set of ranks below a fixed bound.
#[derive(Debug, Clone)]
pub(crate) struct RankSet {
    /// Lowest level first; the highest is one word.
    levels: Vec<Vec<u64>>,
    len: usize,
}

impl RankSet {
    /// An empty set for ranks below `bound`.
    pub(crate) fn new(bound: usize) -> Self {
        let mut levels = Vec::new();
        let mut words = bound.div_ceil(BITS as usize).max(1);
        loop {
            levels.push(vec![0; words]);
            if words == 1 {
                return RankSet { levels, len: 0 };
            }
            words = words.div_ceil(BITS as usize);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn contains(&self, rank: u32) -> bool {
        self.levels[0][(rank / BITS) as usize] & (1 << (rank % BITS)) != 0
    }

    /// Adds a rank below the bound.
    #[inline]
    pub(crate) fn insert(&mut self, rank: u32) {
        if self.contains(rank) {
            return;
        }
        self.len += 1;
        let mut at = rank;
        for level in &mut self.levels {
            let word = &mut level[(at / BITS) as usize];
            let was_empty = *word == 0;
            *word |= 1 << (at % BITS);
            if !was_empty {
                return;
            }
            at /= BITS;
        }
    }

    /// Takes a rank out, if it is in.
    #[inline]
    pub(crate) fn remove(&mut self, rank: u32) {
        if !self.contains(rank) {
            return;
        }
        self.len -= 1;
        let mut at = rank;
        for level in &mut self.levels {
            let word = &mut level[(at / BITS) as usize];
            *word &= !(1 << (at % BITS));
            if *word != 0 {
                return;
            }
            at /= BITS;
        }
    }

    /// The least rank.
    #[inline]
    pub(crate) fn first(&self) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        let mut at = 0;
        for level in self.levels.iter().rev() {
            at = at * BITS + level[at as usize].trailing_zeros();
        }
        Some(at)
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) {
        for level in &mut self.levels {
            level.fill(0);
        }
        self.len = 0;
    }
}
