//! Reductions: a tree of tasks over the partitions.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use partita_schedule::graph::TaskId;
use partita_tasks::program::{Sink, SlotId, Source};
use partita_tasks::reduce::{Reduce, TopRows};

use super::{Lowering, Pipeline};
use crate::error::{ErrorKind, Result};

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

    /// The first rows of an order, of sixteen tasks at a time.
    ///
    /// # Errors
    /// Where the graph would be too large.
    pub(crate) fn top(
        &mut self,
        pipelines: Vec<Pipeline>,
        schema: &SchemaRef,
        top: &Arc<TopRows>,
    ) -> Result<Pipeline> {
        let mut tasks = Vec::with_capacity(pipelines.len());
        for pipeline in pipelines {
            tasks.push(self.add(pipeline, "top", Sink::Top(Arc::clone(top)))?);
        }
        loop {
            let mut merged = Vec::with_capacity(tasks.len().div_ceil(STATES_MERGED));
            for some in tasks.chunks(STATES_MERGED) {
                let mut pipeline = Pipeline::new("rows", Source::Inputs, Arc::clone(schema), 0);
                pipeline.dependencies = some.to_vec();
                merged.push(self.add(pipeline, "top", Sink::Top(Arc::clone(top)))?);
            }
            tasks = merged;
            if tasks.len() <= 1 {
                let mut pipeline = Pipeline::new("top", Source::Inputs, Arc::clone(schema), 0);
                pipeline.dependencies = tasks;
                return Ok(pipeline);
            }
        }
    }

    /// Reduces each pipeline, and publishes what was before each: the slot, and its barrier.
    ///
    /// # Errors
    /// Where records may be set aside, and where the graph would be too large.
    pub(crate) fn before(&mut self, seen: Vec<Pipeline>, reduce: &Arc<Reduce>) -> Result<(SlotId, TaskId)> {
        if seen.iter().any(Pipeline::quarantines) {
            let message = "running totals: they are known only when it is known which records are set aside; drop them, or \
                           on_mismatch(OnMismatch::Quarantine) (--on-mismatch quarantine)";
            return Err(ErrorKind::Option(message.into()).into());
        }
        let mut tasks = Vec::with_capacity(seen.len());
        for pipeline in seen {
            tasks.push(self.add(pipeline, "reduce", Sink::Reduce(Arc::clone(reduce)))?);
        }
        let slot = self.slot();
        let mut barrier = Pipeline::new("states", Source::States, Arc::new(Schema::empty()), 0);
        barrier.dependencies = tasks;
        let task = self.add(barrier, "totals before", Sink::Before { reduce: Arc::clone(reduce), slot })?;
        Ok((slot, task))
    }

    /// The one row of what `states` have left.
    pub(crate) fn reduced(&mut self, reduce: Arc<Reduce>, states: Vec<TaskId>) -> Pipeline {
        let schema = Arc::clone(&reduce.schema);
        let mut pipeline = Pipeline::new("reduced", Source::Reduced(reduce), schema, 0);
        pipeline.dependencies = states;
        pipeline
    }
}
