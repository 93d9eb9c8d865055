//! Units and zones of times.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{
    Array, ArrayRef, AsArray, DurationMicrosecondArray, DurationMillisecondArray, DurationNanosecondArray,
    DurationSecondArray, Int64Array, PrimitiveArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit};
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};

use crate::compute::physical::ticks;
use crate::error::{ErrorKind, Result};

const SECONDS_A_DAY: i64 = 86_400;

pub(in crate::compute) fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Counts as a timestamp column.
pub(in crate::compute) fn array(values: Int64Array, unit: TimeUnit, zone: Option<&Arc<str>>) -> ArrayRef {
    let (_, values, nulls) = values.into_parts();
    let zone = zone.map(Arc::clone);
    match unit {
        TimeUnit::Second => Arc::new(TimestampSecondArray::new(values, nulls).with_timezone_opt(zone)),
        TimeUnit::Millisecond => {
            Arc::new(TimestampMillisecondArray::new(values, nulls).with_timezone_opt(zone))
        }
        TimeUnit::Microsecond => {
            Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone_opt(zone))
        }
        TimeUnit::Nanosecond => {
            Arc::new(TimestampNanosecondArray::new(values, nulls).with_timezone_opt(zone))
        }
    }
}

/// `first` where it is not null, else `second`.
pub(super) fn either(
    first: &ArrayRef,
    second: Int64Array,
    unit: TimeUnit,
    zone: &Arc<str>,
) -> Result<ArrayRef> {
    let second = array(second, unit, Some(zone));
    let valid = arrow::compute::is_not_null(first)?;
    Ok(zip(&valid, first, &second)?)
}

/// Between units and zones: a wall-clock time becomes the instant when clocks of the zone show it, and back.
pub(super) fn convert(from: &ArrayRef, unit: TimeUnit, zone: Option<&Arc<str>>) -> Result<ArrayRef> {
    let DataType::Timestamp(from_unit, from_zone) = from.data_type() else {
        return Err(not_time(from.data_type()));
    };
    let counts = counts(from)?;
    let counts = match (from_zone, zone) {
        (None, Some(zone)) => to_instants(&counts, *from_unit, zone)?,
        (Some(zone), None) => to_wall(&counts, *from_unit, zone)?,
        _ => counts,
    };
    Ok(array(rescale(&counts, *from_unit, unit), unit, zone))
}

/// The day, as clocks of the zone show it.
pub(super) fn to_date(from: &ArrayRef) -> Result<ArrayRef> {
    let DataType::Timestamp(unit, zone) = from.data_type() else {
        return Err(not_time(from.data_type()));
    };
    let counts = match zone {
        Some(zone) => to_wall(&counts(from)?, *unit, zone)?,
        None => counts(from)?,
    };
    let a_day = SECONDS_A_DAY * per_second(*unit);
    let days: PrimitiveArray<Date32Type> =
        counts.unary_opt(|count| i32::try_from(count.div_euclid(a_day)).ok());
    Ok(Arc::new(days))
}

/// Midnight of the day, on clocks of the zone.
pub(super) fn from_date(from: &ArrayRef, unit: TimeUnit, zone: Option<&Arc<str>>) -> Result<ArrayRef> {
    let a_day = SECONDS_A_DAY * per_second(unit);
    let counts = from.as_primitive::<Date32Type>().unary_opt(|day| i64::from(day).checked_mul(a_day));
    convert(&array(counts, unit, None), unit, zone)
}

/// Between units.
pub(super) fn duration(from: &ArrayRef, unit: TimeUnit) -> Result<ArrayRef> {
    let DataType::Duration(from_unit) = from.data_type() else {
        return Err(not_time(from.data_type()));
    };
    let (_, values, nulls) = rescale(&counts(from)?, *from_unit, unit).into_parts();
    Ok(match unit {
        TimeUnit::Second => Arc::new(DurationSecondArray::new(values, nulls)),
        TimeUnit::Millisecond => Arc::new(DurationMillisecondArray::new(values, nulls)),
        TimeUnit::Microsecond => Arc::new(DurationMicrosecondArray::new(values, nulls)),
        TimeUnit::Nanosecond => Arc::new(DurationNanosecondArray::new(values, nulls)),
    })
}

/// To a coarser unit rounds down; to a finer one, what does not fit is null.
fn rescale(counts: &Int64Array, from: TimeUnit, to: TimeUnit) -> Int64Array {
    let (from, to) = (per_second(from), per_second(to));
    match to.cmp(&from) {
        std::cmp::Ordering::Equal => counts.clone(),
        std::cmp::Ordering::Less => counts.unary(|count| count.div_euclid(from / to)),
        std::cmp::Ordering::Greater => counts.unary_opt::<_, Int64Type>(|count| count.checked_mul(to / from)),
    }
}

/// The counts of a time column, without copying.
fn counts(array: &ArrayRef) -> Result<Int64Array> {
    if ticks(array).is_none() {
        return Err(not_time(array.data_type()));
    }
    let data = array.to_data().into_builder().data_type(DataType::Int64).build()?;
    Ok(Int64Array::from(data))
}

fn to_instants(counts: &Int64Array, unit: TimeUnit, zone: &str) -> Result<Int64Array> {
    let zone = parse_zone(zone)?;
    Ok(counts.unary_opt(|count| {
        let offset = zone.offset_from_local_datetime(&at(count, unit)?).single()?.fix().local_minus_utc();
        count.checked_sub(i64::from(offset) * per_second(unit))
    }))
}

fn to_wall(counts: &Int64Array, unit: TimeUnit, zone: &str) -> Result<Int64Array> {
    let zone = parse_zone(zone)?;
    Ok(counts.unary_opt(|count| {
        let offset = zone.offset_from_utc_datetime(&at(count, unit)?).fix().local_minus_utc();
        count.checked_add(i64::from(offset) * per_second(unit))
    }))
}

fn at(count: i64, unit: TimeUnit) -> Option<NaiveDateTime> {
    let per_second = per_second(unit);
    let nanoseconds = count.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let at = DateTime::from_timestamp(count.div_euclid(per_second), u32::try_from(nanoseconds).ok()?)?;
    Some(at.naive_utc())
}

fn parse_zone(zone: &str) -> Result<Tz> {
    Tz::from_str(zone).map_err(|_| ErrorKind::Shape(format!("unknown time zone {zone:?}")).into())
}

fn not_time(data_type: &DataType) -> crate::Error {
    ErrorKind::Shape(format!("expected a time column, got {}", crate::dtype::name(data_type))).into()
}
