use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use proptest::prelude::*;

use super::limit::memory_below;
use super::*;

const MIB: u64 = 1 << 20;

/// A limit of which 88 MiB can be reserved.
fn small() -> Arc<Ledger> {
    Ledger::new(Some(128 * MIB), 1).unwrap()
}

#[test]
fn the_fixed_share_comes_off_the_limit() {
    let ledger = Ledger::new(Some(1024 * MIB), 4).unwrap();
    assert_eq!((ledger.memory_limit_bytes(), ledger.limit_bytes()), (1024 * MIB, 960 * MIB));
    assert_eq!(Ledger::new(Some(128 * MIB), 64).unwrap().limit_bytes(), 64 * MIB, "half is left");
    let error = Ledger::new(Some(128 * MIB - 1), 1).unwrap_err();
    assert_eq!(error.to_string(), "memory_limit: expected at least 134217728 bytes (128 MiB), got 134217727");
    let default = Ledger::new(None, 1).unwrap().memory_limit_bytes();
    assert_eq!(default, Ledger::new(Some(0), 1).unwrap().memory_limit_bytes());
    assert!(
        default >= MEMORY_LIMIT_BYTES_MIN && default <= machine_memory_bytes().max(MEMORY_LIMIT_BYTES_MIN)
    );
}

#[test]
fn a_refusal_names_need_free_limit_and_holders() {
    let ledger = small();
    let _read = ledger.try_reserve("read_csv", 60 << 20).unwrap();
    let _write = ledger.try_reserve("to_parquet", 20 << 20).unwrap();
    let error = ledger.try_reserve("sort", 9 << 20).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sort: needs 9437184 bytes of memory, 8388608 of 92274688 are free (held by read_csv: 62914560, \
         to_parquet: 20971520); raise memory_limit, which is 134217728"
    );
    assert!(ledger.try_reserve("sort", usize::MAX).is_err(), "no overflow");
}

#[test]
fn resizing_splitting_and_dropping_keep_the_books() {
    let ledger = small();
    let mut reservation = ledger.try_reserve("sort", 10).unwrap();
    reservation.resize(30).unwrap();
    reservation.resize(20).unwrap();
    assert!(reservation.resize(89 << 20).is_err());
    assert_eq!((reservation.bytes(), ledger.used_bytes(), ledger.peak_bytes()), (20, 20, 30));
    let part = reservation.split(15);
    let rest = reservation.split(15);
    assert_eq!((part.bytes(), rest.bytes(), reservation.bytes(), ledger.used_bytes()), (15, 5, 0, 20));
    drop(reservation);
    drop(part);
    assert_eq!(ledger.used_bytes(), 5);
    drop(rest);
    let sort = Holding { operator: "sort".into(), used_bytes: 0, peak_bytes: 30 };
    assert_eq!((ledger.used_bytes(), ledger.holdings()), (0, vec![sort]));
}

#[test]
fn a_task_is_told_the_way_out() {
    let ledger = small();
    let mut reservation = ledger.reserve_for_task("read_csv", 5, "make block_size smaller").unwrap();
    assert_eq!((reservation.bytes(), ledger.used_bytes()), (5, 5));
    let error = reservation.resize(200 << 20).unwrap_err();
    assert_eq!(
        error.to_string(),
        "read_csv needs 209715195 bytes of memory and the limit is 134217728; raise memory_limit, or make block_size smaller"
    );
    drop(reservation);
    assert_eq!(ledger.used_bytes(), 0);
}

#[test]
fn who_waits_for_room_is_woken_by_who_frees_it() {
    let ledger = small();
    assert!(ledger.wait_for_room(ledger.limit_bytes(), Duration::ZERO));
    let held = ledger.try_reserve("a", 88 << 20).unwrap();
    assert!(!ledger.wait_for_room(1, Duration::from_millis(1)));
    let start = Instant::now();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| ledger.wait_for_room(MIB, Duration::from_secs(60)));
        thread::sleep(Duration::from_millis(20));
        drop(held);
        assert!(waiting.join().unwrap());
    });
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn threads_never_get_more_than_there_is() {
    let ledger = small();
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for number in 0..4_usize {
            let (ledger, start) = (&ledger, &start);
            scope.spawn(move || {
                let mut held = Vec::new();
                start.wait();
                for round in 0..2_000_usize {
                    let bytes = (round * 7 + number) % 9 * (2 << 20);
                    held.extend(ledger.try_reserve(["a", "b"][number % 2], bytes));
                    assert!(ledger.used_bytes() <= ledger.limit_bytes());
                    if held.len() > number + 2 {
                        held.swap_remove(round % held.len());
                    }
                }
            });
        }
    });
    assert_eq!(ledger.used_bytes(), 0);
    assert!(ledger.peak_bytes() <= ledger.limit_bytes());
    assert!(ledger.holdings().iter().all(|holding| holding.used_bytes == 0 && holding.peak_bytes > 0));
}

