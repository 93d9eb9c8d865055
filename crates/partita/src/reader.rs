//! Reading files: what a user says about them whatever their format.

use partita_plan::{Expr, PlanRef};

use crate::context::Inputs;
use crate::csv::IntoDataType;
use crate::error::{Error, Result};
use crate::files::Search;
use crate::frame::DataFrame;
use crate::session::Session;
use crate::size::ByteSize;

/// What is to be read, and how: a [`crate::ParquetReader`], a [`crate::NdjsonReader`] or an [`crate::IpcReader`], by its options. Nothing is
/// opened before [`Reader::load`].
///
/// A folder stands for the files of its format in it and in all folders below. Folders that are called `name=value`, as
/// [`crate::ParquetWriter::partition_on`] and Hive make them, are columns: of integers or dates where all values are, of text
/// otherwise. The columns of files are found by name: one that a file lacks is null there, and where types differ the wider
/// one is taken. A data set that Partita has written says itself what belongs to it (`_partita.json`).
#[derive(Debug, Clone)]
#[must_use = "nothing is read before load()"]
pub struct Reader<O> {
    pub(crate) search: Search,
    columns: Option<Vec<String>>,
    pub(crate) filters: Option<Expr>,
    pub(crate) include_path: Option<String>,
    pub(crate) options: O,
    /// The first thing said that cannot be.
    pub(crate) wrong: Option<Error>,
}

/// What is said of files of one format alone.
pub trait InputOptions: Sized {
    /// Endings of the files that a folder stands for.
    #[doc(hidden)]
    const ENDINGS: &'static [&'static str];

    /// Nothing said yet.
    #[doc(hidden)]
    fn new() -> Self;

    /// Bytes of a partition.
    #[doc(hidden)]
    fn set_partition_size(&mut self, bytes: ByteSize);

    /// Plans.
    #[doc(hidden)]
    fn load(reader: Reader<Self>) -> Result<DataFrame>;
}

impl<O: InputOptions> Reader<O> {
    pub(crate) fn new(session: Session, inputs: Inputs) -> Self {
        let endings = O::ENDINGS;
        Self {
            search: Search { session, inputs, endings, hive: true, hive_types: Vec::new(), manifest: true },
            columns: None,
            filters: None,
            include_path: None,
            options: O::new(),
            wrong: None,
        }
    }

    /// Columns to read, in this order; default all. [`DataFrame::select`] does as well: columns that nobody needs are not read.
    pub fn columns<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.columns = Some(names.into_iter().map(|name| name.as_ref().to_owned()).collect());
        self
    }

    /// Rows to keep: those where `predicate` is true; where it is called again, where all are. It does what
    /// [`DataFrame::filter`] does, and moreover files that the names of their folders exclude are not opened.
    pub fn filters(mut self, predicate: Expr) -> Self {
        self.filters = Some(match self.filters.take() {
            Some(before) => before.and(predicate),
            None => predicate,
        });
        self
    }

    /// Bytes of a partition, as a number or as text; default 64 MiB. Of Parquet they count before compression, of other files as they
    /// lie there. Row groups, or record batches, that follow each other are read together up to it, also those of several files. A larger
    /// row group is cut between pages, of the column of [`crate::ParquetReader::index`] or of its largest one; a page index says where they
    /// are, or a walk from header to header. One whose pages cannot be told apart (a nested column without a page index) is a partition by
    /// itself, and is read page by page; so is a larger record batch. Lines of JSON are cut anywhere, and any size gives the same rows.
    pub fn partition_size(mut self, bytes: impl Into<ByteSize>) -> Self {
        self.options.set_partition_size(bytes.into());
        self
    }

    /// Whether folders that are called `name=value` are columns; default yes.
    pub fn hive(mut self, hive: bool) -> Self {
        self.search.hive = hive;
        self
    }

    /// The type of a column that is in the names of folders, which then is not inferred.
    pub fn hive_type(mut self, column: &str, data_type: impl IntoDataType) -> Self {
        match data_type.into_data_type() {
            Ok(data_type) => self.search.hive_types.push((column.to_owned(), data_type)),
            Err(error) => drop(self.wrong.get_or_insert(error)),
        }
        self
    }

    /// Whether the manifest that Partita leaves in a folder (`_partita.json`) says which files there are; default yes: then
    /// files that are being moved in, or that others have put there, are not seen. Without, the files are read as they lie.
    pub fn manifest(mut self, manifest: bool) -> Self {
        self.search.manifest = manifest;
        self
    }

    /// Adds a last column with the path of each row's file.
    pub fn include_path(mut self, column: &str) -> Self {
        self.include_path = Some(column.to_owned());
        self
    }

    /// Plans: lists the files and reads what says what they have, on all threads: footers of Parquet and Arrow IPC, which are kept,
    /// within the memory limit, as long as the frame or one made of it lives; heads and samples of lines of JSON. Nothing more.
    ///
    /// # Errors
    /// Files that are not there or are of another format, a column that has types of which none holds the values of the other,
    /// names that are no columns, a manifest that does not fit its files, footers that do not fit the memory limit.
    pub fn load(self) -> Result<DataFrame> {
        if let Some(error) = &self.wrong {
            return Err(error.clone());
        }
        O::load(self)
    }

    /// The wanted rows and columns of a plan of all.
    pub(crate) fn frame(self, plan: PlanRef) -> Result<DataFrame> {
        let mut frame = DataFrame::new(self.search.session, plan);
        if let Some(filter) = self.filters {
            frame = frame.filter(filter);
        }
        if let Some(columns) = self.columns {
            frame = frame.select(columns);
        }
        frame.schema()?;
        Ok(frame)
    }
}
