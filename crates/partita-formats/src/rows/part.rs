//! Pieces to a file.

use std::io::{self, Write};
use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::parquet::part::Hashing;
use crate::parquet::{EncodedRowGroup, MessageSize, PartSummary};
use crate::rows::options::RowsLayout;

/// Writes one file of rows from encoded pieces.
pub struct RowsPart<W: Write> {
    sink: Hashing<W>,
    layout: Arc<RowsLayout>,
    messages: Vec<MessageSize>,
    rows: u64,
    pieces: usize,
}

impl<W: Write> RowsPart<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// Whatever the sink reports.
    pub fn new(sink: W, layout: &Arc<RowsLayout>) -> Result<Self> {
        let mut sink = Hashing::new(sink);
        sink.write_all(layout.head()).map_err(failed)?;
        Ok(Self { sink, layout: Arc::clone(layout), messages: Vec::new(), rows: 0, pieces: 0 })
    }

    /// Appends a piece.
    ///
    /// # Errors
    /// Whatever the sink reports, or the file in which the piece waits. The part is of no use afterwards.
    pub fn append(&mut self, piece: EncodedRowGroup) -> Result<()> {
        self.rows += piece.rows();
        self.pieces += 1;
        self.messages.extend(piece.message());
        Ok(piece.write_bytes(&mut self.sink).map_err(failed)?)
    }

    /// Number of rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes so far; what ends the file comes on top.
    pub fn bytes(&self) -> u64 {
        self.sink.bytes()
    }

    /// Ends the file; gives the sink back.
    ///
    /// # Errors
    /// Whatever the sink reports.
    pub fn finish(mut self) -> Result<(PartSummary, W)> {
        let tail = self.layout.tail(&self.messages)?;
        self.sink.write_all(&tail).map_err(failed)?;
        let (bytes, xxh3, sink) = self.sink.finish().map_err(failed)?;
        Ok((PartSummary { rows: self.rows, bytes, row_groups: self.pieces, xxh3 }, sink))
    }
}

fn failed(source: io::Error) -> ErrorKind {
    ErrorKind::Io { file: "output".to_owned(), source }
}
