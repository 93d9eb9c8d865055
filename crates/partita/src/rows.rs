//! Writing files of rows: CSV.

use std::io::Write;
use std::sync::Arc;

use partita_formats::rows::{CsvOptions, RowsEncoder, RowsFormat, RowsLayout, RowsOptions};
use partita_runtime::cancel::CancelToken;
use partita_runtime::progress::Progress;

use crate::context::Inputs;
use crate::error::{ErrorKind, Result};
use crate::frame::DataFrame;
use crate::size::ByteSize;
use crate::writing::{Writing, Written};

/// Bytes that are handed to a stream at once.
const STREAM_BYTES: usize = 256 << 10;

/// What is to be written as files of rows, and how. Nothing runs before [`RowsWriter::write`].
///
/// As with Parquet, a target appears at once, when all of it is on the disk. A folder holds `part-00000.csv`, `part-00001.csv`, .. in
/// row order, each with its own header, and a manifest.
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("trips.csv");
/// # std::fs::write(&path, "zone,fare\nA,12.50\nB,0\n").unwrap();
/// let trips = partita::read_csv(&path).load()?;
/// trips.filter(col("fare").gt(lit(0.0))).to_csv(folder.path().join("paid.csv")).write()?;
/// assert_eq!(std::fs::read_to_string(folder.path().join("paid.csv")).unwrap(), "zone,fare\nA,12.5\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is written before write()"]
pub struct RowsWriter {
    writing: Writing,
    options: RowsOptions,
}

impl RowsWriter {
    pub(crate) fn new(frame: DataFrame, target: Inputs, format: RowsFormat) -> Self {
        Self { writing: Writing::new(frame, target), options: RowsOptions::new(format) }
    }

    fn csv(mut self, change: impl FnOnce(&mut CsvOptions)) -> Self {
        match &mut self.options.format {
            RowsFormat::Csv(csv) => change(csv),
            other => {
                let message = format!("an option of CSV was set on a writer of {}", other.extension());
                self.writing.refuse(ErrorKind::Option(message).into());
            }
        }
        self
    }

    /// The byte between fields; default a comma.
    pub fn separator(self, separator: u8) -> Self {
        self.csv(|csv| csv.separator = separator)
    }

    /// The byte around fields that need it; default `"`.
    pub fn quote(self, quote: u8) -> Self {
        self.csv(|csv| csv.quote = quote)
    }

    /// What stands for null; default nothing. Texts that are this word are quoted.
    pub fn null_value(self, word: &str) -> Self {
        self.csv(|csv| word.clone_into(&mut csv.null_value))
    }

    /// Whether files begin with the names of the columns; default yes.
    pub fn header(self, header: bool) -> Self {
        self.csv(|csv| csv.header = header)
    }

    /// Bytes after which a part is full, as a number or as text; default 256 MiB. Parts are cut between partitions only.
    pub fn part_size(mut self, bytes: impl Into<ByteSize>) -> Self {
        if let Some(bytes) = self.writing.bytes(&bytes.into()) {
            self.options.part_bytes = bytes;
        }
        self
    }

    /// One file for every partition, whatever its size.
    pub fn file_per_partition(mut self, each: bool) -> Self {
        self.options.file_per_partition = each;
        self
    }

    /// Whether what is at the target is replaced, as by [`crate::ParquetWriter::overwrite`]; default no.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.writing.overwrite = overwrite;
        self
    }

    /// Whether the new parts are added to the data set at the target, as by [`crate::ParquetWriter::append`]; default no.
    pub fn append(mut self, append: bool) -> Self {
        self.writing.append = append;
        self
    }

    /// Whether to go on where an earlier run of the same job ended, as by [`crate::ParquetWriter::resume`]; default no. A single
    /// file has no place for a manifest, and is written again.
    pub fn resume(mut self, resume: bool) -> Self {
        self.writing.resume = resume;
        self
    }

    /// One file rather than a folder; also where the target's name ends as those of the files do (`.csv`).
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

    /// Runs, and commits the files.
    ///
    /// # Errors
    /// As [`crate::ParquetWriter::write`]; and a column that the format cannot hold.
    pub fn write(self) -> Result<Written> {
        self.ready().write()
    }

    /// Hands the rows, in order, to a stream, as one file: no target, and nothing to undo. Returns the number of rows.
    ///
    /// # Errors
    /// A column that the format cannot hold, whatever goes wrong while it runs, and what the stream reports.
    pub fn write_to(self, out: &mut dyn Write) -> Result<u64> {
        let frame = self.writing.frame().with_cancel(&self.writing.cancel_token());
        let layout = RowsLayout::new(frame.schema()?, &self.options)?;
        let failed = |source| ErrorKind::Io { path: "output".to_owned(), source };
        out.write_all(layout.head()).map_err(failed)?;
        let (mut encoder, mut rows) = (RowsEncoder::new(layout), 0);
        for batch in frame.batches()? {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            encoder.write(&batch)?;
            if encoder.bytes() >= STREAM_BYTES {
                out.write_all(&encoder.take_bytes()).map_err(failed)?;
            }
        }
        out.write_all(&encoder.take_bytes()).and_then(|()| out.flush()).map_err(failed)?;
        Ok(rows)
    }

    /// Checks the target as [`RowsWriter::write`] does at its start, and touches nothing.
    ///
    /// # Errors
    /// As [`crate::ParquetWriter::check`].
    pub fn check(&self) -> Result<()> {
        self.ready().check()
    }

    /// Bytes of input that [`RowsWriter::write`] will read, as they lie in their files.
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
