//! Rows by their place: stored as they come, cut where the counts say, and read from one number to another.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Int64Type};
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;

use super::{Tally, WAY_OUT};
use crate::error::{ErrorKind, Result};
use crate::exchange::{By, ExchangeSpec, PlaceCut};
use crate::host::{Host, Reservation, Scratch, StoreWriter, StoredBatches};
use crate::interpret::sink::BatchSink;
use crate::interpret::source::BatchSource;
use crate::interpret::{Flow, Outcome};

/// Frames have about so many bytes, and so many rows at most, unless a batch alone has more.
const FRAME_BYTES: usize = 512 << 10;
const FRAME_ROWS: usize = 16 << 10;

/// Bytes are noted after so many rows, or once there are so many more of them.
const MARK_ROWS: u64 = 1024;
const MARK_BYTES: u64 = 64 << 10;

/// The least and the greatest value of the index, in its ticks.
pub(super) type Extent = Option<(i64, i64)>;

/// What a task of the input has left.
pub struct StoredRows {
    pub(super) place: Arc<dyn Scratch>,
    /// The number of the first row of each frame, and the extent of its index.
    pub(super) frames: Vec<(u64, Extent)>,
    /// Rows and bytes so far.
    marks: Vec<(u64, u64)>,
    pub(super) rows: u64,
    _memory: Box<dyn Reservation>,
}

impl std::fmt::Debug for StoredRows {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "StoredRows({} rows in {} frames)", self.rows, self.frames.len())
    }
}

/// The rows of all tasks, and where they are cut.
pub struct Places {
    /// In the order of the partitions that they are of.
    pub(super) inputs: Vec<Arc<StoredRows>>,
    /// The number of the first row of each part, and that of all rows.
    pub(super) starts: Vec<u64>,
    pub(super) tally: Tally,
}

impl std::fmt::Debug for Places {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Places({} rows, {} parts)", self.rows(), self.starts.len().saturating_sub(1))
    }
}

impl Places {
    /// What an exchange by place has left.
    pub(super) fn of(inputs: &[Outcome]) -> Result<&Arc<Self>> {
        match inputs.first() {
            Some(Outcome::Places(places)) => Ok(places),
            _ => Err(ErrorKind::Missing("an exchange by place".into()).into()),
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The rows of a part.
    pub(super) fn part(&self, part: usize) -> std::ops::Range<u64> {
        match (self.starts.get(part), self.starts.get(part + 1)) {
            (Some(start), Some(end)) => *start..*end,
            _ => 0..0,
        }
    }
}

/// Stores the rows of a task as they come.
pub(in crate::interpret) struct StoreRows<'a> {
    spec: &'a ExchangeSpec,
    /// Bytes are noted.
    is_weighed: bool,
    index: Option<usize>,
    host: &'a dyn Host,
    place: Arc<dyn Scratch>,
    writer: Box<dyn StoreWriter + 'a>,
    gathered: Vec<RecordBatch>,
    gathered_rows: usize,
    gathered_bytes: usize,
    frames: Vec<(u64, Extent)>,
    marks: Vec<(u64, u64)>,
    /// Rows and bytes so far.
    seen: (u64, u64),
    stored: u64,
    memory: Box<dyn Reservation>,
}

impl<'a> StoreRows<'a> {
    pub(in crate::interpret) fn new(spec: &'a ExchangeSpec, host: &'a dyn Host) -> Result<Self> {
        let By::Place { cut, index } = &spec.by else {
            return Err(ErrorKind::Missing("an exchange by place".into()).into());
        };
        let place = host.scratch()?;
        Ok(Self {
            spec,
            is_weighed: *cut == PlaceCut::Bytes,
            index: *index,
            host,
            writer: host.store(place.key())?,
            place,
            gathered: Vec::new(),
            gathered_rows: 0,
            gathered_bytes: 0,
            frames: Vec::new(),
            marks: Vec::new(),
            seen: (0, 0),
            stored: 0,
            memory: host.reserve("repartition", 0, WAY_OUT)?,
        })
    }

    /// Notes how many bytes the rows take, by the rows alone: batches may be cut in another way another time.
    fn weigh(&mut self, batch: &RecordBatch) -> Result<()> {
        let (mut rows, mut bytes) = self.seen;
        let mut last = self.marks.last().copied().unwrap_or((0, 0));
        for row in row_bytes(batch)? {
            rows += 1;
            bytes += row;
            if rows - last.0 >= MARK_ROWS || bytes - last.1 >= MARK_BYTES {
                last = (rows, bytes);
                self.marks.push(last);
            }
        }
        self.seen = (rows, bytes);
        Ok(())
    }

