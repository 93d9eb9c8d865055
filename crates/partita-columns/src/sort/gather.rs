//! Rows of many batches as one batch.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;

use crate::error::{ErrorKind, Result};

/// The rows at `places` (batch, row), in that order, as one batch. All batches are of `schema`. Texts stay in the
/// buffers of their batches where most of these are still needed, and are copied where not.
///
/// # Errors
/// [`ErrorKind::Shape`] where a place or a batch is not there, or a batch is of another schema.
pub fn gather(schema: &SchemaRef, batches: &[RecordBatch], places: &[(u32, u32)]) -> Result<RecordBatch> {
    check(schema, batches, places)?;
    if places.is_empty() {
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    let indices: Vec<(usize, usize)> =
        places.iter().map(|place| (place.0 as usize, place.1 as usize)).collect();
    let columns = (0..schema.fields().len())
        .map(|at| {
            let sources: Vec<_> = batches.iter().map(|batch| batch.column(at).as_ref()).collect();
            Ok(interleave(&sources, &indices)?)
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

fn check(schema: &SchemaRef, batches: &[RecordBatch], places: &[(u32, u32)]) -> Result<()> {
    for batch in batches {
        let types = batch.columns().iter().map(|column| column.data_type());
        if !types.eq(schema.fields().iter().map(|field| field.data_type())) {
            let message = format!("expected a batch of {schema:?}, got {:?}", batch.schema());
            return Err(ErrorKind::Shape(message).into());
        }
    }
    let is_there = |&(batch, row): &(u32, u32)| {
        batches.get(batch as usize).is_some_and(|batch| (row as usize) < batch.num_rows())
    };
    match places.iter().find(|place| !is_there(place)) {
        Some((batch, row)) => Err(ErrorKind::Shape(format!("no row {row} in batch {batch}")).into()),
        None => Ok(()),
    }
}
