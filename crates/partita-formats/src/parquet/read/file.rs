//! What the footer of a file tells.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::schema::types::ColumnDescPtr;

use super::bounds::{self, Bounds};
use super::footer::{self, malformed};
use super::schema::{self, Root};
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// The largest footer that is read by default, in bytes.
const FOOTER_BYTES_MAX: usize = 256 << 20;

/// What a file may ask of its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FooterLimits {
    /// Bytes of the footer at most. Decoded, it takes up to about thirty times its size.
    pub footer_bytes_max: usize,
}

impl Default for FooterLimits {
    fn default() -> Self {
        Self { footer_bytes_max: FOOTER_BYTES_MAX }
    }
}

/// The footer of a Parquet file: schema, row groups, statistics. It holds no input, so that footers of many files can
/// be kept; what reads further takes the input again.
#[derive(Debug)]
pub struct ParquetFile {
    name: Arc<str>,
    bytes: u64,
    bytes_read: u64,
    metadata: Arc<ParquetMetaData>,
    schema: SchemaRef,
    roots: Vec<Root>,
    row_groups: Vec<RowGroup>,
    rows: u64,
}

/// A row group of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowGroup {
    /// Rows of the file before it.
    pub first_row: u64,
    /// Its rows.
    pub rows: u64,
    /// Bytes of its columns in the file.
    pub compressed_bytes: u64,
    /// Bytes of its columns, encoded but not compressed, as the file says.
    pub uncompressed_bytes: u64,
    /// The bytes of the file that hold its columns.
    pub byte_range: Range<u64>,
}

impl ParquetFile {
    /// Reads the footer of `input`. `name` is for errors.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] where it is no Parquet file, is damaged or encrypted, or asks for more than
    /// `limits`; [`ErrorKind::Io`] where the store fails.
    pub fn open(input: &dyn ReadAt, name: &str, limits: &FooterLimits) -> Result<Self> {
        let (metadata, bytes_read) = footer::read(input, name, limits.footer_bytes_max)?;
        let (schema, roots) = schema::read(metadata.file_metadata(), name)?;
        let (row_groups, rows) = row_groups(&metadata, name)?;
        let metadata = Arc::new(metadata);
        Ok(Self {
            name: name.into(),
            bytes: input.len(),
            bytes_read,
            metadata,
            schema,
            roots,
            row_groups,
            rows,
        })
    }

    /// The file, as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that were read for what is known here.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Its columns, in the types that they are read as: text is `Utf8View`, dictionaries are their values, `INT96`
    /// is a timestamp in microseconds unless the embedded schema names another unit.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Its rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Its row groups, in order.
    pub fn row_groups(&self) -> &[RowGroup] {
        &self.row_groups
    }

    /// The value of a key in the file's metadata.
    pub fn key_value(&self, key: &str) -> Option<&str> {
        let pairs = self.metadata.file_metadata().key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
    }

    /// The program that wrote the file, as it names itself.
    pub fn created_by(&self) -> Option<&str> {
        self.metadata.file_metadata().created_by()
    }

    /// Bytes of memory that the footer takes.
    pub fn memory_bytes(&self) -> usize {
        let fields = self.schema.fields().iter().map(|field| field.size()).sum::<usize>();
        self.metadata.memory_size()
            + fields
            + self.roots.capacity() * size_of::<Root>()
            + self.row_groups.capacity() * size_of::<RowGroup>()
            + size_of::<Self>()
    }

    /// What the statistics prove about a column in a row group; `None` where they prove nothing, and for
    /// nested columns. Both count from 0; a column is a field of [`ParquetFile::schema`].
    pub fn bounds(&self, row_group: usize, column: usize) -> Option<Bounds> {
        let (chunk, descriptor, target) = self.flat_chunk(row_group, column)?;
        let leaf = self.roots.get(column)?.first_leaf;
        let order = self.metadata.file_metadata().column_order(leaf);
        let rows = self.row_groups.get(row_group)?.rows;
        let mut bounds = bounds::of_chunk(chunk.statistics()?, &descriptor, target, order, rows);
        if descriptor.max_def_level() == 0 {
            bounds.nulls = Some(0);
        }
        Some(bounds)
    }

    /// Bytes in the file of a column in a row group; of a nested one, of all its leaves.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] where the footer names bytes that the file does not have; [`ErrorKind::Options`] where
    /// there is no such column.
    pub fn column_bytes(&self, row_group: usize, column: usize) -> Result<u64> {
        let root = self.root(column)?;
        let mut bytes = 0;
        for leaf in root.first_leaf..root.first_leaf + root.leaves {
            let range = self.chunk_range(row_group, leaf)?;
            bytes += range.end - range.start;
        }
        Ok(bytes)
    }

