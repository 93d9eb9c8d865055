//! The files of a data set: opened, filled in row order, cut at partition boundaries, synced as they close.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::errors::ParquetError;
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::parquet::options::MANIFEST_KEY;
use partita_formats::parquet::{EncodedRowGroup, Layout, PartWriter};

use crate::dataset::error::{Error, ErrorKind, Result};
use crate::dataset::manifest::ManifestPart;
use crate::dataset::options::DatasetOptions;
use crate::dataset::place::Place;
use crate::dataset::record::DonePart;
use crate::dataset::sync::{Ended, Syncer};
use crate::storage::{Disk, DiskFile, DiskWriter};

/// Bytes after which a part that is still growing is synced beside the writing, so that the end waits for little.
const SYNC_BYTES: u64 = 32 << 20;

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
    layout: Arc<Layout>,
    disk: Arc<dyn Disk>,
    /// The folder of parts, or the one file.
    place: PathBuf,
    cut: Cut,
    digits: usize,
    syncer: Syncer,
    open: Option<OpenPart>,
    done: Vec<ManifestPart>,
    /// The number of the first of all parts: of those that are appended to a data set, not 0.
    first_number: usize,
    /// The first partition that is in none of the parts that are done.
    begun: usize,
    partition_rows: u64,
    rows: u64,
}

struct OpenPart {
    writer: PartWriter<DiskWriter>,
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
        layout: Arc<Layout>,
        place: &Place,
        cut: Cut,
        options: &DatasetOptions,
        syncer: Syncer,
    ) -> Self {
        let last = options.partitions.unwrap_or(0).saturating_sub(1);
        let done = place.kept().parts.clone();
        Self {
            layout,
            disk: Arc::clone(&options.disk),
            place: place.data(),
            cut,
            digits: last.to_string().len().max(PART_DIGITS_MIN),
            syncer,
            open: None,
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
        let mut part = match self.open.take() {
            Some(part) => part,
            None => self.begin()?,
        };
        self.partition_rows += row_group.rows();
        part.row_groups += 1;
        part.writer.append(row_group).map_err(|error| write_error(&part.path, error))?;
        if part.writer.bytes() - part.synced_bytes >= SYNC_BYTES {
            part.synced_bytes = part.writer.bytes();
            self.syncer.begin(&part.file, &part.path);
        }
        self.open = Some(part);
        Ok(())
    }

    /// Ends a partition of `rows` rows, and the open part where it is large enough.
    pub(super) fn end_partition(&mut self, partition: usize, rows: u64) -> Result<()> {
        let got = std::mem::take(&mut self.partition_rows);
        if got != rows {
            let what = format!("row groups of partition {partition}");
            return Err(ErrorKind::RowsMismatch { what, expected: rows, got }.into());
        }
        self.rows += rows;
        let full = match self.cut {
            Cut::Bytes(bytes) => self.open.as_ref().is_some_and(|part| part.writer.bytes() >= bytes),
            Cut::Partition => true,
            Cut::Never => false,
        };
        if !full {
            return Ok(());
        }
        let partitions = [self.begun, partition + 1];
        self.begun = partition + 1;
        self.end_part(None, Some(partitions))
    }

    /// Ends the last file, and waits until all are on the disk. Where nothing was written there is one file
    /// without rows. `footer` makes the manifest that the last file carries, if it carries one.
    pub(super) fn finish(
        mut self,
        footer: impl FnOnce(&ManifestPart) -> Result<Option<String>>,
    ) -> Result<Assembled> {
        if self.open.is_none() && self.done.is_empty() && self.first_number == 0 {
            self.open = Some(self.begin()?);
        }
        if let Some(open) = &self.open {
            let (name, rows, row_groups) = (open.name.clone(), open.writer.rows(), open.row_groups);
            let part = ManifestPart { name, rows, row_groups, bytes: None, xxh3: None };
            let footer = footer(&part)?;
            self.end_part(footer, None)?;
        }
        self.syncer.finish()?;
        Ok(Assembled { parts: self.done, rows: self.rows })
    }

    fn begin(&self) -> Result<OpenPart> {
        let (name, path) = if self.cut == Cut::Never {
            let name = self.place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, self.place.clone())
        } else {
            let number = self.first_number + self.done.len();
            let name = format!("part-{number:0digits$}.parquet", digits = self.digits);
            let path = self.place.join(&name);
            (name, path)
        };
        let file = self.disk.create_new(&path).map_err(|error| Error::io("create", &path, error))?;
        let writer = PartWriter::with_layout(DiskWriter::new(Arc::clone(&file)), &self.layout)
            .map_err(|error| write_error(&path, error))?;
        Ok(OpenPart { writer, file, path, name, row_groups: 0, synced_bytes: 0 })
    }

    /// Ends a part; one with all of some partitions is recorded.
    fn end_part(&mut self, footer: Option<String>, partitions: Option<[usize; 2]>) -> Result<()> {
        let OpenPart { mut writer, file, path, name, .. } = match self.open.take() {
            Some(part) => part,
            None => self.begin()?,
        };
        if let Some(manifest) = footer {
            writer.add_metadata(MANIFEST_KEY.to_owned(), manifest);
        }
        let (summary, _) = writer.finish().map_err(|error| write_error(&path, error))?;
        let part = ManifestPart::new(&name, &summary);
        self.done.push(part.clone());
        self.syncer.end(Ended {
            file,
            path,
            done: partitions.map(|partitions| DonePart { partitions, part }),
        })
    }
}

/// An error of a part's writer: one of the operating system gets the path.
fn write_error(path: &Path, error: partita_formats::Error) -> Error {
    let system = match error.kind() {
        FormatsErrorKind::Parquet(ParquetError::External(source)) => source.downcast_ref::<io::Error>(),
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
