//! Writing files of rows: CSV, newline-delimited JSON, Arrow IPC.

use std::io::Write;

use partita_formats::rows::{
    CsvOptions, IpcCompression, IpcOptions, NdjsonOptions, PIECE_BYTES, RowsEncoder, RowsFormat, RowsLayout,
    RowsOptions, RowsPart,
};

use crate::error::{ErrorKind, Result};
use crate::writer::Writer;

/// Bytes of text that are handed to a stream at once.
const STREAM_BYTES: usize = 256 << 10;

/// Files of rows that are to be written, and how. Nothing runs before [`Writer::write`].
///
/// As with Parquet, a target appears at once, when all of it is on the disk. A folder holds `part-00000.csv`, `part-00001.csv`, .. in
/// row order, each complete by itself, and a manifest; a single file has no place for one.
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
pub type RowsWriter = Writer<RowsOptions>;

impl Writer<RowsOptions> {
    fn csv(mut self, change: impl FnOnce(&mut CsvOptions)) -> Self {
        match &mut self.options.format {
            RowsFormat::Csv(csv) => change(csv),
            _ => self.refuse_option("CSV"),
        }
        self
    }

    fn ndjson(mut self, change: impl FnOnce(&mut NdjsonOptions)) -> Self {
        match &mut self.options.format {
            RowsFormat::Ndjson(ndjson) => change(ndjson),
            _ => self.refuse_option("newline-delimited JSON"),
        }
        self
    }

    fn ipc(mut self, change: impl FnOnce(&mut IpcOptions)) -> Self {
        match &mut self.options.format {
            RowsFormat::Ipc(ipc) => change(ipc),
            _ => self.refuse_option("Arrow IPC"),
        }
        self
    }

    fn refuse_option(&mut self, of: &str) {
        let extension = self.options.format.extension();
        let message = format!("an option of {of} was set on a writer of {extension}; leave it out");
        self.writing.refuse(ErrorKind::Option(message).into());
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

    /// Whether the keys of nulls are left out of lines of JSON, in place of writing `null`; default no.
    pub fn skip_nulls(self, skip: bool) -> Self {
        self.ndjson(|ndjson| ndjson.skip_nulls = skip)
    }

    /// How the buffers of Arrow IPC are compressed; default not at all, so that other programs can map the files.
    pub fn ipc_compression(self, compression: IpcCompression) -> Self {
        self.ipc(|ipc| ipc.compression = compression)
    }

    /// Hands the rows, in order, to a stream, as one file: no target, and nothing to undo. Returns the number of rows.
    ///
    /// # Errors
    /// A column that the format cannot hold, whatever goes wrong while it runs, and what the stream reports.
    pub fn write_to(self, out: &mut dyn Write) -> Result<u64> {
        let frame = self.writing.frame().with_cancel(&self.writing.cancel_token());
        let layout = RowsLayout::new(frame.schema()?, &self.options)?;
        let at_once =
            if matches!(self.options.format, RowsFormat::Ipc(_)) { PIECE_BYTES } else { STREAM_BYTES };
        let mut file = RowsPart::new(out, &layout)?;
        let mut encoder = RowsEncoder::new(layout);
        for batch in frame.batches()? {
            encoder.write(&batch?)?;
            if encoder.bytes() >= at_once {
                file.append(encoder.take()?)?;
            }
        }
        file.append(encoder.take()?)?;
        let (summary, out) = file.finish()?;
        out.flush().map_err(|source| ErrorKind::Io { path: "output".to_owned(), source })?;
        Ok(summary.rows)
    }
}
