//! What has been seen of the rows so far.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type};
use serde::{Deserialize, Serialize};

use super::kind::decimal_unit;
use super::{Extreme, FloatSum, HyperLogLog, Moments, Pairs, Product, QuantileSketch, WholeSum};
use crate::compute::column_bytes;
use crate::compute::halves::halves;
use crate::compute::physical::{Physical, physical};
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::Scalar;
use crate::wide::Valid;

/// What an accumulator keeps. It is plain data: states cross processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum State {
    /// Of [`super::Accumulator::Count`].
    Count {
        /// Rows.
        rows: u64,
        /// Values that are not null.
        valid: u64,
    },
    /// A sum of floats.
    FloatSum {
        /// Values that are not null.
        valid: u64,
        /// Their sum.
        sum: Box<FloatSum>,
    },
    /// A sum of integers, of truth values, of the parts of decimals or of the ticks of times.
    WholeSum {
        /// Values that are not null.
        valid: u64,
        /// Their sum.
        sum: WholeSum,
    },
    /// Of [`super::Accumulator::Extreme`].
    Extreme(Extreme),
    /// Of [`super::Accumulator::Product`].
    Product(Product),
    /// Of [`super::Accumulator::Truth`].
    Truth {
        /// A value was true.
        any_true: bool,
        /// A value was false.
        any_false: bool,
    },
    /// Of [`super::Accumulator::Ends`]: the first and the last value.
    Ends(Option<(Scalar, Scalar)>),
    /// Of [`super::Accumulator::Moments`].
    Moments(Moments),
    /// Of [`super::Accumulator::Pairs`].
    Pairs(Pairs),
    /// Of [`super::Accumulator::HyperLogLog`].
    HyperLogLog(HyperLogLog),
    /// Of [`super::Accumulator::Sketch`].
    Sketch(QuantileSketch),
    /// Of [`super::Accumulator::Bytes`].
    Bytes(u64),
}

impl State {
    /// Takes the next `rows` rows of the columns that the accumulator is of.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where a column is missing or of another type than the state was started with.
    pub fn update(&mut self, columns: &[ArrayRef], rows: usize) -> Result<()> {
        match (self, columns) {
            (State::Count { rows: seen, valid }, []) => {
                *seen += rows as u64;
                *valid += rows as u64;
            }
            (State::Count { rows: seen, valid }, [column]) => {
                *seen += rows as u64;
                *valid += valid_rows(column);
            }
            (State::FloatSum { valid, sum }, [column]) => {
                let mask = Valid::of(column.nulls());
                match physical(column) {
                    Some(Physical::F64(values)) => sum.add(values, mask.as_ref()),
                    Some(Physical::F32(values)) => sum.add(values, mask.as_ref()),
                    _ => return Err(wrong_column(column)),
                }
                *valid += valid_rows(column);
            }
            (State::WholeSum { valid, sum }, [column]) => {
                add_whole(sum, column)?;
                *valid += valid_rows(column);
            }
            (State::Extreme(extreme), [column]) => extreme.update(column)?,
            (state, columns) => state.update_further(columns)?,
        }
        Ok(())
    }

    /// A state of the same accumulator that has seen no rows.
    pub fn emptied(&self) -> State {
        match self {
            State::Count { .. } => State::Count { rows: 0, valid: 0 },
            State::FloatSum { .. } => State::FloatSum { valid: 0, sum: Default::default() },
            State::WholeSum { .. } => State::WholeSum { valid: 0, sum: Default::default() },
            State::Extreme(extreme) => State::Extreme(Extreme::new(extreme.end())),
            State::Product(Product::Float(_)) => State::Product(Product::Float(1.0)),
            State::Product(Product::Whole(_)) => State::Product(Product::Whole(Some(1))),
            State::Truth { .. } => State::Truth { any_true: false, any_false: false },
            State::Ends(_) => State::Ends(None),
            State::Moments(_) => State::Moments(Default::default()),
            State::Pairs(_) => State::Pairs(Default::default()),
            State::HyperLogLog(_) => State::HyperLogLog(Default::default()),
            State::Sketch(_) => State::Sketch(Default::default()),
            State::Bytes(_) => State::Bytes(0),
        }
    }

