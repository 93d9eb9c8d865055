//! A compressed file, or one of UTF-16, partition by partition.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::super::quarantine::SetAside;
use super::super::stream::Decoder;
use super::super::widen::Seen;
use super::ahead::{Ahead, SpareText};
use super::inflow::Inflow;
use super::scanner::Scanner;
use super::{CsvBlock, RowFilter};
use crate::error::Result;
use crate::io::ReadAt;

/// Reads a file from its beginning that must be decoded first, cut into partitions at offsets of the file: a record belongs to the
/// partition in which its first byte comes out of the decoder. The partitions together are the file, wherever
/// the cuts are, and the same cuts give the same partitions.
///
/// It is kept whole from the task of one partition to that of the next. A task that finds no reader makes a new one
/// and calls [`StreamReader::skip`] with the end of each earlier partition. A partition may be taken out as it is, for
/// somebody else to read: [`StreamReader::read_ahead`].
pub struct StreamReader {
    pub(super) scanner: Scanner,
    pub(super) feed: Inflow,
    /// How far the partition has been taken out.
    pub(super) ahead: Option<Ahead>,
    /// Memory of texts that were taken out and read.
    pub(super) spare: Arc<SpareText>,
    /// Place from which on records belong to the next partition, once it is known.
    pub(super) limit: Option<u64>,
    /// Compressed end of the last partition that is done.
    done: Option<u64>,
    /// Compressed end of the partition that is being read.
    current: Option<u64>,
}

impl StreamReader {
    /// A reader at the beginning of `input`.
    ///
    /// # Errors
    /// Where the compression cannot be read; [`crate::ErrorKind::Options`] where a date format or a type of `block`
    /// cannot.
    pub fn new(block: Arc<CsvBlock>, input: Arc<dyn ReadAt>) -> Result<Self> {
        let decoder = Decoder::new(Arc::clone(&input), &block.file, block.packing)?;
        let skip = block.data_start;
        let mut scanner = Scanner::new(block, input, skip)?;
        scanner.begin_at_line(scanner.block().first_line);
        let feed = Inflow::new(decoder, scanner.input().len(), skip);
        Ok(Self { scanner, feed, ahead: None, spare: Arc::default(), limit: None, done: None, current: None })
    }

    /// The same for partitions that all end at multiples of `bytes` of the file. Where they are small beside the buffers, this is what
    /// makes them exact.
    #[must_use]
    pub fn cut_every(mut self, bytes: u64) -> Self {
        self.feed.cut_every(bytes);
        self
    }

    /// Lets the decompressor take so many bytes of memory. Where it needs more, calls fail with
    /// [`crate::ErrorKind::Window`], and may be repeated once it has been allowed more.
    pub fn allow(&mut self, bytes: usize) {
        self.feed.decoder.allow(bytes);
    }

    /// The same, which ends after the first `records` records of the file.
    #[must_use]
    pub fn end_after(mut self, records: u64) -> Self {
        self.scanner.end_after(usize::try_from(records).unwrap_or(usize::MAX));
        self
    }

    /// The same, whose batches have only the rows that `filter` keeps: fewer of them, about as large.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Options`] where values that do not fit are no errors: then all rows are looked at.
    pub fn filtered(mut self, filter: Box<dyn RowFilter>) -> Result<Self> {
        self.scanner.filter(filter)?;
        Ok(self)
    }

    /// Rows that were looked at so far, whether they stayed or not.
    pub fn rows_seen(&self) -> u64 {
        self.scanner.rows_seen()
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        self.scanner.schema()
    }

    /// The next batch of the partition that ends at `compressed_end`, never without rows unless records are set aside;
    /// `None` at its end. The ends must ascend; one at or behind the length of the file takes everything.
    ///
    /// # Errors
    /// As [`super::BlockReader::next_batch`], and where the compressed data are broken.
    pub fn next_batch(&mut self, compressed_end: u64) -> Result<Option<RecordBatch>> {
        let Some(cut) = self.enter(compressed_end) else { return Ok(None) };
        self.ahead = None;
        let batch = self.scanner.next_batch(&mut self.feed, cut)?;
        self.leave(compressed_end, batch.is_none());
        Ok(batch)
    }

    /// Passes over the partition that ends at `compressed_end`; returns its rows.
    ///
    /// # Errors
    /// As [`StreamReader::next_batch`], but no mismatches.
    pub fn skip(&mut self, compressed_end: u64) -> Result<u64> {
        let Some(cut) = self.enter(compressed_end) else { return Ok(0) };
        self.ahead = None;
        let rows = self.scanner.skip_partition(&mut self.feed, cut)?;
        self.leave(compressed_end, true);
        Ok(rows)
    }

    /// The lines about records that were set aside since the last call.
    pub fn take_set_aside(&mut self) -> SetAside {
        self.scanner.take_set_aside()
    }

    /// What the columns of the partition held, once it is at its end, where types may be widened.
    pub fn take_seen(&mut self) -> Seen {
        self.scanner.take_seen()
    }

    /// Whether the partition is cut before the end of the file; `None` where it is behind us.
    pub(super) fn enter(&mut self, compressed_end: u64) -> Option<bool> {
        if self.done.is_some_and(|done| compressed_end <= done) {
            return None;
        }
        if self.current != Some(compressed_end) {
            self.current = Some(compressed_end);
            self.limit = self.feed.enter(compressed_end);
            self.scanner.begin_partition(self.limit);
        }
        Some(compressed_end < self.scanner.input().len())
    }

    pub(super) fn leave(&mut self, compressed_end: u64, at_end: bool) {
        if at_end {
            self.done = Some(compressed_end);
        }
    }

    /// Compressed bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.feed.decoder.position()
    }

    /// Bytes of memory held between calls, the decompressor's window among them; a batch that was handed out is not
    /// counted, nor is text that has room of its own.
    pub fn memory_bytes(&self) -> usize {
        self.scanner.memory_bytes() + self.feed.memory_bytes()
    }
}
