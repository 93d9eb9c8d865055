//! One value: what literals, null fills and statistics are made of.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

/// One value of a supported type; null is a value of every type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scalar {
    /// A missing value of a type (`DataType::Null` where nothing is known).
    Null(DataType),
    /// A truth value.
    Boolean(bool),
    /// Any signed integer type is held wide; `data_type` of the column decides.
    Int64(i64),
    /// An unsigned integer.
    UInt64(u64),
    /// A float; NaN is a value.
    Float64(f64),
    /// Text.
    Utf8(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// Days since 1970-01-01.
    Date32(i32),
    /// An instant (with zone) or a wall-clock time (without), in `unit`s since 1970-01-01.
    Timestamp(i64, TimeUnit, Option<Arc<str>>),
    /// A span of time.
    Duration(i64, TimeUnit),
    /// A decimal: unscaled value, precision, scale.
    Decimal128(i128, u8, i8),
}

/// A column, or one value that stands for every row.
#[derive(Debug, Clone)]
pub enum Value {
    /// One value a row.
    Array(ArrayRef),
    /// The same value in every row.
    Scalar(Scalar),
}
