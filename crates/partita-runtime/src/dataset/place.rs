//! Where a data set is built: a claimed target, its hidden sibling, and what earlier runs have left there.

mod publish;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dataset::base::Base;
use crate::dataset::error::{Error, ErrorKind, Result};
use crate::dataset::found::{Found, canonical, is_single_file};
use crate::dataset::job::Job;
use crate::dataset::manifest::ManifestColumn;
use crate::dataset::moves;
use crate::dataset::options::DatasetOptions;
use crate::dataset::record::{Header, RECORD_NAME, RECORD_VERSION};
use crate::dataset::resume::{self, Kept, Left};
use crate::dataset::sibling::{Other, Sibling, look, siblings};
use crate::storage::Disk;

pub(super) use publish::Built;

pub(super) const DATA_NAME: &str = "data";
/// The finished folder while it changes places with the old one.
pub(super) const READY_NAME: &str = "ready";
pub(super) const FRAGMENTS_NAME: &str = "fragments";
const OLD_NAME: &str = "old";

/// A claimed target. On drop everything that was made goes away, but not what was published, and not finished parts where
/// another run is to go on with them.
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
    /// Whether finished parts are left for another run.
    resume: bool,
    published: bool,
    cleared: bool,
    base: Option<Base>,
    kept: Kept,
    notes: Vec<String>,
}

impl Place {
    /// Checks the target, and touches nothing.
    pub(super) fn check(shown: &Path, options: &DatasetOptions, columns: &[ManifestColumn]) -> Result<()> {
        let found = Found::at(shown)?;
        found.check(shown, is_single_file(shown, options), options)?;
        match &found {
            Found::Folder { real, empty: false } if options.append => {
                Base::read(&*options.disk, real, shown)?.check_columns(columns, &options.write, shown)
            }
            _ => Ok(()),
        }
    }

    /// Checks the target and claims it; takes over what an earlier run of the same job has left, where that is asked for.
    pub(super) fn claim(
        shown: &Path,
        options: &DatasetOptions,
        job: Option<&Job>,
        columns: &[ManifestColumn],
    ) -> Result<Self> {
        let single_file = is_single_file(shown, options);
        let found = Found::at(shown)?;
        found.check(shown, single_file, options)?;
        let disk = Arc::clone(&options.disk);
        let mut made = Made { folders: Vec::new(), disk: Arc::clone(&disk) };
        let (parent, target) = whereabouts(shown, &found, &mut made)?;
        let guard = look(&*disk, &parent);
        let mut place = Self {
            sibling: Sibling::make(&*disk, &parent, &target)?,
            shown: shown.to_path_buf(),
            single_file,
            replace: options.overwrite || matches!(found, Found::File { empty: true, .. }),
            resume: options.resume,
            published: false,
            cleared: false,
            made: std::mem::take(&mut made.folders),
            base: None,
            kept: Kept::default(),
            notes: Vec::new(),
            disk,
            parent,
            target,
        };
        let abandoned = place.meet_others(guard.is_some())?;
        // What was put back counts.
        let found = Found::at(shown)?;
        found.check(shown, single_file, options)?;
        if options.append && matches!(found, Found::Folder { empty: false, .. }) {
            let base = Base::read(&*place.disk, &place.target, shown)?;
            base.check_columns(columns, &options.write, shown)?;
            place.base = Some(base);
        }
        place.take_over(abandoned, place.header(job).filter(|_| options.resume).as_ref())?;
        if !single_file {
            place.make_folder(&place.data())?;
        }
        place.make_folder(&place.hidden().join(FRAGMENTS_NAME))?;
        Ok(place)
    }

    /// Removes what earlier runs have left beside a target that is complete.
    pub(super) fn sweep_others(shown: &Path, target: &Path, disk: &Arc<dyn Disk>) -> Result<()> {
        let parent = target.parent().ok_or_else(|| unnamed(shown))?;
        if siblings(parent, target)?.is_empty() {
            return Ok(());
        }
        // Claimed and given back: that meets the others as every writer does.
        let options = DatasetOptions { overwrite: true, disk: Arc::clone(disk), ..DatasetOptions::default() };
        let options = DatasetOptions { single_file: target.is_file(), ..options };
        Self::claim(target, &options, None, &[]).map(drop)
    }

    /// What the record of finished parts begins with; nothing where no run could go on with them.
    pub(super) fn header(&self, job: Option<&Job>) -> Option<Header> {
        let job = job.filter(|_| !self.single_file)?.clone();
        Some(Header { version: RECORD_VERSION, job, base: self.base.as_ref().map(|base| base.hash.clone()) })
    }

    /// Whether the target is one file.
    pub(super) fn is_single_file(&self) -> bool {
        self.single_file
    }

    /// The target as the user named it.
    pub(super) fn shown(&self) -> &Path {
        &self.shown
    }

    /// The data set that is appended to.
    pub(super) fn base(&self) -> Option<&Base> {
        self.base.as_ref()
    }

