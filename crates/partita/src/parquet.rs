//! Writing Parquet: what a user says about the data set, and its commit.

mod columns;
mod widen;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use partita_formats::csv::widen::{Seen, Widened};
use partita_formats::parquet::{ColumnOptions, Compression, Statistics, WriteOptions};
use partita_plan::Stage;
use partita_plan::lower::{Starts, Target, lower};
use partita_plan::node::{CsvInput, ParquetFileInput, ReadCsv, ReadParquet};
use partita_plan::stage::{explain, optimize};
use partita_plan::{Expr, Plan, PlanRef};
use partita_runtime::cancel::CancelToken;
use partita_runtime::dataset::{Dataset, DatasetOptions, InputFingerprint, PlanFingerprint, Replaced};
use partita_runtime::engine::Call;
use partita_runtime::ledger::PeakSampler;
use partita_runtime::progress::Progress;
use partita_tasks::program::DatasetId;

use crate::context::Inputs;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::DataFrame;
use crate::size::ByteSize;

/// How often the memory of the process is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);

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
    frame: DataFrame,
    target: Inputs,
    options: WriteOptions,
    overwrite: bool,
    append: bool,
    resume: bool,
    single_file: bool,
    sync: bool,
    job: serde_json::Value,
    cancel: CancelToken,
    progress: Arc<Progress>,
    wrong: Option<Error>,
}

/// A data set that is there.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Written {
    /// Number of rows: as many as were read. Where something was appended, this and the next three are about the new parts.
    pub rows: u64,
    /// The Parquet files, in row order.
    pub files: Vec<PathBuf>,
    /// Bytes of all Parquet files.
    pub bytes: u64,
    /// Number of row groups.
    pub row_groups: usize,
    /// Number of folders that they lie in because of [`ParquetWriter::partition_on`].
    pub folders: usize,
    /// How many of the files an earlier run had written.
    pub parts_reused: usize,
    /// Bytes of input that were read.
    pub bytes_in: u64,
    /// From the call to the data set being there, in seconds.
    pub seconds: f64,
    /// The most anonymous and shared memory that this process was seen to hold meanwhile, in bytes.
    pub peak_memory_bytes: u64,
    /// Columns whose types were widened on the way, where [`crate::OnMismatch::Widen`] was said.
    pub widened: Vec<Widened>,
    /// Records that were set aside, where [`crate::OnMismatch::Quarantine`] was said: rows and these together are the
    /// records that were read.
    pub rows_quarantined: u64,
    /// The file with a line about each of them; `None` where there are none.
    pub quarantine: Option<PathBuf>,
    /// What a user should know; mostly nothing: how an old data set was replaced, why earlier work was not kept.
    pub notes: Vec<String>,
}

/// What came of one run.
enum Attempt {
    /// The data set is there.
    Done(partita_runtime::dataset::Written),
    /// Values did not fit: nothing is there, and this was seen of all inputs.
    Draft(Seen),
    /// The same, but parts of an earlier run were not looked at.
    PartlySeen,
}

