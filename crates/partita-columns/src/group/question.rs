//! What is asked of groups, and what is kept for it.

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::aggregation::UserAggregation;
use super::slots::{
    Bytes, Counts, Custom, Ends, Extremes, FloatSums, HyperLogLogs, Kept, Lists, Moments, Pairs, Products,
    Sketches, Slots, Tops, Truths, WholeSums, list_type, top_type,
};
use crate::error::{Error, ErrorKind, Result};
use crate::reduce::{Accumulator, Reduction};

/// What is asked of each group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Aggregate {
    /// One value of its rows.
    Reduction(Reduction),
    /// All values in the order of rows, nulls too.
    List,
    /// The largest or smallest values, the best first, as a list: nulls are left out, NaN is above every number.
    Top {
        /// How many at most.
        count: u32,
        /// Whether the largest.
        is_largest: bool,
    },
    /// What a user's aggregation makes of its rows.
    User(UserAggregation),
}

/// A question to all groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// What is asked.
    pub aggregate: Aggregate,
    /// The columns that it is of, by their positions among the value columns.
    pub columns: Vec<usize>,
}

/// Where the numbers of rows come from, which `idxmin` and `idxmax` give.
#[derive(Debug, Clone, Copy)]
pub enum RowNumbers<'a> {
    /// The number of the first row; the others count on.
    From(u64),
    /// One a row.
    Each(&'a [u64]),
}

impl RowNumbers<'_> {
    #[inline]
    pub(super) fn at(self, row: usize) -> u64 {
        match self {
            RowNumbers::From(first) => first + row as u64,
            RowNumbers::Each(numbers) => numbers[row],
        }
    }
}

#[derive(Debug)]
pub(super) enum Held {
    Counts(Counts),
    Other(Box<dyn Slots>),
}

/// What two questions share a part by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Key {
    Rows,
    Nulls,
    Of(Accumulator),
    First,
    Last,
    List,
    Top(u32, bool),
    User(u64),
}

impl Aggregate {
    /// Its name in text.
    pub fn name(&self) -> &str {
        match self {
            Aggregate::Reduction(reduction) => reduction.name(),
            Aggregate::List => "collect_list",
            Aggregate::Top { is_largest: true, .. } => "nlargest",
            Aggregate::Top { is_largest: false, .. } => "nsmallest",
            Aggregate::User(user) => user.name(),
        }
    }

    /// What stands behind its columns in text.
    pub fn parameter(&self) -> Option<String> {
        match self {
            Aggregate::Reduction(reduction) => reduction.parameter(),
            Aggregate::Top { count, .. } => Some(count.to_string()),
            Aggregate::List | Aggregate::User(_) => None,
        }
    }

    /// The reduction, where it is one.
    pub fn reduction(&self) -> Option<Reduction> {
        if let Aggregate::Reduction(reduction) = self { Some(*reduction) } else { None }
    }
}

impl From<Reduction> for Aggregate {
    fn from(reduction: Reduction) -> Self {
        Aggregate::Reduction(reduction)
    }
}

impl Question {
    pub(super) fn key(&self) -> Key {
        match &self.aggregate {
            Aggregate::List => Key::List,
            Aggregate::Top { count, is_largest } => Key::Top(*count, *is_largest),
            Aggregate::User(user) => Key::User(user.id()),
            Aggregate::Reduction(Reduction::Len) => Key::Rows,
            Aggregate::Reduction(Reduction::First) => Key::First,
            Aggregate::Reduction(Reduction::Last) => Key::Last,
            Aggregate::Reduction(Reduction::Count | Reduction::NullCount) => Key::Nulls,
            Aggregate::Reduction(reduction) => Key::Of(reduction.accumulator()),
        }
    }

    /// Whether the bits of the answer depend on the order in which states are merged: those of floats that are rounded as they are added
    /// or multiplied, and of estimates.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for a column that there is not.
    pub fn is_rounded(&self, types: &[DataType]) -> Result<bool> {
        let is_float = self.inputs(types)?.iter().any(DataType::is_floating);
        Ok(match self.key() {
            Key::Of(Accumulator::Sum | Accumulator::Product) => is_float,
            Key::Of(Accumulator::Moments | Accumulator::Pairs | Accumulator::Sketch) | Key::User(_) => true,
            _ => false,
        })
    }

    /// Bytes of a state row of a user's aggregation, as it says itself; `None` for all else. What such a one makes of rows one by one
    /// need not be what it makes of them together.
    pub fn user_state_bytes(&self) -> Option<usize> {
        if let Aggregate::User(user) = &self.aggregate { Some(user.state_bytes()) } else { None }
    }

