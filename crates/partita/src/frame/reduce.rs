//! Asking for one value of all rows.

use std::sync::Arc;

use arrow::datatypes::DataType;
use partita_columns::reduce::Reduction;
use partita_plan::col;
use partita_plan::node::{Aggregate, Reduce};

use super::DataFrame;
use crate::context::IntoColumns;

/// Reducing: lazy frames of one row.
impl DataFrame {
    /// One row of reductions, and of expressions over them. Nulls do not count; see [`crate::Expr`] for each reduction.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "fare,tip\n12.5,2.5\n7.5,\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let totals = trips.reduce([
    ///     col("fare").sum(),
    ///     (col("tip").sum() / col("fare").sum()).alias("share"),
    ///     len().alias("trips"),
    /// ]);
    /// assert_eq!(totals.columns()?, ["fare", "share", "trips"]);
    /// assert_eq!(totals.compute()?.column("share").unwrap().f64().unwrap().get(0), Some(0.125));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn reduce(&self, expressions: impl IntoColumns) -> Self {
        self.map(|plan| Reduce::of(plan, expressions.into_columns()))
    }

    /// The sum of each column that has one: numbers, truth values, durations.
    #[must_use]
    pub fn sum(&self) -> Self {
        self.reduce_each(Reduction::Sum)
    }

    /// The mean of each column that has one: what has a sum, and times.
    #[must_use]
    pub fn mean(&self) -> Self {
        self.reduce_each(Reduction::Mean)
    }

    /// The least value of each column that has an order.
    #[must_use]
    pub fn min(&self) -> Self {
        self.reduce_each(Reduction::Min)
    }

    /// The greatest value of each column that has an order.
    #[must_use]
    pub fn max(&self) -> Self {
        self.reduce_each(Reduction::Max)
    }

    /// The nulls of each column, counted.
    #[must_use]
    pub fn null_count(&self) -> Self {
        self.reduce_each(Reduction::NullCount)
    }

    /// Bytes of memory that the values of each column take.
    #[must_use]
    pub fn memory_usage(&self) -> Self {
        self.reduce_each(Reduction::MemoryUsage)
    }

    /// The product of each column of numbers.
    #[must_use]
    pub fn prod(&self) -> Self {
        self.reduce_each(Reduction::Prod)
    }

    /// The variance of each column of numbers; `ddof` as for [`crate::Expr::var`].
    #[must_use]
    pub fn var(&self, ddof: u8) -> Self {
        self.reduce_each(Reduction::Var { ddof })
    }

    /// The standard deviation of each column of numbers.
    #[must_use]
    pub fn std(&self, ddof: u8) -> Self {
        self.reduce_each(Reduction::Std { ddof })
    }

    /// The median of each column of numbers or times.
    #[must_use]
    pub fn median(&self) -> Self {
        self.quantile(0.5)
    }

    /// The value at a share of the ranks of each column of numbers or times, as [`crate::Expr::quantile`].
    #[must_use]
    pub fn quantile(&self, share: f64) -> Self {
        self.reduce_each(Reduction::Quantile(share))
    }

    /// The number of distinct values of each column that has an order.
    #[must_use]
    pub fn nunique(&self) -> Self {
        self.reduce_each(Reduction::NUnique { nulls: false })
    }

    /// The row of each column that `reduction` is defined for.
    fn reduce_each(&self, reduction: Reduction) -> Self {
        self.map(|plan| {
            let fields = plan.schema().fields().iter();
            let defined = fields.filter(|field| is_defined(reduction, field.data_type()));
            let aggregate = |name: &String| Aggregate::new(reduction, vec![col(name)], name);
            let aggregates = defined.map(|field| aggregate(field.name())).collect();
            Reduce::plan(Arc::clone(&plan), aggregates)
        })
    }
}

/// Whether a reduction is defined for a column as it is read.
pub(super) fn is_defined(reduction: Reduction, data_type: &DataType) -> bool {
    let plain = match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Dictionary(_, values) => return is_defined(reduction, values),
        other => other.clone(),
    };
    reduction.result_type(&[plain]).is_ok()
}
