//! Dates and times by hand, and against `chrono`.

mod properties;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, DurationMicrosecondArray, DurationSecondArray, Int64Array,
    TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};

use super::*;
use crate::compute::CastMode;
use crate::compute::cast_array;
use crate::compute::function::tests::{array, call, column};
use crate::scalar::{Scalar, Value};

fn lit(value: impl Into<Scalar>) -> Value {
    Value::Scalar(value.into())
}

/// Times of microseconds from their ISO form.
fn times(values: &[Option<&str>], zone: Option<&str>) -> Value {
    let texts: ArrayRef = Arc::new(arrow::array::StringViewArray::from(values.to_vec()));
    let to = DataType::Timestamp(TimeUnit::Microsecond, zone.map(Arc::from));
    Value::Array(cast_array(&texts, &to, CastMode::Strict).unwrap())
}

fn instants(values: &[&str], zone: &str) -> Value {
    times(&values.iter().map(|value| Some(*value)).collect::<Vec<_>>(), Some(zone))
}

/// The ISO form again; of instants in UTC.
fn shown(spec: &'static Spec, values: &[Value]) -> Vec<String> {
    let column = column(spec, values);
    (0..column.len())
        .map(|row| Scalar::try_from_array(&column, row).unwrap().to_string())
        .map(|text| text.split(['\'', '[']).nth(1).unwrap_or("null").replace(".000000", ""))
        .collect()
}

fn parts(spec: &'static Spec, values: &Value) -> Vec<Option<i32>> {
    column(spec, std::slice::from_ref(values)).as_primitive::<Int32Type>().iter().collect()
}

fn refusal(spec: &'static Spec, values: &[Value]) -> String {
    call(spec, values).unwrap_err().to_string()
}

