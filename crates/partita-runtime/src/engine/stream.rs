//! Batches handed over in order, their partitions computed ahead on threads of their own.

use std::sync::Arc;
use std::thread::JoinHandle;

use arrow::array::RecordBatch;
use crossbeam_channel::{Receiver, bounded};
use partita_tasks::program::StoreKey;

use super::waiting;
use super::{Call, Engine, Extras, FrameGuard, Lineage};
use crate::error::{ErrorKind, Result};
use crate::store::Reader;

/// The batches of a graph's partitions, in order. The partitions pass through the store, where those that wait may go to disk; at
/// most as many as the engine has threads, and two, are computed beyond the one that is read. Dropping the stream cancels
/// the rest and waits for tasks to stop.
pub struct PartitionStream {
    engine: Arc<Engine>,
    call: Call,
    /// Says that the next partition is there.
    done: Option<Receiver<Result<()>>>,
    /// Partitions that have been read to their end.
    read: u32,
    reader: Option<Reader>,
    thread: Option<JoinHandle<()>>,
    frame: Arc<FrameGuard>,
}

impl PartitionStream {
    pub(super) fn start(engine: Arc<Engine>, lineage: Lineage, frame: Arc<FrameGuard>, call: Call) -> Self {
        let (sender, receiver) = bounded(1);
        let failed = sender.clone();
        engine.lineages.remember(frame.number(), lineage.clone());
        let (runs, its_call) = (Arc::clone(&engine), call.clone());
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
        Self { engine, call, done: Some(receiver), read: 0, reader: None, thread, frame }
    }

    fn key(&self) -> StoreKey {
        StoreKey { frame: self.frame.number(), partition: self.read }
    }

    /// The next batch of the partition that is being read, or of the next one.
    fn advance(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let key = self.key();
            if let Some(reader) = &mut self.reader {
                if let Some(batch) = self.engine.next_stored(key, reader, &self.call)? {
                    return Ok(Some(batch));
                }
                self.reader = None;
                self.engine.store.release_partition(key);
                self.read += 1;
                continue;
            }
            match self.done.as_ref().and_then(|done| done.recv().ok()) {
                None => return Ok(None),
                Some(there) => there?,
            }
            self.reader = self.engine.store.read(key);
            if self.reader.is_none() {
                return Err(ErrorKind::Options(format!("partition {} was not stored", key.partition)).into());
            }
        }
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
