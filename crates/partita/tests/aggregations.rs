//! Lists, users' aggregations, arithmetic of groups, pivots and categories against plain maps and loops over the same rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/alike.rs"]
mod alike;
#[path = "support/keys.rs"]
mod keys;
#[path = "support/mixed.rs"]
mod mixed;
#[path = "support/placed.rs"]
mod placed;

use std::collections::BTreeMap;
use std::sync::Arc;

use partita::arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, UInt64Array};
use partita::arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
use partita::graph::BoxError;
use partita::prelude::*;
use partita::{Aggregation, GroupedRows};
use proptest::prelude::*;

use alike::rows;
use keys::KEYS;
use mixed::mixed;
use placed::{NAMES, Row, frame, session};

/// The text of a value of an array; floats by their bits.
fn shown(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            if value.is_nan() { "nan".to_owned() } else { format!("{:016x}", value.to_bits()) }
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            let items: Vec<String> = (0..list.len()).map(|at| shown(&list, at)).collect();
            format!("[{}]", items.join(","))
        }
        DataType::Dictionary(..) => {
            let plain = partita::arrow::compute::cast(array.slice(row, 1).as_ref(), &DataType::Utf8View);
            shown(&plain.unwrap(), 0)
        }
        _ => format!("{:?}", array.as_string_view().value(row)),
    }
}

/// Rows as they come.
fn lines(frame: &DataFrame) -> Vec<Vec<String>> {
    let batches = frame.compute_batches().unwrap();
    let line = |batch: &RecordBatch, row| batch.columns().iter().map(|column| shown(column, row)).collect();
    batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(|row| line(batch, row)).collect::<Vec<_>>())
        .collect()
}

fn whole(value: Option<i64>) -> String {
    value.map_or("null".to_owned(), |value| value.to_string())
}

fn float(value: Option<f64>) -> String {
    match value {
        None => "null".to_owned(),
        Some(value) if value.is_nan() => "nan".to_owned(),
        Some(value) => format!("{:016x}", value.to_bits()),
    }
}

fn text(value: &Option<String>) -> String {
    value.as_ref().map_or("null".to_owned(), |text| format!("{text:?}"))
}

/// The rows of each `whole`, in order.
fn plain(rows: &[Row]) -> BTreeMap<Option<i64>, Vec<&Row>> {
    let mut groups: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    rows.iter().for_each(|row| groups.entry(row.0).or_default().push(row));
    groups
}

fn listed<'a>(values: impl Iterator<Item = String> + 'a) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

/// A number that goes by the order of all values: `h = 31 h + value`, and how many there were; beside it a sum of floats.
struct Chain;

const PRIME: u64 = 31;

impl Chain {
    fn joined(parts: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
        parts.fold((0, 1), |(h, power), (next, by)| {
            (h.wrapping_mul(by).wrapping_add(next), power.wrapping_mul(by))
        })
    }
}

impl Aggregation for Chain {
    fn name(&self) -> &str {
        "chain"
    }

    fn state_types(&self, inputs: &[DataType]) -> Result<Vec<DataType>, BoxError> {
        if inputs != [DataType::UInt64, DataType::Float64] {
            return Err(format!("expected a place and a float, got {inputs:?}").into());
        }
        Ok(vec![DataType::UInt64, DataType::UInt64, DataType::Float64])
    }

    fn result_type(&self, inputs: &[DataType]) -> Result<DataType, BoxError> {
        self.state_types(inputs).map(|_| DataType::Float64)
    }

    fn chunk(&self, rows: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
        let (places, floats) = (rows.column(0)?.as_primitive::<UInt64Type>(), rows.column(1)?);
        let floats = floats.as_primitive::<Float64Type>();
        let (mut hashes, mut powers, mut sums) = (Vec::new(), Vec::new(), Vec::new());
        for group in rows.groups() {
            let (hash, power) = Self::joined(group.clone().map(|row| (places.value(row), PRIME)));
            hashes.push(hash);
            powers.push(power);
            sums.push(group.filter(|row| floats.is_valid(*row)).map(|row| floats.value(row)).sum::<f64>());
        }
        Ok(vec![
            Arc::new(UInt64Array::from(hashes)),
            Arc::new(UInt64Array::from(powers)),
            Arc::new(Float64Array::from(sums)),
        ])
    }

