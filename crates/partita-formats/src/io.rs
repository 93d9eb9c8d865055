//! Where bytes come from: a blocking positional read.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Random access to the bytes of one input. Implementations live in the runtime (local files now, object
/// stores later) and in tests.
pub trait ReadAt: Send + Sync {
    /// Length of the input in bytes.
    fn len(&self) -> u64;

    /// Whether the input has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads up to `buffer.len()` bytes at `offset`; 0 means the end of the input.
    ///
    /// # Errors
    /// Whatever the store reports; interrupted reads are retried inside.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Says that `range` will be read soon. A hint: it never fails.
    fn prefetch(&self, range: Range<u64>) {
        let _ = range;
    }

    /// Fills `buffer` from `offset`, or as much of it as the input has; returns the bytes read.
    ///
    /// # Errors
    /// As [`ReadAt::read_at`].
    fn read_full_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let got = self.read_at(offset + filled as u64, &mut buffer[filled..])?;
            if got == 0 {
                break;
            }
            filled += got;
        }
        Ok(filled)
    }
}

/// An input that counts the bytes that are read of it.
pub struct Counted {
    input: Arc<dyn ReadAt>,
    bytes: AtomicU64,
}

impl Counted {
    /// Counts from 0.
    pub fn new(input: Arc<dyn ReadAt>) -> Self {
        Self { input, bytes: AtomicU64::new(0) }
    }

    /// Bytes read since this was asked last.
    pub fn take_bytes(&self) -> u64 {
        self.bytes.swap(0, Ordering::Relaxed)
    }
}

impl ReadAt for Counted {
    fn len(&self) -> u64 {
        self.input.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.input.read_at(offset, buffer)?;
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }

    fn prefetch(&self, range: Range<u64>) {
        self.input.prefetch(range);
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(Vec::len(self));
        let count = buffer.len().min(Vec::len(self) - start);
        buffer[..count].copy_from_slice(&self[start..start + count]);
        Ok(count)
    }
}
