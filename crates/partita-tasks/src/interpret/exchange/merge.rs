//! What some runs have of a part, merged batch by batch.

use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::sort::{Front, KeyLayout, Keys, Merger, Sources, Wants};

use super::WAY_OUT;
use super::held::Held;
use super::run::{HeldRun, Run, Span, StoredRun};
use crate::error::Result;
use crate::exchange::ExchangeSpec;
use crate::host::{Host, Reservation, StoredBatches};

/// Rows of a batch that comes out, and bytes, about.
const BATCH_ROWS: usize = 8 << 10;
const BATCH_BYTES: usize = 512 << 10;

/// A run that is being read, or several that are held, one after the other.
struct Reader<'a> {
    /// Of the rows at hand, in order.
    keys: Keys,
    next: usize,
    rows: Rows<'a>,
}

enum Rows<'a> {
    /// Frame by frame.
    Stored {
        batches: Box<dyn StoredBatches + 'a>,
        /// Frames that are still to be read.
        left: usize,
        /// Where the batch at hand is among the sources, and how many bytes it takes.
        slot: Option<(u32, usize)>,
    },
    /// Step by step: where those at hand are among the sources.
    Held { places: Vec<(u32, u32)>, rest: Held },
}

/// Merges runs.
pub(super) struct Merge<'a> {
    spec: &'a ExchangeSpec,
    layout: KeyLayout,
    span: Span<'a>,
    readers: Vec<Reader<'a>>,
    /// Released with the merge, where nobody else needs them.
    _runs: Vec<Arc<Run>>,
    merger: Merger,
    /// Batches that rows are taken of.
    sources: Sources,
    slots: u32,
    /// Places of sources that are free, and of such as have given all their rows to the next batch.
    free: Vec<u32>,
    done: Vec<(u32, usize)>,
    /// Where the rows of the next batch are.
    places: Vec<(u32, u32)>,
    batch_rows: usize,
    memory: Box<dyn Reservation>,
}

impl<'a> Merge<'a> {
    /// Begins with the first frames of `runs`.
    pub(super) fn new(
        spec: &'a ExchangeSpec,
        span: Span<'a>,
        runs: &[Arc<Run>],
        host: &'a dyn Host,
    ) -> Result<Self> {
        let mut merge = Self {
            spec,
            layout: spec.layout()?,
            span,
            readers: Vec::new(),
            _runs: runs.to_vec(),
            merger: Merger::new(0),
            sources: Sources::new(&spec.schema),
            slots: 0,
            free: Vec::new(),
            done: Vec::new(),
            places: Vec::new(),
            batch_rows: BATCH_ROWS,
            memory: host.reserve("sort", 0, WAY_OUT)?,
        };
        let mut held = Vec::new();
        for run in runs.iter().filter(|run| run.overlaps(span)) {
            match run.as_ref() {
                Run::Held(run) => held.push(Arc::clone(run)),
                Run::Stored(run) => {
                    merge.hold(std::mem::take(&mut held))?;
                    merge.open(run, host)?;
                }
            }
        }
        merge.hold(held)?;
        merge.merger = Merger::new(merge.readers.len());
        for run in 0..merge.readers.len() {
            merge.advance(run)?;
        }
        Ok(merge)
    }

    fn open(&mut self, run: &StoredRun, host: &'a dyn Host) -> Result<()> {
        let frames = run.frames(self.span);
        let batches = host.stored_from(run.place.key(), frames.start)?;
        let rows = Rows::Stored { batches, left: frames.len(), slot: None };
        self.readers.push(Reader { keys: self.layout.empty(), next: 0, rows });
        Ok(())
    }

    /// Adds runs that follow each other, which have paid for what merging them takes.
    fn hold(&mut self, runs: Vec<Arc<HeldRun>>) -> Result<()> {
        if runs.is_empty() {
            return Ok(());
        }
        let rest = Held::new(runs, self.span, &self.layout, &mut self.sources, &mut self.slots)?;
        let rows = Rows::Held { places: Vec::new(), rest };
        self.readers.push(Reader { keys: self.layout.empty(), next: 0, rows });
        Ok(())
    }

