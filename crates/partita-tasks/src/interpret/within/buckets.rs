//! Rows of whole buckets, held until the last one of them is there.

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::UInt16Type;
use partita_columns::compute;
use partita_columns::group::Grouper;

use super::{ACCOUNT, WAY_OUT, missing};
use crate::error::Result;
use crate::host::{Host, Reservation};
use crate::within::Keyed;

/// Rows, or bytes of them, after which those of whole buckets are handed on.
const ROWS_MIN: usize = 16 << 10;
const BYTES_MIN: usize = 4 << 20;

/// Rows, or bytes of them, of which a piece of a large bucket is made.
const PIECE_ROWS: usize = 64 << 10;
const PIECE_BYTES: usize = 8 << 20;

/// Rows of some buckets, and what pays for them.
pub(super) struct Buckets<'a> {
    keyed: &'a Keyed,
    grouper: Grouper,
    held: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    /// Bytes of what was handed out last.
    made: usize,
    /// Bytes of what goes on from piece to piece.
    carried: usize,
    /// The bucket of the last row.
    last: Option<u16>,
    memory: Box<dyn Reservation>,
}

/// The groups of the rows that are held.
pub(super) struct Groups {
    /// That of each row.
    pub(super) numbers: Vec<u32>,
    /// How many there are.
    pub(super) count: usize,
}

impl Groups {
    pub(super) fn bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<u32>()
    }
}

impl<'a> Buckets<'a> {
    pub(super) fn new(keyed: &'a Keyed, host: &dyn Host) -> Result<Self> {
        Ok(Self {
            keyed,
            grouper: Grouper::new(&keyed.key_types(), keyed.drops_null_keys)?,
            held: Vec::new(),
            rows: 0,
            bytes: 0,
            made: 0,
            carried: 0,
            last: None,
            memory: host.reserve(ACCOUNT, 0, WAY_OUT)?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What was handed out is gone.
    pub(super) fn begin(&mut self) {
        self.made = 0;
    }

    /// Asks for so many bytes beside what is held and what was handed out.
    pub(super) fn reserve(&mut self, beside: usize) -> Result<()> {
        let all = self.made + self.carried + self.bytes + self.grouper.memory_bytes() + beside;
        if all > self.memory.bytes() { self.memory.resize(all) } else { Ok(()) }
    }

    /// Where in the batch the rows that are held should be handed on: before the first row of another bucket, where enough are held.
    pub(super) fn end_of_window(&mut self, batch: &RecordBatch) -> Result<Option<usize>> {
        let column = batch.columns().get(self.keyed.bucket());
        let buckets =
            column.and_then(|column| column.as_primitive_opt::<UInt16Type>()).ok_or_else(missing)?;
        let last = std::mem::replace(&mut self.last, buckets.values().last().copied());
        if self.rows < ROWS_MIN && self.bytes < BYTES_MIN {
            return Ok(None);
        }
        Ok(buckets.values().iter().position(|bucket| Some(*bucket) != last))
    }

    /// The batch without what its buffers hold beside its rows, and its memory asked for.
    pub(super) fn compacted(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.reserve(compute::needed_bytes(batch)?)?;
        Ok(compute::compact(batch)?)
    }

    /// Keeps rows that, with what else is kept of them, take so many bytes.
    pub(super) fn hold(&mut self, rows: RecordBatch, bytes: usize) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        self.bytes += bytes;
        self.reserve(0)?;
        self.rows += rows.num_rows();
        self.held.push(rows);
        Ok(())
    }

    /// The groups of the rows that are held.
    pub(super) fn groups(&mut self) -> Result<Groups> {
        self.reserve(self.rows * size_of::<u32>())?;
        let mut numbers = Vec::with_capacity(self.rows);
        let mut some = Vec::new();
        for at in 0..self.held.len() {
            let (keys, rows) = {
                let batch = &self.held[at];
                let keys: Vec<ArrayRef> =
                    self.keyed.keys.iter().filter_map(|key| batch.columns().get(*key).cloned()).collect();
                (keys, batch.num_rows())
            };
            let need = self.grouper.need_bytes(&keys, rows) + (self.rows + rows) * size_of::<u32>();
            self.reserve(need)?;
            self.grouper.push(&keys, rows, &mut some)?;
            numbers.extend_from_slice(&some);
        }
        Ok(Groups { numbers, count: self.grouper.len() })
    }

    /// The rows that are held.
    pub(super) fn held(&self) -> &[RecordBatch] {
        &self.held
    }

    /// The keys of a group, a column of one row each.
    pub(super) fn keys(&self, group: usize) -> Result<Vec<ArrayRef>> {
        Ok(self.grouper.keys(group..group + 1)?)
    }

    /// Gives the rows that are held away; they are paid for until the next ones come.
    pub(super) fn take(&mut self) -> Vec<RecordBatch> {
        self.made += std::mem::take(&mut self.bytes);
        self.rows = 0;
        std::mem::take(&mut self.held)
    }

    /// Keeps what pays for what was handed out, with so many bytes more, and for what is `carried` where groups go on; these keep
    /// their numbers.
    pub(super) fn settle(&mut self, more: usize, carried: Option<usize>) -> Result<()> {
        if carried.is_none() {
            self.grouper.clear();
        }
        self.carried = carried.unwrap_or(0);
        self.made += more;
        self.memory.resize(self.made + self.carried + self.bytes + self.grouper.memory_bytes())
    }

    /// Whether so much is held that a piece should be handed on, where that can be.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= PIECE_BYTES || self.rows >= PIECE_ROWS
    }
}
