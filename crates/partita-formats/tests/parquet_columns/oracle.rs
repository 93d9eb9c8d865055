//! What `ArrowWriter` and our own encoder write, in every layout that there is, comes back.

use arrow::array::*;
use arrow::buffer::BooleanBuffer;
use arrow::compute::{cast, filter};
use arrow::datatypes::{ArrowPrimitiveType, Float16Type, Int32Type, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int96, Int96Type};
use parquet::file::properties::WriterVersion;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::*;
use partita_formats::parquet::{PartWriter, RowGroupEncoder, WriteOptions};

/// What the `parquet` crate makes of a file's first column, as `target`.
fn oracle(bytes: &[u8], target: &DataType) -> ArrayRef {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::copy_from_slice(bytes)).unwrap();
    let batches: Vec<ArrayRef> =
        reader.build().unwrap().map(|batch| Arc::clone(batch.unwrap().column(0))).collect();
    let all = concat(&batches.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap();
    cast(&all, target).unwrap()
}

const CODECS: [fn() -> Compression; 7] = [
    || Compression::UNCOMPRESSED,
    || Compression::SNAPPY,
    || Compression::GZIP(GzipLevel::default()),
    || Compression::ZSTD(ZstdLevel::default()),
    || Compression::LZ4_RAW,
    || Compression::LZ4,
    || Compression::BROTLI(BrotliLevel::default()),
];

/// How a file is written and read.
#[derive(Debug, Clone)]
struct Case {
    is_v2: bool,
    codec: usize,
    has_dictionary: bool,
    encoding: usize,
    page_rows: usize,
    dictionary_bytes: usize,
    steps: Vec<usize>,
}

fn case() -> impl Strategy<Value = Case> {
    (
        any::<bool>(),
        0..CODECS.len(),
        any::<bool>(),
        0..3_usize,
        prop_oneof![Just(7_usize), Just(100), Just(10_000)],
        prop_oneof![Just(64_usize), Just(1 << 20)],
        proptest::collection::vec(1..500_usize, 1..4),
    )
        .prop_map(|(is_v2, codec, has_dictionary, encoding, page_rows, dictionary_bytes, steps)| Case {
            is_v2,
            codec,
            has_dictionary,
            encoding,
            page_rows,
            dictionary_bytes,
            steps,
        })
}

