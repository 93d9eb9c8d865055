//! Rows that are there once, and values that are counted, against loops over the same rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/alike.rs"]
mod alike;
#[path = "support/placed.rs"]
mod placed;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use partita::arrow::array::{Array, AsArray, RecordBatch};
use partita::arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
use partita::prelude::*;
use proptest::prelude::*;

use alike::rows;
use placed::{NAMES, Row, frame, session};

/// What is equal where the values of a column are.
fn value(row: &Row, column: usize) -> String {
    match column {
        0 => format!("{:?}", row.0),
        1 => match row.1 {
            Some(float) if float.is_nan() => "nan".to_owned(),
            Some(float) => format!("{:?}", float + 0.0),
            None => "null".to_owned(),
        },
        _ => format!("{:?}", row.2),
    }
}

fn key(row: &Row, on: &[usize]) -> Vec<String> {
    on.iter().map(|column| value(row, *column)).collect()
}

/// The places of the rows that stay.
fn plain(rows: &[Row], on: &[usize], keep: Keep) -> Vec<u64> {
    let mut of: HashMap<Vec<String>, Vec<u64>> = HashMap::new();
    rows.iter().zip(0..).for_each(|(row, place)| of.entry(key(row, on)).or_default().push(place));
    let mut stay: Vec<u64> = of
        .into_values()
        .filter_map(|places| match keep {
            Keep::First => places.first().copied(),
            Keep::Last => places.last().copied(),
            Keep::None => (places.len() == 1).then(|| places[0]),
        })
        .collect();
    stay.sort_unstable();
    stay
}

fn places(frame: &DataFrame) -> Vec<u64> {
    let batches = frame.select(["place"]).compute_batches().unwrap();
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec()).collect()
}

fn sorted(mut places: Vec<u64>) -> Vec<u64> {
    places.sort_unstable();
    places
}

const KEEPS: [Keep; 3] = [Keep::First, Keep::Last, Keep::None];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn rows_are_there_once(
        rows in rows(), on in proptest::sample::subsequence(vec![0_usize, 1, 2], 1..=3), cut in 1_usize..80,
        keep in proptest::sample::select(KEEPS.to_vec()),
    ) {
        let session = session(2, "", Scheduler::Threaded);
        let input = frame(&session, &rows, cut);
        let names: Vec<&str> = on.iter().map(|column| NAMES[*column]).collect();
        let once = input.drop_duplicates_by(&names, keep);
        prop_assert_eq!(sorted(places(&once)), plain(&rows, &on, keep));
        // The filter goes below where it is of the columns that are compared, and stays above where not.
        let filtered = once.filter(col("whole").gt(lit(0)));
        let expected: Vec<u64> =
            plain(&rows, &on, keep).into_iter().filter(|place| rows[*place as usize].0 > Some(0)).collect();
        prop_assert_eq!(sorted(places(&filtered)), expected);
        for stage in Stage::ALL {
            let found = once.compute_batches_at(stage).unwrap();
            prop_assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>() as u64, once.len().unwrap());
        }
        let three = input.select(names.clone()).drop_duplicates();
        prop_assert_eq!(three.len().unwrap() as usize, plain(&rows, &on, Keep::First).len());
    }

    #[test]
    fn values_are_counted(rows in rows(), column in 0_usize..3, cut in 1_usize..80) {
        let session = session(2, "", Scheduler::Threaded);
        let input = frame(&session, &rows, cut);
        let name = NAMES[column];
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        rows.iter().for_each(|row| *counts.entry(value(row, column)).or_default() += 1);
        let null = counts.get("None").or_else(|| counts.get("null")).copied();
        let unique: HashSet<String> = shown(&input.unique(name)).into_iter().collect();
        prop_assert_eq!(unique.len(), counts.len());
        prop_assert_eq!(input.unique(name).len().unwrap() as usize, counts.len());
        let with_null = input.value_counts_with_null(name);
        prop_assert_eq!(with_null.npartitions().unwrap(), 1);
        let got = counted(&with_null);
        prop_assert!(got.windows(2).all(|two| two[0] >= two[1]), "{got:?}");
        let mut expected: Vec<u64> = counts.values().copied().collect();
        expected.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
        prop_assert_eq!(got, expected);
        // Each count is that of its value.
        let by_value: BTreeMap<String, u64> =
            shown(&with_null).into_iter().zip(counted(&with_null)).collect();
        prop_assert_eq!(&by_value, &counts);
        let without = input.value_counts(name);
        let rest = rows.len() as u64 - null.unwrap_or(0);
        prop_assert_eq!(counted(&without).iter().sum::<u64>(), rest);
        prop_assert_eq!(without.len().unwrap() as usize, counts.len() - usize::from(null.is_some()));
        let shares = input.value_shares(name);
        let shares = shares.select(["proportion"]).compute_batches().unwrap();
        let shares: Vec<f64> =
            shares.iter().flat_map(|batch| batch.column(0).as_primitive::<Float64Type>().values().to_vec()).collect();
        let expected: Vec<f64> = counted(&without).iter().map(|count| *count as f64 / rest as f64).collect();
        prop_assert_eq!(shares, expected);
    }
}

