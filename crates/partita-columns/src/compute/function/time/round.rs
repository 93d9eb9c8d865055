//! Times rounded to a frequency.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Date32Type};

use super::frequency::{Around, Frequency, Grid};
use super::moments::{beyond, stored, to_local};
use super::zone::{Shown, Zone};
use super::{Argument, Input, Signature, Spec, time};
use crate::compute::cast::time::array;
use crate::compute::function::text::{given_text, literal_text};
use crate::error::{ErrorKind, Result};
use crate::scalar::Value;

/// `time_floor(time, every)`: the last boundary that is not behind the time, as the type of the time. `every` is a literal
/// frequency: a whole number and one of `ns`, `us`, `ms`, `s`, `min`, `h`, `d`, `w`, `mo`, `q` and `y`.
///
/// Boundaries are counted on local clocks: days and what is shorter from 1970-01-01T00:00, weeks from Monday 1969-12-29,
/// months, quarters and years from January of the year 0. Of instants, days and what is longer begin when clocks of the
/// zone first show their first time, or would have had they not been set forward over it; they have 23 or 25 hours
/// where clocks are set. What is shorter is counted with the offset that holds at the instant, so that the hour that
/// clocks show twice is two hours. A frequency finer than the unit changes nothing.
pub static TIME_FLOOR: Spec = Spec {
    name: "time_floor",
    arguments: (2, 2),
    common: false,
    signature: rounding,
    kernel: |input| rounded(input, Way::Floor),
};

/// `time_ceil(time, every)`: the first boundary that is not before the time; see `time_floor`.
pub static TIME_CEIL: Spec = Spec {
    name: "time_ceil",
    arguments: (2, 2),
    common: false,
    signature: rounding,
    kernel: |input| rounded(input, Way::Ceil),
};

/// `time_round(time, every)`: the nearest boundary, and between two the one with an even number, counted from the
/// origin; see `time_floor`.
pub static TIME_ROUND: Spec = Spec {
    name: "time_round",
    arguments: (2, 2),
    common: false,
    signature: rounding,
    kernel: |input| rounded(input, Way::Round),
};

/// `normalize(time)`: when the day began: `time_floor(time, '1d')`.
pub static NORMALIZE: Spec = Spec {
    name: "normalize",
    arguments: (1, 1),
    common: false,
    signature: |arguments| {
        let of = time(&arguments[0])?;
        Ok(Signature::new([of.clone()], of))
    },
    kernel: |input| {
        let column = input.column(0)?;
        to_grid("normalize", &column, Frequency::Days(1), Way::Floor)
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Floor,
    Round,
    Ceil,
}

fn rounding(arguments: &[Argument<'_>]) -> Result<Signature, String> {
    let of = time(&arguments[0])?;
    if let Some(every) = literal_text(arguments, 1, "the frequency")? {
        Frequency::parse(every)?.grid(&of)?;
    }
    Ok(Signature::new([of.clone(), DataType::Utf8View], of))
}

fn rounded(input: &Input<'_>, way: Way) -> Result<Value> {
    let column = input.column(0)?;
    let Some(every) = given_text(input, 1) else {
        return Ok(Value::Array(arrow::array::new_null_array(column.data_type(), column.len())));
    };
    let frequency = Frequency::parse(every).map_err(ErrorKind::Shape)?;
    let name = match way {
        Way::Floor => "time_floor",
        Way::Round => "time_round",
        Way::Ceil => "time_ceil",
    };
    to_grid(name, &column, frequency, way)
}

fn to_grid(name: &str, column: &ArrayRef, frequency: Frequency, way: Way) -> Result<Value> {
    let Some(grid) = frequency.grid(column.data_type()).map_err(ErrorKind::Shape)? else {
        return Ok(Value::Array(Arc::clone(column)));
    };
    let plain = |at: i64| choose(way, at, grid.around(at)?);
    let rounded: ArrayRef = match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            let day = |row: usize| i32::try_from(plain(days.value(row).into())?).ok();
            let values = collect(name, column, day)?;
            Arc::new(Date32Array::new(values, column.nulls().cloned()))
        }
        DataType::Timestamp(unit, zone) => {
            let (counts, per_second) = stored(column)?;
            let values = match zone {
                None => collect(name, column, |row| plain(counts[row]))?,
                Some(zone) => {
                    let mut zoned = Zoned { zone: Zone::new(zone)?, grid, per_second, last: None };
                    collect(name, column, |row| zoned.rounded(way, counts[row]))?
                }
            };
            array(arrow::array::Int64Array::new(values, column.nulls().cloned()), *unit, zone.as_ref())
        }
        _ => return Err(ErrorKind::Shape("expected a column of dates or times".to_owned()).into()),
    };
    Ok(Value::Array(rounded))
}

