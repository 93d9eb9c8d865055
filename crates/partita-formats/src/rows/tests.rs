//! Files of rows, read back by others.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
    ListArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use proptest::prelude::*;

use super::*;
use crate::parquet::PageFile;

pub(crate) mod generate;
mod ipc;
mod ndjson;

/// A whole file of a piece a batch.
fn whole(batches: &[RecordBatch], format: RowsFormat) -> Vec<u8> {
    let schema = match batches {
        [] => Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)])),
        [first, ..] => first.schema(),
    };
    let layout = RowsLayout::new(schema, &RowsOptions::new(format)).unwrap();
    let mut part = RowsPart::new(Vec::new(), &layout).unwrap();
    for batch in batches {
        let mut encoder = RowsEncoder::new(Arc::clone(&layout));
        encoder.write(batch).unwrap();
        part.append(encoder.take().unwrap()).unwrap();
    }
    part.finish().unwrap().1
}

fn layout(batch: &RecordBatch, csv: CsvOptions) -> Arc<RowsLayout> {
    RowsLayout::new(batch.schema(), &RowsOptions::new(RowsFormat::Csv(csv))).unwrap()
}

/// The whole file.
fn written(batch: &RecordBatch, csv: CsvOptions) -> Vec<u8> {
    let layout = layout(batch, csv);
    let mut encoder = RowsEncoder::new(Arc::clone(&layout));
    encoder.write(batch).unwrap();
    let mut part = RowsPart::new(Vec::new(), &layout).unwrap();
    part.append(encoder.take().unwrap()).unwrap();
    let (summary, bytes) = part.finish().unwrap();
    assert_eq!((summary.rows, summary.bytes), (batch.num_rows() as u64, bytes.len() as u64));
    bytes
}

fn text(batch: &RecordBatch, csv: CsvOptions) -> String {
    String::from_utf8(written(batch, csv)).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .unwrap()
}

#[test]
fn every_type_has_its_form() {
    let dictionary: DictionaryArray<Int32Type> = [Some("x,y"), None].into_iter().collect();
    let rows = batch(vec![
        ("n", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("f, g", Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN)]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false)]))),
        ("d", Arc::new(Date32Array::from(vec![Some(19_782), None]))),
        ("t", Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), Some(0)]).with_timezone("UTC"))),
        ("s", Arc::new(StringViewArray::from(vec![Some("say \"hi\"\r\n"), Some("")]))),
        ("u", Arc::new(StringArray::from(vec![None, Some(" a ")]))),
        ("k", Arc::new(dictionary)),
        (
            "m",
            Arc::new(
                Decimal128Array::from(vec![Some(-12_345), None]).with_precision_and_scale(9, 3).unwrap(),
            ),
        ),
    ]);
    assert_eq!(
        text(&rows, CsvOptions::default()),
        "n,\"f, g\",b,d,t,s,u,k,m\n\
         -9223372036854775808,1.0,true,2024-02-29,1969-12-31 23:59:59.999999Z,\"say \"\"hi\"\"\r\n\",,\"x,y\",-12.345\n\
         ,NaN,false,,1970-01-01 00:00:00Z,\"\", a ,,\n"
    );
}

#[test]
fn options_change_the_form() {
    let rows = batch(vec![
        (
            "a",
            Arc::new(StringViewArray::from(vec![
                Some("x y"),
                None,
                Some("NA"),
                Some("it's"),
                Some("\u{FEFF}z"),
            ])),
        ),
        ("t", Arc::new(TimestampMicrosecondArray::from(vec![None, Some(0), None, None, None]))),
    ]);
    let csv = CsvOptions { separator: b' ', quote: b'\'', null_value: "NA".to_owned(), header: false };
    assert_eq!(text(&rows, csv), "'x y' NA\nNA 1970-01-01T00:00:00\n'NA' NA\n'it''s' NA\n'\u{FEFF}z' NA\n");
    let tabs = CsvOptions { separator: b'\t', ..CsvOptions::default() };
    assert!(text(&rows, tabs).starts_with("a\tt\nx y\t\n"));
}

