//! Lines that are set aside: one file a partition while it is written, one file in the end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dataset::error::{Error, ErrorKind, Result};
use crate::storage::{Disk, DiskWriter};

/// The folder of lines in the hidden folder.
pub(super) const ASIDE_NAME: &str = "aside";

/// Their file in a folder of parts.
pub const QUARANTINE_NAME: &str = "_partita_quarantine.ndjson";

/// The file of lines of a data set at `target`.
pub(super) fn beside(target: &Path, is_single_file: bool) -> PathBuf {
    if !is_single_file {
        return target.join(QUARANTINE_NAME);
    }
    let mut name = OsString::from(target.file_name().unwrap_or_default());
    name.push(".quarantine.ndjson");
    target.with_file_name(name)
}

/// Bytes that are copied at a time.
const COPY_BYTES: usize = 64 << 10;

/// The lines of each partition.
#[derive(Debug)]
pub(super) struct Aside {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    partitions: Mutex<BTreeMap<usize, Pieces>>,
}

/// What has come of one partition.
#[derive(Debug, Clone, Copy, Default)]
struct Pieces {
    count: usize,
    bytes: u64,
}

impl Aside {
    /// Keeps lines in `hidden`, where those of the first `done` partitions may be already; others go.
    pub(super) fn new(disk: &Arc<dyn Disk>, hidden: &Path, done: usize) -> Result<Self> {
        let folder = hidden.join(ASIDE_NAME);
        let mut partitions = BTreeMap::new();
        for path in files(&folder)? {
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            match number.filter(|number| *number < done) {
                Some(number) => drop(partitions.insert(number, Pieces::default())),
                None => disk.remove_file(&path).map_err(|error| Error::io("remove", &path, error))?,
            }
        }
        Ok(Self { disk: Arc::clone(disk), folder, partitions: Mutex::new(partitions) })
    }

    fn path(&self, partition: usize) -> PathBuf {
        self.folder.join(format!("{partition}.ndjson"))
    }

    fn partitions(&self) -> MutexGuard<'_, BTreeMap<usize, Pieces>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the `index`-th piece of the lines of a partition; the first takes the place of all that have come.
    pub(super) fn keep(&self, partition: usize, index: usize, lines: &[u8]) -> Result<()> {
        let path = self.path(partition);
        let mut partitions = self.partitions();
        let before = if index == 0 { Pieces::default() } else { known(&partitions, partition) };
        if index != before.count {
            let message =
                format!("piece {index} of the lines of partition {partition} after {}", before.count);
            return Err(ErrorKind::Misuse(message).into());
        }
        if index == 0 && partitions.remove(&partition).is_some() {
            self.disk.remove_file(&path).map_err(|error| Error::io("remove", &path, error))?;
        }
        if !self.folder.is_dir() {
            self.disk.create_dir(&self.folder).map_err(|error| Error::io("create", &self.folder, error))?;
        }
        let open = if index == 0 { self.disk.create_new(&path) } else { self.disk.edit(&path) };
        let file = open.map_err(|error| Error::io("create", &path, error))?;
        // Before the first byte: what is only begun is removed when the partition comes again.
        let pieces = Pieces { count: index + 1, bytes: before.bytes + lines.len() as u64 };
        partitions.insert(partition, pieces);
        drop(partitions);
        file.write_all_at(before.bytes, lines).map_err(|error| Error::io("write", &path, error))
    }

    /// Puts the lines of some partitions onto the disk.
    pub(super) fn sync(&self, range: Range<usize>) -> Result<()> {
        let some: Vec<usize> = self.partitions().range(range).map(|(partition, _)| *partition).collect();
        for partition in &some {
            let path = self.path(*partition);
            let sync = self.disk.open(&path).and_then(|file| file.sync_data());
            sync.map_err(|error| Error::io("sync", &path, error))?;
        }
        if some.is_empty() {
            return Ok(());
        }
        // The folder may have been made after the one around it was synced last.
        [Some(&*self.folder), self.folder.parent()].into_iter().flatten().try_for_each(|folder| {
            self.disk.sync_dir(folder).map_err(|error| Error::io("sync", folder, error))
        })
    }

    /// Joins the lines in `before` and those of all partitions, in their order, in a new file; returns their number, and
    /// makes no file where that is 0.
    pub(super) fn gather(&self, before: Option<&Path>, path: &Path, sync: bool) -> Result<u64> {
        let own: Vec<PathBuf> = self.partitions().keys().map(|partition| self.path(*partition)).collect();
        let sources: Vec<&Path> = before.into_iter().chain(own.iter().map(PathBuf::as_path)).collect();
        if sources.is_empty() {
            return Ok(0);
        }
        let create = || {
            let file = self.disk.create_new(path)?;
            let mut writer = DiskWriter::new(Arc::clone(&file));
            let mut lines = 0;
            for source in &sources {
                lines += copy_lines(&*self.disk, source, &mut writer)?;
            }
            if sync {
                file.sync_data()?;
            }
            Ok(lines)
        };
        create().map_err(|error| Error::io("write", path, error))
    }
}

fn known(partitions: &BTreeMap<usize, Pieces>, partition: usize) -> Pieces {
    partitions.get(&partition).copied().unwrap_or_default()
}

/// The files in a folder; none where it is not there.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>();
    match list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(|error| Error::io("list", folder, error)),
    }
}

fn copy_lines(disk: &dyn Disk, source: &Path, writer: &mut DiskWriter) -> io::Result<u64> {
    let file = disk.open(source)?;
    let mut buffer = vec![0; COPY_BYTES];
    let (mut offset, mut lines) = (0, 0);
    loop {
        let count = file.read_some_at(offset, &mut buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(lines);
        }
        lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        writer.write_all(bytes)?;
        offset += count as u64;
    }
}
