//! Everything is read back through the `parquet` crate's own reader.

mod bloom;
mod spill;
mod statistics;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal128Array,
    DictionaryArray, DurationSecondArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StringViewArray, StructArray,
    Time32SecondArray, Time64MicrosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Encoding as Laid, LogicalType, TimeUnit as ParquetUnit};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::ErrorKind;

/// Encodes batches, cut at `room`, and writes them as one file.
fn write(batches: &[RecordBatch], options: &WriteOptions) -> crate::Result<(Vec<u8>, PartSummary)> {
    write_groups(encode(batches, options)?, batches[0].schema(), options)
}

fn encode(batches: &[RecordBatch], options: &WriteOptions) -> crate::Result<Vec<EncodedRowGroup>> {
    let layout = Layout::new(batches[0].schema(), options)?;
    let mut groups = Vec::new();
    let mut encoder = RowGroupEncoder::with_layout(Arc::clone(&layout))?;
    for batch in batches {
        let mut rest = batch.clone();
        while rest.num_rows() > 0 {
            if encoder.room() == 0 {
                let full =
                    std::mem::replace(&mut encoder, RowGroupEncoder::with_layout(Arc::clone(&layout))?);
                groups.push(full.finish()?);
            }
            let take = encoder.room().min(rest.num_rows());
            encoder.write(&rest.slice(0, take))?;
            rest = rest.slice(take, rest.num_rows() - take);
        }
    }
    groups.push(encoder.finish()?);
    Ok(groups)
}

fn write_groups(
    groups: Vec<EncodedRowGroup>,
    schema: Arc<Schema>,
    options: &WriteOptions,
) -> crate::Result<(Vec<u8>, PartSummary)> {
    let extra = [("made".to_owned(), "here".to_owned())];
    let mut part = PartWriter::new(Vec::new(), schema, options, extra)?;
    for group in groups {
        part.append(group)?;
    }
    let (summary, bytes) = part.finish()?;
    Ok((bytes, summary))
}

