//! Checksums of pages, and pages in Brotli.

use std::sync::Arc;

use arrow::array::{AsArray, Int32Array};
use arrow::datatypes::{DataType, Int32Type};
use flate2::Crc;
use parquet::basic::{BrotliLevel, Compression, Type};

use super::super::column::{ChunkSpec, ColumnReader, Scratch};
use crate::error::Result;

/// A number in Thrift's compact protocol.
fn number(value: i32, out: &mut Vec<u8>) {
    let mut rest = (value << 1 ^ value >> 31).cast_unsigned();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// A page of plain numbers of 32 bits, of which `stored` are the bytes in the file.
fn page(values: i32, raw_bytes: i32, stored: &[u8], crc: Option<u32>) -> Vec<u8> {
    let mut page = vec![0x15, 0x00, 0x15];
    number(raw_bytes, &mut page);
    page.push(0x15);
    number(stored.len() as i32, &mut page);
    match crc {
        Some(crc) => {
            page.push(0x15);
            number(crc.cast_signed(), &mut page);
            page.push(0x1c);
        }
        None => page.push(0x2c),
    }
    page.push(0x15);
    number(values, &mut page);
    page.extend([0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00]);
    page.extend_from_slice(stored);
    page
}

fn chunk(bytes: Vec<u8>, rows: u64, compression: Compression) -> ColumnReader {
    let spec = ChunkSpec {
        file: "a file".into(),
        column: "n".into(),
        row_group: 0,
        range: 0..bytes.len() as u64,
        rows,
        compression,
        physical: Type::INT32,
        type_length: 0,
        is_nullable: false,
        target: DataType::Int32,
        pages: Vec::new().into(),
        wanted: Vec::new().into(),
    };
    ColumnReader::new(Arc::new(bytes), spec, &Scratch::new()).unwrap()
}

fn read(bytes: Vec<u8>, rows: usize, compression: Compression) -> Result<Int32Array> {
    let column = chunk(bytes, rows as u64, compression).read(rows)?;
    Ok(column.as_primitive::<Int32Type>().clone())
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn a_page_with_a_checksum_is_compared_with_it() {
    // The check value of CRC-32 as it is published.
    assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    let values: Vec<u8> = (0..500_i32).flat_map(i32::to_le_bytes).collect();
    let good = page(500, 2000, &values, Some(crc(&values)));
    let expected = Int32Array::from_iter_values(0..500);
    assert_eq!(read(good.clone(), 500, Compression::UNCOMPRESSED).unwrap(), expected);
    assert_eq!(read(page(500, 2000, &values, None), 500, Compression::UNCOMPRESSED).unwrap(), expected);
    let mut damaged = good;
    *damaged.last_mut().unwrap() ^= 1;
    let error = read(damaged.clone(), 500, Compression::UNCOMPRESSED).unwrap_err().to_string();
    assert!(error.contains("checksum") && error.contains("\"n\""), "{error}");
    // What is passed over is not looked at.
    let whole = page(500, 2000, &values, Some(crc(&values)));
    let mut reader = chunk([damaged, whole].concat(), 1000, Compression::UNCOMPRESSED);
    reader.skip(500).unwrap();
    assert_eq!(reader.read(500).unwrap().as_primitive::<Int32Type>(), &expected);
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &params).unwrap();
    out
}

#[test]
fn brotli_is_read_as_far_as_the_header_says_and_no_further() {
    let compression = Compression::BROTLI(BrotliLevel::default());
    let rows = 300_000;
    let values: Vec<u8> = (0..rows).flat_map(i32::to_le_bytes).collect();
    let stored = brotli(&values);
    let raw = values.len() as i32;
    let got = read(page(rows, raw, &stored, None), rows as usize, compression).unwrap();
    assert_eq!(got, Int32Array::from_iter_values(0..rows));
    for (raw, stored, what) in [
        (raw - 4, stored.clone(), "got more"),
        (raw + 4, stored.clone(), "bytes after decompression"),
        (raw, stored[..stored.len() / 2].to_vec(), "end with their page"),
        (raw, vec![0xff; 100], "decompressed"),
    ] {
        let error = read(page(rows, raw, &stored, None), rows as usize, compression).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    // Damage anywhere is an error or other numbers.
    let small = brotli(&values[..4000]);
    for at in 0..small.len() {
        let mut damaged = small.clone();
        damaged[at] ^= 0x55;
        if let Ok(got) = read(page(1000, 4000, &damaged, None), 1000, compression) {
            assert_eq!(got.len(), 1000);
        }
    }
}
