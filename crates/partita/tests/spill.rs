//! Persisted frames that do not fit in memory: damaged files, full disks, released frames, cancelled calls.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "shared with the out-of-core cases")]
#[path = "out_of_core/data.rs"]
mod data;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use partita::arrow::array::{Array, AsArray, RecordBatch};
use partita::arrow::datatypes::{Float64Type, Int64Type};
use partita::prelude::*;
use partita_runtime::storage::fault::{CallKind, Fault, FaultyDisk, Plan};
use partita_runtime::storage::{Disk, LocalDisk};

/// More than a ledger of 80 MiB holds.
const ROWS: u64 = 700_000;

struct Bench {
    folder: tempfile::TempDir,
    session: Session,
}

impl Bench {
    fn new(configure: impl FnOnce(partita::SessionBuilder) -> partita::SessionBuilder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        data::write(&folder.path().join("numbers.csv"), ROWS);
        std::fs::create_dir(folder.path().join("spill")).unwrap();
        let builder = Session::builder()
            .memory_limit("128MiB")
            .threads(2)
            .spill_dirs([folder.path().join("spill")])
            .spill_to_memory(true);
        Self { session: configure(builder).build().unwrap(), folder }
    }

    fn input(&self) -> PathBuf {
        self.folder.path().join("numbers.csv")
    }

    fn frame(&self) -> DataFrame {
        self.session.read_csv(self.input()).block_size("4MiB").load().unwrap()
    }

    fn spill_files(&self) -> Vec<PathBuf> {
        files_below(&self.folder.path().join("spill"), ".frames")
    }

