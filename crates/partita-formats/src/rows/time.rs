//! Dates and timestamps in ISO 8601.

use std::io::Write;

use arrow::array::timezone::Tz;
use arrow::datatypes::TimeUnit;
use chrono::{DateTime, Offset, TimeZone};

use crate::csv::value::Unit;

const SECONDS_A_DAY: i64 = 86_400;

/// All numbers of two digits.
const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

#[inline]
fn pair(number: u32) -> [u8; 2] {
    let at = (number % 100) as usize * 2;
    [PAIRS[at], PAIRS[at + 1]]
}

/// Timestamps of one unit.
pub(super) struct Ticks<'a> {
    values: &'a [i64],
    per_second: i64,
}

impl<'a> Ticks<'a> {
    pub(super) fn new(values: &'a [i64], unit: TimeUnit) -> Self {
        Self { values, per_second: Unit::new(unit).per_second }
    }

    /// Seconds since 1970 of a row, and nanoseconds after them.
    #[inline]
    pub(super) fn get(&self, row: usize) -> (i64, u32) {
        let ticks = self.values[row];
        let nanoseconds = ticks.rem_euclid(self.per_second) * (1_000_000_000 / self.per_second);
        (ticks.div_euclid(self.per_second), nanoseconds as u32)
    }
}

/// Writes the times of one column; it remembers the last day.
#[derive(Debug)]
pub(super) struct Clock {
    between: u8,
    zone: Zone,
    day: i64,
    date: Vec<u8>,
}

#[derive(Debug)]
enum Zone {
    None,
    Utc,
    Named(Tz),
}

impl Clock {
    /// For a zone of Arrow's; one that nobody knows is shown as UTC, which is the same instants.
    pub(super) fn new(between: u8, zone: Option<&str>) -> Self {
        let zone = match zone {
            None => Zone::None,
            Some("UTC" | "utc" | "Z" | "Etc/UTC" | "+00:00") => Zone::Utc,
            Some(name) => name.parse().map_or(Zone::Utc, Zone::Named),
        };
        let mut clock = Self { between, zone, day: 0, date: Vec::new() };
        clock.set_day(0);
        clock
    }

    fn set_day(&mut self, day: i64) {
        self.day = day;
        self.date.clear();
        let (year, month, day) = civil_from_days(day);
        if let Ok(year) = u32::try_from(year)
            && year <= 9999
        {
            self.date.extend(pair(year / 100).into_iter().chain(pair(year)));
        } else {
            // Writing to a vector cannot fail.
            let _ = write!(self.date, "{year:+05}");
        }
        let [m1, m2] = pair(month);
        let [d1, d2] = pair(day);
        self.date.extend_from_slice(&[b'-', m1, m2, b'-', d1, d2]);
    }

    /// Adds a date, in days since 1970.
    #[inline]
    pub(super) fn push_date(&mut self, out: &mut Vec<u8>, day: i64) {
        if day != self.day {
            self.set_day(day);
        }
        out.extend_from_slice(&self.date);
    }

    /// Adds a timestamp, in seconds since 1970 and nanoseconds after them.
    #[inline]
    pub(super) fn push_stamp(&mut self, out: &mut Vec<u8>, seconds: i64, nanoseconds: u32) {
        let offset = match &self.zone {
            Zone::None | Zone::Utc => 0,
            Zone::Named(zone) => offset(*zone, seconds),
        };
        let local = seconds.saturating_add(offset.into());
        self.push_date(out, local.div_euclid(SECONDS_A_DAY));
        let second = local.rem_euclid(SECONDS_A_DAY) as u32;
        let ([h1, h2], [m1, m2], [s1, s2]) = (pair(second / 3600), pair(second / 60 % 60), pair(second % 60));
        out.extend_from_slice(&[self.between, h1, h2, b':', m1, m2, b':', s1, s2]);
        if nanoseconds > 0 {
            push_fraction(out, nanoseconds);
        }
        match &self.zone {
            Zone::None => {}
            Zone::Utc => out.push(b'Z'),
            Zone::Named(_) if offset == 0 => out.push(b'Z'),
            Zone::Named(_) => {
                let minutes = offset.unsigned_abs() / 60;
                let ([h1, h2], [m1, m2]) = (pair(minutes / 60), pair(minutes % 60));
                out.extend_from_slice(&[if offset < 0 { b'-' } else { b'+' }, h1, h2, b':', m1, m2]);
            }
        }
    }
}

/// Seconds east of UTC; 0 where the offset is no number of minutes, which ISO 8601 cannot say.
fn offset(zone: Tz, seconds: i64) -> i32 {
    let Some(time) = DateTime::from_timestamp(seconds, 0) else { return 0 };
    let offset = zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc();
    if offset % 60 == 0 { offset } else { 0 }
}

/// A point and 3, 6 or 9 digits.
fn push_fraction(out: &mut Vec<u8>, nanoseconds: u32) {
    let (digits, width) = match nanoseconds {
        n if n % 1_000_000 == 0 => (n / 1_000_000, 3),
        n if n % 1_000 == 0 => (n / 1_000, 6),
        n => (n, 9),
    };
    // Writing to a vector cannot fail.
    let _ = write!(out, ".{digits:0width$}");
}

/// Year, month and day of a number of days since 1970-01-01: `civil_from_days` of Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms".
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike};
    use proptest::prelude::*;

    use super::*;

    fn stamp(zone: Option<&str>, seconds: i64, nanoseconds: u32) -> String {
        let mut out = Vec::new();
        Clock::new(b' ', zone).push_stamp(&mut out, seconds, nanoseconds);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn zones_are_clock_time_and_offset() {
        assert_eq!(stamp(None, 1_709_209_800, 0), "2024-02-29 12:30:00");
        assert_eq!(stamp(Some("UTC"), 1_709_209_800, 5_000_000), "2024-02-29 12:30:00.005Z");
        assert_eq!(stamp(Some("Europe/Berlin"), 1_719_835_200, 7_000), "2024-07-01 14:00:00.000007+02:00");
        assert_eq!(stamp(Some("-03:30"), 1_719_835_200, 7), "2024-07-01 08:30:00.000000007-03:30");
        // Amsterdam was 19 minutes and 32 seconds ahead.
        assert_eq!(stamp(Some("Europe/Amsterdam"), -1_577_923_200, 0), "1920-01-01 00:00:00Z");
        assert_eq!(stamp(None, i64::MAX, 0).split('-').next(), Some("+292277026596"));
    }

    proptest! {
        #[test]
        fn stamps_are_those_of_chrono(seconds in -80_000_000_000_i64..300_000_000_000, nanoseconds in 0_u32..1_000_000_000) {
            let time = DateTime::from_timestamp(seconds, nanoseconds).unwrap();
            let expected = match time.year() {
                0..=9999 => time.format("%Y-%m-%d %H:%M:%S%.f").to_string(),
                year => format!("{year:+05}{}", time.format("-%m-%d %H:%M:%S%.f")),
            };
            prop_assert_eq!(stamp(None, seconds, nanoseconds), expected);
        }
    }
}
