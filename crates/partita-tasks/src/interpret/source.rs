//! Sources: where a task's batches come from.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::csv::blocks;
use partita_formats::csv::header;
use partita_formats::csv::options::OnMismatch;
use partita_formats::csv::quarantine::SetAside;
use partita_formats::csv::reader::{BlockReader, CsvBlock, StreamReader};
use partita_formats::csv::stream;
use partita_formats::csv::widen::Seen;
use partita_formats::io::ReadAt;

use super::Outcome;
use super::early;
use super::operators::filter;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Reservation, SlotValue, StoredBatches};
use crate::program::{CsvFile, CsvScan, DatasetId, Program, ScanStart, Sink, Source, StreamId};

/// Lines about records that were set aside are handed over once there are so many bytes of them. Pieces end with the line
/// that reaches it, so that a task that is run again makes the same ones.
const PIECE_BYTES: usize = 256 << 10;

/// What makes the window of a decompressor smaller.
const DECOMPRESS_FIRST: &str = "decompress the file first";

/// What makes the buffers of a reader smaller.
const SMALLER_CHUNKS: &str = "make chunk_bytes smaller";

/// Batches in row order.
pub(super) trait BatchSource {
    /// The next batch; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>>;

    /// Leaves behind what later tasks go on from. Called once, after the last batch that was wanted.
    fn close(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Opens the source of a program.
pub(super) fn open<'a>(
    program: &'a Program,
    inputs: &'a [Outcome],
    host: &'a dyn Host,
) -> Result<Box<dyn BatchSource + 'a>> {
    Ok(match &program.source {
        Source::Csv(scan) => open_csv(scan, &program.sink, host)?,
        Source::Input(_) => {
            let Some(Outcome::Partition(held)) = inputs.first() else {
                return Err(ErrorKind::Missing("a collected input".into()).into());
            };
            Box::new(Batches(held.partition.clone().into_batches().into_iter()))
        }
        Source::Stored { key, projection } => {
            Box::new(Stored { batches: host.stored(*key)?, projection: projection.as_deref() })
        }
        Source::CsvBlockStarts(_) | Source::Counts(_) | Source::Empty(_) => Box::new(Nothing),
    })
}

struct Nothing;

impl BatchSource for Nothing {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        Ok(None)
    }
}

/// A collected partition.
struct Batches(std::vec::IntoIter<RecordBatch>);

impl BatchSource for Batches {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        Ok(self.0.next())
    }
}

/// A partition of the store.
struct Stored<'a> {
    batches: Box<dyn StoredBatches + 'a>,
    projection: Option<&'a [usize]>,
}

impl BatchSource for Stored<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.batches.next()? else { return Ok(None) };
        Ok(Some(match self.projection {
            Some(columns) => batch.project(columns)?,
            None => batch,
        }))
    }
}

fn open_csv<'a>(scan: &'a CsvScan, sink: &Sink, host: &'a dyn Host) -> Result<Box<dyn BatchSource + 'a>> {
    let file = &scan.file;
    let written = match sink {
        Sink::Parquet { dataset, partition, .. } => Some((*dataset, *partition)),
        _ => None,
    };
    host.check_unchanged(&file.path, file.bytes, file.modified_ns)?;
    let input = host.open(&file.path)?;
    let block = &file.block;
    if scan.block == 0 && !is_unchanged(block, &input, host)? {
        let what = "it has another header".to_owned();
        return Err(ErrorKind::InputChanged { file: file.path.clone(), what }.into());
    }
    // A decompressor has a promise of its own, which goes with it.
    let bytes = if let ScanStart::Stream(_) = scan.start { 0 } else { first_guess(block) };
    let memory = host.reserve("read_csv", bytes, SMALLER_CHUNKS)?;
    let mut reader = match scan.start {
        ScanStart::Whole => {
            let range = block.data_start..scan.range.end.max(block.data_start);
            block_reader(scan, BlockReader::new(Arc::clone(block), input, range)?)?
        }
        ScanStart::Guessed => {
            let _window = host.reserve("guess block starts", blocks::BUFFER_BYTES, SMALLER_CHUNKS)?;
            let range = blocks::guess_block_range(&*input, block, file.block_bytes, scan.block)?;
            let is_last = range.end >= input.len();
            let reader = BlockReader::new(Arc::clone(block), input, range)?;
            block_reader(scan, if is_last { reader } else { reader.ending_at_a_record() })?
        }
        ScanStart::Slot(slot) => {
            let SlotValue::BlockStarts(starts) = host.slot(slot)? else {
                return Err(ErrorKind::Missing("block starts in their slot".into()).into());
            };
            let range = block_range(&starts.starts, scan.block, file.end)?;
            // A block without records has no line, and needs none.
            let line = starts.lines.get(scan.block).copied().unwrap_or(1);
            block_reader(scan, BlockReader::at_line(Arc::clone(block), input, range, line)?)?
        }
        ScanStart::Stream(stream) => Reader::Stream(Box::new(take_stream(scan, stream, input, host)?)),
    };
    if let Reader::Block(reader) = &mut reader {
        reader.begin_in(host.lend_buffer());
    }
    let reported_rows = reader.rows_seen();
    Ok(Box::new(Csv {
        scan,
        host,
        reader: Some(reader),
        ended: false,
        memory,
        reported_bytes: 0,
        reported_rows,
        filters_early: early::of(scan).is_some(),
        written,
        aside: Vec::new(),
        pieces: 0,
    }))
}

