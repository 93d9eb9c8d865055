//! How a frame is cut by its index.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use partita_columns::Scalar;

/// The bounds of a frame's partitions by its index. Sources of CSV know none, those of Parquet find them in statistics;
/// operators keep or drop them by an explicit rule.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Divisions {
    /// No index, or bounds that nobody has established.
    Unknown,
    /// The rows of each partition lie between two of these values of a column.
    Known {
        /// The index.
        column: String,
        /// Where each partition begins, ascending, and where the last one ends: one more than there are partitions. No value
        /// is in two partitions.
        values: Arc<[Scalar]>,
    },
}

impl Divisions {
    /// The same, where the index is still a column.
    #[must_use]
    pub fn among(self, is_column: impl FnOnce(&str) -> bool) -> Self {
        match self {
            Divisions::Known { column, .. } if !is_column(&column) => Divisions::Unknown,
            same => same,
        }
    }

    /// Those of some consecutive partitions. The last of them ends where the next would begin.
    #[must_use]
    pub fn of(self, wanted: &Range<usize>) -> Self {
        match self {
            Divisions::Known { column, values } if !wanted.is_empty() => {
                match values.get(wanted.start..wanted.end.saturating_add(1)) {
                    Some(some) => Divisions::Known { column, values: some.into() },
                    None => Divisions::Unknown,
                }
            }
            _ => Divisions::Unknown,
        }
    }
}

impl fmt::Display for Divisions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Divisions::Unknown => out.write_str("unknown"),
            Divisions::Known { column, values } => {
                write!(out, "by {column}")?;
                match (values.first(), values.last()) {
                    (Some(first), Some(last)) => write!(out, ", from {first} to {last}"),
                    _ => Ok(()),
                }
            }
        }
    }
}
