//! Where a data set is built and how it appears: the hidden sibling, its lock, and the one rename.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dataset::error::{Error, ErrorKind, Result};
use crate::dataset::found::{Found, canonical, is_single_file};
use crate::dataset::options::{DatasetOptions, Replaced};
use crate::dataset::sibling::{Other, Sibling, look, siblings};
use crate::storage::Disk;
use crate::storage::disk::is_unsupported;

const DATA_NAME: &str = "data";
const FRAGMENTS_NAME: &str = "fragments";
const OLD_NAME: &str = "old";

/// A claimed target. On drop everything that was made goes away, but not what was published.
#[derive(Debug)]
pub(super) struct Place {
    shown: PathBuf,
    target: PathBuf,
    /// The folder of target and sibling.
    parent: PathBuf,
    /// Folders above the target that were made, outermost first.
    made: Vec<PathBuf>,
    /// Where it is built; its lock is held as long as the place.
    sibling: Sibling,
    disk: Arc<dyn Disk>,
    single_file: bool,
    replace: bool,
    published: bool,
}

impl Place {
    /// Checks the target, and touches nothing.
    pub(super) fn check(shown: &Path, options: &DatasetOptions) -> Result<()> {
        Found::at(shown)?.check(shown, is_single_file(shown, options), options)
    }

    /// Checks the target and claims it.
    pub(super) fn claim(shown: &Path, options: &DatasetOptions) -> Result<Self> {
        let single_file = is_single_file(shown, options);
        let found = Found::at(shown)?;
        found.check(shown, single_file, options)?;
        let disk = Arc::clone(&options.disk);
        let mut made = Made { folders: Vec::new(), disk: Arc::clone(&disk) };
        let (parent, target) = match &found {
            Found::Nothing => {
                let parent = match shown.parent() {
                    Some(parent) if !parent.as_os_str().is_empty() => parent,
                    _ => Path::new("."),
                };
                made.make(parent)?;
                let parent = canonical(parent)?;
                let name = shown.file_name().ok_or_else(|| unnamed(shown))?;
                (parent.clone(), parent.join(name))
            }
            Found::Folder { real, .. } | Found::File { real, .. } => {
                (real.parent().ok_or_else(|| unnamed(shown))?.to_path_buf(), real.clone())
            }
        };
        let guard = look(&*disk, &parent);
        let sibling = Sibling::make(&*disk, &parent, &target)?;
        let place = Self {
            shown: shown.to_path_buf(),
            single_file,
            replace: options.overwrite || matches!(found, Found::File { empty: true, .. }),
            published: false,
            made: std::mem::take(&mut made.folders),
            sibling,
            disk,
            parent,
            target,
        };
        place.meet_others(guard.is_some())?;
        if !single_file {
            place.make_folder(&place.data())?;
        }
        place.make_folder(&place.hidden().join(FRAGMENTS_NAME))?;
        Ok(place)
    }

    /// Whether the target is one file.
    pub(super) fn is_single_file(&self) -> bool {
        self.single_file
    }

    /// The target as the user named it.
    pub(super) fn shown(&self) -> &Path {
        &self.shown
    }

    /// Where everything is built.
    fn hidden(&self) -> &Path {
        &self.sibling.hidden
    }

    /// What will become the target: a folder, or the path of the one file, which bears the target's name.
    pub(super) fn data(&self) -> PathBuf {
        if self.single_file {
            self.hidden().join(self.target.file_name().unwrap_or_else(|| OsStr::new(DATA_NAME)))
        } else {
            self.hidden().join(DATA_NAME)
        }
    }

    /// The path of the `number`-th row group that waits in a file.
    pub(super) fn fragment(&self, number: usize) -> PathBuf {
        self.hidden().join(FRAGMENTS_NAME).join(number.to_string())
    }

    /// Makes the data set appear under its name.
    pub(super) fn publish(&mut self, sync: bool) -> Result<Replaced> {
        let data = self.data();
        if sync {
            // The names inside first, then the file's or folder's own name, then the target's.
            if !self.single_file {
                self.sync_folder(&data)?;
            }
            self.sync_folder(self.hidden())?;
        }
        let replaced = if self.single_file { self.publish_file(&data)? } else { self.publish_folder(&data)? };
        self.published = true;
        if sync {
            self.sync_folder(&self.parent)?;
            for above in self.made.iter().filter_map(|made| made.parent()) {
                let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
                self.sync_folder(above)?;
            }
        }
        Ok(replaced)
    }

    fn publish_file(&self, data: &Path) -> Result<Replaced> {
        let there = fs::symlink_metadata(&self.target).is_ok();
        let renamed = if self.replace {
            self.disk.rename(data, &self.target)
        } else {
            self.disk.rename_no_replace(data, &self.target)
        };
        match renamed {
            Ok(()) if there => Ok(Replaced::AtOnce),
            Ok(()) => Ok(Replaced::Nothing),
            Err(error) => Err(self.rename_error(error)),
        }
    }

