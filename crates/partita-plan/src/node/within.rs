//! `Within`: columns that are computed of the rows of each row's group.
//!
//! ```
//! use partita_plan::col;
//!
//! let anomaly = (col("t") - col("t").mean()).alias("anomaly");
//! assert_eq!(anomaly.to_string(), "(t - mean(t)) as anomaly");
//! assert_eq!(col("t").shift(2).to_string(), "shift(t, 2)");
//! ```
//!
//! An exchange by a part of a hash of the keys brings the rows of a group together in their order, and another one brings them back,
//! by their places, into the partitions that they came from. A filter above works between the two.

mod keyed;

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_columns::Scalar;
use partita_columns::group::{self, Question};
use partita_columns::reduce::Reduction;
use partita_columns::sort::Direction;
use partita_tasks::exchange::{By, Cuts, ExchangeSpec, SortKey};
use partita_tasks::within::{Answer, Keyed, PLACE_BITS};
use partita_tasks::{BoundExpr, program, within};

pub(super) use self::keyed::{gathered, is_of_keys, keyed, with_all_keys};
use super::reduce::{Aggregate, field, place, reducible};
use super::{Filter, Operator, Plan, PlanRef, Project, names, position};
use crate::error::{ErrorKind, Result};
use crate::expr::{Expr, col};
use crate::lower::{Lowering, Pipeline};

/// Computes columns in groups.
#[derive(Debug)]
pub struct Within {
    input: PlanRef,
    /// Names of columns.
    keys: Vec<String>,
    drops_null_keys: bool,
    asked: Vec<Asked>,
    /// Which rows go on, of all that groups have.
    filter: Option<Expr>,
    schema: SchemaRef,
}

/// A new column.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    /// A reduction of the group or a window function, of expressions over the input.
    what: Expr,
    name: String,
}

impl Within {
    /// `input` with `expressions` as columns behind its own, or in place of those of the same name: reductions of the row's
    /// group and window functions in it, and expressions over these and columns. In rows with a null key, where these are in no group, they are
    /// null.
    ///
    /// # Errors
    /// Where there is no key, one has no equality, or an expression does not bind.
    pub fn plan(
        input: PlanRef,
        keys: Vec<Expr>,
        expressions: Vec<Expr>,
        drops_null_keys: bool,
    ) -> Result<PlanRef> {
        let before = names(input.schema());
        let (input, keys) = keyed("transform", input, keys)?;
        let (asked, over) = taken_apart(input.schema(), expressions);
        let is_asked = |of: &Expr| matches!(of.clone().unalias(), Expr::Column(name) if asked.iter().any(|one| one.name == name));
        let has_group = with_all_keys(&input, &keys).filter(|_| drops_null_keys);
        let over = over.into_iter().map(|of| match &has_group {
            Some(has_group) if !is_asked(&of) => {
                let name = of.output_name();
                crate::expr::when(has_group.clone()).then(of.unalias()).otherwise_null().alias(name)
            }
            _ => of,
        });
        let over: Vec<Expr> = over.collect();
        let within = Self::of(Self::new(input, keys, drops_null_keys, asked, None))?;
        let mut columns: Vec<Expr> = before.iter().map(col).collect();
        for of in over {
            match before.iter().position(|name| *name == of.output_name()) {
                Some(at) => columns[at] = of,
                None => columns.push(of),
            }
        }
        Project::plan(within, columns)
    }

    /// The rows of `input` where `predicate` is true, in which reductions are of the row's group and window functions in it. Rows with
    /// a null key are in no group where `drops_null_keys`, and go.
    ///
    /// # Errors
    /// As [`Within::plan`].
    pub fn rows(input: PlanRef, keys: Vec<Expr>, predicate: Expr, drops_null_keys: bool) -> Result<PlanRef> {
        let before = names(input.schema());
        let (mut input, keys) = keyed("groupby", input, keys)?;
        if let Some(has_group) = with_all_keys(&input, &keys).filter(|_| drops_null_keys) {
            input = Filter::plan(input, has_group)?;
        }
        let (asked, mut over) = taken_apart(input.schema(), vec![predicate]);
        let within = Self::of(Self::new(input, keys, drops_null_keys, asked, None))?;
        let kept = match over.pop() {
            Some(predicate) => Filter::plan(within, predicate.unalias())?,
            None => within,
        };
        Project::columns(kept, before.iter().map(String::as_str))
    }

    fn new(
        input: PlanRef,
        keys: Vec<String>,
        drops_null_keys: bool,
        asked: Vec<Asked>,
        filter: Option<Expr>,
    ) -> Self {
        Self { input, keys, drops_null_keys, asked, filter, schema: Arc::new(Schema::empty()) }
    }

