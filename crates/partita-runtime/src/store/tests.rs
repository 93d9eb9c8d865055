//! Frames that go to disk and come back, under a small ledger.

mod follow;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::{Int64Array, RecordBatch, StringViewArray};
use partita_columns::partition::unique_buffer_bytes;
use partita_tasks::host::StoreWriter;
use partita_tasks::program::StoreKey;

use super::*;
use crate::ledger::fixed_share_bytes;
use crate::storage::LocalDisk;

const LIMIT: u64 = 128 << 20;
const ROWS: i64 = 100_000;

struct Bench {
    dir: tempfile::TempDir,
    ledger: Arc<Ledger>,
    notices: Arc<Mutex<Vec<Notice>>>,
    store: Store,
}

fn bench_with(options: &SpillOptions, dir: tempfile::TempDir) -> Bench {
    let ledger = Ledger::new(Some(LIMIT), 1).unwrap();
    let place = SpillFolders::new(options, Arc::new(LocalDisk)).unwrap();
    let notices = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&notices);
    let listener: Listener = Box::new(move |notice| heard.lock().unwrap().push(notice));
    let store = Store::new(&ledger, Box::new(NeededLast), Arc::new(place), listener);
    Bench { dir, ledger, notices, store }
}

fn options(dir: &Path) -> SpillOptions {
    SpillOptions { dirs: vec![dir.to_path_buf()], bytes_max: None, allow_memory: true }
}

fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    bench_with(&options(dir.path()), dir)
}

/// Numbers and texts that say which partition and frame they are of.
fn batch(partition: u32, frame: i64) -> RecordBatch {
    let numbers = Int64Array::from_iter((0..ROWS).map(|row| (row % 7 != 0).then_some(row * frame)));
    let texts = (0..ROWS).map(|row| format!("text of partition {partition}, row {}", row * frame));
    RecordBatch::try_from_iter([
        ("n", Arc::new(numbers) as _),
        ("t", Arc::new(StringViewArray::from_iter_values(texts)) as _),
    ])
    .unwrap()
}

impl Bench {
    fn put(&self, key: StoreKey, frames: i64) -> partita_tasks::Result<()> {
        let mut writer = Box::new(self.store.begin(key));
        for frame in 0..frames {
            let batch = batch(key.partition, frame);
            let bytes = unique_buffer_bytes(std::slice::from_ref(&batch));
            writer.push(batch, self.ledger.reserve_for_task("test", bytes, "use less")?)?;
        }
        writer.finish()
    }

    fn check(&self, key: StoreKey, frames: i64) {
        let mut reader = self.store.read(key).unwrap();
        for frame in 0..frames {
            assert_eq!(reader.next().unwrap(), Some(batch(key.partition, frame)), "{key:?}, frame {frame}");
        }
        assert_eq!(reader.next().unwrap(), None);
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for folder in std::fs::read_dir(self.dir.path()).unwrap() {
            for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
                files.push(file.unwrap().path());
            }
        }
        files.retain(|path| path.extension().is_some_and(|ending| ending == "frames"));
        files
    }
}

fn key(partition: u32) -> StoreKey {
    StoreKey { frame: 1, partition }
}

#[test]
fn what_does_not_fit_goes_to_disk_and_comes_back_the_same() {
    let bench = bench();
    assert_eq!(bench.ledger.limit_bytes(), LIMIT - fixed_share_bytes(LIMIT, 1));
    // About 7 MB a frame, 170 MB in all.
    for partition in 0..6 {
        bench.put(key(partition), 4).unwrap();
    }
    let usage = bench.store.usage();
    assert!(usage.spilled_bytes > 0 && usage.memory_bytes <= bench.ledger.limit_bytes());
    assert!(bench.ledger.peak_bytes() <= bench.ledger.limit_bytes());
    assert_eq!(usage.partitions, 6);
    for _ in 0..2 {
        for partition in 0..6 {
            bench.check(key(partition), 4);
        }
    }
    assert_eq!(bench.store.usage().pins, 0);
    bench.store.release(1);
    assert_eq!(bench.store.usage(), StoreUse::default());
    assert_eq!(bench.ledger.used_bytes(), 0);
    assert_eq!(bench.files(), Vec::<PathBuf>::new());
    drop(bench.store);
    assert_eq!(std::fs::read_dir(bench.dir.path()).unwrap().count(), 0);
}

#[test]
fn the_last_partitions_go_first_and_a_pinned_batch_stays() {
    let bench = bench();
    for partition in 0..3 {
        bench.put(key(partition), 1).unwrap();
    }
    let mut reader = bench.store.read(key(2)).unwrap();
    let pinned = reader.next().unwrap();
    assert!(pinned.is_some());
    bench.store.shared.evict(1).unwrap();
    let spilled = |partition: u32| {
        let state = bench.store.shared.lock();
        state.entries[&state.names[&key(partition)]].frames[0].memory.is_none()
    };
    assert_eq!([spilled(0), spilled(1), spilled(2)], [false, true, false]);
    drop(reader);
    bench.store.shared.evict(1).unwrap();
    assert_eq!([spilled(0), spilled(1), spilled(2)], [false, true, true]);
}

