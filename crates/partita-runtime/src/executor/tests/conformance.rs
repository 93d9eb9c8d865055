use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use partita_schedule::event::Event;
use partita_schedule::{Graph, Order, TaskId};

use super::probe::{BOTH, Does, Notes, Probe, collect, options, source, task, tree};
use crate::executor::{RunError, RunOptions, Scheduler};

#[test]
fn a_tree_sums_up_and_nothing_stays() {
    for scheduler in BOTH {
        let (graph, root) = tree(1000);
        let probe = Probe::default();
        let delivered = collect(&graph, &[root], &probe, &options(scheduler)).unwrap();
        assert_eq!(delivered, [(0, graph.len() as u64)]);
        assert_eq!(probe.ran.lock().unwrap().len(), graph.len(), "each task once");
    }
}

#[test]
fn one_thread_runs_in_static_order() {
    let (sources, root) = tree(100);
    // Leaves that are known to be over at once could be taken together, and must not be.
    let mut computes = Graph::new();
    for number in sources.shape().tasks() {
        task(&mut computes, sources.shape().dependencies(number), Does::Add);
    }
    for graph in [sources, computes] {
        let probe = Probe::default();
        collect(&graph, &[root], &probe, &options(Scheduler::SingleThreaded)).unwrap();
        let ran: Vec<TaskId> = probe.ran.lock().unwrap().iter().map(|(task, _)| *task).collect();
        assert_eq!(ran, Order::new(graph.shape(), &[root]).unwrap().sequence());
        let most = probe.live_most.load(Ordering::SeqCst);
        assert!(most <= 9, "one result a level, not one a leaf: {most}");
    }
}

#[test]
fn only_what_targets_need_runs_and_a_target_named_twice_comes_twice() {
    for scheduler in BOTH {
        let (mut graph, root) = tree(4);
        let extra = task(&mut graph, &[root], Does::Panic);
        let probe = Probe::default();
        let delivered = collect(&graph, &[root, TaskId(1), root], &probe, &options(scheduler)).unwrap();
        assert_eq!(delivered, [(0, 7), (1, 1), (2, 7)]);
        assert!(!probe.ran.lock().unwrap().iter().any(|(task, _)| *task == extra));
        assert_eq!(collect(&graph, &[], &Probe::default(), &options(scheduler)).unwrap(), []);
    }
}

#[test]
fn transient_failures_are_tried_again_and_told() {
    for scheduler in BOTH {
        let mut graph = Graph::new();
        let flaky = task(&mut graph, &[], Does::Fail { times: 2, is_transient: true });
        let (probe, notes) = (Probe::default(), Notes::default());
        let options = RunOptions { observer: Some(&notes), ..options(scheduler) };
        let start = Instant::now();
        assert_eq!(collect(&graph, &[flaky], &probe, &options).unwrap(), [(0, 1)]);
        assert!(start.elapsed() >= Duration::from_millis(300), "pauses of 100 and 200 ms");
        assert_eq!(*probe.ran.lock().unwrap(), [(flaky, 1), (flaky, 2), (flaky, 3)]);
        let names: Vec<&str> = notes.0.lock().unwrap().iter().map(|record| name(&record.event)).collect();
        let attempt = ["started", "failed", "retried"];
        let expected = [&["run"][..], &attempt, &attempt, &["started", "finished", "run finished"]].concat();
        assert_eq!(names, expected);
    }
}

#[test]
fn many_tasks_wait_for_their_turn_at_once() {
    for scheduler in BOTH {
        let mut graph = Graph::new();
        let flaky: Vec<TaskId> = (0..20)
            .map(|number| {
                let slow = source(&mut graph, Does::Sleep(Duration::from_millis(number % 5 * 2)));
                task(&mut graph, &[slow], Does::Fail { times: number as u32 % 3, is_transient: true })
            })
            .collect();
        let delivered = collect(&graph, &flaky, &Probe::default(), &options(scheduler)).unwrap();
        assert_eq!(delivered, (0..20).map(|target| (target, 2)).collect::<Vec<_>>());
    }
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::RunStarted { .. } => "run",
        Event::TaskStarted { .. } => "started",
        Event::TaskFailed { .. } => "failed",
        Event::TaskRetried { .. } => "retried",
        Event::TaskFinished { .. } => "finished",
        Event::TaskQueued { .. } => "queued",
        Event::RunFinished { .. } => "run finished",
        Event::RunFailed { .. } => "run failed",
        Event::RunCancelled { .. } => "run cancelled",
        _ => "other",
    }
}

