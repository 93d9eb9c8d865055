//! Functions of dates, times and spans of time.
//!
//! A time with a zone is an instant, and its parts are what clocks of the zone show; one without is a wall-clock time.
//! A date is its midnight. A function is null where an argument is, unless it says otherwise.

mod frequency;
mod moments;
mod parts;
mod round;
mod span;
mod strftime;
#[cfg(test)]
mod tests;
mod zone;
mod zones;

use arrow::datatypes::{DataType, TimeUnit};

pub use self::parts::{
    DATE, DAY, DAY_OF_YEAR, DAYS_IN_MONTH, HOUR, IS_LEAP_YEAR, ISO_WEEK, ISO_YEAR, MICROSECOND, MILLISECOND,
    MINUTE, MONTH, NANOSECOND, QUARTER, SECOND, WEEKDAY, YEAR,
};
pub use self::round::{NORMALIZE, TIME_CEIL, TIME_FLOOR, TIME_ROUND};
pub use self::span::{
    TOTAL_DAYS, TOTAL_HOURS, TOTAL_MICROSECONDS, TOTAL_MILLISECONDS, TOTAL_MINUTES, TOTAL_NANOSECONDS,
    TOTAL_SECONDS,
};
pub use self::strftime::STRFTIME;
pub use self::zones::{CONVERT_ZONE, LOCALIZE, UTC_OFFSET, WALL_TIME};
use super::{Argument, Input, Signature, Spec, expected, value};

pub(super) const ALL: &[&Spec] = &[
    &YEAR,
    &QUARTER,
    &MONTH,
    &DAY,
    &HOUR,
    &MINUTE,
    &SECOND,
    &MILLISECOND,
    &MICROSECOND,
    &NANOSECOND,
    &WEEKDAY,
    &DAY_OF_YEAR,
    &ISO_WEEK,
    &ISO_YEAR,
    &IS_LEAP_YEAR,
    &DAYS_IN_MONTH,
    &DATE,
    &NORMALIZE,
    &TIME_FLOOR,
    &TIME_ROUND,
    &TIME_CEIL,
    &STRFTIME,
    &CONVERT_ZONE,
    &LOCALIZE,
    &WALL_TIME,
    &UTC_OFFSET,
    &TOTAL_DAYS,
    &TOTAL_HOURS,
    &TOTAL_MINUTES,
    &TOTAL_SECONDS,
    &TOTAL_MILLISECONDS,
    &TOTAL_MICROSECONDS,
    &TOTAL_NANOSECONDS,
];

/// The type of an argument that is a date or a time; a missing one is a date.
fn time(argument: &Argument<'_>) -> Result<DataType, String> {
    match &argument.data_type {
        DataType::Null => Ok(DataType::Date32),
        data_type @ (DataType::Date32 | DataType::Timestamp(_, _)) => Ok(data_type.clone()),
        _ => expected("a date or a time", argument, "cast it to Date32 or Timestamp(us)"),
    }
}

/// An instant: a time with a zone.
fn instant(argument: &Argument<'_>) -> Result<DataType, String> {
    match &argument.data_type {
        DataType::Null => Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        data_type @ DataType::Timestamp(_, Some(_)) => Ok(data_type.clone()),
        _ => expected("a time with a zone", argument, "give it one with localize(time, zone)"),
    }
}

/// A wall-clock time: one without a zone; a date is its midnight.
fn wall(argument: &Argument<'_>) -> Result<DataType, String> {
    match &argument.data_type {
        DataType::Null | DataType::Date32 => Ok(DataType::Timestamp(TimeUnit::Microsecond, None)),
        data_type @ DataType::Timestamp(_, None) => Ok(data_type.clone()),
        _ => expected("a time without a zone", argument, "take it off with wall_time(time)"),
    }
}
