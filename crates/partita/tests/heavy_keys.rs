//! Few keys with many rows among many keys with one, against plain maps and loops over the same rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/mixed.rs"]
mod mixed;
#[path = "support/placed.rs"]
mod placed;

use std::collections::HashMap;

use partita::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use partita::arrow::compute::concat_batches;
use partita::arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
use partita::prelude::*;

use mixed::mixed;
use placed::{NAMES, Row, frame, session};

/// Rows of a partition: a task looks twice before it gives up, and others come then.
const CUT: usize = 90_000;
const ROWS: u64 = 120_000;

/// The number of a heavy key, by shares of a thousand rows.
fn heavy(place: u64, shares: &[u64]) -> Option<u64> {
    let at = mixed(place) % 1000;
    let ends = shares.iter().scan(0, |end, share| {
        *end += share;
        Some(*end)
    });
    ends.zip(0..).find(|(end, _)| at < *end).map(|(_, number)| number)
}

/// Keys by the number of a heavy key, or of none, and the place.
type Keys = fn(Option<u64>, u64) -> (Option<i64>, Option<String>);

struct Case {
    name: &'static str,
    keys: Keys,
    /// Columns that are keys.
    on: &'static [usize],
    drops: bool,
    shares: &'static [u64],
}

/// Of 11 % a task sees by its rows that groups are not worth it; of more, for want of memory.
const CASES: [Case; 6] = [
    Case {
        name: "whole",
        keys: |heavy, place| {
            (Some(heavy.map_or(place.cast_signed() * 7_919, |heavy| -5 - heavy as i64)), None)
        },
        on: &[0],
        drops: true,
        shares: &[60, 20, 20],
    },
    Case {
        name: "text",
        keys: |heavy, place| {
            let text = heavy.map_or_else(|| format!("the key of {place}"), |heavy| format!("heavy {heavy}"));
            (Some((place % 5) as i64), Some(text))
        },
        on: &[2],
        drops: true,
        shares: &[70, 20, 17],
    },
    Case {
        name: "two keys",
        keys: |heavy, place| match heavy {
            Some(heavy) => (Some(7), Some(format!("{heavy}{}", " and more of it".repeat(heavy as usize)))),
            None => (Some((place % 1000) as i64), Some(format!("{}", place / 1000))),
        },
        on: &[0, 2],
        drops: false,
        shares: &[50, 20, 20, 20],
    },
    Case {
        name: "null keys",
        keys: |heavy, place| match heavy {
            Some(0) => (None, None),
            Some(heavy) => (None, Some(format!("{heavy}"))),
            None => (Some(place as i64), Some("one".to_owned())),
        },
        on: &[2, 0],
        drops: false,
        shares: &[60, 20, 20],
    },
    Case {
        name: "dropped null keys",
        keys: |heavy, place| match heavy {
            Some(0) => (None, None),
            heavy => (Some(heavy.map_or(place as i64, |heavy| -5 - heavy as i64)), None),
        },
        on: &[0],
        drops: true,
        shares: &[50, 30, 20],
    },
    Case {
        name: "a third",
        keys: |heavy, place| {
            let text = heavy.map_or_else(
                || format!("{place} {}", "a long key ".repeat(3)),
                |heavy| format!("heavy {heavy} {}", "a long key ".repeat(3)),
            );
            (None, Some(text))
        },
        on: &[2],
        drops: true,
        shares: &[300, 20, 20],
    },
];

fn rows(case: &Case) -> Vec<Row> {
    let row = |place: u64| {
        let (whole, text) = (case.keys)(heavy(place, case.shares), place);
        let float = (!mixed(place).is_multiple_of(11)).then(|| (mixed(place) % 100_003) as f64 * 0.1 - 777.0);
        (whole, float, text)
    };
    (0..ROWS).map(row).collect()
}

/// The rows of a group, with their places.
struct Seen<'a>(Vec<(u64, &'a Row)>);

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Whole(i128),
    /// To the bit.
    Float(u64),
    Near(f64),
    Text(String),
}

