//! Arrow IPC of other projects, where the corpora are, and random damage: an error, soon and in little memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "../support/child.rs"]
mod child;
#[path = "../support/folder.rs"]
#[allow(dead_code, reason = "the tests of Parquet look at more of the manifest")]
mod folder;
#[path = "../support/mutate.rs"]
mod mutate;
mod samples;
#[path = "../support/trial.rs"]
mod trial;

use std::path::Path;
use std::sync::Arc;

use child::{Child, allowance};
use mutate::{Random, mutated};
use partita_formats::Result;
use partita_formats::io::ReadAt;
use partita_formats::ipc::{IpcFile, IpcReader};
use trial::Trial;

/// Mutations that are tried; `PARTITA_MUTATIONS` says another number.
const MUTATIONS: usize = 3_000;

#[test]
fn bad_files_are_an_error_soon_and_in_little_memory() {
    let Some(entries) = folder::find("bad Arrow IPC files", &["ipc-fuzz"]) else { return };
    let mut trial = Trial::default();
    for entry in &entries {
        trial.read(&entry.file, &entry.path);
    }
    trial.end("bad Arrow IPC files");
}

#[test]
fn damage_is_an_error_soon_and_in_little_memory() {
    let files = samples::files();
    let count = std::env::var("PARTITA_MUTATIONS").ok().and_then(|count| count.parse().ok());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mutation.arrow");
    let mut trial = Trial::default();
    for (number, bytes) in files.iter().enumerate() {
        std::fs::write(&path, bytes).unwrap();
        assert!(reads(&path).is_ok(), "file {number}");
    }
    for seed in 0..count.unwrap_or(MUTATIONS) {
        let mut random = Random(seed as u64);
        let bytes = &files[random.below(files.len())];
        let other = &files[random.below(files.len())];
        std::fs::write(&path, mutated(bytes, other, &mut random)).unwrap();
        trial.read(&format!("mutation {seed}"), &path);
    }
    trial.end("damaged Arrow IPC files");
}

/// Not a test of its own: what [`Child`] starts, once for many files.
#[test]
fn child() {
    if std::env::var_os(Child::VARIABLE).is_some() {
        child::serve(reads);
    }
}

/// Everything that can be read of a file.
fn reads(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).unwrap();
    let memory_bytes_max = allowance(bytes.len() as u64) as usize / 2;
    let input: Arc<dyn ReadAt> = Arc::new(bytes);
    let file = Arc::new(IpcFile::open(&*input, "a file")?);
    let columns: Vec<usize> = (0..file.schema().fields().len()).collect();
    let mut reader = IpcReader::new(&file, input, columns.clone(), memory_bytes_max)?;
    let (mut rows, mut first_error) = (0, None);
    for batch in 0..file.batches() {
        match reader.read(batch) {
            Ok(batch) => rows += batch.num_rows(),
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    first_error.map_or_else(|| Ok(format!("{rows} x {}", columns.len())), Err)
}
