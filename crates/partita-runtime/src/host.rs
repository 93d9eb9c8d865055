//! The machine as one run sees it: files, memory, slots, stores.

use std::any::Any;
use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use arrow::array::RecordBatch;
use partita_formats::buffers::Pool;
use partita_formats::csv::reader::SpareText;
use partita_formats::csv::widen::Seen;
use partita_formats::io::ReadAt;
use partita_formats::parquet::{EncodedRowGroup, PageFile};
use partita_tasks::host::{
    Footer, Host, MapFunction, Reservation, Scratch, SlotValue, StoreWriter, StoredBatches,
};
use partita_tasks::interpret::HeldText;
use partita_tasks::program::{DatasetId, FileInput, FunctionId, SlotId, StoreKey, StreamId};
use partita_tasks::{ErrorKind, Result};

use crate::dataset::Dataset;
use crate::engine::{Call, Engine};
use crate::error::{Error, ErrorKind as RuntimeErrorKind};
use crate::executor::Scheduler;
use crate::store::Reader;

/// A map that tasks of one run share.
struct Shared<K, V>(Mutex<HashMap<K, V>>);

impl<K: Eq + Hash, V> Shared<K, V> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The host of one run.
pub(crate) struct RunHost<'a> {
    engine: &'a Engine,
    call: &'a Call,
    stopped: AtomicBool,
    dataset: Option<&'a Dataset>,
    pool: Option<Arc<Pool>>,
    /// The number that intermediate results are stored under, and how many there were.
    scratch: OnceLock<u64>,
    scratched: AtomicU32,
    slots: Shared<SlotId, SlotValue>,
    streams: Shared<(StreamId, usize), Box<dyn Any + Send>>,
    /// Blocks that were decompressed ahead of their tasks.
    texts: Mutex<Vec<(Weak<HeldText>, Weak<SpareText>)>>,
    /// Nothing is done ahead any more: memory was short.
    is_short: AtomicBool,
}

impl<'a> RunHost<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        call: &'a Call,
        dataset: Option<&'a Dataset>,
        pool: Option<Arc<Pool>>,
    ) -> Self {
        let (slots, streams, texts) = (Shared::new(), Shared::new(), Mutex::default());
        let (stopped, is_short) = (AtomicBool::new(false), AtomicBool::new(false));
        let (scratch, scratched) = (OnceLock::new(), AtomicU32::new(0));
        Self { engine, call, stopped, dataset, pool, scratch, scratched, slots, streams, texts, is_short }
    }

    /// Takes note of a block that was decompressed ahead of its task.
    pub(crate) fn note_text(&self, text: &Arc<HeldText>) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.retain(|(text, spare)| text.strong_count() + spare.strong_count() > 0);
        texts.push((Arc::downgrade(text), Arc::downgrade(text.spare())));
        drop(texts);
        if self.is_short.load(Ordering::Acquire) {
            text.drop_text();
        }
    }

    /// Gives back what is held for tasks that have not begun, and has nothing done ahead from now on: a task has found no memory.
    pub(crate) fn drop_texts(&self) {
        self.is_short.store(true, Ordering::Release);
        let texts = std::mem::take(&mut *self.texts.lock().unwrap_or_else(PoisonError::into_inner));
        for (text, spare) in texts {
            if let Some(spare) = spare.upgrade() {
                spare.close();
            }
            if let Some(text) = text.upgrade() {
                text.drop_text();
            }
        }
    }

    /// Tells running tasks that their work is not wanted any more.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    fn read(&self, key: StoreKey, frame: usize) -> Result<Box<dyn StoredBatches + '_>> {
        match self.engine.store().read_from(key, frame) {
            Some(reader) => {
                // What lies there for this run alone is read once.
                let is_scratch = self.scratch.get() == Some(&key.frame);
                let reader = if is_scratch { reader.in_passing() } else { reader };
                Ok(Box::new(StoredReader { host: self, key, reader }))
            }
            None => {
                let what = format!("partition {} of frame {}: it was unpersisted", key.partition, key.frame);
                Err(ErrorKind::Missing(what).into())
            }
        }
    }

    fn dataset(&self) -> Result<&Dataset> {
        self.dataset.ok_or_else(|| ErrorKind::Missing("a data set to write".into()).into())
    }
}

impl Drop for RunHost<'_> {
    fn drop(&mut self) {
        if let Some(frame) = self.scratch.get() {
            self.engine.release(*frame);
        }
    }
}

fn host_error(error: impl std::error::Error + Send + Sync + 'static) -> partita_tasks::Error {
    ErrorKind::Host(Box::new(error)).into()
}

