//! Reductions: a tree of tasks over the partitions.

use std::sync::Arc;

use arrow::datatypes::Schema;
use partita_schedule::graph::TaskId;
use partita_tasks::program::{Sink, Source};
use partita_tasks::reduce::Reduce;

use super::{Lowering, Pipeline};
use crate::error::Result;

/// States that one task merges. The tree depends on the number of partitions alone: so do the bits of a float sum.
const STATES_MERGED: usize = 16;

impl Lowering {
    /// Reduces each pipeline to states and merges them, in order: the tasks with what is left.
    ///
    /// # Errors
    /// Where the graph would be too large.
    pub(crate) fn states(&mut self, pipelines: Vec<Pipeline>, reduce: &Arc<Reduce>) -> Result<Vec<TaskId>> {
        let sink = || Sink::Reduce(Arc::clone(reduce));
        let mut tasks = Vec::with_capacity(pipelines.len());
        for pipeline in pipelines {
            tasks.push(self.add(pipeline, "reduce", sink())?);
        }
        while tasks.len() > STATES_MERGED {
            let mut merged = Vec::with_capacity(tasks.len().div_ceil(STATES_MERGED));
            for some in tasks.chunks(STATES_MERGED) {
                let mut pipeline = Pipeline::new("states", Source::States, Arc::new(Schema::empty()), 0);
                pipeline.dependencies = some.to_vec();
                merged.push(self.add(pipeline, "merge", sink())?);
            }
            tasks = merged;
        }
        Ok(tasks)
    }

    /// The one row of what `states` have left.
    pub(crate) fn reduced(&mut self, reduce: Arc<Reduce>, states: Vec<TaskId>) -> Pipeline {
        let schema = Arc::clone(&reduce.schema);
        let mut pipeline = Pipeline::new("reduced", Source::Reduced(reduce), schema, 0);
        pipeline.dependencies = states;
        pipeline
    }
}
