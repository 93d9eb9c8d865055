//! Programs as the executor runs them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use partita_schedule::{Hope, RunId, TaskId};
use partita_tasks::interpret::{self, Outcome};
use partita_tasks::program::{Sink, Source};
use partita_tasks::{ErrorKind, Program};

use super::{Call, Engine, Extras};
use crate::error::{Error, ErrorKind as RuntimeErrorKind};
use crate::executor::{Admission, Failure, RunError, Runner, TaskContext};
use crate::host::RunHost;
use crate::ledger::Reservation;

/// What a task holds that stores its rows, in bytes: frames go to disk where memory is short.
const STORE_BYTES: usize = 16 << 20;

/// What a reader of Parquet holds, in bytes: a page and its decompressed form of some columns, and a batch.
const PARQUET_BYTES: usize = 8 << 20;

/// What a task holds that writes files of rows, in bytes.
const ROWS_BYTES: usize = 8 << 20;

/// Marks that no task is forced.
const NONE: u64 = u64::MAX;

/// Runs Programs of one call against the engine.
pub(super) struct ProgramRunner<'a> {
    engine: &'a Engine,
    call: &'a Call,
    run: RunId,
    host: RunHost<'a>,
    /// A source that starts although its estimate does not fit, because nothing else runs: the estimate may be
    /// too high, and where it is not, the task's own reservation says so with a better error.
    forced: AtomicU64,
}

impl<'a> ProgramRunner<'a> {
    pub(super) fn new(engine: &'a Engine, call: &'a Call, run: RunId, extras: &Extras<'a>) -> Self {
        let host = RunHost::new(engine, call, extras.dataset, extras.pool.clone());
        Self { engine, call, run, host, forced: AtomicU64::new(NONE) }
    }
}

impl ProgramRunner<'_> {
    /// What a source is expected to hold at its peak: the reader's buffers, and what its sink gathers.
    fn estimate_bytes(&self, program: &Program) -> usize {
        let (reader, input_bytes) = match &program.source {
            Source::Csv(scan) => {
                let limits = &scan.file.block.limits;
                let input_bytes = scan.range.end.saturating_sub(scan.range.start);
                (
                    limits.chunk_bytes * 4 + limits.batch_bytes_max,
                    usize::try_from(input_bytes).unwrap_or(usize::MAX),
                )
            }
            Source::Parquet(scan) => {
                let input_bytes = scan.pieces.iter().map(|piece| piece.bytes).fold(0, u64::saturating_add);
                (PARQUET_BYTES, usize::try_from(input_bytes).unwrap_or(usize::MAX))
            }
            _ => (0, 0),
        };
        let gathered = match &program.sink {
            Sink::Collect => input_bytes,
            // A frame, and the one that it is joined from.
            Sink::Store { .. } | Sink::Stream(_) => STORE_BYTES,
            // Rows, and what their run is made of.
            Sink::Runs { .. } => input_bytes.min(self.engine.run_bytes()).saturating_mul(2),
            // Encoded and compressed.
            Sink::Parquet { .. } => input_bytes / 2,
            // A piece and what it is put together from.
            Sink::Rows { .. } => ROWS_BYTES,
            _ => 0,
        };
        reader.saturating_add(gathered)
    }
}

impl Runner for ProgramRunner<'_> {
    type Payload = Program;
    type Output = Outcome;
    type Permit = Option<Reservation>;
    type Error = partita_tasks::Error;

    fn admit(&self, context: TaskContext, program: &Program) -> Admission<Self::Permit> {
        let task = u64::from(context.task.0);
        if self.forced.compare_exchange(task, NONE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return Admission::Granted(None);
        }
        match self.engine.ledger.try_reserve("admission", self.estimate_bytes(program)) {
            Ok(permit) => Admission::Granted(Some(permit)),
            Err(_) => Admission::Later,
        }
    }

    fn wait_for_memory(&self, task: TaskId, program: &Program) -> Result<(), partita_tasks::Error> {
        let wanted = self.estimate_bytes(program) as u64;
        if !self.engine.ledger.wait_for_room(wanted, Duration::from_millis(200)) {
            self.forced.store(u64::from(task.0), Ordering::Release);
        }
        Ok(())
    }

    fn run(
        &self,
        _: TaskContext,
        program: &Program,
        inputs: &[Outcome],
        permit: Option<Self::Permit>,
    ) -> Result<Outcome, Failure<partita_tasks::Error>> {
        // What the permit held is what the task now reserves for itself, buffer by buffer.
        drop(permit);
        let done = interpret::run(program, inputs, &self.host);
        self.call.progress.task_done();
        if done.is_ok() {
            self.engine.store.needed_no_more(self.run.0, program.source.stored());
        }
        match &done {
            Ok(Outcome::Text(text)) => self.host.note_text(text),
            Err(error) if error.is_short_of_memory() => self.host.drop_texts(),
            _ => {}
        }
        done.map_err(|error| {
            let hope = if self.call.cancel.is_cancelled() {
                Hope::None
            } else if error.is_short_of_memory() {
                Hope::Alone
            } else if error.is_transient() {
                Hope::Later
            } else {
                Hope::None
            };
            Failure { error, hope }
        })
    }

    fn output_bytes(&self, output: &Outcome) -> u64 {
        match output {
            Outcome::Partition(held) => held.partition.bytes() as u64,
            Outcome::Text(text) => text.bytes() as u64,
            _ => 0,
        }
    }

    fn stop(&self) {
        self.host.stop();
    }
}

/// The error of a run, with the task's own error on top.
pub(super) fn run_error(error: RunError<partita_tasks::Error>) -> Error {
    match error {
        RunError::Task { error, .. } if matches!(error.kind(), ErrorKind::Cancelled) => {
            RuntimeErrorKind::Cancelled.into()
        }
        RunError::Task { error, .. } => RuntimeErrorKind::Task(error).into(),
        RunError::Panicked { place, message } => RuntimeErrorKind::Panicked { task: place, message }.into(),
        RunError::Cancelled => RuntimeErrorKind::Cancelled.into(),
        RunError::Graph(error) => RuntimeErrorKind::Graph(error).into(),
    }
}
