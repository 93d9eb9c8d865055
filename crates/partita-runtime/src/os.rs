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

/// Buffers with pages of their own there may be at most: the system counts them.
const OWN_PAGES_MAX: u64 = 64 << 10;

/// Bytes of free memory that the allocator keeps at the end of a heap at most: buffers of a batch that are freed and asked for
/// again need no new pages then. A part of what the ledger leaves for what it does not see.
const KEPT_BYTES_MAX: u64 = 4 << 20;

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
            libc::mallopt(
                libc::M_TRIM_THRESHOLD,
                (memory_limit_bytes / 64).min(KEPT_BYTES_MAX) as libc::c_int,
            );
        }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = memory_limit_bytes;
}
