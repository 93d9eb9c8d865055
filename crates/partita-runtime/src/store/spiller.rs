//! The threads that write and read frames.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{Builder, JoinHandle};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::Shared;
use super::folders::SpillError;
use super::frame::{FrameId, Resident, Spilled};

/// Jobs that wait for each thread at most.
const QUEUE_JOBS_MAX: usize = 256;

/// Where a batch that was read goes.
pub(super) type Reply = Sender<Result<RecordBatch, SpillError>>;

/// Whether a write was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queued {
    Yes,
    /// Enough is on its way.
    Full,
    /// The system gives no thread.
    NoThread,
}

/// Work for the threads.
enum Job {
    /// A frame goes to disk.
    Write { id: FrameId, resident: Arc<Resident> },
    /// A frame comes back; its memory is reserved by whoever waits.
    Read { spilled: Arc<dyn Spilled>, schema: SchemaRef, reply: Reply },
}

/// The queues, and the threads once there is work.
pub(super) struct Spiller {
    shared: Weak<Shared>,
    started: Mutex<Option<Started>>,
}

struct Started {
    writes: Sender<Job>,
    reads: Sender<Job>,
    threads: Vec<JoinHandle<()>>,
}

impl Spiller {
    pub(super) fn new(shared: Weak<Shared>) -> Self {
        Self { shared, started: Mutex::new(None) }
    }

    /// Queues a write without waiting.
    pub(super) fn write(&self, id: FrameId, resident: Arc<Resident>) -> Queued {
        match self
            .queue(|running| running.writes.clone())
            .map(|writes| writes.try_send(Job::Write { id, resident }))
        {
            Some(Ok(())) => Queued::Yes,
            Some(Err(TrySendError::Full(_))) => Queued::Full,
            Some(Err(TrySendError::Disconnected(_))) | None => Queued::NoThread,
        }
    }

    /// Queues a read; where no thread takes it, `reply` is dropped, and whoever waits for it hears of it.
    pub(super) fn read(&self, spilled: Arc<dyn Spilled>, schema: SchemaRef, reply: Reply) {
        if let Some(reads) = self.queue(|running| running.reads.clone()) {
            // Without the lock: the thread may be waiting for somebody who wants it.
            let _ = reads.send(Job::Read { spilled, schema, reply });
        }
    }

    fn queue(&self, pick: impl Fn(&Started) -> Sender<Job>) -> Option<Sender<Job>> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if started.is_none() {
            *started = self.start();
        }
        started.as_ref().map(pick)
    }

    /// One thread writes and one reads: a reader does not wait behind what goes out.
    fn start(&self) -> Option<Started> {
        let (writes, to_write) = bounded(QUEUE_JOBS_MAX);
        let (reads, to_read) = bounded(QUEUE_JOBS_MAX);
        let mut threads = Vec::new();
        for (name, jobs) in [("partita-spill", to_write), ("partita-unspill", to_read)] {
            let shared = Weak::clone(&self.shared);
            threads.push(Builder::new().name(name.to_owned()).spawn(move || work(&shared, &jobs)).ok()?);
        }
        Some(Started { writes, reads, threads })
    }

    /// Ends the threads; what is queued is answered, not done.
    pub(super) fn stop(&self) {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Started { writes, reads, threads }) = started {
            drop((writes, reads));
            for thread in threads {
                // A thread that panicked has nothing to say: its job was answered by its absence.
                let _ = thread.join();
            }
        }
    }
}

fn work(shared: &Weak<Shared>, jobs: &Receiver<Job>) {
    for job in jobs {
        match job {
            Job::Write { id, resident } => {
                let Some(shared) = shared.upgrade() else { break };
                // Whoever waits for memory counts on an answer, whatever happens here.
                let written = catch_unwind(AssertUnwindSafe(|| write(&shared, id, &resident.batch)));
                let result = written.unwrap_or_else(|_| Err(SpillError::Panicked));
                drop(resident);
                shared.written(id, result);
            }
            Job::Read { spilled, schema, reply } => {
                // Whoever asked may have gone.
                let _ = reply.send(spilled.read(&schema));
            }
        }
    }
}

/// Writes a frame, unless it was released meanwhile.
fn write(shared: &Shared, id: FrameId, batch: &RecordBatch) -> Result<Option<Arc<dyn Spilled>>, SpillError> {
    match shared.shelf(id)? {
        Some(shelf) if !shared.is_closed() => shelf.write(batch).map(Some),
        _ => Ok(None),
    }
}
