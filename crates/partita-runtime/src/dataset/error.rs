//! What writing a data set can refuse.

use std::io;
use std::path::{Path, PathBuf};

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a data set: one word wide.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// An error of the operating system on `path`.
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                ErrorKind::DiskFull { path, source }.into()
            }
            io::ErrorKind::PermissionDenied => ErrorKind::Denied { action, path, source }.into(),
            io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly { path, source }.into(),
            _ => ErrorKind::Io { action, path, source }.into(),
        }
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Error(Box::new(kind.into()))
    }
}

/// The kinds of data set errors. But for [`ErrorKind::Unconfirmed`], none of them has touched the target.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The target has something in it, and replacing it was not asked for.
    #[error(
        "{}: not empty; write to another place, replace what is there with overwrite(true) (--overwrite), or add to it \
         with append(true) (--append)",
        target.display()
    )]
    NotEmpty {
        /// The target.
        target: PathBuf,
    },
    /// Rows are to go to folders by their keys, and the target is one file.
    #[error(
        "{}: partition_on makes folders, and the target is a single file; name a folder, or leave partition_on out",
        target.display()
    )]
    FoldersInFile {
        /// The target.
        target: PathBuf,
    },
    /// Writing would replace what is being read.
    #[error("{}: holds the input {}; write to another place", target.display(), input.display())]
    OwnInput {
        /// The target.
        target: PathBuf,
        /// The input, as the user named it.
        input: PathBuf,
    },
    /// Another writer is at work on the same target.
    #[error("{}: another writer is at work on it ({by}); wait for it, or write to another place", target.display())]
    Locked {
        /// The target.
        target: PathBuf,
        /// Who it is: its process and its lock file.
        by: String,
    },
    /// A file stands where a folder is to be, or the other way round.
    #[error("{}: expected {expected}, found {found}; {way_out}", target.display())]
    WrongKind {
        /// The target.
        target: PathBuf,
        /// What the target is to become.
        expected: &'static str,
        /// What it is.
        found: &'static str,
        /// What helps.
        way_out: &'static str,
    },
    /// Overwriting would remove a folder that holds much more than a data set.
    #[error("{}: is {what}, which is never replaced; name a folder of its own for the data set", target.display())]
    Protected {
        /// The target.
        target: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// What is to be appended to was not written by this program, or by another version.
    #[error("{}: cannot be appended to: it {what}; write to another place, or replace it with overwrite(true) (--overwrite)", target.display())]
    NotADataset {
        /// The target.
        target: PathBuf,
        /// What it lacks.
        what: String,
    },
    /// What is to be appended has other columns.
    #[error(
        "{}: the columns have changed since it was written: {changes}; give the columns their old types (dtype, --dtype; \
         where nothing is lost, --on-mismatch widen does it), or write to another place",
        target.display()
    )]
    SchemaDrift {
        /// The target.
        target: PathBuf,
        /// Each column, with its old and its new type.
        changes: String,
    },
    /// What is to be appended to a data set with an index is not behind its end.
    #[error(
        "{}: its rows are in order of {index:?} and the new ones do not follow them: {what}; write to another place, convert all inputs \
         again with overwrite(true) (--overwrite), or append without an index: the data set has none then",
        target.display()
    )]
    NotBehind {
        /// The target.
        target: PathBuf,
        /// The index of both.
        index: String,
        /// Where the one ends and the other begins.
        what: String,
    },
    /// The data set was changed by somebody else while it was appended to.
    #[error("{}: was changed while it was appended to; try again", target.display())]
    Changed {
        /// The target.
        target: PathBuf,
    },
    /// The system does not allow it.
    #[error(
        "{action} {}: {source}; write to another place, or get the right to write there",
        path.display()
    )]
    Denied {
        /// What was being done.
        action: &'static str,
        /// To which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system cannot be written to.
    #[error("{}: {source}; write to another place", path.display())]
    ReadOnly {
        /// What could not be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No space is left.
    #[error("{}: no space left ({source}); make room, or write to another disk", path.display())]
    DiskFull {
        /// The file that could not be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The new data set has its name, but the disk did not confirm it, nor could it be taken back.
    #[error(
        "{}: is the new data set now, but the disk failed to confirm that ({cause}); look after the disk, and run again",
        target.display()
    )]
    Unconfirmed {
        /// The target.
        target: PathBuf,
        /// What failed.
        cause: String,
    },
    /// The operating system failed on a path.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Rows were lost or doubled on the way: a defect, found before anything became visible.
    #[error(
        "rows do not add up: {what}: expected {expected}, got {got}; nothing was written, please report this"
    )]
    RowsMismatch {
        /// Which count.
        what: String,
        /// What it should be.
        expected: u64,
        /// What it is.
        got: u64,
    },
    /// The caller broke the order of calls: a defect.
    #[error("data set: {0}; nothing was written, please report this")]
    Misuse(String),
    /// Something failed before; that error was reported then.
    #[error("the data set was given up: {0}")]
    GivenUp(String),
    /// The format refused.
    #[error(transparent)]
    Formats(#[from] partita_formats::Error),
}
