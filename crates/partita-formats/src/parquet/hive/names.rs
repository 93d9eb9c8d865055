//! Keys that are read back from the names of folders.
//!
//! Names say no types: a key is an integer where all its values are integers, a date where all are dates, and text
//! otherwise. Null has no say.

#[cfg(test)]
mod tests;

use arrow::datatypes::DataType;
use partita_columns::Scalar;
use partita_columns::compute::CastMode;

use super::NULL_FOLDER;
use crate::csv::value::{parse_date, parse_i64};
use crate::error::Result;
use crate::parquet::options::options;

/// Most folders that may stand one in the other: what follows is no key.
const DEPTH_MAX: usize = 64;

/// A key as a path has it: the name of the column, and its value as text; `None` is null.
pub type Named = (String, Option<String>);

/// The keys that the folders of `path` name, outermost first. What follows the last `/` is the name of a file, and
/// folders without `=` are none of the keys.
pub fn keys(path: &str) -> Vec<Named> {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let pairs = folders.split('/').take(DEPTH_MAX).filter_map(|folder| folder.split_once('='));
    pairs
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (decode(name), self::value(value)))
        .collect()
}

fn value(text: &str) -> Option<String> {
    (text != NULL_FOLDER).then(|| decode(text))
}

/// The type that holds all values of a key, `None` among them is null.
pub fn data_type<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> DataType {
    let (mut integers, mut dates, mut any) = (true, true, false);
    for text in values.into_iter().flatten() {
        any = true;
        integers = integers && is_integer(text);
        dates = dates && is_date(text);
        if !integers && !dates {
            return DataType::Utf8View;
        }
    }
    match (any, integers, dates) {
        (true, true, _) => DataType::Int64,
        (true, _, true) => DataType::Date32,
        _ => DataType::Utf8View,
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && parse_i64(text.as_bytes()).is_some()
}

/// Whether the text is a date and nothing else: a time would be lost.
fn is_date(text: &str) -> bool {
    text.len() == 10 && parse_date(text.as_bytes()).is_some()
}

/// The value of column `name` in all rows of a folder.
///
/// # Errors
/// [`crate::ErrorKind::Options`] where the text is no value of `data_type`.
pub fn scalar(name: &str, text: Option<&str>, data_type: &DataType) -> Result<Scalar> {
    let Some(text) = text else { return Ok(Scalar::Null(data_type.clone())) };
    let found = match data_type {
        DataType::Int64 => parse_i64(text.as_bytes()).map(Scalar::Int64),
        DataType::Date32 => parse_date(text.as_bytes()).map(Scalar::Date32),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Scalar::Utf8(text.to_owned())),
        other => Scalar::Utf8(text.to_owned()).cast(other, CastMode::Strict).ok(),
    };
    found.ok_or_else(|| {
        options(format!(
            "column {name:?} is {data_type}, and a folder is named {text:?}; give it another type"
        ))
    })
}

/// Percent-decoded text; what is not percent-encoded stays, and so does what would be no text.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((first, tail)) = rest.split_first() {
        let byte = match tail {
            [high, low, ..] if *first == b'%' => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        match byte {
            Some((high, low)) => {
                decoded.push(high << 4 | low);
                rest = &tail[2..];
            }
            None => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
