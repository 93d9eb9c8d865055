//! Zones given, changed and taken off.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, DurationSecondArray, Int64Array};
use arrow::datatypes::{DataType, TimeUnit};

use super::moments::{Moments, beyond, stored};
use super::zone::{Shown, Zone};
use super::{Argument, Input, Signature, Spec, instant, value, wall};
use crate::compute::cast::time::array;
use crate::compute::function::Nulls;
use crate::compute::function::text::{given_text, literal_text};
use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::scalar::{Scalar, Value};

/// `convert_zone(time, zone)`: the same instant on clocks of another zone. The zone is a literal: a name of the IANA
/// database, or an offset such as `+02:00`.
pub static CONVERT_ZONE: Spec = Spec {
    name: "convert_zone",
    arguments: (2, 2),
    common: false,
    signature: |arguments| {
        let of = instant(&arguments[0])?;
        in_zone(arguments, of)
    },
    kernel: |input| {
        let column = input.column(0)?;
        let (counts, _) = stored(&column)?;
        Ok(as_result(input, counts.into_owned(), &column))
    },
};

/// `localize(time, zone)`, `localize(time, zone, twice)`, `localize(time, zone, twice, never)`: the instant when clocks of
/// a zone show a wall-clock time. `twice` says what a time is that they show twice, as they are set back: `error` (the
/// default), `earliest`, `latest` or `null`. `never` says it of one that they are set forward over: `error` (the
/// default), `forward` (when they are set), `backward` (the last tick before that) or `null`. All but the time are
/// literals.
pub static LOCALIZE: Spec = Spec {
    name: "localize",
    arguments: (2, 4),
    common: false,
    signature: |arguments| {
        let of = wall(&arguments[0])?;
        let twice = choice(arguments, 2, &TWICE)?;
        let never = choice(arguments, 3, &NEVER)?;
        let mut signature = in_zone(arguments, of)?;
        signature.arguments.resize(arguments.len(), DataType::Utf8View);
        Ok(if [twice, never].contains(&"null") { signature.nulls(Nulls::Possible) } else { signature })
    },
    kernel: localize,
};

/// `wall_time(time)`: what clocks of its zone show, as a time without a zone.
pub static WALL_TIME: Spec = Spec {
    name: "wall_time",
    arguments: (1, 1),
    common: false,
    signature: |arguments| match instant(&arguments[0])? {
        DataType::Timestamp(unit, zone) => {
            Ok(Signature::new([DataType::Timestamp(unit, zone)], DataType::Timestamp(unit, None)))
        }
        other => Err(format!("expected a time with a zone, got {}", dtype::name(&other))),
    },
    kernel: |input| {
        let column = input.column(0)?;
        let moments = Moments::new("wall_time", &column)?;
        Ok(as_result(input, moments.counts.into_owned(), &column))
    },
};

/// `utc_offset(time)`: how far clocks of its zone are before UTC, as `Duration(s)`.
pub static UTC_OFFSET: Spec = Spec {
    name: "utc_offset",
    arguments: (1, 1),
    common: false,
    signature: |arguments| {
        Ok(Signature::new([instant(&arguments[0])?], DataType::Duration(TimeUnit::Second)))
    },
    kernel: |input| {
        let column = input.column(0)?;
        let (counts, per_second) = stored(&column)?;
        let local = Moments::new("utc_offset", &column)?;
        let offsets = local.counts.iter().zip(counts.iter());
        let offsets: Vec<i64> =
            offsets.map(|(local, utc)| local.wrapping_sub(*utc).div_euclid(per_second)).collect();
        value(DurationSecondArray::new(offsets.into(), column.nulls().cloned()))
    },
};

const TWICE: [&str; 4] = ["error", "earliest", "latest", "null"];
const NEVER: [&str; 4] = ["error", "forward", "backward", "null"];

