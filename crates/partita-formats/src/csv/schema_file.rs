//! Column types as users write them, and the JSON file that keeps them for recurring jobs.
//!
//! ```json
//! {
//!   "columns": [
//!     { "name": "when", "type": "Timestamp(us)" },
//!     { "name": "fare", "type": "Float64" }
//!   ],
//!   "options": { "separator": ";", "null_values": ["NA"] }
//! }
//! ```

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

use super::options::{Headers, Infer, Ragged, ReadOptions};
use super::text::Encoding;
use super::value::Zone;
use crate::error::{ErrorKind, Result};

#[cfg(test)]
mod tests;

/// The types that CSV is read as, in the words of error messages.
const TYPES: &str = "Boolean, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float32, Float64, Date32, \
                     Timestamp(s|ms|us|ns), Timestamp(us, \"ZONE\") or Utf8";

/// Whether columns of CSV can be read as this type. Zones must be known ones.
pub fn is_supported(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(_, zone) => zone.as_ref().is_none_or(|zone| Zone::parse(zone).is_some()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean | DataType::Date32 => {
            true
        }
        DataType::Float32 | DataType::Float64 => true,
        other => other.is_integer(),
    }
}

/// The type that a column of this type has in a batch: text is `Utf8View`.
pub fn canonical_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        other => other.clone(),
    }
}

/// A type as users write it: `Int64`, `Utf8`, `Timestamp(us, "UTC")`; [`parse_type`] reads it back.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "Utf8".into(),
        DataType::Timestamp(unit, None) => format!("Timestamp({})", unit_name(*unit)),
        DataType::Timestamp(unit, Some(zone)) => format!("Timestamp({}, {zone:?})", unit_name(*unit)),
        other => other.to_string(),
    }
}

/// A type as a line of Rust: what `.dtype("column", ..)` takes.
pub(crate) fn type_code(data_type: &DataType) -> String {
    match data_type {
        DataType::Timestamp(unit, None) => format!("DataType::Timestamp(TimeUnit::{unit:?}, None)"),
        DataType::Timestamp(unit, Some(zone)) => {
            format!("DataType::Timestamp(TimeUnit::{unit:?}, Some({zone:?}.into()))")
        }
        other => format!("DataType::{}", type_name(other)),
    }
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// Reads a type, in any case, under its own name or one of other systems (`int`, `bigint`, `double`, `string`,
/// `date`, `datetime`, `timestamptz`, `datetime64[ns, UTC]`). Integers without a size have 64 bits, timestamps
/// without a unit are microseconds.
///
/// # Errors
/// [`ErrorKind::Options`], with the types that there are.
pub fn parse_type(text: &str) -> Result<DataType> {
    let unknown = || ErrorKind::Options(format!("unknown type {text:?}; expected {TYPES}"));
    let lower = text.trim().to_ascii_lowercase();
    let (name, arguments) = match lower.split_once(['(', '[']) {
        Some((name, rest)) => {
            let arguments = rest.strip_suffix([')', ']']).ok_or_else(unknown)?;
            (name.trim_end(), arguments)
        }
        None => (lower.as_str(), ""),
    };
    if matches!(name, "timestamp" | "datetime" | "datetime64" | "timestamptz") {
        // Zone names have capitals: take them from the text as it was given.
        let start = lower.len() - lower.trim_start().len();
        let given = text.trim().get(start + name.len()..).unwrap_or("");
        let zone = given.split_once(',').map(|(_, zone)| zone.trim_matches([' ', ')', ']', '"', '\'']));
        let unit = arguments.split(',').next().unwrap_or("").trim();
        return timestamp(name, unit, zone).ok_or_else(|| unknown().into());
    }
    if !arguments.is_empty() && name != "varchar" && name != "char" {
        return Err(unknown().into());
    }
    let data_type = match name {
        "bool" | "boolean" => DataType::Boolean,
        "int8" | "i8" | "tinyint" => DataType::Int8,
        "int16" | "i16" | "smallint" => DataType::Int16,
        "int32" | "i32" => DataType::Int32,
        "int64" | "i64" | "int" | "integer" | "bigint" | "long" => DataType::Int64,
        "uint8" | "u8" | "utinyint" => DataType::UInt8,
        "uint16" | "u16" | "usmallint" => DataType::UInt16,
        "uint32" | "u32" | "uinteger" => DataType::UInt32,
        "uint64" | "u64" | "uint" | "ubigint" => DataType::UInt64,
        "float32" | "f32" | "real" => DataType::Float32,
        "float64" | "f64" | "float" | "double" => DataType::Float64,
        "date32" | "date" => DataType::Date32,
        "utf8" | "str" | "string" | "text" | "varchar" | "char" | "object" | "utf8view" | "largeutf8" => {
            DataType::Utf8View
        }
        _ => return Err(unknown().into()),
    };
    Ok(data_type)
}

fn timestamp(name: &str, unit: &str, zone: Option<&str>) -> Option<DataType> {
    let unit = match unit {
        "s" | "second" | "seconds" => TimeUnit::Second,
        "ms" | "millisecond" | "milliseconds" => TimeUnit::Millisecond,
        "" | "us" | "µs" | "microsecond" | "microseconds" => TimeUnit::Microsecond,
        "ns" | "nanosecond" | "nanoseconds" => TimeUnit::Nanosecond,
        _ => return None,
    };
    let zone = match zone {
        Some("none" | "None") | None if name == "timestamptz" => Some("UTC"),
        Some("none" | "None") => None,
        zone => zone,
    };
    if let Some(zone) = zone {
        Zone::parse(zone)?;
    }
    Some(DataType::Timestamp(unit, zone.map(Arc::from)))
}

/// The columns of a recurring job, with their types and how to read them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaFile {
    /// The columns in order.
    pub columns: Vec<SchemaColumn>,
    /// The options that differ from the defaults.
    #[serde(default, skip_serializing_if = "SchemaOptions::is_default")]
    pub options: SchemaOptions,
}

