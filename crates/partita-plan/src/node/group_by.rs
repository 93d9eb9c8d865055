//! `GroupBy`: rows of equal keys to one row each.
//!
//! ```
//! use partita_plan::{col, len};
//!
//! let asked = [col("fare").mean().alias("fare"), len()];
//! assert_eq!(asked[0].to_string(), "mean(fare) as fare");
//! ```
//!
//! Each task of the input puts its rows into groups, as long as that makes fewer of them, an exchange by a part of a hash of the keys
//! brings what belongs together into one partition, and groups are merged and finished there. Groups come out bucket by bucket of the
//! hash, or as their rows come where these are in order of a key and no exchange is needed; rows, their order and the cuts depend on the
//! input alone.

mod aligned;
mod distinct;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_columns::group::{self, Question};
use partita_columns::reduce::Reduction;
use partita_columns::sort::Direction;
use partita_tasks::exchange::{By, Cuts, ExchangeSpec, SortKey};
use partita_tasks::group::Group;
use partita_tasks::program;

use super::reduce::{field, place, reducible, taken_apart};
use super::shuffle::filtered;
use super::{Aggregate, Divisions, Operator, Plan, PlanRef, Project, RowIndex, Sort, SortBy, names};
use crate::bind::bind;
use crate::error::{ErrorKind, Result};
use crate::expr::{Expr, col};
use crate::lower::{Lowering, Pipeline};

pub use aligned::aligned;

const CALL: &str = "groupby";

/// Groups of a partition of the result at least, where there are so many.
const PART_GROUPS: u64 = 8 << 10;

/// The column of the places of first rows: no column of a frame has this name, as it ends with a NUL.
const PLACE: &str = "place\0";

/// The column of the numbers of rows, where a question is about them.
const ROW: &str = "row\0";

/// How rows are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupOptions {
    /// Whether rows with a null among the keys are left out.
    pub drops_null_keys: bool,
    /// Whether groups come in the order of their keys.
    pub sorts: bool,
    /// Whether groups come in the order of their first rows.
    pub maintains_order: bool,
}

impl Default for GroupOptions {
    /// Rows with null keys are left out, and groups come as they are found.
    fn default() -> Self {
        Self { drops_null_keys: true, sorts: false, maintains_order: false }
    }
}

/// Reduces groups of rows.
#[derive(Debug)]
pub struct GroupBy {
    input: PlanRef,
    keys: Vec<Expr>,
    aggregates: Vec<Aggregate>,
    drops_null_keys: bool,
    /// Whether the place of the first row of each group is the last column.
    has_place: bool,
    partitions: usize,
    schema: SchemaRef,
    /// Whether rows must reach it as the plan says, as somebody goes by its cuts.
    is_pinned: bool,
}

impl GroupBy {
    /// The groups of `input` by `keys`, with a column for each of `expressions`: reductions, and expressions over reductions and
    /// keys. The keys come first.
    ///
    /// # Errors
    /// Where there is no key, one has no equality, an expression does not bind or uses a column outside of a reduction, or two columns
    /// have one name.
    pub fn plan(
        input: PlanRef,
        keys: Vec<Expr>,
        expressions: Vec<Expr>,
        options: GroupOptions,
    ) -> Result<PlanRef> {
        if options.sorts && options.maintains_order {
            let message = "groupby: groups come in the order of their keys (sort) or of their first rows (maintain_order), not both";
            return Err(ErrorKind::Option(message.into()).into());
        }
        let names: Vec<String> = keys.iter().map(Expr::output_name).collect();
        let wanted: Vec<String> =
            names.iter().cloned().chain(expressions.iter().map(Expr::output_name)).collect();
        let (aggregates, over) = taken_apart(expressions);
        if let Some(over) = &over {
            check_stray(&input, &names, &aggregates, over)?;
        }
        let input = if aggregates.iter().any(asks_for_rows) { RowIndex::plan(input, ROW)? } else { input };
        let partitions = input.partitions().max(1);
        let grouped = Self::of(Self {
            input,
            keys,
            aggregates,
            drops_null_keys: options.drops_null_keys,
            has_place: options.maintains_order,
            partitions,
            schema: Arc::new(Schema::empty()),
            is_pinned: false,
        })?;
        let ordered = if options.sorts {
            Sort::plan(grouped, names.iter().map(SortBy::new).collect(), None)?
        } else if options.maintains_order {
            Sort::plan(grouped, vec![SortBy::new(PLACE)], None)?
        } else {
            grouped
        };
        match over {
            Some(over) => Project::plan(ordered, names.into_iter().map(col).chain(over).collect()),
            None if options.maintains_order => Project::columns(ordered, wanted.iter().map(String::as_str)),
            None => Ok(ordered),
        }
    }

