//! All values of a column, sorted and counted, in little memory: runs of keys in the session's store, which sends them to disk
//! where memory is short. Sixteen runs are merged at a time. As long as few values are different they are counted, not sorted.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::reduce::{Few, Gather, merge_step};

use crate::error::{ErrorKind, Result};
use crate::host::{Host, Reservation, Scratch, StoreWriter, StoredBatches};

/// Different values that are counted as they come, before a task sorts.
const COUNTED_VALUES: usize = 32 << 10;

/// Bytes of keys that a task gathers before it sorts them.
const GATHERED_BYTES: usize = 2 << 20;

/// Bytes of runs that a task holds before it hands them to the store.
const HELD_BYTES: usize = 1 << 20;

/// A run of so few bytes travels with its task's outcome.
const SMALL_BYTES: usize = 16 << 10;

/// Runs are stored in batches of so many keys, and of about so many bytes.
const FRAME_KEYS: usize = 8 << 10;
const FRAME_BYTES: usize = 128 << 10;

/// Runs that are merged at once.
const RUNS_MERGED: usize = 16;

/// About what is known of a run in the store.
const LEASE_BYTES: usize = 64;

pub(super) const WAY_OUT: &str = "ask for an approximate answer: approx_nunique, approx_quantile";

/// A sorted run.
#[derive(Debug, Clone)]
pub(crate) enum Run {
    /// Small, or on its way.
    Here(RecordBatch),
    /// In the store, until the last task that reads it is done.
    Stored(Arc<dyn Scratch>),
}

/// What tasks hand on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sorted {
    pub(crate) runs: Vec<Run>,
    pub(crate) valid: u64,
    pub(crate) nulls: u64,
}

impl Sorted {
    pub(crate) fn merge(&mut self, later: &Sorted) {
        self.runs.extend(later.runs.iter().cloned());
        self.valid += later.valid;
        self.nulls += later.nulls;
    }

    /// Merges runs until there are few. Those of earlier tasks stay until this one is done, as it may be run again; its own go at
    /// once.
    pub(crate) fn compact(&mut self, host: &dyn Host) -> Result<()> {
        while self.runs.len() > RUNS_MERGED {
            let mut runs = std::mem::take(&mut self.runs).into_iter();
            loop {
                let some: Vec<Run> = runs.by_ref().take(RUNS_MERGED).collect();
                if some.is_empty() {
                    break;
                }
                let mut writer = RunWriter::new(host)?;
                walk(&some, host, |batch| writer.push(&batch))?;
                self.runs.push(writer.finish()?);
            }
        }
        Ok(())
    }

    /// Bytes of memory that runs take which are not in the store.
    pub(crate) fn memory_bytes(&self) -> usize {
        let run = |run: &Run| match run {
            Run::Here(batch) => unique_buffer_bytes(std::slice::from_ref(batch)),
            Run::Stored(_) => 0,
        };
        self.runs.capacity() * (size_of::<Run>() + LEASE_BYTES) + self.runs.iter().map(run).sum::<usize>()
    }
}

/// Takes the rows of one task.
pub(super) struct Sorter<'a> {
    host: &'a dyn Host,
    /// As long as few values are different.
    few: Option<Few>,
    gather: Gather,
    held: Vec<RecordBatch>,
    held_bytes: usize,
    sorted: Sorted,
    /// Bytes that may be gathered, by the number of columns that are sorted.
    share: usize,
    memory: Box<dyn Reservation>,
}

impl<'a> Sorter<'a> {
    pub(super) fn new(host: &'a dyn Host, data_type: &DataType, columns: usize) -> Result<Self> {
        Ok(Self {
            host,
            few: Some(Few::new(data_type, COUNTED_VALUES / columns.max(1))?),
            gather: Gather::new(data_type)?,
            held: Vec::new(),
            held_bytes: 0,
            sorted: Sorted::default(),
            share: columns.max(1),
            memory: host.reserve("reduce", 0, WAY_OUT)?,
        })
    }

    pub(super) fn update(&mut self, column: &ArrayRef) -> Result<()> {
        let nulls = column.logical_null_count();
        self.sorted.nulls += nulls as u64;
        self.sorted.valid += (column.len() - nulls) as u64;
        let Some(few) = &mut self.few else { return self.gather(column) };
        let need = few.need_bytes(column.len());
        if need + 3 * self.held_bytes > self.memory.bytes() {
            self.memory.resize(need + 3 * self.held_bytes)?;
        }
        let taken = few.add(column)?;
        if taken == column.len() {
            return Ok(());
        }
        self.stop_counting()?;
        self.gather(&column.slice(taken, column.len() - taken))
    }

    /// What was counted is a run like others.
    fn stop_counting(&mut self) -> Result<()> {
        let Some(mut few) = self.few.take() else { return Ok(()) };
        let run = few.take_run()?;
        self.hold(run);
        self.reserve(0)
    }

    fn gather(&mut self, column: &ArrayRef) -> Result<()> {
        self.reserve(self.gather.memory_bytes() + Gather::need_bytes(column))?;
        self.gather.push(column)?;
        if self.gather.memory_bytes() >= GATHERED_BYTES / self.share {
            self.sort()?;
        }
        Ok(())
    }

