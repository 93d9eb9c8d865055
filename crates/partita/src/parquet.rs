//! Writing Parquet: what a user says about the data set.

use std::sync::Arc;

use partita_formats::parquet::{ColumnOptions, Compression, Statistics, WriteOptions};
use partita_plan::node::{CsvInput, ParquetFileInput, ReadCsv, ReadParquet};
use partita_plan::stage::explain;
use partita_plan::{Expr, Plan, PlanRef, Stage};
use partita_runtime::cancel::CancelToken;
use partita_runtime::dataset::{InputFingerprint, PlanFingerprint, Replaced};
use partita_runtime::progress::Progress;

use crate::context::Inputs;
use crate::error::Result;
use crate::frame::DataFrame;
use crate::size::ByteSize;
use crate::writing::{Writing, Written};

/// What is to be written, and how. Nothing runs before [`ParquetWriter::write`].
///
/// The data set appears at once, when all of it is on the disk: readers see nothing, or what was there before,
/// until then; and so they do after an error, Ctrl-C or a crash.
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("trips.csv");
/// # std::fs::write(&path, "zone,fare\nA,12.5\nB,0\n").unwrap();
/// let trips = partita::read_csv(&path).load()?;
/// let written = trips.to_parquet(folder.path().join("out")).compression(Compression::Snappy).write()?;
/// assert_eq!((written.rows, written.files.len()), (2, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is written before write()"]
pub struct ParquetWriter {
    writing: Writing,
    options: WriteOptions,
}

impl ParquetWriter {
    pub(crate) fn new(frame: DataFrame, target: Inputs) -> Self {
        Self { writing: Writing::new(frame, target), options: WriteOptions::default() }
    }