    fn publish_folder(&self, data: &Path) -> Result<Replaced> {
        let error = match self.disk.rename(data, &self.target) {
            Ok(()) => return Ok(Replaced::Nothing),
            Err(error) => error,
        };
        if !self.replace || !is_not_empty(&error) {
            return Err(self.rename_error(error));
        }
        if let Ok(metadata) = fs::metadata(&self.target) {
            // Readers of the old set shall be able to read the new one; where that cannot be, the new one stands.
            let _ = fs::set_permissions(data, metadata.permissions());
        }
        match self.disk.exchange(data, &self.target) {
            Ok(()) => Ok(Replaced::AtOnce),
            Err(error) if is_unsupported(&error) => self.publish_in_two_steps(data),
            Err(error) => Err(self.rename_error(error)),
        }
    }

    fn publish_in_two_steps(&self, data: &Path) -> Result<Replaced> {
        let old = self.hidden().join(OLD_NAME);
        self.disk.rename(&self.target, &old).map_err(|error| self.rename_error(error))?;
        match self.disk.rename(data, &self.target) {
            Ok(()) => Ok(Replaced::InTwoSteps),
            Err(error) => {
                // If this fails too, `sweep` tries again, now or by the next writer of the same target.
                self.disk
                    .rename(&old, &self.target)
                    .map_err(|error| Error::io("put back", &self.shown, error))?;
                Err(self.rename_error(error))
            }
        }
    }

    fn rename_error(&self, error: io::Error) -> Error {
        if is_not_empty(&error) {
            return ErrorKind::NotEmpty { target: self.shown.clone() }.into();
        }
        Error::io("rename the finished data set to", &self.shown, error)
    }

    fn make_folder(&self, path: &Path) -> Result<()> {
        self.disk.create_dir(path).map_err(|error| Error::io("create", path, error))
    }

    /// Puts the names in a folder onto the disk.
    fn sync_folder(&self, folder: &Path) -> Result<()> {
        self.disk.sync_dir(folder).map_err(|error| Error::io("sync", folder, error))
    }

    /// Refuses where another writer is alive, and sweeps up after dead ones. Where the look at the folder was
    /// not `guarded`, a sibling without a lock file may be one that is just being made.
    fn meet_others(&self, guarded: bool) -> Result<()> {
        for path in siblings(&self.parent, &self.target)? {
            if path == self.hidden() {
                continue;
            }
            match Sibling::meet(&*self.disk, path.clone())? {
                Other::Abandoned(_lock) => self.sweep(&path)?,
                Other::Unlocked if guarded => self.sweep(&path)?,
                Other::Unlocked => {}
                Other::Alive(by) => {
                    return Err(ErrorKind::Locked { target: self.shown.clone(), by }.into());
                }
            }
        }
        Ok(())
    }

    /// Removes what a writer has left, this one or one that is no more. If it failed between the two steps of a
    /// replacement, the old data set is put back first.
    fn sweep(&self, hidden: &Path) -> Result<()> {
        let old = hidden.join(OLD_NAME);
        let lost =
            fs::symlink_metadata(&self.target).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if lost && old.exists() {
            self.disk
                .rename(&old, &self.target)
                .map_err(|error| Error::io("put back", &self.shown, error))?;
        }
        self.disk.remove_dir_all(hidden).map_err(|error| Error::io("sweep", hidden, error))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Best effort: what cannot be removed now is swept by the next writer of the same target.
        let _ = self.sweep(self.hidden());
        if !self.published {
            remove_made(&*self.disk, &self.made);
        }
    }
}

fn is_not_empty(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists)
}

fn unnamed(shown: &Path) -> Error {
    let source = io::Error::new(io::ErrorKind::InvalidInput, "expected the name of a file or folder");
    Error::io("create", shown, source)
}

/// Folders made on the way, removed on drop.
struct Made {
    folders: Vec<PathBuf>,
    disk: Arc<dyn Disk>,
}

impl Made {
    fn make(&mut self, folder: &Path) -> Result<()> {
        let missing: Vec<_> = folder
            .ancestors()
            .take_while(|above| !above.as_os_str().is_empty() && !above.exists())
            .map(Path::to_path_buf)
            .collect();
        for folder in missing.into_iter().rev() {
            match self.disk.create_dir(&folder) {
                Ok(()) => self.folders.push(folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io("create", &folder, error)),
            }
        }
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        remove_made(&*self.disk, &self.folders);
    }
}

/// Removes folders that were made, innermost first; those that others have put something into stay.
fn remove_made(disk: &dyn Disk, made: &[PathBuf]) {
    for folder in made.iter().rev() {
        let _ = disk.remove_dir(folder);
    }
}
