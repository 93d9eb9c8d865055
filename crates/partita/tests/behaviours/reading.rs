//! The cases about CSV.

use partita::arrow::datatypes::DataType;
use partita::{CsvReader, Infer, Ragged, Session};

use crate::json::Json;
use crate::table::Table;
use crate::{Outcome, compared, id};

pub(crate) fn check(record: &Json) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = record.get("input").get("csv");
    for (name, text) in csv.get("files").entries() {
        std::fs::write(folder.path().join(name), text.text().expect("text")).expect("a file");
    }
    let session = Session::builder().memory_limit("256MiB").threads(2).build().expect("a session");
    let mut reader = session.read_csv(folder.path());
    for (name, value) in csv.get("read_options").entries() {
        reader = option(reader, name, value);
    }
    let outcome = reader.load().and_then(|frame| Table::of(&frame));
    match (outcome, record.get("expected").get("error")) {
        (Ok(table), Json::Null) => compared(record, &table),
        (Ok(table), _) => Outcome::Wrong(format!("expected an error, got {:?}", table.rows)),
        (Err(error), Json::Null) => Outcome::Wrong(format!("an error: {error}")),
        (Err(error), _) => mismatch(id(record), &error.to_string()),
    }
}

/// The reader with an option.
fn option(reader: CsvReader, name: &str, value: &Json) -> CsvReader {
    let byte = |value: &Json| value.text().expect("a character").as_bytes()[0];
    match (name, value) {
        ("column_types", types) => {
            let types = types.entries().iter().map(|(column, name)| {
                assert_eq!(name.text(), Some("str"), "a type that no case had");
                (column, DataType::Utf8)
            });
            reader.dtypes(types)
        }
        ("default_missing_markers", Json::Bool(false)) => reader.keep_empty_strings(true),
        ("bad_lines", Json::Text(_)) => reader.ragged(Ragged::Skip),
        ("comment_char", character) => reader.comment(byte(character)),
        ("delimiter", character) => reader.separator(byte(character)),
        ("date_columns", columns) => reader.parse_dates(columns.texts().expect("names")),
        ("block_bytes", Json::Null) => reader,
        ("block_bytes", bytes) => reader.block_size(bytes.whole().expect("bytes") as u64),
        ("sample_bytes", bytes) => {
            let head_bytes = bytes.whole().expect("bytes") as usize;
            reader.infer(Infer::Sample { head_bytes, places: 0, place_bytes: 0 })
        }
        ("decimal_mark", character) => reader.decimal(byte(character)),
        _ => panic!("an option that no case had: {name} {value:?}"),
    }
}

/// A value that does not fit is an error that says where it is and what to write.
fn mismatch(id: &str, error: &str) -> Outcome {
    let wanted = match id {
        "csv-41" => ["a.csv: line 52, byte", "Float64", "1.5", "dtype(\"v\""],
        other => return Outcome::Wrong(format!("{other}: an error that no case had: {error}")),
    };
    match wanted.iter().find(|part| !error.contains(**part)) {
        None => Outcome::Holds,
        Some(part) => Outcome::Wrong(format!("{part:?} is not in the error: {error}")),
    }
}