fn read(bytes: &[u8]) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(bytes)).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn metadata(bytes: &[u8]) -> ParquetMetaData {
    let bytes = Bytes::copy_from_slice(bytes);
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&bytes)
        .unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn column(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

/// Every type that can be stored, five rows each, a null among them.
fn every_type() -> RecordBatch {
    let ints = [Some(3), None, Some(-1), Some(0), Some(3)];
    let small = ints.map(|value| value.map(|value| value as i8));
    let wide = ints.map(|value| value.map(i64::from));
    let text = [Some("a"), None, Some(""), Some("a longer text than twelve bytes"), Some("ä")];
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
        Some(vec![Some(2)]),
        Some(vec![None]),
    ]);
    let inner = StructArray::from(vec![
        (Arc::new(Field::new("text", DataType::Utf8View, true)), column(StringViewArray::from_iter(text))),
        (
            Arc::new(Field::new("at", DataType::Timestamp(TimeUnit::Second, None), true)),
            column(TimestampSecondArray::from_iter(wide)),
        ),
    ]);
    let keyed: DictionaryArray<Int32Type> = text.into_iter().collect();
    let numbers = DictionaryArray::<Int32Type>::new(
        Int32Array::from(vec![Some(0), None, Some(1), Some(0), Some(1)]),
        column(Int64Array::from(vec![7, 8])),
    );
    let views = cast(&keyed, &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View)));
    batch(vec![
        ("bool", column(BooleanArray::from(vec![Some(true), None, Some(false), Some(true), Some(false)]))),
        ("i8", column(Int8Array::from_iter(small))),
        ("i16", column(Int16Array::from_iter(ints.map(|value| value.map(|value| value as i16))))),
        ("i32", column(Int32Array::from_iter(ints))),
        ("i64", column(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX), Some(0), Some(1)]))),
        ("u8", column(UInt8Array::from(vec![Some(255), None, Some(0), Some(1), Some(2)]))),
        ("u16", column(UInt16Array::from(vec![Some(65535), None, Some(0), Some(1), Some(2)]))),
        ("u32", column(UInt32Array::from(vec![Some(u32::MAX), None, Some(0), Some(1), Some(2)]))),
        ("u64", column(UInt64Array::from(vec![Some(u64::MAX), None, Some(0), Some(1), Some(2)]))),
        ("f32", column(Float32Array::from(vec![Some(1.5), None, Some(-0.0), Some(f32::MAX), Some(0.1)]))),
        (
            "f64",
            column(Float64Array::from(vec![Some(1.5), None, Some(f64::INFINITY), Some(-0.0), Some(0.1)])),
        ),
        ("text", column(StringViewArray::from_iter(text))),
        ("old_text", column(StringArray::from_iter(text))),
        ("bytes", column(BinaryViewArray::from_iter(text.map(|text| text.map(str::as_bytes))))),
        (
            "fixed",
            column(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                    [Some([1_u8, 2]), None, Some([3, 4]), Some([0, 0]), Some([9, 9])].into_iter(),
                    2,
                )
                .unwrap(),
            ),
        ),
        ("date", column(Date32Array::from_iter(ints))),
        ("date64", column(Date64Array::from_iter(wide.map(|value| value.map(|days| days * 86_400_000))))),
        ("s", column(TimestampSecondArray::from_iter(wide))),
        ("ms", column(TimestampMillisecondArray::from_iter(wide))),
        ("us", column(TimestampMicrosecondArray::from_iter(wide))),
        ("ns", column(TimestampNanosecondArray::from_iter(wide))),
        ("utc", column(TimestampMicrosecondArray::from_iter(wide).with_timezone("UTC"))),
        ("zoned", column(TimestampSecondArray::from_iter(wide).with_timezone("Europe/Berlin"))),
        ("time_s", column(Time32SecondArray::from(vec![Some(1), None, Some(2), Some(0), Some(86_399)]))),
        ("time_us", column(Time64MicrosecondArray::from(vec![Some(1), None, Some(2), Some(0), Some(3)]))),
        ("span", column(DurationSecondArray::from_iter(wide))),
        (
            "money",
            column(
                Decimal128Array::from_iter(ints.map(|value| value.map(i128::from)))
                    .with_precision_and_scale(9, 2)
                    .unwrap(),
            ),
        ),
        (
            "wide_money",
            column(
                Decimal128Array::from_iter(ints.map(|value| value.map(i128::from)))
                    .with_precision_and_scale(38, 4)
                    .unwrap(),
            ),
        ),
        ("keyed", column(keyed)),
        ("keyed_numbers", column(numbers)),
        ("keyed_views", views.unwrap()),
        ("list", column(list)),
        ("struct", column(inner)),
    ])
}

/// Numbers that have nothing in common (SplitMix64).
fn scattered(n: i64) -> i64 {
    let mut bits = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ bits >> 31) as i64
}

fn names(data_type: &DataType) -> String {
    format!("{data_type:?}")
}

#[test]
fn every_type_comes_back() {
    let rows = every_type();
    for compression in ["zstd:3", "snappy", "lz4", "gzip:6", "none"] {
        let options = WriteOptions { compression: compression.parse().unwrap(), ..WriteOptions::default() };
        let (bytes, summary) = write(&[rows.clone(), rows.clone()], &options).unwrap();
        let got = read(&bytes);
        assert_eq!(summary.rows, 10);
        let twice = concat_batches(&rows.schema(), [&rows, &rows]).unwrap();
        for (index, field) in got.schema().fields().iter().enumerate() {
            let expected = cast(twice.column(index), field.data_type()).unwrap();
            assert_eq!(&expected, got.column(index), "{} with {compression}", field.name());
        }
    }
}

