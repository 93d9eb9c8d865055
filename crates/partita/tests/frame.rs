//! The calls of a frame, against values written down by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use partita::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use partita::arrow::datatypes::{Field, Int64Type, Schema};
use partita::polars_core;
use partita::prelude::*;
use partita_runtime::storage::LocalDisk;
use partita_runtime::storage::fault::{FaultyDisk, Plan};

fn session() -> Session {
    Session::builder().memory_limit("256MiB").threads(3).build().unwrap()
}

/// `n` from 0 to 99, `half` (missing for every tenth), in blocks of a few rows.
fn hundred(session: &Session, folder: &Path) -> DataFrame {
    let path = folder.join("hundred.csv");
    let mut text = String::from("n,half\n");
    for n in 0..100 {
        let half = if n % 10 == 0 { String::new() } else { format!("{}", f64::from(n) / 2.0) };
        text.push_str(&format!("{n},{half}\n"));
    }
    std::fs::write(&path, text).unwrap();
    session.read_csv(&path).block_size(50).load().unwrap()
}

fn numbers(frame: &polars_core::frame::DataFrame, column: &str) -> Vec<i64> {
    frame.column(column).unwrap().i64().unwrap().iter().flatten().collect()
}

#[test]
fn head_and_tail_cross_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let frame = hundred(&session(), folder.path());
    assert!(frame.npartitions().unwrap() > 10);
    for rows in [0, 1, 5, 37, 100, 1000] {
        let wanted = rows.min(100);
        let head: Vec<i64> = (0..wanted as i64).collect();
        let tail: Vec<i64> = (100 - wanted as i64..100).collect();
        assert_eq!(numbers(&frame.head(rows).unwrap(), "n"), head, "head({rows})");
        assert_eq!(numbers(&frame.tail(rows).unwrap(), "n"), tail, "tail({rows})");
    }
    let even = frame.filter((col("n") % lit(2)).eq(lit(0)));
    assert_eq!(numbers(&even.head(3).unwrap(), "n"), [0, 2, 4]);
    assert_eq!(numbers(&even.tail(2).unwrap(), "n"), [96, 98]);
}

#[test]
fn counts_leave_nulls_out() {
    let folder = tempfile::tempdir().unwrap();
    let frame = hundred(&session(), folder.path());
    assert_eq!(frame.count().unwrap(), [("n".to_owned(), 100), ("half".to_owned(), 90)]);
    assert_eq!(frame.len().unwrap(), 100);
    assert!(!frame.is_empty().unwrap());
    assert!(frame.filter(col("n").gt(lit(1000))).is_empty().unwrap());
}

#[test]
fn batches_stream_in_order_and_may_be_left() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let frame = hundred(&session, folder.path());
    let mut seen = Vec::new();
    for batch in frame.batches().unwrap() {
        let batch = batch.unwrap();
        let column = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
        seen.extend(column.values().iter().copied());
        // A frame may be asked while another one streams.
        assert_eq!(frame.filter(col("n").lt(lit(3))).len().unwrap(), 3);
    }
    assert_eq!(seen, (0..100).collect::<Vec<i64>>());
    let mut left = frame.batches().unwrap();
    assert!(left.next().unwrap().is_ok());
    drop(left);
    assert_eq!(session.memory().managed_bytes, 0);
}

#[test]
fn few_rows_of_many_stream_as_few_batches() {
    let numbers = Int64Array::from_iter_values(0..300_000);
    let all = RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef)]).unwrap();
    let parts: Vec<RecordBatch> = (0..300).map(|part| all.slice(part * 1000, 1000)).collect();
    let frame = session().from_batches(all.schema(), vec![parts]).unwrap();
    let some = frame.filter((col("n") % lit(100)).eq(lit(0)));
    let batches: Vec<RecordBatch> = some.batches().unwrap().collect::<partita::Result<_>>().unwrap();
    assert_eq!(batches.len(), 1);
    assert_eq!(
        *batches[0].column(0).as_primitive::<Int64Type>(),
        Int64Array::from_iter_values((0..3000).map(|n| n * 100))
    );
}

#[test]
fn persisted_frames_answer_and_release_their_memory() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let frame = hundred(&session, folder.path());
    let kept = frame.filter(col("n").gt_eq(lit(10))).persist().unwrap();
    assert!(session.memory().managed_bytes > 0);
    std::fs::remove_file(folder.path().join("hundred.csv")).unwrap();
    assert_eq!(kept.len().unwrap(), 90);
    let derived = kept.filter(col("half").is_null()).select(["n"]);
    assert_eq!(numbers(&derived.compute().unwrap(), "n"), [10, 20, 30, 40, 50, 60, 70, 80, 90]);
    drop(kept);
    // The derived frame still refers to the partitions.
    assert_eq!(derived.len().unwrap(), 9);
    drop(derived);
    assert_eq!(session.memory().managed_bytes, 0);
}

