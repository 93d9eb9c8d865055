//! The largest and smallest values of groups, and rows of lists, against plain maps and loops over the same rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/alike.rs"]
mod alike;
#[path = "support/keys.rs"]
mod keys;
#[path = "support/mixed.rs"]
mod mixed;
#[path = "support/placed.rs"]
mod placed;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use partita::arrow::array::{
    ArrayRef, AsArray, Float64Array, Int64Array, LargeListArray, ListArray, RecordBatch, StringViewArray,
};
use partita::arrow::datatypes::{Float64Type, Int64Type};
use partita::prelude::*;
use proptest::prelude::*;

use alike::rows;
use keys::KEYS;
use mixed::mixed;
use placed::{NAMES, Row, frame, session};

type Lists = Vec<Option<Vec<Option<i64>>>>;

/// NaN above every number, zeros equal.
fn order(a: f64, b: f64) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(&b).unwrap_or(Ordering::Equal))
}

/// A value that is the same for equal floats.
fn plain_float(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
}

/// Rows of a whole key and a float.
fn pairs(frame: &DataFrame) -> Vec<(Option<i64>, Option<f64>)> {
    let batches = frame.compute_batches().unwrap();
    let mut rows = Vec::new();
    for batch in &batches {
        let keys = batch.column(0).as_primitive::<Int64Type>();
        let values = batch.column(1).as_primitive::<Float64Type>();
        rows.extend(keys.iter().zip(values.iter()));
    }
    rows
}

/// The largest or smallest floats of each key, null last.
fn ends(rows: &[Row], count: usize, is_largest: bool, drops: bool) -> Vec<(Option<i64>, Option<f64>)> {
    let mut groups: BTreeMap<(bool, Option<i64>), Vec<f64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.0.is_some() || !drops) {
        groups.entry((row.0.is_none(), row.0)).or_default().extend(row.1);
    }
    let mut expected = Vec::new();
    for ((_, key), mut values) in groups {
        values.sort_by(|a, b| if is_largest { order(*b, *a) } else { order(*a, *b) });
        expected.extend(values.into_iter().take(count).map(|value| (key, Some(value))));
    }
    expected
}

fn bits(rows: &[(Option<i64>, Option<f64>)]) -> Vec<(Option<i64>, Option<u64>)> {
    rows.iter().map(|(key, value)| (*key, value.map(plain_float))).collect()
}

fn lists() -> impl Strategy<Value = Lists> {
    let list = prop::collection::vec(prop::option::weighted(0.8, any::<i64>()), 0..6);
    prop::collection::vec(prop::option::weighted(0.8, list), 0..60)
}

/// A frame of lists, the place of each, and a text of it.
fn listed(session: &Session, lists: &Lists, cut: usize, is_large: bool) -> DataFrame {
    let batch = |some: &[Option<Vec<Option<i64>>>], first: usize| {
        let some = some.iter().cloned();
        let column: ArrayRef = match is_large {
            true => Arc::new(LargeListArray::from_iter_primitive::<Int64Type, _, _>(some.clone())),
            false => Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(some.clone())),
        };
        let places = Int64Array::from_iter_values((first..first + some.len()).map(|place| place as i64));
        let texts = (first..first + some.len()).map(|place| format!("the text of the list {place}"));
        let texts = StringViewArray::from_iter_values(texts);
        RecordBatch::try_from_iter_with_nullable([
            ("place", Arc::new(places) as ArrayRef, true),
            ("list", column, true),
            ("text", Arc::new(texts) as ArrayRef, true),
        ])
        .unwrap()
    };
    let partitions = lists.chunks(cut.max(1)).enumerate();
    let partitions = partitions.map(|(at, some)| vec![batch(some, at * cut.max(1))]).collect();
    session.from_batches(batch(&[], 0).schema(), partitions).unwrap()
}

/// Places and elements.
fn elements(frame: &DataFrame) -> Vec<(i64, Option<i64>)> {
    let mut rows = Vec::new();
    for batch in frame.select(["place", "list"]).compute_batches().unwrap() {
        let places = batch.column(0).as_primitive::<Int64Type>();
        rows.extend(places.values().iter().copied().zip(batch.column(1).as_primitive::<Int64Type>().iter()));
    }
    rows
}

