//! Columns that are computed in groups, and functions over groups. See [`crate::within`].

mod apply;
mod buckets;
mod large;
mod place;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, SchemaRef};
use partita_columns::compute;
use partita_columns::group::{Carried, GroupRows, NO_GROUP, Question, RowNumbers, States};
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::reduce::Accumulator;

use self::buckets::{Buckets, Groups};
use self::large::Large;
use super::Flow;
use super::distinct::Step;
use crate::error::{ErrorKind, Result};
use crate::expr::{Meter, Prepared};
use crate::host::Host;
use crate::within::{self, Answer};

pub(super) use self::apply::Applied;
pub(super) use self::place::Placed;

/// The account in the ledger.
const ACCOUNT: &str = "groupby rows";

const WAY_OUT: &str = "use fewer threads";

const WINDOW_WAY_OUT: &str = "use fewer threads, or group by keys with fewer rows each: \
    rank, bfill and shifts up, or by more than 64 rows, need all rows of a group in memory at once";

const VALUES_WAY_OUT: &str = "use fewer threads, or group by keys with fewer rows each: \
    nunique, mode and exact quantiles need all values of a group in memory at once";

/// Bytes a row of an answer, which shares long texts: a value and its validity.
const VALUE_BYTES: usize = 17;

/// Bytes a row and an answer that are taken, about, while rows that are held are handed out.
const ANSWER_BYTES: usize = 128;

/// Rows of a bucket that are held at most, where it can do otherwise.
const HELD_ROWS_MAX: usize = 1 << 30;

/// Computes columns in groups.
pub(super) struct Within<'a> {
    within: &'a within::Within,
    looked_at: Prepared,
    types: SchemaRef,
    meter: Meter,
    states: States,
    buckets: Buckets<'a>,
    /// What is looked at, batch by batch of those that are held.
    inputs: Vec<RecordBatch>,
    /// Where all window functions look at few rows before alone: what goes on from piece to piece of a large bucket. One an answer; none for
    /// reductions.
    carried: Option<Vec<Option<Carried>>>,
    /// Whether groups as a whole are asked for.
    has_questions: bool,
    /// Whether rows that are not held can come again.
    comes_again: bool,
    large: Large,
    /// Whether all rows come for the second time, of which those of large buckets are wanted.
    is_again: bool,
}

impl<'a> Within<'a> {
    /// `comes_again`: all batches can be pushed twice.
    pub(super) fn new(within: &'a within::Within, comes_again: bool, host: &dyn Host) -> Result<Self> {
        let (expressions, types) = within.looked_at();
        let carried = carried(within)?;
        let needs_values = |question: &Question| {
            let reduction = question.aggregate.reduction();
            reduction.is_some_and(|reduction| reduction.accumulator() == Accumulator::Sorted)
        };
        let way_out = match &carried {
            None => WINDOW_WAY_OUT,
            Some(_) if within.questions().iter().any(needs_values) => VALUES_WAY_OUT,
            Some(_) => WAY_OUT,
        };
        Ok(Self {
            within,
            looked_at: Prepared::new(&expressions),
            types,
            meter: Meter::new(host)?,
            states: within.states()?,
            buckets: Buckets::new(&within.keyed, way_out, host)?,
            inputs: Vec::new(),
            carried,
            has_questions: !within.questions().is_empty(),
            comes_again,
            large: Large::default(),
            is_again: false,
        })
    }

    /// Keeps rows until their bucket is whole.
    fn hold(&mut self, batch: &RecordBatch) -> Result<()> {
        let Self { looked_at, types, meter, buckets, inputs, .. } = self;
        let batch = buckets.compacted(batch)?;
        let made = |batch: &RecordBatch| Ok((batch.clone(), looked_at.columns(batch, types, meter)?));
        meter.in_pieces(&batch, made, |(rows, columns)| {
            let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
            let columns = RecordBatch::try_new_with_options(Arc::clone(types), columns, &options)?;
            let bytes = unique_buffer_bytes(&[rows.clone(), columns.clone()]);
            buckets.hold(rows, bytes)?;
            inputs.push(columns);
            Ok(Flow::More)
        })?;
        Ok(())
    }

    /// Hands out the rows that are held, with what was asked of them. `goes_on`: more rows of their bucket come.
    fn flush(&mut self, goes_on: bool, out: &mut Vec<RecordBatch>) -> Result<()> {
        if self.buckets.is_empty() {
            return if goes_on { Ok(()) } else { self.forget() };
        }
        let groups = self.buckets.groups()?;
        let goes_in_pieces = self.carried.is_some() && (self.is_again || !self.has_questions);
        let answers = if goes_in_pieces { self.piece(&groups)? } else { self.answers(&groups)? };
        self.inputs.clear();
        let mut start = 0;
        for rows in self.buckets.take() {
            let count = rows.num_rows();
            let bucket = self.within.keyed.bucket();
            let mut columns = rows.columns().to_vec();
            let place = columns.pop().ok_or_else(missing)?;
            columns.truncate(bucket);
            columns.extend(answers.iter().map(|answer| answer.slice(start, count)));
            columns.push(place);
            out.push(RecordBatch::try_new(Arc::clone(&self.within.schema), columns)?);
            start += count;
        }
        self.states.clear();
        // What is handed out is paid for until the next rows come.
        let answered: usize = answers.iter().map(|answer| answer.get_buffer_memory_size()).sum();
        let carried = || self.carried.iter().flatten().flatten().map(Carried::memory_bytes).sum();
        self.buckets.settle(answered, goes_on.then(carried))?;
        if goes_on { Ok(()) } else { self.forget() }
    }

