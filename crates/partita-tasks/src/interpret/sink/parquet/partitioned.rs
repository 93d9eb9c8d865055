//! Rows that go to the folders of their keys.
//!
//! Rows wait, grouped by key, until there are [`STAGED_BYTES_MAX`] of them; then the keys that have the most are encoded,
//! a row group each, until half is left. What is encoded when depends on the rows alone: not on memory, and not on other
//! tasks.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, SchemaRef};
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;
use partita_formats::parquet::{Layout, PartitionKeys};

use super::super::super::{Flow, Outcome};
use super::super::BatchSink;
use super::Outlet;
use crate::error::{ErrorKind, Result};
use crate::host::Reservation;

/// Bytes of rows that wait in a task at most, before the keys that have the most are encoded.
const STAGED_BYTES_MAX: usize = 16 << 20;

/// Batches that wait in a task at most, before they are joined.
const STAGES_MAX: usize = 128;

/// Gathers rows by key.
pub(super) struct Partitioned<'a> {
    keys: PartitionKeys,
    /// Positions of the columns that are in the files.
    columns: Vec<usize>,
    layout: Arc<Layout>,
    stages: Vec<Stage>,
    /// By key: what its rows take that wait.
    waiting: Vec<usize>,
    /// The sum of `waiting`.
    staged: usize,
    rows: u64,
    memory: Box<dyn Reservation>,
    out: Outlet<'a>,
}

/// Rows grouped by key, in their order within each.
struct Stage {
    rows: RecordBatch,
    runs: Vec<Run>,
    memory_bytes: usize,
}

/// Rows of one key.
#[derive(Clone, Copy)]
struct Run {
    key: u32,
    start: usize,
    len: usize,
}

impl Stage {
    fn new(rows: RecordBatch, runs: Vec<Run>) -> Self {
        let memory_bytes = unique_buffer_bytes(std::slice::from_ref(&rows));
        Self { rows, runs, memory_bytes }
    }
}

impl<'a> Partitioned<'a> {
    pub(super) fn new(schema: &SchemaRef, layout: Arc<Layout>, out: Outlet<'a>) -> Result<Self> {
        let keys = PartitionKeys::new(schema, &layout.options().partition_on)?;
        let columns = layout.schema().fields().iter().map(|field| schema.index_of(field.name()));
        let columns = columns.collect::<Result<_, _>>()?;
        let memory = out.host.reserve("partition_on", 0, "use fewer threads")?;
        let (stages, waiting) = (Vec::new(), Vec::new());
        Ok(Self { keys, columns, layout, stages, waiting, staged: 0, rows: 0, memory, out })
    }

    /// Pays for the rows that wait, and `more`.
    fn pay(&mut self, more: usize) -> Result<()> {
        let runs: usize = self.stages.iter().map(|stage| stage.runs.capacity()).sum();
        let tables = self.keys.memory_bytes() + self.waiting.capacity() * size_of::<usize>();
        let stages: usize = self.stages.iter().map(|stage| stage.memory_bytes).sum();
        self.memory.resize(stages + runs * size_of::<Run>() + tables + more)
    }

    /// Adds a batch, grouped by key.
    fn stage(&mut self, batch: &RecordBatch) -> Result<()> {
        let numbers = self.keys.numbers(batch)?;
        let rows = batch.project(&self.columns)?;
        let (positions, runs) = group(&numbers);
        let rows = match runs.len() {
            1 => rows,
            _ => compute::take(&rows, &positions)?,
        };
        for run in &runs {
            let key = run.key as usize;
            if self.waiting.len() <= key {
                self.waiting.resize(key + 1, 0);
            }
            let bytes = row_bytes(&rows.slice(run.start, run.len))?;
            self.waiting[key] += bytes;
            self.staged += bytes;
        }
        self.stages.push(Stage::new(rows, runs));
        self.pay(0)
    }

    /// Encodes the keys with the most rows until at most `left` bytes wait.
    fn encode_down_to(&mut self, left: usize) -> Result<()> {
        let mut keys: Vec<u32> =
            (0..self.waiting.len() as u32).filter(|&key| self.waiting[key as usize] > 0).collect();
        // The sort is stable: of equals, the one that came first.
        keys.sort_by_key(|&key| std::cmp::Reverse(self.waiting[key as usize]));
        let mut chosen = 0;
        let mut staged = self.staged;
        while staged > left && chosen < keys.len() {
            staged -= self.waiting[keys[chosen] as usize];
            chosen += 1;
        }
        keys.truncate(chosen);
        self.encode(&keys)
    }

