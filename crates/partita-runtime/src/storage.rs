//! The storage room: all bytes of inputs come through here.
//!
//! A place serves one scheme. Local files are served directly; the other schemes are where an object store
//! will be plugged in, behind the same three calls.

mod local;
mod spool;

use std::sync::Arc;

use partita_formats::io::ReadAt;

use crate::error::{ErrorKind, Result};

pub(crate) use spool::Spool;

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

/// A place that serves one scheme.
trait Place: Send + Sync {
    /// The inputs that a path, a pattern or a folder stands for, in order of name.
    fn list(&self, pattern: &str) -> Result<Vec<Input>>;

    /// One input as it is now.
    fn stat(&self, path: &str) -> Result<Input>;

    /// Opens one input for positional reads.
    fn open(&self, path: &str) -> Result<Arc<dyn ReadAt>>;
}

/// All places of a session.
#[derive(Debug, Default)]
pub struct Storage;

impl Storage {
    fn place<'a>(&self, path: &'a str) -> Result<(&'static dyn Place, &'a str)> {
        match path.split_once("://") {
            None => Ok((&local::LocalFiles, path)),
            Some(("file", rest)) => Ok((&local::LocalFiles, rest)),
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
