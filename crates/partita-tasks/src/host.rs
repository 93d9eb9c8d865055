//! What an interpreter asks of the machine it runs on.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use partita_columns::reduce::State;
use partita_formats::buffers::Pool;
use partita_formats::csv::blocks::BlockStarts;
use partita_formats::csv::widen::Seen;
use partita_formats::io::ReadAt;
use partita_formats::parquet::read::{FooterLimits, ParquetFile};
use partita_formats::parquet::{EncodedRowGroup, PageFile};

use crate::error::{ErrorKind, Result};
use crate::program::{DatasetId, FileInput, FunctionId, SlotId, StoreKey, StreamId};

/// A small value that a barrier task publishes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SlotValue {
    /// Where the records of each block of a file begin.
    BlockStarts(Arc<BlockStarts>),
    /// A number of rows.
    Count(u64),
    /// The number of rows before each partition.
    Offsets(Arc<[u64]>),
    /// What was seen of the rows before each partition.
    Before(Arc<Before>),
}

/// What was seen of the rows before each partition, and the promise that pays for it.
pub struct Before {
    /// States of each partition.
    pub states: Vec<Vec<State>>,
    /// Given back with the slot.
    pub memory: Box<dyn Reservation>,
}

impl std::fmt::Debug for Before {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Before({} partitions)", self.states.len())
    }
}

/// Memory that a task has been promised; given back on drop.
pub trait Reservation: Send + Sync {
    /// Bytes promised now.
    fn bytes(&self) -> usize;

    /// Asks for another size.
    ///
    /// # Errors
    /// A typed error that names operator, need and limit where the ledger cannot give it.
    fn resize(&mut self, bytes: usize) -> Result<()>;

    /// Asks for another size where that leaves plenty to others and nobody has to make room; says whether it was given.
    fn resize_if_plenty(&mut self, bytes: usize) -> bool {
        self.resize(bytes).is_ok()
    }
}

/// The footer of a Parquet file, and the promise that pays for it.
pub struct Footer {
    /// What it says.
    pub file: Arc<ParquetFile>,
    /// Given back when the last holder drops it.
    pub memory: Box<dyn Reservation>,
}

impl Footer {
    /// Reads the footer of `input`, which must have the size that it was planned with. `reserve` is asked for memory.
    ///
    /// # Errors
    /// [`ErrorKind::InputChanged`]; a file that is none or is damaged; memory.
    pub fn read(
        planned: &FileInput,
        input: &dyn ReadAt,
        reserve: impl FnOnce(&'static str, usize, &'static str) -> Result<Box<dyn Reservation>>,
    ) -> Result<Self> {
        if input.len() != planned.bytes {
            let what = format!("it had {} bytes and has {}", planned.bytes, input.len());
            return Err(ErrorKind::InputChanged { file: planned.path.clone(), what }.into());
        }
        let file = ParquetFile::open(input, &planned.path, &FooterLimits::default())?;
        let memory = reserve("read_parquet footers", file.memory_bytes(), "name fewer files")?;
        Ok(Self { file: Arc::new(file), memory })
    }
}

impl std::fmt::Debug for Footer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Footer({})", self.file.name())
    }
}

/// The rows of a stored partition, in order.
pub trait StoredBatches: Send {
    /// The next batch; `None` at the end. The memory of a batch is paid for by the store until the next one is asked for:
    /// whoever keeps it longer reserves it.
    ///
    /// # Errors
    /// Where the partition is not held any more, cannot be read back, or memory is short.
    fn next(&mut self) -> Result<Option<RecordBatch>>;
}

/// A partition on its way into the store. Dropped before it is finished, it leaves nothing.
pub trait StoreWriter: Send {
    /// Adds a batch, with the memory promised for it.
    ///
    /// # Errors
    /// Where the store cannot take it.
    fn push(&mut self, batch: RecordBatch, memory: Box<dyn Reservation>) -> Result<()>;

    /// Makes the partition readable.
    ///
    /// # Errors
    /// Where the frame was released meanwhile.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// A place in the store for an intermediate result, which goes with it: when it is dropped, or at the end of the run.
pub trait Scratch: Send + Sync + std::fmt::Debug {
    /// The key to store and read it under.
    fn key(&self) -> StoreKey;

    /// Says that nobody will read some of its batches, counted from 0, any more. Memory of theirs is given back at once, and room on
    /// disk once nobody needs any.
    fn release(&self, batches: Range<usize>);
}

/// A user's function over one partition.
pub trait MapFunction: Send + Sync {
    /// Calls it on the batches of one partition.
    ///
    /// # Errors
    /// Whatever the function reports; a panic is reported as an error.
    fn call(&self, input: &SchemaRef, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>>;
}

/// The machine: files, memory, slots, stores. The runtime implements it, and the cluster.
pub trait Host: Sync {
    /// Opens an input.
    ///
    /// # Errors
    /// An error that names the path.
    fn open(&self, path: &str) -> Result<Arc<dyn ReadAt>>;

    /// Checks that an input still has the size and modification time it was planned with.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InputChanged`].
    fn check_unchanged(&self, path: &str, bytes: u64, modified_ns: i128) -> Result<()>;

