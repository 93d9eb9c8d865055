//! `Project`: computed, renamed and picked columns. `select`, `with_columns`, `drop` and `rename` are all made
//! of it.
//!
//! ```
//! use partita_plan::{col, lit};
//! let tip_share = (col("tip_amount") / col("fare_amount")).alias("tip_share");
//! assert_eq!(tip_share.output_name(), "tip_share");
//! ```

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use partita_tasks::program;

use super::{Divisions, Operator, Plan, PlanRef, Statistics};
use crate::bind::bind;
use crate::error::Result;
use crate::expr::{Expr, col};
use crate::lower::{Lowering, Pipeline};
use crate::memory;

/// Computes one column an expression.
#[derive(Debug)]
pub struct Project {
    input: PlanRef,
    expressions: Vec<Expr>,
    schema: SchemaRef,
}

impl Project {
    /// The columns that `expressions` compute from `input`.
    ///
    /// # Errors
    /// Where an expression does not bind, or two have one name.
    pub fn plan(input: PlanRef, expressions: Vec<Expr>) -> Result<PlanRef> {
        let fields = expressions
            .iter()
            .map(|expression| Ok(bind(expression, input.schema())?.1))
            .collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(Schema::new(fields));
        super::check_distinct(&schema)?;
        Ok(Arc::new(Plan::Project(Self { input, expressions, schema })))
    }

    /// Columns of `input` by name.
    ///
    /// # Errors
    /// As [`Project::plan`].
    pub fn columns<'a>(input: PlanRef, names: impl IntoIterator<Item = &'a str>) -> Result<PlanRef> {
        Project::plan(input, names.into_iter().map(col).collect())
    }

    /// `input` with columns added, or replaced where the name exists.
    ///
    /// # Errors
    /// As [`Project::plan`].
    pub fn with_columns(input: PlanRef, added: Vec<Expr>) -> Result<PlanRef> {
        let mut expressions: Vec<Expr> =
            input.schema().fields().iter().map(|field| col(field.name())).collect();
        for expression in added {
            let name = expression.output_name();
            match input.schema().index_of(&name) {
                Ok(index) => expressions[index] = expression,
                Err(_) => expressions.push(expression),
            }
        }
        Project::plan(input, expressions)
    }

    /// `input` without some columns.
    ///
    /// # Errors
    /// Where a name is no column.
    pub fn without(input: PlanRef, names: &[String]) -> Result<PlanRef> {
        for name in names {
            super::position(input.schema(), name)?;
        }
        let kept = input.schema().fields().iter().filter(|field| !names.contains(field.name()));
        let kept = kept.map(|field| col(field.name())).collect();
        Project::plan(input, kept)
    }

    /// `input` with other names.
    ///
    /// # Errors
    /// Where a name is no column, or two columns would have one name.
    pub fn renamed(input: PlanRef, names: &[(String, String)]) -> Result<PlanRef> {
        for (from, _) in names {
            super::position(input.schema(), from)?;
        }
        let rename = |name: &String| match names.iter().find(|(from, _)| from == name) {
            Some((_, to)) => col(name).alias(to),
            None => col(name),
        };
        let expressions = input.schema().fields().iter().map(|field| rename(field.name())).collect();
        Project::plan(input, expressions)
    }

    /// Output names to what they are computed from.
    pub(super) fn definitions(&self) -> HashMap<String, Expr> {
        let named = self.expressions.iter();
        named.map(|expression| (expression.output_name(), expression.clone().unalias())).collect()
    }

    /// The expressions of this projection over the input of `inner`; `None` where that would compute something
    /// twice.
    fn merged_over(&self, inner: &Project) -> Option<Vec<Expr>> {
        let definitions = inner.definitions();
        let mut uses: HashMap<&str, usize> = HashMap::new();
        let used: Vec<String> = self.expressions.iter().flat_map(Expr::column_uses).collect();
        for name in &used {
            *uses.entry(name).or_default() += 1;
        }
        let twice = |name: &str, count: usize| {
            count > 1 && !matches!(definitions.get(name), Some(Expr::Column(_) | Expr::Literal(_)))
        };
        if uses.iter().any(|(name, count)| twice(name, *count))
            || self.expressions.iter().any(|expression| has_loose_literal(expression, &definitions))
        {
            return None;
        }
        let merge = |expression: &Expr| {
            let name = expression.output_name();
            let merged = substitute(expression.clone().unalias(), &definitions);
            if merged.output_name() == name { merged } else { merged.alias(name) }
        };
        Some(self.expressions.iter().map(merge).collect())
    }

    /// Positions of the input's columns, where every expression is one of them under its own name.
    fn picked(&self) -> Option<Vec<usize>> {
        let input = self.input.schema();
        let pick = |expression: &Expr| match expression {
            Expr::Column(name) => input.index_of(name).ok(),
            _ => None,
        };
        self.expressions.iter().map(pick).collect()
    }
}

