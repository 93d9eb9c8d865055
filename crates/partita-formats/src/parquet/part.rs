//! Row groups to a file.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;
use xxhash_rust::xxh3::Xxh3;

use crate::error::Result;
use crate::parquet::layout::Layout;
use crate::parquet::options::WriteOptions;
use crate::parquet::row_group::EncodedRowGroup;

/// What a finished part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSummary {
    /// Number of rows.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Number of row groups.
    pub row_groups: usize,
    /// XXH3 (64 bits, seed 0) of all bytes of the file.
    pub xxh3: u64,
}

/// Writes one Parquet file from encoded row groups.
pub struct PartWriter<W: Write + Send> {
    writer: SerializedFileWriter<Hashing<W>>,
    rows: u64,
    row_groups: usize,
}

impl<W: Write + Send> PartWriter<W> {
    /// Begins a file; `metadata` is added to the footer's keys and values.
    ///
    /// # Errors
    /// As [`Layout::new`], and whatever the sink reports.
    pub fn new(
        sink: W,
        schema: SchemaRef,
        options: &WriteOptions,
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        let mut part = Self::with_layout(sink, Layout::new(schema, options)?.as_ref())?;
        for (key, value) in metadata {
            part.add_metadata(key, value);
        }
        Ok(part)
    }

    /// Begins a file of a layout.
    ///
    /// # Errors
    /// Whatever the sink reports.
    pub fn with_layout(sink: W, layout: &Layout) -> Result<Self> {
        let writer = SerializedFileWriter::new(
            Hashing::new(sink),
            Arc::clone(layout.root()),
            Arc::clone(layout.properties()),
        )?;
        Ok(Self { writer, rows: 0, row_groups: 0 })
    }

    /// Adds a key and its value to the footer.
    pub fn add_metadata(&mut self, key: String, value: String) {
        self.writer.append_key_value_metadata(KeyValue::new(key, value));
    }

    /// Appends a row group; one without rows leaves no trace.
    ///
    /// # Errors
    /// Whatever the sink reports, or the file in which the pages wait. The part is of no use afterwards.
    pub fn append(&mut self, row_group: EncodedRowGroup) -> Result<()> {
        if row_group.rows() == 0 {
            return Ok(());
        }
        self.rows += row_group.rows();
        self.row_groups += 1;
        let mut writer = self.writer.next_row_group()?;
        for chunk in row_group.chunks {
            chunk.append(&mut writer)?;
        }
        writer.close()?;
        Ok(())
    }

    /// Number of rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of the row groups so far; the footer comes on top.
    pub fn bytes(&self) -> u64 {
        self.writer.bytes_written() as u64
    }

    /// Writes the footer; gives the sink back.
    ///
    /// # Errors
    /// Whatever the sink reports.
    pub fn finish(mut self) -> Result<(PartSummary, W)> {
        // Not `into_inner`, whose errors have lost what the sink reported.
        self.writer.finish()?;
        let hashing = self.writer.inner_mut();
        hashing.pass_on().map_err(ParquetError::from)?;
        let summary = PartSummary {
            rows: self.rows,
            bytes: hashing.bytes,
            row_groups: self.row_groups,
            xxh3: hashing.hash.digest(),
        };
        let sink = hashing.sink.take().ok_or_else(|| ParquetError::from(gone()))?;
        Ok((summary, sink))
    }
}

/// Bytes that are written at once: pages come in pieces of 8 KiB.
const WRITE_BYTES: usize = 128 << 10;

/// A sink that hashes and counts what passes.
pub(crate) struct Hashing<W> {
    /// There until it is given back.
    sink: Option<W>,
    hash: Xxh3,
    bytes: u64,
    /// What has not been passed on.
    waiting: Vec<u8>,
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(sink: W) -> Self {
        Self { sink: Some(sink), hash: Xxh3::new(), bytes: 0, waiting: Vec::new() }
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Passes on what waits: bytes, XXH3 of them, and the sink.
    pub(crate) fn finish(mut self) -> io::Result<(u64, u64, W)> {
        self.pass_on()?;
        Ok((self.bytes, self.hash.digest(), self.sink.take().ok_or_else(gone)?))
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.sink.as_mut().ok_or_else(gone)?.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.hash.update(buffer);
        self.bytes += buffer.len() as u64;
        if self.waiting.is_empty() && buffer.len() >= WRITE_BYTES {
            self.sink.as_mut().ok_or_else(gone)?.write_all(buffer)?;
            return Ok(buffer.len());
        }
        self.waiting.extend_from_slice(buffer);
        if self.waiting.len() >= WRITE_BYTES {
            self.pass_on()?;
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on()?;
        self.sink.as_mut().map_or(Ok(()), Write::flush)
    }
}

fn gone() -> io::Error {
    io::Error::other("the part is finished")
}
