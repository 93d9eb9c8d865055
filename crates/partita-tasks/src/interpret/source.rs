//! Sources: where a task's batches come from.

mod ipc;
mod layout;
mod ndjson;
mod parquet;
mod stored;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::csv::blocks;
use partita_formats::csv::header;
use partita_formats::csv::options::OnMismatch;
use partita_formats::csv::quarantine::SetAside;
use partita_formats::csv::reader::{BlockReader, CsvBlock};
use partita_formats::csv::stream;
use partita_formats::csv::widen::Seen;
use partita_formats::io::ReadAt;

use self::stored::{Projection, Stored, StoredEach};
use super::Outcome;
use super::ahead::{HeldText, PaidStream};
use super::early;
use super::exchange::{Merged, Overlapped, PlacedRows};
use super::operators::filter;
use super::reduce::Reduced;
use crate::error::{Error, ErrorKind, Result};
use crate::exchange::By;
use crate::expr::{Meter, Prepared};
use crate::host::{Host, Reservation, SlotValue};
use crate::program::{CsvFile, CsvScan, DatasetId, Program, ScanStart, Sink, Source, StreamId};

/// Lines about records that were set aside are handed over once there are so many bytes of them. Pieces end with the line
/// that reaches it, so that a task that is run again makes the same ones.
const PIECE_BYTES: usize = 256 << 10;

/// What makes the window of a decompressor smaller.
pub(super) const DECOMPRESS_FIRST: &str = "decompress the file first";

/// What makes the buffers of a reader smaller.
const SMALLER_CHUNKS: &str = "make chunk_bytes smaller";

/// Batches in row order.
pub(super) trait BatchSource {
    /// The next batch; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>>;

    /// How many partitions have ended since it was asked last, but for the last one.
    fn ended(&mut self) -> usize {
        0
    }

    /// Leaves behind what later tasks go on from. Called once, after the last batch that was wanted.
    fn close(&mut self) -> Result<()> {
        Ok(())
    }

    /// The task is done, and will not be tried again: what nobody else reads may go. Called once, after all else.
    fn done(&mut self) {}
}

/// What a task goes on from.
pub(super) enum Opened<'a> {
    Source(Box<dyn BatchSource + 'a>),
    /// There is nothing left to do.
    Over(Outcome),
}

/// Opens the source of a program.
pub(super) fn open<'a>(
    program: &'a Program,
    inputs: &'a [Outcome],
    host: &'a dyn Host,
) -> Result<Opened<'a>> {
    if let Source::Csv(scan) = &program.source {
        return match (scan.start, inputs.first()) {
            (ScanStart::Decompressed, Some(Outcome::Text(text))) => {
                open_csv(scan, &program.sink, Some(text), host)
            }
            (ScanStart::Decompressed, Some(outcome)) => Ok(Opened::Over(outcome.clone())),
            _ => open_csv(scan, &program.sink, None, host),
        };
    }
    let source: Box<dyn BatchSource + 'a> = match &program.source {
        Source::Parquet(scan) => Box::new(parquet::open(scan, host)?),
        Source::Ndjson(scan) => Box::new(ndjson::open(scan, host)?),
        Source::Ipc(scan) => Box::new(ipc::open(scan, host)?),
        Source::Input(_) => {
            let Some(Outcome::Partition(held)) = inputs.first() else {
                return Err(ErrorKind::Missing("a collected input".into()).into());
            };
            Box::new(Batches(held.partition.clone().into_batches().into_iter()))
        }
        Source::Stored { key, projection, frames } => {
            Box::new(Stored::open(*key, frames.as_ref(), Projection::new(projection.as_deref()), host)?)
        }
        Source::StoredEach { parts, projection } => {
            Box::new(StoredEach::new(parts, Projection::new(projection.as_deref()), host))
        }
        Source::Inputs => {
            let mut batches = Vec::new();
            for input in inputs {
                let Outcome::Partition(held) = input else {
                    return Err(ErrorKind::Missing("collected inputs".into()).into());
                };
                batches.extend(held.partition.clone().into_batches());
            }
            Box::new(Batches(batches.into_iter()))
        }
        Source::Exchanged { spec, part } => match spec.by {
            By::Place { .. } => Box::new(PlacedRows::new(*part, inputs, host)?),
            By::Order(_) | By::Hash(_) => Box::new(Merged::new(spec, *part, inputs, host)?),
        },
        Source::Overlapped { overlap, part } => Box::new(Overlapped::new(overlap, *part, inputs, host)?),
        Source::Reduced(reduce) => Box::new(Reduced::new(reduce, inputs, host)?),
        Source::Csv(_)
        | Source::CsvBlockStarts(_)
        | Source::Counts(_)
        | Source::States
        | Source::Runs
        | Source::Empty(_) => Box::new(Nothing),
    };
    Ok(Opened::Source(source))
}

