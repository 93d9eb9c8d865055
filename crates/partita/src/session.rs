//! Sessions: a memory limit, threads, a scheduler, and what is persisted.

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use partita_runtime::engine::MemoryUse;
use partita_runtime::executor::Scheduler;
use partita_runtime::storage::Disk;
use partita_runtime::store::SpillOptions;
use partita_runtime::{Engine, EngineOptions};

use crate::context::Inputs;
use crate::csv::CsvReader;
use crate::error::Result;
use crate::frame::DataFrame;
use crate::graph::{Graph, Results, TaskId};
use crate::input_format::InputFormat;
use crate::read_ipc::IpcReader;
use crate::read_ndjson::NdjsonReader;
use crate::read_parquet::ParquetReader;
use crate::size::ByteSize;

/// A memory limit, threads and a scheduler, and the partitions that are persisted under them. Cloning shares the
/// session. Two sessions live in one process without touching each other.
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// let session = Session::builder().memory_limit("512MiB").threads(2).build()?;
/// assert_eq!(session.threads(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    engine: Arc<Engine>,
}

/// Settings of a session; what is not set has a default that fits the machine.
#[derive(Debug, Clone, Default)]
pub struct SessionBuilder {
    memory_limit: Option<ByteSize>,
    threads: Option<usize>,
    scheduler: Option<Scheduler>,
    disk: Option<Arc<dyn Disk>>,
    spill: SpillOptions,
    spill_bytes_max: Option<ByteSize>,
}

impl SessionBuilder {
    /// Memory that the session may use, in bytes or as text (`"2GiB"`): anonymous and shared memory of the whole process. Default:
    /// 60 % of what the machine or its control group has; 0 stands for the default, and less than 128 MiB is refused.
    #[must_use]
    pub fn memory_limit(mut self, limit: impl Into<ByteSize>) -> Self {
        self.memory_limit = Some(limit.into());
        self
    }

    /// Number of task threads. Default: one a core; 0 stands for the default. A small memory limit has fewer: 4 at 128 MiB, 12 at
    /// 256 MiB.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How tasks run where a call does not say otherwise. Default: [`Scheduler::Threaded`].
    #[must_use]
    pub fn scheduler(mut self, scheduler: Scheduler) -> Self {
        self.scheduler = Some(scheduler);
        self
    }

    /// Folders for partitions that do not fit in memory, on local disks; they are used in turns. Default: the first of the
    /// system's folder for temporary files, `/var/tmp` and the working directory that is not in memory. What is written there is gone
    /// with the session, or, after a crash, when the next session starts.
    #[must_use]
    pub fn spill_dirs<P: Into<std::path::PathBuf>>(mut self, dirs: impl IntoIterator<Item = P>) -> Self {
        self.spill.dirs = dirs.into_iter().map(Into::into).collect();
        self
    }

    /// Bytes on disk that partitions may take, as a number or as text. Default: as much as there is; 0 stands for the default.
    #[must_use]
    pub fn spill_bytes_max(mut self, bytes: impl Into<ByteSize>) -> Self {
        self.spill_bytes_max = Some(bytes.into());
        self
    }

    /// Whether a folder of a memory file system (tmpfs) may be one of [`SessionBuilder::spill_dirs`]; default no, because
    /// what is written there takes memory that the limit does not know of.
    #[must_use]
    pub fn spill_to_memory(mut self, allow: bool) -> Self {
        self.spill.allow_memory = allow;
        self
    }

    /// The disk of local files, for tests that make it fail.
    #[doc(hidden)]
    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = Some(disk);
        self
    }

    /// Starts the session.
    ///
    /// # Errors
    /// Where the limit is no size, or below 128 MiB, or a folder to spill to is none or in memory.
    pub fn build(self) -> Result<Session> {
        let memory_limit = self.memory_limit.map(|limit| limit.bytes()).transpose()?;
        let options = EngineOptions {
            memory_limit: memory_limit.filter(|bytes| *bytes > 0),
            threads: self.threads.filter(|threads| *threads > 0),
            scheduler: self.scheduler.unwrap_or(Scheduler::Threaded),
            disk: self.disk,
            spill: SpillOptions {
                bytes_max: self
                    .spill_bytes_max
                    .map(|bytes| bytes.bytes())
                    .transpose()?
                    .filter(|bytes| *bytes > 0),
                ..self.spill
            },
        };
        Ok(Session { engine: Engine::start(&options)? })
    }
}

