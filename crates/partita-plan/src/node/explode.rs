//! `Explode`: a row for each element of a list.
//!
//! Batches pass one by one, and rows stay in their order and their partitions.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_tasks::program;

use super::{Divisions, Filter, Operator, Plan, PlanRef, Project, names, position};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

/// Puts the elements of lists in their place, a row each.
#[derive(Debug)]
pub struct Explode {
    input: PlanRef,
    column: String,
    /// Whether a null list, or one without elements, gives a row with null.
    keeps_empty: bool,
    schema: SchemaRef,
}

impl Explode {
    /// A row for each element of the lists in `column` of `input`, with what the other columns have in the row of the list. A null list, or
    /// one without elements, gives a row with null, or none where `keeps_empty` is false.
    ///
    /// # Errors
    /// Where there is no such column, or it is none of lists.
    pub fn plan(input: PlanRef, column: &str, keeps_empty: bool) -> Result<PlanRef> {
        let at = position(input.schema(), column)?;
        let (DataType::List(element) | DataType::LargeList(element)) = input.schema().field(at).data_type()
        else {
            let found = partita_columns::dtype::name(input.schema().field(at).data_type());
            let message = format!("explode: expected a column of lists, \"{column}\" is of type {found}");
            return Err(ErrorKind::Option(message).into());
        };
        let mut fields: Vec<Arc<Field>> = input.schema().fields().iter().map(Arc::clone).collect();
        fields[at] = Arc::new(Field::new(column, element.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields));
        Ok(Arc::new(Plan::Explode(Self { input, column: column.to_owned(), keeps_empty, schema })))
    }
}

impl Operator for Explode {
    fn name(&self) -> &'static str {
        "Explode"
    }

    fn detail(&self) -> String {
        let empty = if self.keeps_empty { "" } else { ", no rows of empty lists" };
        format!("{}{empty}", self.column)
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Explode::plan(input, &self.column, self.keeps_empty)
    }

    fn divisions(&self) -> Divisions {
        // The index stays, unless it is what is exploded.
        self.input.divisions().among(|column| column != self.column)
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        // How many rows there are is up to the lists.
        let lists = position(&self.schema, &self.column)?;
        let mut below = columns.to_vec();
        below.push(lists);
        below.sort_unstable();
        below.dedup();
        let pruned = self.with_input(self.input.operator().prune(&below)?)?;
        let wanted: Vec<&str> = columns.iter().map(|at| self.schema.field(*at).name().as_str()).collect();
        if names(pruned.schema()).iter().map(String::as_str).eq(wanted.iter().copied()) {
            return Ok(pruned);
        }
        Project::columns(pruned, wanted)
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        if predicate.has_functions() {
            return Ok(None);
        }
        // What is true of the other columns of a list is true of all of its rows.
        let parts = predicate.clone().split_conjunction();
        let (above, below): (Vec<Expr>, Vec<Expr>) =
            parts.into_iter().partition(|part| part.columns().contains(&self.column));
        let Some(below) = below.into_iter().reduce(Expr::and) else { return Ok(None) };
        let exploded = self.with_input(Filter::below(&self.input, &below)?)?;
        match above.into_iter().reduce(Expr::and) {
            Some(above) => Filter::plan(exploded, above).map(Some),
            None => Ok(Some(exploded)),
        }
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        super::partitions::below(&self.input, wanted, |input| self.with_input(input))
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        if self.keeps_empty { memory::of_input(self) } else { None }
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let column = position(&self.schema, &self.column)?;
        let pipelines = lowering.lower(&self.input)?;
        lowering.chain(pipelines, &self.schema, |_| program::Operator::Explode {
            column,
            keeps_empty: self.keeps_empty,
            schema: Arc::clone(&self.schema),
        })
    }
}
