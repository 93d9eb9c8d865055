//! Rows of equal values, once or counted.
//!
//! A task of the input drops what it can see to be there again ([`crate::program::Operator::Thin`]), or counts values
//! ([`crate::program::Operator::Count`]), within a bound; the exchange by hash brings equal rows together; and what is left comes one behind
//! the other, but for others of the same hash, and is compared exactly ([`crate::program::Operator::Distinct`],
//! [`crate::program::Operator::AddUp`]). Values are equal as they are in an order: null equals null, NaN equals NaN, -0.0 equals 0.0.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use partita_columns::sort::{Direction, KeyLayout};
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};

/// Which of several equal rows stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Keep {
    /// The first.
    #[default]
    First,
    /// The last.
    Last,
    /// None of them: what stays was there once.
    None,
}

/// One of the rows that are equal by some columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distinct {
    /// The rows.
    pub schema: SchemaRef,
    /// Positions of the columns.
    pub on: Vec<usize>,
    /// Which one.
    pub keep: Keep,
}

impl Distinct {
    /// How rows are compared.
    ///
    /// # Errors
    /// Where a column is not there, or its values are not compared.
    pub fn layout(&self) -> Result<KeyLayout> {
        let types = self.on.iter().map(|at| {
            let field = self.schema.fields().get(*at)?;
            Some((field.data_type().clone(), Direction::default()))
        });
        let types: Option<Vec<_>> = types.collect();
        Ok(KeyLayout::new(&types.ok_or_else(missing)?)?)
    }

    /// The columns of a batch.
    ///
    /// # Errors
    /// Where one is not there.
    pub fn columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let columns: Option<Vec<ArrayRef>> =
            self.on.iter().map(|at| batch.columns().get(*at).cloned()).collect();
        Ok(columns.ok_or_else(missing)?)
    }
}

fn missing() -> ErrorKind {
    ErrorKind::Missing("a column to compare by".into())
}
