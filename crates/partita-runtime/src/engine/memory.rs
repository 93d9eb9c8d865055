//! What memory and disk a session takes, and giving memory back to the system.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use partita_schedule::Event;
use partita_schedule::event::Level;

use super::Engine;
use crate::journal::Journal;
use crate::ledger::{Holding, ProcessMemory};
use crate::os;
use crate::store::{Listener, Notice, SpillError};

/// Memory that nobody has reserved, beyond the least there ever was, before the system is given some back, in bytes: one of so many
/// parts of the limit, from which what is asked next can be made without a page fault.
const RETURN_SHARE: u64 = 128;
const RETURN_BYTES_MIN: u64 = 2 << 20;
const RETURN_BYTES_MAX: u64 = 64 << 20;

/// Of a limit beyond this, in bytes, one of so many parts may stay with the process: the next run asks for it again, and new pages cost more
/// than most questions.
const LARGE_LIMIT_BYTES: u64 = 1 << 30;
const LARGE_RETURN_SHARE: u64 = 8;

/// Bytes of a buffer that is kept for another reader at most: what a longer record has grown goes.
const POOLED_BYTES_MAX: usize = 1 << 20;

/// All tasks together gather one of so many parts of the ledger: to sort them takes as much again, and what was sorted waits in the store.
const RUN_SHARE: u64 = 6;

/// Bytes that a task gathers at most.
const RUN_BYTES_MAX: usize = 256 << 20;

/// Buffers that readers have left for later ones, at most one a thread; they are a part of the fixed share of the limit. Emptied at
/// the end of a run.
#[derive(Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a session takes at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUse {
    /// The session's limit, in bytes.
    pub limit_bytes: u64,
    /// Bytes that the ledger can promise: the limit less a fixed share for what it does not see.
    pub managed_limit_bytes: u64,
    /// Bytes promised now.
    pub managed_bytes: u64,
    /// The most bytes that were promised at a time.
    pub managed_peak_bytes: u64,
    /// Bytes of stored partitions on disk.
    pub spilled_bytes: u64,
    /// Bytes of stored partitions in memory; a part of `managed_bytes`.
    pub stored_bytes: u64,
    /// Partitions held.
    pub partitions: usize,
    /// Batches that somebody is reading.
    pub pins: usize,
    /// Anonymous and shared memory of the whole process, as the system counts it; 0 where it does not tell.
    pub process_bytes: u64,
    /// What each operator holds, those that hold most first.
    pub holders: Vec<Holding>,
}

/// Notes what goes to disk in the journal.
pub(super) fn spill_listener(journal: &Arc<Journal>) -> Listener {
    let journal = Arc::clone(journal);
    Box::new(move |notice| {
        journal.note(match notice {
            Notice::Spilled { bytes } => Event::Spill { operator: "stored partition".to_owned(), bytes },
            Notice::Failed { why } => {
                let text = format!("a partition could not be spilled and stays in memory: {why}");
                Event::Message { level: Level::Warning, text }
            }
        });
    })
}

impl Engine {
    /// A buffer that a reader has left, or an empty one.
    pub(crate) fn lend_buffer(&self) -> Vec<u8> {
        self.buffers.lock().pop().unwrap_or_default()
    }

    /// Keeps a buffer for another reader, where there are not enough yet.
    pub(crate) fn return_buffer(&self, buffer: Vec<u8>) {
        let mut buffers = self.buffers.lock();
        if buffer.capacity() <= POOLED_BYTES_MAX && buffers.len() < self.threads {
            buffers.push(buffer);
        }
    }

    /// Bytes of rows that a task may gather before it has to write them out.
    pub(crate) fn run_bytes(&self) -> usize {
        let share = self.ledger.limit_bytes() / (RUN_SHARE * self.threads.max(1) as u64);
        usize::try_from(share).unwrap_or(usize::MAX).min(RUN_BYTES_MAX)
    }

    /// What the session takes now.
    pub fn memory(&self) -> MemoryUse {
        let usage = self.store.usage();
        MemoryUse {
            limit_bytes: self.ledger.memory_limit_bytes(),
            managed_limit_bytes: self.ledger.limit_bytes(),
            managed_bytes: self.ledger.used_bytes(),
            managed_peak_bytes: self.ledger.peak_bytes(),
            spilled_bytes: usage.spilled_bytes,
            stored_bytes: usage.memory_bytes,
            partitions: usage.partitions,
            pins: usage.pins,
            process_bytes: ProcessMemory::now().map_or(0, ProcessMemory::bytes),
            holders: self.ledger.holdings(),
        }
    }

    pub(super) fn note_recomputed(&self, error: &SpillError) {
        let text = format!("a spilled partition is computed again: {error}");
        self.journal.note(Event::Message { level: Level::Warning, text });
    }

    /// Gives the system what the allocator keeps, where that is much, and notes what is held.
    pub(super) fn settle(&self) {
        let buffers = std::mem::take(&mut *self.buffers.lock());
        drop(buffers);
        let resident_bytes = ProcessMemory::now().map_or(0, ProcessMemory::bytes);
        let reserved_bytes = self.ledger.used_bytes();
        let limit_bytes = self.ledger.memory_limit_bytes();
        let spilled_bytes = self.store.spilled_bytes();
        self.journal.note(Event::Memory { reserved_bytes, resident_bytes, limit_bytes, spilled_bytes });
        let unseen_bytes = resident_bytes.saturating_sub(reserved_bytes);
        let least_bytes = self.unseen_bytes.fetch_min(unseen_bytes, Ordering::Relaxed).min(unseen_bytes);
        let large_bytes = limit_bytes.saturating_sub(LARGE_LIMIT_BYTES) / LARGE_RETURN_SHARE;
        let kept_bytes =
            (limit_bytes / RETURN_SHARE).clamp(RETURN_BYTES_MIN, RETURN_BYTES_MAX).max(large_bytes);
        if unseen_bytes > least_bytes.saturating_add(kept_bytes) {
            os::return_free_memory();
        }
    }
}