    /// Hands what was gathered over as one frame.
    fn flush(&mut self) -> Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        if gathered.is_empty() {
            return Ok(());
        }
        self.memory.resize(2 * self.gathered_bytes)?;
        let frame = compute::concat(&self.spec.schema, &gathered)?;
        drop(gathered);
        self.memory.resize(0)?;
        let bytes = unique_buffer_bytes(std::slice::from_ref(&frame));
        let memory = self.host.reserve("repartition", bytes, WAY_OUT)?;
        let extent = match self.index {
            Some(index) => extent(&ticks(&frame, index)?),
            None => None,
        };
        self.frames.push((self.stored, extent));
        self.stored += frame.num_rows() as u64;
        (self.gathered_rows, self.gathered_bytes) = (0, 0);
        self.writer.push(frame, memory)
    }
}

/// The index of a batch, in ticks.
pub(super) fn ticks(batch: &RecordBatch, index: usize) -> Result<ArrayRef> {
    let column = batch.columns().get(index).ok_or_else(|| ErrorKind::Missing("an index".into()))?;
    Ok(cast(column, &DataType::Int64)?)
}

fn extent(ticks: &ArrayRef) -> Extent {
    let ticks = ticks.as_primitive::<Int64Type>();
    min(ticks).zip(max(ticks))
}

/// The bytes of each row.
fn row_bytes(batch: &RecordBatch) -> Result<impl Iterator<Item = u64>> {
    let mut fixed = 0;
    let mut lengths = vec![0_u64; batch.num_rows()];
    for column in batch.columns() {
        match column.data_type() {
            DataType::Utf8View => add_lengths(&mut lengths, column.as_string_view().lengths()),
            DataType::BinaryView => add_lengths(&mut lengths, column.as_binary_view().lengths()),
            other => match other.primitive_width() {
                Some(width) => fixed += width as u64,
                None => {
                    for (row, length) in lengths.iter_mut().enumerate() {
                        *length += column.slice(row, 1).to_data().get_slice_memory_size()? as u64;
                    }
                }
            },
        }
    }
    Ok(lengths.into_iter().map(move |length| length + fixed))
}

/// A view, and the text behind it where it is long.
fn add_lengths(lengths: &mut [u64], views: impl Iterator<Item = u32>) {
    for (length, view) in lengths.iter_mut().zip(views) {
        *length += 16 + if view > 12 { u64::from(view) } else { 0 };
    }
}

impl BatchSink for StoreRows<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        let batch = compute::compact(&batch)?;
        if self.is_weighed {
            self.weigh(&batch)?;
        }
        let (rows, bytes) = (batch.num_rows(), unique_buffer_bytes(std::slice::from_ref(&batch)));
        if self.gathered_rows + rows > FRAME_ROWS || self.gathered_bytes + bytes > FRAME_BYTES {
            self.flush()?;
        }
        self.gathered_rows += rows;
        self.gathered_bytes += bytes;
        self.memory.resize(self.gathered_bytes)?;
        self.gathered.push(batch);
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        self.flush()?;
        self.writer.finish()?;
        if self.is_weighed && self.marks.last().is_none_or(|mark| mark.0 < self.seen.0) {
            self.marks.push(self.seen);
        }
        let (frames, marks, mut memory) = (self.frames, self.marks, self.memory);
        memory.resize(frames.len() * size_of::<(u64, Extent)>() + marks.len() * size_of::<(u64, u64)>())?;
        let (place, rows) = (self.place, self.stored);
        Ok(Outcome::Rows(Arc::new(StoredRows { place, frames, marks, rows, _memory: memory })))
    }
}

/// The barrier: where the parts begin.
pub(in crate::interpret) struct CutRows<'a> {
    spec: &'a ExchangeSpec,
    inputs: Vec<Arc<StoredRows>>,
}

impl<'a> CutRows<'a> {
    pub(in crate::interpret) fn new(spec: &'a ExchangeSpec, inputs: &[Outcome]) -> Result<Self> {
        let inputs = inputs.iter().map(|input| match input {
            Outcome::Rows(rows) => Ok(Arc::clone(rows)),
            _ => Err(ErrorKind::Missing("stored rows".into()).into()),
        });
        Ok(Self { spec, inputs: inputs.collect::<Result<_>>()? })
    }

