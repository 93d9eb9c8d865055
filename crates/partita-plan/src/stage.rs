//! The optimizer: named stages, each of which leaves a plan that runs and gives the same rows.
//!
//! | stage | what it does |
//! | --- | --- |
//! | `Written` | nothing: the calls as they were made |
//! | `Simplified` | constants folded, filters moved down, columns that nobody needs dropped |
//! | `Tuned` | partitions that nobody needs dropped |
//! | `Physical` | how each source finds its rows is fixed |
//! | `Fused` | chains of operators become one task a partition |

mod explain;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

pub use explain::explain;

use crate::error::{Error, ErrorKind, Result};
use crate::node::{Fused, Operator, PlanRef};

/// How far a plan is optimized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// As the calls were made.
    Written,
    /// Folded, pushed down, pruned.
    Simplified,
    /// Only the partitions that are needed.
    Tuned,
    /// Every source knows how it finds its rows.
    Physical,
    /// One task a partition and chain.
    Fused,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Stage; 5] =
        [Stage::Written, Stage::Simplified, Stage::Tuned, Stage::Physical, Stage::Fused];

    fn name(self) -> &'static str {
        match self {
            Stage::Written => "written",
            Stage::Simplified => "simplified",
            Stage::Tuned => "tuned",
            Stage::Physical => "physical",
            Stage::Fused => "fused",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Stage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Stage::ALL.into_iter().find(|stage| stage.name() == text.to_lowercase());
        known.ok_or_else(|| {
            let names: Vec<&str> = Stage::ALL.iter().map(|stage| stage.name()).collect();
            ErrorKind::Option(format!("no stage {text:?}: the stages are {}", names.join(", "))).into()
        })
    }
}

/// Takes `plan` through all stages up to `stage`.
///
/// # Errors
/// Where an expression does not bind, which the construction of the plan has excluded.
pub fn optimize(plan: &PlanRef, stage: Stage) -> Result<PlanRef> {
    let mut plan = Arc::clone(plan);
    for next in Stage::ALL {
        if next > stage {
            break;
        }
        plan = match next {
            Stage::Written => plan,
            Stage::Simplified => simplify(&plan)?,
            Stage::Tuned => pick_partitions(&plan)?,
            Stage::Physical => physical(&plan)?,
            Stage::Fused => Fused::plan(plan),
        };
    }
    Ok(plan)
}

fn simplify(plan: &PlanRef) -> Result<PlanRef> {
    let folded = rewrite(plan, &|operator| operator.fold())?;
    let pinned = pin(&folded, false)?;
    let pushed = rewrite(&pinned, &|operator| operator.sink_filter())?;
    let all: Vec<usize> = (0..pushed.schema().fields().len()).collect();
    let pruned = pushed.operator().prune(&all)?;
    rewrite(&pruned, &|operator| operator.merge())
}

/// Keeps filters above what cuts by the rows that reach it, where something above goes by these cuts.
fn pin(plan: &PlanRef, is_minded: bool) -> Result<PlanRef> {
    let operator = plan.operator();
    let inputs = operator.inputs();
    if inputs.is_empty() {
        return Ok(Arc::clone(plan));
    }
    let below = is_minded || operator.minds_cuts();
    let inputs = inputs.into_iter().map(|input| pin(input, below)).collect::<Result<_>>()?;
    let rebuilt = operator.with_inputs(inputs)?;
    let pinned = if is_minded { rebuilt.operator().pinned()? } else { None };
    Ok(pinned.unwrap_or(rebuilt))
}

fn pick_partitions(plan: &PlanRef) -> Result<PlanRef> {
    rewrite(plan, &|operator| operator.sink_partitions())
}

fn physical(plan: &PlanRef) -> Result<PlanRef> {
    rewrite(plan, &|operator| operator.physical())
}

/// Rewrites a plan from its sources up: a rule gives the operator's replacement, or `None` to leave it.
fn rewrite(plan: &PlanRef, rule: &dyn Fn(&dyn Operator) -> Result<Option<PlanRef>>) -> Result<PlanRef> {
    let inputs = plan.operator().inputs();
    let rebuilt = if inputs.is_empty() {
        Arc::clone(plan)
    } else {
        let inputs = inputs.into_iter().map(|input| rewrite(input, rule)).collect::<Result<_>>()?;
        plan.operator().with_inputs(inputs)?
    };
    Ok(rule(rebuilt.operator())?.unwrap_or(rebuilt))
}
