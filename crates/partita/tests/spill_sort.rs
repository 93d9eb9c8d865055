//! Rows that change partition and do not fit in memory: full disks, calls that fail, cancelled calls.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "shared with the out-of-core cases")]
#[path = "out_of_core/data.rs"]
mod data;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use partita::arrow::array::AsArray;
use partita::arrow::datatypes::{Float64Type, Int64Type};
use partita::prelude::*;
use partita::{CancelToken, SessionBuilder};
use partita_runtime::storage::fault::{CallKind, Fault, FaultyDisk, Plan};
use partita_runtime::storage::{Disk, LocalDisk};

/// More than a ledger of 80 MiB holds.
const ROWS: u64 = 500_000;

struct Bench {
    folder: tempfile::TempDir,
    /// As they were read: the floats, and what the numbers of a row add up to.
    expected: Vec<(f64, i64)>,
}

/// How the rows are exchanged.
#[derive(Debug, Clone, Copy)]
enum By {
    Sort,
    Index,
    Hash,
    Group,
    Place,
}

const ALL: [By; 5] = [By::Sort, By::Index, By::Hash, By::Group, By::Place];

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        data::write(&folder.path().join("numbers.csv"), ROWS);
        std::fs::create_dir(folder.path().join("spill")).unwrap();
        let sum = |row| (0..data::NUMBERS).filter_map(|column| data::number(row, column)).sum();
        let expected = (0..ROWS).map(|row| (data::float(row), sum(row))).collect();
        Self { folder, expected }
    }

    fn spill(&self) -> PathBuf {
        self.folder.path().join("spill")
    }

    fn session(&self, configure: impl FnOnce(SessionBuilder) -> SessionBuilder) -> Session {
        let builder = Session::builder().memory_limit("128MiB").threads(2).spill_dirs([self.spill()]);
        configure(builder.spill_to_memory(true)).build().unwrap()
    }

    fn asked(&self, session: &Session, by: By) -> DataFrame {
        let input = self.folder.path().join("numbers.csv");
        let rows = session.read_csv(input).block_size("4MiB").load().unwrap();
        match by {
            By::Sort => rows.sort_values(["float"]),
            By::Index => rows.set_index(SetIndex::new("float").partition_size("8MiB")),
            By::Hash => rows.shuffle(["text", "n1"]),
            By::Group => {
                let sums = (0..data::NUMBERS).map(|column| col(format!("n{column}")).sum());
                // No two rows have the same text and float.
                let groups = rows.groupby(["float", "text"]).agg(sums.collect::<Vec<_>>());
                groups.select(rows.columns().unwrap())
            }
            // It holds nothing beside the rows.
            By::Place => rows.with_column("wide", col("text").str().repeat(30)).repartition(40),
        }
    }

    /// All rows are there, in order, or there is an error.
    fn check(&self, frame: &DataFrame, by: By) -> partita::Result<()> {
        let (mut rows, mut expected) = (Vec::with_capacity(self.expected.len()), self.expected.clone());
        for batch in frame.batches()? {
            let batch = batch?;
            let floats = batch.column(17).as_primitive::<Float64Type>();
            let numbers: Vec<_> =
                (0..16).map(|column| batch.column(column).as_primitive::<Int64Type>().iter()).collect();
            let mut sums = vec![0_i64; batch.num_rows()];
            for numbers in numbers {
                sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number.unwrap_or(0));
            }
            rows.extend(floats.values().iter().copied().zip(sums));
        }
        match by {
            By::Sort | By::Index => expected.sort_by(|a, b| a.0.total_cmp(&b.0)),
            By::Hash | By::Group => {
                let order = |a: &(f64, i64), b: &(f64, i64)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
                rows.sort_by(order);
                expected.sort_by(order);
            }
            By::Place => {}
        }
        assert!(rows == expected, "{by:?}");
        Ok(())
    }

    /// Nothing in memory, on disk or pinned, at the latest when what is being written has been.
    fn check_empty(&self, session: &Session) {
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let memory = session.memory();
            let held = (memory.managed_bytes, memory.spilled_bytes, memory.pins, memory.partitions);
            if held == (0, 0, 0, 0) {
                return;
            }
            assert!(Instant::now() < deadline, "{memory:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let bench = Bench::new();
    for by in ALL {
        let session = bench.session(|builder| builder.spill_bytes_max("512KiB"));
        let message = bench.check(&bench.asked(&session, by), by).unwrap_err().to_string();
        for part in ["needs", "spill_bytes_max, which is 524288", "raise memory_limit"] {
            assert!(message.contains(part), "{by:?}: {message}");
        }
        bench.check_empty(&session);
        // With room it is answered, on disk.
        let session = bench.session(|builder| builder);
        bench.check(&bench.asked(&session, by), by).unwrap();
        bench.check_empty(&session);
        let mut journal = Vec::new();
        session.write_journal(&mut journal).unwrap();
        assert!(String::from_utf8(journal).unwrap().contains("pill"), "{by:?}: nothing went to disk");
    }
}

#[test]
fn a_call_that_fails_is_an_error_or_makes_no_difference() {
    let bench = Bench::new();
    let run = |plan: Plan, by: By| {
        let disk = FaultyDisk::new(Arc::new(LocalDisk), plan);
        let session = bench.session(|builder| builder.disk(Arc::clone(&disk) as Arc<dyn Disk>));
        let answer = bench.check(&bench.asked(&session, by), by);
        bench.check_empty(&session);
        drop(session);
        assert_eq!(files_below(&bench.spill()), 0);
        (answer, disk)
    };
    // No space left, and input or output.
    let faults = [(CallKind::Create, 28), (CallKind::Write, 28), (CallKind::Write, 5), (CallKind::Read, 5)];
    for (by, (kind, errno)) in
        [By::Index, By::Group, By::Place].into_iter().flat_map(|by| faults.map(|fault| (by, fault)))
    {
        let (answer, disk) = run(Plan::default(), by);
        answer.unwrap();
        let calls = disk.seen(kind);
        let mut fired = 0;
        for nth in [1, calls / 2] {
            let fault = Fault { under: Some(bench.spill()), ..Fault::once(&[kind], nth.max(1), errno) };
            let (answer, disk) = run(Plan::fault(fault), by);
            fired += disk.fired();
            if let Err(error) = answer {
                // A run that cannot be read back cannot be made again; one that cannot be written stays.
                assert_eq!(kind, CallKind::Read, "{nth}: {error}");
                assert!(error.to_string().contains("os error 5"), "{nth}: {error}");
            }
        }
        assert!(fired > 0, "{kind:?}: none of {calls} calls failed");
    }
}

#[test]
fn a_cancelled_call_leaves_nothing() {
    let bench = Bench::new();
    let session = bench.session(|builder| builder);
    for by in ALL {
        let began = Instant::now();
        bench.check(&bench.asked(&session, by), by).unwrap();
        let takes = began.elapsed();
        let mut cancelled = 0;
        for part in 1..8 {
            let token = CancelToken::new();
            let asked = bench.asked(&session, by).with_cancel(&token);
            let answer = std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(takes * part / 8);
                    token.cancel();
                });
                bench.check(&asked, by)
            });
            if let Err(error) = answer {
                assert!(error.to_string().contains("cancelled"), "{error}");
                cancelled += 1;
            }
            bench.check_empty(&session);
        }
        assert!(cancelled > 0, "{by:?}: no call was cancelled in time");
    }
}

/// More rows than the ledger holds: what a part of the result was made of does not stay until all parts are there.
#[test]
fn what_is_merged_makes_room() {
    let bench = Bench::new();
    let session = bench.session(|builder| builder.scheduler(Scheduler::SingleThreaded));
    let sorted = bench.asked(&session, By::Sort);
    let held: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (seen, asked) = (Arc::clone(&held), session);
    let schema = sorted.schema().unwrap().as_ref().clone();
    // It is called with each part, one after the other: the parts before it are done.
    let watched = sorted.map_partition_batches(schema, move |_, batches| {
        let now = asked.memory();
        seen.lock().unwrap().push(now.stored_bytes + now.spilled_bytes);
        Ok(batches)
    });
    assert_eq!(watched.len().unwrap(), ROWS);
    let held = held.lock().unwrap();
    let (first, last) = (held[0], held[held.len() - 1]);
    assert!(held.len() > 4 && last < first / 2, "bytes in the store, part by part: {held:?}");
}
