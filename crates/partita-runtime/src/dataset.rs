//! The data set that is being written, all or nothing.
//!
//! Row groups come from many threads in any order; [`Dataset`] puts them into files in partition order and cuts
//! the files at partition boundaries, so that the same rows make the same bytes whatever the threads, the
//! memory or the order of arrival. One of the threads that bring row groups writes at any time; the others leave
//! theirs and go on. A row group whose turn has not come waits in memory as long as the caller's
//! [`Room`] agree, else in a file.
//!
//! Everything is built in a hidden sibling of the target, `.NAME.partita-ID/`, whose lock refuses a second
//! writer, and appears by one rename in [`Dataset::commit`]. Dropped or aborted before, it leaves nothing. The
//! formats are drawn in `docs/formats.md`.

mod aside;
mod assembly;
mod base;
mod commit;
mod error;
mod follow;
mod found;
mod fragment;
mod job;
mod manifest;
mod moves;
mod options;
mod parts;
mod place;
mod record;
mod resume;
mod sibling;
mod sync;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use partita_formats::buffers::Room;
use partita_formats::output::FileLayout;
use partita_formats::parquet::{EncodedRowGroup, PageFile};

use self::aside::Aside;
pub use self::aside::QUARANTINE_NAME;
use self::assembly::{Assembly, Next, Position};
pub use self::error::{Error, ErrorKind, Result};
use self::found::is_single_file;
use self::fragment::Fragment;
use self::job::Job;
pub use self::job::PlanFingerprint;
pub use self::manifest::{MANIFEST_NAME, MANIFEST_VERSION, Manifest, ManifestColumn, ManifestPart};
pub use self::options::{DatasetOptions, InputFingerprint, Replaced, Unlimited, Written};
use self::parts::{Cut, Parts};
use self::place::Place;
use self::record::Record;
use self::sync::{Recorder, Syncer};

/// A data set that is being written. Shared by the threads of a run; see the module for how it works.
pub struct Dataset {
    layout: FileLayout,
    options: DatasetOptions,
    waiting: Arc<dyn Room>,
    /// What the manifest says of the job.
    job: Option<Job>,
    first_partition: usize,
    aside: Arc<Aside>,
    is_draft: Arc<AtomicBool>,
    state: Mutex<State>,
    /// Something changed that a thread may wait for: the parts are back, or the phase is another.
    changed: Condvar,
}

struct State {
    phase: Phase,
    assembly: Assembly<Waiting>,
    /// `None` while a thread writes, and after the end.
    parts: Option<Parts>,
    /// `None` after the end.
    place: Option<Place>,
    /// Threads that write parts or fragments now.
    active: usize,
    fragments: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Open,
    GivenUp(String),
    Committing,
    Committed,
}

/// A row group whose turn has not come.
struct Waiting {
    row_group: EncodedRowGroup,
    reserved_bytes: usize,
}

