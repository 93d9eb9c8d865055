//! Regular expressions, of the syntax of the `regex` crate: no look-around and no back-references, so that time is
//! linear in the text. A pattern is a literal, and is compiled once for the expression.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array};
use arrow::datatypes::DataType;
use regex::Regex;

use super::pieces::Pieces;
use super::search::{characters, count_each, length, limit, limits, test};
use super::written::Out;
use super::{
    Argument, Input, Signature, Spec, Written, all_null, given_text, literal_text, subject, text, text_to,
    value, whole,
};
use crate::compute::function::Nulls;
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::{Scalar, Value};

/// `regex_contains(text, pattern)`: whether the pattern matches anywhere.
pub static REGEX_CONTAINS: Spec = Spec {
    name: "regex_contains",
    arguments: (2, 2),
    common: false,
    signature: |arguments| patterned(arguments, DataType::Boolean),
    kernel: |input| with(input, |regex| test(input, |text| regex.is_match(text))),
};

/// `regex_find(text, pattern)`: how many characters stand before the first match, as `Int64`; null where there is none.
pub static REGEX_FIND: Spec = Spec {
    name: "regex_find",
    arguments: (2, 2),
    common: false,
    signature: |arguments| Ok(patterned(arguments, DataType::Int64)?.nulls(Nulls::Possible)),
    kernel: |input| {
        with(input, |regex| {
            let column = subject(input)?;
            let place = |text: &str| {
                let found = regex.find(text)?;
                Some(length(characters(text.get(..found.start())?)))
            };
            value(column.iter().map(|text| text.and_then(place)).collect::<Int64Array>())
        })
    },
};

/// `regex_count(text, pattern)`: how often the pattern matches, without overlaps, as `Int64`.
pub static REGEX_COUNT: Spec = Spec {
    name: "regex_count",
    arguments: (2, 2),
    common: false,
    signature: |arguments| patterned(arguments, DataType::Int64),
    kernel: |input| with(input, |regex| count_each(input, |text| regex.find_iter(text).count())),
};

/// `regex_extract(text, pattern)`, `regex_extract(text, pattern, group)`: what a group, by literal number or name,
/// matched first; null where the pattern or the group did not match. Group 0 is the whole match; without a group it is
/// the first one, or the whole match where the pattern has none.
pub static REGEX_EXTRACT: Spec = Spec {
    name: "regex_extract",
    arguments: (2, 3),
    common: false,
    signature: extraction,
    kernel: |input| {
        with(input, |regex| match group(regex, input.values.get(2).map(|_| input.scalar(2))) {
            Ok(Some(group)) => extract(input, regex, group),
            Ok(None) => Ok(all_null(&DataType::Utf8View, input.rows)),
            Err(message) => Err(ErrorKind::Shape(message).into()),
        })
    },
};

/// `regex_replace(text, pattern, new)`, `regex_replace(text, pattern, new, count)`: every match, or the first `count`,
/// replaced; in the literal `new`, `$1` and `${name}` are what groups matched, and `$$` is a dollar.
pub static REGEX_REPLACE: Spec = Spec {
    name: "regex_replace",
    arguments: (3, 4),
    common: false,
    signature: |arguments| {
        literal_text(arguments, 2, "the replacement")?;
        let mut signature = patterned(&arguments[..2], DataType::Utf8View)?;
        signature.arguments.push(text(&arguments[2])?);
        if let Some(count) = arguments.get(3) {
            signature.arguments.push(whole(count)?);
        }
        Ok(signature)
    },
    kernel: |input| with(input, |regex| replace(input, regex)),
};

fn compile(pattern: &str) -> Result<Regex> {
    Regex::new(pattern)
        .map_err(|error| ErrorKind::Shape(format!("{pattern:?} is not a regular expression: {error}")).into())
}

