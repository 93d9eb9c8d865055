//! The frame: a lazy, partitioned table.

mod aligned;
mod describe;
mod distinct;
mod divisions;
mod ends;
mod groupby;
mod index;
mod observed;
mod overlap;
mod pivot;
mod reduce;
mod rows;
mod stream;
mod together;

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use comfy_table::{Cell, ContentArrangement, Table, presets};
use partita_columns::{Partition, polars};
use partita_formats::csv::schema_file::type_name;
use partita_formats::parquet::WriteOptions;
use partita_formats::rows::{CsvOptions, IpcOptions, NdjsonOptions, RowsFormat, RowsOptions};
use partita_plan::lower::{Starts, Target, lower};
use partita_plan::memory;
use partita_plan::node::{
    Divisions, Filter, MapPartitions, Partitions, Project, ReadCsv, RowIndex, Stored, nodes, position,
};
use partita_plan::stage::{explain, optimize};
use partita_plan::{Expr, Plan, PlanRef, Stage};
use partita_runtime::cancel::CancelToken;
use partita_runtime::engine::{Call, Lineage, StoredFrame};
use partita_runtime::executor::Scheduler;
use partita_tasks::interpret::Outcome;

pub use groupby::GroupBy;
pub use index::SetIndex;
pub use pivot::PivotTable;
pub use stream::Batches;

use crate::context::{Inputs, IntoColumns};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::BoxError;
use crate::parquet::ParquetWriter;
use crate::rows::RowsWriter;
use crate::session::Session;

/// A lazy, partitioned table. Calls that describe return a frame at once; calls that ask (`len`, `head`,
/// `compute`, `persist`, `to_parquet`, ..) run. Cloning shares the plan.
///
/// A wrong call (a column that is not there, a filter that is no Boolean) is kept in the frame and reported by the first call that
/// returns a `Result`.
#[derive(Clone)]
pub struct DataFrame {
    session: Session,
    plan: Result<PlanRef>,
    scheduler: Option<Scheduler>,
    cancel: Option<CancelToken>,
}

/// Making frames.
impl DataFrame {
    pub(crate) fn new(session: Session, plan: PlanRef) -> Self {
        Self { session, plan: Ok(plan), scheduler: None, cancel: None }
    }

    /// A frame that reports an error from every call.
    fn wrong(session: Session, error: Error) -> Self {
        Self { session, plan: Err(error), scheduler: None, cancel: None }
    }

    pub(crate) fn from_partitions(
        session: &Session,
        schema: SchemaRef,
        partitions: Vec<Vec<RecordBatch>>,
    ) -> Result<Self> {
        let held = session.engine().hold(&schema, partitions)?;
        Ok(Self::stored(session, schema, held, Divisions::Unknown))
    }

    fn stored(session: &Session, schema: SchemaRef, held: StoredFrame, divisions: Divisions) -> Self {
        let fences = divisions.column().map(|column| (column.to_owned(), held.fences.into()));
        let plan = Stored::plan(held.frame, schema, held.counts, (divisions, fences), held.keep_alive);
        Self::new(session.clone(), plan)
    }

    fn map(&self, step: impl FnOnce(PlanRef) -> partita_plan::Result<PlanRef>) -> Self {
        let plan = self.plan.clone().and_then(|plan| step(plan).map_err(Error::from));
        Self { plan, ..self.clone() }
    }

    pub(crate) fn plan(&self) -> Result<&PlanRef> {
        self.plan.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn call(&self) -> Call {
        let call = self.session.engine().call(self.scheduler);
        match &self.cancel {
            // A child: a stream that is dropped cancels its own run alone.
            Some(token) => Call { cancel: token.child(), ..call },
            None => call,
        }
    }
}

/// Describing.
impl DataFrame {
    /// Keeps the rows where `predicate` is true; false and missing drop the row.
    #[must_use]
    pub fn filter(&self, predicate: Expr) -> Self {
        self.map(|plan| Filter::plan(plan, predicate))
    }

