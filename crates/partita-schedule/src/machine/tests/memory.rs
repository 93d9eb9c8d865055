//! Tasks that reserve memory step by step, under a limit, on several workers: no run waits for ever, and what fits alone
//! finishes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::double::Double;
use crate::graph::{Graph, Kind, TaskId};
use crate::machine::{Cause, Hope, MachineOptions, Outcome, Report, WorkerId};

/// A machine whose tasks reserve their need in as many steps, beside each other, and give it back when they end.
struct Memory<'g> {
    double: Double<'g>,
    needs: Vec<u64>,
    limit: u64,
    held: BTreeMap<TaskId, u64>,
}

impl Memory<'_> {
    fn used(&self) -> u64 {
        self.held.values().sum()
    }

    /// One unit more for one running task, or its end.
    fn step(&mut self, which: usize) {
        let running: Vec<(TaskId, WorkerId)> =
            self.double.running.iter().map(|(task, at)| (*task, at.0)).collect();
        let (task, worker) = running[which % running.len()];
        let held = *self.held.entry(task).or_insert(0);
        let is_done = held == self.needs[task.index()];
        if !is_done && self.used() < self.limit {
            self.held.insert(task, held + 1);
            return;
        }
        self.held.remove(&task);
        let report = match is_done {
            true => Report::Finished { task, worker, bytes: 0 },
            false => Report::Failed { task, worker, hope: Hope::Alone },
        };
        self.double.report(report);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_run_ends_and_succeeds_where_every_task_fits_alone(
        tasks in prop::collection::vec((prop::collection::vec(any::<u16>(), 0..3), 0_u64..12), 1..20),
        limit in 1_u64..14,
        workers in 1_u32..5,
        steps in prop::collection::vec(any::<u16>(), 64),
    ) {
        let mut graph = Graph::new();
        for (task, (dependencies, _)) in tasks.iter().enumerate() {
            let dependencies: Vec<TaskId> =
                dependencies.iter().filter(|_| task > 0).map(|d| TaskId(u32::from(*d) % task as u32)).collect();
            let kind = if dependencies.is_empty() { Kind::Source { input_bytes: 1 } } else { Kind::Compute };
            graph.add("t", kind, &dependencies, ()).unwrap();
        }
        let targets: Vec<TaskId> = graph.shape().tasks().collect();
        let double = Double::new(&graph, &targets, MachineOptions::default());
        let needs = tasks.iter().map(|(_, need)| *need).collect();
        let mut memory = Memory { double, needs, limit, held: BTreeMap::new() };
        for worker in 0..workers {
            memory.double.report(Report::WorkerJoined { worker: WorkerId(worker) });
        }
        let mut steps = steps.iter().cycle();
        for turn in 0.. {
            prop_assert!(turn < 20_000, "the run does not end");
            if memory.double.outcome.is_some() {
                break;
            }
            if let Some(&target) = memory.double.ready_targets.first() {
                memory.double.report(Report::TargetTaken { target });
                continue;
            }
            for worker in 0..workers {
                let worker = WorkerId(worker);
                if memory.double.running.values().all(|(at, _)| *at != worker) {
                    memory.double.report(Report::WorkerFree { worker, slots: 1 });
                }
            }
            if !memory.double.running.is_empty() {
                memory.step(usize::from(*steps.next().unwrap()));
            }
        }
        let fits = memory.needs.iter().all(|need| *need <= limit);
        match memory.double.outcome {
            Some(Outcome::Finished) => prop_assert!(fits),
            Some(Outcome::Failed { task, cause: Cause::Error }) => prop_assert!(memory.needs[task.index()] > limit),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
