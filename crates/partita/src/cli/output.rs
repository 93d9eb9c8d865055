//! Standard output. A reader that goes away, as `head` does, ends the printing and is no failure.

use std::io::{self, BufWriter, ErrorKind, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use partita::arrow::array::RecordBatch;
use partita::arrow::datatypes::Schema;
use partita::arrow::util::display::{ArrayFormatter, FormatOptions};
use partita::type_name;

use super::failure::Failure;

/// Prints `text`, and a line end where it has none.
///
/// # Errors
/// Where standard output cannot be written to, other than by a reader that is gone.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let written = write!(out, "{text}{line_end}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::io("standard output", &error)),
    }
}

/// An empty table with these names above its columns.
pub(crate) fn table<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(names.into_iter().map(Into::into));
    table
}

/// Rows as a table, names and types above, numbers to the right, a missing value as `null`.
///
/// # Errors
/// Where Arrow cannot show a type.
pub(crate) fn rows(schema: &Schema, batches: &[RecordBatch]) -> Result<Table, Failure> {
    let heads =
        schema.fields().iter().map(|field| format!("{}\n{}", field.name(), type_name(field.data_type())));
    let mut table = table(heads);
    let options = FormatOptions::default().with_null("null").with_display_error(true);
    for batch in batches {
        let cells = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
        let cells = cells.collect::<Result<Vec<_>, _>>().map_err(partita::Error::from)?;
        for row in 0..batch.num_rows() {
            table.add_row(cells.iter().map(|column| one_line(&column.value(row).to_string())));
        }
    }
    for (number, field) in schema.fields().iter().enumerate() {
        if field.data_type().is_numeric() {
            to_the_right(&mut table, number);
        }
    }
    Ok(table)
}

/// Aligns a column to the right.
pub(crate) fn to_the_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// A value without anything that would move the cursor.
fn one_line(value: &str) -> String {
    let mut line = String::with_capacity(value.len());
    for character in value.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}
