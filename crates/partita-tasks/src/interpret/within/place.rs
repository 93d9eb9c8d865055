//! The bucket and the place of each row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt16Array, UInt64Array};
use arrow::buffer::NullBuffer;
use partita_columns::compute;

use super::{ACCOUNT, WAY_OUT, missing};
use crate::error::Result;
use crate::group::BUCKET_BITS;
use crate::host::{Host, Reservation};
use crate::interpret::distinct::Step;
use crate::within::{Keyed, PLACE_BITS};

/// Bytes a row: its hash, its bucket and its place.
const ROW_BYTES: usize = 24;

/// Puts bucket and place behind rows.
pub(in crate::interpret) struct Placed<'a> {
    keyed: &'a Keyed,
    /// Of the next row.
    place: u64,
    memory: Box<dyn Reservation>,
}

impl<'a> Placed<'a> {
    pub(in crate::interpret) fn new(keyed: &'a Keyed, partition: usize, host: &dyn Host) -> Result<Self> {
        let memory = host.reserve(ACCOUNT, 0, WAY_OUT)?;
        Ok(Self { keyed, place: (partition as u64) << PLACE_BITS, memory })
    }
}

impl Step for Placed<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let rows = batch.num_rows();
        if rows * ROW_BYTES > self.memory.bytes() {
            self.memory.resize(rows * ROW_BYTES)?;
        }
        let places = self.place..self.place + rows as u64;
        self.place = places.end;
        let keys: Option<Vec<ArrayRef>> =
            self.keyed.keys.iter().map(|key| batch.columns().get(*key).cloned()).collect();
        let keys = keys.ok_or_else(missing)?;
        let hashes = compute::hash_rows(&keys, rows)?;
        let nulls = if self.keyed.drops_null_keys { null_keys(&keys) } else { None };
        let bucket = |(row, hash): (usize, &u64)| match &nulls {
            // Rows of no group need not be together.
            Some(nulls) if nulls.is_null(row) => (places.start + row as u64) as u16,
            _ => (hash >> (u64::BITS - BUCKET_BITS)) as u16,
        };
        let buckets = UInt16Array::from_iter_values(hashes.iter().enumerate().map(bucket));
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(buckets));
        columns.push(Arc::new(UInt64Array::from_iter_values(places)));
        Ok(vec![RecordBatch::try_new(Arc::clone(&self.keyed.schema), columns)?])
    }
}

/// Rows with a null among the keys are null.
fn null_keys(keys: &[ArrayRef]) -> Option<NullBuffer> {
    keys.iter().fold(None, |nulls, key| NullBuffer::union(nulls.as_ref(), key.logical_nulls().as_ref()))
}
