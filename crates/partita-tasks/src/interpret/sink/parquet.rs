//! Row groups, encoded and handed over one by one.

mod partitioned;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_formats::parquet::{
    EncodedRowGroup, Layout, PageFile, PartitionKey, RowGroupEncoder, WriteOptions,
};

use super::super::{Flow, Outcome};
use super::BatchSink;
use crate::error::{ErrorKind, Result};
use crate::host::{Host, Reservation};
use crate::program::{DatasetId, Program};
use partitioned::Partitioned;

/// Opens the sink of a partition of a data set.
pub(super) fn open<'a>(
    program: &'a Program,
    dataset: DatasetId,
    partition: usize,
    options: &WriteOptions,
    host: &'a dyn Host,
) -> Result<Box<dyn BatchSink + 'a>> {
    let layout = Layout::new(Arc::clone(&program.schema), options)?;
    let out = Outlet::new(host, dataset, partition)?;
    if options.partition_on.is_empty() {
        return Ok(Box::new(Parquet { layout, encoder: None, rows: 0, out }));
    }
    Ok(Box::new(Partitioned::new(&program.schema, layout, out)?))
}

/// Where the row groups of one partition go, and what pays for the one that is being encoded.
struct Outlet<'a> {
    host: &'a dyn Host,
    dataset: DatasetId,
    partition: usize,
    row_groups: usize,
    spilled: Option<Spilled>,
    memory: Box<dyn Reservation>,
}

/// Pages that left memory before their row group was complete.
struct Spilled {
    file: Arc<dyn PageFile>,
    bytes: u64,
}

impl<'a> Outlet<'a> {
    fn new(host: &'a dyn Host, dataset: DatasetId, partition: usize) -> Result<Self> {
        let memory = host.reserve(
            "to_parquet",
            0,
            "use fewer threads, or a compression that holds less, as snappy does",
        )?;
        Ok(Self { host, dataset, partition, row_groups: 0, spilled: None, memory })
    }

    /// Pays for what `pages` holds. Where that is refused, the pages that are complete go to a file, and the rest is
    /// paid for.
    fn pay<T>(
        &mut self,
        pages: &mut T,
        held: impl Fn(&T) -> usize,
        spill: impl FnOnce(&mut T, &Arc<dyn PageFile>, u64) -> io::Result<u64>,
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

    /// Encodes a batch that has room in the row group.
    fn encode(&mut self, encoder: &mut RowGroupEncoder, batch: &RecordBatch) -> Result<()> {
        encoder.write(batch)?;
        self.pay(encoder, RowGroupEncoder::memory_bytes, RowGroupEncoder::spill)
    }

    /// Encodes the rows of a batch, and hands over what fills; what is begun is left in `encoder`.
    fn write(
        &mut self,
        encoder: &mut Option<RowGroupEncoder>,
        layout: &Arc<Layout>,
        batch: &RecordBatch,
        key: Option<&Arc<PartitionKey>>,
    ) -> Result<()> {
        let mut rest = batch.clone();
        while rest.num_rows() > 0 {
            let mut open = match encoder.take() {
                Some(open) => open,
                None => RowGroupEncoder::with_layout(Arc::clone(layout))?,
            };
            let now = rest.slice(0, open.room().max(1).min(rest.num_rows()));
            rest = rest.slice(now.num_rows(), rest.num_rows() - now.num_rows());
            self.encode(&mut open, &now)?;
            if open.room() == 0 {
                self.hand_over(open, key)?;
            } else {
                *encoder = Some(open);
            }
        }
        Ok(())
    }

    /// Ends a row group.
    fn hand_over(&mut self, encoder: RowGroupEncoder, key: Option<&Arc<PartitionKey>>) -> Result<()> {
        let mut row_group = encoder.finish()?;
        if let Some(key) = key {
            row_group = row_group.with_key(Arc::clone(key));
        }
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

    /// Ends the partition.
    fn close(self, rows: u64) -> Result<Outcome> {
        self.host.close_partition(self.dataset, self.partition, self.row_groups, rows)?;
        Ok(Outcome::Count(rows))
    }
}

/// All rows in one row of row groups.
struct Parquet<'a> {
    layout: Arc<Layout>,
    encoder: Option<RowGroupEncoder>,
    rows: u64,
    out: Outlet<'a>,
}

impl BatchSink for Parquet<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        self.rows += batch.num_rows() as u64;
        self.out.write(&mut self.encoder, &self.layout, &batch, None)?;
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        if let Some(encoder) = self.encoder.take() {
            self.out.hand_over(encoder, None)?;
        }
        self.out.close(self.rows)
    }
}
