//! Batches handed over in order, their partitions computed ahead on threads of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, bounded};
use partita_tasks::program::StoreKey;

use super::waiting;
use super::{Call, Engine, Extras, FrameGuard, Lineage};
use crate::error::{ErrorKind, Result};
use crate::store::Reader;

/// The batches of a graph's partitions, in order, each as soon as it is there. They pass through the store, where those that wait may
/// go to disk; at most as many partitions as the engine has threads, and two, are computed beyond the one that is read. Dropping the
/// stream cancels the rest and waits for tasks to stop.
pub struct PartitionStream {
    engine: Arc<Engine>,
    call: Call,
    /// Says that the next partition is whole.
    done: Option<Receiver<Result<()>>>,
    /// How many partitions there are, and how many have been read to their end.
    partitions: u32,
    read: u32,
    reader: Option<Reader>,
    /// Set when nothing more is computed.
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    frame: Arc<FrameGuard>,
}

impl PartitionStream {
    pub(super) fn start(engine: Arc<Engine>, lineage: Lineage, frame: Arc<FrameGuard>, call: Call) -> Self {
        let (sender, receiver) = bounded(1);
        let failed = sender.clone();
        engine.lineages.remember(frame.number(), lineage.clone());
        let partitions = u32::try_from(lineage.targets.len()).unwrap_or(u32::MAX);
        let is_over = Arc::new(AtomicBool::new(false));
        let (runs, its_call) = (Arc::clone(&engine), call.clone());
        let over = Over { engine: Arc::clone(&engine), is_over: Arc::clone(&is_over) };
        let run = move || {
            let kept = waiting::pool(&runs.ledger);
            let pool = Some(Arc::clone(&kept.0));
            let extras = Extras { targets_ahead_max: Some(runs.threads()), pool, ..Extras::default() };
            let deliver = |_, _| {
                // A receiver that is gone has cancelled the run.
                let _ = sender.send(Ok(()));
            };
            if let Err(error) = runs.run_with(&lineage.graph, &lineage.targets, &its_call, &extras, &deliver)
            {
                // Whoever waits for rows has to hear of it before the error can be taken.
                drop(over);
                let _ = sender.send(Err(error));
            }
        };
        let thread = match std::thread::Builder::new().name("partita-stream".into()).spawn(run) {
            Ok(thread) => Some(thread),
            Err(source) => {
                let error = ErrorKind::Io { path: "a thread".into(), source };
                let _ = failed.send(Err(error.into()));
                None
            }
        };
        drop(failed);
        Self { engine, call, done: Some(receiver), partitions, read: 0, reader: None, is_over, thread, frame }
    }

    fn key(&self) -> StoreKey {
        StoreKey { frame: self.frame.number(), partition: self.read }
    }

    /// The next batch of the partition that is being read, or of the next one.
    fn advance(&mut self) -> Result<Option<RecordBatch>> {
        while self.read < self.partitions {
            let key = self.key();
            let follow = || self.engine.store.follow(key, Arc::clone(&self.is_over));
            let reader = self.reader.get_or_insert_with(follow);
            if let Some(batch) = self.engine.next_stored(key, reader, &self.call)? {
                return Ok(Some(batch));
            }
            self.reader = None;
            match self.done.as_ref().and_then(|done| done.recv().ok()) {
                None => return Ok(None),
                Some(whole) => whole?,
            }
            self.engine.store.release_partition(key);
            self.read += 1;
        }
        // The run may yet fail on tasks that no partition needs.
        self.done.as_ref().and_then(|done| done.recv().ok()).transpose().map(|_| None)
    }
}

/// Says when it is dropped that nothing more is computed.
struct Over {
    engine: Arc<Engine>,
    is_over: Arc<AtomicBool>,
}

impl Drop for Over {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        self.engine.store.wake();
    }
}

impl Iterator for PartitionStream {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.done.as_ref()?;
        let next = self.advance().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.done = None;
            self.reader = None;
        }
        next
    }
}

impl Drop for PartitionStream {
    fn drop(&mut self) {
        self.call.cancel.cancel();
        self.done = None;
        self.reader = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been caught by the executor and reported as an error.
            let _ = thread.join();
        }
    }
}