    /// The footer of a Parquet file, where somebody else holds it already; `None` where it has to be read.
    fn held_footer(&self, _: &FileInput) -> Option<Arc<Footer>> {
        None
    }

    /// Asks for memory on behalf of `operator`; `way_out` says what makes the need smaller: the end
    /// of a sentence that begins with "or".
    ///
    /// # Errors
    /// [`crate::ErrorKind::Memory`].
    fn reserve(&self, operator: &str, bytes: usize, way_out: &'static str) -> Result<Box<dyn Reservation>>;

    /// Memory for work that is done ahead of its turn, where there is plenty and somebody to do the rest meanwhile; `None`: the
    /// work is done in its turn. All that is held ahead is a small part of what there is.
    fn reserve_ahead(&self, operator: &str, bytes: usize) -> Option<Box<dyn Reservation>> {
        let _ = (operator, bytes);
        None
    }

    /// Memory for rows that stay in it until the run has no more use for them, where there is plenty; `None`: they go to the store.
    fn reserve_held(&self, operator: &str, bytes: usize) -> Option<Box<dyn Reservation>> {
        let _ = (operator, bytes);
        None
    }

    /// Where the buffers of rows come from that are read and dropped while the run goes on; `None` where they stay.
    fn pool(&self) -> Option<Arc<Pool>> {
        None
    }

    /// Memory that an earlier reader has left, to read into; empty where there is none.
    fn lend_buffer(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Leaves memory for later readers.
    fn return_buffer(&self, _: Vec<u8>) {}

    /// Publishes a slot. Publishing the same slot again replaces it with an equal value (a retried task).
    fn publish(&self, slot: SlotId, value: SlotValue);

    /// Reads a slot.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Missing`] where no barrier has published it.
    fn slot(&self, slot: SlotId) -> Result<SlotValue>;

    /// Reads a stored partition.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Missing`] where it is not held.
    fn stored(&self, key: StoreKey) -> Result<Box<dyn StoredBatches + '_>>;

    /// The same from one of its frames on, in the order in which they were stored.
    ///
    /// # Errors
    /// As [`Host::stored`].
    fn stored_from(&self, key: StoreKey, frame: usize) -> Result<Box<dyn StoredBatches + '_>> {
        let mut batches = self.stored(key)?;
        for _ in 0..frame {
            batches.next()?;
        }
        Ok(batches)
    }

    /// Bytes of rows that a task may gather before it has to write them out.
    fn run_bytes(&self) -> usize {
        8 << 20
    }

    /// Begins to store a partition. It is there when it is finished, in the place of what had the key before.
    ///
    /// # Errors
    /// Where the store cannot take it.
    fn store(&self, key: StoreKey) -> Result<Box<dyn StoreWriter + '_>>;

    /// A place in the store for an intermediate result.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Missing`] where the host has no place for them.
    fn scratch(&self) -> Result<Arc<dyn Scratch>> {
        Err(crate::ErrorKind::Missing("a place for intermediate results".into()).into())
    }

    /// A registered function.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Missing`] where it is not registered here.
    fn function(&self, function: FunctionId) -> Result<Arc<dyn MapFunction>>;

    /// Takes the decompressor that the task of the block before left; `None` where it is not here.
    fn take_stream(&self, stream: StreamId, block: usize) -> Option<Box<dyn Any + Send>>;

    /// Leaves the decompressor for the task of block `block`.
    fn leave_stream(&self, stream: StreamId, block: usize, state: Box<dyn Any + Send>);

    /// Hands over an encoded row group: the `index`-th of `partition`.
    ///
    /// # Errors
    /// Where the data set cannot take it (a full disk, a cancelled run).
    fn write_row_group(
        &self,
        dataset: DatasetId,
        partition: usize,
        index: usize,
        row_group: EncodedRowGroup,
    ) -> Result<()>;

    /// A file for pages of a row group that is being encoded, where memory is refused. It is gone with the last of them.
    ///
    /// # Errors
    /// As [`Host::write_row_group`].
    fn page_file(&self, dataset: DatasetId) -> Result<Arc<dyn PageFile>>;

    /// Says that `partition` has no more row groups, and how many rows it had.
    ///
    /// # Errors
    /// As [`Host::write_row_group`].
    fn close_partition(
        &self,
        dataset: DatasetId,
        partition: usize,
        row_groups: usize,
        rows: u64,
    ) -> Result<()>;

    /// Hands over lines about records of `partition` that are left out of the data set: the `index`-th piece of them. A task
    /// that is run again hands over the same pieces.
    ///
    /// # Errors
    /// As [`Host::write_row_group`].
    fn set_aside(&self, dataset: DatasetId, partition: usize, index: usize, lines: Vec<u8>) -> Result<()>;

    /// Takes note of what the columns of a block held, in a run that may widen types.
    fn observe(&self, seen: Seen);

    /// Whether the input will be read again with wider types: then rows need not go on, and the rest is only looked at.
    fn is_draft(&self) -> bool;

    /// Whether the run has been cancelled; asked between batches.
    fn is_cancelled(&self) -> bool;

    /// Says what has been read since the last call.
    fn progress(&self, input_bytes: u64, rows: u64);
}
