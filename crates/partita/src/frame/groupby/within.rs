//! What keeps the rows of groups.

use arrow::datatypes::DataType;
use partita_columns::group::{RankMethod, Window};
use partita_columns::reduce::Cumulative;
use partita_plan::node::{Project, Within};
use partita_plan::{Expr, col, cumcount, len, lit};

use super::{DataFrame, GroupBy};
use crate::context::IntoColumns;

/// All rows, in their order and their partitions, with values of their groups.
impl GroupBy {
    /// The frame with a column for each expression, behind its own or in place of that of the same name. Reductions in an expression are of the
    /// row's group and stand in each of its rows; window functions ([`Expr::cumsum`], [`Expr::shift`], [`Expr::rank`], ..) go
    /// through the rows of the group in their order. Columns stand for the row's own values.
    ///
    /// In rows with a null among the keys the new columns are null, unless [`GroupBy::dropna`] makes null a key. The order of groups
    /// ([`GroupBy::sort`], [`GroupBy::maintain_order`]) means nothing here.
    ///
    /// Groups may be larger than memory: rows of those that do not fit are read twice where reductions are among what is asked. But
    /// [`Expr::rank`], [`Expr::bfill`] and [`Expr::shift`] up, or down by more than 64 rows, need the rows of a group in memory at once, and
    /// [`Expr::nunique`], [`Expr::mode`], [`Expr::median`] and [`Expr::quantile`] all values of their column in a group; where these do not fit,
    /// the error says so.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nA,10.0\nB,7.5\nA,20.0\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let trips = trips.groupby(["zone"]).transform([
    ///     (col("fare") - col("fare").mean()).alias("above"),
    ///     col("fare").shift(1).alias("before"),
    /// ]);
    /// let rows = trips.compute()?;
    /// assert_eq!(rows.column("above").unwrap().f64().unwrap().to_vec(), [Some(-5.0), Some(0.0), Some(5.0)]);
    /// assert_eq!(rows.column("before").unwrap().f64().unwrap().to_vec(), [None, None, Some(10.0)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn transform(&self, expressions: impl IntoColumns) -> DataFrame {
        let (keys, drops) = (self.keys.clone(), self.options.drops_null_keys);
        self.frame.map(|plan| Within::plan(plan, keys, expressions.into_columns(), drops))
    }

    /// The running sum in the group of each column that is no key and has a sum, and no other columns.
    #[must_use]
    pub fn cumsum(&self) -> DataFrame {
        self.each_window(Window::Cumulative(Cumulative::Sum))
    }

    /// The running product of each column of numbers, as [`GroupBy::cumsum`].
    #[must_use]
    pub fn cumprod(&self) -> DataFrame {
        self.each_window(Window::Cumulative(Cumulative::Prod))
    }

    /// The least value so far of each column that has an order, as [`GroupBy::cumsum`].
    #[must_use]
    pub fn cummin(&self) -> DataFrame {
        self.each_window(Window::Cumulative(Cumulative::Min))
    }

    /// The greatest value so far of each column that has an order, as [`GroupBy::cumsum`].
    #[must_use]
    pub fn cummax(&self) -> DataFrame {
        self.each_window(Window::Cumulative(Cumulative::Max))
    }

    /// The number of each row in its group, from 0, as the only column `cumcount`.
    #[must_use]
    pub fn cumcount(&self) -> DataFrame {
        let numbered = self.transform([cumcount()]);
        numbered.map(|plan| Project::columns(plan, ["cumcount"]))
    }

    /// The rank in the group of each column that is no key and has an order, as [`Expr::rank`], and no other columns. The rows of a group are in
    /// memory at once, as they are for [`GroupBy::bfill`].
    #[must_use]
    pub fn rank(&self, method: RankMethod, descending: bool) -> DataFrame {
        self.each_window(Window::Rank { method, descending })
    }

    /// The value so many rows before in the group, or behind where `rows` is negative, of each column that is no key, and no other
    /// columns.
    #[must_use]
    pub fn shift(&self, rows: i64) -> DataFrame {
        self.each_window(Window::Shift(rows))
    }

    /// Each column that is no key, with nulls as the last value before them in the group; columns of lists and the like are left out.
    #[must_use]
    pub fn ffill(&self) -> DataFrame {
        self.each_window(Window::ForwardFill)
    }

    /// The same with the next value behind them.
    #[must_use]
    pub fn bfill(&self) -> DataFrame {
        self.each_window(Window::BackwardFill)
    }

    /// A window function of each column that is no key and that it is defined for.
    fn each_window(&self, window: Window) -> DataFrame {
        let (keys, drops) = (self.keys.clone(), self.options.drops_null_keys);
        self.frame.map(|plan| {
            let is_key = |name: &String| keys.iter().any(|key| key.output_name() == *name);
            let fields = plan.schema().fields().iter();
            let fields =
                fields.filter(|field| !is_key(field.name()) && is_defined(window, field.data_type()));
            let names: Vec<String> = fields.map(|field| field.name().clone()).collect();
            let asked = names.iter().map(|name| col(name).window(window).alias(name)).collect();
            Project::columns(Within::plan(plan, keys, asked, drops)?, names.iter().map(String::as_str))
        })
    }
}

/// Some rows of each group, in the order of the frame, with all columns. Rows with a null among the keys are left out, unless
/// [`GroupBy::dropna`] says otherwise.
impl GroupBy {
    /// The first `rows` rows of each group.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nA,10\nB,7\nA,20\nB,\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let fares = |frame: DataFrame| Ok::<_, Error>(frame.compute()?.column("fare").unwrap().i64().unwrap().to_vec());
    /// assert_eq!(fares(trips.groupby(["zone"]).head(1))?, [Some(10), Some(7)]);
    /// assert_eq!(fares(trips.groupby(["zone"]).nth(-1))?, [Some(20), None]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn head(&self, rows: usize) -> DataFrame {
        self.rows_where(cumcount().lt(lit(rows as u64)))
    }

    /// The last `rows` rows of each group, however large it is.
    #[must_use]
    pub fn tail(&self, rows: usize) -> DataFrame {
        self.rows_where((len() - cumcount()).lt_eq(lit(rows as u64)))
    }

    /// The row of this number in each group, from 0, or from the end where it is negative: -1 is the last one. Groups with fewer rows have
    /// none; nulls count as rows.
    #[must_use]
    pub fn nth(&self, row: i64) -> DataFrame {
        if row < 0 {
            return self.rows_where((len() - cumcount()).eq(lit(row.unsigned_abs())));
        }
        self.rows_where(cumcount().eq(lit(row)))
    }

    fn rows_where(&self, predicate: Expr) -> DataFrame {
        let (keys, drops) = (self.keys.clone(), self.options.drops_null_keys);
        self.frame.map(|plan| Within::rows(plan, keys, predicate, drops))
    }
}

/// Whether a window function is defined for a column as it is read.
fn is_defined(window: Window, data_type: &DataType) -> bool {
    let plain = match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => &DataType::Utf8View,
        DataType::LargeBinary => &DataType::BinaryView,
        DataType::Dictionary(_, values) => return is_defined(window, values),
        other => other,
    };
    window.result_type(plain).is_ok()
}
