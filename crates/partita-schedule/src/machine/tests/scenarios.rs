use std::time::{Duration, Instant};

use super::double::Double;
use crate::graph::{Graph, Kind, TaskId};
use crate::machine::{Cause, Command, Hope, Machine, MachineOptions, Outcome, Reception, Report, WorkerId};

const FIRST: WorkerId = WorkerId(0);
const SECOND: WorkerId = WorkerId(1);

fn source() -> Kind {
    Kind::Source { input_bytes: 1 }
}

/// `n` chains of a source and a task on it.
fn chains(n: usize) -> (Graph<()>, Vec<TaskId>) {
    let mut graph = Graph::new();
    let targets = (0..n).map(|_| {
        let load = graph.add("load", source(), &[], ()).unwrap();
        graph.add("write", Kind::Compute, &[load], ()).unwrap()
    });
    let targets = targets.collect();
    (graph, targets)
}

fn joined<'g>(graph: &'g Graph<()>, targets: &[TaskId], options: MachineOptions) -> Double<'g> {
    let mut double = Double::new(graph, targets, options);
    double.report(Report::WorkerJoined { worker: FIRST });
    double.report(Report::WorkerJoined { worker: SECOND });
    double
}

fn offer(double: &mut Double<'_>, worker: WorkerId, slots: u32) -> Vec<TaskId> {
    let before = double.started.len();
    double.report(Report::WorkerFree { worker, slots });
    double.started[before..].to_vec()
}

fn finish(double: &mut Double<'_>, task: TaskId) {
    let worker = double.running[&task].0;
    assert_eq!(double.report(Report::Finished { task, worker, bytes: 10 }), Reception::Taken);
}

#[test]
fn results_go_when_the_last_dependant_is_done_and_targets_when_taken() {
    let mut graph = Graph::new();
    let a = graph.add("a", Kind::Compute, &[], ()).unwrap();
    let b = graph.add("b", Kind::Compute, &[a], ()).unwrap();
    let c = graph.add("c", Kind::Compute, &[a, b, a], ()).unwrap();
    let unneeded = graph.add("d", Kind::Compute, &[c], ()).unwrap();
    let mut double = joined(&graph, &[c, a, c], MachineOptions::default());
    assert_eq!(double.machine().needed_count(), 3);
    for task in [a, b, c] {
        assert_eq!(offer(&mut double, FIRST, 9), [task]);
        finish(&mut double, task);
    }
    assert_eq!((double.released.as_slice(), double.machine().held_bytes()), ([b].as_slice(), 20));
    for target in [2, 1, 0] {
        double.report(Report::TargetTaken { target });
    }
    assert_eq!(double.released, [b, a, c]);
    assert_eq!(double.outcome, Some(Outcome::Finished));
    assert!(!double.started.contains(&unneeded));
}

#[test]
fn no_targets_is_a_run_that_is_over() {
    let (graph, _) = chains(2);
    let double = joined(&graph, &[], MachineOptions::default());
    assert_eq!(double.outcome, Some(Outcome::Finished));
}

#[test]
fn a_transient_failure_is_tried_again_after_pauses_that_double() {
    let (graph, targets) = chains(1);
    let mut double = joined(&graph, &targets, MachineOptions::default());
    for pause_ms in [100, 200, 400] {
        let [task] = offer(&mut double, FIRST, 1)[..] else { panic!("one task") };
        let before = double.now;
        double.report(Report::Failed { task, worker: FIRST, hope: Hope::Later });
        assert_eq!(double.wake_at, Some(before + Duration::from_millis(pause_ms)));
        double.now = before + Duration::from_millis(pause_ms - 1);
        double.report(Report::Tick);
        assert!(!double.machine().has_runnable(), "too early");
        double.now = before + Duration::from_millis(pause_ms);
        double.report(Report::Tick);
    }
    let [task] = offer(&mut double, FIRST, 1)[..] else { panic!("one task") };
    assert_eq!(double.running[&task].1, 4, "the fourth attempt");
    double.report(Report::Failed { task, worker: FIRST, hope: Hope::Later });
    assert_eq!(double.outcome, Some(Outcome::Failed { task, cause: Cause::Error }));
}

