//! Carrying a program out: batches are pushed, one at a time, from the source through the operators into the
//! sink, so that a task holds a few batches and its sink's state, never its partition.

mod ahead;
mod distinct;
mod early;
mod exchange;
mod explode;
mod group;
mod operators;
mod reduce;
mod running;
mod sink;
mod source;
#[cfg(test)]
mod tests;
mod within;

use std::sync::Arc;

use partita_columns::{Partition, Scalar};

use crate::error::{ErrorKind, Result};
pub(crate) use crate::expr::Flow;
use crate::host::{Host, Reservation};
use crate::program::{PROGRAM_VERSION, Program};

pub use ahead::HeldText;
pub use exchange::{Exchange, Places, Runs, StoredRows};
use operators::Chain;
pub use reduce::States;
use sink::BatchSink;
use source::{BatchSource, Opened};

/// A partition in memory, and the promise that pays for it.
pub struct Held {
    /// The rows.
    pub partition: Partition,
    /// Given back when the last holder drops it.
    pub memory: Box<dyn Reservation>,
}

/// The first and the last value of the index in a frame of the store, where its rows are in order of it.
pub type Fence = Option<(Scalar, Scalar)>;

/// What a task leaves behind.
#[derive(Clone)]
pub enum Outcome {
    /// A collected partition.
    Partition(Arc<Held>),
    /// A number of rows.
    Count(u64),
    /// Values that are not null, column by column.
    Counts(Arc<[u64]>),
    /// A block of a compressed file, decompressed ahead of its task.
    Text(Arc<HeldText>),
    /// What was seen of the rows, for each of [`crate::reduce::Reduce::kept`].
    States(Arc<States>),
    /// Sorted runs.
    Runs(Arc<Runs>),
    /// Sorted runs of all tasks, and where they are cut.
    Exchange(Arc<Exchange>),
    /// A partition that was stored, and its index in each frame.
    Stored(Arc<[Fence]>),
    /// Rows as they came.
    Rows(Arc<StoredRows>),
    /// The rows of all tasks, and where they are cut.
    Places(Arc<Places>),
    /// Nothing but its effects.
    Done,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Partition(held) => write!(out, "Partition({} rows)", held.partition.rows()),
            Outcome::Count(rows) => write!(out, "Count({rows})"),
            Outcome::Counts(counts) => write!(out, "Counts({counts:?})"),
            Outcome::Text(text) => write!(out, "Text({} bytes)", text.bytes()),
            Outcome::States(states) => write!(out, "{states:?}"),
            Outcome::Runs(runs) => write!(out, "{runs:?}"),
            Outcome::Exchange(exchange) => write!(out, "{exchange:?}"),
            Outcome::Stored(fences) => write!(out, "Stored({} frames)", fences.len()),
            Outcome::Rows(rows) => write!(out, "{rows:?}"),
            Outcome::Places(places) => write!(out, "{places:?}"),
            Outcome::Done => write!(out, "Done"),
        }
    }
}

/// Runs `program` against `host`; `inputs` are the outcomes of the task's dependencies, in order.
///
/// # Errors
/// The first thing that goes wrong: input, memory, a user's function, the host, cancellation.
pub fn run(program: &Program, inputs: &[Outcome], host: &dyn Host) -> Result<Outcome> {
    if program.version != PROGRAM_VERSION {
        return Err(ErrorKind::Missing(format!("program version {}", program.version)).into());
    }
    carry_out(program, inputs, host).map_err(|error| source::accused(program, error, host))
}

fn carry_out(program: &Program, inputs: &[Outcome], host: &dyn Host) -> Result<Outcome> {
    let mut source = match source::open(program, inputs, host)? {
        Opened::Source(source) => source,
        Opened::Over(outcome) => return Ok(outcome),
    };
    let mut chain = Chain::new(&program.operators, source::comes_again(program), host)?;
    let mut sink = sink::open(program, inputs, host)?;
    loop {
        let flow = pass(&mut *source, &mut chain, &mut *sink, host)?;
        let wants_again = chain.end_pass(&mut *sink)?;
        if flow == Flow::Enough || !wants_again {
            break;
        }
        // What it holds goes first.
        drop(source);
        source = match source::open(program, inputs, host)? {
            Opened::Source(source) => source,
            Opened::Over(outcome) => return Ok(outcome),
        };
    }
    chain.finish(&mut *sink)?;
    let outcome = sink.finish()?;
    source.done();
    Ok(outcome)
}

/// Pushes all batches of the source, until there are enough.
fn pass(
    source: &mut dyn BatchSource,
    chain: &mut Chain<'_>,
    sink: &mut dyn BatchSink,
    host: &dyn Host,
) -> Result<Flow> {
    let mut flow = Flow::More;
    while flow == Flow::More {
        let batch = source.next()?;
        (0..source.ended()).try_for_each(|_| sink.end_partition())?;
        let Some(batch) = batch else { break };
        if host.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        flow = chain.push(batch, sink)?;
    }
    source.close()?;
    Ok(flow)
}
