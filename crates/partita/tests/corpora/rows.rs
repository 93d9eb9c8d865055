//! Python's `csv` and Rust's `csv-core`: rows of texts, of any width, without names.

use std::path::Path;

use crate::adapt::{self, Case};
use crate::cases::{Call, NotOffered, not_offered};
use crate::compare::{Expected, Manners};
use crate::folder::Corpora;
use crate::json::Json;
use crate::recorded::Recorded;

const MANNERS: Manners = Manners { nan_is_missing: false, any_order: false };

pub(crate) fn python_cases(corpora: &Corpora, folder: &Path) -> Vec<Case> {
    let records = corpora.cases("cpython_csv");
    let case = |(number, record): (usize, &Json)| {
        let lines = record.get("input").get("lines").texts().expect("lines");
        // Python takes an iterable of lines; most of the tests leave their ends out.
        let ended: Vec<String> = lines
            .iter()
            .map(|line| if line.ends_with(['\n', '\r']) { line.clone() } else { format!("{line}\n") })
            .collect();
        let text = if lines.len() == 1 { lines[0].clone() } else { ended.concat() };
        case(record, folder, &format!("python_{number}.csv"), &text, python_option)
    };
    records.iter().enumerate().map(case).collect()
}

pub(crate) fn rust_cases(corpora: &Corpora, folder: &Path) -> Vec<Case> {
    let records = corpora.cases("rust_csv_core");
    let case = |(number, record): (usize, &Json)| {
        let text = record.get("input").get("text").text().expect("text");
        case(record, folder, &format!("rust_{number}.csv"), text, rust_option)
    };
    records.iter().enumerate().map(case).collect()
}

type Adapter = fn(&str, &Json, &mut Call) -> Result<(), NotOffered>;

fn case(record: &Json, folder: &Path, name: &str, text: &str, option: Adapter) -> Case {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    let mut call = Call::new(vec![path]);
    adapt::as_text(&mut call);
    call.has_header = false;
    let rows: Vec<Vec<Json>> =
        record.get("expect").get("rows").items().iter().map(|row| row.items().to_vec()).collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
    call.names = Some((0..width).map(|column| format!("c{column}")).collect());
    let options = record.get("options").entries();
    let outcome = options.iter().try_for_each(|(name, value)| option(name, value, &mut call));
    let expected = if *record.get("expect").get("error") == Json::Null {
        // What a short row lacks is null here.
        let shape = (rows.len(), width);
        let pad = |mut row: Vec<Json>| {
            row.resize(width, Json::Null);
            row
        };
        let rows = Some(rows.into_iter().map(pad).collect());
        Expected::Table(Recorded { names: vec![None; width], shape, rows })
    } else {
        Expected::Error
    };
    let id = record.get("id").text().expect("an id").to_owned();
    Case { id, call: outcome.map(|()| call), expected, manners: MANNERS }
}

fn python_option(name: &str, value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    match name {
        "delimiter" if value.text() == Some("\0") => return not_offered("delimiter NUL"),
        "delimiter" => call.separator = adapt::one_byte(name, value)?,
        "quotechar" => call.quote = Some(adapt::one_byte(name, value)?),
        "escapechar" if *value == Json::Null => {}
        "escapechar" => call.escape = Some(adapt::one_byte(name, value)?),
        "skipinitialspace" => call.trim = adapt::flag(value)?,
        "quoting" if value.whole() == Some(3) => call.quote = None,
        "quoting" if value.whole() == Some(0) => {}
        "lineterminator" => {}
        "dialect" if value.text() == Some("excel") => {}
        "doublequote" if value.bool() == Some(true) => {}
        _ => return not_offered(name),
    }
    Ok(())
}

fn rust_option(name: &str, value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    // `Some(b'x')` or `b'x'`.
    let text = value.text().unwrap_or_default();
    let byte = text.split_once("b'").map(|(_, rest)| rest).and_then(|rest| match rest.as_bytes() {
        [b'\\', b't', ..] => Some(b'\t'),
        [b'\\', b'n', ..] => Some(b'\n'),
        [b'\\', b'\\', ..] => Some(b'\\'),
        [byte, ..] => Some(*byte),
        [] => None,
    });
    match name {
        "has_header" | "flexible" => {}
        "terminator" => return not_offered(name),
        "comment" if byte == Some(b'\n') => return not_offered("comment: a line end"),
        "comment" => call.comment = byte,
        "escape" => call.escape = byte,
        "quote" => call.quote = byte,
        "delimiter" => call.separator = byte.expect("a byte"),
        _ => return not_offered(name),
    }
    Ok(())
}
