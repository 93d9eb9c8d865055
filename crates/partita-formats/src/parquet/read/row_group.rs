//! One row group as batches.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{cast, filter, prep_null_mask_filter};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};

use super::column::Scratch;
use super::file::ParquetFile;
use super::leaf::{Column, Shared};
use super::source::Budget;
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// Decides which rows stay, by some of the columns.
pub trait RowFilter: Send {
    /// The columns that it looks at, as they count in the file's schema, each once.
    fn columns(&self) -> &[usize];

    /// Whether it takes the column at this place of [`RowFilter::columns`] as `Dictionary(UInt32, ..)` too, where it is of texts or
    /// decimals and the file has a dictionary: then each of its entries can be looked at once.
    fn takes_codes(&self, _place: usize) -> bool {
        false
    }

    /// Which rows of `batch`, which has those columns in that order, stay: those where the answer is true.
    ///
    /// # Errors
    /// Any; usually [`ErrorKind::Filter`].
    fn keep(&mut self, batch: &RecordBatch) -> Result<BooleanArray>;
}

/// What is read of a row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowGroupSpec {
    /// The columns of the batches, as they count in the file's schema, each once.
    pub columns: Vec<usize>,
    /// The rows that are read, as they count in the row group: ascending, apart from each other, none of them empty.
    /// `None`: all.
    pub ranges: Option<Vec<Range<u64>>>,
    /// Rows of a batch at most.
    pub batch_rows_max: usize,
    /// Bytes of a batch, about: fewer rows where they are wide.
    pub batch_bytes_max: usize,
    /// Bytes of memory at most for the pages that are open, until [`RowGroupReader::set_memory_bytes_max`] says otherwise.
    pub memory_bytes_max: usize,
}

impl RowGroupSpec {
    /// All rows of some columns, in batches of the usual size: 8 Ki rows, 512 KiB; with 1 GiB for pages.
    pub fn new(columns: Vec<usize>) -> Self {
        let (batch_rows_max, batch_bytes_max, memory_bytes_max) = (8 << 10, 512 << 10, 1 << 30);
        Self { columns, ranges: None, batch_rows_max, batch_bytes_max, memory_bytes_max }
    }
}

/// Reads one row group, batch by batch.
pub struct RowGroupReader {
    file: Arc<ParquetFile>,
    schema: SchemaRef,
    /// The rows that are still to be read, as they count in the row group.
    ranges: VecDeque<Range<u64>>,
    /// The row behind those that were read.
    row: u64,
    batch_rows: usize,
    budget: Arc<Budget>,
    scratch: Scratch,
    filter: Option<Filter>,
    /// Columns that the filter does not look at, in their order in `output`.
    columns: Vec<Column>,
    /// Where each column of the batches comes from.
    output: Vec<Origin>,
    /// The batch that is being read.
    step: Option<Step>,
}

struct Filter {
    filter: Box<dyn RowFilter>,
    schema: SchemaRef,
    columns: Vec<Column>,
}

#[derive(Clone, Copy)]
enum Origin {
    Filter(usize),
    Column(usize),
}

/// A batch as far as it has been read: reading goes on here where memory was refused.
struct Step {
    rows: usize,
    looked: Vec<ArrayRef>,
    /// What the filter said, once it was asked: which rows stay, and how many.
    answer: Option<(Option<BooleanArray>, usize)>,
    read: Vec<ArrayRef>,
}

impl RowGroupReader {
    /// Begins to read row group `row_group` of `file`, of which `input` has the bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Options`] where `spec` or `filter` name what is not there; [`ErrorKind::Malformed`] where the
    /// footer names bytes that are not.
    pub fn new(
        file: &Arc<ParquetFile>,
        input: &Arc<dyn ReadAt>,
        row_group: usize,
        spec: &RowGroupSpec,
        filter: Option<Box<dyn RowFilter>>,
    ) -> Result<Self> {
        Self::with_scratch(file, input, row_group, spec, filter, &Scratch::new())
    }

