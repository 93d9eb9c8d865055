//! Frames, and what holds them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use partita_tasks::host::Reservation;
use partita_tasks::program::StoreKey;

use super::folders::SpillError;

/// One partition, stored once: a partition that is computed again is another entry until it takes the first one's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EntryId(pub(super) u64);

/// One frame of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FrameId {
    pub(super) entry: EntryId,
    pub(super) index: usize,
}

/// The frames of a partition.
pub(super) struct Entry {
    pub(super) key: StoreKey,
    pub(super) frames: Vec<Frame>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Frames that nobody will read any more.
    pub(super) released: usize,
    /// Where its frames go on disk, from the first that goes.
    pub(super) shelf: Option<Arc<dyn Shelf>>,
}

/// A batch in memory, on disk, or both.
pub(super) struct Frame {
    pub(super) rows: u64,
    /// Bytes of memory.
    pub(super) bytes: u64,
    pub(super) schema: SchemaRef,
    pub(super) memory: Option<Arc<Resident>>,
    pub(super) disk: Option<Arc<dyn Spilled>>,
    pub(super) pins: u32,
    pub(super) is_writing: bool,
    /// Nobody will read it any more.
    pub(super) is_released: bool,
}

/// A batch in memory, and the promise that pays for it: whoever still needs the one holds the other.
pub(super) struct Resident {
    pub(super) batch: RecordBatch,
    pub(super) _memory: Box<dyn Reservation>,
}

/// Where frames go.
pub(crate) trait Place: Send + Sync {
    /// A place for the frames of one partition.
    ///
    /// # Errors
    /// Where there is none.
    fn shelf(&self, entry: EntryId) -> Result<Arc<dyn Shelf>, SpillError>;

    /// Bytes held there now.
    fn bytes(&self) -> u64;
}

/// The frames of one partition at their place. What is there goes with the last hold on it.
pub(crate) trait Shelf: Send + Sync {
    /// Writes a batch; called by one thread of the store at a time.
    ///
    /// # Errors
    /// Where it could not be written whole; nothing counts as written then.
    fn write(self: Arc<Self>, batch: &RecordBatch) -> Result<Arc<dyn Spilled>, SpillError>;
}

/// A batch at its place.
pub(crate) trait Spilled: Send + Sync {
    /// Bytes of memory that it takes once it is read.
    fn memory_bytes(&self) -> usize;

    /// Reads it back.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what was written.
    fn read(&self, schema: &SchemaRef) -> Result<RecordBatch, SpillError>;
}

/// A batch that stays in memory while this is held.
pub(crate) trait Pin: Send {
    /// The batch.
    fn batch(&self) -> &RecordBatch;
}
