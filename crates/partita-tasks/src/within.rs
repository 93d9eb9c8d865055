//! Operations that keep the rows of groups.
//!
//! A task of the input puts the bucket of its group and its own place behind each row ([`crate::program::Operator::Place`]). An exchange by order
//! of the bucket brings the rows of a bucket together, in their order, and a task for each part works on whole buckets:
//! [`crate::program::Operator::Within`] puts columns behind the rows, which go back by their places to where they came from;
//! [`crate::program::Operator::Apply`] calls a function on the rows of each group.
//!
//! What a row has depends on the rows of its group in their order, and on nothing else.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_columns::Result;
use partita_columns::group::{Question, States, Window};
use serde::{Deserialize, Serialize};

use crate::expr::BoundExpr;
use crate::program::FunctionId;
use crate::reduce::Input;

/// Bits of a place that are the number of a row in its partition; those above are the partition.
pub const PLACE_BITS: u32 = 40;

/// Rows on their way to their groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keyed {
    /// What rows are equal by: positions of columns.
    pub keys: Vec<usize>,
    /// Whether rows with a null among the keys are in no group.
    pub drops_null_keys: bool,
    /// The rows, then their bucket and their place.
    pub schema: SchemaRef,
}

impl Keyed {
    /// Rows of a schema by the columns at `keys`.
    pub fn new(rows: &Schema, keys: Vec<usize>, drops_null_keys: bool) -> Self {
        let mut fields: Vec<Arc<Field>> = rows.fields().iter().map(Arc::clone).collect();
        fields.push(Arc::new(Field::new("bucket\0", DataType::UInt16, false)));
        fields.push(Arc::new(Field::new("place\0", DataType::UInt64, false)));
        Self { keys, drops_null_keys, schema: Arc::new(Schema::new(fields)) }
    }

    /// The position of the bucket.
    pub fn bucket(&self) -> usize {
        self.schema.fields().len().saturating_sub(2)
    }

    /// Types of the keys.
    pub fn key_types(&self) -> Vec<DataType> {
        let types = self.keys.iter().filter_map(|at| self.schema.fields().get(*at));
        types.map(|field| field.data_type().clone()).collect()
    }
}

/// What each row gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// A reduction of its group; columns are among [`Within::inputs`].
    Reduction(Question),
    /// A value of its own.
    Window {
        /// Which.
        window: Window,
        /// Of which of [`Within::inputs`].
        input: Option<usize>,
    },
}

impl Answer {
    /// Which of [`Within::inputs`] a window function looks at.
    pub(crate) fn input(&self) -> Option<usize> {
        match self {
            Answer::Window { input, .. } => *input,
            Answer::Reduction(_) => None,
        }
    }
}

/// Columns that are computed in groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Within {
    /// The rows.
    pub keyed: Keyed,
    /// What is looked at, each once.
    pub inputs: Vec<Input>,
    /// The new columns.
    pub answers: Vec<Answer>,
    /// The rows, the new columns and the place.
    pub schema: SchemaRef,
}

impl Within {
    /// What is asked of groups as a whole.
    pub(crate) fn questions(&self) -> Vec<Question> {
        let question = |answer: &Answer| match answer {
            Answer::Reduction(question) => Some(question.clone()),
            Answer::Window { .. } => None,
        };
        self.answers.iter().filter_map(question).collect()
    }

    /// States of no groups.
    ///
    /// # Errors
    /// Where a question cannot be asked of its columns.
    pub(crate) fn states(&self) -> Result<States> {
        let types: Vec<DataType> = self.inputs.iter().map(|input| input.data_type.clone()).collect();
        States::new(&self.questions(), &types)
    }

    /// The columns that are looked at.
    pub(crate) fn looked_at(&self) -> (Vec<BoundExpr>, SchemaRef) {
        let expressions = self.inputs.iter().map(|input| input.expression.clone()).collect();
        let fields = self.inputs.iter().enumerate();
        let fields = fields.map(|(at, input)| Field::new(format!("{at}"), input.data_type.clone(), true));
        (expressions, Arc::new(Schema::new(fields.collect::<Vec<_>>())))
    }
}

/// A function over the rows of each group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Apply {
    /// The rows.
    pub keyed: Keyed,
    /// Positions of the columns that the function is given.
    pub given: Vec<usize>,
    /// The function.
    pub function: FunctionId,
    /// What it declared to return.
    pub declared: SchemaRef,
    /// Whether the keys of its group stand behind each row.
    pub has_keys: bool,
    /// Whether the place of the first row of its group stands behind each row.
    pub has_place: bool,
    /// What is declared, and what stands behind it.
    pub schema: SchemaRef,
}
