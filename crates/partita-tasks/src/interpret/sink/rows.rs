//! Pieces of files of rows, encoded and handed over one by one.

use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_formats::rows::{PIECE_BYTES, RowsEncoder, RowsLayout, RowsOptions};

use super::super::{Flow, Outcome};
use super::BatchSink;
use crate::error::Result;
use crate::host::{Host, Reservation};
use crate::program::{DatasetId, Program};

/// All rows of one partition, in pieces. Pieces are cut between batches, by the bytes alone, so that a task that is run again
/// hands over the same ones.
pub(super) struct Rows<'a> {
    host: &'a dyn Host,
    dataset: DatasetId,
    partition: usize,
    encoder: RowsEncoder,
    pieces: usize,
    rows: u64,
    memory: Box<dyn Reservation>,
}

impl<'a> Rows<'a> {
    /// Opens the sink of a partition of a data set.
    pub(super) fn open(
        program: &Program,
        dataset: DatasetId,
        partition: usize,
        options: &RowsOptions,
        host: &'a dyn Host,
    ) -> Result<Self> {
        let layout = RowsLayout::new(Arc::clone(&program.schema), options)?;
        let memory = host.reserve("writing rows", PIECE_BYTES, "use fewer threads")?;
        let encoder = RowsEncoder::new(layout);
        Ok(Self { host, dataset, partition, encoder, pieces: 0, rows: 0, memory })
    }

    fn hand_over(&mut self) -> Result<()> {
        let piece = self.encoder.take()?;
        self.host.write_row_group(self.dataset, self.partition, self.pieces, piece)?;
        self.pieces += 1;
        Ok(())
    }
}

impl BatchSink for Rows<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        self.rows += batch.num_rows() as u64;
        self.encoder.write(&batch)?;
        self.memory.resize(self.encoder.memory_bytes().max(PIECE_BYTES))?;
        if self.encoder.bytes() >= PIECE_BYTES {
            self.hand_over()?;
        }
        Ok(Flow::More)
    }

    fn finish(mut self: Box<Self>) -> Result<Outcome> {
        if self.encoder.bytes() > 0 {
            self.hand_over()?;
        }
        self.host.close_partition(self.dataset, self.partition, self.pieces, self.rows)?;
        Ok(Outcome::Count(self.rows))
    }
}
