//! A function over a part and rows of its neighbours.

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::Int64Type;
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;

use super::place::{Extent, Places, Stretch, ticks};
use crate::error::{Error, ErrorKind, Result};
use crate::exchange::{By, Overlap, Reach};
use crate::host::{Host, Reservation};
use crate::interpret::Outcome;
use crate::interpret::operators::check_declared;
use crate::interpret::source::BatchSource;

const WAY_OUT: &str = "make partitions smaller";

/// Calls the function once, and hands out what it returned for the rows of the part.
pub(in crate::interpret) struct Overlapped<'a> {
    overlap: &'a Overlap,
    part: usize,
    places: &'a Places,
    host: &'a dyn Host,
    returned: Option<std::vec::IntoIter<RecordBatch>>,
    memory: Box<dyn Reservation>,
    is_whole: bool,
}

/// What the function is given.
struct Given {
    batches: Vec<RecordBatch>,
    bytes: usize,
    rows: u64,
}

impl<'a> Overlapped<'a> {
    pub(in crate::interpret) fn new(
        overlap: &'a Overlap,
        part: usize,
        inputs: &'a [Outcome],
        host: &'a dyn Host,
    ) -> Result<Self> {
        let memory = host.reserve("map_overlap", 0, WAY_OUT)?;
        let places = Places::of(inputs)?;
        Ok(Self { overlap, part, places, host, returned: None, memory, is_whole: false })
    }

    fn call(&mut self) -> Result<Vec<RecordBatch>> {
        let own = self.places.part(self.part);
        if own.is_empty() {
            return Ok(Vec::new());
        }
        let mut given = Given { batches: Vec::new(), bytes: 0, rows: 0 };
        self.before(&own, &mut given)?;
        let before = given.rows;
        self.stretch(own.clone(), &mut given)?;
        self.after(&own, &mut given)?;
        let function = self.host.function(self.overlap.function)?;
        let schema = &self.overlap.spec.schema;
        let returned = function.call(schema, given.batches).map_err(named)?;
        for batch in &returned {
            check_declared(&self.overlap.schema, &batch.schema()).map_err(named)?;
        }
        self.memory.resize(unique_buffer_bytes(&returned))?;
        let rows: u64 = returned.iter().map(|batch| batch.num_rows() as u64).sum();
        if rows != given.rows {
            let message = format!("given {} rows, returned {rows}; return one for each", given.rows);
            return Err(ErrorKind::OverlapFunction(message).into());
        }
        Ok(trimmed(returned, before, own.end - own.start))
    }

    /// Takes rows of neighbours that come before the part.
    fn before(&mut self, own: &std::ops::Range<u64>, given: &mut Given) -> Result<()> {
        let ticks = match self.overlap.before {
            Reach::Rows(rows) => return self.stretch(own.start.saturating_sub(rows)..own.start, given),
            Reach::Ticks(ticks) => ticks,
        };
        let Some((least, _)) = self.extent(self.part) else { return Ok(()) };
        let beyond = least.saturating_sub(ticks);
        let is_near = |extent: Extent| extent.is_some_and(|(_, greatest)| greatest > beyond);
        let mut first = self.part;
        while first > 0 && (self.extent(first - 1).is_none() || is_near(self.extent(first - 1))) {
            first -= 1;
        }
        self.near(first..self.part, |at| at > beyond, is_near, given)
    }

    /// Takes rows of neighbours that come behind the part.
    fn after(&mut self, own: &std::ops::Range<u64>, given: &mut Given) -> Result<()> {
        let ticks = match self.overlap.after {
            Reach::Rows(rows) => {
                let until = own.end.saturating_add(rows).min(self.places.rows());
                return self.stretch(own.end..until, given);
            }
            Reach::Ticks(ticks) => ticks,
        };
        let Some((_, greatest)) = self.extent(self.part) else { return Ok(()) };
        let beyond = greatest.saturating_add(ticks);
        let is_near = |extent: Extent| extent.is_some_and(|(least, _)| least < beyond);
        let mut end = self.part + 1;
        while end < self.places.inputs.len() && (self.extent(end).is_none() || is_near(self.extent(end))) {
            end += 1;
        }
        self.near(self.part + 1..end, |at| at < beyond, is_near, given)
    }

    /// The least and the greatest value of the index in a partition.
    fn extent(&self, partition: usize) -> Extent {
        let frames = self.places.inputs.get(partition)?.frames.iter().filter_map(|frame| frame.1);
        frames.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    fn stretch(&mut self, rows: std::ops::Range<u64>, given: &mut Given) -> Result<()> {
        let mut stretch = Stretch::new(self.places, rows, self.host);
        while let Some(batch) = stretch.next()? {
            self.take(&batch, given)?;
        }
        Ok(())
    }

    /// Takes the rows of some partitions whose index is near.
    fn near(
        &mut self,
        partitions: std::ops::Range<usize>,
        is_wanted: impl Fn(i64) -> bool,
        may_have: impl Fn(Extent) -> bool,
        given: &mut Given,
    ) -> Result<()> {
        let By::Place { index: Some(index), .. } = self.overlap.spec.by else {
            return Err(ErrorKind::Missing("an index".into()).into());
        };
        for input in self.places.inputs.get(partitions).unwrap_or_default() {
            for (number, frame) in input.frames.iter().enumerate() {
                if !may_have(frame.1) {
                    continue;
                }
                let Some(batch) = self.host.stored_from(input.place.key(), number)?.next()? else { continue };
                let at = ticks(&batch, index)?;
                let at = at.as_primitive::<Int64Type>();
                let mask: BooleanArray = at.iter().map(|at| Some(at.is_some_and(&is_wanted))).collect();
                self.take(&compute::filter(&batch, &mask)?, given)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, batch: &RecordBatch, given: &mut Given) -> Result<()> {
        if self.host.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = compute::compact(batch)?;
        given.rows += batch.num_rows() as u64;
        given.bytes += unique_buffer_bytes(std::slice::from_ref(&batch));
        self.memory.resize(given.bytes)?;
        given.batches.push(batch);
        Ok(())
    }
}

/// The error of a function, by the call that it was given to.
fn named(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Function(message) => ErrorKind::OverlapFunction(message.clone()).into(),
        _ => error,
    }
}

/// `rows` rows behind the first `skipped`.
fn trimmed(batches: Vec<RecordBatch>, skipped: u64, rows: u64) -> Vec<RecordBatch> {
    let mut at = 0;
    let mut kept = Vec::with_capacity(batches.len());
    for batch in batches {
        let end = at + batch.num_rows() as u64;
        let (from, until) = (at.max(skipped), end.min(skipped + rows));
        if from < until {
            kept.push(compute::slice(&batch, (from - at) as usize, (until - from) as usize));
        }
        at = end;
    }
    kept
}

impl BatchSource for Overlapped<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let returned = match self.returned.take() {
            Some(returned) => returned,
            None => self.call()?.into_iter(),
        };
        let batch = self.returned.insert(returned).next();
        self.is_whole = batch.is_none();
        Ok(batch)
    }

    fn close(&mut self) -> Result<()> {
        let own = self.places.part(self.part);
        if self.is_whole { self.places.tally.add(self.part, own.end - own.start) } else { Ok(()) }
    }
}
