//! The folders of sessions, and what dead sessions have left.
//!
//! A session's folder is `partita-spill-PROCESS-NUMBER`, and its file `lock` is locked as long as the session lives. A
//! folder whose lock can be taken is nobody's.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::folders::{SpillError, default_dirs};
use crate::storage::{Disk, DiskFile};

const FOLDER_PREFIX: &str = "partita-spill-";
const LOCK_NAME: &str = "lock";

/// Names tried before giving up: each is taken only by a session that began at the same nanosecond, or was just swept.
const TRIES: usize = 100;

/// The folder of a session, removed when it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    _lock: Arc<dyn DiskFile>,
}

impl Folder {
    /// Makes a folder in `dir`, with its lock.
    pub(super) fn make(dir: &Path, disk: &Arc<dyn Disk>) -> io::Result<Self> {
        let process = std::process::id();
        let mut number = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos() as u64);
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..TRIES {
            let path = dir.join(format!("{FOLDER_PREFIX}{process}-{number:x}"));
            number = number.wrapping_add(1);
            match Self::make_at(&path, disk) {
                Ok(lock) => return Ok(Self { path, disk: Arc::clone(disk), _lock: lock }),
                // Somebody has the name, or has swept the folder before it was locked.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) =>
                {
                    last = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    fn make_at(path: &Path, disk: &Arc<dyn Disk>) -> io::Result<Arc<dyn DiskFile>> {
        disk.create_dir(path)?;
        let lock_path = path.join(LOCK_NAME);
        let lock = disk.create_new(&lock_path)?;
        let is_ours = lock.try_lock().is_ok() && fs::exists(&lock_path)?;
        if is_ours { Ok(lock) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: what stays is swept by the next session.
        let _ = self.disk.remove_dir_all(&self.path);
    }
}

/// Removes the spill folders of dead sessions in `dirs`, or, where none is named, in those that sessions use by default;
/// returns what was removed. What cannot be removed stays.
///
/// # Errors
/// Where a folder cannot be listed.
pub fn clean<P: AsRef<Path>>(dirs: &[P]) -> Result<Vec<PathBuf>, SpillError> {
    let mut removed = Vec::new();
    let by_default = if dirs.is_empty() { default_dirs() } else { Vec::new() };
    for dir in dirs.iter().map(AsRef::as_ref).chain(by_default.iter().map(PathBuf::as_path)) {
        let swept = sweep(dir).map_err(|source| SpillError::Io { path: dir.to_path_buf(), source })?;
        removed.extend(swept);
    }
    Ok(removed)
}

/// [`clean`] for one folder.
pub(super) fn sweep(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let is_one = entry.file_name().as_encoded_bytes().starts_with(FOLDER_PREFIX.as_bytes());
        if is_one && entry.file_type()?.is_dir() && remove_dead(&entry.path()) {
            removed.push(entry.path());
        }
    }
    Ok(removed)
}

/// Removes a folder unless its session lives.
fn remove_dead(folder: &Path) -> bool {
    match File::open(folder.join(LOCK_NAME)) {
        Ok(lock) => lock.try_lock().is_ok() && fs::remove_dir_all(folder).is_ok(),
        // Its session died before it had a lock, or is just making it: an empty folder is nobody's loss, for a session
        // whose folder is gone makes another.
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::remove_dir(folder).is_ok(),
        Err(_) => false,
    }
}
