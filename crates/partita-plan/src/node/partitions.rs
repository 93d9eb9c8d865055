//! `Partitions`: some partitions of the input, by number. `head` and `tail` are made of it.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{Divisions, Filter, Operator, Plan, PlanRef};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// Picks consecutive partitions.
#[derive(Debug)]
pub struct Partitions {
    input: PlanRef,
    wanted: Range<usize>,
}

impl Partitions {
    /// The partitions `wanted` of `input`.
    ///
    /// # Errors
    /// Where there are not so many.
    pub fn plan(input: PlanRef, wanted: Range<usize>) -> Result<PlanRef> {
        let partitions = input.partitions();
        if wanted.end > partitions || wanted.start > wanted.end {
            return Err(ErrorKind::NoPartition { asked: wanted.end.saturating_sub(1), partitions }.into());
        }
        Ok(Arc::new(Plan::Partitions(Self { input, wanted })))
    }
}

/// Picks partitions of `input` where it can, else above it, and puts `rebuild` on top.
pub(super) fn below(
    input: &PlanRef,
    wanted: &Range<usize>,
    rebuild: impl FnOnce(PlanRef) -> Result<PlanRef>,
) -> Result<Option<PlanRef>> {
    let picked = match input.operator().push_partitions(wanted)? {
        Some(pushed) => pushed,
        None => Partitions::plan(Arc::clone(input), wanted.clone())?,
    };
    rebuild(picked).map(Some)
}

impl Operator for Partitions {
    fn name(&self) -> &'static str {
        "Partitions"
    }

    fn detail(&self) -> String {
        format!("{}..{} of {}", self.wanted.start, self.wanted.end, self.input.partitions())
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Partitions::plan(input, self.wanted.clone())
    }

    fn partitions(&self) -> usize {
        self.wanted.len()
    }

    fn divisions(&self) -> Divisions {
        self.input.divisions().of(&self.wanted)
    }

    fn ordered_by(&self) -> Option<String> {
        self.input.ordered_by()
    }

    fn minds_cuts(&self) -> bool {
        true
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        self.with_input(self.input.operator().prune(columns)?)
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        self.with_input(Filter::below(&self.input, predicate)?).map(Some)
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        let start = self.wanted.start;
        let inner = start + wanted.start..start + wanted.end;
        below(&self.input, &inner, Ok)
    }

    fn sink_partitions(&self) -> Result<Option<PlanRef>> {
        self.push_partitions(&(0..self.wanted.len()))
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        Some(self.input.operator().estimate_bytes()?.get(self.wanted.clone())?.to_vec())
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        // Tasks of the other partitions have no target that needs them: the scheduler leaves them out.
        let pipelines = lowering.searched(|lowering| lowering.lower(&self.input))?;
        Ok(pipelines.into_iter().skip(self.wanted.start).take(self.wanted.len()).collect())
    }
}
