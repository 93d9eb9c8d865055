//! Calls of functions.

use arrow::datatypes::DataType;
use partita_columns::compute::function::{Argument, Function, Nulls};
use partita_tasks::BoundExpr;

use super::operands::{decoded, equalized};
use super::{Typed, mismatch};
use crate::error::Result;
use crate::expr::Expr;

pub(super) fn call(written: &Expr, function: Function, arguments: Vec<Typed>) -> Result<Typed> {
    let mut arguments = arguments.into_iter().map(decoded).collect::<Result<Vec<_>>>()?;
    check_count(written, function, arguments.len())?;
    if function.common() {
        arguments = in_common(written, "compare", arguments)?;
    }
    let seen: Vec<Argument<'_>> = arguments
        .iter()
        .map(|of| Argument { data_type: of.data_type.clone(), literal: of.as_literal() })
        .collect();
    let signature = function.signature(&seen).map_err(|message| mismatch(written, message))?;
    let nullable = match signature.nulls {
        Nulls::Propagate => arguments.iter().any(|of| of.nullable),
        Nulls::Never => false,
        Nulls::Possible => true,
    };
    let wanted = arguments.into_iter().zip(&signature.arguments);
    let cast = wanted.map(|(of, to)| Ok(of.cast(to)?.expr)).collect::<Result<Vec<_>>>()?;
    let data_type = signature.result.clone();
    Ok(Typed { expr: BoundExpr::Call(function, Box::new(signature), cast), data_type, nullable })
}

/// The values of all branches become one type; without branches it is the last value.
pub(super) fn case(written: &Expr, branches: Vec<(Typed, Typed)>, otherwise: Typed) -> Result<Typed> {
    let (conditions, values): (Vec<Typed>, Vec<Typed>) = branches.into_iter().unzip();
    // Without an else, rows that no condition takes are null.
    let values = values.into_iter().chain([otherwise]).map(decoded).collect::<Result<Vec<_>>>()?;
    let mut values = in_common(written, "choose between", values)?;
    let Some(otherwise) = values.pop() else { return Err(mismatch(written, "a choice without values")) };
    let nullable = otherwise.nullable || values.iter().any(|of| of.nullable);
    let data_type = otherwise.data_type;
    let branches = conditions.into_iter().zip(values).map(|(condition, value)| (condition.expr, value.expr));
    let expr = BoundExpr::Case(branches.collect(), Box::new(otherwise.expr), data_type.clone());
    Ok(Typed { expr, data_type, nullable })
}

fn check_count(written: &Expr, function: Function, count: usize) -> Result<()> {
    let (least, most) = function.arguments();
    if (least..=most).contains(&count) {
        return Ok(());
    }
    let expected = match (least, most) {
        (least, usize::MAX) => format!("{least} or more"),
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least} to {most}"),
    };
    let noun = if expected == "1" { "argument" } else { "arguments" };
    let message = format!("{} takes {expected} {noun}, got {count}", function.name());
    Err(mismatch(written, message))
}

/// All arguments as one type: the common type of those that are no literals, which literals take where they fit.
pub(super) fn in_common(written: &Expr, verb: &str, arguments: Vec<Typed>) -> Result<Vec<Typed>> {
    let mut common: Option<Typed> = None;
    let (columns, literals): (Vec<&Typed>, Vec<&Typed>) =
        arguments.iter().partition(|of| of.as_literal().is_none());
    for next in columns.into_iter().chain(literals) {
        common = Some(match common {
            None => next.clone(),
            Some(before) => both(written, verb, before, next.clone())?.0,
        });
    }
    let Some(common) = common else { return Ok(arguments) };
    arguments.into_iter().map(|of| Ok(both(written, verb, common.clone(), of)?.1)).collect()
}

/// Two operands of one type, without exception.
pub(super) fn both(written: &Expr, verb: &str, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let (left, right) = equalized(written, verb, left, right)?;
    // Comparison needs no common type for these two, a column does.
    Ok(match (&left.data_type, &right.data_type) {
        (DataType::UInt64, DataType::Int64) => (left.cast(&DataType::Int64)?, right),
        (DataType::Int64, DataType::UInt64) => (left, right.cast(&DataType::Int64)?),
        _ => (left, right),
    })
}
