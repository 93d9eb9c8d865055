//! What is not wanted is not read, and what does not fit waits.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::compute::concat;
use arrow::datatypes::Int64Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use partita_columns::Scalar;
use partita_columns::compute::CompareOp;

use super::open;
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;
use crate::parquet::read::{Predicate, RowFilter, RowGroupReader, RowGroupSpec};

/// Bytes that count how many of them are read.
struct Counted {
    bytes: Vec<u8>,
    read: AtomicU64,
}

impl ReadAt for Counted {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.bytes.read_at(offset, buffer)?;
        self.read.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// Numbers that nothing is known about (SplitMix64).
fn scrambled(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ z >> 27
}

const ROWS: u64 = 1_000_000;

/// One row group: row numbers, numbers that do not compress, and texts; pages of 10,000 rows.
fn sorted() -> Counted {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let noise: ArrayRef =
        Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| scrambled(row).cast_signed())));
    let text: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| format!("{:016x}", scrambled(row)))));
    let batch = RecordBatch::try_from_iter([("id", id), ("noise", noise), ("text", text)]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(ROWS as usize))
        .set_data_page_row_count_limit(10_000)
        .set_write_batch_size(10_000)
        .set_dictionary_enabled(false)
        .set_compression(Compression::SNAPPY)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    Counted { bytes, read: AtomicU64::new(0) }
}

struct Between(i64, i64);

impl RowFilter for Between {
    fn columns(&self) -> &[usize] {
        &[0]
    }

    fn keep(&mut self, batch: &RecordBatch) -> Result<BooleanArray> {
        let id = batch.column(0).as_primitive::<Int64Type>();
        Ok(id.iter().map(|id| id.map(|id| (self.0..self.1).contains(&id))).collect())
    }
}

#[test]
fn few_rows_of_a_sorted_file_are_read_from_few_bytes() {
    let counted = Arc::new(sorted());
    let bytes = counted.len();
    let input: Arc<dyn ReadAt> = Arc::clone(&counted) as Arc<dyn ReadAt>;
    let file = open(&input);
    let compare = |op, value| Predicate::Compare { column: "id".into(), op, value: Scalar::Int64(value) };
    let between = Predicate::And(vec![compare(CompareOp::GtEq, 504_000), compare(CompareOp::Lt, 505_500)]);
    let selected = file.prune(input.as_ref(), &between).unwrap();
    let ranges = &selected[0].ranges;
    assert_eq!((selected.len(), ranges.len(), ranges[0].start, ranges[0].end), (1, 1, 500_000, 510_000));
    let spec = RowGroupSpec { ranges: Some(selected[0].ranges.clone()), ..RowGroupSpec::new(vec![1, 2]) };
    let filter: Box<dyn RowFilter> = Box::new(Between(504_000, 505_500));
    let mut reader = RowGroupReader::new(&file, &input, 0, &spec, Some(filter)).unwrap();
    let mut row = 504_000;
    while let Some(batch) = reader.next_batch().unwrap() {
        let noise = batch.column(0).as_primitive::<Int64Type>();
        let texts = batch.column(1).as_string_view();
        for at in 0..batch.num_rows() {
            assert_eq!(noise.value(at), scrambled(row).cast_signed());
            assert_eq!(texts.value(at), format!("{:016x}", scrambled(row)));
            row += 1;
        }
    }
    assert_eq!(row, 505_500);
    let read = counted.read.load(Ordering::Relaxed);
    assert!(read * 100 < bytes * 3, "{read} of {bytes} bytes");

    // Without an index, the filter alone keeps the pages of other columns from being decoded where no row stays.
    let spec = RowGroupSpec::new(vec![2]);
    let filter: Box<dyn RowFilter> = Box::new(Between(999_990, 2_000_000));
    let mut reader = RowGroupReader::new(&file, &input, 0, &spec, Some(filter)).unwrap();
    counted.read.store(0, Ordering::Relaxed);
    let batch = reader.next_batch().unwrap().unwrap();
    assert_eq!(batch.num_rows(), 10);
    assert!(reader.next_batch().unwrap().is_none());
    let (read, id) = (counted.read.load(Ordering::Relaxed), file.column_bytes(0, 0).unwrap());
    assert!(read < id + bytes * 3 / 100, "{read} bytes, {id} of them of the filter's column");
}

#[test]
fn a_large_row_group_is_read_page_by_page() {
    let counted = sorted();
    let input: Arc<dyn ReadAt> = Arc::new(counted);
    let file = open(&input);
    let whole = file.row_groups()[0].uncompressed_bytes;
    let spec = RowGroupSpec { memory_bytes_max: 0, ..RowGroupSpec::new(vec![0, 1, 2]) };
    let mut reader = RowGroupReader::new(&file, &input, 0, &spec, None).unwrap();
    let (mut rows, mut most, mut waits) = (0, 0, 0);
    loop {
        match reader.next_batch() {
            Ok(Some(batch)) => {
                let id = batch.column(0).as_primitive::<Int64Type>();
                assert_eq!(id.value(0), rows);
                rows += batch.num_rows() as i64;
                most = most.max(reader.memory_bytes() as u64);
            }
            Ok(None) => break,
            Err(error) => {
                let ErrorKind::Window { bytes, .. } = error.kind() else {
                    panic!("{error}");
                };
                assert!(*bytes > reader.memory_bytes_max());
                reader.set_memory_bytes_max(*bytes);
                waits += 1;
            }
        }
    }
    assert_eq!(rows, ROWS as i64);
    assert!(waits >= 3, "memory was asked for {waits} times");
    assert!(most * 10 < whole, "{most} bytes of memory for a row group of {whole}");
}

#[test]
fn nested_columns_wait_for_memory_too() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(
        (0..20_000_u64).map(|row| (row % 7 > 0).then(|| (0..row % 5).map(move |at| Some((row + at) as i64)))),
    );
    let lists: ArrayRef = Arc::new(lists);
    let batch = RecordBatch::try_from_iter([("lists", Arc::clone(&lists))]).unwrap();
    let properties =
        WriterProperties::builder().set_data_page_size_limit(4 << 10).set_write_batch_size(100).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let input: Arc<dyn ReadAt> = Arc::new(bytes);
    let file = open(&input);
    let ranges = Some(vec![3..9_000, 12_000..20_000]);
    let spec =
        RowGroupSpec { ranges, memory_bytes_max: 0, batch_rows_max: 777, ..RowGroupSpec::new(vec![0]) };
    let mut reader = RowGroupReader::new(&file, &input, 0, &spec, None).unwrap();
    let (mut batches, mut waits) = (Vec::new(), 0);
    loop {
        match reader.next_batch() {
            Ok(Some(batch)) => batches.push(Arc::clone(batch.column(0))),
            Ok(None) => break,
            Err(error) => {
                let ErrorKind::Window { bytes, .. } = error.kind() else {
                    panic!("{error}");
                };
                reader.set_memory_bytes_max(*bytes);
                waits += 1;
            }
        }
    }
    assert!(waits > 0);
    let got = concat(&batches.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap();
    let expected = concat(&[&lists.slice(3, 8_997), &lists.slice(12_000, 8_000)]).unwrap();
    assert_eq!(
        got.as_list::<i32>().iter().collect::<Vec<_>>(),
        expected.as_list::<i32>().iter().collect::<Vec<_>>()
    );
}
