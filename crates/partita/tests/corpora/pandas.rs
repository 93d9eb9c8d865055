//! Calls of `pandas.read_csv`, and of Dask's, which passes most options on.

use std::path::{Path, PathBuf};

use partita::{Encoding, Headers, Ragged};

use crate::adapt::{self, Case, WRONG_ARGUMENT};
use crate::cases::{Call, Column, NotOffered, not_offered};
use crate::compare::{Expected, Manners};
use crate::folder::Corpora;
use crate::json::Json;
use crate::recorded::Recorded;

/// What pandas takes for missing where nobody says otherwise.
pub(crate) const MISSING: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];
const MANNERS: Manners = Manners { nan_is_missing: true, any_order: false };

/// The cases of pandas.
pub(crate) fn cases(corpora: &Corpora, folder: &Path) -> Vec<Case> {
    let records = corpora.cases("pandas_read_csv");
    records.iter().enumerate().map(|(number, record)| pandas_case(record, folder, number)).collect()
}

fn pandas_case(record: &Json, folder: &Path, number: usize) -> Case {
    let input = record.get("input");
    let path = adapt::write_input(folder, &format!("pandas_{number}.csv"), input);
    let mut call = options(record, vec![path], &MISSING);
    if input.get("name").text().is_some_and(|name| name.contains(".tar")) {
        call = not_offered("compression: tar");
    }
    if record.get("function").text() == Some("read_table")
        && let Ok(call) = &mut call
    {
        call.separator = b'\t';
    }
    let call = call.and_then(|call| expressible(call, record));
    let id = record.get("id").text().expect("an id").to_owned();
    let mut expected = adapt::expected(record.get("expect"), is_made_up);
    if call.as_ref().is_ok_and(|call| !call.first.is_empty()) {
        expected = with_index(expected, record.get("expect").get("index"));
    }
    Case { id, call, expected, manners: MANNERS }
}

/// The columns of the index in front of the others.
fn with_index(expected: Expected, index: &Json) -> Expected {
    let Expected::Table(Recorded { mut names, shape, rows: Some(rows) }) = expected else { return expected };
    // An index of 0, 1, 2, .. is not recorded.
    let counted = Json::List(vec![Json::Null]);
    let indexed = if *index == Json::Null { counted.items() } else { index.get("names").items() };
    let name = |name: &Json| name.text().filter(|text| !text.starts_with("Unnamed: ")).map(str::to_owned);
    names.splice(0..0, indexed.iter().map(name));
    let label = |row: usize| match index.get("values").items().get(row) {
        Some(label) => label.items().to_vec(),
        None => vec![Json::Number(row.to_string())],
    };
    let rows = rows
        .into_iter()
        .enumerate()
        .map(|(row, cells)| label(row).into_iter().chain(cells).collect())
        .collect();
    Expected::Table(Recorded { names, shape: (shape.0, shape.1 + indexed.len()), rows: Some(rows) })
}

/// Names of unnamed columns, and of repeated ones (`a.1`).
fn is_made_up(name: &Json) -> bool {
    let Some(name) = name.text() else { return true };
    let repeated =
        name.rsplit_once('.').is_some_and(|(_, n)| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()));
    name.starts_with("Unnamed: ") || repeated
}

/// What cannot be said in our terms though no option stands for it.
fn expressible(call: Call, record: &Json) -> Result<Call, NotOffered> {
    let is_list = |name: &Json| matches!(name, Json::List(_));
    if record.get("expect").get("columns").items().iter().any(is_list) {
        return not_offered("header of several rows");
    }
    Ok(call)
}

fn options(record: &Json, inputs: Vec<PathBuf>, missing: &[&str]) -> Result<Call, NotOffered> {
    adapt::check_compression(&inputs)?;
    let mut call = Call::new(inputs);
    let options = record.get("options");
    nulls(options, &mut call, missing)?;
    call.true_values.extend(words(options.get("true_values"))?);
    call.false_values.extend(words(options.get("false_values"))?);
    if *options.get("names") != Json::Null {
        call.has_header = false;
    }
    for (name, value) in options.entries() {
        option(name, value, &mut call)?;
    }
    if !call.has_header && call.names.is_none() {
        // Columns without a name are called by their number.
        let number = |column: &mut Column| match column {
            Column::Named(name) => name.parse().map_or_else(|_| column.clone(), Column::At),
            Column::At(_) => column.clone(),
        };
        call.nulls_of.iter_mut().for_each(|(column, _)| *column = number(column));
    }
    Ok(call)
}

fn words(value: &Json) -> Result<Vec<String>, NotOffered> {
    if *value == Json::Null { Ok(Vec::new()) } else { adapt::text_list(value) }
}

