//! Reductions in text: `sum(fare)`, `quantile(fare, 0.9)`, `corr(fare, tip)`, `len()`; and window functions: `shift(fare, 2)`.

use partita_columns::Scalar;
use partita_columns::group::{Aggregate, Window};
use partita_columns::reduce::Reduction;
use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Deep};
use super::grammar::or;
use super::primary::literal;
use crate::error::Result;
use crate::expr::Expr;

/// As [`Aggregate::name`] has it.
pub(super) const COLLECT_LIST: &str = "collect_list";
pub(super) const NLARGEST: &str = "nlargest";
pub(super) const NSMALLEST: &str = "nsmallest";

/// A reduction whose name was seen: its columns, and a parameter where it takes one.
pub(super) fn reduction(cursor: &mut Cursor<'_>, reduction: Reduction) -> Result<Deep> {
    let parts = columns(cursor, reduction.name(), reduction.columns())?;
    let reduction = parameter(cursor, reduction.name(), reduction, Reduction::with_parameter)?;
    Deep::many(cursor, parts, |parts| Expr::Aggregate(reduction.into(), parts))
}

/// The same of a window function.
pub(super) fn window(cursor: &mut Cursor<'_>, window: Window) -> Result<Deep> {
    let parts = columns(cursor, window.name(), window.columns())?;
    let window = parameter(cursor, window.name(), window, Window::with_parameter)?;
    Deep::many(cursor, parts, |parts| Expr::Window(window, parts))
}

fn columns(cursor: &mut Cursor<'_>, name: &str, count: usize) -> Result<Vec<Deep>> {
    cursor.advance();
    cursor.advance();
    let mut parts = Vec::new();
    for number in 0..count {
        if number > 0 && !cursor.take(&Token::Comma) {
            return Err(cursor.error(format!("{name} is of {count} columns")));
        }
        parts.push(or(cursor)?);
    }
    Ok(parts)
}

/// `collect_list(x)`: all values of a group.
pub(super) fn collect_list(cursor: &mut Cursor<'_>) -> Result<Deep> {
    let parts = columns(cursor, COLLECT_LIST, 1)?;
    cursor.expect(&Token::RParen, &format!("to close {COLLECT_LIST}"))?;
    Deep::many(cursor, parts, |parts| Expr::Aggregate(Aggregate::List, parts))
}

/// `nlargest(x, 2)`: the largest values of a group, or the smallest.
pub(super) fn top(cursor: &mut Cursor<'_>, is_largest: bool) -> Result<Deep> {
    let name = if is_largest { NLARGEST } else { NSMALLEST };
    let parts = columns(cursor, name, 1)?;
    let with = |_, scalar: &Scalar| match scalar {
        Scalar::Int64(count) => u32::try_from(*count).ok().map(Some),
        _ => None,
    };
    let count = parameter(cursor, name, None, with)?;
    let count =
        count.ok_or_else(|| cursor.error(format!("{name} needs a number of values: {name}(x, 2)")))?;
    Deep::many(cursor, parts, |parts| Expr::Aggregate(Aggregate::Top { count, is_largest }, parts))
}

/// The function with the parameter that stands before the end of the call, where one does.
fn parameter<T: Copy>(
    cursor: &mut Cursor<'_>,
    name: &str,
    mut function: T,
    with: impl Fn(T, &Scalar) -> Option<T>,
) -> Result<T> {
    if cursor.take(&Token::Comma) {
        let parameter = literal(cursor)?.and_then(|value| with(function, &value));
        function = parameter.ok_or_else(|| cursor.error(format!("{name} takes no such parameter")))?;
    }
    cursor.expect(&Token::RParen, &format!("to close {name}"))?;
    Ok(function)
}
