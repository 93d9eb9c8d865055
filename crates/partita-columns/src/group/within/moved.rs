//! Values of other rows of the group, and the number of the row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array, UInt64Array};
use arrow::compute::take;

use super::GroupRows;
use crate::error::Result;

/// The number of each row in its group.
pub(super) fn counted(groups: &GroupRows) -> ArrayRef {
    let mut counts = vec![None; groups.rows()];
    for rows in groups.groups() {
        for (count, row) in (0_u64..).zip(rows) {
            counts[*row as usize] = Some(count);
        }
    }
    Arc::new(UInt64Array::from(counts))
}

/// The value `by` rows before.
pub(super) fn shifted(by: i64, groups: &GroupRows, column: &ArrayRef) -> Result<ArrayRef> {
    let mut places = vec![None; groups.rows()];
    for rows in groups.groups() {
        let distance = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX).min(rows.len());
        let (first, last) = (&rows[distance..], &rows[..rows.len() - distance]);
        let (to, from) = if by < 0 { (last, first) } else { (first, last) };
        for (to, from) in to.iter().zip(from) {
            places[*to as usize] = Some(*from);
        }
    }
    taken(column, places)
}

/// The value, or the nearest before (`forward`) or behind.
pub(super) fn filled(groups: &GroupRows, column: &ArrayRef, forward: bool) -> Result<ArrayRef> {
    let nulls = column.logical_nulls();
    let is_there = |row: u32| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row as usize));
    let mut places = vec![None; groups.rows()];
    for rows in groups.groups() {
        let mut last = None;
        let mut fill = |row: &u32| {
            last = if is_there(*row) { Some(*row) } else { last };
            places[*row as usize] = last;
        };
        if forward { rows.iter().for_each(&mut fill) } else { rows.iter().rev().for_each(&mut fill) }
    }
    taken(column, places)
}

/// The values of some rows, and nulls.
pub(super) fn taken(column: &ArrayRef, places: Vec<Option<u32>>) -> Result<ArrayRef> {
    Ok(take(column, &UInt32Array::from(places), None)?)
}
