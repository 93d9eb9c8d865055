//! What runs that are held have of a part, in order, some rows at a time.

use std::ops::Range;
use std::sync::Arc;

use partita_columns::sort::{KeyLayout, Keys, Sources};

use super::run::{HeldRun, Span};
use crate::error::Result;

/// Rows that are put in order at a time, about: their keys and places stay in the cache.
const STEP_ROWS: usize = 16 << 10;

/// One of so many rows is looked at to find where steps end.
const SAMPLED_ROWS: usize = 128;

/// What is left of runs that follow each other.
pub(super) struct Held {
    runs: Vec<Arc<HeldRun>>,
    pieces: Vec<Piece>,
    /// Where each step ends but the last.
    ends: Keys,
    step: usize,
}

/// Rows of a batch.
struct Piece {
    run: usize,
    /// Of the batch, among the sources.
    slot: u32,
    /// Number of its first row in the run.
    first: usize,
    /// Those that are left, by number in the run.
    rows: Range<usize>,
}

impl Held {
    /// Rows of `runs`, whose batches are put among the sources from `slots` on.
    pub(super) fn new(
        runs: Vec<Arc<HeldRun>>,
        span: Span<'_>,
        layout: &KeyLayout,
        sources: &mut Sources,
        slots: &mut u32,
    ) -> Result<Self> {
        let (mut pieces, mut sampled, mut seen) = (Vec::new(), layout.empty(), 0);
        for (number, run) in runs.iter().enumerate() {
            for (batch, first, rows) in run.pieces(span) {
                sources.set(*slots as usize, batch)?;
                let skipped = (SAMPLED_ROWS - seen % SAMPLED_ROWS) % SAMPLED_ROWS;
                let sample = (rows.start + skipped..rows.end).step_by(SAMPLED_ROWS);
                sample.for_each(|row| sampled.push_row(run.keys(), row));
                seen += rows.len();
                pieces.push(Piece { run: number, slot: *slots, first, rows });
                *slots += 1;
            }
        }
        let mut ends = layout.empty();
        for row in sampled.sorted().into_iter().step_by(STEP_ROWS / SAMPLED_ROWS).skip(1) {
            if ends.is_empty() || ends.compare(ends.len() - 1, &sampled, row as usize).is_lt() {
                ends.push_row(&sampled, row as usize);
            }
        }
        Ok(Self { runs, pieces, ends, step: 0 })
    }

    /// Whether no rows are left.
    pub(super) fn is_done(&self) -> bool {
        self.step > self.ends.len()
    }

    /// The keys and the places of the next rows.
    pub(super) fn next(&mut self, layout: &KeyLayout) -> (Keys, Vec<(u32, u32)>) {
        let (mut keys, mut places) = (layout.empty(), Vec::new());
        for Piece { run, slot, first, rows } in &mut self.pieces {
            let all = self.runs[*run].keys();
            let end = match self.step < self.ends.len() {
                true => all.lower_bound_of(rows.clone(), &self.ends, self.step),
                false => rows.end,
            };
            keys.append_rows(all, rows.start..end);
            places.extend((rows.start - *first..end - *first).map(|row| (*slot, row as u32)));
            rows.start = end;
        }
        self.step += 1;
        if !keys.is_sorted() {
            let order = keys.sorted();
            keys = keys.take(&order);
            places = order.iter().map(|row| places[*row as usize]).collect();
        }
        (keys, places)
    }
}