#[test]
fn embedded_schema_has_no_views_and_no_seconds() {
    let (bytes, _) = write(&[every_type()], &WriteOptions::default()).unwrap();
    let got = read(&bytes);
    for field in got.schema().fields() {
        let name = names(field.data_type());
        assert!(!name.contains("View") && !name.contains("Second("), "{}: {name}", field.name());
        assert!(!name.contains("(Second") && !name.contains("Date64"), "{}: {name}", field.name());
    }
    assert_eq!(got.schema().field_with_name("text").unwrap().data_type(), &DataType::Utf8);
    assert_eq!(
        got.schema().field_with_name("zoned").unwrap().data_type(),
        &DataType::Timestamp(TimeUnit::Millisecond, Some("Europe/Berlin".into()))
    );
    let meta = metadata(&bytes);
    let embedded = meta.file_metadata().key_value_metadata().unwrap();
    assert!(embedded.iter().any(|pair| pair.key == options::ARROW_SCHEMA_KEY));
    assert!(embedded.iter().any(|pair| pair.key == "made" && pair.value.as_deref() == Some("here")));
}

#[test]
fn naive_timestamps_are_no_instants() {
    let (bytes, _) = write(&[every_type()], &WriteOptions::default()).unwrap();
    let meta = metadata(&bytes);
    let descriptor = meta.file_metadata().schema_descr();
    let logical = |name: &str| {
        let leaf = descriptor.columns().iter().find(|leaf| leaf.path().string() == name).unwrap();
        leaf.logical_type_ref().cloned().unwrap()
    };
    let timestamp = |is_adjusted, unit| LogicalType::timestamp(is_adjusted, unit);
    assert_eq!(logical("s"), timestamp(false, ParquetUnit::MILLIS));
    assert_eq!(logical("us"), timestamp(false, ParquetUnit::MICROS));
    assert_eq!(logical("utc"), timestamp(true, ParquetUnit::MICROS));
    assert_eq!(logical("zoned"), timestamp(true, ParquetUnit::MILLIS));
    assert_eq!(logical("struct.at"), timestamp(false, ParquetUnit::MILLIS));
}

fn encodings(bytes: &[u8], leaf: &str) -> Vec<Laid> {
    let meta = metadata(bytes);
    let chunk =
        meta.row_group(0).columns().iter().find(|chunk| chunk.column_path().string() == leaf).unwrap();
    chunk.encodings().collect()
}

#[test]
fn encodings_are_chosen_from_the_values() {
    let rows = 20_000_i64;
    let of = |value: &dyn Fn(i64) -> i64| (0..rows).map(value).collect::<Vec<_>>();
    let data = batch(vec![
        ("few", column(Int64Array::from(of(&|n| scattered(n) >> 57)))),
        ("few_stamps", column(TimestampMicrosecondArray::from(of(&|n| scattered(n) >> 57)))),
        ("stamps", column(TimestampMicrosecondArray::from(of(&|n| n * 1000 + (scattered(n) >> 50))))),
        ("sorted", column(Int64Array::from(of(&|n| n * 3)))),
        ("scattered", column(Int64Array::from(of(&scattered)))),
        (
            "prices",
            column(Float64Array::from_iter_values((0..rows).map(|n| (scattered(n) >> 54) as f64 * 0.25))),
        ),
        (
            "floats",
            column(Float64Array::from_iter_values((0..rows).map(|n| (scattered(n) >> 11) as f64 * 1e-9))),
        ),
        (
            "names",
            column(StringViewArray::from_iter_values(
                (0..rows).map(|n| format!("name {}", scattered(n) >> 56)),
            )),
        ),
        (
            "texts",
            column(StringViewArray::from_iter_values((0..rows).map(|n| format!("text {}", scattered(n))))),
        ),
        ("none", column(Int64Array::from_iter((0..rows).map(|_| None)))),
    ]);
    let (bytes, _) = write(std::slice::from_ref(&data), &WriteOptions::default()).unwrap();
    let expected = [
        ("few", Laid::RLE_DICTIONARY),
        ("few_stamps", Laid::RLE_DICTIONARY),
        ("stamps", Laid::DELTA_BINARY_PACKED),
        ("sorted", Laid::DELTA_BINARY_PACKED),
        ("scattered", Laid::PLAIN),
        ("prices", Laid::RLE_DICTIONARY),
        ("floats", Laid::PLAIN),
        ("names", Laid::RLE_DICTIONARY),
        ("texts", Laid::PLAIN),
        ("none", Laid::PLAIN),
    ];
    for (leaf, laid) in expected {
        let mut got = encodings(&bytes, leaf);
        got.retain(|&encoding| encoding != Laid::RLE);
        // A dictionary is plain itself.
        let expected = if laid == Laid::RLE_DICTIONARY { vec![Laid::PLAIN, laid] } else { vec![laid] };
        assert_eq!(got, expected, "{leaf}");
    }
    for (got, expected) in read(&bytes).columns().iter().zip(data.columns()) {
        assert_eq!(got, &cast(expected, got.data_type()).unwrap());
    }
}

