//! Spans of time as numbers.

use std::borrow::Cow;

use arrow::array::{Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, TimeUnit};

use super::moments::{beyond, stored};
use super::{Argument, Input, Signature, Spec, expected, value};
use crate::error::Result;
use crate::scalar::Value;

/// `total_days(duration)`: days of 24 hours, with their fraction, as `Float64`.
pub static TOTAL_DAYS: Spec = long("total_days", |input| divided(input, 86_400));

/// `total_hours(duration)`: hours, with their fraction, as `Float64`.
pub static TOTAL_HOURS: Spec = long("total_hours", |input| divided(input, 3_600));

/// `total_minutes(duration)`: minutes, with their fraction, as `Float64`.
pub static TOTAL_MINUTES: Spec = long("total_minutes", |input| divided(input, 60));

/// `total_seconds(duration)`: seconds, with their fraction, as `Float64`.
pub static TOTAL_SECONDS: Spec = long("total_seconds", |input| divided(input, 1));

/// `total_milliseconds(duration)`: whole milliseconds, rounded down, as `Int64`.
pub static TOTAL_MILLISECONDS: Spec =
    short("total_milliseconds", |input| counted(input, "total_milliseconds", 1_000));

/// `total_microseconds(duration)`: whole microseconds, rounded down, as `Int64`.
pub static TOTAL_MICROSECONDS: Spec =
    short("total_microseconds", |input| counted(input, "total_microseconds", 1_000_000));

/// `total_nanoseconds(duration)`: nanoseconds, as `Int64`.
pub static TOTAL_NANOSECONDS: Spec =
    short("total_nanoseconds", |input| counted(input, "total_nanoseconds", 1_000_000_000));

const fn long(name: &'static str, kernel: fn(&Input<'_>) -> Result<Value>) -> Spec {
    let signature =
        |arguments: &[Argument<'_>]| Ok(Signature::new([duration(&arguments[0])?], DataType::Float64));
    Spec { name, arguments: (1, 1), common: false, signature, kernel }
}

const fn short(name: &'static str, kernel: fn(&Input<'_>) -> Result<Value>) -> Spec {
    let signature =
        |arguments: &[Argument<'_>]| Ok(Signature::new([duration(&arguments[0])?], DataType::Int64));
    Spec { name, arguments: (1, 1), common: false, signature, kernel }
}

fn duration(argument: &Argument<'_>) -> Result<DataType, String> {
    match &argument.data_type {
        DataType::Null => Ok(DataType::Duration(TimeUnit::Microsecond)),
        data_type @ DataType::Duration(_) => Ok(data_type.clone()),
        _ => expected("a span of time", argument, "subtract two times, or cast it to Duration(us)"),
    }
}

/// The nearest float to the ticks over the ticks of a unit of so many seconds.
fn divided(input: &Input<'_>, seconds: i64) -> Result<Value> {
    let column = input.column(0)?;
    let (counts, per_second) = stored(&column)?;
    let unit = (per_second * seconds) as f64;
    let values: Vec<f64> = counts.iter().map(|&count| count as f64 / unit).collect();
    value(Float64Array::new(values.into(), column.nulls().cloned()))
}

fn counted(input: &Input<'_>, name: &str, wanted: i64) -> Result<Value> {
    let column = input.column(0)?;
    let (counts, per_second): (Cow<'_, [i64]>, i64) = stored(&column)?;
    let mut values = Vec::with_capacity(counts.len());
    for (row, &count) in counts.iter().enumerate() {
        let scaled = match per_second > wanted {
            true => Some(count.div_euclid(per_second / wanted)),
            false => count.checked_mul(wanted / per_second),
        };
        values.push(match scaled {
            Some(scaled) => scaled,
            None if column.is_null(row) => 0,
            None => return Err(beyond(name, &column, row)),
        });
    }
    value(Int64Array::new(values.into(), column.nulls().cloned()))
}
