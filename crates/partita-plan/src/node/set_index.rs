//! `SetIndex`: all rows in the order of one column, cut by it.
//!
//! It is the exchange of [`super::Sort`] by one ascending key. Rows without a place in the order are an error; where the cuts are given,
//! so are rows outside of them, unless they go to the ends; rows that are said to be in order are checked as they come.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use partita_columns::compute::CastMode;
use partita_columns::sort::{Direction, KeyLayout};
use partita_columns::{Scalar, dtype};
use partita_tasks::exchange::{By, Cuts, ExchangeSpec, IndexRule, SortKey};

use super::{Divisions, Filter, Operator, Plan, PlanRef, Project, nodes, position};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::locate;
use crate::lower::{Lowering, Pipeline};

/// Partitions that a size in bytes may make.
const PARTITIONS_MAX: u64 = 1 << 16;

/// How much larger rows may be in memory than what is known of them: of bytes of files, and of estimates, which are low.
const GROWTH: u64 = 16;

/// What becomes of rows outside of given divisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Outside {
    /// They are an error, which names the first.
    #[default]
    Error,
    /// They go to the first and the last partition. How far these reach is known once the frame is computed.
    Ends,
}

/// How a frame is cut by its index.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IndexOptions {
    /// Where partitions begin, and where the last one ends.
    pub divisions: Option<Vec<Scalar>>,
    /// What becomes of rows outside of these.
    pub outside: Outside,
    /// Whether the rows are in order already, which is checked.
    pub is_sorted: bool,
    /// How many partitions.
    pub partitions: Option<usize>,
    /// Bytes of memory of a partition, about.
    pub partition_bytes: Option<u64>,
}

/// Makes a column the index.
#[derive(Debug)]
pub struct SetIndex {
    input: PlanRef,
    column: String,
    is_sorted: bool,
    partitions: usize,
    cuts: Cuts,
    /// Whether rows must reach it as the plan says, as somebody goes by its cuts.
    is_pinned: bool,
}

impl SetIndex {
    /// The rows of `input` by `column`; where nothing is said of the partitions, they are as many as before.
    ///
    /// # Errors
    /// Where there is no such column, it has no order, options contradict each other, or divisions do not ascend or are none of its
    /// type.
    pub fn plan(input: PlanRef, column: &str, options: &IndexOptions) -> Result<PlanRef> {
        let data_type = input.schema().field(position(input.schema(), column)?).data_type().clone();
        if KeyLayout::new(&[(data_type.clone(), ascending())]).is_err() {
            let name = dtype::name(&data_type);
            return Err(wrong(&format!(
                "column {column:?} of type {name} has no order; take a value that is computed of it"
            )));
        }
        let said =
            [options.divisions.is_some(), options.partitions.is_some(), options.partition_bytes.is_some()];
        if said.iter().filter(|said| **said).count() > 1 {
            return Err(wrong(
                "divisions, npartitions and partition_size are three ways to say one thing; say one",
            ));
        }
        if options.outside == Outside::Ends && options.divisions.is_none() {
            return Err(wrong(
                "outside(..) says what becomes of rows outside of divisions(..), and there are none",
            ));
        }
        let (partitions, cuts) = match (&options.divisions, options.partition_bytes) {
            (Some(values), _) => {
                let values = typed(column, values, &data_type)?;
                (values.len() - 1, Cuts::Given { values, widens: options.outside == Outside::Ends })
            }
            (None, Some(0)) => return Err(wrong("expected a partition size above zero, got 0")),
            (None, Some(bytes)) => (most_partitions(&input, bytes), Cuts::Bytes(bytes)),
            (None, None) => (options.partitions.unwrap_or_else(|| input.partitions().max(1)), Cuts::Even),
        };
        if partitions == 0 {
            return Err(wrong("expected at least one partition, got 0"));
        }
        let (column, is_sorted) = (column.to_owned(), options.is_sorted);
        Ok(Arc::new(Plan::SetIndex(Self { input, column, is_sorted, partitions, cuts, is_pinned: false })))
    }

    /// The same on another input, which has the column too.
    fn like(&self, input: PlanRef, is_pinned: bool) -> Result<PlanRef> {
        position(input.schema(), &self.column)?;
        let (column, cuts) = (self.column.clone(), self.cuts.clone());
        let (is_sorted, partitions) = (self.is_sorted, self.partitions);
        Ok(Arc::new(Plan::SetIndex(Self { input, column, is_sorted, partitions, cuts, is_pinned })))
    }
}