impl Case {
    fn properties(&self, encodings: &[Encoding]) -> WriterProperties {
        let version = if self.is_v2 { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
        WriterProperties::builder()
            .set_writer_version(version)
            .set_compression(CODECS[self.codec]())
            .set_dictionary_enabled(self.has_dictionary)
            .set_encoding(encodings[self.encoding % encodings.len()])
            .set_data_page_row_count_limit(self.page_rows)
            .set_write_batch_size(self.page_rows.min(64))
            .set_dictionary_page_size_limit(self.dictionary_bytes)
            .build()
    }

    fn check(&self, column: &ArrayRef, encodings: &[Encoding], target: &DataType) {
        let bytes = file(column, self.properties(encodings));
        let expected = oracle(&bytes, target);
        let spec = chunk(&metadata(&bytes), 0, target.clone());
        assert!(spec.is_covered(), "{spec:?}");
        assert_eq!(&read_all(reader(&bytes, spec.clone()), &self.steps), &expected);
        if matches!(target, DataType::Utf8View | DataType::Decimal128(..)) {
            let mut coded = reader(&bytes, spec.clone());
            coded.keep_codes();
            assert_eq!(&read_all(coded, &self.steps), &expected);
        }
        self.check_kept(&bytes, spec.clone(), &expected);
        self.check_skips(&bytes, spec, &expected);
    }

    /// Some of the rows: few, most, and runs of them; with little memory.
    fn check_kept(&self, bytes: &[u8], spec: ChunkSpec, expected: &ArrayRef) {
        let (mut reader, mut at) = (reader(bytes, spec), 0);
        for (number, step) in self.steps.iter().cycle().enumerate() {
            let rows = (expected.len() - at).min(*step);
            let kept = BooleanBuffer::collect_bool(rows, |row| match number % 3 {
                0 => (row * 7 + at).is_multiple_of(41),
                1 => !(row * 5 + at).is_multiple_of(23),
                _ => (row / 70).is_multiple_of(2),
            });
            reader.set_memory_bytes_max(1);
            let found = loop {
                match reader.read_kept(&kept) {
                    Ok(found) => break found,
                    Err(error) => {
                        let needed = match error.kind() {
                            ErrorKind::Window { bytes, .. } => Some(*bytes),
                            _ => None,
                        };
                        reader.set_memory_bytes_max(needed.ok_or(error.to_string()).unwrap());
                    }
                }
            };
            let wanted = filter(&expected.slice(at, rows), &BooleanArray::new(kept, None)).unwrap();
            assert_eq!(&found, &wanted);
            at += rows;
            if at == expected.len() {
                break;
            }
        }
    }

    /// Rows that are passed over, with the offset index and without, and with little memory.
    fn check_skips(&self, bytes: &[u8], spec: ChunkSpec, expected: &ArrayRef) {
        let without = ChunkSpec { pages: Arc::new([]), ..spec.clone() };
        // That little is wanted says nothing of what may be read.
        let first = spec.range.start..spec.range.start + 1;
        let little = ChunkSpec { wanted: [first].into(), ..spec.clone() };
        for (number, spec) in [spec, without, little].into_iter().enumerate() {
            let mut reader = reader(bytes, spec);
            if number == 1 {
                reader.keep_codes();
            }
            let (mut at, mut takes) = (0, false);
            for step in self.steps.iter().cycle() {
                let rows = (expected.len() - at).min(*step);
                reader.set_memory_bytes_max(1);
                // Refused for want of memory, the reader goes on where it was.
                loop {
                    let done = match takes {
                        true => reader.read(rows).map(|array| {
                            assert_eq!(
                                &cast(&array, expected.data_type()).unwrap(),
                                &expected.slice(at, rows)
                            );
                        }),
                        false => reader.skip(rows),
                    };
                    let Err(error) = done else { break };
                    let needed = match error.kind() {
                        ErrorKind::Window { bytes, .. } => Some(*bytes),
                        _ => None,
                    };
                    reader.set_memory_bytes_max(needed.ok_or(error.to_string()).unwrap());
                }
                (at, takes) = (at + rows, !takes);
                if at == expected.len() {
                    break;
                }
            }
            assert_eq!(reader.rows_left(), 0);
        }
    }
}

/// Rows with and without values; few or many different ones.
fn rows<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Vec<Option<T>>> {
    let row = |value| proptest::option::weighted(0.8, value);
    let runs = proptest::collection::vec((row(value.clone()), 1..40_usize), 1..20)
        .prop_map(|runs| runs.into_iter().flat_map(|(row, count)| std::iter::repeat_n(row, count)).collect());
    prop_oneof![
        proptest::collection::vec(row(value.clone()), 1..400),
        proptest::collection::vec(value.prop_map(Some), 1..400),
        runs,
    ]
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof!["[a-c]{0,3}", "[a-zäß€]{0,20}", "x{120,140}"]
}

const NUMBERS: [Encoding; 3] = [Encoding::PLAIN, Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT];
const TEXTS: [Encoding; 3] = [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY];
const FLOATS: [Encoding; 2] = [Encoding::PLAIN, Encoding::BYTE_STREAM_SPLIT];
const FIXED: [Encoding; 3] = [Encoding::PLAIN, Encoding::BYTE_STREAM_SPLIT, Encoding::DELTA_BYTE_ARRAY];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn long_numbers_come_back(rows in rows(prop_oneof![any::<i64>(), 0..100_i64]), case in case()) {
        let column: ArrayRef = Arc::new(Int64Array::from(rows));
        case.check(&column, &NUMBERS, &DataType::Int64);
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Berlin".into()));
        case.check(&cast(&column, &micros).unwrap(), &NUMBERS, &micros);
    }

    #[test]
    fn short_numbers_come_back(rows in rows(prop_oneof![any::<i32>(), 0..100_i32]), case in case()) {
        let column: ArrayRef = Arc::new(Int32Array::from(rows));
        for target in [DataType::Int32, DataType::Date32] {
            case.check(&cast(&column, &target).unwrap(), &NUMBERS, &target);
        }
        for target in [DataType::Int8, DataType::UInt8, DataType::Int16, DataType::UInt16, DataType::UInt32] {
            case.check(&cast(&column, &target).unwrap(), &NUMBERS, &target);
        }
    }

    #[test]
    fn floats_come_back(rows in rows(prop_oneof![any::<f64>().prop_filter("nan", |x| !x.is_nan()), (0..9_i32).prop_map(f64::from)]), case in case()) {
        let column: ArrayRef = Arc::new(Float64Array::from(rows));
        case.check(&column, &FLOATS, &DataType::Float64);
        case.check(&cast(&column, &DataType::Float32).unwrap(), &FLOATS, &DataType::Float32);
    }

    #[test]
    fn booleans_come_back(rows in rows(any::<bool>()), case in case()) {
        let column: ArrayRef = Arc::new(BooleanArray::from(rows));
        case.check(&column, &[Encoding::PLAIN, Encoding::RLE], &DataType::Boolean);
    }

    #[test]
    fn texts_come_back(rows in rows(text()), case in case()) {
        let column: ArrayRef = Arc::new(StringArray::from(rows));
        for target in [DataType::Utf8View, DataType::BinaryView, DataType::Utf8] {
            case.check(&column, &TEXTS, &target);
        }
    }

    #[test]
    fn values_of_fixed_length_come_back(rows in rows(any::<[u8; 5]>()), case in case()) {
        let column = FixedSizeBinaryArray::try_from_sparse_iter_with_size(rows.iter().copied(), 5).unwrap();
        case.check(&(Arc::new(column) as ArrayRef), &FIXED, &DataType::FixedSizeBinary(5));
        let halves: Float16Array = rows.iter().map(|row| row.map(|row| <Float16Type as ArrowPrimitiveType>::Native::from_f32(f32::from(row[0])))).collect();
        case.check(&(Arc::new(halves) as ArrayRef), &[Encoding::PLAIN, Encoding::BYTE_STREAM_SPLIT], &DataType::Float16);
    }

