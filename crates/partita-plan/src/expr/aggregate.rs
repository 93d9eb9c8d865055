//! Reductions as users write them: parts of expressions that [`crate::node::Reduce`] takes.

use std::sync::Arc;

use partita_columns::group::{self, Aggregation, UserAggregation};
use partita_columns::reduce::Reduction;

use super::Expr;

/// The number of rows, in `reduce`.
pub fn len() -> Expr {
    Expr::Aggregate(Reduction::Len.into(), Vec::new())
}

/// What a user's aggregation makes of the rows of each group, in `groupby(..).agg(..)`: it is given one array for each of `inputs`. Its
/// name is that of the first column. Texts come as `Utf8View`, dictionaries as their values.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, AsArray, Float64Array};
/// use arrow::datatypes::{DataType, Float64Type};
/// use partita_columns::group::{Aggregation, BoxError, GroupedRows};
/// use partita_plan::{aggregation, col};
///
/// /// The sum of squares.
/// struct Squares;
///
/// fn summed(rows: &GroupedRows, value: fn(f64) -> f64) -> Result<Vec<ArrayRef>, BoxError> {
///     let values = rows.column(0)?.as_primitive::<Float64Type>();
///     let sum = |rows: std::ops::Range<usize>| values.slice(rows.start, rows.len()).iter().flatten().map(value).sum();
///     Ok(vec![Arc::new(Float64Array::from_iter_values(rows.groups().map(sum)))])
/// }
///
/// impl Aggregation for Squares {
///     fn name(&self) -> &str {
///         "squares"
///     }
///     fn state_types(&self, _: &[DataType]) -> Result<Vec<DataType>, BoxError> {
///         Ok(vec![DataType::Float64])
///     }
///     fn result_type(&self, _: &[DataType]) -> Result<DataType, BoxError> {
///         Ok(DataType::Float64)
///     }
///     fn chunk(&self, rows: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
///         summed(rows, |value| value * value)
///     }
///     fn merge(&self, states: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
///         summed(states, |sum| sum)
///     }
///     fn finish(&self, states: &[ArrayRef]) -> Result<ArrayRef, BoxError> {
///         Ok(Arc::clone(&states[0]))
///     }
/// }
///
/// let asked = aggregation(Squares, [col("fare").cast(DataType::Float64)]).alias("squares");
/// assert_eq!(asked.to_string(), "squares(cast(fare as Float64)) as squares");
/// ```
pub fn aggregation(steps: impl Aggregation, inputs: impl IntoIterator<Item = Expr>) -> Expr {
    let user = UserAggregation::new(Arc::new(steps));
    Expr::Aggregate(group::Aggregate::User(user), inputs.into_iter().collect())
}

/// Reductions: one value of all rows, for `reduce`. What nulls and NaN are to them is in [`partita_columns::reduce`].
impl Expr {
    /// The values that are not null, counted.
    #[must_use]
    pub fn count(self) -> Expr {
        self.aggregate(Reduction::Count)
    }

    /// The nulls, counted.
    #[must_use]
    pub fn null_count(self) -> Expr {
        self.aggregate(Reduction::NullCount)
    }

    /// The sum: 0 of no values. Integers are widened to 64 bits, and an error where those do not hold the sum.
    #[must_use]
    pub fn sum(self) -> Expr {
        self.aggregate(Reduction::Sum)
    }

    /// The arithmetic mean.
    #[must_use]
    pub fn mean(self) -> Expr {
        self.aggregate(Reduction::Mean)
    }

    /// The least value; NaN only where there is no number.
    #[must_use]
    pub fn min(self) -> Expr {
        self.aggregate(Reduction::Min)
    }

    /// The greatest value; NaN only where there is no number.
    #[must_use]
    pub fn max(self) -> Expr {
        self.aggregate(Reduction::Max)
    }

    /// The number of the first row, from 0 over all rows that are reduced, that has the least value.
    #[must_use]
    pub fn idxmin(self) -> Expr {
        self.aggregate(Reduction::IdxMin)
    }

    /// The number of the first row that has the greatest value.
    #[must_use]
    pub fn idxmax(self) -> Expr {
        self.aggregate(Reduction::IdxMax)
    }

    /// The product: 1 of no values. Integers are widened to 64 bits, and an error where those do not hold the product.
    #[must_use]
    pub fn prod(self) -> Expr {
        self.aggregate(Reduction::Prod)
    }

    /// Whether a value is true.
    #[must_use]
    pub fn any(self) -> Expr {
        self.aggregate(Reduction::Any)
    }

    /// Whether no value is false.
    #[must_use]
    pub fn all(self) -> Expr {
        self.aggregate(Reduction::All)
    }

    /// The first value that is not null.
    #[must_use]
    pub fn first(self) -> Expr {
        self.aggregate(Reduction::First)
    }

