//! The ledger as tasks see it.

use std::sync::Arc;

use partita_tasks::host;
use partita_tasks::{ErrorKind, Result};

use super::{Ledger, LedgerError, Reservation};

/// Work ahead may hold one of so many parts of the memory.
const AHEAD_PART: u64 = 4;

/// Rows that stay in memory may hold one of so many parts of it, and leave at least so many bytes to everything else.
const HELD_PART: u64 = 2;
const BESIDE_HELD_BYTES_MIN: u64 = 256 << 20;

/// A reservation that knows what makes the need smaller.
struct TaskReservation {
    reservation: Reservation,
    way_out: &'static str,
}

impl Ledger {
    /// Reserves memory on behalf of a task's `operator`; `way_out` ends the sentence
    /// "raise memory_limit, or ..".
    ///
    /// # Errors
    /// [`ErrorKind::Memory`] where it is not free.
    pub fn reserve_for_task(
        self: &Arc<Self>,
        operator: &str,
        bytes: usize,
        way_out: &'static str,
    ) -> Result<Box<dyn host::Reservation>> {
        let reservation = self.try_reserve(operator, bytes).map_err(|error| task_error(error, way_out))?;
        Ok(Box::new(TaskReservation { reservation, way_out }))
    }

    /// [`Ledger::reserve_for_task`] where the memory is free and nobody has to make room.
    pub(crate) fn reserve_if_free(
        self: &Arc<Self>,
        operator: &str,
        bytes: usize,
    ) -> Option<Box<dyn host::Reservation>> {
        let reservation = self.reserve_free(operator, bytes)?;
        Some(Box::new(TaskReservation { reservation, way_out: "use fewer threads" }))
    }
}

impl Ledger {
    /// Reserves memory for work ahead of its turn, where it is free and no more than a quarter of all there is would be held
    /// for such.
    pub(crate) fn reserve_ahead(
        self: &Arc<Self>,
        operator: &str,
        bytes: usize,
    ) -> Option<Box<dyn host::Reservation>> {
        let held = self.holding_bytes(operator).saturating_add(bytes as u64);
        if held > self.limit_bytes() / AHEAD_PART { None } else { self.reserve_if_free(operator, bytes) }
    }

    /// Reserves memory for rows that stay in it, where it is free and enough is left for what can go to disk.
    pub(crate) fn reserve_held(
        self: &Arc<Self>,
        operator: &str,
        bytes: usize,
    ) -> Option<Box<dyn host::Reservation>> {
        let held = self.holding_bytes(operator).saturating_add(bytes as u64);
        if self.has_plenty(held) { self.reserve_if_free(operator, bytes) } else { None }
    }

    /// Whether enough is left to others where an operator holds so many bytes.
    fn has_plenty(&self, held: u64) -> bool {
        let beside = self.limit_bytes().saturating_sub(held);
        held <= self.limit_bytes() / HELD_PART && beside >= BESIDE_HELD_BYTES_MIN
    }
}

fn task_error(error: LedgerError, way_out: &'static str) -> partita_tasks::Error {
    let LedgerError { operator, need_bytes, memory_limit_bytes, spill, .. } = error;
    ErrorKind::Memory { operator, need_bytes, limit_bytes: memory_limit_bytes, way_out, spill }.into()
}

impl host::Reservation for TaskReservation {
    fn bytes(&self) -> usize {
        self.reservation.bytes()
    }

    fn resize(&mut self, bytes: usize) -> Result<()> {
        self.reservation.resize(bytes).map_err(|error| task_error(error, self.way_out))
    }

    fn resize_if_plenty(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.reservation.bytes());
        if more == 0 {
            return self.reservation.resize(bytes).is_ok();
        }
        let held = self.reservation.account_bytes().saturating_add(more as u64);
        self.reservation.ledger().has_plenty(held) && self.reservation.grow_free(more)
    }
}
