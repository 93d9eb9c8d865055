//! A row group that waits in a file because memory is short.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use partita_formats::parquet::PageFile;

/// A file that is removed with the last page that waits in it.
///
/// It is open only while it is written, and again from the first read on: thousands may wait at a time.
#[derive(Debug)]
pub(super) struct Fragment {
    path: PathBuf,
    open: Mutex<Option<File>>,
}

impl Fragment {
    /// Makes the file.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        let file = File::create_new(&path)?;
        Ok(Self { path, open: Mutex::new(Some(file)) })
    }

    /// Closes the file until it is read.
    pub(super) fn rest(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn with_file<T>(&self, act: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match open.take() {
            Some(file) => file,
            None => File::open(&self.path)?,
        };
        act(open.insert(file))
    }
}

impl PageFile for Fragment {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.with_file(|file| file.write_all_at(bytes, offset))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.with_file(|file| file.read_exact_at(buffer, offset))
    }
}

impl Drop for Fragment {
    fn drop(&mut self) {
        // Best effort: the folder around it goes in the end.
        let _ = fs::remove_file(&self.path);
    }
}
