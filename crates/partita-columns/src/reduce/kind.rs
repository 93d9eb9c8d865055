//! What can be asked of a column, and what is kept to answer it.

use std::fmt;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};
use serde::{Deserialize, Serialize};

use super::extreme::whole_scalar;
use super::{End, Product, State};
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
    /// The product, of integers and floats.
    Prod,
    /// Whether a value is true.
    Any,
    /// Whether no value is false.
    All,
    /// The first value that is not null.
    First,
    /// The last value that is not null.
    Last,
    /// The variance.
    Var {
        /// What the number of values is lessened by in the denominator.
        ddof: u8,
    },
    /// The root of the variance.
    Std {
        /// As for [`Reduction::Var`].
        ddof: u8,
    },
    /// The standard error of the mean.
    Sem {
        /// As for [`Reduction::Var`].
        ddof: u8,
    },
    /// The skewness, without bias.
    Skew,
    /// The excess kurtosis, without bias.
    Kurtosis,
    /// The covariance of two columns, of the rows where neither is null.
    Cov {
        /// As for [`Reduction::Var`].
        ddof: u8,
    },
    /// Pearson's correlation of two columns.
    Corr,
    /// About how many distinct values: see [`super::HyperLogLog`] for the bound.
    ApproxNUnique,
    /// About the value at a share of the ranks, from 0 to 1: see [`super::QuantileSketch`] for the bound.
    ApproxQuantile(f64),
    /// How many distinct values.
    NUnique {
        /// Whether nulls are a value.
        nulls: bool,
    },
    /// The value at a share of the ranks, from 0 to 1; between two values, by their distance. NaN is above every number.
    Quantile(f64),
    /// The value that is there most often; the least of several.
    Mode,
    /// How often that is there.
    ModeCount,
    /// Bytes of memory that the values take.
    MemoryUsage,
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
    /// The product.
    Product,
    /// Whether there are true values and false ones.
    Truth,
    /// The first and the last value.
    Ends,
    /// Powers of the distances from the mean.
    Moments,
    /// Products of the distances of two columns.
    Pairs,
    /// Hashes.
    HyperLogLog,
    /// A sample.
    Sketch,
    /// All values, sorted and counted: tasks hold them as runs ([`super::Gather`]), not as a [`State`].
    Sorted,
    /// Bytes.
    Bytes,
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
            Reduction::Prod => "prod",
            Reduction::Any => "any",
            Reduction::All => "all",
            Reduction::First => "first",
            Reduction::Last => "last",
            Reduction::Var { .. } => "var",
            Reduction::Std { .. } => "std",
            Reduction::Sem { .. } => "sem",
            Reduction::Skew => "skew",
            Reduction::Kurtosis => "kurtosis",
            Reduction::Cov { .. } => "cov",
            Reduction::Corr => "corr",
            Reduction::ApproxNUnique => "approx_nunique",
            Reduction::ApproxQuantile(_) => "approx_quantile",
            Reduction::NUnique { .. } => "nunique",
            Reduction::Quantile(_) => "quantile",
            Reduction::Mode => "mode",
            Reduction::ModeCount => "mode_count",
            Reduction::MemoryUsage => "memory_usage",
        }
    }

    /// The parameter as text, where it is not the usual one.
    pub fn parameter(&self) -> Option<String> {
        use Reduction as R;
        match self {
            R::Var { ddof } | R::Std { ddof } | R::Sem { ddof } | R::Cov { ddof } => {
                (*ddof != 1).then(|| ddof.to_string())
            }
            R::Quantile(share) | R::ApproxQuantile(share) => (*share != 0.5).then(|| format!("{share:?}")),
            R::NUnique { nulls } => nulls.then(|| "true".to_owned()),
            _ => None,
        }
    }

    /// All reductions, with their usual parameters: one degree of freedom, the median, no nulls.
    pub const ALL: [Reduction; 28] = [
        Reduction::Len,
        Reduction::Count,
        Reduction::NullCount,
        Reduction::Sum,
        Reduction::Mean,
        Reduction::Min,
        Reduction::Max,
        Reduction::IdxMin,
        Reduction::IdxMax,
        Reduction::Prod,
        Reduction::Any,
        Reduction::All,
        Reduction::First,
        Reduction::Last,
        Reduction::Var { ddof: 1 },
        Reduction::Std { ddof: 1 },
        Reduction::Sem { ddof: 1 },
        Reduction::Skew,
        Reduction::Kurtosis,
        Reduction::Cov { ddof: 1 },
        Reduction::Corr,
        Reduction::ApproxNUnique,
        Reduction::ApproxQuantile(0.5),
        Reduction::NUnique { nulls: false },
        Reduction::Quantile(0.5),
        Reduction::Mode,
        Reduction::ModeCount,
        Reduction::MemoryUsage,
    ];

    /// The reduction of that name, with its usual parameter.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "median" { "quantile" } else { name };
        Self::ALL.into_iter().find(|reduction| reduction.name() == name)
    }

    /// The same with another parameter; `None` where it has none, or not this one.
    #[must_use]
    pub fn with_parameter(self, parameter: &Scalar) -> Option<Self> {
        let small = match parameter {
            Scalar::Int64(value) => u8::try_from(*value).ok(),
            _ => None,
        };
        let share = match parameter {
            Scalar::Float64(value) => Some(*value),
            _ => small.map(f64::from),
        };
        let share = share.filter(|share| (0.0..=1.0).contains(share));
        match (self, parameter) {
            (Reduction::Var { .. }, _) => small.map(|ddof| Reduction::Var { ddof }),
            (Reduction::Std { .. }, _) => small.map(|ddof| Reduction::Std { ddof }),
            (Reduction::Sem { .. }, _) => small.map(|ddof| Reduction::Sem { ddof }),
            (Reduction::Cov { .. }, _) => small.map(|ddof| Reduction::Cov { ddof }),
            (Reduction::Quantile(_), _) => share.map(Reduction::Quantile),
            (Reduction::ApproxQuantile(_), _) => share.map(Reduction::ApproxQuantile),
            (Reduction::NUnique { .. }, Scalar::Boolean(nulls)) => Some(Reduction::NUnique { nulls: *nulls }),
            _ => None,
        }
    }

    /// Number of columns that it is of.
    pub fn columns(&self) -> usize {
        match self {
            Reduction::Len => 0,
            Reduction::Cov { .. } | Reduction::Corr => 2,
            _ => 1,
        }
    }

    /// What is kept for it.
    pub fn accumulator(&self) -> Accumulator {
        use Reduction as R;
        match self {
            R::Len | R::Count | R::NullCount => Accumulator::Count,
            R::Sum | R::Mean => Accumulator::Sum,
            R::Min | R::IdxMin => Accumulator::Extreme(End::Min),
            R::Max | R::IdxMax => Accumulator::Extreme(End::Max),
            R::Prod => Accumulator::Product,
            R::Any | R::All => Accumulator::Truth,
            R::First | R::Last => Accumulator::Ends,
            R::Var { .. } | R::Std { .. } | R::Sem { .. } | R::Skew | R::Kurtosis => Accumulator::Moments,
            R::Cov { .. } | R::Corr => Accumulator::Pairs,
            R::ApproxNUnique => Accumulator::HyperLogLog,
            R::ApproxQuantile(_) => Accumulator::Sketch,
            R::NUnique { .. } | R::Quantile(_) | R::Mode | R::ModeCount => Accumulator::Sorted,
            R::MemoryUsage => Accumulator::Bytes,
        }
    }

    /// The type of the result for columns of these types.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] where it is not defined for them.
    pub fn result_type(&self, inputs: &[DataType]) -> Result<DataType> {
        let none = DataType::Null;
        let input = inputs.first().unwrap_or(&none);
        let is_number =
            |input: &DataType| sum_type(input).is_some() && !matches!(input, DataType::Duration(_));
        let numbers = || inputs.iter().all(is_number).then_some(DataType::Float64);
        let result = match self {
            Reduction::Len | Reduction::Count | Reduction::NullCount | Reduction::MemoryUsage => {
                Some(DataType::UInt64)
            }
            Reduction::Sum => sum_type(input),
            Reduction::Mean => mean_type(input),
            Reduction::Min | Reduction::Max | Reduction::First | Reduction::Last | Reduction::Mode => {
                is_ordered(input).then(|| input.clone())
            }
            Reduction::IdxMin
            | Reduction::IdxMax
            | Reduction::ApproxNUnique
            | Reduction::NUnique { .. }
            | Reduction::ModeCount => is_ordered(input).then_some(DataType::UInt64),
            Reduction::Prod => sum_type(input)
                .filter(|_| input.is_integer() || input.is_floating() || *input == DataType::Boolean),
            Reduction::Any | Reduction::All => (*input == DataType::Boolean).then_some(DataType::Boolean),
            Reduction::Var { .. }
            | Reduction::Std { .. }
            | Reduction::Sem { .. }
            | Reduction::Skew
            | Reduction::Kurtosis
            | Reduction::Cov { .. }
            | Reduction::Corr
            | Reduction::ApproxQuantile(_) => numbers(),
            Reduction::Quantile(_) => match input {
                DataType::Timestamp(..) | DataType::Duration(_) => Some(input.clone()),
                _ => numbers(),
            },
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
            (_, state) => self.finish_further(state, &result)?,
        })
    }

    fn finish_further(&self, state: &State, result: &DataType) -> Result<Scalar> {
        use Reduction as R;
        let null = || Scalar::Null(result.clone());
        let float = |value: Option<f64>| value.map_or_else(null, Scalar::Float64);
        Ok(match (self, state) {
            (R::Prod, State::Product(Product::Float(value))) => Scalar::Float64(*value),
            (R::Prod, State::Product(Product::Whole(value))) => {
                match value.filter(|value| fits(result, *value)) {
                    Some(value) => whole_scalar(result, value),
                    None => return Err(self.overflow(result)),
                }
            }
            (R::Any, State::Truth { any_true, .. }) => Scalar::Boolean(*any_true),
            (R::All, State::Truth { any_false, .. }) => Scalar::Boolean(!any_false),
            (R::First, State::Ends(ends)) => ends.as_ref().map_or_else(null, |(first, _)| first.clone()),
            (R::Last, State::Ends(ends)) => ends.as_ref().map_or_else(null, |(_, last)| last.clone()),
            (R::Var { ddof }, State::Moments(moments)) => float(moments.variance(*ddof)),
            (R::Std { ddof }, State::Moments(moments)) => float(moments.variance(*ddof).map(f64::sqrt)),
            (R::Sem { ddof }, State::Moments(moments)) => float(moments.standard_error(*ddof)),
            (R::Skew, State::Moments(moments)) => float(moments.skew()),
            (R::Kurtosis, State::Moments(moments)) => float(moments.kurtosis()),
            (R::Cov { ddof }, State::Pairs(pairs)) => float(pairs.covariance(*ddof)),
            (R::Corr, State::Pairs(pairs)) => float(pairs.correlation()),
            (R::ApproxNUnique, State::HyperLogLog(hashes)) => Scalar::UInt64(hashes.estimate()),
            (R::ApproxQuantile(share), State::Sketch(sketch)) => float(sketch.quantile(*share)),
            (R::MemoryUsage, State::Bytes(bytes)) => Scalar::UInt64(*bytes),
            _ => return Err(wrong_state()),
        })
    }

    pub(crate) fn overflow(&self, data_type: &DataType) -> Error {
        ErrorKind::Overflow { operation: self.name().to_owned(), data_type: data_type.clone() }.into()
    }
}

