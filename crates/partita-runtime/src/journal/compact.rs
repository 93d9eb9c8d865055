//! Records as bytes.
//!
//! ```text
//! record    = 0 time task operator worker took bytes        a task has a result
//!           | 1 time task operator worker attempt           a task was started
//!           | 2 length JSON                                 anything else
//! time      = nanoseconds since the record before, zigzag (threads tell theirs a little out of turn)
//! took      = nanoseconds from start to end
//! ```
//! All numbers are LEB128: seven bits a byte, least first, the high bit set on all but the last. The run is the chunk's.

use std::time::Duration;

use partita_schedule::event::EventRecord;
use partita_schedule::{Event, OperatorId, RunId, TaskId, WorkerId};

const FINISHED: u8 = 0;
const STARTED: u8 = 1;
const JSON: u8 = 2;

/// Records of one run, or of none.
#[derive(Debug)]
pub(super) struct Chunk {
    run: Option<RunId>,
    bytes: Vec<u8>,
    records: u64,
    /// Time of the last record.
    last_ns: u64,
}

impl Chunk {
    pub(super) fn new(run: Option<RunId>) -> Self {
        Chunk { run, bytes: Vec::new(), records: 0, last_ns: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn push(&mut self, record: &EventRecord) {
        let at = nanoseconds(record.at);
        match record.event {
            Event::TaskFinished { task, operator, worker, started, bytes, .. } => {
                self.head(FINISHED, at, task, operator, worker);
                self.number(at.saturating_sub(nanoseconds(started)));
                self.number(bytes);
            }
            Event::TaskStarted { task, operator, worker, attempt, .. } => {
                self.head(STARTED, at, task, operator, worker);
                self.number(u64::from(attempt));
            }
            _ => {
                // Events are plain data with string keys: they always have a JSON form.
                let Ok(json) = serde_json::to_vec(record) else { return };
                self.bytes.push(JSON);
                self.number(json.len() as u64);
                self.bytes.extend_from_slice(&json);
            }
        }
        self.records += 1;
    }

    fn head(&mut self, tag: u8, at: u64, task: TaskId, operator: OperatorId, worker: WorkerId) {
        self.bytes.push(tag);
        let delta = at.wrapping_sub(self.last_ns).cast_signed();
        self.number((delta.wrapping_shl(1) ^ delta.wrapping_shr(63)).cast_unsigned());
        self.last_ns = at;
        self.number(u64::from(task.0));
        self.number(u64::from(operator.0));
        self.number(u64::from(worker.0));
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        Iter { run: self.run.unwrap_or(RunId(0)), rest: &self.bytes, last_ns: 0 }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads records back.
pub(super) struct Iter<'a> {
    run: RunId,
    rest: &'a [u8],
    last_ns: u64,
}

impl Iterator for Iter<'_> {
    type Item = EventRecord;

    fn next(&mut self) -> Option<EventRecord> {
        let (&tag, rest) = self.rest.split_first()?;
        self.rest = rest;
        if tag == JSON {
            let length = usize::try_from(self.number()?).ok()?;
            let (json, rest) = self.rest.split_at_checked(length)?;
            self.rest = rest;
            return serde_json::from_slice(json).ok();
        }
        let run = self.run;
        let coded = self.number()?;
        let delta = (coded >> 1) ^ (coded & 1).wrapping_neg();
        self.last_ns = self.last_ns.wrapping_add(delta);
        let task = TaskId(u32::try_from(self.number()?).ok()?);
        let operator = OperatorId(u32::try_from(self.number()?).ok()?);
        let worker = WorkerId(u32::try_from(self.number()?).ok()?);
        let event = if tag == FINISHED {
            let started = Duration::from_nanos(self.last_ns.saturating_sub(self.number()?));
            Event::TaskFinished { run, task, operator, worker, started, bytes: self.number()? }
        } else {
            let attempt = u8::try_from(self.number()?).ok()?;
            Event::TaskStarted { run, task, operator, worker, attempt }
        };
        Some(EventRecord { at: Duration::from_nanos(self.last_ns), event })
    }
}

impl Iter<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}
