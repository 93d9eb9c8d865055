//! A recorded call in our options, run, and what came of it.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use partita::{CsvReader, DataFrame, Encoding, Headers, Infer, Ragged, Scheduler, Session, arrow};

use crate::table::Table;

/// An option, by the name that its library gives it, that is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NotOffered(pub(crate) String);

/// `Err` of [`NotOffered`].
pub(crate) fn not_offered<T>(option: impl Into<String>) -> Result<T, NotOffered> {
    Err(NotOffered(option.into()))
}

/// A name or a position, as the other libraries take both.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    Named(String),
    At(usize),
}

/// A call of the reader.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) separator: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<u8>,
    pub(crate) trim: bool,
    pub(crate) has_header: bool,
    pub(crate) names: Option<Vec<String>>,
    pub(crate) skip_rows: u64,
    pub(crate) n_rows: Option<u64>,
    pub(crate) encoding: Encoding,
    pub(crate) headers: Headers,
    pub(crate) ragged: Ragged,
    pub(crate) infer: Infer,
    pub(crate) decimal: u8,
    pub(crate) thousands: Option<u8>,
    pub(crate) null_values: Vec<String>,
    pub(crate) nulls_of: Vec<(Column, Vec<String>)>,
    pub(crate) keep_empty_strings: bool,
    pub(crate) true_values: Vec<String>,
    pub(crate) false_values: Vec<String>,
    pub(crate) all_of_type: Option<DataType>,
    pub(crate) types: Vec<(Column, DataType)>,
    pub(crate) dates: Vec<Column>,
    pub(crate) date_formats: Vec<(Column, String)>,
    pub(crate) columns: Option<Vec<Column>>,
    pub(crate) include_path: Option<String>,
    pub(crate) record_bytes_max: Option<usize>,
    pub(crate) block_bytes: Option<u64>,
    pub(crate) single_threaded: bool,
    /// New names of the first columns, after reading.
    pub(crate) renamed: Vec<String>,
    /// Columns that come first, after reading: what pandas makes an index of.
    pub(crate) first: Vec<Column>,
    /// Columns in this order, after reading.
    pub(crate) select: Option<Vec<String>>,
    pub(crate) row_index: Option<String>,
}

impl Call {
    /// Our defaults.
    pub(crate) fn new(inputs: Vec<PathBuf>) -> Self {
        let words = |words: [&str; 3]| words.map(str::to_owned).to_vec();
        Self {
            inputs,
            separator: b',',
            quote: Some(b'"'),
            escape: None,
            comment: None,
            trim: false,
            has_header: true,
            names: None,
            skip_rows: 0,
            n_rows: None,
            encoding: Encoding::Utf8,
            headers: Headers::Same,
            ragged: Ragged::Pad,
            infer: Infer::default(),
            decimal: b'.',
            thousands: None,
            null_values: Vec::new(),
            nulls_of: Vec::new(),
            keep_empty_strings: false,
            true_values: words(["true", "True", "TRUE"]),
            false_values: words(["false", "False", "FALSE"]),
            all_of_type: None,
            types: Vec::new(),
            dates: Vec::new(),
            date_formats: Vec::new(),
            columns: None,
            include_path: None,
            record_bytes_max: None,
            block_bytes: None,
            single_threaded: false,
            renamed: Vec::new(),
            first: Vec::new(),
            select: None,
            row_index: None,
        }
    }

    /// Runs it.
    pub(crate) fn run(&self, session: &Session) -> partita::Result<Table> {
        let reader = self.shape(session.read_csv(self.inputs.clone()));
        let names = if self.needs_names() { self.found_names(reader.clone())? } else { Vec::new() };
        let reader = self.values(reader, &names);
        let mut frame = match self.block_bytes {
            Some(bytes) => reader.block_size(bytes).load()?,
            None => reader.load()?,
        };
        if self.single_threaded {
            frame = frame.with_scheduler(Scheduler::SingleThreaded);
        }
        Table::of(&self.after(frame)?)
    }

