//! What the operating system says about this process.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::cancel::CancelToken;

/// Memory of this process that a memory limit is about, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessMemory {
    /// Resident anonymous memory: heap and stacks.
    pub anonymous_bytes: u64,
    /// Resident shared memory, files in a memory file system included.
    pub shared_bytes: u64,
}

impl ProcessMemory {
    /// Asks the operating system, which takes some 20 microseconds; `None` where it does not tell.
    pub fn now() -> Option<ProcessMemory> {
        ProcessMemory::parse(&fs::read_to_string("/proc/self/status").ok()?)
    }

    /// Both together.
    pub fn bytes(self) -> u64 {
        self.anonymous_bytes.saturating_add(self.shared_bytes)
    }

    pub(super) fn parse(status: &str) -> Option<ProcessMemory> {
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            kibibytes.checked_mul(1024)
        };
        Some(ProcessMemory { anonymous_bytes: field("RssAnon:")?, shared_bytes: field("RssShmem:")? })
    }
}

/// Watches the memory of this process from a thread of its own until it is dropped.
#[derive(Debug)]
pub struct PeakSampler {
    peak_bytes: Arc<AtomicU64>,
    stop: CancelToken,
    thread: Option<JoinHandle<()>>,
}

impl PeakSampler {
    /// Looks now and then every `interval`. Where no thread can be had it looks only when asked.
    pub fn start(interval: Duration) -> PeakSampler {
        let (peak_bytes, stop) = (Arc::new(AtomicU64::new(0)), CancelToken::new());
        sample(&peak_bytes);
        let (peak, stopped) = (Arc::clone(&peak_bytes), stop.clone());
        let watch = move || {
            while !stopped.wait(interval) {
                sample(&peak);
            }
        };
        let thread = Builder::new().name("partita-memory".into()).spawn(watch).ok();
        PeakSampler { peak_bytes, stop, thread }
    }

    /// The most memory seen so far, in bytes, this moment included; 0 where the operating system does not tell.
    pub fn peak_bytes(&self) -> u64 {
        sample(&self.peak_bytes);
        self.peak_bytes.load(Ordering::Relaxed)
    }
}

impl Drop for PeakSampler {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A sampler that panicked has nothing to say.
            let _ = thread.join();
        }
    }
}

fn sample(peak: &AtomicU64) {
    if let Some(memory) = ProcessMemory::now() {
        peak.fetch_max(memory.bytes(), Ordering::Relaxed);
    }
}