#[test]
fn unpersist_releases_now_and_says_so_later() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let kept = hundred(&session, folder.path()).persist().unwrap();
    let derived = kept.select(["n"]);
    kept.unpersist().unwrap();
    assert_eq!(session.memory().managed_bytes, 0);
    let message = derived.compute().unwrap_err().to_string();
    assert!(message.contains("unpersisted"), "{message}");
    assert!(hundred(&session, folder.path()).unpersist().is_err());
}

#[test]
fn functions_see_whole_partitions_and_must_keep_their_word() {
    let folder = tempfile::tempdir().unwrap();
    let frame = hundred(&session(), folder.path());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let schema = Schema::new(vec![Field::new("rows", DataType::Int64, true)]);
    let sizes = frame.map_partition_batches(schema.clone(), move |_, batches| {
        counted.fetch_add(1, Ordering::Relaxed);
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let column = Arc::new(Int64Array::from(vec![rows as i64]));
        let schema = Arc::new(Schema::new(vec![Field::new("rows", DataType::Int64, true)]));
        Ok(vec![RecordBatch::try_new(schema, vec![column])?])
    });
    let rows = numbers(&sizes.compute().unwrap(), "rows");
    assert_eq!(rows.len(), frame.npartitions().unwrap());
    assert_eq!(rows.iter().sum::<i64>(), 100);
    assert_eq!(calls.load(Ordering::Relaxed), rows.len());

    let same = frame.map_partitions(frame.schema().unwrap().as_ref().clone(), Ok);
    assert_eq!(numbers(&same.compute().unwrap(), "n"), (0..100).collect::<Vec<i64>>());

    let liar = frame.map_partition_batches(schema.clone(), |_, batches| Ok(batches));
    let message = liar.compute().unwrap_err().to_string();
    assert!(message.contains("declared") && message.contains("rows: Int64"), "{message}");
    let failing = frame.map_partition_batches(schema.clone(), |_, _| Err("no luck".into()));
    assert!(failing.compute().unwrap_err().to_string().contains("no luck"));
    let panicking = frame.map_partition_batches(schema, |_, _| panic!("oh no"));
    assert!(panicking.compute().unwrap_err().to_string().contains("panicked: oh no"));
}

#[test]
fn frames_come_from_batches_and_from_polars() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let polars = hundred(&session, folder.path()).compute().unwrap();
    let frame = session.from_polars(&polars).unwrap();
    assert_eq!(frame.len().unwrap(), 100);
    assert!(frame.compute().unwrap().equals_missing(&polars));
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, false)]));
    let batch = |values: Vec<i64>| {
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int64Array::from(values))]).unwrap()
    };
    let parts = vec![vec![batch(vec![1, 2])], vec![], vec![batch(vec![3])]];
    let frame = session.from_batches(Arc::clone(&schema), parts).unwrap();
    assert_eq!((frame.npartitions().unwrap(), frame.len().unwrap()), (3, 3));
    let doubled = frame.with_row_index("row").with_column("x", col("x") * lit(2));
    assert_eq!(numbers(&doubled.compute().unwrap(), "x"), [2, 4, 6]);
}

#[test]
fn input_that_changed_is_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let frame = hundred(&session(), folder.path());
    let path = folder.path().join("hundred.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "100,50\n").unwrap();
    let message = frame.len().unwrap_err().to_string();
    assert!(message.contains("hundred.csv changed between planning and reading"), "{message}");
}

#[test]
fn n_rows_cuts_over_all_files() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    drop(hundred(&session, folder.path()));
    std::fs::copy(folder.path().join("hundred.csv"), folder.path().join("zz.csv")).unwrap();
    for (rows, files) in [(0, 1), (7, 1), (100, 1), (130, 2), (999, 2)] {
        let frame = session.read_csv(folder.path()).block_size(64).n_rows(rows).load().unwrap();
        let got = numbers(&frame.compute().unwrap(), "n");
        let all: Vec<i64> = (0..100).chain(0..100).take(rows as usize).collect();
        assert_eq!(got, all, "n_rows({rows})");
        assert!(frame.explain(Stage::Written).unwrap().contains(&format!("{files} files")));
    }
}