fn cell(array: &ArrayRef, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Int64 => Cell::Whole(array.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt64 => Cell::Whole(array.as_primitive::<UInt64Type>().value(row).into()),
        DataType::Float64 => Cell::Float(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Boolean => Cell::Whole(array.as_boolean().value(row).into()),
        DataType::List(_) => Cell::Text(format!(
            "{:?}",
            array.as_list::<i32>().value(row).as_primitive::<Float64Type>().values().to_vec()
        )),
        _ => Cell::Text(array.as_string_view().value(row).to_owned()),
    }
}

fn is_alike(got: &Cell, wanted: &Cell) -> bool {
    match (got, wanted) {
        (Cell::Float(got), Cell::Near(wanted)) => {
            let got = f64::from_bits(*got);
            (got - wanted).abs() <= 1e-8 * wanted.abs().max(1.0) || got.is_nan() && wanted.is_nan()
        }
        (got, wanted) => got == wanted,
    }
}

impl Seen<'_> {
    fn floats(&self) -> impl Iterator<Item = (u64, f64)> + Clone {
        self.0.iter().filter_map(|(place, row)| Some((*place, row.1?)))
    }

    /// Sums of the partitions, each by itself, one row after the other.
    fn sum(&self) -> f64 {
        let mut parts: Vec<(u64, f64)> = Vec::new();
        for (place, float) in self.floats() {
            let partition = place / CUT as u64;
            match parts.last_mut().filter(|part| part.0 == partition) {
                Some(part) => part.1 += float,
                None => parts.push((partition, 0.0 + float)),
            }
        }
        parts.iter().fold(0.0, |sum, part| sum + part.1)
    }

    fn texts(&self) -> impl DoubleEndedIterator<Item = &String> {
        self.0.iter().filter_map(|(_, row)| row.2.as_ref())
    }

    /// A sum of powers of the distances from the mean.
    fn power(&self, power: i32) -> f64 {
        let count = self.floats().count() as f64;
        let mean = self.floats().map(|(_, float)| float).sum::<f64>() / count;
        self.floats().map(|(_, float)| (float - mean).powi(power)).sum()
    }

    /// The same of distances times those of the places.
    fn product(&self) -> f64 {
        let count = self.floats().count() as f64;
        let mean = self.floats().map(|(_, float)| float).sum::<f64>() / count;
        let middle = self.floats().map(|(place, _)| place as f64).sum::<f64>() / count;
        self.floats().map(|(place, float)| (float - mean) * (place as f64 - middle)).sum()
    }
}

fn text(text: Option<&String>) -> Cell {
    text.map_or(Cell::Null, |text| Cell::Text(text.clone()))
}

fn bits(value: Option<f64>) -> Cell {
    value.map_or(Cell::Null, |value| Cell::Float(value.to_bits()))
}

fn near(value: Option<f64>) -> Cell {
    value.map_or(Cell::Null, Cell::Near)
}

/// What is asked, and the same of the rows of a group by loops.
type Asked = (Expr, fn(&Seen) -> Cell);

