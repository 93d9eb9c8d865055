//! Columns that the `parquet` crate decodes: nested ones, and those that the engine has no decoder of its own for.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_empty_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::DataType;
use parquet::arrow::{FieldLevels, ProjectionMask};

use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowGroups, RowSelection};
use parquet::basic::Type;
use parquet::column::page::{PageIterator, PageReader};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::file::ParquetFile;
use super::footer::{guarded, malformed};
use super::schema::levels;
use super::source::{Budget, ChunkBytes};
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// Bytes of the definition and repetition levels of a value.
const LEVEL_BYTES: usize = 4;

/// Bytes of a value in an array; of text and bytes, without what it says.
fn value_bytes(physical: Type) -> usize {
    match physical {
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 | Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => 16,
    }
}

/// A column of a row group, read in order: `read` and `skip` speak of the rows of the chosen ranges alone.
pub(super) struct WholeColumn {
    group: Group,
    levels: FieldLevels,
    /// The rows that are wanted, and how many of them a reader has given.
    ranges: Vec<Range<usize>>,
    given: usize,
    batch_rows: usize,
    /// None before the first row, and where memory was refused: a reader that failed cannot go on.
    reader: Option<ParquetRecordBatchReader>,
    file: Arc<str>,
    name: String,
    data_type: DataType,
    /// Rows that the reader gave and nobody has taken.
    waiting: ArrayRef,
    /// Rows to pass over before the next that are read.
    behind: usize,
    /// What has been read of the rows that were asked for, and how many rows these are.
    parts: Vec<ArrayRef>,
    have: usize,
}

impl WholeColumn {
    /// Column `column` of a row group, of which the rows of `ranges` are wanted; batches of `batch_rows` suit it best.
    pub(super) fn new(
        file: &ParquetFile,
        input: &Arc<dyn ReadAt>,
        (row_group, column): (usize, usize),
        (ranges, batch_rows): (&[Range<u64>], usize),
        budget: &Arc<Budget>,
    ) -> Result<Self> {
        let root = file.root(column)?;
        let metadata = Arc::clone(file.metadata());
        let leaves = root.first_leaf..root.first_leaf + root.leaves;
        let chunks = leaves.clone().map(|leaf| file.chunk_range(row_group, leaf)).collect::<Result<_>>()?;
        let descriptor = metadata.file_metadata().schema_descr();
        let mask = ProjectionMask::leaves(descriptor, leaves);
        let levels = levels(descriptor, mask, file.schema().fields(), file.name())?;
        let field = file.schema().field(column);
        Ok(Self {
            group: Group {
                rows: file.row_groups()[row_group].rows as usize,
                metadata,
                row_group,
                first_leaf: root.first_leaf,
                chunks,
                batch_rows,
                input: Arc::clone(input),
                budget: Arc::clone(budget),
            },
            levels,
            ranges: ranges.iter().map(|range| range.start as usize..range.end as usize).collect(),
            given: 0,
            batch_rows,
            reader: None,
            file: file.name().into(),
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            waiting: new_empty_array(field.data_type()),
            behind: 0,
            parts: Vec::new(),
            have: 0,
        })
    }

    /// Passes over the next `rows` rows.
    pub(super) fn skip(&mut self, rows: usize) {
        self.behind += rows;
    }

    /// The next `rows` rows.
    ///
    /// # Errors
    /// [`ErrorKind::Window`] where the budget does not have the memory: the same call goes on once it does.
    pub(super) fn read(&mut self, rows: usize) -> Result<ArrayRef> {
        while self.behind > 0 {
            let count = self.wait()?.min(self.behind);
            self.take(count);
            self.behind -= count;
        }
        while self.have < rows {
            let count = self.wait()?.min(rows - self.have);
            let part = self.take(count);
            self.parts.push(part);
            self.have += count;
        }
        self.have = 0;
        let parts = std::mem::take(&mut self.parts);
        match parts.as_slice() {
            [] => Ok(new_empty_array(&self.data_type)),
            [part] => Ok(Arc::clone(part)),
            parts => Ok(concat(&parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>())?),
        }
    }

