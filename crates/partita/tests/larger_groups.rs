//! Groups that are larger than the memory of a session, against plain loops over the same rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "other tests have frames of given rows")]
#[path = "support/placed.rs"]
mod placed;

use std::collections::HashMap;

use partita::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use partita::arrow::datatypes::{Float64Type, Schema, UInt64Type};
use partita::prelude::*;

use placed::{Row, batch, session};

/// Rows whose texts are long enough that a few of them take much.
fn row(place: u64, key: Option<i64>) -> Row {
    let mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let float = (!mixed.is_multiple_of(11)).then(|| (mixed % 100_003) as f64 * 0.1);
    let text = (!mixed.is_multiple_of(7)).then(|| format!("{mixed:0>16} {}", "a long text ".repeat(9)));
    (key, float, text)
}

fn frame(session: &Session, rows: u64, cut: u64, key: fn(u64) -> Option<i64>) -> DataFrame {
    let part = |from: u64| {
        let until = (from + cut).min(rows);
        let batches = (from..until).step_by(4000).map(|from| {
            let some: Vec<Row> =
                (from..(from + 4000).min(until)).map(|place| row(place, key(place))).collect();
            batch(&some, from)
        });
        batches.collect::<Vec<RecordBatch>>()
    };
    let parts = (0..rows).step_by(cut as usize).map(part).collect();
    session.from_batches(batch(&[], 0).schema(), parts).unwrap()
}

fn expressions() -> Vec<Expr> {
    vec![
        (col("float") - col("float").mean()).alias("above"),
        col("place").sum().alias("sum"),
        len().alias("len"),
        col("float").max().alias("most"),
        col("text").min().alias("least"),
        col("float").cumsum().alias("so far"),
        col("text").shift(2).alias("before"),
        cumcount().alias("number"),
    ]
}

/// What a loop makes of the rows of a group.
#[derive(Default)]
struct Group {
    places: Vec<u64>,
    sum: u64,
    floats: f64,
    count: u64,
    most: Option<f64>,
    least: Option<String>,
    /// While rows are looked at again.
    number: usize,
    so_far: f64,
}

type Groups = HashMap<Option<i64>, Group>;

fn groups(rows: u64, key: fn(u64) -> Option<i64>) -> Groups {
    let mut groups = Groups::new();
    for place in 0..rows {
        let (key, float, text) = row(place, key(place));
        let group = groups.entry(key).or_default();
        group.places.push(place);
        group.sum += place;
        if let Some(float) = float {
            group.floats += float;
            group.count += 1;
            group.most = Some(group.most.map_or(float, |most| most.max(float)));
        }
        if text.is_some() && (group.least.is_none() || text < group.least) {
            group.least = text;
        }
    }
    groups
}

struct Columns(Vec<ArrayRef>);

impl Columns {
    fn of<const N: usize>(batch: &RecordBatch, names: [&str; N]) -> Self {
        Self(names.map(|name| ArrayRef::clone(batch.column_by_name(name).unwrap())).to_vec())
    }

    fn float(&self, column: usize, at: usize) -> Option<f64> {
        let column = self.0[column].as_primitive::<Float64Type>();
        column.is_valid(at).then(|| column.value(at))
    }

    fn number(&self, column: usize, at: usize) -> Option<u64> {
        let column = self.0[column].as_primitive::<UInt64Type>();
        column.is_valid(at).then(|| column.value(at))
    }

    fn text(&self, column: usize, at: usize) -> Option<&str> {
        let column = self.0[column].as_string_view();
        column.is_valid(at).then(|| column.value(at))
    }
}

