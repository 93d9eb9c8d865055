//! What a session owns, and the running of graphs of Programs.

mod footers;
mod functions;
mod lineage;
mod memory;
mod runner;
mod stream;
mod waiting;

use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;
use partita_formats::buffers::{Pool, Room};
use partita_schedule::graph::{Graph, TaskId};
use partita_schedule::{Order, RunId};
use partita_tasks::Program;
use partita_tasks::host::{MapFunction, Reservation, StoreWriter};
use partita_tasks::interpret::{Fence, Outcome};
use partita_tasks::program::{FunctionId, StoreKey};

pub use functions::{BatchesFunction, BoxError};
pub use lineage::Lineage;
pub use memory::MemoryUse;
pub use stream::PartitionStream;

use crate::cancel::CancelToken;
use crate::dataset::Dataset;
use crate::error::{ErrorKind, Result};
use crate::executor::{self, RunOptions, Scheduler};
use crate::journal::Journal;
use crate::ledger::{Ledger, threads_max};
use crate::progress::Progress;
use crate::storage::{Disk, LocalDisk, Spool, Storage, fault};
use crate::store::{NeededLast, SpillFolders, SpillOptions, Store};
use crate::widening::Widening;

use footers::Footers;
use functions::Functions;
use lineage::Lineages;
use memory::Buffers;
use runner::ProgramRunner;
use waiting::{WAITING_SHARE, Waiting};

/// How long a release waits for frames that are on their way to disk.
const RELEASE_WAIT: Duration = Duration::from_secs(1);

/// Settings of an engine.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Memory limit in bytes; `None`: 60 % of what the machine or its control group has.
    pub memory_limit: Option<u64>,
    /// Task threads; `None`: one a core.
    pub threads: Option<usize>,
    /// How tasks run where a call does not say otherwise.
    pub scheduler: Scheduler,
    /// The disk of local files; `None`: the file system as it is.
    pub disk: Option<Arc<dyn Disk>>,
    /// Where partitions go that do not fit in memory.
    pub spill: SpillOptions,
}

/// How one call runs.
#[derive(Debug, Clone)]
pub struct Call {
    /// One thread or many.
    pub scheduler: Scheduler,
    /// Ends the run when it is set.
    pub cancel: CancelToken,
    /// Counted up while it runs.
    pub progress: Arc<Progress>,
    /// Filled while it runs, where types may be widened.
    pub widening: Arc<Widening>,
}

/// What only some runs have.
#[derive(Default)]
struct Extras<'a> {
    /// The data set that row groups go to.
    dataset: Option<&'a Dataset>,
    /// How many targets may be computed beyond those handed over.
    targets_ahead_max: Option<usize>,
    /// Where buffers of rows come from that somebody reads and drops while the run goes on.
    pool: Option<Arc<Pool>>,
}

/// Partitions that the store holds for a frame.
pub struct StoredFrame {
    /// The frame's number.
    pub frame: u64,
    /// Rows and bytes of each partition.
    pub counts: Vec<(u64, u64)>,
    /// The index in each frame of each partition, where the tasks were asked for it.
    pub fences: Vec<Arc<[Fence]>>,
    /// Releases the partitions when it is dropped.
    pub keep_alive: Arc<FrameGuard>,
}

/// Releases a frame's partitions when it is dropped.
pub struct FrameGuard {
    engine: Arc<Engine>,
    frame: u64,
}

impl FrameGuard {
    /// The frame's number.
    pub fn number(&self) -> u64 {
        self.frame
    }
}

impl Drop for FrameGuard {
    fn drop(&mut self) {
        self.engine.release(self.frame);
    }
}

/// Everything that a session owns: ledger, storage, store, registered functions.
pub struct Engine {
    ledger: Arc<Ledger>,
    storage: Storage,
    store: Store,
    lineages: Lineages,
    functions: Functions,
    footers: Footers,
    spool: Spool,
    journal: Arc<Journal>,
    buffers: Buffers,
    threads: usize,
    scheduler: Scheduler,
    next: AtomicU64,
    /// The least that the process held beyond the ledger at the end of a run.
    unseen_bytes: AtomicU64,
}

impl Engine {
    /// Starts an engine.
    ///
    /// # Errors
    /// Where the memory limit is below 128 MiB, or a folder to spill to is none.
    pub fn start(options: &EngineOptions) -> Result<Arc<Self>> {
        let threads = options.threads.unwrap_or_else(cores);
        let ledger = Ledger::new(options.memory_limit, threads)?;
        let threads = threads.min(threads_max(ledger.memory_limit_bytes()));
        let disk = options.disk.as_ref().map_or_else(default_disk, Arc::clone);
        let folders = SpillFolders::new(&options.spill, Arc::clone(&disk))?;
        Ok(Arc::new(Self::with_ledger(ledger, folders, disk, threads, options.scheduler)))
    }

