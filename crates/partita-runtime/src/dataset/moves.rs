//! Appending where the file system has no hard links, or cannot exchange folders: the new parts are moved into the folder of the
//! old ones, and the manifest is replaced last. What is to be moved is written down before, so that it can be undone.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::dataset::aside::QUARANTINE_NAME;
use crate::dataset::base::manifest_hash;
use crate::dataset::error::{Error, Result};
use crate::dataset::manifest::{self, MANIFEST_NAME};
use crate::dataset::place::{DATA_NAME, READY_NAME};
use crate::dataset::record::read_file;
use crate::storage::Disk;

/// The list of moves in the hidden folder.
const MOVES_NAME: &str = "moves.json";

/// The old quarantine file, while the new one is being moved in.
const OLD_QUARANTINE_NAME: &str = "old_quarantine.ndjson";

/// What is moved into a data set.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Moves {
    /// Paths of the new parts.
    pub(super) parts: Vec<String>,
    /// Folders that are made for them, outermost first.
    #[serde(default)]
    pub(super) folders: Vec<String>,
    /// Whether there is a new quarantine file.
    pub(super) quarantine: bool,
    /// XXH3 of the new manifest: where the target has it, all has been done.
    pub(super) manifest: String,
}

impl Moves {
    /// Moves the new parts and then the manifest from `data` to `target`.
    pub(super) fn carry_out(
        &self,
        disk: &dyn Disk,
        hidden: &Path,
        [data, target]: [&Path; 2],
        sync: bool,
    ) -> Result<()> {
        self.write_down(disk, hidden, sync)?;
        for folder in &self.folders {
            let path = target.join(folder);
            disk.create_dir(&path).map_err(|error| Error::io("create", &path, error))?;
        }
        for name in &self.parts {
            rename_new(disk, &data.join(name), &target.join(name))?;
        }
        if self.quarantine {
            let (new, place) = (data.join(QUARANTINE_NAME), target.join(QUARANTINE_NAME));
            if place.exists() {
                rename(disk, &place, &hidden.join(OLD_QUARANTINE_NAME))?;
            }
            rename_new(disk, &new, &place)?;
        }
        if sync {
            for folder in manifest::folders(self.parts.iter().map(String::as_str)) {
                sync_dir(disk, &target.join(folder))?;
            }
            sync_dir(disk, target)?;
        }
        rename(disk, &data.join(MANIFEST_NAME), &target.join(MANIFEST_NAME))
    }

    fn write_down(&self, disk: &dyn Disk, hidden: &Path, sync: bool) -> Result<()> {
        let path = hidden.join(MOVES_NAME);
        let write = || {
            let file = disk.create_new(&path)?;
            file.write_all_at(0, &serde_json::to_vec(self)?)?;
            if sync { file.sync_data() } else { Ok(()) }
        };
        write().map_err(|error| Error::io("write", &path, error))?;
        if sync { sync_dir(disk, hidden) } else { Ok(()) }
    }

    /// Moves back what was moved by a run that did not come to the manifest.
    fn undo(&self, disk: &dyn Disk, hidden: &Path, data: &Path, target: &Path) -> Result<()> {
        for name in &self.parts {
            let (from, to) = (target.join(name), data.join(name));
            // Where it is still in its place, what has its name in the target belongs to somebody else.
            if !to.exists() && from.exists() {
                rename(disk, &from, &to)?;
            }
        }
        for folder in self.folders.iter().rev() {
            // It may not have been made, and somebody else may have put something into it.
            let _ = disk.remove_dir(&target.join(folder));
        }
        let (new, place) = (data.join(QUARANTINE_NAME), target.join(QUARANTINE_NAME));
        let old = hidden.join(OLD_QUARANTINE_NAME);
        if self.quarantine && !new.exists() && place.exists() {
            rename(disk, &place, &new)?;
        }
        if old.exists() {
            rename(disk, &old, &place)?;
        }
        sync_dir(disk, target)
    }
}

/// Undoes what a run has begun in `hidden` and not finished.
pub(super) fn undo(disk: &dyn Disk, hidden: &Path, target: &Path) -> Result<()> {
    let path = hidden.join(MOVES_NAME);
    let json = match read_file(disk, &path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", &path, error)),
    };
    let manifest = read_file(disk, &target.join(MANIFEST_NAME));
    let is_done = |moves: &Moves| manifest.is_ok_and(|json| manifest_hash(&json) == moves.manifest);
    // It is on the disk as a whole before the first move.
    if let Ok(moves) = serde_json::from_slice::<Moves>(&json)
        && !is_done(&moves)
    {
        // It has the other name where that it got its own back did not come to the disk.
        let data = Some(hidden.join(DATA_NAME)).filter(|data| data.is_dir());
        moves.undo(disk, hidden, &data.unwrap_or_else(|| hidden.join(READY_NAME)), target)?;
    }
    disk.remove_file(&path).map_err(|error| Error::io("remove", &path, error))
}

/// Gives every file of `from` a second name in `to`, but for those that `skip` names; folders are made.
pub(super) fn link_all(disk: &dyn Disk, from: &Path, to: &Path, skip: &[&str], sync: bool) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if skip.iter().any(|skip| name.to_str() == Some(*skip)) {
            continue;
        }
        let place = to.join(&name);
        if entry.file_type()?.is_dir() {
            if !place.is_dir() {
                disk.create_dir(&place)?;
            }
            link_all(disk, &entry.path(), &place, &[], sync)?;
        } else {
            disk.hard_link(&entry.path(), &place)?;
        }
    }
    if sync { disk.sync_dir(to) } else { Ok(()) }
}

fn rename(disk: &dyn Disk, from: &Path, to: &Path) -> Result<()> {
    disk.rename(from, to).map_err(|error| Error::io("rename", from, error))
}

fn rename_new(disk: &dyn Disk, from: &Path, to: &Path) -> Result<()> {
    disk.rename_no_replace(from, to).map_err(|error| Error::io("rename", from, error))
}

fn sync_dir(disk: &dyn Disk, folder: &Path) -> Result<()> {
    disk.sync_dir(folder).map_err(|error| Error::io("sync", folder, error))
}
