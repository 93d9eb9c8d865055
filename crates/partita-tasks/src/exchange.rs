//! Rows that change partition: by the order of keys, by a hash, or by their place.
//!
//! **By order**: each task of the input sorts what memory lets it hold into **runs**, which go to the store
//! ([`crate::program::Sink::Runs`]), and draws a sample of the keys of its rows. When all are done a barrier cuts the range of
//! the keys so that every part has about as many rows ([`crate::program::Sink::Exchange`]), and a task for each part merges what
//! the runs have of it ([`crate::program::Source::Exchanged`]). Samples are drawn by row number, and runs are merged in the order of the
//! partitions that they are of: neither rows, nor their order, nor the cuts depend on memory or threads.
//!
//! **By hash**: the same, where the key is a hash of some columns. Rows that are equal by these are in one part, one behind the
//! other but for others of the same hash, and in the order of the input.
//!
//! **By place**: each task stores its rows as they come, the barrier adds up, and a task for each part reads its rows, or those of its
//! neighbours too, for a function ([`crate::program::Source::Overlapped`]).

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, SchemaRef};
use partita_columns::sort::{Direction, KeyLayout, Keys};
use partita_columns::{Scalar, compute};
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};
use crate::program::FunctionId;

/// A column that rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    /// Its position.
    pub column: usize,
    /// Which values come first.
    pub direction: Direction,
}

/// What decides where a row goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// Keys, the first first.
    Order(Vec<SortKey>),
    /// A hash of the columns at these positions.
    Hash(Vec<usize>),
    /// Its place among all rows.
    Place {
        /// Where parts begin.
        cut: PlaceCut,
        /// The column whose least and greatest values are noted: a date or a time.
        index: Option<usize>,
    },
}

/// Where parts begin that have the rows in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlaceCut {
    /// Parts have as many rows, but for one.
    Rows,
    /// Parts have about as many bytes.
    Bytes,
    /// Where the partitions of the input did.
    Partitions,
}

/// How far the neighbours' rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// So many rows.
    Rows(u64),
    /// Those whose index is less than so many of its ticks away from those of the part.
    Ticks(i64),
}

/// A function over each part with rows of its neighbours, by an exchange that leaves the partitions as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// What stored the rows.
    pub spec: Arc<ExchangeSpec>,
    /// Rows before the part.
    pub before: Reach,
    /// Rows behind it.
    pub after: Reach,
    /// It returns a row for each that it is given.
    pub function: FunctionId,
    /// What it declared to return.
    pub schema: SchemaRef,
}

/// What rows are exchanged by, and into how many parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExchangeSpec {
    /// The rows.
    pub schema: SchemaRef,
    /// What decides.
    pub by: By,
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
    /// So that each has about so many distinct keys, and as many values of the only key: 16 bits of a hash of them.
    Buckets {
        /// How many.
        keys: u64,
    },
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

impl ExchangeSpec {
    /// Parts of about as many rows, whatever these are.
    pub fn even(schema: SchemaRef, by: By, parts: usize) -> Self {
        Self { schema, by, parts, cuts: Cuts::Even, index: None }
    }

    /// The keys of an order.
    pub fn order(&self) -> &[SortKey] {
        match &self.by {
            By::Order(keys) => keys,
            By::Hash(_) | By::Place { .. } => &[],
        }
    }

    /// How keys of rows are compared.
    ///
    /// # Errors
    /// Where a key has no order or is not there.
    pub fn layout(&self) -> Result<KeyLayout> {
        let By::Order(keys) = &self.by else {
            return Ok(KeyLayout::new(&[(DataType::UInt64, Direction::default())])?);
        };
        let types = keys.iter().map(|key| {
            let field = self.schema.fields().get(key.column)?;
            Some((field.data_type().clone(), key.direction))
        });
        let types: Option<Vec<_>> = types.collect();
        Ok(KeyLayout::new(&types.ok_or_else(missing)?)?)
    }

    /// The keys of a batch.
    ///
    /// # Errors
    /// Where it is not one of these rows.
    pub fn keys(&self, layout: &KeyLayout, batch: &RecordBatch) -> Result<Keys> {
        let column = |at: usize| batch.columns().get(at).map(Arc::clone);
        let columns: Option<Vec<ArrayRef>> = match &self.by {
            By::Order(keys) => keys.iter().map(|key| column(key.column)).collect(),
            By::Hash(columns) => columns.iter().map(|at| column(*at)).collect(),
            By::Place { .. } => None,
        };
        let columns = columns.ok_or_else(missing)?;
        if matches!(self.by, By::Order(_)) {
            return Ok(layout.encode(&columns)?);
        }
        let hashes = UInt64Array::from(compute::hash_rows(&columns, batch.num_rows())?);
        Ok(layout.encode(&[Arc::new(hashes)])?)
    }
}

fn missing() -> ErrorKind {
    ErrorKind::Missing("a column to exchange by".into())
}
