use std::time::Duration;

use partita_schedule::event::{Level, OperatorTasks};
use partita_schedule::{OperatorId, TaskId, WorkerId};
use proptest::prelude::*;

use super::*;

fn at(nanoseconds: u64, event: Event) -> EventRecord {
    EventRecord { at: Duration::from_nanos(nanoseconds), event }
}

fn started(run: u64) -> Event {
    let operators = vec![OperatorTasks { name: "load \"x\"".into(), tasks: 3 }];
    Event::RunStarted { run: RunId(run), tasks: 3, edges: 2, targets: 1, operators }
}

fn finished(run: u64, task: u32, started: u64, bytes: u64) -> Event {
    let started = Duration::from_nanos(started);
    let (operator, worker) = (OperatorId(task % 3), WorkerId(task % 2));
    Event::TaskFinished { run: RunId(run), task: TaskId(task), operator, worker, started, bytes }
}

#[test]
fn runs_come_back_one_after_the_other() {
    let journal = Journal::default();
    let (first, second) = (journal.next_run(), journal.next_run());
    assert_eq!((first, second), (RunId(0), RunId(1)));
    let message = at(6, Event::Message { level: Level::Warning, text: "disk is slow".into() });
    let told = [
        at(1, started(0)),
        at(2, started(1)),
        at(5, finished(0, 7, 3, 100)),
        message.clone(),
        // A little out of turn, as another thread tells it.
        at(4, finished(1, 8, 3, u64::MAX)),
        at(9, Event::RunFinished { run: first }),
    ];
    journal.observe(&told);
    let [a, b, c, _, d, e] = told;
    assert_eq!(journal.records_of(first), [a.clone(), c.clone(), e.clone()]);
    assert_eq!(journal.records(), [message, a, c, e, b, d]);
    assert_eq!(journal.records_of(RunId(9)), []);
}

#[test]
fn json_lines_are_readable_and_read_back() {
    let journal = Journal::default();
    let records = [at(1, started(0)), at(1_500_000_000, finished(0, 1, 1_000_000_000, 64))];
    journal.observe(&records);
    let mut out = Vec::new();
    journal.write_json_lines(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1],
        r#"{"at_ns":1500000000,"event":"task_finished","run":0,"task":1,"operator":1,"worker":1,"started_ns":1000000000,"bytes":64}"#
    );
    let back: Vec<EventRecord> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(back, records);
}

#[test]
fn the_oldest_run_goes_first_and_a_large_one_keeps_its_beginning() {
    let journal = Journal::new(300 << 10);
    for run in 0..3 {
        journal.observe(&[at(1, started(run))]);
        let tasks: Vec<EventRecord> =
            (0..10_000).map(|task| at(u64::from(task) * 1000, finished(run, task, 0, 9))).collect();
        for tasks in tasks.chunks(100) {
            journal.observe(tasks);
        }
        journal.observe(&[at(2, Event::RunFinished { run: RunId(run) })]);
    }
    assert!(journal.bytes() <= 300 << 10);
    assert_eq!(journal.records_of(RunId(0)), []);
    assert_eq!(journal.records_of(RunId(2)).len(), 10_002);
    let kept = journal.records().len() as u64;
    assert_eq!(kept + journal.dropped(), 3 * 10_002);

    let journal = Journal::new(100 << 10);
    journal.observe(&[at(1, started(0))]);
    for task in 0..50_000 {
        journal.observe(&[at(u64::from(task) * 1000, finished(0, task, 0, 9))]);
    }
    let records = journal.records();
    assert!(journal.bytes() <= 100 << 10 && records.len() > 3_000, "{} records", records.len());
    assert_eq!(records[0], at(1, started(0)));
    assert_eq!(records[records.len() - 1], at(49_999_000, finished(0, 49_999, 0, 9)));
    assert_eq!(records.len() as u64 + journal.dropped(), 50_001);
}

#[test]
fn samples_of_a_long_session_do_not_push_out_its_runs() {
    let journal = Journal::new(100 << 10);
    journal.observe(&[at(1, started(0)), at(2, Event::RunFinished { run: RunId(0) })]);
    for sample in 0..5_000 {
        let (resident_bytes, limit_bytes, spilled_bytes) = (1 << 30, 1 << 31, 7);
        let event = Event::Memory { reserved_bytes: sample, resident_bytes, limit_bytes, spilled_bytes };
        journal.observe(&[at(sample, event)]);
    }
    assert!(journal.bytes() <= 100 << 10 && journal.dropped() > 0);
    assert_eq!(journal.records_of(RunId(0)).len(), 2);
}

proptest! {
    #[test]
    fn every_record_comes_back(
        tasks in prop::collection::vec((any::<u64>(), any::<u32>(), any::<u64>(), any::<u64>(), any::<bool>()), 0..100),
    ) {
        let journal = Journal::default();
        let records: Vec<EventRecord> = tasks
            .into_iter()
            .map(|(time, task, began, bytes, is_end)| {
                let event = if is_end {
                    finished(3, task, began.min(time), bytes)
                } else {
                    let (operator, worker) = (OperatorId(task), WorkerId(task));
                    Event::TaskStarted { run: RunId(3), task: TaskId(task), operator, worker, attempt: task as u8 }
                };
                at(time, event)
            })
            .collect();
        journal.observe(&records);
        prop_assert_eq!(journal.records(), records);
    }
}
