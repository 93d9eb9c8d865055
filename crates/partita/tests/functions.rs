//! Functions of text and of times over frames, against values written down by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;

use partita::arrow::array::{Array, ArrayRef, AsArray, ListArray};
use partita::arrow::util::display::array_value_to_string;
use partita::prelude::*;

const PEOPLE: &str = "name,born,seen\n\
     Zoë Müller,1999-12-31,2021-03-28 00:30:00\n\
     \" ada lovelace \",1815-12-10,2021-03-28 01:30:00\n\
     ,,\n\
     Bob-Anderson the third of that name,2000-02-29,2021-10-31 01:30:00\n";

/// Blocks of a few records.
fn people(folder: &Path) -> DataFrame {
    let path = folder.join("people.csv");
    std::fs::write(&path, PEOPLE).unwrap();
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    session.read_csv(&path).block_size(64).load().unwrap()
}

fn columns(frame: &DataFrame) -> Vec<ArrayRef> {
    frame.compute_batches().unwrap().iter().map(|batch| Arc::clone(batch.column(0))).collect()
}

/// The first column as text, `-` for null.
fn shown(frame: &DataFrame) -> Vec<String> {
    let text = |array: &ArrayRef, row| match array.is_null(row) {
        true => "-".to_owned(),
        false => array_value_to_string(array, row).unwrap(),
    };
    columns(frame)
        .iter()
        .flat_map(|array| (0..array.len()).map(|row| text(array, row)).collect::<Vec<_>>())
        .collect()
}

/// The same from Rust and from text.
fn both(frame: &DataFrame, written: Expr, text: &str, expected: &[&str]) {
    assert_eq!(expr(text).unwrap(), written);
    assert_eq!(expr(&written.to_string()).unwrap(), written);
    assert_eq!(shown(&frame.select([written])), expected, "{text}");
}

#[test]
fn texts_from_rust_and_from_text() {
    let folder = tempfile::tempdir().unwrap();
    let frame = people(folder.path());
    let name = || col("name").str().strip().str();
    both(
        &frame,
        name().split_nth(" ", 0).str().upper(),
        "upper(split_nth(strip(name), ' ', 0))",
        &["ZOË", "ADA", "-", "BOB-ANDERSON"],
    );
    both(&frame, name().like("%_ë%"), "strip(name) like '%_ë%'", &["true", "false", "-", "false"]);
    both(
        &frame,
        name().extract(r"^(\w+)\W(?<last>\w+)", "last"),
        r"regex_extract(strip(name), '^(\w+)\W(?<last>\w+)', 'last')",
        &["Müller", "lovelace", "-", "Anderson"],
    );
    both(&frame, name().slice(-6, 6), "slice(strip(name), -6, 6)", &["Müller", "velace", "-", "t name"]);
    both(
        &frame,
        col("name").str().cat([lit(", "), col("born").dt().strftime("%d.%m.%Y")]),
        "concat(name, ', ', strftime(born, '%d.%m.%Y'))",
        &[
            "Zoë Müller, 31.12.1999",
            " ada lovelace , 10.12.1815",
            "-",
            "Bob-Anderson the third of that name, 29.02.2000",
        ],
    );
    let none = frame.filter(expr("contains(name, 'Zo') or name ilike 'BOB%'").unwrap());
    assert_eq!(none.len().unwrap(), 2);
    let refused = expr("regex_contains(name, '(')").unwrap();
    let refused = frame.select([refused]).compute().unwrap_err().to_string();
    assert!(refused.contains("regex_contains(name, '(')") && refused.contains("unclosed group"), "{refused}");
}

#[test]
fn times_from_rust_and_from_text() {
    let folder = tempfile::tempdir().unwrap();
    let frame = people(folder.path());
    both(
        &frame,
        col("born").dt().floor("1q"),
        "time_floor(born, '1q')",
        &["1999-10-01", "1815-10-01", "-", "2000-01-01"],
    );
    let berlin = || col("seen").dt().localize("UTC").dt().convert_zone("Europe/Berlin").dt();
    both(
        &frame,
        berlin().strftime("%a %H:%M %z"),
        "strftime(convert_zone(localize(seen, 'UTC'), 'Europe/Berlin'), '%a %H:%M %z')",
        &["Sun 01:30 +0100", "Sun 03:30 +0200", "-", "Sun 02:30 +0100"],
    );
    both(
        &frame,
        (col("seen") - col("born")).dt().total_days(),
        "total_days(seen - born)",
        &["7758.020833333333", "74984.0625", "-", "7915.0625"],
    );
    // 1:30 to 2:30 by UTC is no hour of the clock in March, and two in October.
    let localized = col("seen").dt().localize_as("Europe/Berlin", "latest", "null");
    let hours = [localized.clone().dt().hour(), localized.dt().date().alias("day")];
    assert_eq!(shown(&frame.select(hours)), ["0", "1", "-", "1"]);
    let refused = frame.select([col("born").dt().floor("1x")]).compute().unwrap_err().to_string();
    assert!(refused.contains("\"1x\" is no frequency"), "{refused}");
}

#[test]
fn lists_of_words_go_to_parquet() {
    let folder = tempfile::tempdir().unwrap();
    let words = people(folder.path()).select([col("name").str().split_blanks().alias("words")]);
    let lengths: Vec<Option<usize>> = columns(&words)
        .iter()
        .flat_map(|array| {
            let lists: &ListArray = array.as_list();
            lists.iter().map(|list| list.map(|list| list.len())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(lengths, [Some(2), Some(2), None, Some(6)]);
    words.to_parquet(folder.path().join("words")).write().unwrap();
}