    /// Forgets the groups, of which all rows were seen.
    fn forget(&mut self) -> Result<()> {
        self.carried.iter_mut().flatten().flatten().for_each(Carried::clear);
        self.buckets.settle(0, None)
    }

    /// Reduces the rows that are held, and drops them: more of their bucket come, or all of it is there.
    fn fold(&mut self) -> Result<()> {
        let Some(first) = self.buckets.first_bucket()? else { return Ok(()) };
        self.large.open(first);
        let groups = self.buckets.groups()?;
        let mut rest = &groups.numbers[..];
        let held = self.states.memory_bytes();
        for inputs in std::mem::take(&mut self.inputs) {
            let (numbers, others) = rest.split_at_checked(inputs.num_rows()).ok_or_else(missing)?;
            let need = self.states.need_bytes(groups.count, inputs.columns(), numbers.len());
            // What states had before is paid for as what is carried.
            self.buckets.reserve(groups.bytes() + need.saturating_sub(held))?;
            self.states.update(numbers, groups.count, inputs.columns(), RowNumbers::From(0))?;
            rest = others;
        }
        self.buckets.drop_rows();
        self.buckets.settle(0, Some(self.states.memory_bytes()))
    }

    /// The buckets at hand are whole.
    fn close(&mut self, last: Option<u16>, out: &mut Vec<RecordBatch>) -> Result<()> {
        let Some(last) = last.filter(|_| self.large.is_open()) else { return self.flush(false, out) };
        self.fold()?;
        let groups = self.states.len();
        let questions = 0..self.within.questions().len();
        let need: usize =
            questions.clone().map(|question| self.states.finish_need_bytes(question, 0..groups)).sum();
        let keys = self.buckets.all_keys(groups, need)?;
        let answers = questions.map(|question| Ok(self.states.finish(question, 0..groups)?));
        self.large.close(last, keys, answers.collect::<Result<_>>()?);
        self.states.clear();
        self.buckets.keep(self.large.bytes());
        self.forget()
    }

    /// Whether the rows of the bucket at hand are to be held on, all of them.
    fn has_room(&mut self) -> bool {
        let (rows, answers) = (self.buckets.rows(), self.within.answers.len());
        let need = 2 * self.buckets.held_bytes() + rows * ANSWER_BYTES * (answers + 1);
        rows < HELD_ROWS_MAX && self.buckets.has_room(need)
    }

    /// Takes rows for the second time.
    fn push_again(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
        let mut out = Vec::new();
        let mut start = 0;
        while start < batch.num_rows() {
            let buckets = self.buckets.buckets_of(batch)?;
            let (count, at) = self.large.like_first(buckets.get(start..).unwrap_or_default());
            if at != self.large.at() {
                self.flush(false, &mut out)?;
                self.large.go_to(at);
                self.buckets.keep(self.large.bytes());
                if let Some(reduced) = self.large.get() {
                    self.buckets.know(&reduced.keys)?;
                }
            }
            if at.is_some() {
                self.hold(&compute::slice(batch, start, count))?;
                if self.buckets.is_full() {
                    self.flush(true, &mut out)?;
                }
            }
            start += count.max(1);
        }
        Ok(out)
    }

    /// The new columns of rows of a bucket, of which others were before, or are to come.
    fn piece(&mut self, groups: &Groups) -> Result<Vec<ArrayRef>> {
        let Self { within, buckets, inputs, carried, large, .. } = self;
        let rows = groups.numbers.len();
        let mut beside = groups.bytes();
        let mut columns: Vec<Option<ArrayRef>> = vec![None; within.inputs.len()];
        for at in within.answers.iter().filter_map(Answer::input) {
            let Some(column) = columns.get_mut(at).filter(|column| column.is_none()) else { continue };
            *column = Some(joined(inputs, at, &mut beside, buckets)?);
        }
        let mut answers = Vec::with_capacity(within.answers.len());
        let mut reduced = large.get().into_iter().flat_map(|reduced| &reduced.answers);
        for (answer, carried) in within.answers.iter().zip(carried.iter_mut().flatten()) {
            let Some(carried) = carried else {
                buckets.reserve(beside + rows * (VALUE_BYTES + size_of::<u64>()))?;
                let made = spread(reduced.next().ok_or_else(missing)?, &groups.numbers)?;
                beside += made.get_buffer_memory_size();
                answers.push(made);
                continue;
            };
            let column = answer.input().and_then(|input| columns.get(input)?.as_ref());
            let held = carried.memory_bytes();
            buckets.reserve(beside + carried.need_bytes(rows, groups.count, column)?)?;
            let made = carried.next(&groups.numbers, groups.count, column)?;
            beside += made.get_buffer_memory_size() + carried.memory_bytes().saturating_sub(held);
            answers.push(made);
        }
        Ok(answers)
    }

