//! Reductions in text: `sum(fare)`, `quantile(fare, 0.9)`, `corr(fare, tip)`, `len()`.

use partita_columns::group::Aggregate;
use partita_columns::reduce::Reduction;
use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Deep};
use super::grammar::or;
use super::primary::literal;
use crate::error::Result;
use crate::expr::Expr;

/// As [`Aggregate::name`] has it.
pub(super) const COLLECT_LIST: &str = "collect_list";

/// A reduction whose name was seen: its columns, and a parameter where it takes one.
pub(super) fn reduction(cursor: &mut Cursor<'_>, reduction: Reduction) -> Result<Deep> {
    cursor.advance();
    cursor.advance();
    let mut parts = Vec::new();
    for number in 0..reduction.columns() {
        if number > 0 && !cursor.take(&Token::Comma) {
            let message = format!("{} is of {} columns", reduction.name(), reduction.columns());
            return Err(cursor.error(message));
        }
        parts.push(or(cursor)?);
    }
    let mut reduction = reduction;
    if cursor.take(&Token::Comma) {
        let parameter = literal(cursor)?.and_then(|value| reduction.with_parameter(&value));
        let message = format!("{} takes no such parameter", reduction.name());
        reduction = parameter.ok_or_else(|| cursor.error(message))?;
    }
    cursor.expect(&Token::RParen, &format!("to close {}", reduction.name()))?;
    Deep::many(cursor, parts, |parts| Expr::Aggregate(reduction.into(), parts))
}

/// `collect_list(x)`: all values of a group.
pub(super) fn collect_list(cursor: &mut Cursor<'_>) -> Result<Deep> {
    cursor.advance();
    cursor.advance();
    let part = or(cursor)?;
    cursor.expect(&Token::RParen, &format!("to close {COLLECT_LIST}"))?;
    Deep::many(cursor, vec![part], |parts| Expr::Aggregate(Aggregate::List, parts))
}
