//! What is known of a column before its first value.

use arrow::datatypes::DataType;
use parquet::basic::{self, ConvertedType, LogicalType, SortOrder, Type};
use parquet::schema::types::ColumnDescPtr;

use super::bloom;
use super::choice::{Plan, Use};
use crate::parquet::options::{ColumnOptions, Encoding, PageLimits, Statistics, WriteOptions};

/// How values are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::parquet) enum Order {
    /// As signed integers.
    Signed,
    /// As integers without a sign.
    Unsigned,
    /// As floats; NaN has no place.
    Float,
}

/// A flat column that [`super::Column`] writes.
#[derive(Debug)]
pub(in crate::parquet) struct Spec {
    pub(in crate::parquet) descriptor: ColumnDescPtr,
    pub(in crate::parquet) compression: basic::Compression,
    pub(in crate::parquet) statistics: Statistics,
    pub(in crate::parquet) plan: Plan,
    pub(in crate::parquet) order: Order,
    pub(in crate::parquet) is_nullable: bool,
    pub(in crate::parquet) is_text: bool,
    pub(in crate::parquet) limits: PageLimits,
    /// Different values that its bloom filter is made for, where it has one.
    pub(in crate::parquet) bloom_values: Option<u64>,
}

impl Spec {
    /// The column of `descriptor`, where it is one that is covered.
    pub(in crate::parquet) fn new(
        descriptor: &ColumnDescPtr,
        fed: &DataType,
        compression: basic::Compression,
        write: &WriteOptions,
        limits: PageLimits,
    ) -> Option<Self> {
        let data_type = match fed {
            DataType::Dictionary(_, values) => values.as_ref(),
            other => other,
        };
        let is_flat = descriptor.max_rep_level() == 0 && descriptor.path().parts().len() == 1;
        if !is_flat || descriptor.max_def_level() > 1 || !is_covered(descriptor.physical_type(), data_type) {
            return None;
        }
        let chosen = write.columns.get(descriptor.name());
        let is_text = descriptor.logical_type_ref() == Some(&LogicalType::String)
            || descriptor.converted_type() == ConvertedType::UTF8;
        let order = match (descriptor.physical_type(), descriptor.sort_order()) {
            (Type::FLOAT | Type::DOUBLE, _) => Order::Float,
            (_, SortOrder::UNSIGNED) => Order::Unsigned,
            _ => Order::Signed,
        };
        Some(Self {
            descriptor: ColumnDescPtr::clone(descriptor),
            compression,
            statistics: chosen.and_then(|chosen| chosen.statistics).unwrap_or(write.statistics),
            plan: plan(descriptor, chosen, write),
            order,
            is_nullable: descriptor.max_def_level() == 1,
            is_text,
            limits,
            bloom_values: chosen.filter(|chosen| chosen.bloom_filter).map(|_| bloom::values_max(write)),
        })
    }
}

fn is_covered(physical: Type, data_type: &DataType) -> bool {
    match physical {
        Type::BOOLEAN => *data_type == DataType::Boolean,
        Type::INT32 | Type::INT64 => *data_type != DataType::Null && !data_type.is_nested(),
        Type::FLOAT | Type::DOUBLE => true,
        Type::BYTE_ARRAY => matches!(
            data_type,
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
        ),
        Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY => false,
    }
}

/// What the options say; where they say nothing, the values decide.
fn plan(descriptor: &ColumnDescPtr, chosen: Option<&ColumnOptions>, write: &WriteOptions) -> Plan {
    let is_float = matches!(descriptor.physical_type(), Type::FLOAT | Type::DOUBLE);
    let is_timestamp = matches!(descriptor.logical_type_ref(), Some(LogicalType::Timestamp(_)));
    let split = |is_split: bool| is_split.then_some(Encoding::ByteStreamSplit);
    if descriptor.physical_type() == Type::BOOLEAN {
        return Plan { dictionary: Use::Never, values: Some(Encoding::Plain) };
    }
    match chosen.and_then(|chosen| chosen.encoding) {
        Some(Encoding::Dictionary) => {
            Plan { dictionary: Use::Always, values: split(write.byte_stream_split && is_float) }
        }
        Some(encoding) => Plan { dictionary: Use::Never, values: Some(encoding) },
        None if write.byte_stream_split && is_timestamp => {
            Plan { dictionary: Use::Never, values: Some(Encoding::ByteStreamSplit) }
        }
        None => {
            let dictionary = if write.dictionary { Use::Pays } else { Use::Never };
            Plan { dictionary, values: split(write.byte_stream_split && is_float) }
        }
    }
}
