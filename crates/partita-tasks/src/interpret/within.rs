//! Columns that are computed in groups, and functions over groups. See [`crate::within`].

mod apply;
mod buckets;
mod place;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, SchemaRef};
use partita_columns::compute;
use partita_columns::group::{Carried, GroupRows, NO_GROUP, RowNumbers, States};
use partita_columns::partition::unique_buffer_bytes;

use self::buckets::{Buckets, Groups};
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

const WAY_OUT: &str =
    "use fewer threads, or group by keys with fewer rows each: those of a group are in memory at once";

/// Bytes a row of an answer, which shares long texts: a value and its validity.
const VALUE_BYTES: usize = 17;

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
    /// Where all answers look at few rows before alone: what goes on from piece to piece of a large bucket, one an answer.
    carried: Option<Vec<Carried>>,
}

impl<'a> Within<'a> {
    pub(super) fn new(within: &'a within::Within, host: &dyn Host) -> Result<Self> {
        let (expressions, types) = within.looked_at();
        Ok(Self {
            within,
            looked_at: Prepared::new(&expressions),
            types,
            meter: Meter::new(host)?,
            states: within.states()?,
            buckets: Buckets::new(&within.keyed, host)?,
            inputs: Vec::new(),
            carried: carried(within)?,
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
            return Ok(());
        }
        let groups = self.buckets.groups()?;
        let answers = self.answers(&groups)?;
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
        if !goes_on {
            self.carried.iter_mut().flatten().for_each(Carried::clear);
        }
        // What is handed out is paid for until the next rows come.
        let answered: usize = answers.iter().map(|answer| answer.get_buffer_memory_size()).sum();
        let carried = || self.carried.iter().flatten().map(Carried::memory_bytes).sum();
        self.buckets.settle(answered, goes_on.then(carried))
    }

    /// The new columns, over all rows that are held.
    fn answers(&mut self, groups: &Groups) -> Result<Vec<ArrayRef>> {
        let Self { within, buckets, inputs, states, carried, .. } = self;
        let rows = groups.numbers.len();
        let mut beside = groups.bytes();
        let mut columns = Vec::with_capacity(within.inputs.len());
        for at in 0..within.inputs.len() {
            let pieces: Vec<&dyn Array> = inputs.iter().map(|batch| &**batch.column(at)).collect();
            let needed = inputs.iter().map(|batch| Ok(compute::needed_bytes(&batch.project(&[at])?)?));
            beside += needed.sum::<Result<usize>>()?;
            buckets.reserve(beside)?;
            columns.push(concat(&pieces)?);
        }
        if let Some(carried) = carried {
            let mut answers = Vec::with_capacity(carried.len());
            for (answer, carried) in within.answers.iter().zip(carried) {
                let column = answer.input().and_then(|input| columns.get(input));
                let held = carried.memory_bytes();
                buckets.reserve(beside + carried.need_bytes(rows, groups.count, column)?)?;
                let made = carried.next(&groups.numbers, groups.count, column)?;
                beside += made.get_buffer_memory_size() + carried.memory_bytes().saturating_sub(held);
                answers.push(made);
            }
            return Ok(answers);
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

/// What goes on from piece to piece, where every answer can.
fn carried(within: &within::Within) -> Result<Option<Vec<Carried>>> {
    let one = |answer: &Answer| match answer {
        Answer::Reduction(_) => Ok(None),
        Answer::Window { window, input } => {
            let input = input.and_then(|input| within.inputs.get(input));
            let data_type = input.map_or(&DataType::Null, |input| &input.data_type);
            Ok(Carried::new(*window, data_type)?)
        }
    };
    within.answers.iter().map(one).collect()
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
        let mut out = Vec::new();
        let mut start = 0;
        if let Some(end) = self.buckets.end_of_window(&batch)? {
            if end > 0 {
                self.hold(&compute::slice(&batch, 0, end))?;
            }
            self.flush(false, &mut out)?;
            start = end;
        }
        self.hold(&compute::slice(&batch, start, batch.num_rows() - start))?;
        if self.carried.is_some() && self.buckets.is_full() {
            self.flush(true, &mut out)?;
        }
        Ok(out)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        self.buckets.begin();
        let mut out = Vec::new();
        self.flush(false, &mut out)?;
        Ok(out)
    }
}
