//! Groups of rows against plain maps and loops over the same rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/alike.rs"]
mod alike;
#[path = "support/mixed.rs"]
mod mixed;
#[path = "support/placed.rs"]
mod placed;

use std::collections::BTreeMap;

use partita::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use partita::arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
use partita::prelude::*;
use proptest::prelude::*;

use alike::rows;
use mixed::mixed;
use placed::{NAMES, Row, frame, session};

/// What is equal where the values of a column are; `None` where there is none.
fn value(row: &Row, column: usize) -> Option<String> {
    match column {
        0 => row.0.map(|whole| whole.to_string()),
        1 => row.1.map(|float| if float.is_nan() { "nan".to_owned() } else { format!("{:?}", float + 0.0) }),
        _ => row.2.clone(),
    }
}

type Key = Vec<Option<String>>;

/// The rows of each group, in order.
fn plain<'a>(rows: &'a [Row], on: &[usize], drops: bool) -> BTreeMap<Key, Vec<(u64, &'a Row)>> {
    let mut groups: BTreeMap<Key, Vec<(u64, &Row)>> = BTreeMap::new();
    for (row, place) in rows.iter().zip(0..) {
        let key: Key = on.iter().map(|column| value(row, *column)).collect();
        if !(drops && key.contains(&None)) {
            groups.entry(key).or_default().push((place, row));
        }
    }
    groups
}

/// The keys of a batch of groups, as the loops have them.
fn keys(batch: &RecordBatch, on: &[usize]) -> Vec<Key> {
    let key = |row: usize, (at, column): (usize, &usize)| {
        let array = batch.column(at);
        if array.is_null(row) {
            return None;
        }
        match column {
            0 => value(&(Some(array.as_primitive::<Int64Type>().value(row)), None, None), 0),
            1 => value(&(None, Some(array.as_primitive::<Float64Type>().value(row)), None), 1),
            _ => value(&(None, None, Some(array.as_string_view().value(row).to_owned())), 2),
        }
    };
    (0..batch.num_rows()).map(|row| on.iter().enumerate().map(|of| key(row, of)).collect()).collect()
}

/// A value as it is compared: floats within 1e-12 of the largest that was added, by rounding to 9 digits.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Whole(i128),
    Float(f64),
    Text(String),
}

fn cell(array: &ArrayRef, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Int64 => Cell::Whole(array.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt64 => Cell::Whole(array.as_primitive::<UInt64Type>().value(row).into()),
        DataType::Float64 => Cell::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Cell::Whole(array.as_boolean().value(row).into()),
        _ => Cell::Text(array.as_string_view().value(row).to_owned()),
    }
}

fn is_alike(one: &Cell, other: &Cell) -> bool {
    match (one, other) {
        (Cell::Float(a), Cell::Float(b)) => {
            a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
        }
        _ => one == other,
    }
}

/// What is asked, and the same of the rows of a group by loops.
type Asked = (Expr, fn(&[(u64, &Row)]) -> Cell);

fn floats(rows: &[(u64, &Row)]) -> Vec<f64> {
    rows.iter().filter_map(|(_, row)| row.1).collect()
}

/// Small enough that no sum or product of them is too large.
fn small(rows: &[(u64, &Row)]) -> Vec<i64> {
    rows.iter().filter_map(|(_, row)| row.0).map(|whole| whole.rem_euclid(2)).collect()
}

fn order(values: &[f64], is_less: fn(f64, f64) -> bool) -> Cell {
    let numbers: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    match (numbers.as_slice(), values) {
        ([], []) => Cell::Null,
        ([], _) => Cell::Float(f64::NAN),
        ([first, rest @ ..], _) => Cell::Float(
            rest.iter().fold(*first, |best, value| if is_less(*value, best) { *value } else { best }),
        ),
    }
}

/// NaN above every number.
fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.iter_mut().for_each(|value| *value = if value.is_nan() { f64::NAN } else { *value + 0.0 });
    values.sort_by(f64::total_cmp);
    values
}

fn variance(values: &[f64], ddof: f64) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (count > ddof).then(|| squares / (count - ddof))
}

