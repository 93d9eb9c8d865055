//! How a data set appears: one rename, or one exchange with what was there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{OLD_NAME, Place, READY_NAME};
use crate::dataset::aside::{QUARANTINE_NAME, beside};
use crate::dataset::base::{Base, manifest_hash};
use crate::dataset::error::{Error, ErrorKind, Result};
use crate::dataset::manifest::{self, MANIFEST_NAME};
use crate::dataset::moves::{self, Moves, link_all};
use crate::dataset::options::Replaced;
use crate::dataset::record::read_file;
use crate::storage::disk::is_unsupported;

/// What is about to appear.
#[derive(Debug)]
pub(in crate::dataset) struct Built {
    /// Paths of the new parts.
    pub(in crate::dataset) parts: Vec<String>,
    /// Whether lines were set aside.
    pub(in crate::dataset) has_quarantine: bool,
    /// XXH3 of the manifest; of a folder.
    pub(in crate::dataset) manifest: String,
}

impl Place {
    /// Makes the data set appear under its name. After an error, but for [`ErrorKind::Unconfirmed`], the target is as it was.
    pub(in crate::dataset) fn publish(&mut self, sync: bool, built: &Built) -> Result<Replaced> {
        let data = self.data();
        let linked = self.link_old(&data, sync)?;
        if sync {
            // The names inside first, then the file's or folder's own name, then the target's.
            if !self.single_file {
                for folder in manifest::folders(built.parts.iter().map(String::as_str)) {
                    self.sync_folder(&data.join(folder))?;
                }
                self.sync_folder(&data)?;
            }
            self.sync_folder(self.hidden())?;
        }
        let replaced = match (self.single_file, &self.base) {
            (true, _) => self.publish_file(&data, built)?,
            (false, None) => self.publish_folder(&data)?,
            (false, Some(base)) => self.publish_appended(&data, base, linked, (sync, built))?,
        };
        if sync && let Err(error) = self.settle(replaced) {
            if self.take_back(replaced, &data, built).is_ok() {
                return Err(error);
            }
            // Which of the two is on the disk is not known: both stay.
            self.cleared = true;
            let cause = error.to_string();
            return Err(ErrorKind::Unconfirmed { target: self.shown.clone(), cause }.into());
        }
        self.published = true;
        Ok(replaced)
    }

    /// The file of lines set aside that stands beside a single file.
    pub(in crate::dataset) fn quarantine(&self) -> PathBuf {
        if !self.single_file {
            return self.data().join(QUARANTINE_NAME);
        }
        let name = beside(&self.target, true);
        self.hidden().join(name.file_name().unwrap_or_default())
    }

    /// The lines that were set aside before, of the data set that is appended to.
    pub(in crate::dataset) fn old_quarantine(&self) -> Option<PathBuf> {
        self.base.as_ref()?;
        Some(self.target.join(QUARANTINE_NAME)).filter(|path| path.exists())
    }

    /// Puts the names in a folder onto the disk.
    fn sync_folder(&self, folder: &Path) -> Result<()> {
        self.disk.sync_dir(folder).map_err(|error| Error::io("sync", folder, error))
    }

    /// Puts the new name onto the disk.
    fn settle(&self, replaced: Replaced) -> Result<()> {
        if replaced == Replaced::ExtendedInSteps {
            return self.sync_folder(&self.target);
        }
        self.sync_folder(&self.parent)?;
        for above in self.made.iter().filter_map(|made| made.parent()) {
            let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
            self.sync_folder(above)?;
        }
        Ok(())
    }

