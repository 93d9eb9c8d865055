//! Reading Parquet: what a user says about the files, and the plan that comes of it.

mod listing;
mod load;
mod look;

use arrow::datatypes::DataType;
use partita_plan::Expr;
use partita_plan::node::Split;

use crate::context::Inputs;
use crate::csv::IntoDataType;
use crate::error::{Error, Result};
use crate::frame::DataFrame;
use crate::session::Session;
use crate::size::ByteSize;

pub(crate) use listing::is_parquet;

/// Bytes of a partition, before compression, where nobody says otherwise.
const PARTITION_BYTES: u64 = 64 << 20;

/// What is to be read, and how. Nothing is opened before [`ParquetReader::load`].
///
/// A folder stands for the Parquet files in it and in all folders below. Folders that are called `name=value`, as
/// [`crate::ParquetWriter::partition_on`] and Hive make them, are columns: of integers or dates where all values are, of text
/// otherwise. The columns of files are found by name: one that a file lacks is null there, and where types differ the wider
/// one is taken. A data set that Partita has written says itself what belongs to it (`_partita.json`).
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let (path, out) = (folder.path().join("trips.csv"), folder.path().join("out"));
/// # std::fs::write(&path, "year,zone,fare\n2023,A,12.5\n2024,B,0\n2024,A,3\n").unwrap();
/// partita::read_csv(&path).load()?.to_parquet(&out).partition_on(["year"]).write()?;
/// let trips = partita::read_parquet(&out).load()?;
/// assert_eq!(trips.columns()?, ["zone", "fare", "year"]);
/// assert_eq!(trips.len()?, 3);
/// // Of this the file in `year=2024` is read alone.
/// assert_eq!(trips.filter(col("year").eq(lit(2024)).and(col("fare").gt(lit(1)))).len()?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is read before load()"]
pub struct ParquetReader {
    session: Session,
    inputs: Inputs,
    columns: Option<Vec<String>>,
    filters: Option<Expr>,
    split: Said,
    hive: bool,
    hive_types: Vec<(String, DataType)>,
    manifest: bool,
    same_schema: bool,
    index: Option<String>,
    include_path: Option<String>,
    /// The first thing said that cannot be.
    wrong: Option<Error>,
}

/// What was said about partitions.
#[derive(Debug, Clone)]
enum Said {
    Size(ByteSize),
    Exactly(Split),
}

/// How many row groups make a partition: what [`ParquetReader::split_row_groups`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitRowGroups {
    /// So many, of one file.
    Each(usize),
    /// All of a file.
    Never,
}

impl From<usize> for SplitRowGroups {
    fn from(count: usize) -> Self {
        SplitRowGroups::Each(count)
    }
}

impl From<bool> for SplitRowGroups {
    fn from(split: bool) -> Self {
        if split { SplitRowGroups::Each(1) } else { SplitRowGroups::Never }
    }
}

impl ParquetReader {
    pub(crate) fn new(session: Session, inputs: Inputs) -> Self {
        Self {
            session,
            inputs,
            columns: None,
            filters: None,
            split: Said::Size(ByteSize::from(PARTITION_BYTES)),
            hive: true,
            hive_types: Vec::new(),
            manifest: true,
            same_schema: false,
            index: None,
            include_path: None,
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

    /// Bytes of a partition before compression, as a number or as text; default 64 MiB. Row groups that follow each other are
    /// read together up to it, also those of several files. A larger one is cut between pages, of the column of
    /// [`ParquetReader::index`] or of its largest one; a page index says where they are, or a walk from header to header. One whose
    /// pages cannot be told apart (a nested column without a page index) is a partition by itself, and is read page by page.
    pub fn partition_size(mut self, bytes: impl Into<ByteSize>) -> Self {
        self.split = Said::Size(bytes.into());
        self
    }

    /// How many row groups of a file make a partition: `1` or `true` for each its own, `false` for all of a file. In place of
    /// [`ParquetReader::partition_size`].
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, out) = (folder.path().join("trips.csv"), folder.path().join("out"));
    /// # std::fs::write(&path, "fare\n1\n2\n3\n4\n5\n").unwrap();
    /// partita::read_csv(&path).load()?.to_parquet(&out).row_group_rows(2).write()?;
    /// assert_eq!(partita::read_parquet(&out).load()?.npartitions()?, 1);
    /// assert_eq!(partita::read_parquet(&out).split_row_groups(1).load()?.npartitions()?, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn split_row_groups(mut self, split: impl Into<SplitRowGroups>) -> Self {
        self.split = Said::Exactly(match split.into() {
            SplitRowGroups::Each(count) => Split::RowGroups(count.max(1)),
            SplitRowGroups::Never => Split::Files,
        });
        self
    }

    /// Whether folders that are called `name=value` are columns; default yes.
    pub fn hive(mut self, hive: bool) -> Self {
        self.hive = hive;
        self
    }

    /// The type of a column that is in the names of folders, which then is not inferred.
    pub fn hive_type(mut self, column: &str, data_type: impl IntoDataType) -> Self {
        match data_type.into_data_type() {
            Ok(data_type) => self.hive_types.push((column.to_owned(), data_type)),
            Err(error) => drop(self.wrong.get_or_insert(error)),
        }
        self
    }

    /// Whether the manifest that Partita leaves in a folder (`_partita.json`) says which files there are; default yes: then
    /// files that are being moved in, or that others have put there, are not seen. Without, the files are read as they lie.
    pub fn manifest(mut self, manifest: bool) -> Self {
        self.manifest = manifest;
        self
    }

    /// Says that all files have the columns of the first one, so that their footers need not be read before; default no.
    /// A file for which it is not true is an error when it is read; columns that it has more are not seen.
    pub fn same_schema(mut self, same: bool) -> Self {
        self.same_schema = same;
        self
    }

    /// A column by which the rows are in order over all files. Where statistics prove it, the partitions' bounds by
    /// it are known: see [`DataFrame::divisions`].
    pub fn index(mut self, column: &str) -> Self {
        self.index = Some(column.to_owned());
        self
    }

    /// Adds a last column with the path of each row's file.
    pub fn include_path(mut self, column: &str) -> Self {
        self.include_path = Some(column.to_owned());
        self
    }

    /// Plans: lists the files and reads their footers, on all threads; nothing more. The footers are kept, within the memory
    /// limit, as long as the frame or one made of it lives.
    ///
    /// # Errors
    /// Files that are not there or are no Parquet files, a column that has types of which none holds the values of the other,
    /// names that are no columns, a manifest that does not fit its files, footers that do not fit the memory limit.
    pub fn load(self) -> Result<DataFrame> {
        load::load(self)
    }
}
