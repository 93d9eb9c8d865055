//! Distinct values of groups, as groups.

use partita_columns::group::Grouper;
use partita_columns::reduce::Reduction;

use super::{Aggregate, GroupBy, reducible};
use crate::error::Result;
use crate::expr::{Expr, col};
use crate::node::{Filter, PlanRef};

/// The column of the values that are counted, and what the names of parts of other answers begin with: no column of a frame has these,
/// as they have a NUL.
const VALUE: &str = "value\0";

impl GroupBy {
    /// Where the distinct values of one column are counted: the groups by the keys and the value, of which each is a row, and the groups of
    /// these rows by the keys. Both go to disk where they do not fit, which the values of a group that are held for it do not. `None` where something
    /// else is asked that does not come out the same of parts.
    pub(super) fn in_two(&self) -> Result<Option<PlanRef>> {
        let reductions = self.aggregates.iter().map(|aggregate| aggregate.asked.reduction());
        let Some(reductions) = reductions.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let counted = |reduction: &Reduction| matches!(reduction, Reduction::NUnique { .. });
        let Some(first) = reductions.iter().position(counted) else { return Ok(None) };
        let Some([value]) = self.aggregates.get(first).map(|aggregate| &aggregate.of[..]) else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        let mut wholes = Vec::with_capacity(self.aggregates.len());
        for (at, (aggregate, reduction)) in self.aggregates.iter().zip(reductions).enumerate() {
            let part = format!("{at}\0");
            let whole = match reduction {
                Reduction::NUnique { .. } if aggregate.of[..] != [value.clone()] => return Ok(None),
                // Each distinct value is a row, null too.
                Reduction::NUnique { nulls: true } => Aggregate::new(Reduction::Len, vec![], &aggregate.name),
                Reduction::NUnique { nulls: false } => {
                    Aggregate::new(Reduction::Count, vec![col(VALUE)], &aggregate.name)
                }
                Reduction::Len | Reduction::Count | Reduction::NullCount => {
                    parts.push(Aggregate { name: part.clone(), ..aggregate.clone() });
                    Aggregate::new(Reduction::Sum, vec![col(&part)], &aggregate.name)
                }
                Reduction::Min | Reduction::Max => {
                    parts.push(Aggregate { name: part.clone(), ..aggregate.clone() });
                    Aggregate::new(reduction, vec![col(&part)], &aggregate.name)
                }
                _ => return Ok(None),
            };
            wholes.push(whole);
        }
        let data_type = reducible(value, &self.input)?.data_type;
        if self.has_place || Grouper::new(&[data_type], false).is_err() {
            return Ok(None);
        }
        let input = match self.drops_null_keys {
            true => Filter::plan(
                PlanRef::clone(&self.input),
                Expr::And(self.keys.iter().map(|key| key.clone().unalias().is_not_null()).collect()),
            )?,
            false => PlanRef::clone(&self.input),
        };
        let names: Vec<String> = self.keys.iter().map(Expr::output_name).collect();
        let mut keys = self.keys.clone();
        keys.push(value.clone().unalias().alias(VALUE));
        let values = GroupBy { keys, drops_null_keys: false, ..self.like(input, parts, false) };
        let values = GroupBy::of(values)?;
        let keys = names.into_iter().map(col).collect();
        let groups = GroupBy { keys, drops_null_keys: false, ..self.like(values, wholes, false) };
        let groups = GroupBy::of(groups)?;
        Ok((groups.schema() == &self.schema).then_some(groups))
    }
}