    #[test]
    fn decimals_come_back(rows in rows(-99_999_i128..100_000), case in case()) {
        for (precision, encodings) in [(9, &NUMBERS), (18, &NUMBERS), (38, &FIXED)] {
            let target = DataType::Decimal128(precision, 2);
            let column = Decimal128Array::from(rows.clone()).with_data_type(target.clone());
            case.check(&(Arc::new(column) as ArrayRef), encodings, &target);
        }
    }

    #[test]
    fn our_own_files_come_back(
        numbers in rows(prop_oneof![any::<i64>(), 0..100_i64]),
        seed in any::<u64>(),
        case in case(),
    ) {
        let texts: StringArray = numbers.iter().map(|row| row.map(|row| format!("{:x}", row.wrapping_mul(seed as i64 | 1)))).collect();
        let flags: BooleanArray = numbers.iter().map(|row| row.map(|row| row % 2 == 0)).collect();
        let columns: [(&str, ArrayRef); 3] =
            [("a", Arc::new(Int64Array::from(numbers))), ("b", Arc::new(texts)), ("c", Arc::new(flags))];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap();
        let options = WriteOptions { page_rows_max: case.page_rows, dictionary: case.has_dictionary, ..WriteOptions::default() };
        let bytes = own_file(&batch, &options);
        let metadata = metadata(&bytes);
        for (number, target) in [DataType::Int64, DataType::Utf8View, DataType::Boolean].into_iter().enumerate() {
            let expected = cast(batch.column(number), &target).unwrap();
            let spec = chunk(&metadata, number, target);
            assert_eq!(&read_all(reader(&bytes, spec.clone()), &case.steps), &expected);
            case.check_skips(&bytes, spec, &expected);
        }
    }
}

/// A file by our own encoder.
fn own_file(batch: &RecordBatch, options: &WriteOptions) -> Vec<u8> {
    let mut encoder = RowGroupEncoder::new(batch.schema(), options).unwrap();
    encoder.write(batch).unwrap();
    let mut part = PartWriter::new(Vec::new(), batch.schema(), options, []).unwrap();
    part.append(encoder.finish().unwrap()).unwrap();
    part.finish().unwrap().1
}

#[test]
fn timestamps_of_96_bits_come_back() {
    let schema = Arc::new(parse_message_type("message m { optional int96 c; }").unwrap());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    // 1 and 2 days behind the epoch, and 5 microseconds.
    let values = [2_440_589_u32, 2_440_590].map(|day| {
        let mut value = Int96::new();
        value.set_data(5000, 0, day);
        value
    });
    column.typed::<Int96Type>().write_batch(&values, Some(&[1, 0, 1]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let target = DataType::Timestamp(TimeUnit::Microsecond, None);
    let read = read_all(reader(&bytes, chunk(&metadata(&bytes), 0, target)), &[2]);
    const DAY: i64 = 86_400_000_000;
    assert_eq!(read.as_ref(), &TimestampMicrosecondArray::from(vec![Some(DAY + 5), None, Some(2 * DAY + 5)]));
}

#[test]
fn decimals_in_texts_come_back() {
    let schema = Arc::new(parse_message_type("message m { optional binary c (DECIMAL(20, 1)); }").unwrap());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values = [vec![1_u8, 0], vec![0xff], vec![]].map(ByteArray::from);
    column.typed::<ByteArrayType>().write_batch(&values, Some(&[1, 1, 0, 1]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let target = DataType::Decimal128(20, 1);
    let read = read_all(reader(&bytes, chunk(&metadata(&bytes), 0, target.clone())), &[9]);
    let expected = Decimal128Array::from(vec![Some(256), Some(-1), None, Some(0)]).with_data_type(target);
    assert_eq!(read.as_ref(), &expected);
}

#[test]
fn texts_share_pages_and_dictionaries() {
    let long: StringArray =
        (0..1000).map(|row| Some(format!("a text of more than twelve bytes {row}"))).collect();
    let repeated: DictionaryArray<Int32Type> =
        (0..1000).map(|row| ["one that is long", "b"][row % 2]).collect();
    for (column, most) in [(Arc::new(long) as ArrayRef, 60_000), (Arc::new(repeated), 100)] {
        let bytes = file(&column, WriterProperties::builder().set_dictionary_enabled(most == 100).build());
        let mut reader = reader(&bytes, chunk(&metadata(&bytes), 0, DataType::Utf8View));
        let arrays = [reader.read(500).unwrap(), reader.read(500).unwrap()];
        let buffers = arrays.each_ref().map(|array| array.as_string_view().data_buffers().to_vec());
        assert_eq!(buffers[0].len(), 1);
        assert_eq!(buffers[0][0].as_ptr(), buffers[1][0].as_ptr());
        assert!(buffers[0][0].len() < most, "{}", buffers[0][0].len());
        assert!(reader.memory_bytes() >= buffers[0][0].len());
    }
}