#[test]
fn a_failure_names_task_and_attempts_and_stops_the_others() {
    for scheduler in BOTH {
        let mut graph = Graph::new();
        let good: Vec<TaskId> =
            (0..50).map(|_| source(&mut graph, Does::Sleep(Duration::from_millis(1)))).collect();
        let bad = task(&mut graph, &good[..3], Does::Fail { times: 9, is_transient: false });
        let probe = Probe::default();
        let targets = [&[bad], &good[3..]].concat();
        let error = collect(&graph, &targets, &probe, &options(scheduler)).unwrap_err();
        assert_eq!(error.to_string(), "add (task 50, attempt 1): failure 1");
        assert!(probe.is_stopped.load(Ordering::SeqCst));
        assert!(probe.ran.lock().unwrap().len() < 50, "the rest was not run");
    }
}

#[test]
fn retries_end() {
    for scheduler in BOTH {
        let mut graph = Graph::new();
        let bad = task(&mut graph, &[], Does::Fail { times: 9, is_transient: true });
        let options = RunOptions { retries_max: 1, ..options(scheduler) };
        let error = collect(&graph, &[bad], &Probe::default(), &options).unwrap_err();
        let RunError::Task { task, attempts, error, .. } = error else { panic!("{error}") };
        assert_eq!((task, attempts, error.as_str()), (bad, 2, "failure 2"));
    }
}

#[test]
fn a_panic_is_an_error_with_the_name_of_the_task() {
    for scheduler in BOTH {
        let (mut graph, root) = tree(8);
        let bad = task(&mut graph, &[root], Does::Panic);
        let notes = Notes::default();
        let options = RunOptions { observer: Some(&notes), ..options(scheduler) };
        let error = collect(&graph, &[bad], &Probe::default(), &options).unwrap_err();
        assert_eq!(error.to_string(), "add (task 15) panicked: task 15 had enough");
        assert_eq!(notes.0.lock().unwrap().last().map(|record| name(&record.event)), Some("run failed"));
    }
}

#[test]
fn a_receiver_that_panics_ends_the_run() {
    for scheduler in BOTH {
        let (graph, _) = tree(64);
        let targets: Vec<TaskId> = graph.shape().tasks().collect();
        let probe = Probe::default();
        let deliver = |target: usize, _| assert!(target < 5, "enough");
        let error =
            crate::executor::run(&graph, &targets, &probe, &options(scheduler), &deliver).unwrap_err();
        assert_eq!(error.to_string(), "what is called between tasks panicked: enough");
    }
}