#[test]
fn what_a_run_needs_soonest_goes_last() {
    let bench = bench();
    for partition in 0..3 {
        bench.put(key(partition), 1).unwrap();
    }
    bench.store.need(9, [(key(0), 30), (key(1), 20), (key(2), 10)]);
    bench.store.shared.evict(1).unwrap();
    let in_memory = || {
        let state = bench.store.shared.lock();
        state.resident.iter().map(|id| state.entries[&id.entry].key.partition).collect::<Vec<_>>()
    };
    assert_eq!(in_memory(), [1, 2]);
    bench.store.needed_no_more(9, std::iter::once(key(2)));
    bench.store.shared.evict(1).unwrap();
    assert_eq!(in_memory(), [1]);
}

#[test]
fn any_flipped_bit_is_noticed() {
    let bench = bench();
    bench.put(key(0), 1).unwrap();
    bench.store.shared.evict(1).unwrap();
    let [file] = &bench.files()[..] else { panic!("one file") };
    let bytes = std::fs::read(file).unwrap();
    for place in [0, 9, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << bit;
            std::fs::write(file, &damaged).unwrap();
            let read = bench.store.read(key(0)).unwrap().next();
            assert!(matches!(read, Err(Fault::Damaged { .. })), "byte {place}, bit {bit}");
        }
    }
    std::fs::write(file, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(bench.store.read(key(0)).unwrap().next(), Err(Fault::Damaged { .. })));
    std::fs::write(file, &bytes).unwrap();
    bench.check(key(0), 1);
}

#[test]
fn a_full_disk_keeps_the_value_in_memory_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let options = SpillOptions { bytes_max: Some(20 << 20), ..options(dir.path()) };
    let bench = bench_with(&options, dir);
    let error = (0..100).find_map(|partition| bench.put(key(partition), 1).err()).unwrap().to_string();
    // Whoever asks first when memory is short hears of it: the writer, or who reserves for it.
    for part in [" needs 6590464 bytes", "spill_bytes_max, which is 20971520", "raise memory_limit, or "] {
        assert!(error.contains(part), "{error}");
    }
    let held = bench.store.usage().partitions as u32;
    assert!(held > 9);
    (0..held).for_each(|partition| bench.check(key(partition), 1));
    let failed = bench.notices.lock().unwrap().iter().any(|notice| matches!(notice, Notice::Failed { .. }));
    assert!(failed);
    // What is given back on disk makes room again.
    (0..held).for_each(|partition| bench.store.release_partition(key(partition)));
    bench.put(key(500), 12).unwrap();
    bench.check(key(500), 12);
}

#[test]
fn a_leased_partition_goes_with_its_lease() {
    let bench = bench();
    let (leased, other) = (key(0), key(1));
    let lease: Arc<dyn Scratch> = Arc::new(bench.store.lease(leased));
    bench.put(lease.key(), 2).unwrap();
    bench.put(other, 1).unwrap();
    let both = bench.store.usage();
    let second = Arc::clone(&lease);
    drop(lease);
    assert_eq!(bench.store.usage(), both);
    drop(second);
    assert!(bench.store.read(leased).is_none());
    assert_eq!(bench.store.usage().partitions, 1);
    assert_eq!(bench.ledger.used_bytes(), bench.store.usage().memory_bytes);
    bench.check(other, 1);
    // One that was never used, and one that outlives the store.
    drop(bench.store.lease(key(2)));
    let late = bench.store.lease(other);
    drop(bench);
    drop(late);
}

