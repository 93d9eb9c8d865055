//! Where the corpora are, and what their manifest says.

use std::path::{Path, PathBuf};

use crate::json::Json;

/// The folder of the corpora.
#[derive(Debug, Clone)]
pub(crate) struct Corpora {
    root: PathBuf,
}

/// One line of the manifest.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) source: String,
    pub(crate) topic: String,
    pub(crate) file: String,
    pub(crate) expect: String,
    pub(crate) basis: String,
    pub(crate) path: PathBuf,
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// The corpora; where there are none, says that `test` is skipped.
pub(crate) fn find(test: &str) -> Option<Corpora> {
    let named = std::env::var_os("PARTITA_CORPORA").map(PathBuf::from);
    let root = named.unwrap_or_else(|| workspace().join("../shared/corpora"));
    if root.join("MANIFEST.tsv").is_file() {
        return Some(Corpora { root });
    }
    eprintln!("{test}: skipped: no corpora at {} (set PARTITA_CORPORA)", root.display());
    None
}

impl Corpora {
    /// A file, by its name in the manifest.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.join("files").join(name)
    }

    /// The lines of the manifest that are about CSV.
    pub(crate) fn csv_files(&self) -> Vec<Entry> {
        let text = std::fs::read_to_string(self.root.join("MANIFEST.tsv")).expect("the manifest");
        let entries = text.lines().skip(1).map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            Entry {
                source: cells[1].to_owned(),
                topic: cells[3].to_owned(),
                file: cells[4].to_owned(),
                expect: cells[8].to_owned(),
                basis: cells[9].to_owned(),
                path: self.file(cells[4]),
            }
        });
        entries.filter(Entry::is_csv).collect()
    }

    /// The recorded cases of a source.
    pub(crate) fn cases(&self, source: &str) -> Vec<Json> {
        let path = self.root.join("cases").join(format!("{source}.jsonl"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.lines().map(Json::parse).collect()
    }
}

impl Entry {
    fn is_csv(&self) -> bool {
        self.topic.starts_with("csv") || self.file.ends_with(".csv")
    }

    /// Rows and columns, where readers agree on them or upstream says so.
    pub(crate) fn shape(&self) -> Option<(usize, usize)> {
        if !self.basis.contains("agree on the shape") && self.basis != "upstream JSON" {
            return None;
        }
        let (rows, rest) = self.expect.split_once(" rows x ")?;
        let (columns, _) = rest.split_once(" cols")?;
        Some((rows.parse().ok()?, columns.parse().ok()?))
    }
}
