//! Sinks: where a task's batches go.

mod parquet;
mod rows;

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::sort::{Direction, KeyLayout};
use partita_columns::{Partition, Scalar, compute};
use partita_formats::csv::blocks;
use partita_formats::csv::options::OnMismatch;
use partita_formats::io::ReadAt;

use super::exchange::{Cut, CutRows, SortRuns, StoreRows};
use super::reduce::{Merger, Reducer};
use super::running::{PublishBefore, Top};
use super::{Fence, Flow, Held, Outcome};
use crate::error::{ErrorKind, Result};
use crate::exchange::By;
use crate::host::{Host, Reservation, SlotValue, StoreWriter};
use crate::program::{CsvFile, Program, Sink, SlotId, Source, StoreKey};

/// Rows that small batches are gathered to before they are kept.
const BATCH_ROWS: usize = 8192;

/// A frame of the store is handed over once it has this many rows, or this many bytes. Frames are cut between batches, by
/// the rows alone, so that a partition that is computed again has the same ones.
const FRAME_ROWS: usize = 64 << 10;
const FRAME_BYTES: usize = 4 << 20;

/// The same where rows are read once: batches go on as they come, unless they are small.
const STREAMED_ROWS: usize = BATCH_ROWS / 2;
const STREAMED_BYTES: usize = 256 << 10;

/// The end of the chain.
pub(super) trait BatchSink {
    /// Takes one batch with at least one row.
    fn push(&mut self, batch: RecordBatch) -> Result<Flow>;

    /// Called between the partitions of a source that has several.
    ///
    /// # Errors
    /// Where the sink takes one.
    fn end_partition(&mut self) -> Result<()> {
        Err(ErrorKind::Missing("a sink that takes several partitions".into()).into())
    }

    /// Called once, after the last batch.
    fn finish(self: Box<Self>) -> Result<Outcome>;
}

/// Opens the sink of a program.
pub(super) fn open<'a>(
    program: &'a Program,
    inputs: &[Outcome],
    host: &'a dyn Host,
) -> Result<Box<dyn BatchSink + 'a>> {
    Ok(match &program.sink {
        Sink::Collect => Box::new(Collect::new(&program.schema, host)?),
        Sink::Store { key, index } => {
            let mut store = Store::new(&program.schema, *key, (FRAME_ROWS, FRAME_BYTES), host)?;
            store.index = *index;
            Box::new(store)
        }
        Sink::Stream(key) => {
            Box::new(Store::new(&program.schema, *key, (STREAMED_ROWS, STREAMED_BYTES), host)?)
        }
        Sink::Tail { rows } => Box::new(Tail::new(&program.schema, *rows, host)?),
        Sink::Count => Box::new(Count { rows: 0, publish: None, host }),
        Sink::CountValues => Box::new(CountValues { counts: vec![0; program.schema.fields().len()] }),
        Sink::PublishCount(slot) => Box::new(Count { rows: 0, publish: Some(*slot), host }),
        Sink::RowOffsets(slot) => match &program.source {
            Source::Counts(counts) => Box::new(RowOffsets { counts, slot: *slot, host }),
            _ => return Err(ErrorKind::Missing("counts to make row offsets of".into()).into()),
        },
        Sink::BlockStarts(slot) => match &program.source {
            Source::CsvBlockStarts(file) => Box::new(BlockStarts { file, slot: *slot, host }),
            _ => return Err(ErrorKind::Missing("a file to find block starts in".into()).into()),
        },
        Sink::Reduce(reduce) => {
            if matches!(program.source, Source::States) {
                Box::new(Merger::new(reduce, inputs, host)?)
            } else {
                Box::new(Reducer::new(reduce, host)?)
            }
        }
        Sink::Before { reduce, slot } => Box::new(PublishBefore::new(reduce, inputs, *slot, host)),
        Sink::Top(top) => Box::new(Top::new(top, &program.schema, host)?),
        Sink::Runs { spec, partition } => match spec.by {
            By::Place { .. } => Box::new(StoreRows::new(spec, host)?),
            By::Order(_) | By::Hash(_) => Box::new(SortRuns::new(spec, *partition, host)?),
        },
        Sink::Exchange(spec) => match spec.by {
            By::Place { .. } => Box::new(CutRows::new(spec, inputs)?),
            By::Order(_) | By::Hash(_) => Box::new(Cut::new(spec, inputs, host)?),
        },
        Sink::Parquet { dataset, partition, options } => {
            parquet::open(program, *dataset, *partition, options, host)?
        }
        Sink::Rows { dataset, partition, options } => {
            Box::new(rows::Rows::open(program, *dataset, *partition, options, host)?)
        }
    })
}

/// Gathers batches into a partition; small ones are joined, so that a selective filter does not leave thousands.
struct Collect<'a> {
    schema: &'a SchemaRef,
    batches: Vec<RecordBatch>,
    small: Vec<RecordBatch>,
    small_rows: usize,
    bytes: usize,
    memory: Box<dyn Reservation>,
}

