//! A disk that counts what is read of Parquet files.

use std::collections::BTreeMap;
use std::fs::{Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use partita_runtime::storage::{Disk, DiskFile, LocalDisk};

/// Bytes that were read, by file.
pub(crate) type Counts = Arc<Mutex<BTreeMap<PathBuf, u64>>>;

#[derive(Debug, Default)]
pub(crate) struct CountingDisk {
    counts: Counts,
}

impl CountingDisk {
    pub(crate) fn new() -> (Arc<Self>, Counts) {
        let disk = Arc::new(Self::default());
        let counts = Arc::clone(&disk.counts);
        (disk, counts)
    }
}

#[derive(Debug)]
struct CountedFile {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    counts: Counts,
}

impl Disk for CountingDisk {
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        LocalDisk.create_new(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = LocalDisk.open(path)?;
        if path.extension().is_none_or(|ending| ending != "parquet") {
            return Ok(file);
        }
        self.counts.lock().unwrap().entry(path.to_path_buf()).or_default();
        Ok(Arc::new(CountedFile { file, path: path.to_path_buf(), counts: Arc::clone(&self.counts) }))
    }

    fn edit(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        LocalDisk.edit(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        LocalDisk.create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.rename(from, to)
    }

    fn rename_no_replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.rename_no_replace(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        LocalDisk.exchange(one, other)
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        LocalDisk.hard_link(original, link)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove_dir(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        LocalDisk.sync_dir(path)
    }
}

impl DiskFile for CountedFile {
    fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read_at(offset, buffer)?;
        *self.counts.lock().unwrap().entry(self.path.clone()).or_default() += bytes as u64;
        Ok(bytes)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(offset, bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        self.file.try_lock()
    }
}