fn asked() -> Vec<Asked> {
    vec![
        (len().alias("len"), |rows| Cell::Whole(rows.len() as i128)),
        (col("float").count().alias("count"), |rows| Cell::Whole(floats(rows).len() as i128)),
        (col("text").null_count().alias("nulls"), |rows| {
            Cell::Whole(rows.iter().filter(|(_, row)| row.2.is_none()).count() as i128)
        }),
        (col("float").sum().alias("sum"), |rows| Cell::Float(floats(rows).iter().sum())),
        (col("float").mean().alias("mean"), |rows| match floats(rows).as_slice() {
            [] => Cell::Null,
            values => Cell::Float(values.iter().sum::<f64>() / values.len() as f64),
        }),
        (col("float").min().alias("min"), |rows| order(&floats(rows), |a, b| a < b)),
        (col("float").max().alias("max"), |rows| order(&floats(rows), |a, b| a > b)),
        (col("small").sum().alias("small_sum"), |rows| {
            Cell::Whole(small(rows).iter().map(|value| i128::from(*value)).sum())
        }),
        (col("small").prod().alias("small_prod"), |rows| {
            Cell::Whole(small(rows).iter().map(|value| i128::from(*value)).product())
        }),
        (col("text").first().alias("first"), |rows| {
            let mut texts = rows.iter().filter_map(|(_, row)| row.2.clone());
            texts.next().map_or(Cell::Null, Cell::Text)
        }),
        (col("text").last().alias("last"), |rows| {
            let mut texts = rows.iter().filter_map(|(_, row)| row.2.clone());
            texts.next_back().map_or(Cell::Null, Cell::Text)
        }),
        (col("text").min().alias("least"), |rows| {
            rows.iter().filter_map(|(_, row)| row.2.clone()).min().map_or(Cell::Null, Cell::Text)
        }),
        (col("text").max().alias("greatest"), |rows| {
            rows.iter().filter_map(|(_, row)| row.2.clone()).max().map_or(Cell::Null, Cell::Text)
        }),
        (col("place").var(1).alias("var"), |rows| {
            let places: Vec<f64> = rows.iter().map(|(place, _)| *place as f64).collect();
            variance(&places, 1.0).map_or(Cell::Null, Cell::Float)
        }),
        (col("place").std(0).alias("std"), |rows| {
            let places: Vec<f64> = rows.iter().map(|(place, _)| *place as f64).collect();
            variance(&places, 0.0).map_or(Cell::Null, |value| Cell::Float(value.sqrt()))
        }),
        (col("text").nunique().alias("nunique"), |rows| {
            let texts: std::collections::HashSet<_> =
                rows.iter().filter_map(|(_, row)| row.2.clone()).collect();
            Cell::Whole(texts.len() as i128)
        }),
        (col("float").median().alias("median"), |rows| {
            let values = sorted(floats(rows));
            match values.len() {
                0 => Cell::Null,
                count if count % 2 == 1 => Cell::Float(values[count / 2]),
                count => {
                    let (low, high) = (values[count / 2 - 1], values[count / 2]);
                    Cell::Float(if low == high { low } else { low + (high - low) * 0.5 })
                }
            }
        }),
        (col("whole").idxmax().alias("idxmax"), |rows| {
            let wholes = rows.iter().filter_map(|(place, row)| Some((*place, row.0?)));
            let best = wholes.reduce(|best, next| if next.1 > best.1 { next } else { best });
            best.map_or(Cell::Null, |(place, _)| Cell::Whole(place.into()))
        }),
        ((col("float").max() - col("float").min()).alias("spread"), |rows| {
            match (order(&floats(rows), |a, b| a > b), order(&floats(rows), |a, b| a < b)) {
                (Cell::Float(high), Cell::Float(low)) => Cell::Float(high - low),
                _ => Cell::Null,
            }
        }),
    ]
}

/// The groups of a frame with what was asked of each.
fn groups(frame: &DataFrame, on: &[usize]) -> Vec<(Key, Vec<Cell>)> {
    let batches = frame.compute_batches().unwrap();
    let of = |batch: &RecordBatch| {
        let keys = keys(batch, on).into_iter().enumerate();
        let cells = |row: usize| batch.columns()[on.len()..].iter().map(move |column| cell(column, row));
        keys.map(|(row, key)| (key, cells(row).collect())).collect::<Vec<(Key, Vec<Cell>)>>()
    };
    batches.iter().flat_map(of).collect()
}

