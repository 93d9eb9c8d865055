//! Sending frames to disk.

use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::folders::SpillError;
use super::frame::{FrameId, Resident, Shelf, Spilled};
use super::spiller::Queued;
use super::{Notice, Shared, State};

/// Memory is given back in pieces of at least this share of what the ledger has, so that not every batch waits for the disk.
const SHARE_OF_LIMIT: u64 = 32;

/// How long to wait for a write before looking again.
const WAIT: Duration = Duration::from_millis(200);

impl Shared {
    /// Gives at least some memory back, or says why it cannot. Whoever needs `bytes` calls again until it has them.
    pub(super) fn evict(&self, bytes: u64) -> Result<(), String> {
        let mut state = self.lock();
        let before = state.freed;
        let garbage = self.begin_eviction(&mut state, bytes);
        if !garbage.is_empty() {
            self.let_go(state, garbage);
            return Ok(());
        }
        // Some write, of this call or another, has to end.
        while state.freed == before {
            if state.writing == 0 && state.leaving == 0 {
                return Err(state.why_not());
            }
            state = self.wait(state);
        }
        Ok(())
    }

    /// Takes out frames that are on disk already, and sends others there, until about `bytes` are coming.
    fn begin_eviction(&self, state: &mut State, bytes: u64) -> Vec<Arc<Resident>> {
        let goal = bytes.max(self.ledger.limit_bytes() / SHARE_OF_LIMIT);
        let mut line: Vec<_> = state
            .resident
            .iter()
            .filter_map(|id| Some((self.policy.place(&state.candidate(*id)?), *id)))
            .collect();
        line.sort_unstable();
        let (mut garbage, mut coming) = (Vec::new(), 0);
        for (_, id) in line {
            if coming >= goal {
                break;
            }
            let can_write = state.can_write();
            let Some(frame) = state.frame_mut(id) else { continue };
            let bytes = frame.bytes;
            if frame.disk.is_some() {
                garbage.extend(frame.memory.take());
                state.resident.remove(&id);
            } else if can_write {
                self.send_to_disk(state, id);
            } else {
                continue;
            }
            coming += bytes;
        }
        garbage
    }

    /// Drops what was taken out, without the lock, and tells whoever waits for memory when it is back.
    pub(super) fn let_go<T>(&self, mut state: MutexGuard<'_, State>, garbage: T) {
        state.leaving += 1;
        drop(state);
        drop(garbage);
        let mut state = self.lock();
        state.leaving -= 1;
        state.freed += 1;
        drop(state);
        self.changed.notify_all();
    }

    fn send_to_disk(&self, state: &mut State, id: FrameId) {
        let Some(frame) = state.frame_mut(id) else { return };
        let Some(resident) = &frame.memory else { return };
        match self.spiller.write(id, Arc::clone(resident)) {
            Queued::Yes => {
                frame.is_writing = true;
                state.writing += 1;
            }
            Queued::Full => {}
            Queued::NoThread => {
                state.failed = Some(("no thread could be started for it".to_owned(), Instant::now()));
            }
        }
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.wait_for(state, WAIT)
    }

    pub(super) fn wait_for<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        match self.changed.wait_timeout(state, time) {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
        }
    }

    /// The shelf that a frame goes to; `None` where nobody will read it any more.
    pub(super) fn shelf(&self, id: FrameId) -> Result<Option<Arc<dyn Shelf>>, SpillError> {
        {
            let state = self.lock();
            if state.frame(id).is_none_or(|frame| frame.is_released) {
                return Ok(None);
            }
            if let Some(shelf) = state.entries.get(&id.entry).and_then(|held| held.shelf.as_ref()) {
                return Ok(Some(Arc::clone(shelf)));
            }
        }
        let made = self.place.shelf(id.entry)?;
        let mut state = self.lock();
        let Some(held) = state.entries.get_mut(&id.entry) else { return Ok(None) };
        Ok(Some(Arc::clone(held.shelf.get_or_insert(made))))
    }

    /// A write has ended.
    pub(super) fn written(&self, id: FrameId, result: Result<Option<Arc<dyn Spilled>>, SpillError>) {
        let mut state = self.lock();
        if matches!(result, Ok(Some(_))) {
            (state.failed, state.failures) = (None, 0);
        }
        let (notice, garbage) = match result {
            Ok(spilled) => match state.frame_mut(id) {
                Some(frame) => {
                    frame.is_writing = false;
                    frame.disk = spilled;
                    let bytes = frame.bytes;
                    let garbage = if frame.pins == 0 { frame.memory.take() } else { None };
                    if garbage.is_some() {
                        state.resident.remove(&id);
                    }
                    (Some(Notice::Spilled { bytes }), garbage)
                }
                // It was released meanwhile, and what was written goes with `spilled`.
                None => (None, None),
            },
            Err(error) => {
                let why = error.to_string();
                if let Some(frame) = state.frame_mut(id) {
                    frame.is_writing = false;
                }
                state.failed = Some((why.clone(), Instant::now()));
                state.failures = state.failures.saturating_add(1);
                (Some(Notice::Failed { why }), None)
            }
        };
        state.writing -= 1;
        self.let_go(state, garbage);
        if let Some(notice) = notice {
            (self.listener)(notice);
        }
    }
}
