//! Columns and rows of groups against plain maps and loops over the same rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/alike.rs"]
mod alike;
#[path = "support/mixed.rs"]
mod mixed;
#[path = "support/placed.rs"]
mod placed;

use std::collections::{BTreeMap, HashMap};

use partita::Window;
use partita::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use partita::arrow::datatypes::{Field, Float64Type, Int64Type, Schema, UInt64Type};
use partita::prelude::*;
use proptest::prelude::*;

use alike::rows;
use mixed::mixed;
use placed::{NAMES, Row, frame, session};

type Key = Vec<Option<String>>;

/// What is equal where the values of a column are; `None` where there is none.
fn value(row: &Row, column: usize) -> Option<String> {
    match column {
        0 => row.0.map(|whole| whole.to_string()),
        1 => row.1.map(|float| if float.is_nan() { "nan".to_owned() } else { format!("{:?}", float + 0.0) }),
        _ => row.2.clone(),
    }
}

fn key(row: &Row, on: &[usize]) -> Key {
    on.iter().map(|column| value(row, *column)).collect()
}

/// The places of the rows of each group, in order.
fn plain(rows: &[Row], on: &[usize], drops: bool) -> HashMap<Key, Vec<usize>> {
    let mut groups: HashMap<Key, Vec<usize>> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        let key = key(row, on);
        if !(drops && key.contains(&None)) {
            groups.entry(key).or_default().push(place);
        }
    }
    groups
}

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

fn whole(value: Option<i64>) -> Cell {
    value.map_or(Cell::Null, |value| Cell::Whole(value.into()))
}

fn float(value: Option<f64>) -> Cell {
    value.map_or(Cell::Null, Cell::Float)
}

fn text(value: Option<&String>) -> Cell {
    value.map_or(Cell::Null, |value| Cell::Text(value.clone()))
}

/// Small enough that no sum or product of them is too large.
fn small(row: &Row) -> Option<i64> {
    row.0.map(|whole| whole.rem_euclid(2))
}

/// What is asked, and the same of the rows of a group and the number of one of them.
type Asked = (Expr, fn(&[&Row], usize) -> Cell);

fn floats(rows: &[&Row]) -> Vec<f64> {
    rows.iter().filter_map(|row| row.1).collect()
}