impl Dataset {
    /// Claims `target`: a folder for parts, or a file where the options or the name say so.
    ///
    /// # Errors
    /// [`ErrorKind::NotEmpty`], [`ErrorKind::OwnInput`], [`ErrorKind::Locked`], [`ErrorKind::WrongKind`],
    /// [`ErrorKind::Protected`], [`ErrorKind::Formats`] for options that do not go with the schema, where something is to be
    /// appended [`ErrorKind::NotADataset`] and [`ErrorKind::SchemaDrift`], and what the system reports. Nothing is left behind.
    pub fn create(
        target: &Path,
        schema: SchemaRef,
        options: DatasetOptions,
        waiting: Arc<dyn Room>,
    ) -> Result<Self> {
        let layout = checked_layout(target, schema, &options)?;
        let columns = manifest::columns(&layout);
        let job = Job::new(&options, &columns);
        let place = Place::claim(target, &options, job.as_ref(), &columns)?;
        let cut = match (place.is_single_file(), options.write.file_per_partition()) {
            (true, _) => Cut::Never,
            (false, true) => Cut::Partition,
            (false, false) => Cut::Bytes(options.write.part_bytes()),
        };
        let first_partition = place.kept().partitions;
        let aside = Arc::new(Aside::new(&options.disk, place.hidden(), first_partition)?);
        let is_draft = Arc::new(AtomicBool::new(false));
        let mut recorder = recorder(&place, &options, &aside, &is_draft)?;
        recorder.header = place.header(job.as_ref());
        let syncer = Syncer::new(recorder)?;
        let parts = Parts::new(layout.clone(), &place, cut, &options, syncer);
        let state = State {
            phase: Phase::Open,
            assembly: Assembly::starting_at(first_partition),
            parts: Some(parts),
            place: Some(place),
            active: 0,
            fragments: 0,
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Ok(Self { layout, options, waiting, job, first_partition, aside, is_draft, state, changed })
    }

    /// What [`Dataset::create`] would refuse before it touches anything; another writer is not looked for.
    ///
    /// # Errors
    /// As [`Dataset::create`], but for [`ErrorKind::Locked`].
    pub fn check(target: &Path, schema: SchemaRef, options: &DatasetOptions) -> Result<()> {
        let layout = checked_layout(target, schema, options)?;
        Place::check(target, options, &manifest::columns(&layout))
    }

    /// The first partition that is still to be written; those before it are in parts that an earlier run has left.
    pub fn first_partition(&self) -> usize {
        self.first_partition
    }

    /// Keeps whole lines of text (NDJSON) that belong to a partition: the `index`-th piece of them, one after the other. A task
    /// that is run again begins with the first again, which takes the place of all. Comes before
    /// [`Dataset::close_partition`]. In the end the lines of all partitions lie in their order in [`QUARANTINE_NAME`] beside
    /// the manifest, or in `NAME.quarantine.ndjson` beside a single file.
    ///
    /// # Errors
    /// What the system reports; then the data set is given up.
    pub fn set_aside(&self, partition: usize, index: usize, lines: &[u8]) -> Result<()> {
        let mut state = self.lock();
        state.check_open()?;
        if partition < state.assembly.head_partition() {
            return Ok(());
        }
        let active = Active::enter(self, &mut state);
        drop(state);
        let kept = self.aside.keep(partition, index, lines);
        drop(active);
        kept.map_err(|error| self.give_up(self.lock(), error))
    }

    /// Says that this will not be committed, and that partitions that are closed from now on may lack rows: they are not
    /// recorded, and nothing is left to another run.
    pub fn draft(&self) {
        self.is_draft.store(true, Ordering::Release);
        if let Some(place) = &mut self.lock().place {
            place.leave_nothing();
        }
    }

    /// Schema and options, ready for encoders.
    pub fn layout(&self) -> &FileLayout {
        &self.layout
    }

    /// Takes the `index`-th row group of `partition`. The same one again is taken for granted: a task that is run
    /// again brings the same. What the caller has reserved for it should last until the call returns: only a row
    /// group that waits afterwards is asked for in the [`Room`].
    ///
    /// # Errors
    /// What the system reports; then the data set is given up.
    pub fn write_row_group(&self, partition: usize, index: usize, row_group: EncodedRowGroup) -> Result<()> {
        let position = Position { partition, index };
        let mut state = self.lock();
        state.check_open()?;
        match state.assembly.announce(position) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(message) => return Err(self.give_up(state, ErrorKind::Misuse(message).into())),
        }
        if state.parts.is_some() && state.assembly.is_head(position) {
            state.assembly.place(position, Waiting { row_group, reserved_bytes: 0 });
            return self.write_ready(state);
        }
        drop(state);
        self.wait_with(position, row_group)
    }

    /// Says that `partition` has so many row groups and rows, and no more.
    ///
    /// # Errors
    /// [`ErrorKind::RowsMismatch`] where its row groups have other rows, and as [`Dataset::write_row_group`].
    pub fn close_partition(&self, partition: usize, row_groups: usize, rows: u64) -> Result<()> {
        let mut state = self.lock();
        state.check_open()?;
        if let Err(message) = state.assembly.close(partition, row_groups, rows) {
            return Err(self.give_up(state, ErrorKind::Misuse(message).into()));
        }
        self.write_ready(state)
    }

