//! `Distinct`: one of the rows that are equal by some columns.
//!
//! Each task drops what it sees to be there again, an exchange by hash brings the rest together, and rows of equal hash are compared.
//! Rows come out in the order of their hashes, which depends on nothing but the values.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use partita_tasks::distinct::{self, Keep};
use partita_tasks::exchange::{By, ExchangeSpec};
use partita_tasks::program;

use super::shuffle::{filtered, picked, positions, with};
use super::{Divisions, Operator, Plan, PlanRef, names};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

const CALL: &str = "drop_duplicates";

/// Keeps one of equal rows.
#[derive(Debug)]
pub struct Distinct {
    input: PlanRef,
    on: Vec<String>,
    keep: Keep,
    partitions: usize,
    /// Whether rows must reach it as the plan says, as somebody goes by its cuts.
    is_pinned: bool,
}

impl Distinct {
    /// Of the rows of `input` that are equal by the columns `on` (`None`: by all) those that `keep` says.
    ///
    /// # Errors
    /// Where there is no column, or one is not there or its values are not compared.
    pub fn plan(input: PlanRef, on: Option<Vec<String>>, keep: Keep) -> Result<PlanRef> {
        let on = on.unwrap_or_else(|| names(input.schema()));
        let partitions = input.partitions().max(1);
        Self::of(Self { input, on, keep, partitions, is_pinned: false })
    }

    fn of(node: Self) -> Result<PlanRef> {
        positions(CALL, &node.input, &node.on)?;
        Ok(Arc::new(Plan::Distinct(node)))
    }

    fn with_pin(&self, is_pinned: bool) -> Self {
        let (input, on) = (Arc::clone(&self.input), self.on.clone());
        Self { input, on, keep: self.keep, partitions: self.partitions, is_pinned }
    }

    /// Whether rows that are equal are all in or all out: they have the same bits in what it looks at.
    fn is_of_values(&self, predicate: &Expr) -> bool {
        let on: HashSet<&str> = self.on.iter().map(String::as_str).collect();
        let is_same = |name: &String| {
            let field = self.input.schema().field_with_name(name);
            on.contains(name.as_str())
                && field.is_ok_and(|field| {
                    !matches!(
                        field.data_type(),
                        DataType::Float32 | DataType::Float64 | DataType::Dictionary(..)
                    )
                })
        };
        predicate.columns().iter().all(is_same)
    }
}

impl Operator for Distinct {
    fn name(&self) -> &'static str {
        "Distinct"
    }

    fn detail(&self) -> String {
        let keep = match self.keep {
            Keep::First => "the first",
            Keep::Last => "the last",
            Keep::None => "none",
        };
        format!("{keep} of those that are equal by {}", self.on.join(", "))
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Distinct::of(Self { input, ..self.with_pin(self.is_pinned) })
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn divisions(&self) -> Divisions {
        Divisions::Unknown
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let below = with(columns, &positions(CALL, &self.input, &self.on)?);
        picked(self.with_input(self.input.operator().prune(&below)?)?, columns, self.input.schema())
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        if !self.is_pinned && self.is_of_values(predicate) { filtered(self, predicate) } else { Ok(None) }
    }

    fn pinned(&self) -> Result<Option<PlanRef>> {
        Ok(Some(Arc::new(Plan::Distinct(self.with_pin(true)))))
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let schema = self.input.schema();
        let on = positions(CALL, &self.input, &self.on)?;
        let by = By::Hash(on.clone());
        let spec = Arc::new(ExchangeSpec::even(Arc::clone(schema), by, self.partitions));
        let distinct = Arc::new(distinct::Distinct { schema: Arc::clone(schema), on, keep: self.keep });
        let pipelines = lowering.lower(&self.input)?;
        let thinned =
            lowering.chain(pipelines, schema, |_| program::Operator::Thin(Arc::clone(&distinct)))?;
        let parts = lowering.exchanged(thinned, &spec)?;
        lowering.chain(parts, schema, |_| program::Operator::Distinct(Arc::clone(&distinct)))
    }
}
