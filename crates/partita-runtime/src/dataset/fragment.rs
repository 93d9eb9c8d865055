//! A row group that waits in a file because memory is short.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use partita_formats::parquet::PageFile;

use crate::storage::{Disk, DiskFile};

/// A file that is removed with the last page that waits in it.
///
/// It is open only while it is written, and again from the first read on: thousands may wait at a time.
#[derive(Debug)]
pub(super) struct Fragment {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    open: Mutex<Option<Arc<dyn DiskFile>>>,
}

impl Fragment {
    /// Makes the file.
    pub(super) fn create(disk: &Arc<dyn Disk>, path: PathBuf) -> io::Result<Self> {
        let file = disk.create_new(&path)?;
        Ok(Self { disk: Arc::clone(disk), path, open: Mutex::new(Some(file)) })
    }

    fn with_file<T>(&self, act: impl FnOnce(&dyn DiskFile) -> io::Result<T>) -> io::Result<T> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match open.take() {
            Some(file) => file,
            None => self.disk.open(&self.path)?,
        };
        act(&**open.insert(file))
    }
}

impl PageFile for Fragment {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.with_file(|file| file.write_all_at(offset, bytes))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.with_file(|file| file.read_exact_at(offset, buffer))
    }

    fn rest(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Fragment {
    fn drop(&mut self) {
        // Best effort: the folder around it goes in the end.
        let _ = self.disk.remove_file(&self.path);
    }
}