    /// Runs a graph of closures.
    ///
    /// # Errors
    /// The first task that failed, by name.
    pub fn run_closures(
        &self,
        graph: &crate::executor::graph::Graph,
        targets: &[crate::executor::graph::TaskId],
        scheduler: Scheduler,
    ) -> Result<crate::executor::graph::Results> {
        let options = RunOptions {
            scheduler,
            threads: self.threads,
            run: self.journal.next_run(),
            epoch: self.journal.epoch(),
            observer: Some(&*self.journal),
            ..RunOptions::default()
        };
        Ok(crate::executor::graph::run(graph, targets, &options)?)
    }

    /// Starts an engine with the default settings.
    pub fn start_default() -> Arc<Self> {
        let threads = cores();
        let disk = default_disk();
        let folders = SpillFolders::by_default(Arc::clone(&disk));
        let ledger = Ledger::with_default_limit(threads);
        let threads = threads.min(threads_max(ledger.memory_limit_bytes()));
        Arc::new(Self::with_ledger(ledger, folders, disk, threads, Scheduler::Threaded))
    }

    fn with_ledger(
        ledger: Arc<Ledger>,
        folders: SpillFolders,
        disk: Arc<dyn Disk>,
        threads: usize,
        scheduler: Scheduler,
    ) -> Self {
        crate::os::keep_large_buffers_apart(ledger.memory_limit_bytes());
        let journal = Arc::new(Journal::default());
        let listener = memory::spill_listener(&journal);
        Self {
            store: Store::new(&ledger, Box::new(NeededLast), Arc::new(folders), listener),
            ledger,
            storage: Storage::new(disk),
            lineages: Lineages::default(),
            functions: Functions::default(),
            footers: Footers::default(),
            spool: Spool::default(),
            journal,
            buffers: Buffers::default(),
            threads,
            scheduler,
            next: AtomicU64::new(1),
            unseen_bytes: AtomicU64::new(u64::MAX),
        }
    }

    /// The storage room.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The ledger.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// What has happened in the runs of this engine.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Writes a stream to a temporary file, which lives as long as the engine, and returns its path.
    ///
    /// # Errors
    /// Where the stream cannot be read or the file not be written.
    pub fn spool(&self, input: &mut dyn Read) -> Result<String> {
        self.spool.take(input)
    }

    /// Number of task threads: those asked for, or fewer where the memory limit is too small for as many.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The scheduler of calls that do not choose one.
    pub fn scheduler(&self) -> Scheduler {
        self.scheduler
    }

    /// The memory limit in bytes.
    pub fn memory_limit(&self) -> u64 {
        self.ledger.memory_limit_bytes()
    }

    /// Bytes reserved now.
    pub fn memory_reserved(&self) -> u64 {
        self.ledger.used_bytes()
    }

    /// A number that nothing else of this engine has.
    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A call with `scheduler`, or the engine's own; nobody can cancel it but through its token.
    pub fn call(&self, scheduler: Option<Scheduler>) -> Call {
        Call {
            scheduler: scheduler.unwrap_or(self.scheduler),
            cancel: CancelToken::new(),
            progress: Arc::new(Progress::default()),
            widening: Arc::new(Widening::default()),
        }
    }

    /// Asks the ledger for memory.
    ///
    /// # Errors
    /// Where it is not to be had.
    pub(crate) fn reserve(
        &self,
        operator: &str,
        bytes: usize,
        way_out: &'static str,
    ) -> partita_tasks::Result<Box<dyn Reservation>> {
        self.ledger.reserve_for_task(operator, bytes, way_out)
    }

    /// Asks the ledger for memory for work that is done ahead of its turn.
    pub(crate) fn reserve_ahead(&self, operator: &str, bytes: usize) -> Option<Box<dyn Reservation>> {
        self.ledger.reserve_ahead(operator, bytes)
    }

    pub(crate) fn reserve_held(&self, operator: &str, bytes: usize) -> Option<Box<dyn Reservation>> {
        self.ledger.reserve_held(operator, bytes)
    }

