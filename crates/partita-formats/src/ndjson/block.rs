//! How one file's bytes become columns, resolved: nothing is left to look up.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::column::check;
use crate::csv::stream::Compression;
use crate::error::Result;
use crate::parquet::read::engine_type;

/// The sizes that bound a reader's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NdjsonLimits {
    /// Longest line, in bytes.
    pub line_bytes_max: usize,
    /// Bytes read at a time.
    pub chunk_bytes: usize,
    /// Rows of a batch at most.
    pub batch_rows_max: usize,
    /// Bytes of lines of a batch, about.
    pub batch_bytes_max: usize,
}

impl Default for NdjsonLimits {
    fn default() -> Self {
        Self {
            line_bytes_max: 64 << 20,
            chunk_bytes: 256 << 10,
            batch_rows_max: 8 << 10,
            batch_bytes_max: 1 << 20,
        }
    }
}

/// The schema in the types that lines are read as: text as views.
pub fn engine_schema(schema: &SchemaRef) -> SchemaRef {
    let field = |field: &FieldRef| Field::new(field.name(), engine_type(field.data_type()), true);
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// How the lines of one file become rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NdjsonBlock {
    /// The file, as the user named it.
    pub file: String,
    /// How it is compressed.
    pub compression: Compression,
    /// All columns: the keys that lines may have.
    pub schema: SchemaRef,
    /// Positions of the columns that are read, ascending.
    pub wanted: Vec<usize>,
    /// Whether keys that no column has are passed over, at any depth; else they are errors.
    pub ignore_unknown: bool,
    /// Sizes.
    pub limits: NdjsonLimits,
}

impl NdjsonBlock {
    /// All columns of `schema`, whose text is `Utf8View`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Options`] where a column has a type that JSON cannot be read as.
    pub fn new(file: &str, compression: Compression, schema: SchemaRef) -> Result<Self> {
        schema.fields().iter().try_for_each(|field| check(field.name(), field.data_type()))?;
        let wanted = (0..schema.fields().len()).collect();
        Ok(Self {
            file: file.to_owned(),
            compression,
            schema,
            wanted,
            ignore_unknown: false,
            limits: NdjsonLimits::default(),
        })
    }

    /// Whether the file can be read from its beginning only.
    pub fn is_stream(&self) -> bool {
        self.compression != Compression::None
    }
}
