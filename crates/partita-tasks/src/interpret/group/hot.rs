//! Heavy groups of a task that gave up.
//!
//! Where most rows have a group of their own, and a few keys have many, each row of these would become a state row, and all of them would
//! go to one part of the exchange. So a task that gives up keeps its heavy groups in a small table, goes on with them as before, and hands
//! them out at its end. In what it hands out as it gives up, a state of no rows is at the place of each: the group stays where it was
//! first seen, and what is merged with such a state keeps its bits ([`States`]). All rows of the task that a heavy group has are in one
//! fold, as if it had not given up; so which groups are heavy changes no bit, and neither does when they are handed out.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, new_empty_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::concat;
use partita_columns::compute;
use partita_columns::group::{NO_GROUP, Question, RowNumbers, States};
use partita_columns::partition::unique_buffer_bytes;

use super::rows::Rows;
use super::table::{BYTES_MIN, Table};
use super::{Grouping, row_numbers};
use crate::error::{ErrorKind, Result};
use crate::group::Group;
use crate::host::Host;

/// A group is heavy where it has one of so many of them at least: there can be no more heavy groups than this, their states stay in the
/// cache, and lesser ones make too few state rows to matter.
const HEAVY_SHARE: usize = 64;

/// Rows of a heavy group at least: where a task gives up early, a share of the rows says little.
const HEAVY_ROWS_MIN: usize = 16;

/// Words of marks: with as many heavy groups as there can be, one hash of 64 that is none of theirs has a mark.
const MARKS: usize = 64;

/// Hashes of rows: equal keys have equal ones.
type Hash = fn(&[ArrayRef], usize) -> partita_columns::Result<Vec<u64>>;

/// Heavy groups, and by what their rows are told.
pub(super) struct Hot {
    table: Table,
    /// The groups of the rows since the last look, as long as the task has not given up: the last ones are the most like those that come.
    recent: Vec<u32>,
    is_looked_at: bool,
    /// Those of the keys, in order; and a bit for some bits of each, by which most others are told at once.
    hashes: Vec<u64>,
    marks: [u64; MARKS],
    numbers: Vec<u32>,
    hash: Hash,
}

impl Hot {
    /// `None` where a task keeps no heavy groups: what is kept of a group grows with its rows, a user's aggregation makes of rows one by
    /// one what it likes, or the rows of a bucket have to come out beside each other.
    pub(super) fn new(group: &Group, host: &dyn Host) -> Result<Option<Self>> {
        if group.ordered_key.is_some() || group.questions.iter().any(Question::keeps_values) {
            return Ok(None);
        }
        Ok(Some(Self {
            table: Table::new(group, host)?,
            recent: Vec::new(),
            is_looked_at: false,
            hashes: Vec::new(),
            marks: [0; MARKS],
            numbers: Vec::new(),
            hash: compute::hash_rows,
        }))
    }

    /// With another hash than that of buckets.
    #[cfg(test)]
    pub(super) fn set_hash(&mut self, hash: Hash) {
        self.hash = hash;
    }

    /// Whether there are heavy groups.
    pub(super) fn is_on(&self) -> bool {
        !self.hashes.is_empty()
    }

    /// Notes the groups of some rows.
    pub(super) fn note(&mut self, groups: &[u32]) -> Result<()> {
        if std::mem::take(&mut self.is_looked_at) {
            self.recent.clear();
        }
        self.recent.extend_from_slice(groups);
        self.table.kept = self.recent.capacity() * size_of::<u32>();
        self.table.reserve(self.table.memory_bytes())
    }

    /// How many of the rows that were noted are of heavy groups, or of none.
    pub(super) fn heavy_rows(&mut self) -> usize {
        let of_none = self.recent.iter().filter(|group| **group == NO_GROUP).count();
        of_none + heavy(&mut self.recent).iter().map(|(_, rows)| rows).sum::<usize>()
    }