    fn merge(&self, states: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
        let hash = states.column(0)?.as_primitive::<UInt64Type>();
        let power = states.column(1)?.as_primitive::<UInt64Type>();
        let sum = states.column(2)?.as_primitive::<Float64Type>();
        let joined: Vec<(u64, u64)> = states
            .groups()
            .map(|group| Self::joined(group.map(|row| (hash.value(row), power.value(row)))))
            .collect();
        let sums = states.groups().map(|group| group.map(|row| sum.value(row)).sum::<f64>());
        Ok(vec![
            Arc::new(UInt64Array::from_iter_values(joined.iter().map(|(hash, _)| *hash))),
            Arc::new(UInt64Array::from_iter_values(joined.iter().map(|(_, power)| *power))),
            Arc::new(Float64Array::from_iter_values(sums)),
        ])
    }

    fn finish(&self, states: &[ArrayRef]) -> Result<ArrayRef, BoxError> {
        let hashes = states[0].as_primitive::<UInt64Type>().values().iter();
        let sums = states[2].as_primitive::<Float64Type>().values().iter();
        // The hash in the upper digits, the sum below: both show.
        let answers = hashes.zip(sums).map(|(hash, sum)| (hash >> 40) as f64 * 1e6 + sum);
        Ok(Arc::new(Float64Array::from_iter_values(answers)))
    }
}

/// What [`Chain`] makes of rows, by a loop; places are those of the rows.
fn chained(rows: &[(u64, Option<f64>)]) -> (u64, f64) {
    let hash = rows.iter().fold(0_u64, |hash, (place, _)| hash.wrapping_mul(PRIME).wrapping_add(*place));
    (hash, rows.iter().filter_map(|(_, float)| *float).sum())
}

fn chain() -> Expr {
    aggregation(Chain, [col("place"), col("float")])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn lists_are_those_of_loops(rows in rows(), cut in 1_usize..80, drops in any::<bool>()) {
        let session = session(2, "", Scheduler::Threaded);
        let by = frame(&session, &rows, cut).groupby(["whole"]).dropna(drops).sort(true);
        let asked = [col("text").collect_list(), col("float").collect_list(), (col("place") + lit(1)).collect_list(), len()];
        let mut expected: Vec<Vec<String>> = Vec::new();
        let mut place: BTreeMap<Option<i64>, Vec<String>> = BTreeMap::new();
        rows.iter().zip(1..).for_each(|(row, at)| place.entry(row.0).or_default().push(i64::to_string(&at)));
        for (key, rows) in plain(&rows) {
            if key.is_some() || !drops {
                expected.push(vec![
                    whole(key), listed(rows.iter().map(|row| text(&row.2))), listed(rows.iter().map(|row| float(row.1))),
                    listed(place[&key].iter().cloned()), rows.len().to_string(),
                ]);
            }
        }
        // Nulls are last in the order of keys.
        expected.sort_by_key(|line| line[0] == "null");
        let asked = by.agg(asked);
        prop_assert_eq!(lines(&asked), expected.clone());
        for stage in Stage::ALL {
            let batches = asked.compute_batches_at(stage).unwrap();
            prop_assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), expected.len());
        }
    }

    #[test]
    fn aggregations_are_those_of_loops(rows in rows(), cut in 1_usize..80) {
        let session = session(2, "", Scheduler::Threaded);
        let by = frame(&session, &rows, cut).groupby(["whole"]).dropna(false).sort(true);
        let found = by.agg([
            chain().alias("chain"),
            col("place").sum(),
            (chain() * lit(2.0)).alias("twice"),
        ]);
        let mut groups: BTreeMap<Option<i64>, Vec<(u64, Option<f64>)>> = BTreeMap::new();
        (0..).zip(&rows).for_each(|(place, row)| groups.entry(row.0).or_default().push((place, row.1)));
        let found = found.compute_batches().unwrap();
        let count: usize = found.iter().map(RecordBatch::num_rows).sum();
        prop_assert_eq!(count, groups.len());
        for batch in &found {
            let answers = batch.column(1).as_primitive::<Float64Type>();
            let twice = batch.column(3).as_primitive::<Float64Type>();
            for row in 0..batch.num_rows() {
                let key = batch.column(0).is_valid(row).then(|| batch.column(0).as_primitive::<Int64Type>().value(row));
                let (hash, sum) = chained(&groups[&key]);
                let wanted = (hash >> 40) as f64 * 1e6 + sum;
                let answer = answers.value(row);
                prop_assert!(answer == wanted || answer.is_nan() && wanted.is_nan(), "{} {}", answer, wanted);
                prop_assert!(twice.value(row) == 2.0 * answer || answer.is_nan());
                let places: u64 = groups[&key].iter().map(|(place, _)| place).sum();
                prop_assert_eq!(batch.column(2).as_primitive::<UInt64Type>().value(row), places);
            }
        }
    }
}