impl fmt::Display for Reduction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())?;
        self.parameter().map_or(Ok(()), |parameter| write!(out, "({parameter})"))
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
            Accumulator::Product if is_float => State::Product(Product::Float(1.0)),
            Accumulator::Product => State::Product(Product::Whole(Some(1))),
            Accumulator::Truth => State::Truth { any_true: false, any_false: false },
            Accumulator::Ends => State::Ends(None),
            Accumulator::Moments => State::Moments(Default::default()),
            Accumulator::Pairs => State::Pairs(Default::default()),
            Accumulator::HyperLogLog => State::HyperLogLog(Default::default()),
            Accumulator::Sketch => State::Sketch(Default::default()),
            Accumulator::Bytes => State::Bytes(0),
            Accumulator::Sorted => return Err(wrong_state()),
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
pub(crate) fn is_ordered(input: &DataType) -> bool {
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

pub(crate) fn fits(data_type: &DataType, value: i128) -> bool {
    match data_type {
        DataType::UInt64 => u64::try_from(value).is_ok(),
        DataType::Decimal128(..) => value.unsigned_abs() < 10_u128.pow(u32::from(DECIMAL128_MAX_PRECISION)),
        _ => i64::try_from(value).is_ok(),
    }
}

/// What the integers of a decimal are parts of.
pub(crate) fn decimal_unit(data_type: &DataType) -> f64 {
    match data_type {
        DataType::Decimal128(_, scale) => 10_f64.powi(i32::from(*scale)),
        _ => 1.0,
    }
}

/// Ticks of `result` in one of `input`.
pub(crate) fn per_tick(input: &DataType, result: &DataType) -> i128 {
    match (input, result) {
        (DataType::Date32, DataType::Timestamp(..)) => 86_400_000_000,
        _ => 1,
    }
}