#[test]
fn encodings_are_chosen_by_column() {
    let chosen = |encoding| ColumnOptions { encoding: Some(encoding), ..ColumnOptions::default() };
    let columns = BTreeMap::from([
        ("i64".to_owned(), chosen(Encoding::Delta)),
        ("f64".to_owned(), chosen(Encoding::ByteStreamSplit)),
        ("text".to_owned(), chosen(Encoding::DeltaBytes)),
        ("bytes".to_owned(), chosen(Encoding::DeltaLength)),
        ("us".to_owned(), chosen(Encoding::Dictionary)),
        (
            "i32".to_owned(),
            ColumnOptions {
                compression: Some(Compression::Uncompressed),
                statistics: Some(Statistics::None),
                ..ColumnOptions::default()
            },
        ),
    ]);
    let (bytes, _) = write(&[every_type()], &WriteOptions { columns, ..WriteOptions::default() }).unwrap();
    assert!(encodings(&bytes, "i64").contains(&Laid::DELTA_BINARY_PACKED));
    assert!(encodings(&bytes, "f64").contains(&Laid::BYTE_STREAM_SPLIT));
    assert!(encodings(&bytes, "text").contains(&Laid::DELTA_BYTE_ARRAY));
    assert!(encodings(&bytes, "bytes").contains(&Laid::DELTA_LENGTH_BYTE_ARRAY));
    assert!(encodings(&bytes, "us").contains(&Laid::RLE_DICTIONARY));
    let meta = metadata(&bytes);
    let plain = &meta.row_group(0).columns()[3];
    assert_eq!(plain.compression(), parquet::basic::Compression::UNCOMPRESSED);
    assert!(plain.statistics().is_none());
    assert_eq!(read(&bytes).column(3), every_type().column(3));

    let split = WriteOptions { byte_stream_split: true, dictionary: false, ..WriteOptions::default() };
    let (bytes, _) = write(&[every_type()], &split).unwrap();
    assert!(encodings(&bytes, "us").contains(&Laid::BYTE_STREAM_SPLIT));
    assert!(encodings(&bytes, "f64").contains(&Laid::BYTE_STREAM_SPLIT));
    assert!(encodings(&bytes, "i64").contains(&Laid::PLAIN));
    assert_eq!(read(&bytes).column(10), every_type().column(10));
}

#[test]
fn options_are_checked() {
    let schema = every_type().schema();
    let refused = |change: &dyn Fn(&mut WriteOptions)| {
        let mut options = WriteOptions::default();
        change(&mut options);
        let error = Layout::new(Arc::clone(&schema), &options).err().unwrap();
        assert!(matches!(error.kind(), ErrorKind::Options(_)), "{error:?}");
        error.to_string()
    };
    assert_eq!(refused(&|o| o.part_bytes = 1000), "part_bytes: expected at least 1048576 (1 MiB), got 1000");
    assert_eq!(refused(&|o| o.row_group_rows_max = 0), "row_group_rows_max: expected at least 1, got 0");
    assert_eq!(
        refused(&|o| o.compression = Compression::Zstd(23)),
        "compression zstd: expected a level from 1 to 22, got 23"
    );
    let for_column = |name: &str, encoding| {
        let column = ColumnOptions { encoding: Some(encoding), ..ColumnOptions::default() };
        BTreeMap::from([(name.to_owned(), column)])
    };
    let message = refused(&|o| o.columns = for_column("nothere", Encoding::Plain));
    assert!(message.contains("\"nothere\": no such column; there are bool, i8"), "{message}");
    let message = refused(&|o| o.columns = for_column("text", Encoding::Delta));
    assert!(message.contains("column \"text\": encoding Delta does not go with BYTE_ARRAY"), "{message}");
    let reserved = |o: &mut WriteOptions| {
        o.key_value_metadata.insert(options::MANIFEST_KEY.to_owned(), String::new());
    };
    assert!(refused(&reserved).contains("reserved"));
    for wrong in ["zstd:99", "zip", "snappy:3", "gzip:x", ""] {
        let message = wrong.parse::<Compression>().err().unwrap().to_string();
        assert!(message.contains("expected"), "{message}");
    }
    let none = Arc::new(Schema::empty());
    assert!(Layout::new(none, &WriteOptions::default()).is_err());
}

