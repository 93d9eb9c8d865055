//! Values of an index as users write them: text of a part of a date is a span of time.

use std::ops::Bound;

use arrow::datatypes::{DataType, TimeUnit};
use partita_columns::Scalar;
use partita_columns::calendar::{civil_from_days, days_from_civil, days_in_month};
use partita_columns::compute::CastMode;

use crate::error::{ErrorKind, Result};
use crate::node::Span;

/// One value, or the values from one to below another.
pub(super) struct Period {
    pub(super) start: Scalar,
    /// `None`: the start alone.
    end: Option<Scalar>,
}

/// A part of a date: its fields as they are written.
struct Written {
    year: i32,
    month: Option<u32>,
    day: Option<u32>,
    /// Seconds from midnight, and the length of what is meant.
    time: Option<(u32, u32)>,
}

impl Period {
    /// What `value` means beside a column of `data_type`.
    pub(super) fn of(value: &Scalar, data_type: &DataType) -> Result<Self> {
        let plain = match data_type {
            DataType::Dictionary(_, values) => values,
            other => other,
        };
        match (value, plain) {
            (Scalar::Utf8(text), DataType::Date32 | DataType::Timestamp(..)) => of_text(text, plain),
            (Scalar::Date32(_), DataType::Timestamp(..)) => {
                Ok(Self { start: value.cast(plain, CastMode::Strict)?, end: None })
            }
            _ => Ok(Self { start: value.clone(), end: None }),
        }
    }

    pub(super) fn span(self) -> Span {
        match self.end {
            Some(end) => (Bound::Included(self.start), Bound::Excluded(end)),
            None => (Bound::Included(self.start.clone()), Bound::Included(self.start)),
        }
    }

    /// Where values begin that are greater.
    pub(super) fn beyond(self) -> Bound<Scalar> {
        self.end.map_or(Bound::Excluded(self.start), Bound::Included)
    }
}

fn of_text(text: &str, to: &DataType) -> Result<Period> {
    let Some(written) = Written::of(text) else {
        return Ok(Period { start: instant(text, text, to)?, end: None });
    };
    let (month, day) = (written.month.unwrap_or(1), written.day.unwrap_or(1));
    let (seconds, _) = written.time.unwrap_or((0, 0));
    let start = instant(text, &shown((written.year, month, day), seconds, to), to)?;
    let end = match (written.time, to) {
        (Some(_), DataType::Date32) => return Err(no_time(text, to)),
        (Some((_, length)), _) => later(&start, length),
        (None, DataType::Date32) if written.day.is_some() => None,
        (None, _) => {
            let next = match (written.month, written.day) {
                (None, _) => (written.year + 1, 1, 1),
                (Some(12), None) => (written.year + 1, 1, 1),
                (Some(month), None) => (written.year, month + 1, 1),
                (Some(month), Some(day)) => civil_from_days(days_from_civil(written.year, month, day) + 1),
            };
            Some(instant(text, &shown(next, 0, to), to)?)
        }
    };
    Ok(Period { start, end })
}

/// A time as text that casts take.
fn shown((year, month, day): (i32, u32, u32), seconds: u32, to: &DataType) -> String {
    let date = format!("{year:04}-{month:02}-{day:02}");
    if to == &DataType::Date32 {
        return date;
    }
    format!("{date} {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn instant(written: &str, text: &str, to: &DataType) -> Result<Scalar> {
    let read = Scalar::Utf8(text.to_owned()).cast(to, CastMode::Lenient)?;
    if read.is_null() { Err(no_time(written, to)) } else { Ok(read) }
}

fn no_time(text: &str, to: &DataType) -> crate::Error {
    let forms = match to {
        DataType::Date32 => "YYYY, YYYY-MM or YYYY-MM-DD",
        _ => "YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DD HH, YYYY-MM-DD HH:MM or YYYY-MM-DD HH:MM:SS",
    };
    let to = partita_columns::dtype::name(to);
    ErrorKind::Option(format!("{text:?} is no part of a {to}; write it as {forms}")).into()
}

/// `seconds` after a timestamp.
fn later(start: &Scalar, seconds: u32) -> Option<Scalar> {
    let Scalar::Timestamp(value, unit, zone) = start else { return None };
    let per_second: i64 = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    Some(Scalar::Timestamp(value.checked_add(i64::from(seconds) * per_second)?, *unit, zone.clone()))
}

impl Written {
    /// The fields of `YYYY[-MM[-DD[ HH[:MM[:SS]]]]]`; `None` where it is anything else.
    fn of(text: &str) -> Option<Self> {
        let (date, time) = match text.find([' ', 'T']) {
            Some(at) => (text.get(..at)?, Some(text.get(at + 1..)?)),
            None => (text, None),
        };
        let mut fields = date.split('-');
        let year = digits(fields.next()?, 4)?;
        let month =
            fields.next().map(|field| digits(field, 2)).map_or(Some(None), |month| month.map(Some))?;
        let day = fields.next().map(|field| digits(field, 2)).map_or(Some(None), |day| day.map(Some))?;
        let is_month = month.is_none_or(|month| (1..=12).contains(&month));
        if fields.next().is_some() || !is_month {
            return None;
        }
        let year = i32::try_from(year).ok()?;
        if day.is_some_and(|day| day == 0 || day > days_in_month(year, month.unwrap_or(1))) {
            return None;
        }
        let time = match time {
            Some(time) => Some(time_of_day(time)?),
            None => None,
        };
        (time.is_none() || day.is_some()).then_some(Self { year, month, day, time })
    }
}

/// Seconds from midnight of `HH[:MM[:SS]]`, and how many it stands for.
fn time_of_day(text: &str) -> Option<(u32, u32)> {
    let (mut seconds, mut length) = (0, 24 * 3600);
    for (number, field) in text.split(':').enumerate() {
        let most = if number == 0 { 24 } else { 60 };
        length = *[3600, 60, 1].get(number)?;
        seconds += digits(field, 2).filter(|value| *value < most)? * length;
    }
    Some((seconds, length))
}

fn digits(text: &str, count: usize) -> Option<u32> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}
