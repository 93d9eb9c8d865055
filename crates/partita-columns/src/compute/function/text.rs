//! Functions of text.
//!
//! Positions and lengths count characters (code points), from 0, unless a name says bytes. A function is null where an
//! argument is, unless it says otherwise.

mod case;
mod join;
mod like;
mod pad;
mod parse;
mod pieces;
mod regex;
mod replace;
mod search;
mod slice;
mod split;
mod strip;
#[cfg(test)]
mod tests;
mod written;

use arrow::array::{Array, AsArray, Int64Array, StringViewArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int64Type};

pub use self::case::{CAPITALIZE, LOWER, TITLE, UPPER};
pub use self::join::{CONCAT, CONCAT_WS, REPEAT, REVERSE};
pub use self::like::{ILIKE, LIKE};
pub use self::pad::{CENTER, LJUST, RJUST, ZFILL};
pub use self::parse::{TO_DATE, TO_DATETIME, TO_NUMERIC, TRY_TO_DATE, TRY_TO_DATETIME, TRY_TO_NUMERIC};
pub use self::regex::{REGEX_CONTAINS, REGEX_COUNT, REGEX_EXTRACT, REGEX_FIND, REGEX_REPLACE};
pub use self::replace::REPLACE;
pub use self::search::{CONTAINS, COUNT_MATCHES, ENDS_WITH, FIND, LEN_BYTES, LEN_CHARS, STARTS_WITH};
pub use self::slice::SLICE;
pub use self::split::{SPLIT, SPLIT_NTH};
pub use self::strip::{LSTRIP, RSTRIP, STRIP, STRIP_PREFIX, STRIP_SUFFIX};
pub(super) use self::written::Written;
use super::{Argument, Input, Signature, Spec, expected, value};
use crate::error::Result;
use crate::scalar::{Scalar, Value};

/// The longest text that a function makes.
pub const TEXT_BYTES_MAX: usize = 64 << 20;

pub(super) const ALL: &[&Spec] = &[
    &UPPER,
    &LOWER,
    &TITLE,
    &CAPITALIZE,
    &STRIP,
    &LSTRIP,
    &RSTRIP,
    &STRIP_PREFIX,
    &STRIP_SUFFIX,
    &LEN_CHARS,
    &LEN_BYTES,
    &CONTAINS,
    &STARTS_WITH,
    &ENDS_WITH,
    &FIND,
    &COUNT_MATCHES,
    &LIKE,
    &ILIKE,
    &REGEX_CONTAINS,
    &REGEX_FIND,
    &REGEX_COUNT,
    &REGEX_EXTRACT,
    &REGEX_REPLACE,
    &REPLACE,
    &SLICE,
    &SPLIT,
    &SPLIT_NTH,
    &LJUST,
    &RJUST,
    &CENTER,
    &ZFILL,
    &CONCAT,
    &CONCAT_WS,
    &REPEAT,
    &REVERSE,
    &TO_DATE,
    &TRY_TO_DATE,
    &TO_DATETIME,
    &TRY_TO_DATETIME,
    &TO_NUMERIC,
    &TRY_TO_NUMERIC,
];

/// The type of an argument that is text.
fn text(argument: &Argument<'_>) -> Result<DataType, String> {
    match &argument.data_type {
        data_type if data_type.is_string() || data_type.is_null() => Ok(DataType::Utf8View),
        _ => expected("text", argument, "cast it to Utf8"),
    }
}

/// The type of an argument that is a whole number.
fn whole(argument: &Argument<'_>) -> Result<DataType, String> {
    match &argument.data_type {
        data_type if data_type.is_integer() || data_type.is_null() => Ok(DataType::Int64),
        _ => expected("a whole number", argument, "cast it to Int64"),
    }
}

/// The text of an argument that must be a literal; `None` where it is null or left out.
pub(super) fn literal_text<'a>(
    arguments: &[Argument<'a>],
    at: usize,
    what: &str,
) -> Result<Option<&'a str>, String> {
    let Some(argument) = arguments.get(at) else { return Ok(None) };
    match argument.literal {
        Some(Scalar::Utf8(text)) => Ok(Some(text)),
        Some(Scalar::Null(_)) => Ok(None),
        _ => Err(format!("expected {what} as a literal text")),
    }
}

