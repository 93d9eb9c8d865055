//! Tables of groups: a row for each group, a column for each value of another column.

use arrow::datatypes::DataType;
use partita_columns::Scalar;
use partita_columns::compute::CastMode;
use partita_columns::reduce::Reduction;
use partita_plan::node::SortBy;
use partita_plan::{Expr, col, len, lit, when};

use super::{DataFrame, GroupBy};
use crate::context::IntoColumns;
use crate::error::{ErrorKind, Result};

/// Columns of a pivot table at most.
const PIVOT_COLUMNS_MAX: usize = 1000;

/// The column of what is asked of a cell: no column of a frame has this name, as it ends with a NUL.
const CELL: &str = "cell\0";

const COUNT: &str = "count";

/// A table of groups that is described: what [`DataFrame::pivot_table`] gives.
#[derive(Clone)]
pub struct PivotTable {
    frame: DataFrame,
    index: Vec<Expr>,
    columns: String,
    values: String,
    reduction: Reduction,
    categories: Option<Vec<Scalar>>,
}

/// Tables of groups.
impl DataFrame {
    /// A row for each group of `index`, in their order, and a column for each value of `columns`, with what `reduction` makes of the
    /// `values` that are in the rows of both. [`PivotTable::load`] gives the frame.
    ///
    /// Cells without rows are null, of a count and of a sum too, as in pandas; what is null in the rows there are is as for any
    /// reduction: a sum of no values is 0. Rows with a null in `index` or in `columns` are left out.
    ///
    /// ```
    /// use partita::prelude::*;
    /// use partita::Reduction;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,day,fare\nA,mo,10.0\nB,mo,7.5\nA,tu,20.0\nA,mo,2.0\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let table = trips.pivot_table(["zone"], "day", "fare", Reduction::Sum).categories(["mo", "tu"]).load()?;
    /// assert_eq!(table.columns()?, ["zone", "mo", "tu"]);
    /// assert_eq!(table.compute()?.column("tu").unwrap().f64().unwrap().to_vec(), [Some(20.0), None]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn pivot_table(
        &self,
        index: impl IntoColumns,
        columns: &str,
        values: &str,
        reduction: Reduction,
    ) -> PivotTable {
        PivotTable {
            frame: self.clone(),
            index: index.into_columns(),
            columns: columns.to_owned(),
            values: values.to_owned(),
            reduction,
            categories: None,
        }
    }
}

impl PivotTable {
    /// The values of `columns` that have a column each, in this order; rows of other values are left out. Without it,
    /// [`PivotTable::load`] reads the columns of the keys to find them, and puts them in their order.
    #[must_use]
    pub fn categories<T: Into<Scalar>>(mut self, categories: impl IntoIterator<Item = T>) -> Self {
        self.categories = Some(categories.into_iter().map(Into::into).collect());
        self
    }

    /// The frame. It runs nothing where categories are given; else one pass over the columns of the keys.
    ///
    /// # Errors
    /// Where a column is not there, the reduction is not defined for it, there are more than 1,000 categories, or two columns would have one
    /// name; and what goes wrong while categories are looked for.
    pub fn load(&self) -> Result<DataFrame> {
        let categories = match &self.categories {
            Some(given) => given.clone(),
            None => self.found()?,
        };
        if categories.len() > PIVOT_COLUMNS_MAX {
            let message = format!(
                "pivot_table: expected at most {PIVOT_COLUMNS_MAX} columns, got {} values of \"{}\"; name those that matter \
                 with categories(..), or keep the groups as rows: groupby(..)",
                categories.len(),
                self.columns
            );
            return Err(ErrorKind::Option(message).into());
        }
        let is_one = |category: &Scalar| col(&self.columns).is_in([category.clone()]);
        let asked = match self.reduction {
            Reduction::Len => len(),
            reduction => col(&self.values).aggregate(reduction),
        };
        let keys = self.index.iter().cloned().chain([col(&self.columns)]);
        let wanted = col(&self.columns).is_in(categories.clone());
        let cells = if matches!(self.reduction, Reduction::IdxMin | Reduction::IdxMax) {
            // Numbers of rows are those of the frame.
            self.frame.groupby(keys).agg([asked.alias(CELL)]).filter(wanted)
        } else {
            self.frame.filter(wanted).groupby(keys).agg([asked.alias(CELL)])
        };
        let schema = cells.schema()?;
        let data_type = schema.field_with_name(CELL)?.data_type();
        let cell = |category: &Scalar| {
            let null = lit(Scalar::Null(data_type.clone()));
            // A group of both has one row.
            let cell = when(is_one(category)).then(col(CELL)).otherwise(null);
            cell.first().alias(named(category))
        };
        let index: Vec<Expr> = self.index.iter().map(|key| col(key.output_name())).collect();
        let table = cells.groupby(index).sort(true).agg(categories.iter().map(cell).collect::<Vec<_>>());
        table.plan()?;
        Ok(table)
    }

    /// The values that there are, in their order.
    fn found(&self) -> Result<Vec<Scalar>> {
        // Rows with a null among the keys are in no cell.
        let keys = self.index.iter().map(|key| key.clone().unalias()).chain([col(&self.columns)]);
        let is_in_a_cell = keys.map(Expr::is_not_null).reduce(Expr::and);
        let some = self.frame.filter(is_in_a_cell.unwrap_or(lit(true)));
        let values = some.unique(&self.columns);
        let values = values.sort_values([self.columns.as_str()]);
        let mut found = Vec::new();
        // A few more than are allowed show that there are too many.
        for batch in values.batches()? {
            let batch = batch?;
            let Some(column) = batch.columns().first() else { continue };
            for row in 0..batch.num_rows() {
                found.push(Scalar::try_from_array(column, row)?);
            }
            if found.len() > PIVOT_COLUMNS_MAX {
                break;
            }
        }
        Ok(found)
    }
}

/// The name of a column for a value: a text is itself.
fn named(category: &Scalar) -> String {
    match category {
        Scalar::Utf8(text) => text.clone(),
        other => match other.cast(&DataType::Utf8View, CastMode::Lenient) {
            Ok(Scalar::Utf8(text)) => text,
            _ => other.to_string(),
        },
    }
}

/// Values in groups.
impl GroupBy {
    /// How often each value of a column is there in each group, as `count`: a row for each group and value. Nulls are not counted. With
    /// `sort(true)` groups come in the order of their keys, and in each the most frequent value first, then the least; with
    /// `maintain_order(true)` groups and values come in the order of their first rows.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,kind\nA,x\nB,y\nA,y\nA,y\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let counts = trips.groupby(["zone"]).sort(true).value_counts("kind");
    /// assert_eq!(counts.columns()?, ["zone", "kind", "count"]);
    /// assert_eq!(counts.compute()?.column("count").unwrap().u64().unwrap().to_vec(), [Some(2), Some(1), Some(1)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn value_counts(&self, column: &str) -> DataFrame {
        let keys: Vec<Expr> = self.keys.iter().cloned().chain([col(column)]).collect();
        let frame = self.frame.filter(col(column).is_not_null());
        let mut by = GroupBy { frame, keys, ..self.clone() };
        by.options.sorts = false;
        let counts = by.agg([len().alias(COUNT)]);
        if !self.options.sorts {
            return counts;
        }
        let keys = self.keys.iter().map(|key| SortBy::new(key.output_name()));
        let order = keys.chain([SortBy::new(COUNT).descending(), SortBy::new(column)]);
        counts.sort_values(order.collect::<Vec<_>>())
    }
}
