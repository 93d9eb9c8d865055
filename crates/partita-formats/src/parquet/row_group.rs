//! Encoded row groups, and where their pages wait.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::column::page_store::{PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::errors::ParquetError;

/// A file in which pages wait until their part is written. Implementations live in the runtime, and in tests.
pub trait PageFile: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// Whatever the store reports.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// Whatever the store reports, and where the file is shorter.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// The encoded columns of some rows: what a task hands to the writer of a data set.
pub struct EncodedRowGroup {
    pub(super) chunks: Vec<ArrowColumnChunk>,
    pages: Vec<SharedPages>,
    rows: u64,
    bytes: u64,
}

impl EncodedRowGroup {
    pub(super) fn new(chunks: Vec<ArrowColumnChunk>, pages: Vec<SharedPages>, rows: u64) -> Self {
        let bytes = chunks.iter().map(|chunk| chunk.close().bytes_written).sum();
        Self { chunks, pages, rows, bytes }
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Encoded bytes, as they will stand in the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of pages that are held in memory now.
    pub fn memory_bytes(&self) -> usize {
        self.pages.iter().map(|pages| lock(pages).resident).sum()
    }

    /// Moves the pages from memory to `file`, from `offset` on; returns the bytes written. The row group can be
    /// appended to a part as before, and reads one page at a time.
    ///
    /// # Errors
    /// Whatever the file reports; pages that were not written stay in memory.
    pub fn spill(&mut self, file: &Arc<dyn PageFile>, offset: u64) -> io::Result<u64> {
        let mut end = offset;
        for pages in &self.pages {
            end = lock(pages).spill(file, end)?;
        }
        Ok(end - offset)
    }
}

impl fmt::Debug for EncodedRowGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedRowGroup").field("rows", &self.rows).field("bytes", &self.bytes).finish()
    }
}

/// The pages of one column chunk, held by its writer and by the row group.
pub(super) type SharedPages = Arc<Mutex<Pages>>;

/// Pages of a column chunk by number of arrival.
#[derive(Default)]
pub(super) struct Pages {
    blobs: Vec<Blob>,
    resident: usize,
}

enum Blob {
    Memory(Bytes),
    File { file: Arc<dyn PageFile>, offset: u64, len: usize },
}

impl Pages {
    fn spill(&mut self, file: &Arc<dyn PageFile>, offset: u64) -> io::Result<u64> {
        let mut end = offset;
        for blob in &mut self.blobs {
            if let Blob::Memory(bytes) = blob {
                file.write_at(end, bytes)?;
                let (start, len) = (end, bytes.len());
                end += len as u64;
                self.resident -= len;
                *blob = Blob::File { file: Arc::clone(file), offset: start, len };
            }
        }
        Ok(end)
    }
}

pub(super) fn lock(pages: &SharedPages) -> MutexGuard<'_, Pages> {
    // A panic while the lock was held leaves whole blobs only: `Pages` is always consistent.
    pages.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store of one chunk, as the `parquet` crate wants it.
struct ChunkPages(SharedPages);

/// Below this, bytes are copied into an allocation of their size: page headers come in buffers of 1 KiB.
const COPY_BYTES_MAX: usize = 512;

impl PageStore for ChunkPages {
    fn put(&mut self, value: Bytes) -> Result<PageKey, ParquetError> {
        let value = if value.len() <= COPY_BYTES_MAX { Bytes::copy_from_slice(&value) } else { value };
        let mut pages = lock(&self.0);
        let key = PageKey::new(pages.blobs.len() as u64);
        pages.resident += value.len();
        pages.blobs.push(Blob::Memory(value));
        Ok(key)
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes, ParquetError> {
        let mut pages = lock(&self.0);
        let blob = usize::try_from(key.get())
            .ok()
            .and_then(|index| pages.blobs.get_mut(index))
            .ok_or_else(|| ParquetError::General(format!("no page {}", key.get())))?;
        match std::mem::replace(blob, Blob::Memory(Bytes::new())) {
            Blob::Memory(bytes) => {
                pages.resident -= bytes.len();
                Ok(bytes)
            }
            Blob::File { file, offset, len } => {
                drop(pages);
                let mut bytes = vec![0; len];
                file.read_at(offset, &mut bytes)?;
                Ok(Bytes::from(bytes))
            }
        }
    }

    fn memory_size(&self) -> usize {
        lock(&self.0).resident
    }
}

/// Makes the page stores of one row group and keeps a hand on each.
#[derive(Default)]
pub(super) struct PagesFactory(Mutex<Vec<SharedPages>>);

impl PagesFactory {
    /// The stores made, in column order.
    pub(super) fn created(&self) -> Vec<SharedPages> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for PagesFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PagesFactory")
    }
}

impl PageStoreFactory for PagesFactory {
    fn create(&self, _: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>, ParquetError> {
        let pages = SharedPages::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&pages));
        Ok(Box::new(ChunkPages(pages)))
    }
}
