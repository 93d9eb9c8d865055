//! Sums.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, UInt64Array};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};

use super::super::RowNumbers;
use super::super::input::primitive;
use super::super::intern::grown;
use super::super::values::{
    floats_array, longs, one_nan, optional_floats, plain_floats, values, whole_array, wholes,
};
use super::{Asked, Slots, each, few_sums, kept_rows, one, resize, wrong_columns};
use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::reduce::kind::{decimal_unit, fits, per_tick};
use crate::reduce::{Reduction, WholeSum};
use crate::wide::{self, Kernel, Valid};

/// Sums of floats: of each group from 0, in the order of its rows, one addition after the other. A row that is merged as a state
/// is added as a row is.
#[derive(Debug, Default)]
pub(in super::super) struct FloatSums(Vec<f64>);

impl Slots for FloatSums {
    fn grow(&mut self, count: usize) {
        resize(&mut self.0, count, 0.0);
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        let column = one(columns)?;
        let valid = Valid::of(column.nulls());
        each(groups, &plain_floats(column)?, valid.as_ref(), &mut self.0, |sum, value| *sum += value);
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        each(groups, values::<Float64Type>(one(columns)?)?, None, &mut self.0, |sum, more| *sum += more);
        Ok(())
    }

    fn types(&self) -> Vec<DataType> {
        vec![DataType::Float64]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(vec![floats_array(self.0[range].iter().copied())])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        let sums = &self.0[asked.range.clone()];
        if asked.reduction == Reduction::Sum {
            return Ok(floats_array(sums.iter().copied()));
        }
        let means = sums.iter().enumerate().map(|(at, sum)| one_nan(sum / asked.valid(at) as f64));
        Ok(Arc::new(Float64Array::new(means.collect(), asked.valid_nulls())))
    }

    fn memory_bytes(&self) -> usize {
        self.0.capacity() * size_of::<f64>()
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.merge_need_bytes(count, columns) + columns.first().map_or(0, |column| 9 * column.len() + 128)
    }

