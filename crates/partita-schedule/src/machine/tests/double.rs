//! An executor that runs nothing, records everything, and checks each command against the rules of the module.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::graph::{Graph, TaskId};
use crate::machine::{Command, Hope, Machine, MachineOptions, Outcome, Reception, Report, WorkerId};

pub(super) struct Double<'g> {
    graph: &'g Graph<()>,
    targets: Vec<TaskId>,
    window: usize,
    in_order: bool,
    machine: Machine<'g>,
    pub(super) now: Duration,
    pub(super) workers: BTreeSet<WorkerId>,
    /// What runs where, and at which attempt.
    pub(super) running: BTreeMap<TaskId, (WorkerId, u8)>,
    /// What has failed with the hope that it works alone.
    alone: BTreeSet<TaskId>,
    pub(super) done: BTreeSet<TaskId>,
    pub(super) held: BTreeSet<TaskId>,
    pub(super) ready_targets: BTreeSet<usize>,
    pub(super) taken: BTreeSet<usize>,
    /// The soonest time asked for.
    pub(super) wake_at: Option<Duration>,
    pub(super) stalled: Option<TaskId>,
    pub(super) is_stopping: bool,
    pub(super) outcome: Option<Outcome>,
    /// Tasks in the order in which they were started.
    pub(super) started: Vec<TaskId>,
    /// Results in the order in which they were let go.
    pub(super) released: Vec<TaskId>,
}

impl<'g> Double<'g> {
    pub(super) fn new(graph: &'g Graph<()>, targets: &[TaskId], options: MachineOptions) -> Self {
        let window = options.targets_ahead_max.unwrap_or(usize::MAX);
        let in_order = options.targets_in_order;
        let machine = Machine::new(graph.shape(), targets, options).unwrap();
        machine.sanity_check().unwrap();
        Double {
            graph,
            targets: targets.to_vec(),
            window,
            in_order,
            machine,
            now: Duration::ZERO,
            workers: BTreeSet::new(),
            running: BTreeMap::new(),
            alone: BTreeSet::new(),
            done: BTreeSet::new(),
            held: BTreeSet::new(),
            ready_targets: BTreeSet::new(),
            taken: BTreeSet::new(),
            wake_at: None,
            stalled: None,
            is_stopping: false,
            outcome: None,
            started: Vec::new(),
            released: Vec::new(),
        }
    }

