//! Texts of flags to values.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use partita::arrow::datatypes::DataType;
use partita::{ByteSize, SortBy, parse_type};

#[cfg(test)]
mod tests;

/// A byte of the dialect, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Byte(pub(crate) Option<u8>);

/// Names or words that one flag gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List(pub(crate) Vec<String>);

/// All words of a flag that may be given several times.
pub(crate) fn all(lists: &[List]) -> Vec<String> {
    lists.iter().flat_map(|list| list.0.iter().cloned()).collect()
}

/// All words of a flag, or `None` where it was not given.
pub(crate) fn some(lists: &[List]) -> Option<Vec<String>> {
    (!lists.is_empty()).then(|| all(lists))
}

/// One ASCII character, or `tab`.
pub(crate) fn byte(text: &str) -> Result<u8, String> {
    match text {
        "tab" | r"\t" => Ok(b'\t'),
        "space" => Ok(b' '),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii() => Ok(*byte),
            _ => Err("expected one ASCII character, or the word tab".into()),
        },
    }
}

/// One ASCII character, `tab`, or `none`.
pub(crate) fn byte_or_none(text: &str) -> Result<Byte, String> {
    match text {
        "none" => Ok(Byte(None)),
        _ => byte(text)
            .map(|byte| Byte(Some(byte)))
            .map_err(|_| "expected one ASCII character, or one of the words tab and none".into()),
    }
}

/// A path; those of other than UTF-8 names are refused, since manifests and messages could not name them.
pub(crate) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        Err("expected the name of a file or folder".into())
    } else {
        Ok(PathBuf::from(text))
    }
}

/// A number of bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    ByteSize::from(text).bytes().map_err(|error| error.to_string())
}

/// A number of bytes that fits memory.
pub(crate) fn memory_size(text: &str) -> Result<usize, String> {
    usize::try_from(size(text)?).map_err(|_| "more bytes than an address has".into())
}

/// Words between commas. A word in double quotes may hold commas; two double quotes in it are one.
pub(crate) fn list(text: &str) -> Result<List, String> {
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        let mut word = String::new();
        if rest.next_if_eq(&'"').is_some() {
            loop {
                match rest.next() {
                    Some('"') if rest.next_if_eq(&'"').is_some() => word.push('"'),
                    Some('"') => break,
                    Some(character) => word.push(character),
                    None => return Err("a double quote is left open".into()),
                }
            }
            if rest.peek().is_some_and(|character| *character != ',') {
                return Err("expected a comma after the closing double quote".into());
            }
        } else {
            while let Some(character) = rest.next_if(|character| *character != ',') {
                word.push(character);
            }
        }
        words.push(word);
        if rest.next().is_none() {
            return Ok(List(words));
        }
    }
}

/// Columns to sort by that one flag gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SortKeys(pub(crate) Vec<SortBy>);

/// Names between commas, each with what it is sorted by: `fare desc nulls first`.
pub(crate) fn sort_keys(text: &str) -> Result<SortKeys, String> {
    let (mut keys, mut rest) = (Vec::new(), text);
    loop {
        let (quoted, behind) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_name(quoted).map(|(name, behind)| (Some(name), behind))?,
            None => (None, rest),
        };
        let end = behind.find(',').unwrap_or(behind.len());
        keys.push(sort_key(quoted, &behind[..end])?);
        match behind.get(end + 1..) {
            Some(more) => rest = more,
            None => return Ok(SortKeys(keys)),
        }
    }
}

/// A name up to its closing double quote, of which two are one, and what follows.
fn quoted_name(text: &str) -> Result<(String, &str), String> {
    let mut name = String::new();
    let mut rest = text;
    while let Some((part, behind)) = rest.split_once('"') {
        name.push_str(part);
        match behind.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Ok((name, behind)),
        }
    }
    Err("a double quote is left open".into())
}

/// A key of a name that was quoted, or begins `text`, and of the words at its end.
fn sort_key(quoted: Option<String>, text: &str) -> Result<SortBy, String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let is = |word: Option<&&str>, known: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(known));
    let least = usize::from(quoted.is_none());
    let mut nulls_first = false;
    if words.len() >= least + 2 && is(words.get(words.len() - 2), "nulls") {
        nulls_first = is(words.last(), "first");
        if !nulls_first && !is(words.last(), "last") {
            return Err(format!("expected `nulls first` or `nulls last`, got {text:?}"));
        }
        words.truncate(words.len() - 2);
    }
    let mut descending = false;
    if words.len() > least && (is(words.last(), "desc") || is(words.last(), "asc")) {
        descending = is(words.last(), "desc");
        words.pop();
    }
    let name = match (quoted, words.as_slice()) {
        (Some(name), []) => name,
        (None, [_, ..]) => words.join(" "),
        (Some(_), more) => {
            return Err(format!(
                "expected asc, desc or nulls first behind the name, got {:?}",
                more.join(" ")
            ));
        }
        (None, []) => return Err("expected a column".into()),
    };
    let mut key = SortBy::new(name);
    if descending {
        key = key.descending();
    }
    Ok(if nulls_first { key.nulls_first() } else { key })
}

/// `COL=VALUE`, cut at the first `=`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected a name, `=` and a value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// `KEY=VALUE`.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    pair(text)
}

/// `COL=A,B`.
pub(crate) fn column_words(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, words) = pair(text)?;
    Ok((name, list(&words)?.0))
}

/// `COL=VALUE`, with the value of a type of its own. Names may hold `=`, such values do not.
pub(crate) fn column_value<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<(String, T), String> {
    let (name, value) = text.rsplit_once('=').ok_or("expected a column, `=` and a value")?;
    Ok((name.to_owned(), value.parse().map_err(|error: T::Err| error.to_string())?))
}

/// `COL=TYPE`.
pub(crate) fn column_type(text: &str) -> Result<(String, DataType), String> {
    let (name, value) =
        text.rsplit_once('=').ok_or("expected a column, `=` and a type, as in fare=Float64")?;
    Ok((name.to_owned(), parse_type(value).map_err(|error| error.to_string())?))
}

/// The text of an expression that can be parsed.
pub(crate) fn expression(text: &str) -> Result<String, String> {
    partita::expr(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// Expressions between commas.
pub(crate) fn expressions(text: &str) -> Result<String, String> {
    partita::exprs(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// One word of a table, each with what `--help` says about it.
pub(crate) fn one_of<T: Copy + Send + Sync + 'static>(
    table: &'static [(&'static str, &'static str, T)],
) -> impl TypedValueParser<Value = T> {
    let words = table.iter().map(|(word, help, _)| PossibleValue::new(*word).help(*help));
    PossibleValuesParser::new(words).try_map(move |given| {
        let found = table.iter().find(|(word, _, _)| *word == given);
        found.map(|(_, _, value)| *value).ok_or("not one of the possible values")
    })
}
