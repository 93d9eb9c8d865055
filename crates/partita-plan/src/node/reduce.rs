//! `Reduce`: all rows to one.
//!
//! ```
//! use partita_plan::col;
//! let share = (col("tip").sum() / col("fare").sum()).alias("share");
//! assert_eq!(share.to_string(), "(sum(tip) / sum(fare)) as share");
//! ```
//!
//! Each partition is reduced to states in the task that reads it, states are merged in the order of the partitions, sixteen
//! at a time, and one row is made of what is left. What the source knows without reading (the number of rows, least and
//! greatest values that statistics hold) is taken from there.

mod below;

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_columns::Scalar;
use partita_columns::group::{Aggregate as Asked, Question};
use partita_columns::reduce::Reduction;
use partita_tasks::BoundExpr;
use partita_tasks::reduce as task;

use super::{Divisions, Operator, Plan, PlanRef, Project};
use crate::bind::bind;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, col};
use crate::lower::{Lowering, Pipeline};

/// Reduces all rows to one.
#[derive(Debug)]
pub struct Reduce {
    input: PlanRef,
    aggregates: Vec<Aggregate>,
    schema: SchemaRef,
    /// Whether each partition is reduced by itself.
    each: bool,
}

/// A column of the row.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// What is asked.
    pub asked: Asked,
    /// Of which columns.
    pub of: Vec<Expr>,
    /// Its name.
    pub name: String,
    /// Of which rows: those where this is true; `None`: of all.
    pub filter: Option<Expr>,
}

impl Aggregate {
    /// Of all rows.
    pub fn new(asked: impl Into<Asked>, of: Vec<Expr>, name: impl Into<String>) -> Self {
        Self { asked: asked.into(), of, name: name.into(), filter: None }
    }

    /// As users write it, without the name.
    pub(super) fn written(&self) -> Expr {
        Expr::Aggregate(self.asked.clone(), self.of.clone())
    }
}

/// What a source knows of a column without reading it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// The exact least value, NaN left out.
    pub min: Option<Scalar>,
    /// The exact greatest value, NaN left out.
    pub max: Option<Scalar>,
    /// The number of nulls.
    pub nulls: Option<u64>,
}

impl Reduce {
    /// The row of expressions over reductions: `sum(a)`, `sum(a) / sum(b) as share`.
    ///
    /// # Errors
    /// Where an expression does not bind, uses a column outside of a reduction, or two have one name.
    pub fn of(input: PlanRef, expressions: Vec<Expr>) -> Result<PlanRef> {
        let (aggregates, over) = taken_apart(expressions);
        let Some(over) = over else { return Reduce::plan(input, aggregates) };
        let stray = over.iter().flat_map(Expr::columns);
        let mut stray = stray.filter(|name| !aggregates.iter().any(|aggregate| aggregate.name == *name));
        if let Some(name) = stray.next() {
            super::position(input.schema(), &name)?;
            let message = "reduce gives one row, and the column has many; reduce it with sum(), max(), mean() or the like";
            return Err(ErrorKind::Type { expression: col(name).to_string(), message: message.into() }.into());
        }
        Project::plan(Reduce::plan(input, aggregates)?, over)
    }

    /// One column an aggregate.
    ///
    /// # Errors
    /// As [`Reduce::of`].
    pub fn plan(input: PlanRef, aggregates: Vec<Aggregate>) -> Result<PlanRef> {
        Reduce::of_all_or_each(input, aggregates, false)
    }

    /// The same of each partition by itself: a row for each, in their order.
    ///
    /// # Errors
    /// As [`Reduce::of`].
    pub fn each(input: PlanRef, aggregates: Vec<Aggregate>) -> Result<PlanRef> {
        Reduce::of_all_or_each(input, aggregates, true)
    }

