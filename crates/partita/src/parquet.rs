//! Writing Parquet: what a user says about the data set.

use partita_formats::parquet::{ColumnOptions, Compression, Statistics, WriteOptions};

use crate::writer::Writer;

/// A data set of Parquet that is to be written, and how. Nothing runs before [`Writer::write`].
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("trips.csv");
/// # std::fs::write(&path, "zone,fare\nA,12.5\nB,0\n").unwrap();
/// let trips = partita::read_csv(&path).load()?;
/// let written = trips.to_parquet(folder.path().join("out")).compression(Compression::Snappy).write()?;
/// assert_eq!((written.rows, written.files.len()), (2, 1));
/// # Ok(())
/// # }
/// ```
pub type ParquetWriter = Writer<WriteOptions>;

impl Writer<WriteOptions> {
    /// How pages are compressed; default zstd at level 3.
    pub fn compression(self, compression: Compression) -> Self {
        self.set(|options| options.compression = compression)
    }

    /// Options of one column: its own compression, encoding, statistics.
    pub fn column(self, name: &str, column: ColumnOptions) -> Self {
        self.set(|options| {
            options.columns.insert(name.to_owned(), column);
        })
    }

    /// Rows of a row group at most; default 1 Mi.
    pub fn row_group_rows(self, rows: usize) -> Self {
        self.set(|options| options.row_group_rows_max = rows)
    }

    /// Rows of a page at most; default 64 Ki.
    pub fn page_rows(self, rows: usize) -> Self {
        self.set(|options| options.page_rows_max = rows)
    }

    /// What is said about the values of chunks and pages; default both.
    pub fn statistics(self, statistics: Statistics) -> Self {
        self.set(|options| options.statistics = statistics)
    }

    /// Columns whose values are the names of folders, outermost first, as Hive lays them out: `year=2024/city=Rome/`. They
    /// are not in the files, and readers of such data sets give them back. Booleans, integers, text, dates and timestamps can
    /// be keys. In a folder rows keep their order.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, out) = (folder.path().join("trips.csv"), folder.path().join("out"));
    /// # std::fs::write(&path, "zone,fare\nA,12.5\nB,0\nA,3\n").unwrap();
    /// let written = partita::read_csv(&path).load()?.to_parquet(&out).partition_on(["zone"]).write()?;
    /// assert_eq!((written.rows, written.folders), (3, 2));
    /// assert!(out.join("zone=A/part-00000.parquet").is_file());
    /// # Ok(())
    /// # }
    /// ```
    pub fn partition_on<T: Into<String>>(self, columns: impl IntoIterator<Item = T>) -> Self {
        self.set(|options| options.partition_on = columns.into_iter().map(Into::into).collect())
    }

    /// One more key and value of the footers.
    pub fn metadata(self, key: &str, value: &str) -> Self {
        self.set(|options| {
            options.key_value_metadata.insert(key.to_owned(), value.to_owned());
        })
    }
}
