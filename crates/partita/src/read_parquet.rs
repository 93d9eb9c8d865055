//! Reading Parquet: what a user says about the files, and the plan that comes of it.

mod load;
mod look;

use partita_plan::node::Split;

use crate::error::Result;
use crate::frame::DataFrame;
use crate::reader::{InputOptions, Reader};
use crate::size::ByteSize;

/// Bytes of a partition, before compression, where nobody says otherwise.
const PARTITION_BYTES: u64 = 64 << 20;

/// Parquet files that are to be read, and how. Nothing is opened before [`Reader::load`].
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
pub type ParquetReader = Reader<ParquetInput>;

/// What is said of Parquet files alone.
#[derive(Debug, Clone)]
pub struct ParquetInput {
    split: Said,
    same_schema: bool,
    index: Option<String>,
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

/// Endings of Parquet files.
pub(crate) const ENDINGS: &[&str] = &[".parquet", ".parq", ".pq"];

impl InputOptions for ParquetInput {
    const ENDINGS: &'static [&'static str] = ENDINGS;

    fn new() -> Self {
        let split = Said::Size(ByteSize::from(PARTITION_BYTES));
        Self { split, same_schema: false, index: None }
    }

    fn set_partition_size(&mut self, bytes: ByteSize) {
        self.split = Said::Size(bytes);
    }

    fn load(reader: Reader<Self>) -> Result<DataFrame> {
        load::load(reader)
    }
}

impl Reader<ParquetInput> {
    /// How many row groups of a file make a partition: `1` or `true` for each its own, `false` for all of a file. In place of
    /// [`Reader::partition_size`].
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
        self.options.split = Said::Exactly(match split.into() {
            SplitRowGroups::Each(count) => Split::RowGroups(count.max(1)),
            SplitRowGroups::Never => Split::Files,
        });
        self
    }

    /// Says that all files have the columns of the first one, so that their footers need not be read before; default no.
    /// A file for which it is not true is an error when it is read; columns that it has more are not seen.
    pub fn same_schema(mut self, same: bool) -> Self {
        self.options.same_schema = same;
        self
    }

    /// A column by which the rows are in order over all files. Where statistics prove it, the partitions' bounds by
    /// it are known: see [`DataFrame::divisions`]. A data set that was written from a frame with known divisions says its index
    /// itself.
    pub fn index(mut self, column: &str) -> Self {
        self.options.index = Some(column.to_owned());
        self
    }
}
