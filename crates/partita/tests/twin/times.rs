//! Functions of dates, times and spans of time.

use crate::calendar::{
    DAY_NS, HOUR_NS, date, days, is_leap, iso_week, local, month_days, offset, shown, weekday,
};
use crate::case::{Case, Out};
use crate::cells::{Cell, data_type, tick_ns};
use crate::numbers::name;
use crate::random::Random;

const TIMES: [&str; 8] = ["d", "ts_s", "ts_ms", "ts_us", "ts_ns", "berlin", "york", "fixed"];
const ZONES: [(&str, &str); 3] =
    [("berlin", "Europe/Berlin"), ("york", "America/New_York"), ("fixed", "+05:30")];

fn int(value: i128) -> Out {
    Some(Cell::Int(value))
}

/// What a part of a day or of a time is, of the day and of the nanoseconds of the day.
type Part = (&'static str, fn(i128, i128) -> i128);

const PARTS: [Part; 15] = [
    ("year", |day, _| date(day).0),
    ("quarter", |day, _| (date(day).1 + 2) / 3),
    ("month", |day, _| date(day).1),
    ("day", |day, _| date(day).2),
    ("hour", |_, ns| ns / HOUR_NS),
    ("minute", |_, ns| ns / 60_000_000_000 % 60),
    ("second", |_, ns| ns / 1_000_000_000 % 60),
    ("millisecond", |_, ns| ns % 1_000_000_000 / 1_000_000),
    ("microsecond", |_, ns| ns % 1_000_000_000 / 1_000),
    ("nanosecond", |_, ns| ns % 1_000_000_000),
    ("weekday", |day, _| weekday(day)),
    ("day_of_year", |day, _| day - days(date(day).0, 1, 1) + 1),
    ("iso_week", |day, _| iso_week(day).1),
    ("iso_year", |day, _| iso_week(day).0),
    ("days_in_month", |day, _| month_days(date(day).0, date(day).1)),
];

pub(crate) fn cases(random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in TIMES {
        parts(&mut cases, kind);
        written(&mut cases, kind, random);
        rounded(&mut cases, kind, random);
    }
    zones(&mut cases);
    localized(&mut cases);
    spans(&mut cases);
    cases
}

fn parts(cases: &mut Vec<Case>, kind: &'static str) {
    let column = format!("{kind}_a");
    for (function, part) in PARTS {
        cases.push(Case::of(format!("{function}({column})"), "Int32", [&column], move |[t]| {
            let at = local(kind, t);
            int(part(at.div_euclid(DAY_NS), at.rem_euclid(DAY_NS)))
        }));
    }
    cases.push(Case::of(format!("is_leap_year({column})"), "Boolean", [&column], move |[t]| {
        Some(Cell::Bool(is_leap(date(local(kind, t).div_euclid(DAY_NS)).0)))
    }));
    cases.push(Case::of(format!("date({column})"), "Date32", [&column], move |[t]| {
        Some(Cell::Day(local(kind, t).div_euclid(DAY_NS) as i64))
    }));
    cases.push(Case::of(format!("normalize({column})"), name(kind), [&column], move |[t]| {
        boundary(kind, local(kind, t).div_euclid(DAY_NS) * DAY_NS)
    }));
}

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn written(cases: &mut Vec<Case>, kind: &'static str, random: &mut Random) {
    let formats = [
        "%Y-%m-%d %H:%M:%S",
        "%d.%m.%Y",
        "%A, %-d. %B %y %j",
        "%a %b %e %I:%M %p",
        "%G-W%V-%u",
        "%F %T%.6f",
        "100%% %Y",
        "%z",
    ];
    let zoned = ZONES.iter().any(|(zone, _)| *zone == kind);
    let format = formats[random.below(if zoned { 8 } else { 7 })];
    let column = format!("{kind}_a");
    cases.push(Case::of(format!("strftime({column}, '{format}')"), "Utf8", [&column], move |[t]| {
        let at = local(kind, t);
        let (day, ns) = (at.div_euclid(DAY_NS), at.rem_euclid(DAY_NS));
        let (year, month, of_month) = date(day);
        let (hour, minute, second) = (ns / HOUR_NS, ns / 60_000_000_000 % 60, ns / 1_000_000_000 % 60);
        let zone = match t {
            Cell::Time(utc) => offset(kind, *utc) / 60_000_000_000,
            _ => 0,
        };
        let (iso_year, week) = iso_week(day);
        let (week_day, half) = (weekday(day), if hour < 12 { "AM" } else { "PM" });
        let twelve = (hour + 11) % 12 + 1;
        Some(Cell::Text(match format {
            "%Y-%m-%d %H:%M:%S" => {
                format!("{year:04}-{month:02}-{of_month:02} {hour:02}:{minute:02}:{second:02}")
            }
            "%d.%m.%Y" => format!("{of_month:02}.{month:02}.{year:04}"),
            "%A, %-d. %B %y %j" => format!(
                "{}, {of_month}. {} {:02} {:03}",
                WEEKDAYS[week_day as usize],
                MONTHS[month as usize - 1],
                year % 100,
                day - days(year, 1, 1) + 1
            ),
            "%a %b %e %I:%M %p" => format!(
                "{} {} {of_month:2} {twelve:02}:{minute:02} {half}",
                &WEEKDAYS[week_day as usize][..3],
                &MONTHS[month as usize - 1][..3]
            ),
            "%G-W%V-%u" => format!("{iso_year:04}-W{week:02}-{}", week_day + 1),
            "%F %T%.6f" => format!(
                "{year:04}-{month:02}-{of_month:02} {hour:02}:{minute:02}:{second:02}.{:06}",
                ns % 1_000_000_000 / 1_000
            ),
            "100%% %Y" => format!("100% {year:04}"),
            _ => format!("{}{:02}{:02}", if zone < 0 { '-' } else { '+' }, zone.abs() / 60, zone.abs() % 60),
        }))
    }));
}

/// A boundary on local clocks as a value of the column: when they show it first, or were set over it.
fn boundary(kind: &str, local: i128) -> Out {
    match kind {
        "d" => Some(Cell::Day(local.div_euclid(DAY_NS) as i64)),
        "berlin" | "york" | "fixed" => {
            Some(Cell::Time(*shown(kind, local).first().expect("midnight is never left out in these zones")))
        }
        // A boundary before or behind what 64 bits of ticks hold is an error.
        "ts_ns" if i64::try_from(local).is_err() => None,
        _ => Some(Cell::Time(local)),
    }
}

/// The boundaries around a local time, and whether the first one has an even number.
fn around(at: i128, number: i128, unit: &str) -> (i128, i128, bool) {
    let steps = |step: i128, origin: i128| {
        let index = (at - origin).div_euclid(step);
        (origin + index * step, origin + (index + 1) * step, index.rem_euclid(2) == 0)
    };
    let months = |months: i128| {
        let (year, month, _) = date(at.div_euclid(DAY_NS));
        let index = (year * 12 + month - 1).div_euclid(months);
        let first = |index: i128| {
            let month = index * months;
            days(month.div_euclid(12), month.rem_euclid(12) + 1, 1) * DAY_NS
        };
        (first(index), first(index + 1), index.rem_euclid(2) == 0)
    };
    match unit {
        "s" => steps(number * 1_000_000_000, 0),
        "min" => steps(number * 60_000_000_000, 0),
        "h" => steps(number * HOUR_NS, 0),
        "d" => steps(number * DAY_NS, 0),
        "w" => steps(number * 7 * DAY_NS, -3 * DAY_NS),
        "mo" => months(number),
        "q" => months(3 * number),
        _ => months(12 * number),
    }
}

fn rounded(cases: &mut Vec<Case>, kind: &'static str, random: &mut Random) {
    let units = ["d", "w", "mo", "q", "y", "s", "min", "h"];
    let unit = units[random.below(if kind == "d" { 5 } else { 8 })];
    let zone = ZONES.iter().any(|(zone, _)| *zone == kind);
    // The rules of zones are known for some years only.
    let most = match unit {
        "y" if zone => 2,
        "q" if zone => 8,
        "mo" if zone => 24,
        "y" => 12,
        _ => 30,
    };
    let number = 1 + random.below(most) as i128;
    let column = format!("{kind}_a");
    for function in ["time_floor", "time_ceil", "time_round"] {
        let text = format!("{function}({column}, '{number}{unit}')");
        cases.push(Case::of(text, name(kind), [&column], move |[t]| {
            let on_clocks = local(kind, t);
            let (before, behind, even) = around(on_clocks, number, unit);
            let ns = |cell: Cell| match cell {
                Cell::Time(ns) => ns,
                Cell::Day(day) => i128::from(day) * DAY_NS,
                other => panic!("{other:?}"),
            };
            // Of instants, what is shorter than a day is counted with the offset of the instant.
            let (at, before, behind) = match (t, unit) {
                (Cell::Time(at), "s" | "min" | "h") if zone => {
                    let shift = on_clocks - at;
                    (*at, Some(before - shift), Some(behind - shift))
                }
                (Cell::Time(at), _) => (*at, boundary(kind, before).map(ns), boundary(kind, behind).map(ns)),
                _ => (on_clocks, boundary(kind, before).map(ns), boundary(kind, behind).map(ns)),
            };
            let value = |ns: Option<i128>| {
                let ns = ns?;
                Some(if kind == "d" { Cell::Day(ns.div_euclid(DAY_NS) as i64) } else { Cell::Time(ns) })
            };
            match (function, before, behind) {
                ("time_floor", before, _) => value(before),
                ("time_ceil", Some(before), _) if before == at => value(Some(before)),
                ("time_ceil", _, behind) => value(behind),
                (_, Some(before), Some(behind)) => value(Some(match (at - before).cmp(&(behind - at)) {
                    std::cmp::Ordering::Less => before,
                    std::cmp::Ordering::Equal if even => before,
                    _ => behind,
                })),
                // It is the nearest for sure where it is nearer than the end of the type.
                (_, Some(before), None) if at - before < i128::from(i64::MAX) - at => value(Some(before)),
                (_, None, Some(behind)) if behind - at <= at - i128::from(i64::MIN) => value(Some(behind)),
                _ => None,
            }
        }));
    }
}

fn zones(cases: &mut Vec<Case>) {
    for (kind, _) in ZONES {
        let column = format!("{kind}_a");
        let DataTypeParts { unit, .. } = parts_of(kind);
        for (_, zone) in ZONES.iter().chain(&[("", "UTC")]) {
            let to = format!("Timestamp({unit}, {zone})");
            cases.push(Case::of(format!("convert_zone({column}, '{zone}')"), to, [&column], |[t]| {
                Some(t.clone())
            }));
        }
        cases.push(Case::of(
            format!("wall_time({column})"),
            format!("Timestamp({unit})"),
            [&column],
            move |[t]| Some(Cell::Time(local(kind, t))),
        ));
        cases.push(Case::of(format!("utc_offset({column})"), "Duration(s)", [&column], move |[t]| match t {
            Cell::Time(utc) => Some(Cell::Span(offset(kind, *utc))),
            other => panic!("{other:?}"),
        }));
    }
}

struct DataTypeParts {
    unit: &'static str,
    tick: i128,
}

fn parts_of(kind: &str) -> DataTypeParts {
    use partita::arrow::datatypes::{DataType, TimeUnit};
    match data_type(kind) {
        DataType::Timestamp(unit, _) => DataTypeParts {
            unit: match unit {
                TimeUnit::Second => "s",
                TimeUnit::Millisecond => "ms",
                TimeUnit::Microsecond => "us",
                TimeUnit::Nanosecond => "ns",
            },
            tick: tick_ns(unit),
        },
        other => panic!("no time: {other}"),
    }
}

fn localized(cases: &mut Vec<Case>) {
    let tick = parts_of("wall").tick;
    for (kind, zone) in [("berlin", "Europe/Berlin"), ("york", "America/New_York")] {
        for twice in ["error", "earliest", "latest", "null"] {
            for never in ["error", "forward", "backward", "null"] {
                let text = format!("localize(wall_a, '{zone}', '{twice}', '{never}')");
                cases.push(Case::of(text, format!("Timestamp(us, {zone})"), ["wall_a"], move |[t]| {
                    let local = local("", t);
                    let times = shown(kind, local);
                    Some(match (times.as_slice(), twice, never) {
                        ([once], ..) => Cell::Time(*once),
                        ([], _, "error") | ([_, ..], "error", _) => return None,
                        ([], _, "null") | ([_, ..], "null", _) => Cell::Null,
                        ([], _, way) => {
                            // The first instant at which clocks show a later time.
                            let before = local - offset(kind, local - 2 * DAY_NS);
                            let set = before.div_euclid(HOUR_NS) * HOUR_NS;
                            Cell::Time(if way == "forward" { set } else { set - tick })
                        }
                        (all, "earliest", _) => Cell::Time(all[0]),
                        (all, ..) => Cell::Time(all[all.len() - 1]),
                    })
                }));
            }
        }
    }
    cases
        .push(Case::of("localize(ts_ns_a, 'UTC')", "Timestamp(ns, UTC)", ["ts_ns_a"], |[t]| Some(t.clone())));
    cases.push(Case::of(
        "localize(ts_ms_a, '+05:30')",
        "Timestamp(ms, +05:30)",
        ["ts_ms_a"],
        |[t]| match t {
            Cell::Time(ns) => Some(Cell::Time(ns - 5 * HOUR_NS - HOUR_NS / 2)),
            other => panic!("{other:?}"),
        },
    ));
}

fn spans(cases: &mut Vec<Case>) {
    let floats: [(&str, i128); 4] = [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];
    let wholes: [(&str, i128); 3] =
        [("milliseconds", 1_000_000), ("microseconds", 1_000), ("nanoseconds", 1)];
    for (kind, tick) in [("dur", 1_000), ("dur_s", 1_000_000_000), ("dur_ns", 1)] {
        let column = format!("{kind}_a");
        let ns = |cell: &Cell| match cell {
            Cell::Span(ns) => *ns,
            other => panic!("no span: {other:?}"),
        };
        for (function, seconds) in floats {
            cases.push(Case::of(format!("total_{function}({column})"), "Float64", [&column], move |[t]| {
                let ticks_a_unit = seconds * 1_000_000_000 / tick;
                Some(Cell::Float((ns(t) / tick) as f64 / ticks_a_unit as f64))
            }));
        }
        for (function, unit) in wholes {
            cases.push(Case::of(format!("total_{function}({column})"), "Int64", [&column], move |[t]| {
                crate::numbers::fit(ns(t).div_euclid(unit), "Int64")
            }));
        }
    }
}
