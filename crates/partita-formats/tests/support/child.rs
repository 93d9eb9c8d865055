//! A process that reads files and may be killed by them.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use partita_formats::Result;

/// What a file may take: 64 MiB and 64 times its size.
pub(crate) fn allowance(file_bytes: u64) -> u64 {
    (64 << 20) + 64 * file_bytes
}

/// KiB of addresses that the process has: what it asks for beyond that fails, whatever it touches.
const ADDRESS_KIB: u64 = 4 << 20;

/// What came of a file.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What the process said: `ok ..`, `error ..`, `panic ..`; `None` where it died.
    pub(crate) said: Option<String>,
    /// Most of RssAnon + RssShmem while it was read.
    pub(crate) peak_bytes: u64,
    /// Time on the processor.
    pub(crate) cpu: Duration,
}

/// The process, and a thread that looks at its memory.
pub(crate) struct Child {
    process: std::process::Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    peak: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    sampler: Option<JoinHandle<()>>,
}

impl Child {
    pub(crate) const VARIABLE: &str = "PARTITA_FORMATS_CHILD";

    pub(crate) fn start() -> Self {
        let mut process = Command::new("sh")
            .arg("-c")
            .arg(format!("ulimit -v {ADDRESS_KIB}; exec \"$0\" child --exact --nocapture --test-threads 1"))
            .arg(std::env::current_exe().unwrap())
            .env(Self::VARIABLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (peak, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let id = process.id();
        let sampler = std::thread::spawn({
            let (peak, ended) = (Arc::clone(&peak), Arc::clone(&ended));
            move || {
                while !ended.load(Ordering::Relaxed) {
                    peak.fetch_max(own_memory(id).unwrap_or(0), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let mut child = Self { process, input, output, peak, ended, sampler: Some(sampler) };
        assert_eq!(child.answer().as_deref(), Some("ready"));
        child
    }

    /// Has a file read.
    pub(crate) fn read(&mut self, path: &Path) -> Outcome {
        let id = self.process.id();
        // Resets the highest resident memory, which the sampler may be too slow for.
        let is_reset = std::fs::write(format!("/proc/{id}/clear_refs"), "5").is_ok();
        self.peak.store(0, Ordering::Relaxed);
        let before = cpu(id);
        let said = writeln!(self.input, "{}", path.display()).ok().and_then(|()| self.answer());
        let cpu = cpu(id).saturating_sub(before);
        let highest = if is_reset { highest_memory(id) } else { None };
        let peak_bytes = self.peak.load(Ordering::Relaxed).max(highest.unwrap_or(0));
        Outcome { said, peak_bytes, cpu }
    }

    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line).ok()? == 0 {
                return None;
            }
            // The harness says things of its own.
            if let Some((_, answer)) = line.trim_end().split_once("> ") {
                return Some(answer.to_owned());
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(sampler) = self.sampler.take() {
            let _ = sampler.join();
        }
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

fn own_memory(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    Some(field(&status, "RssAnon:")? + field(&status, "RssShmem:")?)
}

/// The highest resident memory since the last reset, less pages of files.
fn highest_memory(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    Some(field(&status, "VmHWM:")?.saturating_sub(field(&status, "RssFile:")?))
}

/// Time that the threads of a process have had.
fn cpu(id: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let times = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(times.sum())
}

/// The process: reads the files whose names come in, one after the other.
pub(crate) fn serve(read: fn(&Path) -> Result<String>) {
    std::panic::set_hook(Box::new(|_| ()));
    println!("> ready");
    for line in std::io::stdin().lines() {
        let path = line.unwrap();
        let answer = match std::panic::catch_unwind(|| read(Path::new(&path))) {
            Ok(Ok(said)) => format!("ok {said}"),
            Ok(Err(error)) => format!("error {error}").replace('\n', " "),
            Err(_) => "panic".to_owned(),
        };
        println!("> {answer}");
    }
}
