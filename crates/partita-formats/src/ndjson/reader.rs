//! Lines of a range of a file as batches.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use super::block::NdjsonBlock;
use super::column::Refused;
use super::error::{Fault, What};
use super::json::{Cursor, Kind, Parsed};
use super::object::Object;
use crate::csv::dialect::LineEnd;
use crate::csv::reader::{Buffer, lines::lines_at};
use crate::csv::stream::Decoder;
use crate::error::{Error, ErrorKind, Result};
use crate::io::ReadAt;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Where bytes come from.
pub(super) enum Feed {
    Range { input: Arc<dyn ReadAt>, at: u64 },
    Decoder(Box<Decoder>),
}

impl Feed {
    /// From a place of a file, or from the beginning of a compressed one.
    pub(super) fn new(block: &NdjsonBlock, input: &Arc<dyn ReadAt>, at: u64) -> Result<Self> {
        Ok(if block.is_stream() {
            let decoder = Decoder::new(Arc::clone(input), &block.file, block.compression.into())?;
            Feed::Decoder(Box::new(decoder))
        } else {
            Feed::Range { input: Arc::clone(input), at }
        })
    }

    pub(super) fn read(&mut self, file: &str, out: &mut [u8]) -> Result<usize> {
        match self {
            Feed::Range { input, at } => {
                let failed = |source| ErrorKind::Io { file: file.to_owned(), source };
                let got = input.read_at(*at, out).map_err(failed)?;
                *at += got as u64;
                input.prefetch(*at..input.len().min(*at + out.len() as u64));
                Ok(got)
            }
            Feed::Decoder(decoder) => decoder.read(out, u64::MAX),
        }
    }
}

/// Reads the lines whose first byte lies in a range of a file, or all lines of a compressed file.
///
/// Memory: one chunk (more while a line is longer), and one batch under construction.
pub struct NdjsonReader {
    block: Arc<NdjsonBlock>,
    input: Arc<dyn ReadAt>,
    feed: Feed,
    buffer: Buffer,
    /// Place from which on lines belong to others.
    limit: u64,
    /// The first line is still to be found.
    is_searching: bool,
    ended: bool,
    object: Object,
    schema: SchemaRef,
    /// Where the lines of the batch under construction begin.
    starts: Vec<u64>,
    rows_seen: u64,
    begin: u64,
}

impl NdjsonReader {
    /// A reader of the lines that begin in `range` of `input`; of a compressed file the range is not looked at.
    ///
    /// # Errors
    /// Where the compression cannot be read, or a wanted column is none.
    pub fn new(block: Arc<NdjsonBlock>, input: Arc<dyn ReadAt>, range: Range<u64>) -> Result<Self> {
        let range = if block.is_stream() { 0..u64::MAX } else { range };
        // The line end before the range says whether a line begins with it.
        let begin = range.start.saturating_sub(1);
        let schema: SchemaRef = Arc::new(block.schema.project(&block.wanted)?);
        let fields = block.schema.fields().iter().enumerate();
        let wanted = fields.map(|(place, field)| (field, block.wanted.binary_search(&place).is_ok()));
        Ok(Self {
            feed: Feed::new(&block, &input, begin)?,
            buffer: Buffer::new(block.limits.chunk_bytes.max(1), begin),
            limit: range.end,
            is_searching: range.start > 0,
            ended: false,
            object: Object::new(wanted, block.ignore_unknown),
            schema,
            starts: Vec::new(),
            rows_seen: 0,
            begin,
            input,
            block,
        })
    }

    /// Reads into memory that another reader has left ([`NdjsonReader::into_memory`]) instead of new one.
    pub fn begin_in(&mut self, bytes: Vec<u8>) {
        self.buffer.begin_in(bytes);
    }

    /// The memory that was read into, for the next reader.
    pub fn into_memory(self) -> Vec<u8> {
        self.buffer.into_memory()
    }

    /// Lets the decompressor take so many bytes of memory. Where it needs more, calls fail with
    /// [`ErrorKind::Window`], and may be repeated once it has been allowed more.
    pub fn allow(&mut self, bytes: usize) {
        if let Feed::Decoder(decoder) = &mut self.feed {
            decoder.allow(bytes);
        }
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows that were read so far.
    pub fn rows_seen(&self) -> u64 {
        self.rows_seen
    }

    /// Bytes of the file read so far.
    pub fn bytes_read(&self) -> u64 {
        match &self.feed {
            Feed::Range { at, .. } => at - self.begin,
            Feed::Decoder(decoder) => decoder.position(),
        }
    }

    /// Bytes of memory held between calls; a batch that was handed out is not counted.
    pub fn memory_bytes(&self) -> usize {
        let decoder = match &self.feed {
            Feed::Range { .. } => 0,
            Feed::Decoder(decoder) => decoder.memory_bytes(),
        };
        let starts = self.starts.capacity() * size_of::<u64>();
        self.buffer.memory_bytes() + self.object.memory_bytes() + starts + decoder
    }

    /// The next batch, never without rows; `None` at the end. Without columns lines are counted and not looked at, and a batch
    /// is a number of rows.
    ///
    /// # Errors
    /// Where the store fails or the compressed data are broken; [`ErrorKind::Malformed`] for a line that is not as it should
    /// be, and [`ErrorKind::RecordTooLong`]. After an error the reader is of no further use, unless it is [`ErrorKind::Window`].
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let mut bytes = 0;
        loop {
            bytes += self.take_lines(bytes)?;
            let limits = self.block.limits;
            let is_full = self.starts.len() >= limits.batch_rows_max || bytes >= limits.batch_bytes_max;
            let is_done = self.buffer.place() >= self.limit || self.ended && self.buffer.window().is_empty();
            if is_full || is_done {
                if self.starts.is_empty() && !is_done {
                    bytes = 0;
                    continue;
                }
                return self.finish();
            }
            if self.ended {
                continue;
            }
            self.refill()?;
        }
    }

