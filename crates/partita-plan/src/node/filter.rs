//! `Filter`: the rows where an expression is true.
//!
//! ```
//! use partita_plan::{col, lit};
//! let long_trips = col("trip_distance").gt(lit(10.0));
//! assert_eq!(long_trips.to_string(), "(trip_distance > 10.0)");
//! ```

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use partita_tasks::program;

use super::{Operator, Plan, PlanRef, Project};
use crate::bind::bind;
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// Keeps the rows where `predicate` is true; false and missing drop the row.
#[derive(Debug)]
pub struct Filter {
    input: PlanRef,
    predicate: Expr,
}

impl Filter {
    /// Filters `input`.
    ///
    /// # Errors
    /// Where the predicate does not bind to the columns of `input`, or is not Boolean.
    pub fn new(input: PlanRef, predicate: Expr) -> Result<PlanRef> {
        let (_, field) = bind(&predicate, input.schema())?;
        if field.data_type() != &DataType::Boolean {
            let message = format!("a filter needs a Boolean, this is {}", field.data_type());
            return Err(ErrorKind::Type { expression: predicate.to_string(), message }.into());
        }
        Ok(Arc::new(Plan::Filter(Self { input, predicate })))
    }
}

impl Operator for Filter {
    fn name(&self) -> &'static str {
        "Filter"
    }

    fn detail(&self) -> String {
        self.predicate.to_string()
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Filter::new(input, self.predicate.clone())
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
        let filtered = Filter::new(self.input.operator().prune(&below)?, self.predicate.clone())?;
        if below.len() == columns.len() {
            return Ok(filtered);
        }
        Project::columns(filtered, columns.iter().map(|index| schema.field(*index).name().as_str()))
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        let both = self.predicate.clone().and(predicate.clone());
        match self.input.operator().push_filter(&both)? {
            Some(pushed) => Ok(Some(pushed)),
            None => Filter::new(Arc::clone(&self.input), both).map(Some),
        }
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        super::partitions::below(&self.input, wanted, |input| self.with_input(input))
    }

    fn fold(&self) -> Result<Option<PlanRef>> {
        Filter::new(Arc::clone(&self.input), self.predicate.clone().fold()).map(Some)
    }

    fn sink_filter(&self) -> Result<Option<PlanRef>> {
        self.input.operator().push_filter(&self.predicate)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let (bound, _) = bind(&self.predicate, self.input.schema())?;
        let pipelines = lowering.lower(&self.input)?;
        lowering.chain(pipelines, self.schema(), |_| program::Operator::Filter(bound.clone()))
    }
}
