//! How one file's bytes become columns, resolved: nothing is left to look up.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::super::dialect::Dialect;
use super::super::header::Header;
use super::super::options::{Headers, OnMismatch, Ragged, ReadOptions, name_list};
use super::super::schema_file::canonical_type;
use super::super::stream::Packing;
use super::super::text::Encoding;
use super::super::value::Numbers;
use crate::error::{ErrorKind, Result};

/// Where the values of a column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnSource {
    /// A field of the record, from 0.
    Field(usize),
    /// The file has no such column: every value is null.
    Missing,
    /// Every value is the path of the file.
    Path,
}

/// What was said about the type of a column: what it may not be widened beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Promise {
    /// Nothing: it was inferred.
    Nothing,
    /// It is a date or a time.
    Date,
    /// Its type was given.
    Type,
}

/// One column of the batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnSpec {
    /// Its name.
    pub name: String,
    /// Its type in the batches: text is `Utf8View`.
    pub data_type: DataType,
    /// Where its values come from.
    pub source: ColumnSource,
    /// The date format, in the letters of `strftime`; `None`: ISO.
    pub format: Option<String>,
    /// In a timestamp column with a zone: a time without an offset is a clock time of that zone, not a mismatch.
    pub local_times: bool,
    /// What was said about its type.
    pub promise: Promise,
    /// Texts that are null, sorted.
    pub null_values: Vec<String>,
}

/// The sizes that bound a reader's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest record, in bytes.
    pub record_bytes_max: usize,
    /// Bytes read and split at a time.
    pub chunk_bytes: usize,
    /// Rows of a batch at most.
    pub batch_rows_max: usize,
    /// Bytes of a batch, about.
    pub batch_bytes_max: usize,
}

/// How the bytes of one file become records and columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CsvBlock {
    /// The file, as the user named it.
    pub file: String,
    /// What is done to its bytes first.
    pub packing: Packing,
    /// Its dialect.
    pub dialect: Dialect,
    /// How the bytes of its fields are text.
    pub encoding: Encoding,
    /// First byte of the data in the decoded stream.
    pub data_start: u64,
    /// The line, from 1, in which the data begin.
    pub first_line: u64,
    /// Hash of the decoded bytes before it.
    pub header_hash: u64,
    /// Fields of a record.
    pub width: usize,
    /// What to do with records of another width.
    pub ragged: Ragged,
    /// What to do with values that do not fit.
    pub on_mismatch: OnMismatch,
    /// Whether an empty field without quotes is the empty string in columns of text.
    pub keep_empty_strings: bool,
    /// Texts that are true.
    pub true_values: Vec<String>,
    /// Texts that are false.
    pub false_values: Vec<String>,
    /// How numbers are written.
    pub numbers: Numbers,
    /// The columns of the batches, in order.
    pub columns: Vec<ColumnSpec>,
    /// Their names and types; every column may have nulls.
    pub schema: SchemaRef,
    /// Sizes.
    pub limits: Limits,
}

impl CsvBlock {
    /// Joins what the head of a file says, the options, and the columns of the whole set with their types (as
    /// [`super::super::infer::finish`] gives them).
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] where the file lacks a column, unless headers may differ or it has no record.
    pub fn new(header: &Header, options: &ReadOptions, types: &[(String, DataType)]) -> Result<Self> {
        let columns = types
            .iter()
            .map(|(name, data_type)| column(header, options, name, data_type))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            file: header.file.clone(),
            packing: header.packing,
            dialect: header.dialect.clone(),
            encoding: header.encoding,
            data_start: header.data_start,
            first_line: header.first_line,
            header_hash: header.hash,
            width: header.width(),
            ragged: options.ragged,
            on_mismatch: options.on_mismatch,
            keep_empty_strings: options.keep_empty_strings,
            true_values: options.true_values.clone(),
            false_values: options.false_values.clone(),
            numbers: options.numbers(),
            schema: schema(&columns),
            columns,
            limits: limits(header.width(), options),
        })
    }

    /// Whether it can be read only from its beginning.
    pub fn is_stream(&self) -> bool {
        !self.packing.is_none()
    }

    /// The same file with some of its columns, by position and in this order. Positions that there are not are left
    /// out.
    #[must_use]
    pub fn project(&self, columns: &[usize]) -> Self {
        let columns: Vec<_> = columns.iter().filter_map(|&index| self.columns.get(index).cloned()).collect();
        Self { schema: schema(&columns), columns, ..self.clone() }
    }

    /// The same file with other types for some of its columns.
    #[must_use]
    pub fn retyped(&self, types: &[(String, DataType)]) -> Self {
        let mut columns = self.columns.clone();
        for column in &mut columns {
            if let Some((_, data_type)) = types.iter().find(|(name, _)| *name == column.name) {
                column.data_type = canonical_type(data_type);
            }
        }
        Self { schema: schema(&columns), columns, ..self.clone() }
    }

    /// The same file to count its records, of whatever width.
    #[must_use]
    pub fn counting(&self) -> Self {
        Self { ragged: Ragged::Pad, on_mismatch: OnMismatch::Error, ..self.project(&[]) }
    }
}

/// The sizes of the options, larger for records of very many fields: a chunk should have some hundreds of records, and so
/// should a batch, for loops over one column of it to be worth their beginning.
fn limits(width: usize, options: &ReadOptions) -> Limits {
    const WIDE: usize = 128;
    let wide = if width > WIDE { width } else { 0 };
    Limits {
        record_bytes_max: options.record_bytes_max,
        chunk_bytes: options.chunk_bytes.max(wide.saturating_mul(2 << 10).min(1 << 20)),
        batch_rows_max: options.batch_rows_max,
        batch_bytes_max: options.batch_bytes_max.max(wide.saturating_mul(4 << 10).min(2 << 20)),
    }
}

fn schema(columns: &[ColumnSpec]) -> SchemaRef {
    let fields: Vec<_> =
        columns.iter().map(|column| Field::new(&column.name, column.data_type.clone(), true)).collect();
    Arc::new(Schema::new(fields))
}

fn column(header: &Header, options: &ReadOptions, name: &str, data_type: &DataType) -> Result<ColumnSpec> {
    let source = if options.include_path.as_deref() == Some(name) {
        ColumnSource::Path
    } else if let Some(field) = header.names.iter().position(|other| other == name) {
        ColumnSource::Field(field)
    } else if options.headers == Headers::Union || header.names.is_empty() {
        ColumnSource::Missing
    } else {
        let message = format!(
            "no column {name:?}; the file has {}; to read it as null here: .headers(Headers::Union) (--headers union)",
            name_list(&header.names)
        );
        return Err(ErrorKind::Malformed { file: header.file.clone(), message }.into());
    };
    let promise = match (options.dtype(name), options.is_date(name)) {
        (Some(_), _) => Promise::Type,
        (None, true) => Promise::Date,
        (None, false) => Promise::Nothing,
    };
    Ok(ColumnSpec {
        name: name.to_owned(),
        data_type: canonical_type(data_type),
        source,
        format: options.date_format(name).map(str::to_owned),
        local_times: options.dtype(name).is_some(),
        promise,
        null_values: options.nulls_of(name),
    })
}
