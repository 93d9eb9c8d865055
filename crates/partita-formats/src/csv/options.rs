//! Everything a reader of CSV may be told, with its defaults.

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::dialect::{Dialect, LineEnd};
use super::schema_file::{is_supported, type_name};
use super::text::Encoding;
use super::value::{Numbers, Pattern};
use crate::error::{ErrorKind, Result};

/// What to do with a record that has another number of fields than the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ragged {
    /// It is an error.
    Error,
    /// Missing fields at the end are null; too many fields are an error.
    #[default]
    Pad,
    /// The record is left out.
    Skip,
}

/// What to do with a value that does not fit its column, and with a record of another width where [`Ragged`] does not
/// allow it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnMismatch {
    /// It is an error.
    #[default]
    Error,
    /// For conversions: the rest of the input is looked at, and the conversion begins again with types that hold all
    /// values. Columns whose type was given keep it, and records of another width are an error.
    Widen,
    /// For conversions: the record is left out, and a line about it goes to a file beside the data.
    Quarantine,
}

/// What to do where files of one set have different headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Headers {
    /// The names must be the same; their order may differ.
    #[default]
    Same,
    /// All names of all files, in the order of first sight; a column that a file lacks is null there.
    Union,
}

/// How types are found where none are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Infer {
    /// From the head of every file and from places all over it.
    Sample {
        /// Bytes read from the start of each file.
        head_bytes: usize,
        /// Further places in each uncompressed file, its very end among them.
        places: usize,
        /// Bytes read at each place.
        place_bytes: usize,
    },
    /// From every byte of every file.
    Full,
    /// Not at all: every column is text.
    None,
}

impl Default for Infer {
    fn default() -> Self {
        Infer::Sample { head_bytes: 1 << 20, places: 16, place_bytes: 64 << 10 }
    }
}

/// How to read CSV. The defaults read an ordinary file: comma, `"`, a header, types inferred.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadOptions {
    /// Between fields; ASCII.
    pub separator: u8,
    /// Around fields; ASCII. `None`: no byte quotes.
    pub quote: Option<u8>,
    /// Before a byte that is data; ASCII.
    pub escape: Option<u8>,
    /// Starts a comment that ends with its line; ASCII.
    pub comment: Option<u8>,
    /// Whether spaces and tabs around fields are dropped.
    pub trim: bool,
    /// Whether the first record names the columns.
    pub has_header: bool,
    /// Lines, not records, to leave out before the header.
    pub skip_rows: u64,
    /// Rows to read at most, over all files. The reader of a block does not look at it: the plan does.
    pub n_rows: Option<u64>,
    /// Names of the columns: in place of the header's, or of `column_1`, `column_2`, .. where there is none.
    pub names: Option<Vec<String>>,
    /// Columns to read, in the order of the file; `None`: all.
    pub usecols: Option<Vec<String>>,
    /// Types of columns. Of a timestamp type with a zone: times without an offset are clock times of that zone.
    pub dtypes: Vec<(String, DataType)>,
    /// Columns that must be dates or timestamps: columns that are read.
    pub parse_dates: Vec<String>,
    /// Formats of date columns, in the letters of `strftime`.
    pub date_formats: Vec<(String, String)>,
    /// Texts that are null in every column, quoted or not.
    pub null_values: Vec<String>,
    /// Texts that are null in one column, besides [`ReadOptions::null_values`].
    pub column_null_values: Vec<(String, Vec<String>)>,
    /// Whether an empty field without quotes is the empty string in columns of text; else it is null. In columns of
    /// other types it is always null. A quoted empty field is the empty string in columns of text.
    pub keep_empty_strings: bool,
    /// Texts that are true. Inference takes numbers for numbers, also where they are in this list.
    pub true_values: Vec<String>,
    /// Texts that are false.
    pub false_values: Vec<String>,
    /// The byte before the fraction of a number: `.` or `,`.
    pub decimal: u8,
    /// The byte between groups of three digits in the whole part of a number: one of `.`, `,`, `'`, `_` and space.
    pub thousands: Option<u8>,
    /// Whether columns inferred as integers become `Float64`, as if some value were missing.
    pub assume_missing: bool,
    /// What to do with records of another width.
    pub ragged: Ragged,
    /// What to do with values that do not fit.
    pub on_mismatch: OnMismatch,
    /// How bytes are text.
    pub encoding: Encoding,
    /// Name of a last column that holds the path of each row's file.
    pub include_path: Option<String>,
    /// What to do where files have different headers.
    pub headers: Headers,
    /// How types are found.
    pub infer: Infer,
    /// Longest record, in bytes.
    pub record_bytes_max: usize,
    /// Bytes read and split at a time.
    pub chunk_bytes: usize,
    /// Rows of a batch at most.
    pub batch_rows_max: usize,
    /// Bytes of a batch, about.
    pub batch_bytes_max: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        let words = |words: [&str; 3]| words.map(str::to_owned).to_vec();
        Self {
            separator: b',',
            quote: Some(b'"'),
            escape: None,
            comment: None,
            trim: false,
            has_header: true,
            skip_rows: 0,
            n_rows: None,
            names: None,
            usecols: None,
            dtypes: Vec::new(),
            parse_dates: Vec::new(),
            date_formats: Vec::new(),
            null_values: Vec::new(),
            column_null_values: Vec::new(),
            keep_empty_strings: false,
            true_values: words(["true", "True", "TRUE"]),
            false_values: words(["false", "False", "FALSE"]),
            decimal: b'.',
            thousands: None,
            assume_missing: false,
            ragged: Ragged::default(),
            on_mismatch: OnMismatch::default(),
            encoding: Encoding::default(),
            include_path: None,
            headers: Headers::default(),
            infer: Infer::default(),
            record_bytes_max: 64 << 20,
            chunk_bytes: 256 << 10,
            batch_rows_max: 8 << 10,
            batch_bytes_max: 512 << 10,
        }
    }
}

