//! How far a run is: counters that a progress line reads while tasks write them, and the thread that reads them.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::cancel::CancelToken;

#[cfg(test)]
mod tests;

/// Counters of one run. All only grow.
#[derive(Debug, Default)]
pub struct Progress {
    input_bytes: AtomicU64,
    rows: AtomicU64,
    tasks_done: AtomicU64,
    tasks_all: AtomicU64,
    again_bytes: AtomicU64,
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

    /// Says that `bytes` of the input are to be read once more.
    pub fn read_again(&self, bytes: u64) {
        self.again_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of input that are read more than once, as far as that is known.
    pub fn again_bytes(&self) -> u64 {
        self.again_bytes.load(Ordering::Relaxed)
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

/// Calls a function now and then, from a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Ticker {
    stop: CancelToken,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Calls `tick` every `interval`, for the first time after one of them.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    pub fn start(interval: Duration, mut tick: impl FnMut() + Send + 'static) -> io::Result<Ticker> {
        let stop = CancelToken::new();
        let stopped = stop.clone();
        let work = move || {
            while !stopped.wait(interval) {
                tick();
            }
        };
        let thread = Builder::new().name("partita-ticker".into()).spawn(work)?;
        Ok(Ticker { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    /// No call is made, and none is under way, once this returns.
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A function that panicked has said so itself.
            let _ = thread.join();
        }
    }
}