fn flat(lists: &Lists) -> Vec<(i64, Option<i64>)> {
    let mut rows = Vec::new();
    for (place, list) in (0..).zip(lists) {
        match list.as_deref() {
            None | Some([]) => rows.push((place, None)),
            Some(list) => rows.extend(list.iter().map(|element| (place, *element))),
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn largest_are_those_of_loops(
        rows in rows(), cut in 1_usize..80, count in 0_usize..6, is_largest in any::<bool>(), drops in any::<bool>(),
    ) {
        let session = session(2, "", Scheduler::Threaded);
        let by = frame(&session, &rows, cut).groupby(["whole"]).dropna(drops).sort(true);
        let found = if is_largest { by.nlargest(count, "float") } else { by.nsmallest(count, "float") };
        let expected = bits(&ends(&rows, count, is_largest, drops));
        prop_assert_eq!(&bits(&pairs(&found)), &expected);
        for stage in Stage::ALL {
            let batches = found.compute_batches_at(stage).unwrap();
            prop_assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), expected.len());
        }
    }

    #[test]
    fn rows_of_lists_are_those_of_loops(
        lists in lists(), cut in 1_usize..30, is_large in any::<bool>(), least in 0_i64..40,
    ) {
        let session = session(2, "", Scheduler::Threaded);
        let exploded = listed(&session, &lists, cut, is_large).explode("list");
        let expected = flat(&lists);
        prop_assert_eq!(&elements(&exploded), &expected);
        prop_assert_eq!(exploded.len().unwrap(), expected.len() as u64);
        let texts = exploded.select(["text"]).compute_batches().unwrap();
        let texts = texts.iter().flat_map(|batch| batch.column(0).as_string_view().iter().flatten().map(str::to_owned).collect::<Vec<_>>());
        let texts_are_theirs = texts.eq(expected.iter().map(|row| format!("the text of the list {}", row.0)));
        prop_assert!(texts_are_theirs);
        let kept = |row: &&(i64, Option<i64>)| row.0 >= least && row.1.is_some_and(|value| value > 0);
        let kept: Vec<(i64, Option<i64>)> = expected.iter().filter(kept).copied().collect();
        let filtered = exploded.filter(col("place").ge(lit(least)).and(col("list").gt(lit(0))));
        prop_assert_eq!(&elements(&filtered), &kept);
        for stage in Stage::ALL {
            let batches = filtered.compute_batches_at(stage).unwrap();
            prop_assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), kept.len());
        }
        let head: Vec<(i64, Option<i64>)> = expected.iter().take(7).copied().collect();
        let first = exploded.head(7).unwrap();
        prop_assert_eq!(first.height(), head.len());
        if cut < lists.len() {
            let part = flat(&lists[..cut].to_vec());
            prop_assert_eq!(elements(&exploded.get_partition(0)), part);
        }
    }
}

#[test]
fn limits_threads_and_schedulers_change_no_bit() {
    const ROWS: u64 = 90_000;
    for (name, key) in KEYS {
        let row = |place: u64| {
            let float = (!mixed(place).is_multiple_of(11)).then(|| match mixed(place) % 50 {
                0 => f64::NAN,
                1 => -0.0,
                2 => 0.0,
                _ => (mixed(place) % 100_003) as f64 * 0.1 - 5e3,
            });
            (Some(key(place) as i64), float, None)
        };
        let rows: Vec<Row> = (0..ROWS).map(row).collect();
        for (count, is_largest) in [(2, true), (3, false), (1000, true)] {
            let mut expected: Option<Vec<(Option<i64>, Option<u64>)>> = None;
            for (threads, scheduler, limit) in [
                (2, Scheduler::Threaded, ""),
                (1, Scheduler::SingleThreaded, "128MiB"),
                (2, Scheduler::Threaded, "128MiB"),
                (8, Scheduler::Threaded, "256MiB"),
            ] {
                let by =
                    frame(&session(threads, limit, scheduler), &rows, 35_000).groupby(["whole"]).sort(true);
                let found =
                    if is_largest { by.nlargest(count, "float") } else { by.nsmallest(count, "float") };
                let found = pairs(&found);
                let exact: Vec<_> =
                    found.iter().map(|(key, value)| (*key, value.map(f64::to_bits))).collect();
                assert!(
                    *expected.get_or_insert_with(|| exact.clone()) == exact,
                    "{name}, {count}: {limit:?}, {threads} threads"
                );
                assert!(bits(&found) == bits(&ends(&rows, count, is_largest, true)), "{name}, {count}");
            }
        }
    }
}