    /// Encodes the rows of `keys` that wait, and lets go of them.
    fn encode(&mut self, keys: &[u32]) -> Result<()> {
        let mut runs: Vec<(u32, usize, Run)> = Vec::new();
        let mut order = vec![u32::MAX; self.waiting.len()];
        for (place, &key) in (0..).zip(keys) {
            order[key as usize] = place;
        }
        for (at, stage) in self.stages.iter_mut().enumerate() {
            stage.runs.retain(|run| {
                let place = order[run.key as usize];
                if place < u32::MAX {
                    runs.push((place, at, *run));
                }
                place == u32::MAX
            });
        }
        // By key as they were asked for, then in the order of the rows.
        runs.sort_by_key(|&(place, at, _)| (place, at));
        for of_key in runs.chunk_by(|left, right| left.0 == right.0) {
            let Some(key) = of_key.first().map(|(_, _, run)| run.key) else { continue };
            let mut encoder = None;
            let folder = self.keys.key(key);
            for (_, at, run) in of_key {
                let rows = self.stages[*at].rows.slice(run.start, run.len);
                self.out.write(&mut encoder, &self.layout, &rows, folder)?;
            }
            if let Some(encoder) = encoder {
                self.out.hand_over(encoder, folder)?;
            }
            self.staged -= std::mem::take(&mut self.waiting[key as usize]);
        }
        self.stages.retain(|stage| !stage.runs.is_empty());
        self.pay(0)
    }

    /// Puts all rows that wait into one stage: what others left of their buffers is given back.
    fn join(&mut self) -> Result<()> {
        if self.stages.len() < 2 {
            return Ok(());
        }
        self.pay(self.stages.iter().map(|stage| stage.memory_bytes).sum())?;
        let mut all: Vec<(usize, Run)> = Vec::new();
        for (at, stage) in self.stages.iter().enumerate() {
            all.extend(stage.runs.iter().map(|run| (at, *run)));
        }
        all.sort_by_key(|(at, run)| (run.key, *at));
        let (mut places, mut runs): (Vec<(usize, usize)>, Vec<Run>) = (Vec::new(), Vec::new());
        for (at, run) in all {
            match runs.last_mut().filter(|last| last.key == run.key) {
                Some(last) => last.len += run.len,
                None => runs.push(Run { start: places.len(), ..run }),
            }
            places.extend((run.start..run.start + run.len).map(|row| (at, row)));
        }
        let batches: Vec<&RecordBatch> = self.stages.iter().map(|stage| &stage.rows).collect();
        let rows = compute::compact(&interleave_record_batch(&batches, &places)?)?;
        self.stages = vec![Stage::new(rows, runs)];
        self.pay(0)
    }
}

impl BatchSink for Partitioned<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        self.rows += batch.num_rows() as u64;
        self.stage(&compute::compact(&batch)?)?;
        if self.staged > STAGED_BYTES_MAX {
            self.encode_down_to(STAGED_BYTES_MAX / 2)?;
            self.join()?;
        } else if self.stages.len() >= STAGES_MAX {
            self.join()?;
        }
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        let all: Vec<u32> = (0..self.waiting.len() as u32).collect();
        self.encode(&all)?;
        let Self { out, rows, .. } = *self;
        out.close(rows)
    }
}

/// Positions of the rows, by key in the order of the first row of each, and where each key's rows then are.
fn group(numbers: &[u32]) -> (UInt32Array, Vec<Run>) {
    let keys = numbers.iter().max().map_or(0, |&most| most as usize + 1);
    let mut counts = vec![0_usize; keys];
    let mut runs: Vec<Run> = Vec::new();
    for &key in numbers {
        if counts[key as usize] == 0 {
            runs.push(Run { key, start: 0, len: 0 });
        }
        counts[key as usize] += 1;
    }
    let mut starts = vec![0_usize; keys];
    let mut next = 0;
    for run in &mut runs {
        run.start = next;
        run.len = counts[run.key as usize];
        starts[run.key as usize] = next;
        next += run.len;
    }
    let mut positions = vec![0_u32; numbers.len()];
    for (row, &key) in (0..).zip(numbers) {
        let place = &mut starts[key as usize];
        positions[*place] = row;
        *place += 1;
    }
    (UInt32Array::from(positions), runs)
}

/// Bytes of the values of some rows, whatever buffers they lie in: the same for the same rows.
fn row_bytes(rows: &RecordBatch) -> Result<usize> {
    let column = |column: &Arc<dyn Array>| {
        let views = column.len() * size_of::<u128>();
        Ok(match column.data_type() {
            DataType::Utf8View => views + column.as_string_view().total_buffer_bytes_used(),
            DataType::BinaryView => views + column.as_binary_view().total_buffer_bytes_used(),
            _ => column.to_data().get_slice_memory_size().map_err(ErrorKind::from)?,
        })
    };
    let bytes: Result<usize> = rows.columns().iter().map(column).sum();
    // Rows count even where they have next to no bytes.
    bytes.map(|bytes| bytes + rows.num_rows())
}
