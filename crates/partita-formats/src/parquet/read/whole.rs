//! Columns that the `parquet` crate decodes: nested ones, and those that the engine has no decoder of its own for.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_empty_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;

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
use crate::error::Result;
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
    reader: ParquetRecordBatchReader,
    file: Arc<str>,
    name: String,
    data_type: DataType,
    /// Rows that the reader gave and nobody has taken.
    waiting: ArrayRef,
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
        let rows = file.row_groups()[row_group].rows as usize;
        let mut chunks = Vec::with_capacity(root.leaves);
        for leaf in root.first_leaf..root.first_leaf + root.leaves {
            let range = file.chunk_range(row_group, leaf)?;
            let chunk = metadata.row_group(row_group).column(leaf);
            let values = usize::try_from(chunk.num_values()).unwrap_or(0);
            let value_bytes = LEVEL_BYTES + value_bytes(chunk.column_type());
            // All of them may be in the rows of one batch.
            if rows <= batch_rows {
                let taken = values.saturating_mul(value_bytes);
                guarded(file.name(), file.schema().field(column).name(), || budget.take(taken))?;
            }
            chunks.push(Arc::new(ChunkBytes::new(input, range, values, value_bytes, budget)));
        }
        let mask = ProjectionMask::leaves(
            metadata.file_metadata().schema_descr(),
            root.first_leaf..root.first_leaf + root.leaves,
        );
        let levels =
            levels(metadata.file_metadata().schema_descr(), mask, file.schema().fields(), file.name())?;
        let group = Group { metadata, row_group, first_leaf: root.first_leaf, rows, chunks };
        let ranges = ranges.iter().map(|range| range.start as usize..range.end as usize);
        let selection = RowSelection::from_consecutive_ranges(ranges, rows);
        let reader = guarded(file.name(), "the pages", || {
            ParquetRecordBatchReader::try_new_with_row_groups(&levels, &group, batch_rows, Some(selection))
        })?;
        let field = file.schema().field(column);
        Ok(Self {
            reader,
            file: file.name().into(),
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            waiting: new_empty_array(field.data_type()),
        })
    }

    /// The next `rows` rows.
    pub(super) fn read(&mut self, rows: usize) -> Result<ArrayRef> {
        let mut parts = Vec::new();
        let mut have = 0;
        while have < rows {
            if self.waiting.is_empty() {
                self.waiting = self.next()?;
            }
            let count = self.waiting.len().min(rows - have);
            parts.push(self.waiting.slice(0, count));
            self.waiting = self.waiting.slice(count, self.waiting.len() - count);
            have += count;
        }
        match parts.as_slice() {
            [] => Ok(new_empty_array(&self.data_type)),
            [part] => Ok(Arc::clone(part)),
            parts => Ok(concat(&parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>())?),
        }
    }

    /// Passes over the next `rows` rows.
    pub(super) fn skip(&mut self, rows: usize) -> Result<()> {
        let mut left = rows;
        while left > 0 {
            if self.waiting.is_empty() {
                self.waiting = self.next()?;
            }
            let count = self.waiting.len().min(left);
            self.waiting = self.waiting.slice(count, self.waiting.len() - count);
            left -= count;
        }
        Ok(())
    }

    fn next(&mut self) -> Result<ArrayRef> {
        let (reader, name) = (&mut self.reader, &self.name);
        let batch = guarded(&self.file, &format!("column {name:?}"), || {
            reader.next().transpose().map_err(|error| ParquetError::General(error.to_string()))
        })?;
        let column = batch.filter(|batch| batch.num_columns() == 1 && batch.num_rows() > 0);
        let Some(column) = column.map(|batch| Arc::clone(batch.column(0))) else {
            return Err(malformed(&self.file, format!("column {name:?}: it ends before its row group does")));
        };
        if *column.data_type() == self.data_type {
            return Ok(column);
        }
        if !column.data_type().equals_datatype(&self.data_type) {
            let (expected, got) = (&self.data_type, column.data_type());
            return Err(malformed(&self.file, format!("column {name:?}: expected {expected}, got {got}")));
        }
        // Fields within it have metadata of the file.
        Ok(cast(&column, &self.data_type)?)
    }
}

/// The leaves of one column in one row group.
struct Group {
    metadata: Arc<ParquetMetaData>,
    row_group: usize,
    first_leaf: usize,
    rows: usize,
    chunks: Vec<Arc<ChunkBytes>>,
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
        let pages = SerializedPageReader::new(Arc::clone(chunk), column, self.rows, None)?;
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