#[test]
fn compression_is_text_and_back() {
    for text in ["zstd:3", "zstd:22", "snappy", "lz4", "gzip:6", "gzip:0", "none"] {
        assert_eq!(text.parse::<Compression>().unwrap().to_string(), text);
    }
    assert_eq!("zstd".parse::<Compression>().unwrap(), Compression::Zstd(3));
    assert_eq!("GZIP".parse::<Compression>().unwrap(), Compression::Gzip(6));
}

#[test]
fn a_higher_level_is_no_larger() {
    let words = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
    let text = |n: i64| {
        (0..6).map(|at| words[(scattered(n) >> (3 * at)) as usize & 7]).collect::<Vec<_>>().join(" ")
    };
    let rows = batch(vec![
        ("text", column(StringViewArray::from_iter_values((0..30_000).map(text)))),
        ("few", column(Int64Array::from_iter_values((0..30_000).map(|n| scattered(n) >> 55)))),
        ("near", column(Int64Array::from_iter_values((0..30_000).map(|n| n * 1000 + (scattered(n) >> 50))))),
    ]);
    let bytes = |level: u8| {
        let options = WriteOptions { compression: Compression::Zstd(level), ..WriteOptions::default() };
        write(std::slice::from_ref(&rows), &options).unwrap().1.bytes
    };
    let sizes = [1, 2, 3, 9].map(bytes);
    assert!(sizes.is_sorted_by(|lower, higher| lower >= higher), "{sizes:?}");
    assert!(sizes[0] > sizes[3], "{sizes:?}");
}

#[test]
fn options_survive_json() {
    let options = WriteOptions { part_bytes: 1 << 20, ..WriteOptions::default() };
    let json = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<WriteOptions>(&json).unwrap(), options);
    assert_eq!(serde_json::from_str::<WriteOptions>("{}").unwrap(), WriteOptions::default());
    assert!(serde_json::from_str::<WriteOptions>("{\"no_such_option\":1}").is_err());
}

#[test]
fn required_is_kept_and_checked() {
    let schema = Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, false),
        Field::new("t", DataType::Utf8View, false),
    ]));
    let columns = vec![column(Int64Array::from(vec![1, 2])), column(StringViewArray::from(vec!["a", "b"]))];
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let (bytes, _) = write(&[rows], &WriteOptions::default()).unwrap();
    assert!(read(&bytes).schema().fields().iter().all(|field| !field.is_nullable()));
    let meta = metadata(&bytes);
    assert!(meta.file_metadata().schema_descr().columns().iter().all(|leaf| leaf.max_def_level() == 0));

    let with_null = batch(vec![
        ("n", column(Int64Array::from(vec![Some(1), None]))),
        ("t", column(StringViewArray::from(vec!["a", "b"]))),
    ]);
    let mut encoder = RowGroupEncoder::new(schema, &WriteOptions::default()).unwrap();
    let message = encoder.write(&with_null).err().unwrap().to_string();
    assert_eq!(message, "column \"n\" is required, got 1 nulls in a batch");
}