/// A reader of the block, which drops rows as early as it can.
fn block_reader(scan: &CsvScan, reader: BlockReader) -> Result<Reader> {
    let reader = match early::of(scan) {
        Some(filter) => reader.filtered(filter)?,
        None => reader,
    };
    Ok(Reader::Block(Box::new(reader)))
}

/// The error of a task that began at a guessed start, for whatever reason it failed: where the guess was wrong, that is the
/// reason, and what the task saw was not there.
pub(super) fn accused(program: &Program, error: Error, host: &dyn Host) -> Error {
    let Source::Csv(scan) = &program.source else { return error };
    let counts = !matches!(error.kind(), ErrorKind::Cancelled)
        && !error.is_misplaced()
        && !error.is_transient()
        && !error.is_short_of_memory();
    if !counts || !matches!(scan.start, ScanStart::Guessed) {
        return error;
    }
    match is_misplaced(scan, host) {
        Ok(Some(misplaced)) => misplaced,
        // What cannot be looked at again says nothing against the guess.
        Ok(None) | Err(_) => error,
    }
}

/// Compares the guessed start of a scan with the one that a search from the beginning of the file finds.
fn is_misplaced(scan: &CsvScan, host: &dyn Host) -> Result<Option<Error>> {
    let CsvFile { block, block_bytes, path, .. } = &*scan.file;
    let input = host.open(path)?;
    let _memory = host.reserve("find block starts", 2 * blocks::BUFFER_BYTES, SMALLER_CHUNKS)?;
    let guessed = blocks::guess_block_range(&*input, block, *block_bytes, scan.block)?;
    let cancelled = || host.is_cancelled();
    let found = blocks::find_block_start(&*input, block, *block_bytes, scan.block, &cancelled)?;
    Ok((found != guessed.start).then(|| blocks::misplaced(block, guessed.start).into()))
}

/// Chunk, carry-over and look-ahead, and one decoded batch: the reader's own figure replaces this once it is open.
fn first_guess(block: &CsvBlock) -> usize {
    block.limits.chunk_bytes * 3 + block.limits.batch_bytes_max
}

/// Whether the head of the file is as it was planned with; while it is read, its decompressor is paid for.
fn is_unchanged(block: &CsvBlock, input: &Arc<dyn ReadAt>, host: &dyn Host) -> Result<bool> {
    let mut first = [0; stream::MAGIC_BYTES];
    let failed = |source| FormatsErrorKind::Io { file: block.file.clone(), source };
    let count = input.read_full_at(0, &mut first).map_err(failed).map_err(partita_formats::Error::from)?;
    let _memory = host.reserve("decompress", stream::memory_bytes(&first[..count]), DECOMPRESS_FIRST)?;
    Ok(header::is_unchanged(block, input)?)
}

