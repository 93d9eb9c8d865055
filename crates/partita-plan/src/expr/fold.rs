//! Constant folding.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use partita_columns::{Scalar, Value};

use super::Expr;
use crate::bind::bind;

/// One part, whose own parts are folded.
pub(super) fn one(part: Expr) -> Expr {
    match part {
        Expr::And(all) => connective(Expr::And(all).split_conjunction(), false),
        Expr::Or(all) => connective(all.into_iter().flat_map(split_or).collect(), true),
        Expr::Not(of) => match *of {
            Expr::Not(of) => *of,
            of => computed(Expr::Not(Box::new(of))),
        },
        part => computed(part),
    }
}

fn split_or(part: Expr) -> Vec<Expr> {
    match part {
        Expr::Or(all) => all.into_iter().flat_map(split_or).collect(),
        other => vec![other],
    }
}

/// `decisive` is the value that decides alone (false for and, true for or); the other one changes nothing.
fn connective(mut parts: Vec<Expr>, decisive: bool) -> Expr {
    let is =
        |part: &Expr, value: bool| matches!(part, Expr::Literal(Scalar::Boolean(found)) if *found == value);
    if parts.iter().any(|part| is(part, decisive)) {
        return Expr::Literal(Scalar::Boolean(decisive));
    }
    let whole = |parts| if decisive { Expr::Or(parts) } else { Expr::And(parts) };
    if parts.iter().all(|part| matches!(part, Expr::Literal(_))) {
        return computed(whole(parts));
    }
    parts.retain(|part| !is(part, !decisive));
    match parts.len() {
        1 => parts.remove(0),
        _ => whole(parts),
    }
}

/// The value of a part that has literals only, where it has one and a literal can carry its type.
fn computed(part: Expr) -> Expr {
    let below = part.parts();
    if below.is_empty()
        || matches!(part, Expr::Alias(..) | Expr::Map(..))
        || !below.iter().all(|of| matches!(of, Expr::Literal(_)))
    {
        return part;
    }
    match value(&part) {
        Some(scalar) => Expr::Literal(scalar),
        None => part,
    }
}

fn value(part: &Expr) -> Option<Scalar> {
    let schema = Arc::new(Schema::empty());
    let (bound, field) = bind(part, &schema).ok()?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(schema, Vec::new(), &options).ok()?;
    let scalar = match bound.evaluate(&batch).ok()? {
        Value::Scalar(scalar) => scalar,
        Value::Array(array) => Scalar::try_from_array(&array, 0).ok()?,
    };
    // A missing number as a literal would take the type of what stands beside it.
    let keeps_type = !scalar.is_null() || !field.data_type().is_numeric();
    (keeps_type && scalar.data_type() == *field.data_type()).then_some(scalar)
}