    /// Registers a function for `map_partitions`, until the returned guard is dropped.
    pub fn register(self: &Arc<Self>, function: Box<BatchesFunction>) -> (FunctionId, Arc<FunctionGuard>) {
        let id = FunctionId(self.number());
        self.functions.put(id, function);
        (id, Arc::new(FunctionGuard { engine: Arc::clone(self), id }))
    }

    pub(crate) fn function(&self, id: FunctionId) -> Option<Arc<dyn MapFunction>> {
        self.functions.get(id)
    }

    /// The ledger as the writer of a data set sees it: encoded row groups that wait for their turn.
    pub fn waiting_bytes(&self) -> Arc<dyn Room> {
        Arc::new(Waiting::new(&self.ledger, "to_parquet: row groups that wait", WAITING_SHARE))
    }

    /// Runs `graph` and hands each target's outcome to `deliver` as it is done, with its place in `targets`.
    ///
    /// # Errors
    /// The first task that failed for good, or cancellation.
    pub fn run(
        &self,
        graph: &Graph<Program>,
        targets: &[TaskId],
        call: &Call,
        deliver: &(dyn Fn(usize, Outcome) + Sync),
    ) -> Result<()> {
        self.run_with(graph, targets, call, &Extras::default(), deliver)
    }

    /// [`Engine::run`], writing into a data set.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn run_into(
        &self,
        graph: &Graph<Program>,
        targets: &[TaskId],
        call: &Call,
        dataset: &Dataset,
        deliver: &(dyn Fn(usize, Outcome) + Sync),
    ) -> Result<()> {
        let extras = Extras { dataset: Some(dataset), ..Extras::default() };
        self.run_with(graph, targets, call, &extras, deliver)
    }

    fn run_with(
        &self,
        graph: &Graph<Program>,
        targets: &[TaskId],
        call: &Call,
        extras: &Extras<'_>,
        deliver: &(dyn Fn(usize, Outcome) + Sync),
    ) -> Result<()> {
        call.progress.start(graph.len() as u64);
        let run = self.journal.next_run();
        let _reads = self.announce_reads(graph, targets, run)?;
        let runner = ProgramRunner::new(self, call, run, extras);
        let options = RunOptions {
            scheduler: call.scheduler,
            threads: self.threads,
            cancel: call.cancel.clone(),
            targets_ahead_max: extras.targets_ahead_max,
            run,
            epoch: self.journal.epoch(),
            observer: Some(&*self.journal),
            ..RunOptions::default()
        };
        let result = executor::run(graph, targets, &runner, &options, deliver).map_err(runner::run_error);
        self.settle();
        result
    }

    /// Tells the store what the run will read, and when: it keeps longest what is needed soonest.
    fn announce_reads(&self, graph: &Graph<Program>, targets: &[TaskId], run: RunId) -> Result<Reads<'_>> {
        let reads: Vec<(TaskId, StoreKey)> = graph
            .shape()
            .tasks()
            .filter_map(|task| Some((task, graph.payload(task)?)))
            .flat_map(|(task, program)| program.source.stored().map(move |key| (task, key)))
            .collect();
        if !reads.is_empty() {
            let order = Order::new(graph.shape(), targets)?;
            self.store.need(run.0, reads.iter().filter_map(|(task, key)| Some((*key, order.rank(*task)?))));
        }
        Ok(Reads { store: &self.store, run })
    }

    /// Runs `graph` and returns the outcomes of `targets`, in order.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn collect(&self, graph: &Graph<Program>, targets: &[TaskId], call: &Call) -> Result<Vec<Outcome>> {
        let done: Mutex<BTreeMap<usize, Outcome>> = Mutex::default();
        self.run(graph, targets, call, &|place, outcome| {
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(place, outcome);
        })?;
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(done.into_values().collect())
    }

    /// Stores the partitions of a frame, and remembers how they are made.
    ///
    /// # Errors
    /// As [`Engine::run`]; then nothing of the frame is held.
    pub fn persist(&self, lineage: &Lineage, frame: Arc<FrameGuard>, call: &Call) -> Result<StoredFrame> {
        self.lineages.remember(frame.number(), lineage.clone());
        let fences = Mutex::new(vec![Arc::default(); lineage.targets.len()]);
        self.run(&lineage.graph, &lineage.targets, call, &|place, outcome| {
            let mut fences = fences.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Some(fences), Outcome::Stored(known)) = (fences.get_mut(place), outcome) {
                *fences = known;
            }
        })?;
        let held = self.held(frame, lineage.targets.len())?;
        Ok(StoredFrame { fences: fences.into_inner().unwrap_or_else(PoisonError::into_inner), ..held })
    }

    /// Reserves a number for a frame; its partitions are released when the guard is dropped.
    pub fn reserve_frame(self: &Arc<Self>) -> Arc<FrameGuard> {
        Arc::new(FrameGuard { engine: Arc::clone(self), frame: self.number() })
    }

    /// What the store holds for a frame of `partitions` partitions.
    ///
    /// # Errors
    /// Where one of them is not there.
    pub fn held(&self, guard: Arc<FrameGuard>, partitions: usize) -> Result<StoredFrame> {
        let frame = guard.number();
        let count = |partition: usize| {
            let key = StoreKey { frame, partition: u32::try_from(partition).unwrap_or(u32::MAX) };
            let missing = || ErrorKind::Options(format!("partition {partition} was not stored"));
            Ok(self.store.counts(key).ok_or_else(missing)?)
        };
        let counts = (0..partitions).map(count).collect::<Result<_>>()?;
        Ok(StoredFrame { frame, counts, fences: Vec::new(), keep_alive: guard })
    }

    /// Stores given batches as a frame.
    ///
    /// # Errors
    /// Where a batch has another schema, or the rows do not fit the memory limit.
    pub fn hold(
        self: &Arc<Self>,
        schema: &SchemaRef,
        partitions: Vec<Vec<RecordBatch>>,
    ) -> Result<StoredFrame> {
        let guard = self.reserve_frame();
        let count = partitions.len();
        for (number, batches) in partitions.into_iter().enumerate() {
            if let Some(other) = batches.iter().find(|batch| batch.schema().fields() != schema.fields()) {
                let message = format!("a batch has the schema {}, the frame has {schema}", other.schema());
                return Err(ErrorKind::Options(message).into());
            }
            let key =
                StoreKey { frame: guard.number(), partition: u32::try_from(number).unwrap_or(u32::MAX) };
            self.store_batches(key, &batches)?;
        }
        self.held(guard, count)
    }

    /// Batches that share buffers with others are copied, so that each is paid for once.
    fn store_batches(&self, key: StoreKey, batches: &[RecordBatch]) -> Result<()> {
        let mut writer = Box::new(self.store.begin(key));
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            let batch = compute::compact(batch).map_err(partita_tasks::Error::from)?;
            let bytes = unique_buffer_bytes(std::slice::from_ref(&batch));
            let memory = self.reserve("from_batches", bytes, "give fewer rows")?;
            writer.push(batch, memory)?;
        }
        Ok(writer.finish()?)
    }

    /// Releases a frame's partitions now.
    pub fn release(&self, frame: u64) {
        self.lineages.forget(frame);
        self.store.release(frame);
        self.store.drain(RELEASE_WAIT);
        self.settle();
    }

    /// Computes partitions ahead on threads of their own and hands their batches over in order. `graph` stores them under `frame`.
    pub fn stream(self: &Arc<Self>, lineage: Lineage, frame: Arc<FrameGuard>, call: Call) -> PartitionStream {
        PartitionStream::start(Arc::clone(self), lineage, frame, call)
    }

    /// Calls `work` on every item, on as many threads as the engine has, and returns the results in order.
    ///
    /// # Errors
    /// The error of the first item, in order, that failed.
    pub fn parallel<T: Sync, R: Send, E: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> std::result::Result<R, E> + Sync,
    ) -> std::result::Result<Vec<R>, E> {
        let next = AtomicU64::new(0);
        let done: Mutex<BTreeMap<usize, std::result::Result<R, E>>> = Mutex::default();
        let worker = || {
            while let Ok(index) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
                && let Some(item) = items.get(index)
            {
                let result = work(item);
                done.lock().unwrap_or_else(PoisonError::into_inner).insert(index, result);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(items.len()) {
                scope.spawn(worker);
            }
            worker();
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }
}

/// What a run reads from the store, until it is over.
struct Reads<'a> {
    store: &'a Store,
    run: RunId,
}

impl Drop for Reads<'_> {
    fn drop(&mut self) {
        self.store.forget_needs(self.run.0);
    }
}

/// Unregisters a function when it is dropped.
pub struct FunctionGuard {
    engine: Arc<Engine>,
    id: FunctionId,
}

impl Drop for FunctionGuard {
    fn drop(&mut self) {
        self.engine.functions.remove(self.id);
    }
}

/// The file system as it is, or as `PARTITA_FAULTS` has it.
fn default_disk() -> Arc<dyn Disk> {
    fault::from_variable().unwrap_or_else(|| Arc::new(LocalDisk))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
