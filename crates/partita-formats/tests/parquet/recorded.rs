//! Values that DuckDB's own tests expect of files, where a test reads all columns of one file.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type};
use serde_json::Value;

use crate::folder;
use crate::valid::table;

/// A test: a file, and its rows as text.
struct Case {
    id: String,
    file: String,
    /// Whether the order of the rows is that of the file.
    is_ordered: bool,
    rows: Vec<Vec<String>>,
    is_limited: bool,
}

pub(crate) fn check() {
    let Some(root) = folder::root("recorded values of Parquet files") else {
        return;
    };
    let text = std::fs::read_to_string(root.join("cases/duckdb_sql.jsonl")).unwrap();
    let (mut agreed, mut cells, mut wrong) = (0, 0, Vec::new());
    for case in text.lines().filter_map(|line| case(&serde_json::from_str(line).unwrap())) {
        match compare(&case, &root.join("files").join(&case.file)) {
            Ok(count) => {
                agreed += 1;
                cells += count;
            }
            Err(what) => wrong.push(format!("{}: {}: {what}", case.id, case.file)),
        }
    }
    eprintln!("{agreed} recorded tests, {cells} values");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(agreed >= 14, "{agreed} recorded tests");
}

/// What a test says, if it reads all columns of one file and DuckDB still gives that.
fn case(line: &Value) -> Option<Case> {
    let sql = line["sql"].as_str()?.trim().trim_end_matches(';').trim_end();
    let lower = sql.to_ascii_lowercase();
    let rest = lower.strip_prefix("select * from ").or_else(|| lower.strip_prefix("from "))?.trim_start();
    let (_, quoted) = rest.split_once('\'').filter(|(before, _)| matches!(*before, "" | "parquet_scan("))?;
    let (file, rest) = quoted.split_once('\'')?;
    let rest = rest.trim_start_matches(')').trim();
    let (is_ordered, is_limited) = match rest {
        "" => (true, false),
        rest if rest.strip_prefix("limit ").is_some_and(|count| count.parse::<u32>().is_ok()) => (true, true),
        rest if rest.starts_with("order by ") && !rest.contains("limit") => (false, false),
        _ => return None,
    };
    let start = sql.len() - lower.len() + lower.find(file)?;
    let file = sql[start..start + file.len()].to_owned();
    // Variants are structs of bytes here.
    if !file.ends_with(".parquet") || file.contains('*') || file.contains("variant") {
        return None;
    }
    if line["rerun_with_duckdb_2.0.0"] != "match" || line["expect"]["sort"] != Value::Array(Vec::new()) {
        return None;
    }
    let rows = line["expect"]["rows"].as_array()?.iter().map(|row| {
        row.as_array()?.iter().map(|cell| cell.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    Some(Case {
        id: line["id"].as_str()?.to_owned(),
        file,
        is_ordered,
        rows: rows.collect::<Option<_>>()?,
        is_limited,
    })
}

/// How many values are the same, or which is not.
fn compare(case: &Case, path: &Path) -> Result<usize, String> {
    let table = table(std::fs::read(path).unwrap()).map_err(|error| error.to_string())?;
    let columns: Vec<Option<ArrayRef>> = table.columns().iter().map(texts).collect();
    let count = if case.is_limited { case.rows.len().min(table.num_rows()) } else { table.num_rows() };
    let mut got = rows(&table, &columns, count);
    let mut expected: Vec<Vec<String>> = case.rows.clone();
    for row in &mut expected {
        for (cell, column) in row.iter_mut().zip(&columns) {
            *cell = if column.is_some() { plain(cell) } else { String::new() };
        }
    }
    if !case.is_ordered {
        got.sort();
        expected.sort();
    }
    if got.len() != expected.len() {
        return Err(format!("expected {} rows, got {}", expected.len(), got.len()));
    }
    let differs = got.iter().zip(&expected).find(|(got, expected)| got != expected);
    differs.map_or_else(
        || Ok(got.len() * columns.iter().flatten().count()),
        |(got, expected)| Err(format!("expected {expected:?}, got {got:?}")),
    )
}

fn rows(table: &RecordBatch, columns: &[Option<ArrayRef>], count: usize) -> Vec<Vec<String>> {
    let cell = |column: &Option<ArrayRef>, row| match column {
        None => String::new(),
        Some(column) if column.is_null(row) => "NULL".to_owned(),
        Some(column) => plain(column.as_string::<i32>().value(row)),
    };
    (0..count.min(table.num_rows()))
        .map(|row| columns.iter().map(|column| cell(column, row)).collect())
        .collect()
}

/// A column as text; nested ones and bytes are written in another way there.
fn texts(column: &ArrayRef) -> Option<ArrayRef> {
    let is_plain = !column.data_type().is_nested()
        && !matches!(column.data_type(), DataType::Binary | DataType::FixedSizeBinary(_));
    if let DataType::Decimal128(_, scale) = column.data_type() {
        // Casts cut what has more digits than its type.
        let unit = 10_f64.powi(i32::from(*scale));
        let texts = column.as_primitive::<Decimal128Type>().iter();
        let texts = texts.map(|value| value.map(|value| format!("{:.9}", value as f64 / unit)));
        return Some(Arc::new(texts.collect::<StringArray>()));
    }
    is_plain.then(|| cast(column, &DataType::Utf8).unwrap())
}

/// Numbers by their value, times with a blank and without zeros at the end.
fn plain(cell: &str) -> String {
    if let Ok(number) = cell.parse::<i128>() {
        return number.to_string();
    }
    if let Ok(number) = cell.parse::<f64>() {
        return format!("{}", number as f32);
    }
    let is_time = cell.len() >= 19 && cell.as_bytes()[4] == b'-' && cell.as_bytes()[13] == b':';
    if is_time {
        let cell = cell.replacen('T', " ", 1);
        let cell = cell.trim_end_matches('Z').trim_end_matches("+00").to_owned();
        return if cell.contains('.') {
            cell.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            cell
        };
    }
    match cell {
        "true" => return "1".to_owned(),
        "false" => return "0".to_owned(),
        _ => {}
    }
    if cell == "(empty)" { String::new() } else { cell.to_owned() }
}