/// Whether the source gives the same batches, and nothing else, each time that it is opened: a part of an exchange does until it is done.
pub(super) fn comes_again(program: &Program) -> bool {
    match &program.source {
        Source::Exchanged { spec, .. } => matches!(spec.by, By::Order(_) | By::Hash(_)),
        _ => false,
    }
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

fn open_csv<'a>(
    scan: &'a CsvScan,
    sink: &Sink,
    text: Option<&HeldText>,
    host: &'a dyn Host,
) -> Result<Opened<'a>> {
    let file = &scan.file;
    let written = match sink {
        Sink::Parquet { dataset, partition, .. } => Some((*dataset, *partition)),
        _ => None,
    };
    host.check_unchanged(&file.path, file.bytes, file.modified_ns)?;
    let input = host.open(&file.path)?;
    let is_first = scan.block == 0 && !matches!(scan.start, ScanStart::Decompressed);
    if is_first && !is_unchanged(&file.block, &input, host)? {
        let what = "it has another header".to_owned();
        return Err(ErrorKind::InputChanged { file: file.path.clone(), what }.into());
    }
    let text = text.and_then(HeldText::text);
    let is_stream = file.block.is_stream() && text.is_none();
    // A decompressor has a promise of its own, which goes with it.
    let bytes = if is_stream { 0 } else { first_guess(&file.block) };
    let memory = host.reserve("read_csv", bytes, SMALLER_CHUNKS)?;
    let mut reader = match text {
        Some(text) => block_reader(scan, BlockReader::of_text(Arc::clone(&file.block), input, text)?, host)?,
        None if is_stream => {
            let mut stream = PaidStream::take(scan, stream_of(scan), input, host)?;
            if let ScanStart::Ahead(_) = scan.start
                && let Some(text) = stream.read_ahead(scan, host)?
            {
                leave(scan, stream, host);
                return Ok(Opened::Over(Outcome::Text(Arc::new(text))));
            }
            Reader::Stream(Box::new(stream))
        }
        None => open_block(scan, input, host)?,
    };
    if let Reader::Block(reader) = &mut reader {
        reader.begin_in(host.lend_buffer());
    }
    let filter = match &scan.filter {
        Some(filter) => Some((Prepared::new(std::slice::from_ref(filter)), Meter::new(host)?)),
        None => None,
    };
    Ok(Opened::Source(Box::new(Csv {
        scan,
        host,
        ended: false,
        memory,
        reported_bytes: reader.bytes_read(),
        reported_rows: reader.rows_seen(),
        reader: Some(reader),
        filters_early: early::applies(scan),
        filter,
        written,
        aside: Vec::new(),
        pieces: 0,
    })))
}

/// A reader of a block of an uncompressed file.
fn open_block(scan: &CsvScan, input: Arc<dyn ReadAt>, host: &dyn Host) -> Result<Reader> {
    let file = &scan.file;
    let block = &file.block;
    match scan.start {
        ScanStart::Guessed => {
            let _window = host.reserve("guess block starts", blocks::BUFFER_BYTES, SMALLER_CHUNKS)?;
            let range = blocks::guess_block_range(&*input, block, file.block_bytes, scan.block)?;
            let is_last = range.end >= input.len();
            let reader = BlockReader::new(Arc::clone(block), input, range)?;
            block_reader(scan, if is_last { reader } else { reader.ending_at_a_record() }, host)
        }
        ScanStart::Slot(slot) => {
            let SlotValue::BlockStarts(starts) = host.slot(slot)? else {
                return Err(ErrorKind::Missing("block starts in their slot".into()).into());
            };
            let range = block_range(&starts.starts, scan.block, file.end)?;
            // A block without records has no line, and needs none.
            let line = starts.lines.get(scan.block).copied().unwrap_or(1);
            block_reader(scan, BlockReader::at_line(Arc::clone(block), input, range, line)?, host)
        }
        ScanStart::Whole | ScanStart::Stream(_) | ScanStart::Ahead(_) | ScanStart::Decompressed => {
            let range = block.data_start..scan.range.end.max(block.data_start);
            block_reader(scan, BlockReader::new(Arc::clone(block), input, range)?, host)
        }
    }
}

/// The decompressor that the block goes on with, and leaves to the next one.
fn stream_of(scan: &CsvScan) -> Option<StreamId> {
    match scan.start {
        ScanStart::Stream(stream) | ScanStart::Ahead(stream) => Some(stream),
        _ => None,
    }
}

/// Leaves a decompressor that is at the end of the block of `scan` for the next block, where there is one.
fn leave(scan: &CsvScan, reader: PaidStream, host: &dyn Host) {
    if let Some(stream) = stream_of(scan)
        && scan.range.end < scan.file.bytes
    {
        host.leave_stream(stream, scan.block + 1, Box::new(reader));
    }
}

/// A reader of the block, which drops rows as early as it can.
fn block_reader(scan: &CsvScan, reader: BlockReader, host: &dyn Host) -> Result<Reader> {
    let reader = match early::of(scan, host)? {
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
pub(super) fn first_guess(block: &CsvBlock) -> usize {
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

/// Asks for more memory where `bytes` are more than there is.
fn grow(memory: &mut Box<dyn Reservation>, bytes: usize) -> Result<()> {
    if bytes > memory.bytes() { memory.resize(bytes) } else { Ok(()) }
}

enum Reader {
    Block(Box<BlockReader>),
    Stream(Box<PaidStream>),
}

impl Reader {
    fn bytes_read(&self) -> u64 {
        match self {
            Reader::Block(reader) => reader.bytes_read(),
            Reader::Stream(stream) => stream.reader.bytes_read(),
        }
    }

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
    /// What is filtered here, where the reader does not.
    filter: Option<(Prepared, Meter)>,
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
                stream.pay()?;
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
        match &self.filter {
            Some(_) if self.filters_early => Ok(batch),
            Some((predicate, meter)) => {
                filter(&batch, &predicate.mask(&batch, meter)?, self.scan.output_columns)
            }
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
        if self.ended
            && let Some(Reader::Stream(reader)) = self.reader.take()
        {
            leave(self.scan, *reader, self.host);
        }
        Ok(())
    }
}