fn asked() -> Vec<Asked> {
    let place = || col("place");
    let float = || col("float");
    vec![
        (len(), |seen| Cell::Whole(seen.0.len() as i128)),
        (float().count(), |seen| Cell::Whole(seen.floats().count() as i128)),
        (col("text").null_count(), |seen| Cell::Whole((seen.0.len() - seen.texts().count()) as i128)),
        (float().sum(), |seen| bits(Some(seen.sum()))),
        (float().mean(), |seen| {
            let count = seen.floats().count();
            bits((count > 0).then(|| seen.sum() / count as f64))
        }),
        (place().sum(), |seen| Cell::Whole(seen.0.iter().map(|(place, _)| i128::from(*place)).sum())),
        (float().min(), |seen| bits(seen.floats().map(|(_, float)| float).reduce(f64::min))),
        (place().max(), |seen| Cell::Whole(seen.0.last().map_or(0, |(place, _)| (*place).into()))),
        (float().idxmin(), |seen| {
            let least = seen.floats().reduce(|least, next| if next.1 < least.1 { next } else { least });
            least.map_or(Cell::Null, |(place, _)| Cell::Whole(place.into()))
        }),
        (float().idxmax(), |seen| {
            let most = seen.floats().reduce(|most, next| if next.1 > most.1 { next } else { most });
            most.map_or(Cell::Null, |(place, _)| Cell::Whole(place.into()))
        }),
        (float().first(), |seen| bits(seen.floats().next().map(|(_, float)| float))),
        (float().last(), |seen| bits(seen.floats().last().map(|(_, float)| float))),
        (col("text").first(), |seen| text(seen.texts().next())),
        (col("text").last(), |seen| text(seen.texts().next_back())),
        (col("text").min(), |seen| text(seen.texts().min())),
        (col("text").max(), |seen| text(seen.texts().max())),
        ((place() % lit(2)).prod(), |seen| {
            Cell::Whole(seen.0.iter().map(|(place, _)| i128::from(place % 2)).product())
        }),
        (float().gt(lit(0.0)).any(), |seen| Cell::Whole(seen.floats().any(|(_, float)| float > 0.0).into())),
        (float().gt(lit(0.0)).all(), |seen| Cell::Whole(seen.floats().all(|(_, float)| float > 0.0).into())),
        (float().var(1), |seen| {
            let count = seen.floats().count() as f64;
            near((count > 1.0).then(|| seen.power(2) / (count - 1.0)))
        }),
        (float().std(0), |seen| {
            let count = seen.floats().count() as f64;
            near((count > 0.0).then(|| (seen.power(2) / count).sqrt()))
        }),
        (float().sem(1), |seen| {
            let count = seen.floats().count() as f64;
            near((count > 1.0).then(|| (seen.power(2) / (count - 1.0) / count).sqrt()))
        }),
        (float().skew(), |seen| {
            let count = seen.floats().count() as f64;
            let biased = seen.power(3) / count / (seen.power(2) / count).powf(1.5);
            near((count >= 3.0).then(|| (count * (count - 1.0)).sqrt() / (count - 2.0) * biased))
        }),
        (float().kurtosis(), |seen| {
            let count = seen.floats().count() as f64;
            let excess = count * seen.power(4) / seen.power(2).powi(2);
            let scale = (count - 1.0) / ((count - 2.0) * (count - 3.0));
            near((count >= 4.0).then_some(scale * ((count + 1.0) * excess - 3.0 * (count - 1.0))))
        }),
        (float().cov(place(), 0), |seen| {
            let count = seen.floats().count() as f64;
            near((count > 0.0).then(|| seen.product() / count))
        }),
        (float().nlargest(3), |seen| {
            let mut floats: Vec<f64> = seen.floats().map(|(_, float)| float).collect();
            floats.sort_by(|a, b| b.total_cmp(a));
            floats.truncate(3);
            Cell::Text(format!("{floats:?}"))
        }),
    ]
}

/// Groups in the order of buckets, those of one as they were first seen.
fn plain<'a>(case: &Case, rows: &'a [Row], input: &DataFrame) -> Vec<Seen<'a>> {
    let hashed = hash(case.on.iter().map(|column| col(NAMES[*column]))).alias("hash");
    let hashes: Vec<u64> = input
        .select([hashed])
        .compute_batches()
        .unwrap()
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec())
        .collect();
    let mut groups: HashMap<(Option<i64>, Option<&str>), Seen> = HashMap::new();
    for (row, place) in rows.iter().zip(0..) {
        let key = (row.0.filter(|_| case.on.contains(&0)), row.2.as_deref().filter(|_| case.on.contains(&2)));
        let is_null = case.on.contains(&0) && row.0.is_none() || case.on.contains(&2) && row.2.is_none();
        if !(case.drops && is_null) {
            groups.entry(key).or_insert_with(|| Seen(Vec::new())).0.push((place, row));
        }
    }
    let mut groups: Vec<Seen> = groups.into_values().collect();
    groups.sort_by_key(|seen| (hashes[seen.0[0].0 as usize] >> 48, seen.0[0].0));
    groups
}