/// The values of the first column, as they are compared.
fn shown(frame: &DataFrame) -> Vec<String> {
    let batches = frame.compute_batches().unwrap();
    let of = |batch: &RecordBatch| {
        let column = Arc::clone(batch.column(0));
        let show = move |row: usize| match column.data_type() {
            DataType::Int64 => {
                let column = column.as_primitive::<Int64Type>();
                value(&(column.is_valid(row).then(|| column.value(row)), None, None), 0)
            }
            DataType::Float64 => {
                let column = column.as_primitive::<Float64Type>();
                value(&(None, column.is_valid(row).then(|| column.value(row)), None), 1)
            }
            _ => {
                let column = column.as_string_view();
                value(&(None, None, column.is_valid(row).then(|| column.value(row).to_owned())), 2)
            }
        };
        (0..batch.num_rows()).map(show).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of).collect()
}

fn counted(frame: &DataFrame) -> Vec<u64> {
    let batches = frame.select(["count"]).compute_batches().unwrap();
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec()).collect()
}

/// Many rows of few and of many different values.
fn many(rows: u64) -> Vec<Row> {
    let mixed = |place: u64| (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24) as i64;
    let row = |place: u64| {
        let text = format!("{:0>width$}", mixed(place) % 100_003, width = 30 + (mixed(place) % 40) as usize);
        (Some(mixed(place) % 1000), Some((mixed(place) % 70_000) as f64), Some(text))
    };
    (0..rows).map(row).collect()
}

#[test]
fn limits_threads_and_schedulers_change_nothing() {
    let rows = many(250_000);
    let mut expected: Option<Vec<Vec<u64>>> = None;
    for limit in ["", "128MiB", "256MiB"] {
        for (threads, scheduler) in [
            (1, Scheduler::Threaded),
            (2, Scheduler::Threaded),
            (8, Scheduler::Threaded),
            (1, Scheduler::SingleThreaded),
        ] {
            let session = session(threads, limit, scheduler);
            let input = frame(&session, &rows, 50_000);
            let got = vec![
                places(&input.drop_duplicates_by(["text"], Keep::First)),
                places(&input.drop_duplicates_by(["float"], Keep::Last)),
                places(&input.drop_duplicates_by(["whole", "text"], Keep::None)),
                counted(&input.value_counts("text")),
                counted(&input.value_counts("whole")),
            ];
            let expected = expected.get_or_insert_with(|| got.clone());
            assert!(*expected == got, "{limit}, {threads} threads");
        }
    }
    let expected = expected.unwrap();
    assert_eq!(sorted(expected[0].clone()), plain(&rows, &[2], Keep::First));
    assert_eq!(sorted(expected[1].clone()), plain(&rows, &[1], Keep::Last));
    assert_eq!(sorted(expected[2].clone()), plain(&rows, &[0, 2], Keep::None));
}

