//! Arithmetic of two groupings of the same rows: one grouping that answers both, and a projection above.

use std::collections::HashMap;
use std::sync::Arc;

use partita_columns::compute::ArithmeticOp;

use super::{GroupBy, PLACE, ROW};
use crate::bind::bind;
use crate::error::{ErrorKind, Result};
use crate::expr::{Expr, col};
use crate::node::project::substitute;
use crate::node::{Aggregate, Operator, Plan, PlanRef, Project, Sort};

/// A grouping, as it was written.
struct Grouped<'a> {
    group: &'a GroupBy,
    sort: Option<&'a Sort>,
    /// Names, and what the columns are over those of `group`.
    columns: Vec<(String, Expr)>,
}

impl<'a> Grouped<'a> {
    /// A grouping, sorted or not, with projections above; `None`: the plan is something else.
    fn of(plan: &'a Plan) -> Option<Self> {
        let own = |group: &'a GroupBy, sort: Option<&'a Sort>| {
            let names = group.schema.fields().iter().map(|field| field.name().clone());
            Self { group, sort, columns: names.map(|name| (name.clone(), col(name))).collect() }
        };
        match plan {
            Plan::GroupBy(group) => Some(own(group, None)),
            Plan::Sort(sort) => match plan.input().map(|input| &**input) {
                Some(Plan::GroupBy(group)) if group.orders(sort) => Some(own(group, Some(sort))),
                _ => None,
            },
            Plan::Project(project) => {
                let below = Self::of(project.input()?)?;
                let definitions: HashMap<String, Expr> = below.columns.into_iter().collect();
                let over = |expression: &&Expr| {
                    let over = (*expression).clone().unalias();
                    (expression.output_name(), substitute(over, &definitions))
                };
                let columns = project.expressions().iter().map(over).collect();
                Some(Self { columns, ..below })
            }
            _ => None,
        }
    }

    /// The rows that are grouped.
    fn rows(&self) -> &'a PlanRef {
        let input = &self.group.input;
        match &**input {
            Plan::RowIndex(index) if index.schema().field(0).name() == ROW => index.input().unwrap_or(input),
            _ => input,
        }
    }

    /// Whether groups, and their order, are those of another grouping.
    fn is_alike(&self, other: &Self) -> bool {
        let order = |grouped: &Self| grouped.sort.map(Operator::detail);
        let (own, others) = (self.group, other.group);
        let is_same_input = Arc::ptr_eq(self.rows(), other.rows())
            || format!("{:?}", self.rows()) == format!("{:?}", other.rows());
        is_same_input
            && own.keys == others.keys
            && own.drops_null_keys == others.drops_null_keys
            && own.has_place == others.has_place
            && order(self) == order(other)
    }

    /// Whether a column is a key.
    fn is_key(&self, of: &Expr) -> bool {
        self.group.keys.iter().any(|key| *of == col(key.output_name()))
    }

    /// The columns that are no keys.
    fn values(&self) -> impl Iterator<Item = &(String, Expr)> {
        self.columns.iter().filter(|(_, of)| !self.is_key(of))
    }

    /// The columns that are keys.
    fn keys(&self) -> Vec<&(String, Expr)> {
        self.columns.iter().filter(|(_, of)| self.is_key(of)).collect()
    }
}

impl GroupBy {
    /// Whether an order of the groups goes by their keys, or by their first rows.
    fn orders(&self, sort: &Sort) -> bool {
        let is_own =
            |column: &str| column == PLACE || self.keys.iter().any(|key| key.output_name() == column);
        sort.by().iter().all(|by| is_own(by.column()))
    }
}

/// What two groupings ask, each question once.
#[derive(Default)]
struct Asked(Vec<Aggregate>);

impl Asked {
    /// The names under which the aggregates of a grouping are answered.
    fn take(&mut self, group: &GroupBy) -> HashMap<String, Expr> {
        let mut names = HashMap::new();
        for aggregate in &group.aggregates {
            let is_same = |other: &&Aggregate| (&other.asked, &other.of) == (&aggregate.asked, &aggregate.of);
            let name = match self.0.iter().find(is_same) {
                Some(same) => same.name.clone(),
                None => {
                    // No column of a frame has this name, as it ends with a NUL.
                    let name = format!("{}\0", self.0.len());
                    self.0.push(Aggregate { name: name.clone(), ..aggregate.clone() });
                    name
                }
            };
            names.insert(aggregate.name.clone(), col(name));
        }
        names
    }
}

fn refused(op: ArithmeticOp, message: &str) -> crate::error::Error {
    ErrorKind::Option(format!("groups {} groups: {message}", op.symbol())).into()
}

/// `left op right` of columns of the same name, for two groupings of the same rows by the same keys and options: one grouping answers
/// both. Keys stay as they are.
///
/// # Errors
/// Where a plan is no grouping, the two are not alike, a column is on one side only, or arithmetic is not defined for its type.
pub fn aligned(left: &PlanRef, right: &PlanRef, op: ArithmeticOp) -> Result<PlanRef> {
    let (Some(left), Some(right)) = (Grouped::of(left), Grouped::of(right)) else {
        let message = "one of the frames is no groupby(..) with nothing but select, rename, drop and with_columns behind it; for other \
                       frames ask for both in one agg([..]), as in col(\"x\").max() - col(\"x\").min()";
        return Err(refused(op, message));
    };
    if !left.is_alike(&right) {
        let message = "they are not of the same rows, by the same keys, with the same dropna, sort and maintain_order; group one frame \
                       in one way, or ask for both in one agg([..]), as in col(\"x\").max() - col(\"x\").min()";
        return Err(refused(op, message));
    }
    let mut asked = Asked::default();
    let (of_left, of_right) = (asked.take(left.group), asked.take(right.group));
    if left.keys() != right.keys() {
        return Err(refused(
            op,
            "the keys have other names, or are not there on both sides; keep them alike",
        ));
    }
    let mut values: Vec<Expr> = Vec::new();
    let keys: Vec<Expr> = left.keys().into_iter().map(|(name, of)| of.clone().alias(name)).collect();
    for (name, of) in left.values() {
        let Some((_, other)) = right.values().find(|(other, _)| other == name) else {
            return Err(one_sided(op, name));
        };
        let (one, other) = (substitute(of.clone(), &of_left), substitute(other.clone(), &of_right));
        values.push(Expr::Arithmetic(op, Box::new(one), Box::new(other)).alias(name));
    }
    if let Some((name, _)) = right.values().find(|(name, _)| left.values().all(|(other, _)| other != name)) {
        return Err(one_sided(op, name));
    }
    // Where one asks for numbers of rows, its input has them.
    let input = if Arc::ptr_eq(left.rows(), &left.group.input) { &right } else { &left };
    let grouped =
        GroupBy::of(left.group.like(Arc::clone(&input.group.input), asked.0, left.group.has_place))?;
    let ordered = match left.sort {
        Some(sort) => sort.with_input(grouped)?,
        None => grouped,
    };
    let undefined = |value: &&Expr| bind(value, ordered.schema()).is_err();
    if let Some(value) = values.iter().find(undefined) {
        let message =
            format!("column \"{}\" has a type without such arithmetic; leave it out", value.output_name());
        return Err(refused(op, &message));
    }
    Project::plan(ordered, keys.into_iter().chain(values).collect())
}

fn one_sided(op: ArithmeticOp, name: &str) -> crate::error::Error {
    refused(op, &format!("column \"{name}\" is on one side only; select(..) the same columns of both"))
}
