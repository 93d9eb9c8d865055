//! Reducing: rows to states, states to states, states to one row.

mod branch;
mod sorter;

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use partita_columns::Scalar;
use partita_columns::reduce::{Reduction, State, Walk};

use super::sink::BatchSink;
use super::source::BatchSource;
use super::{Flow, Outcome};
use crate::error::{ErrorKind, Result};
use crate::host::{Host, Reservation};
use crate::reduce::{Output, Reduce};

use branch::Branch;
use sorter::{Sorted, WAY_OUT, walk};

/// The account in the ledger.
const ACCOUNT: &str = "reduce";

/// What one of [`Reduce::kept`] has seen.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    State(State),
    Sorted(Sorted),
}

impl Seen {
    /// Bytes of memory that it takes.
    fn memory_bytes(&self) -> usize {
        let heap = match self {
            Seen::State(state) => state.memory_bytes(),
            Seen::Sorted(sorted) => sorted.memory_bytes(),
        };
        size_of::<Seen>() + heap
    }
}

fn memory_bytes(seen: &[Seen]) -> usize {
    seen.iter().map(Seen::memory_bytes).sum()
}

/// What a task has seen, and the promise that pays for it.
pub struct States {
    seen: Vec<Seen>,
    memory: Box<dyn Reservation>,
}

impl fmt::Debug for States {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "States({:?}, {} bytes)", self.seen, self.memory.bytes())
    }
}

impl States {
    /// A copy of these.
    fn copy(&self, host: &dyn Host) -> Result<Self> {
        let memory = host.reserve(ACCOUNT, memory_bytes(&self.seen), WAY_OUT)?;
        Ok(Self { seen: self.seen.clone(), memory })
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        memory_bytes(&self.seen)
    }

    /// Of later partitions, behind these.
    pub(super) fn merge(&mut self, later: &States) -> Result<()> {
        // Levels of a sketch are joined before they are halved.
        self.memory.resize(memory_bytes(&self.seen) + 2 * memory_bytes(&later.seen))?;
        for (seen, later) in self.seen.iter_mut().zip(&later.seen) {
            match (seen, later) {
                (Seen::State(state), Seen::State(later)) => state.merge(later)?,
                (Seen::Sorted(sorted), Seen::Sorted(later)) => sorted.merge(later),
                _ => return Err(ErrorKind::Missing("states of one reduction".into()).into()),
            }
        }
        self.memory.resize(memory_bytes(&self.seen))
    }

    fn compact(&mut self, host: &dyn Host) -> Result<()> {
        for seen in &mut self.seen {
            if let Seen::Sorted(sorted) = seen {
                sorted.compact(host)?;
            }
        }
        self.memory.resize(memory_bytes(&self.seen))
    }
}

/// Takes rows into the states of a task.
pub(super) struct Reducer<'a> {
    branches: Vec<Branch<'a>>,
    host: &'a dyn Host,
}

impl<'a> Reducer<'a> {
    pub(super) fn new(reduce: &Reduce, host: &'a dyn Host) -> Result<Self> {
        Ok(Self { branches: branch::all(reduce, host)?, host })
    }

    fn into_states(self) -> Result<States> {
        let mut placed = Vec::new();
        let mut paid = Vec::new();
        for branch in self.branches {
            let (seen, memory) = branch.finish()?;
            placed.extend(seen);
            paid.push(memory);
        }
        placed.sort_unstable_by_key(|(place, _)| *place);
        let seen: Vec<Seen> = placed.into_iter().map(|(_, seen)| seen).collect();
        let mut memory = match <[_; 1]>::try_from(paid) {
            Ok([one]) => one,
            Err(several) => {
                drop(several);
                self.host.reserve(ACCOUNT, 0, WAY_OUT)?
            }
        };
        memory.resize(memory_bytes(&seen))?;
        Ok(States { seen, memory })
    }
}

impl BatchSink for Reducer<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Flow> {
        self.branches.iter_mut().try_for_each(|branch| branch.push(&batch))?;
        Ok(Flow::More)
    }

    fn end_partition(&mut self) -> Result<()> {
        self.branches.iter_mut().try_for_each(Branch::end_partition)
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
    states.seen.iter().map(state).collect()
}

/// The states of earlier tasks together; of none, those of no rows.
pub(super) fn merged_states(reduce: &Reduce, inputs: &[Outcome], host: &dyn Host) -> Result<States> {
    let mut total: Option<States> = None;
    for input in inputs {
        let Outcome::States(states) = input else {
            return Err(ErrorKind::Missing("the states of an earlier task".into()).into());
        };
        match &mut total {
            None => total = Some(states.copy(host)?),
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
                match (states.seen.get(*kept), walks.get(*kept)) {
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
    let mut walks = Vec::with_capacity(states.seen.len());
    for (place, (seen, kept)) in states.seen.iter().zip(&reduce.kept).enumerate() {
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
