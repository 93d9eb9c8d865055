//! Rows to state rows, and state rows to the groups of the result. See [`crate::group`].

mod hot;
mod last;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt16Array, UInt32Array, UInt64Array};
use arrow::datatypes::{Schema, SchemaRef, UInt64Type};
use partita_columns::compute;
use partita_columns::group::{Question, RowNumbers};
use partita_columns::partition::unique_buffer_bytes;

use super::Flow;
use super::distinct::Step;
use crate::error::{ErrorKind, Result};
use crate::expr::{Meter, Prepared};
use crate::group::{BUCKET_BITS, Group};
use crate::host::Host;
use hot::{Hot, emptied};
use rows::Rows;
use table::{ACCOUNT, BYTES_MIN, Table, WAY_OUT, batches};

pub(super) use last::Last;

/// Rows after which it is looked at whether groups are worth it, and after which it is looked at closely.
const TRIAL_ROWS: usize = 16 << 10;
const CLOSE_TRIAL_ROWS: usize = 64 << 10;

/// Rows between looks.
const WINDOW_ROWS: usize = 8 << 10;

/// Bits of a place that are the number of a row in its partition.
const PLACE_BITS: u32 = 40;

/// Puts the rows of a task into groups, and hands out state rows.
pub(super) struct First<'a> {
    looked_at: Prepared,
    types: Schema,
    meter: Meter,
    grouping: Grouping<'a>,
}

struct Grouping<'a> {
    group: &'a Group,
    schema: SchemaRef,
    table: Table,
    /// Bytes of a group, about, where users' aggregations are among the questions: when a task gives up depends on its rows alone then.
    user_bytes: Option<usize>,
    /// Whether state rows say which partition they are of.
    has_folds: bool,
    partition: u32,
    /// Place of the next row.
    place: u64,
    /// Rows that were put into groups; how many there were, and how many groups, at the last look.
    rows: usize,
    looked: (usize, usize),
    /// Whether the rows that are left become state rows each, but for those of heavy groups: groups are not worth it, or there is no memory
    /// for them. What comes of it is the same to the bit: who merges goes on with each group row by row.
    is_over: bool,
    /// Heavy groups, which it keeps then.
    hot: Option<Hot>,
    numbers: Vec<u32>,
}

/// The buckets of hashes.
fn buckets(hashes: &[u64]) -> ArrayRef {
    let buckets = hashes.iter().map(|hash| (hash >> (u64::BITS - BUCKET_BITS)) as u16);
    Arc::new(UInt16Array::from_iter_values(buckets))
}

impl<'a> First<'a> {
    pub(super) fn new(group: &'a Group, partition: usize, host: &dyn Host) -> Result<Self> {
        let (expressions, types) = group.looked_at();
        let grouping = Grouping {
            group,
            schema: group.state_schema()?,
            table: Table::new(group, host)?,
            user_bytes: user_bytes(group),
            has_folds: group.has_folds()?,
            partition: partition as u32,
            place: (partition as u64) << PLACE_BITS,
            rows: 0,
            looked: (0, 0),
            is_over: false,
            hot: Hot::new(group, host)?,
            numbers: Vec::new(),
        };
        Ok(Self { looked_at: Prepared::new(&expressions), types, meter: Meter::new(host)?, grouping })
    }
}

impl Step for First<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let Self { looked_at, types, meter, grouping } = self;
        let mut out = Vec::new();
        let made = |batch: &RecordBatch| Ok((looked_at.columns(batch, types, meter)?, batch.num_rows()));
        meter.in_pieces(&batch, made, |(columns, rows)| {
            grouping.take(&columns, rows, &mut out)?;
            Ok(Flow::More)
        })?;
        Ok(out)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        let mut out = Vec::new();
        self.grouping.flush(&[], &mut out)?;
        self.grouping.finish_hot(&mut out)?;
        Ok(out)
    }
}

