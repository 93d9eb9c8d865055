//! Whatever the order of arrival, the threads and the memory: the same bytes.

use std::collections::BTreeMap;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::dataset::assembly::{Assembly, Next, Position};

/// Row groups per partition, and what a ledger may hold of them.
fn shapes() -> impl Strategy<Value = (Vec<usize>, i64, u64)> {
    (
        proptest::collection::vec(0..4_usize, 1..8),
        prop_oneof![Just(0), 0..200_000_i64, Just(i64::MAX)],
        any::<u64>(),
    )
}

/// A cheap generator, so that orders are reproducible.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for last in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(last, (seed >> 33) as usize % (last + 1));
    }
}

const GROUP_ROWS: u64 = 40_000;

/// Sends every row group and every close in the order of `seed` from `threads` threads; returns the parts' bytes.
fn send(home: &Path, name: &str, shape: &[usize], limit: i64, seed: u64, threads: usize) -> Vec<Vec<u8>> {
    let ledger = Ledger::new(limit);
    let mut options = options();
    write_of(&mut options).part_bytes = PART_BYTES_MIN;
    options.partitions = Some(shape.len());
    let target = home.join(name);
    let dataset = Dataset::create(&target, schema(), options, Arc::clone(&ledger) as _).unwrap();
    let mut work = Vec::new();
    let mut first = 0;
    for (partition, &groups) in shape.iter().enumerate() {
        work.push((partition, None, groups as u64 * GROUP_ROWS));
        for index in 0..groups {
            work.push((partition, Some(index), first));
            first += GROUP_ROWS;
        }
    }
    shuffle(&mut work, seed);
    thread::scope(|scope| {
        for thread in 0..threads {
            let (dataset, work) = (&dataset, &work);
            scope.spawn(move || {
                for &(partition, index, number) in work.iter().skip(thread).step_by(threads) {
                    match index {
                        Some(index) => {
                            let batch = rows(number, GROUP_ROWS);
                            dataset.write_row_group(partition, index, encode(dataset, &batch)).unwrap();
                        }
                        None => dataset.close_partition(partition, shape[partition], number).unwrap(),
                    }
                }
            });
        }
    });
    let written = dataset.commit(Some(first)).unwrap();
    assert!(ledger.is_whole());
    assert_eq!(listing(home), [name]);
    let bytes = written.files.iter().map(|file| fs::read(file).unwrap()).collect();
    drop(dataset);
    fs::remove_dir_all(target).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn same_bytes_whatever_the_order((shape, limit, seed) in shapes()) {
        let home = tempfile::tempdir().unwrap();
        let expected = send(home.path(), "plain", &shape, i64::MAX, 0, 1);
        for threads in [1, 3] {
            let got = send(home.path(), "other", &shape, limit, seed, threads);
            prop_assert!(got == expected, "threads {}", threads);
        }
    }
}

#[test]
fn row_groups_wait_in_files_where_memory_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(0);
    let target = home.path().join("out");
    let dataset = Dataset::create(&target, schema(), options(), Arc::clone(&ledger) as _).unwrap();
    for partition in (1..5_usize).rev() {
        let batch = rows(partition as u64 * 100, 100);
        dataset.write_row_group(partition, 0, encode(&dataset, &batch)).unwrap();
        dataset.close_partition(partition, 1, 100).unwrap();
    }
    let hidden = home.path().join(&listing(home.path())[0]);
    assert_eq!(listing(&hidden.join("fragments")).len(), 4);
    assert_eq!(ledger.refused.load(Ordering::SeqCst), 4);
    dataset.write_row_group(0, 0, encode(&dataset, &rows(0, 100))).unwrap();
    dataset.close_partition(0, 1, 100).unwrap();
    assert!(listing(&hidden.join("fragments")).is_empty(), "a fragment goes with its last page");
    let written = dataset.commit(Some(500)).unwrap();
    assert_eq!(numbers(&written.files), (0..500).collect::<Vec<_>>());
}

/// What an assembly lets out, against a sorted map.
fn check_assembly(shape: &[usize], seed: u64) {
    let mut events = Vec::new();
    for (partition, &groups) in shape.iter().enumerate() {
        events.push((partition, None));
        events.extend((0..groups).map(|index| (partition, Some(index))));
    }
    shuffle(&mut events, seed);
    let mut assembly = Assembly::starting_at(0);
    let mut out = Vec::new();
    let mut ends = BTreeMap::new();
    for (partition, index) in events {
        match index {
            Some(index) => {
                let position = Position { partition, index };
                assert!(assembly.announce(position).unwrap());
                assert!(!assembly.announce(position).unwrap());
                assembly.place(position, position);
            }
            None => assembly.close(partition, shape[partition], partition as u64 * 3).unwrap(),
        }
        loop {
            match assembly.next() {
                Next::RowGroup(position) => out.push(position),
                Next::EndOfPartition { partition, rows } => {
                    ends.insert(partition, (rows, out.len()));
                }
                Next::Wait => break,
            }
        }
    }
    assembly.check_complete(Some(shape.len())).unwrap();
    assert!(out.is_sorted() && out.len() == shape.iter().sum::<usize>());
    let mut before = 0;
    for (partition, groups) in shape.iter().enumerate() {
        before += groups;
        assert_eq!(ends[&partition], (partition as u64 * 3, before));
    }
}

proptest! {
    #[test]
    fn assembly_sorts(shape in proptest::collection::vec(0..5_usize, 0..12), seed in any::<u64>()) {
        check_assembly(&shape, seed);
    }
}

#[test]
fn assembly_refuses_contradictions() {
    let at = |partition, index| Position { partition, index };
    let mut assembly = Assembly::<()>::starting_at(0);
    assembly.close(1, 1, 5).unwrap();
    assert!(assembly.announce(at(1, 1)).unwrap_err().contains("after its end"));
    assert!(assembly.close(1, 2, 5).unwrap_err().contains("and again"));
    assembly.announce(at(2, 3)).unwrap();
    assert!(assembly.close(2, 3, 0).unwrap_err().contains("fewer row groups than came"));
    assembly.announce(at(0, 0)).unwrap();
    assembly.place(at(0, 0), ());
    assert_eq!(assembly.next(), Next::RowGroup(()));
    assert!(assembly.close(0, 0, 0).is_err());
}
