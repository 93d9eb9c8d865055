//! `Sample`: rows by chance. Whether a row is in depends on the seed and on its number in the frame: not on partitions,
//! threads or blocks.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_tasks::program;

use super::{Operator, Plan, PlanRef};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// Keeps the rows whose draw lies in a part of 0 to 1.
#[derive(Debug)]
pub struct Sample {
    input: PlanRef,
    seed: u64,
    drawn: Range<f64>,
}

impl Sample {
    /// Rows of `input` with a draw in `drawn`; two samples with one seed and parts that do not overlap have no row in common.
    ///
    /// # Errors
    /// Where the part is none of 0 to 1.
    pub fn plan(input: PlanRef, seed: u64, drawn: Range<f64>) -> Result<PlanRef> {
        if !(0.0 <= drawn.start && drawn.start <= drawn.end && drawn.end <= 1.0) {
            let (start, end) = (drawn.start, drawn.end);
            let message = format!("sample: expected a share from 0 to 1, got {start} to {end}");
            return Err(ErrorKind::Option(message).into());
        }
        Ok(Arc::new(Plan::Sample(Self { input, seed, drawn })))
    }
}

impl Operator for Sample {
    fn name(&self) -> &'static str {
        "Sample"
    }

    fn detail(&self) -> String {
        format!("draws {:?} of seed {}", self.drawn, self.seed)
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Sample::plan(input, self.seed, self.drawn.clone())
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        self.with_input(self.input.operator().prune(columns)?)
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        // Dropped rows have numbers too.
        Ok(None)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let counted = lowering.lower(&self.input.operator().prune(&[])?)?;
        let pipelines = lowering.lower(&self.input)?;
        let (offsets, barrier) = lowering.row_offsets(counted)?;
        let mut sampled =
            lowering.chain(pipelines, self.input.schema(), |partition| program::Operator::Sample {
                offsets,
                partition,
                seed: self.seed,
                from: self.drawn.start,
                until: self.drawn.end,
            })?;
        for pipeline in &mut sampled {
            pipeline.dependencies.push(barrier);
        }
        Ok(sampled)
    }
}
