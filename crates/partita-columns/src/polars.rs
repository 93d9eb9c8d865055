//! Hand-over to and from Polars, through the Arrow C Data Interface.
//!
//! Nothing is copied where both have the type: Boolean, integers, floats, `Decimal128`, `Utf8View`, `BinaryView`,
//! `Date32`, timestamps and durations in ms, us and ns. The others become their nearest on the way:
//!
//! | Arrow | Polars |
//! | --- | --- |
//! | timestamp and duration in s | ms |
//! | `Utf8`, `LargeUtf8` | String |
//! | `Binary`, `LargeBinary`, `FixedSizeBinary` | Binary |
//! | dictionary | its values |
//! | `Time32`, `Time64` | Time (ns) |
//! | `Date64` | Datetime (ms) |
//! | `Float16` | Float32 |
//! | lists | List |
//! | structs, maps, unions, intervals, fixed-size lists, 256-bit decimals | a typed error |
//!
//! Polars names fixed offsets its own way (`+01:00` is `Etc/GMT-1`); instants stay what they are.
//!
//! **Chunks.** Polars works chunk by chunk, and finds a row by counting chunks: in 1,024 chunks of 8 Ki rows a sum took
//! twice as long as in 8 chunks, a filter 1.4 times and access to single rows 40 times. Batches of fewer than
//! [`CHUNK_ROWS_MIN`] rows are therefore joined, column by column, into chunks of up to [`CHUNK_ROWS_MAX`] rows. That
//! copies numbers, and the 16 bytes a value of text (2 ns a value), and holds both copies until the batches are
//! dropped. Larger batches are chunks as they are.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use polars_arrow::ffi as theirs;
use polars_core::frame::DataFrame;
use polars_core::prelude::{Column, CompatLevel, PlSmallStr};
use polars_core::series::Series;

use crate::compute::{CastMode, cast_array};
use crate::dtype;
use crate::error::{Error, ErrorKind, Result};

/// Batches of fewer rows are joined with their neighbours on the way to Polars. A batch of more is handed over as it is:
/// that takes a tenth of the time in which it would be copied.
pub const CHUNK_ROWS_MIN: usize = 4 << 10;

/// Rows of the chunks that small batches are joined to.
pub const CHUNK_ROWS_MAX: usize = 1 << 20;

/// A Polars frame of batches of one schema, in row order.
///
/// # Errors
/// [`ErrorKind::Undefined`] for a type that Polars lacks, with the column; [`ErrorKind::Polars`] for two columns of
/// one name; [`ErrorKind::Cast`] for seconds beyond the range of milliseconds.
pub fn to_polars(schema: &Schema, batches: Vec<RecordBatch>) -> Result<DataFrame> {
    let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
    let groups = groups(&rows);
    // Column by column, so that a column that was joined is gone before the next one is.
    let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(batches.len()); schema.fields().len()];
    for batch in batches {
        for (column, part) in parts.iter_mut().zip(batch.columns()) {
            column.push(Arc::clone(part));
        }
    }
    let columns = schema.fields().iter().zip(parts).map(|(field, parts)| column(field, parts, &groups));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(DataFrame::new(rows.iter().sum(), columns)?)
}

/// The columns of a Polars frame as batches of up to `batch_rows_max` rows, in row order. Every column is nullable.
/// Nothing is copied; batches end where a chunk of any column ends.
///
/// # Errors
/// [`ErrorKind::Arrow`] for a type that Arrow lacks.
pub fn from_polars(frame: &DataFrame, batch_rows_max: usize) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut fields = Vec::with_capacity(frame.width());
    let mut columns = Vec::with_capacity(frame.width());
    for column in frame.columns() {
        let (field, chunks) = import(column.as_materialized_series())?;
        fields.push(field);
        columns.push(Chunks { chunks, chunk: 0, row: 0 });
    }
    let schema = Arc::new(Schema::new(fields));
    let mut batches = Vec::new();
    let mut left = frame.height();
    while left > 0 {
        let rows = columns.iter().map(Chunks::rows_left).fold(left.min(batch_rows_max.max(1)), usize::min);
        let arrays = columns.iter_mut().map(|column| column.next(rows)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        batches.push(RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?);
        left -= rows;
    }
    Ok((schema, batches))
}

/// Runs of batches, by their numbers of rows, that make one chunk each.
fn groups(rows: &[usize]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let (mut start, mut gathered) = (0, 0);
    for (index, &rows) in rows.iter().enumerate() {
        let small = rows < CHUNK_ROWS_MIN;
        if index > start && (!small || gathered + rows > CHUNK_ROWS_MAX) {
            groups.push(start..index);
            (start, gathered) = (index, 0);
        }
        gathered += rows;
        if !small {
            groups.push(start..index + 1);
            (start, gathered) = (index + 1, 0);
        }
    }
    if start < rows.len() {
        groups.push(start..rows.len());
    }
    groups
}

