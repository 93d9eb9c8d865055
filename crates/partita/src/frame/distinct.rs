//! Rows of equal values: together, once, counted.

use partita_plan::col;
use partita_plan::node::{Distinct, Filter, Project, Shuffle, ValueCounts};
use partita_tasks::distinct::Keep;

use super::DataFrame;

/// Rows of equal values.
impl DataFrame {
    /// The same rows, those with equal values in some columns in one partition: nulls are equal, NaN equals NaN, and -0.0 equals
    /// 0.0. There are as many partitions as before, each with about as many rows, unless one value has more. In a partition rows are in the
    /// order of a hash of the columns, and those of equal hash in the order in which they were. What does not fit in memory goes to disk.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nA,1\nB,2\nA,3\nB,4\n").unwrap();
    /// let trips = partita::read_csv(&path).block_size(8).load()?;
    /// let by_zone = trips.shuffle(["zone"]);
    /// let first = by_zone.get_partition(0).select(["zone"]).reduce([col("zone").nunique()]);
    /// assert!(first.compute()?.column("zone").unwrap().u64().unwrap().get(0) <= Some(2));
    /// assert_eq!(by_zone.len()?, 4);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn shuffle<N: AsRef<str>>(&self, on: impl IntoIterator<Item = N>) -> Self {
        let on = owned(on);
        self.map(|plan| Shuffle::plan(plan, on, None))
    }

    /// [`DataFrame::shuffle`] into another number of partitions.
    #[must_use]
    pub fn shuffle_into<N: AsRef<str>>(&self, on: impl IntoIterator<Item = N>, partitions: usize) -> Self {
        let on = owned(on);
        self.map(|plan| Shuffle::plan(plan, on, Some(partitions)))
    }

    /// Each row once: the first of those that are equal in all columns. Nulls are equal, NaN equals NaN, and -0.0 equals 0.0. Rows come out in
    /// the order of a hash of the columns, the same whatever the threads and the memory, in as many partitions as before. What does
    /// not fit in memory goes to disk.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nA,1\nB,2\nA,1\nA,4\nC,2\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// assert_eq!(trips.drop_duplicates().len()?, 4);
    /// let last = trips.drop_duplicates_by(["zone"], Keep::Last);
    /// assert_eq!(last.filter(col("zone").eq(lit("A"))).compute()?.column("fare").unwrap().i64().unwrap().get(0), Some(4));
    /// assert_eq!(trips.drop_duplicates_by(["zone"], Keep::None).len()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn drop_duplicates(&self) -> Self {
        self.map(|plan| Distinct::plan(plan, None, Keep::First))
    }

    /// [`DataFrame::drop_duplicates`] of rows that are equal in some columns: the first of them stays, or the last, or none.
    #[must_use]
    pub fn drop_duplicates_by<N: AsRef<str>>(&self, on: impl IntoIterator<Item = N>, keep: Keep) -> Self {
        let on = owned(on);
        self.map(|plan| Distinct::plan(plan, Some(on), keep))
    }

    /// The different values of a column, null among them, as a frame of that column; in the order of
    /// [`DataFrame::drop_duplicates`].
    #[must_use]
    pub fn unique(&self, column: &str) -> Self {
        self.map(|plan| Distinct::plan(Project::columns(plan, [column])?, None, Keep::First))
    }

    /// The different values of a column, and how often each is there (`count`), the most frequent first, and of equally frequent ones the
    /// least: one partition. Nulls are left out.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nB,1\nA,2\nC,3\nA,4\nB,5\n,6\n").unwrap();
    /// let zones = partita::read_csv(&path).load()?.value_counts("zone").compute()?;
    /// assert_eq!(zones.column("zone").unwrap().str().unwrap().get(0), Some("A"));
    /// assert_eq!(zones.column("count").unwrap().u64().unwrap().to_vec(), [Some(2), Some(2), Some(1)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn value_counts(&self, column: &str) -> Self {
        self.counted(column, true, false)
    }

    /// [`DataFrame::value_counts`] with null among the values.
    #[must_use]
    pub fn value_counts_with_null(&self, column: &str) -> Self {
        self.counted(column, false, false)
    }

    /// [`DataFrame::value_counts`] with shares of all rows that are not null (`proportion`) in the place of counts. The column is read twice.
    #[must_use]
    pub fn value_shares(&self, column: &str) -> Self {
        self.counted(column, true, true)
    }

    fn counted(&self, column: &str, drops_null: bool, is_share: bool) -> Self {
        self.map(|plan| {
            let plan = if drops_null { Filter::plan(plan, col(column).is_null().not())? } else { plan };
            ValueCounts::plan(plan, column, is_share)
        })
    }
}

fn owned<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Vec<String> {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect()
}