#[test]
fn limits_threads_and_schedulers_change_no_bit() {
    const ROWS: u64 = 90_000;
    for (name, key) in KEYS {
        let row = |place: u64| {
            let float = (!mixed(place).is_multiple_of(11)).then(|| (mixed(place) % 100_003) as f64 * 0.1);
            (Some(key(place) as i64), float, Some(format!("text of row {place}")))
        };
        let rows: Vec<Row> = (0..ROWS).map(row).collect();
        let ask = |session: &Session| {
            let lists = [col("text").collect_list(), col("place").collect_list(), chain().alias("chain")];
            frame(session, &rows, 35_000).groupby(["whole"]).sort(true).agg(lists)
        };
        let mut expected: Option<Vec<Vec<String>>> = None;
        for (threads, scheduler, limit) in [
            (2, Scheduler::Threaded, ""),
            (1, Scheduler::SingleThreaded, "192MiB"),
            (2, Scheduler::Threaded, "160MiB"),
            (8, Scheduler::Threaded, "256MiB"),
        ] {
            let got = lines(&ask(&session(threads, limit, scheduler)));
            assert!(
                *expected.get_or_insert_with(|| got.clone()) == got,
                "{name}: {limit:?}, {threads} threads"
            );
        }
        let mut groups: BTreeMap<u64, Vec<(u64, Option<f64>)>> = BTreeMap::new();
        (0..).zip(&rows).for_each(|(place, row)| groups.entry(key(place)).or_default().push((place, row.1)));
        let found = expected.unwrap();
        assert_eq!(found.len(), groups.len(), "{name}");
        for (line, (key, rows)) in found.iter().zip(&groups) {
            assert_eq!(line[0], key.to_string(), "{name}");
            assert_eq!(
                line[1],
                listed(rows.iter().map(|(place, _)| format!("{:?}", format!("text of row {place}"))))
            );
            assert_eq!(line[2], listed(rows.iter().map(|(place, _)| place.to_string())), "{name}");
            let (hash, sum) = chained(rows);
            let answer = f64::from_bits(u64::from_str_radix(&line[3], 16).unwrap());
            let wanted = (hash >> 40) as f64 * 1e6 + sum;
            assert!((answer - wanted).abs() <= 1e-9 * wanted.abs(), "{name}, {key}: {answer} {wanted}");
        }
    }
}

