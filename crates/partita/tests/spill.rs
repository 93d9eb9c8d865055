//! Persisted frames that do not fit in memory: damaged files, full disks, released frames, cancelled calls.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "shared with the out-of-core cases")]
#[path = "out_of_core/data.rs"]
mod data;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use partita::CancelToken;
use partita::arrow::array::{Array, AsArray, RecordBatch};
use partita::arrow::datatypes::{Float64Type, Int64Type};
use partita::prelude::*;

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

    /// Nothing in memory, on disk, or pinned.
    fn check_empty(&self) {
        let memory = self.session.memory();
        assert_eq!((memory.managed_bytes, memory.spilled_bytes, memory.pins), (0, 0, 0), "{memory:?}");
        assert_eq!(self.spill_files(), Vec::<PathBuf>::new());
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

/// One bit of a file, chosen by a number.
fn flip(file: &Path, seed: u64) {
    let mut bytes = std::fs::read(file).unwrap();
    let place = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (bytes.len() as u64 * 8);
    bytes[(place / 8) as usize] ^= 1 << (place % 8);
    std::fs::write(file, bytes).unwrap();
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
        std::fs::write(file, b"").unwrap();
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

#[test]
fn a_call_that_is_cancelled_at_any_time_leaves_nothing() {
    let bench = Bench::new(|builder| builder);
    let base = bench.session.memory().process_bytes;
    let began = Instant::now();
    let whole = bench.frame().persist().map(|kept| kept.len().unwrap()).unwrap();
    assert_eq!(whole, ROWS);
    let takes = began.elapsed();
    let mut cancelled = 0;
    for number in 0..200_u32 {
        let token = CancelToken::new();
        let frame = bench.frame().with_cancel(&token);
        let wait = takes * (number * 37 % 200) / 200;
        let ended = std::thread::scope(|scope| {
            let asked = scope.spawn(|| frame.persist().map(drop));
            std::thread::sleep(wait);
            let at = Instant::now();
            token.cancel();
            (asked.join().unwrap(), at.elapsed())
        });
        cancelled += u32::from(ended.0.is_err());
        assert!(ended.1 < Duration::from_secs(2), "{:?} after the cancellation", ended.1);
        bench.check_empty();
    }
    assert!(cancelled > 100, "{cancelled} of 200 were in time");
    let after = bench.session.memory().process_bytes;
    assert!(after <= base + base / 10 + (16 << 20), "{base} bytes before, {after} after");
}
