//! How far a run is: counters that a progress line reads while tasks write them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one run. All only grow.
#[derive(Debug, Default)]
pub struct Progress {
    input_bytes: AtomicU64,
    rows: AtomicU64,
    tasks_done: AtomicU64,
    tasks_all: AtomicU64,
}

impl Progress {
    pub(crate) fn add(&self, input_bytes: u64, rows: u64) {
        self.input_bytes.fetch_add(input_bytes, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn start(&self, tasks: u64) {
        self.tasks_all.fetch_add(tasks, Ordering::Relaxed);
    }

    pub(crate) fn task_done(&self) {
        self.tasks_done.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes of input read so far, as they lie in their files.
    pub fn input_bytes(&self) -> u64 {
        self.input_bytes.load(Ordering::Relaxed)
    }

    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Tasks finished, and tasks in all.
    pub fn tasks(&self) -> (u64, u64) {
        (self.tasks_done.load(Ordering::Relaxed), self.tasks_all.load(Ordering::Relaxed))
    }
}