    /// Finishes the files and makes the data set appear.
    ///
    /// # Errors
    /// [`ErrorKind::RowsMismatch`] where the rows are not `rows_expected`, [`ErrorKind::Misuse`] where a partition is
    /// missing, [`ErrorKind::NotEmpty`] where something has appeared at the target, and what the system reports. The
    /// target is untouched then, and nothing is left beside it.
    pub fn commit(&self, rows_expected: Option<u64>) -> Result<Written> {
        let mut state = self.lock();
        while state.phase == Phase::Open && (state.parts.is_none() || state.active > 0) {
            state = self.wait(state);
        }
        let complete = state.check_open().and_then(|()| {
            let complete = state.assembly.check_complete(self.options.partitions);
            complete.map_err(|message| ErrorKind::Misuse(message).into())
        });
        if let Err(error) = complete {
            let error = self.give_up(state, error);
            self.abort();
            return Err(error);
        }
        state.phase = Phase::Committing;
        let (parts, place) = (state.parts.take(), state.place.take());
        drop(state);

        let result = match (parts, place) {
            (Some(parts), Some(place)) => self.publish(parts, place, rows_expected),
            _ => Err(ErrorKind::Misuse("commit after the end".to_owned()).into()),
        };
        self.lock().phase = match &result {
            Ok(_) => Phase::Committed,
            Err(error) => Phase::GivenUp(error.to_string()),
        };
        self.changed.notify_all();
        result
    }

    /// Gives the data set up: the target stays as it was, and nothing is left beside it. Waits for threads that
    /// are writing, which get an error. After a commit it does nothing.
    pub fn abort(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::GivenUp("it was aborted".to_owned());
            self.changed.notify_all();
        }
        while state.active > 0 || state.phase == Phase::Committing {
            state = self.wait(state);
        }
        let waiting: Vec<_> = state.assembly.clear().collect();
        let (parts, place) = (state.parts.take(), state.place.take());
        drop(state);
        for waiting in waiting {
            self.waiting.shrink(waiting.reserved_bytes);
        }
        // Files are closed before their folder goes.
        drop(parts);
        drop(place);
    }

    /// Leaves a row group in memory or in a file, or waits for its turn where that is near.
    fn wait_with(&self, position: Position, mut row_group: EncodedRowGroup) -> Result<()> {
        let bytes = row_group.memory_bytes();
        let mut reserved_bytes = 0;
        if self.waiting.grow(bytes) {
            reserved_bytes = bytes;
        } else {
            let mut state = self.lock();
            // Its partition leaves now: the disk is what everybody waits for, and a file would only add to that.
            while state.phase == Phase::Open
                && state.parts.is_none()
                && state.assembly.head_partition() == position.partition
            {
                state = self.wait(state);
            }
            state.check_open()?;
            if state.parts.is_none() || !state.assembly.is_head(position) {
                self.spill(state, &mut row_group)?;
            }
        }
        let mut state = self.lock();
        if let Err(error) = state.check_open() {
            drop(state);
            self.waiting.shrink(reserved_bytes);
            return Err(error);
        }
        state.assembly.place(position, Waiting { row_group, reserved_bytes });
        self.write_ready(state)
    }

    /// A file in which a task may leave pages of a row group that it has not finished. It is removed with the last of
    /// them.
    ///
    /// # Errors
    /// What the system reports; then the data set is given up.
    pub fn page_file(&self) -> Result<Arc<dyn PageFile>> {
        let mut state = self.lock();
        state.check_open()?;
        let path = state.next_fragment();
        // Its folder stays until it is made.
        let active = Active::enter(self, &mut state);
        drop(state);
        let made = Fragment::create(&self.options.disk, path.clone());
        drop(active);
        match made {
            Ok(fragment) => Ok(Arc::new(fragment)),
            Err(error) => Err(self.give_up(self.lock(), Error::io("create", &path, error))),
        }
    }

    /// Moves the pages of a row group into a file.
    fn spill(&self, mut state: MutexGuard<'_, State>, row_group: &mut EncodedRowGroup) -> Result<()> {
        let path = state.next_fragment();
        let active = Active::enter(self, &mut state);
        drop(state);
        let spilled = Fragment::create(&self.options.disk, path.clone()).and_then(|fragment| {
            let file: Arc<dyn PageFile> = Arc::new(fragment);
            row_group.spill(&file, 0)?;
            file.rest();
            Ok(())
        });
        drop(active);
        spilled.map_err(|error| self.give_up(self.lock(), Error::io("write", &path, error)))
    }

    /// Appends what is ready, unless another thread is at it, who will find it.
    fn write_ready<'a>(&'a self, mut state: MutexGuard<'a, State>) -> Result<()> {
        let Some(mut parts) = state.parts.take() else { return Ok(()) };
        let active = Active::enter(self, &mut state);
        let result = loop {
            if let Err(error) = state.check_open() {
                break Err(error);
            }
            let next = state.assembly.next();
            if matches!(next, Next::Wait) {
                break Ok(());
            }
            drop(state);
            let done = self.write_next(&mut parts, next);
            state = self.lock();
            if done.is_err() {
                break done;
            }
        };
        state.parts = Some(parts);
        match result {
            Ok(()) => {
                drop(state);
                drop(active);
                Ok(())
            }
            Err(error) => {
                let error = self.give_up(state, error);
                drop(active);
                Err(error)
            }
        }
    }

    fn write_next(&self, parts: &mut Parts, next: Next<Waiting>) -> Result<()> {
        match next {
            Next::RowGroup(Waiting { row_group, reserved_bytes }) => {
                let done = parts.append(row_group);
                if reserved_bytes > 0 {
                    self.waiting.shrink(reserved_bytes);
                }
                done
            }
            Next::EndOfPartition { partition, rows } => parts.end_partition(partition, rows),
            Next::Wait => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete before anything that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the first failure and wakes whoever waits.
    fn give_up(&self, mut state: MutexGuard<'_, State>, error: Error) -> Error {
        if state.phase == Phase::Open {
            state.phase = Phase::GivenUp(error.to_string());
        }
        drop(state);
        self.changed.notify_all();
        error
    }
}

impl Drop for Dataset {
    fn drop(&mut self) {
        self.abort();
    }
}

impl State {
    /// The path of another file for pages that wait.
    fn next_fragment(&mut self) -> PathBuf {
        let number = self.fragments;
        self.fragments += 1;
        self.place.as_ref().map(|place| place.fragment(number)).unwrap_or_default()
    }

    fn check_open(&self) -> Result<()> {
        match &self.phase {
            Phase::Open => Ok(()),
            Phase::GivenUp(why) => Err(ErrorKind::GivenUp(why.clone()).into()),
            Phase::Committing | Phase::Committed => {
                Err(ErrorKind::Misuse("a call after the commit".to_owned()).into())
            }
        }
    }
}

/// A thread that writes parts or fragments. Left by a panic, the data set is given up.
struct Active<'a>(&'a Dataset);