impl ParquetWriter {
    pub(crate) fn new(frame: DataFrame, target: Inputs) -> Self {
        Self {
            frame,
            target,
            options: WriteOptions::default(),
            overwrite: false,
            append: false,
            resume: false,
            single_file: false,
            sync: true,
            job: serde_json::Value::Null,
            cancel: CancelToken::new(),
            progress: Arc::new(Progress::default()),
            wrong: None,
        }
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
        match bytes.into().bytes() {
            Ok(bytes) => self.options.part_bytes = bytes,
            Err(error) => drop(self.wrong.get_or_insert(error)),
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
        self.overwrite = overwrite;
        self
    }

    /// Whether the new parts are added to the data set at the target, in one step when they are complete; default no. It must
    /// have been written by this program and have the same columns; with [`crate::OnMismatch::Widen`] new columns that are
    /// narrower get the old types, and those that are not there are null. Where there is nothing, it is written as ever.
    pub fn append(mut self, append: bool) -> Self {
        self.append = append;
        self
    }

    /// Whether to go on where an earlier run of the same job ended: the same inputs, unchanged, the same options and columns.
    /// Parts that it finished are kept; where something does not fit, [`Written::notes`] say what, and all is done again. If
    /// the target is what the job would write, nothing is done. After an error or a cancellation finished parts stay beside
    /// the target for the next run. Default no.
    ///
    /// Frames in memory and functions cannot be compared; jobs with them, and those that write a single file, begin again.
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// One file rather than a folder; also where the target's name ends in `.parquet`.
    pub fn single_file(mut self, single: bool) -> Self {
        self.single_file = single;
        self
    }

    /// Whether everything is on the disk before the data set appears; default yes.
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// What the manifest says about the job, as JSON.
    pub fn job(mut self, job: serde_json::Value) -> Self {
        self.job = job;
        self
    }

    /// A handle by which another thread can end the run: `cancel()` leaves the target as it was.
    pub fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    /// Counters that grow while it runs.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Runs, and commits the data set.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain; a target that is not empty, is an input, or is being written by
    /// another; whatever goes wrong while it runs. The target is as it was then, and nothing is left beside it.
    pub fn write(self) -> Result<Written> {
        let started = Instant::now();
        let memory = PeakSampler::start(SAMPLE_EVERY);
        if let Some(error) = &self.wrong {
            return Err(error.clone());
        }
        let target = self.target()?;
        if self.append && self.overwrite {
            let message = "append(true) and overwrite(true) contradict each other; leave one of them out";
            return Err(ErrorKind::Option(message.to_owned()).into());
        }
        let mut call = self.frame.call();
        call.cancel = self.cancel.clone();
        call.progress = Arc::clone(&self.progress);
        let (mut plan, known) = self.begun(self.frame.plan()?, &target)?;
        let (mut widened, mut resume) = (Vec::new(), self.resume);
        let answer = |written: partita_runtime::dataset::Written, plan: &PlanRef, widened| Written {
            rows: written.rows,
            notes: known.iter().cloned().chain(notes(&written)).collect(),
            bytes_in: bytes_in(plan, &call.progress, &written),
            files: written.files,
            bytes: written.bytes,
            row_groups: written.row_groups,
            folders: written.folders,
            parts_reused: written.parts_reused,
            seconds: started.elapsed().as_secs_f64(),
            peak_memory_bytes: memory.peak_bytes(),
            widened,
            rows_quarantined: written.set_aside,
            quarantine: written.quarantine,
        };
        for _ in 0..=widen::RESTARTS_MAX {
            let attempt = |starts| self.attempt(&plan, &target, &call, resume, starts);
            let done = match attempt(Starts::Guessed) {
                Err(error) if error.is_misplaced() => {
                    call.progress.read_again(input_bytes(&plan));
                    attempt(Starts::Searched)?
                }
                done => done?,
            };
            match done {
                Attempt::Done(written) => return Ok(answer(written, &plan, widened)),
                Attempt::PartlySeen => {
                    // Which type holds all values is known when all have been seen.
                    call.progress.read_again(input_bytes(&plan));
                    resume = false;
                }
                Attempt::Draft(seen) => {
                    let (wider, columns) = widen::widen(self.frame.session(), &plan, &seen)?;
                    call.progress.read_again(input_bytes(&wider));
                    widen::remember(&mut widened, columns);
                    (plan, resume) = (wider, self.resume);
                }
            }
        }
        Err(widen::endless(&widened).into())
    }

    /// The plan with the types that an earlier run of the same job has come to, where types may be widened, and which these
    /// are.
    fn begun(&self, plan: &PlanRef, target: &Path) -> Result<(PlanRef, Vec<String>)> {
        if !self.resume || !sources(plan).any(ReadCsv::widens) {
            return Ok((Arc::clone(plan), Vec::new()));
        }
        let options = self.dataset_options(&optimize(plan, Stage::Fused)?)?;
        let left = Dataset::columns_left(target, &options)?.unwrap_or_default();
        let wider = columns::widen(plan, &left, &self.options)?;
        let notes =
            columns::changes(plan, &wider).map(|change| format!("{change}, as an earlier run has found out"));
        let notes = notes.collect();
        Ok((wider, notes))
    }

    /// The plan as it is run: its columns are those of the data set that is added to, where types may be widened.
    fn final_plan(&self, plan: &PlanRef, target: &Path) -> Result<PlanRef> {
        let fused = optimize(plan, Stage::Fused)?;
        if !self.append || !sources(plan).any(ReadCsv::widens) {
            return Ok(fused);
        }
        match Dataset::columns(target, &self.dataset_options(&fused)?)? {
            Some(known) => Ok(optimize(&columns::fit(plan, &known, &self.options)?, Stage::Fused)?),
            None => Ok(fused),
        }
    }

    /// Runs once, and commits unless values did not fit.
    fn attempt(
        &self,
        plan: &PlanRef,
        target: &Path,
        call: &Call,
        resume: bool,
        starts: Starts,
    ) -> Result<Attempt> {
        let engine = self.frame.session().engine();
        let plan = self.final_plan(plan, target)?;
        partita_plan::memory::check(&plan, engine.ledger().limit_bytes())?;
        let options = DatasetOptions { resume, ..self.dataset_options(&plan)? };
        let schema = Arc::clone(plan.schema());
        if let Some(written) = Dataset::complete(target, Arc::clone(&schema), &options)? {
            return Ok(Attempt::Done(written));
        }
        let dataset = Dataset::create(target, schema, options, engine.waiting_bytes())?;
        let (options, first) = (Arc::new(self.options.clone()), dataset.first_partition());
        let target = Target::Parquet { dataset: DatasetId(engine.number()), options, first };
        let lowered = lower(&plan, &target, starts)?;
        engine.run_into(&lowered.graph, &lowered.targets, call, &dataset, &|_, _| {})?;
        if call.cancel.is_cancelled() {
            return Err(partita_runtime::Error::from(partita_runtime::ErrorKind::Cancelled).into());
        }
        if call.widening.is_draft() {
            let seen = call.widening.take();
            return Ok(if first > 0 { Attempt::PartlySeen } else { Attempt::Draft(seen) });
        }
        Ok(Attempt::Done(dataset.commit(None)?))
    }

    /// Checks the target as [`ParquetWriter::write`] does at its start, and touches nothing.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain; a target that is not empty, is an input, or is of the wrong kind;
    /// options that do not go with the columns.
    pub fn check(&self) -> Result<()> {
        if let Some(error) = &self.wrong {
            return Err(error.clone());
        }
        let target = self.target()?;
        let plan = self.final_plan(self.frame.plan()?, &target)?;
        Dataset::check(&target, Arc::clone(plan.schema()), &self.dataset_options(&plan)?)?;
        Ok(())
    }

    /// Bytes of input that [`ParquetWriter::write`] will read, as they lie in their files.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain.
    pub fn input_bytes(&self) -> Result<u64> {
        let plan = optimize(self.frame.plan()?, Stage::Fused)?;
        Ok(input_bytes(&plan))
    }

    fn dataset_options(&self, plan: &PlanRef) -> Result<DatasetOptions> {
        let origin = fingerprint(&optimize(self.frame.plan()?, Stage::Fused)?);
        Ok(DatasetOptions {
            write: self.options.clone(),
            overwrite: self.overwrite,
            append: self.append,
            resume: self.resume,
            single_file: self.single_file,
            partitions: Some(plan.partitions()),
            inputs: inputs(plan),
            options_json: self.job.clone(),
            plan: fingerprint(plan),
            origin,
            sync: self.sync,
            disk: Arc::clone(self.frame.session().engine().storage().disk()),
        })
    }

    fn target(&self) -> Result<PathBuf> {
        let refused = |message: String| Error::from(ErrorKind::Option(message));
        let [target] = self.target.0.as_slice() else {
            return Err(refused(format!("expected one target, got {}", self.target.0.len())));
        };
        match target.split_once("://") {
            None => Ok(Path::new(target).to_owned()),
            Some(("file", path)) => Ok(Path::new(path).to_owned()),
            Some((scheme, _)) => Err(refused(format!(
                "{target}: the scheme {scheme:?} cannot be written to; write to a local folder and copy it"
            ))),
        }
    }
}

fn notes(written: &partita_runtime::dataset::Written) -> Vec<String> {
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
fn bytes_in(plan: &PlanRef, progress: &Progress, written: &partita_runtime::dataset::Written) -> u64 {
    if written.replaced == Replaced::Unchanged { 0 } else { progress.input_bytes() + head_bytes(plan) }
}

/// What rows a plan makes of its inputs; `None` where it has frames in memory or functions, which cannot be compared.
fn fingerprint(plan: &PlanRef) -> Option<PlanFingerprint> {
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
fn input_bytes(plan: &PlanRef) -> u64 {
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
fn inputs(plan: &PlanRef) -> Vec<InputFingerprint> {
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
