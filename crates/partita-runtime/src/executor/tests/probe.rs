//! A runner whose tasks do what the test says and write down that they did.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use partita_schedule::event::EventRecord;
use partita_schedule::{Graph, Hope, Kind, TaskId};

use crate::cancel::CancelToken;
use crate::executor::{
    Admission, Failure, Observer, RunError, RunOptions, Runner, Scheduler, TaskContext, run,
};

pub(super) const BOTH: [Scheduler; 2] = [Scheduler::SingleThreaded, Scheduler::Threaded];

pub(super) fn options(scheduler: Scheduler) -> RunOptions<'static> {
    RunOptions { scheduler, threads: 4, ..RunOptions::default() }
}

/// What a task does.
#[derive(Debug, Clone)]
pub(super) enum Does {
    /// The sum of its inputs and 1.
    Add,
    /// The same after a while.
    Sleep(Duration),
    /// Fails so many times, then adds.
    Fail {
        times: u32,
        is_transient: bool,
    },
    Panic,
    /// Cancels the run.
    Cancel,
    /// Works until the runner is told to stop, then fails.
    UntilStopped,
}

/// A result that is counted while it lives.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) value: u64,
    live: Arc<AtomicI64>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
pub(super) struct Probe {
    /// Tasks in the order in which they ended, with the attempt.
    pub(super) ran: Mutex<Vec<(TaskId, u8)>>,
    pub(super) live: Arc<AtomicI64>,
    pub(super) live_most: AtomicI64,
    /// Sources that may run at the same time; `None`: any number.
    pub(super) sources_max: Option<usize>,
    pub(super) sources: Mutex<usize>,
    pub(super) sources_most: Mutex<usize>,
    /// How often memory was waited for, and how often it may be before it is refused.
    pub(super) waited: Mutex<u32>,
    pub(super) waits_max: u32,
    pub(super) is_stopped: AtomicBool,
    pub(super) cancel: CancelToken,
    pub(super) failures: Mutex<HashMap<TaskId, u32>>,
}

/// The right of one source to run.
pub(super) struct Permit;

impl Probe {
    fn result(&self, inputs: &[Arc<Counted>]) -> Arc<Counted> {
        let live = self.live.fetch_add(1, Ordering::SeqCst) + 1;
        self.live_most.fetch_max(live, Ordering::SeqCst);
        let value = inputs.iter().map(|input| input.value).sum::<u64>() + 1;
        Arc::new(Counted { value, live: Arc::clone(&self.live) })
    }

    fn perform(
        &self,
        task: TaskId,
        does: &Does,
        inputs: &[Arc<Counted>],
    ) -> Result<Arc<Counted>, Failure<String>> {
        match does {
            Does::Add => {}
            Does::Sleep(time) => thread::sleep(*time),
            Does::Fail { times, is_transient } => {
                let mut failures = self.failures.lock().unwrap();
                let count = failures.entry(task).or_default();
                *count += 1;
                if *count <= *times {
                    let hope = if *is_transient { Hope::Later } else { Hope::None };
                    return Err(Failure { error: format!("failure {count}"), hope });
                }
            }
            Does::Panic => panic!("task {task} had enough"),
            Does::Cancel => self.cancel.cancel(),
            Does::UntilStopped => {
                let start = Instant::now();
                while !self.is_stopped.load(Ordering::SeqCst) {
                    assert!(start.elapsed() < Duration::from_secs(20), "nobody said stop");
                    thread::sleep(Duration::from_millis(1));
                }
                return Err(Failure::permanent("stopped".into()));
            }
        }
        Ok(self.result(inputs))
    }
}

impl Runner for Probe {
    type Payload = Does;
    type Output = Arc<Counted>;
    type Permit = Permit;
    type Error = String;

    fn admit(&self, _: TaskContext, _: &Does) -> Admission<Permit> {
        let mut sources = self.sources.lock().unwrap();
        if self.sources_max.is_some_and(|most| *sources >= most) {
            return Admission::Later;
        }
        *sources += 1;
        let mut most = self.sources_most.lock().unwrap();
        *most = (*most).max(*sources);
        Admission::Granted(Permit)
    }

    fn wait_for_memory(&self, task: TaskId, _: &Does) -> Result<(), String> {
        let mut waited = self.waited.lock().unwrap();
        *waited += 1;
        if *waited > self.waits_max { Err(format!("no memory for {task}")) } else { Ok(()) }
    }

    fn run(
        &self,
        context: TaskContext,
        does: &Does,
        inputs: &[Arc<Counted>],
        permit: Option<Permit>,
    ) -> Result<Arc<Counted>, Failure<String>> {
        let result = self.perform(context.task, does, inputs);
        if permit.is_some() {
            *self.sources.lock().unwrap() -= 1;
        }
        self.ran.lock().unwrap().push((context.task, context.attempt));
        result
    }

    fn output_bytes(&self, output: &Arc<Counted>) -> u64 {
        output.value
    }

    fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }
}

pub(super) fn source(graph: &mut Graph<Does>, does: Does) -> TaskId {
    graph.add("load", Kind::Source { input_bytes: 1 }, &[], does).unwrap()
}

pub(super) fn task(graph: &mut Graph<Does>, dependencies: &[TaskId], does: Does) -> TaskId {
    graph.add("add", Kind::Compute, dependencies, does).unwrap()
}

/// A binary tree over `leaves` sources; its value is the number of its tasks.
pub(super) fn tree(leaves: usize) -> (Graph<Does>, TaskId) {
    let mut graph = Graph::new();
    let mut level: Vec<TaskId> = (0..leaves).map(|_| source(&mut graph, Does::Add)).collect();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| task(&mut graph, pair, Does::Add)).collect();
    }
    (graph, level[0])
}

/// Runs and returns what was delivered, in that order.
pub(super) fn collect(
    graph: &Graph<Does>,
    targets: &[TaskId],
    probe: &Probe,
    options: &RunOptions<'_>,
) -> Result<Vec<(usize, u64)>, RunError<String>> {
    let delivered = Mutex::new(Vec::new());
    let outcome = run(graph, targets, probe, options, &|target, output: Arc<Counted>| {
        delivered.lock().unwrap().push((target, output.value));
    });
    assert_eq!(probe.live.load(Ordering::SeqCst), 0, "a result outlived its run");
    outcome.map(|()| delivered.into_inner().unwrap())
}

/// Keeps all that is told.
#[derive(Default)]
pub(super) struct Notes(pub(super) Mutex<Vec<EventRecord>>);

impl Observer for Notes {
    fn observe(&self, records: &[EventRecord]) {
        self.0.lock().unwrap().extend_from_slice(records);
    }
}
