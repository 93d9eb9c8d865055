//! Spilled frames in folders of local disks.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use partita_columns::partition::unique_buffer_bytes;
use partita_formats::frame::{FrameDecoder, FrameEncoder, FrameError, FrameSummary};
use partita_formats::io::ReadAt;
use rustix::fs::statfs;

use super::frame::{EntryId, Place, Shelf, Spilled};
use super::litter::Folder;
use crate::storage::{Disk, DiskFile};

/// Types of file systems that are memory: tmpfs and ramfs.
const MEMORY_FILE_SYSTEMS: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Where partitions go that do not fit in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpillOptions {
    /// Folders on local disks; partitions go to them in turns. None: the first of the system's folder for temporary files, `/var/tmp` and
    /// the working directory that is not memory.
    pub dirs: Vec<PathBuf>,
    /// Bytes on disk at most; `None`: as much as the disks take.
    pub bytes_max: Option<u64>,
    /// Whether a folder in a memory file system is taken. What lies there counts as memory of nobody.
    pub allow_memory: bool,
}

/// Why nothing could be spilled, or not be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpillError {
    /// No folder to spill to.
    #[error("no folder to spill to: {why}; name one on a disk with spill_dirs")]
    NoFolder {
        /// What is wrong with those that were looked at.
        why: String,
    },
    /// A folder that is memory.
    #[error(
        "{}: is in a memory file system, and spilling there frees nothing; name a folder on a disk with spill_dirs, or force it",
        dir.display()
    )]
    InMemory {
        /// The folder.
        dir: PathBuf,
    },
    /// The share of the disk is used up.
    #[error("{used} bytes are spilled and {need} more pass spill_bytes_max, which is {limit}")]
    Quota {
        /// Bytes on disk.
        used: u64,
        /// Bytes of the frame in memory.
        need: u64,
        /// The limit.
        limit: u64,
    },
    /// The operating system failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The writing panicked: a defect.
    #[error("the writing of a frame panicked, please report this")]
    Panicked,
    /// What was read is not what was written.
    #[error("{}: {source}", path.display())]
    Frame {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: FrameError,
    },
}

/// A frame's tag is the number of its entry and, in so many bits, its own.
const FRAME_BITS: u32 = 24;

/// Folders of one session, made when the first partition goes to each.
pub(crate) struct SpillFolders {
    dirs: Vec<PathBuf>,
    /// Why there is none, where there is none.
    why_none: Option<String>,
    made: Mutex<Vec<Option<Arc<Folder>>>>,
    turn: AtomicUsize,
    shared: Arc<Shared>,
}

/// What all files share. One thread of the store writes, so nobody waits for the encoder.
struct Shared {
    disk: Arc<dyn Disk>,
    bytes: AtomicU64,
    bytes_max: u64,
    encoder: Mutex<FrameEncoder>,
    /// Those that nobody reads with: one for each thread that reads at the same time as others.
    decoders: Mutex<Vec<FrameDecoder>>,
}

impl Shared {
    fn new(disk: Arc<dyn Disk>, bytes_max: u64) -> Self {
        let (encoder, decoders) = (Mutex::default(), Mutex::default());
        Self { disk, bytes: AtomicU64::new(0), bytes_max, encoder, decoders }
    }

    fn check_quota(&self, need: u64) -> Result<(), SpillError> {
        let used = self.bytes.load(Ordering::Relaxed);
        if used.saturating_add(need) <= self.bytes_max {
            return Ok(());
        }
        Err(SpillError::Quota { used, need, limit: self.bytes_max })
    }
}

impl SpillFolders {
    /// Folders below those of `options`; what dead sessions have left there is removed.
    ///
    /// # Errors
    /// Where a folder that was named is none, or is memory.
    pub(crate) fn new(options: &SpillOptions, disk: Arc<dyn Disk>) -> Result<Self, SpillError> {
        let mut why_none = None;
        let dirs = if options.dirs.is_empty() {
            let found = default_dirs().into_iter().find(|dir| !is_memory(dir));
            if found.is_none() {
                why_none = Some("all folders for temporary files are in memory".to_owned());
            }
            found.into_iter().collect()
        } else {
            options.dirs.clone()
        };
        for dir in &dirs {
            let found = std::fs::metadata(dir).map_err(|source| failed(dir, source))?;
            if !found.is_dir() {
                return Err(failed(dir, io::ErrorKind::NotADirectory.into()));
            }
            if is_memory(dir) && !options.allow_memory {
                return Err(SpillError::InMemory { dir: dir.clone() });
            }
            // Another session may be looking at the same litter.
            let _ = super::litter::sweep(dir);
        }
        let made = Mutex::new(vec![None; dirs.len()]);
        let shared = Arc::new(Shared::new(disk, options.bytes_max.unwrap_or(u64::MAX)));
        Ok(Self { dirs, why_none, made, turn: AtomicUsize::new(0), shared })
    }

    /// [`SpillFolders::new`] with the default options; where no folder can be had, each write says why.
    pub(crate) fn by_default(disk: Arc<dyn Disk>) -> Self {
        Self::new(&SpillOptions::default(), Arc::clone(&disk)).unwrap_or_else(|error| Self {
            dirs: Vec::new(),
            why_none: Some(error.to_string()),
            made: Mutex::default(),
            turn: AtomicUsize::new(0),
            shared: Arc::new(Shared::new(disk, u64::MAX)),
        })
    }

