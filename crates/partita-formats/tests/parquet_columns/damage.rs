//! Bytes that are not what they should be: errors, no panics, and no more memory than is allowed.

use arrow::array::{BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::WriterVersion;
use proptest::prelude::*;

use super::*;

/// Columns of every kind in every layout, each as a file.
fn samples() -> Vec<(Vec<u8>, DataType)> {
    let numbers = (0..3000_i64).map(|row| (row % 7 != 0).then_some(row * row % 1000));
    let columns: [(ArrayRef, DataType, &[Encoding]); 5] = [
        (
            Arc::new(Int64Array::from_iter(numbers.clone())),
            DataType::Int64,
            &[Encoding::PLAIN, Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT],
        ),
        (
            Arc::new(StringArray::from_iter(
                numbers.clone().map(|row| row.map(|row| "ä".repeat(row as usize % 30))),
            )),
            DataType::Utf8View,
            &[Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY],
        ),
        (
            Arc::new(BooleanArray::from_iter(numbers.clone().map(|row| row.map(|row| row % 3 == 0)))),
            DataType::Boolean,
            &[Encoding::PLAIN, Encoding::RLE],
        ),
        (
            Arc::new(Float64Array::from_iter_values((0..3000).map(f64::from))),
            DataType::Float64,
            &[Encoding::PLAIN],
        ),
        (
            Arc::new(Decimal128Array::from_iter(numbers.map(|row| row.map(i128::from)))),
            DataType::Decimal128(38, 10),
            &[Encoding::PLAIN, Encoding::DELTA_BYTE_ARRAY],
        ),
    ];
    let mut samples = Vec::new();
    for (column, target, encodings) in columns {
        for (number, &encoding) in encodings.iter().enumerate() {
            for (version, has_dictionary) in
                [(WriterVersion::PARQUET_1_0, number == 0), (WriterVersion::PARQUET_2_0, false)]
            {
                let compression = match number {
                    0 => Compression::UNCOMPRESSED,
                    1 => Compression::SNAPPY,
                    _ => Compression::ZSTD(ZstdLevel::default()),
                };
                let properties = WriterProperties::builder()
                    .set_writer_version(version)
                    .set_encoding(encoding)
                    .set_dictionary_enabled(has_dictionary)
                    .set_compression(compression)
                    .set_data_page_row_count_limit(700)
                    .set_write_batch_size(100)
                    .build();
                samples.push((file(&column, properties), target.clone()));
            }
        }
    }
    samples
}

/// Reads and passes over rows until an error or the end; what is held stays below what is allowed.
fn run(bytes: Vec<u8>, spec: ChunkSpec, skips: bool) -> Result<usize> {
    const BYTES_MAX: usize = 1 << 20;
    let mut reader = ColumnReader::new(Arc::new(bytes), spec, &Scratch::new())?;
    reader.set_memory_bytes_max(BYTES_MAX);
    let mut read = 0;
    let mut skip = skips;
    while reader.rows_left() > 0 {
        let rows = usize::try_from(reader.rows_left()).unwrap_or(usize::MAX).min(500);
        if skip {
            reader.skip(rows)?;
        } else {
            let array = reader.read(rows)?;
            assert_eq!(array.len(), rows);
            array.to_data().validate_full().unwrap();
            read += rows;
        }
        skip = skips && !skip;
        assert!(reader.memory_bytes() <= 2 * BYTES_MAX, "{}", reader.memory_bytes());
    }
    Ok(read)
}

#[test]
fn every_truncation_is_an_error() {
    for (bytes, target) in samples() {
        let spec = chunk(&metadata(&bytes), 0, target);
        let end = spec.range.end;
        for cut in (spec.range.start..end).step_by(97) {
            let cut_file = bytes[..cut as usize].to_vec();
            assert!(matches!(
                run(cut_file, spec.clone(), false).unwrap_err().kind(),
                ErrorKind::Malformed { .. }
            ));
            let short = ChunkSpec { range: spec.range.start..cut, ..spec.clone() };
            let error = run(bytes.clone(), short, false).unwrap_err().to_string();
            assert!(error.starts_with("a.parquet: row group 0, column \"c\", page "), "{error}");
        }
    }
}

#[test]
fn a_size_that_is_not_there_is_not_allocated() {
    // A data page that says that its 4 bytes become 2 GiB.
    for (compression, expected) in [
        (Compression::ZSTD(ZstdLevel::default()), "bytes of memory are needed"),
        (Compression::SNAPPY, "bytes of memory are needed"),
    ] {
        let mut bytes = vec![0x15, 0, 0x15];
        bytes.extend([0xfe, 0xff, 0xff, 0xff, 0x0f]);
        bytes.extend([0x15, 8, 0x2c, 0x15, 20, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0, 1, 2, 3, 4]);
        let spec = ChunkSpec {
            file: "a.parquet".into(),
            column: "c".into(),
            row_group: 0,
            range: 0..bytes.len() as u64,
            rows: 10,
            compression,
            physical: parquet::basic::Type::INT64,
            type_length: 0,
            is_nullable: true,
            target: DataType::Int64,
            pages: Arc::new([]),
            wanted: Arc::new([]),
        };
        let error = run(bytes.clone(), spec.clone(), false).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let mut reader = reader(&bytes, spec);
        reader.set_memory_bytes_max(usize::MAX);
        let error = reader.read(10).unwrap_err().to_string();
        assert!(error.contains("page 0 (byte 0): expected "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn no_damage_makes_it_panic(
        changes in proptest::collection::vec(proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), 20),
        skips in any::<bool>(),
    ) {
        for (bytes, target) in samples() {
            let spec = chunk(&metadata(&bytes), 0, target);
            let (start, end) = (spec.range.start as usize, spec.range.end as usize);
            for (number, change) in changes.iter().enumerate() {
                let mut damaged = bytes.clone();
                for (place, byte) in change {
                    // Headers are small: every other change goes to one.
                    let span = if number % 2 == 0 { 64.min(end - start) } else { end - start };
                    damaged[start + place.index(span)] = *byte;
                }
                let _ = run(damaged, spec.clone(), skips);
            }
        }
    }
}
