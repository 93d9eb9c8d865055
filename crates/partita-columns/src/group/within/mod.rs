//! Functions that give each row of a group a value: of the rows before it, behind it, or of its place among them.

mod carried;
mod cumulate;
mod moved;
mod rank;
mod rows;
#[cfg(test)]
mod tests;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

pub use self::carried::Carried;
pub use self::rank::RankMethod;
pub use self::rows::GroupRows;
use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::reduce::{Cumulative, End};
use crate::scalar::Scalar;
use crate::sort::{Direction, KeyLayout};

/// A window function: each row has a value of its own, by the rows of its group in their order.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Int64Array};
/// use partita_columns::group::{GroupRows, Window};
///
/// let groups = GroupRows::new(&[0, 1, 0, 0], 2)?;
/// let column: ArrayRef = Arc::new(Int64Array::from(vec![5, 6, 7, 8]));
/// let moved = Window::Shift(1).evaluate(&groups, Some(&column))?;
/// assert_eq!(moved.as_ref(), &Int64Array::from(vec![None, None, Some(5), Some(7)]));
/// # Ok::<(), partita_columns::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Window {
    /// A running total: a null stays null and changes nothing.
    Cumulative(Cumulative),
    /// The number of the row in its group, from 0.
    CumCount,
    /// The place of the value among those of the group, from 1; null has none, NaN is above every number.
    Rank {
        /// What equal values have.
        method: RankMethod,
        /// Whether the greatest comes first.
        descending: bool,
    },
    /// The value so many rows before, or behind where it is negative; null where there is no such row.
    Shift(i64),
    /// The value, or where it is null the last one before it.
    ForwardFill,
    /// The value, or where it is null the next one behind it.
    BackwardFill,
}

/// Bytes a row of places that values are taken from.
const PLACE_BYTES: usize = 16;

impl Window {
    /// All functions, with their usual parameters: the average rank, a shift by one row.
    pub const ALL: [Window; 9] = [
        Window::Cumulative(Cumulative::Sum),
        Window::Cumulative(Cumulative::Prod),
        Window::Cumulative(Cumulative::Min),
        Window::Cumulative(Cumulative::Max),
        Window::CumCount,
        Window::Rank { method: RankMethod::Average, descending: false },
        Window::Shift(1),
        Window::ForwardFill,
        Window::BackwardFill,
    ];

