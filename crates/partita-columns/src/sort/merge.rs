//! Sorted keys of several runs, as one sorted sequence.
//!
//! A loser tree (Knuth, The Art of Computer Programming 3, 5.4.1). Where one run wins many times in a row, the first
//! of its rows that loses is searched by doubling steps: sorted and nearly sorted input gives long stretches.

use super::keys::{Keys, Store, Texts, partition_point};

/// So many rows of one run in a row start a search for the end of its stretch.
const GALLOP_ROWS_MIN: u32 = 8;

/// Merges runs of sorted keys, of which only the next stretch of each is there at a time. Stable: equal keys come in
/// the order of their runs.
#[derive(Debug)]
pub struct Merger {
    runs: usize,
}

/// The rows of a run that are there.
#[derive(Debug, Clone, Copy)]
pub struct Front<'a> {
    /// Sorted keys.
    pub keys: &'a Keys,
    /// The first row that is not merged yet; moves on.
    pub next: usize,
    /// Whether the run has no rows after these.
    pub ended: bool,
}

/// Why a merge stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// All rows of this front are merged, and its run has more.
    Run(usize),
    /// As many places are out as were asked for.
    Out,
    /// Every run is at its end.
    Nothing,
}

impl Merger {
    /// A merge of so many runs.
    pub fn new(runs: usize) -> Self {
        Self { runs }
    }

    /// Appends places (run, row of its front) to `out`, least key first and at most `most` of them, until a front
    /// whose run has more has no rows left. `fronts` has one front a run; their next rows move on.
    pub fn step(&mut self, fronts: &mut [Front<'_>], most: usize, out: &mut Vec<(u32, u32)>) -> Wants {
        let runs = self.runs.min(fronts.len());
        let fronts = &mut fronts[..runs];
        if let Some(run) = fronts.iter().position(|front| !front.ended && front.next >= front.keys.len()) {
            return Wants::Run(run);
        }
        let stores: Vec<&Store> = fronts.iter().map(|front| &front.keys.store).collect();
        if let Some(words) = same_halves(&stores) {
            return merge(&words, fronts, most, out);
        }
        if let Some(texts) = stores.iter().map(|store| texts(store)).collect::<Option<Vec<_>>>() {
            return merge(&texts, fronts, most, out);
        }
        let keys: Vec<&Keys> = fronts.iter().map(|front| front.keys).collect();
        merge(&keys, fronts, most, out)
    }
}

/// The words of all, where all have the same upper half.
fn same_halves<'a>(stores: &[&'a Store]) -> Option<Vec<&'a [u64]>> {
    let mut half = None;
    stores
        .iter()
        .map(|store| match store {
            Store::Words { words, .. } if words.is_empty() => Some(&[][..]),
            Store::Words { high, words } if *half.get_or_insert(*high) == *high => Some(&words[..]),
            _ => None,
        })
        .collect()
}

fn texts(store: &Store) -> Option<&Texts> {
    match store {
        Store::Bytes(texts) => Some(texts),
        _ => None,
    }
}

/// Keys of a run, of one machine type.
trait Run {
    type Key: Copy + Ord;

    /// What stands for the key of a run without rows.
    const LAST: Self::Key;

    fn rows(&self) -> usize;

    fn key(&self, row: usize) -> Self::Key;
}

impl Run for &[u64] {
    type Key = u64;
    const LAST: u64 = u64::MAX;

    fn rows(&self) -> usize {
        <[u64]>::len(self)
    }

    #[inline(always)]
    fn key(&self, row: usize) -> u64 {
        self[row]
    }
}

impl Run for &Keys {
    type Key = u128;
    const LAST: u128 = u128::MAX;

    fn rows(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn key(&self, row: usize) -> u128 {
        self.wide(row)
    }
}

impl<'a> Run for &'a Texts {
    /// That of a run without rows is the least: it is looked at only beside the number of the run.
    type Key = &'a [u8];
    const LAST: &'a [u8] = &[];

