use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, Float32Array, Int8Array, ListArray};
use arrow::datatypes::{DataType, Int32Type, TimeUnit};

use super::Scalar;
use crate::ErrorKind;
use crate::compute::CastMode;

fn samples() -> Vec<Scalar> {
    vec![
        Scalar::Boolean(true),
        Scalar::Int64(i64::MIN),
        Scalar::UInt64(u64::MAX),
        Scalar::Float64(-0.5),
        Scalar::Utf8("a text longer than a view holds".to_owned()),
        Scalar::Binary(vec![0, 255]),
        Scalar::Date32(-1),
        Scalar::Timestamp(1, TimeUnit::Second, None),
        Scalar::Timestamp(1, TimeUnit::Millisecond, Some(Arc::from("UTC"))),
        Scalar::Timestamp(1, TimeUnit::Microsecond, Some(Arc::from("Europe/Berlin"))),
        Scalar::Timestamp(1, TimeUnit::Nanosecond, None),
        Scalar::Duration(-7, TimeUnit::Second),
        Scalar::Duration(-7, TimeUnit::Millisecond),
        Scalar::Duration(-7, TimeUnit::Microsecond),
        Scalar::Duration(-7, TimeUnit::Nanosecond),
        Scalar::Decimal128(-12345, 10, 2),
    ]
}

#[test]
fn arrays_of_a_scalar_hold_it_in_every_row() {
    for scalar in samples() {
        for rows in [0, 1, 3] {
            let array = scalar.to_array(rows).unwrap();
            assert_eq!(array.len(), rows);
            assert_eq!(array.data_type(), &scalar.data_type());
            for row in 0..rows {
                assert_eq!(Scalar::try_from_array(&array, row).unwrap(), scalar);
            }
        }
        let null = Scalar::Null(scalar.data_type());
        let array = null.to_array(2).unwrap();
        assert_eq!(array.logical_null_count(), 2);
        assert_eq!(Scalar::try_from_array(&array, 1).unwrap(), null);
    }
}

#[test]
fn narrow_arrays_refuse_what_they_cannot_hold() {
    assert_eq!(
        Scalar::Int64(5).to_array_of(&DataType::Int8, 2).unwrap().as_ref(),
        &Int8Array::from(vec![5, 5])
    );
    let third = Scalar::Float64(1.0 / 3.0).to_array_of(&DataType::Float32, 1).unwrap();
    assert_eq!(third.as_ref(), &Float32Array::from(vec![1.0 / 3.0]));
    let error = Scalar::Int64(300).to_array_of(&DataType::Int8, 1).unwrap_err();
    assert_eq!(error.to_string(), "cannot cast 300 from Int64 to Int8");
    assert_eq!(
        Scalar::Int64(300).cast(&DataType::Int8, CastMode::Lenient).unwrap(),
        Scalar::Null(DataType::Int8)
    );
}

#[test]
fn rows_and_types_without_a_scalar_are_refused() {
    let array = Int8Array::from(vec![1]);
    assert!(matches!(Scalar::try_from_array(&array, 1).unwrap_err().kind(), ErrorKind::Shape(_)));
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    assert!(matches!(Scalar::try_from_array(&list, 0).unwrap_err().kind(), ErrorKind::Undefined { .. }));
}

