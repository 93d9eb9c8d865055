//! The index: the column that rows are in order of, and partitions cut by.

use partita_columns::Scalar;
use partita_plan::node::{self, Divided, Divisions, IndexOptions, Outside, Project};

use super::DataFrame;
use crate::error::Result;
use crate::size::ByteSize;

/// Which column becomes the index, and how the frame is cut by it: what [`DataFrame::set_index`] takes. A name alone stands for a
/// sort into as many partitions as there were.
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("trips.csv");
/// # std::fs::write(&path, "at,fare\n2015-06-02,5\n2015-05-30,3\n2015-05-04,8\n").unwrap();
/// let months = ["2015-05", "2015-06", "2015-07"];
/// let trips = partita::read_csv(&path).load()?.set_index(SetIndex::new("at").divisions(months));
/// assert_eq!(trips.divisions()?.to_string(), "by at, from date '2015-05-01' to date '2015-07-01'");
/// assert_eq!(trips.get_partition(0).len()?, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SetIndex {
    column: String,
    options: IndexOptions,
    partition_size: Option<ByteSize>,
    drop: bool,
}

impl SetIndex {
    /// Rows in order of `column`, in as many partitions as there were, each of about as many rows.
    pub fn new(column: impl Into<String>) -> Self {
        let (column, options) = (column.into(), IndexOptions::default());
        Self { column, options, partition_size: None, drop: false }
    }

    /// Where partitions begin, and as the last value where the last one ends, which is in it: the divisions of the frame, known at
    /// once. They ascend; text of a part of a date is its first moment.
    #[must_use]
    pub fn divisions<V: Into<Scalar>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.options.divisions = Some(values.into_iter().map(Into::into).collect());
        self
    }

    /// What becomes of rows outside of [`SetIndex::divisions`]; without it they are an error.
    #[must_use]
    pub fn outside(mut self, outside: Outside) -> Self {
        self.options.outside = outside;
        self
    }

    /// Says that the rows are in order already: they are not sorted, and checked as they come. An error names the partition, the rows
    /// in it and the values where it is not so.
    #[must_use]
    pub fn sorted(mut self, sorted: bool) -> Self {
        self.options.is_sorted = sorted;
        self
    }

    /// How many partitions.
    #[must_use]
    pub fn npartitions(mut self, partitions: usize) -> Self {
        self.options.partitions = Some(partitions);
        self
    }

    /// Bytes of memory of a partition, about, as a number or as text. How many partitions are needed is known when all rows have been
    /// read; the frame has as many as there can be, and those that are not needed are empty and come last.
    #[must_use]
    pub fn partition_size(mut self, bytes: impl Into<ByteSize>) -> Self {
        self.partition_size = Some(bytes.into());
        self
    }

    /// Whether the column that was the index before is left out.
    #[must_use]
    pub fn drop(mut self, drop: bool) -> Self {
        self.drop = drop;
        self
    }

    fn options(&self) -> Result<IndexOptions> {
        let partition_bytes = self.partition_size.as_ref().map(ByteSize::bytes).transpose()?;
        Ok(IndexOptions { partition_bytes, ..self.options.clone() })
    }
}

impl<T: Into<String>> From<T> for SetIndex {
    fn from(column: T) -> Self {
        Self::new(column)
    }
}

/// The index.
impl DataFrame {
    /// All rows in order of one column, by which the partitions are cut then: the index. Rows that are equal keep their order and are in
    /// one partition. It stays a column.
    ///
    /// The divisions are known where [`SetIndex::divisions`] gives them, and pending otherwise: [`DataFrame::persist`],
    /// [`DataFrame::compute_divisions`] and data sets that were written know them. Null and NaN have no place in an index and are an
    /// error. Until the frame is persisted each call that asks sorts the rows that it needs: [`DataFrame::loc`] those that it finds.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "day,fare\n3,5\n1,3\n2,8\n1,1\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?.set_index("day");
    /// assert_eq!(trips.divisions()?.to_string(), "pending on day");
    /// assert_eq!(trips.loc(1).sum().compute()?.column("fare").unwrap().i64().unwrap().get(0), Some(4));
    /// let trips = trips.persist()?;
    /// assert_eq!(trips.divisions()?.to_string(), "by day, from 1 to 3");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn set_index(&self, index: impl Into<SetIndex>) -> Self {
        let index = index.into();
        let options = match index.options() {
            Ok(options) => options,
            Err(error) => return Self::wrong(self.session().clone(), error),
        };
        self.map(|plan| {
            let before = plan.divisions();
            let indexed = node::SetIndex::plan(plan, &index.column, &options)?;
            match before.column().filter(|before| index.drop && *before != index.column) {
                Some(before) => Project::without(indexed, &[before.to_owned()]),
                None => Ok(indexed),
            }
        })
    }

    /// The same rows and columns without an index.
    #[must_use]
    pub fn reset_index(&self) -> Self {
        self.map(|plan| Divided::plan(plan, Divisions::Unknown))
    }

    /// The same rows without an index, and without the column that it was.
    #[must_use]
    pub fn reset_index_drop(&self) -> Self {
        self.map(|plan| match plan.divisions().column() {
            Some(index) => {
                let index = index.to_owned();
                Project::without(plan, &[index])
            }
            None => Ok(plan),
        })
    }
}