impl Session {
    /// Begins to set up a session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// A session with the default settings.
    ///
    /// # Errors
    /// Where the machine has less than 128 MiB to give.
    pub fn new() -> Result<Session> {
        Session::builder().build()
    }

    /// The default session of this process, made at its first use.
    pub(crate) fn shared() -> Session {
        static SHARED: OnceLock<Session> = OnceLock::new();
        SHARED.get_or_init(|| Session { engine: Engine::start_default() }).clone()
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Begins to read CSV files: a path, a glob, a folder, a `file://` URL, `-` for standard input, or a list.
    pub fn read_csv(&self, input: impl Into<Inputs>) -> CsvReader {
        CsvReader::new(self.clone(), input.into())
    }

    /// Begins to read Parquet files: a path, a glob, a folder, a `file://` URL, `-` for standard input, or a list.
    pub fn read_parquet(&self, input: impl Into<Inputs>) -> ParquetReader {
        ParquetReader::new(self.clone(), input.into())
    }

    /// Begins to read newline-delimited JSON, plain or compressed: a path, a glob, a folder, a `file://` URL, `-` for standard input, or a
    /// list.
    pub fn read_ndjson(&self, input: impl Into<Inputs>) -> NdjsonReader {
        NdjsonReader::new(self.clone(), input.into())
    }

    /// Begins to read Arrow IPC files and streams: a path, a glob, a folder, a `file://` URL, `-` for standard input, or a list.
    pub fn read_ipc(&self, input: impl Into<Inputs>) -> IpcReader {
        IpcReader::new(self.clone(), input.into())
    }

    /// The format of the first file that these inputs stand for, by its name or its first bytes.
    pub fn input_format(&self, input: impl Into<Inputs>) -> InputFormat {
        crate::input_format::of(self, &input.into())
    }

    /// A frame of one partition a list of batches.
    ///
    /// # Errors
    /// Where a batch has another schema, or the rows do not fit the memory limit.
    pub fn from_batches(&self, schema: SchemaRef, partitions: Vec<Vec<RecordBatch>>) -> Result<DataFrame> {
        DataFrame::from_partitions(self, schema, partitions)
    }

    /// A frame of one partition with the rows of a Polars frame.
    ///
    /// # Errors
    /// Where Polars has a type that Arrow columns here do not have, or the rows do not fit the memory limit.
    pub fn from_polars(&self, frame: &polars_core::frame::DataFrame) -> Result<DataFrame> {
        let (schema, batches) = partita_columns::polars::from_polars(frame, 8192)?;
        self.from_batches(schema, vec![batches])
    }

    /// Runs a graph of closures and returns the results of `targets`.
    ///
    /// # Errors
    /// The first task that failed, by name.
    pub fn run(&self, graph: &Graph, targets: &[TaskId]) -> Result<Results> {
        self.run_with(graph, targets, self.engine.scheduler())
    }

    /// [`Session::run`] with another scheduler.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_with(&self, graph: &Graph, targets: &[TaskId], scheduler: Scheduler) -> Result<Results> {
        Ok(self.engine.run_closures(graph, targets, scheduler)?)
    }

    /// Writes what has happened in this session, as JSON, one event a line: runs, tasks with their times and threads,
    /// failures. The oldest runs are dropped past 16 MiB.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_journal(&self, out: impl std::io::Write) -> std::io::Result<()> {
        self.engine.journal().write_json_lines(out)
    }

    /// Number of task threads: those asked for, or fewer where the memory limit is too small for as many.
    pub fn threads(&self) -> usize {
        self.engine.threads()
    }

    /// The scheduler of calls that do not choose one.
    pub fn scheduler(&self) -> Scheduler {
        self.engine.scheduler()
    }

    /// The memory limit in bytes.
    pub fn memory_limit(&self) -> u64 {
        self.engine.memory_limit()
    }

    /// What the session takes now, in memory and on disk.
    pub fn memory(&self) -> MemoryUse {
        self.engine.memory()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Session")
            .field("scheduler", &self.scheduler())
            .field("threads", &self.threads())
            .field("memory_limit", &self.memory_limit())
            .finish()
    }
}
