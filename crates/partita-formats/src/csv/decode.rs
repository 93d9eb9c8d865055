//! Marked fields to Arrow columns, a column at a time.
//!
//! The fields of a column are taken 64 rows at a time: where they are (`fields`), then what they mean, by the kernels of
//! `simd::decode`, which know the common shapes of each type (`parsers`). Whatever else stands in a field (blanks, a plus, an
//! unusual time, a wrong value) takes the slow way, which is the meaning of the fast one (`rules`).

mod bits;
mod exponents;
mod fields;
mod layout;
pub(crate) mod lent;
mod local;
pub(crate) mod parsers;
mod rules;
mod sinks;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

pub(crate) use fields::{Block, Fields};
pub use layout::Irregular;
pub(crate) use layout::{Layout, Span};
pub(crate) use rules::{Rules, Slow};
use sinks::{Sink, sink};

use super::infer::kinds::{Kinds, classify};
use super::mismatch::{Mismatch, MismatchTable};
use super::options::OnMismatch;
use super::quarantine::{Reason, Rejected};
use super::reader::{ColumnSource, ColumnSpec, CsvBlock};
use super::records::Records;
use super::schema_file::type_name;
use super::text::Encoding;
use super::widen::{self, Seen};
use crate::error::Result;
use crate::simd::decode::Kernels;

/// What a loop over one column of one chunk can see.
pub(crate) struct Chunk<'a> {
    /// The bytes that the spans point into.
    bytes: &'a [u8],
    /// The same, where all of it is text as it stands.
    text: Option<&'a str>,
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

/// What the columns of a reader use in turns.
pub(crate) struct Scratch {
    block: Block,
    misfits: Vec<Misfit>,
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
    /// Rows by which a batch may stay below that.
    rows_spare: usize,
    batch_bytes_max: usize,
    scratch: Box<Scratch>,
    /// Where records are set aside: those of the last chunk.
    aside: Option<Aside>,
    /// What columns hold is looked at, for wider types.
    widens: bool,
}

struct Column {
    field: Option<usize>,
    rules: Rules,
    sink: Box<dyn Sink>,
    mismatch: Option<Mismatch>,
    /// Kinds of the values that fitted, where they are looked at.
    fitted: Kinds,
    /// A filter has looked at the column, and has told what does not fit.
    known: bool,
}

/// Rows with values that do not fit.
#[derive(Default)]
struct Aside {
    /// Misfits of the last chunk, each with the position of its column.
    misfits: Vec<(usize, Misfit)>,
    /// Rows of the batch that are no part of it, ascending.
    dropped: Vec<usize>,
}

impl Columns {
    /// Builders for the columns of `block`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Options`] where a date format, a zone or a type cannot be read.
    pub fn new(block: &CsvBlock) -> Result<Self> {
        Self::with_kernels(block, Kernels::new())
    }

    /// The same by the kernels of some level.
    pub(crate) fn with_kernels(block: &CsvBlock, kernels: Kernels) -> Result<Self> {
        let row_bytes: usize = block.columns.iter().map(|column| value_bytes(&column.data_type)).sum();
        let limits = block.limits;
        // The text behind the views is watched while it grows; this bounds the part that is known before.
        let rows_cap = (limits.batch_bytes_max / row_bytes.max(1)).clamp(1, limits.batch_rows_max.max(1));
        let columns = block
            .columns
            .iter()
            .map(|spec| {
                let rules = Rules::new(block, spec, kernels)?;
                let field = match spec.source {
                    ColumnSource::Field(index) => Some(index),
                    ColumnSource::Missing | ColumnSource::Path => None,
                };
                let sink = sink(block, spec, &rules, rows_cap)?;
                Ok(Column { field, rules, sink, mismatch: None, fitted: Kinds::NONE, known: false })
            })
            .collect::<Result<Vec<_>>>()?;
        let quarantines = block.on_mismatch == OnMismatch::Quarantine;
        let layout = Layout::new(block.width, block.ragged);
        let is_text = |spec: &ColumnSpec| spec.data_type == arrow::datatypes::DataType::Utf8View;
        Ok(Self {
            schema: Arc::clone(&block.schema),
            specs: block.columns.clone(),
            columns,
            layout: if quarantines { layout.setting_aside() } else { layout },
            spans: Vec::new(),
            encoding: block.encoding,
            has_text: block.columns.iter().any(is_text),
            file: block.file.clone(),
            rows: 0,
            rows_cap,
            rows_spare: 0,
            batch_bytes_max: limits.batch_bytes_max,
            scratch: Box::new(Scratch { block: Block::new(kernels), misfits: Vec::new() }),
            aside: quarantines.then(Aside::default),
            widens: block.on_mismatch == OnMismatch::Widen,
        })
    }

    /// A filter that looks at the columns at these positions chooses the rows: what does not fit in them is told
    /// already, and batches are handed out when they are nearly full, as the last rows would come one by one.
    pub(crate) fn filtered_by(&mut self, columns: &[usize]) {
        for &position in columns {
            if let Some(column) = self.columns.get_mut(position) {
                column.known = true;
            }
        }
        self.rows_spare = self.rows_cap / 4;
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
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
        self.rows + self.rows_spare >= self.rows_cap
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
        self.decode_some(bytes, records, (place, records_before), None)
    }