fn choice<'a>(arguments: &[Argument<'a>], at: usize, known: &[&'a str]) -> Result<&'a str, String> {
    match literal_text(arguments, at, "a choice")? {
        None => Ok("error"),
        Some(given) if known.contains(&given) => Ok(given),
        Some(given) => Err(format!("expected one of {}, got {given:?}", known.join(", "))),
    }
}

/// The time in the literal zone that is the second argument.
fn in_zone(arguments: &[Argument<'_>], of: DataType) -> Result<Signature, String> {
    let Some(zone) = literal_text(arguments, 1, "the zone")? else {
        return Err("expected the zone as a literal text, got null".to_owned());
    };
    zone.parse::<Tz>().map_err(|_| {
        format!("there is no time zone {zone:?}; write a name such as Europe/Berlin, UTC, or an offset such as +02:00")
    })?;
    match of {
        DataType::Timestamp(unit, _) => {
            let result = DataType::Timestamp(unit, Some(Arc::from(zone)));
            Ok(Signature::new([of, DataType::Utf8View], result))
        }
        other => Err(format!("expected a time, got {}", dtype::name(&other))),
    }
}

/// Ticks as the type that the signature says, null where the column is.
fn as_result(input: &Input<'_>, counts: Vec<i64>, column: &dyn Array) -> Value {
    times(input, Int64Array::new(counts.into(), column.nulls().cloned()))
}

fn times(input: &Input<'_>, counts: Int64Array) -> Value {
    Value::Array(match &input.signature.result {
        DataType::Timestamp(unit, zone) => array(counts, *unit, zone.as_ref()),
        _ => Arc::new(counts),
    })
}

fn localize(input: &Input<'_>) -> Result<Value> {
    let column = input.column(0)?;
    let (counts, per_second) = stored(&column)?;
    let zone = Zone::new(given_text(input, 1).unwrap_or_default())?;
    let (twice, never) = (given_text(input, 2).unwrap_or("error"), given_text(input, 3).unwrap_or("error"));
    let mut values = Vec::with_capacity(counts.len());
    for (row, &count) in counts.iter().enumerate() {
        if column.is_null(row) {
            values.push(None);
            continue;
        }
        let (local, rest) = (count.div_euclid(per_second), count.rem_euclid(per_second));
        let at = |seconds: i64| seconds.checked_mul(per_second)?.checked_add(rest);
        let Some(shown) = zone.shown(local) else { return Err(beyond("localize", &column, row)) };
        let found = match (shown, twice, never) {
            (Shown::Once(at_seconds), _, _) => at(at_seconds),
            (Shown::Twice(earliest, _), "earliest", _) => at(earliest),
            (Shown::Twice(_, latest), "latest", _) => at(latest),
            (Shown::Never(set), _, "forward") => set.checked_mul(per_second),
            (Shown::Never(set), _, "backward") => {
                set.checked_mul(per_second).and_then(|set| set.checked_sub(1))
            }
            (Shown::Twice(..), "null", _) | (Shown::Never(_), _, "null") => {
                values.push(None);
                continue;
            }
            (Shown::Twice(..), ..) => return Err(refused(input, &column, row, "shows it twice", "earliest")),
            (Shown::Never(_), ..) => return Err(refused(input, &column, row, "never shows it", "forward")),
        };
        match found {
            Some(found) => values.push(Some(found)),
            None => return Err(beyond("localize", &column, row)),
        }
    }
    Ok(times(input, values.into_iter().collect()))
}

fn refused(input: &Input<'_>, column: &dyn Array, row: usize, why: &str, way_out: &str) -> crate::Error {
    let time =
        Scalar::try_from_array(column, row).map_or_else(|_| "a time".to_owned(), |time| time.to_string());
    let zone = given_text(input, 1).unwrap_or_default();
    let message = format!(
        "localize({time}) (row {row} of the batch): the clock of {zone} {why}; say what is meant, such as '{way_out}'"
    );
    ErrorKind::Shape(message).into()
}
