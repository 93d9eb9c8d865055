//! Results that outlive their task: partitions of persisted, given and streamed frames, in memory or on disk.
//!
//! A partition is a list of **frames**: batches of up to 64 Ki rows or about 4 MiB. Each is in memory, on disk, or both. When the
//! ledger runs short it asks the store, which sends frames to disk: a frame that is there already is let go at
//! once, others are written by threads of the store's own. Three traits have the decisions:
//!
//! | trait | decides | here |
//! | --- | --- | --- |
//! | `Policy` | who goes first | `NeededLast`: what no run needs, then what the static order needs last |
//! | `Place` | where to | `SpillFolders`: checksummed frames in a folder of the session's own |
//! | `Pin` | who stays | a batch that a task is reading |
//!
//! A frame whose write fails stays in memory. One that cannot be read back is damaged, and the
//! engine computes its partition again.

mod evict;
mod folders;
mod frame;
mod litter;
mod policy;
mod read;
mod spiller;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use partita_tasks::host::Scratch;
use partita_tasks::program::StoreKey;

pub use folders::{SpillError, SpillOptions};
pub use litter::clean;
pub use read::Reader;
pub use write::Writer;

pub(crate) use folders::SpillFolders;
pub(crate) use frame::{EntryId, Place};
pub(crate) use policy::{NeededLast, Policy};
pub(crate) use read::Fault;

use crate::ledger::{Ledger, Reclaim};
use frame::{Entry, FrameId};
use policy::Candidate;
use spiller::Spiller;

/// After a write has failed, memory of this share of the ledger stays free of new frames, so that those on disk can be read.
const HEADROOM_SHARE: u64 = 8;

/// Writes that may fail one after the other before there is a pause.
const TRIES: u32 = 3;

/// How long after so many failed writes the next one is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// Hears of what goes to disk and of what could not.
pub(crate) type Listener = Box<dyn Fn(Notice) + Send + Sync>;

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A frame was written.
    Spilled {
        /// Bytes of memory given back.
        bytes: u64,
    },
    /// A frame could not be written and stays in memory.
    Failed {
        /// Why.
        why: String,
    },
}

/// Releases a partition when it is dropped.
pub(crate) struct Lease {
    shared: Weak<Shared>,
    key: StoreKey,
}

impl fmt::Debug for Lease {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Lease({:?})", self.key)
    }
}

impl Scratch for Lease {
    fn key(&self) -> StoreKey {
        self.key
    }

    fn release(&self, batches: Range<usize>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.release_frames(self.key, batches);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut state = shared.lock();
        let entry = state.names.remove(&self.key);
        if let Some(gone) = entry.and_then(|entry| state.take_entry(entry)) {
            // There may be room on the disk again.
            (state.failed, state.failures) = (None, 0);
            shared.let_go(state, gone);
        }
    }
}

/// What the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreUse {
    /// Partitions.
    pub partitions: usize,
    /// Bytes of frames in memory.
    pub memory_bytes: u64,
    /// Bytes of frames on disk, as they lie there.
    pub spilled_bytes: u64,
    /// Frames that are being read.
    pub pins: usize,
}

/// Partitions in memory and on disk. When it is dropped its threads end.
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    ledger: Arc<Ledger>,
    policy: Box<dyn Policy>,
    place: Arc<dyn Place>,
    listener: Listener,
    spiller: Spiller,
    state: Mutex<State>,
    /// A write has ended, a pin was lifted, a frame is gone: whoever looks for memory looks again.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next_entry: u64,
    /// The entry that is read under a key.
    names: HashMap<StoreKey, EntryId>,
    /// The entry that was begun last under a key, until it is finished or given up.
    open: HashMap<StoreKey, EntryId>,
    entries: HashMap<EntryId, Entry>,
    /// Frames in memory.
    resident: BTreeSet<FrameId>,
    /// Where runs that are going on will read a partition, in their static order: (run, rank).
    needs: HashMap<StoreKey, Vec<(u64, u32)>>,
    /// When a frame of partitions was last read: a counter.
    used: HashMap<u64, u64>,
    clock: u64,
    /// Frames on their way to disk.
    writing: usize,
    /// Calls that are dropping what they have taken out.
    leaving: usize,
    /// Counts what has given memory back.
    freed: u64,
    pins: usize,
    /// Why the last write failed and when, until something on disk was given back.
    failed: Option<(String, Instant)>,
    /// Writes that have failed one after the other.
    failures: u32,
    /// The session is over: nothing more is written.
    is_closed: bool,
}