fn mean(rows: &[&Row]) -> Option<f64> {
    let values = floats(rows);
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn best(rows: &[&Row], at: usize, is_better: fn(f64, f64) -> bool) -> Cell {
    let values = floats(&rows[..=at]).into_iter().filter(|value| !value.is_nan());
    let best = values.reduce(|best, next| if is_better(next, best) { next } else { best });
    rows[at].1.map_or(Cell::Null, |_| Cell::Float(best.unwrap_or(f64::NAN)))
}

/// Values of this order: NaN above every number, zeros alike.
fn order(value: f64) -> (bool, f64) {
    if value.is_nan() { (true, 0.0) } else { (false, value + 0.0) }
}

fn ranks(rows: &[&Row], at: usize) -> Option<(usize, usize)> {
    let own = order(rows[at].1?);
    let values: Vec<(bool, f64)> = floats(rows).into_iter().map(order).collect();
    let less = values.iter().filter(|value| **value < own).count();
    Some((less, values.iter().filter(|value| **value == own).count()))
}

fn asked() -> Vec<Asked> {
    let of_float = || col("float");
    vec![
        ((of_float() - of_float().mean()).alias("anomaly"), |rows, at| {
            float(rows[at].1.zip(mean(rows)).map(|(value, mean)| value - mean))
        }),
        (len().alias("len"), |rows, _| Cell::Whole(rows.len() as i128)),
        (col("text").max().alias("greatest"), |rows, _| {
            text(rows.iter().filter_map(|row| row.2.as_ref()).max())
        }),
        (col("whole").nunique().alias("different"), |rows, _| {
            let mut values: Vec<i64> = rows.iter().filter_map(|row| row.0).collect();
            values.sort_unstable();
            values.dedup();
            Cell::Whole(values.len() as i128)
        }),
        (col("small").cumsum().alias("sum"), |rows, at| {
            whole(small(rows[at]).map(|_| rows[..=at].iter().filter_map(|row| small(row)).sum()))
        }),
        (of_float().cumsum().alias("floats"), |rows, at| {
            float(rows[at].1.map(|_| floats(&rows[..=at]).iter().fold(0.0, |a, b| a + b)))
        }),
        (col("small").cumprod().alias("product"), |rows, at| {
            whole(small(rows[at]).map(|_| rows[..=at].iter().filter_map(|row| small(row)).product()))
        }),
        (of_float().cummin().alias("least"), |rows, at| best(rows, at, |a, b| a < b)),
        (of_float().cummax().alias("most"), |rows, at| best(rows, at, |a, b| a > b)),
        (cumcount().alias("number"), |_, at| Cell::Whole(at as i128)),
        (col("text").shift(1).alias("before"), |rows, at| {
            text(at.checked_sub(1).and_then(|at| rows[at].2.as_ref()))
        }),
        (col("whole").shift(-2).alias("behind"), |rows, at| whole(rows.get(at + 2).and_then(|row| row.0))),
        (col("whole").shift_or(2, lit(-7)).alias("filled"), |rows, at| {
            at.checked_sub(2).map_or(Cell::Whole(-7), |at| whole(rows[at].0))
        }),
        (col("whole").shift_or(-1, lit(-7)).alias("filled_behind"), |rows, at| {
            rows.get(at + 1).map_or(Cell::Whole(-7), |row| whole(row.0))
        }),
        (col("small").diff(1).alias("step"), |rows, at| {
            let before = at.checked_sub(1).and_then(|at| small(rows[at]));
            whole(small(rows[at]).zip(before).map(|(own, before)| own - before))
        }),
        (col("text").ffill().alias("forward"), |rows, at| {
            text(rows[..=at].iter().rev().find_map(|row| row.2.as_ref()))
        }),
        (of_float().bfill().alias("backward"), |rows, at| float(rows[at..].iter().find_map(|row| row.1))),
        (of_float().rank(RankMethod::Average, false).alias("rank"), |rows, at| {
            float(ranks(rows, at).map(|(less, equal)| less as f64 + (equal as f64 + 1.0) / 2.0))
        }),
        (of_float().rank(RankMethod::Max, false).alias("rank_max"), |rows, at| {
            whole(ranks(rows, at).map(|(less, equal)| (less + equal) as i64))
        }),
        (of_float().rank(RankMethod::Min, true).alias("rank_down"), |rows, at| {
            let values = floats(rows).len();
            whole(ranks(rows, at).map(|(less, equal)| (values - less - equal + 1) as i64))
        }),
    ]
}

fn with_small(input: &DataFrame) -> DataFrame {
    input.with_column("small", col("whole") % lit(2))
}

/// The rows of a frame as they come: the place, and some columns.
fn found(frame: &DataFrame, names: &[String]) -> Vec<(u64, Vec<Cell>)> {
    let batches = frame.compute_batches().unwrap();
    let of = |batch: &RecordBatch| {
        let places = batch.column_by_name("place").unwrap().as_primitive::<UInt64Type>().values().to_vec();
        let columns: Vec<ArrayRef> =
            names.iter().map(|name| ArrayRef::clone(batch.column_by_name(name).unwrap())).collect();
        let row = |(row, place)| (place, columns.iter().map(|column| cell(column, row)).collect());
        places.into_iter().enumerate().map(row).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of).collect()
}

fn expected(rows: &[Row], on: &[usize], drops: bool, asked: &[Asked]) -> Vec<Vec<Cell>> {
    let groups = plain(rows, on, drops);
    let mut cells = vec![vec![Cell::Null; asked.len()]; rows.len()];
    for places in groups.values() {
        let group: Vec<&Row> = places.iter().map(|place| &rows[*place]).collect();
        for (at, place) in places.iter().enumerate() {
            cells[*place] = asked.iter().map(|(_, plain)| plain(&group, at)).collect();
        }
    }
    cells
}

fn check(got: &[(u64, Vec<Cell>)], wanted: &[Vec<Cell>], asked: &[Asked]) {
    assert_eq!(got.len(), wanted.len());
    for (row, ((place, cells), wanted)) in got.iter().zip(wanted).enumerate() {
        assert_eq!(*place, row as u64, "rows are in their order");
        for ((expression, _), (cell, wanted)) in asked.iter().zip(cells.iter().zip(wanted)) {
            assert!(is_alike(cell, wanted), "{expression} in row {row}: {cell:?}, expected {wanted:?}");
        }
    }
}

fn places(frame: &DataFrame) -> Vec<u64> {
    found(frame, &[]).into_iter().map(|row| row.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn columns_are_those_of_loops(
        rows in rows(), on in proptest::sample::subsequence(vec![0_usize, 1, 2], 1..=3), cut in 1_usize..80,
        drops in any::<bool>(),
    ) {
        let session = session(2, "", Scheduler::Threaded);
        let input = with_small(&frame(&session, &rows, cut));
        let keys: Vec<&str> = on.iter().map(|column| NAMES[*column]).collect();
        let asked = asked();
        let names: Vec<String> = asked.iter().map(|(expression, _)| expression.output_name()).collect();
        let expressions: Vec<Expr> = asked.iter().map(|(expression, _)| expression.clone()).collect();
        let wanted = expected(&rows, &on, drops, &asked);
        let by = input.groupby(&keys).dropna(drops);
        let computed = by.transform(expressions);
        check(&found(&computed, &names), &wanted, &asked);
        prop_assert_eq!(computed.npartitions().unwrap(), input.npartitions().unwrap());
        // A column alone, by a name that is there.
        let one = by.transform([col("text").ffill().alias("text")]).select(["place", "text"]);
        let at = names.iter().position(|name| name == "forward").unwrap();
        for ((_, cells), wanted) in found(&one, &["text".to_owned()]).iter().zip(&wanted) {
            prop_assert_eq!(&cells[0], &wanted[at]);
        }
        // Filters on keys go below, others see whole groups.
        let filtered = computed.filter(col(keys[0]).is_not_null().and(col("number").gt_eq(lit(1))));
        let number = names.iter().position(|name| name == "number").unwrap();
        let kept: Vec<u64> = rows.iter().zip(&wanted).enumerate().filter(|(_, (row, cells))| {
            value(row, on[0]).is_some() && matches!(cells[number], Cell::Whole(1..))
        }).map(|(place, _)| place as u64).collect();
        prop_assert_eq!(places(&filtered), kept);
    }

    #[test]
    fn rows_are_those_of_loops(
        rows in rows(), on in proptest::sample::subsequence(vec![0_usize, 1, 2], 1..=2), cut in 1_usize..80,
        drops in any::<bool>(), count in 0_usize..4, row in -4_i64..4,
    ) {
        let session = session(2, "", Scheduler::Threaded);
        let input = frame(&session, &rows, cut);
        let keys: Vec<&str> = on.iter().map(|column| NAMES[*column]).collect();
        let by = input.groupby(&keys).dropna(drops);
        let groups = plain(&rows, &on, drops);
        let picked = |pick: &dyn Fn(&[usize]) -> Vec<usize>| {
            let mut all: Vec<u64> = groups.values().flat_map(|places| pick(places)).map(|at| at as u64).collect();
            all.sort_unstable();
            all
        };
        prop_assert_eq!(places(&by.head(count)), picked(&|all| all.iter().copied().take(count).collect()));
        prop_assert_eq!(places(&by.tail(count)), picked(&|all| all[all.len().saturating_sub(count)..].to_vec()));
        let nth = picked(&|all| {
            let at = if row < 0 { row + all.len() as i64 } else { row };
            usize::try_from(at).ok().and_then(|at| all.get(at)).copied().into_iter().collect()
        });
        prop_assert_eq!(&places(&by.nth(row)), &nth);
        for stage in Stage::ALL {
            let batches = by.nth(row).compute_batches_at(stage).unwrap();
            prop_assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), nth.len());
        }
        prop_assert_eq!(by.nth(row).len().unwrap(), nth.len() as u64);
    }

    #[test]
    fn functions_get_each_group_once(rows in rows(), cut in 1_usize..80, drops in any::<bool>()) {
        let session = session(2, "", Scheduler::Threaded);
        let input = frame(&session, &rows, cut);
        let by = input.groupby(["text"]).dropna(drops);
        let groups = plain(&rows, &[2], drops);
        // The rows of each group from its second one on.
        let schema = Schema::clone(&input.schema().unwrap());
        let rest = |by: &GroupBy| by.apply(schema.clone(), |group| Ok(group.slice(1, group.height())));
        let mut wanted: Vec<Vec<u64>> = groups
            .values()
            .map(|places| places[1..].iter().map(|place| *place as u64).collect())
            .collect();
        wanted.sort();
        let runs = |frame: &DataFrame| {
            let mut by_text: BTreeMap<String, Vec<u64>> = BTreeMap::new();
            for (place, cells) in found(frame, &["text".to_owned()]) {
                by_text.entry(format!("{:?}", cells[0])).or_default().push(place);
            }
            by_text.into_values().collect::<Vec<_>>()
        };
        let got = rest(&by);
        let mut all = runs(&got);
        all.sort();
        prop_assert_eq!(all, wanted.into_iter().filter(|places| !places.is_empty()).collect::<Vec<_>>());
        // In the order of keys, and of first rows.
        let sorted = found(&rest(&by.clone().sort(true)), &["text".to_owned()]);
        let texts: Vec<(bool, String)> = sorted.iter().map(|(_, cells)| match &cells[0] {
            Cell::Text(text) => (false, text.clone()),
            _ => (true, String::new()),
        }).collect();
        prop_assert!(texts.is_sorted(), "{:?}", texts);
        let ordered = places(&rest(&by.maintain_order(true)));
        let mut firsts: Vec<&Vec<usize>> = groups.values().collect();
        firsts.sort();
        let by_first: Vec<u64> = firsts.iter().flat_map(|places| &places[1..]).map(|place| *place as u64).collect();
        prop_assert_eq!(ordered, by_first);
    }
}

