//! Parts of dates and times.

use arrow::array::{Array, ArrayRef, BooleanArray, Int32Array};
use arrow::datatypes::DataType;

use super::moments::{Moments, SECONDS_A_DAY, beyond};
use super::{Input, Signature, Spec, time, value};
use crate::calendar::{civil_from_days, days_from_civil, days_in_month, is_leap_year};
use crate::compute::{CastMode, cast_array};
use crate::error::Result;
use crate::scalar::Value;

/// `year(time)`: the year.
pub static YEAR: Spec = part("year", |input| each(input, |at| civil_from_days(at.day).0));

/// `quarter(time)`: 1 to 4.
pub static QUARTER: Spec =
    part("quarter", |input| each(input, |at| (civil_from_days(at.day).1 as i32 + 2) / 3));

/// `month(time)`: 1 to 12.
pub static MONTH: Spec = part("month", |input| each(input, |at| civil_from_days(at.day).1 as i32));

/// `day(time)`: of the month, 1 to 31.
pub static DAY: Spec = part("day", |input| each(input, |at| civil_from_days(at.day).2 as i32));

/// `hour(time)`: 0 to 23.
pub static HOUR: Spec = part("hour", |input| each(input, |at| at.second / 3_600));

/// `minute(time)`: of the hour, 0 to 59.
pub static MINUTE: Spec = part("minute", |input| each(input, |at| at.second / 60 % 60));

/// `second(time)`: of the minute, 0 to 59.
pub static SECOND: Spec = part("second", |input| each(input, |at| at.second % 60));

/// `millisecond(time)`: of the second, rounded down, 0 to 999.
pub static MILLISECOND: Spec = part("millisecond", |input| each(input, |at| at.nanosecond / 1_000_000));

/// `microsecond(time)`: of the second, rounded down, 0 to 999,999.
pub static MICROSECOND: Spec = part("microsecond", |input| each(input, |at| at.nanosecond / 1_000));

/// `nanosecond(time)`: of the second, 0 to 999,999,999.
pub static NANOSECOND: Spec = part("nanosecond", |input| each(input, |at| at.nanosecond));

/// `weekday(time)`: Monday is 0 and Sunday is 6.
pub static WEEKDAY: Spec = part("weekday", |input| each(input, |at| weekday(at.day)));

/// `day_of_year(time)`: 1 to 366.
pub static DAY_OF_YEAR: Spec = part("day_of_year", |input| each(input, |at| day_of_year(at.day)));

/// `iso_week(time)`: of ISO 8601, 1 to 53: weeks begin on Monday, the first one has the year's first Thursday.
pub static ISO_WEEK: Spec =
    part("iso_week", |input| each(input, |at| (day_of_year(thursday(at.day)) + 6) / 7));

/// `iso_year(time)`: the year that the ISO week belongs to.
pub static ISO_YEAR: Spec = part("iso_year", |input| each(input, |at| civil_from_days(thursday(at.day)).0));

/// `days_in_month(time)`: 28 to 31.
pub static DAYS_IN_MONTH: Spec = part("days_in_month", |input| {
    each(input, |at| {
        let (year, month, _) = civil_from_days(at.day);
        days_in_month(year, month) as i32
    })
});

/// `is_leap_year(time)`: whether its year has 366 days.
pub static IS_LEAP_YEAR: Spec = Spec {
    name: "is_leap_year",
    arguments: (1, 1),
    common: false,
    signature: |arguments| Ok(Signature::new([time(&arguments[0])?], DataType::Boolean)),
    kernel: |input| {
        let (years, nulls) = numbers(&input.column(0)?, "is_leap_year", |at| civil_from_days(at.day).0)?;
        let leap: Vec<bool> = years.into_iter().map(is_leap_year).collect();
        value(BooleanArray::new(leap.into(), nulls))
    },
};

/// `date(time)`: the day, as `Date32`.
pub static DATE: Spec = Spec {
    name: "date",
    arguments: (1, 1),
    common: false,
    signature: |arguments| Ok(Signature::new([time(&arguments[0])?], DataType::Date32)),
    kernel: |input| Ok(Value::Array(cast_array(&input.column(0)?, &DataType::Date32, CastMode::Strict)?)),
};

const fn part(name: &'static str, kernel: fn(&Input<'_>) -> Result<Value>) -> Spec {
    Spec { name, arguments: (1, 1), common: false, signature: number, kernel }
}

fn number(arguments: &[super::Argument<'_>]) -> Result<Signature, String> {
    Ok(Signature::new([time(&arguments[0])?], DataType::Int32))
}

/// A moment on local clocks.
#[derive(Clone, Copy)]
struct Moment {
    /// Since 1970-01-01.
    day: i32,
    /// Of the day.
    second: i32,
    /// Of the second.
    nanosecond: i32,
}

fn weekday(day: i32) -> i32 {
    // 1970-01-01 was a Thursday.
    (i64::from(day) + 3).rem_euclid(7) as i32
}

/// The Thursday of the same week, as far as days go.
fn thursday(day: i32) -> i32 {
    day.saturating_add(3 - weekday(day))
}

fn day_of_year(day: i32) -> i32 {
    let (year, month, of_month) = civil_from_days(day);
    // From the first of March to the last of February, years differ at their ends only.
    let before = days_from_civil(2001, month, of_month) - days_from_civil(2001, 1, 1) + 1;
    before + i32::from(month > 2 && is_leap_year(year))
}

fn each(input: &Input<'_>, part: impl Fn(Moment) -> i32) -> Result<Value> {
    let (values, nulls) = numbers(&input.column(0)?, "parts", part)?;
    value(Int32Array::new(values.into(), nulls))
}

type Numbers = (Vec<i32>, Option<arrow::buffer::NullBuffer>);

/// The part of every time, one loop a unit: division by a constant is a multiplication.
fn numbers(column: &ArrayRef, function: &str, part: impl Fn(Moment) -> i32) -> Result<Numbers> {
    let moments = Moments::new(function, column)?;
    let mut values = Vec::with_capacity(moments.counts.len());
    let all = match moments.per_second {
        1 => run::<1>(&moments.counts, &mut values, part),
        1_000 => run::<1_000>(&moments.counts, &mut values, part),
        1_000_000 => run::<1_000_000>(&moments.counts, &mut values, part),
        _ => run::<1_000_000_000>(&moments.counts, &mut values, part),
    };
    if !all {
        let a_day = SECONDS_A_DAY * moments.per_second;
        let far = |row: &usize| i32::try_from(moments.counts[*row].div_euclid(a_day)).is_err();
        if let Some(row) = (0..column.len()).filter(|&row| column.is_valid(row)).find(far) {
            return Err(beyond(function, column, row));
        }
    }
    Ok((values, moments.nulls))
}

/// Whether all days were within 32 bits; the values of others mean nothing.
#[inline]
fn run<const PER_SECOND: i64>(counts: &[i64], values: &mut Vec<i32>, part: impl Fn(Moment) -> i32) -> bool {
    let mut all = true;
    values.extend(counts.iter().map(|&count| {
        let day = count.div_euclid(SECONDS_A_DAY * PER_SECOND);
        let of_day = count.rem_euclid(SECONDS_A_DAY * PER_SECOND);
        all &= i64::from(day as i32) == day;
        part(Moment {
            day: day as i32,
            second: (of_day / PER_SECOND) as i32,
            nanosecond: (of_day % PER_SECOND * (1_000_000_000 / PER_SECOND)) as i32,
        })
    }));
    all
}
