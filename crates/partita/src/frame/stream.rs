//! Batches in order, while later partitions are computed.

use arrow::array::RecordBatch;
use partita_runtime::engine::PartitionStream;

use super::batches_of;
use crate::error::Result;

/// The rows of a frame as Arrow batches, in order. A bounded number of partitions is computed ahead; dropping the
/// iterator cancels the rest.
pub struct Batches {
    partitions: PartitionStream,
    current: std::vec::IntoIter<RecordBatch>,
}

impl Batches {
    pub(crate) fn new(partitions: PartitionStream) -> Self {
        Self { partitions, current: Vec::new().into_iter() }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.current.next() {
                return Some(Ok(batch));
            }
            match self.partitions.next()? {
                Ok(outcome) => self.current = batches_of(&outcome).into_iter(),
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}
