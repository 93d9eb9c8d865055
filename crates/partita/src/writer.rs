//! Writing a data set: what a user says about it whatever its format.

use std::sync::Arc;

use partita_formats::output::Format;
use partita_formats::parquet::WriteOptions;
use partita_formats::rows::RowsOptions;
use partita_runtime::cancel::CancelToken;
use partita_runtime::progress::Progress;

use crate::context::Inputs;
use crate::error::Result;
use crate::frame::DataFrame;
use crate::size::ByteSize;
use crate::writing::{Writing, Written};

/// What is to be written, and how: a [`crate::ParquetWriter`] or a [`crate::RowsWriter`], by its options. Nothing runs before
/// [`Writer::write`].
///
/// The data set appears at once, when all of it is on the disk: readers see nothing, or what was there before,
/// until then; and so they do after an error, Ctrl-C or a crash.
#[derive(Debug, Clone)]
#[must_use = "nothing is written before write()"]
pub struct Writer<O> {
    pub(crate) writing: Writing,
    pub(crate) options: O,
}

/// Options of a format, as far as all formats have them.
pub trait OutputOptions: Clone + Into<Format> {
    /// Bytes after which a part is full.
    #[doc(hidden)]
    fn part_bytes_mut(&mut self) -> &mut u64;

    /// Whether every partition has a part of its own.
    #[doc(hidden)]
    fn file_per_partition_mut(&mut self) -> &mut bool;
}

impl OutputOptions for WriteOptions {
    fn part_bytes_mut(&mut self) -> &mut u64 {
        &mut self.part_bytes
    }

    fn file_per_partition_mut(&mut self) -> &mut bool {
        &mut self.file_per_partition
    }
}

impl OutputOptions for RowsOptions {
    fn part_bytes_mut(&mut self) -> &mut u64 {
        &mut self.part_bytes
    }

    fn file_per_partition_mut(&mut self) -> &mut bool {
        &mut self.file_per_partition
    }
}

impl<O: OutputOptions> Writer<O> {
    pub(crate) fn new(frame: DataFrame, target: Inputs, options: O) -> Self {
        Self { writing: Writing::new(frame, target), options }
    }

    pub(crate) fn set(mut self, change: impl FnOnce(&mut O)) -> Self {
        change(&mut self.options);
        self
    }

    /// All options of encoding and cutting at once.
    pub fn options(mut self, options: O) -> Self {
        self.options = options;
        self
    }

    /// Bytes after which a part is full, as a number or as text; default 256 MiB. Parts are cut between partitions
    /// only.
    pub fn part_size(mut self, bytes: impl Into<ByteSize>) -> Self {
        if let Some(bytes) = self.writing.bytes(&bytes.into()) {
            *self.options.part_bytes_mut() = bytes;
        }
        self
    }

    /// One part for every partition, whatever its size.
    pub fn file_per_partition(self, each: bool) -> Self {
        self.set(|options| *options.file_per_partition_mut() = each)
    }

    /// Whether what is at the target is replaced, in one step when the new is complete; default no: then a target
    /// that is not empty is an error.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.writing.overwrite = overwrite;
        self
    }

    /// Whether the new parts are added to the data set at the target, in one step when they are complete; default no. It must
    /// have been written by this program and have the same columns; with [`crate::OnMismatch::Widen`] new columns that are
    /// narrower get the old types, and those that are not there are null. Where there is nothing, it is written as ever.
    pub fn append(mut self, append: bool) -> Self {
        self.writing.append = append;
        self
    }

    /// Whether to go on where an earlier run of the same job ended: the same inputs, unchanged, the same options and columns.
    /// Parts that it finished are kept; where something does not fit, [`Written::notes`] say what, and all is done again. If
    /// the target is what the job would write, nothing is done. After an error or a cancellation finished parts stay beside
    /// the target for the next run. Default no.
    ///
    /// Frames in memory and functions cannot be compared; jobs with them, and those that write a single file, begin again.
    pub fn resume(mut self, resume: bool) -> Self {
        self.writing.resume = resume;
        self
    }

    /// One file rather than a folder; also where the target's name ends as those of the files do (`.parquet`, `.csv`, ..).
    pub fn single_file(mut self, single: bool) -> Self {
        self.writing.single_file = single;
        self
    }

    /// Whether everything is on the disk before the data set appears; default yes.
    pub fn sync(mut self, sync: bool) -> Self {
        self.writing.sync = sync;
        self
    }

    /// What the manifest says about the job, as JSON.
    pub fn job(mut self, job: serde_json::Value) -> Self {
        self.writing.job = job;
        self
    }

    /// A handle by which another thread can end the run: `cancel()` leaves the target as it was.
    pub fn cancel_token(&self) -> CancelToken {
        self.writing.cancel_token()
    }

    /// Counters that grow while it runs.
    pub fn progress(&self) -> Arc<Progress> {
        self.writing.progress()
    }

    /// Runs, and commits the data set.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain; a target that is not empty, is an input, or is being written by
    /// another; whatever goes wrong while it runs. The target is as it was then, and nothing is left beside it.
    pub fn write(self) -> Result<Written> {
        self.ready().write()
    }

    /// Checks the target as [`Writer::write`] does at its start, and touches nothing.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain; a target that is not empty, is an input, or is of the wrong kind;
    /// options that do not go with the columns.
    pub fn check(&self) -> Result<()> {
        self.ready().check()
    }

    /// Bytes of input that [`Writer::write`] will read, as they lie in their files.
    ///
    /// # Errors
    /// The first wrong call of the frame's chain.
    pub fn input_bytes(&self) -> Result<u64> {
        self.writing.input_bytes()
    }

    /// All that was said.
    fn ready(&self) -> Writing {
        self.writing.in_format(self.options.clone().into())
    }
}
