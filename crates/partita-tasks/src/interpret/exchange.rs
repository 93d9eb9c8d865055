//! Sorted runs, where they are cut, and the parts that are merged of them. See [`crate::exchange`].

mod buckets;
mod check;
mod cut;
mod finished;
mod held;
mod merge;
mod overlap;
mod place;
mod run;
mod sample;
mod sink;
mod source;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use partita_columns::sort::Keys;

use crate::error::{ErrorKind, Result};
use crate::host::Reservation;
use finished::Finished;
use run::{Run, Span};

use buckets::Buckets;
use check::Seen;
pub(super) use cut::Cut;
pub(super) use overlap::Overlapped;
pub(super) use place::{CutRows, PlacedRows, StoreRows};
pub use place::{Places, StoredRows};
pub(super) use sink::SortRuns;
pub(super) use source::Merged;

const WAY_OUT: &str = "use fewer threads";

/// What a task of the input has left.
pub struct Runs {
    runs: Vec<Arc<Run>>,
    /// Keys of some rows, which stand for as many each.
    samples: Keys,
    weight: f64,
    /// Where the buckets of a hash are cut.
    buckets: Option<Buckets>,
    rows: u64,
    seen: Seen,
    _memory: Box<dyn Reservation>,
}

impl std::fmt::Debug for Runs {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Runs({} rows in {} runs)", self.rows, self.runs.len())
    }
}

/// Runs of all tasks, and where they are cut.
pub struct Exchange {
    /// In the order of the partitions that they are of.
    inputs: Vec<Arc<Runs>>,
    /// The least key of each part but the first.
    bounds: Keys,
    tally: Tally,
    finished: Finished,
    _memory: Box<dyn Reservation>,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Exchange({} rows, {} bounds)", self.tally.rows, self.bounds.len())
    }
}

impl Exchange {
    fn new(inputs: Vec<Arc<Runs>>, bounds: Keys, parts: usize, memory: Box<dyn Reservation>) -> Self {
        let tally = Tally::new(inputs.iter().map(|runs| runs.rows).sum(), parts);
        Self { inputs, bounds, tally, finished: Finished::new(parts), _memory: memory }
    }

    /// The keys of a part; `None` where it has none.
    fn span(&self, part: usize) -> Option<Span<'_>> {
        let bounds = &self.bounds;
        let until = (part < bounds.len()).then_some(part);
        (part <= bounds.len()).then(|| Span { bounds, from: part.checked_sub(1), until })
    }
}

/// Rows of the parts that were read, as far as they were: none may be lost.
struct Tally {
    /// That went in.
    rows: u64,
    parts: Mutex<Vec<Option<u64>>>,
    missing: AtomicU64,
}

impl Tally {
    fn new(rows: u64, parts: usize) -> Self {
        Self { rows, parts: Mutex::new(vec![None; parts]), missing: AtomicU64::new(parts as u64) }
    }

    /// Takes note of the rows of a part, and compares the sum with what came in once all are there.
    fn add(&self, part: usize, rows: u64) -> Result<()> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = parts.get_mut(part)
            && place.replace(rows).is_none()
        {
            self.missing.fetch_sub(1, Ordering::Relaxed);
        }
        let out: u64 = parts.iter().flatten().sum();
        if self.missing.load(Ordering::Relaxed) == 0 && out != self.rows {
            let rows = self.rows;
            let what = format!("rows: {rows} went into an exchange, and {out} came out; please report this");
            return Err(ErrorKind::Missing(what).into());
        }
        Ok(())
    }
}
