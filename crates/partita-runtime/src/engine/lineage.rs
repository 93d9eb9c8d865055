//! Where stored partitions come from: one that cannot be read back is computed again.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use partita_schedule::graph::{Graph, TaskId};
use partita_tasks::program::StoreKey;
use partita_tasks::{ErrorKind, Program};

use super::runner::{self, ProgramRunner};
use super::{Call, Engine, Extras};
use crate::error::{Error, ErrorKind as RuntimeErrorKind};
use crate::executor::{self, RunOptions, Scheduler};
use crate::store::{EntryId, Fault, Reader, SpillError};

/// How often one reader has a partition computed again before it gives up.
const RECOMPUTATIONS_MAX: usize = 3;

/// The graph that stores the partitions of a frame.
#[derive(Clone)]
pub struct Lineage {
    /// The tasks.
    pub graph: Arc<Graph<Program>>,
    /// The task of each partition.
    pub targets: Arc<[TaskId]>,
    /// Functions that the tasks call. Frames that they read are not held: where one was released, what came of it cannot be computed
    /// again.
    pub functions: Vec<Arc<dyn Any + Send + Sync>>,
}

/// The lineages of all frames that are held, and the partitions that are being computed again.
#[derive(Default)]
pub(super) struct Lineages {
    of: Mutex<HashMap<u64, Lineage>>,
    busy: Mutex<HashSet<StoreKey>>,
    done: Condvar,
}

impl Lineages {
    fn of(&self) -> MutexGuard<'_, HashMap<u64, Lineage>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remember(&self, frame: u64, lineage: Lineage) {
        self.of().insert(frame, lineage);
    }

    pub(super) fn forget(&self, frame: u64) {
        let forgotten = self.of().remove(&frame);
        drop(forgotten);
    }

    /// Waits until nobody computes this partition, and says that this thread does.
    fn enter(&self, key: StoreKey) -> Busy<'_> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        while !busy.insert(key) {
            busy = self.done.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        Busy { lineages: self, key }
    }
}

struct Busy<'a> {
    lineages: &'a Lineages,
    key: StoreKey,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.lineages.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        self.lineages.done.notify_all();
    }
}

impl Engine {
    /// Reads the next batch of a stored partition, computing the partition again where a frame is damaged.
    pub(crate) fn next_stored(
        &self,
        key: StoreKey,
        reader: &mut Reader,
        call: &Call,
    ) -> partita_tasks::Result<Option<RecordBatch>> {
        let mut tries = 0;
        loop {
            match reader.next() {
                Ok(batch) => return Ok(batch),
                Err(Fault::Task(error)) => return Err(error),
                Err(Fault::Damaged { error, .. }) if tries == RECOMPUTATIONS_MAX => return Err(lost(error)),
                Err(Fault::Damaged { entry, error }) => self.recompute(key, entry, error, call)?,
            }
            tries += 1;
        }
    }

    /// Computes a partition again, unless somebody has done so since `entry` was read.
    fn recompute(
        &self,
        key: StoreKey,
        entry: EntryId,
        error: SpillError,
        call: &Call,
    ) -> partita_tasks::Result<()> {
        let _busy = self.lineages.enter(key);
        if !self.store.is_current(key, entry) {
            return Ok(());
        }
        let lineage = self.lineages.of().get(&key.frame).cloned();
        let Some(lineage) = lineage else { return Err(lost(error)) };
        let Some(target) = lineage.targets.get(key.partition as usize) else { return Err(lost(error)) };
        self.note_recomputed(&error);
        let call = Call { scheduler: Scheduler::SingleThreaded, ..call.clone() };
        let run = self.journal.next_run();
        let runner = ProgramRunner::new(self, &call, run, &Extras::default());
        let options = RunOptions {
            scheduler: call.scheduler,
            threads: 1,
            cancel: call.cancel.clone(),
            run,
            epoch: self.journal.epoch(),
            observer: Some(&*self.journal),
            ..RunOptions::default()
        };
        executor::run(&lineage.graph, &[*target], &runner, &options, &|_, _| {})
            .map_err(|error| task_error(runner::run_error(error)))
    }
}

/// A frame that is gone for good.
fn lost(error: SpillError) -> partita_tasks::Error {
    ErrorKind::Host(Box::new(Error::from(RuntimeErrorKind::Lost(error)))).into()
}

fn task_error(error: Error) -> partita_tasks::Error {
    if error.is_cancelled() { ErrorKind::Cancelled.into() } else { ErrorKind::Host(Box::new(error)).into() }
}
