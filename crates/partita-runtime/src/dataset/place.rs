//! Where a data set is built and how it appears: the hidden sibling, its lock, and the one rename.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::xxh3_64;

use crate::dataset::error::{Error, ErrorKind, Result};
use crate::dataset::options::{DatasetOptions, InputFingerprint, Replaced};
use crate::dataset::rename;
use crate::dataset::sync::sync_folder;

const LOCK_NAME: &str = "lock";
const DATA_NAME: &str = "data";
const FRAGMENTS_NAME: &str = "fragments";
const OLD_NAME: &str = "old";

/// Bytes of a target's name that are repeated in the sibling's; longer names are hashed.
const NAME_BYTES_MAX: usize = 160;

/// How long to wait for others who look at the same folder, each of whom needs a moment only.
const LOOK_WAIT: Duration = Duration::from_millis(10);
const LOOK_WAITS_MAX: usize = 200;

/// A claimed target. On drop everything that was made goes away, but not what was published.
#[derive(Debug)]
pub(super) struct Place {
    shown: PathBuf,
    target: PathBuf,
    /// The folder of target and sibling.
    parent: PathBuf,
    /// Folders above the target that were made, outermost first.
    made: Vec<PathBuf>,
    hidden: PathBuf,
    single_file: bool,
    replace: bool,
    published: bool,
    /// Held as long as the place.
    _lock: File,
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
        let mut made = Made(Vec::new());
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
        let guard = look(&parent);
        let sibling = Sibling::make(&parent, &target)?;
        let place = Self {
            shown: shown.to_path_buf(),
            single_file,
            replace: options.overwrite || matches!(found, Found::File { empty: true, .. }),
            published: false,
            made: std::mem::take(&mut made.0),
            hidden: sibling.hidden,
            _lock: sibling.lock,
            parent,
            target,
        };
        place.meet_others(guard.is_some())?;
        if !single_file {
            place.make_folder(&place.data())?;
        }
        place.make_folder(&place.hidden.join(FRAGMENTS_NAME))?;
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

    /// What will become the target: a folder, or the path of the one file, which bears the target's name.
    pub(super) fn data(&self) -> PathBuf {
        if self.single_file {
            self.hidden.join(self.target.file_name().unwrap_or_else(|| OsStr::new(DATA_NAME)))
        } else {
            self.hidden.join(DATA_NAME)
        }
    }

    /// The path of the `number`-th row group that waits in a file.
    pub(super) fn fragment(&self, number: usize) -> PathBuf {
        self.hidden.join(FRAGMENTS_NAME).join(number.to_string())
    }

    /// Makes the data set appear under its name.
    pub(super) fn publish(&mut self, sync: bool, exchange: rename::Exchange) -> Result<Replaced> {
        let data = self.data();
        if sync {
            // The names inside first, then the file's or folder's own name, then the target's.
            if !self.single_file {
                sync_folder(&data)?;
            }
            sync_folder(&self.hidden)?;
        }
        let replaced =
            if self.single_file { self.publish_file(&data)? } else { self.publish_folder(&data, exchange)? };
        self.published = true;
        if sync {
            sync_folder(&self.parent)?;
            for above in self.made.iter().filter_map(|made| made.parent()) {
                let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
                sync_folder(above)?;
            }
        }
        Ok(replaced)
    }

    fn publish_file(&self, data: &Path) -> Result<Replaced> {
        let there = fs::symlink_metadata(&self.target).is_ok();
        let renamed = if self.replace {
            fs::rename(data, &self.target)
        } else {
            rename::rename_no_replace(data, &self.target)
        };
        match renamed {
            Ok(()) if there => Ok(Replaced::AtOnce),
            Ok(()) => Ok(Replaced::Nothing),
            Err(error) => Err(self.rename_error(error)),
        }
    }