    /// Forgets the rows that were noted, once others come.
    pub(super) fn looked(&mut self) {
        self.is_looked_at = true;
    }

    fn has(&self, hash: u64) -> bool {
        let (word, bit) = mark(hash);
        self.marks[word] & bit != 0 && self.hashes.binary_search(&hash).is_ok()
    }

    /// Takes those groups of a table that are heavy, with all that was seen of them; gives their numbers there, in order.
    fn keep(&mut self, from: &mut Table) -> Result<Vec<u32>> {
        let mut heavy: Vec<u32> =
            heavy(&mut std::mem::take(&mut self.recent)).iter().map(|(group, _)| *group).collect();
        let table = &mut self.table;
        table.kept = 0;
        for at in 0..heavy.len() {
            let one = heavy[at] as usize..heavy[at] as usize + 1;
            let states = from.states.columns_need_bytes(one.clone());
            from.reserve(from.memory_bytes() + from.keys_bytes(one.clone()) + states)?;
            let (keys, states) = (from.keys.keys(one.clone())?, from.states.columns(one)?);
            let merged = table.states.merge_need_bytes(at + 1, &states);
            if table.memory_bytes() + merged > BYTES_MIN {
                heavy.truncate(at);
                break;
            }
            table.push_keys(&keys, 1, &mut self.numbers)?;
            table.reserve_states(merged, self.numbers.capacity())?;
            table.states.merge(&[at as u32], at + 1, &states)?;
            if let (Some(places), Some(from)) = (&mut table.places, &from.places) {
                places.extend(from.get(heavy[at] as usize));
            }
            self.hashes.extend((self.hash)(&keys, 1)?);
        }
        self.hashes.sort_unstable();
        for (word, bit) in self.hashes.iter().map(|hash| mark(*hash)) {
            self.marks[word] |= bit;
        }
        Ok(heavy)
    }

    /// Which rows may be of heavy groups, by their hashes.
    fn mask(&self, hashes: &[u64]) -> BooleanArray {
        BooleanBuffer::collect_bool(hashes.len(), |row| self.has(hashes[row])).into()
    }

    /// Puts rows into heavy groups; those that have another key are skipped. `false`: there is not plenty of memory.
    fn push(&mut self, group: &Group, rows: &Rows) -> Result<bool> {
        let Self { table, numbers, .. } = self;
        let count = table.states.len();
        // What rows take on the way they would take as state rows too.
        let is_small = table.states.memory_bytes() <= BYTES_MIN;
        if !table.has_room(count, (&rows.keys, &rows.inputs), rows.len(), is_small)? {
            return Ok(false);
        }
        // As many rows come as there may be, of few groups.
        table.keys.begin_piece();
        table.push_keys(&rows.keys, rows.len(), numbers)?;
        if table.keys.len() > count {
            numbers.iter_mut().filter(|number| **number as usize >= count).for_each(|number| {
                *number = NO_GROUP;
            });
            table.reserve(table.memory_bytes() + table.keys_bytes(0..count))?;
            let keys = table.keys.keys(0..count)?;
            table.keys.clear();
            table.push_keys(&keys, count, &mut Vec::new())?;
        }
        let need = table.states.need_bytes(count, &rows.inputs, rows.len());
        table.reserve_states(need, numbers.capacity())?;
        table.states.update(numbers, count, &rows.inputs, row_numbers(group, &rows.inputs)?)?;
        Ok(true)
    }
}

/// The place of the mark of a hash.
fn mark(hash: u64) -> (usize, u64) {
    ((hash >> 6) as usize % MARKS, 1 << (hash % u64::from(u64::BITS)))
}

/// The groups that have a share of some rows, in order, and how many each; puts the groups of the rows in order.
fn heavy(groups: &mut [u32]) -> Vec<(u32, usize)> {
    let least = (groups.len().div_ceil(HEAVY_SHARE)).max(HEAVY_ROWS_MIN);
    groups.sort_unstable();
    let runs = groups.chunk_by(|a, b| a == b).filter(|run| run.len() >= least);
    runs.map(|run| (run[0], run.len())).filter(|(group, _)| *group != NO_GROUP).collect()
}

