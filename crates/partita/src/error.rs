//! What calls can refuse.

use std::sync::Arc;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a call. Cloning is cheap: a lazy frame keeps the first error of its chain and reports it from
/// every call that asks for an answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct Error(Arc<ErrorKind>);

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Whether the run was cancelled, rather than failed.
    pub fn is_cancelled(&self) -> bool {
        match self.kind() {
            ErrorKind::Runtime(error) => error.is_cancelled(),
            _ => false,
        }
    }

    /// Whether the start of a block was guessed wrong, so that the run has to begin again with starts searched for.
    pub(crate) fn is_misplaced(&self) -> bool {
        matches!(self.kind(), ErrorKind::Runtime(error) if error.is_misplaced())
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Error(Arc::new(kind.into()))
    }
}

/// The kinds of errors of calls.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The plan: a column, an expression, a type.
    #[error(transparent)]
    Plan(#[from] partita_plan::Error),
    /// A file: its bytes, its header, its values.
    #[error(transparent)]
    Formats(#[from] partita_formats::Error),
    /// The running: a task, memory, storage, the commit.
    #[error(transparent)]
    Runtime(#[from] partita_runtime::Error),
    /// The writing of a data set.
    #[error(transparent)]
    Dataset(#[from] partita_runtime::dataset::Error),
    /// A graph of closures.
    #[error(transparent)]
    Graph(#[from] crate::graph::Error),
    /// Handing columns over.
    #[error(transparent)]
    Columns(#[from] partita_columns::Error),
    /// Arrow refused.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// An option that is none, or contradicts another.
    #[error("{0}")]
    Option(String),
    /// The operating system failed on a path.
    #[error("{path}: {source}")]
    Io {
        /// The path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}
