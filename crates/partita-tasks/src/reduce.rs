//! What a reducing task keeps and what it makes of it.
//!
//! Tasks that read have [`crate::program::Sink::Reduce`]: each leaves the states of its partition. Tasks with
//! [`crate::program::Source::States`] merge those of some tasks, in the order of their partitions, as a tree that depends on
//! the number of partitions alone; and [`crate::program::Source::Reduced`] makes the one row.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, SchemaRef};
use partita_columns::Scalar;
use partita_columns::reduce::{Accumulator, Reduction, State};
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};
use crate::expr::BoundExpr;

/// Several reductions of the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reduce {
    /// What is reduced, each once.
    pub inputs: Vec<Input>,
    /// What is kept of them, each once.
    pub kept: Vec<Kept>,
    /// One output a column of `schema`.
    pub outputs: Vec<Output>,
    /// The columns of the one row.
    pub schema: SchemaRef,
}

/// A column to reduce.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Bound to the batches that reach the sink.
    pub expression: BoundExpr,
    /// Its type.
    pub data_type: DataType,
}

/// A state of every task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What is kept.
    pub accumulator: Accumulator,
    /// Of which inputs.
    pub inputs: Vec<usize>,
}

/// A column of the row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Made of a state.
    Reduced {
        /// What is asked.
        reduction: Reduction,
        /// Which of [`Reduce::kept`].
        kept: usize,
    },
    /// Known without looking.
    Known(Scalar),
}

impl Reduce {
    fn types(&self, kept: &Kept) -> Vec<DataType> {
        kept.inputs
            .iter()
            .filter_map(|at| self.inputs.get(*at))
            .map(|input| input.data_type.clone())
            .collect()
    }

    /// States that have seen no rows.
    ///
    /// # Errors
    /// Where a column cannot be accumulated so.
    pub fn start(&self) -> Result<Vec<State>> {
        let start = |kept: &Kept| Ok(kept.accumulator.start(&self.types(kept))?);
        self.kept.iter().map(start).collect()
    }

    /// Takes the rows of a batch.
    ///
    /// # Errors
    /// Those of the expressions and of the accumulators.
    pub fn update(&self, states: &mut [State], batch: &RecordBatch) -> Result<()> {
        let evaluate = |input: &Input| input.expression.evaluate_as(batch, &input.data_type);
        let columns = self.inputs.iter().map(evaluate).collect::<Result<Vec<_>>>()?;
        for (state, kept) in states.iter_mut().zip(&self.kept) {
            let of: Vec<ArrayRef> = kept.inputs.iter().map(|at| Arc::clone(&columns[*at])).collect();
            state.update(&of, batch.num_rows())?;
        }
        Ok(())
    }

    /// The row of states that have seen everything.
    ///
    /// # Errors
    /// Where a result does not fit its type.
    pub fn finish(&self, states: &[State]) -> Result<RecordBatch> {
        let columns = self.outputs.iter().zip(self.schema.fields()).map(|(output, field)| {
            let value = match output {
                Output::Known(value) => value.clone(),
                Output::Reduced { reduction, kept } => {
                    let state = states.get(*kept).ok_or_else(|| ErrorKind::Missing("a state".into()))?;
                    let types = self.kept.get(*kept).map_or_else(Vec::new, |kept| self.types(kept));
                    reduction.finish(state, &types)?
                }
            };
            Ok(value.to_array_of(field.data_type(), 1)?)
        });
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

/// Adds the states of later partitions to those of earlier ones.
///
/// # Errors
/// Where they are of different reductions.
pub fn merge(states: &mut [State], later: &[State]) -> Result<()> {
    states.iter_mut().zip(later).try_for_each(|(state, later)| Ok(state.merge(later)?))
}
