//! Least and greatest values, and their rows.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, UInt64Type};

use super::super::RowNumbers;
use super::super::input::primitive;
use super::super::intern::grown;
use super::super::values::{
    Domain, flip, float_array, longs, one_nan, ordered, plain_floats, values, whole_array,
};
use super::text::{Cells, Texts};
use super::{Asked, Slots, each, kept_rows, one, resize, wrong_columns};
use crate::error::Result;
use crate::reduce::{End, Reduction};
use crate::wide::Valid;

/// The row of a group that has seen no value.
const NO_ROW: u64 = u64::MAX;

/// The least or greatest value of each group, and its first row where that is asked for.
#[derive(Debug)]
pub(in super::super) struct Extremes {
    end: End,
    data_type: DataType,
    best: Best,
    rows: Option<Vec<u64>>,
    /// Of groups without a value, where the value itself does not tell.
    seen: Vec<bool>,
    /// So many groups, from the first on, have values, among them one that is not NaN.
    known: usize,
}

#[derive(Debug)]
enum Best {
    Whole(Vec<i64>),
    /// NaN where there was no number.
    Float(Vec<f64>),
    Long(Vec<i128>),
    Text(Cells),
}

impl Extremes {
    pub(in super::super) fn new(end: End, data_type: &DataType, has_rows: bool) -> Result<Self> {
        let best = match Domain::of(data_type)? {
            Domain::Whole => Best::Whole(Vec::new()),
            Domain::Float => Best::Float(Vec::new()),
            Domain::Long => Best::Long(Vec::new()),
            Domain::Text => Best::Text(Cells::default()),
        };
        let rows = has_rows.then(Vec::new);
        Ok(Self { end, data_type: data_type.clone(), best, rows, seen: Vec::new(), known: 0 })
    }

    /// Takes values, with their rows where these are kept.
    fn take(
        &mut self,
        groups: &[u32],
        column: &ArrayRef,
        valid: Option<&Valid>,
        rows: RowNumbers<'_>,
    ) -> Result<()> {
        let (end, kept) = (self.end, self.rows.as_mut().map(|kept| (kept, rows)));
        match &mut self.best {
            Best::Whole(best) => {
                let values = ordered(column)?;
                match (kept, end) {
                    (None, End::Min) => {
                        each(groups, &values, valid, best, |best, value| *best = value.min(*best));
                    }
                    (None, End::Max) => {
                        each(groups, &values, valid, best, |best, value| *best = value.max(*best));
                    }
                    (Some(kept), _) => with_rows(groups, valid, best, &values, kept, is_better(end)),
                }
            }
            Best::Float(best) => {
                let values = plain_floats(column)?;
                let better = |value: f64, best: f64| match end {
                    End::Min => value < best || best.is_nan() && !value.is_nan(),
                    End::Max => value > best || best.is_nan() && !value.is_nan(),
                };
                // Nothing is less or greater than NaN: only where a group has seen nothing else is it to be looked for.
                let has_numbers = self.known == best.len();
                match (kept, end) {
                    (None, End::Min) if has_numbers => each(groups, &values, valid, best, |best, value| {
                        *best = if value < *best { value } else { *best };
                    }),
                    (None, End::Max) if has_numbers => each(groups, &values, valid, best, |best, value| {
                        *best = if value > *best { value } else { *best };
                    }),
                    (None, _) => each(groups, &values, valid, best, |best, value| {
                        *best = if better(value, *best) { value } else { *best };
                    }),
                    (Some(kept), _) => with_rows(groups, valid, best, &values, kept, better),
                }
            }
            Best::Long(best) => {
                let values = longs(column)?;
                match (kept, end) {
                    (None, End::Min) => {
                        each(groups, values, valid, best, |best, value| *best = value.min(*best));
                    }
                    (None, End::Max) => {
                        each(groups, values, valid, best, |best, value| *best = value.max(*best));
                    }
                    (Some(kept), _) => with_rows(groups, valid, best, values, kept, is_better(end)),
                }
            }
            Best::Text(cells) => {
                let texts = Texts::of(column)?;
                let wanted = if end == End::Min { Ordering::Greater } else { Ordering::Less };
                let mut kept = kept;
                for (row, group) in kept_rows(groups, valid) {
                    let text = texts.view(row);
                    if self.seen[group] && cells.compare(group, text) != wanted {
                        continue;
                    }
                    cells.set(group, text);
                    self.seen[group] = true;
                    if let Some((kept, rows)) = &mut kept {
                        kept[group] = rows.at(row);
                    }
                }
                cells.tidy();
                return Ok(());
            }
        }
        if self.rows.is_none() {
            self.see(groups, valid);
        }
        Ok(())
    }

    /// Notes which groups have values.
    fn see(&mut self, groups: &[u32], valid: Option<&Valid>) {
        let known = self.known;
        if known == self.seen.len() {
            return;
        }
        kept_rows(groups, valid).filter(|(_, group)| *group >= known).for_each(|(_, group)| {
            // No slot has the number of no group.
            if let Some(seen) = self.seen.get_mut(group) {
                *seen = true;
            }
        });
        let is_known = |group: &usize| {
            self.seen[*group] && !matches!(&self.best, Best::Float(best) if best[*group].is_nan())
        };
        self.known = (known..self.seen.len()).find(|group| !is_known(group)).unwrap_or(self.seen.len());
    }

    fn is_seen(&self, group: usize) -> bool {
        match (&self.rows, &self.best) {
            (Some(rows), Best::Whole(_) | Best::Float(_) | Best::Long(_)) => rows[group] != NO_ROW,
            _ => self.seen[group],
        }
    }

