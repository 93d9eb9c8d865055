//! Running totals, top rows and samples.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, UInt64Array,
};
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Schema, SchemaRef};
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::reduce::Running;
use partita_columns::sort::{Direction, KeyLayout};
use partita_columns::{Partition, compute};

use super::reduce::{merged_states, states_of};
use super::sink::BatchSink;
use super::{Flow, Held, Outcome};
use crate::error::{ErrorKind, Result};
use crate::expr::{BoundExpr, Meter, Prepared};
use crate::host::{Before, Host, Reservation, SlotValue};
use crate::program::SlotId;
use crate::reduce::{Cumulated, Input, Reduce, TopOrder, TopRows};

/// Running totals of the rows of a task.
pub(super) struct Cumulate<'a> {
    inputs: Prepared,
    types: Schema,
    running: Vec<Running>,
    schema: &'a SchemaRef,
    meter: Meter,
    /// For the best values so far.
    memory: Box<dyn Reservation>,
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
        let before =
            all.states.get(partition).ok_or_else(|| ErrorKind::Missing("a partition's place".into()))?;
        let running = columns.iter().map(|column| {
            let state = before.get(column.kept).ok_or_else(|| ErrorKind::Missing("a state".into()))?;
            Ok(Running::new(column.cumulative, &column.input.data_type, state)?)
        });
        let running = running.collect::<Result<_>>()?;
        let (inputs, types) = prepared(columns.iter().map(|column| &column.input));
        let memory = host.reserve("running totals", 0, "make shorter texts")?;
        Ok(Self { inputs, types, running, schema, meter: Meter::new(host)?, memory })
    }

    /// Hands the batch on, with the totals behind its columns.
    pub(super) fn push(
        &mut self,
        batch: &RecordBatch,
        see: &mut dyn FnMut(RecordBatch) -> Result<Flow>,
    ) -> Result<Flow> {
        let Self { inputs, types, running, schema, meter, memory } = self;
        // Totals are made once: not before it is sure that the inputs fit.
        let made = |batch: &RecordBatch| Ok((batch.clone(), inputs.columns(batch, types, meter)?));
        meter.in_pieces(batch, made, |(batch, inputs)| {
            let mut columns = batch.columns().to_vec();
            for (input, running) in inputs.iter().zip(running.iter_mut()) {
                meter.note(Running::need_bytes(input))?;
                columns.push(running.next(input)?);
            }
            let held = running.iter().map(Running::memory_bytes).sum();
            if held != memory.bytes() {
                memory.resize(held)?;
            }
            see(RecordBatch::try_new(Arc::clone(schema), columns)?)
        })
    }
}

/// Inputs that are computed together, and their types.
fn prepared<'a>(inputs: impl Iterator<Item = &'a Input>) -> (Prepared, Schema) {
    let inputs: Vec<&Input> = inputs.collect();
    let expressions: Vec<BoundExpr> = inputs.iter().map(|input| input.expression.clone()).collect();
    let field = |(at, input): (usize, &&Input)| Field::new(format!("{at}"), input.data_type.clone(), true);
    let fields = inputs.iter().enumerate().map(field);
    (Prepared::new(&expressions), Schema::new(fields.collect::<Vec<_>>()))
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
        let Self { reduce, inputs, slot, host } = *self;
        let mut so_far = merged_states(reduce, &[], host)?;
        let mut memory = host.reserve("running totals", 0, "make fewer and larger partitions")?;
        let mut states = Vec::with_capacity(inputs.len());
        for input in &inputs {
            memory.resize(memory.bytes() + so_far.bytes())?;
            states.push(states_of(&so_far)?);
            so_far.merge(&merged_states(reduce, std::slice::from_ref(input), host)?)?;
        }
        host.publish(slot, SlotValue::Before(Arc::new(Before { states, memory })));
        Ok(Outcome::Done)
    }
}

/// Keeps the first rows of an order.
pub(super) struct Top<'a> {
    top: &'a TopRows,
    schema: &'a SchemaRef,
    keys: Keys,
    meter: Meter,
    first: First,
}

/// The keys of the order: columns of the rows, and others that are held behind these.
struct Keys {
    places: Vec<usize>,
    computed: Prepared,
    types: Schema,
    /// Of rows with all that is held of them.
    schema: SchemaRef,
}

impl Keys {
    fn new(top: &TopRows, schema: &SchemaRef) -> Self {
        let mut computed = Vec::new();
        let columns = schema.fields().len();
        let mut place = |by: &Input| match &by.expression {
            BoundExpr::Column(at)
                if schema.fields().get(*at).is_some_and(|field| *field.data_type() == by.data_type) =>
            {
                *at
            }
            _ => {
                computed.push(by.clone());
                columns + computed.len() - 1
            }
        };
        let places = top.by.iter().map(&mut place).collect();
        let (computed, types) = prepared(computed.iter());
        let fields = schema.fields().iter().chain(types.fields()).map(Arc::clone);
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { places, computed, types, schema }
    }

    /// The batch, with the keys that are computed.
    fn with_keys(&self, batch: &RecordBatch, meter: &Meter) -> Result<RecordBatch> {
        let mut columns = batch.columns().to_vec();
        columns.extend(self.computed.columns(batch, &self.types, meter)?);
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }

    fn of<'b>(&self, batch: &'b RecordBatch) -> impl Iterator<Item = &'b ArrayRef> {
        self.places.iter().map(|place| batch.column(*place))
    }

    /// Where no key is null or NaN.
    fn ordered(&self, batch: &RecordBatch) -> BooleanArray {
        let is_there = |row: usize| self.of(batch).all(|key| key.is_valid(row) && !is_nan(key, row));
        (0..batch.num_rows()).map(|row| Some(is_there(row))).collect()
    }
}