fn block_range(starts: &[u64], block: usize, last: u64) -> Result<Range<u64>> {
    match (starts.get(block), starts.get(block + 1)) {
        (Some(start), Some(end)) => Ok(*start.min(&last)..*end.min(&last)),
        _ => Err(ErrorKind::Missing(format!("the start of block {block}")).into()),
    }
}

/// The decompressor of the block before, or, where it is not here (a retry, another process), a new one brought
/// to the same place.
fn take_stream(
    scan: &CsvScan,
    stream: StreamId,
    input: Arc<dyn ReadAt>,
    host: &dyn Host,
) -> Result<PaidStream> {
    if let Some(state) = host.take_stream(stream, scan.block)
        && let Ok(reader) = state.downcast::<PaidStream>()
    {
        return Ok(*reader);
    }
    let mut reader = StreamReader::new(Arc::clone(&scan.file.block), input)?;
    if let Some(records) = scan.file.rows_max {
        reader = reader.end_after(records);
    }
    if let Some(filter) = early::of(scan) {
        reader = reader.filtered(filter)?;
    }
    reader.allow(0);
    let memory = host.reserve("read_csv", first_guess(&scan.file.block), DECOMPRESS_FIRST)?;
    let mut reader = PaidStream { reader, memory, allowed_bytes: 0 };
    for block in 0..scan.block {
        let end = stream_end(&scan.file, block);
        reader.call(|reader| reader.skip(end))?;
        if host.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
    }
    Ok(reader)
}

/// A decompressor on its way from block to block, and the promise that pays for all that it holds.
struct PaidStream {
    reader: StreamReader,
    memory: Box<dyn Reservation>,
    /// Bytes that the decompressor may take.
    allowed_bytes: usize,
}

impl PaidStream {
    /// Calls the reader, and asks for more memory wherever it needs some to go on.
    fn call<T>(
        &mut self,
        mut call: impl FnMut(&mut StreamReader) -> partita_formats::Result<T>,
    ) -> Result<T> {
        loop {
            let error = match call(&mut self.reader) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let FormatsErrorKind::Window { bytes, .. } = error.kind() else { return Err(early::told(error)) };
            self.memory.resize(self.memory.bytes() + bytes.saturating_sub(self.allowed_bytes))?;
            self.allowed_bytes = *bytes;
            self.reader.allow(*bytes);
        }
    }
}

/// Compressed byte at which block `block` of a compressed file ends.
fn stream_end(file: &CsvFile, block: usize) -> u64 {
    (block as u64 + 1).saturating_mul(file.block_bytes).min(file.bytes)
}

/// Asks for more memory where `bytes` are more than there is.
fn grow(memory: &mut Box<dyn Reservation>, bytes: usize) -> Result<()> {
    if bytes > memory.bytes() { memory.resize(bytes) } else { Ok(()) }
}

enum Reader {
    Block(Box<BlockReader>),
    Stream(Box<PaidStream>),
}

impl Reader {
    fn rows_seen(&self) -> u64 {
        match self {
            Reader::Block(reader) => reader.rows_seen(),
            Reader::Stream(stream) => stream.reader.rows_seen(),
        }
    }

    fn take_set_aside(&mut self) -> SetAside {
        match self {
            Reader::Block(reader) => reader.take_set_aside(),
            Reader::Stream(stream) => stream.reader.take_set_aside(),
        }
    }

    fn take_seen(&mut self) -> Seen {
        match self {
            Reader::Block(reader) => reader.take_seen(),
            Reader::Stream(stream) => stream.reader.take_seen(),
        }
    }
}

struct Csv<'a> {
    scan: &'a CsvScan,
    host: &'a dyn Host,
    reader: Option<Reader>,
    ended: bool,
    memory: Box<dyn Reservation>,
    reported_bytes: u64,
    reported_rows: u64,
    /// Rows are dropped by the reader.
    filters_early: bool,
    /// The data set and the partition of it that the rows go to.
    written: Option<(DatasetId, usize)>,
    /// Lines about records that were set aside, not yet handed over.
    aside: Vec<u8>,
    pieces: usize,
}

