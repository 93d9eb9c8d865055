//! Rows of equal values among rows that come by hash.

use arrow::array::{ArrayRef, RecordBatch};
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::sort::{KeyLayout, Keys};

use super::WAY_OUT;
use crate::distinct::{Distinct, Keep};
use crate::error::Result;
use crate::host::{Host, Reservation};

/// A hash of the rows of some columns.
type Hash = fn(&[ArrayRef], usize) -> partita_columns::Result<Vec<u64>>;

/// Compares rows of equal hash, which come one behind the other. It holds a row for each value of the last hash: nearly always one.
pub(super) struct Adjacent {
    distinct: Distinct,
    layout: KeyLayout,
    hash: Hash,
    /// The hash that rows are still expected of, and its values.
    now: Option<u64>,
    groups: Vec<Group>,
    keys: Keys,
    /// Rows of batches that are gone, in their order.
    held: Vec<RecordBatch>,
    memory: Box<dyn Reservation>,
}

/// A value.
struct Group {
    /// Which of the keys.
    key: usize,
    /// The row that stays: which source, and which of its rows.
    place: (u32, u32),
    weight: u64,
    rows: u64,
}

/// Rows that stay, of some batches, and the sum of the weights of those that are equal.
#[derive(Default)]
pub(super) struct Settled {
    pub(super) sources: Vec<RecordBatch>,
    pub(super) places: Vec<(u32, u32)>,
    pub(super) weights: Vec<u64>,
}

impl Adjacent {
    pub(super) fn new(distinct: &Distinct, host: &dyn Host) -> Result<Self> {
        Self::with_hash(distinct, compute::hash_rows, host)
    }

    /// The same where rows come by another hash.
    pub(super) fn with_hash(distinct: &Distinct, hash: Hash, host: &dyn Host) -> Result<Self> {
        let layout = distinct.layout()?;
        Ok(Self {
            distinct: distinct.clone(),
            hash,
            now: None,
            groups: Vec::new(),
            keys: layout.empty(),
            layout,
            held: Vec::new(),
            memory: host.reserve("drop_duplicates", 0, WAY_OUT)?,
        })
    }

    /// Takes the next rows: what stays of those whose hash is over.
    pub(super) fn push(&mut self, batch: &RecordBatch, weights: Option<&[u64]>) -> Result<Settled> {
        let rows = batch.num_rows();
        let columns = self.distinct.columns(batch)?;
        let hashes = (self.hash)(&columns, rows)?;
        // Keys are made where they are compared, and of the last row, which the next batch may go on with.
        let is_compared =
            hashes.first() == self.now.as_ref() || hashes.windows(2).any(|two| two[0] == two[1]);
        let first = if is_compared { 0 } else { rows.saturating_sub(1) };
        let compared: Vec<ArrayRef> =
            columns.iter().map(|column| column.slice(first, rows - first)).collect();
        let keys = self.layout.encode(&compared)?;
        let here = self.held.len() as u32;
        let mut settled = Settled::default();
        for (row, hash) in hashes.iter().enumerate() {
            let (place, weight) = ((here, row as u32), weights.map_or(1, |weights| weights[row]));
            if self.now != Some(*hash) {
                self.settle(&mut settled);
                self.now = Some(*hash);
                if hashes.get(row + 1).is_some_and(|next| next != hash) {
                    settled.places.push(place);
                    settled.weights.push(weight);
                    self.now = None;
                    continue;
                }
            }
            self.join(place, weight, &keys, row - first);
        }
        self.hold(batch, &mut settled)?;
        Ok(settled)
    }

    /// Puts a row to those that are equal to it.
    fn join(&mut self, place: (u32, u32), weight: u64, keys: &Keys, row: usize) {
        let mut groups = self.groups.iter_mut();
        match groups.find(|group| self.keys.compare(group.key, keys, row).is_eq()) {
            Some(group) => {
                group.weight = group.weight.saturating_add(weight);
                group.rows += 1;
                if self.distinct.keep == Keep::Last {
                    group.place = place;
                }
            }
            None => {
                self.keys.push_row(keys, row);
                self.groups.push(Group { key: self.groups.len(), place, weight, rows: 1 });
            }
        }
    }

    /// Hands out what stays of the last hash, in the order of the rows.
    fn settle(&mut self, settled: &mut Settled) {
        if self.groups.is_empty() {
            return;
        }
        self.groups.sort_unstable_by_key(|group| group.place);
        for group in self.groups.drain(..) {
            if self.distinct.keep != Keep::None || group.rows == 1 {
                settled.places.push(group.place);
                settled.weights.push(group.weight);
            }
        }
        self.keys = self.layout.empty();
        self.now = None;
    }

    /// Takes the rows of the last hash over from the batch, which becomes the last source.
    fn hold(&mut self, batch: &RecordBatch, settled: &mut Settled) -> Result<()> {
        settled.sources = std::mem::take(&mut self.held);
        settled.sources.push(batch.clone());
        self.groups.sort_unstable_by_key(|group| group.place);
        for (number, group) in self.groups.iter_mut().enumerate() {
            let (source, row) = group.place;
            let Some(source) = settled.sources.get(source as usize) else { continue };
            self.held.push(compute::compact(&compute::slice(source, row as usize, 1))?);
            group.place = (number as u32, 0);
        }
        self.memory.resize(unique_buffer_bytes(&self.held) + self.keys.memory_bytes())
    }

    /// The rest.
    pub(super) fn finish(&mut self) -> Settled {
        let mut settled = Settled { sources: std::mem::take(&mut self.held), ..Settled::default() };
        self.settle(&mut settled);
        settled
    }
}