    /// The same for some of the rows that the records make, ascending.
    ///
    /// # Errors
    /// As [`Columns::decode`].
    pub(crate) fn decode_rows(
        &mut self,
        bytes: &[u8],
        records: &Records,
        at: (u64, Option<u64>),
        rows: &[u32],
    ) -> std::result::Result<(), Irregular> {
        self.decode_some(bytes, records, at, Some(rows))
    }

    fn decode_some(
        &mut self,
        bytes: &[u8],
        records: &Records,
        (place, records_before): (u64, Option<u64>),
        picked: Option<&[u32]>,
    ) -> std::result::Result<(), Irregular> {
        if records.is_empty() {
            return Ok(());
        }
        let all_rows = self.layout.lay_out(records)?;
        let rows = picked.map_or(all_rows, <[u32]>::len);
        self.rows += rows;
        let text = if self.has_text && rows > 0 { self.encoding.verbatim(bytes) } else { None };
        let chunk = Chunk { bytes, text };
        for (index, (column, spec)) in self.columns.iter_mut().zip(&self.specs).enumerate() {
            let Some(field) = column.field else {
                column.sink.repeat(rows);
                continue;
            };
            let source = self.layout.source(records, field, &mut self.spans);
            let fields = Fields { rows, source, picked };
            column.sink.push(&chunk, &fields, &mut column.rules, &mut self.scratch);
            let known = column.known;
            for misfit in self.scratch.misfits.drain(..).filter(|_| !known) {
                if let Some(aside) = &mut self.aside {
                    aside.misfits.push((index, misfit));
                    continue;
                }
                let record = records_before.map(|before| before + self.layout.record(misfit.row));
                column.note(spec, &misfit, place, record);
            }
        }
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
        if self.widens {
            for (column, array) in self.columns.iter_mut().zip(&arrays) {
                column.fitted = column.fitted.union(widen::fitted(array));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?;
        match &mut self.aside {
            Some(aside) if !aside.dropped.is_empty() => {
                let mut keeps = vec![true; rows];
                aside.dropped.drain(..).for_each(|row| keeps[row] = false);
                Ok(partita_columns::compute::filter(&batch, &BooleanArray::from(keeps))?)
            }
            _ => Ok(batch),
        }
    }

    /// The records of the last chunk that are set aside, in order; their rows will be no part of the batch.
    pub(crate) fn take_rejected(&mut self, rows_before: usize) -> Vec<Rejected> {
        let Some(aside) = &mut self.aside else { return Vec::new() };
        let expected = self.layout.width();
        let irregular = self.layout.take_rejected().into_iter().map(|irregular| Rejected {
            record: irregular.record,
            reason: Reason::Fields { expected, found: irregular.found },
        });
        let mut rejected: Vec<Rejected> = irregular.collect();
        // The leftmost field of each record is told first.
        aside.misfits.sort_by_key(|(_, misfit)| (misfit.row, misfit.start));
        for row in aside.misfits.chunk_by(|(_, one), (_, other)| one.row == other.row) {
            let Some(((column, first), further)) = row.split_first() else { continue };
            let spec = &self.specs[*column];
            aside.dropped.push(rows_before + first.row as usize);
            rejected.push(Rejected {
                record: self.layout.record(first.row) as usize,
                reason: Reason::Value {
                    column: spec.name.clone(),
                    expected: type_name(&spec.data_type),
                    found: first.text.clone(),
                    not_text: first.not_text,
                    further: further.iter().map(|(column, _)| self.specs[*column].name.clone()).collect(),
                },
            });
        }
        aside.misfits.clear();
        rejected.sort_by_key(|rejected| rejected.record);
        rejected
    }

    /// Whether all that did not fit so far may have a wider type.
    pub(crate) fn may_widen(&self) -> bool {
        self.columns.iter().filter_map(|column| column.mismatch.as_ref()).all(Mismatch::widens)
    }

    /// What the columns have held so far, and forgets it.
    pub(crate) fn take_seen(&mut self) -> Seen {
        let mut seen = Seen::default();
        for (column, spec) in self.columns.iter_mut().zip(&self.specs) {
            let fitted = std::mem::replace(&mut column.fitted, Kinds::NONE);
            seen.push(&self.file, spec, fitted, column.mismatch.take().as_ref());
        }
        seen
    }

    /// Drops the rows so far.
    ///
    /// # Errors
    /// As [`Columns::take_batch`].
    pub fn forget_rows(&mut self) -> Result<()> {
        if self.widens {
            return self.take_batch().map(drop);
        }
        self.rows = 0;
        for column in &mut self.columns {
            column.sink.clear();
        }
        Ok(())
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
        let aside = self.aside.as_ref().map_or(0, |aside| {
            aside.misfits.capacity() * size_of::<(usize, Misfit)>()
                + aside.dropped.capacity() * size_of::<usize>()
        });
        columns
            + size_of::<Scratch>()
            + self.spans.capacity() * size_of::<Span>()
            + self.layout.memory_bytes()
            + aside
    }
}

impl Column {
    fn note(&mut self, spec: &ColumnSpec, misfit: &Misfit, place: u64, record: Option<u64>) {
        let kinds =
            if misfit.not_text { Kinds::NOT_TEXT } else { classify(&misfit.text, self.rules.manner()) };
        match &mut self.mismatch {
            Some(mismatch) => mismatch.again(spec, kinds, &misfit.text),
            None => {
                let byte = place + u64::from(misfit.start);
                let mut first = Mismatch::first(spec, kinds, &misfit.text, byte);
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
