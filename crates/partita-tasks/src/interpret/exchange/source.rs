//! One part, in order.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Exchange;
use super::merge::{Merge, Span};
use crate::error::{ErrorKind, Result};
use crate::exchange::SortSpec;
use crate::host::Host;
use crate::interpret::Outcome;
use crate::interpret::source::BatchSource;

/// What the exchange has of one part.
pub(in crate::interpret) struct Sorted<'a> {
    exchange: &'a Arc<Exchange>,
    part: usize,
    rows: u64,
    merge: Option<Merge<'a>>,
    is_whole: bool,
}

impl<'a> Sorted<'a> {
    pub(in crate::interpret) fn new(
        spec: &'a SortSpec,
        part: usize,
        inputs: &'a [Outcome],
        host: &'a dyn Host,
    ) -> Result<Self> {
        let Some(Outcome::Exchange(exchange)) = inputs.first() else {
            return Err(ErrorKind::Missing("an exchange".into()).into());
        };
        let bounds = &exchange.bounds;
        let mut sorted = Self { exchange, part, rows: 0, merge: None, is_whole: false };
        if part <= bounds.len() {
            let until = (part < bounds.len()).then_some(part);
            let span = Span { bounds, from: part.checked_sub(1), until };
            let runs = exchange.inputs.iter().flat_map(|runs| &runs.runs);
            sorted.merge = Some(Merge::new(spec, span, runs, host)?);
        }
        Ok(sorted)
    }
}

impl BatchSource for Sorted<'_> {
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
        if self.is_whole { self.exchange.merged(self.part, self.rows) } else { Ok(()) }
    }
}