/// One column of a schema file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaColumn {
    /// The name.
    pub name: String,
    /// The type, as [`parse_type`] reads it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// The date format, in the letters of `strftime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Texts that are null in this column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub null_values: Vec<String>,
}

/// The options worth keeping with a schema, as users write them. `None`: as the reader has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each is the option of the same name in ReadOptions")]
pub struct SchemaOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// The empty string: no byte quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_header: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_empty_strings: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub true_values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub false_values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ragged: Option<Ragged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
}

impl SchemaOptions {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The options that differ from the defaults.
    fn of(options: &ReadOptions) -> Self {
        fn changed<T: PartialEq + Clone>(value: &T, default: &T) -> Option<T> {
            (value != default).then(|| value.clone())
        }
        let default = ReadOptions::default();
        let as_text = |byte: Option<u8>| byte.map_or(String::new(), |byte| char::from(byte).to_string());
        Self {
            separator: changed(&options.separator, &default.separator).map(char::from),
            quote: changed(&options.quote, &default.quote).map(as_text),
            escape: options.escape.map(char::from),
            comment: options.comment.map(char::from),
            trim: changed(&options.trim, &default.trim),
            has_header: changed(&options.has_header, &default.has_header),
            skip_rows: changed(&options.skip_rows, &default.skip_rows),
            names: options.names.clone(),
            null_values: changed(&options.null_values, &default.null_values),
            keep_empty_strings: changed(&options.keep_empty_strings, &default.keep_empty_strings),
            true_values: changed(&options.true_values, &default.true_values),
            false_values: changed(&options.false_values, &default.false_values),
            decimal: changed(&options.decimal, &default.decimal).map(char::from),
            thousands: options.thousands.map(char::from),
            ragged: changed(&options.ragged, &default.ragged),
            encoding: changed(&options.encoding, &default.encoding),
            headers: changed(&options.headers, &default.headers),
        }
    }

