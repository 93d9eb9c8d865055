//! What planning can refuse.

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the plan: one word wide.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Error(Box::new(kind.into()))
    }
}

/// The kinds of planning errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No column has this name.
    #[error("no column {name:?}{}; the columns are {}", did_you_mean(suggestion), known.join(", "))]
    UnknownColumn {
        /// What was asked for.
        name: String,
        /// The columns there are.
        known: Vec<String>,
        /// The nearest of them, where one is near.
        suggestion: Option<String>,
    },
    /// An expression whose types do not go together.
    #[error("{expression}: {message}")]
    Type {
        /// The expression, as users write it.
        expression: String,
        /// What was expected, what was found, and the way out.
        message: String,
    },
    /// Text that is no expression.
    #[error("{message} at line {line}, column {column}\n{}", caret(text, *line, *column))]
    Parse {
        /// What was parsed.
        text: String,
        /// Line of the place, from 1.
        line: usize,
        /// Column of the place in characters, from 1.
        column: usize,
        /// What was expected or is not known.
        message: String,
    },
    /// Two columns of one name.
    #[error(
        "two columns would be named {name:?}; give one of them another name with alias(..) or rename(..)"
    )]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// Partitions that do not exist.
    #[error("there is no partition {asked}: the frame has {partitions}")]
    NoPartition {
        /// What was asked for.
        asked: usize,
        /// How many there are.
        partitions: usize,
    },
    /// Work that is known not to fit in memory.
    #[error(
        "{operator} needs about {need_bytes} bytes of memory and {limit_bytes} can be had; nothing was done; raise memory_limit, or {way_out}"
    )]
    TooLarge {
        /// What needs it.
        operator: String,
        /// An estimate on the low side.
        need_bytes: u64,
        /// What the session has for its work.
        limit_bytes: u64,
        /// What makes the need smaller: the end of a sentence that begins with "or".
        way_out: &'static str,
    },
    /// An option that is none.
    #[error("{0}")]
    Option(String),
    /// The graph would be too large.
    #[error(transparent)]
    Graph(#[from] partita_schedule::graph::GraphError),
    /// A format refused.
    #[error(transparent)]
    Formats(#[from] partita_formats::Error),
    /// A kernel refused.
    #[error(transparent)]
    Columns(#[from] partita_columns::Error),
    /// Arrow refused.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}

/// The line of the place, and a caret below it.
fn caret(text: &str, line: usize, column: usize) -> String {
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or("");
    format!("  {shown}\n  {}^", " ".repeat(column.saturating_sub(1)))
}
