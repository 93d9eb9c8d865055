//! Reading CSV: what a user says about the files, and the plan that comes of it.

mod load;

pub(crate) use load::pay;

use arrow::datatypes::DataType;
use partita_formats::csv::options::{Headers, Infer, OnMismatch, Ragged, ReadOptions};
use partita_formats::csv::schema_file::{SchemaFile, parse_type};
use partita_formats::csv::text::Encoding;

use crate::context::Inputs;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::DataFrame;
use crate::session::Session;
use crate::size::ByteSize;

/// Bytes of a block where nobody says otherwise.
const BLOCK_BYTES: u64 = 64 << 20;

/// What is to be read, and how. Nothing is opened before [`CsvReader::load`].
///
/// The defaults read an ordinary file: comma, `"`, a first line of names, empty lines skipped, empty fields null,
/// types inferred from the head and from places all over every file, compression known by its first bytes.
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("weather.csv");
/// # std::fs::write(&path, "day;temp\n2013-01-01;39.02\n2013-01-02;NA\n").unwrap();
/// let weather = partita::read_csv(&path).separator(b';').null_values(["NA"]).load()?;
/// assert_eq!(weather.schema()?.field(0).data_type(), &DataType::Date32);
/// assert_eq!(weather.count()?[1], ("temp".to_owned(), 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is read before load()"]
pub struct CsvReader {
    session: Session,
    inputs: Inputs,
    options: ReadOptions,
    block_bytes: ByteSize,
    /// The first thing said that cannot be.
    wrong: Option<Error>,
}

fn owned<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Vec<String> {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect()
}

/// A type of a column: an Arrow type, or its name as in `"Float64"` or `"Timestamp(us)"`.
pub trait IntoDataType {
    /// The type.
    ///
    /// # Errors
    /// Where the name is no type.
    fn into_data_type(self) -> Result<DataType>;
}

impl IntoDataType for DataType {
    fn into_data_type(self) -> Result<DataType> {
        Ok(self)
    }
}

impl IntoDataType for &str {
    fn into_data_type(self) -> Result<DataType> {
        Ok(parse_type(self)?)
    }
}

impl CsvReader {
    pub(crate) fn new(session: Session, inputs: Inputs) -> Self {
        let (options, block_bytes) = (ReadOptions::default(), ByteSize::from(BLOCK_BYTES));
        Self { session, inputs, options, block_bytes, wrong: None }
    }

    fn set(mut self, change: impl FnOnce(&mut ReadOptions)) -> Self {
        change(&mut self.options);
        self
    }

    fn try_set(mut self, change: impl FnOnce(&mut ReadOptions) -> Result<()>) -> Self {
        if let Err(error) = change(&mut self.options) {
            self.wrong.get_or_insert(error);
        }
        self
    }

    /// All options at once.
    pub fn options(mut self, options: ReadOptions) -> Self {
        self.options = options;
        self
    }

    /// Bytes of a partition, as a number or as text; the default is 64 MiB, whatever the limit and the cores. An eighth of it where the
    /// file is compressed. Any size gives the same rows.
    pub fn block_size(mut self, bytes: impl Into<ByteSize>) -> Self {
        self.block_bytes = bytes.into();
        self
    }

    /// The byte between fields; default `,`.
    pub fn separator(self, separator: u8) -> Self {
        self.set(|options| options.separator = separator)
    }

    /// The byte around fields; default `"`; `None`: no byte quotes.
    pub fn quote(self, quote: impl Into<Option<u8>>) -> Self {
        self.set(|options| options.quote = quote.into())
    }

    /// A byte that makes the next one data; default none.
    pub fn escape(self, escape: impl Into<Option<u8>>) -> Self {
        self.set(|options| options.escape = escape.into())
    }

    /// A byte from which on a line does not count; default none.
    pub fn comment(self, comment: impl Into<Option<u8>>) -> Self {
        self.set(|options| options.comment = comment.into())
    }

    /// Whether spaces and tabs around fields are dropped; default no.
    pub fn trim(self, trim: bool) -> Self {
        self.set(|options| options.trim = trim)
    }

    /// Whether the first record names the columns; default yes. Without, they are `column_1`, `column_2`, ..
    pub fn has_header(self, has_header: bool) -> Self {
        self.set(|options| options.has_header = has_header)
    }

