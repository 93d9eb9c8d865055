//! Texts of flags to values.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use partita::arrow::datatypes::DataType;
use partita::{ByteSize, parse_type};

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
