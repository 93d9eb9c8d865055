//! Keys of rows that go to folders of their own, as Hive lays them out: `year=2024/city=K%C3%B6ln`.
//!
//! A folder is `NAME=VALUE` for each key column, both percent-encoded but for ASCII letters, digits and `-_.`, so
//! that any text is a folder on any file system and different values are different folders. Null is
//! [`NULL_FOLDER`], empty text has no value behind the `=`.

pub mod names;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::error::Result;
use crate::parquet::options::options;

/// The value of null.
pub const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// Different keys of one task at most: each is a folder with files of its own.
pub const KEYS_MAX: usize = 1 << 16;

/// Bytes of a folder's name at most, as file systems have it.
const NAME_BYTES_MAX: usize = 255;

/// The values of the key columns of some rows, and their folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionKey {
    folder: String,
    values: Vec<(String, Option<String>)>,
}

impl PartitionKey {
    /// The folder, relative to the data set, with `/` between its names. Different keys have different ones.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Names of the key columns and their values as text, in the order of the folders; `None` is null.
    pub fn values(&self) -> &[(String, Option<String>)] {
        &self.values
    }
}

/// The columns of `schema` that stand in the files, and those that stand in the names of folders, in the order of `on`.
///
/// # Errors
/// [`crate::ErrorKind::Options`] where a name is not there or twice, where its type cannot be a key, and where no column is left.
pub fn split_schema(schema: &SchemaRef, on: &[String]) -> Result<(SchemaRef, Vec<FieldRef>)> {
    let mut keys: Vec<FieldRef> = Vec::new();
    for name in on {
        let Some((_, field)) = schema.fields().find(name) else {
            let have: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            return Err(options(format!("partition_on: no column {name:?}; there are {}", have.join(", "))));
        };
        if keys.iter().any(|key| key.name() == name) {
            return Err(options(format!("partition_on: column {name:?} is named twice")));
        }
        if !is_key_type(field.data_type()) {
            return Err(options(format!(
                "partition_on: column {name:?} is {}; expected Boolean, integers, Utf8, Date32 or Timestamp",
                field.data_type()
            )));
        }
        if encode(name, true).len() >= NAME_BYTES_MAX {
            return Err(options(format!(
                "partition_on: the name of column {name:?} is too long for a folder"
            )));
        }
        keys.push(Arc::clone(field));
    }
    let rest: Vec<FieldRef> =
        schema.fields().iter().filter(|field| !on.contains(field.name())).map(Arc::clone).collect();
    if rest.is_empty() {
        return Err(options("partition_on: expected a column that is no key, got keys alone".to_owned()));
    }
    Ok((Arc::new(Schema::new_with_metadata(rest, schema.metadata().clone())), keys))
}

fn is_key_type(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Date32
                | DataType::Timestamp(..)
        )
}

/// Tells the keys of rows.
pub struct PartitionKeys {
    /// Positions of the key columns.
    columns: Vec<usize>,
    fields: Vec<FieldRef>,
    rows: RowConverter,
    /// By their values, as [`RowConverter`] writes them.
    numbers: HashMap<Box<[u8]>, u32>,
    keys: Vec<Arc<PartitionKey>>,
    bytes: usize,
}

impl PartitionKeys {
    /// For batches of `schema`.
    ///
    /// # Errors
    /// As [`split_schema`].
    pub fn new(schema: &SchemaRef, on: &[String]) -> Result<Self> {
        let (_, fields) = split_schema(schema, on)?;
        let columns = on.iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>()?;
        let sorts = fields.iter().map(|field| SortField::new(field.data_type().clone())).collect();
        let rows = RowConverter::new(sorts)?;
        Ok(Self { columns, fields, rows, numbers: HashMap::new(), keys: Vec::new(), bytes: 0 })
    }

    /// The number of each row's key; new keys get the next numbers, in the order of the rows.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Options`] where there are more than [`KEYS_MAX`] keys, or a value is too long for a folder.
    pub fn numbers(&mut self, batch: &RecordBatch) -> Result<Vec<u32>> {
        let columns: Vec<ArrayRef> =
            self.columns.iter().map(|&column| Arc::clone(batch.column(column))).collect();
        let rows = self.rows.convert_columns(&columns)?;
        let mut numbers = Vec::with_capacity(batch.num_rows());
        for (at, row) in rows.iter().enumerate() {
            let number = match self.numbers.get(row.as_ref()) {
                Some(&number) => number,
                None => self.add(row.as_ref().into(), &columns, at)?,
            };
            numbers.push(number);
        }
        Ok(numbers)
    }

    fn add(&mut self, values: Box<[u8]>, columns: &[ArrayRef], row: usize) -> Result<u32> {
        if self.keys.len() == KEYS_MAX {
            let names: Vec<_> = self.fields.iter().map(|field| field.name().as_str()).collect();
            return Err(options(format!(
                "partition_on: {} have more than {KEYS_MAX} different values; name columns with fewer",
                names.join(", ")
            )));
        }
        let key = key(&self.fields, columns, row)?;
        let number = self.keys.len() as u32;
        self.bytes += values.len() + 2 * key.folder.len() + 256;
        self.numbers.insert(values, number);
        self.keys.push(Arc::new(key));
        Ok(number)
    }

    /// The key of a number that [`PartitionKeys::numbers`] gave.
    pub fn key(&self, number: u32) -> Option<&Arc<PartitionKey>> {
        self.keys.get(number as usize)
    }

    /// Bytes of memory held, about.
    pub fn memory_bytes(&self) -> usize {
        self.bytes
    }
}

fn key(fields: &[FieldRef], columns: &[ArrayRef], row: usize) -> Result<PartitionKey> {
    let (mut folder, mut values) = (String::new(), Vec::new());
    for (field, column) in fields.iter().zip(columns) {
        let value = value(field, column, row)?;
        let text = match &value {
            None => NULL_FOLDER.to_owned(),
            // Only null is called so.
            Some(text) if text == NULL_FOLDER => format!("%5F{}", &NULL_FOLDER[1..]),
            Some(text) => encode(text, false),
        };
        let name = format!("{}={text}", encode(field.name(), true));
        if name.len() > NAME_BYTES_MAX {
            return Err(options(format!(
                "partition_on: a value of column {:?} makes a folder name of {} bytes, and {NAME_BYTES_MAX} is the limit",
                field.name(),
                name.len()
            )));
        }
        if !folder.is_empty() {
            folder.push('/');
        }
        folder.push_str(&name);
        values.push((field.name().clone(), value));
    }
    Ok(PartitionKey { folder, values })
}

/// A value as text: ISO 8601 for dates and timestamps, with a space between date and time.
fn value(field: &Field, column: &ArrayRef, row: usize) -> Result<Option<String>> {
    if column.is_null(row) {
        return Ok(None);
    }
    let formats = FormatOptions::new()
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"))
        .with_display_error(false);
    let formatter = ArrayFormatter::try_new(column, &formats)?;
    let mut text = String::new();
    formatter.value(row).write(&mut text).map_err(|_| {
        options(format!("partition_on: a value of column {:?} is out of the range of dates", field.name()))
    })?;
    Ok(Some(text))
}

/// Percent-encodes what is not an ASCII letter, a digit, or one of `-_.`; of a name also a first `_` or `.`, which readers take for
/// something hidden.
fn encode(text: &str, is_name: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let is_safe = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => true,
            b'_' => !(is_name && at == 0),
            b'.' => text != "." && text != ".." && !(is_name && at == 0),
            _ => false,
        };
        if is_safe {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
