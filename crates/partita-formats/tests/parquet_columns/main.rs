//! Columns as the `parquet` crate reads them, and damaged ones.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damage;
mod oracle;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;

use partita_formats::parquet::read::{ChunkSpec, ColumnReader, PagePlace, Scratch};
use partita_formats::{ErrorKind, Result};

/// A file of one column.
fn file(column: &ArrayRef, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable([("c", Arc::clone(column), true)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn metadata(bytes: &[u8]) -> ParquetMetaData {
    let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    reader.try_parse(&bytes::Bytes::copy_from_slice(bytes)).unwrap();
    reader.finish().unwrap()
}

/// The only column of the first row group.
fn chunk(metadata: &ParquetMetaData, column: usize, target: DataType) -> ChunkSpec {
    let group = metadata.row_group(0);
    let chunk = group.column(column);
    let (start, length) = chunk.byte_range();
    let index = metadata.offset_index().and_then(|index| index.first()).and_then(|group| group.get(column));
    let pages = index.map_or_else(Vec::new, |index| {
        let place = |page: &parquet::file::page_index::offset_index::PageLocation| PagePlace {
            offset: page.offset as u64,
            first_row: page.first_row_index as u64,
        };
        index.page_locations().iter().map(place).collect()
    });
    ChunkSpec {
        file: "a.parquet".into(),
        column: chunk.column_descr().name().into(),
        row_group: 0,
        range: start..start + length,
        rows: group.num_rows() as u64,
        compression: chunk.compression(),
        physical: chunk.column_descr().physical_type(),
        type_length: usize::try_from(chunk.column_descr().type_length()).unwrap_or(0),
        is_nullable: chunk.column_descr().max_def_level() == 1,
        target,
        pages: pages.into(),
        wanted: Arc::new([]),
    }
}

fn reader(bytes: &[u8], spec: ChunkSpec) -> ColumnReader {
    ColumnReader::new(Arc::new(bytes.to_vec()), spec, &Scratch::new()).unwrap()
}

/// All rows, so many at a time, again and again.
fn read_all(mut reader: ColumnReader, steps: &[usize]) -> ArrayRef {
    let mut arrays = Vec::new();
    for &step in steps.iter().cycle() {
        let rows = usize::try_from(reader.rows_left()).unwrap().min(step.max(1));
        arrays.push(reader.read(rows).unwrap());
        if reader.rows_left() == 0 {
            break;
        }
    }
    for array in &arrays {
        array.to_data().validate_full().unwrap();
    }
    let plain = arrays.into_iter().map(|array| match array.data_type() {
        DataType::Dictionary(_, texts) => arrow::compute::cast(&array, &texts.clone()).unwrap(),
        _ => array,
    });
    concat(&plain.collect::<Vec<_>>().iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap()
}
