//! What is known of a column chunk before its first byte.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};
use parquet::basic::{Compression, Type};

use super::codec;

/// A leaf column of one row group, in a schema without columns in columns.
#[derive(Debug, Clone)]
pub struct ChunkSpec {
    /// The file, as the user named it; for errors.
    pub file: Arc<str>,
    /// The column; for errors.
    pub column: Arc<str>,
    /// The number of the row group; for errors.
    pub row_group: usize,
    /// The bytes of the chunk in the file, its dictionary with them.
    pub range: Range<u64>,
    /// Rows of the row group.
    pub rows: u64,
    /// How pages are compressed.
    pub compression: Compression,
    /// The type that is stored.
    pub physical: Type,
    /// Bytes of a value of fixed length.
    pub type_length: usize,
    /// Whether rows may be null: the maximum definition level is 1, otherwise 0.
    pub is_nullable: bool,
    /// The type of the arrays; the values are taken for what it says, whatever the logical type of the column.
    pub target: DataType,
    /// Where pages begin, in order, from the offset index; empty where there is none.
    pub pages: Arc<[PagePlace]>,
    /// Bytes of the file beyond which nothing is read ahead, in order; empty where all of the chunk will be read.
    pub wanted: Arc<[Range<u64>]>,
}

/// A data page, as the offset index has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagePlace {
    /// Its header's first byte in the file.
    pub offset: u64,
    /// Its first row in the row group.
    pub first_row: u64,
}

/// How stored values become those of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Flags,
    /// Four bytes, as they are or narrowed.
    Words32,
    /// Eight bytes, as they are.
    Words64,
    /// Days and nanoseconds, 12 bytes, to a timestamp of this unit.
    Int96(TimeUnit),
    /// Numbers of at most 16 bytes, highest first.
    BigEndian(usize),
    /// As many bytes as said.
    Fixed(usize),
    Texts {
        is_utf8: bool,
    },
    /// Texts that are numbers, highest bytes first.
    TextNumbers,
}

impl ChunkSpec {
    /// Whether [`super::ColumnReader`] reads such a column.
    pub fn is_covered(&self) -> bool {
        codec::is_covered(self.compression) && self.shape().is_some()
    }

    pub(super) fn shape(&self) -> Option<Shape> {
        use DataType as D;
        let length = self.type_length;
        let is_decimal = |precision: u8| (1..=DECIMAL128_MAX_PRECISION).contains(&precision);
        match (self.physical, &self.target) {
            (Type::BOOLEAN, D::Boolean) => Some(Shape::Flags),
            (
                Type::INT32,
                D::Int8
                | D::Int16
                | D::Int32
                | D::UInt8
                | D::UInt16
                | D::UInt32
                | D::Date32
                | D::Time32(_)
                | D::Decimal32(..),
            )
            | (Type::FLOAT, D::Float32) => Some(Shape::Words32),
            (
                Type::INT64,
                D::Int64
                | D::UInt64
                | D::Timestamp(..)
                | D::Time64(_)
                | D::Duration(_)
                | D::Decimal64(..)
                | D::Date64,
            )
            | (Type::DOUBLE, D::Float64) => Some(Shape::Words64),
            (Type::INT32, D::Decimal128(precision, _)) if is_decimal(*precision) => Some(Shape::Words32),
            (Type::INT64, D::Decimal128(precision, _)) if is_decimal(*precision) => Some(Shape::Words64),
            (Type::INT96, D::Timestamp(unit, _)) => Some(Shape::Int96(*unit)),
            (Type::FIXED_LEN_BYTE_ARRAY, D::Decimal128(precision, _)) => {
                (is_decimal(*precision) && (1..=16).contains(&length)).then_some(Shape::BigEndian(length))
            }
            (Type::FIXED_LEN_BYTE_ARRAY, D::Float16) if length == 2 => Some(Shape::Fixed(2)),
            (Type::FIXED_LEN_BYTE_ARRAY, D::FixedSizeBinary(bytes)) => {
                let is_same = usize::try_from(*bytes).is_ok_and(|bytes| bytes == length);
                (is_same && length > 0).then_some(Shape::Fixed(length))
            }
            (Type::BYTE_ARRAY, D::Utf8View | D::Utf8 | D::LargeUtf8) => Some(Shape::Texts { is_utf8: true }),
            (Type::BYTE_ARRAY, D::BinaryView | D::Binary | D::LargeBinary) => {
                Some(Shape::Texts { is_utf8: false })
            }
            (Type::BYTE_ARRAY, D::Decimal128(precision, _)) if is_decimal(*precision) => {
                Some(Shape::TextNumbers)
            }
            _ => None,
        }
    }
}
