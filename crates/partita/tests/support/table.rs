//! Tables of plain values.

use partita::DataFrame;
use partita::arrow::datatypes::DataType;

use crate::cells::{Cell, rows};

/// Names, and rows of values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    pub(crate) types: Vec<DataType>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Computes a frame.
    pub(crate) fn of(frame: &DataFrame) -> partita::Result<Table> {
        let schema = frame.schema()?;
        let batches = frame.compute_batches()?;
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let types = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        Ok(Table { names, types, rows: rows(&batches) })
    }
}