    /// Nothing in memory, on disk, or pinned, at the latest when a frame that is being written has been.
    fn check_empty(&self) {
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let memory = self.session.memory();
            let held = (memory.managed_bytes, memory.spilled_bytes, memory.pins);
            let files = self.spill_files();
            if held == (0, 0, 0) && files.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "{memory:?}, {files:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn digest(frame: &DataFrame) -> partita::Result<String> {
    let mut digest = data::Digest::default();
    for batch in frame.batches()? {
        add(&mut digest, &batch?);
    }
    Ok(digest.show())
}

fn add(digest: &mut data::Digest, batch: &RecordBatch) {
    let columns = 0..data::NUMBERS as usize;
    let numbers: Vec<_> = columns.map(|column| batch.column(column).as_primitive::<Int64Type>()).collect();
    let texts = batch.column(data::NUMBERS as usize).as_string_view();
    let floats = batch.column(data::NUMBERS as usize + 1).as_primitive::<Float64Type>();
    for row in 0..batch.num_rows() {
        let numbers = numbers.iter().map(|column| column.is_valid(row).then(|| column.value(row)));
        digest.add(numbers, texts.value(row), floats.value(row));
    }
}

/// One bit of a file, chosen by a number; a file that is gone meanwhile stays so.
fn flip(file: &Path, seed: u64) {
    let Ok(mut bytes) = std::fs::read(file) else { return };
    let place = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (bytes.len() as u64 * 8);
    bytes[(place / 8) as usize] ^= 1 << (place % 8);
    overwrite(file, &bytes);
}

fn overwrite(file: &Path, bytes: &[u8]) {
    if let Ok(mut file) = std::fs::File::options().write(true).truncate(true).open(file) {
        file.write_all(bytes).unwrap();
    }
}

#[test]
fn a_damaged_or_lost_file_is_computed_again() {
    let bench = Bench::new(|builder| builder);
    let kept = bench.frame().persist().unwrap();
    let expected = data::digest(0..ROWS).show();
    let files = bench.spill_files();
    assert!(files.len() > 2, "{files:?}");
    for (number, file) in files.iter().enumerate() {
        flip(file, number as u64 + 1);
        // What is in memory of the partition, too, goes: the next reader needs the file.
        assert_eq!(digest(&kept).unwrap(), expected, "{}", file.display());
    }
    for file in bench.spill_files().iter().take(3) {
        overwrite(file, b"");
    }
    assert_eq!(digest(&kept).unwrap(), expected);
    let mut journal = Vec::new();
    bench.session.write_journal(&mut journal).unwrap();
    assert!(String::from_utf8(journal).unwrap().contains("computed again"));
    drop(kept);
    bench.check_empty();
}

#[test]
fn where_the_input_is_gone_too_the_error_says_so() {
    let bench = Bench::new(|builder| builder);
    let kept = bench.frame().persist().unwrap();
    bench.spill_files().iter().for_each(|file| flip(file, 7));
    std::fs::remove_file(bench.input()).unwrap();
    let message = digest(&kept).unwrap_err().to_string();
    assert!(message.contains("numbers.csv"), "{message}");
    let given = bench.session.from_batches(kept.schema().unwrap(), Vec::new()).unwrap();
    assert_eq!(given.len().unwrap(), 0);
    drop((kept, given));
    bench.check_empty();
}

#[test]
fn a_disk_that_is_full_is_an_error_and_leaves_nothing() {
    let bench = Bench::new(|builder| builder.spill_bytes_max("4MiB"));
    let message = bench.frame().persist().unwrap_err().to_string();
    for part in ["persist needs", "spill_bytes_max, which is 4194304", "raise memory_limit"] {
        assert!(message.contains(part), "{message}");
    }
    bench.check_empty();
    // What fits still works.
    let few = bench.frame().filter(col("n3").gt(lit(90))).persist().unwrap();
    let expected = (0..ROWS).filter(|row| data::number(*row, 3).is_some_and(|number| number > 90)).count();
    assert_eq!(few.len().unwrap(), expected as u64);
}

#[test]
fn what_cannot_fit_is_refused_before_the_work() {
    let bench = Bench::new(|builder| builder);
    let kept = bench.frame().persist().unwrap();
    let message = kept.compute().unwrap_err().to_string();
    for part in ["compute needs about", "nothing was done", "batches()"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(kept.select(["n0"]).compute().unwrap().height() as u64, ROWS);
    let whole = bench.session.read_csv(bench.input()).block_size("1GiB").load().unwrap();
    let schema = whole.schema().unwrap();
    let mapped = whole.persist().unwrap().map_partition_batches((*schema).clone(), |_, batches| Ok(batches));
    let explained = mapped.explain(Stage::Fused).unwrap();
    assert!(explained.contains("MapPartitions [unbounded: holds one partition a task]"), "{explained}");
    assert!(explained.contains("Stored [bounded]"), "{explained}");
    let message = mapped.len().unwrap_err().to_string();
    for part in ["MapPartitions needs about", "nothing was done", "block_size"] {
        assert!(message.contains(part), "{message}");
    }
}

/// Errors of the system by number: no space left, input or output.
const ERRNOS: [i32; 2] = [28, 5];

/// Calls from one that fails to the next, and more calls than there are.
const STEP: u64 = 60;
const CALLS_MAX: u64 = 20_000;

#[test]
fn a_call_that_fails_is_an_error_or_makes_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("numbers.csv");
    data::write(&input, ROWS);
    let spill = folder.path().join("spill");
    std::fs::create_dir(&spill).unwrap();
    let expected = data::digest(0..ROWS).show();
    let run = |plan: Plan| {
        let disk = FaultyDisk::new(Arc::new(LocalDisk), plan);
        let session = Session::builder().memory_limit("128MiB").threads(2).spill_dirs([&spill]);
        let session = session.spill_to_memory(true).disk(Arc::clone(&disk) as Arc<dyn Disk>).build().unwrap();
        let asked = session.read_csv(&input).block_size("4MiB").load().unwrap().persist();
        let answer = asked.and_then(|kept| digest(&kept));
        drop(session);
        (answer, disk)
    };
    for kind in [CallKind::Create, CallKind::Write, CallKind::Read, CallKind::Open, CallKind::Remove] {
        let (mut nth, mut failures) = (1, 0);
        loop {
            let errno = ERRNOS[usize::try_from(nth).unwrap() % 2];
            let fault = Fault { under: Some(spill.clone()), ..Fault::once(&[kind], nth, errno) };
            let (answer, disk) = run(Plan::fault(fault));
            match &answer {
                Ok(answer) => assert_eq!(answer, &expected, "{kind:?} {nth}"),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
            failures += u32::from(answer.is_err());
            let left = files_below(&spill, "").len();
            // What could not be removed is swept by the next session.
            assert!(left == 0 || kind == CallKind::Remove, "{kind:?} {nth}: {left} files");
            if disk.fired() == 0 {
                break;
            }
            // Of many calls one by one at first, where all is being set up.
            let is_many = matches!(kind, CallKind::Write | CallKind::Read);
            nth += if is_many { 1 + nth / 4 } else { 1 };
        }
        // A frame that cannot be written stays in memory, and one that cannot be read is computed again.
        assert_eq!(failures, 0, "{kind:?}");
    }
    // Every one of them fails in some run, beside others that are far from it.
    for kind in [CallKind::Write, CallKind::Read] {
        let mut fired = 0;
        for first in 1..=STEP {
            let nths = (first..CALLS_MAX).step_by(usize::try_from(STEP).unwrap());
            let fault = |nth| Fault { under: Some(spill.clone()), ..Fault::once(&[kind], nth, ERRNOS[1]) };
            let (answer, disk) = run(Plan { faults: nths.map(fault).collect(), ..Plan::default() });
            match answer {
                Ok(answer) => assert_eq!(answer, expected, "{kind:?} {first}"),
                Err(error) => assert!(error.to_string().contains("os error 5"), "{kind:?} {first}: {error}"),
            }
            assert_eq!(files_below(&spill, ""), Vec::<PathBuf>::new(), "{kind:?} {first}");
            assert!(disk.seen(kind) < CALLS_MAX, "{kind:?}: {} calls", disk.seen(kind));
            fired += disk.fired();
        }
        assert!(fired >= STEP, "{kind:?}: {fired} fired");
    }
    let (answer, _) = run(Plan::default());
    assert_eq!(answer.unwrap(), expected);
    assert_eq!(files_below(&spill, ""), Vec::<PathBuf>::new());
}

/// A disk of its own in memory, gone when it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount(folder: PathBuf, mebibytes: u32) -> Option<Self> {
        let options = format!("size={mebibytes}M");
        let ran = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&folder).output();
        ran.is_ok_and(|ran| ran.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn disks_of_any_size_are_enough_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("numbers.csv");
    data::write(&input, ROWS);
    let spill = folder.path().join("spill");
    std::fs::create_dir(&spill).unwrap();
    let expected = data::digest(0..ROWS).show();
    let mut refused = 0;
    for mebibytes in 1.. {
        let Some(disk) = SmallDisk::mount(spill.clone(), mebibytes) else {
            let _ = writeln!(std::io::stderr(), "skipped: a disk of its own cannot be mounted here");
            return;
        };
        let session = Session::builder().memory_limit("128MiB").threads(2).spill_dirs([&spill]);
        let session = session.spill_to_memory(true).build().unwrap();
        let kept = session.read_csv(&input).block_size("4MiB").load().unwrap().persist();
        let answer = kept.and_then(|kept| digest(&kept));
        drop(session);
        assert_eq!(files_below(&spill, ""), Vec::<PathBuf>::new(), "{mebibytes} MiB");
        drop(disk);
        match answer {
            Ok(answer) => {
                assert_eq!(answer, expected, "{mebibytes} MiB");
                break;
            }
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains("No space left"), "{mebibytes} MiB: {message}");
                refused += 1;
            }
        }
        assert!(mebibytes < 200, "never enough");
    }
    assert!(refused > 0, "the smallest disk was enough");
}
