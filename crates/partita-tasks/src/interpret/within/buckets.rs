//! Rows of whole buckets, held until the last one of them is there.

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::UInt16Type;
use partita_columns::compute;
use partita_columns::group::Grouper;

use super::{ACCOUNT, missing};
use crate::error::Result;
use crate::host::{Host, Reservation};
use crate::within::Keyed;

/// Rows, or bytes of them, after which those of whole buckets are handed on.
const ROWS_MIN: usize = 16 << 10;
const BYTES_MIN: usize = 4 << 20;

/// Rows, or bytes of them, of which a piece of a large bucket is made; fewer bytes where memory is short.
const PIECE_ROWS: usize = 64 << 10;
const PIECE_BYTES_MIN: usize = 1 << 20;
const PIECE_BYTES_MAX: usize = 8 << 20;

/// Bytes that are asked for ahead where a bucket is larger than a piece, and bytes that are left then.
const AHEAD_BYTES: usize = 4 << 20;
const BESIDE_BYTES: usize = 2 << 20;

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
    /// Bytes of what stays beyond a bucket.
    kept: usize,
    /// The bucket of the last row.
    last: Option<u16>,
    piece_bytes: usize,
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
    pub(super) fn new(keyed: &'a Keyed, way_out: &'static str, host: &dyn Host) -> Result<Self> {
        Ok(Self {
            keyed,
            grouper: Grouper::new(&keyed.key_types(), keyed.drops_null_keys)?,
            held: Vec::new(),
            rows: 0,
            bytes: 0,
            made: 0,
            carried: 0,
            kept: 0,
            last: None,
            piece_bytes: (host.run_bytes() / 2).clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX),
            memory: host.reserve(ACCOUNT, 0, way_out)?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What was handed out is gone.
    pub(super) fn begin(&mut self) {
        self.made = 0;
    }

    /// Bytes in all.
    fn all_bytes(&self) -> usize {
        self.made + self.carried + self.kept + self.bytes + self.grouper.memory_bytes()
    }

    /// Asks for so many bytes beside what is held and what was handed out.
    pub(super) fn reserve(&mut self, beside: usize) -> Result<()> {
        let all = self.all_bytes() + beside;
        if all > self.memory.bytes() { self.memory.resize(all) } else { Ok(()) }
    }

    /// Takes so many bytes beside what is held where that leaves plenty to others.
    pub(super) fn has_room(&mut self, beside: usize) -> bool {
        let all = self.all_bytes() + beside;
        all <= self.memory.bytes() || self.memory.resize_if_plenty(all + all / 4)
    }

    /// Where in the batch the rows that are held should be handed on: before the first row of another bucket, where enough are held, or
    /// where the bucket at hand `is_alone`.
    pub(super) fn end_of_window(&mut self, batch: &RecordBatch, is_alone: bool) -> Result<Option<usize>> {
        let buckets = self.buckets_of(batch)?;
        let last = std::mem::replace(&mut self.last, buckets.last().copied());
        if self.rows < ROWS_MIN && self.bytes < BYTES_MIN && !is_alone {
            return Ok(None);
        }
        Ok(buckets.iter().position(|bucket| Some(*bucket) != last))
    }

    /// The buckets of rows.
    pub(super) fn buckets_of<'b>(&self, batch: &'b RecordBatch) -> Result<&'b [u16]> {
        let column = batch.columns().get(self.keyed.bucket());
        let buckets = column.and_then(|column| column.as_primitive_opt::<UInt16Type>());
        Ok(buckets.ok_or_else(missing)?.values())
    }

    /// The bucket of the first row that is held.
    pub(super) fn first_bucket(&self) -> Result<Option<u16>> {
        match self.held.first() {
            Some(batch) => Ok(self.buckets_of(batch)?.first().copied()),
            None => Ok(None),
        }
    }

    /// The bucket of the last row.
    pub(super) fn last_bucket(&self) -> Option<u16> {
        self.last
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
        if self.is_full() && self.all_bytes() > self.memory.bytes() {
            // Who holds more and more is told that there is no memory, and not who reads the next rows.
            let ahead = self.all_bytes() + AHEAD_BYTES;
            self.memory.resize(ahead + BESIDE_BYTES)?;
            self.memory.resize(ahead)?;
        }
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

    /// How many rows are held.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the rows that are held, and of what else is kept of them.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// The keys of a group, a column of one row each.
    pub(super) fn keys(&self, group: usize) -> Result<Vec<ArrayRef>> {
        Ok(self.grouper.keys(group..group + 1)?)
    }

    /// The keys of the groups that rows were in by now, where `beside` is taken, too.
    pub(super) fn all_keys(&mut self, groups: usize, beside: usize) -> Result<Vec<ArrayRef>> {
        self.reserve(self.grouper.keys_need_bytes(0..groups) + beside)?;
        Ok(self.grouper.keys(0..groups)?)
    }

    /// Gives groups the numbers of their keys: rows that come are in no others.
    pub(super) fn know(&mut self, keys: &[ArrayRef]) -> Result<()> {
        let rows = keys.first().map_or(0, |key| key.len());
        self.reserve(self.grouper.need_bytes(keys, rows) + rows * size_of::<u32>())?;
        Ok(self.grouper.push(keys, rows, &mut Vec::new())?)
    }

    /// Pays for so many bytes that stay beyond a bucket.
    pub(super) fn keep(&mut self, bytes: usize) {
        self.kept = bytes;
    }

    /// Drops the rows that are held.
    pub(super) fn drop_rows(&mut self) {
        (self.rows, self.bytes) = (0, 0);
        self.held.clear();
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
        match carried {
            Some(_) => self.grouper.begin_piece(),
            None => self.grouper.clear(),
        }
        self.carried = carried.unwrap_or(0);
        self.made += more;
        self.memory.resize(self.all_bytes())
    }

    /// Whether so much is held that a piece should be handed on, where that can be.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.piece_bytes || self.rows >= PIECE_ROWS
    }
}
