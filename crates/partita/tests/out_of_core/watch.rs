//! Running a case, and looking at its memory every millisecond.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::case::{Case, VARIABLES};

/// What a case said, and the most anonymous and shared memory that it was seen to have.
pub(crate) struct Watched {
    pub(crate) output: String,
    pub(crate) peak_bytes: u64,
}

pub(crate) fn run(case: &Case, input: &Path, folder: &Path) -> Watched {
    let threads = case.threads.to_string();
    let values = [case.limit.as_str(), &threads, &case.scheduler];
    let paths = [input.to_str().unwrap(), folder.to_str().unwrap()];
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["every_limit_gives_the_same_rows_and_is_kept", "--exact", "--nocapture"])
        .envs(VARIABLES.into_iter().zip(values.into_iter().chain(paths)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak_bytes = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        peak_bytes = peak_bytes.max(resident(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    };
    let mut output = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut output).unwrap();
    assert!(status.success(), "{case:?}: {status}\n{output}");
    Watched { output, peak_bytes }
}

fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    };
    Some(field("RssAnon:")? + field("RssShmem:")?)
}