    pub(super) fn metadata(&self) -> &Arc<ParquetMetaData> {
        &self.metadata
    }

    pub(super) fn root(&self, column: usize) -> Result<Root> {
        self.roots.get(column).copied().ok_or_else(|| {
            let (name, columns) = (&self.name, self.roots.len());
            ErrorKind::Options(format!("{name}: there is no column {column}, there are {columns}")).into()
        })
    }

    /// A column that is flat: its chunk, what the file says of it, and the type it is read as.
    pub(super) fn flat_chunk(
        &self,
        row_group: usize,
        column: usize,
    ) -> Option<(&ColumnChunkMetaData, ColumnDescPtr, &DataType)> {
        let root = self.roots.get(column).filter(|root| root.is_flat)?;
        let chunk = self.metadata.row_groups().get(row_group)?.columns().get(root.first_leaf)?;
        Some((chunk, chunk.column_descr_ptr(), self.schema.field(column).data_type()))
    }

    /// The bytes of a leaf's chunk, which are in the file.
    pub(super) fn chunk_range(&self, row_group: usize, leaf: usize) -> Result<Range<u64>> {
        let groups = self.metadata.row_groups();
        let Some(chunk) = groups.get(row_group).and_then(|group| group.columns().get(leaf)) else {
            let message = format!("{}: there is no leaf {leaf} in row group {row_group}", self.name);
            return Err(ErrorKind::Options(message).into());
        };
        let fail = |message: String| {
            let column = chunk.column_path().string();
            malformed(&self.name, format!("column {column:?}, row group {row_group}: {message}"))
        };
        if let Some(path) = chunk.file_path() {
            return Err(fail(format!("expected its pages in this file, they are in {path:?}")));
        }
        let Some(range) = byte_range(chunk).filter(|range| range.end <= self.bytes) else {
            let (at, bytes, all) = (chunk.data_page_offset(), chunk.compressed_size(), self.bytes);
            return Err(fail(format!(
                "expected pages within the {all} bytes, got {bytes} bytes at byte {at}"
            )));
        };
        Ok(range)
    }
}

/// Where a chunk says that it is.
fn byte_range(chunk: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let data = u64::try_from(chunk.data_page_offset()).ok()?;
    let dictionary = chunk.dictionary_page_offset().and_then(|at| u64::try_from(at).ok());
    // Some writers say 0 where there is none.
    let start = dictionary.filter(|at| *at > 0 && *at < data).unwrap_or(data);
    let bytes = u64::try_from(chunk.compressed_size()).ok()?;
    Some(start..start.checked_add(bytes)?)
}

fn row_groups(metadata: &ParquetMetaData, file: &str) -> Result<(Vec<RowGroup>, u64)> {
    let mut first_row = 0_u64;
    let mut groups = Vec::with_capacity(metadata.num_row_groups());
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let rows = u64::try_from(group.num_rows()).ok();
        let next =
            rows.and_then(|rows| first_row.checked_add(rows)).filter(|next| i64::try_from(*next).is_ok());
        let (Some(rows), Some(next)) = (rows, next) else {
            let rows = group.num_rows();
            return Err(malformed(
                file,
                format!("row group {index}: expected its number of rows, got {rows}"),
            ));
        };
        let ranges = group.columns().iter().filter_map(byte_range);
        let byte_range = ranges.fold(None, |all: Option<Range<u64>>, range| {
            Some(all.map_or(range.clone(), |all| all.start.min(range.start)..all.end.max(range.end)))
        });
        let sum = |bytes: fn(&ColumnChunkMetaData) -> i64| {
            let bytes = group.columns().iter().map(|chunk| u64::try_from(bytes(chunk)).unwrap_or(0));
            bytes.fold(0, u64::saturating_add)
        };
        groups.push(RowGroup {
            first_row,
            rows,
            compressed_bytes: sum(ColumnChunkMetaData::compressed_size),
            uncompressed_bytes: sum(ColumnChunkMetaData::uncompressed_size),
            byte_range: byte_range.unwrap_or(0..0),
        });
        first_row = next;
    }
    if first_row > 0 && metadata.file_metadata().schema_descr().num_columns() == 0 {
        return Err(malformed(file, format!("{first_row} rows without any column")));
    }
    Ok((groups, first_row))
}
