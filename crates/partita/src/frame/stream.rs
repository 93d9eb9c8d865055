//! Batches in order, while later partitions are computed.

use arrow::array::RecordBatch;
use partita_runtime::engine::PartitionStream;

use crate::error::Result;

/// The rows of a frame as Arrow batches, in order. A bounded number of partitions is computed ahead, and where memory is short
/// they wait on disk; dropping the iterator cancels the rest. A batch counts in the memory limit until the next one is asked
/// for; kept longer, it is its keeper's.
pub struct Batches(PartitionStream);

impl Batches {
    pub(crate) fn new(partitions: PartitionStream) -> Self {
        Self(partitions)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map_err(Into::into))
    }
}
