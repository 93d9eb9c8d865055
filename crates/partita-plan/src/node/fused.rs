//! `Fused`: a chain of operators that runs as one task a partition, batch by batch, instead of as one task an
//! operator. Fusion is a node, so that plans before and after it can both run and be compared.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{Divisions, Operator, Plan, PlanRef, Statistics};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

/// Runs its inner plan as one task a partition.
#[derive(Debug)]
pub struct Fused {
    inner: PlanRef,
}

impl Fused {
    /// Fuses `inner` as a whole.
    pub fn plan(inner: PlanRef) -> PlanRef {
        Arc::new(Plan::Fused(Self { inner }))
    }
}

impl Operator for Fused {
    fn name(&self) -> &'static str {
        "Fused"
    }

    fn detail(&self) -> String {
        "one task a partition".to_owned()
    }

    fn schema(&self) -> &SchemaRef {
        self.inner.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.inner)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Ok(Fused::plan(input))
    }

    fn divisions(&self) -> Divisions {
        self.inner.divisions()
    }

    fn ordered_by(&self) -> Option<String> {
        self.inner.ordered_by()
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        self.inner.operator().prune(columns).map(Fused::plan)
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        Ok(self.inner.operator().push_filter(predicate)?.map(Fused::plan))
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(self.inner.operator().push_partitions(wanted)?.map(Fused::plan))
    }

    fn known_rows(&self) -> Option<u64> {
        self.inner.operator().known_rows()
    }

    fn statistics(&self, column: usize) -> Option<Statistics> {
        self.inner.operator().statistics(column)
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        memory::of_input(self)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        lowering.fused(|lowering| lowering.lower(&self.inner))
    }
}