/// Keys by the place of a row.
type Keys = (&'static str, fn(u64) -> Option<i64>);

const KEYS: [Keys; 5] = [
    ("few", |place| Some((mixed(place) % 7) as i64)),
    ("many", |place| Some((mixed(place) % 20_000) as i64)),
    ("all distinct", |place| Some(mixed(place) as i64 * 7)),
    ("all equal", |_| Some(7)),
    ("half null", |place| place.is_multiple_of(2).then_some((place % 5) as i64)),
];

fn keyed(keys: fn(u64) -> Option<i64>, rows: u64) -> Vec<Row> {
    let row = |place: u64| {
        let float = (!mixed(place).is_multiple_of(11)).then(|| (mixed(place) % 100_003) as f64 * 0.1);
        let text = (!mixed(place).is_multiple_of(3)).then(|| format!("text {}", mixed(place) % 1000));
        (keys(place), float, text)
    };
    (0..rows).map(row).collect()
}

/// Rows with bits, as they come.
fn bits(frame: &DataFrame) -> Vec<String> {
    let shown = |cell: Cell| match cell {
        Cell::Float(value) => format!("{:016x}", value.to_bits()),
        other => format!("{other:?}"),
    };
    let mut all = Vec::new();
    for batch in frame.compute_batches().unwrap() {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| shown(cell(column, row)));
            all.push(cells.collect::<Vec<_>>().join(","));
        }
    }
    all
}

