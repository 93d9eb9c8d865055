//! `Sort`: all rows in the order of some columns.
//!
//! Each partition of the input is sorted in runs, which wait in the store until all are there; then the range of the keys is cut so that
//! the partitions of the result have about as many rows, and each is merged of the runs. Rows that are equal by all keys keep their
//! order, and are in one partition. Rows, their order and the cuts depend on the input alone.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_columns::sort::{Direction, KeyLayout};
use partita_tasks::exchange::{By, ExchangeSpec, SortKey};

use super::{Divisions, Filter, Operator, Plan, PlanRef, Project, Top, position};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// First rows that are found without a sort of all: tasks hold some thousand rows beside so many.
const TOP_ROWS_MAX: usize = 1 << 14;

/// A column that rows are ordered by.
///
/// ```
/// use partita_plan::SortBy;
///
/// let by = SortBy::new("fare").descending().nulls_first();
/// assert_eq!(by.to_string(), "fare descending, nulls first");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortBy {
    column: String,
    direction: Direction,
}

impl SortBy {
    /// The least values of a column first, nulls last.
    pub fn new(column: impl Into<String>) -> Self {
        Self { column: column.into(), direction: Direction { descending: false, nulls_first: false } }
    }

    /// The greatest values first; nulls stay where they were.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.direction.descending = true;
        self
    }

    /// Nulls first.
    #[must_use]
    pub fn nulls_first(mut self) -> Self {
        self.direction.nulls_first = true;
        self
    }

    /// The column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Which values come first.
    pub fn direction(&self) -> Direction {
        self.direction
    }
}

impl<T: Into<String>> From<T> for SortBy {
    fn from(column: T) -> Self {
        Self::new(column)
    }
}

impl std::fmt::Display for SortBy {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&shown(&self.column, self.direction))
    }
}

/// A key and its direction.
pub(super) fn shown(key: &str, direction: Direction) -> String {
    let descending = if direction.descending { " descending" } else { "" };
    let nulls = if direction.nulls_first { ", nulls first" } else { "" };
    format!("{key}{descending}{nulls}")
}

/// Sorts rows.
#[derive(Debug)]
pub struct Sort {
    input: PlanRef,
    by: Vec<SortBy>,
    partitions: usize,
    /// Whether rows must reach it as the plan says, as somebody goes by its cuts.
    is_pinned: bool,
}

impl Sort {
    /// The rows of `input` by `by`, the first key first, in so many partitions; `None`: as many as the input has.
    ///
    /// # Errors
    /// Where there is no key, a key is no column or has no order, or there would be no partition.
    pub fn plan(input: PlanRef, by: Vec<SortBy>, partitions: Option<usize>) -> Result<PlanRef> {
        Ok(Arc::new(Plan::Sort(Self::checked(input, by, partitions)?)))
    }

    fn checked(input: PlanRef, by: Vec<SortBy>, partitions: Option<usize>) -> Result<Self> {
        if by.is_empty() {
            return Err(ErrorKind::Option("sort_values: name at least one column".into()).into());
        }
        let partitions = partitions.unwrap_or_else(|| input.partitions().max(1));
        if partitions == 0 {
            return Err(
                ErrorKind::Option("sort_values: expected at least one partition, got 0".into()).into()
            );
        }
        let sort = Self { input, by, partitions, is_pinned: false };
        for (key, by) in sort.keys()?.iter().zip(&sort.by) {
            let data_type = sort.input.schema().field(key.column).data_type();
            if KeyLayout::new(&[(data_type.clone(), key.direction)]).is_err() {
                let message = format!(
                    "sort_values: column \"{}\" of type {} has no order; sort by a value that is computed of it",
                    by.column,
                    partita_columns::dtype::name(data_type)
                );
                return Err(ErrorKind::Option(message).into());
            }
        }
        Ok(sort)
    }

    /// What rows are ordered by.
    pub(super) fn by(&self) -> &[SortBy] {
        &self.by
    }

    fn keys(&self) -> Result<Vec<SortKey>> {
        let key = |by: &SortBy| {
            Ok(SortKey { column: position(self.input.schema(), &by.column)?, direction: by.direction })
        };
        self.by.iter().map(key).collect()
    }
}

impl Operator for Sort {
    fn name(&self) -> &'static str {
        "Sort"
    }

    fn detail(&self) -> String {
        let by: Vec<String> = self.by.iter().map(ToString::to_string).collect();
        format!("by {}, {} partitions", by.join(", "), self.partitions)
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        let sort = Self::checked(input, self.by.clone(), Some(self.partitions))?;
        Ok(Arc::new(Plan::Sort(Self { is_pinned: self.is_pinned, ..sort })))
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn divisions(&self) -> Divisions {
        // Rows that are equal by all keys are in one partition, those that are equal by the first one alone need not be.
        match self.by.as_slice() {
            [by] if !by.direction.descending => Divisions::Pending { column: by.column.clone() },
            _ => Divisions::Unknown,
        }
    }

    fn pinned(&self) -> Result<Option<PlanRef>> {
        let sort = Self::checked(Arc::clone(&self.input), self.by.clone(), Some(self.partitions))?;
        Ok(Some(Arc::new(Plan::Sort(Self { is_pinned: true, ..sort }))))
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let mut below = columns.to_vec();
        for key in self.keys()? {
            if !below.contains(&key.column) {
                below.push(key.column);
            }
        }
        let sorted = self.with_input(self.input.operator().prune(&below)?)?;
        if below.len() == columns.len() {
            return Ok(sorted);
        }
        let schema = self.input.schema();
        Project::columns(sorted, columns.iter().map(|at| schema.field(*at).name().as_str()))
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        if self.is_pinned {
            return Ok(None);
        }
        self.with_input(Filter::below(&self.input, predicate)?).map(Some)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn first(&self, rows: usize) -> Result<Option<PlanRef>> {
        let is_small = rows <= TOP_ROWS_MAX;
        Ok(is_small.then(|| Top::sorted(Arc::clone(&self.input), &self.by, rows)))
    }

    fn known_rows(&self) -> Option<u64> {
        self.input.operator().known_rows()
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let schema = Arc::clone(self.input.schema());
        let spec = Arc::new(ExchangeSpec::even(schema, By::Order(self.keys()?), self.partitions));
        let pipelines = lowering.lower(&self.input)?;
        lowering.exchanged(pipelines, &spec)
    }
}
