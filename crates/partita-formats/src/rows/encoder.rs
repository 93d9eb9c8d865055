//! Batches to pieces of a file.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;

use crate::error::{ErrorKind, Result};
use crate::parquet::EncodedRowGroup;
use crate::rows::csv::CsvEncoder;
use crate::rows::ipc::IpcEncoder;
use crate::rows::ndjson::NdjsonEncoder;
use crate::rows::options::{RowsFormat, RowsLayout};

/// Encodes batches. One task owns it; nothing is shared with others but the [`RowsLayout`].
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{Float64Array, RecordBatch};
/// use partita_formats::rows::{CsvOptions, RowsEncoder, RowsFormat, RowsLayout, RowsOptions, RowsPart};
///
/// # fn main() -> partita_formats::Result<()> {
/// # let batch = RecordBatch::try_from_iter([("x", Arc::new(Float64Array::from(vec![1.0, 2.5])) as _)])?;
/// let options = RowsOptions::new(RowsFormat::Csv(CsvOptions::default()));
/// let layout = RowsLayout::new(batch.schema(), &options)?;
/// let mut encoder = RowsEncoder::new(Arc::clone(&layout));
/// encoder.write(&batch)?;
/// let mut file = RowsPart::new(Vec::new(), &layout)?;
/// file.append(encoder.take()?)?;
/// assert_eq!(file.finish()?.1, b"x\n1.0\n2.5\n");
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
    Ndjson(NdjsonEncoder),
    Ipc(Box<IpcEncoder>),
}

impl RowsEncoder {
    /// An encoder for batches of the layout's schema.
    pub fn new(layout: Arc<RowsLayout>) -> Self {
        let work = match &layout.options().format {
            RowsFormat::Csv(options) => Work::Csv(CsvEncoder::new(layout.schema(), options)),
            RowsFormat::Ndjson(options) => Work::Ndjson(NdjsonEncoder::new(layout.schema(), options)),
            RowsFormat::Ipc(options) => {
                Work::Ipc(Box::new(IpcEncoder::new(Arc::clone(layout.written_schema()), options)))
            }
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
            Work::Ndjson(ndjson) => ndjson.write(batch, &mut self.out)?,
            Work::Ipc(ipc) => ipc.write(batch)?,
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Bytes that were written and not taken: encoded ones, and of Arrow IPC those that will be.
    pub fn bytes(&self) -> usize {
        match &self.work {
            Work::Csv(_) | Work::Ndjson(_) => self.out.len(),
            Work::Ipc(ipc) => ipc.bytes(),
        }
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let work = match &self.work {
            Work::Csv(csv) => csv.memory_bytes(),
            Work::Ndjson(_) => 0,
            Work::Ipc(ipc) => ipc.memory_bytes(),
        };
        work + self.out.capacity()
    }

    /// Takes what was written as a piece of the file; of Arrow IPC a piece is one record batch.
    ///
    /// # Errors
    /// Where Arrow cannot encode it.
    pub fn take(&mut self) -> Result<EncodedRowGroup> {
        let message = match &mut self.work {
            Work::Csv(_) | Work::Ndjson(_) => None,
            Work::Ipc(ipc) => ipc.encode(&mut self.out)?,
        };
        let rows = std::mem::take(&mut self.rows);
        let mut out = std::mem::take(&mut self.out);
        // It may wait for long.
        out.shrink_to_fit();
        Ok(EncodedRowGroup::of_bytes(Bytes::from(out), rows, message))
    }
}