    /// The name in expressions.
    pub fn name(self) -> &'static str {
        match self {
            Window::Cumulative(cumulative) => cumulative.name(),
            Window::CumCount => "cumcount",
            Window::Rank { .. } => "rank",
            Window::Shift(_) => "shift",
            Window::ForwardFill => "ffill",
            Window::BackwardFill => "bfill",
        }
    }

    /// The function of a name, with its usual parameter.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.name() == name)
    }

    /// The parameter as text, where it is not the usual one.
    pub fn parameter(self) -> Option<String> {
        match self {
            Window::Shift(rows) => (rows != 1).then(|| rows.to_string()),
            Window::Rank { method: RankMethod::Average, descending: false } => None,
            Window::Rank { method, descending } => {
                Some(format!("'{}{}'", method.name(), if descending { " desc" } else { "" }))
            }
            _ => None,
        }
    }

    /// The same with another parameter; `None` where it has none, or not this one.
    #[must_use]
    pub fn with_parameter(self, parameter: &Scalar) -> Option<Self> {
        match (self, parameter) {
            (Window::Shift(_), Scalar::Int64(rows)) => Some(Window::Shift(*rows)),
            (Window::Rank { .. }, Scalar::Utf8(text)) => {
                let (name, descending) = match text.strip_suffix(" desc") {
                    Some(name) => (name, true),
                    None => (&**text, false),
                };
                let method = RankMethod::from_name(name)?;
                Some(Window::Rank { method, descending })
            }
            _ => None,
        }
    }

    /// Number of columns that it is of.
    pub fn columns(self) -> usize {
        usize::from(self != Window::CumCount)
    }

    /// The type of the values that it gives for a column of this type.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] where it is not defined for it.
    pub fn result_type(self, input: &DataType) -> Result<DataType> {
        match self {
            Window::Cumulative(cumulative) => cumulative.reduction().result_type(std::slice::from_ref(input)),
            Window::CumCount => Ok(DataType::UInt64),
            Window::Rank { method, .. } => {
                KeyLayout::new(&[(input.clone(), Direction::default())])?;
                Ok(if method == RankMethod::Average { DataType::Float64 } else { DataType::UInt64 })
            }
            Window::Shift(_) => Ok(input.clone()),
            // A value that is long and stands in many rows would be there as often.
            Window::ForwardFill | Window::BackwardFill if !is_small(input) => {
                let (operation, types) = (self.name().to_owned(), dtype::name(input));
                Err(ErrorKind::Undefined { operation, types }.into())
            }
            Window::ForwardFill | Window::BackwardFill => Ok(input.clone()),
        }
    }

    /// The values of all rows; rows without a group have null.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] where it is not defined for the column, [`ErrorKind::Overflow`] where a total does not fit its type,
    /// [`ErrorKind::Shape`] for a column of another length.
    pub fn evaluate(self, groups: &GroupRows, column: Option<&ArrayRef>) -> Result<ArrayRef> {
        if self == Window::CumCount {
            return Ok(moved::counted(groups));
        }
        let column = column.filter(|column| column.len() == groups.rows());
        let column = column.ok_or_else(|| {
            ErrorKind::Shape(format!("expected a column of {} rows for {}", groups.rows(), self.name()))
        })?;
        match self {
            Window::Cumulative(Cumulative::Min) => cumulate::best(End::Min, groups, column),
            Window::Cumulative(Cumulative::Max) => cumulate::best(End::Max, groups, column),
            Window::Cumulative(cumulative) => cumulate::total(cumulative, groups, column),
            Window::Rank { method, descending } => rank::rank(method, descending, groups, column),
            Window::Shift(rows) => moved::shifted(rows, groups, column),
            Window::ForwardFill => moved::filled(groups, column, true),
            Window::BackwardFill => moved::filled(groups, column, false),
            Window::CumCount => Ok(moved::counted(groups)),
        }
    }

    /// Bytes that [`Window::evaluate`] takes at most, its result included; texts are shared.
    ///
    /// # Errors
    /// As for arrays that are damaged.
    pub fn need_bytes(self, rows: usize, column: Option<&ArrayRef>) -> Result<usize> {
        let values = match column {
            Some(column) if is_small(column.data_type()) => rows * size_of::<u128>(),
            Some(column) => 2 * crate::compute::column_bytes(column)?,
            None => 0,
        };
        Ok(match self {
            // Optional integers of 128 bits, twice, and the result.
            Window::Cumulative(Cumulative::Sum | Cumulative::Prod) => rows * 96,
            Window::Cumulative(_) => rows * (PLACE_BYTES + size_of::<u64>()) + values,
            Window::CumCount => rows * PLACE_BYTES,
            Window::Rank { .. } => {
                // Keys of one row each, their order, and the texts of keys.
                let texts = match column {
                    Some(column) if column.data_type().primitive_width().is_none() => {
                        2 * crate::compute::column_bytes(column)?
                    }
                    _ => 0,
                };
                rows * 96 + texts
            }
            Window::Shift(_) | Window::ForwardFill | Window::BackwardFill => rows * PLACE_BYTES + values,
        })
    }
}

/// Whether a value takes no more than 16 bytes, or shares what is longer.
fn is_small(data_type: &DataType) -> bool {
    data_type.primitive_width().is_some()
        || matches!(data_type, DataType::Boolean | DataType::Null | DataType::Utf8View | DataType::BinaryView)
}
