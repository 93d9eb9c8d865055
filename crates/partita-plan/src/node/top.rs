//! `Top`: the rows with the greatest or the least keys, or the first of a sort, in their order, as one partition.
//!
//! Each task keeps so many of its rows, and tasks behind them those of sixteen tasks at a time.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_columns::reduce::Reduction;
use partita_tasks::reduce::{self as task, TopOrder};

use super::reduce::{Aggregate, field, reducible};
use super::sort::shown;
use super::{Divisions, Operator, Plan, PlanRef, Project, SortBy};
use crate::bind::bind;
use crate::error::Result;
use crate::expr::{Expr, col};
use crate::lower::{Lowering, Pipeline};

/// Keeps the first rows of an order.
#[derive(Debug)]
pub struct Top {
    input: PlanRef,
    by: Vec<Expr>,
    rows: usize,
    order: TopOrder,
}

impl Top {
    /// The first `rows` rows of `input` by `by`, the greatest first where `descending`.
    ///
    /// # Errors
    /// Where an expression does not bind or has no order.
    pub fn plan(input: PlanRef, by: Vec<Expr>, rows: usize, descending: bool) -> Result<PlanRef> {
        for key in &by {
            let name = String::new();
            field(&Aggregate::new(Reduction::Max, vec![key.clone()], name), &input)?;
        }
        let order = if descending { TopOrder::Greatest } else { TopOrder::Least };
        Ok(Arc::new(Plan::Top(Self { input, by, rows, order })))
    }

    /// The first rows of `input` sorted by columns.
    pub(super) fn sorted(input: PlanRef, by: &[SortBy], rows: usize) -> PlanRef {
        let order = TopOrder::Sorted(by.iter().map(SortBy::direction).collect());
        let by = by.iter().map(|key| col(key.column())).collect();
        Arc::new(Plan::Top(Self { input, by, rows, order }))
    }
}

impl Operator for Top {
    fn name(&self) -> &'static str {
        "Top"
    }

    fn detail(&self) -> String {
        let keys: Vec<String> = self.by.iter().map(Expr::to_string).collect();
        let order = match &self.order {
            TopOrder::Greatest => "greatest ".to_owned(),
            TopOrder::Least => "least ".to_owned(),
            TopOrder::Sorted(directions) => {
                let keys = keys.iter().zip(directions).map(|(key, direction)| shown(key, *direction));
                return format!("first {} rows by {}", self.rows, keys.collect::<Vec<_>>().join(", "));
            }
        };
        format!("{} rows, {order}{}", self.rows, keys.join(", "))
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        if matches!(self.order, TopOrder::Sorted(_)) {
            let (by, order) = (self.by.clone(), self.order.clone());
            return Ok(Arc::new(Plan::Top(Self { input, by, rows: self.rows, order })));
        }
        Top::plan(input, self.by.clone(), self.rows, self.order == TopOrder::Greatest)
    }

    fn expressions(&self) -> Vec<&Expr> {
        self.by.iter().collect()
    }

    fn partitions(&self) -> usize {
        1
    }

    fn divisions(&self) -> Divisions {
        Divisions::Unknown
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let mut below = columns.to_vec();
        for name in self.by.iter().flat_map(Expr::columns) {
            let needed = super::position(self.input.schema(), &name)?;
            if !below.contains(&needed) {
                below.push(needed);
            }
        }
        let top = self.with_input(self.input.operator().prune(&below)?)?;
        if below.len() == columns.len() {
            return Ok(top);
        }
        let schema = self.input.schema();
        Project::columns(top, columns.iter().map(|at| schema.field(*at).name().as_str()))
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let key = |key: &Expr| match self.order {
            // A column as it is.
            TopOrder::Sorted(_) => {
                let (expression, field) = bind(key, self.input.schema())?;
                Ok(task::Input { expression, data_type: field.data_type().clone() })
            }
            TopOrder::Greatest | TopOrder::Least => reducible(key, &self.input),
        };
        let by = self.by.iter().map(key).collect::<Result<Vec<_>>>()?;
        let top = task::TopRows { by, rows: self.rows, order: self.order.clone() };
        let pipelines = lowering.lower(&self.input)?;
        Ok(vec![lowering.top(pipelines, self.input.schema(), &Arc::new(top))?])
    }
}
