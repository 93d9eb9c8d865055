//! What a plan reads, and what becomes of it.

use partita_plan::node::{ReadCsv, ScannedFile, nodes};
use partita_plan::stage::explain;
use partita_plan::{Expr, Plan, PlanRef, Stage};
use partita_runtime::dataset::{InputFingerprint, PlanFingerprint, Replaced};
use partita_runtime::progress::Progress;

/// What a user should know of a data set.
pub(crate) fn notes(written: &partita_runtime::dataset::Written) -> Vec<String> {
    let how = match written.replaced {
        Replaced::InTwoSteps => {
            "the file system cannot exchange folders: the old data set was moved aside and the new one moved in, and a reader \
             in between saw neither"
        }
        Replaced::ExtendedInSteps => {
            "the file system has no hard links, or cannot exchange folders: the new parts were moved in one by one, and only \
             readers of the manifest saw them appear at once"
        }
        Replaced::Unchanged => "the target is complete: nothing was written",
        _ => return written.notes.clone(),
    };
    written.notes.iter().cloned().chain([how.to_owned()]).collect()
}

/// Bytes of input that were read.
pub(crate) fn bytes_in(
    plan: &PlanRef,
    progress: &Progress,
    written: &partita_runtime::dataset::Written,
) -> u64 {
    if written.replaced == Replaced::Unchanged { 0 } else { progress.input_bytes() + head_bytes(plan) }
}

/// What rows a plan makes of its inputs; `None` where it has frames in memory or functions, which cannot be compared.
pub(crate) fn fingerprint(plan: &PlanRef) -> Option<PlanFingerprint> {
    if nodes_of(plan).any(|plan| {
        matches!(
            &**plan,
            Plan::Stored(_) | Plan::MapPartitions(_) | Plan::MapOverlap(_) | Plan::GroupApply(_)
        ) || plan.operator().expressions().into_iter().any(Expr::has_functions)
    }) {
        return None;
    }
    let mut texts = vec![explain(plan, Stage::Written).ok()?];
    for plan in nodes_of(plan) {
        texts.extend(plan.operator().origin()?);
    }
    Some(PlanFingerprint::of(texts))
}

fn nodes_of(plan: &PlanRef) -> impl Iterator<Item = &PlanRef> {
    nodes(plan).into_iter()
}

/// The sources of a plan that read CSV.
pub(crate) fn sources(plan: &PlanRef) -> impl Iterator<Item = &ReadCsv> {
    nodes_of(plan).filter_map(|plan| match &**plan {
        Plan::ReadCsv(read) => Some(read),
        _ => None,
    })
}

/// Bytes of input that a plan reads.
pub(crate) fn input_bytes(plan: &PlanRef) -> u64 {
    nodes_of(plan).map(|plan| plan.operator().input_bytes()).sum()
}

/// Bytes that were read to plan.
fn head_bytes(plan: &PlanRef) -> u64 {
    nodes_of(plan).map(|plan| plan.operator().planning_bytes()).sum()
}

/// The files that a plan reads.
pub(crate) fn inputs(plan: &PlanRef) -> Vec<InputFingerprint> {
    let fingerprint = |file: ScannedFile| InputFingerprint {
        path: file.path,
        bytes: file.bytes,
        modified_ns: file.modified_ns,
    };
    nodes_of(plan).flat_map(|plan| plan.operator().files()).map(fingerprint).collect()
}