/// A literal of the kernel's input; `None` where it is null or left out.
pub(super) fn given_text<'a>(input: &'a Input<'_>, at: usize) -> Option<&'a str> {
    match input.scalar(at) {
        Some(Scalar::Utf8(text)) => Some(text),
        _ => None,
    }
}

/// Text in, text out, by the types of [`Signature`].
fn text_to_text(arguments: &[Argument<'_>]) -> Result<Signature, String> {
    text_to(arguments, DataType::Utf8View)
}

/// All arguments are text.
fn text_to(arguments: &[Argument<'_>], result: DataType) -> Result<Signature, String> {
    let types = arguments.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    Ok(Signature::new(types, result))
}

/// The first argument, which is text.
fn subject(input: &Input<'_>) -> Result<StringViewArray> {
    Ok(input.column(0)?.as_string_view().clone())
}

/// Nulls in every row.
fn all_null(data_type: &DataType, rows: usize) -> Value {
    Value::Array(new_null_array(data_type, rows))
}

/// Another argument of text: one for all rows, or one a row.
enum Texts {
    One(Option<String>),
    Rows(StringViewArray),
}

impl Texts {
    fn of(input: &Input<'_>, at: usize) -> Result<Self> {
        Ok(match input.values.get(at) {
            Some(Value::Scalar(Scalar::Utf8(text))) => Texts::One(Some(text.clone())),
            Some(Value::Scalar(_)) | None => Texts::One(None),
            Some(Value::Array(_)) => Texts::Rows(input.column(at)?.as_string_view().clone()),
        })
    }

    fn get(&self, row: usize) -> Option<&str> {
        match self {
            Texts::One(text) => text.as_deref(),
            Texts::Rows(rows) => rows.is_valid(row).then(|| rows.value(row)),
        }
    }
}

/// Another argument of whole numbers: one for all rows, or one a row.
enum Numbers {
    One(Option<i64>),
    Rows(Int64Array),
}

impl Numbers {
    /// An argument that was left out has `default`.
    fn of(input: &Input<'_>, at: usize, default: i64) -> Result<Self> {
        Ok(match input.values.get(at) {
            None => Numbers::One(Some(default)),
            Some(Value::Scalar(Scalar::Int64(number))) => Numbers::One(Some(*number)),
            Some(Value::Scalar(Scalar::UInt64(number))) => {
                Numbers::One(Some(i64::try_from(*number).unwrap_or(i64::MAX)))
            }
            Some(Value::Scalar(_)) => Numbers::One(None),
            Some(Value::Array(_)) => Numbers::Rows(input.column(at)?.as_primitive::<Int64Type>().clone()),
        })
    }

    fn get(&self, row: usize) -> Option<i64> {
        match self {
            Numbers::One(number) => *number,
            Numbers::Rows(rows) => rows.is_valid(row).then(|| rows.value(row)),
        }
    }
}

/// What changes the characters of a text makes it so many times as long at most: `ΐ` has two bytes, and six in capitals.
const GROWTH_MAX: usize = 3;

/// `write` of every text that is there, which changes its characters one by one.
fn write_each(input: &Input<'_>, write: impl Fn(&str, &mut String)) -> Result<Value> {
    let column = subject(input)?;
    let mut written = Written::new(input.memory, column.len());
    for text in &column {
        match text {
            Some(text) => {
                written.expect(text.len().saturating_mul(GROWTH_MAX))?;
                written.row(|out| write(text, out.text()))?;
            }
            None => written.null(),
        }
    }
    written.finish()
}

/// Valid where the column is and `test` is not `None`.
fn with_tested_nulls(column: &StringViewArray, found: &[bool]) -> Option<NullBuffer> {
    let found = NullBuffer::from(found);
    NullBuffer::union(column.nulls(), Some(&found)).filter(|nulls| nulls.null_count() > 0)
}
