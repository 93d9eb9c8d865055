//! Lines of JSON as batches of the frame.

use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::ndjson::NdjsonReader;

use super::super::early::told;
use super::super::operators::filter;
use super::layout::{Layout, made_bytes};
use super::{BatchSource, SMALLER_CHUNKS, grow};
use crate::error::{ErrorKind, Result};
use crate::expr::{Meter, Prepared};
use crate::host::{Host, Reservation};
use crate::program::NdjsonScan;

/// Opens a block.
pub(super) fn open<'a>(scan: &'a NdjsonScan, host: &'a dyn Host) -> Result<Ndjson<'a>> {
    let file = &scan.file;
    host.check_unchanged(&file.path, file.bytes, file.modified_ns)?;
    let limits = scan.block.limits;
    // A chunk, the columns of a batch, and the batch that was handed on.
    let bytes = limits.chunk_bytes + 2 * limits.batch_bytes_max;
    let memory = host.reserve("read_ndjson", bytes, SMALLER_CHUNKS)?;
    let input = host.open(&file.path)?;
    let mut reader = NdjsonReader::new(Arc::clone(&scan.block), input, scan.range.clone())?;
    reader.allow(0);
    reader.begin_in(host.lend_buffer());
    let layout = Layout::new(&scan.columns, reader.schema(), &file.values);
    let filter = match &scan.filter {
        Some(filter) => Some((Prepared::new(std::slice::from_ref(filter)), Meter::new(host)?)),
        None => None,
    };
    Ok(Ndjson {
        scan,
        host,
        reader: Some(reader),
        memory,
        layout,
        filter,
        allowed_bytes: 0,
        reported_bytes: 0,
    })
}

/// A block at work.
pub(super) struct Ndjson<'a> {
    scan: &'a NdjsonScan,
    host: &'a dyn Host,
    reader: Option<NdjsonReader>,
    memory: Box<dyn Reservation>,
    layout: Layout,
    filter: Option<(Prepared, Meter)>,
    /// Bytes that the decompressor may take.
    allowed_bytes: usize,
    reported_bytes: u64,
}

impl Ndjson<'_> {
    /// The next batch of the file; more memory is asked for wherever the decompressor needs some to go on.
    fn read(&mut self) -> Result<Option<RecordBatch>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let batch = loop {
            let error = match reader.next_batch() {
                Ok(batch) => break batch,
                Err(error) => error,
            };
            let FormatsErrorKind::Window { bytes, .. } = error.kind() else { return Err(told(error)) };
            self.memory.resize(self.memory.bytes() + bytes.saturating_sub(self.allowed_bytes))?;
            self.allowed_bytes = *bytes;
            reader.allow(*bytes);
        };
        let bytes = reader.bytes_read();
        let rows = batch.as_ref().map_or(0, RecordBatch::num_rows) as u64;
        self.host.progress(bytes.saturating_sub(self.reported_bytes), rows);
        self.reported_bytes = bytes;
        Ok(batch)
    }
}

impl BatchSource for Ndjson<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.read()? else { return Ok(None) };
        if self.host.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        let read = batch.project(&self.layout.read)?;
        let made = made_bytes(&self.scan.columns, &self.layout.columns, &read);
        let held = self.reader.as_ref().map_or(0, NdjsonReader::memory_bytes) + read.get_array_memory_size();
        grow(&mut self.memory, held + made)?;
        let batch = self.layout.columns(&self.scan.columns, &self.layout.columns, &read)?;
        match &self.filter {
            Some((predicate, meter)) => {
                filter(&batch, &predicate.mask(&batch, meter)?, self.scan.output_columns).map(Some)
            }
            None => Ok(Some(batch)),
        }
    }

    fn close(&mut self) -> Result<()> {
        if let Some(reader) = self.reader.take() {
            self.host.return_buffer(reader.into_memory());
        }
        Ok(())
    }
}
