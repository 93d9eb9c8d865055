//! What a task can refuse.

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a task: one word wide.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Whether running the task again may help.
    pub fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::Formats(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Whether the start of a block was guessed wrong, so that the run has to begin again with starts searched for.
    pub fn is_misplaced(&self) -> bool {
        matches!(self.kind(), ErrorKind::Formats(error) if error.is_misplaced())
    }

    /// Whether expressions make too much of too many rows at once.
    pub(crate) fn is_oversized(&self) -> bool {
        matches!(self.kind(), ErrorKind::Oversized { .. })
    }

    /// The same error; where `account` is short of memory, it names what needs it.
    #[must_use]
    pub(crate) fn needed_by(mut self, account: &str, name: &str) -> Self {
        if let ErrorKind::Memory { operator, .. } = &mut *self.0
            && operator == account
        {
            name.clone_into(operator);
        }
        self
    }

    /// The same error; where memory is short, it says in which expression.
    #[must_use]
    pub(crate) fn needed_in(mut self, account: &str, place: impl FnOnce() -> String) -> Self {
        if let ErrorKind::Memory { operator, .. } = &mut *self.0 {
            let place = place();
            *operator = if operator == account { place } else { format!("{operator} in {place}") };
        }
        self
    }

    /// Whether running the task again when others have given memory back may help.
    pub fn is_short_of_memory(&self) -> bool {
        matches!(self.kind(), ErrorKind::Memory { .. })
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Error(Box::new(kind.into()))
    }
}

/// The kinds of task errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Reading or writing a file failed.
    #[error(transparent)]
    Formats(#[from] partita_formats::Error),
    /// A kernel refused.
    #[error(transparent)]
    Columns(#[from] partita_columns::Error),
    /// Arrow refused.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Memory that the task needs is not to be had.
    #[error(
        "{operator} needs {need_bytes} bytes of memory and the limit is {limit_bytes}{spill}; raise memory_limit, or {way_out}"
    )]
    Memory {
        /// What needs it.
        operator: String,
        /// How much it asked for.
        need_bytes: u64,
        /// The session's limit.
        limit_bytes: u64,
        /// What makes the need smaller: the end of a sentence that begins with "or".
        way_out: &'static str,
        /// Why nothing more goes to disk, as a part of the sentence; empty where nothing could.
        spill: String,
    },
    /// Expressions make too much of a batch, which is cut: nobody outside of a task sees this.
    #[error("expressions make over {bytes_max} bytes of {rows} rows")]
    Oversized {
        /// Rows of the batch.
        rows: usize,
        /// What is made at once.
        bytes_max: usize,
    },
    /// A user's function failed.
    #[error("map_partitions: {0}")]
    Function(String),
    /// A user's function over partitions and their neighbours failed.
    #[error("map_overlap: {0}")]
    OverlapFunction(String),
    /// A user's function over groups failed.
    #[error("groupby apply: {0}")]
    GroupFunction(String),
    /// A user's function over columns failed.
    #[error("map_batches: {0}")]
    ColumnFunction(String),
    /// The rows are not what was said of the index.
    #[error("set_index: {0}")]
    Index(String),
    /// The input is not what it was when the work was planned.
    #[error("{file} changed between planning and reading: {what}; load it again")]
    InputChanged {
        /// The input.
        file: String,
        /// What differs.
        what: String,
    },
    /// The program asks for something that the host does not have: a defect, or another version.
    #[error("task refers to {0}, which this host does not have")]
    Missing(String),
    /// The host failed: storage, a data set that is being written.
    #[error(transparent)]
    Host(Box<dyn std::error::Error + Send + Sync>),
}
