//! The first and the last rows.

use arrow::array::RecordBatch;
use partita_columns::polars;
use partita_plan::Stage;
use partita_plan::lower::Target;
use partita_plan::stage::optimize;

use super::{DataFrame, batches_of, guessing};
use crate::error::Result;

impl DataFrame {
    /// The first `rows` rows, as a Polars frame. Reads one partition, and further ones only where that has too few. Behind
    /// [`DataFrame::sort_values`] the first rows alone are kept while all are read, where they are few.
    ///
    /// # Errors
    /// As [`DataFrame::len`]; columns that Polars does not take: [`DataFrame::head_batches`] gives them.
    pub fn head(&self, rows: usize) -> Result<polars_core::frame::DataFrame> {
        let taken = self.head_batches(rows)?;
        Ok(polars::to_polars(self.plan()?.schema(), taken)?)
    }

    /// [`DataFrame::head`] as Arrow batches.
    ///
    /// # Errors
    /// As [`DataFrame::len`].
    pub fn head_batches(&self, rows: usize) -> Result<Vec<RecordBatch>> {
        let simplified = optimize(self.plan()?, Stage::Simplified)?;
        if let Some(first) = simplified.operator().first(rows)? {
            let first = optimize(&first, Stage::Fused)?;
            let outcomes = guessing(|starts| self.run(&first, &Target::Collect, starts))?;
            return Ok(outcomes.iter().flat_map(batches_of).collect());
        }
        let mut taken = Vec::new();
        let mut left = rows;
        let all = self.npartitions()?;
        let (mut next, mut step) = (0, 1);
        while next < all && (left > 0 || next == 0) {
            let end = all.min(next + step);
            let outcomes = self.run_partitions(next..end, &Target::Head(left))?;
            for batch in outcomes.iter().flat_map(batches_of) {
                let keep = batch.slice(0, batch.num_rows().min(left));
                left -= keep.num_rows();
                taken.push(keep);
            }
            (next, step) = (end, step * 2);
        }
        Ok(taken)
    }

    /// The last `rows` rows, as a Polars frame. Reads the last partition, and earlier ones only where that has too few.
    ///
    /// # Errors
    /// As [`DataFrame::head`].
    pub fn tail(&self, rows: usize) -> Result<polars_core::frame::DataFrame> {
        let taken = self.tail_batches(rows)?;
        Ok(polars::to_polars(self.plan()?.schema(), taken)?)
    }

    /// [`DataFrame::tail`] as Arrow batches.
    ///
    /// # Errors
    /// As [`DataFrame::len`].
    pub fn tail_batches(&self, rows: usize) -> Result<Vec<RecordBatch>> {
        let mut taken = Vec::new();
        let mut left = rows;
        let (mut end, mut step) = (self.npartitions()?, 1);
        while end > 0 && left > 0 {
            let start = end.saturating_sub(step);
            let outcomes = self.run_partitions(start..end, &Target::Tail(left))?;
            let batches: Vec<RecordBatch> = outcomes.iter().flat_map(batches_of).collect();
            for batch in batches.into_iter().rev() {
                let keep = batch.num_rows().min(left);
                left -= keep;
                taken.push(batch.slice(batch.num_rows() - keep, keep));
            }
            (end, step) = (start, step * 2);
        }
        taken.reverse();
        Ok(taken)
    }
}
