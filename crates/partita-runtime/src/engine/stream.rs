//! Partitions handed over in order, computed ahead on threads of their own.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, bounded};
use partita_schedule::graph::{Graph, TaskId};
use partita_tasks::Program;
use partita_tasks::interpret::Outcome;

use super::{Call, Engine, Extras};
use crate::cancel::CancelToken;
use crate::error::{ErrorKind, Result};

/// Outcomes of targets, in order. At most as many partitions as the engine has threads, and one, are computed beyond
/// those taken; dropping the stream cancels the rest and waits for tasks to stop.
pub struct PartitionStream {
    outcomes: Option<Receiver<Result<Outcome>>>,
    cancel: CancelToken,
    thread: Option<JoinHandle<()>>,
}

impl PartitionStream {
    pub(super) fn start(
        engine: Arc<Engine>,
        graph: Graph<Program>,
        targets: Vec<TaskId>,
        call: Call,
    ) -> Self {
        // One outcome waits in the channel, one in the hand of the sender.
        let (sender, receiver) = bounded(1);
        let cancel = call.cancel.clone();
        let failed = sender.clone();
        let run = move || {
            let extras = Extras { dataset: None, targets_ahead_max: Some(engine.threads()) };
            let deliver = |_, outcome| {
                // A receiver that is gone has cancelled the run.
                let _ = sender.send(Ok(outcome));
            };
            if let Err(error) = engine.run_with(&graph, &targets, &call, &extras, &deliver) {
                let _ = sender.send(Err(error));
            }
        };
        match std::thread::Builder::new().name("partita-stream".into()).spawn(run) {
            Ok(thread) => Self { outcomes: Some(receiver), cancel, thread: Some(thread) },
            Err(source) => {
                let error = ErrorKind::Io { path: "a thread".into(), source };
                let _ = failed.send(Err(error.into()));
                Self { outcomes: Some(receiver), cancel, thread: None }
            }
        }
    }
}

impl Iterator for PartitionStream {
    type Item = Result<Outcome>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.outcomes.as_ref()?.recv().ok();
        if !matches!(next, Some(Ok(_))) {
            self.outcomes = None;
        }
        next
    }
}

impl Drop for PartitionStream {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.outcomes = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been caught by the executor and reported as an error.
            let _ = thread.join();
        }
    }
}