fn check(case: &Case, got: &RecordBatch, wanted: &[Seen], asked: &[Asked]) {
    assert_eq!(got.num_rows(), wanted.len(), "{}", case.name);
    for (row, seen) in wanted.iter().enumerate() {
        let first = seen.0[0].1;
        for (at, column) in case.on.iter().enumerate() {
            let key = if *column == 0 {
                first.0.map_or(Cell::Null, |whole| Cell::Whole(whole.into()))
            } else {
                text(first.2.as_ref())
            };
            assert_eq!(cell(got.column(at), row), key, "{}: the key of group {row}", case.name);
        }
        for ((expression, plain), column) in asked.iter().zip(&got.columns()[case.on.len()..]) {
            let (got, wanted) = (cell(column, row), plain(seen));
            assert!(
                is_alike(&got, &wanted),
                "{}: {expression} of group {row}, of {} rows: {got:?}, expected {wanted:?}",
                case.name,
                seen.0.len()
            );
        }
    }
}

/// The groups of a session, by some expressions.
fn ask(session: &Session, case: &Case, rows: &[Row], asked: &[Expr]) -> RecordBatch {
    let names: Vec<&str> = case.on.iter().map(|column| NAMES[*column]).collect();
    let expressions = asked.iter().enumerate();
    let expressions = expressions.map(|(at, expression)| expression.clone().alias(format!("{at}")));
    let grouped = frame(session, rows, CUT).groupby(names).dropna(case.drops).agg(expressions);
    let batches = grouped.compute_batches().unwrap();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

const SESSIONS: [(usize, Scheduler); 3] =
    [(1, Scheduler::SingleThreaded), (2, Scheduler::Threaded), (8, Scheduler::Threaded)];

/// The same, which must be the same bits in the same order whatever the session is.
fn ask_all(case: &Case, rows: &[Row], asked: &[Expr]) -> RecordBatch {
    let mut expected: Option<RecordBatch> = None;
    for limit in ["", "128MiB", "256MiB"] {
        for (threads, scheduler) in SESSIONS {
            let got = ask(&session(threads, limit, scheduler), case, rows, asked);
            let expected = expected.get_or_insert_with(|| got.clone());
            for (one, other) in got.columns().iter().zip(expected.columns()) {
                let is_same = one.to_data() == other.to_data();
                assert!(is_same, "{}: limit {limit:?}, {threads} threads", case.name);
            }
        }
    }
    expected.unwrap()
}

#[test]
fn heavy_keys_are_those_of_loops_whatever_the_limit() {
    let asked = asked();
    for case in &CASES {
        let rows = rows(case);
        let wanted = plain(case, &rows, &frame(&session(2, "", Scheduler::Threaded), &rows, CUT));
        // So many at a time as state rows of a batch fit in the least memory.
        for asked in asked.chunks(13) {
            let expressions: Vec<Expr> = asked.iter().map(|(expression, _)| expression.clone()).collect();
            check(case, &ask_all(case, &rows, &expressions), &wanted, asked);
        }
    }
}

#[test]
fn estimates_of_heavy_keys_are_the_same_whatever_the_limit() {
    let asked = [col("float").approx_quantile(0.5), col("float").approx_nunique()];
    for case in [&CASES[0], &CASES[3]] {
        let rows = rows(case);
        let input = frame(&session(2, "", Scheduler::Threaded), &rows, CUT);
        estimates(case, &ask_all(case, &rows, &asked), &plain(case, &rows, &input));
    }
}

/// Answers within a bound.
fn estimates(case: &Case, got: &RecordBatch, wanted: &[Seen]) {
    let middles = got.column_by_name("0").unwrap().as_primitive::<Float64Type>().clone();
    let counts = got.column_by_name("1").unwrap().as_primitive::<UInt64Type>().clone();
    for (row, seen) in wanted.iter().enumerate().filter(|(_, seen)| seen.0.len() > 1000) {
        let below = seen.floats().filter(|(_, float)| *float < middles.value(row)).count() as f64;
        let share = below / seen.floats().count() as f64;
        assert!((share - 0.5).abs() < 0.02, "{}: {share} are below the middle of group {row}", case.name);
        let mut different: Vec<u64> = seen.floats().map(|(_, float)| float.to_bits()).collect();
        different.sort_unstable();
        different.dedup();
        let (got, wanted) = (counts.value(row) as f64, different.len() as f64);
        assert!((got - wanted).abs() < 0.05 * wanted, "{}: {got} values, expected {wanted}", case.name);
    }
}