    pub(super) fn machine(&self) -> &Machine<'g> {
        &self.machine
    }

    /// Targets that may be handed over now.
    pub(super) fn to_take(&self) -> Vec<usize> {
        let all = self.ready_targets.iter().copied();
        all.filter(|target| !self.in_order || *target == self.taken.len()).collect()
    }

    /// Reports, and consumes every command.
    pub(super) fn report(&mut self, report: Report) -> Reception {
        let mut commands = Vec::new();
        let reception = self.machine.handle(report, self.now, &mut commands);
        if reception == Reception::Taken {
            self.apply(report);
        } else {
            assert!(commands.is_empty(), "{report:?} is stale and yet {commands:?}");
        }
        for command in commands {
            assert!(self.outcome.is_none(), "{command:?} after the end");
            self.consume(command);
        }
        self.machine.sanity_check().unwrap();
        self.check_held();
        reception
    }

    fn apply(&mut self, report: Report) {
        match report {
            Report::WorkerJoined { worker } => assert!(self.workers.insert(worker)),
            Report::WorkerLost { worker, .. } => {
                assert!(self.workers.remove(&worker));
                self.running.retain(|_, (at, _)| *at != worker);
            }
            Report::Finished { task, worker, .. } => {
                assert_eq!(self.running.remove(&task).map(|(at, _)| at), Some(worker));
                assert!(self.done.insert(task), "{task} finished twice");
                assert!(self.held.insert(task));
            }
            Report::Failed { task, hope, .. } => {
                self.running.remove(&task);
                if hope == Hope::Alone {
                    self.alone.insert(task);
                }
            }
            Report::Returned { task, .. } => {
                self.running.remove(&task);
            }
            Report::AdmissionRefused { task, .. } => {
                self.running.remove(&task);
            }
            Report::TargetTaken { target } => {
                assert!(self.ready_targets.remove(&target));
                assert!(self.taken.insert(target));
            }
            Report::Tick => {
                self.wake_at = self.wake_at.filter(|at| *at > self.now);
            }
            Report::AdmissionOpened | Report::AdmissionDenied { .. } => self.stalled = None,
            Report::WorkerFree { .. } | Report::Cancel => {}
        }
    }

    fn consume(&mut self, command: Command) {
        match command {
            Command::Run { task, worker, attempt } => self.on_run(task, worker, attempt),
            Command::Release { task } => {
                assert!(self.held.remove(&task), "{task} released and not held");
                assert!(self.is_stopping || !self.is_wanted(task), "{task} released too early");
                self.released.push(task);
            }
            Command::TargetReady { target } => {
                assert!(self.held.contains(&self.targets[target]));
                assert!(self.ready_targets.insert(target) && !self.taken.contains(&target));
            }
            Command::Wake { at } => {
                assert!(at > self.now);
                self.wake_at = Some(self.wake_at.map_or(at, |before| before.min(at)));
            }
            Command::Stalled { task } => {
                assert!(self.running.is_empty() && self.to_take().is_empty());
                self.stalled = Some(task);
            }
            Command::Stop => {
                assert!(!self.is_stopping);
                self.is_stopping = true;
                self.ready_targets.clear();
                self.wake_at = None;
            }
            Command::End { outcome } => self.on_end(outcome),
        }
    }

    fn on_run(&mut self, task: TaskId, worker: WorkerId, attempt: u8) {
        assert!(!self.is_stopping && self.workers.contains(&worker));
        assert!(!self.done.contains(&task), "{task} runs again");
        for dependency in self.graph.shape().dependencies(task) {
            assert!(self.held.contains(dependency), "{task} runs without {dependency}");
        }
        if self.graph.shape().is_source(task) {
            let first = self.first_target_of(task).expect("nobody needs it");
            assert!(first < self.taken.len().saturating_add(self.window), "{task} is beyond the window");
        }
        let beside = self.running.keys().chain([&task]).filter(|running| self.alone.contains(*running));
        assert!(beside.count() == 0 || self.running.is_empty(), "{task} is not alone");
        assert!(attempt >= 1);
        assert_eq!(self.running.insert(task, (worker, attempt)), None, "{task} runs twice");
        self.started.push(task);
    }

    fn on_end(&mut self, outcome: Outcome) {
        assert!(self.running.is_empty() && self.held.is_empty(), "ended with work or results left");
        assert_eq!(self.is_stopping, outcome != Outcome::Finished);
        if outcome == Outcome::Finished {
            assert_eq!(self.taken.len(), self.targets.len());
            let needed: BTreeSet<TaskId> =
                self.graph.shape().tasks().filter(|task| self.first_target_of(*task).is_some()).collect();
            assert_eq!(self.done, needed);
        }
        self.outcome = Some(outcome);
    }

    /// The first target that needs a task, found by walking back from each.
    fn first_target_of(&self, task: TaskId) -> Option<usize> {
        self.targets.iter().position(|target| {
            let (mut seen, mut todo) = (BTreeSet::from([*target]), vec![*target]);
            while let Some(next) = todo.pop() {
                for dependency in self.graph.shape().dependencies(next) {
                    if seen.insert(*dependency) {
                        todo.push(*dependency);
                    }
                }
            }
            seen.contains(&task)
        })
    }

    /// Whether a target has to be taken yet, or a needed task that has not finished depends on it.
    fn is_wanted(&self, task: TaskId) -> bool {
        let untaken = |index: usize| self.targets[index] == task && !self.taken.contains(&index);
        let waits = |other: &TaskId| {
            !self.done.contains(other)
                && self.graph.shape().dependencies(*other).contains(&task)
                && self.first_target_of(*other).is_some()
        };
        (0..self.targets.len()).any(untaken) || self.graph.shape().tasks().any(|other| waits(&other))
    }

    fn check_held(&self) {
        for task in &self.held {
            assert!(self.is_wanted(*task), "{task} is held for nobody");
        }
    }
}