    /// The new columns, over all rows that are held.
    fn answers(&mut self, groups: &Groups) -> Result<Vec<ArrayRef>> {
        let Self { within, buckets, inputs, states, .. } = self;
        let rows = groups.numbers.len();
        let mut beside = groups.bytes();
        let mut columns = Vec::with_capacity(within.inputs.len());
        for at in 0..within.inputs.len() {
            columns.push(joined(inputs, at, &mut beside, buckets)?);
        }
        let questions = within.questions();
        if !questions.is_empty() {
            buckets.reserve(beside + states.need_bytes(groups.count, &columns, rows))?;
            states.update(&groups.numbers, groups.count, &columns, RowNumbers::From(0))?;
            beside += states.memory_bytes();
        }
        let has_window = questions.len() < within.answers.len();
        let group_rows = match has_window {
            true => {
                beside += GroupRows::need_bytes(rows, groups.count);
                buckets.reserve(beside)?;
                GroupRows::new(&groups.numbers, groups.count)?
            }
            false => GroupRows::new(&[], 0)?,
        };
        let mut answers = Vec::with_capacity(within.answers.len());
        let mut question = 0;
        for answer in &within.answers {
            let made = match answer {
                Answer::Reduction(_) => {
                    let finished = states.finish_need_bytes(question, 0..groups.count);
                    buckets.reserve(beside + finished + rows * (VALUE_BYTES + size_of::<u64>()))?;
                    let finished = states.finish(question, 0..groups.count)?;
                    question += 1;
                    spread(&finished, &groups.numbers)?
                }
                Answer::Window { window, input } => {
                    let column = input.and_then(|input| columns.get(input));
                    buckets.reserve(beside + window.need_bytes(rows, column)?)?;
                    window.evaluate(&group_rows, column)?
                }
            };
            beside += made.get_buffer_memory_size();
            answers.push(made);
        }
        Ok(answers)
    }
}

/// One column of what is looked at, of all rows that are held.
fn joined(
    inputs: &[RecordBatch],
    at: usize,
    beside: &mut usize,
    buckets: &mut Buckets<'_>,
) -> Result<ArrayRef> {
    let pieces: Vec<&dyn Array> = inputs.iter().map(|batch| &**batch.column(at)).collect();
    let needed = inputs.iter().map(|batch| Ok(compute::needed_bytes(&batch.project(&[at])?)?));
    *beside += needed.sum::<Result<usize>>()?;
    buckets.reserve(*beside)?;
    Ok(concat(&pieces)?)
}

/// What goes on from piece to piece, where every window function can.
fn carried(within: &within::Within) -> Result<Option<Vec<Option<Carried>>>> {
    let mut all = Vec::with_capacity(within.answers.len());
    for answer in &within.answers {
        let Answer::Window { window, input } = answer else {
            all.push(None);
            continue;
        };
        let input = input.and_then(|input| within.inputs.get(input));
        let data_type = input.map_or(&DataType::Null, |input| &input.data_type);
        let Some(carried) = Carried::new(*window, data_type)? else { return Ok(None) };
        all.push(Some(carried));
    }
    Ok(Some(all))
}

/// The value of its group for each row.
fn spread(values: &ArrayRef, numbers: &[u32]) -> Result<ArrayRef> {
    let places = numbers.iter().map(|number| (*number != NO_GROUP).then_some(*number));
    Ok(take(values, &places.collect::<UInt32Array>(), None)?)
}

fn missing() -> ErrorKind {
    ErrorKind::Missing("buckets and places of rows".into())
}

impl Step for Within<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        self.buckets.begin();
        if self.is_again {
            return self.push_again(&batch);
        }
        let mut out = Vec::new();
        let mut start = 0;
        let last = self.buckets.last_bucket();
        if let Some(end) = self.buckets.end_of_window(&batch, self.large.is_open())? {
            if end > 0 {
                self.hold(&compute::slice(&batch, 0, end))?;
            }
            self.close(last, &mut out)?;
            start = end;
        }
        self.hold(&compute::slice(&batch, start, batch.num_rows() - start))?;
        if self.carried.is_none() || !self.buckets.is_full() {
            return Ok(out);
        }
        if !self.has_questions {
            self.flush(true, &mut out)?;
        } else if self.comes_again && (self.large.is_open() || !self.has_room()) {
            self.fold()?;
        }
        Ok(out)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        self.buckets.begin();
        let mut out = Vec::new();
        self.close(self.buckets.last_bucket(), &mut out)?;
        Ok(out)
    }

    fn wants_again(&mut self) -> Result<bool> {
        self.is_again = !self.is_again && !self.large.is_empty();
        Ok(self.is_again)
    }
}