#[test]
fn large_lists_are_cut() {
    for (threads, scheduler, limit) in [
        (2, Scheduler::Threaded, ""),
        (1, Scheduler::SingleThreaded, "128MiB"),
        (2, Scheduler::Threaded, "256MiB"),
    ] {
        let session = session(threads, limit, scheduler);
        let lists: Lists = vec![
            Some((0..100_000).map(Some).collect()),
            None,
            Some((0..5).map(Some).collect()),
            Some(Vec::new()),
            Some((0..70_000).map(Some).collect()),
        ];
        let exploded = listed(&session, &lists, 3, false).explode("list");
        assert_eq!(elements(&exploded), flat(&lists));
        let mut rows = 0;
        for batch in exploded.batches().unwrap() {
            let batch = batch.unwrap();
            assert!(batch.num_rows() <= 8192, "{}", batch.num_rows());
            rows += batch.num_rows();
        }
        assert_eq!(rows, 170_007);
        // A long text beside each element: many bytes a row.
        let long = exploded.with_column("long", col("text").str().repeat(100));
        assert_eq!(long.filter(col("list").ge(lit(0))).len().unwrap(), 170_005);
    }
}

#[test]
fn filters_and_columns_go_below() {
    let session = session(2, "", Scheduler::Threaded);
    let lists: Lists = (0..20).map(|place| Some(vec![Some(place), None, Some(-place)])).collect();
    let exploded = listed(&session, &lists, 5, false).explode("list");
    let both = exploded.filter(col("place").gt(lit(3)).and(col("list").gt(lit(4)))).select(["list"]);
    let plan = both.explain(Stage::Simplified).unwrap();
    let at = |text: &str| plan.find(text).unwrap_or_else(|| panic!("{text} in {plan}"));
    assert!(at("list > 4") < at("Explode") && at("Explode") < at("place > 3"), "{plan}");
    assert!(!plan.contains("text"), "{plan}");
    let found = both.compute_batches().unwrap();
    let found: Vec<i64> = found
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter().flatten().collect::<Vec<_>>())
        .collect();
    assert_eq!(found, (5..20).collect::<Vec<i64>>());
    // No column at all is left, and the rows are those of the elements.
    assert_eq!(exploded.select(["place"]).len().unwrap(), 60);
}

#[test]
fn they_are_of_groups_and_of_numbers() {
    let session = session(2, "", Scheduler::Threaded);
    let rows: Vec<Row> =
        (0..10).map(|place| (Some(place % 3), Some(place as f64), Some("a".to_owned()))).collect();
    let input = frame(&session, &rows, 4);
    let message = input.reduce([col("float").nlargest(2)]).schema().unwrap_err().to_string();
    assert!(message.contains("nlargest(float, 2)") && message.contains("groupby(..).agg(..)"), "{message}");
    let message =
        input.groupby(["whole"]).transform([col("float").nsmallest(2)]).schema().unwrap_err().to_string();
    assert!(message.contains("agg(..)"), "{message}");
    let message = input.groupby(["whole"]).nlargest(2, "text").schema().unwrap_err().to_string();
    assert!(message.contains("nlargest") && message.contains("Utf8"), "{message}");
    let message = input.explode("float").schema().unwrap_err().to_string();
    assert!(message.contains("\"float\" is of type Float64"), "{message}");
    assert!(input.explode("flaot").schema().unwrap_err().to_string().contains("float"));
    for name in NAMES {
        assert!(input.schema().unwrap().index_of(name).is_ok());
    }
    // The text form reads back.
    let written = partita::expr("nlargest(float, 2) as best").unwrap();
    assert_eq!(written, col("float").nlargest(2).alias("best"));
    assert_eq!(written.to_string(), "nlargest(float, 2) as best");
    assert_eq!(partita::expr("nsmallest(float, 3)").unwrap(), col("float").nsmallest(3));
    for wrong in ["nlargest(float)", "nlargest(float, -1)", "nlargest(float, 'a')", "nsmallest(float, 2, 3)"]
    {
        assert!(partita::expr(wrong).unwrap_err().to_string().contains("est"), "{wrong}");
    }
    let found = input.groupby(["whole"]).sort(true).agg([written, col("place").nsmallest(2)]);
    let found = found.compute_batches().unwrap();
    let lists = found[0].column(1).as_list::<i32>().value(0);
    assert_eq!(lists.as_primitive::<Float64Type>(), &Float64Array::from(vec![9.0, 6.0]));
    // A group without values is there in agg(..), and gives no row.
    let none: Vec<Row> = vec![(Some(1), None, None), (Some(2), Some(0.5), None)];
    let by = frame(&session, &none, 1).groupby(["whole"]).sort(true);
    assert_eq!(by.agg([col("float").nlargest(2)]).len().unwrap(), 2);
    assert_eq!(pairs(&by.nlargest(2, "float")), [(Some(2), Some(0.5))]);
}