fn with_small(input: &DataFrame) -> DataFrame {
    input.with_column("small", col("whole") % lit(2))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn groups_are_those_of_loops(
        rows in rows(), on in proptest::sample::subsequence(vec![0_usize, 1, 2], 1..=3), cut in 1_usize..80,
        drops in any::<bool>(),
    ) {
        let session = session(2, "", Scheduler::Threaded);
        let input = with_small(&frame(&session, &rows, cut));
        let names: Vec<&str> = on.iter().map(|column| NAMES[*column]).collect();
        let asked = asked();
        let by = input.groupby(&names).dropna(drops);
        let expressions = || asked.iter().map(|(expression, _)| expression.clone()).collect::<Vec<_>>();
        let expected = plain(&rows, &on, drops);
        let check = |found: &[(Key, Vec<Cell>)]| {
            assert_eq!(found.len(), expected.len());
            for (key, cells) in found {
                for ((expression, plain), cell) in asked.iter().zip(cells) {
                    let wanted = plain(&expected[key]);
                    assert!(is_alike(cell, &wanted), "{expression} of {key:?}: {cell:?}, expected {wanted:?}");
                }
            }
        };
        let found = groups(&by.agg(expressions()), &on);
        check(&found);
        // In the order of first rows.
        let found = groups(&by.clone().maintain_order(true).agg(expressions()), &on);
        check(&found);
        let firsts: Vec<u64> = found.iter().map(|(key, _)| expected[key][0].0).collect();
        prop_assert!(firsts.is_sorted(), "{:?}", firsts);
        // In the order of keys.
        let ordered = by.clone().sort(true).agg([len()]);
        let sorted = by.agg([len()]).sort_values(names.clone());
        prop_assert_eq!(groups(&ordered, &on), groups(&sorted, &on));
        // A filter on keys goes below, one on answers stays.
        let filtered = groups(&by.agg([len()]).filter(col(names[0]).is_null().or(col("len").gt(lit(1)))), &on);
        let kept = expected.iter().filter(|(key, rows)| key[0].is_none() || rows.len() > 1);
        prop_assert_eq!(filtered.len(), kept.count());
        for stage in Stage::ALL {
            let found = by.agg([len()]).compute_batches_at(stage).unwrap();
            prop_assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), expected.len());
        }
    }
}

/// Keys by the place of a row, by name: a number and a text.
type Keys = (&'static str, fn(u64) -> (Option<i64>, Option<String>));

const KEYS: [Keys; 7] = [
    ("few", |place| (Some((mixed(place) % 7) as i64), None)),
    ("many", |place| (Some((mixed(place) % 40_000) as i64), Some(format!("{}", mixed(place) % 3)))),
    ("all distinct", |place| (Some(mixed(place) as i64 * 7), Some(format!("a text that is long, {place}")))),
    ("80 % one key", |place| (Some(if place % 5 == 0 { place as i64 } else { -1 }), None)),
    ("all equal", |_| (Some(7), Some("seven".to_owned()))),
    ("all null", |_| (None, None)),
    ("distinct from half on", |place| (Some(if place < 30_000 { 3 } else { place as i64 }), None)),
];

/// Rows of some keys, with a float that has many digits.
fn keyed(keys: fn(u64) -> (Option<i64>, Option<String>), rows: u64) -> Vec<Row> {
    let row = |place: u64| {
        let (whole, text) = keys(place);
        let float = (!mixed(place).is_multiple_of(11)).then(|| (mixed(place) % 100_003) as f64 * 0.1);
        (whole, float, text)
    };
    (0..rows).map(row).collect()
}

/// Rows with bits, as they come.
fn bits(frame: &DataFrame) -> Vec<String> {
    let shown = |cell: Cell| match cell {
        Cell::Float(value) => format!("{:016x}", value.to_bits()),
        other => format!("{other:?}"),
    };
    let row = |batch: &RecordBatch, row: usize| {
        batch.columns().iter().map(|column| shown(cell(column, row))).collect::<Vec<_>>().join(",")
    };
    let batches = frame.compute_batches().unwrap();
    batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(|at| row(batch, at)).collect::<Vec<_>>())
        .collect()
}

