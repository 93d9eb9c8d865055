//! Running totals, top rows and samples.

use partita_columns::reduce::Cumulative;
use partita_plan::node::{Cumulate, Project, Sample, Sort, SortBy, Top, Total};
use partita_plan::{Expr, col};

use super::DataFrame;
use crate::context::IntoColumns;
use crate::error::ErrorKind;

/// In the order of the rows.
impl DataFrame {
    /// The running sum of each column that has a sum, and no other columns. Nulls stay, and add nothing.
    #[must_use]
    pub fn cumsum(&self) -> Self {
        self.cumulate_each(Cumulative::Sum)
    }

    /// The running product of each column of numbers.
    #[must_use]
    pub fn cumprod(&self) -> Self {
        self.cumulate_each(Cumulative::Prod)
    }

    /// The least value so far of each column that has an order.
    #[must_use]
    pub fn cummin(&self) -> Self {
        self.cumulate_each(Cumulative::Min)
    }

    /// The greatest value so far of each column that has an order.
    #[must_use]
    pub fn cummax(&self) -> Self {
        self.cumulate_each(Cumulative::Max)
    }

    /// Adds a running total over the whole frame as a last column. The rows are read twice: once for what each partition
    /// adds, of the columns needed alone.
    ///
    /// ```
    /// use partita::prelude::*;
    /// use partita::Cumulative;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nA,12.5\nB,7.5\nA,\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let with_total = trips.with_running("total", Cumulative::Sum, col("fare"));
    /// assert_eq!(with_total.tail(2)?.column("total").unwrap().f64().unwrap().get(0), Some(20.0));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_running(&self, name: &str, cumulative: Cumulative, of: Expr) -> Self {
        self.map(|plan| Cumulate::plan(plan, vec![Total { cumulative, of, name: name.to_owned() }]))
    }

    fn cumulate_each(&self, cumulative: Cumulative) -> Self {
        self.map(|plan| {
            let fields = plan.schema().fields().iter();
            let defined =
                fields.filter(|field| super::reduce::is_defined(cumulative.reduction(), field.data_type()));
            let names: Vec<String> = defined.map(|field| field.name().clone()).collect();
            let hidden = |name: &String| format!("{} of {name}", cumulative.name());
            let totals = names.iter().map(|name| Total { cumulative, of: col(name), name: hidden(name) });
            let with_totals = Cumulate::plan(plan, totals.collect())?;
            Project::plan(with_totals, names.iter().map(|name| col(hidden(name)).alias(name)).collect())
        })
    }

    /// The `rows` rows with the greatest values of `by`, the greatest first; of equal ones those that come first. Rows
    /// where `by` is null or NaN are left out.
    #[must_use]
    pub fn nlargest(&self, rows: usize, by: impl IntoColumns) -> Self {
        self.map(|plan| Top::plan(plan, by.into_columns(), rows, true))
    }

    /// The `rows` rows with the least values of `by`, the least first, as [`DataFrame::nlargest`].
    #[must_use]
    pub fn nsmallest(&self, rows: usize, by: impl IntoColumns) -> Self {
        self.map(|plan| Top::plan(plan, by.into_columns(), rows, false))
    }

    /// All rows in the order of some columns, the first key first: names, or [`SortBy`] for other directions. Rows that are equal by all
    /// keys keep their order. Nulls come last unless asked otherwise; NaN is greater than every number. The result has as many
    /// partitions as the frame, each with about as many rows; what does not fit in memory is sorted on disk.
    ///
    /// ```
    /// use partita::prelude::*;
    ///
    /// # fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir().expect("a folder");
    /// # let path = dir.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\n2,7.5\n1,9.0\n2,3.5\n").expect("a file");
    /// let trips = partita::read_csv(path.display().to_string()).load()?;
    /// let sorted = trips.sort_values([SortBy::new("zone"), SortBy::new("fare").descending()]);
    /// assert_eq!(sorted.compute()?.column("fare")?.f64()?.to_vec(), [Some(9.0), Some(7.5), Some(3.5)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn sort_values<T: Into<SortBy>>(&self, by: impl IntoIterator<Item = T>) -> Self {
        let by: Vec<SortBy> = by.into_iter().map(Into::into).collect();
        self.map(|plan| Sort::plan(plan, by, None))
    }

    /// About a share of the rows, by chance. A row is in or not by its number in the frame and the seed: partitions, threads and
    /// block sizes change nothing. The rows are counted before.
    #[must_use]
    pub fn sample(&self, share: f64, seed: u64) -> Self {
        self.map(|plan| Sample::plan(plan, seed, 0.0..share))
    }

    /// Frames with about these shares of the rows, by chance: every row is in one of them. Weights are made to add up to 1.
    ///
    /// # Errors
    /// Where a weight is negative, or all are zero.
    pub fn random_split(&self, weights: &[f64], seed: u64) -> crate::Result<Vec<Self>> {
        let sum: f64 = weights.iter().sum();
        if !(sum.is_finite() && sum > 0.0 && weights.iter().all(|weight| *weight >= 0.0)) {
            let message = format!("random_split: expected weights above zero, got {weights:?}");
            return Err(ErrorKind::Option(message).into());
        }
        let mut from = 0.0;
        let mut below = 0.0;
        let mut parts = Vec::with_capacity(weights.len());
        for (number, weight) in weights.iter().enumerate() {
            below += weight;
            let until = if number + 1 == weights.len() { 1.0 } else { below / sum };
            parts.push(self.map(|plan| Sample::plan(plan, seed, from..until)));
            from = until;
        }
        Ok(parts)
    }
}