fn ascending() -> Direction {
    Direction { descending: false, nulls_first: false }
}

fn wrong(message: &str) -> crate::Error {
    ErrorKind::Option(format!("set_index: {message}")).into()
}

/// Divisions as values of the column.
fn typed(column: &str, values: &[Scalar], data_type: &DataType) -> Result<Vec<Scalar>> {
    let one = |value: &Scalar| {
        let start = locate::start_of(value, data_type)?;
        start.cast(plain(data_type), CastMode::Strict).map_err(|_| {
            wrong(&format!("the division {value} is no {}, which {column:?} has", dtype::name(data_type)))
        })
    };
    let typed: Vec<Scalar> = values.iter().map(one).collect::<Result<_>>()?;
    Divisions::known(column, typed.clone())?;
    Ok(typed)
}

fn plain(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}

/// As many partitions of `bytes` as the rows can need.
fn most_partitions(input: &PlanRef, bytes: u64) -> usize {
    let estimate = input.operator().estimate_bytes().into_iter().flatten().fold(0, u64::saturating_add);
    let files =
        nodes(input).into_iter().map(|plan| plan.operator().input_bytes()).fold(0, u64::saturating_add);
    let width: u64 = input.schema().fields().iter().map(|field| width(field.data_type())).sum();
    let rows = input.operator().known_rows().unwrap_or(0).saturating_mul(width);
    let most = estimate.max(files).saturating_mul(GROWTH).max(rows).div_ceil(bytes);
    usize::try_from(most.clamp(1, PARTITIONS_MAX)).unwrap_or(1)
}

/// Bytes of a value, at least.
fn width(data_type: &DataType) -> u64 {
    data_type.primitive_width().map_or(16, |width| width as u64)
}

impl Operator for SetIndex {
    fn name(&self) -> &'static str {
        "SetIndex"
    }

    fn detail(&self) -> String {
        let sorted = if self.is_sorted { ", in order already" } else { "" };
        let cuts = match &self.cuts {
            Cuts::Bytes(bytes) => format!(", at most {} partitions of about {bytes} bytes", self.partitions),
            Cuts::Given { widens, .. } => {
                let ends = if *widens { ", the ends open" } else { "" };
                format!(", {} given partitions{ends}", self.partitions)
            }
            _ => format!(", {} partitions", self.partitions),
        };
        format!("by {}{sorted}{cuts}", self.column)
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        self.like(input, self.is_pinned)
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn divisions(&self) -> Divisions {
        let column = self.column.clone();
        match &self.cuts {
            Cuts::Given { values, widens: false } => {
                Divisions::Known { column, values: values.as_slice().into() }
            }
            _ => Divisions::Pending { column },
        }
    }

    fn ordered_by(&self) -> Option<String> {
        Some(self.column.clone())
    }

    fn pinned(&self) -> Result<Option<PlanRef>> {
        self.like(Arc::clone(&self.input), true).map(Some)
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let schema = self.input.schema();
        let (key, mut below) = (position(schema, &self.column)?, columns.to_vec());
        if !below.contains(&key) {
            below.push(key);
        }
        let indexed = self.with_input(self.input.operator().prune(&below)?)?;
        if below.len() == columns.len() {
            return Ok(indexed);
        }
        Project::columns(indexed, columns.iter().map(|at| schema.field(*at).name().as_str()))
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        // Given cuts are the same whatever the rows.
        if self.is_pinned && !matches!(self.cuts, Cuts::Given { .. }) {
            return Ok(None);
        }
        self.with_input(Filter::below(&self.input, predicate)?).map(Some)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn known_rows(&self) -> Option<u64> {
        self.input.operator().known_rows()
    }

    fn origin(&self) -> Option<Vec<String>> {
        Some(vec![serde_json::to_string(&self.cuts).ok()?])
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let schema = Arc::clone(self.input.schema());
        let key = SortKey { column: position(&schema, &self.column)?, direction: ascending() };
        let rule = IndexRule { column: self.column.clone(), is_sorted: self.is_sorted };
        let (parts, cuts) = (self.partitions, self.cuts.clone());
        let spec =
            Arc::new(ExchangeSpec { schema, by: By::Order(vec![key]), parts, cuts, index: Some(rule) });
        let pipelines = lowering.lower(&self.input)?;
        lowering.exchanged(pipelines, &spec)
    }
}