#[test]
fn limits_threads_and_schedulers_change_no_bit() {
    const ROWS: u64 = 60_000;
    for (name, keys) in KEYS {
        let rows = keyed(keys, ROWS);
        let asked = asked();
        let ask = |session: &Session| {
            let input = with_small(&frame(session, &rows, 25_000));
            let expressions: Vec<Expr> = asked.iter().map(|(expression, _)| expression.clone()).collect();
            input.groupby(["whole", "text"]).dropna(false).agg(expressions)
        };
        let mut expected: Option<Vec<String>> = None;
        for limit in ["", "128MiB", "256MiB"] {
            for (threads, scheduler) in
                [(1, Scheduler::SingleThreaded), (2, Scheduler::Threaded), (8, Scheduler::Threaded)]
            {
                let got = bits(&ask(&session(threads, limit, scheduler)));
                let expected = expected.get_or_insert_with(|| got.clone());
                assert!(*expected == got, "{name}: limit {limit:?}, {threads} threads");
            }
        }
        let wanted = plain(&rows, &[0, 2], false);
        let input = with_small(&frame(&session(2, "", Scheduler::Threaded), &rows, 25_000));
        let expressions: Vec<Expr> = asked.iter().map(|(expression, _)| expression.clone()).collect();
        let found = groups(&input.groupby(["whole", "text"]).dropna(false).agg(expressions), &[0, 2]);
        assert_eq!(found.len(), wanted.len(), "{name}");
        for (key, cells) in &found {
            for ((expression, plain), cell) in asked.iter().zip(cells) {
                let answer = plain(&wanted[key]);
                assert!(
                    is_alike(cell, &answer),
                    "{name}: {expression} of {key:?}: {cell:?}, expected {answer:?}"
                );
            }
        }
    }
}

#[test]
fn batches_and_partitions_change_no_group() {
    for (name, keys) in KEYS {
        let rows = keyed(keys, 100_000);
        let session = session(2, "", Scheduler::Threaded);
        let sums = |cut: usize, joined: bool| {
            let input = frame(&session, &rows, cut);
            let input = if joined { input.repartition(1) } else { input };
            let by = input.groupby(["whole", "text"]).dropna(false).sort(true);
            groups(&by.agg([col("float").sum(), col("float").mean().alias("mean"), len()]), &[0, 2])
        };
        let expected = sums(100_000, false);
        for (cut, joined) in [(100_000, true), (33_333, false), (33_333, true), (700, true)] {
            let got = sums(cut, joined);
            assert_eq!(got.len(), expected.len(), "{name}");
            for ((key, cells), (wanted_key, wanted)) in got.iter().zip(&expected) {
                assert_eq!(key, wanted_key, "{name}");
                // Of one partition, however it comes in batches: the same bits.
                let is_right = |(got, wanted): (&Cell, &Cell)| match (got, wanted) {
                    (Cell::Float(got), Cell::Float(wanted)) if !joined => {
                        (got - wanted).abs() <= 1e-12 * wanted.abs()
                    }
                    (Cell::Float(got), Cell::Float(wanted)) => got.to_bits() == wanted.to_bits(),
                    _ => got == wanted,
                };
                assert!(cells.iter().zip(wanted).all(is_right), "{name}, {key:?}: {cells:?}, {wanted:?}");
            }
        }
    }
}

#[test]
fn long_texts_are_keys_and_values() {
    let session = session(2, "256MiB", Scheduler::Threaded);
    let long = |place: u64| "x".repeat([0, 1, 12, 13, 1000, 60_000, 1 << 20][(place % 7) as usize]);
    let rows: Vec<Row> = (0..84).map(|place| (Some((place % 3) as i64), None, Some(long(place)))).collect();
    let input = frame(&session, &rows, 10);
    let expected = plain(&rows, &[2], true);
    let found = groups(&input.groupby(["text"]).agg([len(), col("whole").sum()]), &[2]);
    assert_eq!(found.len(), 7);
    for (key, cells) in found {
        let wanted = &expected[&key];
        let sum: i64 = wanted.iter().filter_map(|(_, row)| row.0).sum();
        assert_eq!(cells, [Cell::Whole(wanted.len() as i128), Cell::Whole(sum.into())]);
    }
    let longest =
        input.groupby(["whole"]).sort(true).agg([col("text").max(), col("text").nunique().alias("texts")]);
    let found = groups(&longest, &[0]);
    assert_eq!(found.len(), 3);
    for (_, cells) in found {
        assert_eq!(cells, [Cell::Text("x".repeat(1 << 20)), Cell::Whole(7)]);
    }
}

