//! Results that outlive their run: the partitions of persisted and given frames.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use partita_columns::Partition;
use partita_tasks::host::Reservation;
use partita_tasks::program::StoreKey;

/// Partitions in memory, each with the promise that pays for it.
#[derive(Default)]
pub struct Store {
    held: Mutex<HashMap<StoreKey, Entry>>,
}

struct Entry {
    partition: Partition,
    _memory: Box<dyn Reservation>,
}

impl Store {
    fn held(&self) -> MutexGuard<'_, HashMap<StoreKey, Entry>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a partition; storing the same key again replaces it (a retried task makes equal rows).
    pub fn put(&self, key: StoreKey, partition: Partition, memory: Box<dyn Reservation>) {
        self.held().insert(key, Entry { partition, _memory: memory });
    }

    /// A partition, its buffers shared.
    pub fn get(&self, key: StoreKey) -> Option<Partition> {
        self.held().get(&key).map(|entry| entry.partition.clone())
    }

    /// Drops every partition of a frame and gives its memory back.
    pub fn release(&self, frame: u64) {
        self.held().retain(|key, _| key.frame != frame);
    }

    /// Number of partitions held.
    pub fn len(&self) -> usize {
        self.held().len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.held().is_empty()
    }
}
