//! What a data set is written as: one name for all formats.

use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::parquet::{EncodedRowGroup, Layout, PartSummary, PartWriter, WriteOptions};
use crate::rows::{RowsLayout, RowsOptions, RowsPart};

/// A format, and how its files are encoded and cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Format {
    /// Files of rows: told by their field `format`.
    Rows(Box<RowsOptions>),
    /// Parquet.
    Parquet(Box<WriteOptions>),
}

impl Default for Format {
    fn default() -> Self {
        WriteOptions::default().into()
    }
}

impl From<WriteOptions> for Format {
    fn from(options: WriteOptions) -> Self {
        Format::Parquet(Box::new(options))
    }
}

impl From<RowsOptions> for Format {
    fn from(options: RowsOptions) -> Self {
        Format::Rows(Box::new(options))
    }
}

impl Format {
    /// What the names of files end in, without the dot.
    pub fn extension(&self) -> &'static str {
        match self {
            Format::Rows(options) => options.format.extension(),
            Format::Parquet(_) => "parquet",
        }
    }

    /// Whether a name ends as those of single files do.
    pub fn names_file(&self, extension: &str) -> bool {
        match self {
            Format::Rows(options) => options.format.extensions().contains(&extension),
            Format::Parquet(_) => extension == "parquet",
        }
    }

    /// What every file begins and ends with; nothing where there is no such thing.
    pub fn magic(&self) -> &'static [u8] {
        match self {
            Format::Rows(options) => options.format.magic(),
            Format::Parquet(_) => b"PAR1",
        }
    }

    /// Bytes after which a part is full.
    pub fn part_bytes(&self) -> u64 {
        match self {
            Format::Rows(options) => options.part_bytes,
            Format::Parquet(options) => options.part_bytes,
        }
    }

    /// Whether every partition has a part of its own.
    pub fn file_per_partition(&self) -> bool {
        match self {
            Format::Rows(options) => options.file_per_partition,
            Format::Parquet(options) => options.file_per_partition,
        }
    }

    /// Columns whose values are the names of folders.
    pub fn partition_on(&self) -> &[String] {
        match self {
            Format::Rows(_) => &[],
            Format::Parquet(options) => &options.partition_on,
        }
    }

    /// The writer's name.
    pub fn created_by(&self) -> &str {
        match self {
            Format::Rows(options) => &options.created_by,
            Format::Parquet(options) => &options.created_by,
        }
    }
}

/// Schema and options of a data set, made ready once.
#[derive(Debug, Clone)]
pub enum FileLayout {
    /// Of files of rows.
    Rows(Arc<RowsLayout>),
    /// Of Parquet.
    Parquet(Arc<Layout>),
}

impl FileLayout {
    /// Checks a format against `schema`.
    ///
    /// # Errors
    /// As [`Layout::new`] and [`RowsLayout::new`].
    pub fn new(schema: SchemaRef, format: &Format) -> Result<Self> {
        Ok(match format {
            Format::Rows(options) => FileLayout::Rows(RowsLayout::new(schema, options)?),
            Format::Parquet(options) => FileLayout::Parquet(Layout::new(schema, options)?),
        })
    }

    /// The schema that the files declare.
    pub fn written_schema(&self) -> &SchemaRef {
        match self {
            FileLayout::Rows(layout) => layout.written_schema(),
            FileLayout::Parquet(layout) => layout.written_schema(),
        }
    }

    /// The columns that are in the names of folders, outermost first.
    pub fn key_columns(&self) -> &[FieldRef] {
        match self {
            FileLayout::Rows(_) => &[],
            FileLayout::Parquet(layout) => layout.key_columns(),
        }
    }
}

/// Writes one file of a data set.
pub enum FileWriter<W: Write + Send> {
    /// Of rows.
    Rows(Box<RowsPart<W>>),
    /// Parquet.
    Parquet(Box<PartWriter<W>>),
}

impl<W: Write + Send> FileWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// Whatever the sink reports.
    pub fn new(sink: W, layout: &FileLayout) -> Result<Self> {
        Ok(match layout {
            FileLayout::Rows(layout) => FileWriter::Rows(Box::new(RowsPart::new(sink, layout)?)),
            FileLayout::Parquet(layout) => {
                FileWriter::Parquet(Box::new(PartWriter::with_layout(sink, layout)?))
            }
        })
    }

    /// Appends what a task has encoded.
    ///
    /// # Errors
    /// Whatever the sink reports, or the file in which it waits. The file is of no use afterwards.
    pub fn append(&mut self, encoded: EncodedRowGroup) -> Result<()> {
        match self {
            FileWriter::Rows(part) => part.append(encoded),
            FileWriter::Parquet(part) => part.append(encoded),
        }
    }

    /// Has the file carry a text under a key, where its format has a place for that.
    pub fn add_metadata(&mut self, key: String, value: String) {
        match self {
            FileWriter::Rows(_) => {}
            FileWriter::Parquet(part) => part.add_metadata(key, value),
        }
    }

    /// Number of rows so far.
    pub fn rows(&self) -> u64 {
        match self {
            FileWriter::Rows(part) => part.rows(),
            FileWriter::Parquet(part) => part.rows(),
        }
    }

    /// Bytes so far; what ends the file comes on top.
    pub fn bytes(&self) -> u64 {
        match self {
            FileWriter::Rows(part) => part.bytes(),
            FileWriter::Parquet(part) => part.bytes(),
        }
    }

    /// Ends the file; gives the sink back.
    ///
    /// # Errors
    /// Whatever the sink reports.
    pub fn finish(self) -> Result<(PartSummary, W)> {
        match self {
            FileWriter::Rows(part) => part.finish(),
            FileWriter::Parquet(part) => part.finish(),
        }
    }
}
