//! The machine values behind a column, whatever its logical type.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

/// The values of a primitive column; what lies under nulls is arbitrary.
#[derive(Clone, Copy)]
pub(crate) enum Physical<'a> {
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    I128(&'a [i128]),
}

/// `None` for a column that is not primitive.
pub(crate) fn physical(array: &dyn Array) -> Option<Physical<'_>> {
    Some(match array.data_type() {
        DataType::Int8 => Physical::I8(array.as_primitive::<Int8Type>().values()),
        DataType::Int16 => Physical::I16(array.as_primitive::<Int16Type>().values()),
        DataType::Int32 => Physical::I32(array.as_primitive::<Int32Type>().values()),
        DataType::Int64 => Physical::I64(array.as_primitive::<Int64Type>().values()),
        DataType::UInt8 => Physical::U8(array.as_primitive::<UInt8Type>().values()),
        DataType::UInt16 => Physical::U16(array.as_primitive::<UInt16Type>().values()),
        DataType::UInt32 => Physical::U32(array.as_primitive::<UInt32Type>().values()),
        DataType::UInt64 => Physical::U64(array.as_primitive::<UInt64Type>().values()),
        DataType::Float32 => Physical::F32(array.as_primitive::<Float32Type>().values()),
        DataType::Float64 => Physical::F64(array.as_primitive::<Float64Type>().values()),
        DataType::Date32 => Physical::I32(array.as_primitive::<Date32Type>().values()),
        DataType::Decimal128(_, _) => Physical::I128(array.as_primitive::<Decimal128Type>().values()),
        DataType::Timestamp(_, _) | DataType::Duration(_) => Physical::I64(ticks(array)?),
        _ => return None,
    })
}

/// The counts of a timestamp or duration column.
pub(super) fn ticks(array: &dyn Array) -> Option<&[i64]> {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    Some(match array.data_type() {
        DataType::Timestamp(Second, _) => array.as_primitive::<TimestampSecondType>().values(),
        DataType::Timestamp(Millisecond, _) => array.as_primitive::<TimestampMillisecondType>().values(),
        DataType::Timestamp(Microsecond, _) => array.as_primitive::<TimestampMicrosecondType>().values(),
        DataType::Timestamp(Nanosecond, _) => array.as_primitive::<TimestampNanosecondType>().values(),
        DataType::Duration(Second) => array.as_primitive::<DurationSecondType>().values(),
        DataType::Duration(Millisecond) => array.as_primitive::<DurationMillisecondType>().values(),
        DataType::Duration(Microsecond) => array.as_primitive::<DurationMicrosecondType>().values(),
        DataType::Duration(Nanosecond) => array.as_primitive::<DurationNanosecondType>().values(),
        _ => return None,
    })
}

/// The operands of a binary kernel: columns of equal length, or one value beside a column.
#[derive(Clone, Copy)]
pub(super) enum Side<'a, N> {
    /// One value a row.
    Rows(&'a [N]),
    /// The same in every row.
    One(N),
}

impl<N: Copy> Side<'_, N> {
    pub(super) fn value(&self, row: usize) -> N {
        match self {
            Side::Rows(values) => values[row],
            Side::One(value) => *value,
        }
    }
}

/// `f` of every pair of values.
#[inline]
pub(super) fn map<A: Copy, B: Copy, O>(
    left: Side<'_, A>,
    right: Side<'_, B>,
    mut f: impl FnMut(A, B) -> O,
) -> Vec<O> {
    match (left, right) {
        (Side::Rows(left), Side::Rows(right)) => left.iter().zip(right).map(|(&a, &b)| f(a, b)).collect(),
        (Side::Rows(left), Side::One(b)) => left.iter().map(|&a| f(a, b)).collect(),
        (Side::One(a), Side::Rows(right)) => right.iter().map(|&b| f(a, b)).collect(),
        (Side::One(a), Side::One(b)) => vec![f(a, b)],
    }
}
