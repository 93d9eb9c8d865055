//! The bytes of one column chunk, as the `parquet` crate asks for them.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::io::ReadAt;

/// Bytes that are read ahead where the size of what comes is not known.
const AHEAD_BYTES: usize = 8 << 10;

/// A run of bytes of an input; nothing outside of it is read.
#[derive(Clone)]
pub(super) struct ChunkBytes {
    pub(super) input: Arc<dyn ReadAt>,
    pub(super) range: Range<u64>,
}

impl Length for ChunkBytes {
    fn len(&self) -> u64 {
        self.range.end
    }
}

impl ChunkReader for ChunkBytes {
    type T = ChunkCursor;

    fn get_read(&self, start: u64) -> Result<ChunkCursor> {
        self.check(start, 0)?;
        Ok(ChunkCursor { chunk: self.clone(), at: start, ahead: Vec::new(), taken: 0 })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.check(start, length)?;
        let mut bytes = vec![0; length];
        let got = self.input.read_full_at(start, &mut bytes)?;
        if got < length {
            return Err(ParquetError::EOF(format!("expected {length} bytes at byte {start}, got {got}")));
        }
        Ok(bytes.into())
    }
}

impl ChunkBytes {
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
}

/// Reads on from a place in a chunk.
pub(super) struct ChunkCursor {
    chunk: ChunkBytes,
    at: u64,
    ahead: Vec<u8>,
    taken: usize,
}

impl Read for ChunkCursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ahead.len() {
            let left = usize::try_from(self.chunk.range.end - self.at).unwrap_or(usize::MAX);
            self.ahead.resize(left.min(AHEAD_BYTES), 0);
            let got = self.chunk.input.read_full_at(self.at, &mut self.ahead)?;
            self.ahead.truncate(got);
            self.taken = 0;
            self.at += got as u64;
        }
        let count = buffer.len().min(self.ahead.len() - self.taken);
        buffer[..count].copy_from_slice(&self.ahead[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}
