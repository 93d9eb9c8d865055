//! The files of a data set: opened, filled in row order, cut at partition boundaries, synced as they close.
//!
//! Where rows go to folders by their keys, several files are open at a time, one a key; the one that has waited longest
//! for rows is ended where another is needed. Row groups come in partition order, so that the files depend on the rows
//! alone. They share their partitions: all are ended, and recorded together, after every [`RECORD_PARTS`] times
//! `part_bytes`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::errors::ParquetError;
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::output::{FileLayout, FileWriter};
use partita_formats::parquet::options::MANIFEST_KEY;
use partita_formats::parquet::{EncodedRowGroup, PartSummary, PartitionKey};

use crate::dataset::error::{Error, ErrorKind, Result};
use crate::dataset::manifest::ManifestPart;
use crate::dataset::options::DatasetOptions;
use crate::dataset::place::Place;
use crate::dataset::record::DonePart;
use crate::dataset::sync::{Ended, Syncer};
use crate::storage::{Disk, DiskFile, DiskWriter};

/// Bytes after which a part that is still growing is synced beside the writing, so that the end waits for little.
const SYNC_BYTES: u64 = 32 << 20;

/// Files that are open at most.
const OPEN_PARTS_MAX: usize = 64;

/// Where rows go to folders by their keys: bytes, in full parts, after which all parts are ended. An interrupted job
/// does as much again at most.
const RECORD_PARTS: u64 = 8;

/// Digits of a part's number at least.
const PART_DIGITS_MIN: usize = 5;

/// Where files end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// At the first end of a partition after so many bytes.
    Bytes(u64),
    /// At each end of a partition.
    Partition,
    /// Nowhere: one file.
    Never,
}

/// The files written so far, and the one that is open.
pub(super) struct Parts {
    layout: FileLayout,
    /// What the names of parts end in.
    extension: &'static str,
    disk: Arc<dyn Disk>,
    /// The folder of parts, or the one file.
    place: PathBuf,
    cut: Cut,
    digits: usize,
    syncer: Syncer,
    /// Those that waited longest for rows first. Without keys at most one.
    open: Vec<OpenPart>,
    /// Parts begun so far.
    begun_parts: usize,
    done: Vec<ManifestPart>,
    /// How many of `done` the record has.
    recorded: usize,
    /// The number of the first of all parts: of those that are appended to a data set, not 0.
    first_number: usize,
    /// The first partition that is in none of the parts that are done.
    begun: usize,
    partition_rows: u64,
    rows: u64,
}

struct OpenPart {
    key: Option<Arc<PartitionKey>>,
    writer: FileWriter<DiskWriter>,
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    name: String,
    row_groups: usize,
    synced_bytes: u64,
}

/// What [`Parts::finish`] leaves.
#[derive(Debug)]
pub(super) struct Assembled {
    /// The files, in row order.
    pub(super) parts: Vec<ManifestPart>,
    /// Rows of all partitions, as their tasks said.
    pub(super) rows: u64,
}

impl Parts {
    /// Parts in `place`, after those that an earlier run has made.
    pub(super) fn new(
        layout: FileLayout,
        place: &Place,
        cut: Cut,
        options: &DatasetOptions,
        syncer: Syncer,
    ) -> Self {
        let last = options.partitions.unwrap_or(0).saturating_sub(1);
        let done = place.kept().parts.clone();
        Self {
            layout,
            extension: options.write.extension(),
            disk: Arc::clone(&options.disk),
            place: place.data(),
            cut,
            digits: last.to_string().len().max(PART_DIGITS_MIN),
            syncer,
            open: Vec::new(),
            begun_parts: done.len(),
            recorded: done.len(),
            first_number: place.base().map_or(0, |base| base.next_number),
            begun: place.kept().partitions,
            partition_rows: 0,
            rows: done.iter().map(|part| part.rows).sum(),
            done,
        }
    }

    /// Appends the next row group.
    pub(super) fn append(&mut self, row_group: EncodedRowGroup) -> Result<()> {
        if row_group.rows() == 0 {
            return Ok(());
        }
        let mut part = self.take_open(row_group.key())?;
        self.partition_rows += row_group.rows();
        part.row_groups += 1;
        part.writer.append(row_group).map_err(|error| write_error(&part.path, error))?;
        if part.writer.bytes() - part.synced_bytes >= SYNC_BYTES {
            part.synced_bytes = part.writer.bytes();
            self.syncer.begin(&part.file, &part.path);
        }
        self.open.push(part);
        Ok(())
    }

    /// The open part of a key, or a new one.
    fn take_open(&mut self, key: Option<&Arc<PartitionKey>>) -> Result<OpenPart> {
        let same = |part: &OpenPart| part.key.as_deref() == key.map(Arc::as_ref);
        if let Some(at) = self.open.iter().position(same) {
            return Ok(self.open.remove(at));
        }
        if self.open.len() == OPEN_PARTS_MAX {
            let oldest = self.open.remove(0);
            self.end_part(oldest, None, None)?;
        }
        self.begin(key)
    }