    /// These columns, by name or as expressions, in this order.
    #[must_use]
    pub fn select(&self, columns: impl IntoColumns) -> Self {
        self.map(|plan| Project::plan(plan, columns.into_columns()))
    }

    /// Adds one column, or replaces the one of that name.
    #[must_use]
    pub fn with_column(&self, name: &str, value: Expr) -> Self {
        self.with_columns([value.alias(name)])
    }

    /// Adds columns, or replaces those of the same names.
    #[must_use]
    pub fn with_columns(&self, columns: impl IntoColumns) -> Self {
        self.map(|plan| Project::with_columns(plan, columns.into_columns()))
    }

    /// All columns but these.
    #[must_use]
    pub fn drop<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.map(|plan| Project::without(plan, &names))
    }

    /// Other names for columns: pairs of old and new.
    #[must_use]
    pub fn rename<A: AsRef<str>, B: AsRef<str>>(&self, names: impl IntoIterator<Item = (A, B)>) -> Self {
        let pairs = names.into_iter().map(|(from, to)| (from.as_ref().to_owned(), to.as_ref().to_owned()));
        let pairs: Vec<(String, String)> = pairs.collect();
        self.map(|plan| Project::renamed(plan, &pairs))
    }

    /// The running row number from 0 over the whole frame, as a first column of UInt64. The rows of all partitions
    /// are counted before; no column is decoded for it.
    #[must_use]
    pub fn with_row_index(&self, name: &str) -> Self {
        self.map(|plan| RowIndex::plan(plan, name))
    }

    /// Calls `function` on each partition as a Polars frame; it returns columns of `schema`. The function is called from several
    /// threads at once, with whole partitions in memory.
    #[must_use]
    pub fn map_partitions<F>(&self, schema: Schema, function: F) -> Self
    where
        F: Fn(polars_core::frame::DataFrame) -> Result<polars_core::frame::DataFrame, BoxError>
            + Send
            + Sync
            + 'static,
    {
        self.map_partition_batches(schema, move |input, batches| {
            let frame = function(polars::to_polars(&input, batches)?)?;
            Ok(polars::from_polars(&frame, 8192)?.1)
        })
    }

    /// [`DataFrame::map_partitions`] with Arrow batches in and out.
    #[must_use]
    pub fn map_partition_batches<F>(&self, schema: Schema, function: F) -> Self
    where
        F: Fn(SchemaRef, Vec<RecordBatch>) -> Result<Vec<RecordBatch>, BoxError> + Send + Sync + 'static,
    {
        let (id, keep_alive) = self.session.engine().register(Box::new(function));
        self.map(|plan| MapPartitions::plan(plan, id, Arc::new(schema), keep_alive))
    }

    /// The same frame, whose asking calls run with `scheduler`.
    #[must_use]
    pub fn with_scheduler(&self, scheduler: Scheduler) -> Self {
        Self { scheduler: Some(scheduler), ..self.clone() }
    }

    /// The same frame, whose asking calls end with an error soon after `token` is cancelled, from any thread. What they held in memory
    /// and on disk is free then.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nA,12.5\n").unwrap();
    /// let token = partita::CancelToken::new();
    /// let trips = partita::read_csv(&path).load()?.with_cancel(&token);
    /// token.cancel();
    /// assert!(trips.persist().is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_cancel(&self, token: &CancelToken) -> Self {
        Self { cancel: Some(token.clone()), ..self.clone() }
    }
}

/// Looking, without running.
impl DataFrame {
    /// Names and types of the columns.
    ///
    /// # Errors
    /// The first wrong call of the chain.
    pub fn schema(&self) -> Result<SchemaRef> {
        Ok(Arc::clone(self.plan()?.schema()))
    }

    /// Names of the columns.
    ///
    /// # Errors
    /// The first wrong call of the chain.
    pub fn columns(&self) -> Result<Vec<String>> {
        Ok(self.plan()?.schema().fields().iter().map(|field| field.name().clone()).collect())
    }

