//! Calls of `polars.read_csv`.

use std::path::Path;

use crate::adapt::{self, Case, WRONG_ARGUMENT};
use crate::cases::{Call, Column, NotOffered, not_offered};
use crate::compare::Manners;
use crate::folder::Corpora;
use crate::json::Json;

const MANNERS: Manners = Manners { nan_is_missing: false, any_order: false };

pub(crate) fn cases(corpora: &Corpora, folder: &Path) -> Vec<Case> {
    let records = corpora.cases("polars_read_csv");
    records.iter().enumerate().map(|(number, record)| case(record, folder, number)).collect()
}

fn case(record: &Json, folder: &Path, number: usize) -> Case {
    let path = adapt::write_input(folder, &format!("polars_{number}.csv"), record.get("input"));
    let mut call = Call::new(vec![path]);
    let options = record.get("options").entries();
    let outcome = adapt::check_compression(&call.inputs)
        .and_then(|()| options.iter().try_for_each(|(name, value)| option(name, value, &mut call)));
    let id = record.get("id").text().expect("an id").to_owned();
    let expected = adapt::expected(record.get("expect"), is_made_up);
    Case { id, call: outcome.map(|()| call), expected, manners: MANNERS }
}

/// Names of unnamed columns, and of repeated ones.
fn is_made_up(name: &Json) -> bool {
    name.text().is_none_or(|name| {
        name.is_empty()
            || name.starts_with("column_")
            || name.contains("_duplicated_")
            || name.starts_with("_dup")
    })
}

fn option(name: &str, value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    match name {
        "has_header" => call.has_header = adapt::flag(value)?,
        "new_columns" => call.renamed = adapt::text_list(value)?,
        "schema" => {
            // The names stand for the header's, in its order.
            call.names = Some(value.entries().iter().map(|(name, _)| name.clone()).collect());
            types(value, call)?;
        }
        "schema_overrides" => types(value, call)?,
        "n_rows" => call.n_rows = Some(adapt::count(value)?),
        "null_values" => match value {
            Json::Map(columns) => {
                for (column, values) in columns {
                    call.nulls_of.push((Column::Named(column.clone()), adapt::text_list(values)?));
                }
            }
            _ => call.null_values = adapt::text_list(value)?,
        },
        "decimal_comma" => call.decimal = if adapt::flag(value)? { b',' } else { b'.' },
        "columns" => call.columns = Some(columns(value)?),
        "encoding" => call.encoding = adapt::encoding(value.text().unwrap_or_default())?,
        "separator" => call.separator = adapt::one_byte(name, value)?,
        "comment_prefix" => call.comment = Some(adapt::one_byte(name, value)?),
        "quote_char" if *value == Json::Null => call.quote = None,
        "quote_char" => call.quote = Some(adapt::one_byte(name, value)?),
        "skip_rows" | "skip_lines" => call.skip_rows = adapt::count(value)?,
        "row_index_name" => call.row_index = value.text().map(str::to_owned),
        "missing_utf8_is_empty_string" => call.keep_empty_strings = adapt::flag(value)?,
        "empty_string_is_null" => call.keep_empty_strings = !adapt::flag(value)?,
        // Dates are always looked for; the engine behind makes no difference; an empty file is an error.
        "try_parse_dates" | "use_pyarrow" => {}
        "raise_if_empty" if value.bool() == Some(true) => {}
        _ => return not_offered(name),
    }
    Ok(())
}

fn types(value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    for (column, data_type) in value.entries() {
        let Some(data_type) = data_type.text() else { return not_offered(WRONG_ARGUMENT) };
        call.types.push((Column::Named(column.clone()), adapt::data_type(data_type)?));
    }
    for (at, data_type) in value.items().iter().enumerate() {
        let Some(data_type) = data_type.text() else { return not_offered(WRONG_ARGUMENT) };
        call.types.push((Column::At(at), adapt::data_type(data_type)?));
    }
    Ok(())
}

fn columns(value: &Json) -> Result<Vec<Column>, NotOffered> {
    let column = |item: &Json| match item.text() {
        Some(name) => Ok(Column::Named(name.to_owned())),
        None => Ok(Column::At(adapt::count(item)? as usize)),
    };
    value.items().iter().map(column).collect()
}
