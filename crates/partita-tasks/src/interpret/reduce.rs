//! Reducing: rows to states, states to states, states to one row.

use arrow::array::RecordBatch;
use partita_columns::reduce::State;

use super::sink::BatchSink;
use super::source::BatchSource;
use super::{Flow, Outcome};
use crate::error::{ErrorKind, Result};
use crate::reduce::{Reduce, merge};

/// Takes rows into the states of a task.
pub(super) struct Reducer<'a> {
    reduce: &'a Reduce,
    states: Vec<State>,
}

impl<'a> Reducer<'a> {
    /// Goes on from the states of earlier tasks, where there are any.
    pub(super) fn new(reduce: &'a Reduce, inputs: &[Outcome]) -> Result<Self> {
        Ok(Self { reduce, states: merged(reduce, inputs)? })
    }
}

impl BatchSink for Reducer<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        self.reduce.update(&mut self.states, &batch)?;
        Ok(Flow::More)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::States(self.states.into()))
    }
}

/// The one row.
pub(super) struct Reduced(Option<RecordBatch>);

impl Reduced {
    pub(super) fn new(reduce: &Reduce, inputs: &[Outcome]) -> Result<Self> {
        Ok(Self(Some(reduce.finish(&merged(reduce, inputs)?)?)))
    }
}

impl BatchSource for Reduced {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        Ok(self.0.take())
    }
}

fn merged(reduce: &Reduce, inputs: &[Outcome]) -> Result<Vec<State>> {
    let mut total: Option<Vec<State>> = None;
    for input in inputs {
        let Outcome::States(states) = input else {
            return Err(ErrorKind::Missing("the states of an earlier task".into()).into());
        };
        match &mut total {
            None => total = Some(states.to_vec()),
            Some(total) => merge(total, states)?,
        }
    }
    total.map_or_else(|| reduce.start(), Ok)
}