#[test]
fn one_column_has_no_empty_lines() {
    let rows = batch(vec![("a", Arc::new(Int64Array::from(vec![Some(1), None, Some(2)])))]);
    assert_eq!(text(&rows, CsvOptions::default()), "a\n1\n\"\"\n2\n");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    let rows = batch(vec![("l", Arc::new(list))]);
    let options = |csv| RowsOptions::new(RowsFormat::Csv(csv));
    let error = RowsLayout::new(rows.schema(), &options(CsvOptions::default())).unwrap_err().to_string();
    assert!(error.contains("column \"l\"") && error.contains("no form in CSV"), "{error}");
    for (csv, expected) in [
        (CsvOptions { separator: b'1', ..CsvOptions::default() }, "separator: expected"),
        (CsvOptions { quote: b'\n', ..CsvOptions::default() }, "quote: expected"),
        (CsvOptions { quote: b',', ..CsvOptions::default() }, "are both ','"),
        (CsvOptions { null_value: "a,b".to_owned(), ..CsvOptions::default() }, "null_value"),
    ] {
        let error = options(csv).check().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let other = Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, true)]));
    let mut encoder = RowsEncoder::new(RowsLayout::new(other, &options(CsvOptions::default())).unwrap());
    assert!(encoder.write(&rows).is_err());
}

/// A piece that waited in a file.
#[test]
fn pieces_may_wait_in_a_file() {
    #[derive(Default)]
    struct Memory(std::sync::Mutex<Vec<u8>>);
    impl PageFile for Memory {
        fn write_at(&self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
            let mut all = self.0.lock().unwrap();
            all.resize(offset as usize, 0);
            all.extend_from_slice(bytes);
            Ok(())
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
            let all = self.0.lock().unwrap();
            buffer.copy_from_slice(&all[offset as usize..][..buffer.len()]);
            Ok(())
        }
    }
    let rows = batch(vec![("a", Arc::new(Int64Array::from_iter_values(0..10_000)))]);
    let layout = layout(&rows, CsvOptions::default());
    let mut encoder = RowsEncoder::new(Arc::clone(&layout));
    encoder.write(&rows).unwrap();
    let mut piece = encoder.take().unwrap();
    let held = piece.memory_bytes();
    let file: Arc<dyn PageFile> = Arc::new(Memory::default());
    assert_eq!(piece.spill(&file, 0).unwrap(), held as u64);
    assert_eq!(piece.memory_bytes(), 0);
    let mut part = RowsPart::new(Vec::new(), &layout).unwrap();
    part.append(piece).unwrap();
    assert_eq!(part.finish().unwrap().1, written(&rows, CsvOptions::default()));
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        "[a-z]{0,3}".prop_map(Some),
        "[,\"\r\nä;a]{0,6}".prop_map(Some),
        "[a-z ]{10,40}".prop_map(Some),
    ]
}

proptest! {
    /// Fields as the `csv` crate sees them; null and the empty text are the same to it.
    #[test]
    fn texts_are_what_the_csv_crate_reads(
        texts in prop::collection::vec((any_text(), any_text()), 0..60),
        separator in prop::sample::select(vec![b',', b';', b'\t', b'|']),
    ) {
        let (first, second): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
        let rows = batch(vec![
            ("first", Arc::new(StringViewArray::from(first.clone()))),
            ("second", Arc::new(StringArray::from(second.clone()))),
        ]);
        let bytes = written(&rows, CsvOptions { separator, ..CsvOptions::default() });
        let mut reader = ::csv::ReaderBuilder::new().delimiter(separator).from_reader(&bytes[..]);
        let got: Vec<_> = reader.records().map(|record| record.unwrap()).collect();
        prop_assert_eq!(got.len(), rows.num_rows());
        for (row, record) in got.iter().enumerate() {
            prop_assert_eq!(&record[0], first[row].as_deref().unwrap_or(""));
            prop_assert_eq!(&record[1], second[row].as_deref().unwrap_or(""));
        }
    }
}
