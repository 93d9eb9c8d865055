//! The largest and smallest values of groups against sorted vectors.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int16Array,
    Int64Array, StringViewArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use proptest::prelude::*;

use super::super::{Aggregate, NO_GROUP, Question, RowNumbers, States};

fn top(count: u32, is_largest: bool) -> Question {
    Question { aggregate: Aggregate::Top { count, is_largest }, columns: vec![0] }
}

/// NaN above every number.
fn order(a: f64, b: f64) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(&b).unwrap_or(Ordering::Equal))
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => (-20_i8..20).prop_map(|value| Some(f64::from(value) / 4.0)),
        1 => Just(None),
        1 => proptest::sample::select(vec![f64::NAN, -f64::NAN, 0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY]).prop_map(Some),
    ]
}

proptest! {
    #[test]
    fn floats_are_those_of_sorted_vectors(
        rows in prop::collection::vec((0_u32..6, value()), 0..300),
        count in prop_oneof![0_u32..7, Just(20), Just(u32::MAX)],
        is_largest in any::<bool>(),
        piece in 1_usize..100,
        merges in any::<bool>(),
    ) {
        let mut states = States::new(&[top(count, is_largest)], &[DataType::Float64]).unwrap();
        let group = |group: u32| if group == 5 { NO_GROUP } else { group };
        for rows in rows.chunks(piece) {
            let column: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>());
            let groups: Vec<u32> = rows.iter().map(|row| group(row.0)).collect();
            if merges {
                let mut other = States::new(&[top(count, is_largest)], &[DataType::Float64]).unwrap();
                other.update(&groups, 5, &[column], RowNumbers::From(0)).unwrap();
                states.merge(&[1, 2, 3, 4], 5, &other.columns(1..5).unwrap()).unwrap();
                states.merge(&[0], 5, &other.columns(0..1).unwrap()).unwrap();
            } else {
                states.update(&groups, 5, &[column], RowNumbers::From(0)).unwrap();
            }
        }
        let answers = states.finish(0, 0..states.len()).unwrap();
        let lists = answers.as_list::<i32>();
        for group in 0..states.len() {
            let mut expected: Vec<f64> =
                rows.iter().filter(|row| row.0 as usize == group).filter_map(|row| row.1).collect();
            expected.sort_by(|a, b| if is_largest { order(*b, *a) } else { order(*a, *b) });
            expected.truncate(count as usize);
            let got = lists.value(group);
            let got = got.as_primitive::<Float64Type>().values();
            prop_assert!(
                got.len() == expected.len() && got.iter().zip(&expected).all(|(a, b)| order(*a, *b).is_eq()),
                "{got:?} {expected:?}"
            );
        }
    }

    #[test]
    fn integers_are_those_of_sorted_vectors(
        values in prop::collection::vec(prop_oneof![any::<i64>(), -3_i64..3, Just(i64::MIN), Just(i64::MAX)], 0..200),
        count in 1_u32..40,
    ) {
        let column: ArrayRef = Arc::new(Int64Array::from(values.clone()));
        for is_largest in [true, false] {
            let mut states = States::new(&[top(count, is_largest)], &[DataType::Int64]).unwrap();
            states.update(&vec![0; values.len()], 1, std::slice::from_ref(&column), RowNumbers::From(0)).unwrap();
            let mut expected = values.clone();
            expected.sort_unstable();
            if is_largest {
                expected.reverse();
            }
            expected.truncate(count as usize);
            let answers = states.finish(0, 0..1).unwrap();
            let got = answers.as_list::<i32>().value(0);
            prop_assert_eq!(&got.as_primitive::<Int64Type>().values()[..], &expected[..]);
        }
    }
}

#[test]
fn every_type_of_words_keeps_its_type() {
    // The order of each column is that of its rows: 0, 1, 2, 3.
    let columns: [ArrayRef; 8] = [
        Arc::new(UInt64Array::from(vec![0, 1, u64::MAX - 1, u64::MAX])),
        Arc::new(Int16Array::from(vec![i16::MIN, -1, 0, i16::MAX])),
        Arc::new(Float32Array::from(vec![f32::NEG_INFINITY, -0.1, 0.1, f32::NAN])),
        Arc::new(
            Decimal128Array::from(vec![-(10_i128.pow(37)), -1, 0, 10_i128.pow(37)])
                .with_precision_and_scale(38, 4)
                .unwrap(),
        ),
        Arc::new(TimestampMicrosecondArray::from(vec![-5, 0, 7, 9]).with_timezone("UTC")),
        cast(&Int64Array::from(vec![-9, 3, 4, 80]), &DataType::Duration(arrow::datatypes::TimeUnit::Second))
            .unwrap(),
        cast(&arrow::array::Int32Array::from(vec![-9, 3, 4, 80]), &DataType::Date32).unwrap(),
        Arc::new(Float64Array::from(vec![f64::MIN, -0.0, f64::MIN_POSITIVE, f64::INFINITY])),
    ];
    let places = |rows: [u32; 2]| arrow::array::UInt32Array::from(rows.to_vec());
    for column in columns {
        let shuffled = take(&column, &arrow::array::UInt32Array::from(vec![2, 0, 3, 1]), None).unwrap();
        for (is_largest, rows) in [(true, [3, 2]), (false, [0, 1])] {
            let mut states = States::new(&[top(2, is_largest)], &[column.data_type().clone()]).unwrap();
            states.update(&[0; 4], 1, std::slice::from_ref(&shuffled), RowNumbers::From(0)).unwrap();
            let answers = states.finish(0, 0..1).unwrap();
            assert_eq!(answers.data_type(), states.result_type(0).unwrap());
            let expected = take(&column, &places(rows), None).unwrap();
            assert_eq!(answers.as_list::<i32>().value(0).to_data(), expected.to_data());
        }
    }
    let truths: ArrayRef = Arc::new(BooleanArray::from(vec![Some(false), Some(true), None, Some(false)]));
    let mut states = States::new(&[top(2, true)], &[DataType::Boolean]).unwrap();
    states.update(&[0; 4], 1, &[truths], RowNumbers::From(0)).unwrap();
    let answers = states.finish(0, 0..1).unwrap();
    assert_eq!(answers.as_list::<i32>().value(0).as_boolean(), &BooleanArray::from(vec![true, false]));
}

#[test]
fn texts_are_refused() {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Int64));
    let texts = StringViewArray::from(vec!["a"]).data_type().clone();
    for data_type in [texts, DataType::Binary, DataType::Null, dictionary] {
        let refused = States::new(&[top(2, false)], &[data_type]).unwrap_err().to_string();
        assert!(refused.contains("nsmallest"), "{refused}");
    }
}
