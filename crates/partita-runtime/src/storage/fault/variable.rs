//! `PARTITA_FAULTS`: faults for a whole program.

use std::sync::Arc;

use rustix::io::Errno;

use super::{CallKind, Crash, Fault, FaultyDisk, Plan};
use crate::storage::{Disk, LocalDisk};

const VARIABLE: &str = "PARTITA_FAULTS";

/// The disk that the variable `PARTITA_FAULTS` asks for, in builds with debug assertions; `None` where it is not set. Where it
/// cannot be read, every call of the disk fails.
///
/// It holds rules, with semicolons between them: `KINDS:N:ERROR`, where kinds are joined by `+` or are `any`, and a `+` after N
/// means all from the N-th on (`write+sync:3:ENOSPC`, `any:20+:EIO`); `short`, for short reads and writes; and `abort:N`, for the
/// end of the process at the N-th step.
pub fn from_variable() -> Option<Arc<dyn Disk>> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let rules = std::env::var(VARIABLE).ok()?;
    let plan =
        plan(&rules).unwrap_or_else(|| Plan::fault(Fault::forever(&[], 1, Errno::INVAL.raw_os_error())));
    Some(FaultyDisk::new(Arc::new(LocalDisk), plan))
}

/// Reads rules.
pub(super) fn plan(text: &str) -> Option<Plan> {
    let mut plan = Plan::default();
    for rule in text.split(';').map(str::trim).filter(|rule| !rule.is_empty()) {
        let parts: Vec<&str> = rule.split(':').collect();
        match parts.as_slice() {
            ["short"] => plan.short = true,
            ["abort", step] => {
                plan.crash_at = Some(step.parse().ok()?);
                plan.crash = Crash::Abort;
            }
            [kinds, nth, error] => plan.faults.push(Fault {
                kinds: kinds_of(kinds)?,
                under: None,
                nth: nth.trim_end_matches('+').parse().ok()?,
                forever: nth.ends_with('+'),
                errno: errno_of(error)?,
            }),
            _ => return None,
        }
    }
    Some(plan)
}

fn kinds_of(text: &str) -> Option<Vec<CallKind>> {
    if text == "any" {
        return Some(Vec::new());
    }
    text.split('+').map(kind_of).collect()
}

fn kind_of(text: &str) -> Option<CallKind> {
    let names =
        ["open", "create", "read", "write", "rename", "exchange", "link", "sync", "remove"].into_iter();
    names.zip(CallKind::ALL).find(|(name, _)| *name == text).map(|(_, kind)| kind)
}

fn errno_of(text: &str) -> Option<i32> {
    let errno = match text {
        "ENOSPC" => Errno::NOSPC,
        "EIO" => Errno::IO,
        "EACCES" => Errno::ACCESS,
        "EPERM" => Errno::PERM,
        "EROFS" => Errno::ROFS,
        "EINTR" => Errno::INTR,
        "EINVAL" => Errno::INVAL,
        "EXDEV" => Errno::XDEV,
        "EDQUOT" => Errno::DQUOT,
        _ => return None,
    };
    Some(errno.raw_os_error())
}
