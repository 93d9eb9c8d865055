//! The bytes of one column chunk, as the `parquet` crate asks for them: no page is handed to it that takes more memory
//! than there is.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::checksum::check;
use super::thrift::{I32, Outcome, STRUCT, Thrift};
use crate::io::ReadAt;

/// Bytes that are read ahead where the size of what comes is not known.
const AHEAD_BYTES: usize = 8 << 10;

/// A run of bytes of an input; nothing outside of it is read.
pub(super) struct ChunkBytes {
    input: Arc<dyn ReadAt>,
    range: Range<u64>,
    budget: Arc<Budget>,
    /// Bytes that a value takes beside its own: its levels, and its place in an array.
    value_bytes: usize,
    /// Bytes that the largest page so far takes, as they are counted in the budget.
    held: AtomicUsize,
    /// Values that the pages may still have.
    values_left: AtomicUsize,
    /// Where the page begins whose header was read last, and the checksum that it has.
    told: Mutex<Option<(u64, u32)>>,
}

/// Bytes of memory that the columns of a row group may take together.
#[derive(Debug, Default)]
pub(super) struct Budget {
    bytes_max: AtomicUsize,
    bytes: AtomicUsize,
    refused: AtomicUsize,
}

impl Budget {
    pub(super) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max: AtomicUsize::new(bytes_max), ..Self::default() })
    }

    /// Bytes that are taken.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes that may be taken.
    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max.load(Ordering::Relaxed)
    }

    pub(super) fn set_bytes_max(&self, bytes: usize) {
        self.bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// Something that held `before` bytes holds `after`.
    pub(super) fn changed(&self, before: usize, after: usize) {
        self.bytes.fetch_add(after, Ordering::Relaxed);
        self.bytes.fetch_sub(before, Ordering::Relaxed);
    }

    /// Bytes that there would have to be, if more were asked for than there are since this was asked; 0 if not.
    pub(super) fn take_refused(&self) -> usize {
        self.refused.swap(0, Ordering::Relaxed)
    }

    /// Takes `bytes` more, or none.
    fn take(&self, bytes: usize) -> Result<()> {
        let taken = self.bytes().saturating_add(bytes);
        let most = self.bytes_max();
        if taken <= most {
            self.bytes.store(taken, Ordering::Relaxed);
            return Ok(());
        }
        self.refused.store(taken, Ordering::Relaxed);
        Err(ParquetError::General(format!(
            "its pages take {taken} bytes of memory, of {most} that are allowed"
        )))
    }
}

impl Drop for ChunkBytes {
    fn drop(&mut self) {
        self.budget.bytes.fetch_sub(*self.held.get_mut(), Ordering::Relaxed);
    }
}

impl Length for ChunkBytes {
    fn len(&self) -> u64 {
        self.range.end
    }
}

impl ChunkReader for ChunkBytes {
    type T = ChunkCursor;

    /// The crate asks so for the header of each page, and then for the page by [`ChunkReader::get_bytes`].
    fn get_read(&self, start: u64) -> Result<ChunkCursor> {
        self.check(start, 0)?;
        let mut cursor = ChunkCursor {
            input: Arc::clone(&self.input),
            end: self.range.end,
            at: start,
            ahead: Vec::new(),
            taken: 0,
        };
        cursor.fill()?;
        if let Ok((header, length)) = header(&cursor.ahead) {
            self.admit(header)?;
            let told = header.crc.map(|crc| (start + length as u64, crc));
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = told;
        }
        Ok(cursor)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.check(start, length)?;
        let mut bytes = vec![0; length];
        let got = self.input.read_full_at(start, &mut bytes)?;
        if got < length {
            return Err(ParquetError::EOF(format!("expected {length} bytes at byte {start}, got {got}")));
        }
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((_, crc)) = told.filter(|(page, _)| *page == start) {
            check(&bytes, crc).map_err(|what| ParquetError::General(format!("expected {what}")))?;
        }
        Ok(bytes.into())
    }
}

