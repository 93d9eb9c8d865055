//! What can be asked of a column, and what is kept to answer it.

use std::fmt;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};
use serde::{Deserialize, Serialize};

use super::extreme::whole_scalar;
use super::{End, State};
use crate::dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::Scalar;

/// A question about all rows. See [`crate::reduce`] for what nulls and NaN are to it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Reduction {
    /// Number of rows; of no column.
    Len,
    /// Values that are not null.
    Count,
    /// Nulls.
    NullCount,
    /// `Int64` of signed integers and truth values, `UInt64` of unsigned ones, `Float64` of floats, the widest decimal of
    /// decimals, a duration of durations.
    Sum,
    /// `Float64` of numbers and truth values; durations of durations, times of times and dates.
    Mean,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The row of the first least value, counted from 0 over all rows.
    IdxMin,
    /// The row of the first greatest value.
    IdxMax,
}

/// What is kept while rows go by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Accumulator {
    /// Rows and values.
    Count,
    /// The sum of the values.
    Sum,
    /// The first least or greatest value.
    Extreme(End),
}

impl Reduction {
    /// The name, as in text.
    pub fn name(&self) -> &'static str {
        match self {
            Reduction::Len => "len",
            Reduction::Count => "count",
            Reduction::NullCount => "null_count",
            Reduction::Sum => "sum",
            Reduction::Mean => "mean",
            Reduction::Min => "min",
            Reduction::Max => "max",
            Reduction::IdxMin => "idxmin",
            Reduction::IdxMax => "idxmax",
        }
    }

    /// The reduction of that name, with its usual parameters.
    pub fn from_name(name: &str) -> Option<Self> {
        use Reduction as R;
        let all = [R::Len, R::Count, R::NullCount, R::Sum, R::Mean, R::Min, R::Max, R::IdxMin, R::IdxMax];
        all.into_iter().find(|reduction| reduction.name() == name)
    }

    /// Number of columns that it is of.
    pub fn columns(&self) -> usize {
        match self {
            Reduction::Len => 0,
            _ => 1,
        }
    }

    /// What is kept for it.
    pub fn accumulator(&self) -> Accumulator {
        match self {
            Reduction::Len | Reduction::Count | Reduction::NullCount => Accumulator::Count,
            Reduction::Sum | Reduction::Mean => Accumulator::Sum,
            Reduction::Min | Reduction::IdxMin => Accumulator::Extreme(End::Min),
            Reduction::Max | Reduction::IdxMax => Accumulator::Extreme(End::Max),
        }
    }

    /// The type of the result for columns of these types.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] where it is not defined for them.
    pub fn result_type(&self, inputs: &[DataType]) -> Result<DataType> {
        let none = DataType::Null;
        let input = inputs.first().unwrap_or(&none);
        let result = match self {
            Reduction::Len | Reduction::Count | Reduction::NullCount => Some(DataType::UInt64),
            Reduction::Sum => sum_type(input),
            Reduction::Mean => mean_type(input),
            Reduction::Min | Reduction::Max => is_ordered(input).then(|| input.clone()),
            Reduction::IdxMin | Reduction::IdxMax => is_ordered(input).then_some(DataType::UInt64),
        };
        let is_complete = inputs.len() == self.columns();
        result.filter(|_| is_complete).ok_or_else(|| self.undefined(inputs))
    }

    fn undefined(&self, inputs: &[DataType]) -> Error {
        let types: Vec<String> = inputs.iter().map(dtype::name).collect();
        ErrorKind::Undefined { operation: self.name().to_owned(), types: types.join(" and ") }.into()
    }

    /// The value for rows of columns of the types `inputs`, from a state of [`Reduction::accumulator`].
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`] where a sum does not fit its type; [`ErrorKind::Shape`] for the state of another accumulator.
    pub fn finish(&self, state: &State, inputs: &[DataType]) -> Result<Scalar> {
        let result = self.result_type(inputs)?;
        let null = || Scalar::Null(result.clone());
        Ok(match (self, state) {
            (Reduction::Len, State::Count { rows, .. }) => Scalar::UInt64(*rows),
            (Reduction::Count, State::Count { valid, .. }) => Scalar::UInt64(*valid),
            (Reduction::NullCount, State::Count { rows, valid }) => Scalar::UInt64(rows - valid),
            (Reduction::Sum, State::FloatSum { sum, .. }) => Scalar::Float64(sum.value()),
            (Reduction::Sum, State::WholeSum { sum, .. }) => match sum.value() {
                Some(value) if fits(&result, value) => whole_scalar(&result, value),
                _ => return Err(self.overflow(&result)),
            },
            (Reduction::Mean, State::FloatSum { valid: 0, .. } | State::WholeSum { valid: 0, .. }) => null(),
            (Reduction::Mean, State::FloatSum { valid, sum }) => Scalar::Float64(sum.value() / *valid as f64),
            (Reduction::Mean, State::WholeSum { valid, sum }) => match (&result, inputs.first()) {
                (DataType::Float64, Some(input)) => {
                    Scalar::Float64(sum.to_f64() / *valid as f64 / decimal_unit(input))
                }
                (_, Some(input)) => {
                    let sum = sum.value().and_then(|sum| sum.checked_mul(per_tick(input, &result)));
                    let sum = sum.ok_or_else(|| self.overflow(&result))?;
                    whole_scalar(&result, sum.div_euclid(i128::from(*valid)))
                }
                (_, None) => return Err(wrong_state()),
            },
            (Reduction::Min | Reduction::Max, State::Extreme(extreme)) => {
                extreme.value().unwrap_or_else(null)
            }
            (Reduction::IdxMin | Reduction::IdxMax, State::Extreme(extreme)) => {
                extreme.row().map_or_else(null, Scalar::UInt64)
            }
            _ => return Err(wrong_state()),
        })
    }

    fn overflow(&self, data_type: &DataType) -> Error {
        ErrorKind::Overflow { operation: self.name().to_owned(), data_type: data_type.clone() }.into()
    }
}

impl fmt::Display for Reduction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Accumulator {
    /// A state that has seen no rows, for columns of these types.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] where the columns cannot be accumulated so.
    pub fn start(&self, inputs: &[DataType]) -> Result<State> {
        let is_float = inputs.first().is_some_and(|input| input.is_floating());
        Ok(match self {
            Accumulator::Count => State::Count { rows: 0, valid: 0 },
            Accumulator::Sum if is_float => State::FloatSum { valid: 0, sum: Default::default() },
            Accumulator::Sum => State::WholeSum { valid: 0, sum: Default::default() },
            Accumulator::Extreme(end) => State::Extreme(super::Extreme::new(*end)),
        })
    }
}

fn wrong_state() -> Error {
    ErrorKind::Shape("a state of another reduction".to_owned()).into()
}

fn sum_type(input: &DataType) -> Option<DataType> {
    Some(match input {
        DataType::Boolean => DataType::Int64,
        input if input.is_signed_integer() => DataType::Int64,
        input if input.is_unsigned_integer() => DataType::UInt64,
        DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Decimal128(_, scale) => DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale),
        DataType::Duration(unit) => DataType::Duration(*unit),
        _ => return None,
    })
}

fn mean_type(input: &DataType) -> Option<DataType> {
    Some(match input {
        DataType::Duration(_) | DataType::Timestamp(..) => input.clone(),
        DataType::Date32 => DataType::Timestamp(TimeUnit::Microsecond, None),
        input => sum_type(input).map(|_| DataType::Float64)?,
    })
}

/// Types with an order, as scalars have it.
pub(super) fn is_ordered(input: &DataType) -> bool {
    matches!(
        input,
        DataType::Boolean
            | DataType::Utf8View
            | DataType::Binary
            | DataType::BinaryView
            | DataType::Date32
            | DataType::Timestamp(..)
            | DataType::Duration(_)
            | DataType::Decimal128(..)
            | DataType::Float32
            | DataType::Float64
    ) || input.is_integer()
}

fn fits(data_type: &DataType, value: i128) -> bool {
    match data_type {
        DataType::UInt64 => u64::try_from(value).is_ok(),
        DataType::Decimal128(..) => value.unsigned_abs() < 10_u128.pow(u32::from(DECIMAL128_MAX_PRECISION)),
        _ => i64::try_from(value).is_ok(),
    }
}

/// What the integers of a decimal are parts of.
pub(super) fn decimal_unit(data_type: &DataType) -> f64 {
    match data_type {
        DataType::Decimal128(_, scale) => 10_f64.powi(i32::from(*scale)),
        _ => 1.0,
    }
}

/// Ticks of `result` in one of `input`.
fn per_tick(input: &DataType, result: &DataType) -> i128 {
    match (input, result) {
        (DataType::Date32, DataType::Timestamp(..)) => 86_400_000_000,
        _ => 1,
    }
}