impl<'a> Active<'a> {
    fn enter(dataset: &'a Dataset, state: &mut State) -> Self {
        state.active += 1;
        Self(dataset)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.active -= 1;
        if std::thread::panicking() && state.phase == Phase::Open {
            state.phase = Phase::GivenUp("a thread panicked while it wrote".to_owned());
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

/// Schema and options made ready, where they go with the target.
fn checked_layout(target: &Path, schema: SchemaRef, options: &DatasetOptions) -> Result<FileLayout> {
    if !options.write.partition_on().is_empty() && is_single_file(target, options) {
        return Err(ErrorKind::FoldersInFile { target: target.to_path_buf() }.into());
    }
    Ok(FileLayout::new(schema, &options.write)?)
}

/// What keeps the record of finished parts, and goes on with the one that is there.
fn recorder(
    place: &Place,
    options: &DatasetOptions,
    aside: &Arc<Aside>,
    is_draft: &Arc<AtomicBool>,
) -> Result<Recorder> {
    let disk = Arc::clone(&options.disk);
    let record = match place.kept() {
        kept if kept.parts.is_empty() => None,
        kept => Some(Record::go_on(&*disk, place.hidden(), kept.record_bytes)?),
    };
    Ok(Recorder {
        disk,
        hidden: place.hidden().to_path_buf(),
        data: place.data(),
        header: None,
        record,
        aside: Arc::clone(aside),
        is_draft: Arc::clone(is_draft),
        sync: options.sync,
    })
}
