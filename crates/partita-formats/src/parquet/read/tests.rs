mod believed;
mod hostile;
mod late;
mod pruning;
mod sums;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use partita_columns::Scalar;

use super::{FooterLimits, ParquetFile, RowFilter, RowGroupReader, RowGroupSpec};
use crate::error::Result;
use crate::io::ReadAt;

/// A file of the batch, by the `parquet` crate, in row groups of so many rows.
fn written(batch: &RecordBatch, row_group_rows: usize) -> Arc<dyn ReadAt> {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    Arc::new(bytes)
}

fn open(input: &Arc<dyn ReadAt>) -> Arc<ParquetFile> {
    Arc::new(ParquetFile::open(input.as_ref(), "a.parquet", &FooterLimits::default()).unwrap())
}

fn read(mut reader: RowGroupReader) -> RecordBatch {
    let mut batches = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        batches.push(batch);
    }
    concat_batches(reader.schema(), &batches).unwrap()
}

fn example() -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
    let name: ArrayRef = Arc::new(StringArray::from_iter(
        (0..1000).map(|row| (row % 3 > 0).then(|| format!("name {} with some length", row % 7))),
    ));
    let kind: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::from_iter(
        (0..1000).map(|row| if row % 2 == 0 { "even" } else { "odd" }),
    ));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(
        (0..1000).map(|row| (row % 5 > 0).then(|| (0..row % 4).map(Some))),
    ));
    RecordBatch::try_from_iter([("id", id), ("name", name), ("kind", kind), ("list", list)]).unwrap()
}

#[test]
fn a_footer_tells_schema_rows_and_bounds() {
    let input = written(&example(), 400);
    let file = open(&input);
    let types: Vec<_> = file.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(types[..3], [DataType::Int64, DataType::Utf8View, DataType::Utf8View]);
    assert!(matches!(&types[3], DataType::List(item) if *item.data_type() == DataType::Int64));
    assert_eq!(file.rows(), 1000);
    let groups: Vec<_> = file.row_groups().iter().map(|group| (group.first_row, group.rows)).collect();
    assert_eq!(groups, [(0, 400), (400, 400), (800, 200)]);
    let id = file.bounds(1, 0).unwrap();
    assert_eq!((id.min, id.max), (Some(Scalar::Int64(400)), Some(Scalar::Int64(799))));
    assert_eq!((id.nulls, id.min_is_exact, id.rows), (Some(0), true, 400));
    let name = file.bounds(0, 1).unwrap();
    assert_eq!(name.nulls, Some(134));
    assert_eq!(file.bounds(0, 3), None);
    assert!(file.column_bytes(0, 3).unwrap() > 0);
}

struct IsSeventh;

impl RowFilter for IsSeventh {
    fn columns(&self) -> &[usize] {
        &[0]
    }

    fn keep(&mut self, batch: &RecordBatch) -> Result<BooleanArray> {
        let id = batch.column(0).as_primitive::<Int64Type>();
        Ok(id.iter().map(|id| id.map(|id| id % 7 == 0)).collect())
    }
}

#[test]
fn row_groups_give_the_rows_of_ranges_that_a_filter_keeps() {
    let batch = example();
    let input = written(&batch, 600);
    let file = open(&input);
    let spec = RowGroupSpec {
        ranges: Some(vec![5..10, 90..410, 599..600]),
        batch_rows_max: 64,
        ..RowGroupSpec::new(vec![3, 1, 0])
    };
    for is_filtered in [false, true] {
        let filter = is_filtered.then(|| Box::new(IsSeventh) as Box<dyn RowFilter>);
        let got = read(RowGroupReader::new(&file, &input, 0, &spec, filter).unwrap());
        let rows: Vec<usize> = [5..10, 90..410, 599..600].into_iter().flatten().collect();
        let rows: Vec<usize> = rows.into_iter().filter(|row| !is_filtered || row % 7 == 0).collect();
        assert_eq!(got.num_rows(), rows.len());
        let (list, name) = (batch.column(3).as_list::<i32>(), batch.column(1).as_string::<i32>());
        for (at, row) in rows.into_iter().enumerate() {
            assert_eq!(got.column(2).as_primitive::<Int64Type>().value(at), row as i64);
            let names = got.column(1).as_string_view();
            assert_eq!(
                names.is_valid(at).then(|| names.value(at)),
                name.is_valid(row).then(|| name.value(row))
            );
            let lists = got.column(0).as_list::<i32>();
            assert_eq!(lists.is_valid(at), list.is_valid(row));
            assert_eq!(&lists.value(at), &list.value(row));
        }
    }
}
