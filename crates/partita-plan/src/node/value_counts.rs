//! `ValueCounts`: the different values of a column, and how often each is there.
//!
//! Each task counts its values within a bound, an exchange by hash brings the counts of a value together, and they are added up. Values
//! come out in the order of their hashes; a sort above puts the most frequent first.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_tasks::exchange::{By, ExchangeSpec};
use partita_tasks::program::{self, Source};

use super::shuffle::{picked, positions};
use super::{Divisions, Operator, Plan, PlanRef, Project, Sort, SortBy, check_distinct};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// The column of counts, and that of shares.
const COUNT: &str = "count";
const SHARE: &str = "proportion";

/// Counts values.
#[derive(Debug)]
pub struct ValueCounts {
    /// One column.
    input: PlanRef,
    /// Values and counts.
    counted: SchemaRef,
    /// The same, or values and shares.
    schema: SchemaRef,
    is_share: bool,
    partitions: usize,
}

impl ValueCounts {
    /// The values of a column of `input` and their counts, or shares of all rows, the most frequent first, then by value: one partition.
    ///
    /// # Errors
    /// Where the column is not there, its values are not compared, or its name is that of the counts.
    pub fn plan(input: PlanRef, column: &str, is_share: bool) -> Result<PlanRef> {
        let input = Project::columns(input, [column])?;
        let partitions = input.partitions().max(1);
        let counted = Self::of(input, is_share, partitions)?;
        let frequency = if is_share { SHARE } else { COUNT };
        Sort::plan(counted, vec![SortBy::new(frequency).descending(), SortBy::new(column)], Some(1))
    }

    fn of(input: PlanRef, is_share: bool, partitions: usize) -> Result<PlanRef> {
        let value = input.schema().field(0).clone();
        positions("value_counts", &input, &[value.name().clone()])?;
        let counts = Field::new(COUNT, DataType::UInt64, false);
        let counted = Arc::new(Schema::new(vec![value.clone(), counts]));
        let schema = if is_share {
            Arc::new(Schema::new(vec![value, Field::new(SHARE, DataType::Float64, false)]))
        } else {
            Arc::clone(&counted)
        };
        check_distinct(&schema)?;
        Ok(Arc::new(Plan::ValueCounts(Self { input, counted, schema, is_share, partitions })))
    }
}

impl Operator for ValueCounts {
    fn name(&self) -> &'static str {
        "ValueCounts"
    }

    fn detail(&self) -> String {
        let what = if self.is_share { "shares of" } else { "how often each is there of" };
        format!("{what} {}", self.schema.field(0).name())
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        ValueCounts::of(input, self.is_share, self.partitions)
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn divisions(&self) -> Divisions {
        Divisions::Unknown
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let counted = self.with_input(self.input.operator().prune(&[0])?)?;
        if columns == [0, 1] {
            return Ok(counted);
        }
        picked(counted, columns, &self.schema)
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let schema = &self.counted;
        let by = By::Hash(vec![0]);
        let spec = Arc::new(ExchangeSpec::even(Arc::clone(schema), by, self.partitions));
        let pipelines = lowering.lower(&self.input)?;
        let count = |_| program::Operator::Count { schema: Arc::clone(schema) };
        let counted = lowering.chain(pipelines, schema, count)?;
        let parts = lowering.exchanged(counted, &spec)?;
        let add_up = |_| program::Operator::AddUp { schema: Arc::clone(schema) };
        let added = lowering.chain(parts, schema, add_up)?;
        if !self.is_share {
            return Ok(added);
        }
        // The rows before a partition behind the last are all rows.
        let mut rows = lowering.lower(&self.input.operator().prune(&[])?)?;
        let partition = rows.len();
        let none = Arc::new(Schema::empty());
        rows.push(Pipeline::new("end", Source::Empty(Arc::clone(&none)), none, 0));
        let (offsets, barrier) = lowering.row_offsets(rows)?;
        let share = |_| program::Operator::Share { offsets, partition, schema: Arc::clone(&self.schema) };
        let mut shares = lowering.chain(added, &self.schema, share)?;
        for pipeline in &mut shares {
            pipeline.dependencies.push(barrier);
        }
        Ok(shares)
    }
}
