//! Hand-over to and from Polars, through the Arrow C Data Interface.
//!
//! Buffers are shared where both sides have the type: Boolean, integers, floats, `Utf8View`, `BinaryView`, dates, timestamps of
//! milli-, micro- and nanoseconds, durations, times, decimals. What Polars lacks is converted: timestamps and
//! durations of seconds become milliseconds, dictionaries become their values, and `Utf8` becomes views over the same bytes. A column of
//! many batches is joined into chunks of at least [`CHUNK_ROWS`] rows, which copies it once: Polars is slow on thousands of
//! small chunks.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, make_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use polars_arrow::ffi::{
    ArrowArray, ArrowSchema, export_array_to_c, export_field_to_c, import_array_from_c, import_field_from_c,
};
use polars_core::datatypes::CompatLevel;
use polars_core::frame::DataFrame;
use polars_core::frame::column::Column;
use polars_core::series::Series;

use crate::error::{ErrorKind, Result};

#[cfg(test)]
mod tests;

/// Rows that the chunks of a handed-over column have at least, but for the last.
pub const CHUNK_ROWS: usize = 1 << 20;

/// A Polars frame of the rows of `batches`, all of which have `schema`.
///
/// # Errors
/// Where Polars has no such type.
pub fn to_polars(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<DataFrame> {
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let columns = schema.fields().iter().enumerate().map(|(index, field)| {
        let chunks: Vec<&ArrayRef> = batches.iter().map(|batch| batch.column(index)).collect();
        Ok(Column::from(series(field, &chunks)?))
    });
    Ok(DataFrame::new(rows, columns.collect::<Result<_>>()?)?)
}

/// The rows of a Polars frame as batches of at most `batch_rows_max` (at least 1) rows.
///
/// # Errors
/// Where Arrow columns here do not have the type.
pub fn from_polars(frame: &DataFrame, batch_rows_max: usize) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut fields = Vec::with_capacity(frame.width());
    let mut columns = Vec::with_capacity(frame.width());
    for column in frame.columns() {
        let (field, array) = array(column.as_materialized_series())?;
        fields.push(field);
        columns.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let mut batches = Vec::new();
    let mut start = 0;
    while start < frame.height() {
        let rows = batch_rows_max.max(1).min(frame.height() - start);
        let slices = columns.iter().map(|column| column.slice(start, rows)).collect();
        batches.push(RecordBatch::try_new(Arc::clone(&schema), slices)?);
        start += rows;
    }
    Ok((schema, batches))
}

/// The type that a column is converted to before Polars gets it; `None`: as it is.
fn converted(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            Some(DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))
        }
        DataType::Duration(TimeUnit::Second) => Some(DataType::Duration(TimeUnit::Millisecond)),
        DataType::Dictionary(_, values) => Some(converted(values).unwrap_or_else(|| (**values).clone())),
        DataType::Utf8 => Some(DataType::Utf8View),
        DataType::Binary => Some(DataType::BinaryView),
        _ => None,
    }
}

fn series(field: &Field, chunks: &[&ArrayRef]) -> Result<Series> {
    let target = converted(field.data_type());
    let data_type = target.clone().unwrap_or_else(|| field.data_type().clone());
    let mut joined = Vec::new();
    let mut pending: Vec<&dyn Array> = Vec::new();
    let mut pending_rows = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        pending.push(&**chunk);
        pending_rows += chunk.len();
        if pending_rows >= CHUNK_ROWS || index + 1 == chunks.len() {
            let whole = if pending.len() == 1 { Arc::clone(chunk) } else { concat(&pending)? };
            joined.push(match &target {
                Some(target) => cast(&whole, target)?,
                None => whole,
            });
            pending.clear();
            pending_rows = 0;
        }
    }
    if joined.is_empty() {
        joined.push(arrow::array::new_empty_array(&data_type));
    }
    let field = Field::new(field.name(), data_type, true);
    let schema = to_c_schema(FFI_ArrowSchema::try_from(&field)?);
    // SAFETY: the schema was exported by arrow a line above and is complete.
    let field = unsafe { import_field_from_c(&schema)? };
    let mut imported = Vec::with_capacity(joined.len());
    for chunk in &joined {
        let exported = to_c_array(FFI_ArrowArray::new(&chunk.to_data()));
        // SAFETY: the array was exported by arrow a line above, and its type is the one of the field that was imported
        // from the same arrow type.
        imported.push(unsafe { import_array_from_c(exported, field.dtype().clone())? });
    }
    Ok(Series::try_from((&field, imported))?)
}

fn array(series: &Series) -> Result<(Field, ArrayRef)> {
    let series = series.rechunk();
    let level = CompatLevel::newest();
    let exported = series.to_arrow(0, level);
    let field = series.field().to_arrow(level);
    let schema = from_c_schema(export_field_to_c(&field));
    let mut imported = Field::try_from(&schema)?;
    if let DataType::LargeUtf8 | DataType::Utf8 = imported.data_type() {
        imported = imported.with_data_type(DataType::Utf8View);
    }
    // SAFETY: array and schema were exported by Polars a line above, from one series: they go together.
    let data = unsafe { from_ffi(from_c_array(export_array_to_c(exported)), &schema)? };
    let array = make_array(data);
    let array = if array.data_type() == imported.data_type() { array } else { cast(&array, imported.data_type())? };
    supported(imported.data_type())?;
    Ok((imported.with_nullable(true), array))
}

/// Refuses types that no kernel or writer here knows.
fn supported(data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::Union(_, _) | DataType::RunEndEncoded(_, _) | DataType::Map(_, _) => {
            let types = data_type.to_string();
            Err(ErrorKind::Undefined { operation: "from_polars".into(), types }.into())
        }
        _ => Ok(()),
    }
}

fn to_c_array(array: FFI_ArrowArray) -> ArrowArray {
    // SAFETY: both are `#[repr(C)]` and follow the C Data Interface field by field. The value moves as a whole, and with it
    // the duty to call its release callback, once.
    unsafe { std::mem::transmute::<FFI_ArrowArray, ArrowArray>(array) }
}

fn to_c_schema(schema: FFI_ArrowSchema) -> ArrowSchema {
    // SAFETY: as in `to_c_array`.
    unsafe { std::mem::transmute::<FFI_ArrowSchema, ArrowSchema>(schema) }
}

fn from_c_array(array: ArrowArray) -> FFI_ArrowArray {
    // SAFETY: as in `to_c_array`.
    unsafe { std::mem::transmute::<ArrowArray, FFI_ArrowArray>(array) }
}

fn from_c_schema(schema: ArrowSchema) -> FFI_ArrowSchema {
    // SAFETY: as in `to_c_array`.
    unsafe { std::mem::transmute::<ArrowSchema, FFI_ArrowSchema>(schema) }
}
