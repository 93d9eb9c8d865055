//! Reductions: a tree of tasks over the partitions.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use partita_columns::reduce::Accumulator;
use partita_schedule::graph::TaskId;
use partita_tasks::program::{Operator, Sink, SlotId, Source};
use partita_tasks::reduce::{Reduce, TopRows};

use super::{Lowering, Pipeline};
use crate::error::{ErrorKind, Result};

/// States that one task merges. The tree depends on the number of partitions alone: so do the bits of a float sum.
const STATES_MERGED: usize = 16;

/// Rows of small partitions that one task reduces, each by itself: a task costs as much as some thousand rows.
const ROWS_TOGETHER: u64 = 64 << 10;

/// The same rows as of these pipelines, partition by partition, where all read small partitions that are held and do the same
/// to them. What decides is the data alone.
fn together(pipelines: &mut [Pipeline]) -> Option<Pipeline> {
    let rows = pipelines.iter().map(|pipeline| pipeline.held_rows).sum::<Option<u64>>()?;
    let (first, others) = pipelines.split_first()?;
    if others.is_empty() || rows > ROWS_TOGETHER || !first.dependencies.is_empty() {
        return None;
    }
    let Source::Stored { projection, .. } = &first.source else { return None };
    let mut parts = Vec::with_capacity(pipelines.len());
    for pipeline in pipelines.iter() {
        let Source::Stored { key, projection: other, frames } = &pipeline.source else { return None };
        if other != projection || !pipeline.dependencies.is_empty() || !does_the_same(first, pipeline) {
            return None;
        }
        parts.push((*key, frames.clone()));
    }
    let source = Source::StoredEach { parts, projection: projection.clone() };
    let mut together = Pipeline::new(first.label, source, Arc::clone(&first.schema), 0);
    together.operators = std::mem::take(&mut pipelines.first_mut()?.operators);
    Some(together)
}

/// Whether two pipelines do the same to each of their rows, whatever the others are.
fn does_the_same(one: &Pipeline, other: &Pipeline) -> bool {
    let is_same = |(one, other): (&Operator, &Operator)| match (one, other) {
        (
            Operator::Filter { predicate, output_columns },
            Operator::Filter { predicate: p, output_columns: o },
        ) => predicate == p && output_columns == o,
        (Operator::Project { expressions, .. }, Operator::Project { expressions: e, .. }) => expressions == e,
        _ => false,
    };
    let (one, other) = (&one.operators, &other.operators);
    one.len() == other.len() && one.iter().zip(other).all(is_same)
}

impl Lowering {
    /// Reduces each pipeline to states and merges them, in order: the tasks with what is left.
    ///
    /// # Errors
    /// Where the graph would be too large.
    pub(crate) fn states(&mut self, pipelines: Vec<Pipeline>, reduce: &Arc<Reduce>) -> Result<Vec<TaskId>> {
        let sink = || Sink::Reduce(Arc::clone(reduce));
        let is_tree = pipelines.len() > STATES_MERGED;
        let holds_data = reduce.kept.iter().any(|kept| kept.accumulator == Accumulator::Sorted);
        let mut tasks = Vec::with_capacity(pipelines.len());
        let mut pipelines = pipelines.into_iter();
        while pipelines.len() > 0 {
            let mut some: Vec<Pipeline> = pipelines.by_ref().take(STATES_MERGED).collect();
            if !holds_data && let Some(together) = together(&mut some) {
                tasks.push(self.add(together, "reduce", sink())?);
                continue;
            }
            let some = some.into_iter().map(|pipeline| self.add(pipeline, "reduce", sink()));
            let some = some.collect::<Result<Vec<_>>>()?;
            if is_tree {
                tasks.push(self.merge(&some, sink())?);
            } else {
                tasks = some;
            }
        }
        while tasks.len() > STATES_MERGED {
            let merged = tasks.chunks(STATES_MERGED).map(|some| self.merge(some, sink()));
            tasks = merged.collect::<Result<_>>()?;
        }
        Ok(tasks)
    }

    fn merge(&mut self, states: &[TaskId], sink: Sink) -> Result<TaskId> {
        let mut pipeline = Pipeline::new("states", Source::States, Arc::new(Schema::empty()), 0);
        pipeline.dependencies = states.to_vec();
        self.add(pipeline, "merge", sink)
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