    /// Makes the target what it was before it was published.
    fn take_back(&self, replaced: Replaced, data: &Path, built: &Built) -> Result<()> {
        let ready = self.hidden().join(READY_NAME);
        let back = || match replaced {
            Replaced::Unchanged => Ok(()),
            Replaced::Nothing => self.disk.rename(&self.target, data),
            Replaced::AtOnce if self.single_file => self.disk.exchange(data, &self.target),
            Replaced::AtOnce | Replaced::Extended => self.disk.exchange(&ready, &self.target),
            Replaced::InTwoSteps => {
                self.disk.rename(&self.target, data)?;
                self.disk.rename(&self.hidden().join(OLD_NAME), &self.target)
            }
            Replaced::ExtendedInSteps => self.restore_manifest(),
        };
        back().map_err(|error| Error::io("put back", &self.shown, error))?;
        if self.single_file {
            self.take_back_quarantine(built)?;
        }
        moves::undo(&*self.disk, self.hidden(), &self.target)
    }

    fn restore_manifest(&self) -> io::Result<()> {
        let Some(base) = &self.base else { return Ok(()) };
        let path = self.hidden().join(MANIFEST_NAME);
        let file = self.disk.create_new(&path)?;
        file.write_all_at(0, &base.json)?;
        file.sync_data()?;
        self.disk.rename(&path, &self.target.join(MANIFEST_NAME))
    }

    fn publish_file(&self, data: &Path, built: &Built) -> Result<Replaced> {
        let there = fs::symlink_metadata(&self.target).is_ok();
        self.publish_quarantine(built)?;
        let renamed = match (self.replace, there) {
            (true, true) => match self.disk.exchange(data, &self.target) {
                Err(error) if is_unsupported(&error) => self.disk.rename(data, &self.target),
                done => done,
            },
            (true, false) => self.disk.rename(data, &self.target),
            (false, _) => self.disk.rename_no_replace(data, &self.target),
        };
        if let Err(error) = renamed {
            self.take_back_quarantine(built)?;
            return Err(self.rename_error(error));
        }
        Ok(if there { Replaced::AtOnce } else { Replaced::Nothing })
    }

    /// The place of lines set aside beside a single file.
    fn quarantine_place(&self) -> PathBuf {
        self.parent.join(self.quarantine().file_name().unwrap_or_default())
    }

    /// Lets the lines that were set aside appear beside the file, or those of an earlier file vanish.
    fn publish_quarantine(&self, built: &Built) -> Result<()> {
        let (new, place) = (self.quarantine(), self.quarantine_place());
        let there = fs::symlink_metadata(&place).is_ok();
        let done = match (built.has_quarantine, there && self.replace) {
            (true, true) => match self.disk.exchange(&new, &place) {
                Err(error) if is_unsupported(&error) => self.disk.rename(&new, &place),
                done => done,
            },
            (true, false) => self.disk.rename_no_replace(&new, &place),
            (false, true) => self.disk.rename(&place, &new),
            (false, false) => Ok(()),
        };
        match done {
            Err(error) if is_not_empty(&error) => Err(ErrorKind::NotEmpty { target: place }.into()),
            done => done.map_err(|error| Error::io("rename", &place, error)),
        }
    }

    fn take_back_quarantine(&self, built: &Built) -> Result<()> {
        let (new, place) = (self.quarantine(), self.quarantine_place());
        let back = match (built.has_quarantine, fs::symlink_metadata(&new).is_ok()) {
            (true, true) => self.disk.exchange(&new, &place),
            (true, false) => self.disk.rename(&place, &new),
            (false, true) => self.disk.rename(&new, &place),
            (false, false) => Ok(()),
        };
        back.map_err(|error| Error::io("put back", &place, error))
    }

    fn publish_folder(&self, data: &Path) -> Result<Replaced> {
        let error = match self.disk.rename(data, &self.target) {
            Ok(()) => return Ok(Replaced::Nothing),
            Err(error) => error,
        };
        if !self.replace || !is_not_empty(&error) {
            return Err(self.rename_error(error));
        }
        let ready = self.make_ready(data)?;
        match self.disk.exchange(&ready, &self.target) {
            Ok(()) => Ok(Replaced::AtOnce),
            Err(error) if is_unsupported(&error) => self.publish_in_two_steps(&ready),
            Err(error) => Err(self.rename_error(error)),
        }
    }

