//! Frequencies: `1d`, `15min`, `3mo`.

use arrow::datatypes::{DataType, TimeUnit};

use super::moments::SECONDS_A_DAY;
use crate::calendar::{civil_from_days, days_from_civil};
use crate::compute::cast::time::per_second;
use crate::dtype;

/// What times are rounded to: so many of a unit, in rows that begin at
/// * 1970-01-01T00:00 on local clocks, for days and all that is shorter;
/// * Monday 1969-12-29, for weeks, so that they begin on Mondays;
/// * January of the year 0, for months, quarters and years, so that decades and centuries begin where one looks for
///   them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequency {
    Nanoseconds(i64),
    Days(i64),
    Weeks(i64),
    Months(i64),
}

impl Frequency {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no frequency; write a whole number and one of ns, us, ms, s, min, h, d, w, mo, q and y, \
                 such as 15min"
            )
        };
        let trimmed = text.trim();
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = trimmed.split_at(digits);
        let number: i64 = if digits == 0 { 1 } else { number.parse().map_err(|_| wrong())? };
        let times = |factor: i64| number.checked_mul(factor).filter(|&all| all > 0).ok_or_else(wrong);
        Ok(match unit.trim_start() {
            "ns" => Frequency::Nanoseconds(times(1)?),
            "us" | "µs" => Frequency::Nanoseconds(times(1_000)?),
            "ms" => Frequency::Nanoseconds(times(1_000_000)?),
            "s" => Frequency::Nanoseconds(times(1_000_000_000)?),
            "min" => Frequency::Nanoseconds(times(60_000_000_000)?),
            "h" => Frequency::Nanoseconds(times(3_600_000_000_000)?),
            "d" => Frequency::Days(times(1)?),
            "w" => Frequency::Weeks(times(1)?),
            "mo" => Frequency::Months(times(1)?),
            "q" => Frequency::Months(times(3)?),
            "y" => Frequency::Months(times(12)?),
            "m" => return Err(format!("{text:?} may be minutes or months; write {number}min or {number}mo")),
            _ => return Err(wrong()),
        })
    }

    /// The boundaries in ticks of a type; `None` where every tick is one.
    pub(super) fn grid(self, data_type: &DataType) -> Result<Option<Grid>, String> {
        let a_day = ticks_a_day(data_type);
        let days = |days: Option<i64>| days.and_then(|days| days.checked_mul(a_day));
        let too_long = || "the frequency is too long".to_owned();
        Ok(Some(match self {
            Frequency::Months(months) if months > 12_000_000 => return Err(too_long()),
            Frequency::Months(months) => Grid::Months { months, a_day },
            Frequency::Days(number) => {
                Grid::Days { step: days(Some(number)).ok_or_else(too_long)?, origin: 0 }
            }
            Frequency::Weeks(number) => {
                Grid::Days { step: days(number.checked_mul(7)).ok_or_else(too_long)?, origin: -3 * a_day }
            }
            Frequency::Nanoseconds(number) => {
                let tick = 86_400_000_000_000 / a_day;
                if tick % number == 0 {
                    return Ok(None);
                }
                if number % tick != 0 {
                    let unit = dtype::name(data_type);
                    return Err(format!("the frequency is no whole number of the ticks of {unit}"));
                }
                Grid::Ticks { step: number / tick }
            }
        }))
    }
}

pub(super) fn ticks_a_day(data_type: &DataType) -> i64 {
    match data_type {
        DataType::Timestamp(unit, _) => SECONDS_A_DAY * per_second(*unit),
        DataType::Date32 => 1,
        _ => SECONDS_A_DAY * per_second(TimeUnit::Microsecond),
    }
}

/// Boundaries on local clocks, in ticks since 1970-01-01T00:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grid {
    /// Shorter than days.
    Ticks {
        step: i64,
    },
    Days {
        step: i64,
        origin: i64,
    },
    Months {
        months: i64,
        a_day: i64,
    },
}

/// The boundaries around a time; one beyond 64 bits of ticks is cut off at their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Around {
    /// The last one that is not behind the time.
    pub(super) before: i64,
    /// The next one.
    pub(super) behind: i64,
    /// Whether `before` has an even number, counted from the origin.
    pub(super) even: bool,
}

impl Grid {
    /// `None` where the time is not within 5 million years.
    #[inline]
    pub(super) fn around(self, at: i64) -> Option<Around> {
        match self {
            Grid::Ticks { step } => steps(at, step, 0),
            Grid::Days { step, origin } => steps(at, step, origin),
            Grid::Months { months, a_day } => {
                let (year, month, _) = civil_from_days(i32::try_from(at.div_euclid(a_day)).ok()?);
                let index = (i64::from(year) * 12 + i64::from(month) - 1).div_euclid(months);
                let boundary = |index: i64| Some(first_of(index.checked_mul(months)?)?.saturating_mul(a_day));
                Some(Around {
                    before: boundary(index)?,
                    behind: boundary(index + 1)?,
                    even: index.rem_euclid(2) == 0,
                })
            }
        }
    }
}

#[inline]
fn steps(at: i64, step: i64, origin: i64) -> Option<Around> {
    let since = at.checked_sub(origin)?;
    let rest = since.rem_euclid(step);
    // Each end of the row may be beyond 64 bits though the other is not.
    let (before, behind) = (at.saturating_sub(rest), at.saturating_add(step - rest));
    Some(Around { before, behind, even: since.div_euclid(step).rem_euclid(2) == 0 })
}

/// The first day of a month that is counted from January of the year 0.
fn first_of(month: i64) -> Option<i64> {
    const YEARS_MAX: i32 = 5_000_000;
    let year =
        i32::try_from(month.div_euclid(12)).ok().filter(|year| (-YEARS_MAX..YEARS_MAX).contains(year))?;
    Some(days_from_civil(year, month.rem_euclid(12) as u32 + 1, 1).into())
}