#[test]
fn other_schemas_and_seconds_too_large_are_refused() {
    let rows = batch(vec![("n", column(Int64Array::from(vec![1])))]);
    let mut encoder = RowGroupEncoder::new(rows.schema(), &WriteOptions::default()).unwrap();
    let other = batch(vec![("n", column(Float64Array::from(vec![1.0])))]);
    let message = encoder.write(&other).err().unwrap().to_string();
    assert!(message.contains("expected [n: Int64], got [n: Float64]"), "{message}");

    let far = batch(vec![("s", column(TimestampSecondArray::from(vec![i64::MAX])))]);
    let mut encoder = RowGroupEncoder::new(far.schema(), &WriteOptions::default()).unwrap();
    assert!(encoder.write(&far).is_err());
}

#[test]
fn row_groups_are_cut_at_room() {
    let rows = batch(vec![("n", column(Int64Array::from_iter_values(0..1000)))]);
    let options = WriteOptions { row_group_rows_max: 300, page_rows_max: 64, ..WriteOptions::default() };
    let (bytes, summary) = write(&[rows.clone(), rows.clone()], &options).unwrap();
    let meta = metadata(&bytes);
    let sizes: Vec<i64> = meta.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(sizes, [300, 300, 300, 300, 300, 300, 200]);
    assert_eq!(summary.row_groups, 7);
    let pages: Vec<i64> =
        meta.offset_index().unwrap()[0][0].page_locations().iter().map(|page| page.first_row_index).collect();
    assert_eq!(pages, [0, 64, 128, 192, 256]);

    let by_bytes =
        WriteOptions { row_group_bytes_max: 1 << 10, dictionary: false, ..WriteOptions::default() };
    let (bytes, summary) = write(&[rows.clone(), rows.clone()], &by_bytes).unwrap();
    assert_eq!(summary.row_groups, 2);
    let twice = concat_batches(&rows.schema(), [&rows, &rows]).unwrap();
    assert_eq!(read(&bytes).columns(), twice.columns());
}

#[test]
fn a_part_of_nothing_has_the_schema() {
    let rows = every_type();
    let (bytes, summary) = write(&[rows.slice(0, 0)], &WriteOptions::default()).unwrap();
    assert_eq!((summary.rows, summary.row_groups), (0, 0));
    let got = read(&bytes);
    assert_eq!(got.num_rows(), 0);
    assert_eq!(got.num_columns(), rows.num_columns());
}

#[test]
fn summary_counts_and_hashes_the_file() {
    let (bytes, summary) = write(&[every_type()], &WriteOptions::default()).unwrap();
    assert_eq!(summary.bytes, bytes.len() as u64);
    assert_eq!(summary.xxh3, xxh3_64(&bytes));
    let (again, _) = write(&[every_type()], &WriteOptions::default()).unwrap();
    assert_eq!(bytes, again);
}

#[test]
fn encoded_bytes_are_what_the_part_grows_by() {
    let rows = every_type();
    let groups = encode(std::slice::from_ref(&rows), &WriteOptions::default()).unwrap();
    let mut part = PartWriter::new(Vec::new(), rows.schema(), &WriteOptions::default(), []).unwrap();
    let before = part.bytes();
    let expected: u64 = groups.iter().map(EncodedRowGroup::bytes).sum();
    for group in groups {
        assert_eq!(group.memory_bytes() as u64, group.bytes());
        part.append(group).unwrap();
    }
    assert_eq!(part.bytes() - before, expected);
    assert_eq!(part.rows(), 5);
}

#[test]
fn memory_is_counted_as_it_grows() {
    let rows = batch(vec![("n", column(Int64Array::from_iter_values((0..8192).map(|n| n * 7919))))]);
    let plain = ColumnOptions { encoding: Some(Encoding::Plain), ..ColumnOptions::default() };
    let columns = BTreeMap::from([("n".to_owned(), plain)]);
    let options = WriteOptions { columns, compression: Compression::Uncompressed, ..WriteOptions::default() };
    let mut encoder = RowGroupEncoder::new(rows.schema(), &options).unwrap();
    for batches in 1..=32 {
        encoder.write(&rows).unwrap();
        let least = batches * 8192 * 8;
        assert!(encoder.memory_bytes() >= least, "{} of {least}", encoder.memory_bytes());
        assert!(encoder.encoded_bytes() >= least);
    }
    assert_eq!(encoder.rows(), 32 * 8192);
}