    /// Sees to it that rows are waiting; how many.
    fn wait(&mut self) -> Result<usize> {
        if self.waiting.is_empty() {
            self.waiting = self.next()?;
            self.given += self.waiting.len();
        }
        Ok(self.waiting.len())
    }

    fn take(&mut self, count: usize) -> ArrayRef {
        let taken = self.waiting.slice(0, count);
        self.waiting = self.waiting.slice(count, self.waiting.len() - count);
        taken
    }

    fn next(&mut self) -> Result<ArrayRef> {
        let mut reader = self.reader.take();
        let what = format!("column {:?}", self.name);
        let batch = guarded(&self.file, &what, || {
            let reader = match &mut reader {
                Some(open) => open,
                none => none.insert(self.open()?),
            };
            reader.next().transpose().map_err(|error| ParquetError::General(error.to_string()))
        });
        let refused = self.group.budget.take_refused();
        if batch.is_err() && refused > 0 {
            let most = self.group.budget.bytes_max();
            // Reading begins anew each time that there is more: seldom, if it is much more.
            let bytes = refused.max(most.saturating_add(most / 2));
            return Err(ErrorKind::Window { file: self.file.to_string(), bytes }.into());
        }
        let batch = batch?;
        self.reader = reader;
        let column = batch.filter(|batch| batch.num_columns() == 1 && batch.num_rows() > 0);
        let Some(column) = column.map(|batch| Arc::clone(batch.column(0))) else {
            return Err(malformed(&self.file, format!("{what}: it ends before its row group does")));
        };
        if *column.data_type() == self.data_type {
            return Ok(column);
        }
        if !column.data_type().equals_datatype(&self.data_type) {
            let (expected, got) = (&self.data_type, column.data_type());
            return Err(malformed(&self.file, format!("{what}: expected {expected}, got {got}")));
        }
        // Fields within it have metadata of the file.
        Ok(cast(&column, &self.data_type)?)
    }

    /// A reader of the rows that have not been given.
    fn open(&self) -> ParquetResult<ParquetRecordBatchReader> {
        let mut given = self.given;
        let left = self.ranges.iter().filter_map(|range| {
            let passed = given.min(range.len());
            given -= passed;
            (passed < range.len()).then_some(range.start + passed..range.end)
        });
        let selection = RowSelection::from_consecutive_ranges(left, self.group.rows);
        ParquetRecordBatchReader::try_new_with_row_groups(
            &self.levels,
            &self.group,
            self.batch_rows,
            Some(selection),
        )
    }
}

/// The leaves of one column in one row group.
struct Group {
    metadata: Arc<ParquetMetaData>,
    row_group: usize,
    first_leaf: usize,
    rows: usize,
    chunks: Vec<Range<u64>>,
    batch_rows: usize,
    input: Arc<dyn ReadAt>,
    budget: Arc<Budget>,
}

impl RowGroups for Group {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, leaf: usize) -> ParquetResult<Box<dyn PageIterator>> {
        let chunk = leaf.checked_sub(self.first_leaf).and_then(|at| self.chunks.get(at));
        let group = self.metadata.row_group(self.row_group);
        let (Some(chunk), Some(column)) = (chunk, group.columns().get(leaf)) else {
            return Err(ParquetError::General(format!("there is no leaf {leaf}")));
        };
        let values = usize::try_from(column.num_values()).unwrap_or(0);
        let value_bytes = LEVEL_BYTES + value_bytes(column.column_type());
        let chunk = ChunkBytes::new(&self.input, chunk.clone(), (values, value_bytes), &self.budget);
        // All of them may be in the rows of one batch.
        if self.rows <= self.batch_rows {
            chunk.hold(values.saturating_mul(value_bytes))?;
        }
        let pages = SerializedPageReader::new(Arc::new(chunk), column, self.rows, None)?;
        Ok(Box::new(OneChunk(Some(Box::new(pages)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(iter::once(self.metadata.row_group(self.row_group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The pages of one chunk.
struct OneChunk(Option<Box<dyn PageReader>>);

impl Iterator for OneChunk {
    type Item = ParquetResult<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for OneChunk {}