    fn of(mut node: Self) -> Result<PlanRef> {
        let mut fields = Vec::with_capacity(node.keys.len() + node.aggregates.len());
        if node.keys.is_empty() {
            return Err(ErrorKind::Option(format!("{CALL}: name at least one key")).into());
        }
        for key in &node.keys {
            fields.push(key_field(key, &node.input)?);
        }
        for aggregate in &node.aggregates {
            fields.push(field(aggregate, &node.input)?);
        }
        if node.has_place {
            fields.push(Field::new(PLACE, DataType::UInt64, false));
        }
        node.schema = Arc::new(Schema::new(fields));
        super::check_distinct(&node.schema)?;
        Ok(Arc::new(Plan::GroupBy(node)))
    }

    fn like(&self, input: PlanRef, aggregates: Vec<Aggregate>, has_place: bool) -> Self {
        Self {
            input,
            keys: self.keys.clone(),
            aggregates,
            drops_null_keys: self.drops_null_keys,
            has_place,
            partitions: self.partitions,
            schema: Arc::clone(&self.schema),
            is_pinned: self.is_pinned,
        }
    }

    /// What tasks do.
    fn bound(&self) -> Result<Group> {
        let key = |key: &Expr| {
            let (expression, field) = bind(key, self.input.schema())?;
            Ok(partita_tasks::reduce::Input { expression, data_type: field.data_type().clone() })
        };
        let mut inputs = Vec::new();
        let question = |aggregate: &Aggregate| {
            let columns = aggregate.of.iter().map(|of| Ok(place(&mut inputs, reducible(of, &self.input)?)));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Ok(Question { aggregate: aggregate.asked.clone(), columns })
        };
        let questions = self.aggregates.iter().map(question).collect::<Result<Vec<_>>>()?;
        let row_numbers = match self.aggregates.iter().any(asks_for_rows) {
            true => Some(place(&mut inputs, reducible(&col(ROW), &self.input)?)),
            false => None,
        };
        Ok(Group {
            keys: self.keys.iter().map(key).collect::<Result<_>>()?,
            drops_null_keys: self.drops_null_keys,
            inputs,
            questions,
            row_numbers,
            has_place: self.has_place,
            ordered_key: self.ordered_key(),
            schema: Arc::clone(&self.schema),
        })
    }

    /// The key by which rows are in order, where no value of it is in two partitions: its groups are whole in each partition.
    fn ordered_key(&self) -> Option<usize> {
        if self.input.partitions() != self.partitions {
            return None;
        }
        let column = self.input.ordered_by()?;
        self.keys.iter().position(|key| matches!(key, Expr::Column(name) if *name == column))
    }

    /// Whether a condition is on keys alone that are columns of the input, and true of all rows of a group or of none.
    fn is_of_keys(&self, predicate: &Expr) -> bool {
        let is_exact = |data_type: &DataType| {
            !matches!(data_type, DataType::Float32 | DataType::Float64 | DataType::Dictionary(..))
        };
        let keys: HashSet<&str> = self
            .keys
            .iter()
            .filter_map(|key| match key {
                Expr::Column(name) => Some(name.as_str()),
                _ => None,
            })
            .filter(|name| {
                self.input.schema().field_with_name(name).is_ok_and(|key| is_exact(key.data_type()))
            })
            .collect();
        predicate.columns().iter().all(|name| keys.contains(name.as_str()))
    }
}

/// Whether the answer is the number of a row.
fn asks_for_rows(aggregate: &Aggregate) -> bool {
    matches!(aggregate.asked, group::Aggregate::Reduction(Reduction::IdxMin | Reduction::IdxMax))
}

/// The column of a key.
fn key_field(key: &Expr, input: &PlanRef) -> Result<Field> {
    if key.is_aggregate() {
        let message = "a reduction is no key; group by columns, or by expressions over them";
        return Err(ErrorKind::Type { expression: key.to_string(), message: message.into() }.into());
    }
    let (_, field) = bind(key, input.schema())?;
    if group::Grouper::new(&[field.data_type().clone()], true).is_err() {
        let message = format!(
            "{CALL}: values of type {} are not compared; group by something that is computed of them",
            partita_columns::dtype::name(field.data_type())
        );
        return Err(ErrorKind::Type { expression: key.to_string(), message }.into());
    }
    Ok(Field::new(key.output_name(), field.data_type().clone(), true))
}

/// Refuses a column that is neither reduced nor a key.
fn check_stray(input: &PlanRef, keys: &[String], aggregates: &[Aggregate], over: &[Expr]) -> Result<()> {
    let is_known =
        |name: &String| keys.contains(name) || aggregates.iter().any(|aggregate| aggregate.name == *name);
    let Some(name) = over.iter().flat_map(Expr::columns).find(|name| !is_known(name)) else { return Ok(()) };
    super::position(input.schema(), &name)?;
    let message =
        "a group gives one row, and the column has many; reduce it with sum(), max(), mean() or the like";
    Err(ErrorKind::Type { expression: col(name).to_string(), message: message.into() }.into())
}

