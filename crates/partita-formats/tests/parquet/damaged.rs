//! Files that are not what they should be, each read by a child process.

use std::path::Path;
use std::time::Duration;

use crate::child::{Child, allowance};
use crate::folder::find;
use crate::mutate::{Random, mutated};

/// Time on the processor that one file may take.
const CPU_MAX: Duration = Duration::from_secs(5);

/// Mutations that are tried; `PARTITA_MUTATIONS` says another number.
const MUTATIONS: usize = 10_000;

/// Files larger than this are left to the other tests: many are written and read here.
const BYTES_MAX: u64 = 100_000;

/// Reads files by a child, which is started again where it died, and gathers what was wrong.
#[derive(Default)]
struct Trial {
    child: Option<Child>,
    files: usize,
    tables: usize,
    peak_bytes: u64,
    slowest: Duration,
    wrong: Vec<String>,
}

impl Trial {
    fn read(&mut self, name: &str, path: &Path) {
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

    fn end(self, what: &str) {
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

pub(crate) fn corpora() {
    let Some(entries) = find("bad Parquet files", &["parquet-bad", "parquet-fuzz", "parquet-valid"]) else {
        return;
    };
    let mut trial = Trial::default();
    for entry in &entries {
        trial.read(&entry.file, &entry.path);
    }
    trial.end("bad and other Parquet files");
}

pub(crate) fn mutations() {
    let Some(entries) = find("damaged Parquet files", &["parquet-valid"]) else {
        return;
    };
    let files: Vec<(String, Vec<u8>)> = entries
        .into_iter()
        .filter(|entry| std::fs::metadata(&entry.path).is_ok_and(|file| file.len() <= BYTES_MAX))
        .map(|entry| (entry.file, std::fs::read(&entry.path).unwrap()))
        .collect();
    let count = std::env::var("PARTITA_MUTATIONS").ok().and_then(|count| count.parse().ok());
    let folder = tempfile::tempdir().unwrap();
    let mut trial = Trial::default();
    for seed in 0..count.unwrap_or(MUTATIONS) {
        let mut random = Random(seed as u64);
        let (name, bytes) = &files[random.below(files.len())];
        let other = &files[random.below(files.len())].1;
        let path = folder.path().join("mutation.parquet");
        std::fs::write(&path, mutated(bytes, other, &mut random)).unwrap();
        trial.read(&format!("mutation {seed} of {name}"), &path);
    }
    trial.end("damaged Parquet files");
}
