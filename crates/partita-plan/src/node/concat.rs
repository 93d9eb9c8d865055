//! `Concat`: the rows of several plans, one after the other. Columns go by name; the partitions are those of all inputs.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use partita_columns::Scalar;
use partita_tasks::{BoundExpr, program};

use super::{Divisions, Filter, Operator, Plan, PlanRef, Project, merged_schema, names};
use crate::error::{ErrorKind, Result};
use crate::expr::{Expr, col};
use crate::lower::{Lowering, Pipeline};

/// Which columns frames that are put one after the other have then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ConcatColumns {
    /// All frames have the same, in any order; anything else is an error.
    #[default]
    Same,
    /// Those of any frame: the others have nulls there.
    Outer,
    /// Those that all frames have.
    Inner,
}

/// Puts rows one after the other.
#[derive(Debug)]
pub struct Concat {
    inputs: Vec<PlanRef>,
    schema: SchemaRef,
}

impl Concat {
    /// The rows of `inputs`, in their order, with the columns of the first in its order, and then those that others add. Where types
    /// differ, a column has one that holds the values of all.
    ///
    /// # Errors
    /// Where there is no input, where columns are missing, and where no type holds the values of all.
    pub fn plan(inputs: Vec<PlanRef>, columns: ConcatColumns) -> Result<PlanRef> {
        let labels: Vec<String> = (0..inputs.len()).map(|number| format!("frame {number}")).collect();
        let inputs = match columns {
            ConcatColumns::Outer => inputs,
            ConcatColumns::Same => {
                same_columns(&inputs)?;
                inputs
            }
            ConcatColumns::Inner => {
                let is_common =
                    |name: &&String| inputs.iter().all(|plan| plan.schema().index_of(name).is_ok());
                let first = inputs.first().map(|plan| names(plan.schema())).unwrap_or_default();
                let common: Vec<String> = first.iter().filter(is_common).cloned().collect();
                let pick = |plan: PlanRef| Project::columns(plan, common.iter().map(String::as_str));
                inputs.into_iter().map(pick).collect::<Result<_>>()?
            }
        };
        if inputs.is_empty() {
            return Err(ErrorKind::Option("concat: expected at least one frame, got none".into()).into());
        }
        let schemas = labels.iter().zip(&inputs).map(|(label, plan)| (label.as_str(), plan.schema()));
        let schema = merged_schema(schemas)?;
        let aligned = inputs.into_iter().map(|plan| aligned(plan, &schema));
        Ok(Arc::new(Plan::Concat(Self { inputs: aligned.collect::<Result<_>>()?, schema })))
    }

    /// The same of inputs that have their columns in place.
    fn of(inputs: Vec<PlanRef>) -> Result<PlanRef> {
        Concat::plan(inputs, ConcatColumns::Same)
    }

    /// Each input with its partitions among those of all.
    fn placed(&self) -> impl Iterator<Item = (&PlanRef, Range<usize>)> {
        let mut end = 0;
        self.inputs.iter().map(move |input| {
            let start = end;
            end += input.partitions();
            (input, start..end)
        })
    }
}

fn same_columns(inputs: &[PlanRef]) -> Result<()> {
    let missing = |one: &PlanRef, other: &PlanRef| {
        names(one.schema()).into_iter().find(|name| other.schema().index_of(name).is_err())
    };
    let Some(first) = inputs.first() else { return Ok(()) };
    for (number, input) in inputs.iter().enumerate() {
        let lacking = missing(first, input)
            .map(|name| (name, number))
            .or_else(|| missing(input, first).map(|name| (name, 0)));
        if let Some((name, lacking)) = lacking {
            let message = format!(
                "concat: frame {lacking} has no column {name:?}; take ConcatColumns::Outer for nulls in its place, or \
                 ConcatColumns::Inner to leave it out"
            );
            return Err(ErrorKind::Option(message).into());
        }
    }
    Ok(())
}