    /// Gives the finished folder the name under which it changes places: what has the former name is never an old data set.
    fn make_ready(&self, data: &Path) -> Result<PathBuf> {
        if let Ok(metadata) = fs::metadata(&self.target) {
            // Readers of the old set shall be able to read the new one; where that cannot be, the new one stands.
            let _ = fs::set_permissions(data, metadata.permissions());
        }
        let ready = self.hidden().join(READY_NAME);
        self.disk.rename(data, &ready).map_err(|error| Error::io("rename", data, error))?;
        Ok(ready)
    }

    fn publish_in_two_steps(&self, ready: &Path) -> Result<Replaced> {
        let old = self.hidden().join(OLD_NAME);
        self.disk.rename(&self.target, &old).map_err(|error| self.rename_error(error))?;
        match self.disk.rename(ready, &self.target) {
            Ok(()) => Ok(Replaced::InTwoSteps),
            Err(error) => {
                // If this fails too, it is tried again, now or by the next writer of the same target.
                let back = self.disk.rename(&old, &self.target);
                back.map_err(|error| Error::io("put back", &self.shown, error))?;
                Err(self.rename_error(error))
            }
        }
    }

    /// Puts second names of all that is in the old data set beside the new parts; false where there can be none.
    fn link_old(&self, data: &Path, sync: bool) -> Result<bool> {
        if self.base.is_none() {
            return Ok(true);
        }
        match link_all(&*self.disk, &self.target, data, &[MANIFEST_NAME, QUARANTINE_NAME], sync) {
            Ok(()) => Ok(true),
            Err(error) if has_no_links(&error) => Ok(false),
            Err(error) => Err(Error::io("link the old parts of", &self.shown, error)),
        }
    }

    fn publish_appended(
        &self,
        data: &Path,
        base: &Base,
        linked: bool,
        (sync, built): (bool, &Built),
    ) -> Result<Replaced> {
        let path = self.target.join(MANIFEST_NAME);
        let json = read_file(&*self.disk, &path).map_err(|error| Error::io("read", &path, error))?;
        if manifest_hash(&json) != base.hash {
            return Err(ErrorKind::Changed { target: self.shown.clone() }.into());
        }
        if linked {
            let ready = self.make_ready(data)?;
            match self.disk.exchange(&ready, &self.target) {
                Ok(()) => return Ok(Replaced::Extended),
                Err(error) if is_unsupported(&error) => {
                    self.disk.rename(&ready, data).map_err(|error| Error::io("rename", &ready, error))?;
                }
                Err(error) => return Err(self.rename_error(error)),
            }
        }
        let names = built.parts.iter().map(String::as_str);
        let folders = manifest::folders(names).into_iter().filter(|name| !self.target.join(name).is_dir());
        let moves = Moves {
            parts: built.parts.clone(),
            folders: folders.map(str::to_owned).collect(),
            quarantine: built.has_quarantine,
            manifest: built.manifest.clone(),
        };
        moves.carry_out(&*self.disk, self.hidden(), [data, &self.target], sync)?;
        Ok(Replaced::ExtendedInSteps)
    }

    fn rename_error(&self, error: io::Error) -> Error {
        if is_not_empty(&error) {
            return ErrorKind::NotEmpty { target: self.shown.clone() }.into();
        }
        Error::io("rename the finished data set to", &self.shown, error)
    }
}

fn is_not_empty(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists)
}

/// Whether the file system has no hard links, or not between these folders.
fn has_no_links(error: &io::Error) -> bool {
    let kind = error.kind();
    is_unsupported(error)
        || matches!(kind, io::ErrorKind::CrossesDevices | io::ErrorKind::TooManyLinks)
        // Some file systems say so.
        || error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error())
}
