//! Literal texts replaced.

use arrow::datatypes::DataType;
use memchr::memmem::Finder;

use super::search::{limit, limits, text_text_whole};
use super::written::Out;
use super::{Input, Spec, Texts, Written, subject};
use crate::error::Result;
use crate::scalar::Value;
use arrow::array::Array;

/// `replace(text, old, new)`, `replace(text, old, new, count)`: every occurrence, or the first `count`, from the left
/// and without overlaps; the empty text occurs before every character and at the end. A negative count is all.
pub static REPLACE: Spec = Spec {
    name: "replace",
    arguments: (3, 4),
    common: false,
    signature: |arguments| text_text_whole(arguments, DataType::Utf8View),
    kernel: replace,
};

fn replace(input: &Input<'_>) -> Result<Value> {
    let column = subject(input)?;
    let (old, new, counts) = (Texts::of(input, 1)?, Texts::of(input, 2)?, limits(input, 3)?);
    let finder = match &old {
        Texts::One(Some(old)) if !old.is_empty() => Some((Finder::new(old), old.len())),
        _ => None,
    };
    let mut written = Written::new(input.memory, column.len());
    for row in 0..column.len() {
        let arguments = (old.get(row), new.get(row), limit(counts.get(row)));
        let (Some(old), Some(new), Some(count), true) =
            (arguments.0, arguments.1, arguments.2, column.is_valid(row))
        else {
            written.null();
            continue;
        };
        let text = column.value(row);
        written.try_row(|out| match &finder {
            Some((finder, length)) => {
                let places = finder.find_iter(text.as_bytes()).map(|at| (at, at + length));
                put_together(text, places.take(count), new, out)
            }
            None => {
                let places = text.match_indices(old).map(|(at, part)| (at, at + part.len()));
                put_together(text, places.take(count), new, out)
            }
        })?;
    }
    written.finish()
}

/// The text with `new` in all places.
fn put_together(
    text: &str,
    places: impl Iterator<Item = (usize, usize)>,
    new: &str,
    out: &mut Out<'_>,
) -> Result<()> {
    let mut behind = 0;
    for (start, end) in places {
        out.push(text.get(behind..start).unwrap_or_default())?;
        out.push(new)?;
        behind = end;
    }
    out.push(text.get(behind..).unwrap_or_default())
}