/// Longest record that can be asked for: positions in a chunk are 31 bits.
const RECORD_BYTES_LIMIT: usize = 1 << 29;

fn refuse<T>(message: String) -> Result<T> {
    Err(ErrorKind::Options(message).into())
}

impl ReadOptions {
    /// The dialect, with the line end that the header's reader found.
    pub fn dialect(&self, line_end: LineEnd) -> Dialect {
        Dialect {
            separator: self.separator,
            quote: self.quote,
            escape: self.escape,
            comment: self.comment,
            trim: self.trim,
            line_end,
        }
    }

    /// How numbers are written.
    pub fn numbers(&self) -> Numbers {
        Numbers { decimal: self.decimal, thousands: self.thousands }
    }

    /// The type that was asked for a column.
    pub fn dtype(&self, column: &str) -> Option<&DataType> {
        self.dtypes.iter().rev().find(|(name, _)| name == column).map(|(_, data_type)| data_type)
    }

    /// The date format that was given for a column.
    pub fn date_format(&self, column: &str) -> Option<&str> {
        self.date_formats.iter().rev().find(|(name, _)| name == column).map(|(_, format)| format.as_str())
    }

    /// Whether a column must be a date or a timestamp: asked for, or given a format.
    pub fn is_date(&self, column: &str) -> bool {
        self.parse_dates.iter().any(|name| name == column) || self.date_format(column).is_some()
    }

    /// Texts that are null in a column.
    pub fn nulls_of(&self, column: &str) -> Vec<String> {
        let mut nulls = self.null_values.clone();
        for (_, values) in self.column_null_values.iter().filter(|(name, _)| name == column) {
            nulls.extend(values.iter().cloned());
        }
        nulls.sort_unstable();
        nulls.dedup();
        nulls
    }

    /// Checks what can be checked before any file is opened.
    ///
    /// # Errors
    /// [`ErrorKind::Options`]: the first option that is not possible, and what would be.
    pub fn validate(&self) -> Result<()> {
        self.validate_bytes()?;
        self.validate_numbers()?;
        self.validate_limits()?;
        for names in [&self.names, &self.usecols].into_iter().flatten() {
            if let Some(name) = first_duplicate(names) {
                return refuse(format!("column {name:?} is named twice; expected each name once"));
            }
        }
        if self.usecols.as_ref().is_some_and(Vec::is_empty) {
            return refuse("usecols names no column; leave it out to read all".into());
        }
        for (column, data_type) in &self.dtypes {
            if !is_supported(data_type) {
                let name = type_name(data_type);
                return refuse(format!(
                    "column {column:?}: {name} cannot be read from CSV; expected Boolean, Int8 to Int64, UInt8 to \
                     UInt64, Float32, Float64, Date32, Timestamp or Utf8"
                ));
            }
        }
        for (column, format) in &self.date_formats {
            Pattern::new(format).or_else(|message| refuse(format!("column {column:?}: {message}")))?;
            if let Some(other) = self.dtype(column).filter(|data_type| !data_type.is_temporal()) {
                let name = type_name(other);
                return refuse(format!(
                    "column {column:?} has a date format and the type {name}; drop one of them"
                ));
            }
        }
        for column in &self.parse_dates {
            if let Some(other) = self.dtype(column).filter(|data_type| !data_type.is_temporal()) {
                let name = type_name(other);
                return refuse(format!(
                    "column {column:?} is in parse_dates and has the type {name}; drop one of them"
                ));
            }
        }
        self.validate_words()
    }

