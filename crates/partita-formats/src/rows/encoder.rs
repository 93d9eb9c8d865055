//! Batches to pieces of a file.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;

use crate::error::{ErrorKind, Result};
use crate::parquet::EncodedRowGroup;
use crate::rows::csv::CsvEncoder;
use crate::rows::options::{RowsFormat, RowsLayout};

/// Encodes batches. One task owns it; nothing is shared with others but the [`RowsLayout`].
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{Float64Array, RecordBatch};
/// use partita_formats::rows::{CsvOptions, RowsEncoder, RowsFormat, RowsLayout, RowsOptions};
///
/// # fn main() -> partita_formats::Result<()> {
/// # let batch = RecordBatch::try_from_iter([("x", Arc::new(Float64Array::from(vec![1.0, 2.5])) as _)])?;
/// let options = RowsOptions::new(RowsFormat::Csv(CsvOptions::default()));
/// let layout = RowsLayout::new(batch.schema(), &options)?;
/// let mut encoder = RowsEncoder::new(Arc::clone(&layout));
/// encoder.write(&batch)?;
/// assert_eq!([layout.head(), &encoder.take_bytes()].concat(), b"x\n1.0\n2.5\n");
/// # Ok(())
/// # }
/// ```
pub struct RowsEncoder {
    layout: Arc<RowsLayout>,
    work: Work,
    out: Vec<u8>,
    rows: u64,
}

enum Work {
    Csv(CsvEncoder),
}

impl RowsEncoder {
    /// An encoder for batches of the layout's schema.
    pub fn new(layout: Arc<RowsLayout>) -> Self {
        let work = match &layout.options().format {
            RowsFormat::Csv(options) => Work::Csv(CsvEncoder::new(layout.schema(), options)),
        };
        Self { layout, work, out: Vec::new(), rows: 0 }
    }

    /// Encodes a batch.
    ///
    /// # Errors
    /// [`ErrorKind::Options`] where the batch has another schema, and values that the format cannot hold.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let (got, expected) = (batch.schema_ref(), self.layout.schema());
        let is_same = Arc::ptr_eq(got, expected)
            || got
                .fields()
                .iter()
                .map(|field| (field.name(), field.data_type()))
                .eq(expected.fields().iter().map(|field| (field.name(), field.data_type())));
        if !is_same {
            let message = format!("the batch has another schema: expected {expected}, got {got}");
            return Err(ErrorKind::Options(message).into());
        }
        match &mut self.work {
            Work::Csv(csv) => csv.write(batch, &mut self.out)?,
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Bytes that are encoded and not taken.
    pub fn bytes(&self) -> usize {
        self.out.len()
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let work = match &self.work {
            Work::Csv(csv) => csv.memory_bytes(),
        };
        work + self.out.capacity()
    }

    /// Takes what is encoded as a piece of the file.
    pub fn take(&mut self) -> EncodedRowGroup {
        let rows = std::mem::take(&mut self.rows);
        let mut out = std::mem::take(&mut self.out);
        // It may wait for long.
        out.shrink_to_fit();
        EncodedRowGroup::of_bytes(Bytes::from(out), rows)
    }

    /// Takes what is encoded as plain bytes, for a stream.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        self.rows = 0;
        std::mem::take(&mut self.out)
    }
}
