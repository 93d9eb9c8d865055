//! One row group as batches.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{filter, prep_null_mask_filter};
use arrow::datatypes::{DataType, Schema, SchemaRef};

use super::file::ParquetFile;
use super::source::Budget;
use super::whole::WholeColumn;
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// Decides which rows stay, by some of the columns.
pub trait RowFilter: Send {
    /// The columns that it looks at, as they count in the file's schema, each once.
    fn columns(&self) -> &[usize];

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
    /// Bytes of memory at most for the pages that are open; a file that asks for more is an error.
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
    batch_rows: usize,
    budget: Arc<Budget>,
    filter: Option<Filter>,
    /// Columns that the filter does not look at, in their order in `output`.
    columns: Vec<WholeColumn>,
    /// Where each column of the batches comes from.
    output: Vec<Origin>,
}

struct Filter {
    filter: Box<dyn RowFilter>,
    schema: SchemaRef,
    columns: Vec<WholeColumn>,
}

#[derive(Clone, Copy)]
enum Origin {
    Filter(usize),
    Column(usize),
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
        let ranges = checked_ranges(file, input.as_ref(), row_group, spec)?;
        let looks_at = filter.as_ref().map_or(&[][..], |filter| filter.columns());
        let batch_rows = batch_rows(file, row_group, spec, looks_at)?;
        let budget = Budget::new(spec.memory_bytes_max);
        let open = |columns: &[usize]| -> Result<Vec<WholeColumn>> {
            let open =
                |&column| WholeColumn::new(file, input, (row_group, column), (&ranges, batch_rows), &budget);
            columns.iter().map(open).collect()
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
        let looked = open(looks_at)?;
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
            batch_rows,
            budget,
            filter: filter.map(|filter| Filter { filter, schema: looks_at, columns: looked }),
            columns,
            output,
        })
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of memory that are held for pages.
    pub fn memory_bytes(&self) -> usize {
        self.budget.bytes()
    }

    /// The file that is read.
    pub fn file(&self) -> &Arc<ParquetFile> {
        &self.file
    }

    /// The next rows that stay; `None` at the end. Batches have at least one row.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] where pages are damaged, [`ErrorKind::Io`] where the store fails, and what the
    /// filter says.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let rows = match self.ranges.front_mut() {
                None => return Ok(None),
                Some(range) => {
                    let rows = (range.end - range.start).min(self.batch_rows as u64);
                    range.start += rows;
                    if range.start == range.end {
                        self.ranges.pop_front();
                    }
                    rows as usize
                }
            };
            if let Some(batch) = self.step(rows)? {
                return Ok(Some(batch));
            }
        }
    }

    fn step(&mut self, rows: usize) -> Result<Option<RecordBatch>> {
        let (mask, looked) = match &mut self.filter {
            None => (None, Vec::new()),
            Some(filter) => {
                let looked: Vec<ArrayRef> =
                    filter.columns.iter_mut().map(|column| column.read(rows)).collect::<Result<_>>()?;
                let batch = batch(&filter.schema, looked.clone(), rows)?;
                let mask = filter.filter.keep(&batch)?;
                if mask.len() != rows {
                    let message = format!("a filter of {rows} rows answered for {}", mask.len());
                    return Err(ErrorKind::Options(message).into());
                }
                let mask = if mask.null_count() > 0 { prep_null_mask_filter(&mask) } else { mask };
                (Some(mask), looked)
            }
        };
        let kept = mask.as_ref().map_or(rows, BooleanArray::true_count);
        if kept == 0 {
            self.columns.iter_mut().try_for_each(|column| column.skip(rows))?;
            return Ok(None);
        }
        let read: Vec<ArrayRef> =
            self.columns.iter_mut().map(|column| column.read(rows)).collect::<Result<_>>()?;
        let arrays = self.output.iter().map(|origin| match *origin {
            Origin::Filter(at) => &looked[at],
            Origin::Column(at) => &read[at],
        });
        let arrays = match mask.filter(|_| kept < rows) {
            None => arrays.map(Arc::clone).collect(),
            Some(mask) => arrays.map(|array| Ok(filter(array, &mask)?)).collect::<Result<_>>()?,
        };
        batch(&self.schema, arrays, kept).map(Some)
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
