//! One bit a row, put together from blocks of up to 64.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

/// Bits in order.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// Appends the lowest `count` bits, at most 64; those above are zero.
    #[inline]
    pub(crate) fn push(&mut self, bits: u64, count: usize) {
        let within = self.len % 64;
        if within == 0 {
            self.words.push(bits);
        } else {
            if let Some(last) = self.words.last_mut() {
                *last |= bits << within;
            }
            if within + count > 64 {
                self.words.push(bits >> (64 - within));
            }
        }
        self.len += count;
    }

    /// Appends `count` bits that are all the same.
    pub(crate) fn repeat(&mut self, bit: bool, mut count: usize) {
        while count > 0 {
            let step = count.min(64);
            self.push(if bit { u64::MAX >> (64 - step) } else { 0 }, step);
            count -= step;
        }
    }

    /// The bits so far, which are none afterwards.
    pub(crate) fn take(&mut self) -> BooleanBuffer {
        let words = std::mem::take(&mut self.words);
        // Bits count from the lowest of the first byte on, as on this page.
        let bytes = if cfg!(target_endian = "little") {
            Buffer::from_vec(words)
        } else {
            Buffer::from_vec(words.into_iter().flat_map(u64::to_le_bytes).collect::<Vec<_>>())
        };
        BooleanBuffer::new(bytes, 0, std::mem::take(&mut self.len))
    }

    pub(crate) fn clear(&mut self) {
        self.words.clear();
        self.len = 0;
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

/// The rows that are null. Most columns have none, and then there is nothing to keep.
#[derive(Debug, Default)]
pub(crate) struct Nulls {
    valid: Bits,
    rows: usize,
    any: bool,
}

impl Nulls {
    /// Appends `rows` rows, at most 64, of which those in `nulls` are null.
    #[inline]
    pub(crate) fn push(&mut self, nulls: u64, rows: usize) {
        if nulls != 0 && !self.any {
            self.any = true;
            self.valid.repeat(true, self.rows);
        }
        self.rows += rows;
        if self.any && rows > 0 {
            self.valid.push(!nulls & (u64::MAX >> (64 - rows)), rows);
        }
    }

    /// Appends rows that are all null.
    pub(crate) fn repeat(&mut self, mut rows: usize) {
        while rows > 0 {
            let step = rows.min(64);
            self.push(u64::MAX, step);
            rows -= step;
        }
    }

    /// The rows so far, which are none afterwards; `None` where no row is null.
    pub(crate) fn take(&mut self) -> Option<NullBuffer> {
        self.rows = 0;
        std::mem::take(&mut self.any).then(|| NullBuffer::new(self.valid.take()))
    }

    pub(crate) fn clear(&mut self) {
        self.valid.clear();
        (self.rows, self.any) = (0, false);
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.valid.memory_bytes()
    }
}
