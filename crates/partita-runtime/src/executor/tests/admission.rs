use std::time::Duration;

use partita_schedule::event::Event;
use partita_schedule::{Graph, TaskId};

use super::probe::{BOTH, Does, Notes, Probe, collect, options, source, task};
use crate::executor::{RunError, RunOptions, Scheduler};

fn sleepers(count: usize) -> (Graph<Does>, Vec<TaskId>) {
    let mut graph = Graph::new();
    let targets = (0..count).map(|_| {
        let load = source(&mut graph, Does::Sleep(Duration::from_millis(2)));
        task(&mut graph, &[load], Does::Add)
    });
    let targets = targets.collect();
    (graph, targets)
}

#[test]
fn no_more_sources_run_than_there_is_memory_for() {
    for scheduler in BOTH {
        for most in [1, 2] {
            let (graph, targets) = sleepers(30);
            let probe = Probe { sources_max: Some(most), ..Probe::default() };
            let notes = Notes::default();
            let options = RunOptions { observer: Some(&notes), ..options(scheduler) };
            assert_eq!(collect(&graph, &targets, &probe, &options).unwrap().len(), 30);
            let seen = *probe.sources_most.lock().unwrap();
            assert!(seen <= most, "{seen} at a time, memory for {most}");
            let is_queued = |event: &Event| matches!(event, Event::TaskQueued { .. });
            let queued = notes.0.lock().unwrap().iter().filter(|record| is_queued(&record.event)).count();
            assert_eq!(
                queued > 0,
                scheduler == Scheduler::Threaded,
                "one thread never meets another one's source"
            );
        }
    }
}

#[test]
fn a_run_without_memory_waits_as_long_as_the_runner_says_and_then_fails() {
    for scheduler in BOTH {
        let (graph, targets) = sleepers(5);
        let probe = Probe { sources_max: Some(0), waits_max: 3, ..Probe::default() };
        let error = collect(&graph, &targets, &probe, &options(scheduler)).unwrap_err();
        let RunError::Task { task, operator, attempts, error } = error else { panic!("{error}") };
        assert_eq!((task, operator.as_str(), attempts), (TaskId(0), "load", 0));
        assert_eq!((error.as_str(), *probe.waited.lock().unwrap()), ("no memory for 0", 4));
        assert!(probe.ran.lock().unwrap().is_empty());
    }
}
