//! Reading a partition back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use crossbeam_channel::{Receiver, bounded};
use partita_tasks::host::Reservation;
use partita_tasks::program::StoreKey;
use partita_tasks::{ErrorKind, Result};

use super::folders::SpillError;
use super::frame::{EntryId, FrameId, Pin, Resident, Spilled};
use super::{Shared, State};

/// A frame that was read from disk stays in memory, and others are read ahead, while this share of what the ledger has is free.
const ROOM_SHARE: u64 = 8;

/// How long a reader that follows waits at most before it looks for the next frame.
const LOOK: Duration = Duration::from_millis(5);

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
    /// The entry that is read: the partition may be stored again meanwhile, in frames that are cut elsewhere.
    entry: Option<EntryId>,
    /// The frame that is read first, and the one that is next.
    first: usize,
    next: usize,
    /// Rows that were read, and how many of those are still to come in the entry.
    rows: u64,
    again: u64,
    pin: Option<Box<dyn Pin>>,
    /// Of the frame after the last one.
    seen: Next,
    /// The frame after the last one, on its way from disk.
    ahead: Option<Ahead>,
    /// Where the partition may be read before it is whole: set when nobody stores it any more.
    is_over: Option<Arc<AtomicBool>>,
    /// Whether a frame that was read from disk may stay in memory for the next reader.
    keeps: bool,
}

struct Ahead {
    id: FrameId,
    reply: Receiver<Result<RecordBatch, SpillError>>,
    memory: Box<dyn Reservation>,
}

/// What is known of a frame under the lock.
enum Found {
    End,
    Memory(Box<dyn Pin>),
    Disk { id: FrameId, disk: OnDisk },
}

/// What was seen of the frame behind the last one.
enum Next {
    /// There is none.
    End,
    /// It is on disk alone.
    Disk(OnDisk),
    /// Whatever it will be.
    Open,
}