/// A call whose second argument is a pattern, which is compiled now.
fn patterned(arguments: &[Argument<'_>], result: DataType) -> Result<Signature, String> {
    let signature = text_to(arguments, result)?;
    if let Some(pattern) = literal_text(arguments, 1, "the pattern")? {
        signature.prepared.get(|| compile(pattern)).map_err(|error: Error| error.to_string())?;
    }
    Ok(signature)
}

fn with(input: &Input<'_>, run: impl FnOnce(&Regex) -> Result<Value>) -> Result<Value> {
    match given_text(input, 1) {
        Some(pattern) => run(&*input.signature.prepared.get(|| compile(pattern))?),
        None => Ok(all_null(&input.signature.result, input.rows)),
    }
}

fn extraction(arguments: &[Argument<'_>]) -> Result<Signature, String> {
    let mut signature = patterned(&arguments[..2], DataType::Utf8View)?;
    if let Some(argument) = arguments.get(2) {
        let named = argument.data_type.is_string();
        signature.arguments.push(if named { text(argument)? } else { whole(argument)? });
        if argument.literal.is_none() {
            return Err("expected the group as a literal number or name".to_owned());
        }
    }
    if let Some(pattern) = literal_text(arguments, 1, "the pattern")? {
        let regex = signature.prepared.get(|| compile(pattern)).map_err(|error| error.to_string())?;
        group(&regex, arguments.get(2).map(|argument| argument.literal))?;
    }
    Ok(signature.nulls(Nulls::Possible))
}

/// The number of a group; `None` where it is given as null.
fn group(regex: &Regex, given: Option<Option<&Scalar>>) -> Result<Option<usize>, String> {
    let groups = regex.captures_len();
    let found = match given {
        None => Some(usize::from(groups > 1)),
        Some(Some(Scalar::Null(_)) | None) => return Ok(None),
        Some(Some(Scalar::Int64(number))) => usize::try_from(*number).ok().filter(|&number| number < groups),
        Some(Some(Scalar::UInt64(number))) => usize::try_from(*number).ok().filter(|&number| number < groups),
        Some(Some(Scalar::Utf8(name))) => {
            regex.capture_names().position(|found| found == Some(name.as_str()))
        }
        Some(Some(_)) => None,
    };
    match (found, given) {
        (None, Some(Some(given))) => Err(format!(
            "the pattern \"{regex}\" has no group {given}; it has {} and the whole match 0",
            groups - 1
        )),
        (found, _) => Ok(found),
    }
}

fn extract(input: &Input<'_>, regex: &Regex, group: usize) -> Result<Value> {
    let column = subject(input)?;
    let mut places = regex.capture_locations();
    let mut pieces = Pieces::new(input.memory, &column);
    for row in 0..column.len() {
        let text = column.value(row);
        let found = match column.is_valid(row) {
            false => None,
            true if group == 0 => regex.find(text).map(|found| (found.start(), found.end())),
            true => regex.captures_read(&mut places, text).and_then(|_| places.get(group)),
        };
        match found.and_then(|(start, end)| Some((start, text.get(start..end)?))) {
            Some((start, part)) => pieces.push(row, start, part)?,
            None => pieces.null(),
        }
    }
    Ok(Value::Array(Arc::new(pieces.finish()?)))
}

fn replace(input: &Input<'_>, regex: &Regex) -> Result<Value> {
    let (column, counts) = (input.column(0)?, limits(input, 3)?);
    let column = column.as_string_view();
    let Some(new) = given_text(input, 2) else { return Ok(all_null(&DataType::Utf8View, input.rows)) };
    let mut written = Written::new(input.memory, column.len());
    for row in 0..column.len() {
        let Some(count) = limit(counts.get(row)).filter(|_| column.is_valid(row)) else {
            written.null();
            continue;
        };
        let text = column.value(row);
        written.try_row(|out| replaced(text, regex, new, count, out))?;
    }
    written.finish()
}

fn replaced(text: &str, regex: &Regex, new: &str, count: usize, out: &mut Out<'_>) -> Result<()> {
    let mut behind = 0;
    let mut put = |start: usize, end: usize, out: &mut Out<'_>| {
        let before = text.get(behind..start).unwrap_or_default();
        behind = end;
        out.push(before)
    };
    if new.contains('$') {
        let groups = new.matches('$').count();
        for captures in regex.captures_iter(text).take(count) {
            let Some(all) = captures.get(0) else { continue };
            put(all.start(), all.end(), out)?;
            // A group lies within its match.
            out.expect(new.len().saturating_add(all.len().saturating_mul(groups)))?;
            captures.expand(new, out.text());
        }
    } else {
        for found in regex.find_iter(text).take(count) {
            put(found.start(), found.end(), out)?;
            out.push(new)?;
        }
    }
    out.push(text.get(behind..).unwrap_or_default())
}
