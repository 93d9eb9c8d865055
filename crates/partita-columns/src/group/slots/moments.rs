//! Variances, covariances and their relatives.

use std::ops::Range;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Float64Type};

use super::super::RowNumbers;
use super::super::intern::grown;
use super::super::values::{floats, floats_array, optional_floats, values};
use super::{Asked, Slots, each, kept_rows, resize, wrong_columns};
use crate::error::Result;
use crate::reduce::Reduction;
use crate::wide::Valid;

/// Number, mean and sums of powers of the distances from the mean: two numbers and the second power, or up to the fourth.
///
/// They are joined as by Chan, Golub and LeVeque (1979) and Pébay (2008), a row as what is known of it alone: one value, itself the
/// mean, and no distance.
#[derive(Debug)]
pub(in super::super) enum Moments {
    Second(Vec<[f64; 3]>),
    Fourth(Vec<[f64; 5]>),
}

#[inline(always)]
fn join3(a: &mut [f64; 3], b: [f64; 3]) {
    if b[0] == 0.0 {
        return;
    }
    if a[0] == 0.0 {
        *a = b;
        return;
    }
    let n = a[0] + b[0];
    let apart = b[1] - a[1];
    let part = apart / n;
    *a = [n, a[1] + part * b[0], a[2] + b[2] + apart * part * a[0] * b[0]];
}

#[inline(always)]
fn join5(one: &mut [f64; 5], other: [f64; 5]) {
    if other[0] == 0.0 {
        return;
    }
    if one[0] == 0.0 {
        *one = other;
        return;
    }
    let (a, b) = (one[0], other[0]);
    let n = a + b;
    let apart = other[1] - one[1];
    let part = apart / n;
    let square = apart * part * a * b;
    *one = [
        n,
        one[1] + part * b,
        one[2] + other[2] + square,
        one[3] + other[3] + square * part * (a - b) + 3.0 * part * (a * other[2] - b * one[2]),
        one[4]
            + other[4]
            + square * part * part * (a * a - a * b + b * b)
            + 6.0 * part * part * (a * a * other[2] + b * b * one[2])
            + 4.0 * part * (a * other[3] - b * one[3]),
    ];
}

impl Moments {
    pub(in super::super) fn new(has_fourth: bool) -> Self {
        if has_fourth { Self::Fourth(Vec::new()) } else { Self::Second(Vec::new()) }
    }

    /// Number and powers of a group; no power is a number where a value was not finite.
    fn powers(&self, group: usize) -> [f64; 5] {
        let [count, mean, second, third, fourth] = match self {
            Self::Second(slots) => [slots[group][0], slots[group][1], slots[group][2], f64::NAN, f64::NAN],
            Self::Fourth(slots) => slots[group],
        };
        let power = |power: f64| if mean.is_finite() { power } else { f64::NAN };
        [count, mean, power(second), power(third), power(fourth)]
    }

    fn answer(&self, reduction: Reduction, group: usize) -> Option<f64> {
        let [n, _, second, third, fourth] = self.powers(group);
        let variance = |ddof: u8| {
            let degrees = n - f64::from(ddof);
            (degrees > 0.0).then(|| second / degrees)
        };
        match reduction {
            Reduction::Var { ddof } => variance(ddof),
            Reduction::Std { ddof } => variance(ddof).map(f64::sqrt),
            Reduction::Sem { ddof } => variance(ddof).map(|variance| (variance / n).sqrt()),
            Reduction::Skew => (n >= 3.0).then(|| {
                let root = (second / n).sqrt();
                let biased = if second == 0.0 { 0.0 } else { third / n / (root * root * root) };
                (n * (n - 1.0)).sqrt() / (n - 2.0) * biased
            }),
            _ => (n >= 4.0).then(|| {
                if second == 0.0 {
                    return 0.0;
                }
                let variance = second / (n - 1.0);
                let scale = n * (n + 1.0) / ((n - 1.0) * (n - 2.0) * (n - 3.0));
                let shift = 3.0 * (n - 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0));
                scale * fourth / (variance * variance) - shift
            }),
        }
    }
}

/// The columns of slots of several numbers.
fn split<const N: usize>(slots: &[[f64; N]]) -> Vec<ArrayRef> {
    let column = |at: usize| floats_array(slots.iter().map(|slot| slot[at]));
    (0..N).map(column).collect()
}

fn merge_columns<const N: usize>(
    groups: &[u32],
    columns: &[ArrayRef],
    slots: &mut [[f64; N]],
    join: impl Fn(&mut [f64; N], [f64; N]),
) -> Result<()> {
    let columns = columns.iter().map(values::<Float64Type>).collect::<Result<Vec<_>>>()?;
    let got = columns.len();
    let columns: [&[f64]; N] = columns.try_into().map_err(|_| wrong_columns(N, got))?;
    kept_rows(groups, None)
        .for_each(|(row, group)| join(&mut slots[group], columns.map(|column| column[row])));
    Ok(())
}