    fn of(mut node: Self) -> Result<PlanRef> {
        let mut fields: Vec<Arc<Field>> = node.input.schema().fields().iter().map(Arc::clone).collect();
        for asked in &node.asked {
            fields.push(Arc::new(asked.field(&node.input)?));
        }
        node.schema = Arc::new(Schema::new(fields));
        super::check_distinct(&node.schema)?;
        if let Some(filter) = &node.filter {
            super::filter::condition(filter, &node.schema)?;
        }
        Ok(Arc::new(Plan::Within(node)))
    }

    fn like(&self, input: PlanRef, asked: Vec<Asked>, filter: Option<Expr>) -> Result<PlanRef> {
        Self::of(Self::new(input, self.keys.clone(), self.drops_null_keys, asked, filter))
    }

    /// What tasks do.
    fn bound(&self) -> Result<within::Within> {
        let schema = self.input.schema();
        let keys = self.keys.iter().map(|key| position(schema, key)).collect::<Result<Vec<_>>>()?;
        let keyed = Keyed::new(schema, keys, self.drops_null_keys);
        let mut inputs = Vec::new();
        let mut answers = Vec::with_capacity(self.asked.len());
        for asked in &self.asked {
            let mut input = |of: &Expr| Ok(place(&mut inputs, reducible(of, &self.input)?));
            answers.push(match &asked.what {
                Expr::Aggregate(aggregate, of) => {
                    let columns = of.iter().map(&mut input).collect::<Result<Vec<_>>>()?;
                    Answer::Reduction(Question { aggregate: aggregate.clone(), columns })
                }
                Expr::Window(window, of) => {
                    Answer::Window { window: *window, input: of.first().map(&mut input).transpose()? }
                }
                other => return Err(ErrorKind::Option(format!("transform: {other} is no window")).into()),
            });
        }
        let mut fields: Vec<Arc<Field>> = self.schema.fields().iter().map(Arc::clone).collect();
        fields.extend(keyed.schema.fields().last().map(Arc::clone));
        Ok(within::Within { keyed, inputs, answers, schema: Arc::new(Schema::new(fields)) })
    }
}

impl Asked {
    /// The column that it makes.
    fn field(&self, input: &PlanRef) -> Result<Field> {
        match &self.what {
            Expr::Aggregate(asked, of) => {
                if matches!(asked.reduction(), Some(Reduction::IdxMin | Reduction::IdxMax)) {
                    let message = "numbers of rows are not known within groups; ask for them in agg(..)";
                    return Err(wrong(&self.what, message));
                }
                if matches!(asked, group::Aggregate::List | group::Aggregate::Top { .. }) {
                    let message = "each row would have a list of values of its group; ask for it in agg(..)";
                    return Err(wrong(&self.what, message));
                }
                field(&Aggregate::new(asked.clone(), of.clone(), &self.name), input)
            }
            Expr::Window(window, of) => {
                if of.len() != window.columns() {
                    let (name, columns) = (window.name(), window.columns());
                    return Err(wrong(
                        &self.what,
                        &format!("{name} is of {columns} columns, got {}", of.len()),
                    ));
                }
                let data_type = match of.first() {
                    Some(of) => reducible(of, input)?.data_type,
                    None => DataType::Null,
                };
                let result = window.result_type(&data_type).map_err(|error| {
                    wrong(&self.what, &format!("{error}; cast it first, or leave it out"))
                })?;
                Ok(Field::new(&self.name, result, true))
            }
            other => Err(wrong(other, "expected a reduction or a window function")),
        }
    }
}

fn wrong(expression: &Expr, message: &str) -> crate::error::Error {
    ErrorKind::Type { expression: expression.to_string(), message: message.to_owned() }.into()
}

/// The reductions and window functions in some expressions, each once, and the expressions over the columns that these make.
fn taken_apart(schema: &SchemaRef, expressions: Vec<Expr>) -> (Vec<Asked>, Vec<Expr>) {
    let mut asked: Vec<Asked> = Vec::new();
    let over = expressions.into_iter().map(|expression| {
        let name = expression.output_name();
        let over = expression.unalias().transform(&mut |part| match part {
            what @ (Expr::Aggregate(..) | Expr::Window(..)) => {
                if let Some(same) = asked.iter().find(|one| one.what == what) {
                    return col(&same.name);
                }
                // No name of a column ends with a NUL. Two aggregations of users may have one name.
                let mut name = what.to_string();
                while schema.index_of(&name).is_ok() || asked.iter().any(|one| one.name == name) {
                    name.push('\0');
                }
                asked.push(Asked { what, name: name.clone() });
                col(name)
            }
            other => other,
        });
        over.alias(name)
    });
    let over = over.collect();
    (asked, over)
}