impl Operator for GroupBy {
    fn name(&self) -> &'static str {
        "GroupBy"
    }

    fn detail(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(Expr::to_string).collect();
        let asked = self.aggregates.iter();
        let asked: Vec<String> =
            asked.map(|aggregate| aggregate.written().alias(&aggregate.name).to_string()).collect();
        let nulls = if self.drops_null_keys { "" } else { ", nulls are keys" };
        let exchange = if self.ordered_key().is_some() { ", within partitions" } else { "" };
        format!("by {}: {}{nulls}{exchange}", keys.join(", "), asked.join(", "))
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        GroupBy::of(self.like(input, self.aggregates.clone(), self.has_place))
    }

    fn ordered_by(&self) -> Option<String> {
        // Without an exchange, groups come as rows of that key do.
        self.ordered_key().and_then(|at| self.keys.get(at)).map(Expr::output_name)
    }

    fn origin(&self) -> Option<Vec<String>> {
        // What a user's aggregation does cannot be told.
        let is_user = |aggregate: &Aggregate| matches!(aggregate.asked, group::Aggregate::User(_));
        (!self.aggregates.iter().any(is_user)).then(Vec::new)
    }

    fn expressions(&self) -> Vec<&Expr> {
        self.keys.iter().chain(self.aggregates.iter().flat_map(|aggregate| &aggregate.of)).collect()
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn divisions(&self) -> Divisions {
        Divisions::Unknown
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let (keys, asked) = (self.keys.len(), self.aggregates.len());
        let mut kept: Vec<usize> = columns.iter().filter_map(|at| at.checked_sub(keys)).collect();
        kept.sort_unstable();
        kept.dedup();
        let has_place = kept.pop_if(|at| *at >= asked).is_some();
        let aggregates: Vec<Aggregate> = kept.iter().map(|at| self.aggregates[*at].clone()).collect();
        let used = self.keys.iter().chain(aggregates.iter().flat_map(|aggregate| &aggregate.of));
        let mut below = Vec::new();
        for name in used.flat_map(Expr::columns) {
            below.push(super::position(self.input.schema(), &name)?);
        }
        if aggregates.iter().any(asks_for_rows) {
            below.push(super::position(self.input.schema(), ROW)?);
        }
        below.sort_unstable();
        below.dedup();
        let input = self.input.operator().prune(&below)?;
        let pruned = GroupBy::of(self.like(input, aggregates, has_place))?;
        let wanted: Vec<&str> = columns.iter().map(|at| self.schema.field(*at).name().as_str()).collect();
        if names(pruned.schema()).iter().map(String::as_str).eq(wanted.iter().copied()) {
            return Ok(pruned);
        }
        Project::columns(pruned, wanted)
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        // The places of first rows are counted among all rows.
        if self.is_pinned || self.has_place || !self.is_of_keys(predicate) {
            return Ok(None);
        }
        filtered(self, predicate)
    }

    fn pinned(&self) -> Result<Option<PlanRef>> {
        let same = self.like(Arc::clone(&self.input), self.aggregates.clone(), self.has_place);
        Ok(Some(Arc::new(Plan::GroupBy(Self { is_pinned: true, ..same }))))
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn fold(&self) -> Result<Option<PlanRef>> {
        let fold = |aggregate: &Aggregate| Aggregate {
            of: aggregate.of.iter().map(|of| of.clone().fold()).collect(),
            ..aggregate.clone()
        };
        let aggregates = self.aggregates.iter().map(fold).collect();
        let folded = GroupBy::of(self.like(Arc::clone(&self.input), aggregates, self.has_place))?;
        match &*folded {
            Plan::GroupBy(group) => Ok(Some(group.in_two()?.unwrap_or(Arc::clone(&folded)))),
            _ => Ok(Some(folded)),
        }
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let group = Arc::new(self.bound()?);
        let states = group.state_schema()?;
        let pipelines = lowering.lower(&self.input)?;
        let grouped = lowering.chain(pipelines, &states, |partition| program::Operator::PartialGroup {
            group: Arc::clone(&group),
            partition,
        })?;
        if group.ordered_key.is_some() {
            return lowering
                .chain(grouped, &self.schema, |_| program::Operator::FinalGroup(Arc::clone(&group)));
        }
        let by = By::Order(vec![SortKey { column: 0, direction: Direction::default() }]);
        let cuts = Cuts::Buckets { keys: PART_GROUPS };
        let spec = ExchangeSpec { cuts, ..ExchangeSpec::even(states, by, self.partitions) };
        let parts = lowering.exchanged(grouped, &Arc::new(spec))?;
        lowering.chain(parts, &self.schema, |_| program::Operator::FinalGroup(Arc::clone(&group)))
    }
}
