//! Keys of rows, and what can be done with them.

use std::cmp::Ordering;
use std::ops::Range;

/// One key a row, of one [`super::KeyLayout`]. Methods that take other keys expect those of the same layout: how
/// keys of different layouts compare is arbitrary.
#[derive(Debug, Clone)]
pub struct Keys {
    pub(super) store: Store,
}

#[derive(Debug, Clone)]
pub(super) enum Store {
    /// Keys of up to 64 bits, or of up to 128 whose upper halves are all the same.
    Words { high: u64, words: Vec<u64> },
    /// Keys of up to 128 bits.
    Pairs(Vec<u128>),
    /// All others: `memcmp` is their order.
    Bytes(Texts),
}

/// Byte strings in one buffer.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    pub(super) bytes: Vec<u8>,
    /// Where each ends, in `bytes`.
    pub(super) ends: Vec<usize>,
}

impl Texts {
    pub(super) fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(rows) }
    }

    #[inline(always)]
    fn start(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.ends[row - 1] }
    }

    #[inline(always)]
    pub(super) fn get(&self, row: usize) -> &[u8] {
        &self.bytes[self.start(row)..self.ends[row]]
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// Appends rows of `from`.
    fn extend(&mut self, from: &Texts, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        let (first, end) = (from.start(rows.start), from.ends[rows.end - 1]);
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&from.bytes[first..end]);
        self.ends.extend(from.ends[rows].iter().map(|end| end - first + base));
    }
}

impl Keys {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.store {
            Store::Words { words, .. } => words.len(),
            Store::Pairs(pairs) => pairs.len(),
            Store::Bytes(texts) => texts.ends.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the keys hold.
    pub fn memory_bytes(&self) -> usize {
        match &self.store {
            Store::Words { words, .. } => words.capacity() * size_of::<u64>(),
            Store::Pairs(pairs) => pairs.capacity() * size_of::<u128>(),
            Store::Bytes(texts) => texts.bytes.capacity() + texts.ends.capacity() * size_of::<usize>(),
        }
    }

    /// How the key of `row` compares with a key of `other`.
    pub fn compare(&self, row: usize, other: &Keys, other_row: usize) -> Ordering {
        match (&self.store, &other.store) {
            (Store::Bytes(texts), Store::Bytes(others)) => texts.get(row).cmp(others.get(other_row)),
            _ => self.wide(row).cmp(&other.wide(other_row)),
        }
    }

    /// A key that is not bytes.
    #[inline(always)]
    pub(super) fn wide(&self, row: usize) -> u128 {
        match &self.store {
            Store::Words { high, words } => u128::from(*high) << 64 | u128::from(words[row]),
            Store::Pairs(pairs) => pairs[row],
            Store::Bytes(_) => 0,
        }
    }

    /// Appends one key.
    pub fn push_row(&mut self, from: &Keys, row: usize) {
        self.extend(from, row..row + 1);
    }

    /// Appends all keys of `other`.
    pub fn append(&mut self, other: &Keys) {
        self.extend(other, 0..other.len());
    }

    /// Appends those of a range of its rows.
    pub fn append_rows(&mut self, other: &Keys, rows: Range<usize>) {
        self.extend(other, rows);
    }

    /// The keys of a range of rows, copied.
    pub fn slice(&self, rows: Range<usize>) -> Keys {
        let mut keys = self.none();
        keys.extend(self, rows);
        keys
    }

    /// The keys at `rows`, in that order.
    pub fn take(&self, rows: &[u32]) -> Keys {
        Keys::new(match &self.store {
            Store::Words { high, words } => {
                Store::Words { high: *high, words: rows.iter().map(|row| words[*row as usize]).collect() }
            }
            Store::Pairs(pairs) => Store::Pairs(rows.iter().map(|row| pairs[*row as usize]).collect()),
            Store::Bytes(texts) => {
                let bytes = rows.iter().map(|row| texts.get(*row as usize).len()).sum();
                let mut taken = Texts::with_capacity(rows.len(), bytes);
                rows.iter().for_each(|row| taken.push(texts.get(*row as usize)));
                Store::Bytes(taken)
            }
        })
    }

    /// Whether no key is less than the one before it.
    pub fn is_sorted(&self) -> bool {
        match &self.store {
            Store::Words { words, .. } => words.is_sorted(),
            Store::Pairs(pairs) => pairs.is_sorted(),
            Store::Bytes(texts) => (1..self.len()).all(|row| texts.get(row - 1) <= texts.get(row)),
        }
    }

    /// The first row whose key is not less than that of `other_row`, or the number of rows; `self` is sorted.
    pub fn lower_bound(&self, other: &Keys, other_row: usize) -> usize {
        self.lower_bound_of(0..self.len(), other, other_row)
    }

    /// The same among some rows, which are sorted: one of these, or their end.
    pub fn lower_bound_of(&self, rows: Range<usize>, other: &Keys, other_row: usize) -> usize {
        match (&self.store, &other.store) {
            (Store::Words { high, words }, Store::Words { high: other_high, words: others })
                if high == other_high =>
            {
                let bound = others[other_row];
                partition_point(rows, |row| words[row] < bound)
            }
            _ => partition_point(rows, |row| self.compare(row, other, other_row).is_lt()),
        }
    }

    /// The first row whose key is greater than that of `other_row`, or the number of rows; `self` is sorted.
    pub fn upper_bound(&self, other: &Keys, other_row: usize) -> usize {
        partition_point(0..self.len(), |row| self.compare(row, other, other_row).is_le())
    }

    /// No keys, of the same layout.
    pub(super) fn none(&self) -> Keys {
        Keys::new(match &self.store {
            Store::Words { high, .. } => Store::Words { high: *high, words: Vec::new() },
            Store::Pairs(_) => Store::Pairs(Vec::new()),
            Store::Bytes(_) => Store::Bytes(Texts::default()),
        })
    }

    fn extend(&mut self, from: &Keys, rows: Range<usize>) {
        if self.is_empty() && !rows.is_empty() && matches!(self.store, Store::Words { .. }) {
            *self = from.none();
        }
        match (&mut self.store, &from.store) {
            (Store::Words { high, words }, Store::Words { high: other, words: others }) if high == other => {
                words.extend_from_slice(&others[rows]);
            }
            (Store::Words { .. }, _) => {
                let pairs = (0..self.len()).map(|row| self.wide(row)).chain(rows.map(|row| from.wide(row)));
                self.store = Store::Pairs(pairs.collect());
            }
            (Store::Pairs(pairs), Store::Pairs(others)) => pairs.extend_from_slice(&others[rows]),
            (Store::Pairs(pairs), _) => pairs.extend(rows.map(|row| from.wide(row))),
            (Store::Bytes(texts), Store::Bytes(others)) => texts.extend(others, rows),
            (Store::Bytes(texts), _) => rows.for_each(|row| texts.push(&from.wide(row).to_be_bytes())),
        }
    }
}

/// The first of `rows` for which `is_before` does not hold, or their end; it holds for all of them before some row.
#[inline(always)]
pub(super) fn partition_point(rows: Range<usize>, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (rows.start, rows.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
