//! One case: a session with its limit, and all questions asked of a persisted frame.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use partita::arrow::array::{Array, AsArray, RecordBatch};
use partita::arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
use partita::prelude::*;

use crate::data::{Digest, NUMBERS};

/// Where a case finds its input and its folder, and what it is.
pub(crate) const VARIABLES: [&str; 5] =
    ["OOC_LIMIT", "OOC_THREADS", "OOC_SCHEDULER", "OOC_INPUT", "OOC_FOLDER"];

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) limit: String,
    pub(crate) threads: usize,
    pub(crate) scheduler: String,
}

impl Case {
    /// The case that this process is to run, if it is one.
    pub(crate) fn of_this_process() -> Option<Self> {
        let limit = std::env::var(VARIABLES[0]).ok()?;
        let threads = std::env::var(VARIABLES[1]).ok()?.parse().ok()?;
        Some(Self { limit, threads, scheduler: std::env::var(VARIABLES[2]).ok()? })
    }

    pub(crate) fn limit_bytes(&self) -> u64 {
        self.limit.strip_suffix("MiB").map_or(0, |number| number.parse::<u64>().unwrap() << 20)
    }

    pub(crate) fn run(&self) {
        let folder = PathBuf::from(std::env::var(VARIABLES[4]).unwrap());
        let input = std::env::var(VARIABLES[3]).unwrap();
        let session = Session::builder()
            .memory_limit(self.limit.as_str())
            .threads(self.threads)
            .scheduler(self.scheduler.parse().unwrap())
            .spill_dirs([&folder])
            .spill_to_memory(true)
            .build()
            .unwrap();
        let all = session.read_csv(input).block_size("4MiB").load().unwrap();
        let kept = all.persist().unwrap();
        println!("spilled: {}", session.memory().spilled_bytes);
        let filtered = kept.filter(col("n3").gt(lit(50)));
        answer(&format!("{} rows", kept.len().unwrap()));
        answer(&format!("{} kept", filtered.len().unwrap()));
        let counts = kept.count().unwrap();
        answer(&format!("{} values", counts.iter().find(|(name, _)| name == "n5").unwrap().1));
        answer(&digest(&kept));
        answer(&digest(&filtered));
        answer(&format!("{} sum of row numbers", row_numbers(&kept)));
        answer(&digest(&mapped(&kept)));
        answer(&written(&filtered, &folder.join("out")));
        println!("parts: {}", parts(&all, &folder.join("parts")));
        let tail = kept.tail(3).unwrap();
        answer(&format!("{} last", tail.column("text").unwrap().str().unwrap().get(2).unwrap()));
        answer(&reduced(&all));
        // Not persisted: the batches of the file itself.
        answer(&digest(&all));
        answer(&through_lines(&session, &filtered, &folder.join("lines")));
        answer(&through_arrow(&session, &filtered, &folder.join("arrow")));
        drop((kept, filtered));
        let memory = session.memory();
        println!(
            "left: {} bytes, {} pins, {} spilled",
            memory.managed_bytes, memory.pins, memory.spilled_bytes
        );
    }
}

fn answer(text: &str) {
    println!("answer: {text}");
}

/// The same rows, through a function over whole partitions.
fn mapped(frame: &DataFrame) -> DataFrame {
    let schema = frame.schema().unwrap();
    frame.map_partition_batches((*schema).clone(), |_, batches| Ok(batches))
}

fn digest(frame: &DataFrame) -> String {
    let mut digest = Digest::default();
    for batch in frame.batches().unwrap() {
        add(&mut digest, &batch.unwrap());
    }
    digest.show()
}

fn add(digest: &mut Digest, batch: &RecordBatch) {
    let numbers: Vec<_> =
        (0..NUMBERS as usize).map(|column| batch.column(column).as_primitive::<Int64Type>()).collect();
    let texts = batch.column(NUMBERS as usize).as_string_view();
    let floats = batch.column(NUMBERS as usize + 1).as_primitive::<Float64Type>();
    for row in 0..batch.num_rows() {
        let numbers = numbers.iter().map(|column| column.is_valid(row).then(|| column.value(row)));
        digest.add(numbers, texts.value(row), floats.value(row));
    }
}

/// The sum of the row numbers of the rows that pass the filter.
fn row_numbers(frame: &DataFrame) -> u64 {
    let numbered = frame.with_row_index("row").filter(col("n3").gt(lit(50))).select(["row"]);
    let batches = numbered.batches().unwrap().map(|batch| batch.unwrap());
    batches.map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().iter().sum::<u64>()).sum()
}

/// The same rows, written as lines of JSON and read back.
fn through_lines(session: &Session, frame: &DataFrame, target: &Path) -> String {
    frame.to_ndjson(target).part_size("16MiB").sync(false).write().unwrap();
    let digest = digest(&session.read_ndjson(target).partition_size("5MiB").load().unwrap());
    std::fs::remove_dir_all(target).unwrap();
    digest
}

/// The same rows, written as compressed Arrow IPC and read back.
fn through_arrow(session: &Session, frame: &DataFrame, target: &Path) -> String {
    frame.to_ipc(target).ipc_compression(partita::IpcCompression::Lz4).sync(false).write().unwrap();
    let digest = digest(&session.read_ipc(target).partition_size("5MiB").load().unwrap());
    std::fs::remove_dir_all(target).unwrap();
    digest
}

/// Answers that need all values: a million and a half of distinct numbers and texts, and few.
fn reduced(frame: &DataFrame) -> String {
    let rows = frame.with_row_index("row").with_column("name", hash([col("row")]).cast(DataType::Utf8));
    let row = rows.reduce([
        col("row").nunique(),
        col("row").median().alias("middle"),
        col("name").nunique().alias("names"),
        col("n0").quantile(0.25),
        col("text").mode(),
        col("float").sum(),
    ]);
    let batches = row.compute_batches().unwrap();
    let shown = batches[0]
        .columns()
        .iter()
        .map(|column| partita::Scalar::try_from_array(column, 0).unwrap().to_string());
    shown.collect::<Vec<_>>().join(" ")
}

/// The checksums of the files of a data set of many small parts.
fn parts(frame: &DataFrame, target: &Path) -> String {
    frame.to_parquet(target).part_size("1MiB").row_group_rows(50_000).sync(false).write().unwrap();
    let manifest = std::fs::read_to_string(target.join("_partita.json")).unwrap();
    std::fs::remove_dir_all(target).unwrap();
    let sums = manifest.lines().filter_map(|line| line.trim().strip_prefix("\"xxh3\": "));
    sums.collect::<Vec<_>>().join(" ")
}

/// Writes a data set, reads it back with the `parquet` crate, and removes it.
fn written(frame: &DataFrame, target: &Path) -> String {
    let written = frame.to_parquet(target).write().unwrap();
    let mut digest = Digest::default();
    for file in &written.files {
        let file = std::fs::File::open(file).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let schema = frame.schema().unwrap();
        for batch in reader.with_batch_size(8192).build().unwrap() {
            let batch = batch.unwrap();
            let columns = batch.columns().iter().zip(schema.fields());
            let columns = columns
                .map(|(column, field)| partita::arrow::compute::cast(column, field.data_type()).unwrap());
            add(&mut digest, &RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap());
        }
    }
    std::fs::remove_dir_all(target).unwrap();
    digest.show()
}
