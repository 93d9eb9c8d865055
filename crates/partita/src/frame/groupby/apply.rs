//! Functions over groups.

use std::sync::Arc;

use arrow::datatypes::Schema;
use partita_columns::polars;
use partita_plan::node::GroupApply;

use super::{DataFrame, GroupBy};
use crate::graph::BoxError;

/// Rows that a function makes of each group.
impl GroupBy {
    /// Calls `function` on the rows of each group as a Polars frame, with all columns and in their order; it returns columns of `schema`, as
    /// many rows as it likes. The function is called from several threads at once, with the rows of one group in memory. Groups come
    /// in an order that looks random, unless `sort` or `maintain_order` give another, the rows of one behind each other; an error of the function names the group.
    ///
    /// ```
    /// use partita::prelude::*;
    /// use partita::arrow::datatypes::{DataType, Field, Schema};
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nB,7\nA,10\nA,20\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// let fields = vec![Field::new("zone", DataType::Utf8View, true), Field::new("fare", DataType::Int64, true)];
    /// // The last row of each group.
    /// let last = trips.groupby(["zone"]).sort(true).apply(Schema::new(fields), |group| Ok(group.tail(Some(1))));
    /// assert_eq!(last.compute()?.column("fare").unwrap().i64().unwrap().to_vec(), [Some(20), Some(7)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn apply<F>(&self, schema: Schema, function: F) -> DataFrame
    where
        F: Fn(polars_core::frame::DataFrame) -> Result<polars_core::frame::DataFrame, BoxError>
            + Send
            + Sync
            + 'static,
    {
        let (id, keep_alive) = self.frame.session.engine().register(Box::new(move |input, batches| {
            let frame = function(polars::to_polars(&input, batches)?)?;
            Ok(polars::from_polars(&frame, 8192)?.1)
        }));
        let (keys, options) = (self.keys.clone(), self.options);
        self.frame.map(|plan| GroupApply::plan(plan, keys, options, id, Arc::new(schema), keep_alive))
    }
}
