//! What a data set says about itself. Drawn field by field in `docs/formats.md`.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::FieldRef;
use partita_formats::output::{FileLayout, Format};
use partita_formats::parquet::{PartSummary, PartitionKey};
use serde::{Deserialize, Serialize};

use crate::dataset::options::InputFingerprint;

/// The version that this code writes.
pub const MANIFEST_VERSION: u32 = 1;

/// The manifest's name in the folder of the data set.
pub const MANIFEST_NAME: &str = "_partita.json";

/// What is in a data set and where it came from. Depends on input, options and version alone, never on time or
/// machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`] of the writer.
    pub version: u32,
    /// The writer's name and version.
    pub created_by: String,
    /// What was read.
    pub inputs: Vec<InputFingerprint>,
    /// The job's options, as the caller gave them.
    pub options: serde_json::Value,
    /// What the files are, and how they were encoded and cut.
    pub write: Format,
    /// The columns as the files declare them, and then those that are in the names of folders.
    pub schema: Vec<ManifestColumn>,
    /// The column by which the rows go up from part to part, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Rows of all parts.
    pub rows: u64,
    /// The files, in row order.
    pub parts: Vec<ManifestPart>,
    /// Lines that were set aside, in [`super::QUARANTINE_NAME`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub set_aside: u64,
    /// Which job has written it, or was the last to append: XXH3 (128 bits, seed 0) of all that its bytes depend on, in 32
    /// hexadecimal digits. Not there where that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Manifest {
    /// A manifest of this version.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow the name of the data set.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        super::base::parse(bytes)
    }
}

/// A column of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestColumn {
    /// Its name.
    pub name: String,
    /// Its Arrow type, as Arrow writes it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether it may have nulls.
    pub nullable: bool,
    /// Whether it is in the names of folders rather than in the files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_folders: bool,
}

/// A file of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestPart {
    /// Its path in the folder, with `/` between names.
    pub name: String,
    /// Of all its rows, the values of the columns that are in the names of folders, as text; null is null.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Option<String>>,
    /// Its rows.
    pub rows: u64,
    /// Its row groups.
    pub row_groups: usize,
    /// Its size; not known to a file that carries its own manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// XXH3 (64 bits, seed 0) of its bytes in 16 hexadecimal digits; not known to a file that carries its own
    /// manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xxh3: Option<String>,
}

impl ManifestPart {
    pub(super) fn new(name: &str, key: Option<&PartitionKey>, summary: &PartSummary) -> Self {
        Self {
            name: name.to_owned(),
            values: key.map(|key| key.values().iter().cloned().collect()).unwrap_or_default(),
            rows: summary.rows,
            row_groups: summary.row_groups,
            bytes: Some(summary.bytes),
            xxh3: Some(format!("{:016x}", summary.xxh3)),
        }
    }
}

/// The columns of a data set as a manifest names them.
pub(super) fn columns(layout: &FileLayout) -> Vec<ManifestColumn> {
    let column = |field: &FieldRef, in_folders| ManifestColumn {
        name: field.name().clone(),
        data_type: field.data_type().to_string(),
        nullable: field.is_nullable(),
        in_folders,
    };
    let in_files = layout.written_schema().fields().iter().map(|field| column(field, false));
    in_files.chain(layout.key_columns().iter().map(|field| column(field, true))).collect()
}

/// The folders in which parts of these names lie, and those around them, outermost first; not the data set's own.
pub(super) fn folders<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let around = |name: &'a str| name.match_indices('/').map(move |(end, _)| &name[..end]);
    names.into_iter().flat_map(around).collect()
}
