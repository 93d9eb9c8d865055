//! The cases of `testdata/behaviours.jsonl`: what must hold does, and what is left to choose is as
//! `docs/semantics.md` says. Cases of operations that are not built yet are counted and named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what a helper of a test cannot do fails the test"
)]

#[path = "../support/cells.rs"]
mod cells;
#[path = "../support/json.rs"]
mod json;
#[path = "../support/compare.rs"]
mod recorded;
#[path = "../support/table.rs"]
mod table;

mod choices;
mod frames;
mod grouped;
mod ordered;
mod placed;
mod reading;
mod reductions;

use std::collections::BTreeMap;
use std::path::Path;

use crate::json::Json;
use crate::table::Table;

/// What came of a case.
#[derive(Debug)]
enum Outcome {
    Holds,
    /// The operation or an option is not there.
    NotBuilt,
    /// In words.
    Wrong(String),
}

fn records() -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/behaviours.jsonl");
    std::fs::read_to_string(path).expect("testdata/behaviours.jsonl").lines().map(Json::parse).collect()
}

fn id(record: &Json) -> &str {
    record.get("id").text().expect("an id")
}

#[test]
fn all_cases_hold_or_wait_for_their_operation() {
    let mut waiting: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut held, mut wrong) = (0, Vec::new());
    for record in &records() {
        let area = record.get("area").text().expect("an area").to_owned();
        let outcome = if area == "csv" { reading::check(record) } else { frames::check(record) };
        match outcome {
            Outcome::Holds => held += 1,
            Outcome::NotBuilt => waiting.entry(area).or_default().push(id(record).to_owned()),
            Outcome::Wrong(problem) => wrong.push(format!("{}: {problem}", id(record))),
        }
    }
    let count: usize = waiting.values().map(Vec::len).sum();
    eprintln!("{held} cases hold, {count} are not built yet: {waiting:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let waiting: Vec<String> = waiting.into_values().flatten().collect();
    let later: Vec<&str> = later().collect();
    let unknown: Vec<&String> = waiting.iter().filter(|id| !later.contains(&id.as_str())).collect();
    assert!(unknown.is_empty(), "not built, and no operation that is still to come: {unknown:?}");
    let built: Vec<&&str> = later.iter().filter(|id| !waiting.iter().any(|other| other == *id)).collect();
    assert!(built.is_empty(), "these hold by now: {built:?}");
}

/// The cases of operations that are not there: unions of categories, joins, ranks of whole frames, time bins, and carrying
/// values forward in them.
fn later() -> impl Iterator<Item = &'static str> {
    const LATER: &str = "categorical-04 index-11 join-01 join-03 join-05 join-07 join-09 \
        join-11 join-13 join-15 join-17 join-19 join-21 order-07 order-09 reshape-02 sort-08 time-01 time-03 \
        time-05 time-07 time-09";
    LATER.split_whitespace()
}

/// The recorded table, or what we chose in its place.
fn compared(record: &Json, got: &Table) -> Outcome {
    let chosen = choices::chosen(id(record));
    if let Some(rows) = chosen {
        return match got.rows == rows {
            true => Outcome::Holds,
            false => Outcome::Wrong(format!("chosen: {rows:?}, got {:?}", got.rows)),
        };
    }
    let expected = record.get("expected");
    let names: Vec<Option<String>> =
        expected.get("columns").items().iter().map(|name| name.text().map(str::to_owned)).collect();
    let dtypes: Vec<&str> = expected.get("dtypes").items().iter().filter_map(Json::text).collect();
    let rows: Vec<Vec<Json>> = expected
        .get("rows")
        .items()
        .iter()
        .map(|row| row.items().iter().zip(&dtypes).map(|(cell, dtype)| timed(cell, dtype)).collect())
        .collect();
    let shape = (rows.len(), names.len());
    let recorded = recorded::Recorded { names, shape, rows: Some(rows) };
    match recorded::difference(got, &recorded, true) {
        None => Outcome::Holds,
        Some(difference) => Outcome::Wrong(difference),
    }
}

/// Times are recorded as text in a column of times.
fn timed(cell: &Json, dtype: &str) -> Json {
    match cell {
        Json::Text(text) if ["datetime64", "timestamp"].iter().any(|name| dtype.starts_with(name)) => {
            Json::Map(vec![("ts".to_owned(), Json::Text(text.clone()))])
        }
        other => other.clone(),
    }
}
