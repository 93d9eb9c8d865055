//! `MapPartitions`: a user's function on each whole partition.
//!
//! The function is registered with the session and named by a number, because closures do not cross a process
//! boundary. The optimizer knows nothing about it: it gets all columns of all rows of its partition.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_tasks::program::{self, FunctionId};

use super::{Divisions, KeepAlive, Operator, Plan, PlanRef, Project};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory::Need;

/// Calls a registered function.
#[derive(Debug)]
pub struct MapPartitions {
    input: PlanRef,
    function: FunctionId,
    schema: SchemaRef,
    keep_alive: KeepAlive,
}

impl MapPartitions {
    /// Calls `function` on each partition of `input`; it returns columns of `schema`. `keep_alive` is dropped with
    /// the last plan.
    ///
    /// # Errors
    /// Where `schema` has two columns of one name.
    pub fn plan(
        input: PlanRef,
        function: FunctionId,
        schema: SchemaRef,
        keep_alive: Arc<dyn Any + Send + Sync>,
    ) -> Result<PlanRef> {
        super::check_distinct(&schema)?;
        let keep_alive = KeepAlive::new(keep_alive);
        Ok(Arc::new(Plan::MapPartitions(Self { input, function, schema, keep_alive })))
    }
}

impl MapPartitions {
    /// What keeps the function registered.
    pub fn function(&self) -> Arc<dyn Any + Send + Sync> {
        self.keep_alive.value()
    }
}

impl Operator for MapPartitions {
    fn name(&self) -> &'static str {
        "MapPartitions"
    }

    fn detail(&self) -> String {
        format!("function {}, declared: {}", self.function.0, super::names(&self.schema).join(", "))
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Ok(Arc::new(Plan::MapPartitions(Self {
            input,
            function: self.function,
            schema: Arc::clone(&self.schema),
            keep_alive: self.keep_alive.clone(),
        })))
    }

    fn divisions(&self) -> Divisions {
        // The function may return any rows.
        Divisions::Unknown
    }

    fn minds_cuts(&self) -> bool {
        true
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let all: Vec<usize> = (0..self.input.schema().fields().len()).collect();
        let mapped = self.with_input(self.input.operator().prune(&all)?)?;
        if columns.iter().copied().eq(0..self.schema.fields().len()) {
            return Ok(mapped);
        }
        Project::columns(mapped, columns.iter().map(|index| self.schema.field(*index).name().as_str()))
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        super::partitions::below(&self.input, wanted, |input| self.with_input(input))
    }

    fn need(&self) -> Need {
        Need::Partition
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let input = self.input.schema();
        let pipelines = lowering.searched(|lowering| lowering.lower(&self.input))?;
        lowering.chain(pipelines, &self.schema, |_| program::Operator::Map {
            function: self.function,
            input: Arc::clone(input),
            schema: Arc::clone(&self.schema),
        })
    }
}
