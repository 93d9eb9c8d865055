//! Rows in groups of equal keys.
//!
//! A task of the input puts its rows into groups ([`crate::program::Operator::PartialGroup`]) and hands out **state rows**: the bucket of a
//! group, its keys, and what was seen of its rows. An exchange brings the state rows of a bucket together in the order of the
//! partitions, and a task for each part merges those of equal keys and finishes them ([`crate::program::Operator::FinalGroup`]).
//!
//! Groups come out bucket by bucket, those of one bucket as they were first seen. The bucket is a part of a hash of the keys. A task hands
//! out what it has, because it has too many groups or too little memory, and a state row for each row from there on, but for rows of its
//! heaviest groups: these it keeps until its end, with a state of no rows in their place. Either way the rows of a group in a partition are
//! one fold, row by row, and the group is where its first row was. So neither the rows, nor their order, nor the bits of a float sum
//! depend on memory or threads.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_columns::Result;
use partita_columns::group::{Question, States};
use serde::{Deserialize, Serialize};

use crate::reduce::Input;

/// Bits of a hash that make the bucket of a group. More buckets than parts of any exchange, and so many that the groups of one fit in memory.
pub const BUCKET_BITS: u32 = 16;

/// What is asked of groups of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// What rows are equal by, bound to the batches that come in.
    pub keys: Vec<Input>,
    /// Whether rows with a null among the keys are left out.
    pub drops_null_keys: bool,
    /// What is looked at, each once.
    pub inputs: Vec<Input>,
    /// One a column of the result behind the keys; positions are among `inputs`.
    pub questions: Vec<Question>,
    /// Which of `inputs` has the numbers of the rows, where a question is about them.
    pub row_numbers: Option<usize>,
    /// Whether the place of the first row of each group is wanted, as a last column: the partition in the upper 24 bits, the row in it in the
    /// others.
    pub has_place: bool,
    /// The key by which rows are in order, where no value of it is in two partitions. Then there is no exchange, and the hash of this key
    /// alone makes the bucket.
    pub ordered_key: Option<usize>,
    /// Keys, answers, and the place where it is wanted.
    pub schema: SchemaRef,
}

impl Group {
    /// Types of the keys.
    pub fn key_types(&self) -> Vec<DataType> {
        self.keys.iter().map(|key| key.data_type.clone()).collect()
    }

    /// States of no groups.
    ///
    /// # Errors
    /// Where a question cannot be asked of its columns.
    pub fn states(&self) -> Result<States> {
        let types: Vec<DataType> = self.inputs.iter().map(|input| input.data_type.clone()).collect();
        States::new(&self.questions, &types)
    }

    /// Whether it matters in which order rows are added, so that those of a partition are put together first.
    ///
    /// # Errors
    /// As [`Group::states`].
    pub(crate) fn has_folds(&self) -> Result<bool> {
        let types: Vec<DataType> = self.inputs.iter().map(|input| input.data_type.clone()).collect();
        let mut has_folds = false;
        for question in &self.questions {
            has_folds |= question.is_rounded(&types)?;
        }
        Ok(has_folds)
    }

    /// The columns of state rows: the bucket, the keys, the place of the first row where it is wanted, the partition where it matters,
    /// and the states.
    ///
    /// # Errors
    /// As [`Group::states`].
    pub fn state_schema(&self) -> Result<SchemaRef> {
        let mut fields = vec![Field::new("bucket", DataType::UInt16, false)];
        let keys = self.keys.iter().enumerate();
        fields.extend(keys.map(|(at, key)| Field::new(format!("key {at}"), key.data_type.clone(), true)));
        if self.has_place {
            fields.push(Field::new("place", DataType::UInt64, false));
        }
        if self.has_folds()? {
            fields.push(Field::new("partition", DataType::UInt32, false));
        }
        let states = self.states()?.column_types().into_iter().enumerate();
        fields.extend(states.map(|(at, data_type)| Field::new(format!("state {at}"), data_type, true)));
        Ok(Arc::new(Schema::new(fields)))
    }

    /// The columns that are looked at, keys first.
    pub(crate) fn looked_at(&self) -> (Vec<crate::BoundExpr>, Schema) {
        let all = || self.keys.iter().chain(&self.inputs);
        let expressions = all().map(|input| input.expression.clone()).collect();
        let fields = all().enumerate();
        let fields = fields.map(|(at, input)| Field::new(format!("{at}"), input.data_type.clone(), true));
        (expressions, Schema::new(fields.collect::<Vec<_>>()))
    }
}