    /// The number of the first row of each part.
    fn starts(&self) -> Vec<u64> {
        let By::Place { cut, .. } = &self.spec.by else { return Vec::new() };
        let parts = self.spec.parts as u64;
        let total: u64 = self.inputs.iter().map(|input| input.rows).sum();
        match cut {
            PlaceCut::Rows => (0..=parts).map(|part| share(total, part, parts)).collect(),
            PlaceCut::Partitions => {
                let ends = self.inputs.iter().scan(0, |end, input| {
                    *end += input.rows;
                    Some(*end)
                });
                std::iter::once(0).chain(ends).collect()
            }
            PlaceCut::Bytes => self.by_bytes(total, parts),
        }
    }

    /// At the marks that come nearest to even shares of the bytes.
    fn by_bytes(&self, rows: u64, parts: u64) -> Vec<u64> {
        let bytes = self.inputs.iter().filter_map(|input| input.marks.last()).map(|mark| mark.1).sum();
        let mut starts = vec![0];
        let (mut rows_before, mut bytes_before, mut last) = (0, 0, (0, 0));
        for input in &self.inputs {
            for (row, weight) in &input.marks {
                let mark = (rows_before + row, bytes_before + weight);
                while (starts.len() as u64) < parts && share(bytes, starts.len() as u64, parts) <= mark.1 {
                    let target = share(bytes, starts.len() as u64, parts);
                    let is_nearer = target - last.1 < mark.1 - target;
                    starts.push(if is_nearer { last.0 } else { mark.0 });
                }
                last = mark;
            }
            (rows_before, bytes_before) = last;
        }
        starts.resize(parts as usize, rows);
        starts.push(rows);
        starts
    }
}

fn share(total: u64, part: u64, parts: u64) -> u64 {
    (u128::from(total) * u128::from(part) / u128::from(parts.max(1))) as u64
}

impl BatchSink for CutRows<'_> {
    fn push(&mut self, _: RecordBatch) -> Result<Flow> {
        Ok(Flow::Enough)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let starts = self.starts();
        let rows = self.inputs.iter().map(|input| input.rows).sum();
        let tally = Tally::new(rows, self.spec.parts);
        Ok(Outcome::Places(Arc::new(Places { inputs: self.inputs, starts, tally })))
    }
}

/// Rows from one number to another, as they are stored.
pub(super) struct Stretch<'a> {
    places: &'a Places,
    host: &'a dyn Host,
    rows: std::ops::Range<u64>,
    /// The input that is being read, the rows before it, and its frames from a row on.
    input: usize,
    before: u64,
    frames: Option<(Box<dyn StoredBatches + 'a>, u64)>,
}

impl<'a> Stretch<'a> {
    pub(super) fn new(places: &'a Places, rows: std::ops::Range<u64>, host: &'a dyn Host) -> Self {
        Self { places, host, rows, input: 0, before: 0, frames: None }
    }

    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.rows.start < self.rows.end {
            let Some(input) = self.places.inputs.get(self.input) else { break };
            if self.rows.start >= self.before + input.rows {
                self.before += input.rows;
                self.input += 1;
                self.frames = None;
                continue;
            }
            let from = self.rows.start - self.before;
            let (batches, at) = match &mut self.frames {
                Some(frames) => frames,
                None => {
                    let frame = input.frames.partition_point(|frame| frame.0 <= from).saturating_sub(1);
                    let at = input.frames.get(frame).map_or(0, |frame| frame.0);
                    self.frames.insert((self.host.stored_from(input.place.key(), frame)?, at))
                }
            };
            let Some(batch) = batches.next()? else { break };
            let end = *at + batch.num_rows() as u64;
            let until = end.min(self.rows.end - self.before);
            let rows = compute::slice(&batch, (from - *at) as usize, (until - from) as usize);
            *at = end;
            self.rows.start = self.before + until;
            return Ok(Some(rows));
        }
        Ok(None)
    }
}

/// The rows of one part.
pub(in crate::interpret) struct PlacedRows<'a> {
    stretch: Stretch<'a>,
    part: usize,
    rows: u64,
    is_whole: bool,
}

impl<'a> PlacedRows<'a> {
    pub(in crate::interpret) fn new(part: usize, inputs: &'a [Outcome], host: &'a dyn Host) -> Result<Self> {
        let places = Places::of(inputs)?;
        let stretch = Stretch::new(places, places.part(part), host);
        Ok(Self { stretch, part, rows: 0, is_whole: false })
    }
}

impl BatchSource for PlacedRows<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let batch = self.stretch.next()?;
        self.is_whole = batch.is_none();
        self.rows += batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        Ok(batch)
    }

    fn close(&mut self) -> Result<()> {
        if self.is_whole { self.stretch.places.tally.add(self.part, self.rows) } else { Ok(()) }
    }
}
