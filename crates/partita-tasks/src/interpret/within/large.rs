//! Groups that are larger than memory. Their rows are reduced as they come, and handed out when they come once more.

use std::ops::RangeInclusive;

use arrow::array::{Array, ArrayRef};

/// What is known of buckets whose rows were not held.
pub(super) struct Reduced {
    buckets: RangeInclusive<u16>,
    /// Keys of their groups.
    pub(super) keys: Vec<ArrayRef>,
    /// For each reduction the answers for all groups.
    pub(super) answers: Vec<ArrayRef>,
}

impl Reduced {
    fn bytes(&self) -> usize {
        self.keys.iter().chain(&self.answers).map(|column| column.get_buffer_memory_size()).sum()
    }
}

/// Where a task stands.
#[derive(Default)]
pub(super) struct Large {
    /// In the order of their buckets.
    reduced: Vec<Reduced>,
    /// The first bucket of the rows that are being reduced.
    open: Option<u16>,
    /// Once rows come again: which of `reduced` those at hand are of, and where the next ones may be.
    at: Option<usize>,
    next: usize,
}

impl Large {
    /// Whether rows are being reduced.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn open(&mut self, first: u16) {
        self.open.get_or_insert(first);
    }

    /// The rows that are being reduced end with those of the bucket `last`.
    pub(super) fn close(&mut self, last: u16, keys: Vec<ArrayRef>, answers: Vec<ArrayRef>) {
        if let Some(first) = self.open.take() {
            self.reduced.push(Reduced { buckets: first..=last, keys, answers });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reduced.is_empty()
    }

    /// Bytes of keys and answers.
    pub(super) fn bytes(&self) -> usize {
        self.reduced.iter().map(Reduced::bytes).sum()
    }

    /// How many of some rows, whose buckets go up, are all reduced together, or all not: the first of them; and which of
    /// [`Large::get`] they are of.
    pub(super) fn like_first(&mut self, buckets: &[u16]) -> (usize, Option<usize>) {
        let Some(bucket) = buckets.first() else { return (0, None) };
        while self.reduced.get(self.next).is_some_and(|reduced| reduced.buckets.end() < bucket) {
            self.next += 1;
        }
        let Some(reduced) = self.reduced.get(self.next) else { return (buckets.len(), None) };
        let (first, last) = (*reduced.buckets.start(), *reduced.buckets.end());
        if first <= *bucket {
            return (buckets.partition_point(|bucket| *bucket <= last), Some(self.next));
        }
        (buckets.partition_point(|bucket| *bucket < first), None)
    }

    /// Which of them the rows at hand are of.
    pub(super) fn at(&self) -> Option<usize> {
        self.at
    }

    /// What is known of the groups of the rows at hand.
    pub(super) fn get(&self) -> Option<&Reduced> {
        self.reduced.get(self.at?)
    }

    /// The rows at hand are of another one: those of the one before are gone.
    pub(super) fn go_to(&mut self, at: Option<usize>) {
        if let Some(reduced) = self.at.and_then(|before| self.reduced.get_mut(before)) {
            (reduced.keys, reduced.answers) = (Vec::new(), Vec::new());
        }
        self.at = at;
    }
}
