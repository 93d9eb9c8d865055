//! Writing a data set, whatever its format: what a user says about it, the run, and the commit.

mod columns;
pub(crate) mod plan;
mod widen;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use partita_formats::csv::widen::{Seen, Widened};
use partita_formats::output::Format;
use partita_plan::lower::{Starts, Target, lower};
use partita_plan::node::ReadCsv;
use partita_plan::stage::optimize;
use partita_plan::{PlanRef, Stage};
use partita_runtime::cancel::CancelToken;
use partita_runtime::dataset::{Dataset, DatasetOptions};
use partita_runtime::engine::Call;
use partita_runtime::ledger::PeakSampler;
use partita_runtime::progress::Progress;
use partita_tasks::program::DatasetId;

use crate::context::Inputs;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::DataFrame;
use crate::size::ByteSize;
use plan::{bytes_in, fingerprint, input_bytes, inputs, notes, sources};

/// How often the memory of the process is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);

/// What is to be written, and how. Public writers are its names.
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    frame: DataFrame,
    target: Inputs,
    /// Set when all is said.
    format: Format,
    pub(crate) overwrite: bool,
    pub(crate) append: bool,
    pub(crate) resume: bool,
    pub(crate) single_file: bool,
    pub(crate) sync: bool,
    pub(crate) job: serde_json::Value,
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
    /// The files, in row order.
    pub files: Vec<PathBuf>,
    /// Bytes of all files.
    pub bytes: u64,
    /// Number of row groups; of files of rows, of the pieces that they were put together from.
    pub row_groups: usize,
    /// Number of folders that they lie in because of [`crate::Writer::partition_on`].
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

impl Writing {
    pub(crate) fn new(frame: DataFrame, target: Inputs) -> Self {
        Self {
            frame,
            target,
            format: Format::default(),
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

    /// Bytes, where they are some; else the first error is kept for the end.
    pub(crate) fn bytes(&mut self, bytes: &ByteSize) -> Option<u64> {
        bytes.bytes().map_err(|error| self.refuse(error)).ok()
    }

    /// Keeps the first error for the end.
    pub(crate) fn refuse(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
    }

    /// The same, in this format.
    pub(crate) fn in_format(&self, format: Format) -> Self {
        Self { format, ..self.clone() }
    }

    pub(crate) fn frame(&self) -> &DataFrame {
        &self.frame
    }

    pub(crate) fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Runs, and commits the data set.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain; a target that is not empty, is an input, or is being written by
    /// another; whatever goes wrong while it runs. The target is as it was then, and nothing is left beside it.
    pub(crate) fn write(&self) -> Result<Written> {
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
        let wider = columns::widen(plan, &left, &self.format)?;
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
            Some(known) => Ok(optimize(&columns::fit(plan, &known, &self.format)?, Stage::Fused)?),
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
        let first = dataset.first_partition();
        let target = Target::dataset(DatasetId(engine.number()), &self.format, first);
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

    /// Checks the target as [`Writing::write`] does at its start, and touches nothing.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain; a target that is not empty, is an input, or is of the wrong kind;
    /// options that do not go with the columns.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(error) = &self.wrong {
            return Err(error.clone());
        }
        let target = self.target()?;
        let plan = self.final_plan(self.frame.plan()?, &target)?;
        Dataset::check(&target, Arc::clone(plan.schema()), &self.dataset_options(&plan)?)?;
        Ok(())
    }

    /// Bytes of input that [`Writing::write`] will read, as they lie in their files.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain.
    pub(crate) fn input_bytes(&self) -> Result<u64> {
        let plan = optimize(self.frame.plan()?, Stage::Fused)?;
        Ok(input_bytes(&plan))
    }

    fn dataset_options(&self, plan: &PlanRef) -> Result<DatasetOptions> {
        let origin = fingerprint(&optimize(self.frame.plan()?, Stage::Fused)?);
        Ok(DatasetOptions {
            write: self.format.clone(),
            overwrite: self.overwrite,
            append: self.append,
            resume: self.resume,
            single_file: self.single_file,
            partitions: Some(plan.partitions()),
            inputs: inputs(plan),
            index: self.frame.divisions()?.column().map(str::to_owned),
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