#[test]
fn a_result_beyond_the_limit_names_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::builder().memory_limit("128MiB").threads(1).build().unwrap();
    let path = folder.path().join("wide.csv");
    let row = "123456789,".repeat(9) + "123456789\n";
    std::fs::write(&path, String::from("a,b,c,d,e,f,g,h,i,j\n") + &row.repeat(1_300_000)).unwrap();
    let frame = session.read_csv(&path).load().unwrap();
    let message = frame.compute().unwrap_err().to_string();
    assert!(message.contains("batches()") && message.contains("to_parquet"), "{message}");
    assert_eq!(frame.len().unwrap(), 1_300_000);
    let written =
        frame.to_parquet(folder.path().join("out")).compression(Compression::Snappy).write().unwrap();
    assert_eq!(written.rows, 1_300_000);
    assert_eq!(session.memory().managed_bytes, 0);
}

#[test]
fn literals_become_columns_of_the_type_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let frame = hundred(&session(), folder.path());
    let added = frame
        .with_column("small", lit(1).cast(DataType::Int8))
        .with_column("text", lit("x"))
        .select(["small", "text"]);
    assert_eq!(added.schema().unwrap().field(0).data_type(), &DataType::Int8);
    let batches = added.compute_batches().unwrap();
    assert_eq!(batches[0].column(0).data_type(), &DataType::Int8);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 100);
}

#[test]
fn input_that_vanished_is_a_typed_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let frame = hundred(&session(), folder.path());
    std::fs::remove_file(folder.path().join("hundred.csv")).unwrap();
    let message = frame.to_parquet(folder.path().join("out")).write().unwrap_err().to_string();
    assert!(message.contains("hundred.csv changed") && message.contains("no longer there"), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A session whose disk is gone at the `step`-th step.
fn dying_session(step: u64) -> (Session, Arc<FaultyDisk>) {
    let disk = FaultyDisk::new(Arc::new(LocalDisk), Plan::crash_at(step));
    (Session::builder().threads(1).disk(Arc::clone(&disk) as _).build().unwrap(), disk)
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_job_goes_on_in_another_session_wherever_the_first_one_died() {
    let folder = tempfile::tempdir().unwrap();
    let (target, whole) = (folder.path().join("out"), folder.path().join("whole"));
    let job = |session: &Session| {
        hundred_of(session, folder.path()).with_row_index("row").filter(col("n").neq(lit(17)))
    };
    hundred(&session(), folder.path());
    let write = |session: &Session, target: &Path| {
        job(session).to_parquet(target).file_per_partition(true).resume(true).write()
    };
    write(&session(), &whole).unwrap();
    let mut most = 0;
    for step in (1..).step_by(13) {
        let (session, disk) = dying_session(step);
        let first = write(&session, &target);
        if !disk.has_crashed() {
            assert_eq!(first.unwrap().parts_reused, 0);
            break;
        }
        drop(session);
        let written = write(&self::session(), &target).unwrap();
        assert_eq!(written.rows, 99);
        most = most.max(written.parts_reused);
        assert_eq!(files(&target), files(&whole), "died at step {step}");
        let again = write(&self::session(), &target).unwrap();
        assert_eq!((again.parts_reused, again.bytes_in), (again.files.len(), 0));
        std::fs::remove_dir_all(&target).unwrap();
    }
    assert!(most > 5, "{most} parts kept at most");
}

/// The frame of [`hundred`], whose file is there.
fn hundred_of(session: &Session, folder: &Path) -> DataFrame {
    session.read_csv(folder.join("hundred.csv")).block_size(50).load().unwrap()
}

#[test]
fn jobs_with_functions_are_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    hundred(&session(), folder.path());
    let write = |session: &Session, by: i64| {
        let frame = hundred_of(session, folder.path()).select(["n"]);
        let schema = Arc::unwrap_or_clone(frame.schema().unwrap());
        let added = frame.map_partitions(schema, move |mut rows| {
            let n = rows.column("n")?.i64()?.clone() + by;
            rows.replace("n", polars_core::prelude::IntoSeries::into_series(n).into())?;
            Ok(rows)
        });
        added.to_parquet(&target).file_per_partition(true).resume(true).overwrite(true).write()
    };
    let (dying, _disk) = dying_session(20);
    assert!(write(&dying, 0).is_err());
    drop(dying);
    let written = write(&session(), 1000).unwrap();
    assert_eq!((written.rows, written.parts_reused), (100, 0));
    // Nor is a target ever complete: the function may be another.
    assert_ne!(write(&session(), 2000).unwrap().bytes_in, 0);
}

#[test]
fn to_add_and_to_replace_at_once_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let frame = hundred(&session(), folder.path());
    let writer = frame.to_parquet(folder.path().join("out")).append(true).overwrite(true);
    assert!(writer.write().unwrap_err().to_string().contains("contradict"));
}
