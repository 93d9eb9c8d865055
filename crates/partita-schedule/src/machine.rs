//! The scheduler: reports go in, commands come out, and nothing else happens.
//!
//! An executor owns a [`Machine`], tells it what happened ([`Report`]) and carries out what it says ([`Command`]). Workers
//! pull: a worker that wants tasks says how many ([`Report::WorkerFree`]) and is given at most that many at once. An offer
//! is not remembered; an executor with idle workers offers again while [`Machine::has_runnable`].
//!
//! # What holds
//! - A task runs when all it depends on has finished, least rank first (see [`crate::order`]).
//! - A result is released when nobody needs it any more: no dependant is left, and, if it is a target, it was taken
//!   as often as it was asked for.
//! - With a window ([`MachineOptions::targets_ahead_max`]) nothing is started for target number `i` before `i` is less than
//!   the number of targets taken plus the window.
//! - A source that found no memory goes back, and no source starts until something has finished, failed, been taken, or
//!   the executor says that memory was freed elsewhere. Where nothing is left that could free any, [`Command::Stalled`] says so.
//! - A failure is tried again if there is hope ([`Hope`]): after a pause that doubles, or alone. A task that is to run alone
//!   starts when nothing else runs, and before anything else does; what fails alone for want of memory has failed. So tasks that
//!   keep memory from each other all finish, one after the other at worst. A task whose worker died is tried again until it has
//!   [`MachineOptions::strikes_max`].
//! - After a failure or a cancellation no task starts, all results are released, and the run ends once the
//!   tasks that are running have reported.
//! - Every run that is driven on ends with exactly one [`Command::End`], the last command there is.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::graph::{GraphError, Shape, TaskId};
use crate::order::Order;
use crate::rank_set::RankSet;

mod check;
mod end;
mod results;
mod start;
#[cfg(test)]
mod tests;
mod trouble;

/// A worker of one run. A worker that replaces a lost one gets a new number: late reports of the old one are then told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub u32);

/// How a machine is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineOptions {
    /// How often a task is tried again after transient failures.
    pub retries_max: u8,
    /// The pause before the first retry; it doubles with each.
    pub backoff_first: Duration,
    /// The longest pause.
    pub backoff_max: Duration,
    /// A task that was running on this many workers when they died fails.
    pub strikes_max: u8,
    /// How many targets may be worked on beyond those taken (at least 1); `None`: all.
    pub targets_ahead_max: Option<usize>,
    /// Whether targets are taken in the order of the list: one that is ready before its turn waits, and frees no memory.
    pub targets_in_order: bool,
}

impl Default for MachineOptions {
    fn default() -> Self {
        MachineOptions {
            retries_max: 3,
            backoff_first: Duration::from_millis(100),
            backoff_max: Duration::from_secs(10),
            strikes_max: 3,
            targets_ahead_max: None,
            targets_in_order: false,
        }
    }
}

/// Whether trying a failed task again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hope {
    /// It would fail again.
    None,
    /// It may work later.
    Later,
    /// It may work while nothing else runs: what it lacks, memory, the others have.
    Alone,
}

/// What an executor reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// A worker is there.
    WorkerJoined {
        /// Which; a number that was not used before in this run.
        worker: WorkerId,
    },
    /// A worker is gone, and what it was running with it (results live on elsewhere).
    WorkerLost {
        /// Which.
        worker: WorkerId,
        /// The task it was running, if known: the strike is its alone. `None`: all tasks given to the worker get one.
        culprit: Option<TaskId>,
    },
    /// A worker takes up to so many tasks, now.
    WorkerFree {
        /// Which.
        worker: WorkerId,
        /// At most this many.
        slots: u32,
    },
    /// A task has a result, which the executor holds until told to release it.
    Finished {
        /// Which.
        task: TaskId,
        /// Where.
        worker: WorkerId,
        /// Bytes of memory the result takes.
        bytes: u64,
    },
    /// A task failed.
    Failed {
        /// Which.
        task: TaskId,
        /// Where.
        worker: WorkerId,
        /// Whether trying again may help.
        hope: Hope,
    },
    /// A worker gives back a task that it has not begun.
    Returned {
        /// Which.
        task: TaskId,
        /// Where.
        worker: WorkerId,
    },
    /// A source was not begun, because there is no memory for it now.
    AdmissionRefused {
        /// Which.
        task: TaskId,
        /// Where.
        worker: WorkerId,
    },
    /// Memory was freed by somebody else: sources may be tried again.
    AdmissionOpened,
    /// There will be no memory for this task: the run fails.
    AdmissionDenied {
        /// Which.
        task: TaskId,
    },
    /// A target that was ready was taken by whoever wanted it.
    TargetTaken {
        /// Its number in the list of targets.
        target: usize,
    },
    /// Time has passed: see [`Command::Wake`].
    Tick,
    /// The run is no longer wanted.
    Cancel,
}

