//! Files that are not what they should be, each read by a child process.

use crate::folder::find;
use crate::mutate::{Random, mutated};
use crate::trial::Trial;

/// Mutations that are tried; `PARTITA_MUTATIONS` says another number.
const MUTATIONS: usize = 10_000;

/// Files larger than this are left to the other tests: many are written and read here.
const BYTES_MAX: u64 = 100_000;

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
