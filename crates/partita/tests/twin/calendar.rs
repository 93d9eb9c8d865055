//! Days, clocks and texts of them, by counting.

use crate::cells::Cell;
use crate::random::Random;

pub(crate) const HOUR_NS: i128 = 3_600_000_000_000;
pub(crate) const DAY_NS: i128 = 24 * HOUR_NS;

pub(crate) fn is_leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn month_days(year: i128, month: i128) -> i128 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub(crate) fn year_days(year: i128) -> i128 {
    if is_leap(year) { 366 } else { 365 }
}

/// Days from 1970-01-01 to a day of any year from 0 on.
pub(crate) fn days(year: i128, month: i128, day: i128) -> i128 {
    let cycles = year.div_euclid(400);
    let mut days = cycles * 146_097 - 719_528;
    (cycles * 400..year).for_each(|year| days += year_days(year));
    (1..month).for_each(|month| days += month_days(year, month));
    days + day - 1
}

/// Year, month and day.
pub(crate) fn date(day: i128) -> (i128, i128, i128) {
    let cycles = (day - days(0, 1, 1)).div_euclid(146_097);
    let mut rest = (day - days(0, 1, 1)).rem_euclid(146_097);
    let (mut year, mut month) = (cycles * 400, 1);
    while rest >= year_days(year) {
        rest -= year_days(year);
        year += 1;
    }
    while rest >= month_days(year, month) {
        rest -= month_days(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

/// Monday is 0: 1970-01-01 was a Thursday.
pub(crate) fn weekday(day: i128) -> i128 {
    (day + 3).rem_euclid(7)
}

/// The year and the number of the week whose Thursday lies in the year.
pub(crate) fn iso_week(day: i128) -> (i128, i128) {
    let thursday = day - weekday(day) + 3;
    let year = date(thursday).0;
    (year, (thursday - days(year, 1, 1)) / 7 + 1)
}

/// The last Sunday of a month, or the one with a number from 0.
fn sunday(year: i128, month: i128, number: Option<i128>) -> i128 {
    match number {
        Some(number) => {
            let first = days(year, month, 1);
            first + (6 - weekday(first)) + 7 * number
        }
        None => {
            let last = days(year, month, month_days(year, month));
            last - (weekday(last) + 1) % 7
        }
    }
}

/// How far clocks of a zone are before UTC, in nanoseconds, in the years from 2008 to 2036.
pub(crate) fn offset(kind: &str, utc: i128) -> i128 {
    let year = date(utc.div_euclid(DAY_NS)).0;
    match kind {
        // Set at 1:00 UTC, on the last Sundays of March and October.
        "berlin" => {
            let begin = sunday(year, 3, None) * DAY_NS + HOUR_NS;
            let end = sunday(year, 10, None) * DAY_NS + HOUR_NS;
            if (begin..end).contains(&utc) { 2 * HOUR_NS } else { HOUR_NS }
        }
        // Set at 2:00 of its clocks, on the second Sunday of March and the first of November.
        "york" => {
            let begin = sunday(year, 3, Some(1)) * DAY_NS + 7 * HOUR_NS;
            let end = sunday(year, 11, Some(0)) * DAY_NS + 6 * HOUR_NS;
            if (begin..end).contains(&utc) { -4 * HOUR_NS } else { -5 * HOUR_NS }
        }
        "fixed" => 5 * HOUR_NS + HOUR_NS / 2,
        _ => 0,
    }
}

/// What clocks of the column show, in nanoseconds; midnight of a day.
pub(crate) fn local(kind: &str, cell: &Cell) -> i128 {
    match cell {
        Cell::Day(day) => i128::from(*day) * DAY_NS,
        Cell::Time(ns) => ns + offset(kind, *ns),
        other => panic!("no time: {other:?}"),
    }
}

/// When clocks of a zone show a time, earliest first.
pub(crate) fn shown(kind: &str, local: i128) -> Vec<i128> {
    let mut offsets = vec![offset(kind, local - 2 * DAY_NS), offset(kind, local + 2 * DAY_NS)];
    offsets.sort_unstable_by_key(|offset| -offset);
    offsets.dedup();
    let at = offsets.into_iter().map(|before| (local - before, before));
    at.filter(|(utc, before)| offset(kind, *utc) == *before).map(|(utc, _)| utc).collect()
}

/// `2020-02-29`, sometimes no such day.
pub(crate) fn date_text(day: i128, random: &mut Random) -> String {
    let (year, month, day) = date(day);
    match random.below(8) {
        0 => format!("{year:04}-02-30"),
        1 => format!("{year:04}-{month}-{day:02}x"),
        2 => format!(" {year:04}-{month:02}-{day:02}\t"),
        3 => format!("{day:02}.{month:02}.{year:04}"),
        _ => format!("{year:04}-{month:02}-{day:02}"),
    }
}

/// `2020-02-29 12:30:00.5`, sometimes no such time.
pub(crate) fn time_text(day: i128, random: &mut Random) -> String {
    let (year, month, day) = date(day);
    let (hour, minute, second) = (random.below(24), random.below(60), random.below(60));
    let date = format!("{year:04}-{month:02}-{day:02}");
    match random.below(9) {
        0 => date,
        1 => format!("{date} 24:00"),
        2 => format!("{date}T{hour:02}:{minute:02}"),
        3 => format!("{date} {hour:02}:{minute:02}:{second:02}.{:03}", random.below(1000)),
        4 => format!(" {date}T{hour:02}:{minute:02}:{second:02}.{:06} ", random.below(1_000_000)),
        5 => format!("{date} {hour:02}:{minute:02}:{second:02}.123456789"),
        6 => format!("{date} {hour:02}:{minute:02}:{second:02} noon"),
        _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
    }
}

#[test]
fn days_are_counted() {
    assert_eq!((days(1970, 1, 1), days(2000, 3, 1), days(1, 1, 1)), (0, 11_017, -719_162));
    assert_eq!(days(9999, 12, 31), 2_932_896);
    for day in (-719_162..2_932_896).step_by(997) {
        let (year, month, of_month) = date(day);
        assert_eq!(days(year, month, of_month), day);
    }
    // 2021-01-03 was a Sunday of the last week of 2020.
    assert_eq!((weekday(days(2021, 1, 3)), iso_week(days(2021, 1, 3))), (6, (2020, 53)));
    assert_eq!(date(sunday(2021, 3, None)), (2021, 3, 28));
    assert_eq!(date(sunday(2021, 11, Some(0))), (2021, 11, 7));
}
