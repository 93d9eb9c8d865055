//! What tests of readers share: files in memory, batches as text.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::super::header;
use super::super::infer;
use super::super::options::ReadOptions;
use super::*;
use crate::error::Result;
use crate::io::ReadAt;

/// A file of these bytes, under the name that errors show.
pub(crate) fn open(bytes: &[u8]) -> Arc<dyn ReadAt> {
    Arc::new(bytes.to_vec())
}

/// Head, inference, types: all that comes before reading.
pub(crate) fn plan(bytes: &[u8], options: &ReadOptions) -> Result<Arc<CsvBlock>> {
    let input = open(bytes);
    options.validate()?;
    let head = header::read("t.csv", &input, options)?;
    let guesses = infer::sample(&input, &head, options)?;
    let names = header::combine(std::slice::from_ref(&head), options)?;
    let types = infer::finish(&names, &guesses, options)?;
    Ok(Arc::new(CsvBlock::new(&head, options, &types)?))
}

/// All batches of a reader as one.
pub(crate) fn gather(
    block: &CsvBlock,
    mut next: impl FnMut() -> Result<Option<RecordBatch>>,
) -> Result<RecordBatch> {
    let mut batches = Vec::new();
    while let Some(batch) = next()? {
        assert!(batch.num_rows() > 0 && batch.num_rows() <= block.limits.batch_rows_max);
        batches.push(batch);
    }
    Ok(concat_batches(&block.schema, &batches)?)
}

/// The whole file, read as one block.
pub(crate) fn read_whole(block: &Arc<CsvBlock>, bytes: &[u8]) -> Result<RecordBatch> {
    let mut reader = BlockReader::new(Arc::clone(block), open(bytes), 0..bytes.len() as u64)?;
    gather(block, || reader.next_batch())
}

/// From bytes to one batch, with everything found out on the way.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<RecordBatch> {
    read_whole(&plan(bytes, options)?, bytes)
}

/// The error that planning or reading ends with.
pub(crate) fn read_error(bytes: &[u8], options: &ReadOptions) -> String {
    read(bytes, options).expect_err("an error").to_string()
}

/// The types of a batch, as users write them.
pub(crate) fn types(batch: &RecordBatch) -> Vec<String> {
    batch
        .schema()
        .fields()
        .iter()
        .map(|field| super::super::schema_file::type_name(field.data_type()))
        .collect()
}

/// The rows of a batch as text: strings in quotes, so that the empty one can be told from null.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("null");
    let cells: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| (ArrayFormatter::try_new(column, &options).expect("a formatter"), column))
        .collect();
    let cell = |row: usize, formatter: &ArrayFormatter<'_>, column: &dyn Array| match column.data_type() {
        DataType::Utf8View if column.is_valid(row) => format!("{:?}", formatter.value(row).to_string()),
        _ => formatter.value(row).to_string(),
    };
    let row = |row: usize| cells.iter().map(|(formatter, column)| cell(row, formatter, column)).collect();
    (0..batch.num_rows()).map(row).collect()
}
