//! Functions over partitions and the rows of their neighbours.

use std::sync::Arc;

use arrow::datatypes::Schema;
use partita_columns::polars;
use partita_plan::node::{MapOverlap, Reach};

use super::DataFrame;
use crate::graph::BoxError;

/// Rows of neighbours.
impl DataFrame {
    /// Calls `function` on each partition as a Polars frame, with rows of its neighbours: those just `before` it and just `behind` it, so many
    /// ([`Reach::Rows`], of as many partitions as it takes), or those whose index is less than a time away ([`Reach::Time`], where the
    /// frame has an index of dates or times). The function returns a row of `schema` for each that it is given; those of neighbours are
    /// dropped. Partitions without rows stay so, without a call.
    ///
    /// ```
    /// use partita::prelude::*;
    /// use partita::arrow::datatypes::{DataType, Field, Schema};
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("days.csv");
    /// # std::fs::write(&path, "fare\n1\n2\n3\n4\n5\n").unwrap();
    /// let days = partita::read_csv(&path).block_size(4).load()?;
    /// let schema = Schema::new(vec![Field::new("fare", DataType::Int64, true)]);
    /// // The value of the row before, across partitions.
    /// let before = days.map_overlap(1, 0, schema, |frame| {
    ///     let fares: Vec<Option<i64>> = frame.column("fare")?.i64()?.to_vec();
    ///     let moved = std::iter::once(None).chain(fares).take(frame.height());
    ///     let moved: partita::polars_core::prelude::Int64Chunked = moved.collect();
    ///     let column = partita::polars_core::prelude::IntoColumn::into_column(moved).with_name("fare".into());
    ///     Ok(partita::polars_core::frame::DataFrame::new(frame.height(), vec![column])?)
    /// });
    /// let fares = before.compute()?.column("fare").unwrap().i64().unwrap().to_vec();
    /// assert_eq!(fares, [None, Some(1), Some(2), Some(3), Some(4)]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn map_overlap<F>(
        &self,
        before: impl Into<Reach>,
        behind: impl Into<Reach>,
        schema: Schema,
        function: F,
    ) -> Self
    where
        F: Fn(polars_core::frame::DataFrame) -> Result<polars_core::frame::DataFrame, BoxError>
            + Send
            + Sync
            + 'static,
    {
        let reach = [before.into(), behind.into()];
        let (id, keep_alive) = self.session.engine().register(Box::new(move |input, batches| {
            let frame = function(polars::to_polars(&input, batches)?)?;
            Ok(polars::from_polars(&frame, 8192)?.1)
        }));
        self.map(|plan| MapOverlap::plan(plan, reach, id, Arc::new(schema), keep_alive))
    }
}
