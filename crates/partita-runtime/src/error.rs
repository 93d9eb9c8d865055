//! What running can refuse.

use std::io;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the runtime: one word wide.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Whether the run was cancelled, rather than failed.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind(), ErrorKind::Cancelled)
    }

    /// Whether the start of a block was guessed wrong, so that the run has to begin again with starts searched for.
    pub fn is_misplaced(&self) -> bool {
        matches!(self.kind(), ErrorKind::Task(error) if error.is_misplaced())
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Error(Box::new(kind.into()))
    }
}

/// The kinds of runtime errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system failed on a path.
    #[error("{path}: {source}")]
    Io {
        /// The path, as the user named it.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A pattern or folder stands for no file.
    #[error("{pattern}: no such files")]
    NoInput {
        /// What was asked for.
        pattern: String,
    },
    /// A pattern that cannot be read.
    #[error("{pattern}: {message}")]
    Pattern {
        /// What was asked for.
        pattern: String,
        /// Why not.
        message: String,
    },
    /// A scheme that no place serves.
    #[error("{path}: the scheme {scheme:?} is not served; copy the files to a local folder and name that")]
    Scheme {
        /// The scheme.
        scheme: String,
        /// What was asked for.
        path: String,
    },
    /// A task failed.
    #[error(transparent)]
    Task(#[from] partita_tasks::Error),
    /// The graph is not one.
    #[error(transparent)]
    Graph(#[from] partita_schedule::graph::GraphError),
    /// A graph of closures failed.
    #[error(transparent)]
    Closures(#[from] crate::executor::graph::Error),
    /// The memory limit is none.
    #[error(transparent)]
    Limit(#[from] crate::ledger::LimitError),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The data set could not be written.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::Error),
    /// A task panicked: a defect, reported with the task's name.
    #[error("task {task} panicked: {message}")]
    Panicked {
        /// The task's label.
        task: String,
        /// What the panic said.
        message: String,
    },
    /// A folder to spill to cannot be one.
    #[error(transparent)]
    Spill(#[from] crate::store::SpillError),
    /// A spilled partition cannot be read back, and what it was computed from is gone.
    #[error("a spilled partition is lost, and what it was computed from is gone: {0}")]
    Lost(#[source] crate::store::SpillError),
    /// Options that contradict each other.
    #[error("{0}")]
    Options(String),
}
