//! Calls of `pyarrow.csv.read_csv`.

use std::path::Path;

use partita::Ragged;

use crate::adapt::{self, Case, WRONG_ARGUMENT};
use crate::cases::{Call, Column, NotOffered, not_offered};
use crate::compare::Manners;
use crate::folder::Corpora;
use crate::json::Json;

/// What pyarrow takes for null in columns that are not text.
const NULLS: [&str; 18] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "N/A", "NA",
    "NULL", "NaN", "n/a", "nan", "null", "<NA>",
];
const MANNERS: Manners = Manners { nan_is_missing: false, any_order: false };

pub(crate) fn cases(corpora: &Corpora, folder: &Path) -> Vec<Case> {
    let records = corpora.cases("pyarrow_read_csv");
    records.iter().enumerate().map(|(number, record)| case(record, folder, number)).collect()
}

fn case(record: &Json, folder: &Path, number: usize) -> Case {
    let path = adapt::write_input(folder, &format!("pyarrow_{number}.csv"), record.get("input"));
    let mut call = Call::new(vec![path]);
    // As pyarrow: every record has the width of the first, and empty text is no null.
    call.ragged = Ragged::Error;
    call.keep_empty_strings = true;
    let outcome = options(record, &mut call);
    let id = record.get("id").text().expect("an id").to_owned();
    let expected = adapt::expected(record.get("expect"), |name| {
        name.text().is_none_or(|name| {
            name.is_empty() || name.strip_prefix('f').is_some_and(|number| number.parse::<u32>().is_ok())
        })
    });
    Case { id, call: outcome.map(|()| call), expected, manners: MANNERS }
}

fn options(record: &Json, call: &mut Call) -> Result<(), NotOffered> {
    for (group, options) in record.get("options").entries() {
        for (name, value) in options.entries() {
            match group.as_str() {
                "read_options" => read_option(name, value, call)?,
                "parse_options" => parse_option(name, value, call)?,
                _ => convert_option(name, value, call)?,
            }
        }
    }
    nulls(record, call);
    Ok(())
}

/// Text columns keep the words; the others are those that were recorded with another type.
fn nulls(record: &Json, call: &mut Call) {
    let expect = record.get("expect");
    let names = expect.get("columns").items().iter();
    for (at, (_, data_type)) in names.zip(expect.get("dtypes").items()).enumerate() {
        if !matches!(data_type.text(), Some("string" | "binary")) && call.select.is_none() {
            call.nulls_of.push((Column::At(at), NULLS.map(str::to_owned).to_vec()));
        }
    }
}

fn read_option(name: &str, value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    match name {
        "use_threads" => call.single_threaded = !adapt::flag(value)?,
        "block_size" => call.block_bytes = Some(adapt::count(value)?),
        "skip_rows" => call.skip_rows = adapt::count(value)?,
        "column_names" => {
            call.names = Some(adapt::text_list(value)?);
            call.has_header = false;
        }
        "autogenerate_column_names" => call.has_header = !adapt::flag(value)?,
        _ => return not_offered(name),
    }
    Ok(())
}

fn parse_option(name: &str, value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    match name {
        "delimiter" => call.separator = adapt::one_byte(name, value)?,
        "newlines_in_values" => {}
        _ => return not_offered(name),
    }
    Ok(())
}

fn convert_option(name: &str, value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    match name {
        "column_types" => {
            for (column, data_type) in value.entries() {
                let Some(name) = data_type.text() else { return not_offered(WRONG_ARGUMENT) };
                // Here `float` is the single one.
                let name = if name == "float" { "float32" } else { name };
                call.types.push((Column::Named(column.clone()), adapt::data_type(name)?));
            }
        }
        "decimal_point" => call.decimal = adapt::one_byte(name, value)?,
        "include_columns" => {
            let names = adapt::text_list(value)?;
            call.columns = Some(names.iter().cloned().map(Column::Named).collect());
            call.select = Some(names);
        }
        _ => return not_offered(name),
    }
    Ok(())
}
