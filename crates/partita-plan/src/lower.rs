//! From plans to tasks: one [`Pipeline`] a partition, finished by a sink into a Program.

mod exchange;
mod reduce;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use partita_formats::csv::options::OnMismatch;
use partita_formats::output::Format;
use partita_formats::parquet::WriteOptions;
use partita_formats::rows::RowsOptions;
use partita_schedule::graph::{Graph, Kind, TaskId};
use partita_tasks::BoundExpr;
use partita_tasks::program::{
    CsvFile, DatasetId, Operator, PROGRAM_VERSION, Program, ScanStart, Sink, SlotId, Source, StoreKey,
    StreamId,
};

use crate::error::{ErrorKind, Result};
use crate::node::PlanRef;

/// Where the rows of a plan go.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Target {
    /// Each partition is collected.
    Collect,
    /// The first rows of each partition are collected.
    Head(usize),
    /// The last rows of each partition are collected.
    Tail(usize),
    /// Rows are counted.
    Count,
    /// Values that are not null are counted, column by column.
    CountValues,
    /// Each partition is stored under a frame's number.
    Store {
        /// The frame.
        frame: u64,
        /// The index, whose first and last value in each frame are to be known.
        index: Option<usize>,
    },
    /// The same, for a reader that takes its batches once.
    Stream {
        /// The frame.
        frame: u64,
    },
    /// Each partition is encoded into a data set of Parquet.
    Parquet {
        /// The data set.
        dataset: DatasetId,
        /// How to encode.
        options: Arc<WriteOptions>,
        /// The first partition that is wanted; those before it have no task.
        first: usize,
    },
    /// Each partition is encoded into a data set of files of rows.
    Rows {
        /// The data set.
        dataset: DatasetId,
        /// How to encode.
        options: Arc<RowsOptions>,
        /// The first partition that is wanted; those before it have no task.
        first: usize,
    },
}

/// How the blocks of files find their first records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starts {
    /// By guessing wherever all blocks are read to their ends, which proves the guesses; an error that says so ends the
    /// run where one was wrong.
    Guessed,
    /// By a search through each file before its blocks are read.
    Searched,
}

impl Target {
    /// Each partition from `first` on is encoded into a data set.
    pub fn dataset(dataset: DatasetId, format: &Format, first: usize) -> Self {
        match format {
            Format::Rows(options) => {
                Target::Rows { dataset, options: Arc::new(RowsOptions::clone(options)), first }
            }
            Format::Parquet(options) => {
                Target::Parquet { dataset, options: Arc::new(WriteOptions::clone(options)), first }
            }
        }
    }

    /// Whether every block is read to its end, and none before the first wanted one is left out.
    fn reads_all(&self) -> bool {
        match self {
            Target::Collect
            | Target::Count
            | Target::CountValues
            | Target::Store { .. }
            | Target::Stream { .. } => true,
            Target::Parquet { first, .. } | Target::Rows { first, .. } => *first == 0,
            Target::Head(_) | Target::Tail(_) => false,
        }
    }

    fn first_partition(&self) -> usize {
        match self {
            Target::Parquet { first, .. } | Target::Rows { first, .. } => *first,
            _ => 0,
        }
    }
}

/// A graph that is ready to run.
#[derive(Debug)]
pub struct Lowered {
    /// The tasks.
    pub graph: Graph<Program>,
    /// One task a wanted partition, in order.
    pub targets: Vec<TaskId>,
    /// The columns of what reaches the sinks.
    pub schema: SchemaRef,
}

/// A program that has no sink yet.
#[derive(Debug)]
pub struct Pipeline {
    label: &'static str,
    source: Source,
    operators: Vec<Operator>,
    schema: SchemaRef,
    input_bytes: u64,
    /// Rows at most, where that is known of rows that are held.
    pub(crate) held_rows: Option<u64>,
    /// Tasks that must be done before.
    pub(crate) dependencies: Vec<TaskId>,
}

impl Pipeline {
    /// A pipeline that hands on the batches of `source`, which reads `input_bytes` of input.
    pub(crate) fn new(label: &'static str, source: Source, schema: SchemaRef, input_bytes: u64) -> Self {
        let (operators, dependencies) = (Vec::new(), Vec::new());
        Self { label, source, operators, schema, input_bytes, held_rows: None, dependencies }
    }

    fn quarantines(&self) -> bool {
        matches!(&self.source, Source::Csv(scan) if scan.file.block.on_mismatch == OnMismatch::Quarantine)
    }
}

/// The state of one lowering: the graph as far as it is built, and the numbers given out.
#[derive(Debug)]
pub struct Lowering {
    graph: Graph<Program>,
    next_slot: u64,
    next_stream: u64,
    fuse: bool,
    starts: Starts,
    /// Compressed blocks are decompressed ahead of their tasks: whole blocks are wanted.
    reads_ahead: bool,
    /// One search for block starts serves every scan of the same file and cut.
    block_starts: HashMap<(String, u64, u64), (SlotId, TaskId)>,
    /// The last task of each decompressor: the next block goes on from it.
    streams: HashMap<StreamId, TaskId>,
}

