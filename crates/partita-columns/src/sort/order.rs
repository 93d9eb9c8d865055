//! The order of keys.

use super::keys::Keys;

impl Keys {
    /// A stable order: the positions of all rows, that of the least key first. Rows are fewer than 2^32.
    pub fn sorted(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..self.len() as u32).collect();
        rows.sort_by(|&a, &b| self.compare(a as usize, self, b as usize));
        rows
    }

    /// Bytes that [`Keys::sorted`] takes while it works, its result included.
    pub fn sort_bytes(&self) -> usize {
        self.len() * (2 * size_of::<u64>() + size_of::<u32>())
    }
}