#[test]
fn parts_of_times() {
    let at = times(&[Some("2020-02-29T13:14:15.123456"), None, Some("2021-01-03"), Some("0001-01-01")], None);
    let expected: [(&'static Spec, [i32; 3]); 15] = [
        (&YEAR, [2020, 2021, 1]),
        (&QUARTER, [1, 1, 1]),
        (&MONTH, [2, 1, 1]),
        (&DAY, [29, 3, 1]),
        (&HOUR, [13, 0, 0]),
        (&MINUTE, [14, 0, 0]),
        (&SECOND, [15, 0, 0]),
        (&MILLISECOND, [123, 0, 0]),
        (&MICROSECOND, [123_456, 0, 0]),
        (&NANOSECOND, [123_456_000, 0, 0]),
        (&WEEKDAY, [5, 6, 0]),
        (&DAY_OF_YEAR, [60, 3, 1]),
        (&ISO_WEEK, [9, 53, 1]),
        (&ISO_YEAR, [2020, 2020, 1]),
        (&DAYS_IN_MONTH, [29, 31, 31]),
    ];
    for (spec, [a, b, c]) in expected {
        assert_eq!(parts(spec, &at), [Some(a), None, Some(b), Some(c)], "{}", spec.name);
    }
    let leap = column(&IS_LEAP_YEAR, std::slice::from_ref(&at));
    assert_eq!(leap.as_boolean().iter().collect::<Vec<_>>(), [Some(true), None, Some(false), Some(false)]);
    assert_eq!(shown(&DATE, std::slice::from_ref(&at)), ["2020-02-29", "null", "2021-01-03", "0001-01-01"]);
    let midnights = ["2020-02-29 00:00:00", "null", "2021-01-03 00:00:00", "0001-01-01 00:00:00"];
    assert_eq!(shown(&NORMALIZE, &[at]), midnights);
    assert_eq!(parts(&HOUR, &array(Date32Array::from(vec![-1]))), [Some(0)]);
}

#[test]
fn parts_are_those_of_local_clocks() {
    let at = instants(&["2021-03-27T23:30Z", "2021-03-28T00:30Z", "2021-03-28T22:30Z"], "Europe/Berlin");
    assert_eq!(parts(&DAY, &at), [Some(28), Some(28), Some(29)]);
    assert_eq!(parts(&HOUR, &at), [Some(0), Some(1), Some(0)]);
    assert_eq!(shown(&DATE, std::slice::from_ref(&at)), ["2021-03-28", "2021-03-28", "2021-03-29"]);
    assert_eq!(shown(&WALL_TIME, std::slice::from_ref(&at))[0], "2021-03-28 00:30:00");
    let offsets = column(&UTC_OFFSET, std::slice::from_ref(&at));
    let offsets: &DurationSecondArray = offsets.as_primitive();
    assert_eq!(offsets.values()[..], [3600, 3600, 7200]);
    let tokyo = column(&CONVERT_ZONE, &[at.clone(), lit("Asia/Tokyo")]);
    assert_eq!(parts(&HOUR, &Value::Array(tokyo)), [Some(8), Some(9), Some(7)]);
    let fixed = column(&CONVERT_ZONE, &[at, lit("-03:30")]);
    assert_eq!(parts(&MINUTE, &Value::Array(fixed)), [Some(0), Some(0), Some(0)]);
}

#[test]
fn far_times_are_errors_and_not_panics() {
    let far = array(TimestampSecondArray::from(vec![Some(0), Some(i64::MAX)]));
    assert!(refusal(&YEAR, std::slice::from_ref(&far)).contains("row 1 of the batch"));
    let null = TimestampSecondArray::new(vec![0, i64::MIN].into(), Some(vec![true, false].into()));
    assert_eq!(parts(&YEAR, &array(null)), [Some(1970), None]);
    let zoned = array(TimestampSecondArray::from(vec![i64::MIN]).with_timezone("Asia/Tokyo"));
    for spec in [&YEAR, &NORMALIZE, &WALL_TIME, &DATE] {
        assert!(call(spec, std::slice::from_ref(&zoned)).is_err(), "{}", spec.name);
    }
    for spec in [&TIME_FLOOR, &TIME_CEIL, &TIME_ROUND] {
        for every in ["1ms", "7s", "1d", "1w", "5mo", "1000000y"] {
            let _ = call(spec, &[far.clone(), lit(every)]);
            let _ = call(spec, &[zoned.clone(), lit(every)]);
        }
    }
    let nanos = array(TimestampNanosecondArray::from(vec![i64::MIN, i64::MAX]));
    assert!(refusal(&TIME_FLOOR, &[nanos, lit("1d")]).contains("row 0"));
    let last = array(TimestampNanosecondArray::from(vec![i64::MAX]));
    assert!(refusal(&TIME_CEIL, &[last, lit("1d")]).contains("row 0"));
    assert!(refusal(&STRFTIME, &[far, lit("%Y")]).contains("row 1"));
}

#[test]
fn one_boundary_may_be_beyond_what_64_bits_hold() {
    // 2259-05-24 and 1679-05-24: years are counted from 0, and 64 bits of nanoseconds end in 2262 and begin in 1677.
    let (late, early) = (9_132_310_293_027_708_062_i64, -9_171_000_000_000_000_000_i64);
    for zone in [None, Some("Europe/Berlin"), Some("UTC")] {
        let of = |at: i64| array(TimestampNanosecondArray::from(vec![at]).with_timezone_opt(zone));
        let year = |spec: &'static Spec, at: i64| {
            let rounded = column(spec, &[of(at), lit("11y")]);
            parts(&YEAR, &Value::Array(rounded))[0]
        };
        assert_eq!((year(&TIME_FLOOR, late), year(&TIME_CEIL, early)), (Some(2255), Some(1683)));
        assert!(refusal(&TIME_CEIL, &[of(late), lit("11y")]).contains("row 0"));
        assert!(refusal(&TIME_FLOOR, &[of(early), lit("11y")]).contains("row 0"));
        let days = |spec: &'static Spec, at: i64| call(spec, &[of(at), lit("50000d")]).is_ok();
        assert_eq!([days(&TIME_FLOOR, late), days(&TIME_CEIL, late)], [true, false]);
        assert_eq!([days(&TIME_FLOOR, early), days(&TIME_CEIL, early)], [false, true]);
    }
}

#[test]
fn times_are_rounded() {
    // As pandas 3 has it: halves go to the even hour.
    let at = times(
        &[
            Some("2020-01-01T00:30:00"),
            Some("2020-01-01T01:30:00"),
            Some("2020-01-01T00:29:59.999999"),
            Some("1969-12-31T23:59:59.5"),
            None,
        ],
        None,
    );
    let hours = |spec| shown(spec, &[at.clone(), lit("1h")]);
    let expected =
        ["2020-01-01 00:00:00", "2020-01-01 01:00:00", "2020-01-01 00:00:00", "1969-12-31 23:00:00", "null"];
    assert_eq!(hours(&TIME_FLOOR), expected);
    let expected =
        ["2020-01-01 01:00:00", "2020-01-01 02:00:00", "2020-01-01 01:00:00", "1970-01-01 00:00:00", "null"];
    assert_eq!(hours(&TIME_CEIL), expected);
    let expected =
        ["2020-01-01 00:00:00", "2020-01-01 02:00:00", "2020-01-01 00:00:00", "1970-01-01 00:00:00", "null"];
    assert_eq!(hours(&TIME_ROUND), expected);
}

