//! What a filter and the operator above it both compute, computed once: as a column below the filter, which hands on the rows
//! of it that stay.
//!
//! It is in vain where taking rows of a column is dearer than computing them again, so plain arithmetic stays where it is. A filter
//! that a reader has taken over decodes less, which is better still.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::Filter;
use crate::error::Result;
use crate::expr::{Expr, col};
use crate::node::{PlanRef, Project};

/// Functions of numbers that take a few instructions a row.
const CHEAP: [&str; 8] = ["abs", "ceil", "clip", "fill_nan", "floor", "is_nan", "round", "sqrt"];

/// The filter over columns of what `above` has in common with it, and `above` over these; `None` where that is nothing.
///
/// # Errors
/// Where an expression does not bind, which its construction has excluded.
pub(in crate::node) fn hoisted(filter: &Filter, above: &[Expr]) -> Result<Option<(PlanRef, Vec<Expr>)>> {
    let mut common = Vec::new();
    collect(&filter.predicate, above, &mut common);
    if common.is_empty() {
        return Ok(None);
    }
    let taken = |name: &String| filter.input.schema().index_of(name).is_ok();
    let name = |part: &Expr| {
        let mut name = part.to_string();
        while taken(&name) {
            name.push('\'');
        }
        name
    };
    let mut predicate = filter.predicate.clone();
    let mut above = above.to_vec();
    let mut computed = Vec::with_capacity(common.len());
    for part in common {
        let name = name(&part);
        predicate = replaced(predicate, &part, &name);
        for expression in &mut above {
            let named = expression.output_name();
            let over = replaced(std::mem::replace(expression, col(&name)).unalias(), &part, &name);
            *expression = if over.output_name() == named { over } else { over.alias(named) };
        }
        computed.push(part.alias(name));
    }
    let used = |of: &Expr, name: &String| of.columns().contains(name);
    let names = crate::node::names(filter.input.schema());
    let (kept, rest): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| above.iter().any(|of| used(of, name)));
    let served = rest.into_iter().filter(|name| used(&predicate, name));
    let output_columns = kept.len() + computed.len();
    let below = kept.into_iter().map(col).chain(computed).chain(served.map(col)).collect();
    let below = Project::plan(Arc::clone(&filter.input), below)?;
    Ok(Some((Filter::with_output(below, predicate, output_columns)?, above)))
}

/// The largest parts of a predicate that are dear, are computed in all rows, and are parts of what is above too.
fn collect(part: &Expr, above: &[Expr], found: &mut Vec<Expr>) {
    if is_dear(part) && !part.columns().is_empty() && above.iter().any(|of| occurs(of, part)) {
        if !found.contains(part) {
            found.push(part.clone());
        }
        return;
    }
    // A value of these is asked for in some rows only: elsewhere it may fail.
    if !matches!(part, Expr::Case(..) | Expr::FillNull(..)) {
        part.parts().into_iter().for_each(|part| collect(part, above, found));
    }
}

fn is_dear(part: &Expr) -> bool {
    let itself = match part {
        Expr::Call(function, _) => !CHEAP.contains(&function.name()),
        Expr::Cast(_, to, _) => to.is_string() || matches!(to, DataType::Decimal128(..)),
        Expr::Map(..) => true,
        _ => false,
    };
    itself || part.parts().into_iter().any(is_dear)
}

fn occurs(of: &Expr, part: &Expr) -> bool {
    of == part || of.parts().into_iter().any(|of| occurs(of, part))
}

fn replaced(of: Expr, part: &Expr, name: &str) -> Expr {
    of.transform(&mut |of| if of == *part { col(name) } else { of })
}