#[test]
fn values_of_different_kinds_compare_exactly() {
    let order = |a: Scalar, b: Scalar| {
        assert_eq!(a.compare(&b).map(Ordering::reverse), b.compare(&a), "{a} and {b}");
        a.compare(&b)
    };
    let (less, equal) = (Some(Ordering::Less), Some(Ordering::Equal));
    assert_eq!(order(Scalar::Int64(-1), Scalar::UInt64(u64::MAX)), less);
    assert_eq!(order(Scalar::Int64(i64::MAX), Scalar::UInt64(i64::MAX as u64 + 1)), less);
    // 2^53 + 1 is no float: the nearest is 2^53.
    assert_eq!(order(Scalar::Float64(9_007_199_254_740_992.0), Scalar::Int64(9_007_199_254_740_993)), less);
    assert_eq!(order(Scalar::Int64(2), Scalar::Float64(2.5)), less);
    assert_eq!(order(Scalar::Float64(-2.5), Scalar::Int64(-2)), less);
    assert_eq!(order(Scalar::UInt64(u64::MAX), Scalar::Float64(f64::INFINITY)), less);
    assert_eq!(order(Scalar::Float64(f64::NEG_INFINITY), Scalar::Int64(i64::MIN)), less);
    assert_eq!(order(Scalar::Int64(i64::MAX), Scalar::Float64(f64::NAN)), less);
    assert_eq!(order(Scalar::Float64(f64::INFINITY), Scalar::Float64(f64::NAN)), less);
    assert_eq!(order(Scalar::Float64(f64::NAN), Scalar::Float64(-f64::NAN)), equal);
    assert_eq!(order(Scalar::Float64(-0.0), Scalar::Float64(0.0)), equal);
    let second = Scalar::Timestamp(1, TimeUnit::Second, None);
    assert_eq!(order(second.clone(), Scalar::Timestamp(1_000_000, TimeUnit::Microsecond, None)), equal);
    assert_eq!(
        order(
            Scalar::Timestamp(i64::MAX, TimeUnit::Nanosecond, None),
            Scalar::Timestamp(i64::MAX, TimeUnit::Second, None)
        ),
        less
    );
    assert_eq!(order(second, Scalar::Timestamp(1, TimeUnit::Second, Some(Arc::from("UTC")))), None);
    let decimal = |value, scale| Scalar::Decimal128(value, 38, scale);
    assert_eq!(order(decimal(15, 1), decimal(150, 2)), equal);
    assert_eq!(order(decimal(-15, 1), decimal(-149, 2)), less);
    let most = 10_i128.pow(38) - 1;
    assert_eq!(order(decimal(most, 38), decimal(1, 0)), less);
    assert_eq!(order(decimal(most, 38), decimal(most, 0)), less);
    assert_eq!(order(decimal(-most, 0), decimal(-most, 38)), less);
    assert_eq!(order(Scalar::Utf8("1".to_owned()), Scalar::Int64(1)), None);
    assert_eq!(order(Scalar::Int64(1), Scalar::Null(DataType::Int64)), less);
}

#[test]
fn values_show_as_users_write_them() {
    let shown: Vec<String> = samples().iter().map(Scalar::to_string).collect();
    assert_eq!(
        shown,
        [
            "true",
            "-9223372036854775808",
            "18446744073709551615",
            "-0.5",
            "'a text longer than a view holds'",
            "x'00ff'",
            "date '1969-12-31'",
            "cast('1970-01-01 00:00:01' as Timestamp(s))",
            "cast('1970-01-01 00:00:00.001Z' as Timestamp(ms, UTC))",
            "timestamp '1970-01-01 00:00:00.000001Z[Europe/Berlin]'",
            "timestamp '1970-01-01 00:00:00.000000001'",
            "cast(-7 as Duration(s))",
            "cast(-7 as Duration(ms))",
            "cast(-7 as Duration(us))",
            "cast(-7 as Duration(ns))",
            "cast('-123.45' as Decimal(10, 2))",
        ]
    );
    assert_eq!(Scalar::from("it's").to_string(), "'it''s'");
    assert_eq!(Scalar::from(1.0).to_string(), "1.0");
    assert_eq!(Scalar::from(f64::NAN).to_string(), "cast('NaN' as Float64)");
    assert_eq!(Scalar::from(None::<i64>).to_string(), "null");
    assert_eq!(Scalar::Null(DataType::Utf8View).to_string(), "cast(null as Utf8)");
    assert_eq!(Scalar::Date32(i32::MAX).to_string(), "cast(2147483647 as Date32)");
    assert_eq!(
        Scalar::Timestamp(i64::MAX, TimeUnit::Second, None).to_string(),
        "cast(9223372036854775807 as Timestamp(s))"
    );
}