/// What is left of a program that has its block decompressed ahead.
fn behind(mut program: Program) -> Program {
    if let Source::Csv(scan) = &mut program.source {
        scan.start = ScanStart::Decompressed;
    }
    program
}

/// Lowers a plan of any stage.
///
/// # Errors
/// Where an expression does not bind, which the construction of the plan has excluded.
pub fn lower(plan: &PlanRef, target: &Target, starts: Starts) -> Result<Lowered> {
    let mut lowering = Lowering {
        graph: Graph::new(),
        next_slot: 0,
        next_stream: 0,
        fuse: false,
        starts: if target.reads_all() { starts } else { Starts::Searched },
        reads_ahead: !matches!(target, Target::Head(_) | Target::Tail(_)),
        block_starts: HashMap::new(),
        streams: HashMap::new(),
    };
    let pipelines = lowering.lower(plan)?;
    let targets = pipelines.into_iter().enumerate().skip(target.first_partition());
    let targets = targets.map(|(partition, pipeline)| lowering.finish(pipeline, target, partition));
    let targets = targets.collect::<Result<_>>()?;
    Ok(Lowered { graph: lowering.graph, targets, schema: Arc::clone(plan.schema()) })
}

impl Lowering {
    /// One pipeline for each partition of `plan`.
    pub(crate) fn lower(&mut self, plan: &PlanRef) -> Result<Vec<Pipeline>> {
        plan.operator().lower(self)
    }

    /// Whether blocks may guess their starts: whether every one that is lowered here is read.
    pub(crate) fn guesses(&self) -> bool {
        self.starts == Starts::Guessed
    }

    /// Whether the blocks of compressed files should be decompressed ahead of their tasks.
    pub(crate) fn reads_ahead(&self) -> bool {
        self.reads_ahead
    }

