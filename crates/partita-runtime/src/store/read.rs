//! Reading a partition back.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use crossbeam_channel::{Receiver, bounded};
use partita_tasks::host::Reservation;
use partita_tasks::program::StoreKey;
use partita_tasks::{ErrorKind, Result};

use super::Shared;
use super::folders::SpillError;
use super::frame::{EntryId, FrameId, Pin, Resident, Spilled};

/// A frame that was read from disk stays in memory while this share of what the ledger has is free.
const ROOM_SHARE: u64 = 8;

/// Why a frame is not to be had.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It cannot be read back: its partition has to be computed again.
    Damaged { entry: EntryId, error: SpillError },
    /// Anything else.
    Task(partita_tasks::Error),
}

impl<E: Into<partita_tasks::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Fault::Task(error.into())
    }
}

/// Reads the frames of a partition in order, and holds the one that was read last in memory.
pub struct Reader {
    shared: Arc<Shared>,
    key: StoreKey,
    next: usize,
    pin: Option<Box<dyn Pin>>,
    /// The frame after the last one, on its way from disk.
    ahead: Option<Ahead>,
}

struct Ahead {
    index: usize,
    reply: Receiver<Result<RecordBatch, SpillError>>,
    memory: Box<dyn Reservation>,
}

/// What is known of a frame under the lock.
enum Found {
    End,
    Memory(Box<dyn Pin>),
    Disk { id: FrameId, disk: OnDisk },
}

/// What it takes to read a frame from disk.
struct OnDisk {
    spilled: Arc<dyn Spilled>,
    schema: SchemaRef,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, key: StoreKey) -> Option<Self> {
        let is_held = shared.lock().names.contains_key(&key);
        is_held.then_some(Self { shared, key, next: 0, pin: None, ahead: None })
    }

    /// The next batch, which stays in memory until the one after it is asked for; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, Fault> {
        self.pin = None;
        let pin = match self.find(self.next)? {
            Found::End => return Ok(None),
            Found::Memory(pin) => pin,
            Found::Disk { id, disk } => self.fetch(id, disk)?,
        };
        self.next += 1;
        self.look_ahead();
        let batch = pin.batch().clone();
        self.pin = Some(pin);
        Ok(Some(batch))
    }

    fn find(&self, index: usize) -> Result<Found> {
        let mut state = self.shared.lock();
        let id = state.names.get(&self.key).map(|entry| FrameId { entry: *entry, index });
        let entry = id.and_then(|id| state.entries.get_mut(&id.entry));
        let (Some(id), Some(entry)) = (id, entry) else {
            let StoreKey { frame, partition } = self.key;
            let what = format!("partition {partition} of frame {frame}: it was unpersisted");
            return Err(ErrorKind::Missing(what).into());
        };
        let Some(frame) = entry.frames.get_mut(index) else { return Ok(Found::End) };
        if let Some(resident) = &frame.memory {
            let resident = Arc::clone(resident);
            frame.pins += 1;
            state.pins += 1;
            drop(state);
            return Ok(Found::Memory(Box::new(Pinned { shared: Arc::clone(&self.shared), id, resident })));
        }
        match &frame.disk {
            Some(spilled) => {
                let (spilled, schema) = (Arc::clone(spilled), Arc::clone(&frame.schema));
                Ok(Found::Disk { id, disk: OnDisk { spilled, schema } })
            }
            None => Err(ErrorKind::Missing(format!("frame {index} of a stored partition")).into()),
        }
    }

    /// Reads a frame from disk, or takes the one that is on its way.
    fn fetch(&mut self, id: FrameId, disk: OnDisk) -> Result<Box<dyn Pin>, Fault> {
        let ahead = match self.ahead.take() {
            Some(ahead) if ahead.index == id.index => ahead,
            _ => {
                let way_out = "use fewer threads";
                let bytes = disk.spilled.memory_bytes();
                let memory = self.shared.ledger.reserve_for_task("stored partition", bytes, way_out)?;
                self.send(id.index, disk, memory)
            }
        };
        let Ahead { reply, memory, .. } = ahead;
        match reply.recv() {
            Ok(Ok(batch)) => Ok(self.keep(id, batch, memory)),
            Ok(Err(error)) => Err(Fault::Damaged { entry: id.entry, error }),
            Err(_) => Err(ErrorKind::Missing("the thread that reads spilled partitions".into()).into()),
        }
    }

    fn send(&self, index: usize, disk: OnDisk, memory: Box<dyn Reservation>) -> Ahead {
        let (answer, reply) = bounded(1);
        self.shared.spiller.read(disk.spilled, disk.schema, answer);
        Ahead { index, reply, memory }
    }

    /// Begins to read the next frame where it is on disk and there is memory that nobody wants.
    fn look_ahead(&mut self) {
        if self.ahead.as_ref().is_some_and(|ahead| ahead.index == self.next) {
            return;
        }
        let disk = {
            let state = self.shared.lock();
            let id = state.names.get(&self.key).map(|entry| FrameId { entry: *entry, index: self.next });
            match id.and_then(|id| state.frame(id)) {
                Some(frame) if frame.memory.is_none() => frame.disk.as_ref().map(|spilled| OnDisk {
                    spilled: Arc::clone(spilled),
                    schema: Arc::clone(&frame.schema),
                }),
                _ => None,
            }
        };
        let Some(disk) = disk else { return };
        let bytes = disk.spilled.memory_bytes();
        if let Some(memory) = self.shared.ledger.reserve_if_free("stored partition", bytes) {
            self.ahead = Some(self.send(self.next, disk, memory));
        }
    }

    /// Holds a batch from disk: in the store again where there is room, so that the next reader finds it, else here.
    fn keep(&self, id: FrameId, batch: RecordBatch, memory: Box<dyn Reservation>) -> Box<dyn Pin> {
        let resident = Arc::new(Resident { batch, _memory: memory });
        let ledger = &self.shared.ledger;
        if ledger.available_bytes() > ledger.limit_bytes() / ROOM_SHARE {
            let mut state = self.shared.lock();
            if let Some(frame) = state.frame_mut(id)
                && frame.memory.is_none()
            {
                frame.memory = Some(Arc::clone(&resident));
                frame.pins += 1;
                state.pins += 1;
                state.resident.insert(id);
                return Box::new(Pinned { shared: Arc::clone(&self.shared), id, resident });
            }
        }
        Box::new(Own(resident))
    }
}

/// A frame of the store, pinned.
struct Pinned {
    shared: Arc<Shared>,
    id: FrameId,
    resident: Arc<Resident>,
}

impl Pin for Pinned {
    fn batch(&self) -> &RecordBatch {
        &self.resident.batch
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.pins -= 1;
        if let Some(frame) = state.frame_mut(self.id) {
            frame.pins -= 1;
        }
        state.freed += 1;
        drop(state);
        self.shared.changed.notify_all();
    }
}

/// A batch that only its reader has.
struct Own(Arc<Resident>);

impl Pin for Own {
    fn batch(&self) -> &RecordBatch {
        &self.0.batch
    }
}
