//! Files of rows: read back as what they were, whatever the threads, the scheduler and the cuts.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int64Array, RecordBatch,
    StringViewArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::compute::concat_batches;
use partita::{DataFrame, Scheduler, Session, col, lit};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// One row of the table below.
type Row = (
    (Option<i64>, Option<u64>, Option<f64>, Option<f32>),
    (Option<bool>, Option<i32>, Option<i64>, Option<i64>),
    (Option<String>, Option<String>),
);

fn row() -> impl Strategy<Value = Row> {
    fn some<S: Strategy>(values: S) -> impl Strategy<Value = Option<S::Value>>
    where
        S::Value: Clone,
    {
        prop::option::weighted(0.8, values)
    }
    let floats =
        prop_oneof![any::<f64>(), (-100_000..100_000_i32).prop_map(|cents| f64::from(cents) / 100.0)];
    let text = || prop_oneof!["[a-zä]{0,4}", "[,\"'\r\n\t #;]{0,5}", "[a-z \"]{13,30}"];
    (
        (some(any::<i64>()), some(any::<u64>()), some(floats), some(any::<f32>())),
        (
            some(any::<bool>()),
            // The years 1 to 9999.
            some(-719_162..2_932_896_i32),
            some(-62_135_596_800_000_000..253_402_300_799_999_999_i64),
            // Zones have had odd offsets until a century ago; instants are the same.
            some(-4_000_000_000_000_000_000..4_000_000_000_000_000_000_i64),
        ),
        (some(text()), some(text())),
    )
}

fn batch(rows: &[Row]) -> RecordBatch {
    macro_rules! column {
        ($array:ty, $get:expr) => {
            Arc::new(rows.iter().map($get).collect::<$array>()) as ArrayRef
        };
    }
    let zoned: TimestampNanosecondArray = rows.iter().map(|row| row.1.3).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("int", column!(Int64Array, |row| row.0.0), true),
        ("uint", column!(UInt64Array, |row| row.0.1), true),
        ("double", column!(Float64Array, |row| row.0.2), true),
        ("single", column!(Float32Array, |row| row.0.3), true),
        ("truth", column!(BooleanArray, |row| row.1.0), true),
        ("date", column!(Date32Array, |row| row.1.1), true),
        ("time", column!(TimestampMicrosecondArray, |row| row.1.2), true),
        ("zoned", Arc::new(zoned.with_timezone("Europe/Berlin")), true),
        ("text", column!(StringViewArray, |row| row.2.0.as_deref()), true),
        ("more, text", column!(StringViewArray, |row| row.2.1.as_deref()), true),
    ])
    .unwrap()
}

fn all(frame: &DataFrame) -> RecordBatch {
    concat_batches(&frame.schema().unwrap(), &frame.compute_batches().unwrap()).unwrap()
}

/// Bits, so that NaN is NaN and -0.0 is not 0.0.
fn assert_same(got: &RecordBatch, expected: &RecordBatch) {
    assert_eq!(got.num_rows(), expected.num_rows());
    for (number, field) in expected.schema().fields().iter().enumerate() {
        let (got, expected) = (got.column(number), expected.column(number));
        assert_eq!(got.data_type(), expected.data_type());
        for row in 0..expected.len() {
            let text = |column: &ArrayRef| format!("{:?}", column.slice(row, 1));
            if text(got).replace("-NaN", "NaN") != text(expected).replace("-NaN", "NaN") {
                assert_eq!(text(got), text(expected), "{} {row}", field.name());
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]
    #[test]
    fn what_is_written_reads_back(rows in prop::collection::vec(row(), 1..60), cut in 1..20_usize, separator in prop::sample::select(vec![b',', b'\t', b' '])) {
        let session = Session::builder().threads(2).build().unwrap();
        let partitions: Vec<Vec<RecordBatch>> = rows.chunks(cut).map(|rows| vec![batch(rows)]).collect();
        let expected = batch(&rows);
        let frame = session.from_batches(expected.schema(), partitions).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (one, many) = (folder.path().join("one.csv"), folder.path().join("many"));
        frame.to_csv(&one).separator(separator).sync(false).write().unwrap();
        let written = frame.to_csv(&many).separator(separator).file_per_partition(true).sync(false).write().unwrap();
        prop_assert_eq!((written.rows, written.files.len()), (rows.len() as u64, rows.len().div_ceil(cut)));
        let read = |path: &Path| {
            let mut reader = session.read_csv(path).separator(separator);
            for field in expected.schema().fields() {
                reader = reader.dtype(field.name(), field.data_type().clone());
            }
            all(&reader.load().unwrap())
        };
        assert_same(&read(&one), &expected);
        assert_same(&read(&many), &expected);
        // A stream has the bytes of the one file.
        let mut stream = Vec::new();
        prop_assert_eq!(frame.to_csv("-").separator(separator).write_to(&mut stream).unwrap(), rows.len() as u64);
        prop_assert_eq!(stream, fs::read(&one).unwrap());
    }
}

#[test]
fn files_are_the_same_whatever_threads_and_schedulers() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.csv");
    let lines: String = (0..60_000).map(|n| format!("{n},{}.5,text {}\n", n % 977, n * 7)).collect();
    fs::write(&input, format!("n,x,t\n{lines}")).unwrap();
    let mut files = Vec::new();
    for (threads, scheduler) in
        [(1, Scheduler::SingleThreaded), (1, Scheduler::Threaded), (4, Scheduler::Threaded)]
    {
        let session = Session::builder().threads(threads).memory_limit("128MiB").build().unwrap();
        let frame = session.read_csv(&input).block_size(64 << 10).load().unwrap();
        let frame = frame.filter(col("x").gt(lit(100.0))).with_scheduler(scheduler);
        let target = folder.path().join(format!("out-{threads}-{scheduler:?}"));
        let written = frame.to_csv(&target).part_size("1MiB").sync(false).write().unwrap();
        files.push(written.files.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>());
    }
    assert!(files.windows(2).all(|pair| pair[0] == pair[1]));
    // Each part has its header; without them the rows are those of the input, filtered line by line.
    let bodies: String = files[0].iter().map(|text| text.strip_prefix("n,x,t\n").unwrap()).collect();
    let keep = |line: &&str| line.split(',').nth(1).unwrap().parse::<f64>().unwrap() > 100.0;
    let expected: String = lines.lines().filter(keep).map(|line| format!("{line}\n")).collect();
    assert!(bodies == expected);
    assert!(files[0].len() > 1);
}

#[test]
fn an_empty_frame_is_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.csv");
    fs::write(&input, "n,x\n1,2\n").unwrap();
    let frame = partita::read_csv(&input).load().unwrap().filter(col("n").gt(lit(5)));
    frame.to_csv(folder.path().join("out.csv")).write().unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("out.csv")).unwrap(), "n,x\n");
    frame.to_csv(folder.path().join("out")).header(false).write().unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("out/part-00000.csv")).unwrap(), "");
}
