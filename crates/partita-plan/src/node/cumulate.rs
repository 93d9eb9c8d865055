//! `Cumulate`: running totals over the whole frame, as further columns.
//!
//! Each partition is reduced first, to what it adds to the totals; a barrier says what was before each partition, and each goes on
//! from there.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use partita_columns::reduce::Cumulative;
use partita_tasks::program;
use partita_tasks::reduce as task;

use super::reduce::{Aggregate, field, place, reducible};
use super::{Operator, Plan, PlanRef, Project};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

/// Adds running totals.
#[derive(Debug)]
pub struct Cumulate {
    input: PlanRef,
    totals: Vec<Total>,
    schema: SchemaRef,
}

/// A running total.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    /// Which.
    pub cumulative: Cumulative,
    /// Of what.
    pub of: Expr,
    /// Its name.
    pub name: String,
}

impl Cumulate {
    /// The columns of `input`, and `totals` behind them.
    ///
    /// # Errors
    /// Where an expression does not bind, has no such total, or a name is taken.
    pub fn plan(input: PlanRef, totals: Vec<Total>) -> Result<PlanRef> {
        let mut fields: Vec<Arc<Field>> = input.schema().fields().iter().map(Arc::clone).collect();
        for total in &totals {
            let all = Aggregate::new(total.cumulative.reduction(), vec![total.of.clone()], &total.name);
            fields.push(Arc::new(field(&all, &input)?));
        }
        let schema = Arc::new(Schema::new(fields));
        super::check_distinct(&schema)?;
        Ok(Arc::new(Plan::Cumulate(Self { input, totals, schema })))
    }

    /// What tasks do: the states before each partition, and the totals that go on from them.
    fn bound(&self) -> Result<(task::Reduce, Vec<task::Cumulated>)> {
        let mut reduce = task::Reduce {
            filters: Vec::new(),
            inputs: Vec::new(),
            kept: Vec::new(),
            outputs: Vec::new(),
            schema: Arc::new(Schema::empty()),
        };
        let mut cumulated = Vec::with_capacity(self.totals.len());
        for total in &self.totals {
            let input = reducible(&total.of, &self.input)?;
            let inputs = vec![place(&mut reduce.inputs, input.clone())];
            let accumulator = total.cumulative.reduction().accumulator();
            let kept = place(&mut reduce.kept, task::Kept { accumulator, inputs, filter: None });
            cumulated.push(task::Cumulated { input, cumulative: total.cumulative, kept });
        }
        Ok((reduce, cumulated))
    }
}

impl Operator for Cumulate {
    fn name(&self) -> &'static str {
        "Cumulate"
    }

    fn detail(&self) -> String {
        let shown = self
            .totals
            .iter()
            .map(|total| format!("{}({}) as {}", total.cumulative.name(), total.of, total.name));
        shown.collect::<Vec<_>>().join(", ")
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Cumulate::plan(input, self.totals.clone())
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let before = self.input.schema().fields().len();
        let totals: Vec<Total> =
            columns.iter().filter_map(|at| self.totals.get(at.checked_sub(before)?)).cloned().collect();
        let mut below: Vec<usize> = columns.iter().copied().filter(|at| *at < before).collect();
        for name in totals.iter().flat_map(|total| total.of.columns()) {
            below.push(super::position(self.input.schema(), &name)?);
        }
        below.sort_unstable();
        below.dedup();
        let input = self.input.operator().prune(&below)?;
        let cumulated = if totals.is_empty() { input } else { Cumulate::plan(input, totals)? };
        let names: Vec<&str> = columns.iter().map(|at| self.schema.field(*at).name().as_str()).collect();
        if super::names(cumulated.schema()).iter().map(String::as_str).eq(names.iter().copied()) {
            return Ok(cumulated);
        }
        Project::columns(cumulated, names)
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        // Dropped rows count too.
        Ok(None)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        // The rows of earlier partitions must be seen.
        Ok(None)
    }

    fn expressions(&self) -> Vec<&Expr> {
        self.totals.iter().map(|total| &total.of).collect()
    }

    fn known_rows(&self) -> Option<u64> {
        self.input.operator().known_rows()
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        memory::of_input(self)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let (reduce, columns) = self.bound()?;
        let (reduce, needed) = super::reduce::pruned(reduce, &self.input)?;
        let seen = lowering.lower(&needed)?;
        let pipelines = lowering.lower(&self.input)?;
        let (before, barrier) = lowering.before(seen, &Arc::new(reduce))?;
        let mut cumulated =
            lowering.chain(pipelines, &self.schema, |partition| program::Operator::Cumulate {
                columns: columns.clone(),
                before,
                partition,
                schema: Arc::clone(&self.schema),
            })?;
        for pipeline in &mut cumulated {
            pipeline.dependencies.push(barrier);
        }
        Ok(cumulated)
    }
}
