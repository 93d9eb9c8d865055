//! Calls of the operating system that no safe library has.

/// Gives the system all pages that the allocator holds and nobody uses. With another allocator than the GNU one, nothing.
pub(crate) fn return_free_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` may be called at any time from any thread: it takes the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// The size from which the GNU allocator gives a buffer pages of its own, in bytes, unless it learns another.
const OWN_PAGES_BYTES: u64 = 128 << 10;

/// The largest such size that it takes, in bytes.
const OWN_PAGES_BYTES_MAX: u64 = 32 << 20;

/// Buffers of that size there may be at most: those of a batch stay below it where the limit is large, and need no new pages each time.
const OWN_PAGES_MAX: u64 = 4 << 10;

/// Bytes of free memory that the allocator keeps at the end of a heap at most: one of so many parts of the limit, and no more than the
/// second number, or than a small part of a large limit. Buffers of a batch that are freed and asked for again need no new pages
/// then. It is a part of what the ledger leaves for what it does not see.
const KEPT_SHARE: u64 = 64;
const KEPT_BYTES_MAX: u64 = 4 << 20;
const KEPT_SHARE_MAX: u64 = 256;

/// Lets large buffers keep pages of their own, which the system has back as soon as they are freed. The GNU allocator begins so,
/// but stops with the first large buffer that is freed, and from then on keeps the holes between small buffers, which
/// no ledger sees. With another allocator, nothing.
pub(crate) fn keep_large_buffers_apart(memory_limit_bytes: u64) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let bytes = (memory_limit_bytes / OWN_PAGES_MAX).clamp(OWN_PAGES_BYTES, OWN_PAGES_BYTES_MAX);
        // SAFETY: `mallopt` may be called at any time from any thread: it takes the allocator's own locks. Where the value is
        // not taken, the allocator works as before.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, bytes as libc::c_int);
            let most = KEPT_BYTES_MAX.max(memory_limit_bytes / KEPT_SHARE_MAX);
            let kept = (memory_limit_bytes / KEPT_SHARE).min(most);
            libc::mallopt(libc::M_TRIM_THRESHOLD, i32::try_from(kept).unwrap_or(i32::MAX));
        }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = memory_limit_bytes;
}