#[test]
fn of_several_tasks_that_wait_each_is_woken() {
    let (graph, targets) = chains(2);
    let mut double = joined(&graph, &targets, MachineOptions::default());
    for (task, at_ms) in [(TaskId(0), 0), (TaskId(2), 50)] {
        assert_eq!(offer(&mut double, FIRST, 1), [task]);
        double.now = Duration::from_millis(at_ms);
        double.report(Report::Failed { task, worker: FIRST, hope: Hope::Later });
    }
    for at_ms in [100, 150] {
        double.now = Duration::from_millis(at_ms);
        assert_eq!(double.wake_at, Some(double.now));
        double.report(Report::Tick);
        assert_eq!(offer(&mut double, FIRST, 9).len(), 1);
    }
    assert_eq!(double.wake_at, None);
}

#[test]
fn a_failure_waits_for_what_is_running_and_keeps_nothing() {
    let (graph, targets) = chains(3);
    let mut double = joined(&graph, &targets, MachineOptions::default());
    let first = offer(&mut double, FIRST, 1)[0];
    let second = offer(&mut double, SECOND, 1)[0];
    finish(&mut double, first);
    let write = offer(&mut double, FIRST, 1)[0];
    double.report(Report::Failed { task: write, worker: FIRST, hope: Hope::None });
    assert_eq!((double.is_stopping, double.outcome), (true, None));
    assert_eq!(double.released, [first]);
    assert!(offer(&mut double, FIRST, 9).is_empty());
    finish(&mut double, second);
    assert_eq!(double.released, [first, second]);
    assert_eq!(double.outcome, Some(Outcome::Failed { task: write, cause: Cause::Error }));
}

#[test]
fn three_dead_workers_are_the_fault_of_the_task() {
    let (graph, targets) = chains(2);
    let mut double = Double::new(&graph, &targets, MachineOptions::default());
    for number in 0..3 {
        let worker = WorkerId(number);
        double.report(Report::WorkerJoined { worker });
        let given = offer(&mut double, worker, 2);
        assert_eq!(given, [TaskId(0), TaskId(2)]);
        double.report(Report::WorkerLost { worker, culprit: Some(TaskId(2)) });
        let late = Report::Finished { task: TaskId(0), worker, bytes: 1 };
        assert_eq!(double.report(late), Reception::Stale);
    }
    let cause = Cause::WorkersLost;
    assert_eq!(double.outcome, Some(Outcome::Failed { task: TaskId(2), cause }), "and not of task 0");
}

#[test]
fn a_refused_source_waits_until_something_has_finished() {
    let (graph, targets) = chains(3);
    let mut double = joined(&graph, &targets, MachineOptions::default());
    let first = offer(&mut double, FIRST, 1)[0];
    let second = offer(&mut double, SECOND, 1)[0];
    double.report(Report::AdmissionRefused { task: second, worker: SECOND });
    assert_eq!(double.stalled, None, "the first source still runs");
    assert!(offer(&mut double, SECOND, 1).is_empty(), "no other source gets in either");
    finish(&mut double, first);
    assert_eq!(offer(&mut double, SECOND, 2), [TaskId(1), second]);
    assert_eq!(double.running[&second].1, 1, "a refusal is not an attempt");
}

#[test]
fn a_run_that_cannot_get_memory_says_so_and_can_be_denied() {
    let (graph, targets) = chains(2);
    let mut double = joined(&graph, &targets, MachineOptions::default());
    for _ in 0..2 {
        let task = offer(&mut double, FIRST, 1)[0];
        double.report(Report::AdmissionRefused { task, worker: FIRST });
        assert_eq!(double.stalled, Some(task));
        assert!(!double.machine().has_runnable());
        double.report(Report::AdmissionOpened);
    }
    let task = TaskId(0);
    double.report(Report::AdmissionDenied { task });
    assert_eq!(double.outcome, Some(Outcome::Failed { task, cause: Cause::Admission }));
}

