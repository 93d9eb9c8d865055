//! How a frame is cut by its index.

use std::fmt;

/// The bounds of a frame's partitions by its index. Sources of CSV know none; the operators that make them keep
/// or drop them by an explicit rule.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Divisions {
    /// No index, or bounds that nobody has established.
    Unknown,
}

impl fmt::Display for Divisions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Divisions::Unknown => out.write_str("unknown"),
        }
    }
}
