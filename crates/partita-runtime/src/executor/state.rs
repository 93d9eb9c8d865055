//! What all threads of a run share, behind its lock: the machine, the results, who is to do what.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use partita_schedule::event::{Event, EventRecord};
use partita_schedule::{Cause, Command, Machine, Outcome, Reception, Report, TaskId, WorkerId};

use super::batch::{Assigned, Done, Local, Problem, Verdict};
use super::pace::{Budget, Pace};
use super::{Delivery, GraphOf, RunError, RunOptions, Runner};

/// Targets handed over without coming back to the lock, where no window needs to know of each.
const DELIVER_MAX: usize = 64;

/// What a thread does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The tasks in its batch.
    Run,
    /// Hands over the targets it was given.
    Deliver,
    /// Waits, at most until this time.
    Wait(Option<Duration>),
    /// Finds memory for this source, or says that there is none.
    FindMemory(TaskId),
    /// The run is over.
    End,
}

/// The state of a run.
pub(super) struct State<'r, R: Runner> {
    graph: &'r GraphOf<R>,
    targets: &'r [TaskId],
    options: &'r RunOptions<'r>,
    machine: Machine<'r>,
    /// By task.
    results: Vec<Option<R::Output>>,
    /// Targets that wait to be handed over, least first.
    ready_targets: BinaryHeap<Reverse<usize>>,
    next_target: usize,
    is_delivering: bool,
    /// A source that needs memory before anything can go on.
    stalled: Option<TaskId>,
    /// The soonest time at which a paused task is ready again.
    wake_at: Option<Duration>,
    pace: Pace,
    /// Most threads that take part.
    threads_max: usize,
    /// Threads that take part.
    threads: usize,
    failure: Option<RunError<R::Error>>,
    outcome: Option<Outcome>,
    is_stopping: bool,
    commands: Vec<Command>,
}

impl<'r, R: Runner> State<'r, R> {
    pub(super) fn new(
        graph: &'r GraphOf<R>,
        targets: &'r [TaskId],
        options: &'r RunOptions<'r>,
        machine: Machine<'r>,
        threads_max: usize,
    ) -> Self {
        State {
            graph,
            targets,
            options,
            machine,
            results: std::iter::repeat_with(|| None).take(graph.len()).collect(),
            ready_targets: BinaryHeap::new(),
            next_target: 0,
            is_delivering: false,
            stalled: None,
            wake_at: None,
            pace: Pace::new(graph.shape().operator_names().len()),
            threads_max,
            threads: 0,
            failure: None,
            outcome: None,
            is_stopping: false,
            commands: Vec::new(),
        }
    }

