//! Functions that choose, against slow twins.

use std::cmp::Ordering;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;
use super::column;
use crate::compute::tests::{ROWS_MAX, float64, floats, int64, ints, text, texts};

type Row = (Option<f64>, Option<f64>, Option<f64>);
type Better = fn(&f64, &f64) -> bool;

fn best<T: Clone>(
    row: &[Option<T>],
    is_nan: impl Fn(&T) -> bool,
    better: impl Fn(&T, &T) -> bool,
) -> Option<T> {
    let there: Vec<T> = row.iter().flatten().cloned().collect();
    let numbers = there.iter().filter(|v| !is_nan(v)).cloned();
    let found = numbers.reduce(|a, b| if better(&b, &a) { b } else { a });
    found.or_else(|| there.first().cloned())
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    a == b || matches!((a, b), (Some(a), Some(b)) if a.is_nan() && b.is_nan())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn extremes_of_floats(rows in vec((float64(), float64(), float64()), 1..ROWS_MAX), one in float64()) {
        let split = |f: fn(&Row) -> Option<f64>| {
            Value::Array(floats(&rows.iter().map(f).collect::<Vec<_>>()))
        };
        let scalar = Value::Scalar(one.map_or(Scalar::Null(DataType::Float64), Scalar::Float64));
        let columns = [split(|r| r.0), scalar, split(|r| r.1), split(|r| r.2)];
        let specs: [(&'static Spec, Better); 2] = [(&LEAST, |a, b| a < b), (&GREATEST, |a, b| a > b)];
        for (spec, better) in specs {
            let found = column(spec, &columns);
            for (row, found) in rows.iter().zip(found.as_primitive::<Float64Type>()) {
                let expected = best(&[row.0, one, row.1, row.2], |v| v.is_nan(), better);
                prop_assert!(same(found, expected), "{}({row:?}, {one:?}) gave {found:?}", spec.name);
            }
        }
    }

    #[test]
    fn extremes_of_text(rows in vec((text(), text()), 1..ROWS_MAX)) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
        let columns = [Value::Array(texts(&a)), Value::Array(texts(&b))];
        let specs: [(&'static Spec, Ordering); 2] = [(&LEAST, Ordering::Less), (&GREATEST, Ordering::Greater)];
        for (spec, order) in specs {
            let found = column(spec, &columns);
            for (row, found) in rows.iter().zip(found.as_string_view()) {
                let expected = best(&[row.0.clone(), row.1.clone()], |_| false, |a, b| a.cmp(b) == order);
                prop_assert_eq!(found, expected.as_deref());
            }
        }
    }

    #[test]
    fn clip_keeps_within_bounds(
        rows in vec((float64(), float64(), float64()), 1..ROWS_MAX), least in float64(), columns in any::<bool>(),
    ) {
        let one = |v: Option<f64>| Value::Scalar(v.map_or(Scalar::Null(DataType::Float64), Scalar::Float64));
        let array = |f: fn(&Row) -> Option<f64>| {
            Value::Array(floats(&rows.iter().map(f).collect::<Vec<_>>()))
        };
        let low = if columns { array(|r| r.1) } else { one(least) };
        let found = column(&CLIP, &[array(|r| r.0), low, array(|r| r.2)]);
        for (row, found) in rows.iter().zip(found.as_primitive::<Float64Type>()) {
            let low = if columns { row.1 } else { least };
            let expected = row.0.map(|v| match v {
                v if v.is_nan() => v,
                v => {
                    let v = match low { Some(low) if v < low => low, _ => v };
                    match row.2 { Some(high) if v > high => high, _ => v }
                }
            });
            prop_assert!(same(found, expected), "clip({:?}, {low:?}, {:?}) gave {found:?}", row.0, row.2);
        }
    }

    #[test]
    fn fill_nan_leaves_nulls(rows in vec((float64(), float64()), 1..ROWS_MAX)) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        let found = column(&FILL_NAN, &[Value::Array(floats(&a)), Value::Array(floats(&b))]);
        for (row, found) in rows.iter().zip(found.as_primitive::<Float64Type>()) {
            let expected = match row.0 { Some(v) if v.is_nan() => row.1, other => other };
            prop_assert!(same(found, expected));
        }
    }

    #[test]
    fn the_first_match_is_replaced(rows in vec(int64(), 1..ROWS_MAX), pairs in vec((int64(), int64()), 1..5)) {
        let scalar = |v: &Option<i64>| Value::Scalar(v.map_or(Scalar::Null(DataType::Int64), Scalar::Int64));
        let mut values = vec![Value::Array(ints(&rows))];
        values.extend(pairs.iter().flat_map(|(old, new)| [scalar(old), scalar(new)]));
        let found: ArrayRef = column(&REPLACE_VALUES, &values);
        for (row, found) in rows.iter().zip(found.as_primitive::<Int64Type>()) {
            let expected = pairs.iter().find(|(old, _)| old == row).map_or(*row, |(_, new)| *new);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn texts_are_replaced_too(rows in vec(text(), 1..ROWS_MAX), old in text(), new in text()) {
        let scalar = |v: &Option<String>| {
            Value::Scalar(v.clone().map_or(Scalar::Null(DataType::Utf8View), Scalar::Utf8))
        };
        let found = column(&REPLACE_VALUES, &[Value::Array(texts(&rows)), scalar(&old), scalar(&new)]);
        for (row, found) in rows.iter().zip(found.as_string_view()) {
            prop_assert_eq!(found, if *row == old { new.as_deref() } else { row.as_deref() });
        }
    }
}
