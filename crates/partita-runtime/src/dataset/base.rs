//! The data set that is appended to.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use partita_formats::output::Format;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::dataset::error::{Error, ErrorKind, Result};
use crate::dataset::manifest::{MANIFEST_NAME, MANIFEST_VERSION, Manifest, ManifestColumn};
use crate::dataset::record::read_file;
use crate::storage::Disk;

/// A data set as it was when the appending began.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) manifest: Manifest,
    /// The manifest as it is written.
    pub(super) json: Vec<u8>,
    /// XXH3 of the bytes of its manifest.
    pub(super) hash: String,
    /// The first number that no part in the folder has.
    pub(super) next_number: usize,
}

impl Base {
    /// The data set in the folder `target`.
    ///
    /// # Errors
    /// Where it has no manifest, or one of another version.
    pub(super) fn read(disk: &dyn Disk, target: &Path, shown: &Path) -> Result<Self> {
        let refused =
            |what: String| Error::from(ErrorKind::NotADataset { target: shown.to_path_buf(), what });
        let path = target.join(MANIFEST_NAME);
        let bytes = match read_file(disk, &path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(refused(format!("has no {MANIFEST_NAME}")));
            }
            Err(error) => return Err(Error::io("read", &path, error)),
        };
        let manifest = parse(&bytes).map_err(refused)?;
        let hash = manifest_hash(&bytes);
        let in_folder = next_number(target).map_err(|error| Error::io("list", shown, error))?;
        let names = manifest.parts.iter().map(|part| part.name.rsplit('/').next().unwrap_or_default());
        let next_number = names.map(|name| number_after(OsStr::new(name))).fold(in_folder, usize::max);
        Ok(Self { manifest, json: bytes, hash, next_number })
    }

    /// Checks that `columns` are those of the data set, and that its files are of the same format.
    ///
    /// # Errors
    /// [`ErrorKind::SchemaDrift`], [`ErrorKind::NotADataset`].
    pub(super) fn check_columns(
        &self,
        columns: &[ManifestColumn],
        format: &Format,
        shown: &Path,
    ) -> Result<()> {
        let (old, new) = (self.manifest.write.extension(), format.extension());
        if old != new {
            let what = format!("has files of the format {old}, and the new ones would be {new}");
            return Err(ErrorKind::NotADataset { target: shown.to_path_buf(), what }.into());
        }
        let changes = drift(&self.manifest.schema, columns);
        if changes.is_empty() {
            return Ok(());
        }
        Err(ErrorKind::SchemaDrift { target: shown.to_path_buf(), changes: changes.join("; ") }.into())
    }
}

/// XXH3 (64 bits, seed 0) of a manifest in 16 hexadecimal digits.
pub(super) fn manifest_hash(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

/// A manifest of this version.
///
/// # Errors
/// What is wrong with it, in words that follow the name of the data set.
pub(super) fn parse(bytes: &[u8]) -> std::result::Result<Manifest, String> {
    let wrong = |error: serde_json::Error| format!("has a damaged {MANIFEST_NAME} ({error})");
    let value: Value = serde_json::from_slice(bytes).map_err(wrong)?;
    let version = value.get("version").and_then(Value::as_u64);
    if version != Some(u64::from(MANIFEST_VERSION)) {
        let found = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        return Err(format!(
            "has a {MANIFEST_NAME} of version {found}, and this is version {MANIFEST_VERSION}"
        ));
    }
    serde_json::from_value(value).map_err(wrong)
}

fn next_number(target: &Path) -> io::Result<usize> {
    let mut next = 0;
    for entry in fs::read_dir(target)? {
        next = next.max(number_after(&entry?.file_name()));
    }
    Ok(next)
}

/// The number after that of the part of this name; 0 where it is none.
fn number_after(name: &OsStr) -> usize {
    let digits = name.to_str().and_then(|name| name.strip_prefix("part-")?.split_once('.'));
    digits.and_then(|(digits, _)| digits.parse().ok()).map_or(0, |number: usize| number.saturating_add(1))
}

/// How `now` differs from `old`, column by column.
fn drift(old: &[ManifestColumn], now: &[ManifestColumn]) -> Vec<String> {
    let find =
        |columns: &[ManifestColumn], name: &str| columns.iter().find(|column| column.name == name).cloned();
    let mut changes = Vec::new();
    for column in old {
        let (name, before) = (&column.name, said(column));
        match find(now, name) {
            None => changes.push(format!("{name:?} was {before}, and is not there")),
            Some(other) if other != *column => {
                changes.push(format!("{name:?} was {before}, and is {}", said(&other)));
            }
            Some(_) => {}
        }
    }
    for column in now.iter().filter(|column| find(old, &column.name).is_none()) {
        changes.push(format!("{:?} was not there, and is {}", column.name, said(column)));
    }
    if changes.is_empty() && old != now {
        changes.push("the columns are in another order".to_owned());
    }
    changes
}

fn said(column: &ManifestColumn) -> String {
    let nulls = if column.nullable { "" } else { " without nulls" };
    let place = if column.in_folders { " in the names of folders" } else { "" };
    format!("{}{nulls}{place}", column.data_type)
}
