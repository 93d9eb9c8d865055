//! Statements of DuckDB's tests that read CSV files.

use std::path::PathBuf;

use partita::arrow::datatypes::{DataType, TimeUnit};
use partita::{Headers, Infer, Ragged};

use crate::adapt::{self, Case, WRONG_ARGUMENT};
use crate::cases::{Call, Column, NotOffered, not_offered};
use crate::cells::Cell;
use crate::compare::{Expected, Manners};
use crate::folder::Corpora;
use crate::json::Json;
use crate::sql::{self, Item, Literal, Statement};
use crate::table::Table;

/// Options of several names, of which one may be given.
const ALIASES: [&[&str]; 3] =
    [&["delim", "sep", "delimiter"], &["names", "column_names"], &["types", "dtypes", "column_types"]];

/// What is made of a table after reading: the part of a statement before its `FROM`.
#[derive(Debug, Clone)]
pub(crate) struct View {
    items: Vec<Item>,
    limit: Option<usize>,
    /// Whether DuckDB was free to find out about the dialect or the header.
    pub(crate) is_sniffed: bool,
}

/// The cases that DuckDB itself still answers as recorded.
pub(crate) fn cases(corpora: &Corpora) -> Vec<(Case, Option<View>)> {
    let is_csv = |record: &&Json| {
        let matches = record.get("rerun_with_duckdb_2.0.0").text() == Some("match");
        let files = record.get("files").texts().unwrap_or_default();
        matches && files.iter().any(|file| !file.ends_with(".parquet"))
    };
    let records = corpora.cases("duckdb_sql");
    records.iter().filter(is_csv).map(|record| case(corpora, record)).collect()
}

fn case(corpora: &Corpora, record: &Json) -> (Case, Option<View>) {
    let id = record.get("id").text().expect("an id").to_owned();
    let statement = record.get("sql").text().and_then(sql::parse);
    let view = statement.as_ref().map(|statement| View {
        items: statement.items.clone(),
        limit: statement.limit,
        is_sniffed: detects(statement),
    });
    let sort = !record.get("expect").get("sort").items().is_empty();
    let any_order = sort || statement.as_ref().is_some_and(|statement| statement.is_ordered);
    let call = match &statement {
        Some(statement) => call(corpora, statement),
        None => not_offered("SQL other than reading"),
    };
    let manners = Manners { nan_is_missing: false, any_order };
    (Case { id, call, expected: expected(record.get("expect")), manners }, view)
}

fn expected(expect: &Json) -> Expected {
    match (expect.get("status").text(), expect.get("rows")) {
        (Some("error"), _) => Expected::Error,
        (_, Json::List(rows)) => {
            Expected::Texts(rows.iter().map(|row| row.texts().expect("texts")).collect())
        }
        _ => Expected::AnyTable,
    }
}

fn call(corpora: &Corpora, statement: &Statement) -> Result<Call, NotOffered> {
    if statement.is_ordered && statement.limit.is_some() {
        return not_offered("SQL other than reading");
    }
    for aliases in ALIASES {
        let is_one = |(name, _): &&(String, Literal)| aliases.contains(&name.as_str());
        if statement.options.iter().filter(is_one).count() > 1 {
            return not_offered(WRONG_ARGUMENT);
        }
    }
    let inputs: Vec<PathBuf> = statement.paths.iter().map(|path| corpora.file(path)).collect();
    let mut call = Call::new(inputs);
    call.ragged = Ragged::Error;
    // Without detection there is no header unless one is asked for.
    call.has_header = detects(statement);
    for (name, value) in &statement.options {
        option(name, value, &mut call)?;
    }
    formats(statement, &mut call)?;
    Ok(call)
}

fn detects(statement: &Statement) -> bool {
    statement.options.iter().all(|(name, value)| name != "auto_detect" || is_true(value))
}

fn is_true(value: &Literal) -> bool {
    matches!(value, Literal::Word(word) | Literal::Text(word) if word == "true" || word == "1")
}

fn text(value: &Literal) -> Result<&str, NotOffered> {
    match value {
        Literal::Text(text) => Ok(text),
        _ => not_offered(WRONG_ARGUMENT),
    }
}

fn number(value: &Literal) -> Result<u64, NotOffered> {
    match value {
        Literal::Word(word) | Literal::Text(word) => word.parse().or_else(|_| not_offered(WRONG_ARGUMENT)),
        _ => not_offered(WRONG_ARGUMENT),
    }
}

