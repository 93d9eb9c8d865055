//! `RowIndex`: the running row number over the whole frame, as a first column of UInt64 from 0.
//!
//! The numbers need the row counts of all partitions before: those are counted first (for CSV: without decoding a
//! column), a barrier adds them up into a slot, and each partition counts on from its own.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_tasks::program;

use super::{Operator, Plan, PlanRef, Project};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

/// Numbers the rows.
#[derive(Debug)]
pub struct RowIndex {
    input: PlanRef,
    name: String,
    schema: SchemaRef,
}

impl RowIndex {
    /// Numbers the rows of `input` in a first column `name`.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn plan(input: PlanRef, name: &str) -> Result<PlanRef> {
        let number = Arc::new(Field::new(name, DataType::UInt64, false));
        let fields = std::iter::once(number).chain(input.schema().fields().iter().map(Arc::clone));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        super::check_distinct(&schema)?;
        Ok(Arc::new(Plan::RowIndex(Self { input, name: name.to_owned(), schema })))
    }
}

impl Operator for RowIndex {
    fn name(&self) -> &'static str {
        "RowIndex"
    }

    fn detail(&self) -> String {
        self.name.clone()
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        RowIndex::plan(input, &self.name)
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        if !columns.contains(&0) {
            let below: Vec<usize> = columns.iter().map(|index| index - 1).collect();
            return self.input.operator().prune(&below);
        }
        let below: Vec<usize> = columns.iter().filter(|index| **index > 0).map(|index| index - 1).collect();
        let numbered = self.with_input(self.input.operator().prune(&below)?)?;
        if columns.first() == Some(&0) && numbered.schema().fields().len() == columns.len() {
            return Ok(numbered);
        }
        Project::columns(numbered, columns.iter().map(|index| self.schema.field(*index).name().as_str()))
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        // Dropped rows have numbers too.
        Ok(None)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        // The rows of earlier partitions must be counted.
        Ok(None)
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        memory::of_input(self)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let counted = lowering.lower(&self.input.operator().prune(&[])?)?;
        let pipelines = lowering.lower(&self.input)?;
        let (offsets, barrier) = lowering.row_offsets(counted)?;
        let mut numbered = lowering.chain(pipelines, &self.schema, |partition| {
            program::Operator::RowIndex { offsets, partition, schema: Arc::clone(&self.schema) }
        })?;
        for pipeline in &mut numbered {
            pipeline.dependencies.push(barrier);
        }
        Ok(numbered)
    }
}