    fn of_all_or_each(input: PlanRef, aggregates: Vec<Aggregate>, each: bool) -> Result<PlanRef> {
        aggregates.iter().try_for_each(|aggregate| reduction(aggregate).map(drop))?;
        let fields =
            aggregates.iter().map(|aggregate| field(aggregate, &input)).collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(Schema::new(fields));
        super::check_distinct(&schema)?;
        Ok(Arc::new(Plan::Reduce(Self { input, aggregates, schema, each })))
    }

    /// The same reduction of other rows, or of other columns of them.
    fn like(&self, input: PlanRef, aggregates: Vec<Aggregate>) -> Result<PlanRef> {
        Reduce::of_all_or_each(input, aggregates, self.each)
    }

    /// What is reduced.
    pub fn aggregates(&self) -> &[Aggregate] {
        &self.aggregates
    }

    /// The rows that are reduced.
    pub fn rows(&self) -> &PlanRef {
        &self.input
    }

    /// The value of an aggregate, where the input knows it.
    fn known(&self, aggregate: &Aggregate) -> Option<Scalar> {
        if aggregate.filter.is_some() || self.each {
            return None;
        }
        let rows = || self.input.operator().known_rows();
        let [Expr::Column(name)] = aggregate.of.as_slice() else {
            return if aggregate.of.is_empty() { rows().map(Scalar::UInt64) } else { None };
        };
        let column = self.input.schema().index_of(name).ok()?;
        let statistics = || self.input.operator().statistics(column);
        match aggregate.asked.reduction()? {
            Reduction::Min => statistics()?.min,
            Reduction::Max => statistics()?.max,
            Reduction::NullCount => statistics()?.nulls.map(Scalar::UInt64),
            Reduction::Count => Some(Scalar::UInt64(rows()?.checked_sub(statistics()?.nulls?)?)),
            _ => None,
        }
    }

    /// What tasks do.
    fn bound(&self) -> Result<task::Reduce> {
        let mut reduce = task::Reduce {
            filters: Vec::new(),
            inputs: Vec::new(),
            kept: Vec::new(),
            outputs: Vec::with_capacity(self.aggregates.len()),
            schema: Arc::clone(&self.schema),
        };
        for aggregate in &self.aggregates {
            if let Some(known) = self.known(aggregate) {
                reduce.outputs.push(task::Output::Known(known));
                continue;
            }
            let inputs = aggregate.of.iter().map(|of| {
                let input = reducible(of, &self.input)?;
                Ok(place(&mut reduce.inputs, input))
            });
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            let filter = match &aggregate.filter {
                Some(filter) => {
                    let bound = super::filter::condition(filter, self.input.schema())?;
                    Some(place(&mut reduce.filters, bound))
                }
                None => None,
            };
            let reduction = reduction(aggregate)?;
            let accumulator = reduction.accumulator();
            let kept = place(&mut reduce.kept, task::Kept { accumulator, inputs, filter });
            reduce.outputs.push(task::Output::Reduced { reduction, kept });
        }
        Ok(reduce)
    }
}

/// What is asked of all rows.
fn reduction(aggregate: &Aggregate) -> Result<Reduction> {
    aggregate.asked.reduction().ok_or_else(|| {
        let message =
            "it is asked of groups, in groupby(..).agg(..); all rows are one group of groupby([lit(1)])";
        let expression = aggregate.written().to_string();
        ErrorKind::Type { expression, message: message.into() }.into()
    })
}