impl<'a> Collect<'a> {
    fn new(schema: &'a SchemaRef, host: &'a dyn Host) -> Result<Self> {
        let way_out = "stream the rows with batches(), or write them with to_parquet()";
        let memory = host.reserve("compute", 0, way_out)?;
        Ok(Self { schema, batches: Vec::new(), small: Vec::new(), small_rows: 0, bytes: 0, memory })
    }

    fn keep(&mut self, batch: RecordBatch) -> Result<()> {
        self.bytes += unique_buffer_bytes(std::slice::from_ref(&batch));
        self.memory.resize(self.bytes)?;
        self.batches.push(batch);
        Ok(())
    }

    fn join_small(&mut self) -> Result<()> {
        self.small_rows = 0;
        let small = std::mem::take(&mut self.small);
        match small.len() {
            0 => Ok(()),
            1 => small.into_iter().try_for_each(|batch| self.keep(batch)),
            _ => {
                let joined = concat_batches(self.schema, &small)?;
                self.keep(compute::compact(&joined)?)
            }
        }
    }
}

impl BatchSink for Collect<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        let batch = compute::compact(&batch)?;
        if batch.num_rows() >= BATCH_ROWS / 2 {
            self.join_small()?;
            self.keep(batch)?;
            return Ok(Flow::More);
        }
        self.small_rows += batch.num_rows();
        self.small.push(batch);
        if self.small_rows >= BATCH_ROWS / 2 {
            self.join_small()?;
        }
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        self.join_small()?;
        let partition = Partition::new(Arc::clone(self.schema), self.batches);
        self.memory.resize(partition.bytes())?;
        Ok(Outcome::Partition(Arc::new(Held { partition, memory: self.memory })))
    }
}

/// Gathers batches into frames and hands each to the store, which may send it to disk: a task holds one frame.
struct Store<'a> {
    schema: &'a SchemaRef,
    host: &'a dyn Host,
    writer: Box<dyn StoreWriter + 'a>,
    gathered: Vec<RecordBatch>,
    gathered_rows: usize,
    gathered_bytes: usize,
    /// Rows and bytes from which a frame is handed over.
    frame: (usize, usize),
    rows: u64,
    /// The index, and what is known of it frame by frame.
    index: Option<usize>,
    fences: Vec<Fence>,
    memory: Box<dyn Reservation>,
}

impl<'a> Store<'a> {
    fn new(schema: &'a SchemaRef, key: StoreKey, frame: (usize, usize), host: &'a dyn Host) -> Result<Self> {
        Ok(Self {
            schema,
            host,
            writer: host.store(key)?,
            gathered: Vec::new(),
            gathered_rows: 0,
            gathered_bytes: 0,
            frame,
            rows: 0,
            index: None,
            fences: Vec::new(),
            memory: reserve_frame(host)?,
        })
    }

    /// Hands what was gathered over as one batch.
    fn flush(&mut self) -> Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        let (batch, bytes) = match <[RecordBatch; 1]>::try_from(gathered) {
            Ok([one]) => (one, self.gathered_bytes),
            Err(several) if several.is_empty() => return Ok(()),
            Err(several) => {
                // For a moment the parts and the whole are there.
                self.memory.resize(self.gathered_bytes * 2)?;
                let whole = compute::concat(self.schema, &several)?;
                let bytes = unique_buffer_bytes(std::slice::from_ref(&whole));
                (whole, bytes)
            }
        };
        self.rows += batch.num_rows() as u64;
        if let Some(column) = self.index.and_then(|column| batch.columns().get(column)) {
            self.fences.push(fence(column).unwrap_or_default());
        }
        (self.gathered_rows, self.gathered_bytes) = (0, 0);
        let mut memory = std::mem::replace(&mut self.memory, reserve_frame(self.host)?);
        memory.resize(bytes)?;
        self.writer.push(batch, memory)
    }
}

fn reserve_frame(host: &dyn Host) -> Result<Box<dyn Reservation>> {
    host.reserve("persist", 0, "give spill_dirs a disk with more room")
}

impl BatchSink for Store<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        let batch = compute::compact(&batch)?;
        self.gathered_rows += batch.num_rows();
        self.gathered_bytes += unique_buffer_bytes(std::slice::from_ref(&batch));
        self.memory.resize(self.gathered_bytes)?;
        self.gathered.push(batch);
        if self.gathered_rows >= self.frame.0 || self.gathered_bytes >= self.frame.1 {
            self.flush()?;
        }
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        self.flush()?;
        self.writer.finish()?;
        Ok(if self.index.is_some() { Outcome::Stored(self.fences.into()) } else { Outcome::Count(self.rows) })
    }
}