/// The rows that are held.
struct First {
    held: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    /// Of those that the last sort has left.
    bytes_left: usize,
    memory: Box<dyn Reservation>,
}

/// Rows beyond those wanted that are held before they are sorted.
const SURPLUS_ROWS: usize = 8192;

/// Bytes beyond twice those of the rows that were left.
const SURPLUS_BYTES: usize = 4 << 20;

/// Bytes that sorting takes a row: numbers, places and their order.
const SORT_ROW_BYTES: usize = 64;

impl<'a> Top<'a> {
    pub(super) fn new(top: &'a TopRows, schema: &'a SchemaRef, host: &dyn Host) -> Result<Self> {
        let memory = host.reserve("nlargest", 0, "ask for fewer rows")?;
        let first = First { held: Vec::new(), rows: 0, bytes: 0, bytes_left: 0, memory };
        Ok(Self { top, schema, keys: Keys::new(top, schema), meter: Meter::new(host)?, first })
    }
}

impl First {
    /// Takes the rows that have a place in the order.
    fn take(&mut self, batch: &RecordBatch, keys: &Keys, top: &TopRows) -> Result<()> {
        let batch = match top.order {
            TopOrder::Sorted(_) => batch.clone(),
            TopOrder::Greatest | TopOrder::Least => compute::filter(batch, &keys.ordered(batch))?,
        };
        if batch.num_rows() == 0 {
            return Ok(());
        }
        // The rows are copied where they hold on to much else, and what is held is put together to be sorted.
        let rows = self.rows + batch.num_rows();
        let most = self.bytes + 2 * compute::needed_bytes(&batch)?;
        self.memory.resize(2 * most + rows * SORT_ROW_BYTES)?;
        let batch = compute::compact(&batch)?;
        self.rows = rows;
        self.bytes += unique_buffer_bytes(std::slice::from_ref(&batch));
        self.memory.resize(2 * self.bytes + rows * SORT_ROW_BYTES)?;
        self.held.push(batch);
        let is_full =
            self.rows >= 2 * top.rows + SURPLUS_ROWS || self.bytes >= 2 * self.bytes_left + SURPLUS_BYTES;
        if is_full { self.cut(keys, top) } else { Ok(()) }
    }

    /// Keeps the first of the rows that are held.
    fn cut(&mut self, keys: &Keys, top: &TopRows) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return Ok(());
        }
        let all = compute::concat(&keys.schema, &held)?;
        drop(held);
        let places = match &top.order {
            TopOrder::Sorted(directions) => sorted(&all, keys, directions, top.rows)?,
            TopOrder::Greatest => ranked(&all, keys, true, top.rows)?,
            TopOrder::Least => ranked(&all, keys, false, top.rows)?,
        };
        let first = compute::compact(&compute::take(&all, &places)?)?;
        drop(all);
        self.rows = first.num_rows();
        self.bytes = unique_buffer_bytes(std::slice::from_ref(&first));
        self.bytes_left = self.bytes;
        self.held.push(first);
        self.memory.resize(2 * self.bytes + self.rows * SORT_ROW_BYTES)
    }
}

/// The places of the first rows, all keys in one direction.
fn ranked(all: &RecordBatch, keys: &Keys, descending: bool, rows: usize) -> Result<UInt32Array> {
    let options = Some(SortOptions { descending, nulls_first: false });
    let mut columns: Vec<SortColumn> =
        keys.of(all).map(|key| SortColumn { values: plain_zeros(key), options }).collect();
    // Of equal ones the first.
    let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..all.num_rows() as u64));
    columns.push(SortColumn { values: numbers, options: None });
    Ok(lexsort_to_indices(&columns, Some(rows))?)
}

/// The places of the first rows as they are sorted.
fn sorted(all: &RecordBatch, keys: &Keys, directions: &[Direction], rows: usize) -> Result<UInt32Array> {
    let columns: Vec<ArrayRef> = keys.of(all).map(Arc::clone).collect();
    let types = columns.iter().zip(directions).map(|(key, direction)| (key.data_type().clone(), *direction));
    let layout = KeyLayout::new(&types.collect::<Vec<_>>())?;
    let mut places = layout.encode(&columns)?.sorted();
    places.truncate(rows);
    Ok(UInt32Array::from(places))
}

/// Zeros are equal: the order of bits would put -0.0 before 0.0.
fn plain_zeros(key: &ArrayRef) -> ArrayRef {
    match key.data_type() {
        DataType::Float64 => Arc::new(key.as_primitive::<Float64Type>().unary::<_, Float64Type>(|v| v + 0.0)),
        DataType::Float32 => Arc::new(key.as_primitive::<Float32Type>().unary::<_, Float32Type>(|v| v + 0.0)),
        _ => Arc::clone(key),
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
        let Self { top, keys, meter, first, .. } = self;
        if top.rows == 0 {
            return Ok(Flow::Enough);
        }
        let made = |batch: &RecordBatch| keys.with_keys(batch, meter);
        meter.in_pieces(&batch, made, |batch| {
            first.take(&batch, keys, top)?;
            Ok(Flow::More)
        })
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        self.first.cut(&self.keys, self.top)?;
        let First { held, mut memory, .. } = self.first;
        let columns: Vec<usize> = (0..self.schema.fields().len()).collect();
        let rows = held.iter().map(|batch| Ok(batch.project(&columns)?));
        let partition = Partition::new(Arc::clone(self.schema), rows.collect::<Result<_>>()?);
        memory.resize(partition.bytes())?;
        Ok(Outcome::Partition(Arc::new(Held { partition, memory })))
    }
}
