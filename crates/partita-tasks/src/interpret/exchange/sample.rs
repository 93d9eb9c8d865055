//! A sample of the keys of a task, which depends on the numbers of its rows alone.

use partita_columns::sort::{KeyLayout, Keys};

use crate::error::Result;

/// Keys that a task samples at most.
pub(super) const SAMPLES: usize = 1024;

/// The rows whose numbers have the least hashes, and their keys.
pub(super) struct Sample {
    layout: KeyLayout,
    /// Chooses other rows in each partition.
    seed: u64,
    /// Rows with a greater hash are not among them.
    most: u64,
    hashes: Vec<u64>,
    keys: Keys,
    rows: u64,
}

impl Sample {
    pub(super) fn new(layout: &KeyLayout, partition: usize) -> Self {
        let seed = mix(partition as u64);
        let (hashes, keys) = (Vec::with_capacity(SAMPLES * 4), layout.empty());
        Self { layout: layout.clone(), seed, most: u64::MAX, hashes, keys, rows: 0 }
    }

    /// Looks at the next rows.
    pub(super) fn push(&mut self, keys: &Keys) -> Result<()> {
        for row in 0..keys.len() {
            let hash = mix(self.seed ^ (self.rows + row as u64));
            if hash <= self.most {
                self.hashes.push(hash);
                self.keys.push_row(keys, row);
                if self.hashes.len() == SAMPLES * 4 {
                    self.thin_out();
                }
            }
        }
        self.rows += keys.len() as u64;
        Ok(())
    }

    /// Counts rows that are not looked at.
    pub(super) fn pass(&mut self, rows: usize) {
        self.rows += rows as u64;
    }

    /// Leaves the least ones.
    fn thin_out(&mut self) {
        if self.hashes.len() <= SAMPLES {
            return;
        }
        let mut sorted = self.hashes.clone();
        let (_, most, _) = sorted.select_nth_unstable(SAMPLES - 1);
        self.most = *most;
        let kept = (0..self.hashes.len()).filter(|at| self.hashes[*at] <= self.most);
        let kept: Vec<u32> = kept.filter_map(|at| u32::try_from(at).ok()).collect();
        self.keys = self.keys.take(&kept);
        self.hashes.retain(|hash| *hash <= self.most);
    }

    pub(super) fn memory_bytes(&self) -> usize {
        2 * self.keys.memory_bytes() + self.hashes.capacity() * 2 * size_of::<u64>()
    }

    /// The keys, and how many rows each stands for.
    pub(super) fn finish(mut self) -> (Keys, f64, u64) {
        self.thin_out();
        let weight = self.rows as f64 / self.keys.len().max(1) as f64;
        let keys = if self.keys.is_empty() { self.layout.empty() } else { self.keys };
        (keys, weight, self.rows)
    }
}

/// The finalizer of SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
fn mix(row: u64) -> u64 {
    let mut z = row.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use arrow::datatypes::DataType;
    use partita_columns::sort::Direction;

    use super::*;

    #[test]
    fn batches_of_any_size_have_the_same_sample() {
        let layout =
            KeyLayout::new(&[(DataType::Int64, Direction { descending: false, nulls_first: false })])
                .unwrap();
        let sample_of = |rows: i64, batch: i64| {
            let mut sample = Sample::new(&layout, 3);
            for from in (0..rows).step_by(batch as usize) {
                let numbers = Int64Array::from_iter_values(from..(from + batch).min(rows));
                sample.push(&layout.encode(&[Arc::new(numbers) as ArrayRef]).unwrap()).unwrap();
            }
            let (keys, weight, seen) = sample.finish();
            assert_eq!(seen, rows as u64);
            assert!((weight * keys.len() as f64 - rows as f64).abs() < 1.0);
            keys
        };
        let whole = sample_of(100_000, 100_000);
        assert_eq!(whole.len(), SAMPLES);
        for batch in [1, 7, 8192] {
            let cut = sample_of(100_000, batch);
            assert_eq!(cut.len(), SAMPLES);
            assert!((0..SAMPLES).all(|row| whole.compare(row, &cut, row).is_eq()));
        }
        assert_eq!(sample_of(10, 3).len(), 10);
        // No tenth of the rows has much more or less than a tenth of the sample.
        let marks = Int64Array::from_iter_values((1..=10).map(|tenth| tenth * 10_000));
        let marks = layout.encode(&[Arc::new(marks) as ArrayRef]).unwrap();
        let sorted = whole.take(&whole.sorted());
        let below: Vec<usize> = (0..10).map(|mark| sorted.lower_bound(&marks, mark)).collect();
        let tenths = std::iter::once(below[0]).chain(below.windows(2).map(|pair| pair[1] - pair[0]));
        tenths.for_each(|count| assert!((70..140).contains(&count), "{count}"));
    }
}
