//! Batches to an encoded row group.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, compute_leaves};

use crate::error::Result;
use crate::parquet::column::Work;
use crate::parquet::column::input::AnyColumn;
use crate::parquet::layout::{Layout, Leaf, Root};
use crate::parquet::memory::compressor_bytes;
use crate::parquet::options::WriteOptions;
use crate::parquet::row_group::{self, Chunk, EncodedRowGroup, PageFile, SharedPages, lock};
use crate::simd::encode::Cpu;

/// Bytes of a column beside its buffers.
const COLUMN_BYTES: usize = 2 << 10;

/// The same of a writer of the `parquet` crate.
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
    work: Work,
    /// Those of [`Root::Own`], in their order.
    columns: Vec<AnyColumn>,
    /// Those of [`Root::Other`].
    others: Vec<ArrowColumnWriter>,
    /// The pages of `others`.
    other_pages: Vec<SharedPages>,
    /// All pages.
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
        Self::at_level(layout, Cpu::new())
    }

    /// An encoder that runs at a level of instructions.
    pub(super) fn at_level(layout: Arc<Layout>, cpu: Cpu) -> Result<Self> {
        let (others, other_pages) = layout.other_writers()?;
        let (mut columns, mut pages) = (Vec::new(), Vec::new());
        let mut left = other_pages.iter();
        for root in layout.roots() {
            match root {
                Root::Own(spec) => {
                    let own = SharedPages::default();
                    pages.push(Arc::clone(&own));
                    columns.push(AnyColumn::new(spec, own));
                }
                Root::Other(leaves) => pages.extend(left.by_ref().take(*leaves).map(Arc::clone)),
            }
        }
        Ok(Self { layout, work: Work::new(cpu), columns, others, other_pages, pages, rows: 0 })
    }

    /// Encodes a batch. The row group takes all of it: callers cut batches at [`RowGroupEncoder::room`].
    ///
    /// # Errors
    /// Where the batch has another schema, nulls in a required column, or seconds that do not fit as milliseconds.
    /// The encoder is of no use afterwards.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.layout.check(batch)?;
        let (mut columns, mut others) = (self.columns.iter_mut(), self.others.iter_mut());
        for (index, (field, column)) in self.layout.fed().iter().zip(batch.columns()).enumerate() {
            let array = self.layout.fit(index, column)?;
            if let Some(Root::Own(_)) = self.layout.roots().get(index) {
                if let Some(column) = columns.next() {
                    column.write(&array, &mut self.work)?;
                }
                continue;
            }
            for leaf in compute_leaves(field, &array)? {
                if let Some(writer) = others.next() {
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
        let mut missing = 0;
        let mut bytes = self.work.memory_bytes() + self.other_bytes();
        let own = self.layout.roots().iter().filter_map(|root| match root {
            Root::Own(spec) => Some(spec),
            Root::Other(_) => None,
        });
        for (column, spec) in self.columns.iter().zip(own) {
            let (held, open) = column.memory_bytes();
            bytes += held + COLUMN_BYTES;
            missing = missing.max(self.work.missing_bytes(spec.compression, open));
        }
        bytes + missing
    }

    /// Bytes that the writers of the `parquet` crate hold.
    fn other_bytes(&self) -> usize {
        let limits = self.layout.limits();
        let mut largest = limits.page_bytes;
        let mut bytes = 0;
        for ((writer, pages), leaf) in
            self.others.iter().zip(&self.other_pages).zip(self.layout.other_leaves())
        {
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
            bytes += compressor_bytes(leaf.compression, page) + leaf.bloom_bytes;
            largest = largest.max(page);
        }
        if self.others.is_empty() { 0 } else { bytes + PAGE_COPIES * largest }
    }

    /// Bytes that the row group would have in the file if it ended here; pages not yet compressed count in full.
    pub fn encoded_bytes(&self) -> usize {
        let own: usize = self.columns.iter().map(AnyColumn::encoded_bytes).sum();
        own + self.others.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum::<usize>()
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
    pub fn finish(mut self) -> Result<EncodedRowGroup> {
        let mut chunks = Vec::with_capacity(self.pages.len());
        let (mut columns, mut others) = (self.columns.into_iter(), self.others.into_iter());
        for root in self.layout.roots() {
            match root {
                Root::Own(_) => {
                    if let Some(column) = columns.next() {
                        chunks.push(Chunk::Own(Box::new(column.finish(&mut self.work)?)));
                    }
                }
                Root::Other(leaves) => {
                    for writer in others.by_ref().take(*leaves) {
                        chunks.push(Chunk::Other(Box::new(writer.close()?)));
                    }
                }
            }
        }
        Ok(EncodedRowGroup::new(chunks, self.pages, self.rows as u64))
    }
}
