//! Files of all kinds, by the `arrow-ipc` crate.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray, NullArray,
    RecordBatch, RunArray, StringArray, StringViewArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int8Type, Int32Type, Schema};
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_ipc::{CompressionType, MetadataVersion};

/// Rows with a bit of everything.
fn rows(seed: i64) -> RecordBatch {
    let words = ["a", "some longer text that is no inline view", "", "b"];
    let word = |row: i64| (row % 5 != seed % 5).then(|| words[(row + seed) as usize % words.len()]);
    let texts = || (0..40).map(word);
    let ints: ArrayRef =
        Arc::new((0..40).map(|row| (row % 7 > 0).then_some(row * seed)).collect::<Int64Array>());
    let floats: Float64Array = (0..40).map(|row| Some(row as f64 / 3.0)).collect();
    let lists = ListArray::from_iter_primitive::<Float64Type, _, _>(
        (0..40).map(|row| (row % 3 > 0).then(|| vec![Some(1.5), None, Some(row as f64)])),
    );
    let inner: ArrayRef = Arc::new(texts().collect::<StringArray>());
    let fields = vec![Field::new("n", DataType::Int64, true), Field::new("t", DataType::Utf8, true)];
    let structs = StructArray::new(fields.into(), vec![Arc::clone(&ints), Arc::clone(&inner)], None);
    let runs: RunArray<Int32Type> = (0..40).map(|row| words[row / 10]).collect();
    let keys: DictionaryArray<Int8Type> = texts().collect();
    let columns: Vec<ArrayRef> = vec![
        ints,
        Arc::new(floats),
        Arc::new((0..40).map(|row| Some(row % 2 == 0)).collect::<BooleanArray>()),
        inner,
        Arc::new(texts().collect::<StringViewArray>()),
        Arc::new(texts().map(|text| text.map(str::as_bytes)).collect::<BinaryViewArray>()),
        Arc::new(keys),
        Arc::new(lists),
        Arc::new(structs),
        Arc::new(runs),
        Arc::new(NullArray::new(40)),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .enumerate()
        .map(|(number, column)| Field::new(format!("c{number}"), column.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// Files and streams, compressed and not.
pub(crate) fn files() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5).unwrap();
        let options = options.try_with_compression(compression).unwrap();
        let (first, second) = (rows(1), rows(3));
        let mut stream =
            StreamWriter::try_new_with_options(Vec::new(), &first.schema(), options.clone()).unwrap();
        stream.write(&first).unwrap();
        stream.write(&second).unwrap();
        stream.finish().unwrap();
        files.push(stream.into_inner().unwrap());
        let mut file = FileWriter::try_new_with_options(Vec::new(), &first.schema(), options).unwrap();
        file.write(&first).unwrap();
        file.finish().unwrap();
        files.push(file.into_inner().unwrap());
    }
    files
}
