//! Arithmetic of frames whose rows stand side by side: two groupings of the same rows.

use std::sync::Arc;

use partita_columns::compute::ArithmeticOp;
use partita_plan::node;

use super::DataFrame;
use crate::error::{ErrorKind, Result};

/// Arithmetic of two frames that are groupings of one frame, by the same keys, with the same options, and nothing but `select`, `rename`,
/// `drop` and `with_columns` behind: columns of the same name go together, and keys stay. Both come of one pass over the rows, as the two
/// become one grouping.
impl DataFrame {
    /// The difference, column by column.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("prices.csv");
    /// # std::fs::write(&path, "day,price\n1,5\n1,9\n2,3\n").unwrap();
    /// let prices = partita::read_csv(&path).load()?;
    /// let days = prices.groupby(["day"]).sort(true);
    /// let spread = days.max().sub(&days.min())?;
    /// assert_eq!(spread.columns()?, ["day", "price"]);
    /// assert_eq!(spread.compute()?.column("price").unwrap().i64().unwrap().to_vec(), [Some(4), Some(0)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where the frames are no such groupings, a column is on one side only, or has a type without arithmetic.
    pub fn sub(&self, other: &DataFrame) -> Result<DataFrame> {
        self.with_groups(other, ArithmeticOp::Subtract)
    }

    /// The sum, column by column.
    ///
    /// # Errors
    /// As [`DataFrame::sub`].
    pub fn add(&self, other: &DataFrame) -> Result<DataFrame> {
        self.with_groups(other, ArithmeticOp::Add)
    }

    /// The product, column by column.
    ///
    /// # Errors
    /// As [`DataFrame::sub`].
    pub fn mul(&self, other: &DataFrame) -> Result<DataFrame> {
        self.with_groups(other, ArithmeticOp::Multiply)
    }

    /// The quotient, column by column.
    ///
    /// # Errors
    /// As [`DataFrame::sub`].
    pub fn div(&self, other: &DataFrame) -> Result<DataFrame> {
        self.with_groups(other, ArithmeticOp::Divide)
    }

    fn with_groups(&self, other: &DataFrame, op: ArithmeticOp) -> Result<DataFrame> {
        if !Arc::ptr_eq(self.session().engine(), other.session().engine()) {
            let message = "the frames are of several sessions; read them in one";
            return Err(ErrorKind::Option(format!("groups {} groups: {message}", op.symbol())).into());
        }
        let plan = node::aligned(self.plan()?, other.plan()?, op)?;
        Ok(Self { plan: Ok(plan), ..self.clone() })
    }
}
