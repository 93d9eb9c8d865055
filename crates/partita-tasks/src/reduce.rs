//! What a reducing task keeps and what it makes of it.
//!
//! Tasks that read have [`crate::program::Sink::Reduce`]: each leaves the states of its partition. Tasks with
//! [`crate::program::Source::States`] merge those of some tasks, in the order of their partitions, as a tree that depends on
//! the number of partitions alone; and [`crate::program::Source::Reduced`] makes the one row.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_columns::Scalar;
use partita_columns::reduce::{Accumulator, Cumulative, Reduction};
use partita_columns::sort::Direction;
use serde::{Deserialize, Serialize};

use crate::expr::BoundExpr;

/// Several reductions of the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reduce {
    /// Conditions on rows, each once: some of [`Reduce::kept`] are of the rows where one is true.
    pub filters: Vec<BoundExpr>,
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
    /// Of which rows: those where one of [`Reduce::filters`] is true; `None`: of all.
    pub filter: Option<usize>,
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

/// A running total.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cumulated {
    /// Of what.
    pub input: Input,
    /// Which.
    pub cumulative: Cumulative,
    /// Which of [`Reduce::kept`] has what was before.
    pub kept: usize,
}

/// The first rows of an order; of equal ones those that come first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopRows {
    /// The keys, the first first.
    pub by: Vec<Input>,
    /// How many rows.
    pub rows: usize,
    /// Which come first.
    pub order: TopOrder,
}

/// Which rows come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TopOrder {
    /// The greatest. Rows with a null or NaN among the keys have no place.
    Greatest,
    /// The least, as for the greatest.
    Least,
    /// As rows are sorted, all of them, each key in its direction.
    Sorted(Vec<Direction>),
}

impl Reduce {
    /// The types that one of [`Reduce::kept`] is of.
    pub fn types(&self, kept: &Kept) -> Vec<DataType> {
        kept.inputs
            .iter()
            .filter_map(|at| self.inputs.get(*at))
            .map(|input| input.data_type.clone())
            .collect()
    }

    /// The columns that are reduced, each named for the first output that is made of it.
    pub fn input_schema(&self) -> Schema {
        let name = |at: usize| {
            let is_of = |output: &Output| match output {
                Output::Reduced { kept, .. } => {
                    self.kept.get(*kept).is_some_and(|kept| kept.inputs.contains(&at))
                }
                Output::Known(_) => false,
            };
            let output = self.outputs.iter().position(is_of);
            output.and_then(|at| self.schema.fields().get(at)).map_or("", |field| field.name())
        };
        let inputs = self.inputs.iter().enumerate();
        let field = |(at, input): (usize, &Input)| Field::new(name(at), input.data_type.clone(), true);
        Schema::new(inputs.map(field).collect::<Vec<_>>())
    }
}
