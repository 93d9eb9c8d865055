//! Threads: each comes to the state, leaves with something to do, and comes back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope, scope};
use std::time::Duration;

use partita_schedule::event::{Event, EventRecord, OperatorTasks};
use partita_schedule::{Machine, MachineOptions, TaskId, WorkerId};

use super::batch::{Assigned, Local, message_of, run_batch};
use super::parking::Parking;
use super::state::{State, Step};
use super::{Delivery, GraphOf, RunError, RunOptions, Runner, Scheduler};

/// What all threads of a run see.
pub(super) struct Shared<'r, R: Runner> {
    pub(super) graph: &'r GraphOf<R>,
    pub(super) runner: &'r R,
    pub(super) options: &'r RunOptions<'r>,
    deliver: &'r (dyn Fn(usize, R::Output) + Sync),
    state: Mutex<State<'r, R>>,
    parking: Arc<Parking>,
    /// A copy of the state's, to look at between tasks.
    is_stopping: AtomicBool,
}

/// Help that a thread calls for on leaving the state.
enum Help {
    None,
    Wake,
    Spawn(WorkerId),
}

/// Runs what `targets` of `graph` need, and hands each target over with its number in the list.
///
/// `deliver` is called by the threads of the run, never twice at a time; while it waits, its thread does nothing else, and
/// the others go on as far as the window reaches. A target that is named twice is handed over twice.
///
/// # Errors
/// [`RunError`]: the first task that failed for good, a panic, or the cancellation. Some targets may have been handed over
/// before.
pub fn run<R: Runner>(
    graph: &GraphOf<R>,
    targets: &[TaskId],
    runner: &R,
    options: &RunOptions<'_>,
    deliver: &(dyn Fn(usize, R::Output) + Sync),
) -> Result<(), RunError<R::Error>> {
    let machine_options = MachineOptions {
        retries_max: options.retries_max,
        targets_ahead_max: options.targets_ahead_max,
        targets_in_order: options.delivery == Delivery::Ordered,
        ..MachineOptions::default()
    };
    let machine = Machine::new(graph.shape(), targets, machine_options)?;
    let threads_max = match options.scheduler {
        Scheduler::SingleThreaded => 1,
        Scheduler::Threaded => options.threads.max(1),
    };
    observe(options, || started(graph, targets, options, &machine));
    let parking = Arc::new(Parking::default());
    let waker = Arc::clone(&parking);
    let subscription = options.cancel.on_cancel(move || waker.wake_all());
    let state = Mutex::new(State::new(graph, targets, options, machine, threads_max));
    let shared =
        Shared { graph, runner, options, deliver, state, parking, is_stopping: AtomicBool::new(false) };
    let first = shared.state().join(&mut Local::default());
    scope(|scope| shared.work(scope, first.unwrap_or(WorkerId(0))));
    drop(subscription);
    let result = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner).into_result();
    observe(options, || ended(options, &result));
    result
}

fn observe(options: &RunOptions<'_>, event: impl FnOnce() -> Event) {
    if let Some(observer) = options.observer {
        observer.observe(&[EventRecord { at: options.epoch.elapsed(), event: event() }]);
    }
}

fn started<P>(
    graph: &partita_schedule::Graph<P>,
    targets: &[TaskId],
    options: &RunOptions<'_>,
    machine: &Machine<'_>,
) -> Event {
    let shape = graph.shape();
    let names = shape.operator_names().iter().map(|name| name.to_string());
    let operators = names.zip(shape.operator_counts()).map(|(name, tasks)| OperatorTasks { name, tasks });
    // None of these counts can pass four billion: the graph and the machine refuse more.
    Event::RunStarted {
        run: options.run,
        tasks: machine.needed_count() as u32,
        edges: shape.edges() as u32,
        targets: targets.len() as u32,
        operators: operators.collect(),
    }
}

fn ended<E: std::fmt::Display>(options: &RunOptions<'_>, result: &Result<(), RunError<E>>) -> Event {
    let run = options.run;
    match result {
        Ok(()) => Event::RunFinished { run },
        Err(RunError::Cancelled) => Event::RunCancelled { run },
        Err(error) => Event::RunFailed { run, error: error.to_string() },
    }
}