    /// Lowers with starts searched for: for operators that leave blocks out, or that show rows to others before it is known
    /// that they are right.
    pub(crate) fn searched<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.starts, Starts::Searched);
        let done = lower(self);
        self.starts = before;
        done
    }

    /// Lowers with fusion: operators are added to the pipelines of their input.
    pub(crate) fn fused<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.fuse, true);
        let done = lower(self);
        self.fuse = before;
        done
    }

    /// Adds one operator to each pipeline; without fusion, as a task of its own.
    pub(crate) fn chain(
        &mut self,
        pipelines: Vec<Pipeline>,
        schema: &SchemaRef,
        operator: impl Fn(usize) -> Operator,
    ) -> Result<Vec<Pipeline>> {
        let pipelines = pipelines.into_iter().enumerate();
        let chained = pipelines.map(|(partition, pipeline)| {
            let mut pipeline = if self.fuse { pipeline } else { self.cut(pipeline, partition)? };
            pipeline.operators.push(operator(partition));
            pipeline.schema = Arc::clone(schema);
            Ok(pipeline)
        });
        chained.collect()
    }

    /// The rows of the pipelines in other partitions: of each range those where a condition is true. Each pipeline is collected by a
    /// task of its own.
    ///
    /// # Errors
    /// Where the graph would be too large.
    pub(crate) fn regrouped(
        &mut self,
        pipelines: Vec<Pipeline>,
        groups: Vec<(Range<usize>, Option<BoundExpr>)>,
        schema: &SchemaRef,
    ) -> Result<Vec<Pipeline>> {
        let collected = pipelines.into_iter().enumerate();
        let collected = collected.map(|(number, pipeline)| self.finish(pipeline, &Target::Collect, number));
        let tasks = collected.collect::<Result<Vec<TaskId>>>()?;
        let output_columns = schema.fields().len();
        let regrouped = groups.into_iter().map(|(range, predicate)| {
            let mut pipeline = Pipeline::new("regroup", Source::Inputs, Arc::clone(schema), 0);
            pipeline.dependencies = tasks.get(range).unwrap_or_default().to_vec();
            pipeline
                .operators
                .extend(predicate.map(|predicate| Operator::Filter { predicate, output_columns }));
            pipeline
        });
        Ok(regrouped.collect())
    }

    /// Ends a pipeline in a collected partition, and begins the next with it.
    fn cut(&mut self, pipeline: Pipeline, partition: usize) -> Result<Pipeline> {
        let schema = Arc::clone(&pipeline.schema);
        let task = self.finish(pipeline, &Target::Collect, partition)?;
        let mut next = Pipeline::new("step", Source::Input(Arc::clone(&schema)), schema, 0);
        next.dependencies.push(task);
        Ok(next)
    }

    fn finish(&mut self, mut pipeline: Pipeline, target: &Target, partition: usize) -> Result<TaskId> {
        let (name, sink) = match target {
            Target::Collect => ("collect", Sink::Collect),
            Target::Head(rows) => {
                pipeline.operators.push(Operator::Head(*rows));
                ("head", Sink::Collect)
            }
            Target::Tail(rows) => ("tail", Sink::Tail { rows: *rows }),
            Target::Count => ("count", Sink::Count),
            Target::CountValues => ("count values", Sink::CountValues),
            Target::Store { frame, index } => {
                ("persist", Sink::Store { key: stored(*frame, partition), index: *index })
            }
            Target::Stream { frame } => ("batches", Sink::Stream(stored(*frame, partition))),
            Target::Parquet { dataset, options, .. } => {
                ("to_parquet", Sink::Parquet { dataset: *dataset, partition, options: Arc::clone(options) })
            }
            Target::Rows { dataset, options, .. } => {
                ("to_rows", Sink::Rows { dataset: *dataset, partition, options: Arc::clone(options) })
            }
        };
        self.add(pipeline, name, sink)
    }

    fn add(&mut self, mut pipeline: Pipeline, name: &str, sink: Sink) -> Result<TaskId> {
        let (stream, is_ahead) = match &pipeline.source {
            Source::Csv(scan) => match scan.start {
                ScanStart::Stream(stream) => (Some(stream), false),
                ScanStart::Ahead(stream) => (Some(stream), true),
                _ => (None, false),
            },
            _ => (None, false),
        };
        pipeline.dependencies.extend(stream.and_then(|stream| self.streams.get(&stream)));
        let kind = match pipeline.source {
            Source::Csv(_)
            | Source::CsvBlockStarts(_)
            | Source::Parquet(_)
            | Source::Ndjson(_)
            | Source::Ipc(_) => Kind::Source { input_bytes: pipeline.input_bytes },
            Source::Counts(_) => Kind::Barrier,
            _ => Kind::Compute,
        };
        let program = Program {
            version: PROGRAM_VERSION,
            source: pipeline.source,
            operators: pipeline.operators,
            schema: pipeline.schema,
            sink,
        };
        let label = format!("{} -> {name}", pipeline.label);
        let rest = is_ahead.then(|| behind(program.clone()));
        let first =
            if is_ahead { format!("{}: decompress -> {name}", pipeline.label) } else { label.clone() };
        let task = self.graph.add(&first, kind, &pipeline.dependencies, program)?;
        if let Some(stream) = stream {
            self.streams.insert(stream, task);
        }
        match rest {
            Some(rest) => Ok(self.graph.add(&label, kind, &[task], rest)?),
            None => Ok(task),
        }
    }

    fn slot(&mut self) -> SlotId {
        self.next_slot += 1;
        SlotId(self.next_slot)
    }

    /// A number for the decompressor of one scan of one file.
    pub(crate) fn stream(&mut self) -> StreamId {
        self.next_stream += 1;
        StreamId(self.next_stream)
    }

    /// The slot with the block starts of `file`, and the task that publishes it.
    pub(crate) fn block_starts(&mut self, file: &Arc<CsvFile>) -> Result<(SlotId, TaskId)> {
        let key = (file.path.clone(), file.block.data_start, file.block_bytes);
        if let Some(found) = self.block_starts.get(&key) {
            return Ok(*found);
        }
        let slot = self.slot();
        let source = Source::CsvBlockStarts(Arc::clone(file));
        let pipeline = Pipeline::new("read_csv", source, Arc::new(Schema::empty()), file.bytes);
        let task = self.add(pipeline, "block starts", Sink::BlockStarts(slot))?;
        self.block_starts.insert(key, (slot, task));
        Ok((slot, task))
    }

    /// Counts the rows of each pipeline and adds them up: the slot with the rows before each, and its barrier.
    ///
    /// # Errors
    /// Where records may be set aside: the rows before a partition are known only when all before it have been read.
    pub(crate) fn row_offsets(&mut self, counted: Vec<Pipeline>) -> Result<(SlotId, TaskId)> {
        if counted.iter().any(Pipeline::quarantines) {
            let message = "with_row_index: rows are numbered before it is known which records are set aside; drop \
                           the row index, or on_mismatch(OnMismatch::Quarantine) (--on-mismatch quarantine)";
            return Err(ErrorKind::Option(message.into()).into());
        }
        let mut counts = Vec::with_capacity(counted.len());
        let mut tasks = Vec::with_capacity(counted.len());
        for pipeline in counted {
            let slot = self.slot();
            counts.push(slot);
            tasks.push(self.add(pipeline, "count", Sink::PublishCount(slot))?);
        }
        let offsets = self.slot();
        let schema = Arc::new(Schema::empty());
        let mut barrier = Pipeline::new("rows", Source::Counts(counts), schema, 0);
        barrier.dependencies = tasks;
        Ok((offsets, self.add(barrier, "row offsets", Sink::RowOffsets(offsets))?))
    }
}

fn stored(frame: u64, partition: usize) -> StoreKey {
    StoreKey { frame, partition: u32::try_from(partition).unwrap_or(u32::MAX) }
}
