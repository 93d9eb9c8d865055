//! Whether a table is the recorded one.
//!
//! Values are compared, not the names of types: numbers by value to the last bit, texts exactly, a date equals its midnight,
//! times with a zone by their instant. Kinds must be the same: text is no number and a truth value is no text; an
//! integer equals a float only in a column where values are missing, which some readers make one of floats.

use partita::arrow::datatypes::DataType;

use crate::cells::Cell;
use crate::json::Json;
use crate::table::Table;

/// A table as it was recorded.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// `None` where the reader made the name up.
    pub(crate) names: Vec<Option<String>>,
    /// Rows, columns.
    pub(crate) shape: (usize, usize),
    /// `None` where there were too many.
    pub(crate) rows: Option<Vec<Vec<Json>>>,
}

/// The first difference in words. `nan_is_missing`: as in pandas without nullable types.
pub(crate) fn difference(got: &Table, recorded: &Recorded, nan_is_missing: bool) -> Option<String> {
    let Recorded { names, shape, rows } = recorded;
    if (got.rows.len(), got.names.len()) != *shape {
        let (rows, columns) = shape;
        return Some(format!("expected {rows} x {columns}, got {} x {}", got.rows.len(), got.names.len()));
    }
    for (ours, theirs) in got.names.iter().zip(names) {
        if theirs.as_ref().is_some_and(|theirs| theirs != ours) {
            return Some(format!("expected the name {theirs:?}, got {ours:?}"));
        }
    }
    let rows = rows.as_ref()?;
    let missing: Vec<bool> = (0..got.names.len())
        .map(|column| {
            rows.iter().any(|row| row.get(column).is_some_and(|cell| is_missing(cell, nan_is_missing)))
        })
        .collect();
    for (row, (ours, theirs)) in got.rows.iter().zip(rows).enumerate() {
        for (column, (our, their)) in ours.iter().zip(theirs).enumerate() {
            if !same(our, their, missing[column], nan_is_missing, &got.types[column]) {
                return Some(format!("row {row}, column {column}: expected {their:?}, got {our}"));
            }
        }
    }
    None
}

fn is_missing(cell: &Json, nan_is_missing: bool) -> bool {
    *cell == Json::Null || nan_is_missing && cell.get("float").text() == Some("nan")
}

fn same(our: &Cell, their: &Json, has_missing: bool, nan_is_missing: bool, data_type: &DataType) -> bool {
    match (our, their) {
        (Cell::Null, their) => is_missing(their, nan_is_missing),
        (Cell::Float(value), their) if value.is_nan() => their.get("float").text() == Some("nan"),
        (Cell::Bool(value), Json::Bool(other)) => value == other,
        (Cell::Text(text), Json::Text(other)) => text == other,
        (Cell::Int(value), Json::Number(other)) => match other.parse::<i128>() {
            Ok(other) => *value == other,
            Err(_) => has_missing && other.parse() == Ok(*value as f64),
        },
        (Cell::Float(value), Json::Number(other)) => {
            let is_float = other.contains(['.', 'e', 'E']);
            let single = *data_type == DataType::Float32;
            let equal = other.parse() == Ok(*value) || single && other.parse() == Ok(*value as f32);
            is_float && equal
        }
        (Cell::List(values), Json::List(others)) => {
            let mut pairs = values.iter().zip(others);
            values.len() == others.len()
                && pairs.all(|(our, their)| same(our, their, has_missing, nan_is_missing, data_type))
        }
        (our, Json::Map(entries)) => entries.iter().any(|(kind, value)| tagged(our, kind, value)),
        _ => false,
    }
}

fn tagged(our: &Cell, kind: &str, value: &Json) -> bool {
    let Some(text) = value.text() else { return false };
    match (our, kind) {
        (Cell::Int(value), "int") => text.parse() == Ok(*value),
        (Cell::Float(value), "float") => text.parse() == Ok(*value),
        (Cell::Text(value), "int" | "str") => value == text,
        (Cell::Time(_) | Cell::Date(_), "ts") => {
            instant(text).is_some_and(|time| nanoseconds(our) == Some(time))
        }
        _ => false,
    }
}

/// Of a date, its midnight.
pub(crate) fn nanoseconds(cell: &Cell) -> Option<i128> {
    match cell {
        Cell::Date(days) => Some(i128::from(*days) * 86_400_000_000_000),
        Cell::Time(nanoseconds) => Some(*nanoseconds),
        _ => None,
    }
}

/// Nanoseconds since 1970 of `YYYY-MM-DD[(T| )HH:MM[:SS[.f]][Z|+HH[:MM]]]`.
pub(crate) fn instant(text: &str) -> Option<i128> {
    let number = |text: &str| text.parse::<i128>().ok();
    let (date, clock) = text.split_at_checked(10)?;
    let mut parts = date.split('-');
    let (year, month, day) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    let mut seconds = days(year, month, day) * 86_400;
    let clock = clock.strip_prefix(['T', ' ']).unwrap_or(clock).trim_end_matches('Z');
    if clock.is_empty() {
        return Some(seconds * 1_000_000_000);
    }
    let (clock, offset) = match clock.rfind(['+', '-']) {
        Some(at) => (&clock[..at], Some(&clock[at..])),
        None => (clock, None),
    };
    if let Some(offset) = offset {
        let (hours, minutes) = offset[1..].split_once(':').unwrap_or((&offset[1..], "0"));
        let east = number(hours)? * 3600 + number(minutes)? * 60;
        seconds -= if offset.starts_with('-') { -east } else { east };
    }
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    for (part, scale) in clock.split(':').zip([3600, 60, 1]) {
        seconds += number(part)? * scale;
    }
    Some(seconds * 1_000_000_000 + number(&format!("{fraction:0<9}"))?)
}

/// Days since 1970, year by year.
fn days(year: i128, month: i128, day: i128) -> i128 {
    let leap = |year: i128| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |year| if leap(year) { 366 } else { 365 };
    let years: i128 =
        if year >= 1970 { (1970..year).map(length).sum() } else { -(year..1970).map(length).sum::<i128>() };
    let months = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + months.iter().take(month as usize - 1).sum::<i128>() + day - 1
}