#[test]
fn limits_threads_and_cuts_change_no_bit() {
    const ROWS: u64 = 40_000;
    let expressions: Vec<Expr> = asked().into_iter().map(|(expression, _)| expression).collect();
    for (name, keys) in KEYS {
        let rows = keyed(keys, ROWS);
        let ask = |session: &Session, cut: usize| {
            let input = with_small(&frame(session, &rows, cut));
            input.groupby(["whole"]).transform(expressions.clone())
        };
        let mut expected: Option<Vec<String>> = None;
        for (limit, cut) in [("", 15_000), ("128MiB", 15_000), ("256MiB", 7_001)] {
            for (threads, scheduler) in
                [(1, Scheduler::SingleThreaded), (2, Scheduler::Threaded), (8, Scheduler::Threaded)]
            {
                let got = bits(&ask(&session(threads, limit, scheduler), cut));
                let expected = expected.get_or_insert_with(|| got.clone());
                assert!(*expected == got, "{name}: limit {limit:?}, {threads} threads");
            }
        }
    }
}

#[test]
fn limits_threads_and_cuts_change_no_row() {
    const ROWS: u64 = 12_000;
    for (name, keys) in KEYS {
        let rows = keyed(keys, ROWS);
        let groups = plain(&rows, &[0], true);
        let picked = |pick: fn(&[usize]) -> &[usize]| {
            let mut all: Vec<u64> =
                groups.values().flat_map(|places| pick(places)).map(|place| *place as u64).collect();
            all.sort_unstable();
            all
        };
        let mut applied: Option<Vec<u64>> = None;
        for (limit, cut) in [("", 5_000), ("128MiB", 5_000), ("256MiB", 701)] {
            for (threads, scheduler) in
                [(1, Scheduler::SingleThreaded), (2, Scheduler::Threaded), (8, Scheduler::Threaded)]
            {
                let what = format!("{name}: limit {limit:?}, {threads} threads");
                let input = frame(&session(threads, limit, scheduler), &rows, cut);
                let by = input.groupby(["whole"]);
                assert_eq!(places(&by.head(2)), picked(|all| &all[..all.len().min(2)]), "{what}");
                assert_eq!(places(&by.tail(2)), picked(|all| &all[all.len().saturating_sub(2)..]), "{what}");
                assert_eq!(places(&by.nth(1)), picked(|all| all.get(1..2).unwrap_or_default()), "{what}");
                assert_eq!(places(&by.nth(-1)), picked(|all| &all[all.len() - 1..]), "{what}");
                let schema = Schema::clone(&input.schema().unwrap());
                let got = places(&by.apply(schema, |group| Ok(group.slice(1, 1))));
                let mut sorted = got.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, picked(|all| all.get(1..2).unwrap_or_default()), "{what}");
                assert!(*applied.get_or_insert_with(|| got.clone()) == got, "{what}: another order");
            }
        }
    }
}

