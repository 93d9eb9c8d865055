//! Valid files: their shape is that of the manifest, their values those of the `parquet` crate's own reader.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use partita_formats::Result;
use partita_formats::io::ReadAt;
use partita_formats::parquet::read::{FooterLimits, ParquetFile, RowGroupReader, RowGroupSpec};

use crate::folder::find;

/// All of a file.
pub(crate) fn table(bytes: Vec<u8>) -> Result<RecordBatch> {
    let input: Arc<dyn ReadAt> = Arc::new(bytes);
    let file = Arc::new(ParquetFile::open(input.as_ref(), "a file", &FooterLimits::default())?);
    let spec = RowGroupSpec::new((0..file.schema().fields().len()).collect());
    let mut batches = Vec::new();
    for row_group in 0..file.row_groups().len() {
        let mut reader = RowGroupReader::new(&file, &input, row_group, &spec, None)?;
        while let Some(batch) = reader.next_batch()? {
            assert!(batch.num_rows() > 0 && batch.num_rows() <= spec.batch_rows_max);
            batches.push(batch);
        }
    }
    let table = concat_batches(file.schema(), &batches)?;
    assert_eq!(table.num_rows() as u64, file.rows());
    Ok(table)
}

pub(crate) fn shapes() {
    let Some(entries) = find("shapes of Parquet files", &["parquet-valid"]) else {
        return;
    };
    let (mut agreed, mut all, mut wrong) = (0, 0, Vec::new());
    for entry in &entries {
        let Some(expected) = entry.shape() else {
            continue;
        };
        all += 1;
        match table(std::fs::read(&entry.path).unwrap()) {
            Ok(table) if (table.num_rows() as u64, table.num_columns()) == expected => agreed += 1,
            Ok(table) => {
                let (rows, columns) = (table.num_rows(), table.num_columns());
                wrong.push(format!("{}: expected {expected:?}, got {rows} x {columns}", entry.file));
            }
            Err(error) => wrong.push(format!("{}: {error}", entry.file)),
        }
    }
    eprintln!("{agreed} of {all} files have the shape that other readers see");
    assert!(wrong.is_empty(), "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all > 150);
}

pub(crate) fn values() {
    let Some(entries) = find("values of Parquet files", &["parquet-valid"]) else {
        return;
    };
    let (mut agreed, mut wrong) = (0, Vec::new());
    for entry in &entries {
        let bytes = std::fs::read(&entry.path).unwrap();
        let Ok(Ok((_, expected))) = catch_unwind(AssertUnwindSafe(|| by_the_crate(bytes.clone()))) else {
            continue;
        };
        // Those that should be read and are not are told by the shapes; the others have no key here.
        let Ok(got) = table(bytes) else {
            continue;
        };
        if entry.file.ends_with("int96_from_spark.parquet") {
            // The crate's nanoseconds end in 2262, its values go on to the year 290000.
            let got = got.column(0).as_primitive::<TimestampMicrosecondType>();
            assert_eq!(got.iter().collect::<Vec<_>>(), INT96_FROM_SPARK);
            agreed += 1;
            continue;
        }
        match differs(&expected, &got) {
            None => agreed += 1,
            Some(what) => wrong.push(format!("{}: {what}", entry.file)),
        }
    }
    eprintln!("{agreed} files have the values that the crate reads");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(agreed > 150);
}

/// All of a file as the `parquet` crate reads it, without the embedded schema.
fn by_the_crate(bytes: Vec<u8>) -> std::result::Result<(SchemaRef, RecordBatch), Box<dyn std::error::Error>> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(Bytes::from(bytes), options)?;
    let schema = Arc::clone(builder.schema());
    let batches: Vec<RecordBatch> = builder.build()?.collect::<std::result::Result<_, _>>()?;
    let table = concat_batches(&schema, &batches)?;
    Ok((schema, table))
}

fn differs(expected: &RecordBatch, got: &RecordBatch) -> Option<String> {
    if expected.num_rows() != got.num_rows() || expected.num_columns() != got.num_columns() {
        return Some(format!("expected {} rows, got {}", expected.num_rows(), got.num_rows()));
    }
    got.schema().fields().iter().zip(expected.columns().iter().zip(got.columns())).find_map(
        |(field, (expected, got))| {
            let expected = as_type(expected, got.data_type());
            let is_same = expected.as_ref().is_ok_and(|expected| same(expected, got));
            (!is_same).then(|| {
                let (name, data_type) = (field.name(), got.data_type());
                let message = expected.err().unwrap_or_else(|| "other values".to_owned());
                format!("column {name:?}, {data_type}: {message}")
            })
        },
    )
}

/// Microseconds, as Spark wrote them.
const INT96_FROM_SPARK: [Option<i64>; 6] = [
    Some(1_704_141_296_123_456),
    Some(1_704_070_800_000_000),
    Some(253_402_225_200_000_000),
    Some(1_735_599_600_000_000),
    None,
    Some(9_089_380_393_200_000_000),
];

/// NaN is the same as NaN.
fn same(a: &ArrayRef, b: &ArrayRef) -> bool {
    a == b || format!("{a:?}") == format!("{b:?}") && a.len() == b.len() && a.nulls() == b.nulls()
}

fn as_type(array: &ArrayRef, data_type: &DataType) -> std::result::Result<ArrayRef, String> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, data_type, &strict).map_err(|error| error.to_string())
}