/// Columns of states with those of no rows at some places, which are in order.
pub(super) fn emptied(group: &Group, states: &[ArrayRef], places: &[usize]) -> Result<Vec<ArrayRef>> {
    let inputs: Vec<ArrayRef> = group.inputs.iter().map(|input| new_empty_array(&input.data_type)).collect();
    let mut none: States = group.states()?;
    none.update(&[], 1, &inputs, RowNumbers::From(0))?;
    let column = |(states, none): (&ArrayRef, ArrayRef)| {
        let (mut pieces, mut next) = (Vec::new(), 0);
        for place in places {
            pieces.extend([states.slice(next, place - next), ArrayRef::clone(&none)]);
            next = place + 1;
        }
        pieces.push(states.slice(next, states.len() - next));
        let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
        Ok(concat(&pieces)?)
    };
    states.iter().zip(none.columns(0..1)?).map(column).collect()
}

impl Grouping<'_> {
    /// Keeps the heavy groups of a task that gives up; gives their numbers in the table, in order.
    pub(super) fn keep_hot(&mut self) -> Result<Vec<u32>> {
        self.hot.as_mut().map_or(Ok(Vec::new()), |hot| hot.keep(&mut self.table))
    }

    /// Puts rows of heavy groups into these, once a task gave up; gives the others, with their hashes.
    pub(super) fn take_hot(
        &mut self,
        rows: Rows,
        out: &mut Vec<RecordBatch>,
    ) -> Result<(Rows, Option<Vec<u64>>)> {
        // What was handed out is paid for until rows come.
        self.hot = self.hot.take().filter(Hot::is_on);
        let Some(hot) = &mut self.hot else { return Ok((rows, None)) };
        hot.table.reserve(hot.table.memory_bytes() + rows.len() * size_of::<u64>())?;
        let hashes = (hot.hash)(&rows.keys, rows.len())?;
        let mask = hot.mask(&hashes);
        if mask.true_count() == 0 {
            return Ok((rows, Some(hashes)));
        }
        hot.table.kept = 2 * rows.bytes()? + rows.len() * 2 * size_of::<u64>();
        hot.table.reserve(hot.table.memory_bytes())?;
        if !hot.push(self.group, &rows.filter(&mask)?)? {
            self.finish_hot(out)?;
            return Ok((rows, Some(hashes)));
        }
        let mut numbers = hot.numbers.iter();
        let is_other =
            |row: usize| !mask.value(row) || numbers.next().is_none_or(|number| *number == NO_GROUP);
        let others = BooleanArray::from(BooleanBuffer::collect_bool(rows.len(), is_other));
        let left = others.values().set_indices().map(|row| hashes[row]).collect();
        Ok((rows.filter(&others)?, Some(left)))
    }

    /// Hands out the heavy groups, and keeps none any more.
    pub(super) fn finish_hot(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        let Some(Hot { table, hashes, .. }) = self.hot.as_mut().filter(|hot| hot.is_on()) else {
            return Ok(());
        };
        hashes.clear();
        let groups = 0..table.states.len();
        let states = table.states.columns_need_bytes(groups.clone());
        table.reserve(table.memory_bytes() + table.keys_bytes(groups.clone()) + states)?;
        let keys = table.keys.keys(groups.clone())?;
        let (places, states) = (table.places.take(), table.states.columns(groups.clone())?);
        let batch = self.state_rows(None, keys, places, states, groups.len())?;
        let hot = self.hot.as_mut().ok_or_else(|| ErrorKind::Missing("heavy groups".into()))?;
        hot.table.clear()?;
        let made = unique_buffer_bytes(std::slice::from_ref(&batch));
        hot.table.memory.resize(hot.table.memory_bytes() + made)?;
        out.push(batch);
        Ok(())
    }
}