    fn rows(&self) -> usize {
        self.ends.len()
    }

    #[inline(always)]
    fn key(&self, row: usize) -> &'a [u8] {
        self.get(row)
    }
}

/// The first row of a run that is not merged; without rows, `is_done`, which is after all keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Head<K> {
    is_done: bool,
    key: K,
    run: u32,
}

/// A run that lost at each inner node, and the winner at index 0: the children of node `i` are `2 i` and `2 i + 1`,
/// the leaves are nodes `runs ..`.
struct Tree<K> {
    heads: Vec<Head<K>>,
}

impl<K: Copy + Ord> Tree<K> {
    fn new(leaves: &[Head<K>]) -> Self {
        let runs = leaves.len();
        let mut winners = leaves.to_vec();
        winners.extend_from_slice(leaves);
        let mut heads = leaves.to_vec();
        for node in (1..runs).rev() {
            let (left, right) = (winners[2 * node], winners[2 * node + 1]);
            winners[node] = left.min(right);
            heads[node] = left.max(right);
        }
        heads[0] = if runs > 1 { winners[1] } else { leaves[0] };
        Self { heads }
    }

    /// Puts the next head of the run that won in place.
    #[inline(always)]
    fn replay(&mut self, head: Head<K>) {
        let mut winner = head;
        let mut node = (self.heads.len() + head.run as usize) / 2;
        while node > 0 {
            let other = self.heads[node];
            let is_less = other < winner;
            self.heads[node] = if is_less { winner } else { other };
            winner = if is_less { other } else { winner };
            node /= 2;
        }
        self.heads[0] = winner;
    }

    /// The head that is least after the winner's.
    fn second(&self) -> Option<Head<K>> {
        let mut node = (self.heads.len() + self.heads[0].run as usize) / 2;
        let mut second: Option<Head<K>> = None;
        while node > 0 {
            second = Some(second.map_or(self.heads[node], |second| second.min(self.heads[node])));
            node /= 2;
        }
        second
    }
}

fn merge<R: Run>(runs: &[R], fronts: &mut [Front<'_>], most: usize, out: &mut Vec<(u32, u32)>) -> Wants {
    let head = |run: usize, row: usize| {
        let is_done = row >= runs[run].rows();
        Head { is_done, key: if is_done { R::LAST } else { runs[run].key(row) }, run: run as u32 }
    };
    let leaves: Vec<Head<R::Key>> =
        fronts.iter().enumerate().map(|(run, front)| head(run, front.next)).collect();
    if leaves.is_empty() {
        return Wants::Nothing;
    }
    let mut tree = Tree::new(&leaves);
    let (mut left, mut last, mut wins) = (most, u32::MAX, 0);
    loop {
        let winner = tree.heads[0];
        if winner.is_done {
            return Wants::Nothing;
        }
        if left == 0 {
            return Wants::Out;
        }
        let run = winner.run as usize;
        wins = if winner.run == last { wins + 1 } else { 1 };
        last = winner.run;
        let start = fronts[run].next;
        let mut end = start + 1;
        if wins >= GALLOP_ROWS_MIN {
            let limit = runs[run].rows().min(start.saturating_add(left));
            let second = tree.second();
            end = gallop(end, limit, |row| second.is_none_or(|second| head(run, row) < second));
            wins = if end - start >= GALLOP_ROWS_MIN as usize { wins } else { 0 };
        }
        out.extend((start..end).map(|row| (winner.run, row as u32)));
        left -= end - start;
        fronts[run].next = end;
        let next = head(run, end);
        if next.is_done && !fronts[run].ended {
            return Wants::Run(run);
        }
        tree.replay(next);
    }
}

/// The first row of `start .. end` for which `is_before` does not hold, or `end`: by steps that double, then halve.
fn gallop(start: usize, end: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (start, 1);
    while low < end && is_before((low + step - 1).min(end - 1)) {
        low = (low + step).min(end);
        step *= 2;
    }
    partition_point(low..(low + step - 1).min(end), is_before)
}