/// The value of every row that is not null; the first that has none is an error.
fn collect<T: arrow::datatypes::ArrowNativeType>(
    name: &str,
    column: &ArrayRef,
    mut value: impl FnMut(usize) -> Option<T>,
) -> Result<ScalarBuffer<T>> {
    let mut values = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        values.push(match value(row) {
            Some(value) => value,
            None if column.is_null(row) => T::default(),
            None => return Err(beyond(name, column, row)),
        });
    }
    Ok(values.into())
}

#[inline]
fn choose(way: Way, at: i64, around: Around) -> Option<i64> {
    let Around { before, behind, even } = around;
    if before == at && at > i64::MIN {
        return Some(at);
    }
    let later = match way {
        Way::Floor => false,
        Way::Ceil => true,
        Way::Round => match at.abs_diff(before).cmp(&at.abs_diff(behind)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => !even,
            std::cmp::Ordering::Greater => true,
        },
    };
    // Where it was cut off at the end of 64 bits it is no boundary.
    match later {
        false => (before > i64::MIN).then_some(before),
        true => (behind < i64::MAX).then_some(behind),
    }
}

/// Whether a boundary was cut off.
fn is_cut(boundary: i64) -> bool {
    boundary == i64::MIN || boundary == i64::MAX
}

/// Boundaries of instants.
struct Zoned {
    zone: Zone,
    grid: Grid,
    per_second: i64,
    /// The boundaries on local clocks that were looked for last, and when clocks show them.
    last: Option<(Around, Shown, Shown)>,
}

impl Zoned {
    fn rounded(&mut self, way: Way, at: i64) -> Option<i64> {
        let local = to_local(&mut self.zone, at, self.per_second)?;
        let on_clocks = self.grid.around(local)?;
        if let Grid::Ticks { .. } = self.grid {
            let shift = local - at;
            let shifted =
                |boundary: i64| if is_cut(boundary) { boundary } else { boundary.saturating_sub(shift) };
            let (before, behind) = (shifted(on_clocks.before), shifted(on_clocks.behind));
            let around = Around { before, behind, ..on_clocks };
            return choose(way, at, around);
        }
        let (before, behind) = match self.last {
            Some((last, before, behind)) if last == on_clocks => (before, behind),
            _ => {
                let shown = |count: i64| match is_cut(count) {
                    true => Some(Shown::Once(0)),
                    false => self.zone.shown(count.div_euclid(self.per_second)),
                };
                let (before, behind) = (shown(on_clocks.before)?, shown(on_clocks.behind)?);
                self.last = Some((on_clocks, before, behind));
                (before, behind)
            }
        };
        let count = |seconds: i64| seconds.checked_mul(self.per_second);
        let before = match before {
            _ if is_cut(on_clocks.before) => on_clocks.before,
            Shown::Once(begin) | Shown::Twice(begin, _) | Shown::Never(begin) => count(begin)?,
        };
        let behind = match behind {
            _ if is_cut(on_clocks.behind) => on_clocks.behind,
            // Clocks that were set back over midnight show the old day once more.
            Shown::Twice(earlier, later) => {
                Some(count(earlier)?).filter(|&earlier| earlier >= at).or(count(later))?
            }
            Shown::Once(begin) | Shown::Never(begin) => count(begin)?,
        };
        choose(way, at, Around { before, behind, even: on_clocks.even })
    }
}