impl Slots for Moments {
    fn grow(&mut self, count: usize) {
        match self {
            Self::Second(slots) => resize(slots, count, [0.0; 3]),
            Self::Fourth(slots) => resize(slots, count, [0.0; 5]),
        }
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        let column = super::one(columns)?;
        let valid = Valid::of(column.nulls());
        let values = floats(column)?;
        match self {
            Self::Second(slots) => {
                each(groups, &values, valid.as_ref(), slots, |slot, value| join3(slot, [1.0, value, 0.0]));
            }
            Self::Fourth(slots) => {
                each(groups, &values, valid.as_ref(), slots, |slot, value| {
                    join5(slot, [1.0, value, 0.0, 0.0, 0.0]);
                });
            }
        }
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        match self {
            Self::Second(slots) => merge_columns(groups, columns, slots, join3),
            Self::Fourth(slots) => merge_columns(groups, columns, slots, join5),
        }
    }

    fn types(&self) -> Vec<DataType> {
        vec![DataType::Float64; if matches!(self, Self::Second(_)) { 3 } else { 5 }]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(match self {
            Self::Second(slots) => split(&slots[range]),
            Self::Fourth(slots) => split(&slots[range]),
        })
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        Ok(optional_floats(asked.range.clone().map(|group| self.answer(asked.reduction, group))))
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::Second(slots) => slots.capacity() * size_of::<[f64; 3]>(),
            Self::Fourth(slots) => slots.capacity() * size_of::<[f64; 5]>(),
        }
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.merge_need_bytes(count, columns) + columns.first().map_or(0, |column| 17 * column.len() + 128)
    }

    fn merge_need_bytes(&self, count: usize, _: &[ArrayRef]) -> usize {
        match self {
            Self::Second(slots) => grown::<[f64; 3]>(slots.capacity(), count) + 1024,
            Self::Fourth(slots) => grown::<[f64; 5]>(slots.capacity(), count) + 1024,
        }
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        range.len() * 48 + 1024
    }

    fn clear(&mut self) {
        match self {
            Self::Second(slots) => slots.clear(),
            Self::Fourth(slots) => slots.clear(),
        }
    }
}

/// Of pairs: number, both means, sums of the squares of both distances from them, and sum of their products.
#[derive(Debug, Default)]
pub(in super::super) struct Pairs(Vec<[f64; 6]>);

#[inline(always)]
fn join6(a: &mut [f64; 6], b: [f64; 6]) {
    if b[0] == 0.0 {
        return;
    }
    if a[0] == 0.0 {
        *a = b;
        return;
    }
    let n = a[0] + b[0];
    let share = b[0] / n;
    let weight = a[0] * share;
    let apart = (b[1] - a[1], b[2] - a[2]);
    *a = [
        n,
        a[1] + apart.0 * share,
        a[2] + apart.1 * share,
        a[3] + b[3] + apart.0 * apart.0 * weight,
        a[4] + b[4] + apart.1 * apart.1 * weight,
        a[5] + b[5] + apart.0 * apart.1 * weight,
    ];
}

impl Pairs {
    fn answer(&self, reduction: Reduction, group: usize) -> Option<f64> {
        let [n, x, y, xx, yy, xy] = self.0[group];
        let xy = if x.is_finite() && y.is_finite() { xy } else { f64::NAN };
        if let Reduction::Cov { ddof } = reduction {
            let degrees = n - f64::from(ddof);
            return (degrees > 0.0).then(|| xy / degrees);
        }
        (n > 1.0).then(|| {
            let correlation = xy / (xx.sqrt() * yy.sqrt());
            if correlation.is_nan() { correlation } else { correlation.clamp(-1.0, 1.0) }
        })
    }
}

impl Slots for Pairs {
    fn grow(&mut self, count: usize) {
        resize(&mut self.0, count, [0.0; 6]);
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        let [left, right] = columns else { return Err(wrong_columns(2, columns.len())) };
        let nulls = arrow::buffer::NullBuffer::union(left.nulls(), right.nulls());
        let valid = Valid::of(nulls.as_ref());
        let (lefts, rights) = (floats(left)?, floats(right)?);
        if let Some(valid) = &valid {
            for (row, group) in kept_rows(groups, Some(valid)) {
                join6(&mut self.0[group], [1.0, lefts[row], rights[row], 0.0, 0.0, 0.0]);
            }
            return Ok(());
        }
        for ((group, left), right) in groups.iter().zip(&*lefts).zip(&*rights) {
            if let Some(slot) = self.0.get_mut(*group as usize) {
                join6(slot, [1.0, *left, *right, 0.0, 0.0, 0.0]);
            }
        }
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        merge_columns(groups, columns, &mut self.0, join6)
    }

    fn types(&self) -> Vec<DataType> {
        vec![DataType::Float64; 6]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(split(&self.0[range]))
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        Ok(optional_floats(asked.range.clone().map(|group| self.answer(asked.reduction, group))))
    }

    fn memory_bytes(&self) -> usize {
        self.0.capacity() * size_of::<[f64; 6]>()
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.merge_need_bytes(count, columns) + columns.first().map_or(0, |column| 34 * column.len() + 256)
    }

    fn merge_need_bytes(&self, count: usize, _: &[ArrayRef]) -> usize {
        grown::<[f64; 6]>(self.0.capacity(), count) + 1024
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        range.len() * 56 + 1024
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
