//! Hidden siblings of a target: their names, their locks, and the look at the folder around them.

use std::ffi::{OsStr, OsString};
use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::xxh3_64;

use crate::dataset::error::{Error, Result};
use crate::storage::{Disk, DiskFile};

const LOCK_NAME: &str = "lock";

/// Bytes of a target's name that are repeated in the sibling's; longer names are hashed.
const NAME_BYTES_MAX: usize = 160;

/// How long to wait for others who look at the same folder, each of whom needs a moment only.
const LOOK_WAIT: Duration = Duration::from_millis(10);
const LOOK_WAITS_MAX: usize = 200;

/// A hidden sibling whose lock is held as long as this lives.
#[derive(Debug)]
pub(super) struct Sibling {
    pub(super) hidden: PathBuf,
    _lock: Arc<dyn DiskFile>,
}

/// What another sibling of the same target is.
#[derive(Debug)]
pub(super) enum Other {
    /// Its writer is alive: who it is.
    Alive(String),
    /// Its writer is no more.
    Abandoned(Sibling),
    /// It has no lock file.
    Unlocked,
}

impl Sibling {
    /// Makes a sibling of `target` in `parent`.
    pub(super) fn make(disk: &dyn Disk, parent: &Path, target: &Path) -> Result<Self> {
        let prefix = sibling_prefix(target);
        let process = std::process::id();
        let mut number = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos() as u64);
        loop {
            let mut name = prefix.clone();
            name.push(format!("{process}-{number:x}"));
            let hidden = parent.join(name);
            match disk.create_dir(&hidden) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number = number.wrapping_add(1);
                    continue;
                }
                Err(error) => return Err(Error::io("create", &hidden, error)),
            }
            let path = hidden.join(LOCK_NAME);
            return match lock(disk, &path, process) {
                Ok(lock) => Ok(Self { hidden, _lock: lock }),
                Err(error) => {
                    let _ = disk.remove_dir_all(&hidden);
                    Err(Error::io("lock", &path, error))
                }
            };
        }
    }

    /// Writes this process into the lock file in place of the one that has left it.
    pub(super) fn sign(&self, disk: &dyn Disk) -> Result<()> {
        let path = self.hidden.join(LOCK_NAME);
        let sign = || {
            let file = disk.edit(&path)?;
            file.set_len(0)?;
            file.write_all_at(0, signature(std::process::id()).as_bytes())
        };
        sign().map_err(|error| Error::io("write", &path, error))
    }

    /// Looks at another sibling, and takes its lock where it is free.
    pub(super) fn meet(disk: &dyn Disk, hidden: PathBuf) -> Result<Other> {
        let path = hidden.join(LOCK_NAME);
        let lock = match disk.open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Other::Unlocked),
            Err(error) => return Err(Error::io("open", &path, error)),
        };
        match lock.try_lock() {
            Ok(()) => Ok(Other::Abandoned(Self { hidden, _lock: lock })),
            Err(TryLockError::WouldBlock) => {
                let who = fs::read_to_string(&path).unwrap_or_default();
                Ok(Other::Alive(format!("{}, lock file {}", who.trim(), path.display())))
            }
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path, error)),
        }
    }
}

fn lock(disk: &dyn Disk, path: &Path, process: u32) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.create_new(path)?;
    file.try_lock()?;
    file.write_all_at(0, signature(process).as_bytes())?;
    Ok(file)
}

fn signature(process: u32) -> String {
    format!("process {process}\n")
}

/// All siblings of `target` in `parent`.
pub(super) fn siblings(parent: &Path, target: &Path) -> Result<Vec<PathBuf>> {
    let prefix = sibling_prefix(target);
    let entries = fs::read_dir(parent).map_err(|error| Error::io("list", parent, error))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("list", parent, error))?;
        if starts_with(&entry.file_name(), &prefix) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// `.NAME.partita-`, or a hash of the name where it is long.
fn sibling_prefix(target: &Path) -> OsString {
    let name = target.file_name().unwrap_or_default();
    let mut prefix = OsString::from(".");
    if name.len() <= NAME_BYTES_MAX {
        prefix.push(name);
    } else {
        prefix.push(format!("{:016x}", xxh3_64(name.as_encoded_bytes())));
    }
    prefix.push(".partita-");
    prefix
}

fn starts_with(name: &OsStr, prefix: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes())
}

/// Keeps others from looking at the folder while siblings are made and met; `None` where the file system cannot
/// lock folders, or somebody holds such a lock for good.
pub(super) fn look(disk: &dyn Disk, parent: &Path) -> Option<Arc<dyn DiskFile>> {
    let folder = disk.open(parent).ok()?;
    for _ in 0..LOOK_WAITS_MAX {
        match folder.try_lock() {
            Ok(()) => return Some(folder),
            Err(TryLockError::WouldBlock) => thread::sleep(LOOK_WAIT),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}
