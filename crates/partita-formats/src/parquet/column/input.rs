//! Arrays to the columns that write them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowNativeType, DataType, Decimal64Type, Decimal128Type, Decimal256Type, Int8Type, Int16Type, UInt8Type,
    UInt16Type,
};
use parquet::basic::Type;
use parquet::errors::ParquetError;

use super::flags::Flags;
use super::spec::Spec;
use super::texts::Texts;
use super::words::Words;
use super::{Column, Work};
use crate::error::Result;
use crate::parquet::row_group::{OwnChunk, SharedPages};

/// A column of any type.
pub(in crate::parquet) enum AnyColumn {
    Flags(Column<Flags>),
    Short(Column<Words<u32>>),
    Long(Column<Words<u64>>),
    Texts(Column<Texts>),
}

/// The same for a column of each type.
macro_rules! each {
    ($any:expr, $column:ident => $result:expr) => {
        match $any {
            AnyColumn::Flags($column) => $result,
            AnyColumn::Short($column) => $result,
            AnyColumn::Long($column) => $result,
            AnyColumn::Texts($column) => $result,
        }
    };
}

impl AnyColumn {
    pub(in crate::parquet) fn new(spec: &Arc<Spec>, pages: SharedPages) -> Self {
        match spec.descriptor.physical_type() {
            Type::BOOLEAN => Self::Flags(Column::new(spec, Flags::new(spec), pages)),
            Type::INT32 | Type::FLOAT => Self::Short(Column::new(spec, Words::new(spec), pages)),
            Type::INT64 | Type::DOUBLE => Self::Long(Column::new(spec, Words::new(spec), pages)),
            _ => Self::Texts(Column::new(spec, Texts::new(spec), pages)),
        }
    }

    /// Takes the values of a batch.
    ///
    /// # Errors
    /// Where a dictionary's keys do not fit, or a page does not.
    pub(in crate::parquet) fn write(&mut self, array: &ArrayRef, work: &mut Work) -> Result<()> {
        let array = match array.data_type() {
            DataType::Dictionary(_, values) => cast(array, values)?,
            _ => Arc::clone(array),
        };
        let valid = array.nulls().filter(|nulls| nulls.null_count() > 0);
        match self {
            Self::Flags(column) => {
                let flags: Vec<u8> = array.as_boolean().values().iter().map(u8::from).collect();
                column.write(&flags, &[], valid, work)
            }
            Self::Short(column) => write_short(column, &array, valid, work),
            Self::Long(column) => write_long(column, &array, valid, work),
            Self::Texts(column) => write_texts(column, &array, valid, work),
        }
    }

    pub(in crate::parquet) fn finish(self, work: &mut Work) -> Result<OwnChunk> {
        each!(self, column => column.finish(work))
    }

    /// As [`Column::memory_bytes`].
    pub(in crate::parquet) fn memory_bytes(&self) -> (usize, usize) {
        each!(self, column => column.memory_bytes())
    }

    /// As [`Column::encoded_bytes`].
    pub(in crate::parquet) fn encoded_bytes(&self) -> usize {
        each!(self, column => column.encoded_bytes())
    }
}

/// The values of an array of numbers, each as another number.
fn mapped<T: ArrowPrimitiveType, W>(array: &ArrayRef, number: impl Fn(T::Native) -> W) -> Vec<W> {
    let array: &PrimitiveArray<T> = array.as_primitive();
    array.values().iter().map(|&value| number(value)).collect()
}

/// The values of an array of numbers of the size of `W`, by their bits.
fn with_bits<W: ArrowNativeType>(array: &ArrayRef, write: impl FnOnce(&[W]) -> Result<()>) -> Result<()> {
    let data = array.to_data();
    if array.data_type().primitive_width() != Some(size_of::<W>()) {
        let (got, expected) = (array.data_type(), 8 * size_of::<W>());
        return Err(ParquetError::General(format!("expected numbers of {expected} bits, got {got}")).into());
    }
    write(&data.buffer::<W>(0)[..data.len()])
}

fn write_short(
    column: &mut Column<Words<u32>>,
    array: &ArrayRef,
    valid: Option<&NullBuffer>,
    work: &mut Work,
) -> Result<()> {
    let values = match array.data_type() {
        DataType::Int8 => mapped::<Int8Type, _>(array, |value| i32::from(value) as u32),
        DataType::Int16 => mapped::<Int16Type, _>(array, |value| i32::from(value) as u32),
        DataType::UInt8 => mapped::<UInt8Type, _>(array, u32::from),
        DataType::UInt16 => mapped::<UInt16Type, _>(array, u32::from),
        DataType::Decimal64(..) => mapped::<Decimal64Type, _>(array, |value| value as u32),
        DataType::Decimal128(..) => mapped::<Decimal128Type, _>(array, |value| value as u32),
        DataType::Decimal256(..) => mapped::<Decimal256Type, _>(array, |value| value.as_i128() as u32),
        _ => return with_bits(array, |values| column.write(values, &[], valid, work)),
    };
    column.write(&values, &[], valid, work)
}

fn write_long(
    column: &mut Column<Words<u64>>,
    array: &ArrayRef,
    valid: Option<&NullBuffer>,
    work: &mut Work,
) -> Result<()> {
    let values = match array.data_type() {
        DataType::Decimal128(..) => mapped::<Decimal128Type, _>(array, |value| value as u64),
        DataType::Decimal256(..) => mapped::<Decimal256Type, _>(array, |value| value.as_i128() as u64),
        _ => return with_bits(array, |values| column.write(values, &[], valid, work)),
    };
    column.write(&values, &[], valid, work)
}

/// As views, whatever they come as: the bytes stay where they are.
fn write_texts(
    column: &mut Column<Texts>,
    array: &ArrayRef,
    valid: Option<&NullBuffer>,
    work: &mut Work,
) -> Result<()> {
    let views = match array.data_type() {
        DataType::Utf8View | DataType::BinaryView => Arc::clone(array),
        DataType::Utf8 | DataType::LargeUtf8 => cast(array, &DataType::Utf8View)?,
        _ => cast(array, &DataType::BinaryView)?,
    };
    match views.data_type() {
        DataType::Utf8View => {
            let views = views.as_string_view();
            column.write(views.views(), views.data_buffers(), valid, work)
        }
        _ => {
            let views = views.as_binary_view();
            column.write(views.views(), views.data_buffers(), valid, work)
        }
    }
}