    /// The session's folder in the `index`-th of the folders.
    fn folder(&self, index: usize) -> Result<Arc<Folder>, SpillError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some(folder)) = made.get(index) {
            return Ok(Arc::clone(folder));
        }
        let dir = &self.dirs[index];
        let folder = Folder::make(dir, &self.shared.disk).map_err(|source| failed(dir, source))?;
        let folder = Arc::new(folder);
        made[index] = Some(Arc::clone(&folder));
        Ok(folder)
    }
}

pub(super) fn default_dirs() -> Vec<PathBuf> {
    [Some(std::env::temp_dir()), Some(PathBuf::from("/var/tmp")), std::env::current_dir().ok()]
        .into_iter()
        .flatten()
        .filter(|dir| dir.is_dir())
        .collect()
}

/// Whether what is written there stays in memory. A folder that cannot be asked is taken for a disk.
fn is_memory(dir: &Path) -> bool {
    statfs(dir).is_ok_and(|found| MEMORY_FILE_SYSTEMS.contains(&(found.f_type as u64)))
}

fn failed(path: &Path, source: io::Error) -> SpillError {
    SpillError::Io { path: path.to_path_buf(), source }
}

impl Place for SpillFolders {
    fn shelf(&self, entry: EntryId) -> Result<Arc<dyn Shelf>, SpillError> {
        let count = self.dirs.len();
        let mut error = SpillError::NoFolder { why: self.why_none.clone().unwrap_or_default() };
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        for step in 0..count {
            match self.folder(first.wrapping_add(step) % count) {
                Ok(folder) => {
                    return Ok(Arc::new(SpillFile {
                        entry,
                        path: folder.path().join(format!("{}.frames", entry.0)),
                        shared: Arc::clone(&self.shared),
                        state: Mutex::default(),
                        _folder: folder,
                    }));
                }
                Err(why) => error = why,
            }
        }
        Err(error)
    }

    fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }
}

/// The frames of one partition in one file, which is removed when nobody needs it.
struct SpillFile {
    entry: EntryId,
    path: PathBuf,
    shared: Arc<Shared>,
    state: Mutex<State>,
    /// The folder goes with the last file in it.
    _folder: Arc<Folder>,
}

#[derive(Default)]
struct State {
    /// `None` before the first frame.
    file: Option<Arc<dyn DiskFile>>,
    /// Where the next frame begins: what a failed write has left behind is written over.
    end: u64,
    frames: u64,
}

impl SpillFile {
    fn open<'a>(&self, state: &'a mut State) -> Result<&'a Arc<dyn DiskFile>, SpillError> {
        if state.file.is_none() {
            let file =
                self.shared.disk.create_new(&self.path).map_err(|source| failed(&self.path, source))?;
            state.file = Some(file);
        }
        state.file.as_ref().ok_or_else(|| failed(&self.path, io::ErrorKind::NotFound.into()))
    }
}

impl Shelf for SpillFile {
    fn write(self: Arc<Self>, batch: &RecordBatch) -> Result<Arc<dyn Spilled>, SpillError> {
        let batches = std::slice::from_ref(batch);
        self.shared.check_quota(unique_buffer_bytes(batches) as u64)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let file = Arc::clone(self.open(&mut state)?);
        let (offset, tag) = (state.end, self.entry.0 << FRAME_BITS | state.frames);
        let mut at = offset;
        let mut write = |bytes: &[u8]| {
            file.write_all_at(at, bytes)?;
            at += bytes.len() as u64;
            Ok(())
        };
        let mut encoder = self.shared.encoder.lock().unwrap_or_else(PoisonError::into_inner);
        let summary =
            encoder.encode(tag, batches, &mut write).map_err(|source| failed(&self.path, source))?;
        drop(encoder);
        state.end = offset + summary.bytes;
        state.frames += 1;
        drop(state);
        self.shared.bytes.fetch_add(summary.bytes, Ordering::Relaxed);
        Ok(Arc::new(SpilledFrame { file: FileAt(file), shelf: self, offset, tag, summary }))
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.file.take().is_some() {
            // What cannot be removed now goes with the session's folder, or is swept by the next session.
            let _ = self.shared.disk.remove_file(&self.path);
        }
    }
}

/// A frame in its file.
struct SpilledFrame {
    shelf: Arc<SpillFile>,
    file: FileAt,
    offset: u64,
    tag: u64,
    summary: FrameSummary,
}

impl Spilled for SpilledFrame {
    fn memory_bytes(&self) -> usize {
        self.summary.memory_bytes
    }

    fn read(&self, schema: &SchemaRef) -> Result<RecordBatch, SpillError> {
        let wrong = |source| SpillError::Frame { path: self.shelf.path.clone(), source };
        let decoders = || self.shelf.shared.decoders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut decoder = decoders().pop().unwrap_or_default();
        let batches = decoder.decode(&self.file, self.offset, self.tag, &self.summary, schema);
        decoders().push(decoder);
        let batches = batches.map_err(wrong)?;
        let missing = || failed(&self.shelf.path, io::ErrorKind::UnexpectedEof.into());
        batches.into_iter().next().ok_or_else(missing)
    }
}

impl Drop for SpilledFrame {
    fn drop(&mut self) {
        self.shelf.shared.bytes.fetch_sub(self.summary.bytes, Ordering::Relaxed);
    }
}

/// A file as formats read it.
struct FileAt(Arc<dyn DiskFile>);

impl ReadAt for FileAt {
    fn len(&self) -> u64 {
        self.0.metadata().map_or(0, |found| found.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_some_at(offset, buffer)
    }
}

impl fmt::Debug for SpillFolders {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SpillFolders").field("dirs", &self.dirs).finish_non_exhaustive()
    }
}
