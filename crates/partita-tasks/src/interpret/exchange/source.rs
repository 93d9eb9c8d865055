//! One part, in order.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Exchange;
use super::merge::Merge;
use super::run::{Run, Span};
use super::sink::{FRAME_BYTES, RunWriter};
use crate::error::{ErrorKind, Result};
use crate::exchange::ExchangeSpec;
use crate::host::Host;
use crate::interpret::Outcome;
use crate::interpret::source::BatchSource;

/// Runs that are merged at once: each holds a frame.
const RUNS_MIN: usize = 16;
const RUNS_MAX: usize = 512;

/// What the exchange has of one part.
pub(in crate::interpret) struct Merged<'a> {
    exchange: &'a Arc<Exchange>,
    part: usize,
    rows: u64,
    merge: Option<Merge<'a>>,
    is_whole: bool,
}

impl<'a> Merged<'a> {
    pub(in crate::interpret) fn new(
        spec: &'a ExchangeSpec,
        part: usize,
        inputs: &'a [Outcome],
        host: &'a dyn Host,
    ) -> Result<Self> {
        let Some(Outcome::Exchange(exchange)) = inputs.first() else {
            return Err(ErrorKind::Missing("an exchange".into()).into());
        };
        let mut whole = Self { exchange, part, rows: 0, merge: None, is_whole: false };
        if let Some(span) = exchange.span(part) {
            let runs = few(spec, span, exchange.inputs.iter().flat_map(|runs| &runs.runs), host)?;
            whole.merge = Some(Merge::new(spec, span, &runs, host)?);
        }
        Ok(whole)
    }
}

/// The runs that have rows of a part; where they are more than can be merged at once, others that are merged of them.
fn few<'a>(
    spec: &'a ExchangeSpec,
    span: Span<'a>,
    runs: impl Iterator<Item = &'a Arc<Run>>,
    host: &'a dyn Host,
) -> Result<Vec<Arc<Run>>> {
    let mut runs: Vec<Arc<Run>> = runs.filter(|run| run.overlaps(span)).map(Arc::clone).collect();
    let most = (host.run_bytes() / FRAME_BYTES).clamp(RUNS_MIN, RUNS_MAX);
    let layout = spec.layout()?;
    while runs.iter().filter(|run| matches!(run.as_ref(), Run::Stored(_))).count() > most {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(most));
        for some in runs.chunks(most) {
            let mut merge = Merge::new(spec, span, some, host)?;
            let mut writer = RunWriter::new(&layout, host)?;
            while let Some(batch) = merge.next()? {
                if host.is_cancelled() {
                    return Err(ErrorKind::Cancelled.into());
                }
                writer.push(&batch, &spec.keys(&layout, &batch)?)?;
            }
            merged.push(Arc::new(Run::Stored(writer.finish()?)));
        }
        runs = merged;
    }
    Ok(runs)
}

impl BatchSource for Merged<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let batch = match &mut self.merge {
            Some(merge) => merge.next()?,
            None => None,
        };
        self.is_whole = batch.is_none();
        self.rows += batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        Ok(batch)
    }

    fn close(&mut self) -> Result<()> {
        if self.is_whole { self.exchange.tally.add(self.part, self.rows) } else { Ok(()) }
    }

    fn done(&mut self) {
        self.merge = None;
        self.exchange.finish(self.part);
    }
}