    fn merge_need_bytes(&self, count: usize, _: &[ArrayRef]) -> usize {
        grown::<f64>(self.0.capacity(), count)
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        range.len() * 10 + 512
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// Sums of integers, exact: of 64 bits while none can have left them, of 192 bits then.
#[derive(Debug)]
pub(in super::super) struct WholeSums {
    short: Vec<i64>,
    /// No short sum is further from 0.
    bound: u64,
    wide: Vec<WholeSum>,
    is_wide: bool,
    /// Of decimals.
    is_decimal: bool,
    /// Of decimals that do not fit in 64 bits: their states have a column more.
    is_long: bool,
}

/// Digits of decimals that fit in 64 bits.
const SHORT_DIGITS_MAX: u8 = 18;

impl WholeSums {
    pub(in super::super) fn new(input: &DataType) -> Self {
        let (is_decimal, is_long) = match input {
            DataType::Decimal128(digits, _) => (true, *digits > SHORT_DIGITS_MAX),
            _ => (false, false),
        };
        Self { short: Vec::new(), bound: 0, wide: Vec::new(), is_wide: false, is_decimal, is_long }
    }

    /// Whether `rows` values between these keep all sums in 64 bits; else sums are wide from now on.
    fn has_room(&mut self, rows: usize, (least, most): (i64, i64)) -> bool {
        if self.is_wide {
            return false;
        }
        let step = u128::from(least.unsigned_abs().max(most.unsigned_abs())) * rows as u128;
        let after =
            |bound: u64| u64::try_from(u128::from(bound) + step).ok().filter(|bound| *bound < 1 << 63);
        let bound = after(self.bound).or_else(|| {
            let real = self.short.iter().map(|sum| sum.unsigned_abs()).max().unwrap_or(0);
            after(real)
        });
        if let Some(bound) = bound {
            self.bound = bound;
            return true;
        }
        self.widen();
        false
    }

    fn widen(&mut self) {
        if !self.is_wide {
            self.wide = self.short.iter().map(|sum| whole(i128::from(*sum))).collect();
            (self.short, self.is_wide) = (Vec::new(), true);
        }
    }

    fn add(&mut self, groups: &[u32], values: &[i64], valid: Option<&Valid>) {
        if self.has_room(values.len(), wide::run(Ends(values))) {
            let few = || few_sums(groups, self.short.len(), |row| values[row].cast_unsigned());
            if let (None, Some(sums)) = (valid, few()) {
                let sums = self.short.iter_mut().zip(sums);
                sums.for_each(|(sum, more)| *sum = sum.wrapping_add(more.cast_signed()));
                return;
            }
            each(groups, values, valid, &mut self.short, |sum, value| *sum = sum.wrapping_add(value));
        } else {
            each(groups, values, valid, &mut self.wide, |sum, value| sum.add(value.into()));
        }
    }

    fn add_decimals(&mut self, groups: &[u32], column: &ArrayRef, valid: Option<&Valid>) -> Result<()> {
        let values = longs(column)?;
        if !(self.is_long && self.is_wide) {
            let (narrow, is_narrow) = wide::run(Narrow(values));
            let beyond = |row: &usize| column.is_valid(*row) && values[*row] != i128::from(narrow[*row]);
            let odd = if is_narrow { None } else { (0..values.len()).find(beyond) };
            match odd {
                None => {
                    self.add(groups, &narrow, valid);
                    return Ok(());
                }
                Some(row) if !self.is_long => {
                    let (types, value) = (dtype::name(column.data_type()), values[row]);
                    let message =
                        format!("{value} has more digits than {types}; cast the column to a wider decimal");
                    return Err(ErrorKind::Shape(message).into());
                }
                Some(_) => self.widen(),
            }
        }
        each(groups, values, valid, &mut self.wide, |sum, value| sum.add(value));
        Ok(())
    }

    fn sum(&self, group: usize) -> WholeSum {
        if self.is_wide { self.wide[group] } else { whole(self.short[group].into()) }
    }

    fn mean(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        let input = asked.inputs.first().unwrap_or(&DataType::Null);
        let groups = asked.range.clone().enumerate();
        if asked.result == DataType::Float64 {
            let unit = decimal_unit(input);
            let means = groups.map(|(at, group)| {
                let valid = asked.valid(at);
                (valid > 0).then(|| self.sum(group).to_f64() / valid as f64 / unit)
            });
            return Ok(optional_floats(means));
        }
        let mut means = Vec::with_capacity(asked.range.len());
        for (at, group) in groups {
            let sum = self.sum(group).value().and_then(|sum| sum.checked_mul(per_tick(input, &asked.result)));
            let sum = sum.ok_or_else(|| asked.reduction.overflow(&asked.result))?;
            means.push(sum.div_euclid(i128::from(asked.valid(at).max(1))) as i64);
        }
        whole_array(&asked.result, means, asked.valid_nulls())
    }
}

/// Decimals as numbers of 64 bits; whether that is what they are.
struct Narrow<'a>(&'a [i128]);

impl Kernel for Narrow<'_> {
    type Output = (Vec<i64>, bool);

    #[inline(always)]
    fn run(self) -> (Vec<i64>, bool) {
        let mut beyond = 0;
        let narrow = |value: &i128| {
            let low = *value as i64;
            beyond |= (*value >> 64) as i64 ^ (low >> 63);
            low
        };
        let values = self.0.iter().map(narrow).collect();
        (values, beyond == 0)
    }
}

fn whole(value: i128) -> WholeSum {
    let mut sum = WholeSum::default();
    sum.add(value);
    sum
}

struct Ends<'a>(&'a [i64]);

impl Kernel for Ends<'_> {
    type Output = (i64, i64);

    #[inline(always)]
    fn run(self) -> (i64, i64) {
        self.0.iter().fold((0, 0), |(least, most), value| (least.min(*value), most.max(*value)))
    }
}

