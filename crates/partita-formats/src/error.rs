//! What reading and writing files can refuse.

use std::io;

use crate::csv::mismatch::MismatchTable;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a format: one word wide, so that results stay cheap to return.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// What a filter of rows said, if this is its error.
    ///
    /// # Errors
    /// The error itself, if it is another one.
    pub fn into_filter_error(self) -> std::result::Result<Box<dyn std::error::Error + Send + Sync>, Self> {
        match *self.0 {
            ErrorKind::Filter(error) => Ok(error),
            other => Err(Self(Box::new(other))),
        }
    }

    /// Whether trying again may help: an interrupted or timed-out read, not a wrong byte.
    pub fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::Io { source, .. } | ErrorKind::Frame(crate::frame::FrameError::Io { source, .. }) => {
                matches!(
                    source.kind(),
                    io::ErrorKind::Interrupted | io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
                )
            }
            _ => false,
        }
    }

    /// Whether the start of a block was guessed wrong, so that reading has to begin again with starts searched for.
    pub fn is_misplaced(&self) -> bool {
        matches!(self.kind(), ErrorKind::Misplaced { .. })
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Error(Box::new(kind.into()))
    }
}

/// Padding helps records that are too short; only leaving them out helps those that are too long.
fn ragged_way_out(expected: usize, found: usize) -> &'static str {
    if found < expected {
        "pad short records with ragged(Ragged::Pad) (--ragged pad), leave such records out with \
         ragged(Ragged::Skip) (--ragged skip), or have a conversion keep them in a file of their own with \
         on_mismatch(OnMismatch::Quarantine) (--on-mismatch quarantine)"
    } else {
        "is a separator missing its quotes? Leave such records out with ragged(Ragged::Skip) (--ragged skip), or have a \
         conversion keep them in a file of their own with on_mismatch(OnMismatch::Quarantine) (--on-mismatch quarantine)"
    }
}

/// The kinds of format errors. Positions are of the decoded bytes: decompressed, and
/// as UTF-8 where the file is UTF-16; lines count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store failed.
    #[error("{file}: {source}")]
    Io {
        /// The input, as the user named it.
        file: String,
        /// What the store said.
        source: io::Error,
    },
    /// Values that do not fit their columns.
    #[error(transparent)]
    Mismatch(Box<MismatchTable>),
    /// A record has another number of fields than the header.
    #[error(
        "{file}: line {line} (byte {byte}): expected {expected} fields, found {found}; {}",
        ragged_way_out(*expected, *found)
    )]
    Ragged {
        /// The input.
        file: String,
        /// Line of the record's first byte.
        line: u64,
        /// First byte of the record.
        byte: u64,
        /// Fields of the header.
        expected: usize,
        /// Fields of the record.
        found: usize,
    },
    /// One record is longer than the limit.
    #[error(
        "{file}: byte {byte}: a record of more than {limit} bytes; is a quote left open? \
         Raise record_bytes_max, or set quote to none"
    )]
    RecordTooLong {
        /// The input.
        file: String,
        /// First byte of the record.
        byte: u64,
        /// `record_bytes_max`.
        limit: usize,
    },
    /// The records of a block do not begin where they were guessed to: its starts have to be searched for.
    #[error(
        "{file}: byte {byte}: no record begins where one was expected; the starts of blocks must be searched for"
    )]
    Misplaced {
        /// The input.
        file: String,
        /// Where a record was expected.
        byte: u64,
    },
    /// A [`crate::csv::reader::RowFilter`] could not decide.
    #[error(transparent)]
    Filter(Box<dyn std::error::Error + Send + Sync>),
    /// The decompressor needs more memory than it was allowed; it goes on once it is.
    #[error("{file}: {bytes} bytes of memory are needed to decompress it")]
    Window {
        /// The input.
        file: String,
        /// Bytes of memory in all.
        bytes: usize,
    },
    /// Options that contradict each other or the file.
    #[error("{0}")]
    Options(String),
    /// The bytes are not what the format says.
    #[error("{file}: {message}")]
    Malformed {
        /// The input.
        file: String,
        /// What was expected, what was found, and where.
        message: String,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A kernel refused.
    #[error(transparent)]
    Columns(#[from] partita_columns::Error),
    /// Arrow refused.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// A frame could not be read.
    #[error(transparent)]
    Frame(#[from] crate::frame::FrameError),
    /// The `parquet` crate refused.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
}
