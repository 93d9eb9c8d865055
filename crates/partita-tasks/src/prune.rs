//! What files are asked before rows are read: an expression as a condition that statistics can decide.

#[cfg(test)]
mod tests;

use arrow::datatypes::Schema;
use partita_columns::Scalar;
use partita_columns::compute::{CastMode, CompareOp};
use partita_formats::parquet::read::Predicate;

use crate::expr::BoundExpr;

/// A condition that holds in every row in which `expression` is true. `schema` has the columns that it is bound to;
/// `is_known` tells of which of them, by name, files must not be asked.
pub fn condition(expression: &BoundExpr, schema: &Schema, is_known: &dyn Fn(&str) -> bool) -> Predicate {
    let name = |column: usize| {
        let name = schema.fields().get(column)?.name();
        (!is_known(name)).then(|| name.clone())
    };
    at(expression, true, &name)
}

/// The condition under which the value may be `wanted`.
fn at(expression: &BoundExpr, wanted: bool, name: &dyn Fn(usize) -> Option<String>) -> Predicate {
    let both = |left, right, wanted| vec![at(left, wanted, name), at(right, wanted, name)];
    match expression {
        BoundExpr::Literal(Scalar::Boolean(value)) if *value == wanted => Predicate::Any,
        // Of no condition none is met.
        BoundExpr::Literal(Scalar::Boolean(_) | Scalar::Null(_)) => Predicate::Or(Vec::new()),
        BoundExpr::And(left, right) if wanted => Predicate::And(both(left, right, true)),
        BoundExpr::And(left, right) => Predicate::Or(both(left, right, false)),
        BoundExpr::Or(left, right) if wanted => Predicate::Or(both(left, right, true)),
        BoundExpr::Or(left, right) => Predicate::And(both(left, right, false)),
        BoundExpr::Not(of) => at(of, !wanted, name),
        BoundExpr::Column(_) => compared(CompareOp::Eq, expression, &Scalar::Boolean(wanted), name),
        BoundExpr::IsNull(of) => match column(of).and_then(name) {
            Some(column) if wanted => Predicate::IsNull { column },
            Some(column) => Predicate::IsNotNull { column },
            None => Predicate::Any,
        },
        BoundExpr::IsIn(of, values) if wanted => match column(of).and_then(name) {
            Some(column) => Predicate::IsIn { column, values: values.clone() },
            None => Predicate::Any,
        },
        BoundExpr::Compare(op, left, right) => {
            let op = if wanted { *op } else { negated(*op) };
            match (&**left, &**right) {
                (of, BoundExpr::Literal(value)) => compared(op, of, value, name),
                (BoundExpr::Literal(value), of) => compared(mirrored(op), of, value, name),
                _ => Predicate::Any,
            }
        }
        _ => Predicate::Any,
    }
}

/// The column that an expression is; integers that are made wider are the same values.
fn column(of: &BoundExpr) -> Option<usize> {
    match of {
        BoundExpr::Column(position) => Some(*position),
        BoundExpr::Cast(of, to, CastMode::Strict) if to.is_integer() => match &**of {
            BoundExpr::Column(position) => Some(*position),
            _ => None,
        },
        _ => None,
    }
}

fn compared(
    op: CompareOp,
    of: &BoundExpr,
    value: &Scalar,
    name: &dyn Fn(usize) -> Option<String>,
) -> Predicate {
    match column(of).and_then(name) {
        Some(column) => Predicate::Compare { column, op, value: value.clone() },
        None => Predicate::Any,
    }
}

/// What holds of two values where `op` does not.
fn negated(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::NotEq,
        CompareOp::NotEq => CompareOp::Eq,
        CompareOp::Lt => CompareOp::GtEq,
        CompareOp::LtEq => CompareOp::Gt,
        CompareOp::Gt => CompareOp::LtEq,
        CompareOp::GtEq => CompareOp::Lt,
    }
}

/// `op` with its sides exchanged.
fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::LtEq => CompareOp::GtEq,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::GtEq => CompareOp::LtEq,
        same => same,
    }
}
