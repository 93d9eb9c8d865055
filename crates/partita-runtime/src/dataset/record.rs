//! The record of finished parts, from which an interrupted job goes on. Drawn in `docs/formats.md`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dataset::error::{Error, Result};
use crate::dataset::job::Job;
use crate::dataset::manifest::ManifestPart;
use crate::storage::{Disk, DiskFile};

/// Its name in the hidden folder.
pub(super) const RECORD_NAME: &str = "parts.jsonl";

/// The version that this code writes.
pub(super) const RECORD_VERSION: u32 = 1;

/// The first line: whose parts they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) job: Job,
    /// XXH3 of the manifest of the data set that is appended to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<String>,
}

/// Every other line: a part that is on the disk; where rows go to folders by their keys, several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DonePart {
    /// The first partition in it, and the first that is not.
    pub(super) partitions: [usize; 2],
    #[serde(flatten)]
    pub(super) part: ManifestPart,
    /// Parts before it with rows of the same partitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<ManifestPart>,
}

impl DonePart {
    /// All parts, in their order.
    pub(super) fn parts(&self) -> impl Iterator<Item = &ManifestPart> {
        self.others.iter().chain([&self.part])
    }
}

/// A record as it was found: whole lines.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) header: Header,
    /// Bytes up to the end of the header.
    pub(super) header_bytes: u64,
    /// Each with the bytes up to its end.
    pub(super) parts: Vec<(DonePart, u64)>,
}

/// Reads a record up to the first line that is torn; `None` where there is none, or not even its header is whole.
pub(super) fn read(disk: &dyn Disk, hidden: &Path) -> Result<Option<Found>> {
    let path = hidden.join(RECORD_NAME);
    let bytes = match read_file(disk, &path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &path, error)),
    };
    let mut end = 0;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').map_while(|line| {
        end += line.len() as u64;
        Some((line.strip_suffix(b"\n")?, end))
    });
    let Some((first, header_bytes)) = lines.next() else { return Ok(None) };
    let Ok(header) = serde_json::from_slice(first) else { return Ok(None) };
    let parts = lines.map_while(|(line, end)| Some((serde_json::from_slice(line).ok()?, end))).collect();
    Ok(Some(Found { header, header_bytes, parts }))
}

/// All bytes of a file that this program wrote.
pub(super) fn read_file(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut all = vec![0; bytes];
    file.read_exact_at(0, &mut all)?;
    Ok(all)
}

/// A record that is being written.
#[derive(Debug)]
pub(super) struct Record {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    bytes: u64,
}

impl Record {
    /// Begins one.
    pub(super) fn create(disk: &dyn Disk, hidden: &Path, header: &Header) -> Result<Self> {
        let path = hidden.join(RECORD_NAME);
        let file = disk.create_new(&path).map_err(|error| Error::io("create", &path, error))?;
        let mut record = Self { file, path, bytes: 0 };
        record.append(header)?;
        Ok(record)
    }

    /// Goes on with one after its first `bytes`; what is behind them is cut off.
    pub(super) fn go_on(disk: &dyn Disk, hidden: &Path, bytes: u64) -> Result<Self> {
        let path = hidden.join(RECORD_NAME);
        let open = || {
            let file = disk.edit(&path)?;
            file.set_len(bytes)?;
            Ok(file)
        };
        let file = open().map_err(|error| Error::io("write", &path, error))?;
        Ok(Self { file, path, bytes })
    }

    /// Adds a line.
    pub(super) fn append(&mut self, line: &impl Serialize) -> Result<()> {
        let append = || {
            let mut json = serde_json::to_vec(line)?;
            json.push(b'\n');
            self.file.write_all_at(self.bytes, &json)?;
            Ok(json.len() as u64)
        };
        self.bytes += append().map_err(|error| Error::io("write", &self.path, error))?;
        Ok(())
    }

    /// Puts it onto the disk.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| Error::io("sync", &self.path, error))
    }
}