fn is_not_found(error: &Error) -> bool {
    matches!(error.kind(), RuntimeErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

impl Host for RunHost<'_> {
    fn open(&self, path: &str) -> Result<Arc<dyn ReadAt>> {
        self.engine.storage().open(path).map_err(host_error)
    }

    fn check_unchanged(&self, path: &str, bytes: u64, modified_ns: i128) -> Result<()> {
        let what = match self.engine.storage().stat(path) {
            Ok(now) if now.bytes != bytes => format!("it had {bytes} bytes and has {}", now.bytes),
            Ok(now) if now.modified_ns != modified_ns => "it was written to".to_owned(),
            Ok(_) => return Ok(()),
            Err(error) if is_not_found(&error) => "it is no longer there".to_owned(),
            Err(error) => return Err(host_error(error)),
        };
        Err(ErrorKind::InputChanged { file: path.to_owned(), what }.into())
    }

    fn held_footer(&self, input: &FileInput) -> Option<Arc<Footer>> {
        self.engine.held_footer(input)
    }

    fn reserve(&self, operator: &str, bytes: usize, way_out: &'static str) -> Result<Box<dyn Reservation>> {
        self.engine.reserve(operator, bytes, way_out)
    }

    fn reserve_ahead(&self, operator: &str, bytes: usize) -> Option<Box<dyn Reservation>> {
        // Alone there is nobody who would do the rest meanwhile.
        let is_alone = self.engine.threads() == 1 || self.call.scheduler == Scheduler::SingleThreaded;
        if is_alone || self.is_short.load(Ordering::Acquire) {
            return None;
        }
        self.engine.reserve_ahead(operator, bytes)
    }

    fn reserve_held(&self, operator: &str, bytes: usize) -> Option<Box<dyn Reservation>> {
        self.engine.reserve_held(operator, bytes)
    }

    fn pool(&self) -> Option<Arc<Pool>> {
        self.pool.clone()
    }

    fn lend_buffer(&self) -> Vec<u8> {
        self.engine.lend_buffer()
    }

    fn return_buffer(&self, buffer: Vec<u8>) {
        self.engine.return_buffer(buffer);
    }

    fn publish(&self, slot: SlotId, value: SlotValue) {
        self.slots.lock().insert(slot, value);
    }

    fn slot(&self, slot: SlotId) -> Result<SlotValue> {
        let found = self.slots.lock().get(&slot).cloned();
        found.ok_or_else(|| ErrorKind::Missing(format!("slot {}", slot.0)).into())
    }

    fn stored(&self, key: StoreKey) -> Result<Box<dyn StoredBatches + '_>> {
        self.read(key, 0)
    }

    fn stored_from(&self, key: StoreKey, frame: usize) -> Result<Box<dyn StoredBatches + '_>> {
        self.read(key, frame)
    }

    fn run_bytes(&self) -> usize {
        self.engine.run_bytes()
    }

    fn store(&self, key: StoreKey) -> Result<Box<dyn StoreWriter + '_>> {
        Ok(Box::new(self.engine.store().begin(key)))
    }

    fn scratch(&self) -> Result<Arc<dyn Scratch>> {
        let frame = *self.scratch.get_or_init(|| self.engine.number());
        let key = StoreKey { frame, partition: self.scratched.fetch_add(1, Ordering::Relaxed) };
        Ok(Arc::new(self.engine.store().lease(key)))
    }

    fn function(&self, function: FunctionId) -> Result<Arc<dyn MapFunction>> {
        let found = self.engine.function(function);
        found.ok_or_else(|| ErrorKind::Missing(format!("function {}", function.0)).into())
    }

    fn take_stream(&self, stream: StreamId, block: usize) -> Option<Box<dyn Any + Send>> {
        self.streams.lock().remove(&(stream, block))
    }

    fn leave_stream(&self, stream: StreamId, block: usize, state: Box<dyn Any + Send>) {
        self.streams.lock().insert((stream, block), state);
    }

    fn write_row_group(
        &self,
        _: DatasetId,
        partition: usize,
        index: usize,
        row_group: EncodedRowGroup,
    ) -> Result<()> {
        self.dataset()?.write_row_group(partition, index, row_group).map_err(host_error)
    }

    fn page_file(&self, _: DatasetId) -> Result<Arc<dyn PageFile>> {
        self.dataset()?.page_file().map_err(host_error)
    }

    fn close_partition(&self, _: DatasetId, partition: usize, row_groups: usize, rows: u64) -> Result<()> {
        let dataset = self.dataset()?;
        if self.is_draft() {
            dataset.draft();
        }
        dataset.close_partition(partition, row_groups, rows).map_err(host_error)
    }

    fn set_aside(&self, _: DatasetId, partition: usize, index: usize, lines: Vec<u8>) -> Result<()> {
        self.dataset()?.set_aside(partition, index, &lines).map_err(host_error)
    }

    fn observe(&self, seen: Seen) {
        self.call.widening.observe(seen);
    }

    fn is_draft(&self) -> bool {
        self.call.widening.is_draft()
    }

    fn is_cancelled(&self) -> bool {
        self.stopped.load(Ordering::Acquire) || self.call.cancel.is_cancelled()
    }

    fn progress(&self, input_bytes: u64, rows: u64) {
        self.call.progress.add(input_bytes, rows);
    }
}

/// Reads a stored partition, which is computed again where a frame of it is damaged.
struct StoredReader<'a> {
    host: &'a RunHost<'a>,
    key: StoreKey,
    reader: Reader,
}

impl StoredBatches for StoredReader<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.host.engine.next_stored(self.key, &mut self.reader, self.host.call)
    }
}