#[test]
fn one_large_group_goes_through_in_pieces() {
    const ROWS: u64 = 700_000;
    let rows = keyed(KEYS[3].1, ROWS);
    let expressions = || {
        [col("float").cumsum().alias("sum"), cumcount().alias("number"), col("text").ffill().alias("text")]
    };
    let limited = session(2, "128MiB", Scheduler::Threaded);
    let by = |session: &Session| frame(session, &rows, 100_000).groupby(["whole"]);
    let computed = by(&limited).transform(expressions());
    let (mut sum, mut text, mut place) = (0.0, None, 0_u64);
    for batch in computed.batches().unwrap() {
        let batch = batch.unwrap();
        let columns: Vec<ArrayRef> = ["sum", "number", "text"]
            .map(|name| ArrayRef::clone(batch.column_by_name(name).unwrap()))
            .to_vec();
        for at in 0..batch.num_rows() {
            let row = &rows[place as usize];
            sum += row.1.unwrap_or(0.0);
            text = row.2.as_ref().or(text);
            assert_eq!(cell(&columns[0], at), float(row.1.map(|_| sum)));
            assert_eq!(cell(&columns[1], at), Cell::Whole(place.into()));
            assert_eq!(cell(&columns[2], at), self::text(text));
            place += 1;
        }
    }
    assert_eq!(place, ROWS);
    assert_eq!(places(&by(&limited).head(2)), [0, 1]);
    // What needs all rows of a group says so.
    let ranked = by(&limited).transform([col("float").rank(RankMethod::Dense, false).alias("rank")]);
    let error = ranked.compute_batches().unwrap_err().to_string();
    assert!(
        error.contains("memory_limit") && error.contains("group by keys with fewer rows each"),
        "{error}"
    );
}

#[test]
fn rows_come_back_into_their_partitions() {
    let session = session(2, "", Scheduler::Threaded);
    let rows = keyed(KEYS[1].1, 10_000);
    let input = frame(&session, &rows, 1_500);
    let known = input.compute_divisions("place").unwrap();
    let computed = known.groupby(["whole"]).transform([col("float").mean().alias("mean")]);
    assert_eq!(computed.divisions().unwrap(), known.divisions().unwrap());
    for part in 0..known.npartitions().unwrap() {
        assert_eq!(places(&computed.get_partition(part)), places(&known.get_partition(part)));
    }
    let explained = computed.select(["place", "mean"]).explain(Stage::Fused).unwrap();
    assert!(explained.contains("Within") && !explained.contains("text"), "{explained}");
    let filtered = computed.filter(col("whole").gt(lit(3)).and(col("mean").gt(lit(0)))).explain(Stage::Fused);
    assert!(filtered.unwrap().contains("rows where"));
}