#[test]
fn cancelling_ends_a_run_soon() {
    for scheduler in BOTH {
        let mut graph = Graph::new();
        let cancels = source(&mut graph, Does::Cancel);
        let others: Vec<TaskId> =
            (0..1000).map(|_| source(&mut graph, Does::Sleep(Duration::from_millis(20)))).collect();
        let probe = Probe::default();
        let options = RunOptions { cancel: probe.cancel.clone(), ..options(scheduler) };
        let start = Instant::now();
        let targets = [&[cancels], &others[..]].concat();
        let error = collect(&graph, &targets, &probe, &options).unwrap_err();
        assert!(matches!(error, RunError::Cancelled), "{error}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        let error = collect(&graph, &targets, &Probe::default(), &options).unwrap_err();
        assert!(matches!(error, RunError::Cancelled), "cancelled before it began");
    }
}

#[test]
fn cancelling_ends_a_batch_of_small_tasks() {
    let mut graph = Graph::new();
    let small: Vec<TaskId> = (0..20_000).map(|_| task(&mut graph, &[], Does::Add)).collect();
    let cancels = task(&mut graph, &[], Does::Cancel);
    let rest: Vec<TaskId> = (0..20_000).map(|_| task(&mut graph, &[], Does::Add)).collect();
    let probe = Probe::default();
    let options = RunOptions { cancel: probe.cancel.clone(), ..options(Scheduler::Threaded) };
    let targets = [&small, &[cancels][..], &rest].concat();
    let error = collect(&graph, &targets, &probe, &options).unwrap_err();
    assert!(matches!(error, RunError::Cancelled), "{error}");
    let ran = probe.ran.lock().unwrap();
    let after = ran.iter().rev().take_while(|(task, _)| *task != cancels).count();
    assert!(after <= 3, "{after} tasks ended after the cancellation, on three other threads");
}

#[test]
fn cancelling_wakes_threads_that_wait_and_stops_tasks_that_run() {
    for scheduler in BOTH {
        let mut graph = Graph::new();
        let long = task(&mut graph, &[], Does::UntilStopped);
        let after = task(&mut graph, &[long], Does::Add);
        // Its thread goes to sleep without an alarm.
        let quick = task(&mut graph, &[], Does::Add);
        let probe = Probe::default();
        let cancel = probe.cancel.clone();
        let options = RunOptions { cancel: cancel.clone(), ..options(scheduler) };
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(30));
                cancel.cancel();
            });
            // One thread cannot come back from a task that waits for it: it is stopped by its runner's own token.
            if scheduler == Scheduler::SingleThreaded {
                let stop = &probe;
                scope.spawn(move || {
                    stop.cancel.wait(Duration::from_secs(20));
                    stop.is_stopped.store(true, Ordering::SeqCst);
                });
            }
            let start = Instant::now();
            let error = collect(&graph, &[after, quick], &probe, &options).unwrap_err();
            assert!(matches!(error, RunError::Cancelled), "what failed of it has not failed: {error}");
            assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        });
    }
}

#[test]
fn threads_share_the_work() {
    let mut graph = Graph::new();
    let sleepers: Vec<TaskId> =
        (0..8).map(|_| source(&mut graph, Does::Sleep(Duration::from_millis(100)))).collect();
    let start = Instant::now();
    collect(&graph, &sleepers, &Probe::default(), &options(Scheduler::Threaded)).unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(700),
        "800 ms of sleep on 4 threads: {:?}",
        start.elapsed()
    );
}

#[test]
fn threads_that_went_to_sleep_come_back() {
    let mut graph = Graph::new();
    let sleep = |milliseconds| Does::Sleep(Duration::from_millis(milliseconds));
    let first: Vec<TaskId> = (0..4).map(|_| task(&mut graph, &[], sleep(20))).collect();
    let alone = task(&mut graph, &first, sleep(50));
    let second: Vec<TaskId> = (0..8).map(|_| task(&mut graph, &[alone], sleep(100))).collect();
    let start = Instant::now();
    collect(&graph, &second, &Probe::default(), &options(Scheduler::Threaded)).unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(700),
        "800 ms of sleep on 4 threads: {:?}",
        start.elapsed()
    );
}

#[test]
fn a_hundred_thousand_tasks_and_an_all_to_all_take_no_time_to_speak_of() {
    for scheduler in BOTH {
        let (graph, root) = tree(50_000);
        let start = Instant::now();
        collect(&graph, &[root], &Probe::default(), &options(scheduler)).unwrap();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());

        let mut graph = Graph::new();
        let producers: Vec<TaskId> = (0..10_000).map(|_| task(&mut graph, &[], Does::Add)).collect();
        let barrier = task(&mut graph, &producers, Does::Add);
        let consumers: Vec<TaskId> = (0..10_000).map(|_| task(&mut graph, &[barrier], Does::Add)).collect();
        let start = Instant::now();
        let delivered = collect(&graph, &consumers, &Probe::default(), &options(scheduler)).unwrap();
        assert!(delivered.iter().all(|(_, value)| *value == 10_002));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}
