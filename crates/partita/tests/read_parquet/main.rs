//! Parquet in: what was written is read back, and no more is read than is asked for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cuts;
mod disk;
mod evolution;
mod filters;
mod folders;
mod pushdown;

use std::path::{Path, PathBuf};

use partita::arrow::array::RecordBatch;
use partita::arrow::compute::concat_batches;
use partita::prelude::*;

fn session() -> Session {
    session_of("256MiB", Scheduler::Threaded, 2)
}

fn session_of(limit: &str, scheduler: Scheduler, threads: usize) -> Session {
    Session::builder().memory_limit(limit).scheduler(scheduler).threads(threads).build().unwrap()
}

fn joined(frame: &DataFrame) -> RecordBatch {
    concat_batches(&frame.schema().unwrap(), &frame.compute_batches().unwrap()).unwrap()
}

/// Rows of many kinds of columns, with nulls, in the order of `at` and `id`.
fn csv(rows: usize) -> String {
    let mut text = String::from("id,at,day,zone,note,fare,paid\n");
    for id in 0..rows {
        let zone = ["north", "south", "", "east"][id % 4];
        let note =
            if id % 5 == 0 { String::new() } else { format!("\"note {}, of its own\"", id * 7919 % 1000) };
        let fare = if id % 7 == 0 { String::new() } else { format!("{}.25", id as i64 - 50) };
        let (day, hour, minute) = (1 + id / 1440 % 28, id / 60 % 24, id % 60);
        let paid = ["true", "false", ""][id % 3];
        text.push_str(&format!(
            "{id},2024-01-{day:02} {hour:02}:{minute:02}:00,2024-01-{day:02},{zone},{note},{fare},{paid}\n"
        ));
    }
    text
}

/// A CSV file of `rows` rows, and its path.
fn written_csv(folder: &Path, rows: usize) -> PathBuf {
    let path = folder.join("trips.csv");
    std::fs::write(&path, csv(rows)).unwrap();
    path
}

#[test]
fn what_was_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 5000);
    let plain = session().read_csv(&input).load().unwrap();
    let expected = joined(&plain);
    assert_eq!(expected.num_rows(), 5000);
    let out = folder.path().join("out");
    let blocks = session().read_csv(&input).block_size(40_000).load().unwrap();
    blocks.to_parquet(&out).row_group_rows(700).page_rows(100).file_per_partition(true).write().unwrap();
    let single = folder.path().join("one.parquet");
    plain.to_parquet(&single).row_group_rows(1000).write().unwrap();
    for limit in ["128MiB", "0"] {
        for (scheduler, threads) in
            [(Scheduler::SingleThreaded, 1), (Scheduler::Threaded, 2), (Scheduler::Threaded, 8)]
        {
            let session = session_of(limit, scheduler, threads);
            let said = format!("{limit}, {scheduler}, {threads} threads");
            for split in [None, Some(1), Some(3)] {
                for path in [&out, &single] {
                    let reader = session.read_parquet(path);
                    let reader = match split {
                        Some(count) => reader.split_row_groups(count),
                        None => reader,
                    };
                    let frame = reader.load().unwrap();
                    assert_eq!(joined(&frame), expected, "{said}, {split:?}");
                    assert_eq!(frame.len().unwrap(), 5000);
                    assert_eq!(frame.count().unwrap(), plain.count().unwrap());
                    for stage in Stage::ALL {
                        let batches = frame.compute_batches_at(stage).unwrap();
                        assert_eq!(
                            concat_batches(&expected.schema(), &batches).unwrap(),
                            expected,
                            "{said}, {stage}"
                        );
                    }
                }
            }
            assert_eq!(session.memory().managed_bytes, 0, "something is still reserved");
        }
    }
}

