//! A partition: a list of batches with its row and byte counts.

#[cfg(test)]
mod tests;

use arrow::array::{Array, ArrayData, AsArray, RecordBatch, downcast_primitive_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, SchemaRef};

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
    let mut buffers = Vec::new();
    for column in batches.iter().flat_map(|batch| batch.columns()) {
        add_buffers(column, &mut buffers);
    }
    buffers.sort_unstable();
    buffers.dedup_by_key(|(start, _)| *start);
    buffers.iter().map(|(_, bytes)| bytes).sum()
}

/// Start and capacity of each buffer of a column. Those of the usual types are looked at where they are.
fn add_buffers(column: &dyn Array, buffers: &mut Vec<(usize, usize)>) {
    let values = match column.data_type() {
        DataType::Utf8View => {
            let texts = column.as_string_view();
            buffers.extend(texts.data_buffers().iter().map(place));
            texts.views().inner()
        }
        _ => downcast_primitive_array!(
            column => column.values().inner(),
            _ => return add_data(&column.to_data(), buffers),
        ),
    };
    buffers.push(place(values));
    buffers.extend(column.nulls().map(|nulls| place(nulls.buffer())));
}

fn add_data(data: &ArrayData, buffers: &mut Vec<(usize, usize)>) {
    let validity = data.nulls().map(|nulls| nulls.buffer());
    buffers.extend(data.buffers().iter().chain(validity).map(place));
    for child in data.child_data() {
        add_data(child, buffers);
    }
}

fn place(buffer: &Buffer) -> (usize, usize) {
    (buffer.data_ptr().as_ptr().addr(), buffer.capacity())
}
