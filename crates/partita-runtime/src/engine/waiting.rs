//! The ledger as those see it who do without memory where none is free.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use partita_formats::buffers::{Pool, Room};

use crate::ledger::{Ledger, Reclaim, Reservation};

/// Row groups that wait for their turn take this part of the ledger at most: the rest is for the task whose turn it is, for which
/// nobody else can make room.
pub(super) const WAITING_SHARE: u64 = 2;

/// Buffers that are kept for later batches take this part of the ledger at most.
const KEPT_SHARE: u64 = 16;

/// One reservation for many things that wait.
pub(super) struct Waiting {
    ledger: Arc<Ledger>,
    operator: &'static str,
    /// The part of the ledger that it may have.
    share: u64,
    held: Mutex<Option<Reservation>>,
}

impl Waiting {
    pub(super) fn new(ledger: &Arc<Ledger>, operator: &'static str, share: u64) -> Self {
        Self { ledger: Arc::clone(ledger), operator, share, held: Mutex::new(None) }
    }
}

/// A pool that empties where memory is short.
pub(super) fn pool(ledger: &Arc<Ledger>) -> Arc<KeptBuffers> {
    let pool = Pool::new(Box::new(Waiting::new(ledger, "buffers of batches", KEPT_SHARE)));
    let kept = Arc::new(KeptBuffers(pool));
    let weak: Weak<KeptBuffers> = Arc::downgrade(&kept);
    ledger.reclaim_from(weak);
    kept
}

/// Buffers that nobody has, as the ledger sees them.
pub(super) struct KeptBuffers(pub(super) Arc<Pool>);

impl Reclaim for KeptBuffers {
    fn reclaim(&self, _: u64) -> Result<(), String> {
        match self.0.clear() {
            0 => Err(String::new()),
            _ => Ok(()),
        }
    }
}

impl Room for Waiting {
    fn grow(&self, bytes: usize) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let all = held.as_ref().map_or(0, |held| held.bytes()).saturating_add(bytes) as u64;
        if all > self.ledger.limit_bytes() / self.share {
            return false;
        }
        match &mut *held {
            Some(reservation) => reservation.grow_free(bytes),
            none => {
                *none = self.ledger.reserve_free(self.operator, bytes);
                none.is_some()
            }
        }
    }

    fn shrink(&self, bytes: usize) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reservation) = &mut *held {
            // Giving back cannot be refused.
            let _ = reservation.resize(reservation.bytes().saturating_sub(bytes));
        }
    }
}
