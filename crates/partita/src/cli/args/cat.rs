//! `partita cat`: where rows go, and in which format.

use std::path::{Path, PathBuf};

use clap::Args;
use partita::{CsvOptions, IpcCompression, IpcOptions, NdjsonOptions, RowsFormat};

use crate::cli::failure::Failure;
use crate::cli::values;

/// A format that rows are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CatFormat {
    Parquet,
    Csv,
    Tsv,
    Ndjson,
    Ipc,
}

const FORMATS: &[(&str, &str, CatFormat)] = &[
    ("csv", "comma-separated values", CatFormat::Csv),
    ("tsv", "the same, between tabs", CatFormat::Tsv),
    ("ndjson", "newline-delimited JSON, an object a line", CatFormat::Ndjson),
    ("arrow", "Arrow IPC, the file format (Feather 2)", CatFormat::Ipc),
    ("parquet", "Parquet, with the options that convert has by default", CatFormat::Parquet),
];

/// What the name of a target ends in, and the format that is meant.
const EXTENSIONS: &[(&str, CatFormat)] = &[
    ("csv", CatFormat::Csv),
    ("tsv", CatFormat::Tsv),
    ("ndjson", CatFormat::Ndjson),
    ("jsonl", CatFormat::Ndjson),
    ("arrow", CatFormat::Ipc),
    ("feather", CatFormat::Ipc),
    ("ipc", CatFormat::Ipc),
    ("parquet", CatFormat::Parquet),
];

const IPC_COMPRESSIONS: &[(&str, &str, IpcCompression)] = &[
    ("none", "not at all: other programs can map the file", IpcCompression::None),
    ("lz4", "LZ4", IpcCompression::Lz4),
    ("zstd", "Zstandard", IpcCompression::Zstd),
];

#[derive(Debug, Args)]
#[command(next_help_heading = "Writing rows")]
pub(crate) struct CatArgs {
    /// Where to write: a file, a folder of parts, or - for standard output
    ///
    /// What the name ends in says the format: .csv, .tsv, .ndjson, .jsonl, .arrow, .feather, .ipc or .parquet. Files and
    /// folders appear at once, when all is on the disk.
    #[arg(long, value_name = "FILE|DIR|-", default_value = "-", value_parser = values::path)]
    pub(crate) to: PathBuf,

    /// The format [default: what the name ends in; csv on standard output]
    #[arg(long, value_name = "NAME", value_parser = values::one_of(FORMATS))]
    format: Option<CatFormat>,

    /// Replace what is at the target
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Character between fields that are written: one ASCII character, or the word tab [default: ,]
    #[arg(long, value_name = "CHAR", value_parser = values::byte)]
    to_separator: Option<u8>,

    /// What is written for null [default: nothing]
    #[arg(long, value_name = "WORD")]
    to_null: Option<String>,

    /// Write no line with the names of the columns
    #[arg(long)]
    to_no_header: bool,

    /// Leave the keys of nulls out of lines of JSON
    #[arg(long)]
    to_skip_nulls: bool,

    /// How the buffers of Arrow IPC are compressed [default: none]
    #[arg(long, value_name = "NAME", value_parser = values::one_of(IPC_COMPRESSIONS))]
    to_compression: Option<IpcCompression>,
}

impl CatArgs {
    /// Whether rows go to standard output.
    pub(crate) fn is_stream(&self) -> bool {
        self.to == Path::new("-")
    }

    /// Whether the target is one file: its name says so.
    pub(crate) fn is_file(&self) -> bool {
        let is_folder = self.to.as_os_str().as_encoded_bytes().ends_with(b"/") || self.to.is_dir();
        self.named().is_some() && !is_folder
    }

    /// What the name of the target says.
    fn named(&self) -> Option<CatFormat> {
        let extension = self.to.extension()?;
        let known = EXTENSIONS.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known));
        known.map(|(_, format)| *format)
    }

    /// The format that is meant; `None`: Parquet.
    ///
    /// # Errors
    /// Wrong usage: a name that says none, Parquet on standard output, options of one format for another.
    pub(crate) fn rows_format(&self) -> Result<Option<RowsFormat>, Failure> {
        let format = match (self.format, self.named()) {
            (Some(format), _) => format,
            (None, _) if self.is_stream() => CatFormat::Csv,
            (None, Some(format)) => format,
            (None, None) => {
                let known: Vec<_> = EXTENSIONS.iter().map(|(extension, _)| format!(".{extension}")).collect();
                let (to, known) = (self.to.display(), known.join(", "));
                return Err(Failure::usage(format!(
                    "--to {to}: expected a name that ends in {known}; or say the format with --format"
                )));
            }
        };
        let is_csv = matches!(format, CatFormat::Csv | CatFormat::Tsv);
        if !is_csv && (self.to_separator.is_some() || self.to_null.is_some() || self.to_no_header) {
            let message = "--to-separator, --to-null and --to-no-header go with CSV alone; leave them out";
            return Err(Failure::usage(message));
        }
        if format != CatFormat::Ndjson && self.to_skip_nulls {
            return Err(Failure::usage(
                "--to-skip-nulls goes with newline-delimited JSON alone; leave it out",
            ));
        }
        if format != CatFormat::Ipc && self.to_compression.is_some() {
            return Err(Failure::usage("--to-compression goes with Arrow IPC alone; leave it out"));
        }
        match format {
            CatFormat::Parquet if self.is_stream() => {
                Err(Failure::usage("--to -: Parquet is no stream, its end is written back to; name a file"))
            }
            CatFormat::Parquet => Ok(None),
            CatFormat::Csv => self.csv(b',').map(Some),
            CatFormat::Tsv => self.csv(b'\t').map(Some),
            CatFormat::Ndjson => {
                Ok(Some(RowsFormat::Ndjson(NdjsonOptions { skip_nulls: self.to_skip_nulls })))
            }
            CatFormat::Ipc => {
                let compression = self.to_compression.unwrap_or_default();
                Ok(Some(RowsFormat::Ipc(IpcOptions { compression })))
            }
        }
    }

    fn csv(&self, separator: u8) -> Result<RowsFormat, Failure> {
        let csv = CsvOptions {
            separator: self.to_separator.unwrap_or(separator),
            null_value: self.to_null.clone().unwrap_or_default(),
            header: !self.to_no_header,
            ..CsvOptions::default()
        };
        csv.check().map_err(Failure::usage)?;
        Ok(RowsFormat::Csv(csv))
    }
}