/// `na_values`, `keep_default_na` and `na_filter`.
fn nulls(options: &Json, call: &mut Call, missing: &[&str]) -> Result<(), NotOffered> {
    let filter = options.entries().iter().find(|(name, _)| name == "na_filter");
    let keep = options.entries().iter().find(|(name, _)| name == "keep_default_na");
    let filter = filter.map_or(Ok(true), |(_, value)| adapt::flag(value))?;
    let keep = keep.map_or(Ok(true), |(_, value)| adapt::flag(value))?;
    if !filter {
        call.keep_empty_strings = true;
        return Ok(());
    }
    if keep {
        call.null_values = missing.iter().map(|&word| word.to_owned()).collect();
    } else {
        call.keep_empty_strings = true;
    }
    match options.get("na_values") {
        Json::Null => {}
        Json::Map(columns) => {
            for (column, values) in columns {
                call.nulls_of.push((Column::Named(column.clone()), spellings(values)?));
            }
        }
        values => call.null_values.extend(spellings(values)?),
    }
    Ok(())
}

/// A number stands for both of its spellings, with and without a fraction.
fn spellings(values: &Json) -> Result<Vec<String>, NotOffered> {
    let items = if let Json::List(items) = values { items.as_slice() } else { std::slice::from_ref(values) };
    let mut words = Vec::new();
    for item in items {
        match item {
            Json::Text(text) => words.push(text.clone()),
            Json::Number(text) => {
                let whole = text.strip_suffix(".0").unwrap_or(text);
                words.extend([whole.to_owned(), format!("{whole}.0")]);
            }
            _ => return not_offered(WRONG_ARGUMENT),
        }
    }
    Ok(words)
}

fn option(name: &str, value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    match name {
        "sep" | "delimiter" => match value.text() {
            Some("\\s+") => return not_offered("sep: a pattern"),
            _ => call.separator = adapt::one_byte(name, value)?,
        },
        "header" => header(value, call)?,
        "names" if *value == Json::Null => {}
        "names" => match value.texts() {
            Some(names) => call.names = Some(names),
            None => return not_offered(WRONG_ARGUMENT),
        },
        "skiprows" => match value {
            Json::List(_) => return not_offered("skiprows: a list"),
            _ => call.skip_rows += adapt::count(value)?,
        },
        "nrows" => call.n_rows = Some(adapt::count(value)?),
        "index_col" if matches!(value, Json::Null | Json::Bool(false)) => {}
        "index_col" => call.first = columns(&one_or_more(value))?,
        "usecols" if *value == Json::Null => {}
        "usecols" => call.columns = Some(columns(value)?),
        "dtype" => types(value, call)?,
        "parse_dates" => match value {
            Json::Bool(false) => {}
            Json::List(_) => call.dates = columns(value)?,
            _ => return not_offered("parse_dates of the index"),
        },
        "date_format" => match value {
            Json::Map(formats) => {
                let format = |format: &Json| format.text().unwrap_or_default().to_owned();
                call.date_formats =
                    formats.iter().map(|(name, f)| (Column::Named(name.clone()), format(f))).collect();
            }
            _ => return not_offered("date_format for all columns"),
        },
        "decimal" => call.decimal = adapt::one_byte(name, value)?,
        "thousands" if *value == Json::Null => {}
        "thousands" => call.thousands = Some(adapt::one_byte(name, value)?),
        "comment" => call.comment = Some(adapt::one_byte(name, value)?),
        "escapechar" if *value == Json::Null => {}
        "escapechar" => call.escape = Some(adapt::one_byte(name, value)?),
        "quotechar" => call.quote = Some(adapt::one_byte(name, value)?),
        "quoting" => match value.whole() {
            Some(0 | 1) => {}
            Some(3) => call.quote = None,
            _ => return not_offered("quoting: numbers are what is not quoted"),
        },
        "encoding_errors" if value.text() == Some("replace") && call.encoding == Encoding::Utf8 => {
            call.encoding = Encoding::Utf8Lossy;
        }
        "encoding" if value.text().is_some() && call.encoding == Encoding::Utf8Lossy => {
            let encoding = adapt::encoding(value.text().unwrap_or_default())?;
            if encoding != Encoding::Utf8 {
                call.encoding = encoding;
            }
        }
        "encoding" => call.encoding = value.text().map_or(Ok(Encoding::Utf8), adapt::encoding)?,
        "skipinitialspace" => call.trim = adapt::flag(value)?,
        "on_bad_lines" if value.text() != Some("error") => call.ragged = Ragged::Skip,
        _ => rest(name, value)?,
    }
    Ok(())
}

/// Options that are the default, change nothing, or are not there.
fn rest(name: &str, value: &Json) -> Result<(), NotOffered> {
    let is_default = match name {
        "lineterminator" => matches!(value.text(), Some("\n" | "\r")) || value.get("b64").text().is_some(),
        "encoding_errors" => value.text() == Some("strict"),
        "dayfirst" | "iterator" => !adapt::flag(value)?,
        "doublequote" | "skip_blank_lines" => adapt::flag(value)?,
        "memory_map" | "cache_dates" => adapt::flag(value).map(|_| true)?,
        "dtype_backend" | "na_values" | "keep_default_na" | "na_filter" | "true_values" | "false_values"
        | "on_bad_lines" => true,
        "float_precision" => matches!(value.text(), None | Some("high" | "round_trip")),
        "compression" => matches!(value.text(), None | Some("gzip" | "zstd" | "bz2" | "xz" | "infer")),
        _ => false,
    };
    if is_default || *value == Json::Null {
        return Ok(());
    }
    match (name, value.text()) {
        ("float_precision" | "compression" | "encoding_errors", Some(text)) => {
            not_offered(format!("{name}: {text}"))
        }
        _ => not_offered(name),
    }
}

