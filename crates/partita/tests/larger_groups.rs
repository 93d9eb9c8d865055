//! Groups that are larger than the memory of a session, against plain loops over the same rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "other tests have frames of given rows")]
#[path = "support/placed.rs"]
mod placed;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use partita::Reduction;
use partita::arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringViewArray,
};
use partita::arrow::datatypes::{Decimal128Type, Float64Type, Int64Type, Schema, UInt64Type};
use partita::prelude::*;

use placed::{Row, batch, session};

/// Rows whose texts are long enough that a few of them take much.
fn row(place: u64, key: Option<i64>) -> Row {
    let mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let float = (!mixed.is_multiple_of(11)).then_some((mixed % 100_003) as f64 * 0.1);
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
    // What needs all of a group at once says so: one thread, so that nobody else is the one who finds no memory.
    let alone = self::session(1, "128MiB", Scheduler::SingleThreaded);
    let by = frame(&alone, ROWS, 200_000, key).groupby(["whole"]);
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

/// A row of the frame whose values are counted.
struct Values {
    key: Option<i64>,
    whole: Option<i64>,
    float: Option<f64>,
    text: Option<String>,
    decimal: Option<i128>,
}

fn values(place: u64) -> Values {
    let mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let is_there = |every: u64| !mixed.is_multiple_of(every);
    let float = match mixed % 1000 {
        0 => f64::NAN,
        1 => -0.0,
        2 => 0.0,
        3 => f64::INFINITY,
        _ => (mixed % 150_001) as f64 * 0.5 - 20_000.0,
    };
    let text = format!("{:0>9} {}", mixed % 120_011, "text that is long ".repeat(4));
    Values {
        key: mixed_keys(place),
        whole: is_there(13).then_some((mixed % 200_003) as i64 - 100_000),
        float: is_there(7).then_some(float),
        text: is_there(5).then_some(text),
        decimal: is_there(3).then_some(i128::from(mixed % 100_003) - 5000),
    }
}

fn frame_of_values(session: &Session, rows: u64, cut: u64) -> DataFrame {
    let batch = |from: u64, until: u64| {
        let some: Vec<Values> = (from..until).map(values).collect();
        let decimal = Decimal128Array::from_iter(some.iter().map(|row| row.decimal));
        let columns: [(&str, ArrayRef, bool); 5] = [
            ("key", Arc::new(Int64Array::from_iter(some.iter().map(|row| row.key))), true),
            ("whole", Arc::new(Int64Array::from_iter(some.iter().map(|row| row.whole))), true),
            ("float", Arc::new(Float64Array::from_iter(some.iter().map(|row| row.float))), true),
            ("text", Arc::new(StringViewArray::from_iter(some.iter().map(|row| row.text.as_ref()))), true),
            ("decimal", Arc::new(decimal.with_precision_and_scale(20, 2).unwrap()), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let part = |from: u64| {
        let until = (from + cut).min(rows);
        (from..until).step_by(4000).map(|from| batch(from, (from + 4000).min(until))).collect()
    };
    let parts: Vec<Vec<RecordBatch>> = (0..rows).step_by(cut as usize).map(part).collect();
    session.from_batches(batch(0, 0).schema(), parts).unwrap()
}

/// Values of a group in order, each with how often it is there.
#[derive(Default)]
struct Counted {
    whole: BTreeMap<i64, u64>,
    float: BTreeMap<u64, u64>,
    text: BTreeMap<String, u64>,
    decimal: BTreeMap<i128, u64>,
    nulls: u64,
    sum: i64,
    floats: f64,
}

/// Words in the order of floats: NaN is one value above all, and zeros are equal.
fn word(value: f64) -> u64 {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn of_word(word: u64) -> f64 {
    f64::from_bits(if word >> 63 == 1 { word & !(1 << 63) } else { !word })
}

fn counted(rows: u64) -> BTreeMap<i64, Counted> {
    let mut groups: BTreeMap<i64, Counted> = BTreeMap::new();
    for row in (0..rows).map(values) {
        let Some(key) = row.key else { continue };
        let group = groups.entry(key).or_default();
        if let Some(whole) = row.whole {
            *group.whole.entry(whole).or_default() += 1;
            group.sum += whole;
        }
        if let Some(float) = row.float {
            *group.float.entry(word(float)).or_default() += 1;
            group.floats += float;
        }
        if let Some(text) = row.text {
            *group.text.entry(text).or_default() += 1;
        }
        group.nulls += u64::from(row.decimal.is_none());
        if let Some(decimal) = row.decimal {
            *group.decimal.entry(decimal).or_default() += 1;
        }
    }
    groups
}

/// The most frequent value, of several the least.
fn mode<T: Clone>(counts: &BTreeMap<T, u64>) -> Option<T> {
    let most = counts.values().max()?;
    counts.iter().find(|(_, count)| *count == most).map(|(value, _)| value.clone())
}

/// The value at a share of the ranks.
fn quantile<T>(counts: &BTreeMap<T, u64>, share: f64, number: impl Fn(&T) -> f64) -> Option<f64> {
    let all: u64 = counts.values().sum();
    let at = share * all.checked_sub(1)? as f64;
    let nth = |rank: u64| {
        let mut before = 0;
        counts.iter().find_map(|(value, count)| {
            before += count;
            (rank < before).then(|| number(value))
        })
    };
    let (low, part) = (nth(at.floor() as u64)?, at - at.floor());
    let high = if part == 0.0 { low } else { nth(at.floor() as u64 + 1)? };
    Some(if low == high { low } else { low + (high - low) * part })
}

fn asked_of_values() -> Vec<Expr> {
    vec![
        col("whole").nunique().alias("wholes"),
        col("float").nunique().alias("floats"),
        col("text").nunique().alias("texts"),
        col("decimal").aggregate(Reduction::NUnique { nulls: true }).alias("decimals"),
        col("whole").sum().alias("sum"),
        col("float").sum().alias("float sum"),
        col("whole").mode().alias("whole mode"),
        col("text").mode().alias("text mode"),
        col("decimal").mode().alias("decimal mode"),
        col("float").mode().alias("float mode"),
        col("whole").median().alias("median"),
        col("float").quantile(0.9).alias("most"),
        col("decimal").quantile(0.25).alias("quarter"),
    ]
}

/// Compares each group with what loops say, and gives the order of the groups.
fn check_values(batches: &[RecordBatch], groups: &BTreeMap<i64, Counted>) -> Vec<(i64, u64)> {
    let same = |one: Option<f64>, other: Option<f64>| match (one, other) {
        (Some(a), Some(b)) => {
            (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= 1e-9 * a.abs().max(1.0)
        }
        _ => one.is_none() && other.is_none(),
    };
    let mut keys = Vec::new();
    for batch in batches {
        let column = |name: &str| ArrayRef::clone(batch.column_by_name(name).unwrap());
        let whole = |name: &str, at: usize| {
            let column = column(name);
            let column = column.as_primitive::<Int64Type>();
            column.is_valid(at).then(|| column.value(at))
        };
        let number = |name: &str, at: usize| column(name).as_primitive::<UInt64Type>().value(at);
        let float = |name: &str, at: usize| {
            let column = column(name);
            let column = column.as_primitive::<Float64Type>();
            column.is_valid(at).then(|| column.value(at))
        };
        for at in 0..batch.num_rows() {
            let key = whole("key", at).unwrap();
            let group = &groups[&key];
            assert_eq!(number("wholes", at), group.whole.len() as u64, "wholes of {key}");
            assert_eq!(number("floats", at), group.float.len() as u64, "floats of {key}");
            assert_eq!(number("texts", at), group.text.len() as u64, "texts of {key}");
            let decimals = group.decimal.len() as u64 + u64::from(group.nulls > 0);
            assert_eq!(number("decimals", at), decimals, "decimals of {key}");
            assert_eq!(whole("sum", at).unwrap_or(0), group.sum, "sum of {key}");
            let texts = column("text mode");
            let texts = texts.as_string_view();
            assert_eq!(texts.is_valid(at).then(|| texts.value(at).to_owned()), mode(&group.text));
            assert_eq!(whole("whole mode", at), mode(&group.whole), "mode of {key}");
            let decimals = column("decimal mode");
            let decimals = decimals.as_primitive::<Decimal128Type>();
            assert_eq!(decimals.is_valid(at).then(|| decimals.value(at)), mode(&group.decimal));
            assert!(same(float("float mode", at), mode(&group.float).map(of_word)), "float mode of {key}");
            assert!(same(float("median", at), quantile(&group.whole, 0.5, |value| *value as f64)));
            let most = quantile(&group.float, 0.9, |word| of_word(*word));
            assert!(same(float("most", at), most), "{key}: {:?}, expected {most:?}", float("most", at));
            let quarter = quantile(&group.decimal, 0.25, |value| *value as f64 / 100.0);
            assert!(same(float("quarter", at), quarter), "quarter of {key}");
            let sum = float("float sum", at);
            let expected = (!group.float.is_empty()).then_some(group.floats);
            assert!(
                same(sum, expected) || sum.unwrap_or(0.0) == 0.0,
                "{key}: {sum:?}, expected {expected:?}"
            );
            keys.push((key, sum.unwrap_or(0.0).to_bits()));
        }
    }
    assert_eq!(keys.len(), groups.len());
    keys
}

#[test]
fn values_of_groups_beyond_memory() {
    const ROWS: u64 = 180_000;
    let expected = counted(ROWS);
    let mut order = None;
    for limit in ["128MiB", "256MiB", ""] {
        for (threads, scheduler) in
            [(1, Scheduler::SingleThreaded), (2, Scheduler::Threaded), (8, Scheduler::Threaded)]
        {
            let session = session(threads, limit, scheduler);

            let groups = frame_of_values(&session, ROWS, 40_000).groupby(["key"]).agg(asked_of_values());
            let got = check_values(&groups.compute_batches().unwrap(), &expected);
            assert!(*order.get_or_insert_with(|| got.clone()) == got, "limit {limit:?}, {threads} threads");
        }
    }
}
