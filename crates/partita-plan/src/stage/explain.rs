//! A plan as text.

use std::fmt::Write;

use super::{Stage, optimize};
use crate::error::Result;
use crate::lower::{Starts, Target, lower};
use crate::node::PlanRef;

/// The plan at `stage`, one operator a line with what it holds of its data, sources last, and the tasks it makes.
///
/// # Errors
/// As [`optimize`].
pub fn explain(plan: &PlanRef, stage: Stage) -> Result<String> {
    // What is known of partitions need not reach the tasks.
    let divisions = plan.divisions();
    let plan = optimize(plan, stage)?;
    let lowered = lower(&plan, &Target::Collect, Starts::Guessed)?;
    let mut text = String::new();
    let (partitions, tasks) = (plan.partitions(), lowered.graph.len());
    let _ = writeln!(text, "{stage} plan: {partitions} partitions, divisions {divisions}, {tasks} tasks");
    let mut next = vec![(&plan, 1)];
    while let Some((plan, depth)) = next.pop() {
        let operator = plan.operator();
        let (indent, name, need) = ("  ".repeat(depth), operator.name(), operator.need().label());
        let _ = writeln!(text, "{indent}{name} [{need}]: {}", operator.detail());
        next.extend(operator.inputs().into_iter().rev().map(|input| (input, depth + 1)));
    }
    Ok(text)
}
