#![allow(clippy::needless_pass_by_value, reason = "types are written in place")]

mod pairs;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, StringViewArray,
    TimestampMicrosecondArray, TimestampSecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use chrono::{NaiveDate, NaiveDateTime};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{float64, floats, int64, ints, text, texts};
use crate::ErrorKind;
use crate::compute::{CastMode, cast_array};

fn lenient(array: &ArrayRef, to: DataType) -> ArrayRef {
    let found = cast_array(array, &to, CastMode::Lenient).unwrap();
    assert_eq!(found.data_type(), &to);
    // Strict differs in refusing what lenient makes null, and in nothing else.
    match cast_array(array, &to, CastMode::Strict) {
        Ok(strict) => assert_eq!(format!("{strict:?}"), format!("{found:?}")),
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Cast { .. }), "{error}");
            assert!(found.null_count() > array.null_count());
        }
    }
    found
}

fn words(list: &[&str]) -> ArrayRef {
    Arc::new(StringViewArray::from(list.to_vec()))
}

proptest! {
    #[test]
    fn integers_to_narrower_ones(values in vec(int64(), 0..100)) {
        let array = ints(&values);
        let found = lenient(&array, DataType::Int8);
        let expected: Vec<_> = values.iter().map(|v| v.and_then(|v| i8::try_from(v).ok())).collect();
        prop_assert_eq!(found.as_primitive::<Int8Type>().iter().collect::<Vec<_>>(), expected);
        let found = lenient(&array, DataType::UInt64);
        let expected: Vec<_> = values.iter().map(|v| v.and_then(|v| u64::try_from(v).ok())).collect();
        prop_assert_eq!(found.as_primitive::<UInt64Type>().iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn floats_to_integers_only_where_whole(values in vec(float64(), 0..100)) {
        let array = floats(&values);
        // By the exact decimal text of what has no fraction.
        let whole = |v: Option<f64>| v.filter(|v| v % 1.0 == 0.0).and_then(|v| format!("{v:.0}").parse::<i128>().ok());
        let found = lenient(&array, DataType::Int64);
        let expected: Vec<_> = values.iter().map(|v| whole(*v).and_then(|v| i64::try_from(v).ok())).collect();
        prop_assert_eq!(found.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), expected);
        let found = lenient(&array, DataType::UInt64);
        let expected: Vec<_> = values.iter().map(|v| whole(*v).and_then(|v| u64::try_from(v).ok())).collect();
        prop_assert_eq!(found.as_primitive::<UInt64Type>().iter().collect::<Vec<_>>(), expected);
        let found = lenient(&array, DataType::Int32);
        let expected: Vec<_> = values.iter().map(|v| whole(*v).and_then(|v| i32::try_from(v).ok())).collect();
        prop_assert_eq!(found.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn floats_to_narrower_ones(values in vec(float64(), 0..100)) {
        let found = lenient(&floats(&values), DataType::Float32);
        for (value, found) in values.iter().zip(found.as_primitive::<Float32Type>().iter()) {
            let expected = value.and_then(|v| ((v as f32).is_finite() || !v.is_finite()).then_some(v as f32));
            prop_assert_eq!(found.map(|v| v.is_nan()), expected.map(|v| v.is_nan()));
            prop_assert!(found.is_none() || found == expected || found.is_some_and(f32::is_nan));
        }
    }

    #[test]
    fn text_and_back(values in vec(int64(), 0..60), halves in vec(float64(), 0..60)) {
        let as_text = lenient(&ints(&values), DataType::Utf8View);
        let expected: Vec<_> = values.iter().map(|v| v.map(|v| v.to_string())).collect();
        prop_assert_eq!(as_text.as_string_view().iter().map(|v| v.map(str::to_owned)).collect::<Vec<_>>(), expected);
        let back = lenient(&as_text, DataType::Int64);
        prop_assert_eq!(back.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), values);
        let back = lenient(&lenient(&floats(&halves), DataType::Utf8View), DataType::Float64);
        for (value, found) in halves.iter().zip(back.as_primitive::<Float64Type>().iter()) {
            prop_assert!(*value == found && value.map(f64::is_sign_negative) == found.map(f64::is_sign_negative)
                || value.zip(found).is_some_and(|(a, b)| a.is_nan() && b.is_nan()), "{value:?} {found:?}");
        }
    }

    #[test]
    fn any_text_is_read_or_null(values in vec(prop_oneof![text(), "[0-9TZ:. +-]{0,30}".prop_map(Some)], 0..40)) {
        for to in [DataType::Boolean, DataType::Int8, DataType::UInt64, DataType::Float32, DataType::Date32,
            DataType::Decimal128(5, 2), DataType::Timestamp(TimeUnit::Nanosecond, Some(Arc::from("Asia/Tokyo")))] {
            lenient(&texts(&values), to);
        }
    }

    #[test]
    fn dates_as_chrono_reads_them(days in vec(-800_000_i32..3_000_000, 1..40)) {
        let days: Vec<i32> = days.into_iter().filter(|day| (-719_528..=2_932_896).contains(day)).collect();
        let array: ArrayRef = Arc::new(Date32Array::from(days.clone()));
        let as_text = lenient(&array, DataType::Utf8View);
        for (day, text) in days.iter().zip(as_text.as_string_view().iter()) {
            let date = NaiveDate::parse_from_str(text.unwrap(), "%Y-%m-%d").unwrap();
            prop_assert_eq!(date.to_epoch_days(), *day);
        }
        let back = lenient(&as_text, DataType::Date32);
        prop_assert_eq!(back.as_primitive::<Date32Type>().values(), &days[..]);
    }

    #[test]
    fn times_as_chrono_reads_them(micros in vec(-62_167_219_200_000_000_i64..253_402_300_799_999_999, 1..40)) {
        let array: ArrayRef = Arc::new(TimestampMicrosecondArray::from(micros.clone()));
        let as_text = lenient(&array, DataType::Utf8View);
        for (at, text) in micros.iter().zip(as_text.as_string_view().iter()) {
            let read = NaiveDateTime::parse_from_str(text.unwrap(), "%Y-%m-%dT%H:%M:%S%.f").unwrap();
            prop_assert_eq!(read.and_utc().timestamp_micros(), *at);
        }
        let back = lenient(&as_text, DataType::Timestamp(TimeUnit::Microsecond, None));
        prop_assert_eq!(back.as_primitive::<TimestampMicrosecondType>().values(), &micros[..]);
        let days = lenient(&array, DataType::Date32);
        let seconds = lenient(&array, DataType::Timestamp(TimeUnit::Second, None));
        for (row, at) in micros.iter().enumerate() {
            prop_assert_eq!(i64::from(days.as_primitive::<Date32Type>().value(row)), at.div_euclid(86_400_000_000));
            prop_assert_eq!(seconds.as_primitive::<TimestampSecondType>().value(row), at.div_euclid(1_000_000));
        }
    }
}

#[test]
fn strict_casts_name_the_first_bad_value() {
    for (array, to, message) in [
        (floats(&[Some(1.0), None, Some(1.5)]), DataType::Int64, "cannot cast 1.5 from Float64 to Int64"),
        (ints(&[Some(1), Some(300), Some(400)]), DataType::Int8, "cannot cast 300 from Int64 to Int8"),
        (words(&["1", " 2"]), DataType::Int64, "cannot cast ' 2' from Utf8View to Int64"),
        (floats(&[Some(1e300)]), DataType::Float32, "cannot cast 1e300 from Float64 to Float32"),
    ] {
        assert_eq!(cast_array(&array, &to, CastMode::Strict).unwrap_err().to_string(), message);
    }
    let error = cast_array(&floats(&[Some(1.0)]), &DataType::Date32, CastMode::Lenient).unwrap_err();
    assert_eq!(error.to_string(), "cast is not defined for Float64 to Date32");
}

#[test]
fn text_to_truth() {
    let found = lenient(&words(&["true", "FALSE", "True", "t", "1", ""]), DataType::Boolean);
    assert_eq!(
        found.as_boolean().iter().collect::<Vec<_>>(),
        [Some(true), Some(false), Some(true), None, None, None]
    );
}

#[test]
fn text_to_dates() {
    let list = [
        "2020-02-29",
        "2021-02-29",
        "1969-12-31",
        "2020-1-1",
        "20200101",
        "2020-01-01T00:00",
        "0000-01-01",
        "+020-01-01",
    ];
    let found = lenient(&words(&list), DataType::Date32);
    let expected = [Some(18_321), None, Some(-1), None, None, None, Some(-719_528), None];
    assert_eq!(found.as_primitive::<Date32Type>().iter().collect::<Vec<_>>(), expected);
}

#[test]
fn text_to_times() {
    const DAY: i64 = 1_577_836_800; // 2020-01-01
    let list = [
        ("2020-01-01", Some(DAY * 1_000_000)),
        ("2020-01-01 01:02", Some((DAY + 3720) * 1_000_000)),
        ("2020-01-01T01:02:03", Some((DAY + 3723) * 1_000_000)),
        ("2020-01-01 00:00:00.5", Some(DAY * 1_000_000 + 500_000)),
        ("2020-01-01 00:00:00.1234560", Some(DAY * 1_000_000 + 123_456)),
        ("2020-01-01 00:00:00.1234567", None),
        ("2020-01-01 24:00", None),
        ("2020-01-01 00:60", None),
        ("2020-01-01 00:00:60", None),
        ("2020-01-01 00:00:00.", None),
        ("2020-01-01 ", None),
        ("2020-01-01 00:00:00Z", None),
        ("2020-01-01 00:00:00+01:00", None),
        ("1969-12-31 23:59:59.999999", Some(-1)),
    ];
    let texts: Vec<&str> = list.iter().map(|(text, _)| *text).collect();
    let found = lenient(&words(&texts), DataType::Timestamp(TimeUnit::Microsecond, None));
    for (row, (text, expected)) in list.iter().enumerate() {
        let found = found.as_primitive::<TimestampMicrosecondType>();
        assert_eq!(found.is_valid(row).then(|| found.value(row)), *expected, "{text}");
    }
    let list =
        ["2262-04-11 23:47:16.854775807", "2262-04-11 23:47:16.854775808", "1677-09-21 00:12:43.145224192"];
    let found = lenient(&words(&list), DataType::Timestamp(TimeUnit::Nanosecond, None));
    let found = found.as_primitive::<TimestampNanosecondType>();
    assert_eq!(found.iter().collect::<Vec<_>>(), [Some(i64::MAX), None, Some(i64::MIN)]);
}

#[test]
fn offsets_and_zones() {
    let berlin = DataType::Timestamp(TimeUnit::Second, Some(Arc::from("Europe/Berlin")));
    let list = [
        ("2020-07-01 12:00:00", Some(1_593_597_600)), // summer: two hours ahead
        ("2020-07-01T12:00:00Z", Some(1_593_604_800)),
        ("2020-07-01T12:00:00+05:30", Some(1_593_585_000)),
        ("2020-07-01T12:00-0530", Some(1_593_624_600)),
        ("2020-07-01T12:00 +01", Some(1_593_601_200)),
        ("2020-03-29 02:30:00", None), // clocks jump over it
        ("2020-10-25 02:30:00", None), // clocks show it twice
        ("2020-07-01T12:00+24:00", None),
    ];
    let texts: Vec<&str> = list.iter().map(|(text, _)| *text).collect();
    let found = lenient(&words(&texts), berlin.clone());
    for (row, (text, expected)) in list.iter().enumerate() {
        let found = found.as_primitive::<TimestampSecondType>();
        assert_eq!(found.is_valid(row).then(|| found.value(row)), *expected, "{text}");
    }
    let instants: ArrayRef =
        Arc::new(TimestampSecondArray::from(vec![1_593_597_600]).with_timezone("Europe/Berlin"));
    let wall = lenient(&instants, DataType::Timestamp(TimeUnit::Second, None));
    assert_eq!(wall.as_primitive::<TimestampSecondType>().value(0), 1_593_604_800);
    assert_eq!(&lenient(&wall, berlin), &instants);
    // 23:30 in London is the next day in Berlin.
    let late: ArrayRef = Arc::new(TimestampSecondArray::from(vec![84_600]).with_timezone("Europe/Berlin"));
    assert_eq!(lenient(&late, DataType::Date32).as_primitive::<Date32Type>().value(0), 1);
    let error = cast_array(
        &wall,
        &DataType::Timestamp(TimeUnit::Second, Some(Arc::from("Nowhere"))),
        CastMode::Lenient,
    );
    assert_eq!(error.unwrap_err().to_string(), "unknown time zone \"Nowhere\"");
}

#[test]
fn finer_units_refuse_what_they_cannot_count() {
    let array: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1, i64::MAX, -1]));
    let found = lenient(&array, DataType::Timestamp(TimeUnit::Nanosecond, None));
    let found = found.as_primitive::<TimestampNanosecondType>().iter().collect::<Vec<_>>();
    assert_eq!(found, [Some(1_000_000_000), None, Some(-1_000_000_000)]);
}

#[test]
fn decimals() {
    let array: ArrayRef = Arc::new(
        Decimal128Array::from(vec![Some(500), Some(550), None]).with_precision_and_scale(6, 2).unwrap(),
    );
    let found = lenient(&array, DataType::Int64);
    assert_eq!(found.as_primitive::<Int64Type>(), &Int64Array::from(vec![Some(5), None, None]));
    let found = lenient(&array, DataType::Utf8View);
    assert_eq!(found.as_string_view().iter().collect::<Vec<_>>(), [Some("5.00"), Some("5.50"), None]);
    let found = lenient(&words(&["5.5", "x", "99999"]), DataType::Decimal128(6, 2));
    assert_eq!(
        found.as_primitive::<arrow::datatypes::Decimal128Type>().iter().collect::<Vec<_>>(),
        [Some(550), None, None]
    );
}