    /// Number of partitions.
    ///
    /// # Errors
    /// The first wrong call of the chain.
    pub fn npartitions(&self) -> Result<usize> {
        Ok(self.plan()?.partitions())
    }

    /// The plan at a stage, as text.
    ///
    /// # Errors
    /// The first wrong call of the chain.
    pub fn explain(&self, stage: Stage) -> Result<String> {
        Ok(explain(self.plan()?, stage)?)
    }

    /// Number of tasks that `compute` would run.
    ///
    /// # Errors
    /// The first wrong call of the chain.
    pub fn tasks(&self) -> Result<usize> {
        Ok(lower(&optimize(self.plan()?, Stage::Fused)?, &Target::Collect, Starts::Guessed)?.graph.len())
    }
}

/// Asking.
impl DataFrame {
    /// Number of rows. No column is read for it that no filter needs; of a persisted frame it is known.
    ///
    /// # Errors
    /// The first wrong call of the chain, or whatever goes wrong while it runs.
    pub fn len(&self) -> Result<u64> {
        let counted = optimize(&self.plan()?.operator().prune(&[])?, Stage::Fused)?;
        if let Some(rows) = counted.operator().known_rows() {
            return Ok(rows);
        }
        let counts = guessing(|starts| self.run(&counted, &Target::Count, starts))?;
        Ok(counts.iter().map(|count| if let Outcome::Count(rows) = count { *rows } else { 0 }).sum())
    }

    /// Whether there are no rows.
    ///
    /// # Errors
    /// As [`DataFrame::len`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Number of values that are not null, column by column.
    ///
    /// # Errors
    /// As [`DataFrame::len`].
    pub fn count(&self) -> Result<Vec<(String, u64)>> {
        let names = self.columns()?;
        let mut totals = vec![0; names.len()];
        let plan = optimize(self.plan()?, Stage::Fused)?;
        for outcome in guessing(|starts| self.run(&plan, &Target::CountValues, starts))? {
            if let Outcome::Counts(counts) = outcome {
                for (total, count) in totals.iter_mut().zip(counts.iter()) {
                    *total += count;
                }
            }
        }
        Ok(names.into_iter().zip(totals).collect())
    }

    /// All rows, as a Polars frame. It leaves the session's memory limit when it is handed over.
    ///
    /// # Errors
    /// As [`DataFrame::len`]; where the rows do not fit the memory limit, an error that names
    /// [`DataFrame::batches`] and [`DataFrame::to_parquet`]: before the work begins where an estimate says so.
    pub fn compute(&self) -> Result<polars_core::frame::DataFrame> {
        let (schema, batches) = self.collect(Stage::Fused)?;
        Ok(polars::to_polars(&schema, batches)?)
    }

    /// [`DataFrame::compute`] with another scheduler than the session's.
    ///
    /// # Errors
    /// As [`DataFrame::compute`].
    pub fn compute_with(&self, scheduler: Scheduler) -> Result<polars_core::frame::DataFrame> {
        self.with_scheduler(scheduler).compute()
    }

    /// All rows, as Arrow batches in order.
    ///
    /// # Errors
    /// As [`DataFrame::compute`].
    pub fn compute_batches(&self) -> Result<Vec<RecordBatch>> {
        Ok(self.collect(Stage::Fused)?.1)
    }

    /// All rows, as Arrow batches in order, by the plan of a stage: every stage runs and gives the same rows, most of
    /// them slower than [`Stage::Fused`], which all other calls use.
    ///
    /// # Errors
    /// As [`DataFrame::compute`].
    pub fn compute_batches_at(&self, stage: Stage) -> Result<Vec<RecordBatch>> {
        Ok(self.collect(stage)?.1)
    }

    /// All rows as Arrow batches, in order, each as soon as it is there; partitions are computed ahead, a bounded number of them.
    ///
    /// # Errors
    /// The first wrong call of the chain; what goes wrong later comes as the last item, behind the rows before it.
    pub fn batches(&self) -> Result<Batches> {
        let frame = self.session.engine().reserve_frame();
        // Rows are handed out before all blocks have been read: none may be a guess.
        let (lineage, _) = self.lineage(&Target::Stream { frame: frame.number() }, Starts::Searched)?;
        Ok(Batches::new(self.session.engine().stream(lineage, frame, self.call())))
    }

