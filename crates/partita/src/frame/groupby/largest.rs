//! The largest and smallest values of groups, a row each.

use partita_plan::{PlanRef, col, node};

use super::{DataFrame, GroupBy};

/// Rows for the elements of lists.
impl DataFrame {
    /// A row for each element of the lists in a column, in their order, with what the other columns have in the row of the list. A null list,
    /// or one without elements, gives a row with null. Rows stay in their partitions.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nA,10.0\nB,7.5\nA,20.0\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let fares = trips.groupby(["zone"]).sort(true).agg([col("fare").collect_list()]).explode("fare").compute()?;
    /// assert_eq!(fares.column("fare").unwrap().f64().unwrap().to_vec(), [Some(10.0), Some(20.0), Some(7.5)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn explode(&self, column: &str) -> Self {
        self.map(|plan| node::Explode::plan(plan, column, true))
    }
}

/// The ends of the order of a column, in each group.
impl GroupBy {
    /// The keys and the `count` largest values of a column in each group, a row for each value, the largest first; fewer where the group
    /// has fewer, and no row where it has none. Nulls are left out, and NaN is above every number. For numbers, times and truth values.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nA,10.0\nB,7.5\nA,20.0\nA,15.0\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let fares = trips.groupby(["zone"]).sort(true).nlargest(2, "fare").compute()?;
    /// assert_eq!(fares.column("fare").unwrap().f64().unwrap().to_vec(), [Some(20.0), Some(15.0), Some(7.5)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn nlargest(&self, count: usize, column: &str) -> DataFrame {
        exploded(&self.agg([col(column).nlargest(count)]), column)
    }

    /// The keys and the `count` smallest values of a column in each group, the smallest first, as [`GroupBy::nlargest`].
    #[must_use]
    pub fn nsmallest(&self, count: usize, column: &str) -> DataFrame {
        exploded(&self.agg([col(column).nsmallest(count)]), column)
    }
}

fn exploded(lists: &DataFrame, column: &str) -> DataFrame {
    lists.map(|plan: PlanRef| node::Explode::plan(plan, column, false))
}
