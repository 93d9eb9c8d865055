//! Window functions over groups whose rows come in pieces.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, UInt64Array, new_empty_array};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, UInt64Type};

use super::super::NO_GROUP;
use super::{GroupRows, Window};
use crate::compute::compact_column;
use crate::error::Result;

/// What a window function has to know of the rows before: of each group a value, or a few.
///
/// Pieces give the values that all rows at once would give, to the bit.
#[derive(Debug)]
pub struct Carried {
    window: Window,
    /// Values of earlier rows, and their groups; totals stand for all rows before.
    values: ArrayRef,
    numbers: Vec<u32>,
    /// Rows of each group so far, where these are asked for.
    counts: Vec<u64>,
}

impl Window {
    /// Whether it can be carried from piece to piece: it looks at rows before alone, and at few of them.
    pub fn is_carried(self) -> bool {
        match self {
            Window::Cumulative(_) | Window::CumCount | Window::ForwardFill => true,
            Window::Shift(rows) => (0..=64).contains(&rows),
            Window::Rank { .. } | Window::BackwardFill => false,
        }
    }
}

impl Carried {
    /// Before all rows, for a column of this type; `None` where the function cannot be carried.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Undefined`] where it is not defined for the column.
    pub fn new(window: Window, input: &DataType) -> Result<Option<Self>> {
        let carried = window.result_type(input)?;
        // What is carried comes in again as if it were a value.
        if !window.is_carried() || (window != Window::CumCount && window.result_type(&carried)? != carried) {
            return Ok(None);
        }
        let (numbers, counts) = (Vec::new(), Vec::new());
        Ok(Some(Self { window, values: new_empty_array(&carried), numbers, counts }))
    }

    /// The values of the next rows, of these groups.
    ///
    /// # Errors
    /// As [`Window::evaluate`].
    pub fn next(&mut self, numbers: &[u32], groups: usize, column: Option<&ArrayRef>) -> Result<ArrayRef> {
        let Some(column) = column.filter(|_| self.window != Window::CumCount) else {
            return self.counted(numbers, groups);
        };
        let column = match column.data_type() == self.values.data_type() {
            true => Arc::clone(column),
            false => cast(column, self.values.data_type())?,
        };
        let before = self.numbers.len();
        let mut all_numbers = std::mem::take(&mut self.numbers);
        all_numbers.extend_from_slice(numbers);
        let all = if before == 0 { column } else { concat(&[&*self.values, &*column])? };
        let rows = GroupRows::new(&all_numbers, groups)?;
        let result = self.window.evaluate(&rows, Some(&all))?;
        let mut kept = Vec::new();
        for group in rows.groups() {
            match self.window {
                Window::Shift(rows) => {
                    let few = usize::try_from(rows).unwrap_or(0).min(group.len());
                    kept.extend_from_slice(&group[group.len() - few..]);
                }
                _ => kept.extend(group.iter().rev().find(|row| result.is_valid(**row as usize))),
            }
        }
        let from = if matches!(self.window, Window::Shift(_)) { &all } else { &result };
        self.numbers = kept.iter().map(|row| all_numbers[*row as usize]).collect();
        // It must not hold on to the texts of its rows.
        self.values = compact_column(&take(from, &UInt32Array::from(kept), None)?)?;
        Ok(result.slice(before, numbers.len()))
    }

    fn counted(&mut self, numbers: &[u32], groups: usize) -> Result<ArrayRef> {
        let result = self.window.evaluate(&GroupRows::new(numbers, groups)?, None)?;
        self.counts.resize(groups.max(self.counts.len()), 0);
        let local = result.as_primitive::<UInt64Type>();
        let before = |(row, number): (usize, &u32)| {
            let before = self.counts.get(*number as usize)?;
            local.is_valid(row).then(|| before + local.value(row))
        };
        let counts: UInt64Array = numbers.iter().enumerate().map(before).collect();
        for number in numbers.iter().filter(|number| **number != NO_GROUP) {
            self.counts[*number as usize] += 1;
        }
        Ok(Arc::new(counts))
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.values = new_empty_array(self.values.data_type());
        (self.numbers, self.counts) = (Vec::new(), Vec::new());
    }

    /// Bytes that it holds.
    pub fn memory_bytes(&self) -> usize {
        let counts = self.counts.capacity() * size_of::<u64>();
        self.values.get_buffer_memory_size() + self.numbers.capacity() * size_of::<u32>() + counts
    }

    /// Bytes that [`Carried::next`] takes at most, its result included, beside what is held.
    ///
    /// # Errors
    /// As for arrays that are damaged.
    pub fn need_bytes(&self, rows: usize, groups: usize, column: Option<&ArrayRef>) -> Result<usize> {
        let all = rows + self.numbers.len();
        let column_bytes = column.map_or(Ok(0), crate::compute::column_bytes)?;
        let values = 4 * (column_bytes + self.values.get_buffer_memory_size()) + all * size_of::<u128>();
        let places = all * 4 * size_of::<u32>() + groups * 3 * size_of::<u64>();
        Ok(values + places + GroupRows::need_bytes(all, groups) + self.window.need_bytes(all, column)?)
    }
}