    /// The same, with what row groups have left that were read before.
    ///
    /// # Errors
    /// As [`RowGroupReader::new`].
    pub fn with_scratch(
        file: &Arc<ParquetFile>,
        input: &Arc<dyn ReadAt>,
        row_group: usize,
        spec: &RowGroupSpec,
        filter: Option<Box<dyn RowFilter>>,
        scratch: &Scratch,
    ) -> Result<Self> {
        let ranges = checked_ranges(file, input.as_ref(), row_group, spec)?;
        let looks_at = filter.as_ref().map_or(&[][..], |filter| filter.columns());
        let batch_rows = batch_rows(file, row_group, spec, looks_at)?;
        let budget = Budget::new(spec.memory_bytes_max);
        let rows = file.row_groups()[row_group].rows;
        let read = ranges.iter().map(|range| range.end - range.start).sum::<u64>();
        let is_partial = filter.is_some() || read < rows;
        let shared = Shared {
            file,
            input,
            row_group,
            ranges: &ranges,
            batch_rows,
            is_partial,
            budget: &budget,
            scratch,
        };
        let open = |columns: &[usize]| -> Result<Vec<Column>> {
            columns.iter().map(|column| Column::open(&shared, *column)).collect()
        };
        let mut others = Vec::new();
        let output = spec.columns.iter().map(|column| {
            looks_at.iter().position(|looked| looked == column).map_or_else(
                || {
                    others.push(*column);
                    Origin::Column(others.len() - 1)
                },
                Origin::Filter,
            )
        });
        let output = output.collect();
        let columns = open(&others)?;
        let mut looked = open(looks_at)?;
        for (place, column) in looked.iter_mut().enumerate() {
            if filter.as_ref().is_some_and(|filter| filter.takes_codes(place)) {
                column.keep_codes();
            }
        }
        let schema_of = |columns: &[usize]| {
            let fields = columns.iter().map(|column| Arc::clone(&file.schema().fields()[*column]));
            Arc::new(Schema::new(fields.collect::<Vec<_>>()))
        };
        let schema = schema_of(&spec.columns);
        let looks_at = schema_of(looks_at);
        Ok(Self {
            file: Arc::clone(file),
            schema,
            ranges: ranges.into(),
            row: 0,
            batch_rows,
            budget,
            scratch: scratch.clone(),
            filter: filter.map(|filter| Filter { filter, schema: looks_at, columns: looked }),
            columns,
            output,
            step: None,
        })
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of memory that are held: pages, and room to work in.
    pub fn memory_bytes(&self) -> usize {
        self.budget.bytes() + self.scratch.memory_bytes()
    }

    /// Bytes of memory that may be held for pages.
    pub fn memory_bytes_max(&self) -> usize {
        self.budget.bytes_max()
    }

    /// Lets the reader hold more, or less.
    pub fn set_memory_bytes_max(&mut self, bytes: usize) {
        self.budget.set_bytes_max(bytes);
    }

    /// The file that is read.
    pub fn file(&self) -> &Arc<ParquetFile> {
        &self.file
    }

    /// The next rows that stay; `None` at the end. Batches have at least one row.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] where pages are damaged, [`ErrorKind::Io`] where the store fails, and what the
    /// filter says. [`ErrorKind::Window`] where the next page takes more memory than is allowed, with the bytes that it
    /// takes in all: once that is allowed, the next call goes on.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.step.is_none() && !self.begin() {
                return Ok(None);
            }
            if let Some(mut step) = self.step.take() {
                let done = self.go_on(&mut step);
                match done {
                    Ok(Some(batch)) => return Ok(Some(batch)),
                    Ok(None) => {}
                    Err(error) => {
                        self.step = Some(step);
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Goes to the rows of the next batch, if there are any.
    fn begin(&mut self) -> bool {
        let Some(range) = self.ranges.front_mut() else {
            return false;
        };
        let gap = range.start.saturating_sub(self.row) as usize;
        if gap > 0 {
            let looked = self.filter.iter_mut().flat_map(|filter| &mut filter.columns);
            looked.chain(&mut self.columns).for_each(|column| column.leave_out(gap));
        }
        let rows = (range.end - range.start).min(self.batch_rows as u64);
        range.start += rows;
        self.row = range.start;
        if range.start == range.end {
            self.ranges.pop_front();
        }
        let (looked, read) = (Vec::new(), Vec::new());
        self.step = Some(Step { rows: rows as usize, looked, answer: None, read });
        true
    }

    fn go_on(&mut self, step: &mut Step) -> Result<Option<RecordBatch>> {
        let rows = step.rows;
        if step.answer.is_none() {
            step.answer = Some(match &mut self.filter {
                None => (None, rows),
                Some(filter) => filter.ask(step, &self.budget)?,
            });
        }
        let Some((mask, kept)) = &step.answer else {
            return Ok(None);
        };
        if *kept == 0 {
            self.columns.iter_mut().for_each(|column| column.skip(rows));
            return Ok(None);
        }
        let mask = mask.as_ref().filter(|_| *kept < rows);
        for column in self.columns.iter_mut().skip(step.read.len()) {
            step.read.push(column.read(rows, mask, &self.budget)?);
        }
        let arrays = self.output.iter().map(|origin| match *origin {
            Origin::Filter(at) => (&step.looked[at], mask),
            Origin::Column(at) => (&step.read[at], None),
        });
        let arrays = arrays.zip(self.schema.fields()).map(|((array, mask), field)| {
            let array = match mask {
                None => Arc::clone(array),
                Some(mask) => filter(array, mask)?,
            };
            match (array.data_type(), field.data_type()) {
                (DataType::Dictionary(..), wanted) => Ok(cast(&array, wanted)?),
                _ => Ok(array),
            }
        });
        batch(&self.schema, arrays.collect::<Result<_>>()?, *kept).map(Some)
    }
}

impl Filter {
    /// Reads the columns that it looks at, and asks it.
    fn ask(&mut self, step: &mut Step, budget: &Budget) -> Result<(Option<BooleanArray>, usize)> {
        let rows = step.rows;
        for column in self.columns.iter_mut().skip(step.looked.len()) {
            step.looked.push(column.read(rows, None, budget)?);
        }
        let mask = self.filter.keep(&self.looked(step)?)?;
        if mask.len() != rows {
            let message = format!("a filter of {rows} rows answered for {}", mask.len());
            return Err(ErrorKind::Options(message).into());
        }
        let mask = if mask.null_count() > 0 { prep_null_mask_filter(&mask) } else { mask };
        let kept = mask.true_count();
        Ok((Some(mask), kept))
    }
}

impl Filter {
    /// What it looks at, in the types that the columns have come in.
    fn looked(&self, step: &Step) -> Result<RecordBatch> {
        let fields = self.schema.fields().iter().zip(&step.looked);
        let is_coded = |(field, array): (&FieldRef, &ArrayRef)| field.data_type() != array.data_type();
        if !fields.clone().any(is_coded) {
            return batch(&self.schema, step.looked.clone(), step.rows);
        }
        let fields = fields
            .map(|(field, array)| Arc::new(field.as_ref().clone().with_data_type(array.data_type().clone())));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        batch(&schema, step.looked.clone(), step.rows)
    }
}

fn batch(schema: &SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
}

fn checked_ranges(
    file: &ParquetFile,
    input: &dyn ReadAt,
    row_group: usize,
    spec: &RowGroupSpec,
) -> Result<Vec<Range<u64>>> {
    let fail = |message: String| Err(ErrorKind::Options(format!("{}: {message}", file.name())).into());
    if input.len() != file.bytes() {
        let (expected, got) = (file.bytes(), input.len());
        return fail(format!(
            "it had {expected} bytes when its footer was read, now it has {got}: read it again"
        ));
    }
    let Some(group) = file.row_groups().get(row_group) else {
        return fail(format!("there is no row group {row_group}, there are {}", file.row_groups().len()));
    };
    let Some(ranges) = &spec.ranges else {
        return Ok(Vec::from_iter((group.rows > 0).then_some(0..group.rows)));
    };
    let mut end = 0;
    for range in ranges {
        if range.start < end || range.start >= range.end || range.end > group.rows {
            let rows = group.rows;
            return fail(format!(
                "rows {range:?} of row group {row_group}, which has {rows}, behind row {end}"
            ));
        }
        end = range.end;
    }
    Ok(ranges.clone())
}

/// Rows of a batch: as many as have about the bytes that it may have, if rows are as wide as the footer says.
fn batch_rows(
    file: &ParquetFile,
    row_group: usize,
    spec: &RowGroupSpec,
    looks_at: &[usize],
) -> Result<usize> {
    let group = &file.metadata().row_groups()[row_group];
    let mut row_bytes = 1;
    for (at, &column) in spec.columns.iter().chain(looks_at).enumerate() {
        if at >= spec.columns.len() && spec.columns.contains(&column) {
            continue;
        }
        let root = file.root(column)?;
        let encoded = group.columns().iter().skip(root.first_leaf).take(root.leaves);
        let encoded = encoded.map(|chunk| u64::try_from(chunk.uncompressed_size()).unwrap_or(0)).sum::<u64>();
        let least = match file.schema().field(column).data_type() {
            DataType::Utf8View => 16,
            other => other.primitive_width().unwrap_or(1),
        };
        let encoded = usize::try_from(encoded / file.row_groups()[row_group].rows.max(1));
        row_bytes += encoded.unwrap_or(usize::MAX).max(least).min(spec.batch_bytes_max.max(1));
    }
    Ok((spec.batch_bytes_max / row_bytes).clamp(1, spec.batch_rows_max.max(1)))
}
