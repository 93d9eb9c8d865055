//! A disk that fails on demand, for tests.
//!
//! A [`FaultyDisk`] passes every call on to another disk, but for those that its [`Plan`] makes fail: the n-th of a kind, once or
//! from then on; or all from the n-th step on, as when the process dies there. With [`FaultyDisk::with_losses`] it also keeps
//! account of what is on the disk for good, so that [`FaultyDisk::lose_power`] can take the rest away: bytes written since
//! a file's last sync, and names given or taken since their folder's last sync, some of them or all.
//!
//! It counts what it is asked, so that a test can go through n = 1, 2, 3, .. until nothing fails any more. Whole programs get
//! one through the variable `PARTITA_FAULTS`, in builds with debug assertions: see [`from_variable`].

mod losses;
#[cfg(test)]
mod tests;
mod variable;

use std::fs::{Metadata, TryLockError};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};
use losses::Losses;

pub use variable::from_variable;

/// What is asked of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// Opening what is there.
    Open,
    /// Making a file or a folder.
    Create,
    /// Reading.
    Read,
    /// Writing, and cutting a file.
    Write,
    /// Renaming, with or without replacing.
    Rename,
    /// Letting two paths change places.
    Exchange,
    /// Giving a file a second name.
    Link,
    /// Syncing a file or a folder.
    Sync,
    /// Removing a file or an empty folder.
    Remove,
}

impl CallKind {
    /// All of them.
    pub const ALL: [CallKind; 9] = [
        CallKind::Open,
        CallKind::Create,
        CallKind::Read,
        CallKind::Write,
        CallKind::Rename,
        CallKind::Exchange,
        CallKind::Link,
        CallKind::Sync,
        CallKind::Remove,
    ];

    /// Whether it is a step: whether the disk may be another afterwards.
    fn is_step(self) -> bool {
        !matches!(self, CallKind::Open | CallKind::Read)
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which calls it may befall; none stands for all.
    pub kinds: Vec<CallKind>,
    /// The folder that their paths are under; `None`: any.
    pub under: Option<PathBuf>,
    /// Which of them fails, counted from 1.
    pub nth: u64,
    /// Whether all after it fail too.
    pub forever: bool,
    /// The system's number of the error.
    pub errno: i32,
}

impl Fault {
    /// The `nth` call of `kinds` fails once.
    pub fn once(kinds: &[CallKind], nth: u64, errno: i32) -> Self {
        Self { kinds: kinds.to_vec(), under: None, nth, forever: false, errno }
    }

    /// The `nth` call of `kinds` and all after it fail.
    pub fn forever(kinds: &[CallKind], nth: u64, errno: i32) -> Self {
        Self { forever: true, ..Self::once(kinds, nth, errno) }
    }
}

/// What happens at the crash point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Crash {
    /// Every call from there on fails, and the disk stays as it is.
    #[default]
    Fail,
    /// The process aborts.
    Abort,
}

/// Everything that goes wrong.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Calls that fail.
    pub faults: Vec<Fault>,
    /// Whether reads and writes do half of what was asked, where that is more than one byte.
    pub short: bool,
    /// The step at which it all ends, counted from 1: a call that would change the disk. If it is a write, half of it is done.
    pub crash_at: Option<u64>,
    /// How it ends.
    pub crash: Crash,
}

impl Plan {
    /// One fault.
    pub fn fault(fault: Fault) -> Self {
        Self { faults: vec![fault], ..Self::default() }
    }

    /// A crash at the `step`-th step.
    pub fn crash_at(step: u64) -> Self {
        Self { crash_at: Some(step), ..Self::default() }
    }
}

/// A disk that fails as planned.
#[derive(Debug)]
pub struct FaultyDisk {
    inner: Arc<dyn Disk>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    /// Calls that each fault could have befallen.
    met: Vec<u64>,
    seen: [u64; CallKind::ALL.len()],
    steps: u64,
    fired: u64,
    crashed: bool,
    losses: Option<Losses>,
}

impl FaultyDisk {
    /// `inner`, failing as planned.
    pub fn new(inner: Arc<dyn Disk>, plan: Plan) -> Arc<Self> {
        Arc::new(Self::with(inner, plan, None))
    }

