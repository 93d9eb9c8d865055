//! Rows that become state rows of their own.

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow::compute::{FilterBuilder, take};
use partita_columns::compute;

use crate::error::Result;
use crate::group::Group;

/// Keys, what is looked at, and the places in the partition.
pub(super) struct Rows {
    pub(super) keys: Vec<ArrayRef>,
    pub(super) inputs: Vec<ArrayRef>,
    pub(super) places: Vec<u64>,
}

impl Rows {
    /// Those of some rows, the first of which has this place, that are in a group.
    pub(super) fn new(group: &Group, columns: &[ArrayRef], rows: usize, from: u64) -> Result<Self> {
        let (keys, inputs) = columns.split_at(group.keys.len());
        let kept = if group.drops_null_keys { with_all_keys(keys, rows) } else { None };
        let Some(kept) = kept else {
            let places = (from..from + rows as u64).collect();
            return Ok(Self { keys: keys.to_vec(), inputs: inputs.to_vec(), places });
        };
        let places = kept.iter().map(|row| from + u64::from(*row)).collect();
        let kept = UInt32Array::from(kept);
        let take = |columns: &[ArrayRef]| -> Result<Vec<ArrayRef>> {
            columns.iter().map(|column| Ok(take(column, &kept, None)?)).collect()
        };
        Ok(Self { keys: take(keys)?, inputs: take(inputs)?, places })
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> Result<usize> {
        let columns = self.keys.iter().chain(&self.inputs);
        let columns = columns.map(compute::column_bytes).sum::<partita_columns::Result<usize>>()?;
        Ok(columns + self.places.capacity() * size_of::<u64>())
    }

    /// Some of them, in their order.
    pub(super) fn filter(&self, mask: &BooleanArray) -> Result<Self> {
        let filter = FilterBuilder::new(mask).optimize().build();
        let some = |columns: &[ArrayRef]| -> Result<Vec<ArrayRef>> {
            columns.iter().map(|column| Ok(filter.filter(column)?)).collect()
        };
        let places = mask.values().set_indices().filter_map(|row| self.places.get(row).copied()).collect();
        Ok(Self { keys: some(&self.keys)?, inputs: some(&self.inputs)?, places })
    }
}

/// The rows without a null among the keys; `None`: all.
fn with_all_keys(keys: &[ArrayRef], rows: usize) -> Option<Vec<u32>> {
    let nulls: Vec<_> = keys.iter().filter_map(|key| key.logical_nulls()).collect();
    let nulls: Vec<_> = nulls.into_iter().filter(|nulls| nulls.null_count() > 0).collect();
    let is_kept = |row: &u32| nulls.iter().all(|nulls| nulls.is_valid(*row as usize));
    (!nulls.is_empty()).then(|| (0..rows as u32).filter(is_kept).collect())
}
