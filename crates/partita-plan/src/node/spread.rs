//! `Spread`: the same rows in the same order, cut into any number of even partitions.
//!
//! Each task stores its rows as they come; when all are counted, the tasks of the new partitions read theirs.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_tasks::exchange::{By, ExchangeSpec, PlaceCut};

use super::shuffle::filtered;
use super::{Divisions, Operator, Plan, PlanRef, Project};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// Cuts rows evenly.
#[derive(Debug)]
pub struct Spread {
    input: PlanRef,
    cut: PlaceCut,
    partitions: usize,
    /// Whether rows must reach it as the plan says, as somebody goes by its cuts.
    is_pinned: bool,
}

impl Spread {
    /// The rows of `input` in so many partitions, at least one, of as many rows, or of about as many bytes where `by_bytes`.
    pub fn plan(input: PlanRef, partitions: usize, by_bytes: bool) -> PlanRef {
        let cut = if by_bytes { PlaceCut::Bytes } else { PlaceCut::Rows };
        Arc::new(Plan::Spread(Self { input, cut, partitions: partitions.max(1), is_pinned: false }))
    }

    fn of(&self, input: PlanRef, is_pinned: bool) -> PlanRef {
        Arc::new(Plan::Spread(Self { input, cut: self.cut, partitions: self.partitions, is_pinned }))
    }
}

impl Operator for Spread {
    fn name(&self) -> &'static str {
        "Spread"
    }

    fn detail(&self) -> String {
        let even = if self.cut == PlaceCut::Bytes { "bytes" } else { "rows" };
        format!("{} partitions of as many {even}", self.partitions)
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Ok(self.of(input, self.is_pinned))
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn divisions(&self) -> Divisions {
        // Equal values of an index may be on both sides of a cut.
        Divisions::Unknown
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let schema = self.input.schema();
        let all: Vec<usize> = (0..schema.fields().len()).collect();
        // Bytes are those of all columns, whichever are looked at.
        let below = if self.cut == PlaceCut::Bytes { &all } else { columns };
        let spread = self.with_input(self.input.operator().prune(below)?)?;
        if below == columns {
            return Ok(spread);
        }
        Project::columns(spread, columns.iter().map(|at| schema.field(*at).name().as_str()))
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        if self.is_pinned { Ok(None) } else { filtered(self, predicate) }
    }

    fn pinned(&self) -> Result<Option<PlanRef>> {
        Ok(Some(self.of(Arc::clone(&self.input), true)))
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn known_rows(&self) -> Option<u64> {
        self.input.operator().known_rows()
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        let all = self.input.operator().estimate_bytes()?.into_iter().fold(0, u64::saturating_add);
        Some(vec![all / self.partitions as u64; self.partitions])
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let by = By::Place { cut: self.cut, index: None };
        let schema = Arc::clone(self.input.schema());
        let pipelines = lowering.lower(&self.input)?;
        lowering.exchanged(pipelines, &Arc::new(ExchangeSpec::even(schema, by, self.partitions)))
    }
}