/// `plan` with the names and types of `schema`, in its order.
fn aligned(plan: PlanRef, schema: &Schema) -> Result<PlanRef> {
    let own = Arc::clone(plan.schema());
    let is_same = |(field, wanted): (&Arc<Field>, &Arc<Field>)| {
        (field.name(), field.data_type()) == (wanted.name(), wanted.data_type())
    };
    if own.fields().len() == schema.fields().len() && own.fields().iter().zip(schema.fields()).all(is_same) {
        return Ok(plan);
    }
    let column = |field: &Arc<Field>| match own.field_with_name(field.name()) {
        Ok(before) if before.data_type() == field.data_type() => col(field.name()),
        Ok(_) => col(field.name()).cast(field.data_type().clone()).alias(field.name()),
        Err(_) => Expr::Literal(Scalar::Null(field.data_type().clone())).alias(field.name()),
    };
    Project::plan(plan, schema.fields().iter().map(column).collect())
}

impl Operator for Concat {
    fn name(&self) -> &'static str {
        "Concat"
    }

    fn detail(&self) -> String {
        format!("{} inputs; columns: {}", self.inputs.len(), names(&self.schema).join(", "))
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        None
    }

    fn inputs(&self) -> Vec<&PlanRef> {
        self.inputs.iter().collect()
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Concat::of(vec![input])
    }

    fn with_inputs(&self, inputs: Vec<PlanRef>) -> Result<PlanRef> {
        Concat::of(inputs)
    }

    fn partitions(&self) -> usize {
        self.inputs.iter().map(|input| input.partitions()).sum()
    }

    fn divisions(&self) -> Divisions {
        let mut all: Vec<Scalar> = Vec::new();
        let mut index: Option<String> = None;
        for input in &self.inputs {
            let Divisions::Known { column, values } = input.divisions() else { return Divisions::Unknown };
            // The end of one must be below the start of the next.
            let is_apart = match (all.pop(), values.first()) {
                (Some(end), Some(start)) => end.compare(start).is_some_and(std::cmp::Ordering::is_lt),
                _ => true,
            };
            if !is_apart || index.as_ref().is_some_and(|index| *index != column) {
                return Divisions::Unknown;
            }
            all.extend(values.iter().cloned());
            index = Some(column);
        }
        index.map_or(Divisions::Unknown, |column| Divisions::Known { column, values: all.into() })
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let pruned = self.inputs.iter().map(|input| input.operator().prune(columns));
        let inputs = pruned.collect::<Result<_>>()?;
        Ok(Arc::new(Plan::Concat(Self { inputs, schema: Arc::new(self.schema.project(columns)?) })))
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        let filtered = self.inputs.iter().map(|input| Filter::below(input, predicate));
        let inputs = filtered.collect::<Result<_>>()?;
        Ok(Some(Arc::new(Plan::Concat(Self { inputs, schema: Arc::clone(&self.schema) }))))
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        let mut inputs = Vec::new();
        for (input, place) in self.placed() {
            let (start, end) = (wanted.start.max(place.start), wanted.end.min(place.end));
            if start < end {
                let within = start - place.start..end - place.start;
                inputs.extend(super::partitions::below(input, &within, Ok)?);
            }
        }
        if inputs.is_empty() {
            return Ok(None);
        }
        Ok(Some(Arc::new(Plan::Concat(Self { inputs, schema: Arc::clone(&self.schema) }))))
    }

    fn known_rows(&self) -> Option<u64> {
        self.inputs.iter().map(|input| input.operator().known_rows()).sum()
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        let inputs = self.inputs.iter().map(|input| input.operator().estimate_bytes());
        Some(inputs.collect::<Option<Vec<_>>>()?.concat())
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let mut all = Vec::with_capacity(self.partitions());
        for input in &self.inputs {
            let pipelines = lowering.lower(input)?;
            if input.schema() == &self.schema {
                all.extend(pipelines);
                continue;
            }
            // The same columns, of which more may be null.
            let columns: Vec<BoundExpr> = (0..self.schema.fields().len()).map(BoundExpr::Column).collect();
            all.extend(lowering.chain(pipelines, &self.schema, |_| program::Operator::Project {
                expressions: columns.clone(),
                schema: Arc::clone(&self.schema),
            })?);
        }
        Ok(all)
    }
}