fn byte(name: &str, value: &Literal) -> Result<Option<u8>, NotOffered> {
    match text(value)? {
        "" => Ok(None),
        text => adapt::one_byte(name, &Json::Text(text.to_owned())).map(Some),
    }
}

fn option(name: &str, value: &Literal, call: &mut Call) -> Result<(), NotOffered> {
    match name {
        "delim" | "sep" | "delimiter" => match byte(name, value)? {
            Some(separator) => call.separator = separator,
            None => return not_offered("delim: none"),
        },
        "quote" => call.quote = byte(name, value)?,
        "escape" => call.escape = byte(name, value)?.filter(|escape| *escape != b'"'),
        "comment" => call.comment = byte(name, value)?,
        "decimal_separator" => call.decimal = byte(name, value)?.unwrap_or(b'.'),
        "thousands" => call.thousands = byte(name, value)?,
        "header" => call.has_header = is_true(value),
        "skip" => call.skip_rows = number(value)?,
        "columns" => {
            let Literal::Map(columns) = value else { return not_offered(WRONG_ARGUMENT) };
            call.names = Some(columns.iter().map(|(name, _)| name.clone()).collect());
            types(value, call)?;
        }
        "types" | "dtypes" | "column_types" => types(value, call)?,
        "names" | "column_names" => match value {
            Literal::List(names) => {
                call.renamed =
                    names.iter().map(|name| text(name).map(str::to_owned)).collect::<Result<_, _>>()?;
            }
            _ => return not_offered(WRONG_ARGUMENT),
        },
        "nullstr" => {
            call.null_values = match value {
                Literal::List(words) => {
                    words.iter().map(|word| text(word).map(str::to_owned)).collect::<Result<_, _>>()?
                }
                word => vec![text(word)?.to_owned()],
            };
            call.keep_empty_strings = !call.null_values.iter().any(String::is_empty);
        }
        "null_padding" if is_true(value) => call.ragged = Ragged::Pad,
        "all_varchar" if is_true(value) => call.infer = Infer::None,
        "union_by_name" if is_true(value) => call.headers = Headers::Union,
        "filename" if is_true(value) => call.include_path = Some("filename".to_owned()),
        "buffer_size" => call.block_bytes = Some(number(value)?.max(1)),
        "max_line_size" | "maximum_line_size" => call.record_bytes_max = usize::try_from(number(value)?).ok(),
        "encoding" => call.encoding = adapt::encoding(text(value)?)?,
        "sample_size" if *value == Literal::Word("-1".to_owned()) => call.infer = Infer::Full,
        "auto_detect" | "sample_size" | "parallel" | "new_line" | "strict_mode" | "null_padding"
        | "all_varchar" | "union_by_name" | "filename" | "dateformat" | "timestampformat" | "date_format"
        | "timestamp_format" => {}
        "compression" if matches!(text(value)?, "gzip" | "zstd" | "none" | "auto" | "infer") => {}
        "hive_partitioning" | "ignore_errors" | "normalize_names" | "store_rejects" if !is_true(value) => {}
        "allow_quoted_nulls" if is_true(value) => {}
        _ => return not_offered(name),
    }
    Ok(())
}

fn types(value: &Literal, call: &mut Call) -> Result<(), NotOffered> {
    match value {
        Literal::Map(columns) => {
            for (column, data_type) in columns {
                call.types.push((Column::Named(column.clone()), sql_type(text(data_type)?)?));
            }
        }
        Literal::List(types) => {
            for (at, data_type) in types.iter().enumerate() {
                let name = match data_type {
                    Literal::Text(name) | Literal::Word(name) => name,
                    _ => return not_offered(WRONG_ARGUMENT),
                };
                call.types.push((Column::At(at), sql_type(name)?));
            }
        }
        _ => return not_offered(WRONG_ARGUMENT),
    }
    Ok(())
}

fn sql_type(name: &str) -> Result<DataType, NotOffered> {
    let time = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
    Ok(match name.to_uppercase().as_str() {
        "VARCHAR" | "STRING" | "TEXT" => DataType::Utf8,
        "BIGINT" | "INT64" | "INT8" | "LONG" => DataType::Int64,
        "INTEGER" | "INT" | "INT32" | "INT4" => DataType::Int32,
        "SMALLINT" | "INT16" => DataType::Int16,
        "TINYINT" => DataType::Int8,
        "UBIGINT" => DataType::UInt64,
        "UINTEGER" => DataType::UInt32,
        "DOUBLE" | "FLOAT8" => DataType::Float64,
        "FLOAT" | "REAL" => DataType::Float32,
        "BOOLEAN" | "BOOL" => DataType::Boolean,
        "DATE" => DataType::Date32,
        "TIMESTAMP" | "DATETIME" => time(None),
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => time(Some("UTC")),
        other => {
            let kind = other.split('(').next().unwrap_or(other).to_lowercase();
            return not_offered(format!("type {kind}"));
        }
    })
}

