//! Files and streams of the `arrow-ipc` crate, read as that reads them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, DictionaryArray, FixedSizeListArray, Int32Array, Int64Array, ListArray,
    NullArray, RecordBatch, RunArray, StringArray, StringViewArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int8Type, Int16Type, Schema, SchemaRef};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use arrow_ipc::{CompressionType, MetadataVersion};
use proptest::prelude::*;

use super::*;
use crate::ErrorKind;
use crate::io::ReadAt;
use crate::parquet::read::engine_type;
use crate::rows::tests::generate;

fn options(compression: Option<CompressionType>) -> IpcWriteOptions {
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5).unwrap();
    options.try_with_compression(compression).unwrap()
}

fn stream(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn file(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn open(bytes: &[u8]) -> Result<(Arc<IpcFile>, Arc<dyn ReadAt>)> {
    let input: Arc<dyn ReadAt> = Arc::new(bytes.to_vec());
    Ok((Arc::new(IpcFile::open(&*input, "t.arrow")?), input))
}

/// Some columns of the batches, in this order.
fn read(bytes: &[u8], columns: &[usize], order: &[usize]) -> Result<Vec<RecordBatch>> {
    let (file, input) = open(bytes)?;
    let mut reader = IpcReader::new(&file, input, columns.to_vec(), usize::MAX)?;
    order.iter().map(|batch| reader.read(*batch)).collect()
}

fn all(bytes: &[u8]) -> Result<Vec<RecordBatch>> {
    let (file, _) = open(bytes)?;
    let columns: Vec<usize> = (0..file.schema().fields().len()).collect();
    let order: Vec<usize> = (0..file.batches()).collect();
    read(bytes, &columns, &order)
}

/// A batch in the types that the engine has.
fn engine(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let field =
        |field: &Arc<Field>| Field::new(field.name(), engine_type(field.data_type()), field.is_nullable());
    let fields: Vec<Field> = schema.fields().iter().map(field).collect();
    let columns = batch.columns().iter().zip(&fields);
    let columns = columns.map(|(column, field)| cast(column, field.data_type()).unwrap()).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// Columns that have forms of their own in messages.
fn odd(words: &[&str]) -> RecordBatch {
    let dictionary: DictionaryArray<Int8Type> =
        words.iter().enumerate().map(|(row, word)| (row % 3 > 0).then_some(*word)).collect();
    let dictionary: ArrayRef = Arc::new(dictionary);
    let runs: RunArray<Int16Type> = words.iter().flat_map(|word| [*word, *word]).take(words.len()).collect();
    let lists = ListArray::new(
        Arc::new(Field::new("item", dictionary.data_type().clone(), true)),
        OffsetBuffer::from_lengths(
            (0..words.len()).map(|row| usize::from(row % 2 == 0) * 2).take(words.len()),
        ),
        arrow::compute::concat(&[&dictionary, &dictionary]).unwrap().slice(0, words.len().div_ceil(2) * 2),
        None,
    );
    let ints = Int32Array::from_iter_values(0..2 * words.len() as i32);
    let pairs =
        FixedSizeListArray::new(Arc::new(Field::new("item", DataType::Int32, true)), 2, Arc::new(ints), None);
    let empty = StructArray::new_empty_fields(words.len(), None);
    batch(vec![
        ("d", dictionary),
        ("r", Arc::new(runs)),
        ("l", Arc::new(lists)),
        ("p", Arc::new(pairs)),
        ("n", Arc::new(NullArray::new(words.len()))),
        ("e", Arc::new(empty)),
        ("v", Arc::new(BinaryViewArray::from_iter_values(words))),
        ("t", Arc::new(StringViewArray::from_iter_values(words))),
    ])
}

const WORDS: [&str; 5] = ["a", "b", "a text that is longer than a view", "a", ""];

#[test]
fn odd_columns_are_read_as_their_values() {
    let (first, second) = (odd(&WORDS), odd(&WORDS[1..]));
    for bytes in [
        stream(&[first.clone(), second.clone()], options(None)),
        stream(&[first.clone(), second.clone()], options(Some(CompressionType::LZ4_FRAME))),
    ] {
        let read = all(&bytes).unwrap();
        assert_eq!(read.len(), 2);
        for (read, written) in read.iter().zip([&first, &second]) {
            for (place, column) in engine(written).columns().iter().enumerate() {
                assert_eq!(read.column(place), column, "{place}");
            }
        }
    }
    assert_eq!(engine(&first).schema().field(0).data_type(), &DataType::Utf8View);
    let one = all(&file(std::slice::from_ref(&first), options(None))).unwrap();
    assert_eq!(one[0].column(2), engine(&first).column(2));
}

#[test]
fn streams_may_replace_and_extend_dictionaries() {
    let rows = |words: &[&str], keys: &[i8]| {
        let values: ArrayRef = Arc::new(StringArray::from_iter_values(words));
        let keys = arrow::array::Int8Array::from(keys.to_vec());
        batch(vec![("d", Arc::new(DictionaryArray::new(keys, values)))])
    };
    let batches = [rows(&["a", "b"], &[1, 0]), rows(&["a", "b", "c"], &[2, 0]), rows(&["x"], &[0, 0])];
    for handling in [DictionaryHandling::Resend, DictionaryHandling::Delta] {
        let bytes = stream(&batches, options(None).with_dictionary_handling(handling));
        // Forwards, and back again.
        for order in [[0, 1, 2], [2, 1, 0]] {
            let read = read(&bytes, &[0], &order).unwrap();
            for (read, place) in read.iter().zip(order) {
                assert_eq!(read.column(0), engine(&batches[place]).column(0), "{place}");
            }
        }
    }
}

#[test]
fn memory_is_asked_for_before_it_is_taken() {
    let zeros = batch(vec![("n", Arc::new(Int64Array::from(vec![0; 100_000])))]);
    let bytes = file(&[zeros], options(Some(CompressionType::ZSTD)));
    assert!(bytes.len() < 5_000);
    let (file, input) = open(&bytes).unwrap();
    let mut reader = IpcReader::new(&file, Arc::clone(&input), vec![0], 10_000).unwrap();
    let error = reader.read(0).unwrap_err();
    let bytes = match error.kind() {
        ErrorKind::Window { bytes, .. } => *bytes,
        _ => 0,
    };
    assert!((800_000..1_100_000).contains(&bytes), "{error}");
    reader.set_memory_bytes_max(bytes);
    assert_eq!(reader.read(0).unwrap().num_rows(), 100_000);
    assert_eq!(reader.memory_bytes(), bytes);
    // No column, no buffer.
    let mut none = IpcReader::new(&file, input, vec![], 0).unwrap();
    assert_eq!(none.read(0).unwrap().num_rows(), 100_000);
}

#[test]
fn what_is_no_arrow_is_told() {
    let whole = file(&[odd(&WORDS)], options(None));
    let text = |bytes: &[u8]| open(bytes).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(text(b"a,b\n1,2\n").contains("expected Arrow IPC, a file or a stream"));
    assert!(text(b"").contains("expected Arrow IPC"));
    assert!(text(b"FEA1....").contains("Feather 1"));
    assert!(text(&whole[..whole.len() - 1]).contains("is it complete?"));
    let stream = stream(&[odd(&WORDS)], options(None));
    assert!(text(&stream[..stream.len() - 40]).contains("is it complete?"));
    let mut long = whole;
    let at = long.len() - 10;
    long[at..at + 4].copy_from_slice(&i32::MAX.to_le_bytes());
    assert!(text(&long).contains("expected a footer within the file"), "{}", text(&long));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Rows of every kind, by the crate's writers; any columns of any batches.
    #[test]
    fn rows_are_read_as_they_were(
        seed: u64,
        lengths in prop::collection::vec(0_usize..30, 1..4),
        compression in prop::sample::select(vec![
            None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD),
        ]),
        is_stream: bool,
        picks in prop::collection::vec(0_usize..15, 0..15),
    ) {
        let batches: Vec<RecordBatch> = lengths
            .iter()
            .map(|rows| generate::batch(seed ^ *rows as u64, rows + 3).slice(2, *rows))
            .collect();
        let write = if is_stream { stream } else { file };
        let bytes = write(&batches, options(compression));
        let mut columns = picks;
        columns.sort_unstable();
        columns.dedup();
        columns.reverse();
        let order: Vec<usize> = (0..batches.len()).rev().collect();
        let read = read(&bytes, &columns, &order).unwrap();
        for (read, place) in read.iter().zip(order) {
            prop_assert_eq!(read.num_rows(), batches[place].num_rows());
            let expected = engine(&batches[place]).project(&columns).unwrap();
            for (column, expected) in read.columns().iter().zip(expected.columns()) {
                prop_assert_eq!(column, expected);
            }
        }
        // And as the crate's own readers see the bytes.
        let others: Vec<RecordBatch> = if is_stream {
            StreamReader::try_new(Cursor::new(&bytes), None).unwrap().map(|batch| batch.unwrap()).collect()
        } else {
            FileReader::try_new(Cursor::new(&bytes), None).unwrap().map(|batch| batch.unwrap()).collect()
        };
        for (read, other) in all(&bytes).unwrap().iter().zip(&others) {
            let expected = engine(other);
            let schema: SchemaRef = expected.schema();
            prop_assert_eq!(read.schema(), schema);
            prop_assert_eq!(read.columns(), expected.columns());
        }
    }
}
