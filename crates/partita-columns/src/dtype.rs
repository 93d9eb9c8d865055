//! Names of types, as users write and read them: `Int64`, `Decimal(10, 2)`, `Timestamp(us, Europe/Berlin)`.

#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};

use crate::error::{ErrorKind, Result};

/// What [`parse`] reads, for error messages.
pub const KNOWN: &str = "Boolean, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float32, Float64, \
                         Decimal(precision, scale), Utf8, Binary, Date32, Timestamp(unit), Timestamp(unit, zone), \
                         Duration(unit)";

/// The name of a type. Text is `Utf8` and bytes are `Binary`, however Arrow lays them out.
pub fn name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => "Utf8".to_owned(),
        DataType::BinaryView | DataType::LargeBinary => "Binary".to_owned(),
        DataType::Decimal128(precision, scale) => format!("Decimal({precision}, {scale})"),
        DataType::Timestamp(unit, None) => format!("Timestamp({})", unit_name(*unit)),
        DataType::Timestamp(unit, Some(zone)) => format!("Timestamp({}, {zone})", unit_name(*unit)),
        DataType::Duration(unit) => format!("Duration({})", unit_name(*unit)),
        DataType::Dictionary(_, values) => format!("Dictionary({})", name(values)),
        other => other.to_string(),
    }
}

/// `s`, `ms`, `us` or `ns`.
pub fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// Reads a name, in any letter case: those that [`name`] writes, and the common SQL ones. `int` and `integer` are
/// `Int64` and `float` is `Float64`: the engine's widths, not the narrow ones of some SQL dialects. `timestamp`
/// counts microseconds.
///
/// # Errors
/// [`ErrorKind::Shape`] that lists the names there are.
pub fn parse(text: &str) -> Result<DataType> {
    let lower = text.trim().to_ascii_lowercase();
    let found = match lower.split_once('(') {
        None => plain(lower.split_whitespace().collect::<Vec<_>>().join(" ").as_str()),
        Some((head, rest)) => rest.strip_suffix(')').and_then(|_| {
            // Zones keep their letter case.
            let arguments = text.trim().split_once('(')?.1.strip_suffix(')')?;
            with_arguments(head.trim(), &arguments.split(',').map(str::trim).collect::<Vec<_>>())
        }),
    };
    found.ok_or_else(|| ErrorKind::Shape(format!("unknown type {text:?}; known are {KNOWN}")).into())
}

fn plain(name: &str) -> Option<DataType> {
    Some(match name {
        "boolean" | "bool" => DataType::Boolean,
        "int8" | "tinyint" => DataType::Int8,
        "int16" | "smallint" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" | "bigint" | "int" | "integer" => DataType::Int64,
        "uint8" | "utinyint" => DataType::UInt8,
        "uint16" | "usmallint" => DataType::UInt16,
        "uint32" | "uinteger" => DataType::UInt32,
        "uint64" | "ubigint" => DataType::UInt64,
        "float32" | "real" => DataType::Float32,
        "float64" | "double" | "double precision" | "float" => DataType::Float64,
        "utf8" | "utf8view" | "text" | "string" | "varchar" | "str" => DataType::Utf8View,
        "binary" | "bytea" | "blob" | "varbinary" => DataType::Binary,
        "binaryview" => DataType::BinaryView,
        "date32" | "date" => DataType::Date32,
        "timestamp" | "datetime" | "timestamp without time zone" => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        "timestamptz" | "timestamp with time zone" => {
            DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
        }
        "duration" => DataType::Duration(TimeUnit::Microsecond),
        "null" => DataType::Null,
        _ => return None,
    })
}

fn with_arguments(name: &str, arguments: &[&str]) -> Option<DataType> {
    match (name, arguments) {
        ("timestamp" | "datetime", [of]) => Some(DataType::Timestamp(unit(of)?, None)),
        ("timestamp" | "datetime", [of, zone]) => {
            Tz::from_str(zone).ok()?;
            Some(DataType::Timestamp(unit(of)?, Some(Arc::from(*zone))))
        }
        ("duration", [of]) => Some(DataType::Duration(unit(of)?)),
        ("decimal" | "numeric" | "decimal128", [precision]) => decimal(precision, "0"),
        ("decimal" | "numeric" | "decimal128", [precision, scale]) => decimal(precision, scale),
        ("dictionary", [values]) => Some(DataType::Dictionary(
            Box::new(DataType::Int32),
            Box::new(plain(&values.to_ascii_lowercase())?),
        )),
        _ => None,
    }
}

fn decimal(precision: &str, scale: &str) -> Option<DataType> {
    let (precision, scale) = (precision.parse().ok()?, scale.parse().ok()?);
    let valid = (1..=DECIMAL128_MAX_PRECISION).contains(&precision) && scale <= precision as i8 && scale >= 0;
    valid.then_some(DataType::Decimal128(precision, scale))
}

fn unit(name: &str) -> Option<TimeUnit> {
    Some(match name.to_ascii_lowercase().as_str() {
        "s" | "second" => TimeUnit::Second,
        "ms" | "millisecond" => TimeUnit::Millisecond,
        "us" | "µs" | "microsecond" => TimeUnit::Microsecond,
        "ns" | "nanosecond" => TimeUnit::Nanosecond,
        _ => return None,
    })
}