    fn update_further(&mut self, columns: &[ArrayRef]) -> Result<()> {
        match (self, columns) {
            (State::Product(product), [column]) => multiply(product, column)?,
            (State::Truth { any_true, any_false }, [column]) => {
                let truths = column.as_boolean_opt().ok_or_else(|| wrong_column(column))?;
                *any_true |= truths.has_true();
                *any_false |= truths.has_false();
            }
            (State::Ends(ends), [column]) => {
                let mut rows = (0..column.len()).filter(|row| column.is_valid(*row));
                if let Some(first) = rows.next() {
                    let last = Scalar::try_from_array(column, rows.next_back().unwrap_or(first))?;
                    match ends {
                        Some((_, before)) => *before = last,
                        None => *ends = Some((Scalar::try_from_array(column, first)?, last)),
                    }
                }
            }
            (State::Moments(moments), [column]) if column.null_count() == 0 && is_float64(column) => {
                if let Some(Physical::F64(values)) = physical(column) {
                    moments.add_slice(values);
                }
            }
            (State::Moments(moments), [column]) => moments.add(floats(column)?.iter().flatten().copied()),
            (State::Sketch(sketch), [column]) => sketch.add(floats(column)?.iter().flatten().copied()),
            (State::Pairs(pairs), [left, right]) => {
                let (left, right) = (floats(left)?, floats(right)?);
                pairs.add(left.iter().zip(&right).filter_map(|(left, right)| left.zip(*right)));
            }
            (State::HyperLogLog(hashes), [column]) => hashes.update(column)?,
            (State::Bytes(bytes), [column]) => *bytes += column_bytes(column)? as u64,
            (_, columns) => {
                return Err(
                    ErrorKind::Shape(format!("a state of other than {} columns", columns.len())).into()
                );
            }
        }
        Ok(())
    }

    /// Goes on with what was seen of the rows behind these.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where the other state is of another accumulator.
    pub fn merge(&mut self, later: &State) -> Result<()> {
        match (self, later) {
            (State::Count { rows, valid }, State::Count { rows: r, valid: v }) => {
                *rows += r;
                *valid += v;
            }
            (State::FloatSum { valid, sum }, State::FloatSum { valid: v, sum: s }) => {
                *valid += v;
                sum.merge(s);
            }
            (State::WholeSum { valid, sum }, State::WholeSum { valid: v, sum: s }) => {
                *valid += v;
                sum.merge(s);
            }
            (State::Extreme(extreme), State::Extreme(later)) => extreme.merge(later),
            (State::Product(product), State::Product(later)) => product.merge(later),
            (State::Truth { any_true, any_false }, State::Truth { any_true: t, any_false: f }) => {
                *any_true |= t;
                *any_false |= f;
            }
            (State::Ends(_), State::Ends(None)) => {}
            (State::Ends(Some((_, last))), State::Ends(Some((_, later)))) => *last = later.clone(),
            (State::Ends(ends), State::Ends(later)) => *ends = later.clone(),
            (State::Moments(moments), State::Moments(later)) => moments.merge(later),
            (State::Pairs(pairs), State::Pairs(later)) => pairs.merge(later),
            (State::HyperLogLog(hashes), State::HyperLogLog(later)) => hashes.merge(later),
            (State::Sketch(sketch), State::Sketch(later)) => sketch.merge(later),
            (State::Bytes(bytes), State::Bytes(later)) => *bytes += later,
            _ => return Err(ErrorKind::Shape("states of two accumulators".to_owned()).into()),
        }
        Ok(())
    }
}

pub(super) fn valid_rows(column: &ArrayRef) -> u64 {
    (column.len() - column.logical_null_count()) as u64
}

pub(super) fn wrong_column(column: &ArrayRef) -> Error {
    ErrorKind::Shape(format!("a state that takes no {}", column.data_type())).into()
}

fn add_whole(sum: &mut WholeSum, column: &ArrayRef) -> Result<()> {
    let valid = Valid::of(column.nulls());
    let valid = valid.as_ref();
    if column.data_type() == &DataType::Boolean {
        sum.add(column.as_boolean().true_count() as i128);
        return Ok(());
    }
    match physical(column) {
        Some(Physical::I8(values)) => sum.add_rows(values, valid),
        Some(Physical::I16(values)) => sum.add_rows(values, valid),
        Some(Physical::I32(values)) => sum.add_rows(values, valid),
        Some(Physical::I64(values)) => sum.add_rows(values, valid),
        Some(Physical::U8(values)) => sum.add_rows(values, valid),
        Some(Physical::U16(values)) => sum.add_rows(values, valid),
        Some(Physical::U32(values)) => sum.add_rows(values, valid),
        Some(Physical::U64(values)) => sum.add_rows(values, valid),
        Some(Physical::I128(_)) => sum.add_long(halves(column.as_primitive::<Decimal128Type>()), valid),
        _ => return Err(wrong_column(column)),
    }
    Ok(())
}

