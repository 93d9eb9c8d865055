use std::time::Duration;

use proptest::prelude::*;

use super::double::Double;
use crate::graph::{Graph, Kind, TaskId};
use crate::machine::{Hope, MachineOptions, Outcome, Reception, Report, WorkerId};

fn graph_of(tasks: &[(Vec<u16>, u8)]) -> Graph<()> {
    let mut graph = Graph::new();
    for (task, (dependencies, kind)) in tasks.iter().enumerate() {
        let dependencies: Vec<TaskId> =
            dependencies.iter().filter(|_| task > 0).map(|d| TaskId(u32::from(*d) % task as u32)).collect();
        let kind = match kind {
            0 | 1 => Kind::Source { input_bytes: 1 },
            2 => Kind::Barrier,
            _ => Kind::Compute,
        };
        graph.add("t", kind, &dependencies, ()).unwrap();
    }
    graph
}

/// One random step: `what` happens to the `which`-th of those it can happen to.
fn step(double: &mut Double<'_>, what: u8, which: usize, next_worker: &mut u32) {
    let running: Vec<(TaskId, WorkerId)> = double.running.iter().map(|(task, at)| (*task, at.0)).collect();
    let picked = (!running.is_empty()).then(|| running[which % running.len()]);
    let workers: Vec<WorkerId> = double.workers.iter().copied().collect();
    match (what, picked) {
        (0..40, _) if !workers.is_empty() => {
            let worker = workers[which % workers.len()];
            double.report(Report::WorkerFree { worker, slots: (which % 3) as u32 + 1 });
        }
        (40..80, Some((task, worker))) => {
            double.report(Report::Finished { task, worker, bytes: which as u64 });
        }
        (80..86, Some((task, worker))) => {
            double.report(Report::Failed { task, worker, hope: Hope::Later });
        }
        (86..90, Some((task, worker))) => {
            double.report(Report::Failed { task, worker, hope: Hope::Alone });
        }
        (90..92, Some((task, worker))) if which.is_multiple_of(4) => {
            double.report(Report::Failed { task, worker, hope: Hope::None });
        }
        (92..98, Some((task, worker))) => {
            double.report(Report::AdmissionRefused { task, worker });
        }
        (98..102, Some((task, worker))) => {
            double.report(Report::Returned { task, worker });
        }
        (102..106, Some((culprit, worker))) => {
            let culprit = (which.is_multiple_of(2)).then_some(culprit);
            double.report(Report::WorkerLost { worker, culprit });
        }
        (106..112, _) => {
            *next_worker += 1;
            double.report(Report::WorkerJoined { worker: WorkerId(*next_worker) });
        }
        (112..122, _) => {
            let ready = double.to_take();
            if !ready.is_empty() {
                double.report(Report::TargetTaken { target: ready[which % ready.len()] });
            }
        }
        (122..126, _) => {
            double.now += Duration::from_millis(which as u64 % 300);
            double.report(Report::Tick);
        }
        (126, _) if which.is_multiple_of(16) => {
            double.report(Report::Cancel);
        }
        // Reports about what is not so change nothing.
        (_, Some((task, _))) => {
            let worker = WorkerId(u32::MAX - 1);
            assert_eq!(double.report(Report::Finished { task, worker, bytes: 1 }), Reception::Stale);
            assert_eq!(double.report(Report::WorkerLost { worker, culprit: None }), Reception::Stale);
            let target = usize::MAX;
            assert_eq!(double.report(Report::TargetTaken { target }), Reception::Stale);
        }
        _ => {}
    }
}

/// A well-behaved executor from here on: the run must end.
fn drive_to_the_end(double: &mut Double<'_>, next_worker: &mut u32) {
    for _ in 0..10_000 {
        if double.outcome.is_some() {
            return;
        }
        if double.workers.is_empty() {
            *next_worker += 1;
            double.report(Report::WorkerJoined { worker: WorkerId(*next_worker) });
        }
        if let Some((task, at)) = double.running.first_key_value() {
            let (task, worker) = (*task, at.0);
            double.report(Report::Finished { task, worker, bytes: 1 });
        } else if let Some(&target) = double.to_take().first() {
            double.report(Report::TargetTaken { target });
        } else if double.machine().has_runnable() {
            let worker = *double.workers.first().unwrap();
            double.report(Report::WorkerFree { worker, slots: 1 });
        } else if double.stalled.is_some() {
            double.report(Report::AdmissionOpened);
        } else if let Some(at) = double.wake_at {
            double.now = double.now.max(at);
            double.report(Report::Tick);
        } else {
            panic!("nothing runs, nothing can, and nobody was told");
        }
    }
    panic!("the run does not end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_runs_keep_the_rules_and_end(
        tasks in prop::collection::vec((prop::collection::vec(any::<u16>(), 0..4), 0_u8..8), 1..24),
        targets in prop::collection::vec(any::<u16>(), 0..6),
        window in prop::option::of(1_usize..4),
        in_order in any::<bool>(),
        steps in prop::collection::vec((0_u8..130, any::<u16>()), 0..160),
    ) {
        let graph = graph_of(&tasks);
        let targets: Vec<TaskId> = targets.iter().map(|t| TaskId(u32::from(*t) % graph.len() as u32)).collect();
        let options = MachineOptions {
            targets_ahead_max: window,
            targets_in_order: in_order,
            ..MachineOptions::default()
        };
        let mut double = Double::new(&graph, &targets, options);
        let mut next_worker = 0;
        double.report(Report::WorkerJoined { worker: WorkerId(0) });
        for (what, which) in steps {
            step(&mut double, what, usize::from(which), &mut next_worker);
        }
        drive_to_the_end(&mut double, &mut next_worker);
    }

    #[test]
    fn without_trouble_every_run_finishes_in_static_order_on_one_worker(
        tasks in prop::collection::vec((prop::collection::vec(any::<u16>(), 0..4), 0_u8..8), 1..24),
        targets in prop::collection::vec(any::<u16>(), 0..6),
        window in prop::option::of(1_usize..4),
    ) {
        let graph = graph_of(&tasks);
        let targets: Vec<TaskId> = targets.iter().map(|t| TaskId(u32::from(*t) % graph.len() as u32)).collect();
        let options = MachineOptions { targets_ahead_max: window, ..MachineOptions::default() };
        let mut double = Double::new(&graph, &targets, options);
        let worker = WorkerId(0);
        double.report(Report::WorkerJoined { worker });
        while double.outcome.is_none() {
            if let Some(&target) = double.ready_targets.first() {
                double.report(Report::TargetTaken { target });
            } else {
                double.report(Report::WorkerFree { worker, slots: 1 });
                let task = *double.running.keys().next().expect("one runs until the end");
                double.report(Report::Finished { task, worker, bytes: 1 });
            }
        }
        prop_assert_eq!(double.outcome, Some(Outcome::Finished));
        prop_assert_eq!(double.started.as_slice(), double.machine().order().sequence());
    }
}
