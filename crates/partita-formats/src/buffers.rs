//! Buffers that come back: an array is made in memory that an earlier one was made in, once nobody has that any more.
//!
//! Memory that a process has not used before costs a page fault every 4 KiB, which is more than it takes to decode what
//! goes there.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arrow::buffer::Buffer;
use arrow::datatypes::ArrowNativeType;
use bytes::Bytes;

/// Buffers have one of eight sizes from one power of two to the next, so that one fits the other.
const SIZES: usize = 8;

/// What smaller buffers cost the allocator does without pages.
const BYTES_MIN: usize = 4 << 10;

/// Room is asked for in steps of so many bytes.
const STEP_BYTES: usize = 1 << 20;

/// Bytes that a pool keeps of its own accord.
const BYTES_MAX: usize = 4 << 20;

/// Who says how much may be kept.
pub trait Room: Send + Sync {
    /// Whether there is room for `bytes` more.
    fn grow(&self, bytes: usize) -> bool;

    /// Gives `bytes` back.
    fn shrink(&self, bytes: usize);
}

/// Keeps what nobody has any more. Buffers find their way back from any thread; once the pool is gone they go where all memory goes.
pub struct Pool {
    idle: Mutex<Idle>,
    room: Box<dyn Room>,
    me: Weak<Pool>,
}

/// Buffers that nobody has.
#[derive(Default)]
struct Idle {
    /// By the size of a value and of the buffer, in bytes.
    buffers: HashMap<(usize, usize), Vec<Buffer>>,
    bytes: usize,
    /// Bytes that there is room for.
    room_bytes: usize,
}

impl Idle {
    fn take(&mut self, key: (usize, usize)) -> Option<Buffer> {
        let buffer = self.buffers.get_mut(&key)?.pop()?;
        self.bytes -= key.1;
        Some(buffer)
    }

    fn give(&mut self, key: (usize, usize), buffer: Buffer) {
        self.bytes += key.1;
        self.buffers.entry(key).or_default().push(buffer);
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Pool({} bytes)", self.idle_bytes())
    }
}

impl Pool {
    /// A pool of 4 MiB at most.
    pub fn small() -> Arc<Self> {
        Self::new(Box::new(AtMost::default()))
    }

    /// A pool of as much as there is room for.
    pub fn new(room: Box<dyn Room>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self { idle: Mutex::default(), room, me: Weak::clone(me) })
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that nobody has.
    pub fn idle_bytes(&self) -> usize {
        self.idle().bytes
    }

    /// Lets go of all that is kept, and says how many bytes that was.
    pub fn clear(&self) -> usize {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle.buffers);
        self.room.shrink(idle.room_bytes);
        idle.bytes
    }

    /// A vector of at least `len` values; what they are does not matter.
    pub(crate) fn take<T: ArrowNativeType>(&self, len: usize) -> Vec<T> {
        let size = size_of::<T>();
        let bytes = size_class(len.saturating_mul(size));
        let found = self.idle().take((size, bytes));
        found.and_then(|buffer| buffer.into_vec().ok()).unwrap_or_else(|| vec![T::default(); bytes / size])
    }

    /// Makes a taken vector hold at least `len` values.
    pub(crate) fn grow<T: ArrowNativeType>(&self, values: &mut Vec<T>, len: usize) {
        if values.is_empty() {
            *values = self.take(len);
        } else if values.len() < len {
            let len = size_class(len.saturating_mul(size_of::<T>())) / size_of::<T>();
            values.reserve_exact(len - values.len());
            values.resize(len, T::default());
        }
    }

    /// Hands out the first `len` values of a vector. It comes back when the last hold on the buffer goes.
    pub(crate) fn lend<T: ArrowNativeType>(&self, values: Vec<T>, len: usize) -> Buffer {
        let bytes = len.saturating_mul(size_of::<T>());
        let buffer = Buffer::from_vec(values);
        if buffer.capacity() < BYTES_MIN {
            return buffer.slice_with_length(0, bytes.min(buffer.len()));
        }
        let lent = Lent { buffer, size: size_of::<T>(), pool: Weak::clone(&self.me) };
        let buffer = Buffer::from(Bytes::from_owner(lent));
        buffer.slice_with_length(0, bytes.min(buffer.len()))
    }

    fn give(&self, size: usize, buffer: Buffer) {
        let bytes = buffer.capacity();
        // A vector that has grown otherwise is of no size that anybody asks for.
        if buffer.len() != bytes || size_class(bytes) != bytes {
            return;
        }
        let mut idle = self.idle();
        if idle.bytes + bytes > idle.room_bytes {
            let step = bytes.max(STEP_BYTES);
            if !self.room.grow(step) {
                return;
            }
            idle.room_bytes += step;
        }
        idle.give((size, bytes), buffer);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The size of a buffer that has room for `bytes`: a multiple of 16, an eighth more at most.
fn size_class(bytes: usize) -> usize {
    if bytes < BYTES_MIN {
        return bytes.next_multiple_of(16);
    }
    bytes.checked_next_multiple_of((bytes / 2 + 1).next_power_of_two() / SIZES).unwrap_or(bytes)
}

/// A buffer that somebody has.
struct Lent {
    buffer: Buffer,
    size: usize,
    pool: Weak<Pool>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.give(self.size, std::mem::take(&mut self.buffer));
        }
    }
}

/// Room for a fixed number of bytes.
#[derive(Default)]
struct AtMost(Mutex<usize>);

impl Room for AtMost {
    fn grow(&self, bytes: usize) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = held.saturating_add(bytes) <= BYTES_MAX;
        if fits {
            *held += bytes;
        }
        fits
    }

    fn shrink(&self, bytes: usize) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = held.saturating_sub(bytes);
    }
}