fn is_float64(column: &ArrayRef) -> bool {
    column.data_type() == &DataType::Float64
}

fn multiply(product: &mut Product, column: &ArrayRef) -> Result<()> {
    let rows = (0..column.len()).filter(|row| column.is_valid(*row));
    if let Some(truths) = column.as_boolean_opt() {
        rows.for_each(|row| product.whole(i128::from(truths.value(row))));
        return Ok(());
    }
    match physical(column) {
        Some(Physical::F64(values)) => rows.for_each(|row| product.float(values[row])),
        Some(Physical::F32(values)) => rows.for_each(|row| product.float(values[row].into())),
        Some(Physical::I8(values)) => rows.for_each(|row| product.whole(values[row].into())),
        Some(Physical::I16(values)) => rows.for_each(|row| product.whole(values[row].into())),
        Some(Physical::I32(values)) => rows.for_each(|row| product.whole(values[row].into())),
        Some(Physical::I64(values)) => rows.for_each(|row| product.whole(values[row].into())),
        Some(Physical::U8(values)) => rows.for_each(|row| product.whole(values[row].into())),
        Some(Physical::U16(values)) => rows.for_each(|row| product.whole(values[row].into())),
        Some(Physical::U32(values)) => rows.for_each(|row| product.whole(values[row].into())),
        Some(Physical::U64(values)) => rows.for_each(|row| product.whole(values[row].into())),
        _ => return Err(wrong_column(column)),
    }
    Ok(())
}

/// Numbers and truth values as floats.
pub(crate) fn floats(column: &ArrayRef) -> Result<Vec<Option<f64>>> {
    let unit = decimal_unit(column.data_type());
    let row = |row: usize, value: f64| column.is_valid(row).then_some(value);
    if let Some(truths) = column.as_boolean_opt() {
        return Ok((0..column.len()).map(|at| row(at, f64::from(u8::from(truths.value(at))))).collect());
    }
    macro_rules! each {
        ($values:expr, $to:expr) => {
            $values.iter().enumerate().map(|(at, value)| row(at, $to(*value))).collect()
        };
    }
    Ok(match physical(column) {
        Some(Physical::F64(values)) => each!(values, |value: f64| value),
        Some(Physical::F32(values)) => each!(values, f64::from),
        Some(Physical::I8(values)) => each!(values, f64::from),
        Some(Physical::I16(values)) => each!(values, f64::from),
        Some(Physical::I32(values)) => each!(values, f64::from),
        Some(Physical::I64(values)) => each!(values, |value: i64| value as f64),
        Some(Physical::U8(values)) => each!(values, f64::from),
        Some(Physical::U16(values)) => each!(values, f64::from),
        Some(Physical::U32(values)) => each!(values, f64::from),
        Some(Physical::U64(values)) => each!(values, |value: u64| value as f64),
        Some(Physical::I128(values)) => each!(values, |value: i128| value as f64 / unit),
        None => return Err(wrong_column(column)),
    })
}

/// Integers, truth values, the parts of decimals and the ticks of times.
pub(crate) fn wholes(column: &ArrayRef) -> Result<Vec<Option<i128>>> {
    let row = |row: usize, value: i128| column.is_valid(row).then_some(value);
    if let Some(truths) = column.as_boolean_opt() {
        return Ok((0..column.len()).map(|at| row(at, i128::from(truths.value(at)))).collect());
    }
    macro_rules! each {
        ($values:expr) => {
            $values.iter().enumerate().map(|(at, value)| row(at, i128::from(*value))).collect()
        };
    }
    Ok(match physical(column) {
        Some(Physical::I8(values)) => each!(values),
        Some(Physical::I16(values)) => each!(values),
        Some(Physical::I32(values)) => each!(values),
        Some(Physical::I64(values)) => each!(values),
        Some(Physical::U8(values)) => each!(values),
        Some(Physical::U16(values)) => each!(values),
        Some(Physical::U32(values)) => each!(values),
        Some(Physical::U64(values)) => each!(values),
        Some(Physical::I128(values)) => each!(values),
        _ => return Err(wrong_column(column)),
    })
}
