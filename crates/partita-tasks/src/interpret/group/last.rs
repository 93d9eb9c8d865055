//! State rows of a part to groups.

mod folds;
mod large;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::{UInt16Type, UInt64Type};
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;

use super::{Table, batches};
use crate::error::{ErrorKind, Result};
use crate::group::Group;
use crate::host::Host;
use crate::interpret::distinct::Step;
use folds::Folds;
use large::Large;

/// Groups, or bytes of them, after which those of whole buckets are handed out: so many stay in the cache.
const GROUPS_MIN: usize = 16 << 10;
const BYTES_MIN: usize = 4 << 20;

/// Merges the state rows of equal keys, which come bucket by bucket, and finishes the groups.
pub(in crate::interpret) struct Last<'a> {
    group: &'a Group,
    table: Table,
    /// Where the order of additions matters.
    folds: Option<Folds>,
    /// The bucket of the last row.
    bucket: Option<u16>,
    numbers: Vec<u32>,
    large: Large,
}

impl<'a> Last<'a> {
    /// `comes_again`: all batches can be pushed more than once.
    pub(in crate::interpret) fn new(group: &'a Group, comes_again: bool, host: &dyn Host) -> Result<Self> {
        let folds = if group.has_folds()? { Some(Folds::new(group)?) } else { None };
        let (table, large) = (Table::new(group, host)?, Large::new(group, comes_again, host)?);
        Ok(Self { group, table, folds, bucket: None, numbers: Vec::new(), large })
    }

    fn merge(&mut self, batch: &RecordBatch) -> Result<()> {
        let Self { group, table, numbers, .. } = self;
        let rows = batch.num_rows();
        if rows == 0 {
            return Ok(());
        }
        let columns = batch.columns().get(1..).unwrap_or_default();
        let (keys, rest) = columns.split_at_checked(group.keys.len()).ok_or_else(missing)?;
        let (places, states) = rest.split_at_checked(usize::from(group.has_place)).ok_or_else(missing)?;
        let mut next = table.keys.len() as u32;
        table.push_keys(keys, rows, numbers)?;
        if let (Some(all), Some(places)) = (&mut table.places, places.first()) {
            let places = places.as_primitive_opt::<UInt64Type>().ok_or_else(missing)?;
            // Rows come in the order of the partitions: the first one of a group has its place.
            for (place, number) in places.values().iter().zip(numbers.iter()) {
                if *number == next {
                    all.push(*place);
                    next += 1;
                }
            }
        }
        let buckets = buckets_of(batch)?;
        self.large.first = self.large.first.or(buckets.first().copied());
        let has_folds = self.folds.is_some();
        let (partitions, states) = states.split_at_checked(usize::from(has_folds)).ok_or_else(missing)?;
        let states = &self.with_room(states)?[..];
        let Self { table, folds, numbers, .. } = self;
        if let Some(folds) = folds {
            let first = if buckets.first() == self.bucket.as_ref() { like(buckets.iter(), rows) } else { 0 };
            let last = rows - like(buckets.iter().rev(), rows);
            let partitions = partitions.first().ok_or_else(missing)?;
            self.bucket = buckets.last().copied();
            return folds.merge(table, numbers, partitions, states, [0..first, last.max(first)..rows]);
        }
        let count = table.keys.len();
        table.reserve_states(table.states.merge_need_bytes(count, states), numbers.capacity())?;
        Ok(table.states.merge(numbers, count, states)?)
    }

    /// Hands out all groups.
    fn flush(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        let Self { group, table, folds, .. } = self;
        if let Some(folds) = folds {
            folds.settle(table)?;
            folds.clear();
        }
        let groups = table.keys.len();
        if self.large.is_open {
            return self.close_window();
        }
        self.large.first = None;
        if !self.large.emits {
            self.large.has_rest |= groups > 0;
            return table.clear();
        }
        let mut made = 0;
        for range in batches(groups, table.memory_bytes()) {
            table.reserve(table.memory_bytes() + made + table.keys_bytes(range.clone()))?;
            let mut columns = table.keys.keys(range.clone())?;
            let mut answers = table.keys_bytes(range.clone());
            for question in 0..group.questions.len() {
                let bytes = table.states.finish_need_bytes(question, range.clone());
                // What is put in order for one question may stay for the next.
                table.reserve(table.memory_bytes() + made + answers + bytes)?;
                let answer = table.states.finish(question, range.clone())?;
                answers += answer.get_buffer_memory_size();
                columns.push(answer);
            }
            if let Some(places) = &table.places {
                let places = places.get(range).ok_or_else(missing)?;
                columns.push(Arc::new(UInt64Array::from(places.to_vec())) as ArrayRef);
            }
            let batch = RecordBatch::try_new(Arc::clone(&group.schema), columns)?;
            made += unique_buffer_bytes(std::slice::from_ref(&batch));
            out.push(batch);
        }
        table.clear()?;
        // What was made is paid for until the next rows come.
        table.memory.resize(table.memory_bytes() + made)
    }
}

/// The buckets of rows.
fn buckets_of(batch: &RecordBatch) -> Result<&[u16]> {
    let buckets = batch.columns().first().and_then(|buckets| buckets.as_primitive_opt::<UInt16Type>());
    Ok(buckets.ok_or_else(missing)?.values())
}

/// How many of `rows` buckets are like the first of them.
fn like<'a>(mut buckets: impl Iterator<Item = &'a u16>, rows: usize) -> usize {
    let first = buckets.next();
    buckets.position(|bucket| Some(bucket) != first).map_or(rows, |others| others + 1)
}

fn missing() -> ErrorKind {
    ErrorKind::Missing("the columns of state rows".into())
}

impl Last<'_> {
    /// Takes rows, and hands out groups once there are many.
    fn take(&mut self, batch: &RecordBatch, out: &mut Vec<RecordBatch>) -> Result<()> {
        let buckets = buckets_of(batch)?;
        let mut start = 0;
        let table = &self.table;
        let is_many = table.keys.len() >= GROUPS_MIN || table.memory_bytes() - table.kept >= BYTES_MIN;
        if is_many || self.large.is_open {
            let other = buckets.iter().position(|bucket| Some(*bucket) != self.bucket);
            if let Some(end) = other {
                if end > 0 {
                    self.merge(&compute::slice(batch, 0, end))?;
                }
                self.flush(out)?;
                start = end;
            }
        }
        self.merge(&compute::slice(batch, start, batch.num_rows() - start))?;
        self.bucket = buckets.last().copied();
        Ok(())
    }
}

impl Step for Last<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let mut out = Vec::new();
        if self.is_plain() {
            self.take(&batch, &mut out)?;
        } else {
            self.push_beside(&batch, &mut out)?;
        }
        Ok(out)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        let mut out = Vec::new();
        self.end_pass(&mut out)?;
        Ok(out)
    }

    fn wants_again(&mut self) -> Result<bool> {
        Ok(self.next_pass())
    }
}
