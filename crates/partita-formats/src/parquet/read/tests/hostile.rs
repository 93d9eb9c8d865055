//! Footers that ask for too much, and schemas that lie.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ARROW_SCHEMA_META_KEY, ArrowWriter, encode_arrow_schema};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::{open, read};
use crate::io::ReadAt;
use crate::parquet::read::{FooterLimits, ParquetFile, RowGroupReader, RowGroupSpec};

/// A number in Thrift's compact protocol.
fn number(value: i64, out: &mut Vec<u8>) {
    let mut rest = (value << 1 ^ value >> 63).cast_unsigned();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// An element of a schema: a required group of so many children, or a leaf.
fn element(name: &str, children: i64, out: &mut Vec<u8>) {
    if children == 0 {
        // Its type is field 1, its repetition field 3.
        out.extend_from_slice(&[0x15, 0x02, 0x25, 0x00]);
        out.extend_from_slice(&[0x18, name.len() as u8]);
    } else {
        out.extend_from_slice(&[0x35, 0x00, 0x18, name.len() as u8]);
    }
    out.extend_from_slice(name.as_bytes());
    if children != 0 {
        out.push(0x15);
        number(children, out);
    }
    out.push(0);
}

/// A file without row groups, of the elements of a schema.
fn file_of(elements: &[(String, i64)]) -> Vec<u8> {
    let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
    let mut count = elements.len();
    while count >= 0x80 {
        footer.push(count as u8 | 0x80);
        count >>= 7;
    }
    footer.push(count as u8);
    for (name, children) in elements {
        element(name, *children, &mut footer);
    }
    // Rows, and a list of no row groups.
    footer.extend_from_slice(&[0x16, 0x00, 0x19, 0x0c, 0x00]);
    let mut file = b"PAR1".to_vec();
    file.extend_from_slice(&footer);
    file.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    file.extend_from_slice(b"PAR1");
    file
}

fn error_of(file: &[u8]) -> String {
    ParquetFile::open(&file.to_vec(), "a.parquet", &FooterLimits::default()).unwrap_err().to_string()
}

fn leaf(name: &str) -> (String, i64) {
    (name.to_owned(), 0)
}

fn group(name: &str, children: i64) -> (String, i64) {
    (name.to_owned(), children)
}

#[test]
fn schemas_that_are_no_tree_are_refused() {
    let file = file_of(&[group("root", 2), leaf("a"), leaf("b")]);
    let file = ParquetFile::open(&file, "a.parquet", &FooterLimits::default()).unwrap();
    assert_eq!((file.schema().fields().len(), file.rows()), (2, 0));

    let error = error_of(&file_of(&[group("root", i64::from(i32::MAX)), leaf("a")]));
    assert!(error.contains("a group of 2147483647 children in a schema of 2 elements"), "{error}");
    let error = error_of(&file_of(&[group("root", -1), leaf("a")]));
    assert!(error.contains("a group of -1 children"), "{error}");
    let error = error_of(&file_of(&[group("root", 1), leaf("a"), leaf("b")]));
    assert!(error.contains("expected a schema of one tree"), "{error}");
    let error = error_of(&file_of(&[group("root", 1), group("a", 1)]));
    assert!(error.contains("children in a schema of 2 elements"), "{error}");
}

#[test]
fn schemas_that_are_too_deep_are_refused() {
    let chain = |depth: usize| {
        let mut elements: Vec<_> = (0..depth).map(|at| group(&format!("group {at}"), 1)).collect();
        elements.push(leaf("leaf"));
        file_of(&elements)
    };
    let file = ParquetFile::open(&chain(50), "a.parquet", &FooterLimits::default()).unwrap();
    assert_eq!(file.schema().fields().len(), 1);
    assert!(error_of(&chain(200)).contains("at most 100 groups within each other"));
    assert!(error_of(&chain(100_000)).contains("at most 100 groups within each other"));
    // A leaf beside each group: their paths together are far longer than the footer.
    let mut elements: Vec<_> = (0..99).flat_map(|_| [group(&"g".repeat(60), 2), leaf("l")]).collect();
    elements.push(leaf("l"));
    assert!(error_of(&file_of(&elements)).contains("groups within each other"));
}

#[test]
fn ends_that_are_no_ends_are_refused() {
    let whole = file_of(&[group("root", 1), leaf("a")]);
    for end in 0..whole.len() {
        error_of(&whole[..end]);
    }
    let mut long = whole.clone();
    let at = long.len() - 8;
    long[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(error_of(&long).contains("expected a footer within the file"));
    let mut encrypted = whole.clone();
    let at = encrypted.len() - 1;
    encrypted[at] = b'E';
    assert!(error_of(&encrypted).contains("encrypted"));
    // The footer is plain, and says how columns are encrypted.
    let mut columns = whole.clone();
    let end = columns.len() - 9;
    let length = columns.len() - 12 + 4;
    columns.splice(end..end, [0x4c, 0x1c, 0x00, 0x00]);
    let at = columns.len() - 8;
    columns[at..at + 4].copy_from_slice(&(length as u32).to_le_bytes());
    assert!(error_of(&columns).contains("columns are encrypted, and there is no key"));
    let limits = FooterLimits { footer_bytes_max: 10 };
    let error = ParquetFile::open(&whole, "a.parquet", &limits).unwrap_err().to_string();
    assert!(error.contains("raise footer_bytes_max"), "{error}");
}

#[test]
fn an_embedded_schema_that_lies_is_left_aside() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
    let lie = |fields: Vec<Field>| encode_arrow_schema(&Schema::new(fields));
    let lies = [
        lie(vec![Field::new("a", DataType::Utf8, true)]),
        lie(vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Int64, true)]),
        lie(vec![]),
        "no schema at all".to_owned(),
    ];
    for value in lies {
        let pair = KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), value);
        let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![pair])).build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let input: Arc<dyn ReadAt> = Arc::new(bytes);
        let file = open(&input);
        assert_eq!(file.schema().fields().len(), 1);
        assert_eq!(*file.schema().field(0).data_type(), DataType::Int64);
        let reader = RowGroupReader::new(&file, &input, 0, &RowGroupSpec::new(vec![0]), None).unwrap();
        assert_eq!(read(reader).column(0), batch.column(0));
    }
}