/// Whether a column that is a literal stands within the expression: the column has a type of its own, a literal takes the one beside
/// it.
pub(super) fn has_loose_literal(expression: &Expr, definitions: &HashMap<String, Expr>) -> bool {
    let is_literal = |name: &String| matches!(definitions.get(name), Some(Expr::Literal(_)));
    !matches!(expression.clone().unalias(), Expr::Column(_)) && expression.columns().iter().any(is_literal)
}

/// `expression` with columns replaced by what they are computed from.
pub(super) fn substitute(expression: Expr, definitions: &HashMap<String, Expr>) -> Expr {
    expression.transform(&mut |part| match &part {
        Expr::Column(name) => definitions.get(name).cloned().unwrap_or(part),
        _ => part,
    })
}

impl Operator for Project {
    fn name(&self) -> &'static str {
        "Project"
    }

    fn detail(&self) -> String {
        let shown: Vec<String> = self.expressions.iter().map(Expr::to_string).collect();
        shown.join(", ")
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<&Expr> {
        self.expressions.iter().collect()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Project::plan(input, self.expressions.clone())
    }

    fn divisions(&self) -> Divisions {
        let below = self.input.divisions();
        let Some(column) = below.column() else { return Divisions::Unknown };
        let is_index =
            |part: &&Expr| matches!((*part).clone().unalias(), Expr::Column(name) if name == column);
        let mut kept = self.expressions.iter().filter(is_index).map(Expr::output_name);
        let own = kept.clone().find(|name| name == column);
        match own.or_else(|| kept.next()) {
            Some(name) => below.renamed(name),
            None => Divisions::Unknown,
        }
    }

    fn ordered_by(&self) -> Option<String> {
        let below = self.input.ordered_by()?;
        let divisions = self.input.divisions();
        if divisions.column() == Some(&below) { self.divisions().column().map(str::to_owned) } else { None }
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        if let Some(picked) = self.picked() {
            let below: Vec<usize> = columns.iter().map(|index| picked[*index]).collect();
            return self.input.operator().prune(&below);
        }
        let kept: Vec<Expr> = columns.iter().map(|index| self.expressions[*index].clone()).collect();
        let mut below = Vec::new();
        for name in kept.iter().flat_map(Expr::columns) {
            let needed = super::position(self.input.schema(), &name)?;
            if !below.contains(&needed) {
                below.push(needed);
            }
        }
        // In the order of the input: two projections of the same columns read the same way.
        below.sort_unstable();
        Project::plan(self.input.operator().prune(&below)?, kept)
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        let definitions = self.definitions();
        if has_loose_literal(predicate, &definitions) {
            return Ok(None);
        }
        let below = substitute(predicate.clone(), &definitions);
        self.with_input(super::Filter::below(&self.input, &below)?).map(Some)
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        super::partitions::below(&self.input, wanted, |input| self.with_input(input))
    }

    fn known_rows(&self) -> Option<u64> {
        self.input.operator().known_rows()
    }

    fn first(&self, rows: usize) -> Result<Option<PlanRef>> {
        let first = self.input.operator().first(rows)?;
        first.map(|input| self.with_input(input)).transpose()
    }

    fn statistics(&self, column: usize) -> Option<Statistics> {
        let Expr::Column(name) = self.expressions.get(column)?.clone().unalias() else { return None };
        self.input.operator().statistics(self.input.schema().index_of(&name).ok()?)
    }

    fn fold(&self) -> Result<Option<PlanRef>> {
        let folded = self.expressions.iter().map(|expression| expression.clone().fold());
        Project::plan(Arc::clone(&self.input), folded.collect()).map(Some)
    }

    fn merge(&self) -> Result<Option<PlanRef>> {
        match &*self.input {
            Plan::Project(inner) => {
                let Some(merged) = self.merged_over(inner) else { return Ok(None) };
                Project::plan(Arc::clone(&inner.input), merged).map(Some)
            }
            Plan::Filter(filter) => {
                let Some((filter, above)) = super::filter::hoisted(filter, &self.expressions)? else {
                    return Ok(None);
                };
                Project::plan(filter, above).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        memory::of_input(self)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let bound = self.expressions.iter().map(|expression| Ok(bind(expression, self.input.schema())?.0));
        let expressions = bound.collect::<Result<Vec<_>>>()?;
        let pipelines = lowering.lower(&self.input)?;
        lowering.chain(pipelines, &self.schema, |_| program::Operator::Project {
            expressions: expressions.clone(),
            schema: Arc::clone(&self.schema),
        })
    }
}
