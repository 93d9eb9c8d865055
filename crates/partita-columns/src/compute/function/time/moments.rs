//! Columns of times as counts of ticks on local clocks.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Date32Type};

use super::zone::Zone;
use crate::compute::cast::time::per_second;
use crate::compute::physical::ticks;
use crate::dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::Scalar;

pub(super) const SECONDS_A_DAY: i64 = 86_400;

/// What local clocks show, in ticks since 1970-01-01T00:00.
pub(super) struct Moments<'a> {
    pub(super) counts: Cow<'a, [i64]>,
    pub(super) per_second: i64,
    pub(super) nulls: Option<NullBuffer>,
}

/// The ticks of a column of dates (its midnights in seconds) or times, as they are stored, and ticks a second.
pub(super) fn stored(column: &ArrayRef) -> Result<(Cow<'_, [i64]>, i64)> {
    match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().values();
            Ok((days.iter().map(|&day| i64::from(day) * SECONDS_A_DAY).collect(), 1))
        }
        DataType::Timestamp(unit, _) | DataType::Duration(unit) => match ticks(column) {
            Some(counts) => Ok((Cow::Borrowed(counts), per_second(*unit))),
            None => Err(no_time(column.data_type())),
        },
        other => Err(no_time(other)),
    }
}

fn no_time(data_type: &DataType) -> Error {
    ErrorKind::Shape(format!("expected a column of times, got {}", dtype::name(data_type))).into()
}

impl<'a> Moments<'a> {
    /// Of a column of dates or times; `function` is for errors.
    pub(super) fn new(function: &str, column: &'a ArrayRef) -> Result<Self> {
        let (mut counts, per_second) = stored(column)?;
        if let DataType::Timestamp(_, Some(zone)) = column.data_type() {
            let mut zone = Zone::new(zone)?;
            let mut local = Vec::with_capacity(counts.len());
            for (row, &count) in counts.iter().enumerate() {
                local.push(match to_local(&mut zone, count, per_second) {
                    Some(local) => local,
                    None if column.is_null(row) => 0,
                    None => return Err(beyond(function, column, row)),
                });
            }
            counts = Cow::Owned(local);
        }
        Ok(Self { counts, per_second, nulls: column.nulls().cloned() })
    }
}

/// An instant as what clocks show.
#[inline]
pub(super) fn to_local(zone: &mut Zone, count: i64, per_second: i64) -> Option<i64> {
    count.checked_add(zone.offset(count.div_euclid(per_second))? * per_second)
}

/// A time that the function cannot go to.
pub(super) fn beyond(function: &str, column: &ArrayRef, row: usize) -> Error {
    let value = Scalar::try_from_array(column, row);
    let value = value.map_or_else(|_| "a time".to_owned(), |time| time.to_string());
    let holds = dtype::name(column.data_type());
    let message =
        format!("{function}({value}) (row {row} of the batch) is beyond the calendar, or what {holds} holds");
    ErrorKind::Shape(message).into()
}
