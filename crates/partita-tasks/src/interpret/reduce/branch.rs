//! The rows of a task to states: all of its rows, or those where a condition is true.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use partita_columns::compute;
use partita_columns::reduce::{Accumulator, State};

use super::sorter::{Sorter, WAY_OUT};
use super::{ACCOUNT, Flow, Seen};
use crate::error::{ErrorKind, Result};
use crate::expr::{BoundExpr, Meter, Prepared};
use crate::host::{Host, Reservation};
use crate::reduce::{Kept, Reduce};

/// What is kept of the same rows.
pub(super) struct Branch<'a> {
    rows: Option<Rows>,
    inputs: Prepared,
    input_schema: Schema,
    meter: Meter,
    takers: Takers<'a>,
}

/// Rows where a condition is true, of some columns.
struct Rows {
    predicate: Prepared,
    columns: Vec<usize>,
    meter: Meter,
}

/// The states on their way.
struct Takers<'a> {
    /// Places in [`Reduce::kept`].
    places: Vec<usize>,
    /// What is kept, of the inputs of the branch.
    kept: Vec<Kept>,
    each: Vec<Taker<'a>>,
    /// What partitions before this one have left, where there are any.
    before: Vec<State>,
    memory: Box<dyn Reservation>,
}

/// What was seen, each with its place in [`Reduce::kept`], and the promise that pays for it.
pub(super) type Placed = (Vec<(usize, Seen)>, Box<dyn Reservation>);

enum Taker<'a> {
    State(State),
    Sorter(Box<Sorter<'a>>),
}

/// One branch a condition, and one of all rows where something is kept of them.
pub(super) fn all<'a>(reduce: &Reduce, host: &'a dyn Host) -> Result<Vec<Branch<'a>>> {
    let filters = std::iter::once(None).chain((0..reduce.filters.len()).map(Some));
    let used = filters.filter(|filter| reduce.kept.iter().any(|kept| kept.filter == *filter));
    used.map(|filter| Branch::new(reduce, filter, host)).collect()
}

impl<'a> Branch<'a> {
    fn new(reduce: &Reduce, filter: Option<usize>, host: &'a dyn Host) -> Result<Self> {
        let places: Vec<usize> =
            (0..reduce.kept.len()).filter(|place| reduce.kept[*place].filter == filter).collect();
        let mut used: Vec<usize> =
            places.iter().flat_map(|place| reduce.kept[*place].inputs.iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        let inputs =
            used.iter().filter_map(|at| reduce.inputs.get(*at)).map(|input| input.expression.clone());
        let mut inputs: Vec<BoundExpr> = inputs.collect();
        let rows = match filter.and_then(|filter| reduce.filters.get(filter)) {
            Some(predicate) => {
                let mut columns: Vec<usize> = inputs.iter().flat_map(BoundExpr::columns).collect();
                columns.sort_unstable();
                columns.dedup();
                let position = |column: usize| columns.binary_search(&column).unwrap_or(column);
                inputs.iter_mut().for_each(|input| *input = input.remap(&position));
                let predicate = Prepared::new(std::slice::from_ref(predicate));
                Some(Rows { predicate, columns, meter: Meter::new(host)? })
            }
            None => None,
        };
        Ok(Self {
            rows,
            inputs: Prepared::new(&inputs),
            input_schema: reduce.input_schema().project(&used)?,
            meter: Meter::new(host)?,
            takers: Takers::new(reduce, places, &used, host)?,
        })
    }

    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let Self { rows, inputs, input_schema, meter, takers } = self;
        let kept = rows.as_ref().map(|rows| rows.of(batch)).transpose()?;
        let batch = kept.as_ref().unwrap_or(batch);
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let made = |batch: &RecordBatch| Ok((batch.num_rows(), inputs.columns(batch, input_schema, meter)?));
        meter.in_pieces(batch, made, |(rows, columns)| {
            takers.take(&columns, rows)?;
            Ok(Flow::More)
        })?;
        Ok(())
    }

    /// Begins with the rows of the next partition.
    pub(super) fn end_partition(&mut self) -> Result<()> {
        self.takers.end_partition()
    }

