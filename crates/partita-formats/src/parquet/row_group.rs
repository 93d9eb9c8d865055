//! Encoded row groups, and where their pages wait.

use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::basic::Compression;
use parquet::column::page_store::{PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::SerializedRowGroupWriter;

use crate::parquet::hive::PartitionKey;
use crate::parquet::memory::page_head;

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

    /// Says that nothing more is written, and that reading may begin much later: a file may be closed until then.
    fn rest(&self) {}
}

/// Some rows, encoded: what a task hands to the writer of a data set. Of Parquet the column chunks of a row group; of
/// files of rows a piece of the file.
pub struct EncodedRowGroup {
    pub(super) chunks: Vec<Chunk>,
    pages: Vec<SharedPages>,
    rows: u64,
    bytes: u64,
    key: Option<Arc<PartitionKey>>,
    message: Option<MessageSize>,
}

/// The sizes of a message of Arrow IPC, which its file lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageSize {
    /// Bytes of what describes it, with its prefix and padding.
    pub metadata_bytes: usize,
    /// Bytes of its buffers, with padding.
    pub body_bytes: usize,
}

impl EncodedRowGroup {
    pub(super) fn new(chunks: Vec<Chunk>, pages: Vec<SharedPages>, rows: u64) -> Self {
        let bytes = chunks.iter().map(|chunk| chunk.bytes()).sum();
        Self { chunks, pages, rows, bytes, key: None, message: None }
    }

    /// A piece of a file of rows ([`crate::rows`]), which may be a message.
    pub(crate) fn of_bytes(bytes: Bytes, rows: u64, message: Option<MessageSize>) -> Self {
        let (mut pages, len) = (Pages::default(), bytes.len());
        pages.push(bytes, len);
        Self {
            chunks: Vec::new(),
            pages: vec![Arc::new(Mutex::new(pages))],
            rows,
            bytes: len as u64,
            key: None,
            message,
        }
    }

    /// Writes the bytes of a piece of a file of rows.
    pub(crate) fn write_bytes(self, out: &mut dyn io::Write) -> io::Result<()> {
        for pages in &self.pages {
            let count = lock(pages).count();
            for page in 0..count {
                out.write_all(&take(pages, page)?)?;
            }
        }
        Ok(())
    }

    /// The same row group, of rows that go to the folder of `key`.
    pub fn with_key(self, key: Arc<PartitionKey>) -> Self {
        Self { key: Some(key), ..self }
    }

    /// What its rows have in common, where that is in the names of folders.
    pub fn key(&self) -> Option<&Arc<PartitionKey>> {
        self.key.as_ref()
    }

    /// The message that a piece of a file of rows is, if it is one.
    pub(crate) fn message(&self) -> Option<MessageSize> {
        self.message
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
        spill(&self.pages, file, offset)
    }
}

/// Moves pages from memory to `file`, from `offset` on; the bytes written.
pub(super) fn spill(pages: &[SharedPages], file: &Arc<dyn PageFile>, offset: u64) -> io::Result<u64> {
    let end = pages.iter().try_fold(offset, |end, pages| lock(pages).spill(file, end))?;
    Ok(end - offset)
}

impl fmt::Debug for EncodedRowGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedRowGroup").field("rows", &self.rows).field("bytes", &self.bytes).finish()
    }
}

/// A finished column chunk.
pub(super) enum Chunk {
    /// One of [`super::column`].
    Own(Box<OwnChunk>),
    /// One of the `parquet` crate's writers.
    Other(Box<ArrowColumnChunk>),
}

impl Chunk {
    fn bytes(&self) -> u64 {
        match self {
            Self::Own(own) => own.close.bytes_written,
            Self::Other(other) => other.close().bytes_written,
        }
    }

    /// Appends the chunk to the row group of a file.
    pub(super) fn append<W: io::Write + Send>(
        self,
        writer: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::Own(own) => {
                let OwnChunk { close, pages, dictionary } = *own;
                writer.append_column(&ChunkBytes { pages, dictionary }, close)
            }
            Self::Other(other) => other.append_to_row_group(writer),
        }
    }
}

/// A column chunk whose pages are one blob each.
pub(super) struct OwnChunk {
    pub(super) close: ColumnCloseResult,
    pub(super) pages: SharedPages,
    /// The number of the dictionary's page, which comes first in the file.
    pub(super) dictionary: Option<usize>,
}

/// The bytes of a chunk, read once from beginning to end.
struct ChunkBytes {
    pages: SharedPages,
    dictionary: Option<usize>,
}

impl Length for ChunkBytes {
    fn len(&self) -> u64 {
        lock(&self.pages).resident() as u64
    }
}

impl ChunkReader for ChunkBytes {
    type T = PageStream;

    fn get_read(&self, _: u64) -> Result<PageStream, ParquetError> {
        let dictionary = self.dictionary;
        let others = (0..lock(&self.pages).count()).filter(|&page| Some(page) != dictionary);
        let order = dictionary.into_iter().chain(others).collect::<Vec<_>>().into_iter();
        Ok(PageStream { pages: Arc::clone(&self.pages), order, page: Bytes::new() })
    }

