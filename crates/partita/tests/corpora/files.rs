//! Every file of the corpora with the default options.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use partita::Session;

use crate::cells::Cell;
use crate::folder::{Corpora, Entry};
use crate::guard;
use crate::json::Json;
use crate::table::Table;

/// Files whose agreed shape is not ours under the default options, each for a reason. `docs/semantics.md` says more.
const DELIBERATE: [(&str, &str); 2] = [
    (
        "spark/test-data/unescaped-quotes.csv",
        "quotes that open a field are dropped where text follows the closing one, as in the csv crates of Rust and Python",
    ),
    (
        "csv-spectrum/csvs/newlines_crlf.csv",
        "the file as it is stored has lost the line ends that its JSON speaks of",
    ),
];

/// What happened to the files.
#[derive(Debug, Default)]
struct Tally {
    tables: usize,
    refused: usize,
    checked: usize,
    wrong: Vec<String>,
}

pub(crate) fn check(corpora: &Corpora) {
    let corpora = corpora.clone();
    guard::watched(Duration::from_secs(60), move || {
        let entries = corpora.csv_files();
        assert!(entries.len() > 600, "{} CSV files in the manifest", entries.len());
        let session = Session::builder().memory_limit("512MiB").threads(2).build().expect("a session");
        let mut tally = Tally::default();
        for entry in &entries {
            guard::doing(&entry.file);
            let started = Instant::now();
            if let Err(problem) = one(&session, &corpora, entry, &mut tally) {
                tally.wrong.push(format!("{}: {problem}", entry.file));
            }
            let seconds = started.elapsed().as_secs_f64();
            assert!(seconds < 20.0, "{}: {seconds} s", entry.file);
        }
        let Tally { tables, refused, checked, wrong } = tally;
        eprintln!(
            "{} files: {tables} tables, {refused} refused, {checked} with an expected result",
            entries.len()
        );
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let peak = guard::peak_memory_bytes().unwrap_or(0);
        assert!(peak < 1 << 30, "peak memory of {} MiB", peak >> 20);
    });
}

fn read(session: &Session, path: &Path) -> Result<partita::Result<Table>, String> {
    guard::caught(|| session.read_csv(path).load().and_then(|frame| Table::of(&frame)))
        .map_err(|place| format!("panicked: {place}"))
}

fn one(session: &Session, corpora: &Corpora, entry: &Entry, tally: &mut Tally) -> Result<(), String> {
    let outcome = read(session, &entry.path)?;
    match &outcome {
        Ok(_) => tally.tables += 1,
        Err(error) => {
            tally.refused += 1;
            let text = error.to_string();
            if text.is_empty() || text.contains("panicked") {
                return Err(format!("an unclean error: {text:?}"));
            }
        }
    }
    let expected = entry.shape();
    tally.checked += usize::from(expected.is_some() || entry.source == "spark");
    let deliberate = DELIBERATE.iter().find(|(file, _)| *file == entry.file).map(|(_, reason)| reason);
    match (checked(session, corpora, entry, &outcome), deliberate) {
        (Ok(()), None) | (Err(_), Some(_)) => Ok(()),
        (Ok(()), Some(reason)) => Err(format!("holds, and is listed as different: {reason}")),
        (Err(problem), None) => Err(problem),
    }
}

fn checked(
    session: &Session,
    corpora: &Corpora,
    entry: &Entry,
    outcome: &partita::Result<Table>,
) -> Result<(), String> {
    if entry.source == "spark" {
        return spark(session, entry);
    }
    let Some((rows, columns)) = entry.shape() else { return Ok(()) };
    let table = outcome.as_ref().map_err(|error| format!("expected {rows} x {columns}, got: {error}"))?;
    let shape = (table.rows.len(), table.names.len());
    if shape != (rows, columns) {
        return Err(format!("expected {rows} rows x {columns} columns, got {} x {}", shape.0, shape.1));
    }
    if entry.basis == "upstream JSON" { spectrum(session, corpora, entry) } else { Ok(()) }
}

