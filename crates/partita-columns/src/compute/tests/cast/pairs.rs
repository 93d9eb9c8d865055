//! Which casts there are, and numbers through all of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, new_empty_array};
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int64Type, TimeUnit};
use proptest::collection::vec;
use proptest::prelude::*;

use super::lenient;
use crate::compute::tests::{int64, ints};
use crate::compute::{CastMode, cast_array};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Truth,
    Integer,
    Real,
    Text,
    Bytes,
    Day,
    Time,
    Span,
}

fn types() -> Vec<(DataType, Kind)> {
    let zone = Some(Arc::from("Europe/Berlin"));
    let integers = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
    ];
    let others = [
        (DataType::Boolean, Kind::Truth),
        (DataType::Float32, Kind::Real),
        (DataType::Float64, Kind::Real),
        (DataType::Decimal128(10, 2), Kind::Real),
        (DataType::Utf8View, Kind::Text),
        (DataType::Binary, Kind::Bytes),
        (DataType::BinaryView, Kind::Bytes),
        (DataType::Date32, Kind::Day),
        (DataType::Timestamp(TimeUnit::Second, None), Kind::Time),
        (DataType::Timestamp(TimeUnit::Nanosecond, zone), Kind::Time),
        (DataType::Duration(TimeUnit::Millisecond), Kind::Span),
    ];
    integers.into_iter().map(|of| (of, Kind::Integer)).chain(others).collect()
}

fn is_there(from: Kind, to: Kind) -> bool {
    use Kind::{Bytes, Day, Integer, Real, Span, Text, Time, Truth};
    match (from, to) {
        (from, to) if from == to => true,
        (Text, Span) => false,
        (Text, _) | (_, Text) => true,
        (Truth | Integer | Real, Truth | Integer | Real) => true,
        (Integer, Day | Time | Span) | (Day | Time | Span, Integer) => true,
        (Day, Time) | (Time, Day) => true,
        (Bytes, _) | (_, Bytes) => false,
        _ => false,
    }
}

#[test]
fn every_pair_is_there_or_refused() {
    for (from, from_kind) in types() {
        for (to, to_kind) in types() {
            for mode in [CastMode::Strict, CastMode::Lenient] {
                let found = cast_array(&new_empty_array(&from), &to, mode);
                assert_eq!(found.is_ok(), is_there(from_kind, to_kind), "{from} to {to}");
                if let Ok(found) = found {
                    assert_eq!(found.data_type(), &to);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn integers_count_days_and_ticks(values in vec(int64(), 1..80)) {
        let zone = Some(Arc::from("Asia/Tokyo"));
        for to in [DataType::Timestamp(TimeUnit::Nanosecond, zone), DataType::Timestamp(TimeUnit::Second, None), DataType::Duration(TimeUnit::Millisecond)] {
            let there = lenient(&ints(&values), to);
            let back = lenient(&there, DataType::Int64);
            prop_assert_eq!(back.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), values.clone());
            let narrow = lenient(&there, DataType::Int8);
            let expected: Vec<_> = values.iter().map(|v| v.and_then(|v| i8::try_from(v).ok())).collect();
            let expected: ArrayRef = Arc::new(arrow::array::Int8Array::from(expected));
            prop_assert_eq!(&narrow, &expected);
        }
        let days = lenient(&lenient(&ints(&values), DataType::Date32), DataType::Int64);
        let expected: Vec<_> = values.iter().map(|v| v.filter(|v| i32::try_from(*v).is_ok())).collect();
        prop_assert_eq!(days.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn decimals_become_the_nearest_float(values in vec(prop_oneof![any::<i128>(), (-1000_i128..1000), any::<i64>().prop_map(i128::from)], 1..60), scale in 0_i8..=38) {
        let most = 10_i128.pow(38);
        let values: Vec<i128> = values.into_iter().map(|v| v % most).collect();
        let array: ArrayRef = Arc::new(Decimal128Array::from(values.clone()).with_precision_and_scale(38, scale).unwrap());
        let (wide, narrow) = (lenient(&array, DataType::Float64), lenient(&array, DataType::Float32));
        let truth = lenient(&array, DataType::Boolean);
        for (row, v) in values.iter().enumerate() {
            // Rust reads decimal digits as the nearest float.
            let text = format!("{v}e-{scale}");
            prop_assert_eq!(wide.as_primitive::<Float64Type>().value(row), text.parse::<f64>().unwrap());
            prop_assert_eq!(narrow.as_primitive::<Float32Type>().value(row), text.parse::<f32>().unwrap());
            prop_assert_eq!(truth.as_boolean().value(row), *v != 0);
        }
    }

    #[test]
    fn decimals_of_another_scale_are_rounded(values in vec(prop_oneof![(-1_000_000_i128..1_000_000), Just(5), Just(-15)], 1..60), scale in 0_i8..4) {
        let from: ArrayRef = Arc::new(Decimal128Array::from(values.clone()).with_precision_and_scale(8, 3).unwrap());
        let found = lenient(&from, DataType::Decimal128(5, scale));
        let unit = 10_i128.pow(u32::try_from(3 - scale).unwrap());
        for (v, found) in values.iter().zip(found.as_primitive::<Decimal128Type>()) {
            // Twice the value and one unit more, over twice the unit: rounded half up in magnitude.
            let rounded = (2 * v.abs() + unit) / (2 * unit) * v.signum();
            prop_assert_eq!(found, Some(rounded).filter(|v| v.abs() < 100_000), "{} at {}", v, scale);
        }
    }

    #[test]
    fn integers_become_decimals_that_hold_them(values in vec(int64(), 1..60)) {
        let found = lenient(&ints(&values), DataType::Decimal128(10, 2));
        for (v, found) in values.iter().zip(found.as_primitive::<Decimal128Type>()) {
            prop_assert_eq!(found, v.map(|v| i128::from(v) * 100).filter(|v| v.abs() < 10_000_000_000));
        }
        let back = lenient(&found, DataType::Int64);
        let array: ArrayRef = Arc::new(Int64Array::from(
            values.iter().map(|v| v.filter(|v| v.unsigned_abs() < 100_000_000)).collect::<Vec<_>>(),
        ));
        prop_assert_eq!(&back, &array);
    }
}