/// `dateformat` and `timestampformat` hold for all columns of their type; here a format belongs to a column.
fn formats(statement: &Statement, call: &mut Call) -> Result<(), NotOffered> {
    for (name, value) in &statement.options {
        let of_dates = match name.as_str() {
            "dateformat" | "date_format" => true,
            "timestampformat" | "timestamp_format" => false,
            _ => continue,
        };
        let fits = |data_type: &DataType| match data_type {
            DataType::Date32 => of_dates,
            DataType::Timestamp(..) => !of_dates,
            _ => false,
        };
        let columns: Vec<Column> = call
            .types
            .iter()
            .filter(|(_, data_type)| fits(data_type))
            .map(|(column, _)| column.clone())
            .collect();
        if columns.is_empty() {
            return not_offered(format!("{name} for all columns"));
        }
        let format = text(value)?.to_owned();
        call.date_formats.extend(columns.into_iter().map(|column| (column, format.clone())));
    }
    Ok(())
}

impl View {
    /// The selected columns, or sums over them; an error in words where there is no such column.
    pub(crate) fn of(&self, table: &Table) -> Result<Table, String> {
        let mut table = self.selected(table)?;
        if let Some(limit) = self.limit {
            table.rows.truncate(limit);
        }
        Ok(table)
    }

    fn selected(&self, table: &Table) -> Result<Table, String> {
        if self.items == [Item::All] {
            return Ok(table.clone());
        }
        let is_total = self.items.iter().any(|item| matches!(item, Item::CountRows | Item::Sum(_)));
        let mut columns = Vec::new();
        for item in &self.items {
            columns.push(self.column(item, table)?);
        }
        let height = if is_total { 1 } else { table.rows.len() };
        let rows =
            (0..height).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect();
        let names = (0..columns.len()).map(|column| column.to_string()).collect();
        Ok(Table { names, types: vec![DataType::Utf8; columns.len()], rows })
    }

    fn column(&self, item: &Item, table: &Table) -> Result<Vec<Cell>, String> {
        match item {
            Item::All => Err("a star beside columns".to_owned()),
            Item::CountRows => Ok(vec![Cell::Int(table.rows.len() as i128)]),
            Item::TypeOf(inner) => {
                Ok(vec![type_cell(&table.types[position(inner, table)?]); table.rows.len()])
            }
            Item::Column(_) | Item::At(_) => Ok(values(position(item, table)?, table)),
            Item::Sum(name) => {
                let column = values(position(&Item::Column(name.clone()), table)?, table);
                let sum = column.iter().try_fold(0, |sum, cell| match cell {
                    Cell::Int(value) => Some(sum + value),
                    Cell::Null => Some(sum),
                    _ => None,
                });
                sum.map(|sum| vec![Cell::Int(sum)]).ok_or_else(|| "a sum of what is no integer".to_owned())
            }
        }
    }
}

fn values(at: usize, table: &Table) -> Vec<Cell> {
    table.rows.iter().map(|row| row[at].clone()).collect()
}

fn type_cell(data_type: &DataType) -> Cell {
    let name = match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Int64 => "BIGINT",
        DataType::Int32 => "INTEGER",
        DataType::UInt64 => "UBIGINT",
        DataType::Float64 => "DOUBLE",
        DataType::Date32 => "DATE",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE",
        DataType::Utf8View | DataType::Utf8 => "VARCHAR",
        _ => "?",
    };
    Cell::Text(name.to_owned())
}

/// Where a column is; `column0`, `column1`, .. are those that have no name.
fn position(item: &Item, table: &Table) -> Result<usize, String> {
    let is_there = |at: &usize| *at < table.names.len();
    let found = match item {
        Item::At(number) => number.checked_sub(1),
        Item::Column(name) => {
            let named = table.names.iter().position(|known| known.eq_ignore_ascii_case(name));
            named.or_else(|| name.strip_prefix("column")?.parse().ok())
        }
        _ => None,
    };
    found.filter(is_there).ok_or_else(|| format!("no column {item:?} among {:?}", table.names))
}