/// Fails in the way that it is told.
struct Wrong(&'static str);

impl Aggregation for Wrong {
    fn name(&self) -> &str {
        "wrong"
    }

    fn state_types(&self, _: &[DataType]) -> Result<Vec<DataType>, BoxError> {
        Ok(vec![DataType::Int64])
    }

    fn result_type(&self, _: &[DataType]) -> Result<DataType, BoxError> {
        if self.0 == "type" { Err("it takes no texts".into()) } else { Ok(DataType::Int64) }
    }

    fn chunk(&self, rows: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
        assert!(self.0 != "panic", "the seventh seal");
        match self.0 {
            "error" => Err("no luck today".into()),
            "columns" => Ok(Vec::new()),
            "kind" => Ok(vec![Arc::new(Float64Array::from(vec![0.0; rows.len()]))]),
            _ => Ok(vec![Arc::new(partita::arrow::array::Int64Array::from(vec![0; rows.len()]))]),
        }
    }

    fn merge(&self, states: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
        Ok(vec![states.column(0)?.slice(0, states.len())])
    }

    fn finish(&self, states: &[ArrayRef]) -> Result<ArrayRef, BoxError> {
        Ok(states[0].slice(0, states[0].len() - 1))
    }
}

#[test]
fn what_an_aggregation_does_wrong_is_an_error() {
    let session = session(2, "", Scheduler::Threaded);
    let rows: Vec<Row> = (0..100).map(|place| (Some(place % 3), Some(0.5), None)).collect();
    let input = frame(&session, &rows, 30);
    let failure = |how| {
        let asked = input.groupby(["whole"]).agg([col("float").aggregate_with(Wrong(how))]);
        asked.compute().unwrap_err().to_string()
    };
    assert!(
        failure("panic").contains("aggregation wrong: chunk: panicked: the seventh seal"),
        "{}",
        failure("panic")
    );
    assert!(failure("error").contains("aggregation wrong: chunk: no luck today"));
    assert!(failure("columns").contains("expected 1 columns, it returned 0"));
    assert!(failure("kind").contains("declared Int64, returned Float64"));
    assert!(failure("rows").contains("aggregation wrong: finish: was given"));
    assert!(failure("type").contains("aggregation wrong: result_type: it takes no texts"));
    // After a panic the session goes on.
    assert_eq!(input.groupby(["whole"]).size().len().unwrap(), 3);
    let chain =
        |columns: [&str; 2]| input.groupby(["whole"]).agg([aggregation(Chain, columns.map(col))]).schema();
    assert!(chain(["float", "place"]).unwrap_err().to_string().contains("expected a place and a float"));
    let none = input.groupby(["whole"]).agg([aggregation(Chain, [])]);
    assert!(none.compute().unwrap_err().to_string().contains("expected a column at least"));
}

#[test]
fn lists_and_aggregations_are_of_groups() {
    let session = session(2, "", Scheduler::Threaded);
    let rows: Vec<Row> = (0..10).map(|place| (Some(place % 3), Some(0.5), Some("a".to_owned()))).collect();
    let input = frame(&session, &rows, 4);
    for expression in [col("float").collect_list(), chain()] {
        let message = input.reduce([expression.clone()]).schema().unwrap_err().to_string();
        assert!(message.contains("groupby(..).agg(..)"), "{message}");
        let message = input.select([expression]).schema().unwrap_err().to_string();
        assert!(message.contains("reduce(..)"), "{message}");
    }
    // All rows are one group.
    let all = lines(&input.groupby([lit(1).alias("all")]).agg([col("place").collect_list()]));
    assert_eq!(all, [["1".to_owned(), "[0,1,2,3,4,5,6,7,8,9]".to_owned()]]);
    // The text form reads back, and other columns are not read.
    let written = partita::expr("collect_list(float) as floats").unwrap();
    assert_eq!(written, col("float").collect_list().alias("floats"));
    assert_eq!(written.to_string(), "collect_list(float) as floats");
    let lists =
        input.groupby(["whole"]).agg([written, col("text").collect_list()]).select(["whole", "floats"]);
    let plan = lists.explain(Stage::Simplified).unwrap();
    assert!(!plan.contains("text"), "{plan}");
    assert!(partita::expr("collect_list(float, text)").unwrap_err().to_string().contains("collect_list"));
}

/// Floats without NaN, which have a sum that is the same in any order: quarters.
fn quarters(rows: &[Row]) -> Vec<Row> {
    let quarter = |value: f64| if value.is_finite() { value.clamp(-8.0, 8.0) / 4.0 + 0.0 } else { 0.5 };
    rows.iter().map(|(whole, float, text)| (*whole, float.map(quarter), text.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn arithmetic_of_groups_is_that_of_loops(rows in rows(), cut in 1_usize..80, order in 0_u8..3) {
        let rows = quarters(&rows);
        let session = session(2, "", Scheduler::Threaded);
        let by = frame(&session, &rows, cut).select(["whole", "float", "place"]).groupby(["whole"]);
        let by = match order { 0 => by, 1 => by.sort(true), _ => by.dropna(false).maintain_order(true) };
        let (high, low) = (by.max(), by.min());
        type Fold = fn(f64, f64) -> f64;
        let all: [(partita::Result<DataFrame>, Fold); 4] = [
            (high.sub(&low), |a, b| a - b), (high.add(&low), |a, b| a + b), (high.mul(&low), |a, b| a * b), (low.div(&high), |a, b| b / a),
        ];
        for (both, fold) in all {
            let both = both.unwrap();
            prop_assert_eq!(both.columns().unwrap(), ["whole", "float", "place"]);
            let found = lines(&both);
            let expected = plain(&rows);
            prop_assert_eq!(found.len(), expected.keys().filter(|key| order == 2 || key.is_some()).count());
            for line in &found {
                let group = &expected[&line[0].parse::<i64>().ok()];
                let floats: Vec<f64> = group.iter().filter_map(|row| row.1).collect();
                let wanted = floats.iter().copied().reduce(f64::max).zip(floats.iter().copied().reduce(f64::min));
                prop_assert_eq!(&line[1], &float(wanted.map(|(high, low)| fold(high, low))));
            }
        }
        // One asks for numbers of rows, projections stand behind, and the same sides.
        let first = by.agg([col("float").idxmax().alias("x"), col("place").min().alias("y")]);
        let same = by.agg([col("float").count().alias("y"), len().alias("n")]).select(["whole", "n", "y"]).rename([("n", "x")]);
        let both = same.add(&first).unwrap();
        prop_assert_eq!(both.columns().unwrap(), ["whole", "x", "y"]);
        for line in lines(&both) {
            let key = line[0].parse::<i64>().ok();
            let group: Vec<(u64, &Row)> = (0..).zip(&rows).filter(|(_, row)| row.0 == key).collect();
            let values: Vec<(u64, f64)> = group.iter().filter_map(|(at, row)| Some((*at, row.1?))).collect();
            let best = values.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best });
            prop_assert_eq!(&line[1], &best.map_or("null".to_owned(), |(at, _)| (at + group.len() as u64).to_string()));
            prop_assert_eq!(&line[2], &(group[0].0 + values.len() as u64).to_string());
        }
    }

    #[test]
    fn pivots_and_counts_of_values_are_those_of_loops(rows in rows(), cut in 1_usize..80) {
        let rows: Vec<Row> = quarters(&rows).into_iter().map(|(w, f, t)| (w, f, t.map(|t| t.chars().take(3).collect()))).collect();
        let session = session(2, "", Scheduler::Threaded);
        let input = frame(&session, &rows, cut);
        // Cells: rows of both, by loops.
        let mut cells: BTreeMap<(i64, String), Vec<Option<f64>>> = BTreeMap::new();
        for (whole, float, text) in &rows {
            if let (Some(whole), Some(text)) = (whole, text) {
                cells.entry((*whole, text.clone())).or_default().push(*float);
            }
        }
        let texts: std::collections::BTreeSet<&String> = cells.keys().map(|(_, text)| text).collect();
        let keys: std::collections::BTreeSet<i64> = cells.keys().map(|(whole, _)| *whole).collect();
        let sum = |values: &Vec<Option<f64>>| float(Some(values.iter().flatten().sum::<f64>() + 0.0));
        let count = |values: &Vec<Option<f64>>| values.iter().flatten().count().to_string();
        let len = |values: &Vec<Option<f64>>| values.len().to_string();
        type Cell<'a> = &'a dyn Fn(&Vec<Option<f64>>) -> String;
        let asked: [(partita::Reduction, Cell<'_>); 3] = [
            (partita::Reduction::Sum, &sum), (partita::Reduction::Count, &count), (partita::Reduction::Len, &len),
        ];
        for (reduction, cell) in asked {
            let table = |texts: &[&String]| -> Vec<Vec<String>> {
                let some = keys.iter().filter(|key| texts.iter().any(|text| cells.contains_key(&(**key, (*text).clone()))));
                some.map(|key| {
                    let of = |text: &&String| cells.get(&(*key, (**text).clone())).map_or("null".to_owned(), cell);
                    std::iter::once(key.to_string()).chain(texts.iter().map(of)).collect()
                }).collect()
            };
            let all: Vec<&String> = texts.iter().copied().collect();
            let pivot = input.pivot_table(["whole"], "text", "float", reduction);
            let found = pivot.load().unwrap();
            let names: Vec<String> = std::iter::once("whole".to_owned()).chain(all.iter().map(|text| (*text).clone())).collect();
            prop_assert_eq!(found.columns().unwrap(), names);
            // The sign of a zero sum is that of the first zero.
            let plain_zero = |lines: Vec<Vec<String>>| -> Vec<Vec<String>> {
                lines.into_iter().map(|line| line.into_iter().map(|cell| cell.replace("8000000000000000", "0000000000000000")).collect()).collect()
            };
            if !all.is_empty() {
                prop_assert_eq!(plain_zero(lines(&found)), table(&all));
            }
            let given = [&"zz".to_owned(), &"a".to_owned()];
            let found = pivot.clone().categories(["zz", "a"]).load().unwrap();
            prop_assert_eq!(found.columns().unwrap(), ["whole", "zz", "a"]);
            prop_assert_eq!(plain_zero(lines(&found)), table(&given));
        }
        let mut counts: Vec<(i64, usize, String)> = cells.iter().map(|((whole, text), rows)| (*whole, rows.len(), text.clone())).collect();
        counts.sort_by(|a, b| (a.0, b.1, &a.2).cmp(&(b.0, a.1, &b.2)));
        let wanted: Vec<Vec<String>> =
            counts.iter().map(|(whole, count, text)| vec![whole.to_string(), format!("{text:?}"), count.to_string()]).collect();
        let found = input.groupby([NAMES[0]]).sort(true).value_counts(NAMES[2]);
        prop_assert_eq!(found.columns().unwrap(), ["whole", "text", "count"]);
        prop_assert_eq!(lines(&found), &wanted[..]);
        let mut any = lines(&input.groupby(["whole"]).value_counts("text"));
        any.sort();
        let mut wanted = wanted;
        wanted.sort();
        prop_assert_eq!(any, wanted);
    }
}

#[test]
fn frames_that_are_not_aligned_are_told_so() {
    let session = session(2, "", Scheduler::Threaded);
    let rows: Vec<Row> =
        (0..50).map(|place| (Some(place % 5), Some(place as f64), Some("a".to_owned()))).collect();
    let input = frame(&session, &rows, 20);
    let by = input.select(["whole", "float", "place"]).groupby(["whole"]);
    let high = by.max();
    let refusal = |other: &DataFrame| high.sub(other).unwrap_err().to_string();
    assert!(refusal(&by.clone().sort(true).min()).contains("not of the same rows"));
    assert!(refusal(&by.clone().dropna(false).min()).contains("not of the same rows"));
    assert!(refusal(&input.groupby(["text"]).min()).contains("not of the same rows"));
    assert!(
        refusal(&input.filter(col("float").gt(lit(1.0))).groupby(["whole"]).min()).contains("one agg([..])")
    );
    assert!(refusal(&input).contains("is no groupby(..)"));
    assert!(refusal(&by.min().filter(col("float").gt(lit(1.0)))).contains("is no groupby(..)"));
    assert!(refusal(&by.agg([col("float").min()])).contains("\"place\" is on one side only"));
    let more = by.agg([col("float").min(), col("place").min(), len()]);
    assert!(refusal(&more).contains("\"len\" is on one side only"));
    assert!(refusal(&by.min().rename([("whole", "key")])).contains("the keys have other names"));
    let texts = input.groupby(["whole"]);
    assert!(texts.max().sub(&texts.min()).unwrap_err().to_string().contains("text"));
    // One grouping, and one that was written the same way.
    let same = input.select(["whole", "float", "place"]).groupby(["whole"]).min();
    let plan = high.sub(&same).unwrap().explain(Stage::Fused).unwrap();
    assert_eq!(plan.matches("GroupBy").count(), 1, "{plan}");
}

#[test]
fn numbers_of_rows_in_pivots_are_those_of_the_frame() {
    let session = session(2, "", Scheduler::Threaded);
    let text = |place: i64| Some(if place % 3 == 2 { "b" } else { "a" }.to_owned());
    let rows: Vec<Row> = (0..90).map(|place| (Some(place % 2), Some(-(place as f64)), text(place))).collect();
    let pivot =
        frame(&session, &rows, 20).pivot_table(["whole"], "text", "float", partita::Reduction::IdxMax);
    // The first row of each pair has the greatest float: 0 and 1 of "a", 2 and 5 of "b".
    assert_eq!(lines(&pivot.load().unwrap()), [["0", "0", "2"], ["1", "1", "5"]]);
    assert_eq!(lines(&pivot.categories(["b"]).load().unwrap()), [["0", "2"], ["1", "5"]]);
}

#[test]
fn pivots_that_cannot_be_are_told_so() {
    let session = session(2, "", Scheduler::Threaded);
    let rows: Vec<Row> = (0..3000).map(|place| (Some(place), Some(1.0), Some("whole".to_owned()))).collect();
    let input = frame(&session, &rows, 900);
    let refusal = |pivot: &partita::PivotTable| pivot.load().unwrap_err().to_string();
    let wide = input.pivot_table(["text"], "whole", "float", partita::Reduction::Sum);
    assert!(refusal(&wide).contains("at most 1000 columns"), "{}", refusal(&wide));
    assert_eq!(wide.categories([5, 7]).load().unwrap().columns().unwrap(), ["text", "5", "7"]);
    assert!(
        refusal(&input.pivot_table(["text"], "wole", "float", partita::Reduction::Sum)).contains("whole")
    );
    assert!(
        refusal(&input.pivot_table(["whole"], "text", "flot", partita::Reduction::Sum)).contains("float")
    );
    assert!(
        refusal(&input.pivot_table(["whole"], "text", "float", partita::Reduction::Sum)).contains("whole")
    );
}

#[test]
fn all_categories_are_groups_where_that_is_wanted() {
    use partita::arrow::array::{DictionaryArray, Int32Array, Int64Array, StringArray};
    let session = session(2, "", Scheduler::Threaded);
    let batch = |entries: &[&str], codes: &[Option<i32>], values: &[i64]| {
        let entries = Arc::new(StringArray::from(entries.to_vec()));
        let keys = DictionaryArray::new(Int32Array::from(codes.to_vec()), entries);
        let values = Int64Array::from(values.to_vec());
        RecordBatch::try_from_iter_with_nullable([
            ("k", Arc::new(keys) as ArrayRef, true),
            ("v", Arc::new(values), true),
        ])
        .unwrap()
    };
    let parts = vec![
        vec![batch(&["a", "b", "c"], &[Some(0), Some(2), None], &[1, 2, 9])],
        vec![batch(&["d", "a"], &[Some(1)], &[3]), batch(&["e", "d"], &[Some(0)], &[50])],
    ];
    let input = session.from_batches(parts[0][0].schema(), parts).unwrap();
    let asked = [
        col("v").sum().alias("sum"),
        col("v").count().alias("count"),
        col("v").mean().alias("mean"),
        len(),
        (col("v").max() - col("v").min()).alias("spread"),
    ];
    let by = input.groupby(["k"]).sort(true);
    let line = |key: &str, values: &[i64]| -> Vec<String> {
        let sum: i64 = values.iter().sum();
        let mean = (!values.is_empty()).then(|| sum as f64 / values.len() as f64);
        let spread = values.iter().max().zip(values.iter().min()).map(|(high, low)| high - low);
        vec![
            format!("{key:?}"),
            sum.to_string(),
            values.len().to_string(),
            float(mean),
            values.len().to_string(),
            whole(spread),
        ]
    };
    let observed = [line("a", &[1, 3]), line("c", &[2]), line("e", &[50])];
    assert_eq!(lines(&by.agg(asked.clone())), observed);
    assert_eq!(lines(&by.clone().observed(true).agg(asked.clone())), observed);
    let all = [line("a", &[1, 3]), line("b", &[]), line("c", &[2]), line("d", &[]), line("e", &[50])];
    assert_eq!(lines(&by.clone().observed(false).agg(asked.clone())), all);
    let given = |by: partita::GroupBy| by.sort(true).categories(["d", "a", "b"]);
    assert_eq!(lines(&given(input.persist().unwrap().groupby(["k"])).agg(asked.clone())), all);
    let texts = input.with_column("k", col("k").cast(DataType::Utf8View));
    assert_eq!(lines(&given(texts.groupby(["k"])).agg(asked)), all);
    let numbers = input.groupby(["v"]).sort(true).categories([2, 4]).agg([len()]);
    let wanted = [[1, 1], [2, 1], [3, 1], [4, 0], [9, 1], [50, 1]]
        .map(|line| line.map(|value: i64| value.to_string()).to_vec());
    assert_eq!(lines(&numbers), wanted);
    assert!(given(input.groupby(["v"])).size().schema().unwrap_err().to_string().contains('d'));
    // A filter leaves the categories of batches that have rows.
    let some = input.filter(col("v").lt(lit(3))).groupby(["k"]).sort(true).observed(false).sum();
    let sums: Vec<Vec<String>> =
        [("a", "1"), ("b", "0"), ("c", "2")].map(|(k, v)| vec![format!("{k:?}"), v.to_owned()]).to_vec();
    assert_eq!(lines(&some), sums);
    let mut nulls = lines(&input.groupby(["k"]).dropna(false).observed(false).size());
    nulls.sort();
    assert_eq!(nulls.len(), 6);
    assert_eq!(nulls[5], ["null", "1"]);
    let refusal = |by: partita::GroupBy| by.observed(false).size().schema().unwrap_err().to_string();
    assert!(refusal(input.groupby(["v"])).contains("type Dictionary"));
    assert!(refusal(input.groupby(["k", "v"])).contains("one key"));
    for asked in [col("v").collect_list(), col("v").sum() + col("k").cast(DataType::Int64)] {
        let message = by.clone().observed(false).agg([asked]).schema().unwrap_err().to_string();
        assert!(message.contains("of no rows"), "{message}");
    }
    assert!(refusal(input.groupby(["k"]).maintain_order(true)).contains("sort(true)"));
}

#[test]
fn lists_beyond_memory_go_to_disk_and_one_beyond_it_is_told() {
    const ROWS: u64 = 400_000;
    let text = |place: u64| format!("{place:0300}");
    let batch = |from: u64, keys: u64| {
        let places = from..(from + 4000).min(ROWS);
        let keys = UInt64Array::from_iter_values(places.clone().map(|place| mixed(place) % keys));
        let texts = partita::arrow::array::StringViewArray::from_iter_values(places.map(text));
        RecordBatch::try_from_iter([
            ("key", Arc::new(keys) as ArrayRef),
            ("text", Arc::new(texts) as ArrayRef),
        ])
        .unwrap()
    };
    let asked = |session: &Session, keys: u64| {
        let parts = (0..ROWS)
            .step_by(100_000)
            .map(|part| (part..part + 100_000).step_by(4000).map(|from| batch(from, keys)).collect());
        let input = session.from_batches(batch(0, 1).schema(), parts.collect()).unwrap();
        input.groupby(["key"]).agg([col("text").collect_list()])
    };
    let session = session(2, "128MiB", Scheduler::Threaded);
    let (mut seen, mut spilled) = (0, 0);
    for rows in asked(&session, 30_000).batches().unwrap() {
        let rows = rows.unwrap();
        spilled = spilled.max(session.memory().spilled_bytes);
        let (keys, lists) = (rows.column(0).as_primitive::<UInt64Type>(), rows.column(1).as_list::<i32>());
        for row in 0..rows.num_rows() {
            let list = lists.value(row);
            let places: Vec<u64> =
                list.as_string_view().iter().map(|text| text.unwrap().parse().unwrap()).collect();
            assert!(
                places.is_sorted() && places.iter().all(|place| mixed(*place) % 30_000 == keys.value(row))
            );
            seen += places.len() as u64;
        }
    }
    assert_eq!(seen, ROWS);
    assert!(spilled > 0);
    let message = asked(&session, 1).batches().unwrap().find_map(Result::err).unwrap().to_string();
    assert!(message.contains("bytes of memory and the limit is 134217728"), "{message}");
}
