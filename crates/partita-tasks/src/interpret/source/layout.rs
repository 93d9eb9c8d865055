//! How columns of a scan come from a file: by name, in the types that the frame has, and those that are in no file.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use partita_columns::Scalar;
use partita_columns::compute::{CastMode, cast_array};

use crate::error::Result;
use crate::expr::fixed_bytes;

/// Which columns of a file are read, and where each column of the scan comes from.
pub(super) struct Layout {
    /// Positions in the file of the columns that are read, in order.
    pub(super) read: Vec<usize>,
    /// Of each column of the scan, where it comes from.
    pub(super) columns: Vec<Origin>,
}

/// Where a column comes from.
#[derive(Clone)]
pub(super) enum Origin {
    /// From the columns that are read, by their place among them.
    Read(usize),
    /// The same value in all rows.
    Value(Scalar),
}

impl Origin {
    /// The column of what was read that it is, in a type.
    pub(super) fn column(&self, batch: &RecordBatch, data_type: &DataType) -> Result<ArrayRef> {
        match self {
            Origin::Read(place) => Ok(cast_array(batch.column(*place), data_type, CastMode::Strict)?),
            Origin::Value(value) => Ok(value.to_array_of(data_type, batch.num_rows())?),
        }
    }
}

impl Layout {
    /// Columns that have a value have that; those that the file has are read; the others are null.
    pub(super) fn new(columns: &Schema, file: &Schema, values: &[(String, Scalar)]) -> Self {
        let mut read = Vec::new();
        let origin = |field: &Arc<arrow::datatypes::Field>| {
            if let Some((_, value)) = values.iter().find(|(name, _)| name == field.name()) {
                return Origin::Value(value.clone());
            }
            match file.index_of(field.name()) {
                Ok(position) => {
                    read.push(position);
                    Origin::Read(read.len() - 1)
                }
                Err(_) => Origin::Value(Scalar::Null(field.data_type().clone())),
            }
        };
        let columns = columns.fields().iter().map(origin).collect();
        Self { read, columns }
    }

    /// How many of the columns that are read, from the left, are among the first `columns` of the scan.
    pub(super) fn read_of(&self, columns: usize) -> usize {
        self.columns.iter().take(columns).filter(|origin| matches!(origin, Origin::Read(_))).count()
    }

    /// Columns of `schema` from those that were read.
    pub(super) fn columns(
        &self,
        schema: &SchemaRef,
        origins: &[Origin],
        batch: &RecordBatch,
    ) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let fields = origins.iter().zip(schema.fields());
        let columns = fields.map(|(origin, field)| origin.column(batch, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
    }
}

/// Bytes of columns that a batch of the file does not have as they are wanted: those of another type, and those that are not there.
pub(super) fn made_bytes(schema: &Schema, origins: &[Origin], batch: &RecordBatch) -> usize {
    let is_there = |origin: &Origin, data_type: &DataType| match origin {
        Origin::Read(place) => batch.column(*place).data_type() == data_type,
        Origin::Value(_) => false,
    };
    let types = schema.fields().iter().map(|field| field.data_type());
    let made = origins.iter().zip(types).filter(|(origin, data_type)| !is_there(origin, data_type));
    made.map(|(_, data_type)| fixed_bytes(data_type, batch.num_rows())).sum()
}
