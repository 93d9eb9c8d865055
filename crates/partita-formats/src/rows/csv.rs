//! CSV out: fields are quoted where they must be, and read back as what they were.
//!
//! A batch is encoded column by column into texts that lie one after the other, in which bytes that need quotes are
//! searched for all at once; then rows are put together from them.

mod fields;
mod number;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};
use fields::{COPY_BYTES, Fields, Style};

/// Rows that are put together at a time: their texts stay in cache.
const ROWS: usize = 2048;

/// How CSV is written. The defaults are what [`crate::csv`] reads with its own.
///
/// - A **text** is quoted where it has a separator, a quote or a line end in it, where it begins with a byte-order mark, and
///   where it would be read as null: the empty text, and one that is `null_value`.
/// - A **null** is `null_value` without quotes. In a file of one column an empty one is `""`, as an empty line is no record: of a
///   column of text it reads back as the empty text, unless there is a `null_value`.
/// - **Floats** have the fewest digits that read back as the same number, and a point or an exponent: `1.0`, `1e-7`; then
///   `NaN`, `inf`, `-inf`.
/// - **Dates** are `2024-02-29`, **timestamps** `2024-02-29 12:30:00` with 0, 3, 6 or 9 digits of a second, as many as the value
///   needs; with a zone the clock time there and its offset, as in `+02:00` (`Z` for UTC). Years beyond 9999 have a sign.
/// - Everything else is as Arrow shows it. Columns in columns cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CsvOptions {
    /// Between fields: ASCII, no letter, no digit, and none of `.+-:`.
    pub separator: u8,
    /// Around fields that need it, and doubled in them: ASCII, as the separator.
    pub quote: u8,
    /// What stands for null.
    pub null_value: String,
    /// Whether files begin with the names of the columns.
    pub header: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { separator: b',', quote: b'"', null_value: String::new(), header: true }
    }
}

fn refuse<T>(message: String) -> Result<T> {
    Err(ErrorKind::Options(message).into())
}

impl CsvOptions {
    /// Checks what can be checked without a schema.
    ///
    /// # Errors
    /// [`ErrorKind::Options`].
    pub fn check(&self) -> Result<()> {
        for (name, byte) in [("separator", self.separator), ("quote", self.quote)] {
            if !byte.is_ascii() || byte.is_ascii_alphanumeric() || b".+-:\r\n\0".contains(&byte) {
                let shown = byte.escape_ascii();
                return refuse(format!(
                    "{name}: expected an ASCII character that is no part of a number or a time, got '{shown}'"
                ));
            }
        }
        if self.separator == self.quote {
            let shown = self.quote.escape_ascii();
            return refuse(format!("separator and quote are both '{shown}'; choose another quote"));
        }
        let special = [self.separator, self.quote, b'\r', b'\n'];
        if self.null_value.bytes().any(|byte| special.contains(&byte)) {
            let shown = &self.null_value;
            return refuse(format!("null_value: {shown:?} would need quotes; choose another word"));
        }
        Ok(())
    }
}

/// Checks that each column can be written.
///
/// # Errors
/// [`ErrorKind::Options`] that names the column, its type and the ways out.
pub(super) fn check_schema(schema: &Schema) -> Result<()> {
    if schema.fields().is_empty() {
        return refuse("a CSV file needs at least one column, got a schema of none".to_owned());
    }
    for field in schema.fields() {
        let mut data_type = field.data_type();
        if let DataType::Dictionary(_, values) = data_type {
            data_type = values;
        }
        if data_type.is_nested() {
            return refuse(format!(
                "column {:?}: {} has no form in CSV; leave the column out, or write Parquet",
                field.name(),
                field.data_type()
            ));
        }
    }
    Ok(())
}

/// The first line of a file.
pub(super) fn header(schema: &Schema, options: &CsvOptions) -> Vec<u8> {
    let mut line = Vec::new();
    if !options.header {
        return line;
    }
    let style = Style::new(options);
    for (number, field) in schema.fields().iter().enumerate() {
        if number > 0 {
            line.push(options.separator);
        }
        fields::push_text(&mut line, field.name().as_bytes(), &style);
    }
    line.push(b'\n');
    line
}

/// Encodes batches of one schema.
pub(super) struct CsvEncoder {
    style: Style,
    columns: Vec<Fields>,
}

impl CsvEncoder {
    pub(super) fn new(schema: &SchemaRef, options: &CsvOptions) -> Self {
        let columns = schema.fields().iter().map(|_| Fields::default()).collect();
        Self { style: Style::new(options), columns }
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.columns.iter().map(Fields::memory_bytes).sum()
    }

    /// Adds the records of a batch to `out`.
    ///
    /// # Errors
    /// Where Arrow cannot show a value.
    pub(super) fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let rows = batch.num_rows();
        for start in (0..rows).step_by(ROWS) {
            let slice = batch.slice(start, ROWS.min(rows - start));
            for (fields, column) in self.columns.iter_mut().zip(slice.columns()) {
                fields.fill(column, &self.style)?;
            }
            if let [only] = self.columns.as_mut_slice() {
                only.fill_empty(&self.style);
            }
            self.join(slice.num_rows(), out);
        }
        Ok(())
    }

    /// Puts rows together.
    fn join(&mut self, rows: usize, out: &mut Vec<u8>) {
        let bytes: usize = self.columns.iter().map(|fields| fields.len() + rows).sum();
        let mut at = out.len();
        // Short fields are copied whole, whatever their length: what is too much is written over by the next.
        out.resize(at + bytes + COPY_BYTES, 0);
        for row in 0..rows {
            for fields in &mut self.columns {
                at = fields.copy(row, out, at);
                out[at] = self.style.separator;
                at += 1;
            }
            out[at - 1] = b'\n';
        }
        out.truncate(at);
    }
}