/// The reductions in some expressions, each once, and the expressions over these; `None`: they are the reductions.
pub(super) fn taken_apart(expressions: Vec<Expr>) -> (Vec<Aggregate>, Option<Vec<Expr>>) {
    let bare = |expression: &Expr| match expression.clone().unalias() {
        Expr::Aggregate(asked, of) => Some(Aggregate::new(asked, of, expression.output_name())),
        _ => None,
    };
    if let Some(aggregates) = expressions.iter().map(bare).collect::<Option<Vec<_>>>() {
        return (aggregates, None);
    }
    let mut aggregates: Vec<Aggregate> = Vec::new();
    let over = expressions.into_iter().map(|expression| {
        let name = expression.output_name();
        let over = expression.unalias().transform(&mut |part| match part {
            Expr::Aggregate(asked, of) => {
                let is_same = |other: &&Aggregate| other.asked == asked && other.of == of;
                if let Some(same) = aggregates.iter().find(is_same) {
                    return col(&same.name);
                }
                let mut name = Expr::Aggregate(asked.clone(), of.clone()).to_string();
                if aggregates.iter().any(|other| other.name == name) {
                    // Two aggregations of users may have one name.
                    name = format!("{name} {}", aggregates.len());
                }
                aggregates.push(Aggregate::new(asked, of, name.clone()));
                col(name)
            }
            other => other,
        });
        over.alias(name)
    });
    let over = over.collect();
    (aggregates, Some(over))
}

/// The columns of `input` that a reduction needs, and the reduction over them.
pub(super) fn pruned(reduce: task::Reduce, input: &PlanRef) -> Result<(task::Reduce, PlanRef)> {
    let inputs = reduce.inputs.iter().map(|input| &input.expression);
    let mut columns: Vec<usize> = inputs.chain(&reduce.filters).flat_map(BoundExpr::columns).collect();
    columns.sort_unstable();
    columns.dedup();
    let needed = input.operator().prune(&columns)?;
    let at = |column: usize| columns.iter().position(|other| *other == column).unwrap_or(column);
    let moved = |input: task::Input| task::Input { expression: input.expression.remap(&at), ..input };
    let filters = reduce.filters.iter().map(|filter| filter.remap(&at)).collect();
    Ok((task::Reduce { filters, inputs: reduce.inputs.into_iter().map(moved).collect(), ..reduce }, needed))
}

/// The place of a value in a list, where it is put at the end if it is not there.
pub(super) fn place<T: PartialEq>(list: &mut Vec<T>, value: T) -> usize {
    list.iter().position(|other| *other == value).unwrap_or_else(|| {
        list.push(value);
        list.len() - 1
    })
}

/// A column as reductions take it: texts as views, dictionaries as their values.
pub(super) fn reducible(of: &Expr, input: &PlanRef) -> Result<task::Input> {
    if of.is_aggregate() {
        let message = "a reduction of a reduction; reduce twice: reduce(..) gives a frame of one row";
        return Err(ErrorKind::Type { expression: of.to_string(), message: message.into() }.into());
    }
    let (expression, field) = bind(of, input.schema())?;
    let plain = match field.data_type() {
        DataType::Dictionary(_, values) => values,
        other => other,
    };
    let plain = match plain {
        DataType::Utf8 | DataType::LargeUtf8 => &DataType::Utf8View,
        DataType::LargeBinary => &DataType::BinaryView,
        other => other,
    };
    Ok(task::Input { expression, data_type: plain.clone() })
}

/// The column that an aggregate makes.
pub(super) fn field(aggregate: &Aggregate, input: &PlanRef) -> Result<Field> {
    if let Some(filter) = &aggregate.filter {
        super::filter::condition(filter, input.schema())?;
    }
    if let Asked::Reduction(Reduction::Quantile(share) | Reduction::ApproxQuantile(share)) = aggregate.asked
        && !(0.0..=1.0).contains(&share)
    {
        let expression = aggregate.written().to_string();
        let message = format!("expected a share of the ranks from 0 to 1, got {share}");
        return Err(ErrorKind::Type { expression, message }.into());
    }
    let inputs = aggregate.of.iter().map(|of| Ok(reducible(of, input)?.data_type));
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    let question = Question { aggregate: aggregate.asked.clone(), columns: (0..inputs.len()).collect() };
    let data_type = question.result_type(&inputs).map_err(|error| {
        let expression = aggregate.written().to_string();
        let message = match aggregate.asked {
            Asked::User(_) => error.to_string(),
            _ => format!("{error}; cast it first, or leave it out"),
        };
        Error::from(ErrorKind::Type { expression, message })
    })?;
    Ok(Field::new(&aggregate.name, data_type, true))
}

