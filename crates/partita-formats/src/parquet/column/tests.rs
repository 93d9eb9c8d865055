//! Generated data of every type that is covered, against the `parquet` crate: its reader, and its writer as the oracle
//! of values and statistics.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Decimal64Array,
    Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray, Time32MillisecondArray,
    TimestampMicrosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array, new_null_array,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, UInt32Type, UInt64Type};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use proptest::prelude::*;

use crate::parquet::options::{Compression, Statistics, WriteOptions};
use crate::parquet::{ColumnOptions, Encoding, Layout, PartWriter, RowGroupEncoder};
use crate::simd::encode::Cpu;

/// One seed a row; where it is `None`, the row is null.
type Seeds = Vec<Option<u64>>;

fn spread(seed: u64) -> u64 {
    let bits = (seed ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (bits >> 32)
}

fn long(seed: u64) -> i64 {
    match seed % 11 {
        0 => i64::MIN,
        1 => i64::MAX,
        2 => 0,
        3 => -1,
        4..=6 => (seed / 11 % 50) as i64,
        _ => spread(seed) as i64,
    }
}

fn double(seed: u64) -> f64 {
    match seed % 13 {
        0 => f64::NAN,
        1 => f64::from_bits(0xfff8_0000_0000_0123),
        2 => f64::INFINITY,
        3 => f64::NEG_INFINITY,
        4 => -0.0,
        5 => 0.0,
        6 => f64::MIN_POSITIVE / 8.0,
        7..=9 => (seed % 1000) as f64 * 0.01,
        _ => f64::from_bits(spread(seed)),
    }
}

fn text(seed: u64) -> String {
    let letters = ["a", "é", "\u{ffff}", "\u{10ffff}", "0", "zz", "\0"];
    let letter = letters[(seed / 31 % 7) as usize];
    match seed % 31 {
        0..=2 => String::new(),
        3..=12 => letter.repeat((seed % 5) as usize),
        13..=22 => format!("name {}", seed / 31 % 40),
        23..=25 => letter.repeat(11 + (seed / 7 % 4) as usize),
        26 => letter.repeat(200),
        _ => format!("{letter}{:x}{:x}", spread(seed), spread(!seed)),
    }
}

/// A column of every type.
fn columns(seeds: &[Option<u64>]) -> RecordBatch {
    let ints = || seeds.iter().map(|seed| seed.map(long));
    let texts: Vec<Option<String>> = seeds.iter().map(|seed| seed.map(text)).collect();
    let slices = || texts.iter().map(|text| text.as_ref().map(|text| text.as_bytes()));
    let keyed: DictionaryArray<Int32Type> = texts.iter().map(|text| text.as_deref()).collect();
    let cents = || ints().map(|value| value.map(|value| value % 1_000_000_000));
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "bool",
            Arc::new(BooleanArray::from_iter(seeds.iter().map(|seed| seed.map(|seed| seed / 9 % 3 == 0)))),
        ),
        ("i8", Arc::new(Int8Array::from_iter(ints().map(|value| value.map(|value| value as i8))))),
        ("i16", Arc::new(Int16Array::from_iter(ints().map(|value| value.map(|value| value as i16))))),
        ("i32", Arc::new(Int32Array::from_iter(ints().map(|value| value.map(|value| value as i32))))),
        ("i64", Arc::new(Int64Array::from_iter(ints()))),
        ("u8", Arc::new(UInt8Array::from_iter(ints().map(|value| value.map(|value| value as u8))))),
        ("u16", Arc::new(UInt16Array::from_iter(ints().map(|value| value.map(|value| value as u16))))),
        ("u32", Arc::new(UInt32Array::from_iter(ints().map(|value| value.map(|value| value as u32))))),
        ("u64", Arc::new(UInt64Array::from_iter(ints().map(|value| value.map(|value| value as u64))))),
        (
            "f32",
            Arc::new(Float32Array::from_iter(seeds.iter().map(|seed| seed.map(|seed| double(seed) as f32)))),
        ),
        ("f64", Arc::new(Float64Array::from_iter(seeds.iter().map(|seed| seed.map(double))))),
        ("date", Arc::new(Date32Array::from_iter(ints().map(|value| value.map(|value| value as i32))))),
        (
            "time",
            Arc::new(Time32MillisecondArray::from_iter(ints().map(|value| value.map(|value| value as i32)))),
        ),
        ("us", Arc::new(TimestampMicrosecondArray::from_iter(ints()))),
        ("money", Arc::new(Decimal64Array::from_iter(cents()).with_precision_and_scale(9, 2).unwrap())),
        (
            "wide_money",
            Arc::new(
                Decimal128Array::from_iter(cents().map(|value| value.map(i128::from)))
                    .with_precision_and_scale(18, 2)
                    .unwrap(),
            ),
        ),
        ("text", Arc::new(StringViewArray::from_iter(texts.iter().map(|text| text.as_deref())))),
        ("old_text", Arc::new(StringArray::from_iter(texts.iter().map(|text| text.as_deref())))),
        ("large_text", Arc::new(LargeStringArray::from_iter(texts.iter().map(|text| text.as_deref())))),
        ("bytes", Arc::new(BinaryViewArray::from_iter(slices()))),
        ("old_bytes", Arc::new(BinaryArray::from_iter(slices()))),
        ("keyed", Arc::new(keyed)),
        ("none", new_null_array(&DataType::Int64, seeds.len())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// The file of `rows`, given in batches of `cut` rows.
fn file(rows: &RecordBatch, options: &WriteOptions, cut: usize, cpu: Cpu) -> Vec<u8> {
    let layout = Layout::new(rows.schema(), options).unwrap();
    let mut part = PartWriter::with_layout(Vec::new(), &layout).unwrap();
    let mut encoder = RowGroupEncoder::at_level(Arc::clone(&layout), cpu).unwrap();
    let mut start = 0;
    while start < rows.num_rows() {
        if encoder.room() == 0 {
            let next = RowGroupEncoder::at_level(Arc::clone(&layout), cpu).unwrap();
            part.append(std::mem::replace(&mut encoder, next).finish().unwrap()).unwrap();
        }
        let count = cut.min(encoder.room()).min(rows.num_rows() - start);
        encoder.write(&rows.slice(start, count)).unwrap();
        start += count;
    }
    part.append(encoder.finish().unwrap()).unwrap();
    part.finish().unwrap().1
}

fn metadata(bytes: &[u8]) -> ParquetMetaData {
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Optional)
        .parse_and_finish(&Bytes::copy_from_slice(bytes))
        .unwrap()
}

fn read(bytes: &[u8], policy: PageIndexPolicy) -> RecordBatch {
    let options = ArrowReaderOptions::new().with_page_index_policy(policy);
    let bytes = Bytes::copy_from_slice(bytes);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<_> = builder.with_batch_size(777).build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

/// Bit for bit: NaN is itself, and zeros have a sign.
fn same(got: &ArrayRef, expected: &ArrayRef) -> bool {
    let bits = |array: &ArrayRef| -> ArrayRef {
        match array.data_type() {
            DataType::Float32 => {
                Arc::new(array.as_primitive::<Float32Type>().unary::<_, UInt32Type>(f32::to_bits))
            }
            DataType::Float64 => {
                Arc::new(array.as_primitive::<Float64Type>().unary::<_, UInt64Type>(f64::to_bits))
            }
            _ => Arc::clone(array),
        }
    };
    bits(got) == bits(&cast(expected, got.data_type()).unwrap())
}

/// Smallest and largest as every page says, as text.
fn page_bounds(index: &ColumnIndexMetaData) -> Vec<String> {
    macro_rules! pairs {
        ($index:expr) => {
            (0..$index.num_pages() as usize)
                .map(|page| {
                    format!(
                        "{:?} {:?} {:?}",
                        $index.min_value(page),
                        $index.max_value(page),
                        $index.null_count(page)
                    )
                })
                .collect()
        };
    }
    let mut pages: Vec<String> = match index {
        ColumnIndexMetaData::NONE => Vec::new(),
        ColumnIndexMetaData::BOOLEAN(index) => pairs!(index),
        ColumnIndexMetaData::INT32(index) => pairs!(index),
        ColumnIndexMetaData::INT64(index) => pairs!(index),
        ColumnIndexMetaData::FLOAT(index) => pairs!(index),
        ColumnIndexMetaData::DOUBLE(index) => pairs!(index),
        ColumnIndexMetaData::BYTE_ARRAY(index) => pairs!(index),
        other => panic!("{other:?}"),
    };
    pages.push(format!("{:?}", index.get_boundary_order()));
    pages
}

/// The file that the `parquet` crate makes of the same rows, in the same pages.
fn oracle(rows: &RecordBatch, options: &WriteOptions) -> Vec<u8> {
    let layout = Layout::new(rows.schema(), options).unwrap();
    let properties = layout.properties().as_ref().clone().into_builder();
    let properties =
        properties.set_data_page_size_limit(1 << 30).set_dictionary_enabled(false).set_write_batch_size(1);
    let mut writer =
        ArrowWriter::try_new(Vec::new(), Arc::clone(layout.written_schema()), Some(properties.build()))
            .unwrap();
    let columns = rows.columns().iter().zip(layout.written_schema().fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()).unwrap()).collect();
    writer.write(&RecordBatch::try_new(Arc::clone(layout.written_schema()), columns).unwrap()).unwrap();
    writer.into_inner().unwrap()
}

fn seeds(rows: std::ops::Range<usize>) -> impl Strategy<Value = Seeds> {
    (any::<u64>(), 1..60_u64, 0..4_u64, rows).prop_map(|(first, step, nulls, rows)| {
        (0..rows as u64)
            .map(|row| {
                let seed = spread(first ^ (row / step));
                let is_null = match nulls {
                    0 => false,
                    1 => seed.is_multiple_of(17),
                    2 => row / 70 % 3 == 0,
                    _ => !seed.is_multiple_of(3),
                };
                (!is_null).then_some(seed)
            })
            .collect()
    })
}

fn options(rows: usize, page_rows: usize, bytes: usize, code: &str) -> WriteOptions {
    WriteOptions {
        compression: code.parse().unwrap(),
        row_group_rows_max: rows,
        page_rows_max: page_rows,
        page_bytes_max: bytes,
        dictionary_bytes_max: bytes / 2,
        ..WriteOptions::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What is read back is what went in, whatever the limits; the same bytes at every level and however batches are cut.
    #[test]
    fn every_type_comes_back_from_every_path(
        seeds in seeds(1..1500),
        row_group_rows in 200..4000_usize,
        page_rows in 10..2000_usize,
        page_bytes in 1024..20_000_usize,
        cut in 1..1000_usize,
        code in proptest::sample::select(vec!["zstd:3", "zstd:1", "snappy", "lz4", "gzip:1", "none"]),
    ) {
        let rows = columns(&seeds);
        let options = options(row_group_rows, page_rows, page_bytes, code);
        let bytes = file(&rows, &options, usize::MAX, Cpu::new());
        for policy in [PageIndexPolicy::Skip, PageIndexPolicy::Required] {
            let got = read(&bytes, policy);
            for (index, column) in rows.columns().iter().enumerate() {
                prop_assert!(same(got.column(index), column), "{}", rows.schema().field(index).name());
            }
        }
        prop_assert!(file(&rows, &options, cut, Cpu::new()) == bytes, "other bytes with batches of {}", cut);
        for cpu in Cpu::all() {
            prop_assert!(file(&rows, &options, usize::MAX, cpu) == bytes, "other bytes at {:?}", cpu);
        }
    }

    /// Statistics of chunks and pages are those of the `parquet` crate's writer.
    #[test]
    fn statistics_are_as_the_oracle_has_them(seeds in seeds(1..600), page_rows in 20..200_usize) {
        let rows = columns(&seeds);
        let options = options(1 << 20, page_rows, 1 << 20, "none");
        let got = metadata(&file(&rows, &options, usize::MAX, Cpu::new()));
        let expected = metadata(&oracle(&rows, &options));
        prop_assert_eq!(
            got.file_metadata().schema_descr().root_schema(),
            expected.file_metadata().schema_descr().root_schema()
        );
        for (index, column) in rows.schema().fields().iter().enumerate() {
            let (one, other) = (got.row_group(0).column(index), expected.row_group(0).column(index));
            prop_assert_eq!(format!("{:?}", one.statistics()), format!("{:?}", other.statistics()), "{}", column.name());
            prop_assert_eq!(one.definition_level_histogram(), other.definition_level_histogram());
            prop_assert_eq!(one.unencoded_byte_array_data_bytes(), other.unencoded_byte_array_data_bytes());
            prop_assert_eq!(one.num_values(), other.num_values());
            let pages = |meta: &ParquetMetaData| meta.column_index().map(|index_of| page_bounds(&index_of[0][index]));
            prop_assert_eq!(pages(&got), pages(&expected), "{}", column.name());
            let firsts = |meta: &ParquetMetaData| {
                let locations = meta.offset_index().unwrap()[0][index].page_locations();
                locations.iter().map(|page| page.first_row_index).collect::<Vec<_>>()
            };
            prop_assert_eq!(firsts(&got), firsts(&expected));
        }
    }
}

/// Everything in one page, in many, with and without dictionaries, in every encoding that a type has.
#[test]
fn every_encoding_comes_back() {
    let seeds: Seeds = (0..9000).map(|row| (row % 7 > 0).then(|| spread(row / 2))).collect();
    let rows = columns(&seeds);
    for encoding in [
        Encoding::Dictionary,
        Encoding::Plain,
        Encoding::Delta,
        Encoding::ByteStreamSplit,
        Encoding::DeltaLength,
        Encoding::DeltaBytes,
    ] {
        for page_bytes in [1024, 1 << 20] {
            let mut options = options(1 << 20, 5000, page_bytes, "snappy");
            for field in rows.schema().fields() {
                let mut with = options.clone();
                let column = ColumnOptions { encoding: Some(encoding), ..ColumnOptions::default() };
                with.columns.insert(field.name().clone(), column);
                if Layout::new(rows.schema(), &with).is_ok() {
                    options = with;
                }
            }
            assert!(options.columns.len() > 4, "{encoding:?}");
            let got = read(&file(&rows, &options, 1000, Cpu::new()), PageIndexPolicy::Required);
            for (index, field) in rows.schema().fields().iter().enumerate() {
                assert!(same(got.column(index), rows.column(index)), "{} as {encoding:?}", field.name());
            }
        }
    }
}

#[test]
fn texts_of_a_megabyte_come_back() {
    let long = "long ".repeat(1 << 18);
    let other = format!("{}!", &long[..long.len() - 1]);
    let texts = [Some(long.as_str()), Some(""), None, Some("x"), Some(&other), Some(&long)];
    let column: ArrayRef = Arc::new(StringViewArray::from_iter(texts.iter().cycle().take(60)));
    let rows = RecordBatch::try_from_iter_with_nullable([("text", column, true)]).unwrap();
    for dictionary in [true, false] {
        let options = WriteOptions { dictionary, ..WriteOptions::default() };
        let bytes = file(&rows, &options, 7, Cpu::new());
        assert!(same(read(&bytes, PageIndexPolicy::Required).column(0), rows.column(0)));
        assert_eq!(bytes, file(&rows, &options, 60, Cpu::new()));
        let meta = metadata(&bytes);
        let statistics = meta.row_group(0).column(0).statistics().unwrap();
        assert_eq!(statistics.min_bytes_opt(), Some(&b""[..]));
        assert_eq!(statistics.max_bytes_opt(), Some(&b"x"[..]));
    }
}

/// Enough rows for dictionaries to be checked, outgrown and filled.
#[test]
fn dictionaries_end_where_the_rows_say() {
    let rows = 70_000;
    let of = |value: &dyn Fn(u64) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter((0..rows).map(|row| (row % 5 > 0).then(|| value(row) as i64))))
    };
    let texts = |value: &dyn Fn(u64) -> u64| -> ArrayRef {
        Arc::new(StringViewArray::from_iter(
            (0..rows).map(|row| (row % 5 > 0).then(|| format!("text {:x}", value(row)))),
        ))
    };
    let late = |row: u64| if row < 40_000 { row % 100 } else { spread(row) };
    let many = |row: u64| spread(row % 9000);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("few", of(&|row| spread(row % 50))),
        ("none repeats", of(&spread)),
        ("late", of(&late)),
        ("many", of(&many)),
        ("few texts", texts(&|row| row % 50)),
        ("no text repeats", texts(&spread)),
        ("late texts", texts(&late)),
        ("many texts", texts(&many)),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    for (page_rows, dictionary_bytes) in
        [(64 << 10, 1 << 20), (64 << 10, 64 << 10), (3000, 64 << 10), (9000, 1 << 20)]
    {
        let options = WriteOptions {
            page_rows_max: page_rows,
            dictionary_bytes_max: dictionary_bytes,
            compression: Compression::Snappy,
            statistics: Statistics::Page,
            ..WriteOptions::default()
        };
        let bytes = file(&batch, &options, usize::MAX, Cpu::new());
        for (index, column) in batch.columns().iter().enumerate() {
            assert!(same(read(&bytes, PageIndexPolicy::Required).column(index), column), "{index}");
        }
        for cut in [1, 999, 8192, 30_000] {
            assert!(file(&batch, &options, cut, Cpu::new()) == bytes, "{page_rows} {dictionary_bytes} {cut}");
        }
    }
}

#[test]
fn long_texts_that_come_again_have_one_entry() {
    let texts: Vec<String> =
        (0..20_000).map(|row| format!("a text of more than 12 bytes, {}", row * 7 % 50)).collect();
    let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(&texts));
    let rows = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let options = WriteOptions { compression: Compression::Uncompressed, ..WriteOptions::default() };
    let bytes = file(&rows, &options, 3000, Cpu::new());
    // 50 entries of 36 bytes, and 6 bits a row.
    assert!(bytes.len() < 20_000, "{} bytes", bytes.len());
    let back = read(&bytes, PageIndexPolicy::Skip);
    assert!(same(back.column(0), rows.column(0)));
}
