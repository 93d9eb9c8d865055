//! Rows that change partition: runs, a barrier, and a task for each part.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use partita_schedule::graph::TaskId;
use partita_tasks::exchange::{By, ExchangeSpec, Overlap};
use partita_tasks::program::{Sink, Source};

use super::{Lowering, Pipeline};
use crate::error::{ErrorKind, Result};

impl Lowering {
    /// Exchanges the rows of all pipelines: one pipeline for each part, in order.
    ///
    /// # Errors
    /// Where the graph would be too large.
    pub(crate) fn exchanged(
        &mut self,
        pipelines: Vec<Pipeline>,
        spec: &Arc<ExchangeSpec>,
    ) -> Result<Vec<Pipeline>> {
        let exchange = self.barrier(pipelines, spec)?;
        let label = match spec.by {
            By::Order(_) => "sorted",
            By::Hash(_) => "hashed",
            By::Place { .. } => "placed",
        };
        let part = |part| {
            let source = Source::Exchanged { spec: Arc::clone(spec), part };
            behind(exchange, label, source, &spec.schema)
        };
        Ok((0..spec.parts).map(part).collect())
    }

    /// What a function returns for each pipeline and rows of its neighbours.
    ///
    /// # Errors
    /// Where the graph would be too large.
    pub(crate) fn overlapped(
        &mut self,
        pipelines: Vec<Pipeline>,
        overlap: &Arc<Overlap>,
    ) -> Result<Vec<Pipeline>> {
        let exchange = self.barrier(pipelines, &overlap.spec)?;
        let part = |part| {
            let source = Source::Overlapped { overlap: Arc::clone(overlap), part };
            behind(exchange, "map_overlap", source, &overlap.schema)
        };
        Ok((0..overlap.spec.parts).map(part).collect())
    }

    /// Stores the rows of all pipelines, and cuts them into parts.
    fn barrier(&mut self, pipelines: Vec<Pipeline>, spec: &Arc<ExchangeSpec>) -> Result<TaskId> {
        let name = match spec.by {
            By::Order(_) => "sort",
            By::Hash(_) => "hash",
            By::Place { .. } => "place",
        };
        if pipelines.iter().any(Pipeline::quarantines) {
            let message = "rows that change partition cannot have records set aside of them: write a data set with \
                           on_mismatch(OnMismatch::Quarantine) (--on-mismatch quarantine) first, and exchange the rows of that";
            return Err(ErrorKind::Option(message.into()).into());
        }
        let mut runs = Vec::with_capacity(pipelines.len());
        for (partition, pipeline) in pipelines.into_iter().enumerate() {
            runs.push(self.add(pipeline, name, Sink::Runs { spec: Arc::clone(spec), partition })?);
        }
        let mut barrier = Pipeline::new("runs", Source::Runs, Arc::new(Schema::empty()), 0);
        barrier.dependencies = runs;
        self.add(barrier, "cut", Sink::Exchange(Arc::clone(spec)))
    }
}

fn behind(exchange: TaskId, label: &'static str, source: Source, schema: &SchemaRef) -> Pipeline {
    let mut pipeline = Pipeline::new(label, source, Arc::clone(schema), 0);
    pipeline.dependencies.push(exchange);
    pipeline
}
