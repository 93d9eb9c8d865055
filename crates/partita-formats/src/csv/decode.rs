//! Marked fields to Arrow columns, a column at a time.
//!
//! For each chunk the fields of one column are gathered as spans, and one typed loop runs over them. A loop
//! knows one fast shape of its type (short plain digits, `YYYY-MM-DD HH:MM:SS`); whatever else stands in the field
//! (quotes, blanks, signs, nulls, wrong values) takes the slow way, which is the meaning of the fast one.

pub(crate) mod fast;
mod layout;
mod parsers;
mod rules;
mod sinks;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

pub use layout::Irregular;
pub(crate) use layout::{Layout, Span};
pub(crate) use rules::{Rules, Slow};
use sinks::{Sink, sink};

use super::infer::kinds::classify;
use super::mismatch::{Mismatch, MismatchTable};
use super::reader::{ColumnSource, ColumnSpec, CsvBlock};
use super::records::Records;
use super::text::Encoding;
use crate::error::Result;

/// What a loop over one column of one chunk can see.
pub(crate) struct Chunk<'a> {
    /// The bytes that the spans point into.
    bytes: &'a [u8],
    /// Every byte of the chunk is text as it stands.
    verbatim: bool,
}

/// A value that does not fit, as a sink reports it.
pub(crate) struct Misfit {
    /// Row in the chunk.
    row: u32,
    /// First byte of the field in the chunk.
    start: u32,
    /// The value, cut.
    text: Vec<u8>,
    /// It is not text in the encoding.
    not_text: bool,
}

/// The columns of one batch under construction, used again for the next one.
pub struct Columns {
    schema: SchemaRef,
    specs: Vec<ColumnSpec>,
    columns: Vec<Column>,
    layout: Layout,
    spans: Vec<Span>,
    encoding: Encoding,
    has_text: bool,
    file: String,
    rows: usize,
    rows_cap: usize,
    batch_bytes_max: usize,
    misfits: Vec<Misfit>,
}

struct Column {
    field: Option<usize>,
    rules: Rules,
    sink: Box<dyn Sink>,
    mismatch: Option<Mismatch>,
}

impl Columns {
    /// Builders for the columns of `block`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Options`] where a date format, a zone or a type cannot be read.
    pub fn new(block: &CsvBlock) -> Result<Self> {
        let row_bytes: usize = block.columns.iter().map(|column| value_bytes(&column.data_type)).sum();
        let limits = block.limits;
        // The text behind the views is watched while it grows; this bounds the part that is known before.
        let rows_cap = (limits.batch_bytes_max / row_bytes.max(1)).clamp(1, limits.batch_rows_max.max(1));
        let columns = block
            .columns
            .iter()
            .map(|spec| {
                let rules = Rules::new(block, spec)?;
                let field = match spec.source {
                    ColumnSource::Field(index) => Some(index),
                    ColumnSource::Missing | ColumnSource::Path => None,
                };
                let sink = sink(block, spec, &rules, rows_cap)?;
                Ok(Column { field, rules, sink, mismatch: None })
            })
            .collect::<Result<Vec<_>>>()?;
        let is_text = |spec: &ColumnSpec| spec.data_type == arrow::datatypes::DataType::Utf8View;
        Ok(Self {
            schema: Arc::clone(&block.schema),
            specs: block.columns.clone(),
            columns,
            layout: Layout::new(block.width, block.ragged),
            spans: Vec::new(),
            encoding: block.encoding,
            has_text: block.columns.iter().any(is_text),
            file: block.file.clone(),
            rows: 0,
            rows_cap,
            batch_bytes_max: limits.batch_bytes_max,
            misfits: Vec::new(),
        })
    }

    /// Whether no column is wanted: rows are only counted.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Rows that the batch still takes.
    pub fn rows_wanted(&self) -> usize {
        self.rows_cap.saturating_sub(self.rows)
    }