    /// Computes every partition and keeps it in the session, until the last frame that is made of it is dropped. What does not
    /// fit in memory goes to disk, to the folders of [`crate::SessionBuilder::spill_dirs`].
    ///
    /// # Errors
    /// As [`DataFrame::compute`].
    pub fn persist(&self) -> Result<DataFrame> {
        let divisions = self.divisions()?;
        let schema = self.plan()?.schema();
        let index = divisions.column().map(|column| position(schema, column)).transpose()?;
        let (held, schema) = guessing(|starts| {
            let engine = self.session.engine();
            let frame = engine.reserve_frame();
            let target = Target::Store { frame: frame.number(), index };
            let (lineage, schema) = self.lineage(&target, starts)?;
            Ok((engine.persist(&lineage, frame, &self.call())?, schema))
        })?;
        let divisions = divisions.found(&held.fences);
        let stored = Self::stored(&self.session, schema, held, divisions);
        Ok(Self { scheduler: self.scheduler, cancel: self.cancel.clone(), ..stored })
    }

    /// The tasks that store the partitions under a number, and their columns.
    fn lineage(&self, target: &Target, starts: Starts) -> Result<(Lineage, SchemaRef)> {
        let plan = optimize(self.plan()?, Stage::Fused)?;
        memory::check(&plan, self.session.engine().ledger().limit_bytes())?;
        let lowered = lower(unwritten(&plan)?, target, starts)?;
        let functions = nodes(&plan).into_iter().filter_map(|plan| match &**plan {
            Plan::MapPartitions(map) => Some(map.function()),
            Plan::MapOverlap(map) => Some(map.function()),
            Plan::GroupApply(apply) => Some(apply.function()),
            _ => None,
        });
        let lineage = Lineage {
            functions: functions.collect(),
            graph: Arc::new(lowered.graph),
            targets: lowered.targets.into(),
        };
        Ok((lineage, lowered.schema))
    }

    /// Releases a persisted frame now: what its last drop would do. Frames made of it report an error from then on.
    ///
    /// # Errors
    /// Where the frame is not a persisted one.
    pub fn unpersist(self) -> Result<()> {
        match &**self.plan()? {
            Plan::Stored(stored) => {
                self.session.engine().release(stored.frame());
                Ok(())
            }
            _ => Err(ErrorKind::Option("unpersist: the frame is not the result of persist()".into()).into()),
        }
    }

    /// Begins to write a Parquet data set: a folder of parts, or one file where the name ends in `.parquet`.
    pub fn to_parquet(&self, target: impl Into<Inputs>) -> ParquetWriter {
        ParquetWriter::new(self.clone(), target.into(), WriteOptions::default())
    }

    /// Begins to write CSV: a folder of parts, or one file where the name ends in `.csv`.
    pub fn to_csv(&self, target: impl Into<Inputs>) -> RowsWriter {
        self.to_rows(target, RowsFormat::Csv(CsvOptions::default()))
    }

    /// Begins to write newline-delimited JSON, an object a row: a folder of parts, or one file where the name ends in `.ndjson` or
    /// `.jsonl`.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, out) = (folder.path().join("trips.csv"), folder.path().join("trips.ndjson"));
    /// # std::fs::write(&path, "zone,fare\nA,12.50\n,0\n").unwrap();
    /// partita::read_csv(&path).load()?.to_ndjson(&out).write()?;
    /// let lines = "{\"zone\":\"A\",\"fare\":12.5}\n{\"zone\":null,\"fare\":0.0}\n";
    /// assert_eq!(std::fs::read_to_string(&out).unwrap(), lines);
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_ndjson(&self, target: impl Into<Inputs>) -> RowsWriter {
        self.to_rows(target, RowsFormat::Ndjson(NdjsonOptions::default()))
    }

