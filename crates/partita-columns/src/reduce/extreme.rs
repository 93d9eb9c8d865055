//! Least and greatest values, and where they are.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::memory::scalar_bytes;
use crate::compute::physical::{Physical, physical};
use crate::error::Result;
use crate::scalar::Scalar;
use crate::wide::{self, Kernel, Valid};

/// Which end of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum End {
    /// The least value.
    Min,
    /// The greatest value.
    Max,
}

/// The first of the least or greatest values seen, and its row. NaN is one only where there is nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extreme {
    end: End,
    best: Option<(Scalar, u64)>,
    /// The first row of NaN.
    nan: Option<u64>,
    /// Rows seen, nulls too.
    rows: u64,
}

impl Extreme {
    /// Nothing seen.
    pub fn new(end: End) -> Self {
        Self { end, best: None, nan: None, rows: 0 }
    }

    /// Which end.
    pub fn end(&self) -> End {
        self.end
    }

    /// Looks at the rows of a column.
    ///
    /// # Errors
    /// Where no scalar holds the type.
    pub fn update(&mut self, array: &ArrayRef) -> Result<()> {
        let valid = Valid::of(array.nulls());
        if array.null_count() < array.len() {
            match physical(array) {
                Some(Physical::F64(values)) => self.floats(values, valid.as_ref()),
                Some(Physical::F32(values)) => self.floats(values, valid.as_ref()),
                Some(Physical::I8(values)) => self.whole(array, values, valid.as_ref()),
                Some(Physical::I16(values)) => self.whole(array, values, valid.as_ref()),
                Some(Physical::I32(values)) => self.whole(array, values, valid.as_ref()),
                Some(Physical::I64(values)) => self.whole(array, values, valid.as_ref()),
                Some(Physical::U8(values)) => self.whole(array, values, valid.as_ref()),
                Some(Physical::U16(values)) => self.whole(array, values, valid.as_ref()),
                Some(Physical::U32(values)) => self.whole(array, values, valid.as_ref()),
                Some(Physical::U64(values)) => self.whole(array, values, valid.as_ref()),
                Some(Physical::I128(values)) => self.whole(array, values, valid.as_ref()),
                None => self.others(array)?,
            }
        }
        self.rows += array.len() as u64;
        Ok(())
    }

    fn whole<T: Ordered + Into<i128>>(&mut self, array: &ArrayRef, values: &[T], valid: Option<&Valid>) {
        let best = of(self.end, values, valid);
        let scalar = whole_scalar(array.data_type(), best.into());
        self.offer(scalar, || first(values, valid, |value| value == best));
    }

    fn floats<T: Ordered + Into<f64>>(&mut self, values: &[T], valid: Option<&Valid>) {
        let best = of(self.end, values, valid);
        let number: f64 = best.into();
        // Where nothing is a number the loop gives the infinity that it began with.
        let place = |value: T| value == best;
        if number.is_finite() || first(values, valid, place).is_some() {
            // Zeros are equal and have two signs: one of them is taken.
            self.offer(Scalar::Float64(number + 0.0), || first(values, valid, place));
        }
        if self.best.is_none() && self.nan.is_none() {
            self.nan = first(values, valid, |value| value.into().is_nan()).map(|row| self.rows + row);
        }
    }

    fn others(&mut self, array: &ArrayRef) -> Result<()> {
        let better = |row: usize, best: usize| match self.end {
            End::Min => compare_rows(array, row, best) == Ordering::Less,
            End::Max => compare_rows(array, row, best) == Ordering::Greater,
        };
        let rows = (0..array.len()).filter(|row| array.is_valid(*row));
        if let Some(best) = rows.reduce(|best, row| if better(row, best) { row } else { best }) {
            let scalar = Scalar::try_from_array(array, best)?;
            self.offer(scalar, || Some(best as u64));
        }
        Ok(())
    }

    /// Takes `value` where it is better; `row` finds its row in the batch.
    fn offer(&mut self, value: Scalar, row: impl FnOnce() -> Option<u64>) {
        if self.best.as_ref().is_none_or(|(best, _)| self.is_better(&value, best)) {
            self.best = Some((value, self.rows + row().unwrap_or(0)));
        }
    }

    fn is_better(&self, value: &Scalar, best: &Scalar) -> bool {
        let wanted = if self.end == End::Min { Ordering::Less } else { Ordering::Greater };
        value.compare(best) == Some(wanted)
    }

    /// Goes on with what was seen behind these rows.
    pub fn merge(&mut self, later: &Extreme) {
        if let Some((value, row)) = &later.best
            && self.best.as_ref().is_none_or(|(best, _)| self.is_better(value, best))
        {
            self.best = Some((value.clone(), self.rows + row));
        }
        self.nan = self.nan.or(later.nan.map(|row| self.rows + row));
        self.rows += later.rows;
    }

    /// Bytes that it takes beside itself.
    pub(super) fn memory_bytes(&self) -> usize {
        self.best.as_ref().map_or(0, |(best, _)| scalar_bytes(best))
    }

    /// The value; `None` where there was none.
    pub fn value(&self) -> Option<Scalar> {
        match &self.best {
            Some((best, _)) => Some(best.clone()),
            None => self.nan.map(|_| Scalar::Float64(f64::NAN)),
        }
    }

    /// The first row that has it.
    pub fn row(&self) -> Option<u64> {
        self.best.as_ref().map(|(_, row)| *row).or(self.nan)
    }
}