/// What an executor has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Start a task and report what became of it.
    Run {
        /// Which.
        task: TaskId,
        /// Where: the worker that was free.
        worker: WorkerId,
        /// How many times it has been started, this time included (it stops counting at 255).
        attempt: u8,
    },
    /// Drop the result of a task.
    Release {
        /// Which.
        task: TaskId,
    },
    /// A target has its result: hand it over, then report [`Report::TargetTaken`].
    TargetReady {
        /// Its number in the list of targets.
        target: usize,
    },
    /// Send [`Report::Tick`] at this time or soon after: a task waits to be tried again. Of several such times only the
    /// soonest need be kept; the tick tells the next one.
    Wake {
        /// When, on the clock of `now`.
        at: Duration,
    },
    /// Nothing is running and nothing can be, but for sources that found no memory. Report
    /// [`Report::AdmissionOpened`] when there is some, or [`Report::AdmissionDenied`] when there will be none.
    Stalled {
        /// The source that is next.
        task: TaskId,
    },
    /// The run cannot succeed any more: tasks that are running may stop early. `End` follows when they have reported.
    Stop,
    /// The run is over.
    End {
        /// How.
        outcome: Outcome,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// All targets were taken.
    Finished,
    /// A task failed for good.
    Failed {
        /// Which.
        task: TaskId,
        /// Why.
        cause: Cause,
    },
    /// It was cancelled.
    Cancelled,
}

/// Why a task failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// It reported an error that is not transient, or one too many that is.
    Error,
    /// Too many workers died running it.
    WorkersLost,
    /// There is no memory for it.
    Admission,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// It was news.
    Taken,
    /// It was about something that is not so (any more): a worker that was given up, a task that runs elsewhere. Nothing
    /// has changed; a result that came with it is dropped.
    Stale,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not needed, or waits for dependencies.
    Waiting,
    /// In one of the queues.
    Ready,
    /// Given to a worker.
    Running,
    /// Failed; will be ready again at a certain time.
    Paused,
    /// Has a result, and the executor holds it.
    Held,
    /// Has finished, and its result is gone.
    Released,
    /// The run stopped before it finished.
    Dropped,
}

/// What the machine knows of a task.
#[derive(Debug, Clone, Copy)]
struct Cell {
    /// Dependencies that have not finished.
    missing: u32,
    /// Dependants that have not finished, and times it is to be taken as a target.
    wanted: u32,
    /// Where it was started last.
    worker: WorkerId,
    state: State,
    is_target: bool,
    is_source: bool,
    /// It has failed for want of memory beside others: it runs alone from then on.
    is_alone: bool,
    attempts: u8,
    failures: u8,
    strikes: u8,
    /// Bytes of its result while it is held.
    bytes: u64,
}

/// A target: its task, and whether it was handed over.
#[derive(Debug, Clone, Copy)]
struct Target {
    task: TaskId,
    is_taken: bool,
}

/// The scheduler of one run.
#[derive(Debug)]
pub struct Machine<'g> {
    shape: &'g Shape,
    order: Order,
    options: MachineOptions,
    cells: Vec<Cell>,
    targets: Vec<Target>,
    /// Numbers of targets, sorted by task: which targets a task is.
    targets_by_task: Vec<u32>,
    targets_taken: usize,
    /// Targets that are ready and not taken.
    targets_waiting: usize,
    /// Tasks of this rank and beyond lie outside of the window.
    rank_limit: u32,
    /// Ranks of tasks that may start, but for sources.
    ready: RankSet,
    /// Ranks of sources that may start.
    ready_sources: RankSet,
    /// Ranks of tasks that may start when nothing else runs.
    ready_alone: BTreeSet<u32>,
    /// Whether such a task is running.
    runs_alone: bool,
    /// Whether a source may start: closed by a refusal.
    admits: bool,
    /// Whether the executor was told that only memory can help.
    is_stalled: bool,
    /// Tasks that wait for their next attempt, soonest first.
    paused: BinaryHeap<Reverse<(Duration, u32)>>,
    workers: BTreeSet<WorkerId>,
    running: usize,
    finished: usize,
    held_bytes: u64,
    stopping: Option<Outcome>,
    outcome: Option<Outcome>,
}

