//! Rows that change partition: runs, a barrier, and a task for each part.

use std::sync::Arc;

use arrow::datatypes::Schema;
use partita_tasks::exchange::SortSpec;
use partita_tasks::program::{Sink, Source};

use super::{Lowering, Pipeline};
use crate::error::Result;

impl Lowering {
    /// Sorts the rows of all pipelines: one pipeline for each part, in order.
    ///
    /// # Errors
    /// Where the graph would be too large.
    pub(crate) fn sorted(&mut self, pipelines: Vec<Pipeline>, spec: &Arc<SortSpec>) -> Result<Vec<Pipeline>> {
        let mut runs = Vec::with_capacity(pipelines.len());
        for (partition, pipeline) in pipelines.into_iter().enumerate() {
            runs.push(self.add(pipeline, "sort", Sink::Runs { spec: Arc::clone(spec), partition })?);
        }
        let mut barrier = Pipeline::new("runs", Source::Runs, Arc::new(Schema::empty()), 0);
        barrier.dependencies = runs;
        let exchange = self.add(barrier, "cut", Sink::Exchange(Arc::clone(spec)))?;
        let part = |part| {
            let source = Source::Sorted { spec: Arc::clone(spec), part };
            let mut pipeline = Pipeline::new("sorted", source, Arc::clone(&spec.schema), 0);
            pipeline.dependencies.push(exchange);
            pipeline
        };
        Ok((0..spec.parts).map(part).collect())
    }
}
