//! A partition: a list of batches with its row and byte counts.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use arrow::array::{Array, ArrayData, RecordBatch};
use arrow::datatypes::SchemaRef;

/// Batches of one schema, in row order. Cloning shares the buffers.
#[derive(Debug, Clone)]
pub struct Partition {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Partition {
    /// Makes a partition of `batches`, all of which have `schema`.
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let bytes = unique_buffer_bytes(&batches);
        Self { schema, batches, rows, bytes }
    }

    /// The schema of every batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The batches, in row order.
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The batches, given away.
    pub fn into_batches(self) -> Vec<RecordBatch> {
        self.batches
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory held: a buffer shared by several slices counts once.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Bytes of the distinct buffers behind `batches`, each counted once at its full capacity.
pub fn unique_buffer_bytes(batches: &[RecordBatch]) -> usize {
    let mut seen = HashSet::new();
    let mut bytes = 0;
    for column in batches.iter().flat_map(|batch| batch.columns()) {
        add_buffers(&column.to_data(), &mut seen, &mut bytes);
    }
    bytes
}

fn add_buffers(data: &ArrayData, seen: &mut HashSet<usize>, bytes: &mut usize) {
    let validity = data.nulls().map(|nulls| nulls.buffer());
    for buffer in data.buffers().iter().chain(validity) {
        if seen.insert(buffer.data_ptr().as_ptr() as usize) {
            *bytes += buffer.capacity();
        }
    }
    for child in data.child_data() {
        add_buffers(child, seen, bytes);
    }
}