/// The order of two rows of texts, bytes or truth values.
pub(super) fn compare_rows(array: &ArrayRef, a: usize, b: usize) -> Ordering {
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(a).cmp(array.as_string_view().value(b)),
        DataType::BinaryView => array.as_binary_view().value(a).cmp(array.as_binary_view().value(b)),
        DataType::Boolean => array.as_boolean().value(a).cmp(&array.as_boolean().value(b)),
        DataType::Binary => array.as_binary::<i32>().value(a).cmp(array.as_binary::<i32>().value(b)),
        _ => Ordering::Equal,
    }
}

/// An integer in the scalar of its logical type.
pub(super) fn whole_scalar(data_type: &DataType, value: i128) -> Scalar {
    // What does not fit cannot be: the value comes from a column of the type.
    let ticks = i64::try_from(value).unwrap_or(i64::MAX);
    match data_type {
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            Scalar::UInt64(u64::try_from(value).unwrap_or(u64::MAX))
        }
        DataType::Date32 => Scalar::Date32(i32::try_from(value).unwrap_or(i32::MAX)),
        DataType::Timestamp(unit, zone) => Scalar::Timestamp(ticks, *unit, zone.clone()),
        DataType::Duration(unit) => Scalar::Duration(ticks, *unit),
        DataType::Decimal128(precision, scale) => Scalar::Decimal128(value, *precision, *scale),
        _ => Scalar::Int64(ticks),
    }
}

/// Rows that are looked through at once for a value.
const BLOCK_ROWS: usize = 64;

fn first<T: Copy>(values: &[T], valid: Option<&Valid>, is: impl Fn(T) -> bool) -> Option<u64> {
    // Blocks without one are skipped by vectors.
    for (block, some) in values.chunks(BLOCK_ROWS).enumerate() {
        if some.iter().fold(false, |found, value| found | is(*value)) {
            let rows = (block * BLOCK_ROWS..).zip(some);
            let mut found =
                rows.filter(|(row, value)| is(**value) && valid.is_none_or(|valid| valid.at(*row)));
            if let Some((row, _)) = found.next() {
                return Some(row as u64);
            }
        }
    }
    None
}

/// Values with an order; NaN is neither less nor greater.
trait Ordered: Copy + PartialOrd {
    const LEAST: Self;
    const GREATEST: Self;
}

macro_rules! ordered {
    ($($native:ty: $least:expr, $greatest:expr;)*) => {
        $(impl Ordered for $native {
            const LEAST: Self = $least;
            const GREATEST: Self = $greatest;
        })*
    };
}

ordered! {
    i8: i8::MIN, i8::MAX;
    i16: i16::MIN, i16::MAX;
    i32: i32::MIN, i32::MAX;
    i64: i64::MIN, i64::MAX;
    i128: i128::MIN, i128::MAX;
    u8: u8::MIN, u8::MAX;
    u16: u16::MIN, u16::MAX;
    u32: u32::MIN, u32::MAX;
    u64: u64::MIN, u64::MAX;
    f32: f32::NEG_INFINITY, f32::INFINITY;
    f64: f64::NEG_INFINITY, f64::INFINITY;
}

fn of<T: Ordered>(end: End, values: &[T], valid: Option<&Valid>) -> T {
    match end {
        End::Min => wide::run(Find::<T, false> { values, valid }),
        End::Max => wide::run(Find::<T, true> { values, valid }),
    }
}

struct Find<'a, T, const MAX: bool> {
    values: &'a [T],
    valid: Option<&'a Valid>,
}

const LANES: usize = 32;

impl<T: Ordered, const MAX: bool> Kernel for Find<'_, T, MAX> {
    type Output = T;

    #[inline(always)]
    fn run(self) -> T {
        let start = if MAX { T::LEAST } else { T::GREATEST };
        let mut lanes = [start; LANES];
        let blocks = self.values.len() / LANES;
        for (number, block) in self.values.chunks_exact(LANES).enumerate() {
            match self.valid {
                None => {
                    for lane in 0..LANES {
                        lanes[lane] = better::<T, MAX>(block[lane], lanes[lane]);
                    }
                }
                Some(valid) => {
                    let word = valid.word32(number * LANES);
                    for lane in 0..LANES {
                        let value = if word >> lane & 1 == 1 { block[lane] } else { start };
                        lanes[lane] = better::<T, MAX>(value, lanes[lane]);
                    }
                }
            }
        }
        for at in blocks * LANES..self.values.len() {
            if self.valid.is_none_or(|valid| valid.at(at)) {
                lanes[0] = better::<T, MAX>(self.values[at], lanes[0]);
            }
        }
        lanes.into_iter().fold(start, |best, value| better::<T, MAX>(value, best))
    }
}

#[inline(always)]
fn better<T: Ordered, const MAX: bool>(value: T, best: T) -> T {
    if MAX {
        if value > best { value } else { best }
    } else if value < best {
        value
    } else {
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_finds_the_same() {
        let values: Vec<f64> = (0..1000)
            .map(|i| if i % 11 == 0 { f64::NAN } else { f64::from((i * 7919) % 1009 - 500) })
            .collect();
        let nulls = arrow::buffer::NullBuffer::from_iter((0..1000).map(|i| i % 3 != 1));
        let valid = Valid::of(Some(&nulls));
        let kept = values.iter().enumerate().filter(|(i, v)| i % 3 != 1 && !v.is_nan()).map(|(_, v)| *v);
        let expected = kept.fold(f64::INFINITY, f64::min);
        for found in wide::run_all(|| Find::<f64, false> { values: &values, valid: valid.as_ref() }) {
            assert_eq!(found, expected);
        }
    }
}
