//! The rows of a task, in sorted runs.

use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::sort::{KeyLayout, Keys, Sources, gather};

use super::Runs;
use super::buckets::Buckets;
use super::check::Check;
use super::run::{HeldRun, Run, StoredRun, held_bytes};
use super::sample::Sample;
use crate::error::{ErrorKind, Result};
use crate::exchange::{Cuts, ExchangeSpec};
use crate::host::{Host, Reservation, Scratch, StoreWriter};
use crate::interpret::sink::BatchSink;
use crate::interpret::{Flow, Outcome};

/// Frames of a run have about so many bytes, and so many rows at most.
pub(super) const FRAME_BYTES: usize = 512 << 10;
const FRAME_ROWS: usize = 16 << 10;

const WAY_OUT: &str = "give spill_dirs a disk with more room";

/// Gathers rows until they take the task's share of memory, and sorts them.
pub(in crate::interpret) struct SortRuns<'a> {
    spec: &'a ExchangeSpec,
    layout: KeyLayout,
    host: &'a dyn Host,
    batches: Vec<RecordBatch>,
    keys: Keys,
    bytes: usize,
    sample: Sample,
    buckets: Option<Buckets>,
    check: Check<'a>,
    runs: Vec<Arc<Run>>,
    memory: Box<dyn Reservation>,
}

impl<'a> SortRuns<'a> {
    pub(in crate::interpret) fn new(
        spec: &'a ExchangeSpec,
        partition: usize,
        host: &'a dyn Host,
    ) -> Result<Self> {
        let layout = spec.layout()?;
        Ok(Self {
            spec,
            host,
            batches: Vec::new(),
            keys: layout.empty(),
            bytes: 0,
            sample: Sample::new(&layout, partition),
            buckets: matches!(spec.cuts, Cuts::Buckets { .. }).then(Buckets::new),
            check: Check::new(spec, &layout, partition)?,
            runs: Vec::new(),
            memory: host.reserve("sort", 0, WAY_OUT)?,
            layout,
        })
    }

    /// Keys, their order and the places of rows, beside the rows themselves.
    fn sorting_bytes(&self) -> usize {
        self.keys.memory_bytes() + self.keys.sort_bytes() + self.keys.len() * size_of::<(u32, u32)>()
    }

    /// The rows of a batch in their order: while they are in the cache, and so that those of a run are near each other.
    fn in_order(&mut self, batch: &RecordBatch) -> Result<(RecordBatch, Keys)> {
        let keys = self.spec.keys(&self.layout, batch)?;
        self.check.push(batch, &keys)?;
        match (&mut self.buckets, self.spec.order()) {
            (Some(buckets), [key]) => {
                buckets.push(batch.columns().get(key.column).ok_or_else(missing)?)?;
                self.sample.pass(keys.len());
            }
            _ => self.sample.push(&keys)?,
        }
        if keys.is_sorted() {
            return Ok((compute::compact(batch)?, keys));
        }
        let order = keys.sorted();
        let places: Vec<(u32, u32)> = order.iter().map(|row| (0, *row)).collect();
        let batch = gather(&self.spec.schema, std::slice::from_ref(batch), &places)?;
        Ok((batch, keys.take(&order)))
    }

    /// Sorts what was gathered into a run.
    fn flush(&mut self) -> Result<()> {
        let batches = std::mem::take(&mut self.batches);
        let keys = std::mem::replace(&mut self.keys, self.layout.empty());
        if keys.is_empty() {
            return Ok(());
        }
        let held_bytes = held_bytes(self.bytes, &batches, &keys);
        if let Some(memory) = self.host.reserve_held("sorted rows", held_bytes) {
            self.runs.push(Arc::new(Run::Held(Arc::new(HeldRun::new(batches, keys, memory)))));
            self.bytes = 0;
            return self.memory.resize(0);
        }
        let mut writer = RunWriter::new(&self.layout, self.host)?;
        if keys.is_sorted() {
            // The rows go as they came, and each batch with its memory.
            let mut row = 0;
            for batch in batches {
                self.bytes -= unique_buffer_bytes(std::slice::from_ref(&batch)).min(self.bytes);
                self.memory.resize(self.bytes)?;
                let rows = batch.num_rows();
                writer.push(&batch, &keys.slice(row..row + rows))?;
                row += rows;
            }
        } else {
            let order = keys.sorted();
            let places = places_of(&batches, &order);
            let step = frame_rows(self.bytes, keys.len());
            let mut sources = Sources::new(&self.spec.schema);
            batches.iter().enumerate().try_for_each(|(slot, batch)| sources.set(slot, batch))?;
            for (some, order) in places.chunks(step).zip(order.chunks(step)) {
                let frame = sources.gather(some)?;
                writer.push_frame(frame, &keys, order.first().map_or(0, |row| *row as usize))?;
            }
        }
        self.runs.push(Arc::new(Run::Stored(writer.finish()?)));
        self.bytes = 0;
        self.memory.resize(0)
    }
}

