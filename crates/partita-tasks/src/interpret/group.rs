//! Rows to state rows, and state rows to the groups of the result. See [`crate::group`].

mod last;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt16Array, UInt32Array, UInt64Array};
use arrow::datatypes::{Schema, SchemaRef, UInt64Type};
use partita_columns::compute;
use partita_columns::group::{Grouper, Question, RowNumbers, States};
use partita_columns::partition::unique_buffer_bytes;

use super::Flow;
use super::distinct::Step;
use crate::error::{ErrorKind, Result};
use crate::expr::{Meter, Prepared};
use crate::group::{BUCKET_BITS, Group};
use crate::host::{Host, Reservation};

pub(super) use last::Last;

/// The account in the ledger.
const ACCOUNT: &str = "groupby";

const WAY_OUT: &str = "use fewer threads, or ask for less of each group";

/// Bytes that a task takes without asking whether there is plenty.
const BYTES_MIN: usize = 4 << 20;

/// Rows after which it is looked at whether groups are worth it, and after which it is looked at closely.
const TRIAL_ROWS: usize = 16 << 10;
const CLOSE_TRIAL_ROWS: usize = 64 << 10;

/// Rows between looks.
const WINDOW_ROWS: usize = 8 << 10;

/// Groups of a batch that is handed out at least, where there are so many, and bytes of the table that they take then, about, up to which
/// there may be more of them: the longer what a batch has of a bucket, the less does it cost to bring it together with the rest.
const BATCH_ROWS: usize = 16 << 10;
const BATCH_ROWS_MAX: usize = 64 << 10;
const BATCH_BYTES: usize = 8 << 20;

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
    /// Whether the rows that are left become state rows each: groups are not worth it, or there is no memory for them. What comes of it
    /// is the same to the bit: who merges goes on with each group row by row.
    is_over: bool,
    numbers: Vec<u32>,
}

/// Groups, and what was seen of them.
struct Table {
    keys: Grouper,
    states: States,
    /// Places of first rows.
    places: Option<Vec<u64>>,
    /// Bytes of what stays beside its groups.
    kept: usize,
    memory: Box<dyn Reservation>,
}

impl Table {
    fn new(group: &Group, host: &dyn Host) -> Result<Self> {
        Ok(Self {
            keys: Grouper::new(&group.key_types(), group.drops_null_keys)?,
            states: group.states()?,
            places: group.has_place.then(Vec::new),
            kept: 0,
            memory: host.reserve(ACCOUNT, 0, WAY_OUT)?,
        })
    }

    fn memory_bytes(&self) -> usize {
        let places = self.places.as_ref().map_or(0, |places| places.capacity() * size_of::<u64>());
        self.keys.memory_bytes() + self.states.memory_bytes() + places + self.kept
    }

    /// Asks for so many bytes in all.
    fn reserve(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.memory.bytes() { self.memory.resize(bytes) } else { Ok(()) }
    }

    /// The numbers of the groups of some rows.
    fn push_keys(&mut self, keys: &[ArrayRef], rows: usize, numbers: &mut Vec<u32>) -> Result<()> {
        let needed = self.memory_bytes() - self.keys.memory_bytes() + self.keys.need_bytes(keys, rows);
        self.reserve(needed + rows * (size_of::<u32>() + size_of::<u64>()))?;
        Ok(self.keys.push(keys, rows, numbers)?)
    }

    /// Asks for so many bytes of states beside the rest, and for the numbers of rows.
    fn reserve_states(&mut self, bytes: usize, numbers: usize) -> Result<()> {
        let rest = self.memory_bytes() - self.states.memory_bytes();
        self.reserve(rest + bytes + numbers * size_of::<u32>())
    }

    /// Bytes that keys and places of some groups take at most as they are handed out.
    fn keys_bytes(&self, range: Range<usize>) -> usize {
        self.keys.keys_need_bytes(range.clone()) + range.len() * 4 * size_of::<u64>()
    }

    fn clear(&mut self) -> Result<()> {
        self.keys.clear();
        self.states.clear();
        if let Some(places) = &mut self.places {
            places.clear();
        }
        self.memory.resize(self.memory_bytes())
    }
}

/// Groups in batches of about as many; all of them take so many bytes.
fn batches(groups: usize, bytes: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = (BATCH_BYTES / (bytes / groups.max(1)).max(1)).clamp(BATCH_ROWS, BATCH_ROWS_MAX);
    let count = if groups == 0 { 0 } else { (groups / rows).max(1) };
    (0..count).map(move |batch| batch * groups / count..(batch + 1) * groups / count)
}