#[test]
fn frames_of_parquet_answer_as_those_of_csv() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 3000);
    let session = session();
    let plain = session.read_csv(&input).load().unwrap();
    let out = folder.path().join("out");
    plain.to_parquet(&out).row_group_rows(500).write().unwrap();
    let read = session.read_parquet(&out).split_row_groups(true).load().unwrap();
    assert_eq!(read.npartitions().unwrap(), 6);
    let steps: [fn(&DataFrame) -> DataFrame; 6] = [
        |frame| frame.select(["fare", "id"]),
        |frame| frame.filter(col("note").is_null()).select(["id"]),
        |frame| frame.with_column("more", col("fare") * lit(2.0)).filter(col("more").gt(lit(100))),
        |frame| frame.with_row_index("row").filter(col("row").lt(lit(1234))),
        |frame| frame.filter(col("zone").eq(lit("north")).or(col("paid").eq(lit(true)))).drop(["at"]),
        |frame| frame.select([(col("id") + lit(1)).alias("next")]),
    ];
    for (number, step) in steps.iter().enumerate() {
        let (expected, got) = (step(&plain), step(&read));
        assert_eq!(joined(&got), joined(&expected), "step {number}");
        assert_eq!(got.len().unwrap(), expected.len().unwrap(), "step {number}");
        for rows in [0, 1, 600, 5000] {
            assert_eq!(
                got.head(rows).unwrap(),
                expected.head(rows).unwrap().clone(),
                "head({rows}) of step {number}"
            );
            assert_eq!(
                got.tail(rows).unwrap(),
                expected.tail(rows).unwrap(),
                "tail({rows}) of step {number}"
            );
        }
    }
    let kept = read.persist().unwrap();
    assert_eq!(joined(&kept), joined(&plain));
    let streamed: usize = read.batches().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(streamed, 3000);
    // Written again it is the same data set, byte for byte, but for what the manifest says of its inputs.
    let (again, once) = (folder.path().join("again"), folder.path().join("once"));
    session.read_parquet(&out).load().unwrap().to_parquet(&again).row_group_rows(500).write().unwrap();
    plain.to_parquet(&once).row_group_rows(500).write().unwrap();
    let part = |folder: &Path| std::fs::read(folder.join("part-00000.parquet")).unwrap();
    assert_eq!(part(&again), part(&once));
}

#[test]
fn inputs_that_changed_since_planning_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 100);
    let session = session();
    let plain = session.read_csv(&input).load().unwrap();
    let path = folder.path().join("one.parquet");
    plain.to_parquet(&path).write().unwrap();
    let frame = session.read_parquet(&path).load().unwrap();
    plain.filter(col("id").gt(lit(10))).to_parquet(&path).overwrite(true).write().unwrap();
    let message = frame.compute().unwrap_err().to_string();
    assert!(message.contains("one.parquet changed between planning and reading"), "{message}");
    std::fs::remove_file(&path).unwrap();
    let message = frame.compute().unwrap_err().to_string();
    assert!(message.contains("no longer there"), "{message}");
}

#[test]
fn jobs_go_on_only_with_the_same_parquet() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 1000);
    let session = session();
    let (first, out) = (folder.path().join("first.parquet"), folder.path().join("out"));
    session.read_csv(&input).load().unwrap().to_parquet(&first).row_group_rows(100).write().unwrap();
    let write = |split: usize| {
        let frame = session.read_parquet(&first).split_row_groups(split).load().unwrap();
        frame.to_parquet(&out).resume(true).overwrite(true).write().unwrap()
    };
    assert_eq!(write(1).rows, 1000);
    let again = write(1);
    assert!(again.notes.iter().any(|note| note.contains("the target is complete")), "{:?}", again.notes);
    assert_eq!(again.bytes_in, 0);
    // Other partitions are another job.
    assert!(write(2).bytes_in > 0);
    let manifest = std::fs::read_to_string(out.join("_partita.json")).unwrap();
    assert!(manifest.contains("first.parquet"), "{manifest}");
}

#[test]
fn what_is_no_parquet_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let path = folder.path().join("x.parquet");
    for bytes in [&b""[..], b"PAR1", b"id,name\n1,a\n", b"PAR1 something else PAR1"] {
        std::fs::write(&path, bytes).unwrap();
        let message = session.read_parquet(&path).load().unwrap_err().to_string();
        assert!(message.contains("x.parquet"), "{message}");
    }
    let nowhere = folder.path().join("nowhere");
    assert!(session.read_parquet(&nowhere).load().is_err());
    assert_eq!(session.memory().managed_bytes, 0);
}
