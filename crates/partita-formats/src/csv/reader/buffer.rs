//! The bytes between the store and the splitter.

use crate::error::Result;

/// A window over the decoded stream: the part that is read and not yet consumed. Its memory is used again; it
/// grows for a record longer than a chunk and shrinks again behind it.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Place of `bytes[0]` in the stream.
    base: u64,
    chunk_bytes: usize,
}

impl Buffer {
    pub(crate) fn new(chunk_bytes: usize, base: u64) -> Self {
        Self { bytes: Vec::new(), start: 0, end: 0, base, chunk_bytes }
    }

    /// Takes over memory that another buffer has left, before anything is read.
    pub(crate) fn begin_in(&mut self, bytes: Vec<u8>) {
        if self.end == 0 {
            self.bytes = bytes;
        }
    }

    /// The memory, for another buffer.
    pub(crate) fn into_memory(self) -> Vec<u8> {
        self.bytes
    }

    /// What is read and not yet consumed.
    pub(crate) fn window(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Place of the window's first byte in the stream.
    pub(crate) fn place(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Place behind the window's last byte in the stream.
    pub(crate) fn end_place(&self) -> u64 {
        self.base + self.end as u64
    }

    /// What is read and not yet consumed, which is then to be read once more.
    pub(crate) fn give_back(&mut self) -> Vec<u8> {
        let mut window = std::mem::take(&mut self.bytes);
        window.truncate(self.end);
        window.drain(..self.start);
        self.jump(self.place());
        window
    }

    /// Goes on at another place of the stream, behind all that was read.
    pub(crate) fn jump(&mut self, place: u64) {
        (self.start, self.end, self.base) = (0, 0, place);
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }

    /// Moves the window to the front and reads behind it until a chunk is full, or twice the window where a record
    /// is longer than that, but no more than `bytes_max`. `read` answers 0 where there is nothing more: then the
    /// answer is `true`.
    pub(crate) fn refill(
        &mut self,
        bytes_max: usize,
        mut read: impl FnMut(&mut [u8]) -> Result<usize>,
    ) -> Result<bool> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        let doubled = self.end.saturating_mul(2).min(bytes_max.max(self.end + 1));
        let wanted = if self.end < self.chunk_bytes { self.chunk_bytes } else { doubled };
        if self.bytes.len() > wanted {
            self.bytes.truncate(wanted);
            self.bytes.shrink_to(wanted);
        } else {
            // Exactly: doubling here would double what the ledger was told.
            self.bytes.reserve_exact(wanted - self.bytes.len());
            self.bytes.resize(wanted, 0);
        }
        while self.end < wanted {
            let got = read(&mut self.bytes[self.end..])?;
            if got == 0 {
                return Ok(true);
            }
            self.end += got;
        }
        Ok(false)
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}
