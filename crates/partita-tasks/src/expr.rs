//! Bound expressions: columns by position, types known, nothing left to look up.

use arrow::datatypes::DataType;
use partita_columns::Scalar;
use partita_columns::compute::{ArithmeticOp, CastMode, CompareOp};
use serde::{Deserialize, Serialize};

/// An expression bound to a schema. Operands of arithmetic and comparison have equal types: the plan has put the
/// casts in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BoundExpr {
    /// The column at a position of the batch.
    Column(usize),
    /// One value for every row.
    Literal(Scalar),
    /// `left op right` on numbers.
    Arithmetic(ArithmeticOp, Box<BoundExpr>, Box<BoundExpr>),
    /// `left op right` to Boolean.
    Compare(CompareOp, Box<BoundExpr>, Box<BoundExpr>),
    /// Kleene and.
    And(Box<BoundExpr>, Box<BoundExpr>),
    /// Kleene or.
    Or(Box<BoundExpr>, Box<BoundExpr>),
    /// Kleene not.
    Not(Box<BoundExpr>),
    /// Arithmetic negation.
    Negate(Box<BoundExpr>),
    /// Whether the value is missing.
    IsNull(Box<BoundExpr>),
    /// The first, or the second where the first is missing.
    FillNull(Box<BoundExpr>, Box<BoundExpr>),
    /// Whether the value is one of a list; null matches null in the list.
    IsIn(Box<BoundExpr>, Vec<Scalar>),
    /// Another type.
    Cast(Box<BoundExpr>, DataType, CastMode),
}
