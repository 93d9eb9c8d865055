//! Values as users write them in expressions.

use std::fmt::{self, Display, Formatter};

use arrow::datatypes::{DataType, Decimal128Type, DecimalType, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::Scalar;
use crate::dtype;

/// As the text form of expressions has it: `'it''s'`, `1.0`, `date '2020-01-31'`, `null`.
impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Null(DataType::Null) => f.write_str("null"),
            Scalar::Null(data_type) => write!(f, "cast(null as {})", dtype::name(data_type)),
            Scalar::Boolean(v) => write!(f, "{v}"),
            Scalar::Int64(v) => write!(f, "{v}"),
            Scalar::UInt64(v) => write!(f, "{v}"),
            Scalar::Float64(v) if v.is_finite() => write!(f, "{v:?}"),
            Scalar::Float64(v) => write!(f, "cast('{v}' as Float64)"),
            Scalar::Utf8(v) => write!(f, "'{}'", v.replace('\'', "''")),
            Scalar::Binary(v) => {
                f.write_str("x'")?;
                v.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("'")
            }
            Scalar::Date32(v) => match date(*v) {
                Some(date) => write!(f, "date '{date}'"),
                None => write!(f, "cast({v} as Date32)"),
            },
            Scalar::Timestamp(v, unit, zone) => match (date_time(*v, *unit), zone.as_deref()) {
                // A literal counts microseconds, unless it is finer.
                (Some(at), zone) if *unit == TimeUnit::Microsecond || is_finer(*v, *unit) => {
                    let at = at.format(pattern(*unit));
                    match zone {
                        None => write!(f, "timestamp '{at}'"),
                        Some("UTC") => write!(f, "timestamp '{at}Z'"),
                        Some(zone) => write!(f, "timestamp '{at}Z[{zone}]'"),
                    }
                }
                (Some(at), zone) => {
                    let offset = if zone.is_some() { "Z" } else { "" };
                    let name = dtype::name(&self.data_type());
                    write!(f, "cast('{}{offset}' as {name})", at.format(pattern(*unit)))
                }
                (None, _) => write!(f, "cast({v} as {})", dtype::name(&self.data_type())),
            },
            Scalar::Duration(v, unit) => write!(f, "cast({v} as Duration({}))", dtype::unit_name(*unit)),
            Scalar::Decimal128(v, precision, scale) => {
                let text = Decimal128Type::format_decimal(*v, *precision, *scale);
                write!(f, "cast('{text}' as Decimal({precision}, {scale}))")
            }
        }
    }
}

/// Whether a time has digits below microseconds.
fn is_finer(value: i64, unit: TimeUnit) -> bool {
    unit == TimeUnit::Nanosecond && value % 1_000 != 0
}

fn pattern(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "%Y-%m-%d %H:%M:%S",
        TimeUnit::Millisecond => "%Y-%m-%d %H:%M:%S%.3f",
        TimeUnit::Microsecond => "%Y-%m-%d %H:%M:%S%.6f",
        TimeUnit::Nanosecond => "%Y-%m-%d %H:%M:%S%.9f",
    }
}

/// `None` outside the years 0 to 9999, which have no ISO text.
fn date(days: i32) -> Option<NaiveDate> {
    let date = NaiveDate::from_epoch_days(days)?;
    (0..=9999).contains(&chrono::Datelike::year(&date)).then_some(date)
}

fn date_time(value: i64, unit: TimeUnit) -> Option<NaiveDateTime> {
    let at = match unit {
        TimeUnit::Second => DateTime::from_timestamp(value, 0)?,
        TimeUnit::Millisecond => DateTime::from_timestamp_millis(value)?,
        TimeUnit::Microsecond => DateTime::from_timestamp_micros(value)?,
        TimeUnit::Nanosecond => DateTime::from_timestamp_nanos(value),
    };
    (0..=9999).contains(&chrono::Datelike::year(&at)).then_some(at.naive_utc())
}
