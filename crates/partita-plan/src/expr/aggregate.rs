//! Reductions as users write them: parts of expressions that [`crate::node::Reduce`] takes.

use partita_columns::reduce::Reduction;

use super::Expr;

/// The number of rows, in `reduce`.
pub fn len() -> Expr {
    Expr::Aggregate(Reduction::Len, Vec::new())
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

    /// Any reduction of one column.
    #[must_use]
    pub fn aggregate(self, reduction: Reduction) -> Expr {
        Expr::Aggregate(reduction, vec![self])
    }

    /// Whether a reduction is a part of it.
    pub fn is_aggregate(&self) -> bool {
        let mut found = false;
        self.visit(&mut |part| found |= matches!(part, Expr::Aggregate(..)));
        found
    }
}
