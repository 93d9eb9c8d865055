//! Arrow IPC, read back by the `arrow-ipc` crate.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{DictionaryArray, RecordBatch, RunArray, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Int32Type, Schema};
use arrow_ipc::reader::{FileReader, StreamReader};
use proptest::prelude::*;

use super::super::*;
use super::{batch, generate, whole};

fn read(bytes: &[u8]) -> Vec<RecordBatch> {
    let reader = FileReader::try_new(Cursor::new(bytes), None).unwrap();
    reader.map(|batch| batch.unwrap()).collect()
}

/// The rows in the types of `schema`.
fn together(batches: &[RecordBatch], schema: &Arc<Schema>) -> RecordBatch {
    let fitted = batches.iter().map(|batch| {
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type()).unwrap());
        RecordBatch::try_new(Arc::clone(schema), columns.collect()).unwrap()
    });
    concat_batches(schema, &fitted.collect::<Vec<_>>()).unwrap()
}

fn options(compression: IpcCompression) -> RowsFormat {
    RowsFormat::Ipc(IpcOptions { compression })
}

#[test]
fn dictionaries_and_runs_are_their_values() {
    let words: DictionaryArray<Int32Type> = [Some("a"), None, Some("a")].into_iter().collect();
    let runs: RunArray<Int32Type> = [Some("x"), Some("x"), None].into_iter().collect();
    let rows = batch(vec![("d", Arc::new(words)), ("r", Arc::new(runs))]);
    let read = read(&whole(&[rows], options(IpcCompression::None)));
    assert_eq!(read[0].column(0).as_ref(), &StringArray::from(vec![Some("a"), None, Some("a")]));
    assert_eq!(read[0].column(1).as_ref(), &StringArray::from(vec![Some("x"), Some("x"), None]));
    assert_eq!(read[0].schema().field(0).data_type(), &DataType::Utf8);
}

#[test]
fn a_file_without_rows_has_its_schema() {
    let rows = generate::batch(1, 0);
    let bytes = whole(&[], RowsFormat::Ipc(IpcOptions::default()));
    assert_eq!(read(&bytes).len(), 0);
    let bytes = whole(std::slice::from_ref(&rows), RowsFormat::Ipc(IpcOptions::default()));
    let reader = FileReader::try_new(Cursor::new(&bytes[..]), None).unwrap();
    assert_eq!(reader.schema().fields().len(), rows.num_columns());
}

#[test]
fn the_same_messages_are_a_stream_behind_the_magic_bytes() {
    let rows = generate::batch(3, 50);
    let bytes = whole(std::slice::from_ref(&rows), options(IpcCompression::Lz4));
    let reader = StreamReader::try_new(Cursor::new(&bytes[64..]), None).unwrap();
    let read: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
    assert_eq!(together(&read, &rows.schema()), rows);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn arrow_reads_what_was_written(
        seed: u64,
        pieces in prop::collection::vec(prop::collection::vec(0_usize..40, 0..4), 1..4),
        compression in prop::sample::select(vec![
            IpcCompression::None, IpcCompression::Lz4, IpcCompression::Zstd,
        ]),
    ) {
        let schema = generate::batch(seed, 0).schema();
        let layout = RowsLayout::new(Arc::clone(&schema), &RowsOptions::new(options(compression))).unwrap();
        let mut part = RowsPart::new(Vec::new(), &layout).unwrap();
        let mut all = Vec::new();
        for piece in &pieces {
            let mut encoder = RowsEncoder::new(Arc::clone(&layout));
            for rows in piece {
                let batch = generate::batch(seed ^ *rows as u64, rows + 2).slice(1, *rows);
                encoder.write(&batch).unwrap();
                all.push(batch);
            }
            part.append(encoder.take().unwrap()).unwrap();
        }
        let (_, bytes) = part.finish().unwrap();
        let read = read(&bytes);
        prop_assert_eq!(together(&read, &schema), concat_batches(&schema, &all).unwrap());
    }
}