/// The first and the last value of a column of at least one row, where its rows are in order.
///
/// # Errors
/// Where values have no order, or cannot be told one by one.
fn fence(column: &ArrayRef) -> Result<Fence> {
    let layout = KeyLayout::new(&[(column.data_type().clone(), Direction::default())])?;
    if !layout.encode(std::slice::from_ref(column))?.is_sorted() {
        return Ok(None);
    }
    let value = |row| Scalar::try_from_array(column, row);
    Ok(Some((value(0)?, value(column.len().saturating_sub(1))?)))
}

/// Keeps the last rows.
struct Tail<'a> {
    schema: &'a SchemaRef,
    rows: usize,
    held: VecDeque<RecordBatch>,
    held_rows: usize,
    memory: Box<dyn Reservation>,
}

impl<'a> Tail<'a> {
    fn new(schema: &'a SchemaRef, rows: usize, host: &dyn Host) -> Result<Self> {
        let memory = host.reserve("tail", 0, "ask for fewer rows")?;
        Ok(Self { schema, rows, held: VecDeque::new(), held_rows: 0, memory })
    }
}

impl BatchSink for Tail<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        self.held_rows += batch.num_rows();
        self.held.push_back(batch);
        while let Some(first) = self.held.front() {
            if self.held_rows - first.num_rows() < self.rows {
                break;
            }
            self.held_rows -= first.num_rows();
            self.held.pop_front();
        }
        let bytes = self.held.iter().map(RecordBatch::get_array_memory_size).sum();
        self.memory.resize(bytes)?;
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        let surplus = self.held_rows.saturating_sub(self.rows);
        if let Some(first) = self.held.front_mut() {
            let surplus = surplus.min(first.num_rows());
            *first = compute::compact(&first.slice(surplus, first.num_rows() - surplus))?;
        }
        self.held.retain(|batch| batch.num_rows() > 0);
        let partition = Partition::new(Arc::clone(self.schema), self.held.into());
        self.memory.resize(partition.bytes())?;
        Ok(Outcome::Partition(Arc::new(Held { partition, memory: self.memory })))
    }
}

struct Count<'a> {
    rows: u64,
    publish: Option<SlotId>,
    host: &'a dyn Host,
}

impl BatchSink for Count<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        self.rows += batch.num_rows() as u64;
        Ok(Flow::More)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        if let Some(slot) = self.publish {
            self.host.publish(slot, SlotValue::Count(self.rows));
        }
        Ok(Outcome::Count(self.rows))
    }
}

struct CountValues {
    counts: Vec<u64>,
}

impl BatchSink for CountValues {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        for (count, column) in self.counts.iter_mut().zip(batch.columns()) {
            *count += (column.len() - column.null_count()) as u64;
        }
        Ok(Flow::More)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::Counts(self.counts.into()))
    }
}

struct RowOffsets<'a> {
    counts: &'a [SlotId],
    slot: SlotId,
    host: &'a dyn Host,
}

impl BatchSink for RowOffsets<'_> {
    fn push(&mut self, _: RecordBatch) -> Result<Flow> {
        Ok(Flow::Enough)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let mut next = 0;
        let mut offsets = Vec::with_capacity(self.counts.len());
        for slot in self.counts {
            offsets.push(next);
            let SlotValue::Count(rows) = self.host.slot(*slot)? else {
                return Err(ErrorKind::Missing("a row count in its slot".into()).into());
            };
            next += rows;
        }
        self.host.publish(self.slot, SlotValue::Offsets(offsets.into()));
        Ok(Outcome::Done)
    }
}

struct BlockStarts<'a> {
    file: &'a CsvFile,
    slot: SlotId,
    host: &'a dyn Host,
}

impl BlockStarts<'_> {
    fn find(&self, input: &Arc<dyn ReadAt>) -> Result<blocks::BlockStarts> {
        let CsvFile { block, block_bytes, .. } = self.file;
        let cancelled = || self.host.is_cancelled();
        Ok(if block.on_mismatch == OnMismatch::Quarantine {
            blocks::find_block_starts_and_lines(&**input, block, *block_bytes, &cancelled)?
        } else {
            let (dialect, start) = (&block.dialect, block.data_start);
            blocks::find_block_starts(&**input, &block.file, dialect, start, *block_bytes, &cancelled)?
        })
    }
}

impl BatchSink for BlockStarts<'_> {
    fn push(&mut self, _: RecordBatch) -> Result<Flow> {
        Ok(Flow::Enough)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let file = self.file;
        self.host.check_unchanged(&file.path, file.bytes, file.modified_ns)?;
        let input = self.host.open(&file.path)?;
        let _memory = self.host.reserve("find block starts", blocks::BUFFER_BYTES, "use fewer threads")?;
        let starts = self.find(&input)?;
        if self.host.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        self.host.publish(self.slot, SlotValue::BlockStarts(Arc::new(starts)));
        Ok(Outcome::Done)
    }
}
