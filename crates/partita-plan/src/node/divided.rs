//! `Divided`: the same rows in the same partitions, whose bounds by a column are said to be known, or to be unknown.
//!
//! It is there for what looks at plans: the optimizer leaves it out.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};

use super::{Divisions, Filter, Operator, Plan, PlanRef, Statistics};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

/// Says what the divisions of its input are.
#[derive(Debug)]
pub struct Divided {
    input: PlanRef,
    divisions: Divisions,
    /// Of the index.
    data_type: Option<DataType>,
}

impl Divided {
    /// `input` with `divisions`, which the caller knows to be true.
    ///
    /// # Errors
    /// Where there is no such column, or another number of partitions.
    pub fn plan(input: PlanRef, divisions: Divisions) -> Result<PlanRef> {
        let data_type = match divisions.column() {
            Some(column) => {
                Some(input.schema().field(super::position(input.schema(), column)?).data_type().clone())
            }
            None => None,
        };
        if let Some(values) = divisions.values()
            && values.len() != input.partitions() + 1
        {
            let (got, partitions) = (values.len(), input.partitions());
            let message = format!(
                "divisions: expected {} values for {partitions} partitions, got {got}",
                partitions + 1
            );
            return Err(ErrorKind::Option(message).into());
        }
        Ok(Arc::new(Plan::Divided(Self { input, divisions, data_type })))
    }
}

impl Operator for Divided {
    fn name(&self) -> &'static str {
        "Divided"
    }

    fn detail(&self) -> String {
        self.divisions.to_string()
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        let column = self.divisions.column().and_then(|column| input.schema().field_with_name(column).ok());
        if column.map(|field| field.data_type()) == self.data_type.as_ref() {
            return Divided::plan(input, self.divisions.clone());
        }
        // Values of another type may have another order.
        Divided::plan(input, Divisions::Unknown)
    }

    fn divisions(&self) -> Divisions {
        self.divisions.clone()
    }

    fn minds_cuts(&self) -> bool {
        self.divisions.is_known()
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        self.input.operator().prune(columns)
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        self.with_input(Filter::below(&self.input, predicate)?).map(Some)
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        let divisions = self.divisions.clone().of(wanted);
        super::partitions::below(&self.input, wanted, |input| Divided::plan(input, divisions))
    }

    fn known_rows(&self) -> Option<u64> {
        self.input.operator().known_rows()
    }

    fn statistics(&self, column: usize) -> Option<Statistics> {
        self.input.operator().statistics(column)
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        memory::of_input(self)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        lowering.lower(&self.input)
    }
}