impl Csv<'_> {
    fn read(&mut self) -> Result<Option<RecordBatch>> {
        let (batch, bytes_read, rows_seen) = match &mut self.reader {
            Some(Reader::Block(reader)) => {
                let batch = reader.next_batch().map_err(early::told)?;
                grow(&mut self.memory, reader.memory_bytes() + self.aside.capacity())?;
                (batch, reader.bytes_read(), reader.rows_seen())
            }
            Some(Reader::Stream(stream)) => {
                let batch = stream.call(|reader| reader.next_batch(self.scan.range.end))?;
                grow(&mut stream.memory, stream.reader.memory_bytes())?;
                grow(&mut self.memory, self.aside.capacity())?;
                (batch, stream.reader.bytes_read(), stream.reader.rows_seen())
            }
            None => return Ok(None),
        };
        self.ended = batch.is_none();
        self.look_aside()?;
        let rows = rows_seen.saturating_sub(self.reported_rows);
        self.host.progress(bytes_read.saturating_sub(self.reported_bytes), rows);
        (self.reported_bytes, self.reported_rows) = (bytes_read, rows_seen);
        Ok(batch)
    }

    /// Hands on what is not a row: records that were set aside, and what columns held.
    fn look_aside(&mut self) -> Result<()> {
        let Some(reader) = &mut self.reader else { return Ok(()) };
        match self.scan.file.block.on_mismatch {
            OnMismatch::Quarantine => {
                // They are paid for already, as the reader's; they must not take more on the way.
                let mut lines = reader.take_set_aside().lines;
                if self.aside.is_empty() {
                    self.aside = lines;
                } else {
                    self.aside.reserve_exact(lines.len());
                    self.aside.append(&mut lines);
                }
                self.hand_over()
            }
            OnMismatch::Widen if self.ended => {
                let partition = self.written.map_or(usize::MAX, |(_, partition)| partition);
                self.host.observe(reader.take_seen().of_partition(partition));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn hand_over(&mut self) -> Result<()> {
        let mut rest = 0;
        while rest < self.aside.len() {
            let lines = &self.aside[rest..];
            let last =
                lines.get(PIECE_BYTES - 1..).and_then(|lines| lines.iter().position(|byte| *byte == b'\n'));
            let bytes = match last {
                Some(last) => PIECE_BYTES + last,
                None if self.ended => lines.len(),
                None => break,
            };
            let Some((dataset, partition)) = self.written else {
                return Err(ErrorKind::Missing("a data set to set records aside of".into()).into());
            };
            self.host.set_aside(dataset, partition, self.pieces, lines[..bytes].to_vec())?;
            self.pieces += 1;
            rest += bytes;
        }
        self.aside.drain(..rest);
        Ok(())
    }

    /// Whether rows need not go on, because all will be read again.
    fn is_draft(&self) -> bool {
        self.scan.file.block.on_mismatch == OnMismatch::Widen && self.host.is_draft()
    }

    fn select(&self, batch: RecordBatch) -> Result<RecordBatch> {
        match &self.scan.filter {
            Some(_) if self.filters_early => Ok(batch),
            Some(predicate) => filter(&batch, predicate, self.scan.output_columns),
            None => Ok(batch),
        }
    }
}

impl BatchSource for Csv<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(batch) = self.read()? {
            if batch.num_rows() > 0 && !self.is_draft() {
                return self.select(batch).map(Some);
            }
            if self.host.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
        }
        Ok(None)
    }

    fn close(&mut self) -> Result<()> {
        // The block after this one relies on where the last record ends, also where the rest is not wanted.
        while matches!(self.scan.start, ScanStart::Guessed) && !self.ended {
            self.read()?;
            if self.host.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
        }
        if let Some(Reader::Block(_)) = &self.reader
            && let Some(Reader::Block(reader)) = self.reader.take()
        {
            self.host.return_buffer(reader.into_memory());
        }
        // A consumer that had enough leaves rows of this block behind, which the next block must not get: it then
        // starts a decompressor of its own.
        if let ScanStart::Stream(stream) = self.scan.start
            && self.ended
            && self.scan.range.end < self.scan.file.bytes
            && let Some(Reader::Stream(reader)) = self.reader.take()
        {
            self.host.leave_stream(stream, self.scan.block + 1, reader);
        }
        Ok(())
    }
}