    /// Whether the batch is as large as it may be.
    pub fn is_full(&self) -> bool {
        self.rows >= self.rows_cap
            || self.columns.iter().map(|c| c.sink.text_bytes()).sum::<usize>() >= self.batch_bytes_max
    }

    /// Counts rows that were not marked: only where no column is wanted.
    pub fn add_rows(&mut self, rows: usize) {
        self.rows += rows;
    }

    /// Appends the records of a chunk. `place` is the chunk's first byte in the stream and `records_before` the
    /// number of records before it, both for mismatches.
    ///
    /// # Errors
    /// The first record of another width that `ragged` does not allow.
    pub fn decode(
        &mut self,
        bytes: &[u8],
        records: &Records,
        place: u64,
        records_before: Option<u64>,
    ) -> std::result::Result<(), Irregular> {
        if records.is_empty() {
            return Ok(());
        }
        let rows = self.layout.lay_out(records)?;
        let chunk = Chunk { bytes, verbatim: self.has_text && self.encoding.is_verbatim(bytes) };
        for (column, spec) in self.columns.iter_mut().zip(&self.specs) {
            let Some(field) = column.field else {
                column.sink.repeat(rows);
                continue;
            };
            self.layout.gather(records, field, &mut self.spans);
            column.sink.push(&chunk, &self.spans, &mut column.rules, &mut self.misfits);
            for misfit in self.misfits.drain(..) {
                column.note(
                    spec,
                    &misfit,
                    place,
                    records_before.map(|before| before + self.layout.record(misfit.row)),
                );
            }
        }
        self.rows += rows;
        Ok(())
    }

    /// The batch so far, and an empty one in its place. Without columns, at most the rows of one batch.
    ///
    /// # Errors
    /// Where Arrow refuses the columns.
    pub fn take_batch(&mut self) -> Result<RecordBatch> {
        let rows = if self.is_empty() { self.rows.min(self.rows_cap) } else { self.rows };
        let arrays = self
            .columns
            .iter_mut()
            .map(|column| column.sink.finish(self.rows_cap))
            .collect::<Result<Vec<_>>>()?;
        self.rows -= rows;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?)
    }

    /// Drops the rows so far.
    pub fn forget_rows(&mut self) {
        self.rows = 0;
        for column in &mut self.columns {
            column.sink.clear();
        }
    }

    /// Whether a value did not fit.
    pub fn has_mismatches(&self) -> bool {
        self.columns.iter().any(|column| column.mismatch.is_some())
    }

    /// The values that did not fit so far, as a table.
    pub fn take_mismatches(&mut self) -> MismatchTable {
        let mut table = MismatchTable::new(&self.file);
        for mismatch in self.columns.iter_mut().filter_map(|column| column.mismatch.take()) {
            table.push(mismatch);
        }
        table
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(|column| column.sink.memory_bytes()).sum();
        columns + self.spans.capacity() * size_of::<Span>() + self.layout.memory_bytes()
    }
}

impl Column {
    fn note(&mut self, spec: &ColumnSpec, misfit: &Misfit, place: u64, record: Option<u64>) {
        use super::infer::kinds::Kinds;
        let kinds = if misfit.not_text {
            Kinds::NOT_TEXT
        } else {
            classify(&misfit.text, self.rules.words(), self.rules.pattern())
        };
        match &mut self.mismatch {
            Some(mismatch) => mismatch.again(kinds, &misfit.text),
            None => {
                let byte = place + u64::from(misfit.start);
                let mut first = Mismatch::first(&spec.name, &spec.data_type, kinds, &misfit.text, byte);
                first.record = record.map(|record| record + 1);
                self.mismatch = Some(first);
            }
        }
    }
}

/// Bytes of one value in a batch, without the text behind a view.
fn value_bytes(data_type: &arrow::datatypes::DataType) -> usize {
    data_type.primitive_width().unwrap_or(if data_type == &arrow::datatypes::DataType::Boolean {
        1
    } else {
        16
    })
}
