//! Everything that happens in the engine, as one enum.
//!
//! Journal, progress and dashboard are folds over these; nothing else tells them anything. Times are durations since the
//! session began, on a clock that never goes back. A sequence of events that was written by one version is read by later ones.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::graph::{OperatorId, TaskId};
use crate::machine::WorkerId;

#[cfg(test)]
mod tests;

/// A run of one session: the number of runs before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

/// An operator of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorTasks {
    /// Its name.
    pub name: String,
    /// How many tasks of the graph are its.
    pub tasks: u32,
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Something may be wrong.
    Warning,
    /// Something is wrong.
    Error,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A graph was handed to the scheduler.
    RunStarted {
        /// The run.
        run: RunId,
        /// Tasks that the targets need.
        tasks: u32,
        /// Dependencies in the graph.
        edges: u32,
        /// Targets asked for.
        targets: u32,
        /// The operators, by [`OperatorId`].
        operators: Vec<OperatorTasks>,
    },
    /// A source was put back to wait for memory.
    TaskQueued {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
        /// Its operator.
        operator: OperatorId,
    },
    /// A task was started. Tasks that are expected to be over at once are not worth saying so; their end tells when they began.
    TaskStarted {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
        /// Its operator.
        operator: OperatorId,
        /// Where.
        worker: WorkerId,
        /// How many times it was started, this time included.
        attempt: u8,
    },
    /// A task has a result.
    TaskFinished {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
        /// Its operator.
        operator: OperatorId,
        /// Where.
        worker: WorkerId,
        /// When it was started; the record says when it ended.
        #[serde(rename = "started_ns", with = "nanoseconds")]
        started: Duration,
        /// Bytes of memory its result takes.
        bytes: u64,
    },
    /// A task failed; it is tried again where `TaskRetried` follows.
    TaskFailed {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
        /// Its operator.
        operator: OperatorId,
        /// Where.
        worker: WorkerId,
        /// How many times it was started.
        attempt: u8,
        /// What it said.
        error: String,
    },
    /// A task will be tried again.
    TaskRetried {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
        /// Not before this time.
        #[serde(rename = "not_before_ns", with = "nanoseconds")]
        not_before: Duration,
    },
    /// Memory at one moment.
    Memory {
        /// Bytes promised by the ledger.
        reserved_bytes: u64,
        /// Anonymous and shared memory of the process, as the operating system counts it.
        resident_bytes: u64,
        /// The session's limit.
        limit_bytes: u64,
        /// Stored partitions on disk.
        #[serde(default)]
        spilled_bytes: u64,
    },
    /// A partition went to disk.
    Spill {
        /// Who held it.
        operator: String,
        /// Bytes of memory given back.
        bytes: u64,
    },
    /// What was read since the last event of this kind.
    Progress {
        /// The run.
        run: RunId,
        /// Bytes of input.
        input_bytes: u64,
        /// Rows.
        rows: u64,
    },
    /// All targets were handed over.
    RunFinished {
        /// The run.
        run: RunId,
    },
    /// The run failed.
    RunFailed {
        /// The run.
        run: RunId,
        /// Why.
        error: String,
    },
    /// The run was cancelled.
    RunCancelled {
        /// The run.
        run: RunId,
    },
    /// Something worth reading.
    Message {
        /// How much it matters.
        level: Level,
        /// The text.
        text: String,
    },
}

impl Event {
    /// The run it belongs to, if it belongs to one.
    pub fn run(&self) -> Option<RunId> {
        match self {
            Event::RunStarted { run, .. }
            | Event::TaskQueued { run, .. }
            | Event::TaskStarted { run, .. }
            | Event::TaskFinished { run, .. }
            | Event::TaskFailed { run, .. }
            | Event::TaskRetried { run, .. }
            | Event::Progress { run, .. }
            | Event::RunFinished { run }
            | Event::RunFailed { run, .. }
            | Event::RunCancelled { run } => Some(*run),
            Event::Memory { .. } | Event::Spill { .. } | Event::Message { .. } => None,
        }
    }

    /// Whether it is the last event of its run.
    pub fn ends_run(&self) -> bool {
        matches!(self, Event::RunFinished { .. } | Event::RunFailed { .. } | Event::RunCancelled { .. })
    }
}

/// An event and when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Since the session began.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    pub at: Duration,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A time as one number of nanoseconds, which holds for 584 years.
mod nanoseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }
}
