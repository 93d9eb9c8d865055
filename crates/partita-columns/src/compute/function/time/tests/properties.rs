//! Random times against `chrono`, over all its years and all units, with zones of many habits.

use chrono::format::StrftimeItems;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike};
use proptest::prelude::*;

use super::super::zone::{Shown, Zone};
use super::*;
use crate::compute::cast::time::{array as as_times, per_second};

const UNITS: [TimeUnit; 4] =
    [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];

/// With daylight saving in the north and the south, of half hours, at midnight, and none; that left a day out.
const ZONES: [&str; 10] = [
    "UTC",
    "+05:30",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
];

/// Seconds and nanoseconds, from the year 1 to 9999, many of them near where clocks were set.
fn moments() -> impl Strategy<Value = Vec<Option<(i64, u32)>>> {
    let second = prop_oneof![
        -62_135_596_800_i64..253_402_300_800,
        1_000_000_000_i64..2_000_000_000,
        (0_i64..40, 0_i64..30_000_000).prop_map(|(year, second)| (365 * year + year / 4) * 86_400 + second),
        proptest::sample::select(vec![-62_135_596_800, 253_402_300_799, 0, -1, 951_782_400]),
    ];
    let moment = (second, prop_oneof![Just(0_u32), 0_u32..1_000_000_000, Just(999_999_999)]);
    prop::collection::vec(proptest::option::weighted(0.9, moment), 1..20)
}

/// The moments in a unit, cut down to its ticks, those that it cannot hold as nulls.
fn rows(
    moments: &[Option<(i64, u32)>],
    unit: TimeUnit,
    zone: Option<&str>,
) -> (ArrayRef, Vec<Option<NaiveDateTime>>) {
    let per_second = per_second(unit);
    let tick = 1_000_000_000 / per_second;
    let counts: Vec<Option<i64>> = moments
        .iter()
        .map(|moment| {
            let (second, nanosecond) = (*moment)?;
            second.checked_mul(per_second)?.checked_add(i64::from(nanosecond) / tick)
        })
        .collect();
    let naive = counts.iter().map(|count| {
        let count = (*count)?;
        let nanosecond = u32::try_from(count.rem_euclid(per_second) * tick).ok()?;
        DateTime::from_timestamp(count.div_euclid(per_second), nanosecond).map(|at| at.naive_utc())
    });
    let naive = naive.collect();
    (as_times(Int64Array::from(counts), unit, zone.map(Arc::from).as_ref()), naive)
}

/// What clocks show, by `chrono`.
fn local(at: NaiveDateTime, zone: Option<&str>) -> NaiveDateTime {
    match zone {
        None => at,
        Some(zone) => {
            let tz: arrow::array::timezone::Tz = zone.parse().unwrap();
            tz.from_utc_datetime(&at).naive_local()
        }
    }
}

fn zones() -> impl Strategy<Value = Option<&'static str>> {
    proptest::option::of(proptest::sample::select(ZONES.to_vec()))
}

fn units() -> impl Strategy<Value = TimeUnit> {
    proptest::sample::select(UNITS.to_vec())
}

/// The count of a row, of a column of any unit.
fn count(column: &ArrayRef, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| crate::compute::physical::ticks(column).unwrap()[row])
}

