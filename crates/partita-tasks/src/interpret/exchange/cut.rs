//! The barrier: where the parts begin.

use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_columns::sort::bounds;

use super::{Exchange, Runs, WAY_OUT};
use crate::error::{ErrorKind, Result};
use crate::exchange::SortSpec;
use crate::host::Host;
use crate::interpret::sink::BatchSink;
use crate::interpret::{Flow, Outcome};

/// Cuts the runs of the dependencies into parts.
pub(in crate::interpret) struct Cut<'a> {
    spec: &'a SortSpec,
    inputs: Vec<Arc<Runs>>,
    host: &'a dyn Host,
}

impl<'a> Cut<'a> {
    pub(in crate::interpret) fn new(
        spec: &'a SortSpec,
        inputs: &[Outcome],
        host: &'a dyn Host,
    ) -> Result<Self> {
        let runs = inputs.iter().map(|input| match input {
            Outcome::Runs(runs) => Ok(Arc::clone(runs)),
            _ => Err(ErrorKind::Missing("sorted runs".into()).into()),
        });
        Ok(Self { spec, inputs: runs.collect::<Result<_>>()?, host })
    }
}

impl BatchSink for Cut<'_> {
    fn push(&mut self, _: RecordBatch) -> Result<Flow> {
        Ok(Flow::Enough)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let sampled = self.inputs.iter().map(|runs| runs.samples.memory_bytes()).sum::<usize>();
        let mut memory = self.host.reserve("sort", sampled * 4, WAY_OUT)?;
        let (mut all, mut weights) = (self.spec.layout()?.empty(), Vec::new());
        for runs in &self.inputs {
            all.append(&runs.samples);
            weights.resize(all.len(), runs.weight);
        }
        let order = all.sorted();
        let weights: Vec<f64> = order.iter().map(|row| weights[*row as usize]).collect();
        let bounds = bounds(&all.take(&order), &weights, self.spec.parts);
        memory.resize(bounds.memory_bytes())?;
        Ok(Outcome::Exchange(Arc::new(Exchange::new(self.inputs, bounds, self.spec.parts, memory))))
    }
}
