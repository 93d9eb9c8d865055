//! Groups of rows.

mod apply;
mod largest;
mod within;

use partita_columns::reduce::Reduction;
use partita_plan::node::{self, GroupOptions};
use partita_plan::{Expr, PlanRef, col};

use super::DataFrame;
use super::observed::Categories;
use super::reduce::is_defined;
use crate::context::IntoColumns;

/// Rows of a frame in groups of equal keys: what [`DataFrame::groupby`] gives. Nothing runs until a frame that is made of it is asked.
#[derive(Clone)]
pub struct GroupBy {
    pub(super) frame: DataFrame,
    pub(super) keys: Vec<Expr>,
    pub(super) options: GroupOptions,
    pub(super) categories: Categories,
}

/// Grouping.
impl DataFrame {
    /// Groups the rows by columns, or by expressions over them, of any types that are compared. Nulls are equal, NaN equals NaN, and -0.0
    /// equals 0.0; rows with a null among the keys are left out, unless [`GroupBy::dropna`] says otherwise.
    ///
    /// Groups come out in an order that looks random, or in that of the rows where these are in order of an index that is a key; [`GroupBy::sort`] and
    /// [`GroupBy::maintain_order`] give others. There is no need to say how many there will be: what does not fit in memory goes to disk.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare,tip\nA,10.0,1.0\nB,7.5,\nA,20.0,2.0\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let zones = trips
    ///     .groupby(["zone"])
    ///     .sort(true)
    ///     .agg([col("fare").mean().alias("fare"), (col("tip").sum() / col("fare").sum()).alias("share"), len()])
    ///     .compute()?;
    /// assert_eq!(zones.column("fare").unwrap().f64().unwrap().to_vec(), [Some(15.0), Some(7.5)]);
    /// assert_eq!(zones.column("len").unwrap().u64().unwrap().to_vec(), [Some(2), Some(1)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn groupby(&self, keys: impl IntoColumns) -> GroupBy {
        GroupBy {
            frame: self.clone(),
            keys: keys.into_columns(),
            options: GroupOptions::default(),
            categories: Categories::Observed,
        }
    }
}

/// How rows are grouped.
impl GroupBy {
    /// Whether rows with a null among the keys are left out; they are, unless this says otherwise. With `false` null is a key
    /// like any other.
    #[must_use]
    pub fn dropna(mut self, drops: bool) -> Self {
        self.options.drops_null_keys = drops;
        self
    }

    /// Whether groups come in the order of their keys, the least first, nulls last.
    #[must_use]
    pub fn sort(mut self, sorts: bool) -> Self {
        self.options.sorts = sorts;
        self
    }

    /// Whether groups come in the order of their first rows.
    #[must_use]
    pub fn maintain_order(mut self, maintains: bool) -> Self {
        self.options.maintains_order = maintains;
        self
    }
}

/// One row a group: the keys, and what is asked.
impl GroupBy {
    /// A column for each expression: reductions, and expressions over reductions and keys.
    ///
    /// Groups may be larger than memory. Values that `nunique`, `mode`, `median` and `quantile` need are read several times where they do not fit;
    /// lists and what users' aggregations keep of a group must fit. Where the frame is in order of a key, groups are made without an exchange, and all
    /// that is asked of one must fit.
    #[must_use]
    pub fn agg(&self, expressions: impl IntoColumns) -> DataFrame {
        self.asked(|_| expressions.into_columns())
    }

    /// The number of rows of each group, as `len`.
    #[must_use]
    pub fn size(&self) -> DataFrame {
        self.agg([partita_plan::len()])
    }

    /// The values of each column that are not null, counted.
    #[must_use]
    pub fn count(&self) -> DataFrame {
        self.each(Reduction::Count)
    }

    /// The sum of each column that has one: numbers, truth values, durations.
    #[must_use]
    pub fn sum(&self) -> DataFrame {
        self.each(Reduction::Sum)
    }

    /// The mean of each column that has one: what has a sum, and times.
    #[must_use]
    pub fn mean(&self) -> DataFrame {
        self.each(Reduction::Mean)
    }

    /// The least value of each column that has an order.
    #[must_use]
    pub fn min(&self) -> DataFrame {
        self.each(Reduction::Min)
    }

    /// The greatest value of each column that has an order.
    #[must_use]
    pub fn max(&self) -> DataFrame {
        self.each(Reduction::Max)
    }

    /// The product of each column of numbers.
    #[must_use]
    pub fn prod(&self) -> DataFrame {
        self.each(Reduction::Prod)
    }

    /// The first value of each column that is not null.
    #[must_use]
    pub fn first(&self) -> DataFrame {
        self.each(Reduction::First)
    }

    /// The last value of each column that is not null.
    #[must_use]
    pub fn last(&self) -> DataFrame {
        self.each(Reduction::Last)
    }

    /// The variance of each column of numbers; `ddof` as for [`Expr::var`].
    #[must_use]
    pub fn var(&self, ddof: u8) -> DataFrame {
        self.each(Reduction::Var { ddof })
    }

    /// The standard deviation of each column of numbers.
    #[must_use]
    pub fn std(&self, ddof: u8) -> DataFrame {
        self.each(Reduction::Std { ddof })
    }

    /// The median of each column of numbers or times.
    #[must_use]
    pub fn median(&self) -> DataFrame {
        self.each(Reduction::Quantile(0.5))
    }

    /// The value at a share of the ranks of each column of numbers or times, as [`Expr::quantile`].
    #[must_use]
    pub fn quantile(&self, share: f64) -> DataFrame {
        self.each(Reduction::Quantile(share))
    }

    /// The number of distinct values of each column that has an order.
    #[must_use]
    pub fn nunique(&self) -> DataFrame {
        self.each(Reduction::NUnique { nulls: false })
    }

    /// A reduction of each column that is no key and that it is defined for.
    fn each(&self, reduction: Reduction) -> DataFrame {
        self.asked(|plan| asked_of_each(plan, &self.keys, reduction))
    }

    fn asked(&self, asked: impl FnOnce(&PlanRef) -> Vec<Expr>) -> DataFrame {
        if !matches!(self.categories, Categories::Observed) {
            return self.of_all_categories(asked);
        }
        let (keys, options) = (self.keys.clone(), self.options);
        self.frame.map(|plan| {
            let asked = asked(&plan);
            node::GroupBy::plan(plan, keys, asked, options)
        })
    }
}

fn asked_of_each(plan: &PlanRef, keys: &[Expr], reduction: Reduction) -> Vec<Expr> {
    let is_key = |name: &String| keys.iter().any(|key| key.output_name() == *name);
    let fields = plan.schema().fields().iter();
    let others = fields.filter(|field| !is_key(field.name()));
    let defined = others.filter(|field| is_defined(reduction, field.data_type()));
    defined.map(|field| col(field.name()).aggregate(reduction).alias(field.name())).collect()
}
