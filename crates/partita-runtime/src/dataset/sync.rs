//! Getting parts onto the disk beside the writing, and then into the record.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, TrySendError};

use crate::dataset::aside::Aside;
use crate::dataset::error::{Error, Result};
use crate::dataset::manifest;
use crate::dataset::record::{DonePart, Header, Record};
use crate::storage::{Disk, DiskFile};

/// Files that wait to be synced at most; the writer of one more waits for the disk.
const QUEUE_FILES_MAX: usize = 4;

/// A part that is finished.
pub(super) struct Ended {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) path: PathBuf,
    /// What the record is to say of it; nothing of the last part, after which the commit comes.
    pub(super) done: Option<DonePart>,
}

/// A file that waits to be synced: one that still grows, or a finished part.
enum Waiting {
    Growing(Arc<dyn DiskFile>, PathBuf),
    Ended(Ended),
}

/// Keeps the record of finished parts.
pub(super) struct Recorder {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) hidden: PathBuf,
    /// The folder of parts.
    pub(super) data: PathBuf,
    /// What the record begins with; nothing where none is kept.
    pub(super) header: Option<Header>,
    /// Begun with the first part.
    pub(super) record: Option<Record>,
    pub(super) aside: Arc<Aside>,
    /// Set where parts may lack rows from now on.
    pub(super) is_draft: Arc<AtomicBool>,
    /// Whether everything is put onto the disk.
    pub(super) sync: bool,
}

impl Recorder {
    /// Puts a part onto the disk, and then into the record, unless `stop` says that the data set is given up.
    fn end(&mut self, ended: &Ended, stop: &Mutex<bool>) -> Result<()> {
        if self.sync {
            ended.file.sync_data().map_err(|error| Error::io("sync", &ended.path, error))?;
        }
        let (Some(done), Some(header)) = (&ended.done, &self.header) else { return Ok(()) };
        if self.sync {
            self.aside.sync(done.partitions[0]..done.partitions[1])?;
            for folder in manifest::folders(done.parts().map(|part| part.name.as_str())) {
                self.sync_folder(&self.data.join(folder))?;
            }
            self.sync_folder(&self.data)?;
        }
        // While the record is written the folder around it stays.
        let stopped = lock(stop);
        if *stopped || self.is_draft.load(Ordering::Acquire) {
            return Ok(());
        }
        let begins = self.record.is_none();
        let record = match &mut self.record {
            Some(record) => record,
            None => self.record.insert(Record::create(&*self.disk, &self.hidden, header)?),
        };
        record.append(done)?;
        if self.sync {
            record.sync()?;
            if begins {
                self.sync_folder(&self.hidden)?;
                self.hidden.parent().map_or(Ok(()), |parent| self.sync_folder(parent))?;
            }
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> Result<()> {
        self.disk.sync_dir(folder).map_err(|error| Error::io("sync", folder, error))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Syncs files in a thread of its own; where syncing is off, parts are recorded as they end.
pub(super) enum Syncer {
    Thread(Option<Running>),
    Here(Box<Recorder>),
}

pub(super) struct Running {
    queue: Sender<Waiting>,
    thread: JoinHandle<Result<()>>,
    /// Set where the data set is given up: the thread leaves what is queued.
    stop: Arc<Mutex<bool>>,
    /// Set where a file could not be synced.
    failed: Arc<AtomicBool>,
}

impl Syncer {
    pub(super) fn new(mut recorder: Recorder) -> Result<Self> {
        if !recorder.sync {
            return Ok(Self::Here(Box::new(recorder)));
        }
        let (queue, files) = crossbeam_channel::bounded::<Waiting>(QUEUE_FILES_MAX);
        let (stop, failed) = (Arc::new(Mutex::new(false)), Arc::new(AtomicBool::new(false)));
        let (stopped, fails) = (Arc::clone(&stop), Arc::clone(&failed));
        let thread = std::thread::Builder::new()
            .name("partita-sync".to_owned())
            .spawn(move || {
                let mut result = Ok(());
                for waiting in files {
                    if result.is_err() || *lock(&stopped) {
                        continue;
                    }
                    result = match waiting {
                        Waiting::Growing(file, path) => {
                            file.sync_data().map_err(|error| Error::io("sync", &path, error))
                        }
                        Waiting::Ended(ended) => recorder.end(&ended, &stopped),
                    };
                    fails.store(result.is_err(), Ordering::Release);
                }
                result
            })
            .map_err(|error| Error::io("start the sync thread for", Path::new("the data set"), error))?;
        Ok(Self::Thread(Some(Running { queue, thread, stop, failed })))
    }

    /// Begins to sync a file that is still being written, where the thread has nothing else to do.
    pub(super) fn begin(&self, file: &Arc<dyn DiskFile>, path: &Path) {
        if let Self::Thread(Some(running)) = self
            && running.queue.is_empty()
        {
            match running.queue.try_send(Waiting::Growing(Arc::clone(file), path.to_path_buf())) {
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
        }
    }

    /// Syncs and records a part that is finished.
    ///
    /// # Errors
    /// What the system reports of this part, or of one before it.
    pub(super) fn end(&mut self, ended: Ended) -> Result<()> {
        match self {
            Self::Here(recorder) => recorder.end(&ended, &Mutex::new(false)),
            Self::Thread(Some(running)) if !running.failed.load(Ordering::Acquire) => {
                // The thread takes from the queue until it is dropped here, so sending cannot fail.
                let _ = running.queue.send(Waiting::Ended(ended));
                Ok(())
            }
            Self::Thread(_) => self.finish(),
        }
    }

    /// Waits for all files.
    ///
    /// # Errors
    /// The first file that could not be synced.
    pub(super) fn finish(&mut self) -> Result<()> {
        match self {
            Self::Here(_) | Self::Thread(None) => Ok(()),
            Self::Thread(running) => running.take().map_or(Ok(()), |Running { queue, thread, .. }| {
                drop(queue);
                thread.join().unwrap_or_else(|_| {
                    let panicked = io::Error::other("the thread panicked");
                    Err(Error::io("sync", Path::new("the data set"), panicked))
                })
            }),
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        if let Self::Thread(Some(running)) = self {
            *lock(&running.stop) = true;
        }
    }
}
