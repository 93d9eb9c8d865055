//! The restart of a conversion with wider types.

use std::fmt::Write as _;

use arrow::datatypes::DataType;
use partita_formats::csv::reader::lines::lines_at;
use partita_formats::csv::widen::{Seen, Widened};
use partita_plan::PlanRef;
use partita_plan::node::{CsvInput, ReadCsv, retyped};

use crate::error::{ErrorKind, Result};
use crate::session::Session;
use crate::writing::plan::sources;

/// How often a conversion begins again. Each time a column gets a wider type that holds all that was seen, so that once is
/// enough unless an input changes while it is read.
pub(super) const RESTARTS_MAX: usize = 3;

/// Columns that were widened: one line each that are told by their place.
const PLACES_MAX: usize = 20;

/// `plan` with types that hold what was seen, and the columns that have got them.
///
/// # Errors
/// Where a column must be a date and cannot be, or the plan does not go with the new types.
pub(super) fn widen(session: &Session, plan: &PlanRef, seen: &Seen) -> Result<(PlanRef, Vec<Widened>)> {
    let mut widened = seen.widened()?;
    let types: Vec<(String, DataType)> =
        widened.iter().map(|column| (column.column.clone(), column.to.clone())).collect();
    let files: Vec<&CsvInput> = sources(plan).flat_map(ReadCsv::inputs).collect();
    for column in widened.iter_mut().take(PLACES_MAX) {
        // A line that cannot be told is no reason to stop.
        let file = files.iter().find(|file| file.block.file == column.file);
        column.line = file.and_then(|file| line_of(session, file, column.byte));
    }
    let plan = retyped(plan, &types).map_err(|error| {
        let mut message = String::from("values do not fit their columns, and with types that hold them all");
        for column in &widened {
            let _ = write!(message, "\n  column {column}");
        }
        ErrorKind::Option(format!("{message}\nthe rest of the work is not possible: {error}"))
    })?;
    Ok((plan, widened))
}

fn line_of(session: &Session, file: &CsvInput, byte: u64) -> Option<u64> {
    let input = session.engine().storage().open(&file.path).ok()?;
    let block = &file.block;
    let lines = lines_at(&block.file, &input, block.packing, block.dialect.line_end, &[byte]);
    lines.ok()?.first().copied()
}

/// Adds columns that were widened to those of earlier restarts.
pub(super) fn remember(all: &mut Vec<Widened>, widened: Vec<Widened>) {
    for column in widened {
        match all.iter_mut().find(|known| known.column == column.column) {
            Some(known) => known.to = column.to,
            None => all.push(column),
        }
    }
}

/// The error after too many restarts.
pub(super) fn endless(widened: &[Widened]) -> ErrorKind {
    let columns: Vec<String> = widened.iter().map(|column| format!("{:?}", column.column)).collect();
    ErrorKind::Option(format!(
        "after {RESTARTS_MAX} restarts with wider types values still do not fit (columns {}); does an input change while it is \
         read? Give the types with dtype(..) (--dtype)",
        columns.join(", ")
    ))
}
