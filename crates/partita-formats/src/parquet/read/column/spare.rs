//! Buffers of pages that nobody has any more.

/// Bytes that are kept at most.
const BYTES_MAX: usize = 4 << 20;

/// Buffers for the pages and columns that come next: memory that was used once costs no new pages.
#[derive(Default)]
pub(super) struct Spare(Vec<Vec<u8>>);

impl Spare {
    /// The smallest of those that hold `bytes`; a new one of that size where there is none. Its bytes are arbitrary.
    pub(super) fn take(&mut self, bytes: usize) -> Vec<u8> {
        let large = self.0.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= bytes);
        let found = large.min_by_key(|(_, buffer)| buffer.capacity()).map(|(number, _)| number);
        found.map_or_else(|| Vec::with_capacity(bytes), |number| self.0.swap_remove(number))
    }

    /// Keeps a buffer, in the place of smaller ones where there are too many.
    pub(super) fn give(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() == 0 || buffer.capacity() > BYTES_MAX {
            return;
        }
        self.0.push(buffer);
        while self.memory_bytes() > BYTES_MAX {
            let smallest = self.0.iter().enumerate().min_by_key(|(_, buffer)| buffer.capacity());
            let Some((number, _)) = smallest else { return };
            self.0.swap_remove(number);
        }
    }

    /// Bytes that are held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.0.iter().map(Vec::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_that_is_large_enough_comes_back() {
        let mut spare = Spare::default();
        for bytes in [1 << 20, 100, 5000, 0] {
            spare.give(Vec::with_capacity(bytes));
        }
        assert_eq!(spare.take(101).capacity(), 5000);
        assert_eq!(spare.take(2 << 20).capacity(), 2 << 20);
        assert_eq!(spare.take(101).capacity(), 1 << 20);
        assert_eq!(spare.memory_bytes(), 100);
        spare.give(Vec::with_capacity(3 << 20));
        spare.give(Vec::with_capacity(2 << 20));
        spare.give(Vec::with_capacity(BYTES_MAX + 1));
        assert_eq!(spare.memory_bytes(), 3 << 20);
    }
}
