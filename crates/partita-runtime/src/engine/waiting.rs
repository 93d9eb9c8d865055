//! The ledger as the writer of a data set sees it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::dataset::WaitingBytes;
use crate::ledger::{Ledger, Reservation};

/// One reservation for all row groups that wait for their turn.
pub(super) struct Waiting {
    ledger: Arc<Ledger>,
    held: Mutex<Option<Reservation>>,
}

impl Waiting {
    pub(super) fn new(ledger: &Arc<Ledger>) -> Self {
        Self { ledger: Arc::clone(ledger), held: Mutex::new(None) }
    }
}

/// What waits in memory takes this part of the ledger at most.
const LEDGER_SHARE: u64 = 2;

impl WaitingBytes for Waiting {
    fn grow(&self, bytes: usize) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let all = held.as_ref().map_or(0, |held| held.bytes()).saturating_add(bytes) as u64;
        // The rest is for the task whose turn it is: nobody else can make room for it.
        if all > self.ledger.limit_bytes() / LEDGER_SHARE {
            return false;
        }
        match &mut *held {
            Some(reservation) => reservation.grow_free(bytes),
            none => {
                *none = self.ledger.reserve_free("to_parquet: row groups that wait", bytes);
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
