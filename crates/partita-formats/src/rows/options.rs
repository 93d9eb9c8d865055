//! How files of rows are written.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};
use crate::parquet::MessageSize;
use crate::parquet::options::PART_BYTES_MIN;
use crate::rows::csv::{self, CsvOptions};
use crate::rows::ipc::{self, IpcOptions};
use crate::rows::ndjson::{self, NdjsonOptions};

/// What the rows of a file look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RowsFormat {
    /// Comma-separated values.
    Csv(CsvOptions),
    /// Newline-delimited JSON.
    Ndjson(NdjsonOptions),
    /// Arrow IPC, the file format: Feather 2.
    Ipc(IpcOptions),
}

impl RowsFormat {
    /// What the names of files end in, without the dot.
    pub fn extension(&self) -> &'static str {
        self.extensions()[0]
    }

    /// The same, and other endings by which files of the format are known.
    pub fn extensions(&self) -> &'static [&'static str] {
        match self {
            RowsFormat::Csv(_) => &["csv"],
            RowsFormat::Ndjson(_) => &["ndjson", "jsonl"],
            RowsFormat::Ipc(_) => &["arrow", "feather", "ipc"],
        }
    }

    /// What every file begins and ends with; nothing where there is no such thing.
    pub fn magic(&self) -> &'static [u8] {
        match self {
            RowsFormat::Csv(_) | RowsFormat::Ndjson(_) => b"",
            RowsFormat::Ipc(_) => ipc::MAGIC,
        }
    }
}

/// How files of rows are written and cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsOptions {
    /// What the rows look like.
    pub format: RowsFormat,
    /// Bytes after which a part is full, at least 1 MiB.
    pub part_bytes: u64,
    /// One part for every partition, whatever its size.
    pub file_per_partition: bool,
    /// The writer's name, for the manifest.
    pub created_by: String,
}

impl RowsOptions {
    /// The defaults of a format: parts of 256 MiB.
    pub fn new(format: RowsFormat) -> Self {
        let created_by = concat!("partita version ", env!("CARGO_PKG_VERSION")).to_owned();
        Self { format, part_bytes: 256 << 20, file_per_partition: false, created_by }
    }

    /// Checks what can be checked without a schema.
    ///
    /// # Errors
    /// [`ErrorKind::Options`] naming the option, what it may be and what it is.
    pub fn check(&self) -> Result<()> {
        if self.part_bytes < PART_BYTES_MIN {
            let message =
                format!("part_bytes: expected at least {PART_BYTES_MIN} (1 MiB), got {}", self.part_bytes);
            return Err(ErrorKind::Options(message).into());
        }
        match &self.format {
            RowsFormat::Csv(csv) => csv.check(),
            RowsFormat::Ndjson(_) | RowsFormat::Ipc(_) => Ok(()),
        }
    }
}

/// Schema and options of files of rows, made ready once.
#[derive(Debug)]
pub struct RowsLayout {
    schema: SchemaRef,
    written: SchemaRef,
    options: RowsOptions,
    head: Vec<u8>,
}

impl RowsLayout {
    /// Checks `options` against `schema`.
    ///
    /// # Errors
    /// [`ErrorKind::Options`] where an option is out of range, or a column has a type that the format cannot hold.
    pub fn new(schema: SchemaRef, options: &RowsOptions) -> Result<Arc<Self>> {
        options.check()?;
        let mut written = Arc::clone(&schema);
        let head = match &options.format {
            RowsFormat::Csv(csv) => {
                csv::check_schema(&schema)?;
                csv::header(&schema, csv)
            }
            RowsFormat::Ndjson(_) => {
                ndjson::check_schema(&schema)?;
                Vec::new()
            }
            RowsFormat::Ipc(ipc) => {
                written = ipc::written_schema(&schema);
                ipc::head(&written, ipc)?
            }
        };
        Ok(Arc::new(Self { schema, written, options: options.clone(), head }))
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The schema of the files.
    pub fn written_schema(&self) -> &SchemaRef {
        &self.written
    }

    /// The options.
    pub fn options(&self) -> &RowsOptions {
        &self.options
    }

    /// What a file begins with.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// What a file ends with that has these messages behind its head.
    ///
    /// # Errors
    /// Where they are too many or too large for the format.
    pub(super) fn tail(&self, messages: &[MessageSize]) -> Result<Vec<u8>> {
        match &self.options.format {
            RowsFormat::Csv(_) | RowsFormat::Ndjson(_) => Ok(Vec::new()),
            RowsFormat::Ipc(ipc) => ipc::tail(&self.written, ipc, self.head.len(), messages),
        }
    }
}
