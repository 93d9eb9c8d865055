use std::sync::atomic::{AtomicU32, Ordering};

use super::super::Scheduler;
use super::*;

fn options(scheduler: Scheduler) -> RunOptions<'static> {
    RunOptions { scheduler, threads: 3, ..RunOptions::default() }
}

const BOTH: [Scheduler; 2] = [Scheduler::SingleThreaded, Scheduler::Threaded];

#[test]
fn values_of_any_type_flow_from_task_to_task() {
    let mut graph = Graph::new();
    let text = graph.task("text", &[], |_| Ok(String::from("42"))).unwrap();
    let number = graph.task("parse", &[text], |inputs| Ok(inputs.get::<String>(0)?.parse::<i64>()?)).unwrap();
    let both = graph
        .task("pair", &[number, text], |inputs| {
            Ok((*inputs.get::<i64>(0)? + 1, inputs.get::<String>(1)?.len()))
        })
        .unwrap();
    let sum =
        graph.task("sum", &[number, number], |inputs| Ok(inputs.iter::<i64>().sum::<Result<i64, _>>()?));
    let targets = [both, sum.unwrap(), both];
    for scheduler in BOTH {
        let results = run(&graph, &targets, &options(scheduler)).unwrap();
        assert_eq!(results.get::<(i64, usize)>(0).unwrap(), &(43, 2));
        assert_eq!(results.get::<i64>(1).unwrap(), &84);
        assert!(Arc::ptr_eq(
            &results.share::<(i64, usize)>(0).unwrap(),
            &results.share::<(i64, usize)>(2).unwrap()
        ));
        assert_eq!(results.len(), 3);
    }
    assert!(run(&graph, &[], &options(Scheduler::Threaded)).unwrap().is_empty());
}

#[test]
fn errors_name_what_and_where() {
    let mut graph = Graph::new();
    let bad = graph.task("parse", &[], |_| Ok("x".parse::<i64>()?)).unwrap();
    let one = graph.task("one", &[], |_| Ok(1_i64)).unwrap();
    let reader = graph.task("read", &[one], |inputs| Ok(inputs.get::<String>(0)?.len())).unwrap();
    let beyond = graph.task("read", &[one], |inputs| Ok(*inputs.get::<i64>(3)?)).unwrap();
    let panics = graph.task("divide", &[one], |inputs| Ok(1 / (*inputs.get::<i64>(0)? - 1))).unwrap();
    for scheduler in BOTH {
        let error = |task| run(&graph, &[task], &options(scheduler)).unwrap_err().to_string();
        assert_eq!(error(bad), "parse (task 0, attempt 1): invalid digit found in string");
        assert_eq!(
            error(reader),
            "read (task 2, attempt 1): input 0: expected alloc::string::String, got another type"
        );
        assert_eq!(error(beyond), "read (task 3, attempt 1): input 3: there are 1");
        assert_eq!(error(panics), "divide (task 4) panicked: attempt to divide by zero");
        assert_eq!(
            error(TaskId(99)),
            "target 99 is not in the graph, which has 5 tasks; is it of another graph?"
        );
    }
    let results = run(&graph, &[one], &options(Scheduler::Threaded)).unwrap();
    assert_eq!(results.get::<u8>(0).unwrap_err().to_string(), "target 0: expected u8, got another type");
    assert_eq!(results.share::<u8>(1).unwrap_err().to_string(), "target 1: there are 1");
    let error = graph.task("late", &[TaskId(77)], |_| Ok(())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "late: depends on task 77, but the graph has 5 tasks; add dependencies first"
    );
}

#[test]
fn a_broken_connection_is_tried_again_and_a_missing_file_is_not() {
    for scheduler in BOTH {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let mut graph = Graph::new();
        let flaky = graph
            .task("fetch", &[], move |_| match counted.fetch_add(1, Ordering::SeqCst) {
                0 => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
                calls => Ok(calls),
            })
            .unwrap();
        let missing = graph
            .task("open", &[], |_| -> Result<(), BoxError> {
                Err(io::Error::from(io::ErrorKind::NotFound).into())
            })
            .unwrap();
        let results = run(&graph, &[flaky], &options(scheduler)).unwrap();
        assert_eq!(results.get::<u32>(0).unwrap(), &1);
        let error = run(&graph, &[missing], &options(scheduler)).unwrap_err();
        assert_eq!(error.to_string(), "open (task 1, attempt 1): entity not found");
    }
}