impl Slots for WholeSums {
    fn grow(&mut self, count: usize) {
        if self.is_wide {
            resize(&mut self.wide, count, WholeSum::default());
        } else {
            resize(&mut self.short, count, 0);
        }
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        let column = one(columns)?;
        let valid = Valid::of(column.nulls());
        let valid = valid.as_ref();
        if self.is_decimal {
            return self.add_decimals(groups, column, valid);
        }
        let values = wholes(column)?;
        if column.data_type() != &DataType::UInt64 || values.iter().all(|value| *value >= 0) {
            self.add(groups, &values, valid);
            return Ok(());
        }
        // Beyond what signed integers hold.
        self.widen();
        each(groups, &values, valid, &mut self.wide, |sum, value| sum.add(value.cast_unsigned().into()));
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        match (columns, self.is_long) {
            ([low, high], false) => {
                let (lows, highs) = (values::<UInt64Type>(low)?, values::<Int64Type>(high)?);
                let values: Vec<i64> = lows.iter().map(|low| low.cast_signed()).collect();
                if values.iter().zip(highs).all(|(low, high)| low >> 63 == *high) {
                    self.add(groups, &values, None);
                    return Ok(());
                }
                self.widen();
                for (row, group) in kept_rows(groups, None) {
                    self.wide[group].add(i128::from(highs[row]) << 64 | i128::from(lows[row]));
                }
            }
            ([low, middle, high], true) => {
                let (lows, middles) = (values::<UInt64Type>(low)?, values::<UInt64Type>(middle)?);
                let highs = values::<Int64Type>(high)?;
                let signed: Vec<i64> = lows.iter().map(|low| low.cast_signed()).collect();
                let signs = signed.iter().zip(middles).zip(highs);
                if !self.is_wide
                    && signs
                        .into_iter()
                        .all(|((low, middle), high)| low >> 63 == *high && high.cast_unsigned() == *middle)
                {
                    self.add(groups, &signed, None);
                    return Ok(());
                }
                self.widen();
                for (row, group) in kept_rows(groups, None) {
                    self.wide[group].merge(&WholeSum::from_parts(lows[row], middles[row], highs[row]));
                }
            }
            (columns, is_long) => return Err(wrong_columns(2 + usize::from(is_long), columns.len())),
        }
        Ok(())
    }

    fn types(&self) -> Vec<DataType> {
        if self.is_long {
            vec![DataType::UInt64, DataType::UInt64, DataType::Int64]
        } else {
            vec![DataType::UInt64, DataType::Int64]
        }
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        if !self.is_wide {
            let sums = &self.short[range];
            let low = UInt64Array::from_iter_values(sums.iter().map(|sum| sum.cast_unsigned()));
            let high = Int64Array::from_iter_values(sums.iter().map(|sum| sum >> 63));
            let middle = || UInt64Array::from_iter_values(sums.iter().map(|sum| (sum >> 63).cast_unsigned()));
            let middle = self.is_long.then(|| Arc::new(middle()) as ArrayRef);
            return Ok([Some(Arc::new(low) as ArrayRef), middle, Some(Arc::new(high))]
                .into_iter()
                .flatten()
                .collect());
        }
        let parts = || range.clone().map(|group| self.sum(group).parts());
        let low = UInt64Array::from_iter_values(parts().map(|(low, ..)| low));
        Ok(if self.is_long {
            let middle = UInt64Array::from_iter_values(parts().map(|(_, middle, _)| middle));
            let high = Int64Array::from_iter_values(parts().map(|(.., high)| high));
            vec![Arc::new(low), Arc::new(middle), Arc::new(high)]
        } else {
            // Less than 2^64 values of 64 bits: the highest part is but their sign.
            let high = Int64Array::from_iter_values(parts().map(|(_, middle, _)| middle.cast_signed()));
            vec![Arc::new(low), Arc::new(high)]
        })
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        if asked.reduction == Reduction::Mean {
            return self.mean(asked);
        }
        if !self.is_wide && !self.is_decimal && asked.result != DataType::UInt64 {
            return whole_array(&asked.result, self.short[asked.range.clone()].to_vec(), None);
        }
        let fitting = |group: usize| self.sum(group).value().filter(|sum| fits(&asked.result, *sum));
        let sums = asked.range.clone().map(fitting).collect::<Option<Vec<i128>>>();
        let sums = sums.ok_or_else(|| asked.reduction.overflow(&asked.result))?;
        if self.is_decimal {
            return primitive(&asked.result, sums, None);
        }
        whole_array(&asked.result, sums.into_iter().map(|sum| sum as i64).collect(), None)
    }

    fn memory_bytes(&self) -> usize {
        self.short.capacity() * size_of::<i64>() + self.wide.capacity() * size_of::<WholeSum>()
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.merge_need_bytes(count, columns) + columns.first().map_or(0, |column| 9 * column.len() + 128)
    }

    fn merge_need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        let short = if self.is_wide { 0 } else { grown::<i64>(self.short.capacity(), count) };
        short + grown::<WholeSum>(self.wide.capacity(), count) + 8 * rows
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        range.len() * 48 + 512
    }

    fn clear(&mut self) {
        self.short.clear();
        self.wide.clear();
        (self.bound, self.is_wide) = (0, false);
    }
}