/// The buckets of keys.
fn buckets(keys: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let hashes = compute::hash_rows(keys, rows)?;
    let buckets = hashes.iter().map(|hash| (hash >> (u64::BITS - BUCKET_BITS)) as u16);
    Ok(Arc::new(UInt16Array::from_iter_values(buckets)))
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
        self.grouping.flush(&mut out)?;
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
            out.extend(self.singles(&rest, rows - start)?);
        }
        Ok(())
    }

    /// Takes memory for some rows; `false`: there is not plenty.
    fn has_room(&mut self, columns: &[ArrayRef], rows: usize) -> Result<bool> {
        let table = &mut self.table;
        let (keys, inputs) = columns.split_at(self.group.keys.len());
        let count = table.keys.len() + rows;
        let numbers = 2 * rows * (size_of::<u32>() + size_of::<u64>());
        let need = table.keys.need_bytes(keys, rows) + table.states.need_bytes(count, inputs, rows) + numbers;
        if need <= BYTES_MIN || self.user_bytes.is_some() {
            table.reserve(need)?;
            return Ok(true);
        }
        // What is handed out in the end lies beside it.
        let need = 2 * need;
        Ok(need <= table.memory.bytes() || table.memory.resize_if_plenty(need + need / 4))
    }

    fn group_rows(&mut self, columns: &[ArrayRef], rows: usize) -> Result<()> {
        let Self { group, table, numbers, .. } = self;
        let (keys, inputs) = columns.split_at(group.keys.len());
        let mut next = table.keys.len() as u32;
        table.push_keys(keys, rows, numbers)?;
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
        let is_vain = self.rows >= TRIAL_ROWS && groups > self.rows / 16 * 15
            || self.rows >= CLOSE_TRIAL_ROWS && fresh > rows / 8 * 7;
        let is_much = self.user_bytes.is_some_and(|bytes| groups * bytes > BYTES_MIN);
        if is_vain || is_much { self.give_up(out) } else { Ok(()) }
    }

    /// Hands out what the task has; no more rows are put into groups.
    fn give_up(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        self.is_over = true;
        self.flush(out)
    }

    /// Hands out what the task has.
    fn flush(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        let groups = self.table.keys.len();
        let held = self.table.memory_bytes();
        let mut made = 0;
        for range in batches(groups, held) {
            let table = &mut self.table;
            let states = table.states.columns_need_bytes(range.clone());
            table.reserve(held + made + table.keys_bytes(range.clone()) + states)?;
            let keys = table.keys.keys(range.clone())?;
            let places = table.places.as_ref().map(|places| places[range.clone()].to_vec());
            let states = table.states.columns(range.clone())?;
            let batch = self.state_rows(keys, places, states, range.len())?;
            made += unique_buffer_bytes(std::slice::from_ref(&batch));
            out.push(batch);
        }
        self.table.clear()?;
        // What was made is paid for until the next rows come.
        self.table.memory.resize(self.table.memory_bytes() + made)
    }

    fn state_rows(
        &self,
        keys: Vec<ArrayRef>,
        places: Option<Vec<u64>>,
        states: Vec<ArrayRef>,
        rows: usize,
    ) -> Result<RecordBatch> {
        let hashed = self.group.ordered_key.and_then(|at| keys.get(at..=at)).unwrap_or(&keys);
        let mut columns = vec![buckets(hashed, rows)?];
        columns.extend(keys);
        columns.extend(places.map(|places| Arc::new(UInt64Array::from(places)) as ArrayRef));
        if self.has_folds {
            columns.push(Arc::new(UInt32Array::from(vec![self.partition; rows])));
        }
        columns.extend(states);
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// A state row for each row.
    fn singles(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Option<RecordBatch>> {
        let from = self.place;
        self.place += rows as u64;
        let (keys, inputs) = columns.split_at(self.group.keys.len());
        let kept = if self.group.drops_null_keys { with_all_keys(keys, rows) } else { None };
        let (keys, inputs, places) = match &kept {
            Some(kept) => {
                let kept: Vec<u64> = kept.iter().map(|row| from + u64::from(*row)).collect();
                let rows = UInt32Array::from_iter_values(kept.iter().map(|place| (place - from) as u32));
                let take = |columns: &[ArrayRef]| -> Result<Vec<ArrayRef>> {
                    columns.iter().map(|column| Ok(arrow::compute::take(column, &rows, None)?)).collect()
                };
                (take(keys)?, take(inputs)?, kept)
            }
            None => (keys.to_vec(), inputs.to_vec(), (from..from + rows as u64).collect()),
        };
        let rows = places.len();
        if rows == 0 {
            return Ok(None);
        }
        self.numbers.clear();
        self.numbers.extend(0..rows as u32);
        let table = &mut self.table;
        table.clear()?;
        table.reserve_states(table.states.need_bytes(rows, &inputs, rows), rows)?;
        table.states.update(&self.numbers, rows, &inputs, row_numbers(self.group, &inputs)?)?;
        table.reserve_states(table.states.memory_bytes() + table.states.columns_need_bytes(0..rows), rows)?;
        let states = table.states.columns(0..rows)?;
        self.state_rows(keys, self.group.has_place.then_some(places), states, rows).map(Some)
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

/// The rows without a null among the keys; `None`: all.
fn with_all_keys(keys: &[ArrayRef], rows: usize) -> Option<Vec<u32>> {
    let nulls: Vec<_> = keys.iter().filter_map(|key| key.logical_nulls()).collect();
    let nulls: Vec<_> = nulls.into_iter().filter(|nulls| nulls.null_count() > 0).collect();
    let is_kept = |row: &u32| nulls.iter().all(|nulls| nulls.is_valid(*row as usize));
    (!nulls.is_empty()).then(|| (0..rows as u32).filter(is_kept).collect())
}