    fn get_bytes(&self, _: u64, _: usize) -> Result<Bytes, ParquetError> {
        Err(ParquetError::General("a chunk that is appended is read from its beginning".to_owned()))
    }
}

/// Pages in the order of the file; each is let go of once it has been read.
struct PageStream {
    pages: SharedPages,
    order: std::vec::IntoIter<usize>,
    /// What is left of the page at hand.
    page: Bytes,
}

impl Read for PageStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.page.is_empty() {
            match self.order.next() {
                Some(page) => self.page = take(&self.pages, page)?,
                None => return Ok(0),
            }
        }
        let bytes = self.page.split_to(buffer.len().min(self.page.len()));
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

/// The pages of one column chunk, held by its writer and by the row group.
pub(super) type SharedPages = Arc<Mutex<Pages>>;

/// Pages of a column chunk by number of arrival.
#[derive(Default)]
pub(super) struct Pages {
    /// Of each page its header, then its values; of [`OwnChunk`] both in one.
    blobs: Vec<Blob>,
    /// Number of pages.
    pages: usize,
    resident: usize,
    /// Bytes of the largest page before compression.
    largest: usize,
}

enum Blob {
    Memory(Bytes),
    File { file: Arc<dyn PageFile>, offset: u64, len: usize },
}

/// Bytes that a page leaves in memory even where its bytes are in a file: its place, and the two indexes.
const PAGE_INDEX_BYTES: usize = 256;

impl Pages {
    /// Bytes of pages that are in memory now.
    pub(super) fn resident(&self) -> usize {
        self.resident
    }

    /// Bytes of memory that know of the pages.
    pub(super) fn index_bytes(&self) -> usize {
        self.pages * PAGE_INDEX_BYTES
    }

    /// Bytes of the largest page before compression.
    pub(super) fn largest(&self) -> usize {
        self.largest
    }

    /// Number of blobs.
    pub(super) fn count(&self) -> usize {
        self.blobs.len()
    }

    /// Adds a page with its header; `raw_bytes` are those before compression.
    pub(super) fn push(&mut self, page: Bytes, raw_bytes: usize) {
        self.largest = self.largest.max(raw_bytes);
        self.pages += 1;
        self.resident += page.len();
        self.blobs.push(Blob::Memory(page));
    }

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

/// Takes a blob out, from where it is.
fn take(pages: &SharedPages, number: usize) -> io::Result<Bytes> {
    let mut pages = lock(pages);
    let blob = pages.blobs.get_mut(number).ok_or_else(|| io::Error::other(format!("no page {number}")))?;
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

/// The store of one chunk, as the `parquet` crate wants it.
struct ChunkPages {
    pages: SharedPages,
    /// Whether pages are not compressed.
    is_raw: bool,
    /// Whether the page that comes next is in a buffer larger than it is, as all but compressed data pages are. Headers
    /// come in 1 KiB each.
    copies: bool,
}

impl PageStore for ChunkPages {
    fn put(&mut self, value: Bytes) -> Result<PageKey, ParquetError> {
        let mut pages = lock(&self.pages);
        let is_header = pages.blobs.len().is_multiple_of(2);
        if is_header {
            let head = page_head(&value);
            pages.largest = pages.largest.max(head.map_or(0, |head| head.raw_bytes));
            pages.pages += 1;
            self.copies = self.is_raw || head.is_none_or(|head| head.is_dictionary);
        }
        let value = if is_header || self.copies { Bytes::copy_from_slice(&value) } else { value };
        let key = PageKey::new(pages.blobs.len() as u64);
        pages.resident += value.len();
        pages.blobs.push(Blob::Memory(value));
        Ok(key)
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes, ParquetError> {
        let number = usize::try_from(key.get()).unwrap_or(usize::MAX);
        Ok(take(&self.pages, number)?)
    }

    fn memory_size(&self) -> usize {
        lock(&self.pages).resident
    }
}

/// Makes the page stores of one row group and keeps a hand on each.
pub(super) struct PagesFactory {
    created: Mutex<Vec<SharedPages>>,
    properties: WriterPropertiesPtr,
}

impl PagesFactory {
    pub(super) fn new(properties: WriterPropertiesPtr) -> Self {
        Self { created: Mutex::default(), properties }
    }

    /// The stores made, in column order.
    pub(super) fn created(&self) -> Vec<SharedPages> {
        std::mem::take(&mut *self.created.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for PagesFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PagesFactory")
    }
}

impl PageStoreFactory for PagesFactory {
    fn create(&self, chunk: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>, ParquetError> {
        let pages = SharedPages::default();
        self.created.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&pages));
        let is_raw =
            self.properties.compression(chunk.column_descriptor().path()) == Compression::UNCOMPRESSED;
        Ok(Box::new(ChunkPages { pages, is_raw, copies: true }))
    }
}
