//! The storage room: all bytes of inputs come through here.
//!
//! A place serves one scheme. Local files are served directly; the other schemes are where an object store
//! will be plugged in, behind the same three calls. Below it is the [`Disk`], through which everything goes that
//! opens, writes or renames files of this machine: inputs, data sets, spilled partitions.

pub mod disk;
pub mod fault;
mod local;
mod spool;
mod walk;

use std::sync::Arc;

use partita_formats::io::ReadAt;

use crate::error::{ErrorKind, Result};

pub use disk::{Disk, DiskFile, DiskWriter, LocalDisk};
pub(crate) use spool::Spool;

use local::LocalFiles;

/// An input as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Path or URL that [`Storage::open`] takes.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970; 0 where the store has none.
    pub modified_ns: i128,
}

/// A file of a data set, and where it lies in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The file.
    pub input: Input,
    /// Its path below the folder that was named, or that a pattern begins with; names apart by `/`.
    pub below: String,
}

/// A place that serves one scheme.
trait Place: Send + Sync {
    /// The inputs that a path, a pattern or a folder stands for, in order of name.
    fn list(&self, pattern: &str) -> Result<Vec<Input>>;

    /// The files that a path, a pattern or a folder stands for, with all folders in it, in order of their paths.
    fn members(&self, pattern: &str, endings: &[&str]) -> Result<Vec<Member>>;

    /// All of a small file that lies in a folder; `None` where there is no such folder or file.
    fn side_file(&self, folder: &str, name: &str) -> Result<Option<Vec<u8>>>;

    /// One input as it is now.
    fn stat(&self, path: &str) -> Result<Input>;

    /// Opens one input for positional reads.
    fn open(&self, path: &str) -> Result<Arc<dyn ReadAt>>;
}

/// All places of a session.
#[derive(Debug)]
pub struct Storage {
    files: LocalFiles,
}

impl Storage {
    /// The places of a session whose local files are on `disk`.
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self { files: LocalFiles { disk } }
    }

    /// The disk of local files.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.files.disk
    }

    fn place<'a>(&self, path: &'a str) -> Result<(&dyn Place, &'a str)> {
        match path.split_once("://") {
            None => Ok((&self.files, path)),
            Some(("file", rest)) => Ok((&self.files, rest)),
            Some((scheme, _)) => {
                Err(ErrorKind::Scheme { scheme: scheme.to_owned(), path: path.to_owned() }.into())
            }
        }
    }

    /// The inputs that `pattern` stands for: one path, a glob, a folder or a `file://` URL, in order of name.
    ///
    /// # Errors
    /// A typed error where nothing matches, or the place cannot be read.
    pub fn list(&self, pattern: &str) -> Result<Vec<Input>> {
        let (place, path) = self.place(pattern)?;
        place.list(path)
    }

    /// The files of the data set that `pattern` stands for: one path, a glob, a folder with all folders in it or a
    /// `file://` URL, in order of their paths. In folders, those that end in one of `endings` are meant, or all where none does;
    /// names that begin with `_` or `.` are not data, and links to folders are not followed.
    ///
    /// # Errors
    /// As [`Storage::list`].
    pub fn members(&self, pattern: &str, endings: &[&str]) -> Result<Vec<Member>> {
        let (place, path) = self.place(pattern)?;
        place.members(path, endings)
    }

    /// All of the file `name` in `folder`; `None` where there is no such folder or file.
    ///
    /// # Errors
    /// As [`Storage::stat`].
    pub fn side_file(&self, folder: &str, name: &str) -> Result<Option<Vec<u8>>> {
        let (place, path) = self.place(folder)?;
        place.side_file(path, name)
    }

    /// One input as it is now.
    ///
    /// # Errors
    /// A typed error that names the path.
    pub fn stat(&self, path: &str) -> Result<Input> {
        let (place, path) = self.place(path)?;
        place.stat(path)
    }

    /// Opens one input for positional reads.
    ///
    /// # Errors
    /// A typed error that names the path.
    pub fn open(&self, path: &str) -> Result<Arc<dyn ReadAt>> {
        let (place, path) = self.place(path)?;
        place.open(path)
    }
}
