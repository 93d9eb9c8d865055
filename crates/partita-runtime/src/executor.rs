//! One thread or many, driving the same scheduler machine.
//!
//! [`run`] brings about the targets of a graph: a [`Runner`] says what a task does, the machine of `partita-schedule` says
//! which task is next, and this module has the threads, the results and the clock. Both schedulers are the same loop:
//! [`Scheduler::SingleThreaded`] is the calling thread alone, taking one task at a time, so that tasks run in static order;
//! [`Scheduler::Threaded`] adds threads of its own while there is more to run than threads that run it.
//!
//! # How
//! Machine and results lie behind one lock. A thread comes with what it has finished, leaves with tasks and their inputs,
//! and lets go of the lock while they run. Tasks that are over in no time (their operator's are known to be) are taken
//! several at a time, so that the lock is not what a small task costs. A thread with nothing to do sleeps; another one wakes
//! it when it leaves tasks behind that could run.
//!
//! The machine has the rules (order, retries, admission, window, release): see its documentation.

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use partita_schedule::event::EventRecord;
use partita_schedule::{Graph, GraphError, Hope, RunId, TaskId, WorkerId};
use serde::{Deserialize, Serialize};

use crate::cancel::CancelToken;

mod batch;
mod drive;
pub mod graph;
mod pace;
mod parking;
mod state;
#[cfg(test)]
mod tests;

pub use drive::run;

/// Which executor runs a graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Scheduler {
    /// The calling thread alone, in static order: for debugging and profiling.
    SingleThreaded,
    /// All threads of the session.
    #[default]
    Threaded,
}

impl fmt::Display for Scheduler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Scheduler::SingleThreaded => "single-threaded",
            Scheduler::Threaded => "threaded",
        })
    }
}

/// A scheduler that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scheduler: expected threaded or single-threaded, got {0:?}")]
pub struct UnknownScheduler(String);

impl FromStr for Scheduler {
    type Err = UnknownScheduler;

    fn from_str(text: &str) -> Result<Self, UnknownScheduler> {
        match text {
            "single-threaded" => Ok(Scheduler::SingleThreaded),
            "threaded" => Ok(Scheduler::Threaded),
            other => Err(UnknownScheduler(other.to_owned())),
        }
    }
}

/// A task as its runner sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskContext {
    /// Which.
    pub task: TaskId,
    /// The thread it runs on: 0 is the calling one.
    pub worker: WorkerId,
    /// How many times it was started, this time included.
    pub attempt: u8,
}

/// Whether there is memory for a source.
#[derive(Debug)]
pub enum Admission<P> {
    /// There is, and this holds it; it is handed to the task.
    Granted(P),
    /// Not now.
    Later,
}

/// A task that failed.
#[derive(Debug)]
pub struct Failure<E> {
    /// Why.
    pub error: E,
    /// Whether trying again may help.
    pub hope: Hope,
}

impl<E> Failure<E> {
    /// A failure that would come again.
    pub fn permanent(error: E) -> Self {
        Failure { error, hope: Hope::None }
    }
}

/// What tasks do.
pub trait Runner: Sync {
    /// What a task of the graph carries.
    type Payload: Sync;
    /// A result. It is cloned for each dependant and for the receiver: share what is large.
    type Output: Clone + Send;
    /// Memory reserved for a source before it starts.
    type Permit;
    /// Why a task fails.
    type Error: fmt::Display + Send;

    /// Asked before a source starts.
    fn admit(&self, context: TaskContext, payload: &Self::Payload) -> Admission<Self::Permit>;

    /// Called when nothing runs and a source that was refused is all that could: waits for memory that somebody else may
    /// free, a second at most, and says whether to try again.
    ///
    /// # Errors
    /// Where there will be none; the run fails with it.
    fn wait_for_memory(&self, task: TaskId, payload: &Self::Payload) -> Result<(), Self::Error>;

    /// Carries out a task. `inputs` are the results of its dependencies, in order; `permit` is there for sources.
    ///
    /// # Errors
    /// What went wrong, and whether trying again may help. A panic is caught and fails the run with the task's name.
    fn run(
        &self,
        context: TaskContext,
        payload: &Self::Payload,
        inputs: &[Self::Output],
        permit: Option<Self::Permit>,
    ) -> Result<Self::Output, Failure<Self::Error>>;

    /// Bytes of memory that a result takes.
    fn output_bytes(&self, output: &Self::Output) -> u64;

    /// The run cannot succeed any more (a failure, a cancellation): tasks that are running may stop early. Called once, by
    /// the first thread that notices; a task that runs while all threads are busy hears of a cancellation only by asking
    /// [`RunOptions::cancel`] itself.
    fn stop(&self) {}
}

/// Hears what happens.
pub trait Observer: Sync {
    /// Called with several records at a time, in order, from the thread to which they happened.
    fn observe(&self, records: &[EventRecord]);
}

/// When a target is handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// In the order of the list of targets.
    #[default]
    Ordered,
    /// As they are ready.
    AsReady,
}

/// How to run.
#[derive(Clone)]
pub struct RunOptions<'a> {
    /// Which executor.
    pub scheduler: Scheduler,
    /// Threads of [`Scheduler::Threaded`], the calling one included; at least 1.
    pub threads: usize,
    /// Cancels the run. Threads that wait wake at once; tasks that run should ask it now and then.
    pub cancel: CancelToken,
    /// How many targets may be worked on beyond those handed over; `None`: all.
    pub targets_ahead_max: Option<usize>,
    /// When targets are handed over.
    pub delivery: Delivery,
    /// How often a task is tried again after transient failures.
    pub retries_max: u8,
    /// The number of the run in its session.
    pub run: RunId,
    /// When the session began: the zero of all times in events.
    pub epoch: Instant,
    /// Who hears what happens.
    pub observer: Option<&'a dyn Observer>,
}

impl Default for RunOptions<'_> {
    /// All cores, three retries, nobody listening.
    fn default() -> Self {
        RunOptions {
            scheduler: Scheduler::Threaded,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            cancel: CancelToken::new(),
            targets_ahead_max: None,
            delivery: Delivery::Ordered,
            retries_max: 3,
            run: RunId(0),
            epoch: Instant::now(),
            observer: None,
        }
    }
}

impl fmt::Debug for RunOptions<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RunOptions")
            .field("scheduler", &self.scheduler)
            .field("threads", &self.threads)
            .field("targets_ahead_max", &self.targets_ahead_max)
            .field("delivery", &self.delivery)
            .field("retries_max", &self.retries_max)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// Why a run has not brought about its targets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError<E> {
    /// A target is not in the graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A task failed.
    #[error("{operator} (task {task}, attempt {attempts}): {error}")]
    Task {
        /// Which.
        task: TaskId,
        /// Its operator.
        operator: String,
        /// How many times it was started.
        attempts: u8,
        /// What it said.
        error: E,
    },
    /// A task panicked, or the receiver of results did: a defect.
    #[error("{place} panicked: {message}")]
    Panicked {
        /// Operator and number of the task.
        place: String,
        /// What the panic said.
        message: String,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// A graph of a runner's payloads.
type GraphOf<R> = Graph<<R as Runner>::Payload>;