    /// Begins to write Arrow IPC, the file format (Feather 2): a folder of parts, or one file where the name
    /// ends in `.arrow`, `.feather` or `.ipc`.
    pub fn to_ipc(&self, target: impl Into<Inputs>) -> RowsWriter {
        self.to_rows(target, RowsFormat::Ipc(IpcOptions::default()))
    }

    /// Begins to write files of rows of any format: a folder of parts, or one file where the name ends as those of the format do.
    pub fn to_rows(&self, target: impl Into<Inputs>, format: RowsFormat) -> RowsWriter {
        RowsWriter::new(self.clone(), target.into(), RowsOptions::new(format))
    }

    fn run_partitions(&self, wanted: std::ops::Range<usize>, target: &Target) -> Result<Vec<Outcome>> {
        let picked = Partitions::plan(Arc::clone(self.plan()?), wanted)?;
        self.run(&optimize(&picked, Stage::Fused)?, target, Starts::Searched)
    }

    /// Runs an optimized plan; one outcome a partition, in order.
    fn run(&self, plan: &PlanRef, target: &Target, starts: Starts) -> Result<Vec<Outcome>> {
        memory::check(plan, self.session.engine().ledger().limit_bytes())?;
        let lowered = lower(unwritten(plan)?, target, starts)?;
        Ok(self.session.engine().collect(&lowered.graph, &lowered.targets, &self.call())?)
    }

    fn collect(&self, stage: Stage) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let plan = optimize(self.plan()?, stage)?;
        memory::check_collected(&plan, self.session.engine().ledger().limit_bytes())?;
        let outcomes = match stage {
            Stage::Fused => guessing(|starts| self.run(&plan, &Target::Collect, starts))?,
            // Other stages have tasks behind those that read, which cannot tell a wrong guess from wrong rows.
            _ => self.run(&plan, &Target::Collect, Starts::Searched)?,
        };
        Ok((Arc::clone(plan.schema()), outcomes.iter().flat_map(batches_of).collect()))
    }
}

/// Runs with guessed block starts, and where one was wrong once more with starts that are searched for.
pub(crate) fn guessing<T>(run: impl Fn(Starts) -> Result<T>) -> Result<T> {
    match run(Starts::Guessed) {
        Err(error) if error.is_misplaced() => run(Starts::Searched),
        done => done,
    }
}

/// Refuses to run a plan whose records may be set aside: there is no data set to set them aside of.
fn unwritten(plan: &PlanRef) -> Result<&PlanRef> {
    if crate::writing::plan::sources(plan).any(ReadCsv::quarantines) {
        let message = "on_mismatch(OnMismatch::Quarantine) sets records aside beside a data set: only to_parquet() can; \
                       read the frame without it to look at its rows, to count or to persist them";
        return Err(ErrorKind::Option(message.into()).into());
    }
    Ok(plan)
}

/// The batches of a collected partition, their buffers shared.
pub(crate) fn batches_of(outcome: &Outcome) -> Vec<RecordBatch> {
    match outcome {
        Outcome::Partition(held) => Partition::batches(&held.partition).to_vec(),
        _ => Vec::new(),
    }
}

impl fmt::Display for DataFrame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = match &self.plan {
            Ok(plan) => plan,
            Err(error) => return write!(out, "DataFrame with an error: {error}"),
        };
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["column", "type", "nulls"]);
        for field in plan.schema().fields() {
            let nulls = if field.is_nullable() { "allowed" } else { "none" };
            table.add_row([
                Cell::new(field.name()),
                Cell::new(type_name(field.data_type())),
                Cell::new(nulls),
            ]);
        }
        let tasks = self.tasks().map_or_else(|error| error.to_string(), |tasks| tasks.to_string());
        writeln!(out, "{table}")?;
        write!(
            out,
            "{} columns, npartitions {}, divisions {}, {tasks} tasks",
            plan.schema().fields().len(),
            plan.partitions(),
            plan.divisions()
        )
    }
}

impl fmt::Debug for DataFrame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
