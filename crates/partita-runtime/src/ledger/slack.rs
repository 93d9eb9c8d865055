//! Memory that was given back and that the allocator keeps: holes between small buffers.

use std::sync::atomic::{AtomicU64, Ordering};

use super::ProcessMemory;
use crate::os;

/// Bytes that are reserved from one look to the next: this part of the ledger, at least.
const LOOK_SHARE: u64 = 64;
const LOOK_BYTES_MIN: u64 = 4 << 20;

/// After the allocator was asked to give back what it keeps, this part of the ledger passes.
const ASKED_SHARE: u64 = 8;

/// A process that is further from its limit than one of so many parts of it, and than so many bytes, may keep what the allocator has: to
/// give it back and to ask for it again costs a page fault every 4 KiB, which was a third of the time of grouping ten million rows.
const NEAR_SHARE: u64 = 8;
const NEAR_BYTES_MIN: u64 = 32 << 20;

/// Looks at the process every so many reserved bytes.
#[derive(Debug)]
pub(super) struct Slack {
    /// Bytes of the ledger, and those that the process may have beside it.
    limit_bytes: u64,
    share_bytes: u64,
    /// Bytes reserved since the last look, and from how many on there is another one.
    reserved_bytes: AtomicU64,
    look_bytes: AtomicU64,
}

impl Slack {
    pub(super) fn new(limit_bytes: u64, share_bytes: u64) -> Self {
        let look_bytes = AtomicU64::new(look_bytes(limit_bytes));
        Self { limit_bytes, share_bytes, reserved_bytes: AtomicU64::new(0), look_bytes }
    }

    /// Takes note of a reservation, after which `used_bytes` are reserved. Where the process comes near its limit, and has half of its
    /// share and more beside what is reserved, the allocator gives back what it keeps.
    #[inline]
    pub(super) fn reserved(&self, bytes: u64, used_bytes: u64) {
        let reserved = self.reserved_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if reserved >= self.look_bytes.load(Ordering::Relaxed) {
            self.look(used_bytes);
        }
    }

    #[cold]
    fn look(&self, used_bytes: u64) {
        let mut next = look_bytes(self.limit_bytes);
        if self.reserved_bytes.swap(0, Ordering::Relaxed) < self.look_bytes.load(Ordering::Relaxed) {
            // Another thread is at it.
            return;
        }
        let process_bytes = ProcessMemory::now().map_or(0, ProcessMemory::bytes);
        let all_bytes = self.limit_bytes.saturating_add(self.share_bytes);
        let plenty_bytes = all_bytes.saturating_sub((all_bytes / NEAR_SHARE).max(NEAR_BYTES_MIN));
        if process_bytes > plenty_bytes && process_bytes > used_bytes.saturating_add(self.share_bytes / 2) {
            os::return_free_memory();
            next = next.max(self.limit_bytes / ASKED_SHARE);
        }
        self.look_bytes.store(next, Ordering::Relaxed);
    }
}

fn look_bytes(limit_bytes: u64) -> u64 {
    (limit_bytes / LOOK_SHARE).max(LOOK_BYTES_MIN)
}