impl<'g> Machine<'g> {
    /// A machine that will bring about `targets`, each of which is to be taken once for every time it is named.
    ///
    /// # Errors
    /// [`GraphError::UnknownTarget`] where a target is not in the graph.
    pub fn new(shape: &'g Shape, targets: &[TaskId], options: MachineOptions) -> Result<Self, GraphError> {
        let order = Order::new(shape, targets)?;
        let needed = order.sequence().len();
        let mut targets_by_task: Vec<u32> = (0..targets.len() as u32).collect();
        targets_by_task.sort_by_key(|index| targets[*index as usize]);
        let mut machine = Machine {
            shape,
            cells: cells(shape, &order, targets),
            targets: targets.iter().map(|&task| Target { task, is_taken: false }).collect(),
            targets_by_task,
            targets_taken: 0,
            targets_waiting: 0,
            rank_limit: 0,
            ready: RankSet::new(needed),
            ready_sources: RankSet::new(needed),
            ready_alone: BTreeSet::new(),
            runs_alone: false,
            admits: true,
            is_stalled: false,
            paused: BinaryHeap::new(),
            workers: BTreeSet::new(),
            running: 0,
            finished: 0,
            held_bytes: 0,
            stopping: None,
            outcome: None,
            order,
            options,
        };
        machine.move_window();
        for place in 0..needed {
            let task = machine.order.sequence()[place];
            if machine.cells[task.index()].missing == 0 {
                machine.make_ready(task);
            }
        }
        Ok(machine)
    }

    /// Takes a report and adds what is to be done to `commands`.
    pub fn handle(&mut self, report: Report, now: Duration, commands: &mut Vec<Command>) -> Reception {
        if self.outcome.is_some() {
            return Reception::Stale;
        }
        let reception = match report {
            Report::Finished { task, worker, bytes } => self.on_finished(task, worker, bytes, commands),
            Report::WorkerFree { worker, slots } => self.on_worker_free(worker, slots, commands),
            Report::TargetTaken { target } => self.on_target_taken(target, commands),
            Report::Failed { task, worker, hope } => self.on_failed(task, worker, hope, now, commands),
            Report::Returned { task, worker } => self.on_returned(task, worker),
            Report::AdmissionRefused { task, worker } => self.on_admission_refused(task, worker),
            Report::AdmissionOpened => self.on_admission_opened(),
            Report::AdmissionDenied { task } => self.on_admission_denied(task, commands),
            Report::WorkerJoined { worker } => self.on_worker_joined(worker),
            Report::WorkerLost { worker, culprit } => self.on_worker_lost(worker, culprit, commands),
            Report::Tick => self.on_tick(now, commands),
            Report::Cancel => self.on_cancel(commands),
        };
        self.settle(commands);
        reception
    }

    /// Whether a worker that offers itself now gets a task.
    pub fn has_runnable(&self) -> bool {
        self.next_rank().is_some()
    }

    /// The task that it gets.
    pub fn next_task(&self) -> Option<TaskId> {
        self.next_rank().map(|rank| self.order.sequence()[rank as usize])
    }

    /// Tasks that have all they depend on and have not started, those outside of the window or without memory included.
    pub fn ready_count(&self) -> usize {
        self.ready.len() + self.ready_sources.len() + self.ready_alone.len()
    }

    /// Tasks given to workers.
    pub fn running_count(&self) -> usize {
        self.running
    }

    /// Tasks that have finished.
    pub fn finished_count(&self) -> usize {
        self.finished
    }

    /// Tasks that the targets need.
    pub fn needed_count(&self) -> usize {
        self.order.sequence().len()
    }

    /// Bytes of the results that the executor holds.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// How the run will end or has ended, once it cannot end otherwise.
    pub fn verdict(&self) -> Option<Outcome> {
        self.outcome.or(self.stopping)
    }

    /// The static order of the run.
    pub fn order(&self) -> &Order {
        &self.order
    }
}

/// The state before anything has happened.
fn cells(shape: &Shape, order: &Order, targets: &[TaskId]) -> Vec<Cell> {
    let cell = |task: TaskId| Cell {
        missing: shape.dependencies(task).len() as u32,
        wanted: order.dependants(task).len() as u32,
        worker: WorkerId(u32::MAX),
        state: State::Waiting,
        is_target: false,
        is_source: shape.is_source(task),
        is_alone: false,
        attempts: 0,
        failures: 0,
        strikes: 0,
        bytes: 0,
    };
    let mut cells: Vec<Cell> = shape.tasks().map(cell).collect();
    for target in targets {
        cells[target.index()].is_target = true;
        cells[target.index()].wanted += 1;
    }
    cells
}