type Part = (&'static Spec, fn(&NaiveDateTime) -> i64);

const PARTS: [Part; 15] = [
    (&YEAR, |at| at.year().into()),
    (&QUARTER, |at| at.month0() as i64 / 3 + 1),
    (&MONTH, |at| at.month().into()),
    (&DAY, |at| at.day().into()),
    (&HOUR, |at| at.hour().into()),
    (&MINUTE, |at| at.minute().into()),
    (&SECOND, |at| at.second().into()),
    (&MILLISECOND, |at| (at.nanosecond() / 1_000_000).into()),
    (&MICROSECOND, |at| (at.nanosecond() / 1_000).into()),
    (&NANOSECOND, |at| at.nanosecond().into()),
    (&WEEKDAY, |at| at.weekday().num_days_from_monday().into()),
    (&DAY_OF_YEAR, |at| at.ordinal().into()),
    (&ISO_WEEK, |at| at.iso_week().week().into()),
    (&ISO_YEAR, |at| at.iso_week().year().into()),
    (&DAYS_IN_MONTH, |at| {
        let first = at.date().with_day(1).unwrap();
        let next = first.checked_add_months(chrono::Months::new(1)).unwrap();
        (next - first).num_days()
    }),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn parts_are_those_of_chrono(moments in moments(), unit in units(), zone in zones()) {
        let (column, naive) = rows(&moments, unit, zone);
        let local: Vec<_> = naive.into_iter().map(|at| at.map(|at| local(at, zone))).collect();
        for (spec, part) in PARTS {
            let got: Vec<Option<i64>> = parts(spec, &Value::Array(Arc::clone(&column)))
                .into_iter()
                .map(|value| value.map(i64::from))
                .collect();
            let expected: Vec<Option<i64>> = local.iter().map(|at| at.as_ref().map(part)).collect();
            prop_assert_eq!(got, expected, "{}", spec.name);
        }
        let leap = crate::compute::function::tests::column(&IS_LEAP_YEAR, &[Value::Array(column)]);
        let expected: Vec<_> = local.iter().map(|at| at.map(|at| at.date().leap_year())).collect();
        prop_assert_eq!(leap.as_boolean().iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn times_are_written_as_chrono_does(
        moments in moments(),
        unit in units(),
        zone in zones(),
        format in proptest::sample::select(vec!["%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%A, %e %b %G-W%V %I:%M%p %.3f", "%FT%T"]),
    ) {
        let (column, naive) = rows(&moments, unit, zone);
        let got = crate::compute::function::tests::column(&STRFTIME, &[Value::Array(column), lit(format)]);
        let items: Vec<_> = StrftimeItems::new(format).collect();
        for (row, at) in naive.iter().enumerate() {
            let expected = at.map(|at| local(at, zone).format_with_items(items.iter()).to_string());
            let got = got.is_valid(row).then(|| got.as_string_view().value(row).to_owned());
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn wall_clocks_are_rounded_to_steps(
        moments in moments(),
        unit in units(),
        step in prop_oneof![(1_i64..60, Just("s")), (1_i64..90, Just("min")), (1_i64..50, Just("h")), (1_i64..400, Just("d"))],
    ) {
        let (column, _) = rows(&moments, unit, None);
        let seconds = step.0 * match step.1 { "s" => 1, "min" => 60, "h" => 3_600, _ => 86_400 };
        let every = lit(format!("{}{}", step.0, step.1).as_str());
        let wide = i128::from(seconds) * i128::from(per_second(unit));
        for row in 0..column.len() {
            let one = Value::Array(column.slice(row, 1));
            let Some(at) = count(&column, row).map(i128::from) else { continue };
            let before = at.div_euclid(wide) * wide;
            let (rest, even) = (at - before, at.div_euclid(wide) % 2 == 0);
            let behind = if rest == 0 { before } else { before + wide };
            let half = match (rest * 2).cmp(&wide) {
                std::cmp::Ordering::Less => before,
                std::cmp::Ordering::Equal if even => before,
                _ => behind,
            };
            for (spec, expected) in [(&TIME_FLOOR, before), (&TIME_CEIL, behind), (&TIME_ROUND, half)] {
                match call(spec, &[one.clone(), every.clone()]) {
                    Ok(Value::Array(got)) => prop_assert_eq!(count(&got, 0).map(i128::from), Some(expected)),
                    other => prop_assert!(i64::try_from(expected).is_err(), "{:?}", other),
                }
            }
        }
    }

    #[test]
    fn months_begin_on_their_first(moments in moments(), months in 1_u32..40) {
        let (column, naive) = rows(&moments, TimeUnit::Millisecond, None);
        let every = lit(format!("{months}mo").as_str());
        let values = [Value::Array(Arc::clone(&column)), every];
        let before = crate::compute::function::tests::column(&TIME_FLOOR, &values);
        let behind = crate::compute::function::tests::column(&TIME_CEIL, &values);
        for (row, at) in naive.iter().enumerate() {
            let Some(at) = at else { continue };
            // By steps back from the month itself, to one whose number the frequency divides.
            let mut first = at.date().with_day(1).unwrap();
            while (i64::from(first.year()) * 12 + i64::from(first.month0())).rem_euclid(months.into()) != 0 {
                first = first.checked_sub_months(chrono::Months::new(1)).unwrap();
            }
            let millis = |date: NaiveDate| date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_millis();
            prop_assert_eq!(count(&before, row), Some(millis(first)));
            let next = match at.and_utc().timestamp_millis() == millis(first) {
                true => first,
                false => first.checked_add_months(chrono::Months::new(months)).unwrap(),
            };
            prop_assert_eq!(count(&behind, row), Some(millis(next)));
        }
    }

    #[test]
    fn days_of_zones_begin_and_end(moments in moments(), zone in proptest::sample::select(ZONES.to_vec())) {
        let (column, naive) = rows(&moments, TimeUnit::Second, Some(zone));
        let values = [Value::Array(Arc::clone(&column)), lit("1d")];
        let before = crate::compute::function::tests::column(&TIME_FLOOR, &values);
        let behind = crate::compute::function::tests::column(&TIME_CEIL, &values);
        for (row, at) in naive.iter().enumerate() {
            let (Some(at), Some(second)) = (at, count(&column, row)) else { continue };
            let (before, behind) = (count(&before, row).unwrap(), count(&behind, row).unwrap());
            prop_assert!(before <= second && second <= behind);
            let shown = |second: i64| {
                let at = DateTime::from_timestamp(second, 0).unwrap().naive_utc();
                local(at, Some(zone))
            };
            // The day is that of the time, and a second earlier it is another.
            let day = local(*at, Some(zone)).date();
            prop_assert_eq!(shown(before).date(), day);
            prop_assert!(shown(before - 1).date() < day);
            if behind > second {
                prop_assert!(shown(behind).date() > day);
                prop_assert!(shown(behind - 1).date() <= day || shown(behind).time().num_seconds_from_midnight() == 0);
                prop_assert!(behind - before <= 49 * 3_600);
            }
        }
    }

    #[test]
    fn offsets_are_those_of_chrono(moments in moments(), zone in proptest::sample::select(ZONES.to_vec())) {
        let tz: arrow::array::timezone::Tz = zone.parse().unwrap();
        let mut looked_up = Zone::new(zone).unwrap();
        for (second, _) in moments.into_iter().flatten() {
            // Around the second, so that spans are met again.
            for near in [second, second + 900, second - 7_200, second + 86_400] {
                let at = DateTime::from_timestamp(near, 0).unwrap().naive_utc();
                let offset = i64::from(tz.offset_from_utc_datetime(&at).fix().local_minus_utc());
                prop_assert_eq!(looked_up.offset(near), Some(offset));
                // There and back again: the local time is shown at this second.
                let shown = looked_up.shown(near + offset).unwrap();
                match shown {
                    Shown::Once(once) => prop_assert_eq!(once, near),
                    Shown::Twice(a, b) => prop_assert!(a == near || b == near),
                    Shown::Never(_) => prop_assert!(false, "it is shown at {}", near),
                }
            }
            // A local time that is never shown lies where clocks were set forward.
            if let Some(Shown::Never(set)) = looked_up.shown(second) {
                let before = looked_up.offset(set - 1).unwrap();
                let behind = looked_up.offset(set).unwrap();
                prop_assert!((set + before..set + behind).contains(&second));
            }
        }
    }

    #[test]
    fn local_times_come_back(moments in moments(), unit in units(), zone in proptest::sample::select(ZONES.to_vec())) {
        let (column, naive) = rows(&moments, unit, Some(zone));
        let wall = crate::compute::function::tests::column(&WALL_TIME, &[Value::Array(Arc::clone(&column))]);
        let local_of = |twice: &'static str| {
            let values = [Value::Array(Arc::clone(&wall)), lit(zone), lit(twice)];
            crate::compute::function::tests::column(&LOCALIZE, &values)
        };
        let (earliest, latest) = (local_of("earliest"), local_of("latest"));
        for (row, naive) in naive.into_iter().enumerate() {
            let (at, a, b) = (count(&column, row), count(&earliest, row), count(&latest, row));
            prop_assert!(at == a || at == b, "{:?}: {:?} or {:?}", at, a, b);
            let shown = naive.map(|at| local(at, Some(zone)));
            let wall = count(&wall, row);
            let expected = shown.map(|at| {
                at.and_utc().timestamp() * per_second(unit)
                    + i64::from(at.and_utc().timestamp_subsec_nanos()) / (1_000_000_000 / per_second(unit))
            });
            prop_assert_eq!(wall, expected);
        }
    }
}
