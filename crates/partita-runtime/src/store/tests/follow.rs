//! Partitions that are read while they are stored.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn rows(from: i64, to: i64) -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(from..to)) as _)]).unwrap()
}

fn push(bench: &Bench, writer: &mut Writer, batch: RecordBatch) {
    let bytes = unique_buffer_bytes(std::slice::from_ref(&batch));
    writer.push(batch, bench.ledger.reserve_for_task("test", bytes, "use less").unwrap()).unwrap();
}

fn follow(bench: &Bench) -> (Reader, Arc<AtomicBool>) {
    let is_over = Arc::new(AtomicBool::new(false));
    (bench.store.follow(key(0), Arc::clone(&is_over)), is_over)
}

#[test]
fn rows_are_read_while_they_are_stored_and_leave_with_their_reader() {
    let bench = bench();
    let (mut reader, _) = follow(&bench);
    let mut writer = Box::new(bench.store.begin(key(0)));
    for frame in 0..10 {
        push(&bench, &mut writer, rows(frame * 1000, (frame + 1) * 1000));
        assert_eq!(reader.next().unwrap(), Some(rows(frame * 1000, (frame + 1) * 1000)));
        // The one that was read last.
        assert_eq!(bench.ledger.used_bytes(), 8000);
        assert_eq!(bench.store.usage().memory_bytes, 0);
    }
    writer.finish().unwrap();
    assert_eq!(reader.next().unwrap(), None);
    assert_eq!(bench.ledger.used_bytes(), 0);
}

#[test]
fn a_reader_waits_for_a_writer_on_another_thread() {
    let bench = bench();
    let (mut reader, is_over) = follow(&bench);
    let read = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = Box::new(bench.store.begin(key(0)));
            for frame in 0..50 {
                push(&bench, &mut writer, rows(frame * 7, (frame + 1) * 7));
                if frame % 9 == 0 {
                    std::thread::yield_now();
                }
            }
            writer.finish().unwrap();
        });
        let mut read = Vec::new();
        while let Some(batch) = reader.next().unwrap() {
            read.push(batch);
        }
        read
    });
    assert!(!is_over.load(Ordering::Relaxed));
    assert_eq!(arrow::compute::concat_batches(&read[0].schema(), &read).unwrap(), rows(0, 350));
}

#[test]
fn a_partition_that_is_stored_again_goes_on_where_it_was_wherever_it_is_cut() {
    for cut in [1, 3, 10, 25, 40, 100] {
        let bench = bench();
        let (mut reader, _) = follow(&bench);
        let mut read = Vec::new();
        let mut given_up = bench.store.begin(key(0));
        for frame in 0..3 {
            push(&bench, &mut given_up, rows(frame * 10, (frame + 1) * 10));
        }
        for _ in 0..3 {
            read.extend(reader.next().unwrap());
        }
        drop(given_up);
        let mut writer = Box::new(bench.store.begin(key(0)));
        for from in (0..100).step_by(cut) {
            push(&bench, &mut writer, rows(from, (from + cut as i64).min(100)));
        }
        writer.finish().unwrap();
        while let Some(batch) = reader.next().unwrap() {
            read.push(batch);
        }
        assert_eq!(arrow::compute::concat_batches(&read[0].schema(), &read).unwrap(), rows(0, 100), "{cut}");
    }
}

#[test]
fn a_partition_that_has_fewer_rows_the_second_time_is_an_error() {
    let bench = bench();
    let (mut reader, _) = follow(&bench);
    let mut given_up = bench.store.begin(key(0));
    push(&bench, &mut given_up, rows(0, 10));
    assert!(reader.next().unwrap().is_some());
    drop(given_up);
    let mut writer = Box::new(bench.store.begin(key(0)));
    push(&bench, &mut writer, rows(0, 9));
    writer.finish().unwrap();
    let Err(Fault::Task(error)) = reader.next() else { panic!("rows were lost") };
    assert!(error.to_string().contains("computed again it has fewer rows"), "{error}");
}

#[test]
fn nobody_waits_for_what_does_not_come() {
    let bench = bench();
    let (mut reader, is_over) = follow(&bench);
    let mut writer = bench.store.begin(key(0));
    push(&bench, &mut writer, rows(0, 10));
    assert!(reader.next().unwrap().is_some());
    std::thread::scope(|scope| {
        let last = scope.spawn(|| reader.next().unwrap());
        drop(writer);
        is_over.store(true, Ordering::Release);
        bench.store.wake();
        assert_eq!(last.join().unwrap(), None);
    });
}

#[test]
fn frames_that_went_to_disk_come_back_in_their_turn_and_damage_is_told_at_the_end() {
    let bench = bench();
    let (mut reader, _) = follow(&bench);
    let mut writer = Box::new(bench.store.begin(key(0)));
    for frame in 0..3 {
        push(&bench, &mut writer, batch(0, frame));
    }
    while bench.store.usage().memory_bytes > 0 {
        bench.store.shared.evict(1).unwrap();
    }
    for frame in 0..3 {
        assert_eq!(reader.next().unwrap(), Some(batch(0, frame)));
    }
    push(&bench, &mut writer, batch(0, 3));
    bench.store.shared.evict(1).unwrap();
    let [file] = &bench.files()[..] else { panic!("one file") };
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, vec![0; bytes.len()]).unwrap();
    std::thread::scope(|scope| {
        let read = scope.spawn(|| reader.next());
        writer.finish().unwrap();
        let Err(Fault::Damaged { entry, .. }) = read.join().unwrap() else { panic!("damage") };
        assert!(bench.store.is_current(key(0), entry));
    });
}
