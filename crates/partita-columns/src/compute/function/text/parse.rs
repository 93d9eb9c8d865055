//! Text to numbers, dates and times.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, Date32Array, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit};

use super::pieces::Pieces;
use super::{Argument, Input, Signature, Spec, given_text, literal_text, subject, text};
use crate::compute::function::Nulls;
use crate::compute::{CastMode, cast_array};
use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::pattern::{Pattern, PatternKind, Stamp};
use crate::scalar::{Scalar, Value};

/// `to_date(text)`, `to_date(text, format)`: a date as `Date32`, in the form `2020-01-31` or that of a literal format of
/// strftime's letters. Blanks around it do not count. A text that is none is an error.
pub static TO_DATE: Spec = Spec {
    name: "to_date",
    arguments: (1, 2),
    common: false,
    signature: |arguments| date(arguments, CastMode::Strict),
    kernel: |input| to_date(input, CastMode::Strict),
};

/// `try_to_date(text)`, `try_to_date(text, format)`: as `to_date`; null where a text is no date.
pub static TRY_TO_DATE: Spec = Spec {
    name: "try_to_date",
    arguments: (1, 2),
    common: false,
    signature: |arguments| date(arguments, CastMode::Lenient),
    kernel: |input| to_date(input, CastMode::Lenient),
};

/// `to_datetime(text)`, `to_datetime(text, format)`, `to_datetime(text, format, zone)`: a time of microseconds, in the
/// form `2020-01-31 23:59:59.5` (a null format too) or that of a literal format of strftime's letters. A format with an
/// offset gives instants, in UTC where no zone is given. With a zone, text without an offset is what its clocks show.
/// Blanks around it do not count. A text that is none is an error, and so is a local time that its zone does not have or
/// has twice, and one finer than microseconds.
pub static TO_DATETIME: Spec = Spec {
    name: "to_datetime",
    arguments: (1, 3),
    common: false,
    signature: |arguments| datetime(arguments, CastMode::Strict),
    kernel: |input| to_datetime(input, CastMode::Strict),
};

/// `try_to_datetime(text, ..)`: as `to_datetime`; null where a text is no time.
pub static TRY_TO_DATETIME: Spec = Spec {
    name: "try_to_datetime",
    arguments: (1, 3),
    common: false,
    signature: |arguments| datetime(arguments, CastMode::Lenient),
    kernel: |input| to_datetime(input, CastMode::Lenient),
};

/// `to_numeric(text)`, `to_numeric(text, type)`: a number of the type that is named by a literal, `Float64` where none
/// is. Blanks around it do not count. A text that is none, or does not fit, is an error.
pub static TO_NUMERIC: Spec = Spec {
    name: "to_numeric",
    arguments: (1, 2),
    common: false,
    signature: |arguments| number(arguments, CastMode::Strict),
    kernel: |input| by_cast(input, CastMode::Strict),
};

/// `try_to_numeric(text, ..)`: as `to_numeric`; null where a text is no such number.
pub static TRY_TO_NUMERIC: Spec = Spec {
    name: "try_to_numeric",
    arguments: (1, 2),
    common: false,
    signature: |arguments| number(arguments, CastMode::Lenient),
    kernel: |input| by_cast(input, CastMode::Lenient),
};

