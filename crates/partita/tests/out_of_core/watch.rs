//! Running a case, and looking at its memory every millisecond.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a case said, the most anonymous and shared memory that it was seen to have, and what it was at then.
pub(crate) struct Watched {
    pub(crate) output: String,
    pub(crate) peak_bytes: u64,
    pub(crate) at: String,
}

/// Runs `test` of this program in a process of its own, with `variables`. `at` is a file where it says what it is at.
pub(crate) fn run(test: &str, variables: &[(&str, &str)], at: &Path) -> Watched {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut output = String::new();
        std::io::Read::read_to_string(&mut out, &mut output).map(|_| output)
    });
    let (mut peak_bytes, mut peak_at) = (0, String::new());
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let bytes = resident(child.id()).unwrap_or(0);
        if bytes > peak_bytes {
            peak_bytes = bytes;
            peak_at = std::fs::read_to_string(at).unwrap_or_default();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let output = reader.join().unwrap().unwrap();
    assert!(status.success(), "{variables:?}: {status}\n{output}");
    Watched { output, peak_bytes, at: peak_at }
}

fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    };
    Some(field("RssAnon:")? + field("RssShmem:")?)
}
