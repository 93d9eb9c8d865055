//! Texts cut at a separator.

use std::sync::Arc;

use arrow::array::{Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};

use super::pieces::{Pieces, parts};
use super::search::{limit, limits};
use super::{
    Argument, Input, Numbers, Signature, Spec, all_null, given_text, literal_text, subject, text, value,
    whole,
};
use crate::compute::function::Nulls;
use crate::error::{ErrorKind, Result};
use crate::scalar::Value;

/// `split(text)`, `split(text, separator)`, `split(text, separator, count)`: the parts between separators as a list of
/// texts; without one (or with a null), the words between blanks, of which none is empty. At most `count` cuts are
/// made, from the left; all where it is negative. Separator and count are literals.
pub static SPLIT: Spec = Spec {
    name: "split",
    arguments: (1, 3),
    common: false,
    signature: |arguments| {
        let mut types = vec![text(&arguments[0])?];
        if let Some(separator) = arguments.get(1) {
            types.push(text(separator)?);
            check_separator(arguments)?;
        }
        if let Some(count) = arguments.get(2) {
            types.push(whole(count)?);
        }
        let item = Arc::new(Field::new_list_field(DataType::Utf8View, true));
        let nulls = if arguments[0].literal.is_some() { Nulls::Possible } else { Nulls::Propagate };
        Ok(Signature::new(types, DataType::List(item)).nulls(nulls))
    },
    kernel: split,
};

/// `split_nth(text, separator, n)`: one of the parts between separators, the first being 0 and the last -1; null where
/// there is none. The separator is a literal.
pub static SPLIT_NTH: Spec = Spec {
    name: "split_nth",
    arguments: (3, 3),
    common: false,
    signature: |arguments| {
        check_separator(arguments)?;
        let types = [text(&arguments[0])?, text(&arguments[1])?, whole(&arguments[2])?];
        Ok(Signature::new(types, DataType::Utf8View).nulls(Nulls::Possible))
    },
    kernel: split_nth,
};

fn check_separator(arguments: &[Argument<'_>]) -> Result<(), String> {
    match literal_text(arguments, 1, "the separator")? {
        Some("") => Err("expected a separator, got the empty text".to_owned()),
        _ => Ok(()),
    }
}

fn split(input: &Input<'_>) -> Result<Value> {
    let (column, counts) = (subject(input)?, limits(input, 2)?);
    let separator = given_text(input, 1);
    let mut pieces = Pieces::new(input.memory, &column);
    let (mut offsets, mut found) = (vec![0_i32], Vec::with_capacity(column.len()));
    for row in 0..column.len() {
        let text = column.value(row);
        let count = limit(counts.get(row)).filter(|_| column.is_valid(row));
        found.push(count.is_some());
        if let Some(count) = count {
            match separator {
                Some(separator) => {
                    let most = count.saturating_add(1);
                    let mut start = 0;
                    for part in text.splitn(most, separator) {
                        pieces.push(row, start, part)?;
                        start += part.len() + separator.len();
                    }
                }
                None => words(row, text, count, &mut pieces)?,
            }
        }
        let end = i32::try_from(pieces.len());
        offsets
            .push(end.map_err(|_| ErrorKind::Shape("a batch of over 2147483647 parts of texts".to_owned()))?);
    }
    let DataType::List(item) = &input.signature.result else {
        return Err(ErrorKind::Shape("split gives a list".to_owned()).into());
    };
    let nulls = super::with_tested_nulls(&column, &found);
    let parts = Arc::new(pieces.finish()?);
    value(ListArray::try_new(Arc::clone(item), OffsetBuffer::new(offsets.into()), parts, nulls)?)
}

/// The words between blanks; behind the last cut the rest, without the blanks before it and at its end.
fn words(row: usize, text: &str, count: usize, pieces: &mut Pieces<'_>) -> Result<()> {
    let (mut start, mut cuts) = (0, 0);
    loop {
        let rest = text.get(start..).unwrap_or_default();
        let trimmed = rest.trim_start();
        start += rest.len() - trimmed.len();
        if trimmed.is_empty() {
            return Ok(());
        }
        let end = if cuts < count { trimmed.find(char::is_whitespace) } else { None };
        match end.and_then(|end| trimmed.get(..end)) {
            Some(word) => {
                pieces.push(row, start, word)?;
                start += word.len();
                cuts += 1;
            }
            None => return pieces.push(row, start, trimmed.trim_end()),
        }
    }
}

fn split_nth(input: &Input<'_>) -> Result<Value> {
    let (column, positions) = (subject(input)?, Numbers::of(input, 2, 0)?);
    let Some(separator) = given_text(input, 1) else {
        return Ok(all_null(&DataType::Utf8View, input.rows));
    };
    parts(&column, |row, text| {
        let nth = positions.get(row)?;
        match usize::try_from(nth) {
            Ok(nth) => text.split(separator).nth(nth),
            Err(_) => text.rsplit(separator).nth(usize::try_from(-1 - nth).ok()?),
        }
    })
}