    /// Names of the columns, in place of the header's.
    pub fn names<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.set(|options| options.names = Some(owned(names)))
    }

    /// Lines to leave out before the header; default 0.
    pub fn skip_rows(self, lines: u64) -> Self {
        self.set(|options| options.skip_rows = lines)
    }

    /// Rows to read at most, over all files; default all.
    pub fn n_rows(self, rows: u64) -> Self {
        self.set(|options| options.n_rows = Some(rows))
    }

    /// Columns to read; default all.
    pub fn usecols<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.set(|options| options.usecols = Some(owned(names)))
    }

    /// The type of one column, which then is not inferred.
    pub fn dtype(self, column: &str, data_type: impl IntoDataType) -> Self {
        self.dtypes([(column, data_type)])
    }

    /// Types of columns, which then are not inferred.
    pub fn dtypes<N: AsRef<str>, T: IntoDataType>(self, types: impl IntoIterator<Item = (N, T)>) -> Self {
        self.try_set(|options| {
            for (name, data_type) in types {
                options.dtypes.push((name.as_ref().to_owned(), data_type.into_data_type()?));
            }
            Ok(())
        })
    }

    /// Columns that must be dates or timestamps: an error if they are not. (ISO dates are found without.)
    pub fn parse_dates<N: AsRef<str>>(self, columns: impl IntoIterator<Item = N>) -> Self {
        self.set(|options| options.parse_dates.extend(owned(columns)))
    }

    /// The format of a date or timestamp column, in the letters of `strftime`: `"%d.%m.%Y"`.
    pub fn date_format(self, column: &str, format: &str) -> Self {
        self.set(|options| options.date_formats.push((column.to_owned(), format.to_owned())))
    }

    /// Texts that stand for a missing value, besides the empty field.
    pub fn null_values<N: AsRef<str>>(self, values: impl IntoIterator<Item = N>) -> Self {
        self.set(|options| options.null_values.extend(owned(values)))
    }

    /// Texts that stand for a missing value in one column.
    pub fn null_values_of<N: AsRef<str>>(self, column: &str, values: impl IntoIterator<Item = N>) -> Self {
        self.set(|options| options.column_null_values.push((column.to_owned(), owned(values))))
    }

    /// Whether an empty field of a text column is the empty string rather than null; default no.
    pub fn keep_empty_strings(self, keep: bool) -> Self {
        self.set(|options| options.keep_empty_strings = keep)
    }

    /// Texts that are true, in place of `true`, `True` and `TRUE`.
    pub fn true_values<N: AsRef<str>>(self, values: impl IntoIterator<Item = N>) -> Self {
        self.set(|options| options.true_values = owned(values))
    }

    /// Texts that are false, in place of `false`, `False` and `FALSE`.
    pub fn false_values<N: AsRef<str>>(self, values: impl IntoIterator<Item = N>) -> Self {
        self.set(|options| options.false_values = owned(values))
    }

    /// The byte before the fraction of a number, `.` or `,`; default `.`.
    pub fn decimal(self, decimal: u8) -> Self {
        self.set(|options| options.decimal = decimal)
    }

    /// The byte between groups of three digits in the whole part of a number: one of `.`, `,`, `'`, `_` and space; default none.
    pub fn thousands(self, thousands: impl Into<Option<u8>>) -> Self {
        self.set(|options| options.thousands = thousands.into())
    }

    /// Whether inferred integers become Float64; default no: integers may have missing values as they are.
    pub fn assume_missing(self, assume: bool) -> Self {
        self.set(|options| options.assume_missing = assume)
    }

    /// What happens to records with another number of fields than the header.
    pub fn ragged(self, ragged: Ragged) -> Self {
        self.set(|options| options.ragged = ragged)
    }

    /// What happens to values that do not fit their column, and to records that [`CsvReader::ragged`] does not allow;
    /// default: an error.
    ///
    /// The other ways are those of [`crate::ParquetWriter::write`]: [`OnMismatch::Widen`] begins again with types that hold
    /// all values, and [`OnMismatch::Quarantine`] leaves such records out and keeps them in a file beside the data. Only
    /// columns that are needed are looked at. Without a data set to write, `Widen` is as an error, and `Quarantine` is
    /// refused: there is no place for the records.
    pub fn on_mismatch(self, on_mismatch: OnMismatch) -> Self {
        self.set(|options| options.on_mismatch = on_mismatch)
    }

    /// How bytes are text; default UTF-8, checked. A byte-order mark counts more: files that begin with one of UTF-16 are
    /// read as that, whatever is said here.
    pub fn encoding(self, encoding: Encoding) -> Self {
        self.set(|options| options.encoding = encoding)
    }

    /// Adds a last column with the path of each row's file.
    pub fn include_path(self, column: &str) -> Self {
        self.set(|options| options.include_path = Some(column.to_owned()))
    }

    /// What happens where files have different headers.
    pub fn headers(self, headers: Headers) -> Self {
        self.set(|options| options.headers = headers)
    }

    /// How types are found.
    pub fn infer(self, infer: Infer) -> Self {
        self.set(|options| options.infer = infer)
    }

    /// Longest record in bytes; default 64 MiB. A quote that was left open is found by it.
    pub fn record_bytes_max(self, bytes: usize) -> Self {
        self.set(|options| options.record_bytes_max = bytes)
    }

    /// Types and options from a schema file, as `partita schema --write` makes it; what was said before stays where the
    /// file says nothing.
    pub fn schema_file(self, path: impl AsRef<std::path::Path>) -> Self {
        let path = path.as_ref();
        let shown = path.display().to_string();
        self.try_set(|options| {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ErrorKind::Io { path: shown.clone(), source })?;
            SchemaFile::from_json(&shown, &text)?.apply(options)?;
            Ok(())
        })
    }

    /// Plans: reads the heads of the files and the samples that their types are inferred from, nothing more.
    ///
    /// # Errors
    /// Options that contradict each other, files that are not there, headers that differ, a `parse_dates` column that is no date.
    pub fn load(self) -> Result<DataFrame> {
        load::load(self)
    }

    /// The schema that [`CsvReader::load`] finds, as a file for recurring jobs.
    ///
    /// # Errors
    /// As [`CsvReader::load`].
    pub fn infer_schema(&self) -> Result<SchemaFile> {
        let frame = self.clone().load()?;
        let path_column = self.options.include_path.as_deref();
        let schema = frame.schema()?;
        let read = schema.fields().iter().filter(|field| Some(field.name().as_str()) != path_column);
        let types: Vec<_> = read.map(|field| (field.name().clone(), field.data_type().clone())).collect();
        Ok(SchemaFile::new(&types, &self.options))
    }
}