#[test]
fn a_reader_that_met_damage_is_not_at_the_end() {
    let bench = bench();
    bench.put(key(0), 2).unwrap();
    bench.store.shared.evict(u64::MAX).unwrap();
    bench.store.drain(Duration::from_secs(60));
    let [file] = bench.files().try_into().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    // The last frame goes first, and lies in front.
    bytes[1000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let mut reader = bench.store.read(key(0)).unwrap();
    assert_eq!(reader.next().unwrap(), Some(batch(0, 0)));
    // The last frame is damaged, and stays so however often it is asked for, until it is stored again.
    for _ in 0..2 {
        assert!(matches!(reader.next(), Err(Fault::Damaged { .. })));
    }
    bench.put(key(0), 2).unwrap();
    assert_eq!(reader.next().unwrap(), Some(batch(0, 1)));
    assert_eq!(reader.next().unwrap(), None);
}

#[test]
fn frames_that_are_released_give_memory_back_and_the_last_one_all() {
    let bench = bench();
    let lease = bench.store.lease(key(0));
    bench.put(key(0), 4).unwrap();
    let before = bench.store.usage().memory_bytes;
    lease.release(1..3);
    lease.release(2..3);
    let after = bench.store.usage();
    assert_eq!(after.memory_bytes, before / 2);
    assert_eq!(bench.ledger.used_bytes(), after.memory_bytes);
    // What is left stays readable, on disk as well, and what was released does not go there.
    bench.store.shared.evict(before).unwrap();
    bench.store.drain(Duration::from_secs(60));
    let spilled = bench.store.usage().spilled_bytes;
    assert!(spilled > 0 && bench.files().len() == 1);
    for frame in [0, 3] {
        let mut reader = bench.store.read_from(key(0), frame).unwrap().in_passing();
        assert_eq!(reader.next().unwrap(), Some(batch(0, frame as i64)));
    }
    assert_eq!(bench.store.usage().memory_bytes, 0);
    lease.release(0..1);
    assert_eq!(bench.store.usage().spilled_bytes, spilled);
    lease.release(3..4);
    assert_eq!((bench.store.usage(), bench.files().len()), (StoreUse::default(), 0));
    drop(lease);
}

#[test]
fn frames_that_are_read_in_passing_leave_no_memory_taken() {
    let bench = bench();
    bench.put(key(0), 3).unwrap();
    bench.store.shared.evict(u64::MAX).unwrap();
    bench.store.drain(Duration::from_secs(60));
    let mut reader = bench.store.read_from(key(0), 0).unwrap().in_passing();
    while reader.next().unwrap().is_some() {}
    drop(reader);
    assert_eq!((bench.store.usage().memory_bytes, bench.ledger.used_bytes()), (0, 0));
}

#[test]
fn a_writer_that_is_dropped_or_released_leaves_nothing() {
    let bench = bench();
    let push = |writer: &mut Writer| {
        let batch = batch(0, 1);
        let bytes = unique_buffer_bytes(std::slice::from_ref(&batch));
        writer.push(batch, bench.ledger.reserve_for_task("test", bytes, "use less").unwrap())
    };
    let mut writer = bench.store.begin(key(0));
    push(&mut writer).unwrap();
    drop(writer);
    assert!(bench.store.read(key(0)).is_none());
    let mut writer = Box::new(bench.store.begin(key(1)));
    push(&mut writer).unwrap();
    bench.store.release(1);
    assert!(push(&mut writer).is_err());
    assert!(writer.finish().is_err());
    assert_eq!((bench.store.usage(), bench.ledger.used_bytes()), (StoreUse::default(), 0));
}

#[test]
fn litter_of_dead_sessions_goes_and_that_of_living_ones_stays() {
    let bench = bench();
    bench.put(key(0), 1).unwrap();
    bench.store.shared.evict(1).unwrap();
    let dead = bench.dir.path().join("partita-spill-1-2");
    std::fs::create_dir(&dead).unwrap();
    std::fs::write(dead.join("lock"), "").unwrap();
    std::fs::write(dead.join("3.frames"), "left behind").unwrap();
    let empty = bench.dir.path().join("partita-spill-1-3");
    std::fs::create_dir(&empty).unwrap();
    let other = bench.dir.path().join("someone-else");
    std::fs::create_dir(&other).unwrap();
    let mut removed = clean(&[bench.dir.path()]).unwrap();
    removed.sort();
    assert_eq!(removed, [dead, empty]);
    assert!(other.exists());
    bench.check(key(0), 1);
}

#[test]
fn folders_that_are_none_or_memory_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let new = |dirs: Vec<PathBuf>, allow_memory| {
        let options = SpillOptions { dirs, bytes_max: None, allow_memory };
        SpillFolders::new(&options, Arc::new(LocalDisk))
    };
    assert!(matches!(new(vec![file], false), Err(SpillError::Io { .. })));
    assert!(matches!(new(vec![dir.path().join("missing")], false), Err(SpillError::Io { .. })));
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        assert!(matches!(new(vec![memory.clone()], false), Err(SpillError::InMemory { .. })));
        assert!(new(vec![memory], true).is_ok());
    }
}

/// A place whose writes panic.
struct Broken;

impl frame::Place for Broken {
    fn shelf(&self, _: EntryId) -> Result<Arc<dyn frame::Shelf>, SpillError> {
        Ok(Arc::new(Broken))
    }

    fn bytes(&self) -> u64 {
        0
    }
}

impl frame::Shelf for Broken {
    fn write(self: Arc<Self>, _: &RecordBatch) -> Result<Arc<dyn frame::Spilled>, SpillError> {
        panic!("on purpose")
    }
}

#[test]
fn a_write_that_panics_is_an_error_and_nobody_waits_for_ever() {
    let ledger = Ledger::new(Some(LIMIT), 1).unwrap();
    let store = Store::new(&ledger, Box::new(NeededLast), Arc::new(Broken), Box::new(|_| {}));
    let bench = Bench { dir: tempfile::tempdir().unwrap(), ledger, notices: Arc::default(), store };
    let error = (0..100).find_map(|partition| bench.put(key(partition), 1).err()).unwrap().to_string();
    assert!(error.contains("panicked, please report this"), "{error}");
    bench.check(key(0), 1);
}