    fn validate_bytes(&self) -> Result<()> {
        let bytes = [
            ("separator", Some(self.separator)),
            ("quote", self.quote),
            ("escape", self.escape),
            ("comment", self.comment),
        ];
        for (name, byte) in bytes {
            if let Some(byte) = byte.filter(|byte| !byte.is_ascii()) {
                return refuse(format!("{name}: expected an ASCII character, got byte {byte:#04x}"));
            }
        }
        self.dialect(LineEnd::Lf).check().or_else(refuse)
    }

    fn validate_numbers(&self) -> Result<()> {
        let shown = |byte: u8| char::from(byte).escape_debug().to_string();
        if !matches!(self.decimal, b'.' | b',') {
            return refuse(format!("decimal: expected '.' or ',', got '{}'", shown(self.decimal)));
        }
        if let Some(byte) = self.thousands.filter(|byte| !b".,'_ ".contains(byte)) {
            return refuse(format!(
                "thousands: expected one of '.', ',', '\\'', '_' and ' ', got '{}'",
                shown(byte)
            ));
        }
        if self.thousands == Some(self.decimal) {
            return refuse(format!(
                "decimal and thousands are both '{}'; in 1.234,5 decimal is ',' and thousands is '.', in 1,234.5 it is the \
                 other way round",
                shown(self.decimal)
            ));
        }
        // A point needs no care: it is how numbers are read unless something is said.
        let marks =
            [("decimal", Some(self.decimal).filter(|byte| *byte != b'.')), ("thousands", self.thousands)];
        for (mark, byte) in marks {
            let Some(byte) = byte else { continue };
            let roles = [("quote", self.quote), ("escape", self.escape), ("comment", self.comment)];
            if let Some((role, _)) = roles.iter().find(|(_, taken)| *taken == Some(byte)) {
                return refuse(format!(
                    "{role} and {mark} are both '{}'; choose another {role}",
                    shown(byte)
                ));
            }
            if byte == self.separator && self.quote.is_none() && self.escape.is_none() {
                return refuse(format!(
                    "separator and {mark} are both '{}', and no field can hold it without quotes; choose another separator, \
                     or a quote",
                    shown(byte)
                ));
            }
        }
        Ok(())
    }

    fn validate_limits(&self) -> Result<()> {
        let limits = [
            ("record_bytes_max", self.record_bytes_max, 1, RECORD_BYTES_LIMIT),
            ("chunk_bytes", self.chunk_bytes, 1, RECORD_BYTES_LIMIT),
            ("batch_rows_max", self.batch_rows_max, 1, 1 << 24),
            ("batch_bytes_max", self.batch_bytes_max, 1, RECORD_BYTES_LIMIT),
        ];
        for (name, value, min, max) in limits {
            if !(min..=max).contains(&value) {
                return refuse(format!("{name}: expected {min} to {max}, got {value}"));
            }
        }
        if let Infer::Sample { head_bytes: 0, .. } = self.infer {
            return refuse("infer: head_bytes is 0; expected at least one byte, or infer none".into());
        }
        Ok(())
    }

    fn validate_words(&self) -> Result<()> {
        match self.true_values.iter().find(|word| self.false_values.contains(word)) {
            Some(word) => {
                refuse(format!("{word:?} is in true_values and in false_values; expected it in one of them"))
            }
            None => Ok(()),
        }
    }

