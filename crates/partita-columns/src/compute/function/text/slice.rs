//! Characters by their positions.

use arrow::datatypes::DataType;

use super::pieces::parts;
use super::search::characters;
use super::{Input, Numbers, Signature, Spec, subject, text, whole};
use crate::error::Result;
use crate::scalar::Value;

/// `slice(text, start)`, `slice(text, start, length)`: characters from a position, 0 being the first; a negative one
/// counts from the end, -1 being the last. What lies outside the text is left out; a length below 0 is none.
pub static SLICE: Spec = Spec {
    name: "slice",
    arguments: (2, 3),
    common: false,
    signature: |arguments| {
        let mut types = vec![text(&arguments[0])?];
        for argument in &arguments[1..] {
            types.push(whole(argument)?);
        }
        Ok(Signature::new(types, DataType::Utf8View))
    },
    kernel: slice,
};

fn slice(input: &Input<'_>) -> Result<Value> {
    let column = subject(input)?;
    let (starts, lengths) = (Numbers::of(input, 1, 0)?, Numbers::of(input, 2, i64::MAX)?);
    parts(&column, |row, text| Some(sliced(text, starts.get(row)?, lengths.get(row)?)))
}

fn sliced(text: &str, start: i64, length: i64) -> &str {
    let count = || i64::try_from(characters(text)).unwrap_or(i64::MAX);
    let begin = if start < 0 { start.saturating_add(count()) } else { start };
    let end = begin.saturating_add(length.max(0));
    let position = |at: i64| usize::try_from(at).unwrap_or(0);
    let (begin, end) = (position(begin), position(end));
    if text.is_ascii() {
        let end = end.min(text.len());
        return text.get(begin.min(end)..end).unwrap_or_default();
    }
    let mut places = text.char_indices().map(|(byte, _)| byte);
    let from = places.nth(begin).unwrap_or(text.len());
    let to = match end.checked_sub(begin) {
        None | Some(0) => from,
        Some(more) => places.nth(more - 1).unwrap_or(text.len()),
    };
    text.get(from..to).unwrap_or_default()
}
