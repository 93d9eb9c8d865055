//! Whether a table is the recorded one, in whichever form it was recorded.

use crate::cells::Cell;
use crate::recorded::{self, Recorded, instant, nanoseconds};
use crate::table::Table;

/// What is recorded of a call.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    /// It fails, with whatever words.
    Error,
    Table(Recorded),
    /// Rows as DuckDB prints them.
    Texts(Vec<Vec<String>>),
    /// A table, whatever is in it.
    AnyTable,
}

/// How the source writes tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manners {
    /// NaN stands for missing: pandas without nullable types.
    pub(crate) nan_is_missing: bool,
    /// Order of rows is not recorded.
    pub(crate) any_order: bool,
}

/// The first difference in words.
pub(crate) fn difference(got: &Table, expected: &Expected, manners: Manners) -> Option<String> {
    match expected {
        Expected::Table(recorded) => recorded::difference(got, recorded, manners.nan_is_missing),
        Expected::Texts(rows) => text_difference(got, rows, manners),
        Expected::AnyTable => None,
        Expected::Error => Some(format!("expected an error, got {} rows", got.rows.len())),
    }
}

fn text_difference(got: &Table, expected: &[Vec<String>], manners: Manners) -> Option<String> {
    let shape = (expected.len(), expected.first().map_or(got.names.len(), Vec::len));
    if (got.rows.len(), got.names.len()) != shape {
        return Some(format!(
            "expected {} x {}, got {} x {}",
            shape.0,
            shape.1,
            got.rows.len(),
            got.names.len()
        ));
    }
    let is_row =
        |ours: &[Cell], theirs: &[String]| ours.iter().zip(theirs).all(|(our, their)| is_printed(our, their));
    let mut left: Vec<&Vec<String>> = expected.iter().collect();
    for (number, ours) in got.rows.iter().enumerate() {
        let at = if manners.any_order {
            left.iter().position(|theirs| is_row(ours, theirs))
        } else {
            left.first().filter(|theirs| is_row(ours, theirs)).map(|_| 0)
        };
        match at {
            Some(at) => drop(left.remove(at)),
            None => return Some(format!("row {number}: expected {:?}, got {ours:?}", left.first())),
        }
    }
    None
}

/// Whether DuckDB prints the value so.
fn is_printed(our: &Cell, their: &str) -> bool {
    match our {
        Cell::Null => their == "NULL",
        Cell::Text(text) => text == their || text.is_empty() && their == "(empty)",
        Cell::Bool(value) => their == value.to_string() || their == u8::from(*value).to_string(),
        Cell::Int(value) => their.parse() == Ok(*value),
        Cell::Float(value) => their.parse() == Ok(*value) || value.is_nan() && their == "nan",
        Cell::Date(_) | Cell::Time(_) => instant(their).is_some_and(|time| nanoseconds(our) == Some(time)),
        // CSV has none.
        Cell::List(_) => false,
    }
}
