//! `Shuffle`: rows that are equal by some columns in one partition.
//!
//! Rows go by a hash of the columns: partitions have about as many rows, unless one value has more, and no value is in two.
//! Within a partition rows are in the order of their hashes, rows of equal hash in that of the input. Rows, their order and the cuts
//! depend on the input alone.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_columns::sort::{Direction, KeyLayout};
use partita_tasks::exchange::{By, ExchangeSpec};

use super::{Divisions, Filter, Operator, Plan, PlanRef, Project, position};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// Puts rows of equal values together.
#[derive(Debug)]
pub struct Shuffle {
    input: PlanRef,
    on: Vec<String>,
    partitions: usize,
    /// Whether rows must reach it as the plan says, as somebody goes by its cuts.
    is_pinned: bool,
}

impl Shuffle {
    /// The rows of `input` by a hash of the columns `on`, in so many partitions; `None`: as many as the input has.
    ///
    /// # Errors
    /// Where there is no column, a column is not there or cannot be hashed, or there would be no partition.
    pub fn plan(input: PlanRef, on: Vec<String>, partitions: Option<usize>) -> Result<PlanRef> {
        let partitions = partitions.unwrap_or_else(|| input.partitions().max(1));
        if partitions == 0 {
            return Err(ErrorKind::Option("shuffle: expected at least one partition, got 0".into()).into());
        }
        positions("shuffle", &input, &on)?;
        Ok(Arc::new(Plan::Shuffle(Self { input, on, partitions, is_pinned: false })))
    }

    fn with_pin(&self, is_pinned: bool) -> Self {
        let (input, on, partitions) = (Arc::clone(&self.input), self.on.clone(), self.partitions);
        Self { input, on, partitions, is_pinned }
    }
}

/// The positions of columns that are compared by value.
///
/// # Errors
/// Where there is none, one is not there or its values are not compared.
pub(super) fn positions(call: &str, input: &PlanRef, on: &[String]) -> Result<Vec<usize>> {
    if on.is_empty() {
        return Err(ErrorKind::Option(format!("{call}: name at least one column")).into());
    }
    let place = |name: &String| {
        let at = position(input.schema(), name)?;
        let data_type = input.schema().field(at).data_type();
        if KeyLayout::new(&[(data_type.clone(), Direction::default())]).is_ok() {
            return Ok(at);
        }
        let message = format!(
            "{call}: values of column {name:?} of type {} are not compared; name other columns",
            partita_columns::dtype::name(data_type)
        );
        Err(ErrorKind::Option(message).into())
    };
    on.iter().map(place).collect()
}

/// `columns`, and behind them those of `more` that are not among them.
pub(super) fn with(columns: &[usize], more: &[usize]) -> Vec<usize> {
    let mut all = columns.to_vec();
    for column in more {
        if !all.contains(column) {
            all.push(*column);
        }
    }
    all
}

/// The columns of `schema` at these positions, of a plan that has more.
pub(super) fn picked(plan: PlanRef, columns: &[usize], schema: &SchemaRef) -> Result<PlanRef> {
    if plan.schema().fields().len() == columns.len() {
        return Ok(plan);
    }
    Project::columns(plan, columns.iter().map(|at| schema.field(*at).name().as_str()))
}

/// The same operator over the rows of its input where `predicate` is true.
pub(super) fn filtered(operator: &dyn Operator, predicate: &Expr) -> Result<Option<PlanRef>> {
    let Some(input) = operator.input() else { return Ok(None) };
    operator.with_input(Filter::below(input, predicate)?).map(Some)
}

impl Operator for Shuffle {
    fn name(&self) -> &'static str {
        "Shuffle"
    }

    fn detail(&self) -> String {
        format!("by a hash of {}, {} partitions", self.on.join(", "), self.partitions)
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Ok(Arc::new(Plan::Shuffle(Self { input, ..self.with_pin(self.is_pinned) })))
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn divisions(&self) -> Divisions {
        Divisions::Unknown
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let below = with(columns, &positions("shuffle", &self.input, &self.on)?);
        picked(self.with_input(self.input.operator().prune(&below)?)?, columns, self.input.schema())
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        if self.is_pinned { Ok(None) } else { filtered(self, predicate) }
    }

    fn pinned(&self) -> Result<Option<PlanRef>> {
        Ok(Some(Arc::new(Plan::Shuffle(self.with_pin(true)))))
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn known_rows(&self) -> Option<u64> {
        self.input.operator().known_rows()
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let by = By::Hash(positions("shuffle", &self.input, &self.on)?);
        let schema = Arc::clone(self.input.schema());
        let pipelines = lowering.lower(&self.input)?;
        lowering.exchanged(pipelines, &Arc::new(ExchangeSpec::even(schema, by, self.partitions)))
    }
}