    /// What was seen.
    pub(super) fn finish(mut self) -> Result<Placed> {
        self.takers.join_before()?;
        let Takers { places, each, memory, .. } = self.takers;
        let seen = each.into_iter().map(|taker| {
            Ok(match taker {
                Taker::State(state) => Seen::State(state),
                Taker::Sorter(sorter) => Seen::Sorted(sorter.finish()?),
            })
        });
        let seen = seen.collect::<Result<Vec<_>>>()?;
        Ok((places.into_iter().zip(seen).collect(), memory))
    }
}

impl Rows {
    fn of(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mask = self.predicate.mask(batch, &self.meter)?;
        let columns = batch.project(&self.columns)?;
        if mask.true_count() == batch.num_rows() {
            return Ok(columns);
        }
        Ok(compute::filter(&columns, &mask)?)
    }
}

impl<'a> Takers<'a> {
    fn new(reduce: &Reduce, places: Vec<usize>, used: &[usize], host: &'a dyn Host) -> Result<Self> {
        let sorted = reduce.kept.iter().filter(|kept| kept.accumulator == Accumulator::Sorted).count();
        let taker = |place: &usize| {
            let kept = &reduce.kept[*place];
            let types = reduce.types(kept);
            Ok(match (kept.accumulator, types.as_slice()) {
                (Accumulator::Sorted, [data_type]) => {
                    Taker::Sorter(Box::new(Sorter::new(host, data_type, sorted)?))
                }
                (accumulator, types) => Taker::State(accumulator.start(types)?),
            })
        };
        let each = places.iter().map(taker).collect::<Result<Vec<_>>>()?;
        let at = |input: &usize| used.binary_search(input).unwrap_or(*input);
        let kept = places.iter().map(|place| {
            let kept = &reduce.kept[*place];
            Kept { inputs: kept.inputs.iter().map(at).collect(), ..kept.clone() }
        });
        let kept = kept.collect();
        let memory = host.reserve(ACCOUNT, 0, WAY_OUT)?;
        let mut takers = Self { places, kept, each, before: Vec::new(), memory };
        takers.reserve(&[], 0)?;
        Ok(takers)
    }

    /// Asks for what the states may have after these rows.
    fn reserve(&mut self, columns: &[ArrayRef], rows: usize) -> Result<()> {
        let mut bytes = self.each.len() * size_of::<Seen>();
        // Levels of a sketch are joined before they are halved.
        bytes += self.before.iter().map(|state| size_of::<State>() + 2 * state.memory_bytes()).sum::<usize>();
        for (taker, kept) in self.each.iter().zip(&self.kept) {
            if let Taker::State(state) = taker {
                let column = kept.inputs.first().and_then(|at| columns.get(*at));
                bytes += state.need_bytes(column, rows);
            }
        }
        if bytes > self.memory.bytes() { self.memory.resize(bytes) } else { Ok(()) }
    }

    /// Puts the states of this partition behind those of the ones before, and begins again.
    fn end_partition(&mut self) -> Result<()> {
        self.join_before()?;
        for taker in &mut self.each {
            let Taker::State(state) = taker else {
                return Err(ErrorKind::Missing("states that hold no data".into()).into());
            };
            let next = state.emptied();
            self.before.push(std::mem::replace(state, next));
        }
        self.reserve(&[], 0)
    }

    /// Puts the states of this partition behind those of the ones before.
    fn join_before(&mut self) -> Result<()> {
        for (taker, mut before) in self.each.iter_mut().zip(self.before.drain(..)) {
            if let Taker::State(state) = taker {
                before.merge(state)?;
                *state = before;
            }
        }
        Ok(())
    }

    fn take(&mut self, columns: &[ArrayRef], rows: usize) -> Result<()> {
        self.reserve(columns, rows)?;
        for (taker, kept) in self.each.iter_mut().zip(&self.kept) {
            let of: Vec<ArrayRef> = kept.inputs.iter().map(|at| Arc::clone(&columns[*at])).collect();
            match (taker, of.as_slice()) {
                (Taker::Sorter(sorter), [column]) => sorter.update(column)?,
                (Taker::Sorter(_), _) => return Err(ErrorKind::Missing("one column to sort".into()).into()),
                (Taker::State(state), of) => state.update(of, rows)?,
            }
        }
        Ok(())
    }
}
