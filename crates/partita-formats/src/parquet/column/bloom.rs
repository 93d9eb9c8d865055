//! Split-block bloom filters (the Parquet format, `BloomFilter.md`).

use arrow::buffer::{Buffer, NullBuffer};
use parquet::bloom_filter::Sbbf;

use super::Store;
use crate::parquet::options::WriteOptions;

/// Of so many values that are not there one is taken for one that is.
pub(in crate::parquet) const BLOOM_FPP: f64 = 0.01;

/// Bits a value that [`BLOOM_FPP`] takes, and a little more.
const BITS_A_VALUE: u64 = 11;

/// Bytes of a filter at most.
const BYTES_MAX: u64 = 2 << 20;

/// Different values that a row group may have.
pub(in crate::parquet) fn values_max(write: &WriteOptions) -> u64 {
    (write.row_group_rows_max as u64).min(BYTES_MAX * 8 / BITS_A_VALUE)
}

/// Bytes of a filter for so many different values, before it is made as small as those that came allow.
pub(in crate::parquet) fn bytes(values: u64) -> usize {
    let bytes = (values.saturating_mul(BITS_A_VALUE) / 8).clamp(32, BYTES_MAX);
    bytes.next_power_of_two() as usize
}

/// The filter of one chunk.
pub(super) struct Bloom {
    filter: Sbbf,
    bytes: usize,
}

impl Bloom {
    /// For so many different values.
    pub(super) fn new(values: u64) -> Self {
        let bytes = bytes(values);
        Self { filter: Sbbf::new_with_num_of_bytes(bytes), bytes }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the values of rows that are not null.
    pub(super) fn add<S: Store>(
        &mut self,
        store: &S,
        values: &[S::Value],
        heap: &[Buffer],
        validity: Option<&NullBuffer>,
    ) {
        let mut insert = |bytes: &[u8]| self.filter.insert(bytes);
        match validity {
            None => values.iter().for_each(|value| store.value_bytes(value, heap, &mut insert)),
            Some(valid) => {
                for row in valid.valid_indices() {
                    store.value_bytes(&values[row], heap, &mut insert);
                }
            }
        }
    }

    /// The filter, as small as [`BLOOM_FPP`] allows with the values that came.
    pub(super) fn finish(mut self) -> Sbbf {
        self.filter.fold_to_target_fpp(BLOOM_FPP);
        self.filter
    }
}
