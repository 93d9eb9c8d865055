//! What the writer of a data set is told, and what it answers.

use std::path::PathBuf;
use std::sync::Arc;

use partita_formats::buffers::Room;
use partita_formats::output::Format;
use serde::{Deserialize, Serialize};

use crate::dataset::job::PlanFingerprint;
use crate::storage::{Disk, LocalDisk};

/// An input as it was when the work was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFingerprint {
    /// Path or URL, as the user named it.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970; 0 where the store has none.
    pub modified_ns: i128,
}

/// How a data set is written.
#[derive(Debug, Clone)]
pub struct DatasetOptions {
    /// What its files are, and how they are encoded and cut.
    pub write: Format,
    /// Whether what is there is replaced.
    pub overwrite: bool,
    /// Whether the new parts are added to what is there. Not together with `overwrite`.
    pub append: bool,
    /// Whether finished parts of an earlier run of the same job are kept, and left to a later one after an error.
    pub resume: bool,
    /// One file instead of a folder of parts. Also where the target's name ends as files of the format do (`.parquet`) and
    /// no folder is there by that name.
    pub single_file: bool,
    /// The number of partitions where it is known; then a commit with fewer is refused.
    pub partitions: Option<usize>,
    /// What is read, for the manifest and for the refusal to write over it.
    pub inputs: Vec<InputFingerprint>,
    /// The column by which the partitions are in order, for the manifest.
    pub index: Option<String>,
    /// The job's options, for the manifest.
    pub options_json: serde_json::Value,
    /// What the rows are made by, to know the same job again; `None`: it cannot be told.
    pub plan: Option<PlanFingerprint>,
    /// The plan with which the job began, where that was another: types are widened on the way, in the same way each time.
    pub origin: Option<PlanFingerprint>,
    /// Whether files and folders are synced to the disk before the data set appears.
    pub sync: bool,
    /// The disk that it is written to.
    pub disk: Arc<dyn Disk>,
}

impl Default for DatasetOptions {
    fn default() -> Self {
        Self {
            write: Format::default(),
            overwrite: false,
            append: false,
            resume: false,
            single_file: false,
            partitions: None,
            inputs: Vec::new(),
            index: None,
            options_json: serde_json::Value::Null,
            plan: None,
            origin: None,
            sync: true,
            disk: Arc::new(LocalDisk),
        }
    }
}

/// A ledger that always says yes: for tests, and where nothing is counted.
#[derive(Debug, Default, Clone, Copy)]
pub struct Unlimited;

impl Room for Unlimited {
    fn grow(&self, _: usize) -> bool {
        true
    }

    fn shrink(&self, _: usize) {}
}

/// What happened to what was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// Nothing was there.
    Nothing,
    /// The old and the new changed places in one step, and the old was deleted.
    AtOnce,
    /// The file system cannot exchange folders: the old was moved aside and the new moved in. A reader in
    /// between saw neither, and a crash in between would have left the old under the hidden name.
    InTwoSteps,
    /// The new parts were added in one step.
    Extended,
    /// The file system has no hard links, or cannot exchange folders: the new parts were moved in one by one, and the
    /// manifest was replaced last. A reader in between that lists the folder saw some of them.
    ExtendedInSteps,
    /// It was what the job would have written; nothing was done.
    Unchanged,
}

/// A data set that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Number of rows; where something was appended, of the new ones.
    pub rows: u64,
    /// The files, in row order; where something was appended, the new ones.
    pub files: Vec<PathBuf>,
    /// Bytes of these files.
    pub bytes: u64,
    /// Number of row groups in them, or of pieces that files of rows were put together from.
    pub row_groups: usize,
    /// Number of folders that they lie in because of their keys.
    pub folders: usize,
    /// How many of the files an earlier run had written.
    pub parts_reused: usize,
    /// Lines that were set aside; where something was appended, the new ones.
    pub set_aside: u64,
    /// The file of lines, where there is one.
    pub quarantine: Option<PathBuf>,
    /// What happened to what was there before.
    pub replaced: Replaced,
    /// What the user should know; mostly nothing.
    pub notes: Vec<String>,
}
