//! Running totals of each group.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array};
use arrow::compute::cast;

use super::GroupRows;
use super::moved::taken;
use crate::error::{Error, Result};
use crate::reduce::{Cumulative, End, Order, floats, overflow, whole_array, wholes};

/// The sum or the product so far.
pub(super) fn total(cumulative: Cumulative, groups: &GroupRows, column: &ArrayRef) -> Result<ArrayRef> {
    let input = column.data_type();
    let result = cumulative.reduction().result_type(std::slice::from_ref(input))?;
    let is_product = cumulative == Cumulative::Prod;
    if result.is_floating() {
        let values = floats(column)?;
        let mut totals = vec![None; groups.rows()];
        for rows in groups.groups() {
            let mut so_far = if is_product { 1.0 } else { 0.0 };
            for row in rows.iter().map(|row| *row as usize) {
                let Some(value) = values[row] else { continue };
                so_far = if is_product { so_far * value } else { so_far + value };
                totals[row] = Some(so_far);
            }
        }
        let totals: ArrayRef = Arc::new(Float64Array::from(totals));
        return if *totals.data_type() == result { Ok(totals) } else { Ok(cast(&totals, &result)?) };
    }
    let too_large = || -> Error { overflow(cumulative, &result) };
    let values = wholes(column)?;
    let mut totals = vec![None; groups.rows()];
    for rows in groups.groups() {
        let mut so_far = i128::from(is_product);
        for row in rows.iter().map(|row| *row as usize) {
            let Some(value) = values[row] else { continue };
            let next = if is_product { so_far.checked_mul(value) } else { so_far.checked_add(value) };
            so_far = next.ok_or_else(too_large)?;
            totals[row] = Some(so_far);
        }
    }
    whole_array(&totals, &result).ok_or_else(too_large)?
}

/// The best value so far: the first of equal ones.
pub(super) fn best(end: End, groups: &GroupRows, column: &ArrayRef) -> Result<ArrayRef> {
    let order = Order::of(column)?;
    let nulls = column.logical_nulls();
    let mut places = vec![None; groups.rows()];
    for rows in groups.groups() {
        let mut best: Option<u32> = None;
        for row in rows {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(*row as usize)) {
                continue;
            }
            if best.is_none_or(|best| order.is_better(end, *row as usize, best as usize)) {
                best = Some(*row);
            }
            places[*row as usize] = best;
        }
    }
    taken(column, places)
}
