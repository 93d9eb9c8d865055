//! Texts filled up to a width.

use arrow::array::Array;
use arrow::datatypes::DataType;

use super::search::characters;
use super::{
    Argument, Input, Numbers, Signature, Spec, Written, all_null, given_text, literal_text, subject, text,
    whole,
};
use crate::error::Result;
use crate::scalar::Value;

/// `ljust(text, width)`, `ljust(text, width, fill)`: filled on the right up to `width` characters, with blanks or the
/// literal character `fill`. Longer texts stay.
pub static LJUST: Spec = Spec {
    name: "ljust",
    arguments: (2, 3),
    common: false,
    signature: padding,
    kernel: |input| pad(input, |_, missing| (0, missing)),
};

/// `rjust(text, width)`, `rjust(text, width, fill)`: as `ljust`, filled on the left.
pub static RJUST: Spec = Spec {
    name: "rjust",
    arguments: (2, 3),
    common: false,
    signature: padding,
    kernel: |input| pad(input, |_, missing| (missing, 0)),
};

/// `center(text, width)`, `center(text, width, fill)`: as `ljust`, filled on both sides. What is odd goes to the left
/// where the width is odd, else to the right, as in Python.
pub static CENTER: Spec = Spec {
    name: "center",
    arguments: (2, 3),
    common: false,
    signature: padding,
    kernel: |input| {
        pad(input, |width, missing| {
            let left = missing / 2 + (missing & width & 1);
            (left, missing - left)
        })
    },
};

/// `zfill(text, width)`: zeros before the text up to `width` characters, behind a sign where there is one.
pub static ZFILL: Spec =
    Spec { name: "zfill", arguments: (2, 2), common: false, signature: padding, kernel: zfill };

fn padding(arguments: &[Argument<'_>]) -> Result<Signature, String> {
    let mut types = vec![text(&arguments[0])?, whole(&arguments[1])?];
    if let Some(fill) = arguments.get(2) {
        types.push(text(fill)?);
        if let Some(fill) = literal_text(arguments, 2, "the character to fill with")?
            && characters(fill) != 1
        {
            return Err(format!("expected one character to fill with, got {fill:?}"));
        }
    }
    Ok(Signature::new(types, DataType::Utf8View))
}

/// `sides` says how many characters go to the left and to the right, of the width and of how many are missing.
fn pad(input: &Input<'_>, sides: impl Fn(usize, usize) -> (usize, usize)) -> Result<Value> {
    let fill = match (input.len(), given_text(input, 2).and_then(|fill| fill.chars().next())) {
        (2, _) => ' ',
        (_, Some(fill)) => fill,
        (_, None) => return Ok(all_null(&DataType::Utf8View, input.rows)),
    };
    widened(input, fill, |text, width, missing, out| {
        let (left, right) = sides(width, missing);
        out.extend(std::iter::repeat_n(fill, left));
        out.push_str(text);
        out.extend(std::iter::repeat_n(fill, right));
    })
}

fn zfill(input: &Input<'_>) -> Result<Value> {
    widened(input, '0', |text, _, missing, out| {
        let signed = usize::from(text.starts_with(['+', '-']));
        let (sign, digits) = text.split_at(signed);
        out.push_str(sign);
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(digits);
    })
}

/// `write` is given the text, the width and how many characters are missing, for which it puts in `fill`.
fn widened(input: &Input<'_>, fill: char, write: impl Fn(&str, usize, usize, &mut String)) -> Result<Value> {
    let (column, widths) = (subject(input)?, Numbers::of(input, 1, 0)?);
    let mut written = Written::new(input.memory, column.len());
    for row in 0..column.len() {
        let Some(width) = widths.get(row).filter(|_| column.is_valid(row)) else {
            written.null();
            continue;
        };
        let (text, width) = (column.value(row), usize::try_from(width).unwrap_or(0));
        let missing = width.saturating_sub(characters(text));
        written.expect_all(text.len().saturating_add(missing.saturating_mul(fill.len_utf8())))?;
        written.row(|out| write(text, width, missing, out.text()))?;
    }
    written.finish()
}