    /// Held runs, and twice that for merging them.
    fn reserve(&mut self, gathered_bytes: usize) -> Result<()> {
        self.memory.resize(gathered_bytes + 3 * self.held_bytes)
    }

    fn sort(&mut self) -> Result<()> {
        let run = self.gather.take_run()?;
        self.hold(run);
        self.reserve(0)?;
        if self.held_bytes > HELD_BYTES / self.share {
            let merged = self.merge_held()?;
            // Few distinct values stay; many go.
            if self.held_bytes > HELD_BYTES / self.share / 2 {
                self.store(&merged)?;
            } else {
                self.held = merged;
            }
        }
        self.reserve(0)
    }

    fn hold(&mut self, run: RecordBatch) {
        self.held_bytes += unique_buffer_bytes(std::slice::from_ref(&run));
        self.held.push(run);
    }

    /// All held runs as one, in pieces.
    fn merge_held(&mut self) -> Result<Vec<RecordBatch>> {
        let mut fronts = std::mem::take(&mut self.held);
        let mut merged = Vec::new();
        while let Some(batch) = merge_step(&mut fronts)? {
            merged.push(batch);
        }
        let merged = match merged.first() {
            Some(first) if merged.len() > 1 => vec![compute::concat(&first.schema(), &merged)?],
            _ => merged,
        };
        self.held_bytes = unique_buffer_bytes(&merged);
        Ok(merged)
    }

    fn store(&mut self, merged: &[RecordBatch]) -> Result<()> {
        let mut writer = RunWriter::new(self.host)?;
        merged.iter().try_for_each(|batch| writer.push(batch))?;
        self.sorted.runs.push(writer.finish()?);
        self.held_bytes = 0;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Sorted> {
        self.stop_counting()?;
        let run = self.gather.take_run()?;
        self.hold(run);
        self.reserve(0)?;
        let merged = self.merge_held()?;
        match <[RecordBatch; 1]>::try_from(merged) {
            Ok([small]) if self.held_bytes <= SMALL_BYTES => {
                self.sorted.runs.push(Run::Here(compute::compact(&small)?));
            }
            Ok([large]) => self.store(&[large])?,
            Err(merged) if merged.is_empty() => {}
            Err(merged) => self.store(&merged)?,
        }
        self.memory.resize(0)?;
        self.sorted.compact(self.host)?;
        Ok(self.sorted)
    }
}

/// Writes a run into the store.
struct RunWriter<'a> {
    host: &'a dyn Host,
    place: Arc<dyn Scratch>,
    writer: Box<dyn StoreWriter + 'a>,
}

impl<'a> RunWriter<'a> {
    fn new(host: &'a dyn Host) -> Result<Self> {
        let place = host.scratch()?;
        Ok(Self { host, writer: host.store(place.key())?, place })
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let bytes = unique_buffer_bytes(std::slice::from_ref(batch));
        let step = (FRAME_BYTES / (bytes / rows.max(1)).max(1)).clamp(1, FRAME_KEYS);
        for start in (0..rows).step_by(step) {
            let frame = compute::compact(&batch.slice(start, step.min(rows - start)))?;
            let bytes = unique_buffer_bytes(std::slice::from_ref(&frame));
            let memory = self.host.reserve("reduce", bytes, WAY_OUT)?;
            self.writer.push(frame, memory)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Run> {
        self.writer.finish()?;
        Ok(Run::Stored(self.place))
    }
}

/// A run that is being read.
enum Reader<'a> {
    Here(Option<RecordBatch>),
    Stored(Box<dyn StoredBatches + 'a>),
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self {
            Reader::Here(batch) => Ok(batch.take()),
            Reader::Stored(batches) => batches.next(),
        }
    }
}

/// Calls `see` with the merged keys of some runs, in order.
pub(super) fn walk(
    runs: &[Run],
    host: &dyn Host,
    mut see: impl FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    let mut readers = Vec::with_capacity(runs.len());
    for run in runs {
        readers.push(match run {
            Run::Here(batch) => Reader::Here(Some(batch.clone())),
            Run::Stored(place) => Reader::Stored(host.stored(place.key())?),
        });
    }
    let over = RecordBatch::new_empty(Arc::new(Schema::empty()));
    let mut fronts: Vec<Option<RecordBatch>> = vec![None; readers.len()];
    let mut memory = host.reserve("reduce", 0, WAY_OUT)?;
    loop {
        if host.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        let mut held = 0;
        for (front, reader) in fronts.iter_mut().zip(&mut readers) {
            while front.as_ref().is_none_or(|front| front.num_rows() == 0) {
                match reader.next()? {
                    Some(next) => *front = Some(next),
                    None => break,
                }
            }
            held += front.as_ref().map_or(0, |front| unique_buffer_bytes(std::slice::from_ref(front)));
        }
        // What is in front, and what merging makes of it.
        memory.resize(held * 3)?;
        let mut all: Vec<RecordBatch> =
            fronts.iter_mut().map(|front| front.take().unwrap_or_else(|| over.clone())).collect();
        let merged = merge_step(&mut all)?;
        fronts = all.into_iter().map(|front| (front.num_rows() > 0).then_some(front)).collect();
        match merged {
            Some(batch) => see(batch)?,
            None => return Ok(()),
        }
    }
}