#[test]
fn what_cannot_be_grouped_is_said_when_it_is_asked() {
    let session = session(1, "", Scheduler::Threaded);
    let input = frame(&session, &keyed(KEYS[0].1, 10), 4);
    let refusal = |frame: DataFrame| frame.schema().unwrap_err().to_string();
    assert!(refusal(input.groupby(["wole"]).size()).contains("whole"));
    assert!(refusal(input.groupby(["whole"]).agg([col("flot").sum()])).contains("float"));
    assert!(refusal(input.groupby(["whole"]).agg([col("float")])).contains("reduce it with sum()"));
    assert!(refusal(input.groupby(["whole"]).agg([col("float").sum() + col("place")])).contains("place"));
    assert!(refusal(input.groupby(["whole"]).agg([col("float").sum().max()])).contains("sum"));
    assert!(refusal(input.groupby([col("whole").sum()]).size()).contains("a reduction is no key"));
    assert!(refusal(input.groupby(["whole"]).agg([col("float").sum().alias("whole")])).contains("whole"));
    assert!(refusal(input.groupby(Vec::<&str>::new()).size()).contains("name at least one key"));
    let both = input.groupby(["whole"]).sort(true).maintain_order(true).size();
    assert!(refusal(both).contains("not both"));
    let lists = input.with_column("list", col("text").str().split("0"));
    assert!(refusal(lists.groupby(["list"]).size()).contains("list"));
    let none = frame(&session, &[], 4).groupby(["whole", "text"]).agg([col("float").mean(), len()]);
    assert_eq!(none.len().unwrap(), 0);
    assert_eq!(none.columns().unwrap(), ["whole", "text", "float", "len"]);
}

#[test]
fn whole_frame_forms_ask_what_each_column_has() {
    let session = session(2, "", Scheduler::Threaded);
    let input = frame(&session, &keyed(KEYS[0].1, 1000), 300);
    let by = input.groupby(["whole"]);
    let columns = |frame: DataFrame| frame.columns().unwrap();
    assert_eq!(columns(by.sum()), ["whole", "float", "place"]);
    assert_eq!(columns(by.mean()), ["whole", "float", "place"]);
    assert_eq!(columns(by.max()), ["whole", "float", "text", "place"]);
    assert_eq!(columns(by.count()), ["whole", "float", "text", "place"]);
    assert_eq!(columns(by.size()), ["whole", "len"]);
    let one = |frame: DataFrame| groups(&frame.sort_values(["whole"]), &[0]).remove(3).1;
    let first = one(by.agg([col("float").sum(), col("place").sum()]));
    assert_eq!(one(by.sum()), first);
    assert_eq!(one(by.nunique())[2], one(by.size())[0]);
    assert_eq!(one(by.median())[1], one(by.quantile(0.5))[1]);
}