    /// Whether running tasks should stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping
    }

    /// Whether another thread would find a task.
    pub(super) fn has_work(&self) -> bool {
        self.machine.has_runnable()
    }

    /// One more thread, if another may take part.
    pub(super) fn join(&mut self, local: &mut Local<R>) -> Option<WorkerId> {
        if self.threads >= self.threads_max {
            return None;
        }
        let worker = WorkerId(self.threads as u32);
        self.threads += 1;
        self.handle(Report::WorkerJoined { worker }, Duration::ZERO, local);
        Some(worker)
    }

    /// One visit of a thread: it reports, and is told what to do next.
    pub(super) fn turn(&mut self, worker: WorkerId, now: Duration, local: &mut Local<R>) -> Step {
        // Before the reports: a task that failed because it saw the cancellation has not failed.
        if !self.is_stopping && self.options.cancel.is_cancelled() {
            self.handle(Report::Cancel, now, local);
        }
        let mut done = std::mem::take(&mut local.done);
        for done in done.drain(..) {
            self.report_done(worker, done, local);
        }
        local.done = done;
        while let Some(target) = local.taken.pop() {
            self.is_delivering = false;
            self.handle(Report::TargetTaken { target }, now, local);
        }
        if self.wake_at.is_some_and(|at| at <= now) {
            self.wake_at = None;
            self.handle(Report::Tick, now, local);
        }
        if self.outcome.is_some() {
            return Step::End;
        }
        if self.collect_targets(local) {
            return Step::Deliver;
        }
        if let Some(task) = self.stalled.take() {
            return Step::FindMemory(task);
        }
        self.fill_batch(worker, now, local);
        if local.batch.is_empty() { Step::Wait(self.wake_at) } else { Step::Run }
    }

    /// A thread has panicked outside of a task: what it was running is lost, and the run with it.
    pub(super) fn abandon(&mut self, worker: WorkerId, message: String, local: &mut Local<R>) {
        let place = "what is called between tasks".to_owned();
        self.failure.get_or_insert(RunError::Panicked { place, message });
        self.handle(Report::WorkerLost { worker, culprit: None }, Duration::ZERO, local);
        self.handle(Report::Cancel, Duration::ZERO, local);
    }

    /// What came of looking for memory.
    pub(super) fn found_memory(&mut self, task: TaskId, found: Result<(), R::Error>, local: &mut Local<R>) {
        let Err(error) = found else {
            self.handle(Report::AdmissionOpened, Duration::ZERO, local);
            return;
        };
        self.handle(Report::AdmissionDenied { task }, Duration::ZERO, local);
        self.blame(task, 0, Problem::Error(error));
    }

    /// How it ended.
    pub(super) fn into_result(self) -> Result<(), RunError<R::Error>> {
        match (self.failure, self.outcome) {
            (Some(failure), _) => Err(failure),
            (None, Some(Outcome::Finished)) => Ok(()),
            (None, _) => Err(RunError::Cancelled),
        }
    }

    fn report_done(&mut self, worker: WorkerId, done: Done<R>, local: &mut Local<R>) {
        let Done { task, operator, attempt, started, ended, verdict } = done;
        match verdict {
            Verdict::Finished { output, bytes } => {
                self.pace.learn(operator, ended.saturating_sub(started), bytes);
                self.results[task.index()] = Some(output);
                self.handle(Report::Finished { task, worker, bytes }, ended, local);
            }
            Verdict::Failed { problem, hope } => {
                local.retry_at = None;
                self.handle(Report::Failed { task, worker, hope }, ended, local);
                if let Some(not_before) = local.retry_at
                    && self.options.observer.is_some()
                {
                    let event = Event::TaskRetried { run: self.options.run, task, not_before };
                    local.records.push(EventRecord { at: ended, event });
                }
                self.blame(task, attempt, problem);
            }
            Verdict::Refused => {
                self.handle(Report::AdmissionRefused { task, worker }, ended, local);
            }
            Verdict::Returned => {
                self.handle(Report::Returned { task, worker }, ended, local);
            }
        }
    }

    /// Keeps the problem if it is what the run fails of.
    fn blame(&mut self, task: TaskId, attempts: u8, problem: Problem<R::Error>) {
        let is_cause = match self.machine.verdict() {
            Some(Outcome::Failed { task: culprit, cause }) => culprit == task && cause != Cause::WorkersLost,
            _ => false,
        };
        if !is_cause {
            return;
        }
        let operator = self.graph.shape().name(task).to_owned();
        self.failure = Some(match problem {
            Problem::Error(error) => RunError::Task { task, operator, attempts, error },
            Problem::Panic(message) => {
                RunError::Panicked { place: format!("{operator} (task {task})"), message }
            }
        });
    }

    /// Tells the machine and does what it says.
    fn handle(&mut self, report: Report, now: Duration, local: &mut Local<R>) -> Reception {
        let mut commands = std::mem::take(&mut self.commands);
        let reception = self.machine.handle(report, now, &mut commands);
        for command in commands.drain(..) {
            self.carry_out(command, local);
        }
        self.commands = commands;
        reception
    }

    #[inline]
    fn carry_out(&mut self, command: Command, local: &mut Local<R>) {
        match command {
            Command::Run { task, attempt, .. } => self.assign(task, attempt, local),
            // Dropped when the lock is free: a result may be large.
            Command::Release { task } => local.garbage.extend(self.results[task.index()].take()),
            Command::TargetReady { target } => self.ready_targets.push(Reverse(target)),
            Command::Wake { at } => {
                self.wake_at = Some(self.wake_at.map_or(at, |before| before.min(at)));
                local.retry_at = Some(at);
            }
            Command::Stalled { task } => self.stalled = Some(task),
            Command::Stop => self.is_stopping = true,
            Command::End { outcome } => self.outcome = Some(outcome),
        }
    }
}

/// What a thread leaves with.
impl<R: Runner> State<'_, R> {
    /// Takes targets that are to be handed over now, if nobody else is at it.
    fn collect_targets(&mut self, local: &mut Local<R>) -> bool {
        if self.is_delivering || self.is_stopping {
            return false;
        }
        let most = if self.options.targets_ahead_max.is_some() { 1 } else { DELIVER_MAX };
        while local.deliver.len() < most
            && let Some(&Reverse(target)) = self.ready_targets.peek()
        {
            if self.options.delivery == Delivery::Ordered && target != self.next_target {
                break;
            }
            self.ready_targets.pop();
            self.next_target = target + 1;
            if let Some(output) = &self.results[self.targets[target].index()] {
                local.deliver.push((target, output.clone()));
            }
        }
        self.is_delivering = !local.deliver.is_empty();
        self.is_delivering
    }

    /// Takes the next task, and with it as many as are worth taking together. A share is left for other threads; a source
    /// comes alone, because memory is found for one at a time.
    fn fill_batch(&mut self, worker: WorkerId, now: Duration, local: &mut Local<R>) {
        let shape = self.graph.shape();
        let share =
            if self.threads_max == 1 { 1 } else { self.machine.ready_count() / (2 * self.threads_max) };
        let mut budget = Budget::new(share.max(1));
        while let Some(task) = self.machine.next_task() {
            let (operator, is_source) = (shape.operator(task), shape.is_source(task));
            if local.batch.is_empty() {
                budget.take_first(&self.pace, operator);
            } else if is_source || !budget.take(&self.pace, operator) {
                break;
            }
            self.handle(Report::WorkerFree { worker, slots: 1 }, now, local);
            if is_source {
                break;
            }
        }
    }

    fn assign(&mut self, task: TaskId, attempt: u8, local: &mut Local<R>) {
        let shape = self.graph.shape();
        let operator = shape.operator(task);
        let before = local.inputs.len();
        local
            .inputs
            .extend(shape.dependencies(task).iter().filter_map(|input| self.results[input.index()].clone()));
        local.batch.push(Assigned {
            task,
            attempt,
            operator,
            is_source: shape.is_source(task),
            is_brief: self.pace.is_brief(operator),
            inputs: local.inputs.len() - before,
        });
    }
}