impl Operator for Within {
    fn name(&self) -> &'static str {
        "Within"
    }

    fn detail(&self) -> String {
        let asked: Vec<String> = self.asked.iter().map(|asked| asked.what.to_string()).collect();
        let nulls = if self.drops_null_keys { "" } else { ", nulls are keys" };
        let rows = self.filter.as_ref().map_or_else(String::new, |filter| format!(", rows where {filter}"));
        format!("groups by {}: {}{nulls}{rows}", self.keys.join(", "), asked.join(", "))
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        self.like(input, self.asked.clone(), self.filter.clone())
    }

    fn origin(&self) -> Option<Vec<String>> {
        // What a user's aggregation does cannot be told.
        let is_user = |asked: &Asked| matches!(asked.what, Expr::Aggregate(group::Aggregate::User(_), _));
        (!self.asked.iter().any(is_user)).then(Vec::new)
    }

    fn expressions(&self) -> Vec<&Expr> {
        self.asked.iter().flat_map(|asked| asked.what.parts()).chain(&self.filter).collect()
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let before = self.input.schema().fields().len();
        let mut needed = columns.to_vec();
        for name in self.filter.iter().flat_map(Expr::columns) {
            needed.push(position(&self.schema, &name)?);
        }
        needed.sort_unstable();
        needed.dedup();
        let asked: Vec<Asked> =
            needed.iter().filter_map(|at| self.asked.get(at.checked_sub(before)?)).cloned().collect();
        if asked.is_empty() && self.filter.is_none() {
            return self.input.operator().prune(columns);
        }
        let mut below: Vec<usize> = needed.into_iter().filter(|at| *at < before).collect();
        let used = asked.iter().flat_map(|asked| asked.what.columns()).chain(self.keys.iter().cloned());
        for name in used {
            below.push(position(self.input.schema(), &name)?);
        }
        below.sort_unstable();
        below.dedup();
        let pruned = self.like(self.input.operator().prune(&below)?, asked, self.filter.clone())?;
        let wanted: Vec<&str> = columns.iter().map(|at| self.schema.field(*at).name().as_str()).collect();
        if names(pruned.schema()).iter().map(String::as_str).eq(wanted.iter().copied()) {
            return Ok(pruned);
        }
        Project::columns(pruned, wanted)
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        if is_of_keys(&self.input, &self.keys, predicate) {
            let input = Filter::below(&self.input, predicate)?;
            return self.like(input, self.asked.clone(), self.filter.clone()).map(Some);
        }
        if predicate.has_functions() {
            return Ok(None);
        }
        // Rows that groups need go once their groups have seen them.
        let both = match &self.filter {
            Some(filter) => filter.clone().and(predicate.clone()),
            None => predicate.clone(),
        };
        self.like(Arc::clone(&self.input), self.asked.clone(), Some(both)).map(Some)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        // Groups have rows of all partitions.
        Ok(None)
    }

    fn known_rows(&self) -> Option<u64> {
        if self.filter.is_some() { None } else { self.input.operator().known_rows() }
    }

    fn fold(&self) -> Result<Option<PlanRef>> {
        let fold = |asked: &Asked| {
            let parts = |of: &[Expr]| of.iter().map(|of| of.clone().fold()).collect();
            let what = match &asked.what {
                Expr::Aggregate(asked, of) => Expr::Aggregate(asked.clone(), parts(of)),
                Expr::Window(window, of) => Expr::Window(*window, parts(of)),
                other => other.clone(),
            };
            Asked { what, name: asked.name.clone() }
        };
        let asked = self.asked.iter().map(fold).collect();
        self.like(Arc::clone(&self.input), asked, self.filter.clone()).map(Some)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let partitions = self.input.partitions();
        let within = Arc::new(self.bound()?);
        let pipelines = lowering.lower(&self.input)?;
        if pipelines.is_empty() {
            return Ok(pipelines);
        }
        let parts = gathered(lowering, pipelines, &within.keyed, partitions)?;
        let schema = &within.schema;
        let mut done = lowering.chain(parts, schema, |_| program::Operator::Within(Arc::clone(&within)))?;
        if let Some(filter) = &self.filter {
            let predicate = super::filter::condition(filter, schema)?;
            let output_columns = schema.fields().len();
            done = lowering.chain(done, schema, |_| program::Operator::Filter {
                predicate: predicate.clone(),
                output_columns,
            })?;
        }
        let columns = self.schema.fields().len();
        let by = By::Order(vec![SortKey { column: columns, direction: Direction::default() }]);
        let values = (0..=partitions as u64).map(|partition| Scalar::UInt64(partition << PLACE_BITS));
        let cuts = Cuts::Given { values: values.collect(), widens: true };
        let spec = ExchangeSpec { cuts, ..ExchangeSpec::even(Arc::clone(schema), by, partitions) };
        let back = lowering.exchanged(done, &Arc::new(spec))?;
        lowering.chain(back, &self.schema, |_| program::Operator::Project {
            expressions: (0..columns).map(BoundExpr::Column).collect(),
            schema: Arc::clone(&self.schema),
        })
    }
}
