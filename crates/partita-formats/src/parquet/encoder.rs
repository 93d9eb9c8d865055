//! Batches to an encoded row group.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, compute_leaves};

use crate::error::Result;
use crate::parquet::layout::{Layout, Leaf};
use crate::parquet::memory::compressor_bytes;
use crate::parquet::options::WriteOptions;
use crate::parquet::row_group::{self, EncodedRowGroup, PageFile, SharedPages, lock};

/// Bytes of a column's writer beside its buffers.
const WRITER_BYTES: usize = 4 << 10;

/// A page that is being compressed: its values, with levels before them, and compressed.
const PAGE_COPIES: usize = 3;

/// Encodes the batches of one row group. One task owns it; nothing is shared with others but the [`Layout`].
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{Int64Array, RecordBatch};
/// use partita_formats::parquet::{RowGroupEncoder, WriteOptions};
///
/// # fn main() -> partita_formats::Result<()> {
/// # let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)])?;
/// let mut encoder = RowGroupEncoder::new(batch.schema(), &WriteOptions::default())?;
/// encoder.write(&batch)?;
/// assert_eq!(encoder.finish()?.rows(), 3);
/// # Ok(())
/// # }
/// ```
pub struct RowGroupEncoder {
    layout: Arc<Layout>,
    writers: Vec<ArrowColumnWriter>,
    pages: Vec<SharedPages>,
    rows: usize,
}

impl RowGroupEncoder {
    /// An encoder for batches of `schema`. Where many row groups are encoded, make the [`Layout`] once and use
    /// [`RowGroupEncoder::with_layout`].
    ///
    /// # Errors
    /// As [`Layout::new`].
    pub fn new(schema: SchemaRef, options: &WriteOptions) -> Result<Self> {
        Self::with_layout(Layout::new(schema, options)?)
    }

    /// An encoder for batches of the layout's schema.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Parquet`] for types that Parquet cannot hold.
    pub fn with_layout(layout: Arc<Layout>) -> Result<Self> {
        let (writers, pages) = layout.column_writers()?;
        Ok(Self { layout, writers, pages, rows: 0 })
    }

    /// Encodes a batch. The row group takes all of it: callers cut batches at [`RowGroupEncoder::room`].
    ///
    /// # Errors
    /// Where the batch has another schema, nulls in a required column, or seconds that do not fit as milliseconds.
    /// The encoder is of no use afterwards.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.layout.check(batch)?;
        let mut writers = self.writers.iter_mut();
        for (index, (field, column)) in self.layout.fed().iter().zip(batch.columns()).enumerate() {
            let column = self.layout.fit(index, column)?;
            for leaf in compute_leaves(field, &column)? {
                if let Some(writer) = writers.next() {
                    writer.write(&leaf)?;
                }
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Number of rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of rows that still fit under `row_group_rows_max`; 0 where the row group is full, by rows or bytes.
    /// Depends on the rows alone, so row groups are cut at the same rows whatever the machine.
    pub fn room(&self) -> usize {
        let options = self.layout.options();
        let full = self.rows > 0 && self.encoded_bytes() >= options.row_group_bytes_max;
        if full { 0 } else { options.row_group_rows_max.saturating_sub(self.rows) }
    }

    /// Bytes of memory held now: finished pages, the buffers of the encoders and their compressors, and what compressing
    /// the next page will take for a moment. While a batch is written it can be more by what that batch makes the
    /// buffers grow.
    pub fn memory_bytes(&self) -> usize {
        let limits = self.layout.limits();
        let mut largest = limits.page_bytes;
        let mut bytes = 0;
        for ((writer, pages), leaf) in self.writers.iter().zip(&self.pages).zip(self.layout.leaves()) {
            let pages = lock(pages);
            let (resident, index_bytes, page) = (pages.resident(), pages.index_bytes(), pages.largest());
            // The writer asks its pages.
            drop(pages);
            let open = writer.memory_size().saturating_sub(resident);
            let slack = match leaf {
                Leaf { keeps_buffer: true, .. } => (2 * page).max(open),
                Leaf { is_bytes: true, .. } => open.min(page.max(limits.page_bytes)),
                _ => 0,
            };
            // Pages are that large only where values are, and the smallest and the largest are kept.
            let extremes = if page > limits.page_bytes { 2 * page } else { 0 };
            bytes += resident + index_bytes + open + slack + extremes + WRITER_BYTES;
            bytes += compressor_bytes(leaf.compression, page);
            largest = largest.max(page);
        }
        bytes + PAGE_COPIES * largest
    }

    /// Bytes that the row group would have in the file if it ended here; pages not yet compressed count in full.
    pub fn encoded_bytes(&self) -> usize {
        self.writers.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum()
    }

    /// Moves the pages that are complete from memory to `file`, from `offset` on; returns the bytes written. The row
    /// group will be the same. What is left in memory is what the open pages, the dictionaries and the compressors hold.
    ///
    /// # Errors
    /// Whatever the file reports; pages that were not written stay in memory.
    pub fn spill(&mut self, file: &Arc<dyn PageFile>, offset: u64) -> io::Result<u64> {
        row_group::spill(&self.pages, file, offset)
    }

    /// Ends the row group.
    ///
    /// # Errors
    /// Where the last pages cannot be encoded.
    pub fn finish(self) -> Result<EncodedRowGroup> {
        let mut chunks = Vec::with_capacity(self.writers.len());
        for writer in self.writers {
            chunks.push(writer.close()?);
        }
        Ok(EncodedRowGroup::new(chunks, self.pages, self.rows as u64))
    }
}
