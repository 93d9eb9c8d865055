//! Partitions of the store.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use super::BatchSource;
use crate::error::Result;
use crate::host::{Host, StoredBatches};
use crate::program::StoreKey;

/// A partition of the store.
pub(super) struct Stored<'a> {
    batches: Box<dyn StoredBatches + 'a>,
    /// Frames that are still to be read, at most.
    left: usize,
    projection: Projection<'a>,
}

/// Columns that are picked of batches.
#[derive(Default)]
pub(super) struct Projection<'a> {
    /// Their positions; `None`: all.
    columns: Option<&'a [usize]>,
    /// The schema that a batch had, and what is picked of it: making it costs more than picking.
    schemas: Option<(SchemaRef, SchemaRef)>,
}

impl<'a> Projection<'a> {
    pub(super) fn new(columns: Option<&'a [usize]>) -> Self {
        Self { columns, schemas: None }
    }

    fn of(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let Some(columns) = self.columns else { return Ok(batch) };
        let schema = match &self.schemas {
            Some((of, picked)) if *of == batch.schema() => Arc::clone(picked),
            _ => {
                let picked = Arc::new(batch.schema().project(columns)?);
                self.schemas = Some((batch.schema(), Arc::clone(&picked)));
                picked
            }
        };
        let picked = columns.iter().filter_map(|at| batch.columns().get(*at)).map(Arc::clone).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema, picked, &options)?)
    }
}

impl<'a> Stored<'a> {
    pub(super) fn open(
        key: StoreKey,
        frames: Option<&Range<usize>>,
        projection: Projection<'a>,
        host: &'a dyn Host,
    ) -> Result<Self> {
        let first = frames.map_or(0, |frames| frames.start);
        let left = frames.map_or(usize::MAX, Range::len);
        Ok(Self { batches: host.stored_from(key, first)?, left, projection })
    }
}

impl BatchSource for Stored<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let Some(batch) = self.batches.next()? else { return Ok(None) };
        self.projection.of(batch).map(Some)
    }
}

/// Partitions of the store, one after the other.
pub(super) struct StoredEach<'a> {
    parts: std::slice::Iter<'a, (StoreKey, Option<Range<usize>>)>,
    open: Option<Stored<'a>>,
    ended: usize,
    projection: Projection<'a>,
    host: &'a dyn Host,
}

impl<'a> StoredEach<'a> {
    pub(super) fn new(
        parts: &'a [(StoreKey, Option<Range<usize>>)],
        projection: Projection<'a>,
        host: &'a dyn Host,
    ) -> Self {
        Self { parts: parts.iter(), open: None, ended: 0, projection, host }
    }
}

impl BatchSource for StoredEach<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(batch) = open.next()? {
                    return Ok(Some(batch));
                }
                if self.parts.len() == 0 {
                    return Ok(None);
                }
                self.ended += 1;
                self.projection = std::mem::take(&mut open.projection);
            }
            let Some((key, frames)) = self.parts.next() else { return Ok(None) };
            let projection = std::mem::take(&mut self.projection);
            self.open = Some(Stored::open(*key, frames.as_ref(), projection, self.host)?);
        }
    }

    fn ended(&mut self) -> usize {
        std::mem::take(&mut self.ended)
    }
}
