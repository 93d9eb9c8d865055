//! Conditions on rows, as far as statistics can decide them.

use std::cmp::Ordering;

use partita_columns::Scalar;
use partita_columns::compute::CompareOp;
use serde::{Deserialize, Serialize};

use super::bounds::Bounds;

/// A condition on rows. A row matches where it is true, as `docs/semantics.md` has it: null is not true, NaN is
/// greater than every number and equal to itself, `-0.0` equals `0.0`. Values are compared with those of the column as
/// they are: who writes a condition brings them to the type in which the rows are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Predicate {
    /// A column compared with a value.
    Compare {
        /// Name of the column.
        column: String,
        /// The column is on its left.
        op: CompareOp,
        /// What is on its right.
        value: Scalar,
    },
    /// A column is one of some values; a missing one is, where null is among them.
    IsIn {
        /// Name of the column.
        column: String,
        /// The values.
        values: Vec<Scalar>,
    },
    /// A column's value is missing.
    IsNull {
        /// Name of the column.
        column: String,
    },
    /// A column's value is not missing.
    IsNotNull {
        /// Name of the column.
        column: String,
    },
    /// All of the conditions.
    And(Vec<Predicate>),
    /// One of the conditions, at least.
    Or(Vec<Predicate>),
    /// Something that statistics say nothing about: any row may match.
    Any,
}

impl Predicate {
    /// The columns that it names, with repetitions.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Predicate::Compare { column, .. }
            | Predicate::IsIn { column, .. }
            | Predicate::IsNull { column }
            | Predicate::IsNotNull { column } => vec![column],
            Predicate::And(all) | Predicate::Or(all) => all.iter().flat_map(Predicate::columns).collect(),
            Predicate::Any => Vec::new(),
        }
    }

    /// Whether a row may match, where `bounds` tells what is known of a column by its name; false is certain.
    pub fn may_match(&self, bounds: &dyn Fn(&str) -> Option<Bounds>) -> bool {
        match self {
            Predicate::And(all) => all.iter().all(|one| one.may_match(bounds)),
            Predicate::Or(all) => all.iter().any(|one| one.may_match(bounds)),
            Predicate::Any => true,
            Predicate::Compare { column, .. }
            | Predicate::IsIn { column, .. }
            | Predicate::IsNull { column }
            | Predicate::IsNotNull { column } => {
                bounds(column).is_none_or(|bounds| self.may_match_column(&bounds))
            }
        }
    }

    /// Whether a row may match a condition on one column, of which `bounds` are known.
    pub(super) fn may_match_column(&self, bounds: &Bounds) -> bool {
        match self {
            Predicate::Compare { op, value, .. } => compare(bounds, *op, value),
            Predicate::IsIn { values, .. } => values.iter().any(|value| match value {
                Scalar::Null(_) => bounds.nulls != Some(0),
                value => compare(bounds, CompareOp::Eq, value),
            }),
            Predicate::IsNull { .. } => bounds.nulls != Some(0),
            Predicate::IsNotNull { .. } => !bounds.is_all_null(),
            Predicate::And(_) | Predicate::Or(_) | Predicate::Any => true,
        }
    }
}

fn compare(bounds: &Bounds, op: CompareOp, value: &Scalar) -> bool {
    if value.is_null() || bounds.is_all_null() {
        return false;
    }
    let nan = bounds.may_have_nan;
    if matches!(value, Scalar::Float64(value) if value.is_nan()) {
        // Nothing is greater. A column without NaN is not one of floats, and is compared as something else.
        return op != CompareOp::Gt || !nan;
    }
    let min = bounds.min.as_ref().and_then(|min| order(min, value));
    let max = bounds.max.as_ref().and_then(|max| order(max, value));
    use Ordering::{Equal, Greater, Less};
    match op {
        CompareOp::Eq => min != Some(Greater) && max != Some(Less),
        CompareOp::NotEq => nan || (min, max) != (Some(Equal), Some(Equal)),
        CompareOp::Lt => !matches!(min, Some(Equal | Greater)),
        CompareOp::LtEq => min != Some(Greater),
        CompareOp::Gt => nan || !matches!(max, Some(Equal | Less)),
        CompareOp::GtEq => nan || max != Some(Less),
    }
}

/// Integers up to here are floats too, so that it does not matter as which of the two they are compared.
const EXACT_MAX: f64 = (1_u64 << 53) as f64;

/// [`Scalar::compare`], where the answer does not hang on the type in which rows are compared.
fn order(bound: &Scalar, value: &Scalar) -> Option<Ordering> {
    let as_float = |scalar: &Scalar| match scalar {
        Scalar::Int64(value) => Some(*value as f64),
        Scalar::UInt64(value) => Some(*value as f64),
        Scalar::Float64(value) => Some(*value),
        _ => None,
    };
    if matches!(bound, Scalar::Float64(_)) != matches!(value, Scalar::Float64(_)) {
        let (bound, value) = (as_float(bound)?, as_float(value)?);
        if bound.abs() >= EXACT_MAX || value.abs() >= EXACT_MAX {
            return None;
        }
    }
    bound.compare(value)
}
