//! Every stage of the optimizer leaves a plan that runs and gives the same rows, with either scheduler and any
//! number of threads.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use partita::arrow::array::RecordBatch;
use partita::arrow::compute::concat_batches;
use partita::prelude::*;

fn session(scheduler: Scheduler, threads: usize) -> Session {
    Session::builder().memory_limit("256MiB").scheduler(scheduler).threads(threads).build().unwrap()
}

/// Forty rows in two files, with a quoted line end and missing values.
fn write_files(folder: &Path) {
    for (file, from) in [("a.csv", 0), ("b.csv", 20)] {
        let mut text = String::from("id,zone,fare,flag\n");
        for id in from..from + 20 {
            let zone = if id % 3 == 0 { "\"north\nwest\"" } else { "south" };
            let fare = if id % 7 == 0 { String::new() } else { format!("{}.5", id) };
            text.push_str(&format!("{id},{zone},{fare},{}\n", if id % 2 == 0 { "Y" } else { "N" }));
        }
        std::fs::write(folder.join(file), text).unwrap();
    }
}

fn joined(frame: &DataFrame, stage: Stage) -> RecordBatch {
    let batches = frame.compute_batches_at(stage).unwrap();
    concat_batches(&frame.schema().unwrap(), &batches).unwrap()
}

fn frames(session: &Session, folder: &Path) -> Vec<DataFrame> {
    let all = session.read_csv(folder).block_size(64).load().unwrap();
    let derived = all
        .with_column("double", col("fare") * lit(2.0))
        .filter(col("double").gt(lit(20.0)).and(col("flag").eq(lit("Y"))))
        .rename([("zone", "place")])
        .select(["place", "double", "id"]);
    let numbered = all.with_row_index("row").filter(col("row").lt(lit(30))).drop(["flag"]);
    let picked = all.filter(col("fare").is_null()).partitions(1..7).select(["id"]);
    let nested =
        numbered.filter(col("id").gt(lit(3))).with_row_index("again").select(["again", "row", "fare"]);
    let lines = session.read_ndjson(folder.join("lines")).partition_size(200_u64).load().unwrap();
    let arrow = session.read_ipc(folder.join("arrow")).partition_size(1_u64).load().unwrap();
    let part = |frame: &DataFrame| frame.filter(col("fare").gt(lit(5.0))).select(["zone", "id"]);
    let late = part(&lines).partitions(1..3);
    let tagged = arrow.with_row_index("row").filter(col("id").gt(lit(10))).select(["zone", "row"]);
    let once = all.filter(col("id").gt(lit(5))).drop_duplicates_by(["zone", "flag"], Keep::Last);
    let counted = all.value_counts_with_null("fare").filter(col("fare").is_null()).select(["count"]);
    let shuffled = all.shuffle(["flag"]).filter(col("fare").gt(lit(5.0))).select(["zone", "id"]);
    let spread = all.repartition(100).filter(col("id").gt(lit(10))).select(["fare"]).with_row_index("row");
    let one = all.shuffle(["flag"]).filter(col("id").gt(lit(10))).get_partition(0).select(["id"]);
    let rested = [once, counted, shuffled, spread, one];
    let read = vec![all, derived, numbered, picked, nested, part(&lines), late, part(&arrow), tagged];
    read.into_iter().chain(rested).collect()
}

/// The same rows as lines of JSON and as Arrow IPC, in folders of their own.
fn write_others(session: &Session, folder: &Path) {
    let all = session.read_csv(folder).block_size(64).load().unwrap();
    all.to_ndjson(folder.join("lines")).write().unwrap();
    all.to_ipc(folder.join("arrow")).file_per_partition(true).write().unwrap();
}

#[test]
fn every_stage_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let plain = session(Scheduler::SingleThreaded, 1);
    write_others(&plain, folder.path());
    let expected: Vec<RecordBatch> =
        frames(&plain, folder.path()).iter().map(|frame| joined(frame, Stage::Written)).collect();
    for (scheduler, threads) in
        [(Scheduler::SingleThreaded, 1), (Scheduler::Threaded, 2), (Scheduler::Threaded, 8)]
    {
        let session = session(scheduler, threads);
        for (frame, expected) in frames(&session, folder.path()).iter().zip(&expected) {
            for stage in Stage::ALL {
                assert_eq!(&joined(frame, stage), expected, "{stage}, {scheduler}, {threads} threads");
            }
            assert_eq!(frame.len().unwrap(), expected.num_rows() as u64);
        }
        assert_eq!(session.memory().managed_bytes, 0, "something is still reserved");
    }
}

#[test]
fn rows_are_those_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let session = session(Scheduler::Threaded, 2);
    write_others(&session, folder.path());
    let frames = frames(&session, folder.path());
    assert_eq!(frames[0].len().unwrap(), 40);
    let derived = frames[1].compute().unwrap();
    // Even ids whose doubled fare 2 * (id + 0.5) is over 20, but for multiples of 7, whose fare is missing.
    let ids: Vec<i64> = (0..40).filter(|id| id % 2 == 0 && 2 * id + 1 > 20 && id % 7 != 0).collect();
    let got: Vec<Option<i64>> = derived.column("id").unwrap().i64().unwrap().iter().collect();
    assert_eq!(got, ids.into_iter().map(Some).collect::<Vec<_>>());
}

#[test]
fn select_and_filter_reach_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let frame = session(Scheduler::Threaded, 2).read_csv(folder.path()).load().unwrap();
    let clean = frame.filter(col("fare").gt(lit(1.0))).select(["id", "zone"]);
    let text = clean.explain(Stage::Fused).unwrap();
    assert!(text.contains("columns: id, zone; filter: (fare > 1.0)"), "{text}");
    assert!(!text.contains("Filter"), "{text}");
}

#[test]
fn wrong_calls_are_reported_by_the_first_answer() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let frame = session(Scheduler::Threaded, 2).read_csv(folder.path()).load().unwrap();
    let message = frame.filter(col("fares").gt(lit(1.0))).select(["id"]).len().unwrap_err().to_string();
    assert!(message.contains("\"fares\"") && message.contains("did you mean \"fare\""), "{message}");
    let message = frame.filter(col("fare")).len().unwrap_err().to_string();
    assert!(message.contains("Boolean"), "{message}");
    assert!(frame.select(["id", "id"]).schema().unwrap_err().to_string().contains("two columns"));
}