impl ChunkBytes {
    pub(super) fn new(
        input: &Arc<dyn ReadAt>,
        range: Range<u64>,
        (values, value_bytes): (usize, usize),
        budget: &Arc<Budget>,
    ) -> Self {
        Self {
            input: Arc::clone(input),
            range,
            budget: Arc::clone(budget),
            value_bytes,
            held: AtomicUsize::new(0),
            values_left: AtomicUsize::new(values),
            told: Mutex::new(None),
        }
    }

    fn check(&self, start: u64, length: usize) -> Result<()> {
        let end = start.checked_add(length as u64);
        if start < self.range.start || end.is_none_or(|end| end > self.range.end) {
            let Range { start: first, end } = self.range;
            return Err(ParquetError::EOF(format!(
                "expected pages within bytes {first} to {end}, got one of {length} bytes at byte {start}"
            )));
        }
        Ok(())
    }

    /// Counts what a page takes before the crate believes its header.
    fn admit(&self, header: Header) -> Result<()> {
        if !header.is_dictionary {
            let left = self.values_left.load(Ordering::Relaxed);
            let Some(rest) = left.checked_sub(header.values) else {
                let values = header.values;
                return Err(ParquetError::General(format!(
                    "expected at most {left} more values, got a page of {values}"
                )));
            };
            self.values_left.store(rest, Ordering::Relaxed);
        }
        let values = header.values.saturating_mul(self.value_bytes);
        self.hold(header.raw_bytes.saturating_add(header.stored_bytes).saturating_add(values))
    }

    /// Counts that `bytes` are held at some time, all in all.
    pub(super) fn hold(&self, bytes: usize) -> Result<()> {
        let held = self.held.load(Ordering::Relaxed);
        if bytes > held {
            self.budget.take(bytes - held)?;
            self.held.store(bytes, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// What a page's header says of its size.
#[derive(Debug, Clone, Copy, Default)]
struct Header {
    is_dictionary: bool,
    raw_bytes: usize,
    stored_bytes: usize,
    values: usize,
    crc: Option<u32>,
}

/// The header at the beginning of `bytes`, and its length.
fn header(bytes: &[u8]) -> Outcome<(Header, usize)> {
    const DICTIONARY_PAGE: i64 = 2;
    let mut thrift = Thrift::new(bytes);
    let mut header = Header::default();
    let size = |value: i64| usize::try_from(value).unwrap_or(usize::MAX);
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(&mut last)? {
        match (number, kind) {
            (1, I32) => header.is_dictionary = thrift.number()? == DICTIONARY_PAGE,
            (2, I32) => header.raw_bytes = size(thrift.number()?),
            (3, I32) => header.stored_bytes = size(thrift.number()?),
            (4, I32) => header.crc = i32::try_from(thrift.number()?).ok().map(i32::cast_unsigned),
            (5 | 7 | 8, STRUCT) => {
                let mut inner = 0;
                while let Some((number, kind)) = thrift.field(&mut inner)? {
                    match (number, kind) {
                        (1, I32) => header.values = size(thrift.number()?),
                        _ => thrift.skip(kind)?,
                    }
                }
            }
            _ => thrift.skip(kind)?,
        }
    }
    Ok((header, thrift.position()))
}

/// Reads on from a place in a chunk.
pub(super) struct ChunkCursor {
    input: Arc<dyn ReadAt>,
    end: u64,
    at: u64,
    ahead: Vec<u8>,
    taken: usize,
}

impl ChunkCursor {
    fn fill(&mut self) -> io::Result<()> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        self.ahead.resize(left.min(AHEAD_BYTES), 0);
        let got = self.input.read_full_at(self.at, &mut self.ahead)?;
        self.ahead.truncate(got);
        self.taken = 0;
        self.at += got as u64;
        Ok(())
    }
}

impl Read for ChunkCursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ahead.len() {
            self.fill()?;
        }
        let count = buffer.len().min(self.ahead.len() - self.taken);
        buffer[..count].copy_from_slice(&self.ahead[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}
