//! What the tasks of a run that may widen types tell of their columns.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use partita_formats::csv::widen::Seen;

/// What the columns of a run have held so far.
#[derive(Debug, Default)]
pub struct Widening {
    seen: Mutex<Seen>,
    is_draft: AtomicBool,
}

impl Widening {
    /// Takes in what a block held. A task that is run again tells the same, and changes nothing.
    pub(crate) fn observe(&self, seen: Seen) {
        if seen.has_misfits() {
            self.is_draft.store(true, Ordering::Release);
        }
        self.lock().merge(seen);
    }

    /// Whether a value did not fit: what is written is of no use, and the rest of the input is only looked at.
    pub fn is_draft(&self) -> bool {
        self.is_draft.load(Ordering::Acquire)
    }

    /// What was seen, and forgets it.
    pub fn take(&self) -> Seen {
        self.is_draft.store(false, Ordering::Release);
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