    /// What an earlier run has done.
    pub(super) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// What the user should know.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Where everything is built.
    pub(super) fn hidden(&self) -> &Path {
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

    /// Makes a folder that may be there already.
    fn make_folder(&self, path: &Path) -> Result<()> {
        match self.disk.create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::io("create", path, error))
            }
            _ => Ok(()),
        }
    }

    /// Refuses where another writer is alive; returns what dead ones have left, with its locks, after it was made good. Where the
    /// look at the folder was not `guarded`, a sibling without a lock file may be one that is just being made.
    fn meet_others(&self, guarded: bool) -> Result<Vec<Sibling>> {
        let mut abandoned = Vec::new();
        for path in siblings(&self.parent, &self.target)? {
            if path == self.hidden() {
                continue;
            }
            match Sibling::meet(&*self.disk, path.clone())? {
                Other::Abandoned(sibling) => abandoned.push(sibling),
                Other::Unlocked if guarded => self.sweep(&path)?,
                Other::Unlocked => {}
                Other::Alive(by) => {
                    return Err(ErrorKind::Locked { target: self.shown.clone(), by }.into());
                }
            }
        }
        for sibling in &abandoned {
            self.make_good(&sibling.hidden)?;
        }
        Ok(abandoned)
    }

    /// Goes on in the sibling that has most of this job; `header` says which that is. Sweeps the others.
    fn take_over(&mut self, abandoned: Vec<Sibling>, header: Option<&Header>) -> Result<()> {
        if abandoned.is_empty() {
            return Ok(());
        }
        if self.resume && header.is_none() && !self.single_file {
            let why = "it reads frames in memory or calls functions, which cannot be compared";
            self.notes.push(again(why));
        }
        let mut best: Option<(Sibling, Kept)> = None;
        for sibling in abandoned {
            let left = match header {
                Some(header) => resume::look(&*self.disk, &sibling.hidden, header)?,
                None => Left::Nothing,
            };
            let most = best.as_ref().map_or(0, |(_, kept)| kept.partitions);
            let loser = match left {
                Left::Parts(kept) if kept.partitions > most => {
                    best.replace((sibling, kept)).map(|(sibling, _)| sibling)
                }
                Left::Other(why) => {
                    self.notes.push(again(&why));
                    Some(sibling)
                }
                Left::Parts(_) | Left::Nothing => Some(sibling),
            };
            loser.map_or(Ok(()), |loser| self.sweep(&loser.hidden))?;
        }
        let Some((sibling, kept)) = best else { return Ok(()) };
        resume::clear(&*self.disk, &sibling.hidden, &kept)?;
        sibling.sign(&*self.disk)?;
        self.kept = kept;
        let own = std::mem::replace(&mut self.sibling, sibling);
        self.sweep(&own.hidden)
    }

    /// Undoes what a writer had begun to do to the target: between the two steps of a replacement the old data set is put back,
    /// and parts that were moved to others come back.
    fn make_good(&self, hidden: &Path) -> Result<()> {
        let old = hidden.join(OLD_NAME);
        let lost =
            fs::symlink_metadata(&self.target).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if lost && old.exists() {
            self.disk
                .rename(&old, &self.target)
                .map_err(|error| Error::io("put back", &self.shown, error))?;
        }
        moves::undo(&*self.disk, hidden, &self.target)
    }

    /// Removes what a writer has left, this one or one that is no more.
    fn sweep(&self, hidden: &Path) -> Result<()> {
        self.make_good(hidden)?;
        self.disk.remove_dir_all(hidden).map_err(|error| Error::io("sweep", hidden, error))
    }

    /// Removes the hidden folder after the end; says so where that fails.
    pub(super) fn clear(&mut self) {
        self.cleared = true;
        // What was interrupted once may work the second time.
        let swept = self.sweep(self.hidden()).or_else(|_| self.sweep(self.hidden()));
        if let Err(error) = swept {
            self.notes.push(format!("{error}; the next writer of the same target removes it"));
        }
    }

    /// From now on nothing is left to another run.
    pub(super) fn leave_nothing(&mut self) {
        self.resume = false;
    }

    /// Leaves the finished parts to another run; false where there are none.
    fn leave(&self) -> bool {
        if !self.resume || self.published || !self.hidden().join(RECORD_NAME).exists() {
            return false;
        }
        // Best effort: the next run does it again.
        let _ = self.make_good(self.hidden());
        let _ = resume::remove(&*self.disk, &self.hidden().join(FRAGMENTS_NAME));
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.cleared || self.leave() {
            return;
        }
        // Best effort: what cannot be removed now is swept by the next writer of the same target.
        self.clear();
        if !self.published {
            remove_made(&*self.disk, &self.made);
        }
    }
}

/// A note about earlier work that is of no use.
fn again(why: &str) -> String {
    format!("an earlier run has left work that does not fit: {why}; everything is done again")
}

/// The folder of the target, which is made where it is not there, and the target in it.
fn whereabouts(shown: &Path, found: &Found, made: &mut Made) -> Result<(PathBuf, PathBuf)> {
    match found {
        Found::Nothing => {
            let parent = match shown.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            made.make(parent)?;
            let parent = canonical(parent)?;
            let name = shown.file_name().ok_or_else(|| unnamed(shown))?;
            Ok((parent.clone(), parent.join(name)))
        }
        Found::Folder { real, .. } | Found::File { real, .. } => {
            Ok((real.parent().ok_or_else(|| unnamed(shown))?.to_path_buf(), real.clone()))
        }
    }
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
