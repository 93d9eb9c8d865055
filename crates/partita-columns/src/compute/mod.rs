//! Kernels over whole columns.
//!
//! The rules that hold for all of them:
//!
//! * **Null** is a missing value: arithmetic and comparison with it are null, logic is Kleene's. A kernel never reads
//!   what lies under a null.
//! * **NaN** is a float value. In every comparison, membership test and order NaN equals NaN and is greater than
//!   every number (the rule of Polars and DuckDB, and that of sorting); -0.0 equals 0.0.
//! * **Integers never wrap**: a result that does not fit is [`crate::ErrorKind::Overflow`], which names the row.
//! * A [`Value::Scalar`] operand takes the type of the column beside it and is never expanded to a column. Other
//!   operands have equal types, except that `Int64` and `UInt64` compare with each other.

mod arithmetic;
#[allow(
    unsafe_code,
    reason = "one loop is compiled for several instruction sets, and the processor is asked before"
)]
mod bits;
mod case;
mod cast;
mod compare;
mod fill;
pub mod function;
pub(crate) mod halves;
mod is_in;
mod logic;
mod memory;
pub(crate) mod physical;
mod select;
#[cfg(test)]
pub(crate) mod tests;

use serde::{Deserialize, Serialize};

pub use self::arithmetic::{arithmetic, arithmetic_type, negate};
pub use self::bits::{pack, pack_values};
pub use self::case::{case, spread};
pub use self::cast::{cast, cast_array};
pub use self::compare::compare;
pub use self::fill::fill_null;
pub use self::function::hash_rows;
pub use self::is_in::is_in;
pub use self::logic::{and, is_null, not, or, to_mask};
pub use self::memory::{Memory, Unlimited};
pub(crate) use self::select::compact_column;
pub use self::select::{column_bytes, compact, concat, filter, needed_bytes, slice, take};
#[allow(unused_imports, reason = "named by the documentation")]
use crate::scalar::Value;

/// An operation on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`: true division, which gives a float for integers and decimals too.
    Divide,
    /// `//`: division rounded towards negative infinity.
    FloorDivide,
    /// `%`: what [`ArithmeticOp::FloorDivide`] leaves; it has the sign of the divisor.
    Remainder,
}

impl ArithmeticOp {
    /// The operator, as users write it.
    pub fn symbol(self) -> &'static str {
        match self {
            ArithmeticOp::Add => "+",
            ArithmeticOp::Subtract => "-",
            ArithmeticOp::Multiply => "*",
            ArithmeticOp::Divide => "/",
            ArithmeticOp::FloorDivide => "//",
            ArithmeticOp::Remainder => "%",
        }
    }
}

/// A comparison of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `!=`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
}

impl CompareOp {
    /// The operator, as users write it.
    pub fn symbol(self) -> &'static str {
        match self {
            CompareOp::Eq => "=",
            CompareOp::NotEq => "!=",
            CompareOp::Lt => "<",
            CompareOp::LtEq => "<=",
            CompareOp::Gt => ">",
            CompareOp::GtEq => ">=",
        }
    }

    /// The operator that says the same with the sides exchanged.
    pub fn swapped(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::LtEq => CompareOp::GtEq,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::GtEq => CompareOp::LtEq,
            same => same,
        }
    }
}

/// What a cast does with a value that the new type cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CastMode {
    /// An error that names the first such value.
    Strict,
    /// Null.
    Lenient,
}