    fn publish_folder(&self, data: &Path, exchange: rename::Exchange) -> Result<Replaced> {
        let error = match fs::rename(data, &self.target) {
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
        match exchange(data, &self.target) {
            Ok(()) => Ok(Replaced::AtOnce),
            Err(error) if rename::is_unsupported(&error) => self.publish_in_two_steps(data),
            Err(error) => Err(self.rename_error(error)),
        }
    }

    fn publish_in_two_steps(&self, data: &Path) -> Result<Replaced> {
        let old = self.hidden.join(OLD_NAME);
        fs::rename(&self.target, &old).map_err(|error| self.rename_error(error))?;
        match fs::rename(data, &self.target) {
            Ok(()) => Ok(Replaced::InTwoSteps),
            Err(error) => {
                // If this fails too, `sweep` tries again, now or by the next writer of the same target.
                fs::rename(&old, &self.target).map_err(|error| Error::io("put back", &self.shown, error))?;
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
        fs::create_dir(path).map_err(|error| Error::io("create", path, error))
    }

    /// Refuses where another writer is alive, and sweeps up after dead ones. Where the look at the folder was
    /// not `guarded`, a sibling without a lock file may be one that is just being made.
    fn meet_others(&self, guarded: bool) -> Result<()> {
        let prefix = sibling_prefix(&self.target);
        let entries = fs::read_dir(&self.parent).map_err(|error| Error::io("list", &self.parent, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Error::io("list", &self.parent, error))?;
            let path = entry.path();
            if path == self.hidden || !starts_with(&entry.file_name(), &prefix) {
                continue;
            }
            let lock_path = path.join(LOCK_NAME);
            let lock = match File::open(&lock_path) {
                Ok(lock) => lock,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if guarded {
                        self.sweep(&path)?;
                    }
                    continue;
                }
                Err(error) => return Err(Error::io("open", &lock_path, error)),
            };
            match lock.try_lock() {
                Ok(()) => self.sweep(&path)?,
                Err(TryLockError::WouldBlock) => {
                    let who = fs::read_to_string(&lock_path).unwrap_or_default();
                    let by = format!("{}, lock file {}", who.trim(), lock_path.display());
                    return Err(ErrorKind::Locked { target: self.shown.clone(), by }.into());
                }
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", &lock_path, error)),
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
            fs::rename(&old, &self.target).map_err(|error| Error::io("put back", &self.shown, error))?;
        }
        fs::remove_dir_all(hidden).map_err(|error| Error::io("sweep", hidden, error))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Best effort: what cannot be removed now is swept by the next writer of the same target.
        let _ = self.sweep(&self.hidden);
        if !self.published {
            remove_made(&self.made);
        }
    }
}

/// The hidden sibling with its lock, before anything else is known.
struct Sibling {
    hidden: PathBuf,
    lock: File,
}

impl Sibling {
    fn make(parent: &Path, target: &Path) -> Result<Self> {
        let prefix = sibling_prefix(target);
        let process = std::process::id();
        let mut number = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos() as u64);
        loop {
            let mut name = prefix.clone();
            name.push(format!("{process}-{number:x}"));
            let hidden = parent.join(name);
            match fs::create_dir(&hidden) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number = number.wrapping_add(1);
                    continue;
                }
                Err(error) => return Err(Error::io("create", &hidden, error)),
            }
            let path = hidden.join(LOCK_NAME);
            return match Self::lock(&path, process) {
                Ok(lock) => Ok(Self { hidden, lock }),
                Err(error) => {
                    let _ = fs::remove_dir_all(&hidden);
                    Err(Error::io("lock", &path, error))
                }
            };
        }
    }