    /// Whether what is kept of a group grows with its rows without a bound: all values, a list of them, or what a user's aggregation makes.
    pub fn keeps_values(&self) -> bool {
        matches!(self.key(), Key::Of(Accumulator::Sorted) | Key::List | Key::User(_))
    }

    /// The type of the answer for value columns of these types.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] where it is not defined for them, [`ErrorKind::Shape`] for a column that there is not.
    pub fn result_type(&self, types: &[DataType]) -> Result<DataType> {
        let inputs = self.inputs(types)?;
        match (&self.aggregate, &inputs[..]) {
            (Aggregate::User(user), []) => {
                let message = format!("{}: expected a column at least, got none", user.name());
                Err(ErrorKind::Shape(message).into())
            }
            (Aggregate::User(user), inputs) => user.result_type(inputs),
            (Aggregate::Reduction(reduction), inputs) => reduction.result_type(inputs),
            (Aggregate::List, [input]) => Ok(list_type(input)),
            (Aggregate::Top { .. }, [input]) => top_type(self.aggregate.name(), input),
            (Aggregate::List | Aggregate::Top { .. }, inputs) => {
                Err(ErrorKind::Shape(format!("expected one column for a list, got {}", inputs.len())).into())
            }
        }
    }

    pub(super) fn inputs(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let input = |at: &usize| types.get(*at).cloned().ok_or_else(|| self.missing(*at, types.len()));
        self.columns.iter().map(input).collect()
    }

    fn missing(&self, at: usize, got: usize) -> Error {
        ErrorKind::Shape(format!("a question of value column {at}, of which there are {got}")).into()
    }
}

/// The part for a key, with what other questions of it need.
pub(super) fn held(key: Key, inputs: &[DataType], all: &[Question], columns: &[usize]) -> Result<Held> {
    let none = DataType::Null;
    let input = inputs.first().unwrap_or(&none);
    let is_float = input.is_floating();
    let asks = |of: &dyn Fn(Reduction) -> bool| {
        all.iter().any(|question| {
            question.key() == key
                && question.columns == columns
                && matches!(question.aggregate, Aggregate::Reduction(reduction) if of(reduction))
        })
    };
    Ok(Held::Other(match key {
        Key::Rows => return Ok(Held::Counts(Counts::new(false))),
        Key::Nulls => return Ok(Held::Counts(Counts::new(true))),
        Key::First => Box::new(Ends::new(true, input)?),
        Key::Last => Box::new(Ends::new(false, input)?),
        Key::List => Box::new(Lists::new(input)),
        Key::Top(count, is_largest) => Box::new(Tops::new(count, is_largest, input)?),
        Key::User(id) => {
            let user = all.iter().find_map(|question| match &question.aggregate {
                Aggregate::User(user) if user.id() == id => Some(user),
                _ => None,
            });
            let missing = || ErrorKind::Shape(format!("no question asks for aggregation {id}"));
            Box::new(Custom::new(user.ok_or_else(missing)?, inputs)?)
        }
        Key::Of(Accumulator::Sum) if is_float => Box::new(FloatSums::default()),
        Key::Of(Accumulator::Sum) => Box::new(WholeSums::new(input)),
        Key::Of(Accumulator::Extreme(end)) => {
            let has_rows = asks(&|reduction| matches!(reduction, Reduction::IdxMin | Reduction::IdxMax));
            Box::new(Extremes::new(end, input, has_rows)?)
        }
        Key::Of(Accumulator::Product) => Box::new(Products::new(is_float)),
        Key::Of(Accumulator::Truth) => Box::new(Truths::default()),
        Key::Of(Accumulator::Moments) => Box::new(Moments::new(asks(&|reduction| {
            matches!(reduction, Reduction::Skew | Reduction::Kurtosis)
        }))),
        Key::Of(Accumulator::Pairs) => Box::new(Pairs::default()),
        Key::Of(Accumulator::HyperLogLog) => Box::new(HyperLogLogs::default()),
        Key::Of(Accumulator::Sketch) => Box::new(Sketches::default()),
        Key::Of(Accumulator::Sorted) => Box::new(Kept::new(input)?),
        Key::Of(Accumulator::Bytes) => Box::new(Bytes::default()),
        Key::Of(other) => return Err(ErrorKind::Shape(format!("no states of groups for {other:?}")).into()),
    }))
}