impl Store {
    /// An empty store; `ledger` will ask it for memory.
    pub(crate) fn new(
        ledger: &Arc<Ledger>,
        policy: Box<dyn Policy>,
        place: Arc<dyn Place>,
        listener: Listener,
    ) -> Self {
        let make = |shared: &Weak<Shared>| Shared {
            ledger: Arc::clone(ledger),
            policy,
            place,
            listener,
            spiller: Spiller::new(Weak::clone(shared)),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        let shared = Arc::new_cyclic(make);
        let reclaim: Weak<Shared> = Arc::downgrade(&shared);
        ledger.reclaim_from(reclaim);
        Self { shared }
    }

    /// Begins to store a partition.
    pub(crate) fn begin(&self, key: StoreKey) -> Writer {
        Writer::new(Arc::clone(&self.shared), key)
    }

    /// Reads a partition; `None` where it is not held.
    #[cfg(test)]
    pub(crate) fn read(&self, key: StoreKey) -> Option<Reader> {
        self.read_from(key, 0)
    }

    /// The same from one of its frames on.
    pub(crate) fn read_from(&self, key: StoreKey, first: usize) -> Option<Reader> {
        Reader::new(Arc::clone(&self.shared), key, first)
    }

    /// Reads a partition while it is being stored, and takes its frames with it: nobody else may read them. Where nobody has begun to
    /// store it, the reader waits, until `is_over` is set and [`Store::wake`] was called.
    pub(crate) fn follow(&self, key: StoreKey, is_over: Arc<AtomicBool>) -> Reader {
        Reader::following(Arc::clone(&self.shared), key, is_over)
    }

    /// Has readers that wait look whether there is anything to wait for.
    pub(crate) fn wake(&self) {
        // Whoever has looked already has to wait by now, or it would not hear of it.
        drop(self.shared.lock());
        self.shared.changed.notify_all();
    }

    /// Has the partition of a key released with what is returned.
    pub(crate) fn lease(&self, key: StoreKey) -> Lease {
        Lease { shared: Arc::downgrade(&self.shared), key }
    }

    /// Rows and bytes of a partition.
    pub fn counts(&self, key: StoreKey) -> Option<(u64, u64)> {
        let state = self.shared.lock();
        let entry = state.entries.get(state.names.get(&key)?)?;
        Some((entry.rows, entry.bytes))
    }

    /// Says that `run` will read these partitions, at these places of its static order.
    pub(crate) fn need(&self, run: u64, reads: impl IntoIterator<Item = (StoreKey, u32)>) {
        let mut state = self.shared.lock();
        state.clock += 1;
        let clock = state.clock;
        for (key, rank) in reads {
            state.used.insert(key.frame, clock);
            state.needs.entry(key).or_default().push((run, rank));
        }
    }

    /// Says that `run` has read some partitions.
    pub(crate) fn needed_no_more(&self, run: u64, keys: impl Iterator<Item = StoreKey>) {
        let mut keys = keys.peekable();
        if keys.peek().is_none() {
            return;
        }
        let mut state = self.shared.lock();
        for key in keys {
            let Some(reads) = state.needs.get_mut(&key) else { continue };
            if let Some(place) = reads.iter().position(|(by, _)| *by == run) {
                reads.swap_remove(place);
            }
            if reads.is_empty() {
                state.needs.remove(&key);
            }
        }
    }

    /// Says that a run reads nothing any more.
    pub(crate) fn forget_needs(&self, run: u64) {
        self.shared.lock().needs.retain(|_, reads| {
            reads.retain(|(by, _)| *by != run);
            !reads.is_empty()
        });
    }

    /// Drops every partition of a frame, those on their way in too: memory and files.
    pub fn release(&self, frame: u64) {
        self.shared.remove(|key| key.frame == frame);
        self.shared.lock().used.remove(&frame);
    }

    /// Waits until no frame is on its way to disk, at most for `timeout`: frames that were released on their way are held until then.
    pub(crate) fn drain(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        while state.writing > 0 && Instant::now() < deadline {
            state = self.shared.wait(state);
        }
    }

    /// Drops one partition.
    pub(crate) fn release_partition(&self, key: StoreKey) {
        self.shared.remove(|held| *held == key);
    }

    /// Whether `entry` is still what is read under `key`.
    pub(crate) fn is_current(&self, key: StoreKey, entry: EntryId) -> bool {
        self.shared.lock().names.get(&key) == Some(&entry)
    }

    /// Bytes that are on disk now.
    pub fn spilled_bytes(&self) -> u64 {
        self.shared.place.bytes()
    }

    /// What is held now.
    pub fn usage(&self) -> StoreUse {
        let state = self.shared.lock();
        let memory_bytes = state.resident.iter().filter_map(|id| state.frame(*id)).map(|frame| frame.bytes);
        StoreUse {
            partitions: state.names.len(),
            memory_bytes: memory_bytes.sum(),
            spilled_bytes: self.spilled_bytes(),
            pins: state.pins,
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.spiller.stop();
    }
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Whether so little memory is free that a frame may not be readable any more.
    fn is_short(&self) -> bool {
        self.ledger.available_bytes() < self.ledger.limit_bytes() / HEADROOM_SHARE
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete before anything that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back the memory of some frames that nobody will read any more, and the whole entry with the last of them.
    fn release_frames(&self, key: StoreKey, frames: Range<usize>) {
        let mut state = self.lock();
        let Some(id) = state.names.get(&key).copied() else { return };
        let (mut garbage, mut count) = (Vec::new(), 0);
        for index in frames {
            if let Some(frame) = state.frame_mut(FrameId { entry: id, index })
                && !frame.is_released
                && frame.pins == 0
            {
                frame.is_released = true;
                count += 1;
                garbage.extend(frame.memory.take());
                state.resident.remove(&FrameId { entry: id, index });
            }
        }
        let Some(entry) = state.entries.get_mut(&id) else { return };
        entry.released += count;
        let is_over = entry.released == entry.frames.len();
        let gone = is_over.then(|| state.names.remove(&key).and_then(|id| state.take_entry(id)));
        self.let_go(state, (garbage, gone));
    }

    fn remove(&self, is_meant: impl Fn(&StoreKey) -> bool) {
        let mut state = self.lock();
        state.names.retain(|key, _| !is_meant(key));
        state.open.retain(|key, _| !is_meant(key));
        let meant = state.entries.iter().filter(|(_, entry)| is_meant(&entry.key)).map(|(id, _)| *id);
        let meant: Vec<EntryId> = meant.collect();
        let gone: Vec<Entry> = meant.into_iter().filter_map(|id| state.take_entry(id)).collect();
        // There may be room on the disk again.
        (state.failed, state.failures) = (None, 0);
        self.let_go(state, gone);
    }
}

impl State {
    /// An entry is finished, or given up.
    fn close(&mut self, key: StoreKey, id: EntryId) {
        if self.open.get(&key) == Some(&id) {
            self.open.remove(&key);
        }
    }

    /// Whether a write may be tried.
    fn can_write(&self) -> bool {
        self.failures < TRIES || self.failed.as_ref().is_none_or(|(_, at)| at.elapsed() >= PAUSE)
    }

    /// Why nothing goes to disk, as a part of a sentence.
    fn why_not(&self) -> String {
        let why = self.failed.as_ref().map(|(why, _)| format!(" and nothing goes to disk ({why})"));
        why.unwrap_or_default()
    }

    fn frame(&self, id: FrameId) -> Option<&frame::Frame> {
        self.entries.get(&id.entry)?.frames.get(id.index)
    }

    fn frame_mut(&mut self, id: FrameId) -> Option<&mut frame::Frame> {
        self.entries.get_mut(&id.entry)?.frames.get_mut(id.index)
    }

    /// Takes an entry out, with all of its frames.
    fn take_entry(&mut self, id: EntryId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        for index in 0..entry.frames.len() {
            self.resident.remove(&FrameId { entry: id, index });
        }
        Some(entry)
    }

    /// A frame as the policy sees it.
    fn candidate(&self, id: FrameId) -> Option<Candidate> {
        let entry = self.entries.get(&id.entry)?;
        let frame = entry.frames.get(id.index)?;
        if frame.pins > 0 || frame.is_writing || frame.memory.is_none() {
            return None;
        }
        let needs = self.needs.get(&entry.key);
        Some(Candidate {
            key: entry.key,
            index: id.index,
            bytes: frame.bytes,
            is_on_disk: frame.disk.is_some(),
            needed_at: needs.and_then(|reads| reads.iter().map(|(_, rank)| *rank).min()),
            last_used: self.used.get(&entry.key.frame).copied().unwrap_or(0),
        })
    }
}

impl Reclaim for Shared {
    fn reclaim(&self, bytes: u64) -> Result<(), String> {
        self.evict(bytes)
    }
}
