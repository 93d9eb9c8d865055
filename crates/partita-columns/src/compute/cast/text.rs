//! Text to values. What does not read as one is null.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, PrimitiveArray, StringViewArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::time;
use crate::error::{ErrorKind, Result};

pub(super) fn to_boolean(array: &StringViewArray) -> ArrayRef {
    let parse = |text: &str| match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    };
    Arc::new(array.iter().map(|text| text.and_then(parse)).collect::<BooleanArray>())
}

pub(super) fn to_number(array: &StringViewArray, to: &DataType) -> Result<ArrayRef> {
    Ok(match to {
        DataType::Int8 => parse::<Int8Type>(array),
        DataType::Int16 => parse::<Int16Type>(array),
        DataType::Int32 => parse::<Int32Type>(array),
        DataType::Int64 => parse::<Int64Type>(array),
        DataType::UInt8 => parse::<UInt8Type>(array),
        DataType::UInt16 => parse::<UInt16Type>(array),
        DataType::UInt32 => parse::<UInt32Type>(array),
        DataType::UInt64 => parse::<UInt64Type>(array),
        DataType::Float32 => parse::<Float32Type>(array),
        DataType::Float64 => parse::<Float64Type>(array),
        other => {
            let types = format!("Utf8 to {}", crate::dtype::name(other));
            return Err(ErrorKind::Undefined { operation: "cast".to_owned(), types }.into());
        }
    })
}

fn parse<T: ArrowPrimitiveType<Native: FromStr>>(array: &StringViewArray) -> ArrayRef {
    let values = array.iter().map(|text| text.and_then(|text| text.parse::<T::Native>().ok()));
    Arc::new(values.collect::<PrimitiveArray<T>>())
}

pub(super) fn to_date(array: &StringViewArray) -> ArrayRef {
    let values = array.iter().map(|text| text.and_then(|text| date(text.as_bytes())));
    Arc::new(values.collect::<PrimitiveArray<Date32Type>>())
}

/// Text with an offset is an instant, text without one the wall-clock time of `zone`.
pub(super) fn to_timestamp(
    array: &StringViewArray,
    unit: TimeUnit,
    zone: Option<&Arc<str>>,
) -> Result<ArrayRef> {
    let parsed: Vec<Option<Moment>> =
        array.iter().map(|text| text.and_then(|text| moment(text.as_bytes()))).collect();
    let wall = parsed.iter().map(|moment| match moment {
        Some(Moment { seconds, nanoseconds, offset_seconds: None }) => ticks(*seconds, *nanoseconds, unit),
        _ => None,
    });
    let wall = time::array(wall.collect(), unit, None);
    let Some(zone) = zone else {
        return Ok(wall);
    };
    let wall = time::convert(&wall, unit, Some(zone))?;
    let instants = parsed.iter().map(|moment| match moment {
        Some(Moment { seconds, nanoseconds, offset_seconds: Some(offset) }) => {
            ticks(seconds - i64::from(*offset), *nanoseconds, unit)
        }
        _ => None,
    });
    time::either(&wall, instants.collect(), unit, zone)
}

/// `None` where the count does not fit, or the fraction is finer than the unit.
fn ticks(seconds: i64, nanoseconds: i64, unit: TimeUnit) -> Option<i64> {
    let per_second = time::per_second(unit);
    let nanoseconds_per_tick = 1_000_000_000 / per_second;
    if nanoseconds % nanoseconds_per_tick != 0 {
        return None;
    }
    // As 128 bits: the seconds before the first whole second of a unit's range would overflow on the way.
    let ticks = i128::from(seconds) * i128::from(per_second) + i128::from(nanoseconds / nanoseconds_per_tick);
    i64::try_from(ticks).ok()
}

/// A time of day on a day, as text has it.
struct Moment {
    /// Since 1970-01-01T00:00:00, before any offset is taken off.
    seconds: i64,
    nanoseconds: i64,
    offset_seconds: Option<i32>,
}

/// `YYYY-MM-DD`, of the proleptic Gregorian calendar.
fn date(text: &[u8]) -> Option<i32> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else {
        return None;
    };
    let year = digits(&[*y0, *y1, *y2, *y3])?;
    let (month, day) = (digits(&[*m0, *m1])?, digits(&[*d0, *d1])?);
    let date = chrono::NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(date.to_epoch_days())
}

/// `YYYY-MM-DD`, then `T` or a blank and `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction` of up to 9 digits, then `Z` or an offset.
fn moment(text: &[u8]) -> Option<Moment> {
    const DATE_BYTES: usize = 10;
    let (day, rest) = text.split_at_checked(DATE_BYTES)?;
    let midnight = i64::from(date(day)?) * 86_400;
    let Some((b'T' | b't' | b' ', rest)) = rest.split_first() else {
        return rest.is_empty().then_some(Moment { seconds: midnight, nanoseconds: 0, offset_seconds: None });
    };
    let ([h0, h1, b':', m0, m1], rest) = rest.split_first_chunk::<5>()? else {
        return None;
    };
    let (hour, minute) = (digits(&[*h0, *h1])?, digits(&[*m0, *m1])?);
    let (second, rest) = match rest {
        [b':', s0, s1, rest @ ..] => (digits(&[*s0, *s1])?, rest),
        rest => (0, rest),
    };
    let (nanoseconds, rest) = match rest {
        [b'.', rest @ ..] => fraction(rest)?,
        rest => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = midnight + i64::from(hour * 3600 + minute * 60 + second);
    let offset_seconds = if rest.is_empty() { None } else { Some(offset(rest)?) };
    Some(Moment { seconds, nanoseconds, offset_seconds })
}

/// The digits at the beginning, as nanoseconds, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (head, rest) = text.split_at(length);
    let mut nanoseconds: i64 = 0;
    let mut scale = 100_000_000;
    for byte in head {
        let digit = i64::from(byte - b'0');
        // Below a nanosecond only zeros are exact.
        if scale == 0 && digit != 0 {
            return None;
        }
        nanoseconds += digit * scale;
        scale /= 10;
    }
    (length > 0).then_some((nanoseconds, rest))
}

/// `Z`, `+HH`, `+HHMM` or `+HH:MM`, in seconds east of UTC.
fn offset(text: &[u8]) -> Option<i32> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let (sign, hours, minutes) = match text {
        b"Z" | b"z" => return Some(0),
        [sign, h0, h1] => (sign, digits(&[*h0, *h1])?, 0),
        [sign, h0, h1, m0, m1] | [sign, h0, h1, b':', m0, m1] => {
            (sign, digits(&[*h0, *h1])?, digits(&[*m0, *m1])?)
        }
        _ => return None,
    };
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    match sign {
        b'+' if hours < 24 && minutes < 60 => Some(seconds),
        b'-' if hours < 24 && minutes < 60 => Some(-seconds),
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}
