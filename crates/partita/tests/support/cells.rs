//! Plain values, to compare what was read with what was expected.

use std::fmt;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use partita::arrow;

/// One value.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    /// Days since 1970.
    Date(i64),
    /// Nanoseconds since 1970, of UTC where there is a zone.
    Time(i128),
    List(Vec<Cell>),
}

/// Same kind and same value; NaN is NaN.
impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Cell::Null, Cell::Null) => true,
            (Cell::Bool(a), Cell::Bool(b)) => a == b,
            (Cell::Int(a), Cell::Int(b)) | (Cell::Time(a), Cell::Time(b)) => a == b,
            (Cell::Float(a), Cell::Float(b)) => a == b || a.is_nan() && b.is_nan(),
            (Cell::Text(a), Cell::Text(b)) => a == b,
            (Cell::Date(a), Cell::Date(b)) => a == b,
            (Cell::List(a), Cell::List(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self:?}")
    }
}

/// The rows of some batches.
pub(crate) fn rows(batches: &[RecordBatch]) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|column| cell(column, row)).collect());
        }
    }
    rows
}

fn cell(column: &dyn Array, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Null;
    }
    macro_rules! number {
        ($type:ty) => {
            column.as_primitive::<$type>().value(row).into()
        };
    }
    match column.data_type() {
        DataType::Boolean => Cell::Bool(column.as_boolean().value(row)),
        DataType::Int8 => Cell::Int(number!(Int8Type)),
        DataType::Int16 => Cell::Int(number!(Int16Type)),
        DataType::Int32 => Cell::Int(number!(Int32Type)),
        DataType::Int64 => Cell::Int(number!(Int64Type)),
        DataType::UInt8 => Cell::Int(number!(UInt8Type)),
        DataType::UInt16 => Cell::Int(number!(UInt16Type)),
        DataType::UInt32 => Cell::Int(number!(UInt32Type)),
        DataType::UInt64 => Cell::Int(number!(UInt64Type)),
        DataType::Float32 => Cell::Float(number!(Float32Type)),
        DataType::Float64 => Cell::Float(number!(Float64Type)),
        DataType::Utf8View => Cell::Text(column.as_string_view().value(row).to_owned()),
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Cell::Text(column.as_string::<i64>().value(row).to_owned()),
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(row);
            Cell::List((0..values.len()).map(|at| cell(&values, at)).collect())
        }
        DataType::Date32 => Cell::Date(number!(Date32Type)),
        DataType::Timestamp(unit, _) => {
            let (ticks, scale): (i128, i128) = match unit {
                TimeUnit::Second => (number!(TimestampSecondType), 1_000_000_000),
                TimeUnit::Millisecond => (number!(TimestampMillisecondType), 1_000_000),
                TimeUnit::Microsecond => (number!(TimestampMicrosecondType), 1_000),
                TimeUnit::Nanosecond => (number!(TimestampNanosecondType), 1),
            };
            Cell::Time(ticks * scale)
        }
        other => panic!("a column of type {other} cannot be compared"),
    }
}
