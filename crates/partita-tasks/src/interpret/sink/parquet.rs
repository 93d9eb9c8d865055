//! Row groups, encoded and handed over one by one.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_formats::parquet::{EncodedRowGroup, PageFile, RowGroupEncoder, WriteOptions};

use super::super::{Flow, Outcome};
use super::BatchSink;
use crate::error::{ErrorKind, Result};
use crate::host::{Host, Reservation};
use crate::program::{DatasetId, Program};

/// Encodes row groups and hands each over as it fills.
pub(super) struct Parquet<'a> {
    program: &'a Program,
    options: &'a WriteOptions,
    dataset: DatasetId,
    partition: usize,
    host: &'a dyn Host,
    encoder: Option<RowGroupEncoder>,
    spilled: Option<Spilled>,
    row_groups: usize,
    rows: u64,
    memory: Box<dyn Reservation>,
}

/// Pages that left memory before their row group was complete.
struct Spilled {
    file: Arc<dyn PageFile>,
    bytes: u64,
}

impl<'a> Parquet<'a> {
    pub(super) fn new(
        program: &'a Program,
        dataset: DatasetId,
        partition: usize,
        options: &'a WriteOptions,
        host: &'a dyn Host,
    ) -> Result<Self> {
        let memory = host.reserve("to_parquet", 0, "make row_group_rows smaller")?;
        let (encoder, spilled, row_groups, rows) = (None, None, 0, 0);
        Ok(Self { program, options, dataset, partition, host, encoder, spilled, row_groups, rows, memory })
    }

    /// Pays for what `pages` holds. Where that is refused, the pages that are complete go to a file, and the rest is
    /// paid for.
    fn pay<T>(
        &mut self,
        pages: &mut T,
        held: impl Fn(&T) -> usize,
        spill: impl FnOnce(&mut T, &Arc<dyn PageFile>, u64) -> std::io::Result<u64>,
    ) -> Result<()> {
        match self.memory.resize(held(pages)) {
            Err(error) if matches!(error.kind(), ErrorKind::Memory { .. }) => {}
            done => return done,
        }
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert(Spilled { file: self.host.page_file(self.dataset)?, bytes: 0 }),
        };
        spilled.bytes +=
            spill(pages, &spilled.file, spilled.bytes).map_err(|error| ErrorKind::Host(Box::new(error)))?;
        self.memory.resize(held(pages))
    }

    fn flush(&mut self) -> Result<()> {
        let Some(encoder) = self.encoder.take() else { return Ok(()) };
        let mut row_group = encoder.finish()?;
        // Paid for here until the data set has it: it asks the ledger itself for what has to wait.
        self.pay(&mut row_group, EncodedRowGroup::memory_bytes, EncodedRowGroup::spill)?;
        if let Some(spilled) = self.spilled.take() {
            spilled.file.rest();
        }
        self.host.write_row_group(self.dataset, self.partition, self.row_groups, row_group)?;
        self.memory.resize(0)?;
        self.row_groups += 1;
        Ok(())
    }
}

impl BatchSink for Parquet<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        self.rows += batch.num_rows() as u64;
        let mut rest = batch;
        while rest.num_rows() > 0 {
            let mut encoder = match self.encoder.take() {
                Some(encoder) => encoder,
                None => RowGroupEncoder::new(Arc::clone(&self.program.schema), self.options)?,
            };
            let room = encoder.room().max(1);
            let now = rest.slice(0, room.min(rest.num_rows()));
            rest = rest.slice(now.num_rows(), rest.num_rows() - now.num_rows());
            encoder.write(&now)?;
            let full = encoder.room() == 0;
            self.pay(&mut encoder, RowGroupEncoder::memory_bytes, RowGroupEncoder::spill)?;
            self.encoder = Some(encoder);
            if full {
                self.flush()?;
            }
        }
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        self.flush()?;
        self.host.close_partition(self.dataset, self.partition, self.row_groups, self.rows)?;
        Ok(Outcome::Count(self.rows))
    }
}
