//! Files that are read by a child process, one after the other.

use std::path::Path;
use std::time::Duration;

use crate::child::{Child, allowance};

/// Time on the processor that one file may take.
const CPU_MAX: Duration = Duration::from_secs(5);

/// Reads files by a child, which is started again where it died, and gathers what was wrong.
#[derive(Default)]
pub(crate) struct Trial {
    child: Option<Child>,
    files: usize,
    tables: usize,
    peak_bytes: u64,
    slowest: Duration,
    wrong: Vec<String>,
}

impl Trial {
    /// Has a file read.
    pub(crate) fn read(&mut self, name: &str, path: &Path) {
        let file_bytes = std::fs::metadata(path).unwrap().len();
        let outcome = self.child.get_or_insert_with(Child::start).read(path);
        self.files += 1;
        self.peak_bytes = self.peak_bytes.max(outcome.peak_bytes);
        self.slowest = self.slowest.max(outcome.cpu);
        let mut wrong = |what: String| self.wrong.push(format!("{name}: {what}"));
        match outcome.said.as_deref() {
            None => {
                wrong("the process died".to_owned());
                self.child = None;
            }
            Some(said) if said.starts_with("panic") => wrong(said.to_owned()),
            Some(said) => self.tables += usize::from(said.starts_with("ok")),
        }
        let most = allowance(file_bytes);
        if outcome.peak_bytes > most {
            let (mib, bytes) = (outcome.peak_bytes >> 20, file_bytes);
            wrong(format!("{mib} MiB for a file of {bytes} bytes, which may take {} MiB", most >> 20));
            // What it holds would be counted for those after it.
            self.child = None;
        }
        if outcome.cpu > CPU_MAX {
            wrong(format!("{:?} on the processor", outcome.cpu));
        }
        assert!(self.wrong.len() < 20, "{}", self.wrong.join("\n"));
    }

    /// Says what there was.
    pub(crate) fn end(self, what: &str) {
        eprintln!(
            "{what}: {} files, {} of them tables, {} MiB at most, {:?} at most",
            self.files,
            self.tables,
            self.peak_bytes >> 20,
            self.slowest
        );
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}
