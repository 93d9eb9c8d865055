//! Window functions as users write them: parts of expressions that [`crate::node::Within`] takes.

use partita_columns::group::{RankMethod, Window};
use partita_columns::reduce::Cumulative;

use super::{Expr, when};

/// The number of the row in its group, from 0, in `transform`.
pub fn cumcount() -> Expr {
    Expr::Window(Window::CumCount, Vec::new())
}

/// Window functions: a value for each row, by the rows of its group in their order, for `groupby(..).transform(..)`.
impl Expr {
    /// The sum so far. A null stays null and adds nothing; integers are widened to 64 bits, and an error where those do not hold the sum.
    #[must_use]
    pub fn cumsum(self) -> Expr {
        self.window(Window::Cumulative(Cumulative::Sum))
    }

    /// The product so far; nulls and integers as for [`Expr::cumsum`].
    #[must_use]
    pub fn cumprod(self) -> Expr {
        self.window(Window::Cumulative(Cumulative::Prod))
    }

    /// The least value so far; NaN only while there was no number. A null stays null.
    #[must_use]
    pub fn cummin(self) -> Expr {
        self.window(Window::Cumulative(Cumulative::Min))
    }

    /// The greatest value so far; NaN only while there was no number. A null stays null.
    #[must_use]
    pub fn cummax(self) -> Expr {
        self.window(Window::Cumulative(Cumulative::Max))
    }

    /// The place of the value among those of its group, from 1, the least first unless `descending`: a Float64 for
    /// [`RankMethod::Average`], else a UInt64. Null has none, NaN is above every number.
    #[must_use]
    pub fn rank(self, method: RankMethod, descending: bool) -> Expr {
        self.window(Window::Rank { method, descending })
    }

    /// The value so many rows before, or behind where `rows` is negative; null where the group has no such row.
    #[must_use]
    pub fn shift(self, rows: i64) -> Expr {
        self.window(Window::Shift(rows))
    }

    /// [`Expr::shift`] with `fill` where the group has no such row.
    #[must_use]
    pub fn shift_or(self, rows: i64, fill: impl Into<Expr>) -> Expr {
        let outside = match i64::try_from(rows.unsigned_abs()) {
            Ok(distance) if rows >= 0 => cumcount().lt(distance),
            Ok(distance) => (super::len() - cumcount()).lt_eq(distance),
            Err(_) => cumcount().gt_eq(0),
        };
        let name = self.output_name();
        when(outside).then(fill.into()).otherwise(self.shift(rows)).alias(name)
    }

    /// The value less the one so many rows before, or behind where `rows` is negative.
    #[must_use]
    pub fn diff(self, rows: i64) -> Expr {
        self.clone() - self.shift(rows)
    }

    /// The value, or where it is null the last one before it in the group.
    #[must_use]
    pub fn ffill(self) -> Expr {
        self.window(Window::ForwardFill)
    }

    /// The value, or where it is null the next one behind it in the group.
    #[must_use]
    pub fn bfill(self) -> Expr {
        self.window(Window::BackwardFill)
    }

    /// Any window function of one column.
    #[must_use]
    pub fn window(self, window: Window) -> Expr {
        Expr::Window(window, vec![self])
    }

    /// Whether a window function is a part of it.
    pub fn has_windows(&self) -> bool {
        let mut found = false;
        self.visit(&mut |part| found |= matches!(part, Expr::Window(..)));
        found
    }
}
