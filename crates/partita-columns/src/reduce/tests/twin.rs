//! Reductions of columns of many types against lists of scalars.

use std::cmp::Ordering;

use arrow::array::new_empty_array;
use arrow::compute::concat;
use arrow::datatypes::TimeUnit;

use super::*;

/// Columns of one type with nulls, extremes, empty and long texts, and values that come again.
fn column() -> impl Strategy<Value = (DataType, Vec<Scalar>)> {
    let of = |data_type: DataType, value: BoxedStrategy<Scalar>| {
        let null = Just(Scalar::Null(data_type.clone()));
        let values = prop::collection::vec(prop_oneof![5 => value, 1 => null], 0..120);
        values.prop_map(move |values| (data_type.clone(), values)).boxed()
    };
    let text = prop_oneof![
        Just(String::new()),
        "[ab]{1,2}",
        Just("a long text that no view holds inline".to_owned())
    ];
    let decimal = prop_oneof![Just(10_i128.pow(20)), Just(-10_i128.pow(20)), -9_i128..9];
    prop_oneof![
        of(DataType::Int8, prop_oneof![Just(-128_i64), Just(127), -3_i64..3].prop_map(Scalar::Int64).boxed()),
        of(DataType::UInt64, prop_oneof![Just(u64::MAX), 0_u64..5].prop_map(Scalar::UInt64).boxed()),
        of(
            DataType::Date32,
            prop_oneof![Just(-719_162), Just(2_932_896), -3..3].prop_map(Scalar::Date32).boxed()
        ),
        of(DataType::Boolean, any::<bool>().prop_map(Scalar::Boolean).boxed()),
        of(DataType::Utf8View, text.prop_map(Scalar::Utf8).boxed()),
        of(DataType::Decimal128(25, 3), decimal.prop_map(|value| Scalar::Decimal128(value, 25, 3)).boxed()),
        of(
            DataType::Timestamp(TimeUnit::Nanosecond, None),
            prop_oneof![Just(i64::MIN), Just(i64::MAX), -3_i64..3]
                .prop_map(|ticks| Scalar::Timestamp(ticks, TimeUnit::Nanosecond, None))
                .boxed()
        ),
    ]
}

fn array(data_type: &DataType, values: &[Scalar]) -> ArrayRef {
    let rows: Vec<ArrayRef> = values.iter().map(|value| value.to_array_of(data_type, 1).unwrap()).collect();
    let rows: Vec<&dyn Array> = rows.iter().map(|row| &**row).collect();
    if rows.is_empty() { new_empty_array(data_type) } else { concat(&rows).unwrap() }
}

proptest! {
    #[test]
    fn every_type_reduces_as_a_list_of_scalars(
        (data_type, values) in column(),
        partition in 1_usize..90,
        batch in 1_usize..40,
    ) {
        let column = array(&data_type, &values);
        let run = |reduction| reduce(reduction, &[Arc::clone(&column)], (partition, batch)).unwrap();
        let present = || values.iter().enumerate().filter(|(_, value)| !value.is_null());
        let null = Scalar::Null(data_type.clone());
        let better = |wanted: Ordering| {
            present().reduce(move |best, next| if next.1.compare(best.1) == Some(wanted) { next } else { best })
        };
        for (wanted, value, row) in [
            (Ordering::Less, Reduction::Min, Reduction::IdxMin),
            (Ordering::Greater, Reduction::Max, Reduction::IdxMax),
        ] {
            prop_assert_eq!(run(value), better(wanted).map_or(null.clone(), |(_, value)| value.clone()));
            let expected = better(wanted).map_or(Scalar::Null(DataType::UInt64), |(row, _)| Scalar::UInt64(row as u64));
            prop_assert_eq!(run(row), expected);
        }
        prop_assert_eq!(run(Reduction::First), present().next().map_or(null.clone(), |(_, value)| value.clone()));
        prop_assert_eq!(run(Reduction::Last), present().next_back().map_or(null, |(_, value)| value.clone()));
        prop_assert_eq!(run(Reduction::NullCount), Scalar::UInt64((values.len() - present().count()) as u64));
        let mut distinct: Vec<&Scalar> = Vec::new();
        present().for_each(|(_, value)| if !distinct.contains(&value) { distinct.push(value) });
        // So few are counted without a collision of registers, or nearly.
        let Scalar::UInt64(about) = run(Reduction::ApproxNUnique) else { panic!("no count") };
        prop_assert!(about.abs_diff(distinct.len() as u64) <= 1);
    }

    #[test]
    fn moments_are_those_of_two_passes(
        values in prop::collection::vec(prop::option::weighted(0.9, -1e3_f64..1e3), 0..120),
        offset in prop_oneof![Just(0.0), Just(1e9)],
        partition in 1_usize..90,
    ) {
        let values: Vec<Option<f64>> = values.into_iter().map(|value| value.map(|value| (value + offset).round())).collect();
        let column: ArrayRef = Arc::new(Float64Array::from(values.clone()));
        let present: Vec<f64> = values.iter().flatten().map(|value| value - offset).collect();
        let n = present.len() as f64;
        let mean = present.iter().sum::<f64>() / n;
        let squares: f64 = present.iter().map(|value| (value - mean) * (value - mean)).sum();
        for ddof in [0_u8, 1] {
            let got = reduce(Reduction::Var { ddof }, &[Arc::clone(&column)], (partition, 17)).unwrap();
            match got {
                Scalar::Float64(got) => {
                    let expected = squares / (n - f64::from(ddof));
                    prop_assert!((got - expected).abs() <= 1e-6 * expected.max(1e-3), "{} {}", got, expected);
                }
                other => prop_assert!(other.is_null() && n <= f64::from(ddof)),
            }
        }
    }
}