    /// The last value that is not null.
    #[must_use]
    pub fn last(self) -> Expr {
        self.aggregate(Reduction::Last)
    }

    /// The variance, with the number of values less `ddof` in the denominator: 1 for a sample, 0 for all there is.
    #[must_use]
    pub fn var(self, ddof: u8) -> Expr {
        self.aggregate(Reduction::Var { ddof })
    }

    /// The standard deviation: the root of [`Expr::var`].
    #[must_use]
    pub fn std(self, ddof: u8) -> Expr {
        self.aggregate(Reduction::Std { ddof })
    }

    /// The standard error of the mean.
    #[must_use]
    pub fn sem(self, ddof: u8) -> Expr {
        self.aggregate(Reduction::Sem { ddof })
    }

    /// The skewness, without bias: null of fewer than three values.
    #[must_use]
    pub fn skew(self) -> Expr {
        self.aggregate(Reduction::Skew)
    }

    /// The excess kurtosis, without bias: null of fewer than four values.
    #[must_use]
    pub fn kurtosis(self) -> Expr {
        self.aggregate(Reduction::Kurtosis)
    }

    /// The covariance with another column, of the rows where neither is null; `ddof` as for [`Expr::var`].
    #[must_use]
    pub fn cov(self, other: Expr, ddof: u8) -> Expr {
        Expr::Aggregate(Reduction::Cov { ddof }.into(), vec![self, other])
    }

    /// Pearson's correlation with another column, of the rows where neither is null.
    #[must_use]
    pub fn corr(self, other: Expr) -> Expr {
        Expr::Aggregate(Reduction::Corr.into(), vec![self, other])
    }

    /// The number of distinct values, without null. Exact at any size: what does not fit in memory is sorted on disk.
    #[must_use]
    pub fn nunique(self) -> Expr {
        self.aggregate(Reduction::NUnique { nulls: false })
    }

    /// About [`Expr::nunique`], in 16 KiB: with a standard error of 0.81 %.
    #[must_use]
    pub fn approx_nunique(self) -> Expr {
        self.aggregate(Reduction::ApproxNUnique)
    }

    /// The value in the middle: [`Expr::quantile`] of 0.5.
    #[must_use]
    pub fn median(self) -> Expr {
        self.quantile(0.5)
    }

    /// The value at a share of the ranks, from 0 to 1; between two values, by their distance. NaN is above every number. Exact
    /// at any size: what does not fit in memory is sorted on disk.
    #[must_use]
    pub fn quantile(self, share: f64) -> Expr {
        self.aggregate(Reduction::Quantile(share))
    }

    /// A value whose rank is at most 1 % of all ranks from a share of them: of ten billion values at most 0.5 %, usually less
    /// than half of that.
    #[must_use]
    pub fn approx_quantile(self, share: f64) -> Expr {
        self.aggregate(Reduction::ApproxQuantile(share))
    }

    /// The value that is there most often; the least of several.
    #[must_use]
    pub fn mode(self) -> Expr {
        self.aggregate(Reduction::Mode)
    }

    /// Any reduction of one column.
    #[must_use]
    pub fn aggregate(self, reduction: Reduction) -> Expr {
        Expr::Aggregate(reduction.into(), vec![self])
    }

    /// All values of a group in the order of its rows, nulls too, as a list: in `groupby(..).agg(..)`. The lists of some groups are in memory
    /// at once.
    #[must_use]
    pub fn collect_list(self) -> Expr {
        Expr::Aggregate(group::Aggregate::List, vec![self])
    }

    /// The `count` largest values of a group, the largest first, as a list: in `groupby(..).agg(..)`. Nulls are left out, and NaN is above
    /// every number; a group with fewer values has them all. For numbers, times and truth values.
    ///
    /// ```
    /// use partita_plan::col;
    /// assert_eq!(col("fare").nlargest(2).to_string(), "nlargest(fare, 2)");
    /// ```
    #[must_use]
    pub fn nlargest(self, count: usize) -> Expr {
        self.top(count, true)
    }

    /// The `count` smallest values of a group, the smallest first, as [`Expr::nlargest`].
    #[must_use]
    pub fn nsmallest(self, count: usize) -> Expr {
        self.top(count, false)
    }

    fn top(self, count: usize, is_largest: bool) -> Expr {
        // No list has more values.
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Expr::Aggregate(group::Aggregate::Top { count, is_largest }, vec![self])
    }

    /// [`aggregation`] of this column alone.
    #[must_use]
    pub fn aggregate_with(self, steps: impl Aggregation) -> Expr {
        aggregation(steps, [self])
    }

    /// Whether a reduction is a part of it.
    pub fn is_aggregate(&self) -> bool {
        let mut found = false;
        self.visit(&mut |part| found |= matches!(part, Expr::Aggregate(..)));
        found
    }
}