#[test]
fn frequencies() {
    let at = [Some("2023-08-17T13:47:12.5")];
    let floor = |every: &'static str| shown(&TIME_FLOOR, &[times(&at, None), lit(every)])[0].clone();
    assert_eq!(floor("15min"), "2023-08-17 13:45:00");
    assert_eq!(floor("2h"), "2023-08-17 12:00:00");
    assert_eq!(floor("d"), "2023-08-17 00:00:00");
    // The Monday before; that of every other week from 1969-12-29 on.
    assert_eq!(floor("1w"), "2023-08-14 00:00:00");
    assert_eq!(floor("2w"), "2023-08-14 00:00:00");
    assert_eq!(floor("3w"), "2023-07-31 00:00:00");
    assert_eq!(floor("1mo"), "2023-08-01 00:00:00");
    assert_eq!(floor("1q"), "2023-07-01 00:00:00");
    assert_eq!(floor("10y"), "2020-01-01 00:00:00");
    assert_eq!(floor("100y"), "2000-01-01 00:00:00");
    assert_eq!(floor("1ms"), "2023-08-17 13:47:12.500000");
    assert_eq!(floor("1ns"), "2023-08-17 13:47:12.500000");
    let ceil = |every: &'static str| shown(&TIME_CEIL, &[times(&at, None), lit(every)])[0].clone();
    assert_eq!(ceil("1y"), "2024-01-01 00:00:00");
    assert_eq!(ceil("1mo"), "2023-09-01 00:00:00");
    let day = || array(Date32Array::from(vec![Some(19_586)]));
    assert_eq!(shown(&TIME_FLOOR, &[day(), lit("1w")]), ["2023-08-14"]);
    assert_eq!(shown(&TIME_ROUND, &[day(), lit("1mo")]), ["2023-09-01"]);
    assert_eq!(shown(&TIME_FLOOR, &[day(), lit("6h")]), ["2023-08-17"]);
    for wrong in ["", "0d", "-1d", "1x", "1.5h", "99999999999999999999d", "d1", "1000000000h"] {
        assert!(refusal(&TIME_FLOOR, &[day(), lit(wrong)]).contains("is no frequency"), "{wrong}");
    }
    assert!(refusal(&TIME_FLOOR, &[day(), lit("36h")]).contains("no whole number"));
    assert!(refusal(&TIME_FLOOR, &[day(), lit("5m")]).contains("write 5min or 5mo"));
    assert!(refusal(&TIME_FLOOR, &[day(), lit(5)]).contains("literal text"));
}

#[test]
fn days_of_zones_have_23_or_25_hours() {
    let zone = "Europe/Berlin";
    let at = instants(&["2021-03-28T12:00Z", "2021-10-31T12:00Z", "2021-10-30T22:00Z"], zone);
    let expected = ["2021-03-27 23:00:00Z", "2021-10-30 22:00:00Z", "2021-10-30 22:00:00Z"];
    assert_eq!(shown(&NORMALIZE, std::slice::from_ref(&at)), expected);
    let expected = ["2021-03-28 22:00:00Z", "2021-10-31 23:00:00Z", "2021-10-30 22:00:00Z"];
    assert_eq!(shown(&TIME_CEIL, &[at.clone(), lit("1d")]), expected);
    let expected = ["2021-02-28 23:00:00Z", "2021-09-30 22:00:00Z", "2021-09-30 22:00:00Z"];
    assert_eq!(shown(&TIME_FLOOR, &[at, lit("1mo")]), expected);
    // The hour from 2 to 3 that clocks show twice is two hours.
    let twice = instants(&["2021-10-31T00:30Z", "2021-10-31T01:30Z"], zone);
    assert_eq!(shown(&TIME_FLOOR, &[twice, lit("1h")]), ["2021-10-31 00:00:00Z", "2021-10-31 01:00:00Z"]);
    // In Sao Paulo clocks went from midnight to one: the day began at one.
    let brazil = instants(&["2018-11-04T12:00Z"], "America/Sao_Paulo");
    assert_eq!(shown(&NORMALIZE, &[brazil]), ["2018-11-04 03:00:00Z"]);
    // In St. John's they went back from 0:01 to 23:01: the evening came again, and its day ends with the second one.
    let evening = instants(&["2006-10-29T03:00Z"], "America/St_Johns");
    assert_eq!(parts(&HOUR, &evening), [Some(23)]);
    assert_eq!(shown(&NORMALIZE, std::slice::from_ref(&evening)), ["2006-10-28 02:30:00Z"]);
    assert_eq!(shown(&TIME_CEIL, &[evening, lit("1d")]), ["2006-10-29 03:30:00Z"]);
}