/// What it takes to read a frame from disk.
struct OnDisk {
    spilled: Arc<dyn Spilled>,
    schema: SchemaRef,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, key: StoreKey, first: usize) -> Option<Self> {
        let is_held = shared.lock().names.contains_key(&key);
        is_held.then(|| Self { first, ..Self::of(shared, key, None) })
    }

    pub(super) fn following(shared: Arc<Shared>, key: StoreKey, is_over: Arc<AtomicBool>) -> Self {
        Self::of(shared, key, Some(is_over))
    }

    fn of(shared: Arc<Shared>, key: StoreKey, is_over: Option<Arc<AtomicBool>>) -> Self {
        Self {
            shared,
            key,
            entry: None,
            first: 0,
            next: 0,
            rows: 0,
            again: 0,
            pin: None,
            seen: Next::Open,
            ahead: None,
            keeps: is_over.is_none(),
            is_over,
        }
    }

    /// Leaves no frame in memory that was read from disk.
    pub(crate) fn in_passing(self) -> Self {
        Self { keeps: false, ..self }
    }

    /// The next batch, which stays in memory until the one after it is asked for; `None` at the end, and where nobody stores the
    /// rest of the partition.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, Fault> {
        self.pin = None;
        if matches!(self.seen, Next::End) {
            return Ok(None);
        }
        let found = self.find()?;
        // Where the frame cannot be had, what is behind it may be something else the next time.
        let seen = std::mem::replace(&mut self.seen, Next::Open);
        let pin = match found {
            Found::End => return Ok(None),
            Found::Memory(pin) => pin,
            Found::Disk { id, disk } => self.fetch(id, &disk)?,
        };
        self.seen = seen;
        self.next += 1;
        self.look_ahead();
        let batch = pin.batch();
        let again = usize::try_from(std::mem::take(&mut self.again)).unwrap_or(usize::MAX);
        let again = again.min(batch.num_rows());
        let batch = if again > 0 { batch.slice(again, batch.num_rows() - again) } else { batch.clone() };
        self.rows += batch.num_rows() as u64;
        self.pin = Some(pin);
        Ok(Some(batch))
    }

    /// Whether the rest may come yet.
    fn is_awaited(&self) -> bool {
        self.is_over.as_ref().is_some_and(|is_over| !is_over.load(Ordering::Acquire))
    }

    /// Looks for the next frame, and where the partition is followed waits for it.
    fn find(&mut self) -> Result<Found> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        loop {
            let open = state.open.get(&self.key).filter(|_| self.is_over.is_some());
            let Some(id) = state.names.get(&self.key).or(open).copied() else {
                if self.is_over.is_none() {
                    return Err(self.missing("it was unpersisted"));
                }
                if !self.is_awaited() {
                    return Ok(Found::End);
                }
                state = shared.wait(state);
                continue;
            };
            if self.entry != Some(id) {
                (self.entry, self.next, self.again) = (Some(id), self.first, self.rows);
            }
            let is_open = state.open.get(&self.key) == Some(&id);
            let id = FrameId { entry: id, index: self.next };
            match state.frame(id).map(|frame| frame.rows) {
                Some(rows) if rows <= self.again && rows > 0 => {
                    self.again -= rows;
                    self.next += 1;
                }
                Some(_) => return self.take(state, id),
                None if is_open && self.is_awaited() => state = shared.wait_for(state, LOOK),
                None if self.again > 0 && !is_open => {
                    return Err(self.missing("computed again it has fewer rows"));
                }
                None => return Ok(Found::End),
            }
        }
    }

    fn missing(&self, why: &str) -> partita_tasks::Error {
        let StoreKey { frame, partition } = self.key;
        ErrorKind::Missing(format!("partition {partition} of frame {frame}: {why}")).into()
    }

    /// Takes a frame that is there.
    fn take(&mut self, mut state: MutexGuard<'_, State>, id: FrameId) -> Result<Found> {
        self.seen = match state.frame(FrameId { index: id.index + 1, ..id }) {
            None if self.is_over.is_none() => Next::End,
            Some(frame) if frame.memory.is_none() => frame.disk.as_ref().map_or(Next::Open, |spilled| {
                Next::Disk(OnDisk { spilled: Arc::clone(spilled), schema: Arc::clone(&frame.schema) })
            }),
            _ => Next::Open,
        };
        let Some(frame) = state.frame_mut(id) else { return Ok(Found::End) };
        if self.is_over.is_some()
            && let Some(resident) = frame.memory.take()
        {
            state.resident.remove(&id);
            return Ok(Found::Memory(Box::new(Own(resident))));
        }
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
            None => Err(ErrorKind::Missing(format!("frame {} of a stored partition", id.index)).into()),
        }
    }

    /// Waits until an entry that is damaged is finished, or given up: it cannot be computed again before.
    fn wait_for_end(&self, entry: EntryId) {
        let mut state = self.shared.lock();
        while state.open.get(&self.key) == Some(&entry) && self.is_awaited() {
            state = self.shared.wait(state);
        }
    }

    /// Memory for a frame. A reader that follows waits for that of the tasks that run.
    fn reserve(&self, bytes: usize) -> Result<Box<dyn Reservation>> {
        let ledger = &self.shared.ledger;
        loop {
            match ledger.reserve_for_task("stored partition", bytes, "use fewer threads") {
                Err(error) if error.is_short_of_memory() && self.is_awaited() => {
                    ledger.wait_for_room(bytes as u64, LOOK);
                }
                reserved => return reserved,
            }
        }
    }

    /// Takes the frame that is on its way from disk, or reads it.
    fn fetch(&mut self, id: FrameId, disk: &OnDisk) -> Result<Box<dyn Pin>, Fault> {
        let (read, memory) = match self.ahead.take().filter(|ahead| ahead.id == id) {
            Some(Ahead { reply, memory, .. }) => {
                let gone = |_| ErrorKind::Missing("the thread that reads spilled partitions".into());
                (reply.recv().map_err(gone).map_err(partita_tasks::Error::from)?, memory)
            }
            None => {
                let memory = self.reserve(disk.spilled.memory_bytes())?;
                (disk.spilled.read(&disk.schema), memory)
            }
        };
        match read {
            Ok(batch) => Ok(self.keep(id, batch, memory)),
            Err(error) => {
                self.wait_for_end(id.entry);
                Err(Fault::Damaged { entry: id.entry, error })
            }
        }
    }

    /// Begins to read the next frame where it is on disk and there is plenty of memory.
    fn look_ahead(&mut self) {
        let (Some(entry), Next::Disk(disk)) = (self.entry, &self.seen) else { return };
        let bytes = disk.spilled.memory_bytes();
        if !self.has_room() {
            return;
        }
        if let Some(memory) = self.shared.ledger.reserve_if_free("stored partition", bytes) {
            let (answer, reply) = bounded(1);
            self.shared.spiller.read(Arc::clone(&disk.spilled), Arc::clone(&disk.schema), answer);
            self.ahead = Some(Ahead { id: FrameId { entry, index: self.next }, reply, memory });
        }
    }

    /// Whether there is memory for what nobody waits for.
    fn has_room(&self) -> bool {
        let ledger = &self.shared.ledger;
        ledger.available_bytes() > ledger.limit_bytes() / ROOM_SHARE
    }

    /// Holds a batch from disk: in the store again where there is room, so that the next reader finds it, else here.
    fn keep(&self, id: FrameId, batch: RecordBatch, memory: Box<dyn Reservation>) -> Box<dyn Pin> {
        let resident = Arc::new(Resident { batch, _memory: memory });
        if self.keeps && self.has_room() {
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
