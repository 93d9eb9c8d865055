//! What one thread carries from the lock and back, and the running of it.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use partita_schedule::event::{Event, EventRecord};
use partita_schedule::{Hope, OperatorId, RunId, TaskId, WorkerId};

use super::drive::Shared;
use super::{Admission, Failure, Runner, TaskContext};

/// A task to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assigned {
    pub(super) task: TaskId,
    pub(super) attempt: u8,
    pub(super) operator: OperatorId,
    pub(super) is_source: bool,
    /// Whether it is over so soon that its start is not worth an event.
    pub(super) is_brief: bool,
    /// How many of the inputs in [`Local::inputs`] are its.
    pub(super) inputs: usize,
}

/// A task that was run, or not.
pub(super) struct Done<R: Runner> {
    pub(super) task: TaskId,
    pub(super) operator: OperatorId,
    pub(super) attempt: u8,
    pub(super) started: Duration,
    pub(super) ended: Duration,
    pub(super) verdict: Verdict<R>,
}

/// What became of a task.
pub(super) enum Verdict<R: Runner> {
    Finished { output: R::Output, bytes: u64 },
    Failed { problem: Problem<R::Error>, hope: Hope },
    Refused,
    Returned,
}

/// What a task fails of.
#[derive(Debug)]
pub(super) enum Problem<E> {
    Error(E),
    Panic(String),
}

impl<E: fmt::Display> fmt::Display for Problem<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Error(error) => error.fmt(formatter),
            Problem::Panic(message) => write!(formatter, "panicked: {message}"),
        }
    }
}

/// The belongings of one thread. All vectors are reused from visit to visit.
pub(super) struct Local<R: Runner> {
    pub(super) batch: Vec<Assigned>,
    /// Inputs of the first task of the batch, of the second, ..
    pub(super) inputs: Vec<R::Output>,
    pub(super) done: Vec<Done<R>>,
    /// Results to be dropped when the lock is free.
    pub(super) garbage: Vec<R::Output>,
    /// Targets to hand over.
    pub(super) deliver: Vec<(usize, R::Output)>,
    /// Targets that were handed over.
    pub(super) taken: Vec<usize>,
    pub(super) records: Vec<EventRecord>,
    /// When the task that was reported last is tried again, if it is.
    pub(super) retry_at: Option<Duration>,
}

impl<R: Runner> Default for Local<R> {
    fn default() -> Self {
        Local {
            batch: Vec::new(),
            inputs: Vec::new(),
            done: Vec::new(),
            garbage: Vec::new(),
            deliver: Vec::new(),
            taken: Vec::new(),
            records: Vec::new(),
            retry_at: None,
        }
    }
}

/// Runs the batch, and leaves in `local.done` what became of each task. Where one task ends the next one begins, so the
/// clock is read once a task.
pub(super) fn run_batch<R: Runner>(shared: &Shared<'_, R>, worker: WorkerId, local: &mut Local<R>) {
    let mut started = shared.now();
    if let [assigned] = local.batch[..]
        && !assigned.is_brief
    {
        shared.announce_start(worker, assigned, started);
    }
    let mut from = 0;
    for assigned in local.batch.drain(..) {
        let to = from + assigned.inputs;
        let verdict = if shared.should_stop() {
            Verdict::Returned
        } else {
            run_task(shared, worker, assigned, &local.inputs[from..to])
        };
        from = to;
        let ended = shared.now();
        let Assigned { task, operator, attempt, .. } = assigned;
        let done = Done { task, operator, attempt, started, ended, verdict };
        if shared.options.observer.is_some() {
            local.records.extend(done.record(shared.options.run, worker));
        }
        local.done.push(done);
        started = ended;
    }
    local.inputs.clear();
}

/// Runs one task; a source once there is memory for it.
fn run_task<R: Runner>(
    shared: &Shared<'_, R>,
    worker: WorkerId,
    assigned: Assigned,
    inputs: &[R::Output],
) -> Verdict<R> {
    let Assigned { task, attempt, is_source, .. } = assigned;
    // Every task that the machine gives out is in the graph.
    let Some(payload) = shared.graph.payload(task) else { return Verdict::Returned };
    let (runner, context) = (shared.runner, TaskContext { task, worker, attempt });
    let run = || -> Result<Verdict<R>, Failure<R::Error>> {
        let permit = match is_source.then(|| runner.admit(context, payload)) {
            Some(Admission::Later) => return Ok(Verdict::Refused),
            Some(Admission::Granted(permit)) => Some(permit),
            None => None,
        };
        let output = runner.run(context, payload, inputs, permit)?;
        let bytes = runner.output_bytes(&output);
        Ok(Verdict::Finished { output, bytes })
    };
    // What a task shares with others it shares through locks, and a poisoned one is an error of theirs.
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(Failure { error, hope })) => Verdict::Failed { problem: Problem::Error(error), hope },
        Err(panic) => Verdict::Failed { problem: Problem::Panic(message_of(&*panic)), hope: Hope::None },
    }
}

/// What a panic says.
pub(super) fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

impl<R: Runner> Done<R> {
    /// What there is to say about it.
    fn record(&self, run: RunId, worker: WorkerId) -> Option<EventRecord> {
        let Done { task, operator, attempt, started, ended, ref verdict } = *self;
        let event = match verdict {
            Verdict::Finished { bytes, .. } => {
                Event::TaskFinished { run, task, operator, worker, started, bytes: *bytes }
            }
            Verdict::Failed { problem, .. } => {
                Event::TaskFailed { run, task, operator, worker, attempt, error: problem.to_string() }
            }
            Verdict::Refused => Event::TaskQueued { run, task, operator },
            Verdict::Returned => return None,
        };
        Some(EventRecord { at: ended, event })
    }
}
