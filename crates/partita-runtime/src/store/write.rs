//! A partition on its way in.

use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_tasks::ErrorKind;
use partita_tasks::host::{Reservation, StoreWriter};
use partita_tasks::program::StoreKey;

use super::Shared;
use super::frame::{Entry, EntryId, Frame, FrameId, Resident};

/// A reader that follows is woken when so many frames have come: it looks by itself from time to time.
const FRAMES_A_WAKE: usize = 4;

/// Takes the frames of one partition. Dropped before it is finished, it leaves nothing.
pub struct Writer {
    shared: Arc<Shared>,
    key: StoreKey,
    entry: Option<EntryId>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, key: StoreKey) -> Self {
        let mut state = shared.lock();
        let entry = EntryId(state.next_entry);
        state.next_entry += 1;
        state
            .entries
            .insert(entry, Entry { key, frames: Vec::new(), rows: 0, bytes: 0, released: 0, shelf: None });
        state.open.insert(key, entry);
        drop(state);
        Self { shared, key, entry: Some(entry) }
    }

    fn gone(&self) -> partita_tasks::Error {
        let StoreKey { frame, partition } = self.key;
        ErrorKind::Missing(format!("partition {partition} of frame {frame}: it was unpersisted")).into()
    }
}

impl Writer {
    fn full(&self, need_bytes: u64, spill: String) -> partita_tasks::Error {
        let limit_bytes = self.shared.ledger.memory_limit_bytes();
        let way_out = "give spill_dirs a disk with more room";
        ErrorKind::Memory { operator: "persist".to_owned(), need_bytes, limit_bytes, way_out, spill }.into()
    }
}

impl StoreWriter for Writer {
    fn push(&mut self, batch: RecordBatch, memory: Box<dyn Reservation>) -> partita_tasks::Result<()> {
        let bytes = memory.bytes() as u64;
        let Some(id) = self.entry else { return Err(self.gone()) };
        // The last of the memory is for reading back what is on disk: a frame gets there only if others have left.
        let mut is_refused = false;
        while !is_refused && self.shared.is_short() {
            is_refused = self.shared.evict(bytes).is_err();
        }
        let mut state = self.shared.lock();
        if is_refused && state.failed.is_some() {
            return Err(self.full(bytes, state.why_not()));
        }
        let Some(entry) = state.entries.get_mut(&id) else {
            drop(state);
            return Err(self.gone());
        };
        entry.rows += batch.num_rows() as u64;
        entry.bytes += bytes;
        let index = entry.frames.len();
        entry.frames.push(Frame {
            rows: batch.num_rows() as u64,
            bytes,
            schema: batch.schema(),
            memory: Some(Arc::new(Resident { batch, _memory: memory })),
            disk: None,
            pins: 0,
            is_writing: false,
            is_released: false,
        });
        state.resident.insert(FrameId { entry: id, index });
        drop(state);
        if (index + 1).is_multiple_of(FRAMES_A_WAKE) {
            self.shared.changed.notify_all();
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> partita_tasks::Result<()> {
        let Some(id) = self.entry.take() else { return Err(self.gone()) };
        let mut state = self.shared.lock();
        state.close(self.key, id);
        if !state.entries.contains_key(&id) {
            drop(state);
            return Err(self.gone());
        }
        let before = state.names.insert(self.key, id);
        let before = before.and_then(|before| state.take_entry(before));
        self.shared.let_go(state, before);
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(id) = self.entry.take() {
            let mut state = self.shared.lock();
            state.close(self.key, id);
            let gone = state.take_entry(id);
            self.shared.let_go(state, gone);
        }
    }
}
