//! Exact answers that need all values, which do not fit in memory: full disks, calls that fail, cancelled calls.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "shared with the out-of-core cases")]
#[path = "out_of_core/data.rs"]
mod data;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use partita::prelude::*;
use partita::{CancelToken, Scalar, SessionBuilder};
use partita_runtime::storage::fault::{CallKind, Fault, FaultyDisk, Plan};
use partita_runtime::storage::{Disk, LocalDisk};

/// The keys of four columns of so many names are more than a ledger of 80 MiB holds.
const ROWS: u64 = 700_000;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        data::write(&folder.path().join("numbers.csv"), ROWS);
        std::fs::create_dir(folder.path().join("spill")).unwrap();
        Self { folder }
    }

    fn spill(&self) -> PathBuf {
        self.folder.path().join("spill")
    }

    fn session(&self, configure: impl FnOnce(SessionBuilder) -> SessionBuilder) -> Session {
        let builder = Session::builder().memory_limit("128MiB").threads(2).spill_dirs([self.spill()]);
        configure(builder.spill_to_memory(true)).build().unwrap()
    }

    /// Distinct names of four kinds, one of them the most frequent one, and the middle of all numbers.
    fn asked(&self, session: &Session) -> DataFrame {
        let input = self.folder.path().join("numbers.csv");
        let rows = session.read_csv(input).block_size("4MiB").load().unwrap().with_row_index("row");
        let name = |kind: i64| hash([col("row"), lit(kind)]).cast(DataType::Utf8View);
        let mut asked: Vec<Expr> = (0..4).map(|kind| name(kind).nunique().alias(format!("{kind}"))).collect();
        asked.push(name(0).mode().alias("mode"));
        asked.push(col("row").median().alias("middle"));
        rows.reduce(asked)
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

fn answer(frame: &DataFrame) -> partita::Result<Vec<String>> {
    let batches = frame.compute_batches()?;
    let columns = batches[0].columns().iter();
    Ok(columns.map(|column| Scalar::try_from_array(column, 0).unwrap().to_string()).collect())
}

/// Every number is there once; the mode is the least name.
fn check(answer: &[String]) {
    assert_eq!(answer[..4], ["700000"; 4]);
    assert_eq!(answer[5], format!("{:?}", (ROWS - 1) as f64 / 2.0));
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let bench = Bench::new();
    let session = bench.session(|builder| builder.spill_bytes_max("4MiB"));
    let message = answer(&bench.asked(&session)).unwrap_err().to_string();
    for part in ["needs", "spill_bytes_max, which is 4194304", "raise memory_limit"] {
        assert!(message.contains(part), "{message}");
    }
    bench.check_empty(&session);
    // With room it is answered, on disk.
    let session = bench.session(|builder| builder);
    check(&answer(&bench.asked(&session)).unwrap());
    bench.check_empty(&session);
    let mut journal = Vec::new();
    session.write_journal(&mut journal).unwrap();
    assert!(String::from_utf8(journal).unwrap().contains("pill"), "nothing went to disk");
}

#[test]
fn a_call_that_fails_is_an_error_or_makes_no_difference() {
    let bench = Bench::new();
    let run = |plan: Plan| {
        let disk = FaultyDisk::new(Arc::new(LocalDisk), plan);
        let session = bench.session(|builder| builder.disk(Arc::clone(&disk) as Arc<dyn Disk>));
        let answer = answer(&bench.asked(&session));
        bench.check_empty(&session);
        drop(session);
        assert_eq!(files_below(&bench.spill()), 0);
        (answer, disk)
    };
    let (expected, disk) = run(Plan::default());
    let expected = expected.unwrap();
    check(&expected);
    // No space left, and input or output.
    for (kind, errno) in
        [(CallKind::Create, 28), (CallKind::Write, 28), (CallKind::Write, 5), (CallKind::Read, 5)]
    {
        let calls = disk.seen(kind);
        let mut fired = 0;
        for nth in [1, calls / 2] {
            let fault = Fault { under: Some(bench.spill()), ..Fault::once(&[kind], nth.max(1), errno) };
            let (answer, disk) = run(Plan::fault(fault));
            fired += disk.fired();
            match answer {
                Ok(answer) => assert_eq!(answer, expected, "{kind:?} {nth}"),
                Err(error) => {
                    // A run that cannot be read back cannot be made again; one that cannot be written stays.
                    assert_eq!(kind, CallKind::Read, "{nth}: {error}");
                    assert!(error.to_string().contains("os error 5"), "{nth}: {error}");
                }
            }
        }
        assert!(fired > 0, "{kind:?}: none of {calls} calls failed");
    }
}

#[test]
fn a_cancelled_call_leaves_nothing() {
    let bench = Bench::new();
    let session = bench.session(|builder| builder);
    let began = Instant::now();
    check(&answer(&bench.asked(&session)).unwrap());
    let takes = began.elapsed();
    let mut cancelled = 0;
    for part in 1..8 {
        let token = CancelToken::new();
        let asked = bench.asked(&session).with_cancel(&token);
        let answer = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(takes * part / 8);
                token.cancel();
            });
            answer(&asked)
        });
        match answer {
            Ok(answer) => check(&answer),
            Err(error) => {
                assert!(error.to_string().contains("cancelled"), "{error}");
                cancelled += 1;
            }
        }
        bench.check_empty(&session);
    }
    assert!(cancelled > 0, "no call was cancelled in time");
}
