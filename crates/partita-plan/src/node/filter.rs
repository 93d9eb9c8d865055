//! `Filter`: the rows where an expression is true.
//!
//! ```
//! use partita_plan::{col, lit};
//! let long_trips = col("trip_distance").gt(lit(10.0));
//! assert_eq!(long_trips.to_string(), "(trip_distance > 10.0)");
//! ```

mod hoist;

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use partita_tasks::{BoundExpr, program};

pub(super) use self::hoist::hoisted;
use super::{Operator, Plan, PlanRef};
use crate::bind::bind;
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// Keeps the rows where `predicate` is true; false and missing drop the row.
#[derive(Debug)]
pub struct Filter {
    input: PlanRef,
    predicate: Expr,
    /// The first columns of the input: the rest serve the predicate only.
    schema: SchemaRef,
}

impl Filter {
    /// Filters `input`.
    ///
    /// # Errors
    /// Where the predicate does not bind to the columns of `input`, or is not Boolean.
    pub fn plan(input: PlanRef, predicate: Expr) -> Result<PlanRef> {
        let output_columns = input.schema().fields().len();
        Filter::with_output(input, predicate, output_columns)
    }

    /// Filters the rows of `input` where they come from, as far down as the filter may move.
    ///
    /// # Errors
    /// As [`Filter::plan`].
    pub(crate) fn below(input: &PlanRef, predicate: &Expr) -> Result<PlanRef> {
        match input.operator().push_filter(predicate)? {
            Some(pushed) => Ok(pushed),
            None => Self::plan(Arc::clone(input), predicate.clone()),
        }
    }

    /// Filters `input`, and hands on its first columns only.
    fn with_output(input: PlanRef, predicate: Expr, output_columns: usize) -> Result<PlanRef> {
        condition(&predicate, input.schema())?;
        let schema = match output_columns == input.schema().fields().len() {
            true => Arc::clone(input.schema()),
            false => Arc::new(input.schema().project(&(0..output_columns).collect::<Vec<_>>())?),
        };
        Ok(Arc::new(Plan::Filter(Self { input, predicate, schema })))
    }

    /// `plan`, whose columns are the input's, with the columns of this filter only.
    fn narrowed(&self, plan: PlanRef) -> Result<PlanRef> {
        let output_columns = self.schema.fields().len();
        if output_columns == plan.schema().fields().len() {
            return Ok(plan);
        }
        plan.operator().prune(&(0..output_columns).collect::<Vec<_>>())
    }
}

/// Binds what is true of some rows.
///
/// # Errors
/// Where it does not bind, or is not Boolean.
pub(super) fn condition(predicate: &Expr, schema: &Schema) -> Result<BoundExpr> {
    let (bound, field) = bind(predicate, schema)?;
    if field.data_type() != &DataType::Boolean {
        let message = format!("a filter needs a Boolean, this is {}", field.data_type());
        return Err(ErrorKind::Type { expression: predicate.to_string(), message }.into());
    }
    Ok(bound)
}

impl Operator for Filter {
    fn name(&self) -> &'static str {
        "Filter"
    }

    fn detail(&self) -> String {
        self.predicate.to_string()
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<&Expr> {
        vec![&self.predicate]
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Filter::with_output(input, self.predicate.clone(), self.schema.fields().len())
    }

    fn ordered_by(&self) -> Option<String> {
        self.input.ordered_by()
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let schema = self.input.schema();
        let mut below = columns.to_vec();
        for name in self.predicate.columns() {
            let needed = super::position(schema, &name)?;
            if !below.contains(&needed) {
                below.push(needed);
            }
        }
        Filter::with_output(self.input.operator().prune(&below)?, self.predicate.clone(), columns.len())
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        let both = self.predicate.clone().and(predicate.clone());
        match self.input.operator().push_filter(&both)? {
            Some(pushed) => self.narrowed(pushed).map(Some),
            None => Filter::with_output(Arc::clone(&self.input), both, self.schema.fields().len()).map(Some),
        }
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        super::partitions::below(&self.input, wanted, |input| self.with_input(input))
    }

    fn fold(&self) -> Result<Option<PlanRef>> {
        let predicate = self.predicate.clone().fold();
        Filter::with_output(Arc::clone(&self.input), predicate, self.schema.fields().len()).map(Some)
    }

    fn sink_filter(&self) -> Result<Option<PlanRef>> {
        let pushed = self.input.operator().push_filter(&self.predicate)?;
        pushed.map(|pushed| self.narrowed(pushed)).transpose()
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let bound = condition(&self.predicate, self.input.schema())?;
        let pipelines = lowering.lower(&self.input)?;
        let output_columns = self.schema.fields().len();
        lowering.chain(pipelines, &self.schema, |_| program::Operator::Filter {
            predicate: bound.clone(),
            output_columns,
        })
    }
}
