//! Rows that are dropped before most of their values are looked at.

use arrow::array::{Array, BooleanArray, RecordBatch};

use super::super::decode::{Columns, Irregular};
use super::super::mismatch::MismatchTable;
use super::super::options::OnMismatch;
use super::super::records::Records;
use super::CsvBlock;
use crate::error::{ErrorKind, Result};

#[cfg(test)]
mod tests;

/// Decides which rows of a block stay, by some of its columns.
///
/// The values of the other columns are not looked at in rows that it drops, as those of columns that are not read at
/// all: what does not fit there is no error.
pub trait RowFilter: Send {
    /// Positions of the columns that it looks at, each once.
    fn columns(&self) -> &[usize];

    /// How many of the block's columns, from the left, the batches have: the others serve the filter alone.
    fn output_columns(&self) -> usize;

    /// Which rows of `batch`, which has the columns that it looks at, in its order, stay: those where the answer is true.
    /// It may be asked about a row where a value did not fit and is null; then there is an error in the end anyway.
    ///
    /// # Errors
    /// Any; usually [`ErrorKind::Filter`].
    fn keep(&mut self, batch: &RecordBatch) -> Result<BooleanArray>;
}

/// A filter at work: the columns that it looks at are decoded first.
pub(super) struct Early {
    filter: Box<dyn RowFilter>,
    columns: Columns,
    /// Rows of the last chunk that stay.
    kept: Vec<u32>,
}

/// What stays of the last chunk.
pub(super) enum Kept<'a> {
    All,
    Rows(&'a [u32]),
}

impl Early {
    /// The filter, and the columns of the batches.
    pub(super) fn new(block: &CsvBlock, filter: Box<dyn RowFilter>) -> Result<(Self, Columns)> {
        if block.on_mismatch != OnMismatch::Error {
            let message = "rows are filtered early only where wrong values are errors".to_owned();
            return Err(ErrorKind::Options(message).into());
        }
        let columns = Columns::new(&block.project(filter.columns()))?;
        let output: Vec<usize> = (0..filter.output_columns()).collect();
        let mut rest = Columns::new(&block.project(&output))?;
        rest.filtered_by(filter.columns());
        Ok((Self { filter, columns, kept: Vec::new() }, rest))
    }

    /// Looks at the records of a chunk. `has_mismatches`: a value did not fit elsewhere, so that no row goes on and
    /// what the filter cannot decide is of no consequence.
    pub(super) fn look(
        &mut self,
        bytes: &[u8],
        records: &Records,
        (place, records_before): (u64, Option<u64>),
        has_mismatches: bool,
    ) -> Result<std::result::Result<Kept<'_>, Irregular>> {
        if records.is_empty() {
            return Ok(Ok(Kept::All));
        }
        if let Err(irregular) = self.columns.decode(bytes, records, place, records_before) {
            return Ok(Err(irregular));
        }
        let batch = self.columns.take_batch()?;
        self.kept.clear();
        let mask = match self.filter.keep(&batch) {
            Ok(mask) => mask,
            Err(_) if has_mismatches || self.columns.has_mismatches() => return Ok(Ok(Kept::Rows(&[]))),
            Err(error) => return Err(error),
        };
        let stays = |row: &u32| mask.is_valid(*row as usize) && mask.value(*row as usize);
        if mask.null_count() == 0 {
            self.kept.extend(mask.values().set_indices_u32());
        } else {
            self.kept.extend((0..mask.len() as u32).filter(stays));
        }
        Ok(Ok(if self.kept.len() == batch.num_rows() { Kept::All } else { Kept::Rows(&self.kept) }))
    }

    /// Whether a value did not fit.
    pub(super) fn has_mismatches(&self) -> bool {
        self.columns.has_mismatches()
    }

    /// The values that did not fit so far.
    pub(super) fn take_mismatches(&mut self) -> MismatchTable {
        self.columns.take_mismatches()
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.columns.memory_bytes() + self.kept.capacity() * size_of::<u32>()
    }
}