    fn refill(&mut self) -> Result<()> {
        let limit = self.block.limits.line_bytes_max;
        let is_line = memchr::memchr(b'\n', self.buffer.window()).is_some();
        if self.buffer.window().len() > limit && !is_line {
            let (file, byte) = (self.block.file.clone(), self.buffer.place());
            let message = format!(
                "byte {byte}: a line of more than {limit} bytes; are these lines of JSON? Raise record_bytes_max"
            );
            return Err(ErrorKind::Malformed { file, message }.into());
        }
        let (feed, file) = (&mut self.feed, &self.block.file);
        let was_first = self.buffer.end_place() == 0;
        self.ended = self.buffer.refill(limit.saturating_add(1), |out| feed.read(file, out))?;
        if was_first && self.buffer.window().starts_with(BYTE_ORDER_MARK) {
            self.buffer.consume(BYTE_ORDER_MARK.len());
        }
        Ok(())
    }

    /// Takes whole lines from the window, until the batch is full; returns their bytes, and those of values that they lack. `taken` are
    /// those of the batch so far.
    fn take_lines(&mut self, taken: usize) -> Result<usize> {
        let window = self.buffer.window();
        if self.is_searching {
            let Some(end) = memchr::memchr(b'\n', window) else {
                self.buffer.consume(window.len());
                self.is_searching = !self.ended;
                return Ok(0);
            };
            self.buffer.consume(end + 1);
            self.is_searching = false;
            return Ok(0);
        }
        let whole =
            if self.ended { window.len() } else { memchr::memrchr(b'\n', window).map_or(0, |end| end + 1) };
        let (place, whole) = (self.buffer.place(), &window[..whole]);
        let text = match simdutf8::compat::from_utf8(whole) {
            Ok(text) => text,
            Err(error) => return Err(self.not_text(place + error.valid_up_to() as u64)),
        };
        let (mut at, mut bytes) = (0, 0);
        let limits = self.block.limits;
        let mut fault = None;
        while at < text.len()
            && place + (at as u64) < self.limit
            && self.starts.len() < limits.batch_rows_max
            && taken + bytes < limits.batch_bytes_max
        {
            let rest = &text[at..];
            let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let line = &rest[..end];
            match row(&mut self.object, line, self.block.wanted.is_empty()) {
                Ok(Some(lacking)) => {
                    self.starts.push(place + at as u64);
                    bytes += lacking;
                }
                Ok(None) => {}
                Err(wrong) => {
                    fault = Some((wrong, place + at as u64, line.as_bytes().to_vec()));
                    break;
                }
            }
            at += (end + 1).min(rest.len());
            bytes += end;
        }
        if let Some((fault, byte, line)) = fault {
            return Err(self.told(&fault, byte, &line));
        }
        self.buffer.consume(at);
        Ok(bytes)
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let rows = self.starts.len();
        let columns = match self.object.finish() {
            Ok((_, columns)) => columns,
            Err(Refused::Other(error)) => return Err(error),
            Err(Refused::Value { path, item, expected, found }) => {
                let fault = Fault { path, at: 0, what: What::Value { expected, found } };
                let byte = self.starts.get(item).copied().unwrap_or(self.begin);
                return Err(self.told(&fault, byte, b""));
            }
        };
        self.starts.clear();
        if rows == 0 {
            return Ok(None);
        }
        self.rows_seen += rows as u64;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(Some(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?))
    }

    /// The line, from 1, of a place, where the file can be read again to count lines.
    fn line(&self, byte: u64) -> Option<u64> {
        let packing = self.block.compression.into();
        let lines = lines_at(&self.block.file, &self.input, packing, LineEnd::Lf, &[byte]).ok()?;
        lines.first().copied()
    }

    fn told(&self, fault: &Fault, byte: u64, line: &[u8]) -> Error {
        fault.told(&self.block.file, self.line(byte), byte, line)
    }

    fn not_text(&self, byte: u64) -> Error {
        let line = self.line(byte).map_or_else(String::new, |line| format!("line {line} "));
        let message =
            format!("{line}(byte {byte}): not UTF-8, which JSON has to be; convert the file, as with iconv");
        ErrorKind::Malformed { file: self.block.file.clone(), message }.into()
    }
}

/// Appends the row of a line; the bytes that values which it lacks have taken. `None` where the line has no row.
fn row(object: &mut Object, line: &str, only_counts: bool) -> Parsed<Option<usize>> {
    let mut cursor = Cursor::new(line);
    cursor.skip_blanks();
    if cursor.at == line.len() {
        return Ok(None);
    }
    if only_counts {
        return Ok(Some(0));
    }
    let start = cursor.at;
    match cursor.kind() {
        Ok(Kind::Object) => {}
        _ => return Err(Fault::syntax(start, "an object")),
    }
    object.push(&mut cursor)?;
    cursor.end()?;
    Ok(Some(cursor.spent()))
}