/// The values as text, against the JSON beside the file.
fn spectrum(session: &Session, corpora: &Corpora, entry: &Entry) -> Result<(), String> {
    let stem = entry.path.file_stem().expect("a name").to_string_lossy().into_owned();
    let json = corpora.file(&format!("csv-spectrum/json/{stem}.json"));
    let expected = Json::parse(std::fs::read_to_string(json).expect("upstream JSON").trim());
    let table = text(session, &entry.path)?;
    let got: Vec<BTreeMap<String, String>> = table
        .rows
        .iter()
        .map(|row| table.names.iter().cloned().zip(row.iter().map(shown)).collect())
        .collect();
    let expected: Vec<BTreeMap<String, String>> = expected
        .items()
        .iter()
        .map(|row| {
            let entries = row.entries().iter();
            entries.map(|(name, value)| (name.clone(), value.text().expect("text").to_owned())).collect()
        })
        .collect();
    if got == expected { Ok(()) } else { Err(format!("expected {expected:?}, got {got:?}")) }
}

fn text(session: &Session, path: &Path) -> Result<Table, String> {
    let reader = session.read_csv(path).infer(partita::Infer::None).keep_empty_strings(true);
    reader.load().and_then(|frame| Table::of(&frame)).map_err(|error| error.to_string())
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => value.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Date(days) => format!("day {days}"),
        Cell::Time(nanoseconds) => format!("{} s", nanoseconds / 1_000_000_000),
        Cell::List(values) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
    }
}

/// What Spark's suite expects, in our options.
fn spark(session: &Session, entry: &Entry) -> Result<(), String> {
    let name = entry.path.file_name().expect("a name").to_string_lossy().into_owned();
    let reader = session.read_csv(&entry.path);
    let reader = match name.as_str() {
        "cars-malformed.csv" => reader.comment(b'~'),
        "comments.csv" => reader.comment(b'~').has_header(false),
        "numbers.csv" => reader.null_values(["--"]),
        "unescaped-quotes.csv" => reader.has_header(false),
        "value-malformed.csv" => {
            let types = [("a", "Int64"), ("b", "Timestamp(us)")];
            reader.has_header(false).names(["a", "b"]).dtypes(types)
        }
        _ => reader,
    };
    let read = guard::caught(|| reader.load().and_then(|frame| Table::of(&frame)))?;
    let shape = read.as_ref().map(|table| (table.rows.len(), table.names.len())).ok();
    let first = |row: usize| -> Vec<String> {
        read.as_ref().map(|table| table.rows[row].iter().map(shown).collect()).unwrap_or_default()
    };
    let holds = match name.as_str() {
        "cars-blank-column-name.csv" => shape == Some((2, 5)),
        // The fourth column is the comment, the fifth the blank one.
        "cars-empty-value.csv" => shape == Some((5, 5)) && first(0)[3..] == ["", ""],
        // Longer rows are refused; a clean error is what a strict reader gives.
        "cars-malformed.csv" | "value-malformed.csv" => shape.is_none(),
        "comments.csv" => {
            let (seconds, expected) = (1_440_086_220, ["1", "2", "3", "4", "5.01"]);
            shape == Some((3, 6)) && first(0)[..5] == expected && first(0)[5] == format!("{seconds} s")
        }
        "mixed-types1.csv" => first(0)[0] == "2012" && first(1)[0] == "1997" && first(2)[0] == "True",
        // A point before NAN makes no number: that column is text, the last one has the floats.
        "numbers.csv" => {
            shape == Some((8, 4))
                && first(4)[3] == "null"
                && [first(5), first(6), first(7)].map(|row| row[3].clone()) == ["NaN", "inf", "-inf"]
        }
        "unescaped-quotes.csv" => {
            shape == Some((2, 3))
                && first(0) == ["\"a\"b", "ccc", "ddd"]
                && first(1)[1..] == ["cc\"c", "ddd\""]
        }
        _ => return Err("a file of Spark that no expectation is known of".to_owned()),
    };
    if holds { Ok(()) } else { Err(format!("expected: {}; got {read:?}", entry.expect)) }
}
