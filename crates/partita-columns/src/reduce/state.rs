//! What has been seen of the rows so far.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::wide::Valid;
use super::{Extreme, FloatSum, WholeSum};
use crate::compute::physical::{Physical, physical};
use crate::error::{Error, ErrorKind, Result};

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
        Some(Physical::I128(values)) => {
            let rows = values.iter().enumerate();
            let kept = rows.filter(|(row, _)| valid.is_none_or(|valid| valid.at(*row)));
            kept.for_each(|(_, value)| sum.add(*value));
        }
        _ => return Err(wrong_column(column)),
    }
    Ok(())
}
