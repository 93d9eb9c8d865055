//! Reducing: rows to states, states to states, states to one row.

mod sorter;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use partita_columns::Scalar;
use partita_columns::reduce::{Accumulator, Reduction, State, Walk};

use super::sink::BatchSink;
use super::source::BatchSource;
use super::{Flow, Outcome};
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::reduce::{Kept, Output, Reduce};

use sorter::{Sorted, Sorter, walk};

/// What one of [`Reduce::kept`] has seen.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    State(State),
    Sorted(Sorted),
}

/// What a task has seen.
#[derive(Debug, Clone)]
pub struct States(Vec<Seen>);

impl States {
    /// Of later partitions, behind these.
    fn merge(&mut self, later: &States) -> Result<()> {
        for (seen, later) in self.0.iter_mut().zip(&later.0) {
            match (seen, later) {
                (Seen::State(state), Seen::State(later)) => state.merge(later)?,
                (Seen::Sorted(sorted), Seen::Sorted(later)) => sorted.merge(later),
                _ => return Err(ErrorKind::Missing("states of one reduction".into()).into()),
            }
        }
        Ok(())
    }

    fn compact(&mut self, host: &dyn Host) -> Result<()> {
        for seen in &mut self.0 {
            if let Seen::Sorted(sorted) = seen {
                sorted.compact(host)?;
            }
        }
        Ok(())
    }
}

/// Takes rows into the states of a task.
pub(super) struct Reducer<'a> {
    reduce: &'a Reduce,
    taking: Vec<Taking<'a>>,
}

enum Taking<'a> {
    State(State),
    Sorter(Box<Sorter<'a>>),
}

impl<'a> Reducer<'a> {
    pub(super) fn new(reduce: &'a Reduce, host: &'a dyn Host) -> Result<Self> {
        let sorted = reduce.kept.iter().filter(|kept| kept.accumulator == Accumulator::Sorted).count();
        let take = |kept: &Kept| {
            let types = reduce.types(kept);
            Ok(match (kept.accumulator, types.as_slice()) {
                (Accumulator::Sorted, [data_type]) => {
                    Taking::Sorter(Box::new(Sorter::new(host, data_type, sorted)?))
                }
                (accumulator, types) => Taking::State(accumulator.start(types)?),
            })
        };
        Ok(Self { reduce, taking: reduce.kept.iter().map(take).collect::<Result<_>>()? })
    }

    fn into_states(self) -> Result<States> {
        let seen = self.taking.into_iter().map(|taking| {
            Ok(match taking {
                Taking::State(state) => Seen::State(state),
                Taking::Sorter(sorter) => Seen::Sorted(sorter.finish()?),
            })
        });
        seen.collect::<Result<_>>().map(States)
    }
}

impl BatchSink for Reducer<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        let columns = self.reduce.columns(&batch)?;
        for (taking, kept) in self.taking.iter_mut().zip(&self.reduce.kept) {
            let of: Vec<ArrayRef> = kept.inputs.iter().map(|at| Arc::clone(&columns[*at])).collect();
            match (taking, of.as_slice()) {
                (Taking::Sorter(sorter), [column]) => sorter.update(column)?,
                (Taking::Sorter(_), _) => return Err(ErrorKind::Missing("one column to sort".into()).into()),
                (Taking::State(state), of) => state.update(of, batch.num_rows())?,
            }
        }
        Ok(Flow::More)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::States(Arc::new(self.into_states()?)))
    }
}

/// Merges the states of earlier tasks.
pub(super) struct Merger(States);

impl Merger {
    pub(super) fn new(reduce: &Reduce, inputs: &[Outcome], host: &dyn Host) -> Result<Self> {
        let mut states = merged_states(reduce, inputs, host)?;
        states.compact(host)?;
        Ok(Self(states))
    }
}

impl BatchSink for Merger {
    fn push(&mut self, _: RecordBatch) -> Result<Flow> {
        Ok(Flow::Enough)
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::States(Arc::new(self.0)))
    }
}

/// The one row.
pub(super) struct Reduced(Option<RecordBatch>);

impl Reduced {
    pub(super) fn new(reduce: &Reduce, inputs: &[Outcome], host: &dyn Host) -> Result<Self> {
        let mut states = merged_states(reduce, inputs, host)?;
        states.compact(host)?;
        Ok(Self(Some(finish(reduce, &states, host)?)))
    }
}

impl BatchSource for Reduced {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        Ok(self.0.take())
    }
}

/// The states of what holds no data.
pub(super) fn states_of(states: &States) -> Result<Vec<State>> {
    let state = |seen: &Seen| match seen {
        Seen::State(state) => Ok(state.clone()),
        Seen::Sorted(_) => Err(ErrorKind::Missing("a state that holds no data".into()).into()),
    };
    states.0.iter().map(state).collect()
}

/// The states of earlier tasks together; of none, those of no rows.
pub(super) fn merged_states(reduce: &Reduce, inputs: &[Outcome], host: &dyn Host) -> Result<States> {
    let mut total: Option<States> = None;
    for input in inputs {
        let Outcome::States(states) = input else {
            return Err(ErrorKind::Missing("the states of an earlier task".into()).into());
        };
        match &mut total {
            None => total = Some(States::clone(states)),
            Some(total) => total.merge(states)?,
        }
    }
    total.map_or_else(|| Reducer::new(reduce, host)?.into_states(), Ok)
}

/// The row of states that have seen everything.
fn finish(reduce: &Reduce, states: &States, host: &dyn Host) -> Result<RecordBatch> {
    // Values in the place of their outputs.
    let mut values: Vec<Scalar> = Vec::with_capacity(reduce.outputs.len());
    let walks: Vec<Option<Walk>> = walks(reduce, states, host)?;
    for output in &reduce.outputs {
        values.push(match output {
            Output::Known(value) => value.clone(),
            Output::Reduced { reduction, kept } => {
                let types = reduce.kept.get(*kept).map_or_else(Vec::new, |kept| reduce.types(kept));
                match (states.0.get(*kept), walks.get(*kept)) {
                    (Some(Seen::State(state)), _) => reduction.finish(state, &types)?,
                    (Some(Seen::Sorted(_)), Some(Some(walk))) => walk.answer(*reduction)?,
                    _ => return Err(ErrorKind::Missing("a state".into()).into()),
                }
            }
        });
    }
    let columns = values.iter().zip(reduce.schema.fields());
    let columns = columns.map(|(value, field)| Ok(value.to_array_of(field.data_type(), 1)?));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    Ok(RecordBatch::try_new_with_options(Arc::clone(&reduce.schema), columns, &options)?)
}

/// One walk over each sorted column, for all that is asked of it.
fn walks(reduce: &Reduce, states: &States, host: &dyn Host) -> Result<Vec<Option<Walk>>> {
    let mut walks = Vec::with_capacity(states.0.len());
    for (place, (seen, kept)) in states.0.iter().zip(&reduce.kept).enumerate() {
        let types = reduce.types(kept);
        let (Seen::Sorted(sorted), [data_type]) = (seen, types.as_slice()) else {
            walks.push(None);
            continue;
        };
        let questions = reduce.outputs.iter().filter_map(|output| match output {
            Output::Reduced { reduction, kept } if *kept == place => Some(*reduction),
            _ => None,
        });
        let questions: Vec<Reduction> = questions.collect();
        let mut over = Walk::new(data_type, sorted.valid, sorted.nulls, &questions);
        walk(&sorted.runs, host, |keys| Ok(over.push(&keys)?))?;
        walks.push(Some(over));
    }
    Ok(walks)
}