    /// Checks that every option that names a column names one of `names`.
    ///
    /// # Errors
    /// [`ErrorKind::Options`]: the first name that is not there, and those that are.
    pub fn validate_names(&self, names: &[String]) -> Result<()> {
        let known = |name: &str| names.iter().any(|other| other == name);
        let uses = (self.usecols.iter().flatten().map(|name| ("usecols", name)))
            .chain(self.dtypes.iter().map(|(name, _)| ("dtype", name)))
            .chain(self.parse_dates.iter().map(|name| ("parse_dates", name)))
            .chain(self.date_formats.iter().map(|(name, _)| ("date_format", name)))
            .chain(self.column_null_values.iter().map(|(name, _)| ("null_values", name)));
        for (option, name) in uses {
            if !known(name) {
                return refuse(format!("{option}: no column {name:?}; the columns are {}", name_list(names)));
            }
        }
        // What a column that is not read looks like is not known: the promise would not be kept.
        let unread = |name: &&String| self.usecols.as_ref().is_some_and(|used| !used.contains(name));
        if let Some(name) = self.parse_dates.iter().find(unread) {
            return refuse(format!(
                "parse_dates: column {name:?} is not read; add it to usecols, or drop it from parse_dates"
            ));
        }
        match &self.include_path {
            Some(path) if known(path) => {
                refuse(format!("include_path: the files have a column {path:?} already; choose another name"))
            }
            _ => Ok(()),
        }
    }
}

fn first_duplicate(names: &[String]) -> Option<&String> {
    let mut seen = std::collections::HashSet::new();
    names.iter().find(|name| !seen.insert(name.as_str()))
}

/// The names in quotes, at most twenty of them.
pub(crate) fn name_list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut list = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        list.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut ReadOptions)) -> String {
        let mut options = ReadOptions::default();
        change(&mut options);
        options.validate().expect_err("an impossible option").to_string()
    }

    #[test]
    fn defaults_are_possible() {
        ReadOptions::default().validate().expect("the defaults");
    }

    #[test]
    fn impossible_options_say_why() {
        assert_eq!(refusal(|o| o.separator = 0xA7), "separator: expected an ASCII character, got byte 0xa7");
        assert!(refusal(|o| o.quote = Some(b',')).starts_with("separator and quote are both ','"));
        assert_eq!(refusal(|o| o.chunk_bytes = 0), "chunk_bytes: expected 1 to 536870912, got 0");
        assert_eq!(
            refusal(|o| {
                o.dtypes = vec![("a".into(), DataType::Int64)];
                o.parse_dates = vec!["a".into()];
            }),
            "column \"a\" is in parse_dates and has the type Int64; drop one of them"
        );
        assert!(
            refusal(|o| o.date_formats = vec![("a".into(), "%Q".into())]).contains("is not a date format")
        );
        assert!(refusal(|o| o.date_formats = vec![("a".into(), "%H:%M".into())]).contains("has no date"));
    }

    #[test]
    fn marks_of_numbers_are_told_apart() {
        let marks = |decimal: u8, thousands: Option<u8>| {
            move |o: &mut ReadOptions| (o.decimal, o.thousands) = (decimal, thousands)
        };
        assert_eq!(refusal(marks(b'x', None)), "decimal: expected '.' or ',', got 'x'");
        assert_eq!(
            refusal(marks(b'.', Some(b'-'))),
            "thousands: expected one of '.', ',', '\\'', '_' and ' ', got '-'"
        );
        assert!(
            refusal(marks(b'.', Some(b'.'))).starts_with("decimal and thousands are both '.'; in 1.234,5")
        );
        assert!(refusal(marks(b',', Some(b','))).starts_with("decimal and thousands are both ','"));
        let quoted = |o: &mut ReadOptions| (o.thousands, o.quote) = (Some(b'\''), Some(b'\''));
        assert_eq!(refusal(quoted), "quote and thousands are both '\\''; choose another quote");
        let bare = |o: &mut ReadOptions| (o.decimal, o.quote) = (b',', None);
        assert!(refusal(bare).starts_with("separator and decimal are both ',', and no field can hold it"));
        for (decimal, thousands) in [(b',', None), (b',', Some(b'.')), (b'.', Some(b',')), (b'.', Some(b' '))]
        {
            ReadOptions { decimal, thousands, ..ReadOptions::default() }.validate().expect("possible");
        }
        let pointed = ReadOptions { separator: b'.', quote: None, ..ReadOptions::default() };
        pointed.validate().expect("as ever");
    }

    #[test]
    fn unknown_names_are_listed() {
        let options = ReadOptions { parse_dates: vec!["when".into()], ..ReadOptions::default() };
        let error = options.validate_names(&["day".into(), "n".into()]).expect_err("an unknown column");
        assert_eq!(error.to_string(), "parse_dates: no column \"when\"; the columns are \"day\", \"n\"");
    }
}
