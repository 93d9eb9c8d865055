//! What a plan needs of memory, before it runs.
//!
//! Most operators hold a few batches of a task and no more, whatever the data: they are **bounded**. An **unbounded** one holds a
//! share of the data: a function over partitions one partition for each task, `compute()` all rows. Where an estimate of
//! that share passes what the session has, the work is refused before it begins. What cannot be estimated (what a
//! filter leaves, what a function returns) is left to the ledger, which refuses when memory is really out.

use crate::error::{ErrorKind, Result};
use crate::node::{Operator, PlanRef, nodes};

/// What an operator holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// A few batches a task.
    Bounded,
    /// Each task the whole partition that it works on.
    Partition,
}

impl Need {
    /// As `explain` labels it.
    pub fn label(self) -> &'static str {
        match self {
            Need::Bounded => "bounded",
            Need::Partition => "unbounded: holds one partition a task",
        }
    }
}

/// Refuses a plan with an operator whose need is known to pass `limit_bytes`.
///
/// # Errors
/// [`ErrorKind::TooLarge`], which names the operator, its need, the limit and the way out.
pub fn check(plan: &PlanRef, limit_bytes: u64) -> Result<()> {
    for operator in nodes(plan).into_iter().map(|plan| plan.operator()) {
        if operator.need() == Need::Partition {
            let partitions = operator.input().and_then(|input| input.operator().estimate_bytes());
            let largest = partitions.into_iter().flatten().max().unwrap_or(0);
            refuse_beyond(limit_bytes, largest, operator.name(), "make block_size smaller")?;
        }
    }
    Ok(())
}

/// Refuses to collect all rows of a plan where they are known to pass `limit_bytes`.
///
/// # Errors
/// As [`check`].
pub fn check_collected(plan: &PlanRef, limit_bytes: u64) -> Result<()> {
    let all: u64 = plan.operator().estimate_bytes().into_iter().flatten().fold(0, u64::saturating_add);
    let way_out = "stream the rows with batches(), or write them with to_parquet()";
    refuse_beyond(limit_bytes, all, "compute", way_out)
}

fn refuse_beyond(limit_bytes: u64, need_bytes: u64, operator: &str, way_out: &'static str) -> Result<()> {
    if need_bytes <= limit_bytes {
        return Ok(());
    }
    Err(ErrorKind::TooLarge { operator: operator.to_owned(), need_bytes, limit_bytes, way_out }.into())
}

/// The part of `bytes` that `columns` of `all` columns take, if all take the same.
pub(crate) fn share_bytes(bytes: u64, columns: usize, all: usize) -> u64 {
    (u128::from(bytes) * columns as u128 / all.max(1) as u128) as u64
}

/// The estimate of an operator that keeps all rows of its input: its share by columns, if it has fewer.
pub(crate) fn of_input(operator: &dyn Operator) -> Option<Vec<u64>> {
    let input = operator.input()?;
    let (columns, all) = (operator.schema().fields().len(), input.schema().fields().len());
    let share = |bytes: u64| share_bytes(bytes, columns.min(all), all);
    Some(input.operator().estimate_bytes()?.into_iter().map(share).collect())
}