impl Grouping<'_> {
    /// Takes some rows of keys and of what is looked at.
    fn take(&mut self, columns: &[ArrayRef], rows: usize, out: &mut Vec<RecordBatch>) -> Result<()> {
        let mut start = 0;
        while start < rows && !self.is_over {
            // Windows end by the rows alone.
            let count = (rows - start).min(WINDOW_ROWS - (self.rows - self.looked.0));
            let some: Vec<ArrayRef> = columns.iter().map(|column| column.slice(start, count)).collect();
            if !self.has_room(&some, count)? {
                self.give_up(out)?;
                break;
            }
            self.group_rows(&some, count)?;
            start += count;
            if self.rows - self.looked.0 >= WINDOW_ROWS {
                self.look(out)?;
            }
        }
        if start < rows {
            let rest: Vec<ArrayRef> =
                columns.iter().map(|column| column.slice(start, rows - start)).collect();
            self.singles(&rest, rows - start, out)?;
        }
        Ok(())
    }

    /// Takes memory for some rows; `false`: there is not plenty.
    fn has_room(&mut self, columns: &[ArrayRef], rows: usize) -> Result<bool> {
        let count = self.table.keys.len() + rows;
        let columns = columns.split_at(self.group.keys.len());
        self.table.has_room(count, columns, rows, self.user_bytes.is_some())
    }

    fn group_rows(&mut self, columns: &[ArrayRef], rows: usize) -> Result<()> {
        let Self { group, table, numbers, .. } = self;
        let (keys, inputs) = columns.split_at(group.keys.len());
        let mut next = table.keys.len() as u32;
        table.push_keys(keys, rows, numbers)?;
        self.hot.as_mut().map_or(Ok(()), |hot| hot.note(numbers))?;
        if let Some(places) = &mut table.places {
            for (place, number) in (self.place..).zip(numbers.iter()) {
                if *number == next {
                    places.push(place);
                    next += 1;
                }
            }
        }
        let count = table.keys.len();
        table.reserve_states(table.states.need_bytes(count, inputs, rows), numbers.capacity())?;
        table.states.update(numbers, count, inputs, row_numbers(group, inputs)?)?;
        self.place += rows as u64;
        self.rows += rows;
        Ok(())
    }

    /// Looks whether groups are worth it.
    fn look(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        let groups = self.table.keys.len();
        let (rows_before, groups_before) = std::mem::replace(&mut self.looked, (self.rows, groups));
        let (rows, fresh) = (self.rows - rows_before, groups - groups_before);
        let mut is_vain = self.rows >= TRIAL_ROWS && groups > self.rows / 16 * 15
            || self.rows >= CLOSE_TRIAL_ROWS && fresh > rows / 8 * 7;
        // Heavy groups stay: the others are to be worth it by themselves. That is looked at now and then, as it takes some time.
        let windows = self.rows / WINDOW_ROWS;
        if let Some(hot) = &mut self.hot
            && !is_vain
            && windows.is_power_of_two()
            && self.rows >= CLOSE_TRIAL_ROWS
            && fresh > rows / 4
        {
            is_vain = fresh > (rows - hot.heavy_rows()) / 8 * 7;
        }
        let is_much = self.user_bytes.is_some_and(|bytes| groups * bytes > BYTES_MIN);
        if is_vain || is_much {
            return self.give_up(out);
        }
        if let Some(hot) = &mut self.hot {
            hot.looked();
        }
        Ok(())
    }

    /// Hands out what the task has; no more rows are put into groups, but for those of heavy ones.
    fn give_up(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        self.is_over = true;
        let heavy = self.keep_hot()?;
        self.flush(&heavy, out)
    }

    /// Hands out what the task has; of heavy groups, which are kept, the state of no rows.
    fn flush(&mut self, heavy: &[u32], out: &mut Vec<RecordBatch>) -> Result<()> {
        let groups = self.table.keys.len();
        let held = self.table.memory_bytes();
        let mut made = 0;
        for range in batches(groups, held) {
            let table = &mut self.table;
            let kept = heavy.iter().map(|group| *group as usize).filter(|group| range.contains(group));
            let kept: Vec<usize> = kept.map(|group| group - range.start).collect();
            let copies = if kept.is_empty() { 1 } else { 2 };
            let states = copies * table.states.columns_need_bytes(range.clone());
            table.reserve(held + made + table.keys_bytes(range.clone()) + states)?;
            let keys = table.keys.keys(range.clone())?;
            let places = table.places.as_ref().map(|places| places[range.clone()].to_vec());
            let mut states = table.states.columns(range.clone())?;
            if !kept.is_empty() {
                states = emptied(self.group, &states, &kept)?;
            }
            let batch = self.state_rows(None, keys, places, states, range.len())?;
            made += unique_buffer_bytes(std::slice::from_ref(&batch));
            out.push(batch);
        }
        self.table.clear()?;
        // What was made is paid for until the next rows come.
        self.table.memory.resize(self.table.memory_bytes() + made)
    }

    /// State rows of keys, whose hashes may be known.
    fn state_rows(
        &self,
        hashes: Option<Vec<u64>>,
        keys: Vec<ArrayRef>,
        places: Option<Vec<u64>>,
        states: Vec<ArrayRef>,
        rows: usize,
    ) -> Result<RecordBatch> {
        let hashed = self.group.ordered_key.and_then(|at| keys.get(at..=at)).unwrap_or(&keys);
        let hashes = hashes.map_or_else(|| compute::hash_rows(hashed, rows), Ok)?;
        let mut columns = vec![buckets(&hashes)];
        columns.extend(keys);
        columns.extend(places.map(|places| Arc::new(UInt64Array::from(places)) as ArrayRef));
        if self.has_folds {
            columns.push(Arc::new(UInt32Array::from(vec![self.partition; rows])));
        }
        columns.extend(states);
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// A state row for each row that is not of a heavy group.
    fn singles(&mut self, columns: &[ArrayRef], rows: usize, out: &mut Vec<RecordBatch>) -> Result<()> {
        let from = self.place;
        self.place += rows as u64;
        let all = Rows::new(self.group, columns, rows, from)?;
        let (Rows { keys, inputs, places }, hashes) = self.take_hot(all, out)?;
        let rows = places.len();
        if rows == 0 {
            return Ok(());
        }
        self.numbers.clear();
        self.numbers.extend(0..rows as u32);
        let table = &mut self.table;
        table.clear()?;
        table.reserve_states(table.states.need_bytes(rows, &inputs, rows), rows)?;
        table.states.update(&self.numbers, rows, &inputs, row_numbers(self.group, &inputs)?)?;
        table.reserve_states(table.states.memory_bytes() + table.states.columns_need_bytes(0..rows), rows)?;
        let states = table.states.columns(0..rows)?;
        out.push(self.state_rows(hashes, keys, self.group.has_place.then_some(places), states, rows)?);
        Ok(())
    }
}

/// Bytes of the state row of a group, where users' aggregations are among the questions.
fn user_bytes(group: &Group) -> Option<usize> {
    let bytes: Vec<usize> = group.questions.iter().filter_map(Question::user_state_bytes).collect();
    let words = (group.keys.len() + group.questions.len()) * 4 * size_of::<u64>();
    (!bytes.is_empty()).then(|| words + bytes.iter().sum::<usize>())
}

/// The numbers of some rows, where a question is about them.
fn row_numbers<'a>(group: &Group, inputs: &'a [ArrayRef]) -> Result<RowNumbers<'a>> {
    let Some(at) = group.row_numbers else { return Ok(RowNumbers::From(0)) };
    let numbers = inputs.get(at).and_then(|numbers| numbers.as_primitive_opt::<UInt64Type>());
    let numbers = numbers.ok_or_else(|| ErrorKind::Missing("the numbers of rows".into()))?;
    Ok(RowNumbers::Each(numbers.values()))
}
