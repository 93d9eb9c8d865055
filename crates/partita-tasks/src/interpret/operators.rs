//! Operators: what is done to each batch on its way.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::datatypes::{Float64Type, Schema, SchemaRef, UInt64Type};
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::reduce::draw;

use super::Flow;
use super::distinct::{AddUp, Count, Resolve, Step, Thin};
use super::explode::Explode;
use super::group::{First, Last};
use super::running::Cumulate;
use super::sink::BatchSink;
use super::within::{Applied as AppliedGroups, Placed, Within};
use crate::error::{ErrorKind, Result};
use crate::expr::{Meter, Prepared};
use crate::host::{Host, MapFunction, Reservation, SlotValue};
use crate::program::{Operator, SlotId};

/// The operators of a program, with their running state.
pub(super) struct Chain<'a> {
    stages: Vec<Stage<'a>>,
}

enum Stage<'a> {
    Filter { predicate: Prepared, output_columns: usize, meter: Meter },
    Project { expressions: Prepared, schema: &'a SchemaRef, meter: Meter },
    RowIndex { next: u64, schema: &'a SchemaRef },
    Cumulate(Cumulate<'a>),
    Sample { next: u64, seed: u64, range: Range<f64> },
    Explode(Explode<'a>),
    Head { left: usize },
    Map(Gather<'a>),
    Step(Box<dyn Step + 'a>),
    Share { of: u64, schema: &'a SchemaRef },
}

/// A function wants its whole partition: the batches wait here.
struct Gather<'a> {
    function: Arc<dyn MapFunction>,
    schema: &'a SchemaRef,
    input: &'a SchemaRef,
    batches: Vec<RecordBatch>,
    bytes: usize,
    memory: Box<dyn Reservation>,
}

impl<'a> Chain<'a> {
    /// `comes_again`: the batches can be pushed more than once.
    pub(super) fn new(operators: &'a [Operator], comes_again: bool, host: &'a dyn Host) -> Result<Self> {
        let stages = operators.iter().enumerate();
        // Those behind the first one would have to begin again, too.
        let stages = stages.map(|(at, operator)| Stage::new(operator, comes_again && at == 0, host));
        Ok(Self { stages: stages.collect::<Result<_>>()? })
    }

    /// Pushes one batch through all stages.
    pub(super) fn push(&mut self, batch: RecordBatch, sink: &mut dyn BatchSink) -> Result<Flow> {
        push(&mut self.stages, batch, sink)
    }

    /// Lets the first stage go, behind all batches; says whether it wants them once more.
    pub(super) fn end_pass(&mut self, sink: &mut dyn BatchSink) -> Result<bool> {
        let Some((Stage::Step(step), rest)) = self.stages.split_first_mut() else { return Ok(false) };
        let flow = push_all(rest, step.finish()?, sink)?;
        Ok(flow == Flow::More && step.wants_again()?)
    }

    /// Lets the other stages go that gather, in order.
    pub(super) fn finish(&mut self, sink: &mut dyn BatchSink) -> Result<()> {
        let first = usize::from(matches!(self.stages.first(), Some(Stage::Step(_))));
        for index in first..self.stages.len() {
            let (before, after) = self.stages.split_at_mut(index + 1);
            let rest = match before.last_mut() {
                Some(Stage::Map(gather)) => gather.call()?,
                Some(Stage::Step(step)) => step.finish()?,
                _ => continue,
            };
            push_all(after, rest, sink)?;
        }
        Ok(())
    }
}

fn push(stages: &mut [Stage<'_>], batch: RecordBatch, sink: &mut dyn BatchSink) -> Result<Flow> {
    let Some((stage, rest)) = stages.split_first_mut() else {
        return sink.push(batch);
    };
    // What these make lives until the sink has it.
    match stage {
        Stage::Project { expressions, schema, meter } => {
            let made = |batch: &RecordBatch| project(batch, expressions, schema, meter);
            return meter.in_pieces(&batch, made, |batch| push(rest, batch, sink));
        }
        Stage::Cumulate(cumulate) => return cumulate.push(&batch, &mut |batch| push(rest, batch, sink)),
        Stage::Explode(explode) => return explode.push(&batch, &mut |batch| push(rest, batch, sink)),
        Stage::Step(step) => return push_all(rest, step.push(batch)?, sink),
        _ => {}
    }
    let (batch, flow) = match stage.apply(batch)? {
        Applied::Batch(batch) => (batch, Flow::More),
        Applied::Last(batch) => (batch, Flow::Enough),
        Applied::Nothing => return Ok(Flow::More),
    };
    if batch.num_rows() == 0 {
        return Ok(flow);
    }
    match push(rest, batch, sink)? {
        Flow::Enough => Ok(Flow::Enough),
        Flow::More => Ok(flow),
    }
}

/// Pushes batches until there are enough.
fn push_all(stages: &mut [Stage<'_>], batches: Vec<RecordBatch>, sink: &mut dyn BatchSink) -> Result<Flow> {
    for batch in batches {
        if batch.num_rows() > 0 && push(stages, batch, sink)? == Flow::Enough {
            return Ok(Flow::Enough);
        }
    }
    Ok(Flow::More)
}

enum Applied {
    Batch(RecordBatch),
    Last(RecordBatch),
    Nothing,
}

impl<'a> Stage<'a> {
    fn new(operator: &'a Operator, comes_again: bool, host: &'a dyn Host) -> Result<Self> {
        Ok(match operator {
            Operator::Filter { predicate, output_columns } => {
                let predicate = Prepared::new(std::slice::from_ref(predicate));
                Stage::Filter { predicate, output_columns: *output_columns, meter: Meter::new(host)? }
            }
            Operator::Project { expressions, schema } => {
                Stage::Project { expressions: Prepared::new(expressions), schema, meter: Meter::new(host)? }
            }
            Operator::RowIndex { offsets, partition, schema } => {
                Stage::RowIndex { next: offset(*offsets, *partition, host)?, schema }
            }
            Operator::Cumulate { columns, before, partition, schema } => {
                Stage::Cumulate(Cumulate::new(columns, *before, *partition, schema, host)?)
            }
            Operator::Sample { offsets, partition, seed, from, until } => {
                let next = offset(*offsets, *partition, host)?;
                Stage::Sample { next, seed: *seed, range: *from..*until }
            }
            Operator::Explode { column, keeps_empty, schema } => {
                Stage::Explode(Explode::new(*column, *keeps_empty, schema, host)?)
            }
            Operator::Head(rows) => Stage::Head { left: *rows },
            Operator::Thin(distinct) => Stage::Step(Box::new(Thin::new(distinct, host)?)),
            Operator::Distinct(distinct) => Stage::Step(Box::new(Resolve::new(distinct, host)?)),
            Operator::Count { schema } => Stage::Step(Box::new(Count::new(schema, host)?)),
            Operator::AddUp { schema } => Stage::Step(Box::new(AddUp::new(schema, host)?)),
            Operator::PartialGroup { group, partition } => {
                Stage::Step(Box::new(First::new(group, *partition, host)?))
            }
            Operator::FinalGroup(group) => Stage::Step(Box::new(Last::new(group, comes_again, host)?)),
            Operator::Place { keyed, partition } => {
                Stage::Step(Box::new(Placed::new(keyed, *partition, host)?))
            }
            Operator::Within(within) => Stage::Step(Box::new(Within::new(within, comes_again, host)?)),
            Operator::Apply(apply) => Stage::Step(Box::new(AppliedGroups::new(apply, host)?)),
            Operator::Share { offsets, partition, schema } => {
                Stage::Share { of: offset(*offsets, *partition, host)?, schema }
            }
            Operator::Map { function, input, schema } => Stage::Map(Gather {
                function: host.function(*function)?,
                schema,
                input,
                batches: Vec::new(),
                bytes: 0,
                memory: host.reserve("map_partitions", 0, "make block_size smaller")?,
            }),
        })
    }

    fn apply(&mut self, batch: RecordBatch) -> Result<Applied> {
        Ok(match self {
            Stage::Filter { predicate, output_columns, meter } => {
                Applied::Batch(filter(&batch, &predicate.mask(&batch, meter)?, *output_columns)?)
            }
            Stage::Project { .. } | Stage::Cumulate(_) | Stage::Explode(_) | Stage::Step(_) => {
                Applied::Batch(batch)
            }
            Stage::Share { of, schema } => Applied::Batch(shares(&batch, *of, schema)?),
            Stage::RowIndex { next, schema } => {
                let rows = batch.num_rows() as u64;
                let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(*next..*next + rows));
                *next += rows;
                let columns =
                    std::iter::once(numbers).chain(batch.columns().iter().map(Arc::clone)).collect();
                Applied::Batch(RecordBatch::try_new(Arc::clone(schema), columns)?)
            }
            Stage::Sample { next, seed, range } => {
                let rows = *next..*next + batch.num_rows() as u64;
                *next = rows.end;
                let mask = rows.map(|row| Some(range.contains(&draw(*seed, row)))).collect();
                Applied::Batch(compute::filter(&batch, &mask)?)
            }
            Stage::Head { left } => {
                let rows = batch.num_rows().min(*left);
                *left -= rows;
                let batch = if rows < batch.num_rows() { batch.slice(0, rows) } else { batch };
                if *left == 0 { Applied::Last(batch) } else { Applied::Batch(batch) }
            }
            Stage::Map(gather) => {
                gather.add(batch)?;
                Applied::Nothing
            }
        })
    }
}

/// The batch with its last column, counts, as shares.
fn shares(batch: &RecordBatch, of: u64, schema: &SchemaRef) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    let counts = columns.pop().ok_or_else(|| ErrorKind::Missing("counts".into()))?;
    let counts = counts.as_primitive_opt::<UInt64Type>();
    let counts = counts.ok_or_else(|| ErrorKind::Missing("counts as UInt64".into()))?;
    columns.push(Arc::new(counts.unary::<_, Float64Type>(|count| count as f64 / of as f64)));
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// The number of rows before a partition.
fn offset(offsets: SlotId, partition: usize, host: &dyn Host) -> Result<u64> {
    let SlotValue::Offsets(all) = host.slot(offsets)? else {
        return Err(ErrorKind::Missing("row offsets in their slot".into()).into());
    };
    all.get(partition).copied().ok_or_else(|| ErrorKind::Missing("a row offset".into()).into())
}

/// The rows where `mask` is true, of the first `output_columns` columns: nothing is gathered for the others.
pub(super) fn filter(batch: &RecordBatch, mask: &BooleanArray, output_columns: usize) -> Result<RecordBatch> {
    if output_columns == batch.num_columns() {
        return Ok(compute::filter(batch, mask)?);
    }
    if output_columns > 0 {
        let kept = batch.project(&(0..output_columns).collect::<Vec<_>>())?;
        return Ok(compute::filter(&kept, mask)?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(mask.true_count()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?)
}

/// Computes the columns of `schema`, one expression each.
pub(super) fn project(
    batch: &RecordBatch,
    expressions: &Prepared,
    schema: &SchemaRef,
    meter: &Meter,
) -> Result<RecordBatch> {
    let columns = expressions.columns(batch, schema, meter)?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

impl Gather<'_> {
    fn add(&mut self, batch: RecordBatch) -> Result<()> {
        self.bytes += batch.get_array_memory_size();
        self.memory.resize(self.bytes)?;
        self.batches.push(batch);
        Ok(())
    }

    fn call(&mut self) -> Result<Vec<RecordBatch>> {
        let batches = self.function.call(self.input, std::mem::take(&mut self.batches))?;
        for batch in &batches {
            check_declared(self.schema, &batch.schema())?;
        }
        // What came in is gone; what came out is held until the sink has taken it.
        self.memory.resize(unique_buffer_bytes(&batches))?;
        Ok(batches)
    }
}

/// A function must return what it declared: names and types, in order.
pub(super) fn check_declared(declared: &SchemaRef, returned: &SchemaRef) -> Result<()> {
    let show = |schema: &SchemaRef| {
        let fields = schema.fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type()));
        fields.collect::<Vec<_>>().join(", ")
    };
    let same =
        declared.fields().len() == returned.fields().len()
            && declared.fields().iter().zip(returned.fields()).all(|(expected, got)| {
                expected.name() == got.name() && expected.data_type() == got.data_type()
            });
    if same {
        return Ok(());
    }
    let message = format!("declared the columns ({}), returned ({})", show(declared), show(returned));
    Err(ErrorKind::Function(message).into())
}
