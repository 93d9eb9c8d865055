//! How much memory there is, and how much of it a session may have.

use std::fs;
use std::path::{Component, Path};

/// The least memory limit that is taken.
pub const MEMORY_LIMIT_BYTES_MIN: u64 = 128 << 20;

/// Where nothing says how much memory there is.
const MACHINE_BYTES_UNKNOWN: u64 = 1 << 30;

/// A memory limit that is too small to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("memory_limit: expected at least {MEMORY_LIMIT_BYTES_MIN} bytes (128 MiB), got {limit_bytes}")]
pub struct LimitError {
    /// What was asked for.
    pub limit_bytes: u64,
}

/// What the ledger leaves out of a limit beside the share of each thread.
const BASE_BYTES: u64 = 32 << 20;

/// What it leaves out for each thread.
const THREAD_BYTES: u64 = 8 << 20;

/// What the ledger leaves out of a limit for all that it does not count: 32 MiB and 8 MiB a thread, at most half.
pub fn fixed_share_bytes(memory_limit_bytes: u64, threads: usize) -> u64 {
    let per_thread = (threads as u64).saturating_mul(THREAD_BYTES);
    per_thread.saturating_add(BASE_BYTES).min(memory_limit_bytes / 2)
}

/// The task threads whose fixed share is at most half of a limit: more would take from each other what nobody counts.
pub fn threads_max(memory_limit_bytes: u64) -> usize {
    let threads = (memory_limit_bytes / 2).saturating_sub(BASE_BYTES) / THREAD_BYTES;
    usize::try_from(threads).unwrap_or(usize::MAX).max(1)
}

/// The memory limit of a session that names none: 60 % of what the machine or its cgroup has, and no less than
/// [`MEMORY_LIMIT_BYTES_MIN`].
pub fn memory_limit_bytes_default() -> u64 {
    (machine_memory_bytes() / 10 * 6).max(MEMORY_LIMIT_BYTES_MIN)
}

/// Memory of the machine, or the least limit of the control groups (v1 or v2) that this process is in, in bytes.
pub fn machine_memory_bytes() -> u64 {
    memory_below(Path::new("/")).unwrap_or(MACHINE_BYTES_UNKNOWN)
}

/// As seen in the `proc` and `sys` below `root`.
pub(super) fn memory_below(root: &Path) -> Option<u64> {
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let total = total_of(&meminfo)?;
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(|line| group_limit(&root.join("sys/fs/cgroup"), line));
    Some(limits.fold(total, u64::min))
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The least limit of the group of one line of `/proc/self/cgroup`, `number:controllers:path`, and of all groups above it.
fn group_limit(mount: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let (mount, file) = if controllers.is_empty() {
        (mount.to_owned(), "memory.max")
    } else if controllers.split(',').any(|controller| controller == "memory") {
        (mount.join("memory"), "memory.limit_in_bytes")
    } else {
        return None;
    };
    // Inside a container the path may name groups that cannot be seen; those that can are looked at, the root among them.
    let mut folder = mount;
    let mut least = limit_in(&folder.join(file));
    for component in Path::new(path).components() {
        if let Component::Normal(name) = component {
            folder.push(name);
            least = least.into_iter().chain(limit_in(&folder.join(file))).min();
        }
    }
    least
}

/// The number in a file; "max" is none.
fn limit_in(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}
