//! A range of an uncompressed file.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::super::quarantine::SetAside;
use super::super::widen::Seen;
use super::ahead::{StreamText, TextFeed};
use super::scanner::{Feed, Scanner};
use super::{CsvBlock, RowFilter};
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// Reads the records of one block of a file as batches: an uncompressed one, or one whose block was taken out of the decoder.
///
/// Memory: one chunk (more while a record is longer), its marks, and one batch under construction.
pub struct BlockReader {
    scanner: Scanner,
    feed: BlockFeed,
    begin: u64,
}

/// Where the bytes of a block come from.
enum BlockFeed {
    File(FileFeed),
    Text(TextFeed),
}

impl Feed for BlockFeed {
    fn read(&mut self, out: &mut [u8], past: bool) -> Result<usize> {
        match self {
            BlockFeed::File(feed) => feed.read(out, past),
            BlockFeed::Text(feed) => feed.read(out, past),
        }
    }
}

/// Sequential reads of a range, each announcing the next.
struct FileFeed {
    input: Arc<dyn ReadAt>,
    block: Arc<CsvBlock>,
    at: u64,
    end: u64,
}

impl Feed for FileFeed {
    fn read(&mut self, out: &mut [u8], _past: bool) -> Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = left.min(out.len());
        if wanted == 0 {
            return Ok(0);
        }
        let next = self.at + wanted as u64;
        self.input.prefetch(next..self.end.min(next + self.block.limits.chunk_bytes as u64));
        let got = self
            .input
            .read_at(self.at, &mut out[..wanted])
            .map_err(|source| ErrorKind::Io { file: self.block.file.clone(), source })?;
        if got == 0 {
            let message = format!(
                "ends at byte {}, where byte {} was expected: it is shorter than it was",
                self.at, self.end
            );
            return Err(ErrorKind::Malformed { file: self.block.file.clone(), message }.into());
        }
        self.at += got as u64;
        Ok(got)
    }
}

impl BlockReader {
    /// A reader of the records in `range` of `input`. Both ends are exact: the first byte of a record, or the end of
    /// the file. What lies before the data is left out.
    ///
    /// # Errors
    /// [`ErrorKind::Options`] where a date format or a type of `block` cannot be read; where the store fails.
    pub fn new(block: Arc<CsvBlock>, input: Arc<dyn ReadAt>, range: Range<u64>) -> Result<Self> {
        let line = block.first_line;
        Self::at_line(block, input, range, line)
    }

    /// The same for a range that begins in line `line` (from 1) of the file, and not in that of the first record.
    ///
    /// # Errors
    /// As [`BlockReader::new`].
    pub fn at_line(
        block: Arc<CsvBlock>,
        input: Arc<dyn ReadAt>,
        range: Range<u64>,
        line: u64,
    ) -> Result<Self> {
        let end = range.end.min(input.len());
        let begin = range.start.max(block.data_start).min(end);
        let mut scanner = Scanner::new(Arc::clone(&block), Arc::clone(&input), begin)?;
        scanner.begin_at_line(line);
        let feed = BlockFeed::File(FileFeed { input, block, at: begin, end });
        Ok(Self { scanner, feed, begin })
    }

    /// A reader of a block of `input` that [`super::StreamReader::read_ahead`] has taken out.
    ///
    /// # Errors
    /// As [`BlockReader::new`].
    pub fn of_text(block: Arc<CsvBlock>, input: Arc<dyn ReadAt>, text: Arc<StreamText>) -> Result<Self> {
        let begin = text.place();
        let mut scanner = Scanner::new(block, input, begin)?;
        scanner.begin_with(text.counter());
        Ok(Self { scanner, feed: BlockFeed::Text(TextFeed::new(text)), begin })
    }

    /// The same, which demands that the last record end exactly where the range does: what follows begins there. Whoever
    /// guessed the range begins again where it fails, with [`crate::ErrorKind::Misplaced`].
    #[must_use]
    pub fn ending_at_a_record(mut self) -> Self {
        self.scanner.end_at_record();
        self
    }

    /// Reads into memory that another reader has left ([`BlockReader::into_memory`]) instead of new one. Nothing where something
    /// was read already.
    pub fn begin_in(&mut self, bytes: Vec<u8>) {
        self.scanner.begin_in(bytes);
    }

    /// The memory that was read into, for the next reader.
    pub fn into_memory(self) -> Vec<u8> {
        self.scanner.into_memory()
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

    /// The next batch, never without rows unless records are set aside; `None` at the end. Without columns a batch is a
    /// number of rows.
    ///
    /// # Errors
    /// Where the store fails; [`ErrorKind::Mismatch`] with all wrong values of the block, [`ErrorKind::Ragged`],
    /// [`ErrorKind::RecordTooLong`]. After an error the reader is of no further use.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.scanner.next_batch(&mut self.feed, false)
    }

    /// The lines about records that were set aside since the last call.
    pub fn take_set_aside(&mut self) -> SetAside {
        self.scanner.take_set_aside()
    }

    /// What the columns of the block held, once it is at its end, where types may be widened.
    pub fn take_seen(&mut self) -> Seen {
        self.scanner.take_seen()
    }

    /// Bytes of the file read so far; none where the decoder has read them.
    pub fn bytes_read(&self) -> u64 {
        match &self.feed {
            BlockFeed::File(feed) => feed.at - self.begin,
            BlockFeed::Text(_) => 0,
        }
    }

    /// Bytes of memory held between calls; a batch that was handed out is not counted.
    pub fn memory_bytes(&self) -> usize {
        self.scanner.memory_bytes()
    }
}
