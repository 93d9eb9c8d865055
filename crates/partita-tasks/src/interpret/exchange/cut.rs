//! The barrier: where the parts begin.

use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_columns::Scalar;
use partita_columns::sort::{Keys, bounds};

use super::buckets::Buckets;
use super::check::{encoded, verify};
use super::{Exchange, Runs, WAY_OUT};
use crate::error::{ErrorKind, Result};
use crate::exchange::{Cuts, ExchangeSpec};
use crate::host::Host;
use crate::interpret::sink::BatchSink;
use crate::interpret::{Flow, Outcome};

/// Cuts the runs of the dependencies into parts.
pub(in crate::interpret) struct Cut<'a> {
    spec: &'a ExchangeSpec,
    inputs: Vec<Arc<Runs>>,
    host: &'a dyn Host,
}

impl<'a> Cut<'a> {
    pub(in crate::interpret) fn new(
        spec: &'a ExchangeSpec,
        inputs: &[Outcome],
        host: &'a dyn Host,
    ) -> Result<Self> {
        let runs = inputs.iter().map(|input| match input {
            Outcome::Runs(runs) => Ok(Arc::clone(runs)),
            _ => Err(ErrorKind::Missing("sorted runs".into()).into()),
        });
        Ok(Self { spec, inputs: runs.collect::<Result<_>>()?, host })
    }

    /// How many parts of so many bytes are needed.
    fn parts_of(&self, bytes: u64) -> usize {
        let all: u64 = self.inputs.iter().map(|runs| runs.seen.bytes).sum();
        usize::try_from(all.div_ceil(bytes.max(1))).unwrap_or(usize::MAX).clamp(1, self.spec.parts.max(1))
    }

    /// Buckets in parts of about so many distinct keys.
    fn even_buckets(&self, keys: u64) -> Result<Keys> {
        let mut all = Buckets::new();
        self.inputs.iter().filter_map(|runs| runs.buckets.as_ref()).for_each(|buckets| all.join(buckets));
        Buckets::bounds(&self.spec.layout()?, all.parts(keys, self.spec.parts))
    }

    /// Where all parts but the first begin.
    fn given(&self, values: &[Scalar]) -> Result<Keys> {
        let begins = values.get(1..values.len().saturating_sub(1)).unwrap_or_default();
        encoded(self.spec, &self.spec.layout()?, begins)
    }
}

impl BatchSink for Cut<'_> {
    fn push(&mut self, _: RecordBatch) -> Result<Flow> {
        Ok(Flow::Enough)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        verify(self.spec, &self.inputs)?;
        let sampled = self.inputs.iter().map(|runs| runs.samples.memory_bytes()).sum::<usize>();
        let mut memory = self.host.reserve("sort", sampled * 4, WAY_OUT)?;
        let (mut all, mut weights) = (self.spec.layout()?.empty(), Vec::new());
        for runs in &self.inputs {
            all.append(&runs.samples);
            weights.resize(all.len(), runs.weight);
        }
        let order = all.sorted();
        let weights: Vec<f64> = order.iter().map(|row| weights[*row as usize]).collect();
        let samples = all.take(&order);
        let bounds = match &self.spec.cuts {
            Cuts::Even => bounds(&samples, &weights, self.spec.parts),
            Cuts::Bytes(bytes) => bounds(&samples, &weights, self.parts_of(*bytes)),
            Cuts::Buckets { keys } => self.even_buckets(*keys)?,
            Cuts::Given { values, .. } => self.given(values)?,
        };
        memory.resize(bounds.memory_bytes())?;
        Ok(Outcome::Exchange(Arc::new(Exchange::new(self.inputs, bounds, self.spec.parts, memory))))
    }
}