#[test]
fn local_times_that_are_shown_twice_or_never() {
    let at = times(&[Some("2021-03-28T02:30"), Some("2021-10-31T02:30"), None, Some("2021-07-01")], None);
    let localized = |twice: &'static str, never: &'static str| {
        let made = column(&LOCALIZE, &[at.clone(), lit("Europe/Berlin"), lit(twice), lit(never)]);
        let counts: Vec<Option<i64>> = made.as_primitive::<TimestampMicrosecondType>().iter().collect();
        counts.into_iter().map(|count| count.map(|count| count as f64 / 1e6)).collect::<Vec<_>>()
    };
    let (march, october, july) = (1_616_893_200.0, 1_635_640_200.0, 1_625_090_400.0);
    assert_eq!(localized("earliest", "forward"), [Some(march), Some(october), None, Some(july)]);
    let before = march - 1e-6;
    assert_eq!(localized("latest", "backward"), [Some(before), Some(october + 3600.0), None, Some(july)]);
    assert_eq!(localized("null", "null"), [None, None, None, Some(july)]);
    let refused = refusal(&LOCALIZE, &[at.clone(), lit("Europe/Berlin"), lit("earliest")]);
    assert!(refused.contains("2021-03-28 02:30") && refused.contains("never shows it"), "{refused}");
    let refused = refusal(&LOCALIZE, &[at.clone(), lit("Europe/Berlin"), lit("error"), lit("null")]);
    assert!(refused.contains("2021-10-31 02:30") && refused.contains("shows it twice"), "{refused}");
    assert!(refusal(&LOCALIZE, &[at.clone(), lit("Europe/Bonn")]).contains("there is no time zone"));
    assert!(refusal(&LOCALIZE, &[at.clone(), lit("UTC"), lit("first")]).contains("expected one of error"));
    assert!(refusal(&CONVERT_ZONE, &[at, lit("UTC")]).contains("give it one with localize"));
    // Samoa left a whole day out.
    let apia = times(&[Some("2011-12-30T12:00")], None);
    let values = [apia, lit("Pacific/Apia"), lit("error"), lit("forward")];
    assert_eq!(shown(&LOCALIZE, &values), ["2011-12-30 10:00:00Z"]);
}

#[test]
fn times_are_written() {
    let at = times(&[Some("0001-02-03T04:05:06.5"), None, Some("9999-12-31T23:59:59.999999")], None);
    let written = |at: &Value, format: &'static str| {
        let texts = column(&STRFTIME, &[at.clone(), lit(format)]);
        texts.as_string_view().iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
    };
    let dates = written(&at, "%Y-%m-%dT%H:%M:%S");
    assert_eq!(dates, [Some("0001-02-03T04:05:06".into()), None, Some("9999-12-31T23:59:59".into())]);
    assert_eq!(written(&at, "%a %-d. %B %y, %j, 100%%")[0].as_deref(), Some("Sat 3. February 01, 034, 100%"));
    assert_eq!(written(&at, "%s %f")[2].as_deref(), Some("253402300799 999999000"));
    let zoned = instants(&["2021-07-01T12:00Z"], "Europe/Berlin");
    assert_eq!(written(&zoned, "%H:%M %z %Z")[0].as_deref(), Some("14:00 +0200 +02:00"));
    assert_eq!(written(&zoned, "%d.%m. %H")[0].as_deref(), Some("01.07. 14"));
    assert!(refusal(&STRFTIME, &[at.clone(), lit("%z")]).contains("letters for a zone"));
    assert!(refusal(&STRFTIME, &[at, lit("%Q")]).contains("is not a date format"));
}

#[test]
fn spans_become_numbers() {
    let of = |values: Vec<Option<i64>>| array(DurationMicrosecondArray::from(values));
    let hour_and_a_half = of(vec![Some(5_400_000_000), None, Some(-1)]);
    let hours = column(&TOTAL_HOURS, std::slice::from_ref(&hour_and_a_half));
    let hours = hours.as_primitive::<arrow::datatypes::Float64Type>();
    assert_eq!(hours.iter().collect::<Vec<_>>(), [Some(1.5), None, Some(-1.0 / 3_600_000_000.0)]);
    let whole =
        |spec| column(spec, std::slice::from_ref(&hour_and_a_half)).as_primitive::<Int64Type>().clone();
    assert_eq!(whole(&TOTAL_MILLISECONDS), Int64Array::from(vec![Some(5_400_000), None, Some(-1)]));
    assert_eq!(whole(&TOTAL_NANOSECONDS), Int64Array::from(vec![Some(5_400_000_000_000), None, Some(-1000)]));
    assert!(refusal(&TOTAL_NANOSECONDS, &[of(vec![Some(i64::MAX)])]).contains("row 0"));
    assert!(refusal(&TOTAL_DAYS, &[lit(5)]).contains("expected a span of time"));
    let days = array(DurationSecondArray::from(vec![36 * 3600]));
    let days = column(&TOTAL_DAYS, &[days]);
    assert_eq!(days.as_primitive::<arrow::datatypes::Float64Type>().value(0), 1.5);
}
