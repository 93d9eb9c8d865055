//! Selection of rows, and giving back what a selection left unused.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::kernels::filter::FilterBuilder;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};

use crate::error::{ErrorKind, Result};

/// A column is compacted where it holds more than this many times the bytes that its rows need.
const HELD_OVER_NEEDED: usize = 2;

/// Below this, copying is not worth a look.
const COMPACT_BYTES_MIN: usize = 4 << 10;

/// The rows of a batch where `mask` is true; null is false. Nothing is copied where the mask is all true or all
/// false. Text is not copied: the result shares the buffers of the batch, until [`compact`].
///
/// # Errors
/// [`ErrorKind::Shape`] where the mask has another length.
pub fn filter(batch: &RecordBatch, mask: &BooleanArray) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    if mask.len() != rows {
        return Err(ErrorKind::Shape(format!("expected a mask of {rows} rows, got {}", mask.len())).into());
    }
    let mask = match mask.nulls() {
        None => mask.clone(),
        Some(nulls) => BooleanArray::new(mask.values() & nulls.inner(), None),
    };
    match mask.true_count() {
        0 => Ok(batch.slice(0, 0)),
        kept if kept == rows => Ok(batch.clone()),
        _ => {
            let mut predicate = FilterBuilder::new(&mask);
            if batch.num_columns() > 1 {
                predicate = predicate.optimize();
            }
            Ok(predicate.build().filter_record_batch(batch)?)
        }
    }
}

/// The rows of a batch at `positions`, in that order.
///
/// # Errors
/// [`ErrorKind::Shape`] where a position is out of range.
pub fn take(batch: &RecordBatch, positions: &UInt32Array) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    if let Some(position) = positions.iter().flatten().find(|&position| position as usize >= rows) {
        return Err(ErrorKind::Shape(format!("row {position} of a batch of {rows} rows")).into());
    }
    Ok(take_record_batch(batch, positions)?)
}

/// `rows` rows of a batch from `offset`, or as many as there are; nothing is copied.
pub fn slice(batch: &RecordBatch, offset: usize, rows: usize) -> RecordBatch {
    let offset = offset.min(batch.num_rows());
    batch.slice(offset, rows.min(batch.num_rows() - offset))
}

/// One batch of all rows, in order.
///
/// # Errors
/// [`ErrorKind::Arrow`] where a batch has another schema, or text exceeds what one column can hold.
pub fn concat(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    match batches {
        [one] => Ok(one.clone()),
        _ => Ok(concat_batches(schema, batches)?),
    }
}

/// The batch in buffers of its own where it holds far more memory than its rows need (after a filter or a slice);
/// otherwise as it is.
///
/// # Errors
/// [`ErrorKind::Arrow`] from the copy.
pub fn compact(batch: &RecordBatch) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    let mut is_changed = false;
    for column in &mut columns {
        if is_wasteful(column)? {
            *column = copy(column)?;
            is_changed = true;
        }
    }
    if !is_changed {
        return Ok(batch.clone());
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &options)?)
}

/// Bytes that the rows of a batch take, whatever else its buffers hold.
///
/// # Errors
/// [`ErrorKind::Arrow`] where a type has no size.
pub fn needed_bytes(batch: &RecordBatch) -> Result<usize> {
    batch.columns().iter().map(column_bytes).sum()
}

/// Bytes that the rows of a column take, whatever else its buffers hold.
///
/// # Errors
/// [`ErrorKind::Arrow`] where its type has no size.
pub fn column_bytes(column: &ArrayRef) -> Result<usize> {
    let views = column.len() * size_of::<u128>();
    Ok(match column.data_type() {
        DataType::Utf8View => column.as_string_view().total_buffer_bytes_used() + views,
        DataType::BinaryView => column.as_binary_view().total_buffer_bytes_used() + views,
        other if let Some(width) = other.primitive_width() => {
            column.len() * width + column.nulls().map_or(0, |nulls| nulls.len().div_ceil(8))
        }
        _ => column.to_data().get_slice_memory_size()?,
    })
}

/// [`compact`] of one column.
pub(crate) fn compact_column(array: &ArrayRef) -> Result<ArrayRef> {
    if is_wasteful(array)? { copy(array) } else { Ok(Arc::clone(array)) }
}

fn is_wasteful(array: &ArrayRef) -> Result<bool> {
    let held = array.get_buffer_memory_size();
    Ok(held >= COMPACT_BYTES_MIN && held / HELD_OVER_NEEDED > column_bytes(array)?)
}

/// A copy that shares nothing: a gather copies what a slice refers to, and `gc` what views refer to.
fn copy(array: &ArrayRef) -> Result<ArrayRef> {
    let rows =
        u32::try_from(array.len()).map_err(|_| ErrorKind::Shape("a batch of over 2^32 rows".to_owned()))?;
    let copied = arrow::compute::take(array, &UInt32Array::from_iter_values(0..rows), None)?;
    Ok(match copied.data_type() {
        DataType::Utf8View => Arc::new(copied.as_string_view().gc()),
        DataType::BinaryView => Arc::new(copied.as_binary_view().gc()),
        _ => copied,
    })
}
