//! Bloom filters: which values a column chunk does not have.
//!
//! Source: <https://github.com/apache/parquet-format/blob/master/BloomFilter.md>. Of a filter only its header and
//! one block a value are read, whatever its size.

use arrow::datatypes::DataType;
use parquet::basic::Type;
use parquet::schema::types::ColumnDescriptor;
use partita_columns::Scalar;

use super::file::ParquetFile;
use super::footer::{malformed, read_exact};
use super::thrift::{I32, Outcome, STRUCT, Thrift};
use super::xxh64::xxh64;
use crate::error::Result;
use crate::io::ReadAt;

/// Bytes of a header at most; it has about 15.
const HEADER_BYTES_MAX: usize = 256;

/// Bytes of a block: eight words of 32 bits, of each of which a value sets one bit.
const BLOCK_BYTES: usize = 32;

const SALT: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

impl ParquetFile {
    /// Whether a row group may have `value` in a column: false only where the column has a Bloom filter that says so.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Malformed`] where the filter is damaged, [`crate::ErrorKind::Io`] where the store fails.
    pub fn may_contain(
        &self,
        input: &dyn ReadAt,
        row_group: usize,
        column: usize,
        value: &Scalar,
    ) -> Result<bool> {
        let Some((chunk, descriptor, target)) = self.flat_chunk(row_group, column) else {
            return Ok(true);
        };
        let (Some(offset), Some(forms)) = (chunk.bloom_filter_offset(), forms(value, &descriptor, target))
        else {
            return Ok(true);
        };
        let fail = |message: String| {
            let name = self.schema().field(column).name();
            malformed(self.name(), format!("column {name:?}, row group {row_group}: Bloom filter: {message}"))
        };
        let Some(offset) = u64::try_from(offset).ok().filter(|offset| *offset < self.bytes()) else {
            return Err(fail(format!("expected it within the {} bytes, got byte {offset}", self.bytes())));
        };
        let mut header = [0; HEADER_BYTES_MAX];
        let header = &mut header[..HEADER_BYTES_MAX.min((self.bytes() - offset) as usize)];
        read_exact(input, self.name(), offset, header)?;
        let Some((header_bytes, bytes)) = self::header(header).map_err(fail)? else {
            return Ok(true);
        };
        let start = offset + header_bytes as u64;
        if bytes == 0 || bytes % BLOCK_BYTES as u64 != 0 || bytes > self.bytes() - start {
            return Err(fail(format!(
                "expected blocks of {BLOCK_BYTES} bytes within the file, got {bytes} bytes"
            )));
        }
        for form in forms {
            let hash = xxh64(&form);
            let block_index = ((hash >> 32) * (bytes / BLOCK_BYTES as u64)) >> 32;
            let mut block = [0; BLOCK_BYTES];
            read_exact(input, self.name(), start + block_index * BLOCK_BYTES as u64, &mut block)?;
            if is_set(&block, hash as u32) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_set(block: &[u8; BLOCK_BYTES], hash: u32) -> bool {
    block.as_chunks().0.iter().zip(SALT).all(|(word, salt)| {
        let bit = hash.wrapping_mul(salt) >> 27;
        u32::from_le_bytes(*word) & 1 << bit != 0
    })
}

/// Bytes of the header, and of the filter behind it; `None` where it is of a kind that is not known.
fn header(bytes: &[u8]) -> Outcome<Option<(usize, u64)>> {
    let mut thrift = Thrift::new(bytes);
    let (mut filter_bytes, mut known) = (0, 0);
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(&mut last)? {
        match (number, kind) {
            (1, I32) => filter_bytes = thrift.number()?,
            // Unions whose first variant is the only one known: blocks, XXH64, no compression.
            (2..=4, STRUCT) => {
                let mut variant = 0;
                while let Some((number, kind)) = thrift.field(&mut variant)? {
                    known += usize::from(number == 1);
                    thrift.skip(kind)?;
                }
            }
            _ => thrift.skip(kind)?,
        }
    }
    let filter_bytes =
        u64::try_from(filter_bytes).map_err(|_| format!("a filter of {filter_bytes} bytes"))?;
    Ok((known == 3).then_some((thrift.position(), filter_bytes)))
}

/// The bytes that a value may have been hashed as; none at all where no value of the column equals it. `None` where that
/// is not known.
fn forms(value: &Scalar, column: &ColumnDescriptor, target: &DataType) -> Option<Vec<Vec<u8>>> {
    let integer = integer(value, target)?;
    match (column.physical_type(), integer) {
        (Type::INT32, Some(value))
            if matches!(target, DataType::UInt8 | DataType::UInt16 | DataType::UInt32) =>
        {
            Some(u32::try_from(value).ok().map(|value| value.to_le_bytes().to_vec()).into_iter().collect())
        }
        (Type::INT32, Some(value)) => {
            Some(i32::try_from(value).ok().map(|value| value.to_le_bytes().to_vec()).into_iter().collect())
        }
        (Type::INT64, Some(value)) if *target == DataType::UInt64 => {
            Some(u64::try_from(value).ok().map(|value| value.to_le_bytes().to_vec()).into_iter().collect())
        }
        (Type::INT64, Some(value)) => {
            Some(i64::try_from(value).ok().map(|value| value.to_le_bytes().to_vec()).into_iter().collect())
        }
        (Type::FIXED_LEN_BYTE_ARRAY, Some(value)) => {
            let length = usize::try_from(column.type_length()).ok()?;
            let sign = if value < 0 { u8::MAX } else { 0 };
            let wide = value.to_be_bytes();
            let cut = wide.len().saturating_sub(length);
            let fits = wide[..cut].iter().all(|byte| *byte == sign);
            let mut form = vec![sign; length.checked_sub(wide.len() - cut)?];
            form.extend_from_slice(&wide[cut..]);
            Some(Vec::from_iter(fits.then_some(form)))
        }
        (Type::BYTE_ARRAY, None) => match value {
            Scalar::Utf8(text) => Some(vec![text.as_bytes().to_vec()]),
            Scalar::Binary(bytes) => Some(vec![bytes.clone()]),
            _ => None,
        },
        (Type::FLOAT, None) => match value {
            Scalar::Float64(value) if f64::from(*value as f32) == *value => Some(match *value {
                0.0 => [0.0_f32, -0.0].map(|zero| zero.to_le_bytes().to_vec()).to_vec(),
                value => vec![(value as f32).to_le_bytes().to_vec()],
            }),
            _ => None,
        },
        (Type::DOUBLE, None) => match value {
            Scalar::Float64(0.0) => Some([0.0_f64, -0.0].map(|zero| zero.to_le_bytes().to_vec()).to_vec()),
            Scalar::Float64(value) if !value.is_nan() => Some(vec![value.to_le_bytes().to_vec()]),
            _ => None,
        },
        _ => None,
    }
}

/// The value as a whole number, as a column of type `target` holds it; `Some(None)` for values that are none, `None`
/// where value and type do not go together.
fn integer(value: &Scalar, target: &DataType) -> Option<Option<i128>> {
    match (value, target) {
        (Scalar::Int64(value), target) if target.is_integer() => Some(Some((*value).into())),
        (Scalar::UInt64(value), target) if target.is_integer() => Some(Some((*value).into())),
        (Scalar::Date32(value), DataType::Date32) => Some(Some((*value).into())),
        (Scalar::Timestamp(value, unit, zone), DataType::Timestamp(of, other))
            if unit == of && zone.is_some() == other.is_some() =>
        {
            Some(Some((*value).into()))
        }
        (Scalar::Duration(value, unit), DataType::Duration(of)) if unit == of => Some(Some((*value).into())),
        (Scalar::Decimal128(value, _, scale), DataType::Decimal128(_, of)) if scale == of => {
            Some(Some(*value))
        }
        (Scalar::Utf8(_), DataType::Utf8View)
        | (Scalar::Binary(_), DataType::Binary)
        | (Scalar::Float64(_), DataType::Float32 | DataType::Float64) => Some(None),
        _ => None,
    }
}