fn header(value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    match value {
        Json::Null => call.has_header = false,
        Json::Text(text) if text == "infer" => {}
        Json::Number(_) => {
            call.has_header = true;
            call.skip_rows += adapt::count(value)?;
        }
        Json::List(_) => return not_offered("header of several rows"),
        _ => return not_offered(WRONG_ARGUMENT),
    }
    Ok(())
}

fn one_or_more(value: &Json) -> Json {
    if let Json::List(_) = value { value.clone() } else { Json::List(vec![value.clone()]) }
}

fn columns(value: &Json) -> Result<Vec<Column>, NotOffered> {
    let column = |item: &Json| match (item.text(), item.whole().map(usize::try_from)) {
        (Some(name), _) => Ok(Column::Named(name.to_owned())),
        (None, Some(Ok(at))) => Ok(Column::At(at)),
        _ => not_offered(WRONG_ARGUMENT),
    };
    match value {
        Json::List(items) => items.iter().map(column).collect(),
        _ => not_offered(WRONG_ARGUMENT),
    }
}

/// `{"dtype": "str"}` is how a type is recorded; any other map is one of columns.
fn types(value: &Json, call: &mut Call) -> Result<(), NotOffered> {
    let name = |value: &Json| value.text().or(value.get("dtype").text()).map(str::to_owned);
    if *value == Json::Null {
        return Ok(());
    }
    if let Some(name) = name(value) {
        call.all_of_type = Some(adapt::data_type(&name)?);
        return Ok(());
    }
    for (column, data_type) in value.entries() {
        let Some(data_type) = name(data_type) else { return not_offered(WRONG_ARGUMENT) };
        let column = column.parse().map_or(Column::Named(column.clone()), Column::At);
        call.types.push((column, adapt::data_type(&data_type)?));
    }
    Ok(())
}

/// The cases of Dask.
pub(crate) fn dask_cases(corpora: &Corpora, folder: &Path) -> Vec<Case> {
    let records = corpora.cases("dask_read_csv");
    records.iter().enumerate().map(|(number, record)| dask_case(record, folder, number)).collect()
}

fn dask_case(record: &Json, folder: &Path, number: usize) -> Case {
    let folder = folder.join(format!("dask_{number}"));
    std::fs::create_dir(&folder).expect("a folder");
    let inputs: Vec<PathBuf> = record
        .get("input")
        .get("files")
        .items()
        .iter()
        .map(|file| adapt::write_input(&folder, file.get("name").text().expect("a name"), file))
        .collect();
    let expected = adapt::expected(record.get("expect"), is_made_up);
    let id = record.get("id").text().expect("an id").to_owned();
    let call = dask_options(record, inputs);
    // The recorded folder is no folder here.
    let expected = if call.as_ref().is_ok_and(|call| call.include_path.is_some()) {
        with_paths(expected, &folder)
    } else {
        expected
    };
    Case { id, call, expected, manners: MANNERS }
}

fn dask_options(record: &Json, inputs: Vec<PathBuf>) -> Result<Call, NotOffered> {
    let own = ["blocksize", "sample", "include_path_column", "enforce", "engine"];
    let passed: Vec<(String, Json)> = record
        .get("options")
        .entries()
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .cloned()
        .collect();
    let inner = Json::Map(vec![("options".to_owned(), Json::Map(passed))]);
    let mut call = options(&inner, inputs, &MISSING)?;
    if !call.first.is_empty() {
        return not_offered("index_col");
    }
    call.headers = Headers::Union;
    for (name, value) in record.get("options").entries() {
        match name.as_str() {
            "blocksize" => call.block_bytes = block_bytes(value),
            "include_path_column" if value.bool() == Some(true) => {
                call.include_path = Some("path".to_owned());
            }
            "include_path_column" => call.include_path = value.text().map(str::to_owned),
            "enforce" if value.bool() == Some(true) => call.headers = Headers::Same,
            _ => {}
        }
    }
    Ok(call)
}

fn block_bytes(value: &Json) -> Option<u64> {
    match value {
        Json::Text(text) => text.parse().ok().or_else(|| partita::ByteSize::from(text.as_str()).bytes().ok()),
        _ => value.whole().and_then(|bytes| u64::try_from(bytes).ok()),
    }
}

fn with_paths(expected: Expected, folder: &Path) -> Expected {
    let Expected::Table(Recorded { names, shape, rows: Some(mut rows) }) = expected else { return expected };
    for cell in rows.iter_mut().flatten() {
        if let Json::Text(text) = cell
            && let Some((_, name)) = text.strip_prefix("/DIR").and_then(|path| path.rsplit_once('/'))
        {
            *text = folder.join(name).display().to_string();
        }
    }
    Expected::Table(Recorded { names, shape, rows: Some(rows) })
}