proptest! {
    #[test]
    fn the_books_agree_with_a_plain_sum(steps in prop::collection::vec((0_u8..4, 0_usize..4, 0_usize..60), 0..80)) {
        let ledger = small();
        let names = ["a", "b", "c", "d"];
        let mut held: Vec<(usize, Reservation)> = Vec::new();
        let mut peak = 0;
        for (step, which, mebibytes) in steps {
            let bytes = mebibytes << 20;
            let before: u64 = held.iter().map(|(_, reservation)| reservation.bytes() as u64).sum();
            match step {
                0 | 1 => {
                    let given = ledger.try_reserve(names[which], bytes);
                    prop_assert_eq!(given.is_ok(), before + bytes as u64 <= ledger.limit_bytes());
                    held.extend(given.into_iter().map(|reservation| (which, reservation)));
                }
                2 if !held.is_empty() => {
                    let place = which % held.len();
                    let now = held[place].1.bytes() as u64;
                    let is_given = held[place].1.resize(bytes).is_ok();
                    prop_assert_eq!(is_given, before - now + bytes as u64 <= ledger.limit_bytes());
                }
                _ if !held.is_empty() => {
                    held.swap_remove(which % held.len());
                }
                _ => {}
            }
            let sum: u64 = held.iter().map(|(_, reservation)| reservation.bytes() as u64).sum();
            peak = sum.max(peak);
            prop_assert_eq!((ledger.used_bytes(), ledger.peak_bytes()), (sum, peak));
            let mut by_name: HashMap<&str, u64> = HashMap::new();
            for (which, reservation) in &held {
                *by_name.entry(names[*which]).or_default() += reservation.bytes() as u64;
            }
            for holding in ledger.holdings() {
                prop_assert_eq!(holding.used_bytes, by_name.get(&*holding.operator).copied().unwrap_or(0));
            }
        }
    }
}

fn machine(files: &[(&str, &str)]) -> Option<u64> {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(path, text).unwrap();
    }
    memory_below(root.path())
}

#[test]
fn the_least_limit_of_machine_and_groups_counts() {
    let meminfo = ("proc/meminfo", "MemTotal:       1000 kB\nMemFree:   1 kB\n");
    assert_eq!(machine(&[]), None);
    assert_eq!(machine(&[meminfo]), Some(1_024_000));
    let v2 = ("proc/self/cgroup", "0::/user.slice/job\n");
    let outer = ("sys/fs/cgroup/user.slice/memory.max", "500\n");
    let inner = ("sys/fs/cgroup/user.slice/job/memory.max", "max\n");
    assert_eq!(machine(&[meminfo, v2, outer, inner]), Some(500));
    let v1 = ("proc/self/cgroup", "9:cpu:/x\n4:memory,hugetlb:/a/b\n0::/\n");
    let own = ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "300\n");
    let top = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_eq!(machine(&[meminfo, v1, own, top]), Some(300));
    assert_eq!(machine(&[meminfo, v1, top]), Some(1_024_000), "the group's folder cannot be seen");
}

#[test]
fn process_memory_grows_with_what_is_touched() {
    let status = "VmRSS:\t 9 kB\nRssAnon:\t     112 kB\nRssFile:\t 7 kB\nRssShmem:\t       3 kB\n";
    let memory = ProcessMemory { anonymous_bytes: 112 * 1024, shared_bytes: 3 * 1024 };
    assert_eq!((ProcessMemory::parse(status), memory.bytes()), (Some(memory), 115 * 1024));
    assert_eq!(ProcessMemory::parse("RssAnon: x kB"), None);
    let Some(before) = ProcessMemory::now() else { return };
    let sampler = PeakSampler::start(Duration::from_millis(1));
    let touched = vec![1_u8; 64 << 20];
    assert!(sampler.peak_bytes() >= before.bytes() + (32 << 20));
    drop(touched);
    assert!(sampler.peak_bytes() >= before.bytes() + (32 << 20), "the peak stays");
}
