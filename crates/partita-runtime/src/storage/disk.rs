//! Local disks, as everything asks them that writes files or reads inputs.
//!
//! Each method is one call of the operating system, so that a test can put a disk in between that fails any one of
//! them ([`super::fault`]). What a single call leaves undone, the methods that come with [`DiskFile`] finish: short
//! reads and writes, and interruptions. Looking at names (metadata, listings) goes past the disk.

use std::fmt;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Advice, CWD, RenameFlags, fadvise, renameat_with};
use rustix::io::Errno;

/// Interruptions of one read or write that are taken for granted; past them it fails.
const INTERRUPTS_MAX: usize = 1000;

/// A file system of this machine.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes a file, to read and write.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], and what the system reports.
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file or a folder, to read.
    ///
    /// # Errors
    /// What the system reports.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that is there, to read and write.
    ///
    /// # Errors
    /// What the system reports.
    fn edit(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes one folder.
    ///
    /// # Errors
    /// What the system reports.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Gives a file or folder another name. A file that has the name already, or an empty folder, goes.
    ///
    /// # Errors
    /// What the system reports.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file another name that nothing has. Where the file system cannot check and rename in one step, a file
    /// that appears between the two is replaced.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], and what the system reports.
    fn rename_no_replace(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Lets two paths change places in one step.
    ///
    /// # Errors
    /// [`is_unsupported`] where the file system cannot do it, and what the system reports.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;

    /// Gives a file a second name.
    ///
    /// # Errors
    /// What the system reports.
    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system reports.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// What the system reports.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder and everything in it; links in it are not followed.
    ///
    /// # Errors
    /// What the system reports.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Puts the names in a folder onto the disk.
    ///
    /// # Errors
    /// What the system reports.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// An open file, read and written by position from any number of threads.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// What the system says about it.
    ///
    /// # Errors
    /// What the system reports.
    fn metadata(&self) -> io::Result<Metadata>;

    /// Reads once: up to `buffer.len()` bytes at `offset`; 0 means the end of the file.
    ///
    /// # Errors
    /// What the system reports.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes once: up to all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the system reports.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Cuts the file, or fills it up with zeros.
    ///
    /// # Errors
    /// What the system reports.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Puts the bytes onto the disk.
    ///
    /// # Errors
    /// What the system reports.
    fn sync_data(&self) -> io::Result<()>;

    /// Takes the file's lock until it is closed.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] where another open file has it, and what the system reports.
    fn try_lock(&self) -> Result<(), TryLockError>;

    /// Says that `range` will be read soon. A hint: it never fails.
    fn will_read(&self, range: Range<u64>) {
        let _ = range;
    }

    /// Reads at least one byte where there is one, whatever interrupts.
    ///
    /// # Errors
    /// What the system reports.
    fn read_some_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        uninterrupted(|| self.read_at(offset, buffer))
    }

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the file has fewer bytes, and what the system reports.
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let (mut at, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let count = self.read_some_at(at, rest)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            rest = rest.get_mut(count..).unwrap_or_default();
            at = at.saturating_add(count as u64);
        }
        Ok(())
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the system reports; then some of it may be written.
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let count = uninterrupted(|| self.write_at(at, rest))?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            rest = rest.get(count..).unwrap_or_default();
            at = at.saturating_add(count as u64);
        }
        Ok(())
    }
}

/// Calls again where a signal came in between.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..INTERRUPTS_MAX {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
    // Of another kind than each of them, or callers would go on trying.
    Err(io::Error::other(format!("interrupted {INTERRUPTS_MAX} times")))
}

/// Whether the system does not know a call, or the file system does not have it.
pub fn is_unsupported(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].iter().any(|errno| code == Some(errno.raw_os_error()))
}

/// A file that is written from its beginning to its end.
#[derive(Debug)]
pub struct DiskWriter {
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl DiskWriter {
    /// Writes `file` from its first byte on.
    pub fn new(file: Arc<dyn DiskFile>) -> Self {
        Self { file, offset: 0 }
    }
}

impl Write for DiskWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all_at(self.offset, bytes)?;
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file system as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(LocalFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(LocalFile(File::open(path)?)))
    }

    fn edit(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(LocalFile(File::options().read(true).write(true).open(path)?)))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_no_replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
            Err(error) if is_unsupported(&error) => {
                if fs::symlink_metadata(to).is_ok() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                fs::rename(from, to)
            }
            done => done,
        }
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        fs::hard_link(original, link)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

#[derive(Debug)]
struct LocalFile(File);

impl DiskFile for LocalFile {
    fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(&self.0, buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        FileExt::write_at(&self.0, bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        self.0.try_lock()
    }

    fn will_read(&self, range: Range<u64>) {
        let length = std::num::NonZeroU64::new(range.end.saturating_sub(range.start));
        // Where the system does not take it, reading still works.
        let _ = fadvise(&self.0, range.start, length, Advice::WillNeed);
    }
}
