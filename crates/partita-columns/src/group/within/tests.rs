//! Window functions against plain loops.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, StringViewArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, UInt64Type};
use proptest::prelude::*;

use super::super::NO_GROUP;
use super::{Carried, GroupRows, RankMethod, Window};
use crate::reduce::Cumulative;
use crate::scalar::Scalar;

type Value = Option<f64>;

fn rows() -> impl Strategy<Value = Vec<(u32, Value)>> {
    let group = prop_oneof![1 => Just(NO_GROUP), 9 => 0_u32..4];
    let value = prop_oneof![
        2 => Just(None),
        6 => (-3_i8..4).prop_map(|value| Some(f64::from(value))),
        1 => Just(Some(f64::NAN)),
        1 => Just(Some(-0.0)),
    ];
    prop::collection::vec((group, value), 0..80)
}

/// NaN is NaN, and zeros have no sign.
fn shown(value: Value) -> String {
    value.map_or_else(String::new, |value| format!("{:?}", if value == 0.0 { 0.0 } else { value }))
}

fn floats(array: &ArrayRef) -> Vec<String> {
    let values: Vec<Value> = match array.data_type() {
        DataType::UInt64 => {
            array.as_primitive::<UInt64Type>().iter().map(|value| value.map(|value| value as f64)).collect()
        }
        DataType::Int64 => {
            array.as_primitive::<Int64Type>().iter().map(|value| value.map(|value| value as f64)).collect()
        }
        _ => array.as_primitive::<Float64Type>().iter().collect(),
    };
    values.into_iter().map(shown).collect()
}

/// What a row has, of the values of its group and its own number among them.
fn plain(window: Window, values: &[Value], at: usize) -> Value {
    let before: Vec<f64> = values[..=at].iter().filter_map(|value| *value).collect();
    let best = |is_better: fn(f64, f64) -> bool| {
        let numbers: Vec<f64> = before.iter().copied().filter(|value| !value.is_nan()).collect();
        numbers.into_iter().reduce(|best, next| if is_better(next, best) { next } else { best })
    };
    let own = values[at];
    match window {
        Window::Cumulative(Cumulative::Sum) => own.map(|_| before.iter().fold(0.0, |a, b| a + b)),
        Window::Cumulative(Cumulative::Prod) => own.map(|_| before.iter().fold(1.0, |a, b| a * b)),
        Window::Cumulative(Cumulative::Min) => own.map(|_| best(|a, b| a < b).unwrap_or(f64::NAN)),
        Window::Cumulative(Cumulative::Max) => own.map(|_| best(|a, b| a > b).unwrap_or(f64::NAN)),
        Window::CumCount => Some(at as f64),
        Window::Rank { method, descending } => own.map(|own| ranked(method, descending, values, own, at)),
        Window::Shift(by) => {
            let from = i64::try_from(at).unwrap().checked_sub(by).and_then(|from| usize::try_from(from).ok());
            from.and_then(|from| values.get(from).copied().flatten())
        }
        Window::ForwardFill => values[..=at].iter().rev().find_map(|value| *value),
        Window::BackwardFill => values[at..].iter().find_map(|value| *value),
    }
}

fn ranked(method: RankMethod, descending: bool, values: &[Value], own: f64, at: usize) -> f64 {
    let word = |value: f64| if value.is_nan() { 1000 } else { (value * 2.0) as i64 };
    let is_before = |value: f64| if descending { word(value) > word(own) } else { word(value) < word(own) };
    let all: Vec<f64> = values.iter().filter_map(|value| *value).collect();
    let less = all.iter().filter(|value| is_before(**value)).count();
    let equal = all.iter().filter(|value| word(**value) == word(own)).count();
    let mut different: Vec<i64> =
        all.iter().filter(|value| is_before(**value)).map(|value| word(*value)).collect();
    different.sort_unstable();
    different.dedup();
    let earlier =
        values[..at].iter().filter(|value| value.is_some_and(|value| word(value) == word(own))).count();
    match method {
        RankMethod::Average => less as f64 + (equal as f64 + 1.0) / 2.0,
        RankMethod::Min => less as f64 + 1.0,
        RankMethod::Max => (less + equal) as f64,
        RankMethod::Dense => different.len() as f64 + 1.0,
        RankMethod::Ordinal => (less + earlier) as f64 + 1.0,
    }
}

