//! Where the corpora are, and what their manifest says of Parquet files.

use std::path::{Path, PathBuf};

/// One line of the manifest.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) topic: String,
    pub(crate) file: String,
    pub(crate) expect: String,
    pub(crate) basis: String,
    pub(crate) path: PathBuf,
}

/// The corpora; where there are none, says that `test` is skipped.
pub(crate) fn root(test: &str) -> Option<PathBuf> {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace");
    let named = std::env::var_os("PARTITA_CORPORA").map(PathBuf::from);
    let root = named.unwrap_or_else(|| workspace.join("../shared/corpora"));
    if root.join("MANIFEST.tsv").is_file() {
        return Some(root);
    }
    eprintln!("{test}: skipped: no corpora at {} (set PARTITA_CORPORA)", root.display());
    None
}

/// The files of some topics, where there are corpora.
pub(crate) fn find(test: &str, topics: &[&str]) -> Option<Vec<Entry>> {
    let root = root(test)?;
    let text = std::fs::read_to_string(root.join("MANIFEST.tsv")).expect("the manifest");
    let entries = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        Entry {
            topic: cells[3].to_owned(),
            file: cells[4].to_owned(),
            expect: cells[8].to_owned(),
            basis: cells[9].to_owned(),
            path: root.join("files").join(cells[4]),
        }
    });
    let entries: Vec<Entry> = entries.filter(|entry| topics.contains(&entry.topic.as_str())).collect();
    assert!(!entries.is_empty(), "no files about {topics:?} in the manifest");
    Some(entries)
}

impl Entry {
    /// Rows and columns, where readers agree on them.
    pub(crate) fn shape(&self) -> Option<(u64, usize)> {
        if !self.basis.contains("agree on the shape") {
            return None;
        }
        let (rows, rest) = self.expect.split_once(" rows x ")?;
        let (columns, _) = rest.split_once(" cols")?;
        Some((rows.parse().ok()?, columns.parse().ok()?))
    }
}
