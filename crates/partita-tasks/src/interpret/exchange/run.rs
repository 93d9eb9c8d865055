//! Rows that are in order, or batch by batch.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_columns::sort::Keys;

use crate::host::{Reservation, Scratch};

/// Some rows of a task.
pub(super) enum Run {
    Stored(StoredRun),
    Held(Arc<HeldRun>),
}

/// Rows in order, in the store.
pub(super) struct StoredRun {
    /// Released when the last task that may read it is done.
    pub(super) place: Arc<dyn Scratch>,
    /// The key of the first row of each frame.
    pub(super) fences: Keys,
}

/// Rows in memory. Each batch is in order; all together are not.
pub(super) struct HeldRun {
    batches: Vec<RecordBatch>,
    /// Of the rows of all batches.
    keys: Keys,
    /// The least and the greatest one.
    ends: Keys,
    /// Pays for the rows, and for what merging them takes.
    _memory: Box<dyn Reservation>,
}

/// The keys of a part: from one, and up to another, where there are such.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) bounds: &'a Keys,
    pub(super) from: Option<usize>,
    pub(super) until: Option<usize>,
}

impl Span<'_> {
    /// Those of `rows` that are in the part; the keys of these are sorted.
    pub(super) fn rows(&self, keys: &Keys, rows: Range<usize>) -> Range<usize> {
        let bound = |bound| keys.lower_bound_of(rows.clone(), self.bounds, bound);
        let from = self.from.map_or(rows.start, bound);
        let until = self.until.map_or(rows.end, bound);
        from..until.max(from)
    }
}

impl Run {
    /// Whether it may have rows of a part.
    pub(super) fn overlaps(&self, span: Span<'_>) -> bool {
        match self {
            Self::Stored(run) => !run.frames(span).is_empty(),
            Self::Held(run) => run.overlaps(span),
        }
    }

    /// Bytes that the fences take.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Stored(run) => run.fences.memory_bytes(),
                Self::Held(_) => 0,
            }
    }
}

impl StoredRun {
    /// The frames that may have rows of a part.
    pub(super) fn frames(&self, span: Span<'_>) -> Range<usize> {
        let frames = span.rows(&self.fences, 0..self.fences.len());
        // Rows like the first one of a frame may end the frame before.
        let from = if span.from.is_some() { frames.start.saturating_sub(1) } else { frames.start };
        from..frames.end
    }
}

impl HeldRun {
    /// Rows of `batches`, each in order, which have these keys: one at least. See [`held_bytes`] for what `memory` has to be.
    pub(super) fn new(batches: Vec<RecordBatch>, keys: Keys, memory: Box<dyn Reservation>) -> Self {
        let (mut least, mut greatest, mut end) = (0, 0, 0);
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            let first = end;
            end += batch.num_rows();
            if keys.compare(first, &keys, least).is_lt() {
                least = first;
            }
            if keys.compare(end - 1, &keys, greatest).is_gt() {
                greatest = end - 1;
            }
        }
        let mut ends = keys.slice(0..0);
        [least, greatest].iter().for_each(|row| ends.push_row(&keys, *row));
        Self { batches, keys, ends, _memory: memory }
    }

    fn overlaps(&self, span: Span<'_>) -> bool {
        let is_before = span.until.is_none_or(|until| self.ends.compare(0, span.bounds, until).is_lt());
        is_before && span.from.is_none_or(|from| self.ends.compare(1, span.bounds, from).is_ge())
    }

    /// The batches that have rows of a part, the number of their first row, and those that are in the part.
    pub(super) fn pieces<'a>(
        &'a self,
        span: Span<'a>,
    ) -> impl Iterator<Item = (&'a RecordBatch, usize, Range<usize>)> {
        let mut end = 0;
        let pieces = self.batches.iter().map(move |batch| {
            let first = end;
            end += batch.num_rows();
            (batch, first, span.rows(&self.keys, first..end))
        });
        pieces.filter(|(_, _, rows)| !rows.is_empty())
    }

    /// Of the rows of all batches.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }
}

/// Bytes of memory for a [`HeldRun`] of so many bytes of rows: parts that are merged of it have as many rows together, and copy keys
/// and places of theirs.
pub(super) fn held_bytes(bytes: usize, batches: &[RecordBatch], keys: &Keys) -> usize {
    let columns = batches.first().map_or(0, RecordBatch::num_columns);
    let source_bytes = 2 * size_of::<Arc<[u8]>>() + size_of::<RecordBatch>();
    let merging = 2 * keys.memory_bytes() + keys.sort_bytes() + keys.len() * 2 * size_of::<(u32, u32)>();
    bytes + keys.memory_bytes() + merging + batches.len() * columns * 2 * source_bytes
}