fn windows() -> Vec<Window> {
    let methods =
        [RankMethod::Average, RankMethod::Min, RankMethod::Max, RankMethod::Dense, RankMethod::Ordinal];
    let ranks = methods
        .into_iter()
        .flat_map(|method| [false, true].map(|descending| Window::Rank { method, descending }));
    let shifts = [0, 2, -1, -3, 100, i64::MIN, i64::MAX].map(Window::Shift);
    Window::ALL.into_iter().chain(ranks).chain(shifts).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn windows_are_those_of_loops(rows in rows()) {
        let numbers: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let groups = GroupRows::new(&numbers, 4).unwrap();
        let column: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>());
        for window in windows() {
            let expected: Vec<String> = rows.iter().enumerate().map(|(row, (number, _))| {
                if *number == NO_GROUP {
                    return String::new();
                }
                let same = |other: &&(u32, Value)| other.0 == *number;
                let values: Vec<Value> = rows.iter().filter(same).map(|other| other.1).collect();
                let at = rows[..row].iter().filter(same).count();
                shown(plain(window, &values, at))
            }).collect();
            let got = window.evaluate(&groups, Some(&column)).unwrap();
            prop_assert_eq!(got.data_type(), &window.result_type(&DataType::Float64).unwrap());
            prop_assert_eq!(floats(&got), expected, "{:?}", window);
        }
    }

    #[test]
    fn pieces_give_what_all_rows_give(rows in rows(), cut in 1_usize..30) {
        let numbers: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let groups = GroupRows::new(&numbers, 4).unwrap();
        let floats: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>());
        let text = |row: &(u32, Value)| row.1.map(|value| format!("{value} and a text beyond a view"));
        let texts: ArrayRef = Arc::new(rows.iter().map(text).collect::<StringViewArray>());
        for (window, column) in windows().into_iter().flat_map(|window| [(window, &floats), (window, &texts)]) {
            let Ok(Some(mut carried)) = Carried::new(window, column.data_type()) else { continue };
            let whole = window.evaluate(&groups, Some(column)).unwrap();
            // A second time, once all is forgotten.
            for _ in 0..2 {
                for first in (0..rows.len()).step_by(cut) {
                    let count = cut.min(rows.len() - first);
                    let piece = column.slice(first, count);
                    let got = carried.next(&numbers[first..first + count], 4, Some(&piece)).unwrap();
                    prop_assert_eq!(format!("{:?}", got), format!("{:?}", whole.slice(first, count)), "{:?}", window);
                }
                carried.clear();
            }
        }
        prop_assert!(Carried::new(Window::BackwardFill, &DataType::Int64).unwrap().is_none());
        prop_assert!(Carried::new(Window::CumCount, &DataType::Null).unwrap().is_some());
    }

    #[test]
    fn totals_of_whole_numbers_have_their_types(values in prop::collection::vec(prop::option::of(-9_i64..9), 1..40)) {
        let numbers: Vec<u32> = (0..values.len() as u32).map(|row| row % 3).collect();
        let groups = GroupRows::new(&numbers, 3).unwrap();
        let column: ArrayRef = Arc::new(Int64Array::from(values.clone()));
        let got = Window::Cumulative(Cumulative::Sum).evaluate(&groups, Some(&column)).unwrap();
        let mut sums = [0; 3];
        let expected: Vec<Option<i64>> = values.iter().zip(&numbers).map(|(value, number)| value.map(|value| {
            sums[*number as usize] += value;
            sums[*number as usize]
        })).collect();
        prop_assert_eq!(got.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn texts_and_lists_are_moved() {
    let groups = GroupRows::new(&[0, 1, 0, 1, 0], 2).unwrap();
    let long = "a text that is longer than a view";
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("b"), None, Some(long), Some("a"), None]));
    let got = |window: Window| {
        let got = window.evaluate(&groups, Some(&texts)).unwrap();
        got.as_string_view().iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(got(Window::Shift(1)), [None, None, some("b"), None, some(long)]);
    assert_eq!(got(Window::ForwardFill), [some("b"), None, some(long), some("a"), some(long)]);
    assert_eq!(got(Window::BackwardFill), [some("b"), some("a"), some(long), some("a"), None]);
    assert_eq!(got(Window::Cumulative(Cumulative::Min)), [some("b"), None, some(long), some("a"), None]);
    let lists: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>((0..5).map(|row| Some(vec![Some(row)]))));
    let moved = Window::Shift(-1).evaluate(&groups, Some(&lists)).unwrap();
    assert_eq!(moved.as_list::<i32>().value(0).as_primitive::<Int32Type>().values(), &[2]);
    assert!(moved.is_null(4));
    assert!(Window::ForwardFill.result_type(lists.data_type()).is_err());
    assert!(Window::Cumulative(Cumulative::Sum).result_type(&DataType::Utf8View).is_err());
}

#[test]
fn what_is_wrong_is_said() {
    let groups = GroupRows::new(&[0, 0], 1).unwrap();
    let large: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1]));
    let error = Window::Cumulative(Cumulative::Sum).evaluate(&groups, Some(&large)).unwrap_err();
    assert!(error.to_string().contains("overflow in cumsum"), "{error}");
    assert!(Window::Shift(1).evaluate(&groups, Some(&large.slice(0, 1))).is_err());
    assert!(Window::Shift(1).evaluate(&groups, None).is_err());
    assert!(GroupRows::new(&[0, 2], 2).is_err());
}

#[test]
fn names_and_parameters_read_back() {
    for window in windows() {
        let named = Window::from_name(window.name()).unwrap();
        let read = match window.parameter() {
            None => named,
            Some(text) => {
                let scalar = match text.strip_prefix('\'') {
                    Some(text) => Scalar::Utf8(text.trim_end_matches('\'').to_owned()),
                    None => Scalar::Int64(text.parse().unwrap()),
                };
                named.with_parameter(&scalar).unwrap()
            }
        };
        assert_eq!(read, window);
    }
    assert_eq!(Window::Shift(1).with_parameter(&Scalar::Boolean(true)), None);
    assert_eq!(Window::from_name("sum"), None);
}