/// Rows of a frame.
fn frame_rows(bytes: usize, rows: usize) -> usize {
    (FRAME_BYTES / (bytes / rows.max(1)).max(1)).clamp(1, FRAME_ROWS)
}

fn missing() -> ErrorKind {
    ErrorKind::Missing("the buckets of rows".into())
}

/// Where the rows at some positions are, counted through all batches.
fn places_of(batches: &[RecordBatch], order: &[u32]) -> Vec<(u32, u32)> {
    let mut firsts = Vec::with_capacity(batches.len());
    let mut next = 0_u32;
    for batch in batches {
        firsts.push(next);
        next += batch.num_rows() as u32;
    }
    let mut at = 0;
    let place = |row: &u32| {
        // Rows that were near stay near.
        if firsts[at] > *row || firsts.get(at + 1).is_some_and(|next| next <= row) {
            at = firsts.partition_point(|first| first <= row) - 1;
        }
        (at as u32, row - firsts[at])
    };
    order.iter().map(place).collect()
}

impl BatchSink for SortRuns<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        let (batch, keys) = self.in_order(&batch)?;
        let bytes = unique_buffer_bytes(std::slice::from_ref(&batch));
        let rows = self.keys.len() + keys.len();
        if self.bytes > 0 && (self.bytes + bytes > self.host.run_bytes() || rows > u32::MAX as usize) {
            self.flush()?;
        }
        self.keys.append(&keys);
        self.bytes += bytes;
        self.batches.push(batch);
        self.memory.resize(self.bytes + self.sorting_bytes() + self.sample.memory_bytes())?;
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        self.flush()?;
        let (samples, weight, rows) = self.sample.finish();
        let fences = self.runs.iter().map(|run| run.memory_bytes()).sum::<usize>();
        let mut memory = self.memory;
        let (buckets, bucket_bytes) = (self.buckets, Buckets::BYTES);
        memory.resize(samples.memory_bytes() + fences + buckets.as_ref().map_or(0, |_| bucket_bytes))?;
        let (runs, seen) = (self.runs, self.check.finish());
        Ok(Outcome::Runs(Arc::new(Runs { runs, samples, weight, buckets, rows, seen, _memory: memory })))
    }
}

/// Writes a run into the store.
pub(super) struct RunWriter<'a> {
    host: &'a dyn Host,
    place: Arc<dyn Scratch>,
    writer: Box<dyn StoreWriter + 'a>,
    fences: Keys,
}

impl<'a> RunWriter<'a> {
    pub(super) fn new(layout: &KeyLayout, host: &'a dyn Host) -> Result<Self> {
        let place = host.scratch()?;
        Ok(Self { host, writer: host.store(place.key())?, place, fences: layout.empty() })
    }

    /// Adds rows, cut into frames.
    pub(super) fn push(&mut self, rows: &RecordBatch, keys: &Keys) -> Result<()> {
        let bytes = unique_buffer_bytes(std::slice::from_ref(rows));
        if bytes <= FRAME_BYTES * 3 / 2 {
            return self.push_frame(rows.clone(), keys, 0);
        }
        let step = frame_rows(bytes, rows.num_rows());
        for first in (0..rows.num_rows()).step_by(step) {
            let frame = compute::compact(&compute::slice(rows, first, step))?;
            self.push_frame(frame, keys, first)?;
        }
        Ok(())
    }

    /// Adds a frame, whose first row has the key of row `first`.
    fn push_frame(&mut self, frame: RecordBatch, keys: &Keys, first: usize) -> Result<()> {
        let bytes = unique_buffer_bytes(std::slice::from_ref(&frame));
        let memory = self.host.reserve("sort", bytes, WAY_OUT)?;
        self.writer.push(frame, memory)?;
        self.fences.push_row(keys, first);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<StoredRun> {
        self.writer.finish()?;
        Ok(StoredRun { place: self.place, fences: self.fences })
    }
}
