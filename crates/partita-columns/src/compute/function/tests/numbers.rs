//! Functions of numbers against slow twins.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, UInt64Type};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;
use super::{call, column};
use crate::compute::tests::{ROWS_MAX, float64, floats, int64, ints, text, texts, uint64, uints};

type OfFloat = fn(f64) -> f64;

fn value(array: ArrayRef) -> Value {
    Value::Array(array)
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// A whole number over `10^drop`, to the nearest with ties away from zero, by its digits as text.
fn nearest_by_text(v: i128, drop: usize) -> i128 {
    let digits = format!("{:0>1$}", v.unsigned_abs(), drop + 1);
    let (kept, dropped) = digits.split_at(digits.len() - drop);
    let up = dropped.bytes().next().is_some_and(|digit| digit >= b'5');
    (kept.parse::<i128>().unwrap() + i128::from(up)) * v.signum()
}

fn decimal() -> impl Strategy<Value = Option<i128>> {
    let most = 10_i128.pow(20) - 1;
    prop_oneof![
        Just(None),
        proptest::sample::select(vec![0, 5, -5, 49, 50, -50, -51, 150, -150, most, -most]).prop_map(Some),
        (-most..=most).prop_map(Some),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn functions_of_floats_are_those_of_rust(rows in vec(float64(), 1..ROWS_MAX), powers in vec(float64(), ROWS_MAX)) {
        let of = floats(&rows);
        let expected: [(&'static Spec, OfFloat); 6] =
            [(&ABS, f64::abs), (&SQRT, f64::sqrt), (&EXP, f64::exp), (&LN, f64::ln), (&FLOOR, f64::floor), (&CEIL, f64::ceil)];
        for (spec, f) in expected {
            let found = column(spec, &[value(Arc::clone(&of))]);
            let found = found.as_primitive::<Float64Type>();
            for (row, found) in rows.iter().zip(found) {
                prop_assert!(same(found, row.map(f)), "{}({row:?}) gave {found:?}", spec.name);
            }
        }
        let powers = &powers[..rows.len()];
        let found = column(&POW, &[value(of), value(floats(powers))]);
        for ((a, b), found) in rows.iter().zip(powers).zip(found.as_primitive::<Float64Type>()) {
            prop_assert!(same(found, a.and_then(|a| Some(a.powf((*b)?)))));
        }
    }

    #[test]
    fn is_nan_is_a_question_about_floats(rows in vec(float64(), 1..ROWS_MAX)) {
        let found = column(&IS_NAN, &[value(floats(&rows))]);
        let found: Vec<_> = found.as_boolean().iter().collect();
        prop_assert_eq!(found, rows.iter().map(|row| row.map(|v| v != v)).collect::<Vec<_>>());
    }

    #[test]
    fn floats_round_to_the_nearest(rows in vec(float64(), 1..ROWS_MAX), digits in -6_i64..7) {
        let found = column(&ROUND, &[value(floats(&rows)), Value::Scalar(digits.into())]);
        for (row, found) in rows.iter().zip(found.as_primitive::<Float64Type>()) {
            let (Some(v), Some(found)) = (row, found) else {
                prop_assert_eq!(row.is_none(), found.is_none());
                continue;
            };
            if !v.is_finite() || (digits >= 0 && v.abs() >= 2_f64.powi(52)) {
                prop_assert!(same(Some(*v), Some(found)));
                continue;
            }
            let step = 10_f64.powi(-i32::try_from(digits).unwrap());
            prop_assert!((found - v).abs() <= step / 2.0 * (1.0 + 1e-9) + v.abs() * 1e-15, "{v} became {found}");
            let multiple = found / step;
            prop_assert!((multiple - multiple.round()).abs() <= multiple.abs() * 1e-14 + 1e-9, "{found} by {step}");
        }
    }

    #[test]
    fn integers_round_before_the_point(rows in vec(int64(), 1..ROWS_MAX), digits in 0_usize..22) {
        let argument = Value::Scalar(Scalar::Int64(-(digits as i64)));
        let expected: Vec<Option<i128>> = rows
            .iter()
            .map(|row| row.map(|v| nearest_by_text(v.into(), digits) * 10_i128.pow(digits as u32)))
            .collect();
        let found = call(&ROUND, &[value(ints(&rows)), argument]);
        if expected.iter().flatten().any(|v| i64::try_from(*v).is_err()) {
            prop_assert!(found.unwrap_err().to_string().contains("overflow"));
        } else {
            let found = found.unwrap().into_array(rows.len()).unwrap();
            let found: Vec<_> = found.as_primitive::<Int64Type>().iter().map(|v| v.map(i128::from)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn decimals_round_by_their_digits(rows in vec(decimal(), 1..ROWS_MAX), digits in -3_i64..6) {
        const SCALE: i64 = 3;
        let of = Decimal128Array::from(rows.clone()).with_precision_and_scale(20, SCALE as i8).unwrap();
        let of: ArrayRef = Arc::new(of);
        let found = column(&ROUND, &[value(Arc::clone(&of)), Value::Scalar(digits.into())]);
        let scale = digits.clamp(0, SCALE);
        let precision = if scale < SCALE { 20 - SCALE as u8 + 1 + scale as u8 } else { 20 };
        prop_assert_eq!(found.data_type(), &DataType::Decimal128(precision, scale as i8));
        let drop = SCALE - digits.min(SCALE);
        let tens = 10_i128.pow((-digits).max(0) as u32);
        for (row, found) in rows.iter().zip(found.as_primitive::<Decimal128Type>()) {
            prop_assert_eq!(found, row.map(|v| nearest_by_text(v, drop as usize) * tens));
        }
        for (spec, up) in [(&FLOOR, -1), (&CEIL, 1)] {
            let found = column(spec, &[value(Arc::clone(&of))]);
            prop_assert_eq!(found.data_type(), &DataType::Decimal128(18, 0));
            for (row, found) in rows.iter().zip(found.as_primitive::<Decimal128Type>()) {
                let expected = row.map(|v| {
                    let whole = v / 1000;
                    if v % 1000 != 0 && v.signum() == up { whole + up } else { whole }
                });
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn equal_rows_have_equal_hashes(
        a in vec(int64(), 1..40), b in vec(float64(), 40), c in vec(text(), 40),
    ) {
        let rows: Vec<_> = (0..a.len()).map(|row| (a[row], b[row], c[row].clone())).collect();
        let columns = [
            value(ints(&a)),
            value(floats(&b[..a.len()])),
            value(texts(&c[..a.len()])),
        ];
        let found = column(&HASH, &columns);
        let found = found.as_primitive::<UInt64Type>().values();
        let key = |v: Option<f64>| v.map(|v| if v.is_nan() { f64::NAN.to_bits() } else { (v + 0.0).to_bits() });
        for (x, hash) in rows.iter().zip(found) {
            for (y, other) in rows.iter().zip(found) {
                let equal = x.0 == y.0 && key(x.1) == key(y.1) && x.2 == y.2;
                prop_assert_eq!(equal, hash == other, "{:?} {:?}", x, y);
            }
        }
    }

    #[test]
    fn hashes_do_not_know_widths(rows in vec(uint64(), 1..ROWS_MAX)) {
        let small: Vec<Option<u64>> = rows.iter().map(|v| v.map(|v| v % 100)).collect();
        let wide = column(&HASH, &[value(uints(&small))]);
        for to in [DataType::Int8, DataType::UInt16, DataType::Int64] {
            let narrow = crate::compute::cast_array(&uints(&small), &to, crate::compute::CastMode::Strict).unwrap();
            prop_assert_eq!(&column(&HASH, &[value(narrow)]), &wide);
        }
    }
}

#[test]
fn rows_have_the_hash_of_their_values() {
    let numbers = ints(&[Some(3), None, Some(-7), Some(3)]);
    let words = texts(&[Some("b".to_owned()), Some(String::new()), None, Some("b".to_owned())]);
    let expected = column(&HASH, &[value(Arc::clone(&numbers)), value(Arc::clone(&words))]);
    let expected = expected.as_primitive::<UInt64Type>().values().to_vec();
    let forms = |to: &[DataType], array: &ArrayRef| -> Vec<ArrayRef> {
        to.iter().map(|to| arrow::compute::cast(array, to).unwrap()).collect()
    };
    let dictionary = |of| DataType::Dictionary(Box::new(DataType::Int16), Box::new(of));
    let of_numbers = [DataType::Int64, DataType::Int16, dictionary(DataType::Int64)];
    let of_words = [DataType::Utf8View, DataType::Utf8, DataType::LargeUtf8, dictionary(DataType::Utf8)];
    for numbers in forms(&of_numbers, &numbers) {
        for words in forms(&of_words, &words) {
            let found = hash_rows(&[Arc::clone(&numbers), words], 4).unwrap();
            assert_eq!(found, expected, "{}", numbers.data_type());
        }
    }
    assert_eq!(expected[0], expected[3]);
    let sliced = hash_rows(&[numbers.slice(1, 2), words.slice(1, 2)], 2).unwrap();
    assert_eq!(sliced, expected[1..3]);
    let nulls = hash_rows(&[arrow::array::new_null_array(&DataType::Null, 2)], 2).unwrap();
    assert_eq!(nulls, hash_rows(&[arrow::array::new_null_array(&DataType::Int64, 2)], 2).unwrap());
    let fixed = arrow::array::FixedSizeBinaryArray::try_from_iter([b"ab", b"cd"].into_iter()).unwrap();
    let binary: arrow::array::BinaryArray = [Some(b"ab"), Some(b"cd")].into_iter().collect();
    let both = [Arc::new(fixed) as ArrayRef, Arc::new(binary)].map(|column| hash_rows(&[column], 2).unwrap());
    assert_eq!(both[0], both[1]);
    assert!(hash_rows(&[numbers], 3).unwrap_err().to_string().contains("columns of 3 rows to hash, got 4"));
    let list = arrow::array::new_null_array(&DataType::new_list(DataType::Int64, true), 2);
    assert!(hash_rows(&[list], 2).is_err());
}

#[test]
fn hashes_stay_the_same() {
    // XXH3 of nothing and of one zero byte sequence, as its specification's test vectors have them.
    let found = call(&HASH, &[Value::Scalar(Scalar::Utf8(String::new()))]).unwrap();
    assert!(matches!(found, Value::Scalar(Scalar::UInt64(0x2d06_8005_38d3_94c2))), "{found:?}");
}

#[test]
fn rounding_refuses_what_does_not_fit() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MAX)]));
    let error = call(&ROUND, &[value(column), Value::Scalar(Scalar::Int64(-1))]).unwrap_err();
    assert!(error.to_string().contains("row 2 of the batch"), "{error}");
    let halves: ArrayRef = Arc::new(Float64Array::from(vec![0.5, -0.5, 2.5, 1e300]));
    let found = super::column(&ROUND, &[value(halves)]);
    assert_eq!(found.as_primitive::<Float64Type>().values(), &[1.0, -1.0, 3.0, 1e300]);
}
