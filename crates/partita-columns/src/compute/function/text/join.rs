//! Texts put together, and one text again and again.

use arrow::array::Array;
use arrow::datatypes::DataType;

use super::{
    Input, Numbers, Signature, Spec, Texts, Written, subject, text, text_to_text, whole, write_each,
};
use crate::compute::function::Nulls;
use crate::error::Result;
use crate::scalar::Value;

/// `concat(text, ..)`: one behind the other; null where one of them is.
pub static CONCAT: Spec = Spec {
    name: "concat",
    arguments: (1, usize::MAX),
    common: false,
    signature: text_to_text,
    kernel: concat,
};

/// `concat_ws(separator, text, ..)`: those that are not null, with the separator between them; null where the
/// separator is.
pub static CONCAT_WS: Spec = Spec {
    name: "concat_ws",
    arguments: (2, usize::MAX),
    common: false,
    signature: |arguments| {
        let missing = !matches!(arguments[0].literal, Some(separator) if !separator.is_null());
        let nulls = if missing { Nulls::Possible } else { Nulls::Never };
        Ok(text_to_text(arguments)?.nulls(nulls))
    },
    kernel: concat_ws,
};

/// `repeat(text, count)`: so often one behind the other; a count below 0 is 0.
pub static REPEAT: Spec = Spec {
    name: "repeat",
    arguments: (2, 2),
    common: false,
    signature: |arguments| {
        Ok(Signature::new([text(&arguments[0])?, whole(&arguments[1])?], DataType::Utf8View))
    },
    kernel: repeat,
};

/// `reverse(text)`: its characters from the last to the first.
pub static REVERSE: Spec = Spec {
    name: "reverse",
    arguments: (1, 1),
    common: false,
    signature: text_to_text,
    kernel: |input| write_each(input, |text, out| out.extend(text.chars().rev())),
};

fn all(input: &Input<'_>) -> Result<Vec<Texts>> {
    (0..input.len()).map(|at| Texts::of(input, at)).collect()
}

fn concat(input: &Input<'_>) -> Result<Value> {
    let parts = all(input)?;
    let mut written = Written::new(input.memory, input.rows);
    for row in 0..input.rows {
        if parts.iter().any(|part| part.get(row).is_none()) {
            written.null();
            continue;
        }
        written
            .try_row(|out| parts.iter().try_for_each(|part| out.push(part.get(row).unwrap_or_default())))?;
    }
    written.finish()
}

fn concat_ws(input: &Input<'_>) -> Result<Value> {
    let parts = all(input)?;
    let mut written = Written::new(input.memory, input.rows);
    let Some((separators, parts)) = parts.split_first() else { return written.finish() };
    for row in 0..input.rows {
        let Some(separator) = separators.get(row) else {
            written.null();
            continue;
        };
        written.try_row(|out| {
            for (index, part) in parts.iter().filter_map(|part| part.get(row)).enumerate() {
                if index > 0 {
                    out.push(separator)?;
                }
                out.push(part)?;
            }
            Ok(())
        })?;
    }
    written.finish()
}

fn repeat(input: &Input<'_>) -> Result<Value> {
    let (column, counts) = (subject(input)?, Numbers::of(input, 1, 1)?);
    let mut written = Written::new(input.memory, column.len());
    for row in 0..column.len() {
        let Some(count) = counts.get(row).filter(|_| column.is_valid(row)) else {
            written.null();
            continue;
        };
        let (text, count) = (column.value(row), usize::try_from(count).unwrap_or(0));
        written.expect_all(text.len().saturating_mul(count))?;
        written.row(|out| {
            if !text.is_empty() {
                out.text().extend(std::iter::repeat_n(text, count));
            }
        })?;
    }
    written.finish()
}
