//! What all sources that read files have in common: which columns, rows and partitions are wanted.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_tasks::expr::BoundExpr;
use partita_tasks::program::FileInput;

use crate::bind::bind;
use crate::error::Result;
use crate::expr::Expr;

/// The wanted part of a source.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// All columns of the frame.
    pub(super) all: SchemaRef,
    /// Positions in `all` of the columns that come out, in order.
    pub(super) output: Vec<usize>,
    pub(super) predicate: Option<Expr>,
    /// The columns that come out.
    pub(super) schema: SchemaRef,
    /// The wanted partitions.
    pub(super) partitions: Range<usize>,
}

/// A file that a source reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedFile {
    /// Path or URL.
    pub path: String,
    /// Size in bytes when it was planned.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970; 0 where the store has none.
    pub modified_ns: i128,
}

impl From<&FileInput> for ScannedFile {
    fn from(input: &FileInput) -> Self {
        Self { path: input.path.clone(), bytes: input.bytes, modified_ns: input.modified_ns }
    }
}

impl Wanted {
    /// All rows and columns.
    pub(super) fn all(all: SchemaRef, partitions: usize) -> Self {
        let output = (0..all.fields().len()).collect();
        Self { schema: Arc::clone(&all), all, output, predicate: None, partitions: 0..partitions }
    }

    /// Those at `columns` of the columns that come out.
    pub(super) fn prune(&self, columns: &[usize]) -> Result<Self> {
        let output = columns.iter().map(|column| self.output[*column]).collect();
        Ok(Self { output, schema: Arc::new(self.schema.project(columns)?), ..self.clone() })
    }

    /// The rows where `predicate` is true too.
    pub(super) fn filter(&self, predicate: &Expr) -> Self {
        let predicate = match &self.predicate {
            Some(before) => before.clone().and(predicate.clone()),
            None => predicate.clone(),
        };
        Self { predicate: Some(predicate), ..self.clone() }
    }

    /// These of the wanted partitions.
    pub(super) fn pick(&self, wanted: &Range<usize>) -> Self {
        let start = self.partitions.start;
        Self { partitions: start + wanted.start..start + wanted.end, ..self.clone() }
    }

    /// The same columns of another schema.
    pub(super) fn retype(&self, all: SchemaRef) -> Result<Self> {
        Ok(Self { schema: Arc::new(all.project(&self.output)?), all, ..self.clone() })
    }

    /// The columns that are read: those that come out, then those that only the filter needs.
    pub(super) fn read(&self) -> Result<Vec<usize>> {
        let mut read = self.output.clone();
        for name in self.predicate.iter().flat_map(Expr::columns) {
            let column = super::position(&self.all, &name)?;
            if !read.contains(&column) {
                read.push(column);
            }
        }
        Ok(read)
    }

    /// The schema of the columns that are read, and the filter over them.
    pub(super) fn bound(&self) -> Result<(SchemaRef, Option<BoundExpr>)> {
        let columns = Arc::new(self.all.project(&self.read()?)?);
        let filter = match &self.predicate {
            Some(predicate) => Some(bind(predicate, &columns)?.0),
            None => None,
        };
        Ok((columns, filter))
    }

    /// Columns and filter, for `explain`.
    pub(super) fn shown(&self) -> String {
        let columns =
            if self.output.is_empty() { "none".to_owned() } else { super::names(&self.schema).join(", ") };
        let filter = self.predicate.as_ref().map_or_else(String::new, |filter| format!("; filter: {filter}"));
        format!("columns: {columns}{filter}")
    }
}
