//! `GroupApply`: a user's function on the rows of each group.
//!
//! An exchange by a part of a hash of the keys brings the rows of a group together, in their order. The optimizer knows nothing about
//! the function: it gets all columns.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_tasks::program::{self, FunctionId};
use partita_tasks::within::{Apply, Keyed};

use super::within::{gathered, keyed, with_all_keys};
use super::{
    Divisions, Filter, GroupOptions, KeepAlive, Operator, Plan, PlanRef, Project, Sort, SortBy, names,
    position,
};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// What groups are put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    None,
    Keys,
    Place,
}

/// Calls a registered function.
#[derive(Debug, Clone)]
pub struct GroupApply {
    input: PlanRef,
    /// Names of columns.
    keys: Vec<String>,
    /// The columns that the function is given.
    given: Vec<String>,
    drops_null_keys: bool,
    function: FunctionId,
    declared: SchemaRef,
    extra: Extra,
    schema: SchemaRef,
    keep_alive: KeepAlive,
    partitions: usize,
}

impl GroupApply {
    /// Calls `function` on the rows of each group of `input` by `keys`; it returns columns of `declared`. `keep_alive` is dropped with
    /// the last plan.
    ///
    /// # Errors
    /// Where there is no key or one has no equality, where `declared` has two columns of one name, and where two orders are asked for.
    pub fn plan(
        input: PlanRef,
        keys: Vec<Expr>,
        options: GroupOptions,
        function: FunctionId,
        declared: SchemaRef,
        keep_alive: Arc<dyn Any + Send + Sync>,
    ) -> Result<PlanRef> {
        super::check_distinct(&declared)?;
        let extra = match (options.sorts, options.maintains_order) {
            (true, true) => {
                let message = "groupby: groups come in the order of their keys (sort) or of their first rows (maintain_order), \
                               not both";
                return Err(ErrorKind::Option(message.into()).into());
            }
            (true, false) => Extra::Keys,
            (false, true) => Extra::Place,
            (false, false) => Extra::None,
        };
        let given = names(input.schema());
        let (mut input, keys) = keyed("apply", input, keys)?;
        if let Some(has_group) = with_all_keys(&input, &keys).filter(|_| options.drops_null_keys) {
            input = Filter::plan(input, has_group)?;
        }
        let (columns, partitions) = (names(&declared), input.partitions().max(1));
        let mut fields: Vec<Arc<Field>> = declared.fields().iter().map(Arc::clone).collect();
        let mut by = Vec::new();
        if extra == Extra::Keys {
            for (at, key) in keys.iter().enumerate() {
                let data_type = input.schema().field_with_name(key)?.data_type().clone();
                by.push(format!("key {at}\0"));
                fields.push(Arc::new(Field::new(format!("key {at}\0"), data_type, true)));
            }
        } else if extra == Extra::Place {
            by.push("place\0".to_owned());
            fields.push(Arc::new(Field::new("place\0", DataType::UInt64, false)));
        }
        let applied = Arc::new(Plan::GroupApply(Self {
            input,
            keys,
            given,
            drops_null_keys: options.drops_null_keys,
            function,
            declared,
            extra,
            schema: Arc::new(Schema::new(fields)),
            keep_alive: KeepAlive::new(keep_alive),
            partitions,
        }));
        if by.is_empty() {
            return Ok(applied);
        }
        let sorted = Sort::plan(applied, by.iter().map(SortBy::new).collect(), None)?;
        Project::columns(sorted, columns.iter().map(String::as_str))
    }

    /// What keeps the function registered.
    pub fn function(&self) -> Arc<dyn Any + Send + Sync> {
        self.keep_alive.value()
    }

    fn bound(&self) -> Result<Apply> {
        let schema = self.input.schema();
        let at =
            |names: &[String]| names.iter().map(|name| position(schema, name)).collect::<Result<Vec<_>>>();
        Ok(Apply {
            keyed: Keyed::new(schema, at(&self.keys)?, self.drops_null_keys),
            given: at(&self.given)?,
            function: self.function,
            declared: Arc::clone(&self.declared),
            has_keys: self.extra == Extra::Keys,
            has_place: self.extra == Extra::Place,
            schema: Arc::clone(&self.schema),
        })
    }
}

impl Operator for GroupApply {
    fn name(&self) -> &'static str {
        "GroupApply"
    }

    fn detail(&self) -> String {
        let (keys, declared) = (self.keys.join(", "), names(&self.declared).join(", "));
        let nulls = if self.drops_null_keys { "" } else { ", nulls are keys" };
        format!("groups by {keys}: function {}, declared: {declared}{nulls}", self.function.0)
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        let node = Self { input, ..self.clone() };
        node.bound()?;
        Ok(Arc::new(Plan::GroupApply(node)))
    }

    fn partitions(&self) -> usize {
        self.partitions
    }

    fn divisions(&self) -> Divisions {
        // The function may return any rows.
        Divisions::Unknown
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let mut below = Vec::with_capacity(self.given.len());
        for name in self.given.iter().chain(&self.keys) {
            let at = position(self.input.schema(), name)?;
            if !below.contains(&at) {
                below.push(at);
            }
        }
        let applied = self.with_input(self.input.operator().prune(&below)?)?;
        if columns.iter().copied().eq(0..self.schema.fields().len()) {
            return Ok(applied);
        }
        Project::columns(applied, columns.iter().map(|at| self.schema.field(*at).name().as_str()))
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let apply = Arc::new(self.bound()?);
        // Before the function is called all rows are there: starts of blocks that were guessed are proved.
        let pipelines = lowering.lower(&self.input)?;
        let parts = gathered(lowering, pipelines, &apply.keyed, self.partitions)?;
        lowering.chain(parts, &self.schema, |_| program::Operator::Apply(Arc::clone(&apply)))
    }
}
