//! Getting files onto the disk beside the writing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, TrySendError};

use crate::dataset::error::{Error, Result};
use crate::storage::DiskFile;

/// Files that wait to be synced at most; the writer of one more waits for the disk.
const QUEUE_FILES_MAX: usize = 4;

/// Syncs files in a thread of its own; nothing where syncing is off.
#[derive(Debug)]
pub(super) struct Syncer {
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    queue: Sender<(Arc<dyn DiskFile>, PathBuf)>,
    thread: JoinHandle<Result<()>>,
    /// Set where the data set is given up: the thread leaves what is queued.
    stop: Arc<AtomicBool>,
}

impl Syncer {
    pub(super) fn new(sync: bool) -> Result<Self> {
        if !sync {
            return Ok(Self { running: None });
        }
        let (queue, files) = crossbeam_channel::bounded::<(Arc<dyn DiskFile>, PathBuf)>(QUEUE_FILES_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("partita-sync".to_owned())
            .spawn(move || {
                let mut result = Ok(());
                for (file, path) in files {
                    if result.is_ok() && !stopped.load(Ordering::Relaxed) {
                        result = file.sync_data().map_err(|error| Error::io("sync", &path, error));
                    }
                }
                result
            })
            .map_err(|error| Error::io("start the sync thread for", Path::new("the data set"), error))?;
        Ok(Self { running: Some(Running { queue, thread, stop }) })
    }

    /// Begins to sync a file that is still being written, where the thread has nothing else to do.
    pub(super) fn begin(&self, file: &Arc<dyn DiskFile>, path: &Path) {
        if let Some(running) = &self.running
            && running.queue.is_empty()
        {
            match running.queue.try_send((Arc::clone(file), path.to_path_buf())) {
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
        }
    }

    /// Syncs a file that is finished; errors come with [`Syncer::finish`].
    pub(super) fn end(&self, file: Arc<dyn DiskFile>, path: &Path) {
        if let Some(running) = &self.running {
            // The thread takes from the queue until it is dropped here, so sending cannot fail.
            let _ = running.queue.send((file, path.to_path_buf()));
        }
    }

    /// Waits for all files.
    ///
    /// # Errors
    /// The first file that could not be synced.
    pub(super) fn finish(mut self) -> Result<()> {
        match self.running.take() {
            None => Ok(()),
            Some(Running { queue, thread, .. }) => {
                drop(queue);
                thread.join().unwrap_or_else(|_| {
                    let panicked = io::Error::other("the thread panicked");
                    Err(Error::io("sync", Path::new("the data set"), panicked))
                })
            }
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.store(true, Ordering::Relaxed);
        }
    }
}
