//! Lengths, and literal texts within texts.

use arrow::array::{Array, BooleanArray, Int64Array, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use memchr::memmem::Finder;

use super::{
    Input, Numbers, Signature, Spec, Texts, all_null, subject, text, text_to, value, with_tested_nulls,
};
use crate::compute::function::Nulls;
use crate::error::Result;
use crate::scalar::Value;

/// `len_chars(text)`: the number of characters, as `Int64`.
pub static LEN_CHARS: Spec = Spec {
    name: "len_chars",
    arguments: (1, 1),
    common: false,
    signature: |arguments| text_to(arguments, DataType::Int64),
    kernel: |input| count_each(input, characters),
};

/// `len_bytes(text)`: the number of bytes of its UTF-8, as `Int64`.
pub static LEN_BYTES: Spec = Spec {
    name: "len_bytes",
    arguments: (1, 1),
    common: false,
    signature: |arguments| text_to(arguments, DataType::Int64),
    kernel: len_bytes,
};

/// `contains(text, part)`: whether the part occurs, letter by letter.
pub static CONTAINS: Spec = Spec {
    name: "contains",
    arguments: (2, 2),
    common: false,
    signature: |arguments| text_to(arguments, DataType::Boolean),
    kernel: |input| match Texts::of(input, 1)? {
        Texts::One(Some(part)) => {
            let finder = Finder::new(&part);
            test(input, |text| finder.find(text.as_bytes()).is_some())
        }
        parts => test_rows(input, &parts, |text, part| text.contains(part)),
    },
};

/// `starts_with(text, prefix)`: whether it begins with the prefix.
pub static STARTS_WITH: Spec = Spec {
    name: "starts_with",
    arguments: (2, 2),
    common: false,
    signature: |arguments| text_to(arguments, DataType::Boolean),
    kernel: starts_with,
};

/// `ends_with(text, suffix)`: whether it ends with the suffix.
pub static ENDS_WITH: Spec = Spec {
    name: "ends_with",
    arguments: (2, 2),
    common: false,
    signature: |arguments| text_to(arguments, DataType::Boolean),
    kernel: |input| test_rows(input, &Texts::of(input, 1)?, |text, suffix| text.ends_with(suffix)),
};

/// `find(text, part)`: how many characters stand before the first occurrence, as `Int64`; null where there is none.
pub static FIND: Spec = Spec {
    name: "find",
    arguments: (2, 2),
    common: false,
    signature: |arguments| Ok(text_to(arguments, DataType::Int64)?.nulls(Nulls::Possible)),
    kernel: find,
};

/// `count_matches(text, part)`: how often the part occurs, without overlaps, as `Int64`; the empty part before every
/// character and at the end.
pub static COUNT_MATCHES: Spec = Spec {
    name: "count_matches",
    arguments: (2, 2),
    common: false,
    signature: |arguments| text_to(arguments, DataType::Int64),
    kernel: count,
};

/// The number of characters: bytes that do not continue one, which compilers count many at a time.
pub(super) fn characters(text: &str) -> usize {
    text.as_bytes().iter().filter(|&&byte| byte.cast_signed() >= -0x40).count()
}

/// A number of every text; what stands in null rows does not count.
pub(super) fn count_each(input: &Input<'_>, count: impl Fn(&str) -> usize) -> Result<Value> {
    let column = subject(input)?;
    let counts: Vec<i64> = (0..column.len()).map(|row| length(count(column.value(row)))).collect();
    value(Int64Array::new(counts.into(), column.nulls().cloned()))
}

/// No text is longer than an `i64` can say.
pub(super) fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The length is the lower half of a view: texts are not looked at.
fn len_bytes(input: &Input<'_>) -> Result<Value> {
    let column = subject(input)?;
    let lengths: Vec<i64> = column.views().iter().map(|view| i64::from(*view as u32)).collect();
    value(Int64Array::new(lengths.into(), column.nulls().cloned()))
}

/// A truth of every text; what stands in null rows does not count.
pub(super) fn test(input: &Input<'_>, test: impl Fn(&str) -> bool) -> Result<Value> {
    let column = subject(input)?;
    let bits = BooleanBuffer::collect_bool(column.len(), |row| test(column.value(row)));
    value(BooleanArray::new(bits, column.nulls().cloned()))
}

/// A truth of every text with the text beside it.
fn test_rows(input: &Input<'_>, beside: &Texts, test: impl Fn(&str, &str) -> bool) -> Result<Value> {
    let column = subject(input)?;
    let (mut bits, mut found) = (Vec::with_capacity(column.len()), Vec::with_capacity(column.len()));
    for row in 0..column.len() {
        let beside = beside.get(row);
        bits.push(beside.is_some_and(|beside| test(column.value(row), beside)));
        found.push(beside.is_some());
    }
    value(BooleanArray::new(bits.into(), with_tested_nulls(&column, &found)))
}

/// Views hold the first four bytes: most texts that do not begin so are told from them alone.
fn starts_with(input: &Input<'_>) -> Result<Value> {
    let prefixes = Texts::of(input, 1)?;
    let Texts::One(Some(prefix)) = &prefixes else {
        return test_rows(input, &prefixes, |text, prefix| text.starts_with(prefix));
    };
    let column = subject(input)?;
    let head =
        prefix.bytes().take(4).enumerate().fold(0, |head, (at, byte)| head | u32::from(byte) << (8 * at));
    let mask = u32::MAX.checked_shr(32_u32.saturating_sub(8 * prefix.len().min(4) as u32)).unwrap_or(0);
    let views = column.views();
    let bits = BooleanBuffer::collect_bool(column.len(), |row| {
        let view = views[row];
        (view >> 32) as u32 & mask == head
            && view as u32 as usize >= prefix.len()
            && (prefix.len() <= 4 || column.value(row).starts_with(prefix.as_str()))
    });
    value(BooleanArray::new(bits, column.nulls().cloned()))
}

fn find(input: &Input<'_>) -> Result<Value> {
    let (column, parts) = (subject(input)?, Texts::of(input, 1)?);
    let place = |text: &str, byte: usize| length(characters(text.get(..byte).unwrap_or_default()));
    let found: Int64Array = match &parts {
        Texts::One(Some(part)) => {
            let finder = Finder::new(part);
            column
                .iter()
                .map(|text| text.and_then(|text| Some(place(text, finder.find(text.as_bytes())?))))
                .collect()
        }
        parts => rows(&column, parts, |text, part| Some(place(text, text.find(part)?))),
    };
    value(found)
}

/// A number of every text and the text beside it.
fn rows(column: &StringViewArray, parts: &Texts, f: impl Fn(&str, &str) -> Option<i64>) -> Int64Array {
    column.iter().enumerate().map(|(row, text)| f(text?, parts.get(row)?)).collect()
}

fn count(input: &Input<'_>) -> Result<Value> {
    match Texts::of(input, 1)? {
        Texts::One(None) => Ok(all_null(&DataType::Int64, input.rows)),
        Texts::One(Some(part)) if !part.is_empty() => {
            let finder = Finder::new(&part);
            count_each(input, |text| finder.find_iter(text.as_bytes()).count())
        }
        parts => {
            let occurrences = |text: &str, part: &str| Some(length(text.matches(part).count()));
            value(rows(&subject(input)?, &parts, occurrences))
        }
    }
}

/// Text, a text beside it, and a number.
pub(super) fn text_text_whole(
    arguments: &[super::Argument<'_>],
    result: DataType,
) -> Result<Signature, String> {
    let mut types = arguments.iter().take(arguments.len().min(3)).map(text).collect::<Vec<_>>();
    if let Some(fourth) = arguments.get(3) {
        types.push(super::whole(fourth));
    }
    Ok(Signature::new(types.into_iter().collect::<Result<Vec<_>, _>>()?, result))
}

/// How many to replace or to split at: all where it is negative or left out.
pub(super) fn limit(number: Option<i64>) -> Option<usize> {
    number.map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}

/// The limits of an argument that may be left out.
pub(super) fn limits(input: &Input<'_>, at: usize) -> Result<Numbers> {
    Numbers::of(input, at, -1)
}
