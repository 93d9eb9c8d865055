//! Expressions from text, in SQL's words: `fare_amount > 0 and PULocationID in (1, 2)`.
//!
//! The tokens are those of `sqlparser`'s generic dialect; the grammar over them is the part of SQL that [`Expr`] has,
//! so that whatever else is written is refused by name and with its place. It holds the stack it uses within bounds,
//! which a general SQL parser does not for long chains of operators.
//!
//! ```text
//! whole      = or ["as" name]
//! or         = and {"or" and}
//! and        = not {"and" not}
//! not        = "not" not | comparison
//! comparison = sum [("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=") sum
//!                  | "is" ["not"] ("null" | "true" | "false")
//!                  | ["not"] "in" "(" literal {"," literal} ")"
//!                  | ["not"] "between" sum "and" sum]
//! sum        = product {("+" | "-") product}
//! product    = unary {("*" | "/" | "//" | "%") unary}
//! unary      = ("-" | "+") unary | cast
//! cast       = primary {"::" type}
//! primary    = "(" or ")" | name | "quoted name" | `quoted name` | literal
//!            | ("cast" | "try_cast") "(" or "as" type ")" | "coalesce" "(" or {"," or} ")"
//!            | "case" [or] "when" or "then" or {"when" or "then" or} ["else" or] "end"
//!            | function "(" [or {"," or}] ")"
//! literal    = ["-"] number | 'text' | x'hex' | "true" | "false" | "null" | "date" 'text' | "timestamp" 'text'
//! ```
//!
//! Functions are those of [`partita_columns::compute::function`], whose first argument is what methods are called on in Rust:
//! `upper(name)` is `col("name").str().upper()`.
//!
//! Names keep their letter case, words of the grammar may have any. Types are those of [`partita_columns::dtype`].

mod cursor;
mod grammar;
mod primary;
mod reduction;
#[cfg(test)]
mod tests;

use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::Tokenizer;

use self::cursor::Cursor;
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;

/// Longer texts are refused.
pub const TEXT_BYTES_MAX: usize = 64 << 10;

/// Reads exactly one expression.
///
/// # Errors
/// [`ErrorKind::Parse`] with the place, what was found there and what is expected or supported instead.
pub fn expr(text: &str) -> Result<Expr> {
    grammar::whole(&mut cursor(text)?)
}

/// Reads one or more expressions with commas between them.
///
/// ```
/// let asked = partita_plan::parse::exprs("mean(fare) as fare, len()")?;
/// assert_eq!(asked[1].to_string(), "len()");
/// # Ok::<(), partita_plan::Error>(())
/// ```
///
/// # Errors
/// As [`expr`].
pub fn exprs(text: &str) -> Result<Vec<Expr>> {
    grammar::several(&mut cursor(text)?)
}

fn cursor(text: &str) -> Result<Cursor<'_>> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("an expression of {} bytes; at most {TEXT_BYTES_MAX} are read", text.len());
        return Err(ErrorKind::Parse { text: String::new(), line: 1, column: 1, message }.into());
    }
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, text).with_unescape(true).tokenize_with_location();
    let tokens = tokens.map_err(|error| {
        cursor::at(text, error.location, format!("cannot read this: {}", error.message.to_lowercase()))
    })?;
    Ok(Cursor::new(text, tokens))
}