fn signature(arguments: &[Argument<'_>], result: DataType, mode: CastMode) -> Result<Signature, String> {
    let types = arguments.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let nulls = if mode == CastMode::Strict { Nulls::Propagate } else { Nulls::Possible };
    // A format may be null where a value is not.
    let nulls = if arguments.len() > 2 { Nulls::Possible } else { nulls };
    Ok(Signature::new(types, result).nulls(nulls))
}

fn number(arguments: &[Argument<'_>], mode: CastMode) -> Result<Signature, String> {
    let result = match literal_text(arguments, 1, "the type")? {
        Some(name) => dtype::parse(name).map_err(|error| error.to_string())?,
        None => DataType::Float64,
    };
    if !result.is_numeric() {
        return Err(format!("expected a type of numbers, got {}", dtype::name(&result)));
    }
    signature(arguments, result, mode)
}

fn date(arguments: &[Argument<'_>], mode: CastMode) -> Result<Signature, String> {
    if let Some(format) = literal_text(arguments, 1, "the format")? {
        Pattern::new(format)?;
    }
    signature(arguments, DataType::Date32, mode)
}

fn datetime(arguments: &[Argument<'_>], mode: CastMode) -> Result<Signature, String> {
    let pattern = literal_text(arguments, 1, "the format")?.map(Pattern::new).transpose()?;
    let instants = pattern.is_some_and(|pattern| pattern.kind() == PatternKind::Zoned);
    let zone = match literal_text(arguments, 2, "the zone")? {
        Some(zone) => {
            zone.parse::<Tz>().map_err(|_| format!("there is no time zone {zone:?}"))?;
            Some(Arc::from(zone))
        }
        None => instants.then(|| Arc::from("UTC")),
    };
    signature(arguments, DataType::Timestamp(TimeUnit::Microsecond, zone), mode)
}

/// Without the spaces and tabs at both ends, which no value has.
fn trimmed(column: &StringViewArray) -> Result<ArrayRef> {
    let edge = |text: &str| text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
    if !column.iter().flatten().any(edge) {
        return Ok(Arc::new(column.clone()));
    }
    Ok(Arc::new(Pieces::of(column, |_, text| Some(text.trim_matches([' ', '\t'])))?))
}

fn by_cast(input: &Input<'_>, mode: CastMode) -> Result<Value> {
    Ok(Value::Array(cast_array(&trimmed(&subject(input)?)?, &input.signature.result, mode)?))
}

fn pattern(input: &Input<'_>) -> Result<Option<Arc<Pattern>>> {
    let compile = |format| Pattern::new(format).map_err(|message| ErrorKind::Shape(message).into());
    given_text(input, 1).map(|format| input.signature.prepared.get(|| compile(format))).transpose()
}

fn to_date(input: &Input<'_>, mode: CastMode) -> Result<Value> {
    let Some(pattern) = pattern(input)? else { return by_cast(input, mode) };
    let column = subject(input)?;
    let days = |stamp: &Stamp| i32::try_from(stamp.seconds.div_euclid(86_400)).ok();
    let dates: Date32Array =
        column.iter().map(|text| pattern.parse(text?.as_bytes()).and_then(|stamp| days(&stamp))).collect();
    checked(&column, Arc::new(dates), mode)
}

fn to_datetime(input: &Input<'_>, mode: CastMode) -> Result<Value> {
    let Some(pattern) = pattern(input)? else { return by_cast(input, mode) };
    let column = subject(input)?;
    let stamps = column.iter().map(|text| micros(&pattern.parse(text?.as_bytes())?));
    let times: TimestampMicrosecondArray = stamps.collect();
    let result = &input.signature.result;
    let times: ArrayRef = match (pattern.kind(), result) {
        (PatternKind::Zoned, DataType::Timestamp(_, zone)) => {
            Arc::new(times.with_timezone_opt(zone.as_ref().map(Arc::clone)))
        }
        // What clocks of the zone show; lenient, as what is refused is told by its text below.
        _ => cast_array(&(Arc::new(times) as ArrayRef), result, CastMode::Lenient)?,
    };
    checked(&column, times, mode)
}

/// Microseconds since 1970, where that is what the text says to the last digit.
fn micros(stamp: &Stamp) -> Option<i64> {
    let micros = i64::from(stamp.nanoseconds / 1_000);
    stamp.nanoseconds.is_multiple_of(1_000).then_some(())?;
    stamp.utc_seconds().checked_mul(1_000_000)?.checked_add(micros)
}

/// The first text without a value is an error, unless that is wanted.
fn checked(column: &StringViewArray, values: ArrayRef, mode: CastMode) -> Result<Value> {
    if mode == CastMode::Lenient || values.null_count() == column.null_count() {
        return Ok(Value::Array(values));
    }
    let row = (0..column.len()).find(|&row| column.is_valid(row) && values.is_null(row)).unwrap_or(0);
    let value = Scalar::Utf8(column.value(row).to_owned()).to_string();
    Err(ErrorKind::Cast { value, from: DataType::Utf8View, to: values.data_type().clone() }.into())
}
