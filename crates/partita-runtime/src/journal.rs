//! What happened, as a list of events, in a bounded amount of memory.
//!
//! Records of one run lie together, those of no run in a log of their own. Starts and ends of tasks are most of them and
//! are kept in some ten bytes each; all others as JSON. When the journal is full the run that began first goes, a
//! run that is still going on only if it alone is too much: then its oldest records go, but for how it began.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use partita_schedule::event::EventRecord;
use partita_schedule::{Event, RunId};

use crate::executor::Observer;

mod compact;
#[cfg(test)]
mod tests;

use compact::Chunk;

/// Memory that a journal takes at most unless told otherwise, in bytes.
pub const JOURNAL_BYTES_MAX: usize = 16 << 20;

/// Records are dropped in pieces of at most about this size, in bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// What a log takes beside its records, in bytes.
const LOG_BYTES: usize = 256;

/// The journal of a session.
#[derive(Debug)]
pub struct Journal {
    epoch: Instant,
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next_run: u64,
    /// In the order in which they began.
    logs: VecDeque<Log>,
    bytes: usize,
    dropped: u64,
}

/// The records of one run, or of none.
#[derive(Debug)]
struct Log {
    run: Option<RunId>,
    /// How the run began: kept as long as the log.
    head: Chunk,
    chunks: VecDeque<Chunk>,
    is_over: bool,
    bytes: usize,
}

impl Default for Journal {
    fn default() -> Self {
        Journal::new(JOURNAL_BYTES_MAX)
    }
}

impl Journal {
    /// An empty journal of at most about `bytes_max` bytes. Its time begins now.
    pub fn new(bytes_max: usize) -> Self {
        Journal { epoch: Instant::now(), bytes_max, state: Mutex::default() }
    }

    /// The zero of its times.
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// A number for a new run.
    pub fn next_run(&self) -> RunId {
        let mut state = self.lock();
        let run = RunId(state.next_run);
        state.next_run += 1;
        run
    }

    /// Notes what has just happened.
    pub fn note(&self, event: Event) {
        self.observe(&[EventRecord { at: self.epoch.elapsed(), event }]);
    }

    /// Records that were dropped for want of room.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// All records: those of no run first, then run by run in the order in which they began.
    pub fn records(&self) -> Vec<EventRecord> {
        self.lock().in_order().flat_map(Log::records).collect()
    }

    /// The records of one run, in the order in which they were told.
    pub fn records_of(&self, run: RunId) -> Vec<EventRecord> {
        let state = self.lock();
        let log = state.logs.iter().find(|log| log.run == Some(run));
        log.map_or_else(Vec::new, |log| log.records().collect())
    }

    /// Writes all records as JSON, one a line, in the order of [`Journal::records`].
    ///
    /// # Errors
    /// What the writer says. Nobody can record while it writes.
    pub fn write_json_lines(&self, mut out: impl Write) -> io::Result<()> {
        let state = self.lock();
        for record in state.in_order().flat_map(Log::records) {
            serde_json::to_writer(&mut out, &record)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Journal {
    fn observe(&self, records: &[EventRecord]) {
        let mut state = self.lock();
        for record in records {
            state.push(record);
        }
        state.make_room(self.bytes_max);
    }
}

impl State {
    fn in_order(&self) -> impl Iterator<Item = &Log> {
        let of = |is_of_run: bool| self.logs.iter().filter(move |log| log.run.is_some() == is_of_run);
        of(false).chain(of(true))
    }

    fn push(&mut self, record: &EventRecord) {
        let run = record.event.run();
        // The runs that go on are the last ones.
        let place = self.logs.iter().rposition(|log| log.run == run).unwrap_or_else(|| {
            self.logs.push_back(Log::new(run));
            self.bytes += LOG_BYTES;
            self.logs.len() - 1
        });
        let log = &mut self.logs[place];
        let before = log.bytes;
        log.push(record);
        self.bytes += log.bytes - before;
    }

    fn make_room(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max && self.drop_oldest() {}
    }

    /// Drops the run that was over first, else the oldest records of the largest log; says whether there was anything.
    fn drop_oldest(&mut self) -> bool {
        if let Some(place) = self.logs.iter().position(|log| log.is_over)
            && !self.is_mostly_of_no_run()
            && let Some(log) = self.logs.remove(place)
        {
            self.bytes -= log.bytes;
            self.dropped += log.head.records() + log.chunks.iter().map(Chunk::records).sum::<u64>();
            return true;
        }
        let Some(log) = self.logs.iter_mut().max_by_key(|log| log.bytes) else { return false };
        let Some(chunk) = log.chunks.pop_front() else { return false };
        log.bytes -= chunk.bytes();
        self.bytes -= chunk.bytes();
        self.dropped += chunk.records();
        true
    }

    /// Whether what belongs to no run takes more than half: samples of a long session must not push out its runs.
    fn is_mostly_of_no_run(&self) -> bool {
        self.logs.iter().any(|log| log.run.is_none() && log.bytes > self.bytes / 2)
    }
}

impl Log {
    fn new(run: Option<RunId>) -> Self {
        Log { run, head: Chunk::new(run), chunks: VecDeque::new(), is_over: false, bytes: LOG_BYTES }
    }

    fn push(&mut self, record: &EventRecord) {
        let chunk = if matches!(record.event, Event::RunStarted { .. }) {
            &mut self.head
        } else {
            if self.chunks.back().is_none_or(|chunk| chunk.bytes() >= CHUNK_BYTES) {
                self.chunks.push_back(Chunk::new(self.run));
            }
            match self.chunks.back_mut() {
                Some(chunk) => chunk,
                None => return,
            }
        };
        let before = chunk.bytes();
        chunk.push(record);
        self.bytes += chunk.bytes() - before;
        self.is_over |= record.event.ends_run();
    }

    fn records(&self) -> impl Iterator<Item = EventRecord> {
        std::iter::once(&self.head).chain(&self.chunks).flat_map(Chunk::iter)
    }
}