    /// Ends a partition of `rows` rows, and the open parts where they are large enough.
    pub(super) fn end_partition(&mut self, partition: usize, rows: u64) -> Result<()> {
        let got = std::mem::take(&mut self.partition_rows);
        if got != rows {
            let what = format!("row groups of partition {partition}");
            return Err(ErrorKind::RowsMismatch { what, expected: rows, got }.into());
        }
        self.rows += rows;
        let has_keys = !self.layout.key_columns().is_empty();
        let all = match self.cut {
            Cut::Bytes(bytes) => {
                self.unrecorded_bytes() >= bytes.saturating_mul(if has_keys { RECORD_PARTS } else { 1 })
            }
            Cut::Partition => true,
            Cut::Never => false,
        };
        if all {
            return self.end_all(partition + 1);
        }
        if let (true, Cut::Bytes(bytes)) = (has_keys, self.cut) {
            let (full, open) =
                std::mem::take(&mut self.open).into_iter().partition(|part| part.writer.bytes() >= bytes);
            self.open = open;
            return Vec::into_iter(full).try_for_each(|part| self.end_part(part, None, None));
        }
        Ok(())
    }

    /// Bytes of the parts, open or done, that the record does not have.
    fn unrecorded_bytes(&self) -> u64 {
        let done = self.done[self.recorded..].iter().filter_map(|part| part.bytes).sum::<u64>();
        done + self.open.iter().map(|part| part.writer.bytes()).sum::<u64>()
    }

    /// Ends all open parts, which have all of the partitions before `past`, and records them.
    fn end_all(&mut self, past: usize) -> Result<()> {
        if self.open.is_empty() && self.layout.key_columns().is_empty() {
            let empty = self.begin(None)?;
            self.open.push(empty);
        }
        let mut open = std::mem::take(&mut self.open);
        let Some(last) = open.pop() else { return Ok(()) };
        open.into_iter().try_for_each(|part| self.end_part(part, None, None))?;
        let partitions = [self.begun, past];
        self.begun = past;
        self.end_part(last, None, Some(partitions))
    }

    /// Ends the last files, and waits until all are on the disk. Where nothing was written there is one file
    /// without rows, but not where rows go to folders by their keys. `footer` makes the manifest that the last file
    /// carries, if it carries one.
    pub(super) fn finish(
        mut self,
        footer: impl FnOnce(&ManifestPart) -> Result<Option<String>>,
    ) -> Result<Assembled> {
        let nothing = self.open.is_empty() && self.done.is_empty() && self.first_number == 0;
        if nothing && self.layout.key_columns().is_empty() {
            let empty = self.begin(None)?;
            self.open.push(empty);
        }
        let mut open = std::mem::take(&mut self.open);
        if let Some(last) = open.pop() {
            open.into_iter().try_for_each(|part| self.end_part(part, None, None))?;
            let (rows, row_groups) = (last.writer.rows(), last.row_groups);
            let summary = PartSummary { rows, row_groups, bytes: 0, xxh3: 0 };
            let part = ManifestPart::new(&last.name, last.key.as_deref(), &summary);
            let footer = footer(&ManifestPart { bytes: None, xxh3: None, ..part })?;
            self.end_part(last, footer, None)?;
        }
        self.syncer.finish()?;
        Ok(Assembled { parts: self.done, rows: self.rows })
    }

    fn begin(&mut self, key: Option<&Arc<PartitionKey>>) -> Result<OpenPart> {
        let (name, path) = if self.cut == Cut::Never {
            let name = self.place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, self.place.clone())
        } else {
            let number = self.first_number + self.begun_parts;
            let mut name = format!("part-{number:0digits$}.{}", self.extension, digits = self.digits);
            if let Some(key) = key {
                self.make_folders(key.folder())?;
                name = format!("{}/{name}", key.folder());
            }
            let path = self.place.join(&name);
            (name, path)
        };
        self.begun_parts += 1;
        let file = self.disk.create_new(&path).map_err(|error| Error::io("create", &path, error))?;
        let writer = FileWriter::new(DiskWriter::new(Arc::clone(&file)), &self.layout)
            .map_err(|error| write_error(&path, error))?;
        Ok(OpenPart { key: key.map(Arc::clone), writer, file, path, name, row_groups: 0, synced_bytes: 0 })
    }

    /// Makes the folders of a key, where they are not there.
    fn make_folders(&self, folder: &str) -> Result<()> {
        let mut path = self.place.clone();
        for name in folder.split('/') {
            path.push(name);
            match self.disk.create_dir(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::io("create", &path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Ends a part; the last of those that together have all of some partitions is recorded, and they with it.
    fn end_part(
        &mut self,
        part: OpenPart,
        footer: Option<String>,
        partitions: Option<[usize; 2]>,
    ) -> Result<()> {
        let OpenPart { key, mut writer, file, path, name, .. } = part;
        if let Some(manifest) = footer {
            writer.add_metadata(MANIFEST_KEY.to_owned(), manifest);
        }
        let (summary, _) = writer.finish().map_err(|error| write_error(&path, error))?;
        let part = ManifestPart::new(&name, key.as_deref(), &summary);
        let done = partitions.map(|partitions| {
            let others = self.done[self.recorded..].to_vec();
            DonePart { partitions, part: part.clone(), others }
        });
        self.done.push(part);
        if done.is_some() {
            self.recorded = self.done.len();
        }
        self.syncer.end(Ended { file, path, done })
    }
}

/// An error of a part's writer: one of the operating system gets the path.
fn write_error(path: &Path, error: partita_formats::Error) -> Error {
    let system = match error.kind() {
        FormatsErrorKind::Parquet(ParquetError::External(source)) => source.downcast_ref::<io::Error>(),
        FormatsErrorKind::Io { source, .. } => Some(source),
        _ => None,
    };
    match system {
        Some(source) => {
            let code = source.raw_os_error();
            let copy = code.map_or_else(
                || io::Error::new(source.kind(), source.to_string()),
                io::Error::from_raw_os_error,
            );
            Error::io("write", path, copy)
        }
        None => ErrorKind::Formats(error).into(),
    }
}
