//! Which statistics are believed.

use std::sync::Arc;

use arrow::datatypes::DataType;
use parquet::basic::{ColumnOrder, LogicalType, Repetition, SortOrder, Type};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::statistics::Statistics;
use parquet::schema::types::{ColumnDescriptor, ColumnPath, Type as SchemaType};
use partita_columns::Scalar;

use crate::parquet::read::bounds::{Bounds, of_chunk};

fn column(physical: Type, logical: Option<LogicalType>, length: i32) -> ColumnDescriptor {
    let builder = SchemaType::primitive_type_builder("a", physical).with_repetition(Repetition::OPTIONAL);
    let (precision, scale) = match &logical {
        Some(LogicalType::Decimal(decimal)) => (decimal.precision, decimal.scale),
        _ => (-1, -1),
    };
    let kind =
        builder.with_logical_type(logical).with_length(length).with_precision(precision).with_scale(scale);
    ColumnDescriptor::new(Arc::new(kind.build().unwrap()), 1, 0, ColumnPath::from("a"))
}

fn ends(bounds: &Bounds) -> (Option<Scalar>, Option<Scalar>) {
    (bounds.min.clone(), bounds.max.clone())
}

const SIGNED: ColumnOrder = ColumnOrder::TYPE_DEFINED_ORDER(SortOrder::SIGNED);
const UNSIGNED: ColumnOrder = ColumnOrder::TYPE_DEFINED_ORDER(SortOrder::UNSIGNED);
const NOTHING: (Option<Scalar>, Option<Scalar>) = (None, None);

#[test]
fn numbers_are_believed_old_or_new() {
    for is_old in [false, true] {
        for order in [SIGNED, ColumnOrder::UNDEFINED] {
            let statistics = Statistics::int32(Some(-3), Some(4), None, Some(2), is_old);
            let bounds = of_chunk(&statistics, &column(Type::INT32, None, -1), &DataType::Int32, order, 9);
            assert_eq!(ends(&bounds), (Some(Scalar::Int64(-3)), Some(Scalar::Int64(4))));
            assert_eq!((bounds.nulls, bounds.rows, bounds.min_is_exact), (Some(2), 9, true));
        }
        let statistics = Statistics::int32(Some(-3), Some(4), None, Some(2), is_old);
        let column = column(Type::INT32, None, -1);
        let bounds = of_chunk(&statistics, &column, &DataType::Int32, ColumnOrder::UNKNOWN, 9);
        assert_eq!(ends(&bounds), NOTHING);
    }
}

#[test]
fn old_bounds_of_unsigned_numbers_and_text_are_not() {
    let unsigned = column(Type::INT32, Some(LogicalType::integer(32, false)), -1);
    let of = |is_old, order| {
        let statistics = Statistics::int32(Some(1), Some(-1), None, None, is_old);
        ends(&of_chunk(&statistics, &unsigned, &DataType::UInt32, order, 9))
    };
    assert_eq!(of(false, UNSIGNED), (Some(Scalar::UInt64(1)), Some(Scalar::UInt64(u32::MAX.into()))));
    assert_eq!(of(true, UNSIGNED), NOTHING);
    assert_eq!(of(false, ColumnOrder::UNDEFINED), NOTHING);

    let text = column(Type::BYTE_ARRAY, Some(LogicalType::String), -1);
    let of = |is_old, min: &[u8], max: &[u8]| {
        let (min, max) = (ByteArray::from(min.to_vec()), ByteArray::from(max.to_vec()));
        let statistics = Statistics::byte_array(Some(min), Some(max), None, None, is_old);
        ends(&of_chunk(&statistics, &text, &DataType::Utf8View, UNSIGNED, 9))
    };
    let utf8 = |text: &str| Some(Scalar::Utf8(text.to_owned()));
    assert_eq!(of(false, b"a", "é".as_bytes()), (utf8("a"), utf8("é")));
    assert_eq!(of(true, b"a", b"b"), NOTHING);
    assert_eq!(of(false, b"a", b"\xc3"), (utf8("a"), None));
    assert_eq!(of(false, b"\xc3", b"zz"), NOTHING);
    assert_eq!(of(false, b"b", b"a"), NOTHING);
}

#[test]
fn nan_is_no_bound_and_may_be_there() {
    let double = column(Type::DOUBLE, None, -1);
    let of = |min, max| {
        let statistics = Statistics::double(Some(min), Some(max), None, None, false);
        of_chunk(&statistics, &double, &DataType::Float64, SIGNED, 9)
    };
    assert!(of(1.0, 2.0).may_have_nan);
    assert_eq!(ends(&of(f64::NAN, 2.0)), NOTHING);
    assert_eq!(ends(&of(1.0, f64::NAN)), NOTHING);
    assert_eq!(ends(&of(0.0, -0.0)), (Some(Scalar::Float64(0.0)), Some(Scalar::Float64(-0.0))));
}

#[test]
fn decimals_in_bytes_and_half_floats() {
    let decimal = column(Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(2, 30)), 13);
    let fixed = |bytes: Vec<u8>| Some(FixedLenByteArray::from(bytes));
    let mut minus = vec![255; 13];
    minus[12] = 254;
    let mut plus = vec![0; 13];
    plus[0] = 1;
    let target = DataType::Decimal128(30, 2);
    for (is_old, expected) in [
        (true, NOTHING),
        (false, {
            let scalar = |value| Some(Scalar::Decimal128(value, 30, 2));
            (scalar(-2), scalar(1 << 96))
        }),
    ] {
        let statistics =
            Statistics::fixed_len_byte_array(fixed(minus.clone()), fixed(plus.clone()), None, None, is_old);
        assert_eq!(ends(&of_chunk(&statistics, &decimal, &target, SIGNED, 9)), expected);
    }
    let half = column(Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16), 2);
    let bits = |bits: u16| fixed(bits.to_le_bytes().to_vec());
    let statistics = Statistics::fixed_len_byte_array(bits(0xc500), bits(0x3555), None, None, false);
    let bounds = of_chunk(&statistics, &half, &DataType::Float16, SIGNED, 9);
    // By the standard: -5, and the float next to a third.
    assert_eq!(ends(&bounds), (Some(Scalar::Float64(-5.0)), Some(Scalar::Float64(0.333_251_953_125))));
}

#[test]
fn more_nulls_than_rows_are_no_number() {
    let statistics = Statistics::int32(Some(1), Some(2), None, Some(10), false);
    let column = column(Type::INT32, None, -1);
    assert_eq!(of_chunk(&statistics, &column, &DataType::Int32, SIGNED, 9).nulls, None);
    let all = of_chunk(&statistics, &column, &DataType::Int32, SIGNED, 10);
    assert_eq!((all.is_all_null(), ends(&all)), (true, NOTHING));
    let tiny = Statistics::int32(Some(1), Some(300), None, None, false);
    assert_eq!(ends(&of_chunk(&tiny, &column, &DataType::Int8, SIGNED, 9)), NOTHING);
}
