//! Running totals, top rows and samples.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::reduce::{Running, State};
use partita_columns::{Partition, compute};

use super::reduce::{merged_states, states_of};
use super::sink::BatchSink;
use super::{Flow, Held, Outcome};
use crate::error::{ErrorKind, Result};
use crate::host::{Host, Reservation, SlotValue};
use crate::program::SlotId;
use crate::reduce::{Cumulated, Reduce, TopRows};

/// Running totals of the rows of a task.
pub(super) struct Cumulate<'a> {
    columns: &'a [Cumulated],
    running: Vec<Running>,
    schema: &'a SchemaRef,
}

impl<'a> Cumulate<'a> {
    pub(super) fn new(
        columns: &'a [Cumulated],
        before: SlotId,
        partition: usize,
        schema: &'a SchemaRef,
        host: &dyn Host,
    ) -> Result<Self> {
        let SlotValue::Before(all) = host.slot(before)? else {
            return Err(ErrorKind::Missing("what was before a partition in its slot".into()).into());
        };
        let before = all.get(partition).ok_or_else(|| ErrorKind::Missing("a partition's place".into()))?;
        let running = columns.iter().map(|column| {
            let state = before.get(column.kept).ok_or_else(|| ErrorKind::Missing("a state".into()))?;
            Ok(Running::new(column.cumulative, &column.input.data_type, state)?)
        });
        Ok(Self { columns, running: running.collect::<Result<_>>()?, schema })
    }

    pub(super) fn apply(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = batch.columns().to_vec();
        for (column, running) in self.columns.iter().zip(&mut self.running) {
            let input = column.input.expression.evaluate_as(batch, &column.input.data_type)?;
            columns.push(running.next(&input)?);
        }
        Ok(RecordBatch::try_new(Arc::clone(self.schema), columns)?)
    }
}

/// Publishes, from the states of all partitions, what was before each.
pub(super) struct PublishBefore<'a> {
    reduce: &'a Reduce,
    inputs: Vec<Outcome>,
    slot: SlotId,
    host: &'a dyn Host,
}

impl<'a> PublishBefore<'a> {
    pub(super) fn new(reduce: &'a Reduce, inputs: &[Outcome], slot: SlotId, host: &'a dyn Host) -> Self {
        Self { reduce, inputs: inputs.to_vec(), slot, host }
    }
}

impl BatchSink for PublishBefore<'_> {
    fn push(&mut self, _: RecordBatch) -> Result<Flow> {
        Ok(Flow::Enough)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let mut so_far: Vec<State> = states_of(&merged_states(self.reduce, &[], self.host)?)?;
        let mut before = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            before.push(so_far.clone());
            let states = states_of(&merged_states(self.reduce, std::slice::from_ref(input), self.host)?)?;
            for (state, later) in so_far.iter_mut().zip(&states) {
                state.merge(later)?;
            }
        }
        self.host.publish(self.slot, SlotValue::Before(before.into()));
        Ok(Outcome::Done)
    }
}

/// Keeps the first rows of an order.
pub(super) struct Top<'a> {
    top: &'a TopRows,
    schema: &'a SchemaRef,
    held: Vec<RecordBatch>,
    rows: usize,
    memory: Box<dyn Reservation>,
}

/// Rows beyond those wanted that are held before they are sorted.
const SURPLUS_ROWS: usize = 8192;

impl<'a> Top<'a> {
    pub(super) fn new(top: &'a TopRows, schema: &'a SchemaRef, host: &dyn Host) -> Result<Self> {
        let memory = host.reserve("nlargest", 0, "ask for fewer rows")?;
        Ok(Self { top, schema, held: Vec::new(), rows: 0, memory })
    }

    /// The first rows of those that are held.
    fn cut(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return Ok(());
        }
        let all = compute::concat(self.schema, &held)?;
        drop(held);
        let mut keys = self.keys(&all)?;
        // Of equal ones the first.
        let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..all.num_rows() as u64));
        keys.push(SortColumn { values: numbers, options: None });
        let places = lexsort_to_indices(&keys, Some(self.top.rows))?;
        let first = compute::compact(&compute::take(&all, &places)?)?;
        self.rows = first.num_rows();
        self.memory.resize(unique_buffer_bytes(std::slice::from_ref(&first)))?;
        self.held.push(first);
        Ok(())
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Vec<SortColumn>> {
        let options = Some(SortOptions { descending: self.top.descending, nulls_first: false });
        let key = |by: &crate::reduce::Input| {
            Ok(SortColumn { values: by.expression.evaluate_as(batch, &by.data_type)?, options })
        };
        self.top.by.iter().map(key).collect()
    }

    /// Where no key is null or NaN.
    fn ordered(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let keys = self.keys(batch)?;
        let is_there =
            |row: usize| keys.iter().all(|key| key.values.is_valid(row) && !is_nan(&key.values, row));
        Ok((0..batch.num_rows()).map(|row| Some(is_there(row))).collect())
    }
}

fn is_nan(column: &ArrayRef, row: usize) -> bool {
    match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).is_nan(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).is_nan(),
        _ => false,
    }
}

impl BatchSink for Top<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        if self.top.rows == 0 {
            return Ok(Flow::Enough);
        }
        let batch = compute::compact(&compute::filter(&batch, &self.ordered(&batch)?)?)?;
        self.rows += batch.num_rows();
        let bytes = unique_buffer_bytes(std::slice::from_ref(&batch));
        self.memory.resize(self.memory.bytes() + 2 * bytes)?;
        self.held.push(batch);
        if self.rows >= 2 * self.top.rows + SURPLUS_ROWS {
            self.cut()?;
        }
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        self.cut()?;
        let partition = Partition::new(Arc::clone(self.schema), self.held);
        self.memory.resize(partition.bytes())?;
        Ok(Outcome::Partition(Arc::new(Held { partition, memory: self.memory })))
    }
}