    fn apply(&self, options: &mut ReadOptions) -> Result<()> {
        fn set<T: Clone>(target: &mut T, value: &Option<T>) {
            if let Some(value) = value {
                target.clone_from(value);
            }
        }
        if let Some(separator) = self.separator {
            options.separator = byte("separator", separator)?;
        }
        if let Some(quote) = &self.quote {
            let mut characters = quote.chars();
            options.quote = match (characters.next(), characters.next()) {
                (None, _) => None,
                (Some(character), None) => Some(byte("quote", character)?),
                _ => {
                    return Err(
                        ErrorKind::Options(format!("quote: expected one character, got {quote:?}")).into()
                    );
                }
            };
        }
        if let Some(escape) = self.escape {
            options.escape = Some(byte("escape", escape)?);
        }
        if let Some(comment) = self.comment {
            options.comment = Some(byte("comment", comment)?);
        }
        if let Some(decimal) = self.decimal {
            options.decimal = byte("decimal", decimal)?;
        }
        if let Some(thousands) = self.thousands {
            options.thousands = Some(byte("thousands", thousands)?);
        }
        set(&mut options.trim, &self.trim);
        set(&mut options.has_header, &self.has_header);
        set(&mut options.skip_rows, &self.skip_rows);
        if self.names.is_some() {
            options.names.clone_from(&self.names);
        }
        set(&mut options.null_values, &self.null_values);
        set(&mut options.keep_empty_strings, &self.keep_empty_strings);
        set(&mut options.true_values, &self.true_values);
        set(&mut options.false_values, &self.false_values);
        set(&mut options.ragged, &self.ragged);
        set(&mut options.encoding, &self.encoding);
        set(&mut options.headers, &self.headers);
        Ok(())
    }
}

fn byte(option: &str, character: char) -> Result<u8> {
    u8::try_from(character).ok().filter(u8::is_ascii).ok_or_else(|| {
        ErrorKind::Options(format!("{option}: expected an ASCII character, got {character:?}")).into()
    })
}

impl SchemaFile {
    /// The schema of columns with these types, read with these options.
    pub fn new(types: &[(String, DataType)], options: &ReadOptions) -> Self {
        let columns = types
            .iter()
            .filter(|(name, _)| options.include_path.as_ref() != Some(name))
            .map(|(name, data_type)| SchemaColumn {
                name: name.clone(),
                data_type: type_name(data_type),
                format: options.date_format(name).map(str::to_owned),
                null_values: options
                    .column_null_values
                    .iter()
                    .filter(|(column, _)| column == name)
                    .flat_map(|(_, values)| values.iter().cloned())
                    .collect(),
            })
            .collect();
        Self { columns, options: SchemaOptions::of(options) }
    }

    /// Reads the JSON text of a schema file; `file` names it in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] with the line and column of what is wrong.
    pub fn from_json(file: &str, text: &str) -> Result<Self> {
        let schema: Self = serde_json::from_str(text).map_err(|error| ErrorKind::Malformed {
            file: file.into(),
            message: format!("not a schema file: {error}"),
        })?;
        for column in &schema.columns {
            parse_type(&column.data_type).map_err(|error| ErrorKind::Malformed {
                file: file.into(),
                message: format!("column {:?}: {error}", column.name),
            })?;
        }
        Ok(schema)
    }

    /// The JSON text, one line a column, with a line end.
    ///
    /// # Errors
    /// None that the types allow; JSON can hold all of them.
    pub fn to_json(&self) -> Result<String> {
        let text =
            serde_json::to_string_pretty(self).map_err(|error| ErrorKind::Options(error.to_string()))?;
        Ok(text + "\n")
    }

    /// Puts the types and options into `options`: every column has its type then, and nothing is inferred.
    /// What is in `options` already counts more: types and formats given there stay.
    ///
    /// # Errors
    /// [`ErrorKind::Options`] where a type or a byte is not one.
    pub fn apply(&self, options: &mut ReadOptions) -> Result<()> {
        self.options.apply(options)?;
        for column in &self.columns {
            if options.dtype(&column.name).is_none() {
                options.dtypes.push((column.name.clone(), parse_type(&column.data_type)?));
            }
            if let Some(format) =
                column.format.as_ref().filter(|_| options.date_format(&column.name).is_none())
            {
                options.date_formats.push((column.name.clone(), format.clone()));
            }
            if !column.null_values.is_empty() {
                options.column_null_values.push((column.name.clone(), column.null_values.clone()));
            }
        }
        options.infer = Infer::None;
        Ok(())
    }
}