#[test]
fn groups_of_the_index_stay_in_their_partitions() {
    let rows =
        keyed(|place| (Some((mixed(place) % 5_000) as i64), Some(format!("{}", mixed(place) % 7))), 60_000);
    let wanted = plain(&rows, &[0, 2], true);
    // Numbers of rows are those of the indexed frame.
    let asked: Vec<Asked> =
        asked().into_iter().filter(|(expression, _)| !expression.to_string().contains("idx")).collect();
    let expressions = || asked.iter().map(|(expression, _)| expression.clone()).collect::<Vec<_>>();
    let mut expected: Option<Vec<String>> = None;
    for (limit, threads) in [("", 1), ("", 8), ("128MiB", 1), ("128MiB", 2)] {
        let session = session(threads, limit, Scheduler::Threaded);
        let indexed = with_small(&frame(&session, &rows, 7_000)).set_index("whole");
        // The index is the second key: what matters is that it is one.
        let by_text = indexed.groupby(["text", "whole"]).agg([len()]);
        assert!(by_text.explain(Stage::Simplified).unwrap().contains("within partitions"));
        let by_index = indexed.groupby(["whole", "text"]).agg(expressions());
        assert!(by_index.explain(Stage::Simplified).unwrap().contains("within partitions"));
        let got = bits(&by_index);
        let expected = expected.get_or_insert_with(|| got.clone());
        assert!(*expected == got, "limit {limit:?}, {threads} threads");
        let found = groups(&by_index, &[0, 2]);
        assert_eq!(found.len(), wanted.len());
        for (key, cells) in &found {
            for ((expression, plain), cell) in asked.iter().zip(cells) {
                let answer = plain(&wanted[key]);
                assert!(is_alike(cell, &answer), "{expression} of {key:?}: {cell:?}, expected {answer:?}");
            }
        }
        // Distinct values are counted in groups of groups, which stay in order too.
        let counted = indexed.groupby(["whole"]).agg([col("text").nunique()]);
        let found = groups(&counted, &[0]);
        let order: Vec<i64> = found.iter().filter_map(|(key, _)| key[0].as_ref()?.parse().ok()).collect();
        assert!(order.len() > 4_000 && order.is_sorted());
        // A frame that is held knows that its rows are in order; one that is shuffled does not.
        let held = indexed.persist().unwrap().groupby(["whole", "text"]).agg(expressions());
        assert!(held.explain(Stage::Simplified).unwrap().contains("within partitions"));
        assert!(*expected == bits(&held), "held, limit {limit:?}, {threads} threads");
        let shuffled = indexed.shuffle(["text"]).groupby(["whole", "text"]).agg([len()]);
        assert!(!shuffled.explain(Stage::Simplified).unwrap().contains("within partitions"));
        assert_eq!(groups(&shuffled, &[0, 2]).len(), wanted.len());
    }
}

/// Distinct values of few groups take more than the ledger of 128 MiB has; they are groups themselves, and go to disk.
#[test]
fn distinct_values_beyond_memory_are_counted() {
    const ROWS: u64 = 700_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let mut text = String::from("key,text\n");
    let long = "a-text-that-is-long-".repeat(6);
    for row in 0..ROWS {
        // Each third text was there before, or is missing.
        let value = if row % 3 == 2 { row - 2 } else { row };
        let value = if row % 30 == 29 { String::new() } else { format!("{value} {long}") };
        text.push_str(&format!("{},{value}\n", row % 2));
    }
    std::fs::write(&path, text).unwrap();
    let distinct = |key: u64| {
        let values = (0..ROWS).filter(|row| row % 2 == key && row % 30 != 29);
        values
            .map(|row| if row % 3 == 2 { row - 2 } else { row })
            .collect::<std::collections::BTreeSet<u64>>()
            .len() as u64
    };
    for limit in ["128MiB", "0"] {
        let session = Session::builder().memory_limit(limit).threads(2).build().unwrap();
        let rows = session.read_csv(&path).block_size("4MiB").load().unwrap();
        let asked = [
            col("text").nunique().alias("distinct"),
            len().alias("rows"),
            col("text").null_count().alias("nulls"),
            col("text").min().alias("least"),
        ];
        let groups = rows.groupby(["key"]).sort(true).agg(asked).compute().unwrap();
        let numbers = |name: &str| groups.column(name).unwrap().u64().unwrap().to_vec();
        assert_eq!(numbers("distinct"), [Some(distinct(0)), Some(distinct(1))], "{limit}");
        assert_eq!(numbers("rows"), [Some(ROWS / 2), Some(ROWS / 2)], "{limit}");
        let nulls = (0..ROWS).filter(|row| row % 30 == 29).count() as u64;
        assert_eq!(numbers("nulls"), [Some(0), Some(nulls)], "{limit}");
        let least = |key: u64| {
            (0..ROWS)
                .filter(|row| row % 2 == key && row % 30 != 29)
                .map(|row| format!("{} {long}", if row % 3 == 2 { row - 2 } else { row }))
                .min()
        };
        let found: Vec<Option<String>> = groups
            .column("least")
            .unwrap()
            .str()
            .unwrap()
            .iter()
            .map(|text| text.map(str::to_owned))
            .collect();
        assert_eq!(found, [least(0), least(1)], "{limit}");
    }
}