#[test]
fn forms_give_the_columns_that_they_are_defined_for() {
    let session = session(2, "", Scheduler::Threaded);
    let rows = keyed(KEYS[0].1, 500);
    let input = frame(&session, &rows, 90);
    let by = input.groupby(["whole"]);
    let columns = |frame: DataFrame| frame.columns().unwrap();
    assert_eq!(columns(by.cumsum()), ["float", "place"]);
    assert_eq!(columns(by.cumprod()), ["float", "place"]);
    for all in
        [by.cummin(), by.cummax(), by.ffill(), by.bfill(), by.shift(3), by.rank(RankMethod::Dense, false)]
    {
        assert_eq!(columns(all), ["float", "text", "place"]);
    }
    let numbers = by.cumcount();
    assert_eq!(columns(numbers.clone()), ["cumcount"]);
    let mut seen: HashMap<Option<i64>, i128> = HashMap::new();
    let wanted: Vec<String> = rows
        .iter()
        .map(|row| {
            let count = seen.entry(row.0).or_default();
            *count += 1;
            format!("{:?}", Cell::Whole(*count - 1))
        })
        .collect();
    assert_eq!(bits(&numbers), wanted);
    // A key that is computed is no column.
    let parity = input.groupby([(col("whole") % lit(2)).alias("parity")]);
    assert_eq!(columns(parity.head(1)), ["whole", "float", "text", "place"]);
    assert_eq!(parity.head(1).len().unwrap(), 2);
    let parsed = partita::expr("shift(float, 2) + cumsum(float) * rank(float, 'dense desc')").unwrap();
    assert_eq!(parsed.to_string(), "(shift(float, 2) + (cumsum(float) * rank(float, 'dense desc')))");
    assert_eq!(col("x").window(Window::ForwardFill), col("x").ffill());
}

#[test]
fn frames_without_rows_stay_so() {
    let session = session(2, "", Scheduler::Threaded);
    let none = frame(&session, &[], 4);
    let by = none.groupby(["whole", "text"]);
    let computed = by.transform([col("float").mean().alias("mean"), cumcount()]);
    assert_eq!(computed.columns().unwrap(), ["whole", "float", "text", "place", "mean", "cumcount"]);
    assert_eq!(computed.len().unwrap(), 0);
    assert_eq!(by.tail(3).len().unwrap(), 0);
    let schema = Schema::new(vec![Field::new("whole", DataType::Int64, true)]);
    assert_eq!(by.apply(schema, Ok).len().unwrap(), 0);
}

#[test]
fn what_cannot_be_done_is_said() {
    let session = session(1, "", Scheduler::Threaded);
    let rows: Vec<Row> =
        vec![(Some(i64::MAX), None, Some("a".to_owned())), (Some(1), None, Some("a".to_owned()))];
    let input = frame(&session, &rows, 4);
    let by = input.groupby(["text"]);
    let refusal = |frame: DataFrame| frame.schema().unwrap_err().to_string();
    assert!(refusal(by.transform([col("flot").sum()])).contains("float"));
    assert!(refusal(by.transform([col("text").cumsum()])).contains("cumsum"));
    assert!(refusal(by.transform([col("whole").idxmax()])).contains("agg"));
    assert!(refusal(by.transform([col("whole").sum().cumsum()])).contains("sum"));
    assert!(refusal(input.groupby(Vec::<&str>::new()).head(1)).contains("name at least one key"));
    assert!(refusal(input.groupby([cumcount()]).head(1)).contains("no key"));
    assert!(refusal(input.with_column("n", cumcount())).contains("transform(..) only"));
    assert!(refusal(input.filter(col("whole").shift(1).is_null())).contains("transform(..) only"));
    assert!(refusal(input.groupby(["text"]).agg([col("whole").shift(1)])).contains("whole"));
    let overflow = by.cumsum().len().map(|_| ()).and_then(|()| by.cumsum().compute_batches().map(|_| ()));
    assert!(overflow.unwrap_err().to_string().contains("overflow in cumsum"));
    let schema = Schema::new(vec![Field::new("whole", DataType::Int64, true)]);
    let failed = by.apply(schema.clone(), |_| Err("no such day".into())).len().unwrap_err().to_string();
    assert!(failed.contains("groupby apply") && failed.contains("text is 'a'"), "{failed}");
    assert!(failed.contains("no such day"), "{failed}");
    let other = by.apply(schema, Ok).len().unwrap_err().to_string();
    assert!(other.contains("declared the columns (whole: Int64)"), "{other}");
}