fn column(field: &Field, parts: Vec<ArrayRef>, groups: &[Range<usize>]) -> Result<Column> {
    let to = held_as(field.data_type()).ok_or_else(|| {
        let types = format!("column {:?} of {}", field.name(), dtype::name(field.data_type()));
        Error::from(ErrorKind::Undefined { operation: "handing over to Polars".to_owned(), types })
    })?;
    let mut chunks = Vec::with_capacity(groups.len().max(1));
    let mut parts = parts.into_iter();
    for group in groups {
        let parts: Vec<ArrayRef> = parts.by_ref().take(group.len()).collect();
        let chunk = match &parts[..] {
            [one] => Arc::clone(one),
            _ => concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())?,
        };
        drop(parts);
        if !chunk.is_empty() {
            chunks.push(export(&converted(&chunk, &to)?)?);
        }
    }
    if chunks.is_empty() {
        chunks.push(export(&new_empty_array(&to))?);
    }
    let name = PlSmallStr::from_str(field.name());
    Ok(Column::from(Series::from_arrow_chunks(name, chunks)?))
}

/// The type under which Polars takes a column; `None` where it has none.
fn held_as(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match data_type {
        T::Timestamp(TimeUnit::Second, zone) => {
            T::Timestamp(TimeUnit::Millisecond, zone.as_ref().map(Arc::clone))
        }
        T::Duration(TimeUnit::Second) => T::Duration(TimeUnit::Millisecond),
        T::Date64 => T::Timestamp(TimeUnit::Millisecond, None),
        T::Time32(_) | T::Time64(_) => T::Time64(TimeUnit::Nanosecond),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => T::Utf8View,
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => T::BinaryView,
        T::Float16 => T::Float32,
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) | T::Decimal128(precision, scale) => {
            // Polars has no negative scales.
            u8::try_from(*scale).ok()?;
            T::Decimal128(*precision, *scale)
        }
        T::Dictionary(_, values) => held_as(values)?,
        T::List(of) | T::LargeList(of) => {
            T::LargeList(Arc::new(of.as_ref().clone().with_data_type(held_as(of.data_type())?)))
        }
        T::Null | T::Boolean | T::Float32 | T::Float64 | T::Date32 | T::Timestamp(..) | T::Duration(_) => {
            data_type.clone()
        }
        integer if integer.is_integer() => integer.clone(),
        _ => return None,
    })
}

fn converted(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    match array.data_type() == to {
        true => Ok(Arc::clone(array)),
        false => cast_array(array, to, CastMode::Strict),
    }
}

fn export(array: &ArrayRef) -> Result<Box<dyn polars_arrow::array::Array>> {
    let (array, schema) = to_ffi(&array.to_data())?;
    // SAFETY: both types are the structure `ArrowArray` of the C Data Interface, `repr(C)` with the same fields in the
    // same order; neither crate can add one without leaving the interface. The source is moved, so its release callback
    // is called once, by the new owner.
    let array = unsafe { std::mem::transmute::<FFI_ArrowArray, theirs::ArrowArray>(array) };
    // SAFETY: as above, for the structure `ArrowSchema`.
    let schema = unsafe { std::mem::transmute::<FFI_ArrowSchema, theirs::ArrowSchema>(schema) };
    // SAFETY: arrow made the structure from a valid type.
    let field = unsafe { theirs::import_field_from_c(&schema) }?;
    // SAFETY: arrow made the structure from valid data of that type, whose buffers it keeps alive until release.
    Ok(unsafe { theirs::import_array_from_c(array, field.dtype) }?)
}

fn import(series: &Series) -> Result<(Field, Vec<ArrayRef>)> {
    let level = CompatLevel::newest();
    let chunks = (0..series.n_chunks()).map(|chunk| {
        let chunk = series.to_arrow(chunk, level);
        let dtype = chunk.dtype().clone();
        let field = polars_arrow::datatypes::Field::new(series.name().clone(), dtype, true);
        let schema = theirs::export_field_to_c(&field);
        let array = theirs::export_array_to_c(chunk);
        // SAFETY: as in `export`, the other way.
        let array = unsafe { std::mem::transmute::<theirs::ArrowArray, FFI_ArrowArray>(array) };
        // SAFETY: as in `export`, the other way.
        let schema = unsafe { std::mem::transmute::<theirs::ArrowSchema, FFI_ArrowSchema>(schema) };
        // SAFETY: Polars made both structures from one valid array, whose buffers it keeps alive until release.
        let data = unsafe { from_ffi(array, &schema) }?;
        Ok(make_array(data))
    });
    let chunks = chunks.collect::<Result<Vec<_>>>()?;
    let data_type = match chunks.first() {
        Some(chunk) => chunk.data_type().clone(),
        None => DataType::Null,
    };
    Ok((Field::new(series.name().as_str(), data_type, true), chunks))
}

/// A column's chunks, and how far they have been given out.
struct Chunks {
    chunks: Vec<ArrayRef>,
    chunk: usize,
    row: usize,
}

impl Chunks {
    /// Rows up to the end of the chunk.
    fn rows_left(&self) -> usize {
        let mut ahead = self.chunks[self.chunk.min(self.chunks.len())..].iter();
        // The chunk that has been given out wholly, and empty ones, end where they begin.
        let current = ahead.next().map_or(0, |chunk| chunk.len() - self.row);
        if current > 0 { current } else { ahead.map(|chunk| chunk.len()).find(|rows| *rows > 0).unwrap_or(0) }
    }

    /// The next `rows` rows, which lie in one chunk.
    fn next(&mut self, rows: usize) -> ArrayRef {
        while self.row >= self.chunks[self.chunk].len() {
            self.chunk += 1;
            self.row = 0;
        }
        let slice = self.chunks[self.chunk].slice(self.row, rows);
        self.row += rows;
        slice
    }
}