    /// `inner`, failing as planned, and keeping account of what is on the disk for good under `root`. `attic` is an
    /// empty folder of the same file system, outside of `root`.
    ///
    /// # Errors
    /// What the system reports.
    pub fn with_losses(inner: Arc<dyn Disk>, plan: Plan, root: &Path, attic: &Path) -> io::Result<Arc<Self>> {
        let losses = Losses::new(root, attic)?;
        Ok(Arc::new(Self::with(inner, plan, Some(losses))))
    }

    fn with(inner: Arc<dyn Disk>, plan: Plan, losses: Option<Losses>) -> Self {
        let met = vec![0; plan.faults.len()];
        let seen = [0; CallKind::ALL.len()];
        let state = State { plan, met, seen, steps: 0, fired: 0, crashed: false, losses };
        Self { inner, state: Arc::new(Mutex::new(state)) }
    }

    /// Calls of one kind so far.
    pub fn seen(&self, kind: CallKind) -> u64 {
        self.state().seen[kind as usize]
    }

    /// Steps so far: calls that may have changed the disk.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Faults so far.
    pub fn fired(&self) -> u64 {
        self.state().fired
    }

    /// Whether the crash point was reached.
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// Takes away what a loss of power might have, as `seed` decides; everything that was opened must be closed.
    /// Nothing where no account was kept.
    ///
    /// # Errors
    /// What the system reports.
    pub fn lose_power(&self, seed: u64) -> io::Result<()> {
        let mut state = self.state();
        state.crashed = true;
        state.losses.as_mut().map_or(Ok(()), |losses| losses.happen(seed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A step by name: judged, done, and kept account of.
    fn step(
        &self,
        kind: CallKind,
        path: &Path,
        call: impl FnOnce() -> io::Result<()>,
        account: impl FnOnce(&mut Losses),
    ) -> io::Result<()> {
        let mut state = self.state();
        match state.judge(kind, path)? {
            Verdict::Go => {}
            Verdict::Crash => return Err(state.crash()),
        }
        call()?;
        if let Some(losses) = &mut state.losses {
            account(losses);
        }
        Ok(())
    }

    fn opened(&self, path: &Path, file: Arc<dyn DiskFile>, node: Option<u64>) -> Arc<dyn DiskFile> {
        let state = Arc::clone(&self.state);
        Arc::new(FaultyFile { inner: file, state, path: path.to_path_buf(), node })
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What becomes of a call that does not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Go,
    /// It is the last, and not done, or by half.
    Crash,
}

impl State {
    fn judge(&mut self, kind: CallKind, path: &Path) -> io::Result<Verdict> {
        if self.crashed {
            return Err(crashed());
        }
        self.seen[kind as usize] += 1;
        if kind.is_step() {
            self.steps += 1;
            if self.plan.crash_at == Some(self.steps) {
                return Ok(Verdict::Crash);
            }
        }
        let mut failed = None;
        for (fault, met) in self.plan.faults.iter().zip(&mut self.met) {
            let is_meant = fault.kinds.is_empty() || fault.kinds.contains(&kind);
            if !is_meant || fault.under.as_ref().is_some_and(|under| !path.starts_with(under)) {
                continue;
            }
            *met += 1;
            if *met == fault.nth || (fault.forever && *met > fault.nth) {
                failed = failed.or(Some(fault.errno));
            }
        }
        match failed {
            Some(errno) => {
                self.fired += 1;
                Err(io::Error::from_raw_os_error(errno))
            }
            None => Ok(Verdict::Go),
        }
    }

    fn crash(&mut self) -> io::Error {
        if self.plan.crash == Crash::Abort {
            abort();
        }
        self.crashed = true;
        crashed()
    }

    /// Bytes of `bytes` that are read or written.
    fn shortened(&self, bytes: usize) -> usize {
        if self.plan.short { bytes.div_ceil(2) } else { bytes }
    }
}

fn crashed() -> io::Error {
    io::Error::other("the disk is gone: crashed on demand")
}

#[expect(clippy::disallowed_methods, reason = "to die without cleaning up is what was asked for")]
fn abort() -> ! {
    std::process::abort();
}

impl Disk for FaultyDisk {
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let (mut file, mut node) = (None, None);
        let create = || {
            file = Some(self.inner.create_new(path)?);
            Ok(())
        };
        self.step(CallKind::Create, path, create, |losses| node = losses.created_file(path))?;
        let file = file.ok_or_else(|| io::Error::other("no file was made"))?;
        Ok(self.opened(path, file, node))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let node = {
            let mut state = self.state();
            state.judge(CallKind::Open, path)?;
            state.losses.as_ref().and_then(|losses| losses.node(path))
        };
        Ok(self.opened(path, self.inner.open(path)?, node))
    }

    fn edit(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let node = {
            let mut state = self.state();
            state.judge(CallKind::Open, path)?;
            state.losses.as_ref().and_then(|losses| losses.node(path))
        };
        Ok(self.opened(path, self.inner.edit(path)?, node))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let create = || self.inner.create_dir(path);
        self.step(CallKind::Create, path, create, |losses| losses.created_folder(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let rename = || self.inner.rename(from, to);
        self.step(CallKind::Rename, to, rename, |losses| losses.renamed(from, to))
    }

    fn rename_no_replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        let rename = || self.inner.rename_no_replace(from, to);
        self.step(CallKind::Rename, to, rename, |losses| losses.renamed(from, to))
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let exchange = || self.inner.exchange(one, other);
        self.step(CallKind::Exchange, other, exchange, |losses| losses.exchanged(one, other))
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        let make = || self.inner.hard_link(original, link);
        self.step(CallKind::Link, link, make, |losses| losses.linked(original, link))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let remove = || self.inner.remove_file(path);
        self.step(CallKind::Remove, path, remove, |losses| losses.removed(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let remove = || self.inner.remove_dir(path);
        self.step(CallKind::Remove, path, remove, |losses| losses.removed(path))
    }

    /// One file or folder after the other, each of them a step.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut entries = std::fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            if entry.file_type()?.is_dir() {
                self.remove_dir_all(&entry.path())?;
            } else {
                self.remove_file(&entry.path())?;
            }
        }
        self.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let sync = || self.inner.sync_dir(path);
        self.step(CallKind::Sync, path, sync, |losses| losses.synced_folder(path))
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Arc<dyn DiskFile>,
    state: Arc<Mutex<State>>,
    path: PathBuf,
    /// Its number in the account.
    node: Option<u64>,
}

impl FaultyFile {
    fn step<T>(
        &self,
        kind: CallKind,
        call: impl FnOnce() -> io::Result<T>,
        account: impl FnOnce(&mut Losses, u64, &T),
    ) -> io::Result<T> {
        let mut state = lock(&self.state);
        match state.judge(kind, &self.path)? {
            Verdict::Go => {}
            Verdict::Crash => return Err(state.crash()),
        }
        let done = call()?;
        if let (Some(losses), Some(node)) = (&mut state.losses, self.node) {
            account(losses, node, &done);
        }
        Ok(done)
    }
}

impl DiskFile for FaultyFile {
    fn metadata(&self) -> io::Result<Metadata> {
        self.inner.metadata()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let count = {
            let mut state = lock(&self.state);
            state.judge(CallKind::Read, &self.path)?;
            state.shortened(buffer.len())
        };
        self.inner.read_at(offset, buffer.get_mut(..count).unwrap_or_default())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut state = lock(&self.state);
        let verdict = state.judge(CallKind::Write, &self.path)?;
        let count = match verdict {
            Verdict::Go => state.shortened(bytes.len()),
            Verdict::Crash => bytes.len() / 2,
        };
        let written = self.inner.write_at(offset, bytes.get(..count).unwrap_or_default());
        if let (Some(losses), Some(node)) = (&mut state.losses, self.node) {
            losses.changed(node, offset);
        }
        if verdict == Verdict::Crash { Err(state.crash()) } else { written }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let set = || self.inner.set_len(bytes);
        self.step(CallKind::Write, set, |losses, node, ()| losses.changed(node, bytes))
    }

    fn sync_data(&self) -> io::Result<()> {
        let sync = || {
            self.inner.sync_data()?;
            self.inner.metadata().map(|found| found.len())
        };
        self.step(CallKind::Sync, sync, |losses, node, bytes| losses.synced_file(node, *bytes)).map(drop)
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        self.inner.try_lock()
    }

    fn will_read(&self, range: Range<u64>) {
        self.inner.will_read(range);
    }
}