#[test]
fn the_window_moves_with_what_is_taken() {
    let (graph, targets) = chains(5);
    let options = MachineOptions { targets_ahead_max: Some(2), ..MachineOptions::default() };
    let mut double = joined(&graph, &targets, options);
    assert_eq!(offer(&mut double, FIRST, 9), [TaskId(0), TaskId(2)]);
    finish(&mut double, TaskId(0));
    finish(&mut double, TaskId(2));
    assert_eq!(offer(&mut double, FIRST, 9), [TaskId(1), TaskId(3)]);
    finish(&mut double, TaskId(3));
    assert!(!double.machine().has_runnable(), "nothing was taken");
    double.report(Report::TargetTaken { target: 1 });
    assert_eq!(offer(&mut double, FIRST, 9), [TaskId(4)]);
}

#[test]
fn a_cancelled_run_ends_when_the_last_task_reports() {
    let (graph, targets) = chains(2);
    let mut double = joined(&graph, &targets, MachineOptions::default());
    let task = offer(&mut double, FIRST, 1)[0];
    double.report(Report::Cancel);
    assert_eq!(double.report(Report::Cancel), Reception::Stale);
    assert_eq!((double.outcome, double.machine().verdict()), (None, Some(Outcome::Cancelled)));
    double.report(Report::Returned { task, worker: FIRST });
    assert_eq!(double.outcome, Some(Outcome::Cancelled));
    assert_eq!(double.report(Report::Tick), Reception::Stale, "nothing is news after the end");
}

#[test]
fn ten_thousand_by_ten_thousand_through_a_barrier_is_linear() {
    let start = Instant::now();
    let mut graph = Graph::new();
    let producers: Vec<TaskId> = (0..10_000).map(|_| graph.add("p", source(), &[], ()).unwrap()).collect();
    let barrier = graph.add("barrier", Kind::Barrier, &producers, ()).unwrap();
    let consumers: Vec<TaskId> =
        (0..10_000).map(|_| graph.add("c", Kind::Compute, &[barrier], ()).unwrap()).collect();
    let mut machine = Machine::new(graph.shape(), &consumers, MachineOptions::default()).unwrap();
    let (now, mut commands, mut next) = (Duration::ZERO, Vec::new(), Vec::new());
    machine.handle(Report::WorkerJoined { worker: FIRST }, now, &mut commands);
    let mut released = 0;
    while machine.verdict().is_none() {
        machine.handle(Report::WorkerFree { worker: FIRST, slots: 7 }, now, &mut commands);
        while let Some(command) = commands.pop() {
            match command {
                Command::Run { task, worker, .. } => {
                    machine.handle(Report::Finished { task, worker, bytes: 0 }, now, &mut next);
                }
                Command::TargetReady { target } => {
                    machine.handle(Report::TargetTaken { target }, now, &mut next);
                }
                Command::Release { .. } => released += 1,
                other => assert_eq!(other, Command::End { outcome: Outcome::Finished }),
            }
            commands.append(&mut next);
        }
    }
    assert_eq!((released, machine.finished_count()), (20_001, 20_001));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn what_failed_for_memory_beside_others_runs_alone_and_then_fails_for_good() {
    let (graph, targets) = chains(3);
    let mut double = joined(&graph, &targets, MachineOptions::default());
    double.report(Report::WorkerFree { worker: FIRST, slots: 2 });
    double.report(Report::WorkerFree { worker: SECOND, slots: 1 });
    let [first, second, third] = double.started[..] else { panic!("three start") };
    double.report(Report::Failed { task: second, worker: FIRST, hope: Hope::Alone });
    assert!(!double.machine().has_runnable(), "two are running");
    double.report(Report::Finished { task: first, worker: FIRST, bytes: 1 });
    double.report(Report::Finished { task: third, worker: SECOND, bytes: 1 });
    assert_eq!(double.machine().next_task(), Some(second), "before anything else");
    double.report(Report::WorkerFree { worker: FIRST, slots: 9 });
    assert_eq!(double.running.len(), 1);
    assert!(!double.machine().has_runnable());
    double.report(Report::Failed { task: second, worker: FIRST, hope: Hope::Alone });
    assert_eq!(double.outcome, Some(Outcome::Failed { task: second, cause: Cause::Error }));
}