    fn lock(path: &Path, process: u32) -> io::Result<File> {
        let mut file = File::create_new(path)?;
        file.try_lock()?;
        writeln!(file, "process {process}")?;
        Ok(file)
    }
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
fn look(parent: &Path) -> Option<File> {
    let folder = File::open(parent).ok()?;
    for _ in 0..LOOK_WAITS_MAX {
        match folder.try_lock() {
            Ok(()) => return Some(folder),
            Err(TryLockError::WouldBlock) => thread::sleep(LOOK_WAIT),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

fn is_single_file(shown: &Path, options: &DatasetOptions) -> bool {
    options.single_file || (is_named_as_file(shown) && !shown.is_dir())
}

/// Whether the name ends in `.parquet`, without a slash after it.
fn is_named_as_file(shown: &Path) -> bool {
    shown.extension().is_some_and(|extension| extension == "parquet")
        && !shown.as_os_str().as_encoded_bytes().ends_with(b"/")
}

fn is_not_empty(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists)
}

fn canonical(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|error| Error::io("resolve", path, error))
}

fn unnamed(shown: &Path) -> Error {
    let source = io::Error::new(io::ErrorKind::InvalidInput, "expected the name of a file or folder");
    Error::io("create", shown, source)
}

/// Folders made on the way, removed on drop.
struct Made(Vec<PathBuf>);

impl Made {
    fn make(&mut self, folder: &Path) -> Result<()> {
        let missing: Vec<_> = folder
            .ancestors()
            .take_while(|above| !above.as_os_str().is_empty() && !above.exists())
            .map(Path::to_path_buf)
            .collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(&folder) {
                Ok(()) => self.0.push(folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io("create", &folder, error)),
            }
        }
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        remove_made(&self.0);
    }
}

/// Removes folders that were made, innermost first; those that others have put something into stay.
fn remove_made(made: &[PathBuf]) {
    for folder in made.iter().rev() {
        let _ = fs::remove_dir(folder);
    }
}

/// What stands at the target.
enum Found {
    Nothing,
    Folder { real: PathBuf, empty: bool },
    File { real: PathBuf, empty: bool },
}

impl Found {
    fn at(shown: &Path) -> Result<Self> {
        match fs::symlink_metadata(shown) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(Error::io("look at", shown, error)),
            Ok(_) => {}
        }
        let real = canonical(shown)?;
        let metadata = fs::metadata(&real).map_err(|error| Error::io("look at", shown, error))?;
        if !metadata.is_dir() {
            return Ok(Found::File { real, empty: metadata.is_file() && metadata.len() == 0 });
        }
        let mut entries = fs::read_dir(&real).map_err(|error| Error::io("list", shown, error))?;
        Ok(Found::Folder { real, empty: entries.next().is_none() })
    }

    fn check(&self, shown: &Path, single_file: bool, options: &DatasetOptions) -> Result<()> {
        let target = || shown.to_path_buf();
        let (real, empty) = match self {
            Found::Nothing => return Ok(()),
            Found::Folder { .. } if single_file => {
                let way_out = "name a file in it, or leave out single_file (--single-file)";
                return Err(ErrorKind::WrongKind {
                    target: target(),
                    expected: "a file",
                    found: "a folder",
                    way_out,
                }
                .into());
            }
            Found::File { .. } if !single_file => {
                let way_out = "name a folder, or write one file with single_file (--single-file)";
                return Err(ErrorKind::WrongKind {
                    target: target(),
                    expected: "a folder",
                    found: "a file",
                    way_out,
                }
                .into());
            }
            Found::Folder { real, empty } | Found::File { real, empty } => (real, *empty),
        };
        if let Some(input) = own_input(real, &options.inputs) {
            return Err(ErrorKind::OwnInput { target: target(), input }.into());
        }
        if !empty && !options.overwrite {
            return Err(ErrorKind::NotEmpty { target: target() }.into());
        }
        match protected(real) {
            Some(what) => Err(ErrorKind::Protected { target: target(), what }.into()),
            None => Ok(()),
        }
    }
}

/// The first input that is `target` or in it: by where its bytes are, and by where its name is.
fn own_input(target: &Path, inputs: &[InputFingerprint]) -> Option<PathBuf> {
    inputs.iter().map(|input| Path::new(input.path.strip_prefix("file://").unwrap_or(&input.path))).find_map(
        |input| {
            let bytes = fs::canonicalize(input).ok();
            let name = input.file_name().and_then(|name| {
                let parent = input.parent().filter(|parent| !parent.as_os_str().is_empty());
                Some(fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?.join(name))
            });
            let inside = [bytes, name].into_iter().flatten().any(|input| input.starts_with(target));
            inside.then(|| input.to_path_buf())
        },
    )
}

/// Why a folder must not be replaced, whatever was asked.
fn protected(real: &Path) -> Option<&'static str> {
    let is_above = |inner: Option<PathBuf>| {
        inner.and_then(|inner| fs::canonicalize(inner).ok()).is_some_and(|inner| inner.starts_with(real))
    };
    if real.parent().is_none() {
        Some("the root of the file system")
    } else if is_above(std::env::current_dir().ok()) {
        Some("the working directory, or above it")
    } else if is_above(std::env::home_dir()) {
        Some("the home folder, or above it")
    } else {
        None
    }
}
