//! What some runs have of a part, merged batch by batch.

use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::sort::{Front, KeyLayout, Keys, Merger, Wants, gather};

use super::{Run, WAY_OUT};
use crate::error::Result;
use crate::exchange::ExchangeSpec;
use crate::host::{Host, Reservation, StoredBatches};

/// Rows of a batch that comes out, and bytes, about.
const BATCH_ROWS: usize = 8 << 10;
const BATCH_BYTES: usize = 512 << 10;

/// The keys of a part: from one, and up to another, where there are such.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) bounds: &'a Keys,
    pub(super) from: Option<usize>,
    pub(super) until: Option<usize>,
}

impl Span<'_> {
    /// The rows of sorted keys that are in the part.
    fn rows(&self, keys: &Keys) -> std::ops::Range<usize> {
        let from = self.from.map_or(0, |bound| keys.lower_bound(self.bounds, bound));
        let until = self.until.map_or(keys.len(), |bound| keys.lower_bound(self.bounds, bound));
        from..until.max(from)
    }

    /// The frames of a run that may have rows of the part.
    pub(super) fn frames(&self, fences: &Keys) -> std::ops::Range<usize> {
        // Rows like the first one of a frame may end the frame before.
        let from = self.from.map_or(0, |bound| fences.lower_bound(self.bounds, bound).saturating_sub(1));
        let until = self.until.map_or(fences.len(), |bound| fences.lower_bound(self.bounds, bound));
        from..until.max(from)
    }
}

/// A run that is being read.
struct Reader<'a> {
    batches: Box<dyn StoredBatches + 'a>,
    /// Frames that are still to be read.
    left: usize,
    keys: Keys,
    next: usize,
    /// The place of its batch among those that rows are taken of.
    slot: u32,
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
    /// Batches that rows of the next one are taken of, and where these are.
    slots: Vec<RecordBatch>,
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
        let (layout, memory) = (spec.layout()?, host.reserve("sort", 0, WAY_OUT)?);
        let mut readers = Vec::new();
        for run in runs {
            let frames = span.frames(&run.fences);
            if frames.is_empty() {
                continue;
            }
            let batches = host.stored_from(run.place.key(), frames.start)?;
            readers.push(Reader { batches, left: frames.len(), keys: layout.empty(), next: 0, slot: 0 });
        }
        let merger = Merger::new(readers.len());
        let (slots, places) = (Vec::new(), Vec::new());
        let mut merge = Self {
            spec,
            layout,
            span,
            readers,
            _runs: runs.to_vec(),
            merger,
            slots,
            places,
            batch_rows: BATCH_ROWS,
            memory,
        };
        for run in 0..merge.readers.len() {
            merge.advance(run)?;
        }
        Ok(merge)
    }

    /// Goes on to the next rows of a run that are in the part.
    fn advance(&mut self, run: usize) -> Result<()> {
        let Some(reader) = self.readers.get_mut(run) else { return Ok(()) };
        reader.keys = self.layout.empty();
        reader.next = 0;
        while reader.left > 0 && reader.keys.is_empty() {
            reader.left -= 1;
            let Some(batch) = reader.batches.next()? else {
                reader.left = 0;
                break;
            };
            let keys = self.spec.keys(&self.layout, &batch)?;
            let rows = self.span.rows(&keys);
            if rows.is_empty() {
                continue;
            }
            reader.slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            reader.keys = keys.slice(rows.clone());
            self.slots.push(compute::slice(&batch, rows.start, rows.len()));
        }
        self.pay()
    }

    /// Reserves what is held beside the frame that the store pays for, run by run.
    fn pay(&mut self) -> Result<()> {
        let keys = self.readers.iter().map(|reader| reader.keys.memory_bytes()).sum::<usize>();
        let behind = self.slots.len().saturating_sub(self.readers.len());
        let frame = self.slots.last().map_or(0, |batch| unique_buffer_bytes(std::slice::from_ref(batch)));
        self.memory.resize(keys + (behind + 1) * frame + BATCH_BYTES + self.batch_rows * 8)
    }

    /// The next rows; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.places.len() < self.batch_rows {
            let first = self.places.len();
            let mut fronts: Vec<Front<'_>> = self
                .readers
                .iter()
                .map(|reader| Front { keys: &reader.keys, next: reader.next, ended: reader.left == 0 })
                .collect();
            let wants = self.merger.step(&mut fronts, self.batch_rows - first, &mut self.places);
            let nexts: Vec<usize> = fronts.iter().map(|front| front.next).collect();
            for (reader, next) in self.readers.iter_mut().zip(nexts) {
                reader.next = next;
            }
            for place in &mut self.places[first..] {
                place.0 = self.readers.get(place.0 as usize).map_or(0, |reader| reader.slot);
            }
            match wants {
                Wants::Run(run) => self.advance(run)?,
                Wants::Nothing | Wants::Out => break,
            }
        }
        if self.places.is_empty() {
            return Ok(None);
        }
        let batch = gather(&self.spec.schema, &self.slots, &self.places)?;
        let bytes = unique_buffer_bytes(std::slice::from_ref(&batch));
        self.batch_rows = (BATCH_BYTES / (bytes / batch.num_rows()).max(1)).clamp(1, BATCH_ROWS);
        self.places.clear();
        self.let_go();
        Ok(Some(batch))
    }

    /// Lets go of batches of which all rows were taken.
    fn let_go(&mut self) {
        let mut kept = Vec::with_capacity(self.readers.len());
        for reader in &mut self.readers {
            if reader.next < reader.keys.len()
                && let Some(batch) = self.slots.get(reader.slot as usize)
            {
                kept.push(batch.clone());
                reader.slot = kept.len() as u32 - 1;
            }
        }
        self.slots = kept;
    }
}
