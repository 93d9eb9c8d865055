use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use partita_schedule::{Graph, TaskId};

use super::probe::{BOTH, Does, Probe, collect, options, source, task};
use crate::executor::{Delivery, RunOptions, Scheduler, run};

/// Sources with a task on each; those whose number divides by 7 take longer.
fn uneven(count: usize) -> (Graph<Does>, Vec<TaskId>) {
    let mut graph = Graph::new();
    let targets = (0..count).map(|number| {
        let does = if number % 7 == 0 { Does::Sleep(Duration::from_millis(3)) } else { Does::Add };
        let load = source(&mut graph, does);
        task(&mut graph, &[load], Does::Add)
    });
    let targets = targets.collect();
    (graph, targets)
}

#[test]
fn targets_come_in_turn_whatever_finishes_first() {
    for scheduler in BOTH {
        for window in [None, Some(1), Some(3)] {
            let (graph, targets) = uneven(60);
            let options = RunOptions { targets_ahead_max: window, ..options(scheduler) };
            let delivered = collect(&graph, &targets, &Probe::default(), &options).unwrap();
            assert_eq!(delivered, (0..60).map(|target| (target, 2)).collect::<Vec<_>>());
        }
    }
}

#[test]
fn targets_come_as_they_are_ready_when_asked() {
    let mut graph = Graph::new();
    let slow = source(&mut graph, Does::Sleep(Duration::from_millis(200)));
    let quick = source(&mut graph, Does::Add);
    let options = RunOptions { delivery: Delivery::AsReady, ..options(Scheduler::Threaded) };
    assert_eq!(collect(&graph, &[slow, quick], &Probe::default(), &options).unwrap(), [(1, 1), (0, 1)]);
}

#[test]
fn a_window_bounds_what_is_worked_on_while_the_receiver_is_slow() {
    for scheduler in BOTH {
        for window in [1, 2, 5] {
            let (graph, targets) = uneven(40);
            let probe = Probe::default();
            let options = RunOptions { targets_ahead_max: Some(window), ..options(scheduler) };
            let (delivered, most_ahead) = (AtomicUsize::new(0), AtomicUsize::new(0));
            run(&graph, &targets, &probe, &options, &|_, _| {
                std::thread::sleep(Duration::from_millis(1));
                let begun = probe.ran.lock().unwrap().iter().filter(|(task, _)| task.0 % 2 == 0).count();
                let before = delivered.fetch_add(1, Ordering::SeqCst);
                most_ahead.fetch_max(begun - before, Ordering::SeqCst);
            })
            .unwrap();
            assert_eq!(delivered.into_inner(), 40);
            assert!(most_ahead.load(Ordering::SeqCst) <= window, "window {window}: {most_ahead:?}");
        }
    }
}

#[test]
fn receivers_are_never_called_twice_at_a_time() {
    let (graph, targets) = uneven(200);
    for delivery in [Delivery::Ordered, Delivery::AsReady] {
        let options = RunOptions { delivery, ..options(Scheduler::Threaded) };
        let alone = Mutex::new(());
        run(&graph, &targets, &Probe::default(), &options, &|_, _| {
            let _guard = alone.try_lock().expect("called while it was being called");
            std::thread::yield_now();
        })
        .unwrap();
    }
}