#[test]
fn skewed_and_long_values_are_there_once() {
    let session = session(2, "128MiB", Scheduler::Threaded);
    let long = |place: u64| format!("{}{:020}", "the same beginning ".repeat(15), place / 2);
    type Rows = Box<dyn Fn(u64) -> Row>;
    let cases: [(&str, Rows, usize); 4] = [
        (
            "80 % one value",
            Box::new(|place| (Some(if place % 5 == 0 { place as i64 } else { -1 }), None, None)),
            20_001,
        ),
        ("all equal", Box::new(|_| (Some(7), None, None)), 1),
        ("all null", Box::new(|_| (None, None, None)), 1),
        ("long texts", Box::new(move |place| (None, None, Some(long(place)))), 50_000),
    ];
    for (name, row, values) in cases {
        let rows: Vec<Row> = (0..100_000).map(row).collect();
        let input = frame(&session, &rows, 20_000);
        for keep in KEEPS {
            let once = input.drop_duplicates_by(NAMES, keep);
            assert_eq!(sorted(places(&once)), plain(&rows, &[0, 1, 2], keep), "{name}, {keep:?}");
        }
        let text = if name == "long texts" { "text" } else { "whole" };
        assert_eq!(counted(&input.value_counts_with_null(text)).len(), values, "{name}");
        assert_eq!(input.unique(text).len().unwrap() as usize, values, "{name}");
    }
}

#[test]
fn what_cannot_be_compared_is_said_when_it_is_asked() {
    let session = session(1, "", Scheduler::Threaded);
    let input = frame(&session, &many(10), 4);
    let refusal = |frame: DataFrame| frame.schema().unwrap_err().to_string();
    assert!(refusal(input.unique("wole")).contains("whole"));
    assert!(refusal(input.value_counts("wole")).contains("whole"));
    let lists = input.with_column("list", col("text").str().split("0"));
    assert!(refusal(lists.drop_duplicates()).contains("drop_duplicates: values of column \"list\""));
    assert!(refusal(lists.value_counts("list")).contains("value_counts"));
    assert_eq!(lists.drop_duplicates_by(["text"], Keep::First).len().unwrap(), 10);
    let named = input.rename([("whole", "count")]);
    assert!(refusal(named.value_counts("count")).contains("count"));
    let empty = frame(&session, &[], 4);
    assert_eq!(empty.drop_duplicates().len().unwrap(), 0);
    assert_eq!(empty.value_counts("text").len().unwrap(), 0);
    assert_eq!(empty.value_shares("text").len().unwrap(), 0);
}

#[test]
fn the_first_rows_of_a_sort_are_kept_without_sorting_all() {
    let session = session(2, "", Scheduler::Threaded);
    let rows = many(30_000);
    let input = frame(&session, &rows, 7_000);
    let by = || [SortBy::new("whole").descending(), SortBy::new("text")];
    let sorted = input.sort_values(by());
    let head = |frame: &DataFrame, rows: usize| -> Vec<u64> {
        let batches = frame.head_batches(rows).unwrap();
        batches
            .iter()
            .flat_map(|batch| batch.column(3).as_primitive::<UInt64Type>().values().to_vec())
            .collect()
    };
    let whole: Vec<u64> = places(&sorted);
    for rows in [0, 1, 10, 9_000, 20_000, 40_000] {
        assert!(head(&sorted, rows) == whole[..rows.min(30_000)], "{rows}");
    }
    let nulls =
        input.with_column("whole", when(col("whole").gt(lit(500))).then(col("whole")).otherwise_null());
    let first = nulls.sort_values([SortBy::new("whole").nulls_first(), SortBy::new("float").descending()]);
    assert!(head(&first, 50) == places(&first)[..50]);
    let picked = first.select([col("place"), col("whole") + lit(1)]);
    let batches = picked.head_batches(5).unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 5);
    assert_eq!(batches[0].column(0).as_primitive::<UInt64Type>().values()[..5], places(&first)[..5]);
}
