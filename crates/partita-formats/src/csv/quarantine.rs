//! Records that are set aside: one line of JSON for each, in place of an error for the block.
//!
//! The format is drawn in `docs/formats.md`.

use serde::Serialize;

use super::records::Records;

#[cfg(test)]
mod tests;

/// Bytes of a record that a line holds at most.
const RECORD_BYTES_MAX: usize = 16 << 10;

/// Bytes of a value that a line holds at most.
const VALUE_BYTES_MAX: usize = 1 << 10;

/// Lines about records that were set aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetAside {
    /// One JSON object a line, each line ended.
    pub lines: Vec<u8>,
    /// Number of lines.
    pub records: u64,
}

/// Why a record is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It has another number of fields.
    Fields {
        /// How many it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A value does not fit its column.
    Value {
        /// The column's name.
        column: String,
        /// The column's type.
        expected: String,
        /// The value, cut.
        found: Vec<u8>,
        /// It is not text in the encoding.
        not_text: bool,
        /// Names of further columns whose values do not fit.
        further: Vec<String>,
    },
}

/// A record of a chunk that is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// Which record of the chunk.
    pub(crate) record: usize,
    pub(crate) reason: Reason,
}

/// A line, field by field.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    line: u64,
    byte: u64,
    reason: &'static str,
    column: Option<&'a str>,
    expected: String,
    found: String,
    further_columns: &'a [String],
    record: String,
    record_cut: bool,
}

/// Where a record begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

impl SetAside {
    /// Adds the line of a record whose bytes are `raw`.
    pub(crate) fn push(&mut self, place: Place<'_>, reason: &Reason, raw: &[u8]) {
        let kept = &raw[..raw.len().min(RECORD_BYTES_MAX)];
        let (word, column, expected, found, further_columns) = match reason {
            Reason::Fields { expected, found } => {
                let word = if found < expected { "too few fields" } else { "too many fields" };
                (word, None, format!("{expected} fields"), format!("{found} fields"), &[][..])
            }
            Reason::Value { column, expected, found, not_text, further } => {
                let word = if *not_text { "not text in the encoding" } else { "value" };
                let found = String::from_utf8_lossy(&found[..found.len().min(VALUE_BYTES_MAX)]).into_owned();
                (word, Some(column.as_str()), expected.clone(), found, further.as_slice())
            }
        };
        let line = Line {
            file: place.file,
            line: place.line,
            byte: place.byte,
            reason: word,
            column,
            expected,
            found,
            further_columns,
            record: String::from_utf8_lossy(kept).into_owned(),
            record_cut: kept.len() < raw.len(),
        };
        // Texts and numbers always make JSON, and a vector takes it.
        if serde_json::to_writer(&mut self.lines, &line).is_ok() {
            self.lines.push(b'\n');
            self.records += 1;
        }
    }
}

/// The bytes of a record of a chunk as they stand in the file, without its line end.
pub(crate) fn raw<'a>(bytes: &'a [u8], records: &Records, record: usize) -> &'a [u8] {
    let start = records.starts()[record] as usize;
    let last = records.width(record).saturating_sub(1);
    let end = records.field(record, last).map_or(start, |(range, _)| range.end);
    bytes.get(start..end).unwrap_or(&[])
}