    fn nulls(&self, range: Range<usize>) -> Option<NullBuffer> {
        let is_full = range.clone().all(|group| self.is_seen(group));
        (!is_full).then(|| range.map(|group| self.is_seen(group)).collect())
    }

    fn values(&self, range: Range<usize>) -> Result<ArrayRef> {
        let nulls = self.nulls(range.clone());
        match &self.best {
            Best::Whole(best) if self.data_type == DataType::UInt64 => {
                whole_array(&self.data_type, best[range].iter().map(|value| flip(*value)).collect(), nulls)
            }
            Best::Whole(best) => whole_array(&self.data_type, best[range].to_vec(), nulls),
            // Zeros are equal and have two signs: one of them is given.
            Best::Float(best) => float_array(
                &self.data_type,
                best[range].iter().map(|value| one_nan(*value) + 0.0).collect(),
                nulls,
            ),
            Best::Long(best) => primitive(&self.data_type, best[range].to_vec(), nulls),
            Best::Text(cells) => cells.array(range, &self.data_type, nulls),
        }
    }
}

fn is_better<T: PartialOrd>(end: End) -> impl Fn(T, T) -> bool {
    move |value, best| if end == End::Min { value < best } else { value > best }
}

fn with_rows<T: Copy>(
    groups: &[u32],
    valid: Option<&Valid>,
    best: &mut [T],
    values: &[T],
    (kept, rows): (&mut Vec<u64>, RowNumbers<'_>),
    is_better: impl Fn(T, T) -> bool,
) {
    for (row, group) in kept_rows(groups, valid) {
        if kept[group] == NO_ROW || is_better(values[row], best[group]) {
            best[group] = values[row];
            kept[group] = rows.at(row);
        }
    }
}

impl Slots for Extremes {
    fn grow(&mut self, count: usize) {
        let is_min = self.end == End::Min;
        match &mut self.best {
            Best::Whole(best) => resize(best, count, if is_min { i64::MAX } else { i64::MIN }),
            Best::Float(best) => resize(best, count, f64::NAN),
            Best::Long(best) => resize(best, count, if is_min { i128::MAX } else { i128::MIN }),
            Best::Text(cells) => cells.grow(count),
        }
        if let Some(rows) = &mut self.rows {
            resize(rows, count, NO_ROW);
        }
        resize(&mut self.seen, count, false);
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], rows: RowNumbers<'_>) -> Result<()> {
        let column = one(columns)?;
        let valid = Valid::of(column.nulls());
        self.take(groups, column, valid.as_ref(), rows)
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        match (columns, self.rows.is_some()) {
            ([_], false) => self.update(groups, columns, RowNumbers::From(0)),
            ([column, rows], true) => {
                let rows = values::<UInt64Type>(rows)?;
                self.update(groups, std::slice::from_ref(column), RowNumbers::Each(rows))
            }
            (columns, has_rows) => Err(wrong_columns(1 + usize::from(has_rows), columns.len())),
        }
    }

    fn types(&self) -> Vec<DataType> {
        let rows = self.rows.as_ref().map(|_| DataType::UInt64);
        std::iter::once(self.data_type.clone()).chain(rows).collect()
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        let mut columns = vec![self.values(range.clone())?];
        if let Some(rows) = &self.rows {
            columns.push(Arc::new(UInt64Array::from(rows[range].to_vec())));
        }
        Ok(columns)
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        match (asked.reduction, &self.rows) {
            (Reduction::IdxMin | Reduction::IdxMax, Some(rows)) => {
                let range = asked.range.clone();
                Ok(Arc::new(UInt64Array::new(rows[range.clone()].to_vec().into(), self.nulls(range))))
            }
            (Reduction::Min | Reduction::Max, _) => self.values(asked.range.clone()),
            _ => Err(asked.unknown()),
        }
    }

    fn memory_bytes(&self) -> usize {
        let best = match &self.best {
            Best::Whole(best) => best.capacity() * size_of::<i64>(),
            Best::Float(best) => best.capacity() * size_of::<f64>(),
            Best::Long(best) => best.capacity() * size_of::<i128>(),
            Best::Text(cells) => cells.memory_bytes(),
        };
        best + self.rows.as_ref().map_or(0, Vec::capacity) * size_of::<u64>() + self.seen.capacity()
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        let best = match (&self.best, columns.first()) {
            (Best::Whole(best), _) => grown::<i64>(best.capacity(), count),
            (Best::Float(best), _) => grown::<f64>(best.capacity(), count),
            (Best::Long(best), _) => grown::<i128>(best.capacity(), count),
            (Best::Text(cells), Some(column)) => cells.need_bytes(count, column),
            (Best::Text(cells), None) => cells.memory_bytes(),
        };
        let kept = self.rows.as_ref().map_or(0, |rows| grown::<u64>(rows.capacity(), count));
        best + kept + grown::<bool>(self.seen.capacity(), count) + 9 * rows + 128
    }

    fn merge_need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.need_bytes(count, columns)
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        let texts = match &self.best {
            Best::Text(cells) => cells.give_need_bytes(range.clone()),
            _ => 0,
        };
        texts + range.len() * 48 + 1024
    }

    fn clear(&mut self) {
        match &mut self.best {
            Best::Whole(best) => best.clear(),
            Best::Float(best) => best.clear(),
            Best::Long(best) => best.clear(),
            Best::Text(cells) => cells.clear(),
        }
        if let Some(rows) = &mut self.rows {
            rows.clear();
        }
        self.seen.clear();
        self.known = 0;
    }
}