    fn set(mut self, change: impl FnOnce(&mut WriteOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// All options of encoding and cutting at once.
    pub fn options(mut self, options: WriteOptions) -> Self {
        self.options = options;
        self
    }

    /// How pages are compressed; default zstd at level 3.
    pub fn compression(self, compression: Compression) -> Self {
        self.set(|options| options.compression = compression)
    }

    /// Options of one column: its own compression, encoding, statistics.
    pub fn column(self, name: &str, column: ColumnOptions) -> Self {
        self.set(|options| {
            options.columns.insert(name.to_owned(), column);
        })
    }

    /// Rows of a row group at most; default 1 Mi.
    pub fn row_group_rows(self, rows: usize) -> Self {
        self.set(|options| options.row_group_rows_max = rows)
    }

    /// Rows of a page at most; default 64 Ki.
    pub fn page_rows(self, rows: usize) -> Self {
        self.set(|options| options.page_rows_max = rows)
    }

    /// What is said about the values of chunks and pages; default both.
    pub fn statistics(self, statistics: Statistics) -> Self {
        self.set(|options| options.statistics = statistics)
    }

    /// Bytes after which a part is full, as a number or as text; default 256 MiB. Parts are cut between partitions
    /// only.
    pub fn part_size(mut self, bytes: impl Into<ByteSize>) -> Self {
        if let Some(bytes) = self.writing.bytes(&bytes.into()) {
            self.options.part_bytes = bytes;
        }
        self
    }

    /// One part for every partition, whatever its size.
    pub fn file_per_partition(self, each: bool) -> Self {
        self.set(|options| options.file_per_partition = each)
    }

    /// Columns whose values are the names of folders, outermost first, as Hive lays them out: `year=2024/city=Rome/`. They
    /// are not in the files, and readers of such data sets give them back. Booleans, integers, text, dates and timestamps can
    /// be keys. In a folder rows keep their order.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, out) = (folder.path().join("trips.csv"), folder.path().join("out"));
    /// # std::fs::write(&path, "zone,fare\nA,12.5\nB,0\nA,3\n").unwrap();
    /// let written = partita::read_csv(&path).load()?.to_parquet(&out).partition_on(["zone"]).write()?;
    /// assert_eq!((written.rows, written.folders), (3, 2));
    /// assert!(out.join("zone=A/part-00000.parquet").is_file());
    /// # Ok(())
    /// # }
    /// ```
    pub fn partition_on<T: Into<String>>(self, columns: impl IntoIterator<Item = T>) -> Self {
        self.set(|options| options.partition_on = columns.into_iter().map(Into::into).collect())
    }

    /// One more key and value of the footers.
    pub fn metadata(self, key: &str, value: &str) -> Self {
        self.set(|options| {
            options.key_value_metadata.insert(key.to_owned(), value.to_owned());
        })
    }

    /// Whether what is at the target is replaced, in one step when the new is complete; default no: then a target
    /// that is not empty is an error.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.writing.overwrite = overwrite;
        self
    }

    /// Whether the new parts are added to the data set at the target, in one step when they are complete; default no. It must
    /// have been written by this program and have the same columns; with [`crate::OnMismatch::Widen`] new columns that are
    /// narrower get the old types, and those that are not there are null. Where there is nothing, it is written as ever.
    pub fn append(mut self, append: bool) -> Self {
        self.writing.append = append;
        self
    }

    /// Whether to go on where an earlier run of the same job ended: the same inputs, unchanged, the same options and columns.
    /// Parts that it finished are kept; where something does not fit, [`Written::notes`] say what, and all is done again. If
    /// the target is what the job would write, nothing is done. After an error or a cancellation finished parts stay beside
    /// the target for the next run. Default no.
    ///
    /// Frames in memory and functions cannot be compared; jobs with them, and those that write a single file, begin again.
    pub fn resume(mut self, resume: bool) -> Self {
        self.writing.resume = resume;
        self
    }

    /// One file rather than a folder; also where the target's name ends in `.parquet`.
    pub fn single_file(mut self, single: bool) -> Self {
        self.writing.single_file = single;
        self
    }

    /// Whether everything is on the disk before the data set appears; default yes.
    pub fn sync(mut self, sync: bool) -> Self {
        self.writing.sync = sync;
        self
    }

    /// What the manifest says about the job, as JSON.
    pub fn job(mut self, job: serde_json::Value) -> Self {
        self.writing.job = job;
        self
    }

    /// A handle by which another thread can end the run: `cancel()` leaves the target as it was.
    pub fn cancel_token(&self) -> CancelToken {
        self.writing.cancel_token()
    }

    /// Counters that grow while it runs.
    pub fn progress(&self) -> Arc<Progress> {
        self.writing.progress()
    }

    /// Runs, and commits the data set.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain; a target that is not empty, is an input, or is being written by
    /// another; whatever goes wrong while it runs. The target is as it was then, and nothing is left beside it.
    pub fn write(self) -> Result<Written> {
        self.ready().write()
    }

    /// Checks the target as [`ParquetWriter::write`] does at its start, and touches nothing.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain; a target that is not empty, is an input, or is of the wrong kind;
    /// options that do not go with the columns.
    pub fn check(&self) -> Result<()> {
        self.ready().check()
    }

    /// Bytes of input that [`ParquetWriter::write`] will read, as they lie in their files.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain.
    pub fn input_bytes(&self) -> Result<u64> {
        self.writing.input_bytes()
    }

    /// All that was said.
    fn ready(&self) -> Writing {
        self.writing.in_format(self.options.clone().into())
    }
}

/// What a user should know of a data set.
pub(crate) fn notes(written: &partita_runtime::dataset::Written) -> Vec<String> {
    let how = match written.replaced {
        Replaced::InTwoSteps => {
            "the file system cannot exchange folders: the old data set was moved aside and the new one moved in, and a reader \
             in between saw neither"
        }
        Replaced::ExtendedInSteps => {
            "the file system has no hard links, or cannot exchange folders: the new parts were moved in one by one, and only \
             readers of the manifest saw them appear at once"
        }
        Replaced::Unchanged => "the target is complete: nothing was written",
        _ => return written.notes.clone(),
    };
    written.notes.iter().cloned().chain([how.to_owned()]).collect()
}

/// Bytes of input that were read.
pub(crate) fn bytes_in(
    plan: &PlanRef,
    progress: &Progress,
    written: &partita_runtime::dataset::Written,
) -> u64 {
    if written.replaced == Replaced::Unchanged { 0 } else { progress.input_bytes() + head_bytes(plan) }
}

/// What rows a plan makes of its inputs; `None` where it has frames in memory or functions, which cannot be compared.
pub(crate) fn fingerprint(plan: &PlanRef) -> Option<PlanFingerprint> {
    let mut nodes = std::iter::successors(Some(plan), |plan| plan.input());
    if nodes.any(|plan| {
        matches!(&**plan, Plan::Stored(_) | Plan::MapPartitions(_))
            || plan.operator().expressions().into_iter().any(Expr::has_functions)
    }) {
        return None;
    }
    let mut texts = vec![explain(plan, Stage::Written).ok()?];
    for file in sources(plan).flat_map(ReadCsv::files) {
        texts.push(serde_json::to_string(&file.block).ok()?);
        texts.push(format!("{} {:?}", file.end, file.rows_max));
    }
    texts.extend(parquet_sources(plan).map(ReadParquet::cuts));
    Some(PlanFingerprint::of(texts))
}

/// The sources of a plan that read CSV.
pub(crate) fn sources(plan: &PlanRef) -> impl Iterator<Item = &ReadCsv> {
    std::iter::successors(Some(plan), |plan| plan.input()).filter_map(|plan| match &**plan {
        Plan::ReadCsv(read) => Some(read),
        _ => None,
    })
}

/// The sources of a plan that read Parquet.
fn parquet_sources(plan: &PlanRef) -> impl Iterator<Item = &ReadParquet> {
    std::iter::successors(Some(plan), |plan| plan.input()).filter_map(|plan| match &**plan {
        Plan::ReadParquet(read) => Some(read),
        _ => None,
    })
}

/// Bytes of input that a plan reads.
pub(crate) fn input_bytes(plan: &PlanRef) -> u64 {
    let csv: u64 = sources(plan).map(ReadCsv::input_bytes).sum();
    csv + parquet_sources(plan).map(ReadParquet::input_bytes).sum::<u64>()
}

/// Bytes before the first records, which were read to plan and are in no block. Compressed files are counted whole.
fn head_bytes(plan: &PlanRef) -> u64 {
    let files = sources(plan).flat_map(ReadCsv::files);
    let plain = files.filter(|file| !file.block.is_stream());
    plain.map(|file| file.block.data_start.min(file.bytes)).sum()
}

/// The files that a plan reads.
pub(crate) fn inputs(plan: &PlanRef) -> Vec<InputFingerprint> {
    let files = sources(plan).flat_map(ReadCsv::files);
    let of_csv = |file: &CsvInput| InputFingerprint {
        path: file.path.clone(),
        bytes: file.bytes,
        modified_ns: file.modified_ns,
    };
    let of_parquet = |file: &ParquetFileInput| InputFingerprint {
        path: file.input.path.clone(),
        bytes: file.input.bytes,
        modified_ns: file.input.modified_ns,
    };
    files.map(of_csv).chain(parquet_sources(plan).flat_map(ReadParquet::files).map(of_parquet)).collect()
}