impl Operator for Reduce {
    fn name(&self) -> &'static str {
        "Reduce"
    }

    fn detail(&self) -> String {
        let shown = self.aggregates.iter().map(|aggregate| {
            let known = if self.known(aggregate).is_some() { " (known)" } else { "" };
            let rows =
                aggregate.filter.as_ref().map_or_else(String::new, |filter| format!(" where {filter}"));
            format!("{}{rows}{known}", aggregate.written().alias(&aggregate.name))
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        if self.each { format!("{shown}, of each partition") } else { shown }
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        self.like(input, self.aggregates.clone())
    }

    fn expressions(&self) -> Vec<&Expr> {
        self.aggregates.iter().flat_map(|aggregate| aggregate.of.iter().chain(&aggregate.filter)).collect()
    }

    fn partitions(&self) -> usize {
        if self.each { self.input.partitions() } else { 1 }
    }

    fn divisions(&self) -> Divisions {
        Divisions::Unknown
    }

    fn minds_cuts(&self) -> bool {
        self.each
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let aggregates: Vec<Aggregate> =
            columns.iter().map(|index| self.aggregates[*index].clone()).collect();
        let mut below = Vec::new();
        let used = aggregates.iter().flat_map(|aggregate| aggregate.of.iter().chain(&aggregate.filter));
        for name in used.flat_map(Expr::columns) {
            let needed = super::position(self.input.schema(), &name)?;
            if !below.contains(&needed) {
                below.push(needed);
            }
        }
        below.sort_unstable();
        self.like(self.input.operator().prune(&below)?, aggregates)
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn known_rows(&self) -> Option<u64> {
        Some(self.partitions() as u64)
    }

    fn fold(&self) -> Result<Option<PlanRef>> {
        let fold = |aggregate: &Aggregate| Aggregate {
            of: aggregate.of.iter().map(|of| of.clone().fold()).collect(),
            filter: aggregate.filter.clone().map(Expr::fold),
            ..aggregate.clone()
        };
        self.like(Arc::clone(&self.input), self.aggregates.iter().map(fold).collect()).map(Some)
    }

    fn merge(&self) -> Result<Option<PlanRef>> {
        let Plan::Filter(filter) = &*self.input else { return Ok(None) };
        let all: Vec<Expr> = self.expressions().into_iter().cloned().collect();
        let Some((filter, above)) = super::filter::hoisted(filter, &all)? else { return Ok(None) };
        let mut above = above.into_iter().map(Expr::unalias);
        let aggregates = self.aggregates.iter().map(|aggregate| Aggregate {
            of: above.by_ref().take(aggregate.of.len()).collect(),
            filter: aggregate.filter.as_ref().and_then(|_| above.next()),
            ..aggregate.clone()
        });
        let aggregates = aggregates.collect();
        self.like(filter, aggregates).map(Some)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let reduce = self.bound()?;
        if reduce.kept.is_empty() {
            return Ok(vec![lowering.reduced(Arc::new(reduce), Vec::new())]);
        }
        // What is known needs no column any more.
        let (reduce, needed) = pruned(reduce, &self.input)?;
        let reduce = Arc::new(reduce);
        let pipelines = lowering.lower(&needed)?;
        if !self.each {
            let states = lowering.states(pipelines, &reduce)?;
            return Ok(vec![lowering.reduced(reduce, states)]);
        }
        let each = pipelines.into_iter().map(|pipeline| {
            let states = lowering.states(vec![pipeline], &reduce)?;
            Ok(lowering.reduced(Arc::clone(&reduce), states))
        });
        each.collect()
    }
}