impl<R: Runner> Shared<'_, R> {
    /// Time since the session began.
    #[inline]
    pub(super) fn now(&self) -> Duration {
        self.options.epoch.elapsed()
    }

    /// Whether a task that has not begun should not begin.
    #[inline]
    pub(super) fn should_stop(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed) || self.options.cancel.is_cancelled()
    }

    /// Says that a task that may take a while has begun.
    pub(super) fn announce_start(&self, worker: WorkerId, assigned: Assigned, at: Duration) {
        let Assigned { task, operator, attempt, .. } = assigned;
        if let Some(observer) = self.options.observer {
            let event = Event::TaskStarted { run: self.options.run, task, operator, worker, attempt };
            observer.observe(&[EventRecord { at, event }]);
        }
    }
}

impl<'r, R: Runner> Shared<'r, R> {
    fn state(&self) -> MutexGuard<'_, State<'r, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a thread.
    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, worker: WorkerId) {
        let mut local = Local::default();
        let life = AssertUnwindSafe(|| while self.visit(scope, worker, &mut local) {});
        if let Err(panic) = catch_unwind(life) {
            // Nothing of the thread is used again; the others end the run.
            self.state().abandon(worker, message_of(&*panic), &mut Local::default());
            self.say_stop();
            self.parking.wake_all();
        }
    }

    /// One visit to the state, and what it led to; says whether to come back.
    fn visit<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        worker: WorkerId,
        local: &mut Local<R>,
    ) -> bool {
        let (step, help) = self.turn(worker, local);
        match help {
            Help::None => {}
            Help::Wake => self.parking.wake_one(),
            Help::Spawn(worker) => self.spawn(scope, worker),
        }
        local.garbage.clear();
        if let Some(observer) = self.options.observer
            && !local.records.is_empty()
        {
            observer.observe(&local.records);
        }
        local.records.clear();
        match step {
            Step::Run => run_batch(self, worker, local),
            Step::Deliver => {
                for (target, output) in local.deliver.drain(..) {
                    (self.deliver)(target, output);
                    local.taken.push(target);
                }
            }
            Step::Wait(until) => self.parking.wait(until.map(|until| self.options.epoch + until)),
            Step::FindMemory(task) => self.find_memory(task, local),
            Step::End => self.parking.close(),
        }
        step != Step::End
    }

    /// What is done under the lock.
    fn turn(&self, worker: WorkerId, local: &mut Local<R>) -> (Step, Help) {
        let now = self.now();
        let mut state = self.state();
        let step = state.turn(worker, now, local);
        // Somebody has to be awake when a failed task is to be tried again: a thread that waits has not heard of it.
        let is_needed = state.has_work() || (step == Step::Run && local.retry_at.take().is_some());
        let help = if !is_needed || step == Step::End {
            Help::None
        } else if self.parking.has_idle() {
            Help::Wake
        } else {
            state.join(local).map_or(Help::None, Help::Spawn)
        };
        if let Step::Wait(_) = step {
            self.parking.enter();
            // A cancellation after the turn looked and before this thread was announced has woken nobody.
            if self.options.cancel.is_cancelled() && !state.is_stopping() {
                self.parking.wake_all();
            }
        }
        let is_stopping = state.is_stopping();
        drop(state);
        if is_stopping {
            self.say_stop();
        }
        (step, help)
    }

    /// Tells the runner, once.
    fn say_stop(&self) {
        if !self.is_stopping.swap(true, Ordering::Relaxed) {
            self.runner.stop();
        }
    }

    fn spawn<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, worker: WorkerId) {
        let name = format!("partita-{}", worker.0);
        // Where the system gives no thread, those that are there do the work.
        let _ = Builder::new().name(name).spawn_scoped(scope, move || self.work(scope, worker));
    }

    fn find_memory(&self, task: TaskId, local: &mut Local<R>) {
        if let Some(payload) = self.graph.payload(task) {
            let found = self.runner.wait_for_memory(task, payload);
            self.state().found_memory(task, found, local);
        }
    }
}