/// Compares each row with what loops say, and gives the bits of what they may be off by.
fn check(computed: &DataFrame, groups: &mut Groups, key: fn(u64) -> Option<i64>, has_nulls: bool) -> u64 {
    let mut place = 0;
    let mut bits = 0_u64;
    for group in groups.values_mut() {
        (group.number, group.so_far) = (0, 0.0);
    }
    for batch in computed.batches().unwrap() {
        let names = ["place", "above", "sum", "len", "most", "least", "so far", "before", "number"];
        let columns = Columns::of(&batch.unwrap(), names);
        for at in 0..columns.0[0].len() {
            assert_eq!(columns.number(0, at), Some(place));
            let key = key(place);
            if key.is_none() && !has_nulls {
                assert!(columns.0[1..].iter().all(|column| column.is_null(at)), "row {place}");
                place += 1;
                continue;
            }
            let (_, float, _) = row(place, key);
            let group = groups.get_mut(&key).unwrap();
            let above = columns.float(1, at);
            let expected = float.map(|float| float - group.floats / group.count as f64);
            assert!(
                above.zip(expected).map_or(above == expected, |(a, b)| (a - b).abs() < 1e-6),
                "row {place}: {above:?}, expected {expected:?}"
            );
            bits = bits.rotate_left(5) ^ above.map_or(1, f64::to_bits);
            assert_eq!(columns.number(2, at), Some(group.sum));
            assert_eq!(columns.number(3, at), Some(group.places.len() as u64));
            assert_eq!(columns.float(4, at), group.most);
            assert_eq!(columns.text(5, at), group.least.as_deref());
            group.so_far += float.unwrap_or(0.0);
            assert_eq!(columns.float(6, at), float.map(|_| group.so_far));
            let before = group.number.checked_sub(2).and_then(|number| {
                let place = group.places[number];
                row(place, key).2
            });
            assert_eq!(columns.text(7, at), before.as_deref());
            assert_eq!(columns.number(8, at), Some(group.number as u64));
            group.number += 1;
            place += 1;
        }
    }
    bits ^ place
}

#[test]
fn one_group_of_several_times_the_memory() {
    const ROWS: u64 = 2_000_000;
    let key = |_| Some(7);
    let session = session(2, "128MiB", Scheduler::Threaded);
    let by = frame(&session, ROWS, 200_000, key).groupby(["whole"]);
    check(&by.transform(expressions()), &mut groups(ROWS, key), key, false);
    let places = |frame: DataFrame| {
        frame.select(["place"]).compute().unwrap().column("place").unwrap().u64().unwrap().to_vec()
    };
    assert_eq!(places(by.tail(2)), [Some(ROWS - 2), Some(ROWS - 1)]);
    assert_eq!(places(by.nth(-3)), [Some(ROWS - 3)]);
    // What needs all of a group at once says so.
    let refusal = |frame: DataFrame| frame.batches().unwrap().find_map(Result::err).unwrap().to_string();
    for what in [col("float").rank(RankMethod::Dense, false), col("float").bfill(), col("float").shift(-1)] {
        let error = refusal(by.transform([what.alias("what")]));
        assert!(error.contains("memory_limit") && error.contains("need all rows of a group"), "{error}");
    }
    let error = refusal(by.transform([col("text").nunique().alias("distinct")]));
    assert!(error.contains("memory_limit") && error.contains("need all values of a group"), "{error}");
    let error = refusal(by.apply(Schema::empty(), Ok));
    assert!(error.contains("memory_limit") && error.contains("given all rows of a group"), "{error}");
}

/// Two large groups and many small ones, and rows without a key.
fn mixed_keys(place: u64) -> Option<i64> {
    match place % 10 {
        0..4 => Some(-1),
        4..7 => Some(-2),
        7 => None,
        _ => Some((place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 47) as i64),
    }
}

#[test]
fn limits_and_threads_change_no_bit_of_large_groups() {
    const ROWS: u64 = 700_000;
    let mut expected = groups(ROWS, mixed_keys);
    let mut bits = None;
    for limit in ["128MiB", "256MiB", ""] {
        for (threads, scheduler) in
            [(1, Scheduler::SingleThreaded), (2, Scheduler::Threaded), (8, Scheduler::Threaded)]
        {
            let session = session(threads, limit, scheduler);
            let by = frame(&session, ROWS, 150_000, mixed_keys).groupby(["whole"]);
            let got = check(&by.transform(expressions()), &mut expected, mixed_keys, false);
            assert_eq!(*bits.get_or_insert(got), got, "limit {limit:?}, {threads} threads");
        }
    }
}

#[test]
fn null_is_a_large_group_where_it_is_a_key() {
    const ROWS: u64 = 700_000;
    let key = |place: u64| place.is_multiple_of(5).then_some((place % 70) as i64);
    let session = session(2, "128MiB", Scheduler::Threaded);
    let by = frame(&session, ROWS, 150_000, key).groupby(["whole"]).dropna(false);
    check(&by.transform(expressions()), &mut groups(ROWS, key), key, true);
}