    /// Goes on to the next rows of a run that are in the part.
    fn advance(&mut self, run: usize) -> Result<()> {
        let Some(reader) = self.readers.get_mut(run) else { return Ok(()) };
        (reader.keys, reader.next) = (self.layout.empty(), 0);
        let (batches, left, slot) = match &mut reader.rows {
            Rows::Held { places, rest } => {
                while reader.keys.is_empty() && !rest.is_done() {
                    (reader.keys, *places) = rest.next(&self.layout);
                }
                return Ok(());
            }
            Rows::Stored { batches, left, slot } => (batches, left, slot),
        };
        self.done.extend(slot.take());
        while *left > 0 && reader.keys.is_empty() {
            *left -= 1;
            let Some(batch) = batches.next()? else {
                *left = 0;
                break;
            };
            let keys = self.spec.keys(&self.layout, &batch)?;
            let rows = self.span.rows(&keys, 0..keys.len());
            if rows.is_empty() {
                continue;
            }
            let place = self.free.pop().unwrap_or_else(|| {
                self.slots += 1;
                self.slots - 1
            });
            *slot = Some((place, unique_buffer_bytes(std::slice::from_ref(&batch))));
            reader.keys = keys.slice(rows.clone());
            self.sources.set(place as usize, &compute::slice(&batch, rows.start, rows.len()))?;
        }
        self.pay()
    }

    /// Reserves what is held beside the frame that the store pays for, run by run.
    fn pay(&mut self) -> Result<()> {
        let keys = |reader: &Reader<'_>| match &reader.rows {
            Rows::Stored { .. } => reader.keys.memory_bytes(),
            Rows::Held { .. } => 0,
        };
        let keys = self.readers.iter().map(keys).sum::<usize>();
        let done = self.done.iter().map(|(_, bytes)| bytes).sum::<usize>();
        self.memory.resize(keys + done + 2 * BATCH_BYTES + self.batch_rows * size_of::<(u32, u32)>())
    }

    /// The next rows; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.places.len() < self.batch_rows {
            let first = self.places.len();
            let wants = self.step();
            for place in &mut self.places[first..] {
                let (run, row) = *place;
                *place = match self.readers.get(run as usize).map(|reader| &reader.rows) {
                    Some(Rows::Stored { slot: Some((slot, _)), .. }) => (*slot, row),
                    Some(Rows::Held { places, .. }) => places[row as usize],
                    _ => (u32::MAX, row),
                };
            }
            match wants {
                Wants::Run(run) => self.advance(run)?,
                Wants::Nothing | Wants::Out => break,
            }
        }
        if self.places.is_empty() {
            return Ok(None);
        }
        let batch = self.sources.gather(&self.places)?;
        let bytes = unique_buffer_bytes(std::slice::from_ref(&batch));
        self.batch_rows = (BATCH_BYTES / (bytes / batch.num_rows()).max(1)).clamp(1, BATCH_ROWS);
        self.places.clear();
        if !self.done.is_empty() {
            let empty = RecordBatch::new_empty(Arc::clone(&self.spec.schema));
            for (slot, _) in std::mem::take(&mut self.done) {
                self.sources.set(slot as usize, &empty)?;
                self.free.push(slot);
            }
        }
        Ok(Some(batch))
    }

    /// Merges until a run wants more, or there are rows enough.
    fn step(&mut self) -> Wants {
        let most = self.batch_rows - self.places.len();
        let mut fronts: Vec<Front<'_>> = self.readers.iter().map(Reader::front).collect();
        let wants = self.merger.step(&mut fronts, most, &mut self.places);
        let nexts: Vec<usize> = fronts.iter().map(|front| front.next).collect();
        for (reader, next) in self.readers.iter_mut().zip(nexts) {
            reader.next = next;
        }
        wants
    }
}

impl Reader<'_> {
    fn front(&self) -> Front<'_> {
        let ended = match &self.rows {
            Rows::Stored { left, .. } => *left == 0,
            Rows::Held { rest, .. } => rest.is_done(),
        };
        Front { keys: &self.keys, next: self.next, ended }
    }
}