    /// What records, fields and headers are.
    fn shape(&self, reader: CsvReader) -> CsvReader {
        let mut reader = reader
            .separator(self.separator)
            .quote(self.quote)
            .escape(self.escape)
            .comment(self.comment)
            .trim(self.trim)
            .has_header(self.has_header)
            .skip_rows(self.skip_rows)
            .encoding(self.encoding)
            .headers(self.headers)
            .ragged(self.ragged)
            .keep_empty_strings(self.keep_empty_strings)
            .decimal(self.decimal)
            .thousands(self.thousands);
        if let Some(names) = &self.names {
            reader = reader.names(names);
        }
        if let Some(rows) = self.n_rows {
            reader = reader.n_rows(rows);
        }
        if let Some(column) = &self.include_path {
            reader = reader.include_path(column);
        }
        match self.record_bytes_max {
            Some(bytes) => reader.record_bytes_max(bytes),
            None => reader,
        }
    }

    fn needs_names(&self) -> bool {
        let positions = (self.types.iter().map(|(column, _)| column))
            .chain(self.nulls_of.iter().map(|(column, _)| column))
            .chain(self.date_formats.iter().map(|(column, _)| column))
            .chain(&self.dates)
            .chain(self.columns.iter().flatten())
            .any(|column| matches!(column, Column::At(_)));
        positions || self.all_of_type.is_some()
    }

    fn found_names(&self, reader: CsvReader) -> partita::Result<Vec<String>> {
        let mut names = reader.infer(Infer::None).load()?.columns()?;
        names.retain(|name| Some(name) != self.include_path.as_ref());
        Ok(names)
    }

    /// What values are.
    fn values(&self, reader: CsvReader, names: &[String]) -> CsvReader {
        // A position behind the last column is a name that no file has: the reader's own error.
        let name = |column: &Column| match column {
            Column::Named(name) => name.clone(),
            Column::At(at) => names.get(*at).cloned().unwrap_or_else(|| format!("no column {at}")),
        };
        let dates: Vec<String> = self.dates.iter().map(name).collect();
        let dates = &dates;
        let all = self.all_of_type.iter().flat_map(|data_type| {
            let others = names.iter().filter(|name| !dates.contains(name));
            others.map(move |name| (name, data_type.clone()))
        });
        let mut reader = reader
            .infer(self.infer)
            .null_values(&self.null_values)
            .true_values(&self.true_values)
            .false_values(&self.false_values)
            .dtypes(all)
            .dtypes(self.types.iter().map(|(column, data_type)| (name(column), data_type.clone())))
            .parse_dates(dates);
        for (column, nulls) in &self.nulls_of {
            reader = reader.null_values_of(&name(column), nulls);
        }
        for (column, format) in &self.date_formats {
            reader = reader.date_format(&name(column), format);
        }
        if let Some(columns) = &self.columns {
            let mut used: Vec<String> = columns.iter().map(name).collect();
            used.sort_unstable();
            used.dedup();
            reader = reader.usecols(used);
        }
        reader
    }

    fn after(&self, mut frame: DataFrame) -> partita::Result<DataFrame> {
        if !self.renamed.is_empty() {
            frame = frame.rename(frame.columns()?.into_iter().zip(&self.renamed));
        }
        if !self.first.is_empty() {
            let names = frame.columns()?;
            let name = |column: &Column| match column {
                Column::Named(name) => name.clone(),
                Column::At(at) => names.get(*at).cloned().unwrap_or_else(|| format!("no column {at}")),
            };
            let mut order: Vec<String> = self.first.iter().map(name).collect();
            let others: Vec<String> = names.iter().filter(|name| !order.contains(name)).cloned().collect();
            order.extend(others);
            frame = frame.select(order);
        }
        if let Some(columns) = &self.select {
            frame = frame.select(columns);
        }
        if let Some(name) = &self.row_index {
            frame = frame.with_row_index(name);
        }
        Ok(frame)
    }
}
