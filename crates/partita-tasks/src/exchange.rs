//! Rows that change partition, in the order of keys.
//!
//! Each task of the input sorts what memory lets it hold into **runs**, which go to the store ([`crate::program::Sink::Runs`]), and draws a
//! sample of the keys of its rows. When all are done a barrier cuts the range of the keys so that every part has about as many
//! rows ([`crate::program::Sink::Exchange`]), and a task for each part merges what the runs have of it
//! ([`crate::program::Source::Sorted`]). Samples are drawn by row number, and runs are merged in the order of the partitions that they are of:
//! neither rows, nor their order, nor the cuts depend on memory or threads.

use arrow::datatypes::{DataType, SchemaRef};
use partita_columns::Scalar;
use partita_columns::sort::{Direction, KeyLayout};
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};

/// A column that rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    /// Its position.
    pub column: usize,
    /// Which values come first.
    pub direction: Direction,
}

/// An order, and how many parts it is cut into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SortSpec {
    /// The rows.
    pub schema: SchemaRef,
    /// The keys, the first first.
    pub keys: Vec<SortKey>,
    /// Partitions of the result.
    pub parts: usize,
    /// Where these begin.
    pub cuts: Cuts,
    /// What must be true of the rows; `None`: nothing.
    pub index: Option<IndexRule>,
}

/// Where the parts of an exchange begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Cuts {
    /// So that all have about as many rows.
    Even,
    /// So that each has about so many bytes; the last ones are empty where fewer are needed.
    Bytes(u64),
    /// At these values of the only key, but for the last one, where the last part ends: ascending, one more than there are parts.
    Given {
        /// The values.
        values: Vec<Scalar>,
        /// Whether rows before the first value or behind the last one go to the part next to them; otherwise they are an error.
        widens: bool,
    },
}

/// What must be true of rows whose only key becomes their index: none is null or NaN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRule {
    /// Name of the column.
    pub column: String,
    /// Whether the rows must be in order as they come.
    pub is_sorted: bool,
}

impl SortSpec {
    /// How rows are compared.
    ///
    /// # Errors
    /// Where a key has no order or is not there.
    pub fn layout(&self) -> Result<KeyLayout> {
        let types: Option<Vec<(DataType, Direction)>> = self
            .keys
            .iter()
            .map(|key| {
                let field = self.schema.fields().get(key.column)?;
                Some((field.data_type().clone(), key.direction))
            })
            .collect();
        let types = types.ok_or_else(|| ErrorKind::Missing("a column to sort by".into()))?;
        Ok(KeyLayout::new(&types)?)
    }
}
