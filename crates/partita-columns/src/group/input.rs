//! Key columns as machine values.

use arrow::array::{Array, ArrayRef, AsArray, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType, TimeUnit};

use super::intern::{INLINE, Word};
use super::table::hash_word;
use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::wide::Valid;

pub(super) const SIGN: u64 = 1 << 63;

/// Values by their machine representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing but nulls.
    Null,
    Boolean,
    /// Signed integers of so many bits.
    Signed(u32),
    Unsigned(u32),
    Float(u32),
    /// 128 bits.
    Long,
    Text,
}

impl Kind {
    /// The kind of a type, that of its values for dictionaries.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] for types that have no keys.
    pub(super) fn of(data_type: &DataType) -> Result<Self> {
        use TimeUnit::{Millisecond, Second};
        Ok(match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => Self::Signed(8),
            DataType::Int16 => Self::Signed(16),
            DataType::Int32 | DataType::Date32 | DataType::Time32(Second | Millisecond) => Self::Signed(32),
            DataType::Int64
            | DataType::Date64
            | DataType::Time64(_)
            | DataType::Timestamp(..)
            | DataType::Duration(_) => Self::Signed(64),
            DataType::UInt8 => Self::Unsigned(8),
            DataType::UInt16 => Self::Unsigned(16),
            DataType::UInt32 => Self::Unsigned(32),
            DataType::UInt64 => Self::Unsigned(64),
            DataType::Float32 => Self::Float(32),
            DataType::Float64 => Self::Float(64),
            DataType::Decimal128(..) => Self::Long,
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Text,
            DataType::Dictionary(_, values) => Self::of(values)?,
            other => {
                let types = dtype::name(other);
                return Err(ErrorKind::Undefined { operation: "groupby".to_owned(), types }.into());
            }
        })
    }
}

/// A float as a key: its bits as they came; zeros are equal, and so are all NaN.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Float(pub(super) u64);

impl Float {
    pub(super) fn of(value: f64) -> Self {
        Self(value.to_bits())
    }

    #[inline(always)]
    fn canonical(self) -> u64 {
        let value = f64::from_bits(self.0);
        if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
    }
}

impl PartialEq for Float {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for Float {}

impl Word for Float {
    #[inline(always)]
    fn hash(self) -> u64 {
        hash_word(self.canonical())
    }

    #[inline(always)]
    fn bits(self) -> u128 {
        self.canonical().into()
    }
}

/// A column of a batch.
pub(super) struct Input {
    pub(super) values: Values,
    pub(super) valid: Option<Valid>,
}

pub(super) enum Values {
    Null,
    Boolean(BooleanBuffer),
    I8(ScalarBuffer<i8>),
    I16(ScalarBuffer<i16>),
    I32(ScalarBuffer<i32>),
    I64(ScalarBuffer<i64>),
    U8(ScalarBuffer<u8>),
    U16(ScalarBuffer<u16>),
    U32(ScalarBuffer<u32>),
    U64(ScalarBuffer<u64>),
    F32(ScalarBuffer<f32>),
    F64(ScalarBuffer<f64>),
    Long(ScalarBuffer<i128>),
    Text(ScalarBuffer<u128>, Vec<Buffer>),
    /// Of a dictionary, once its values have codes.
    Codes(Vec<u32>),
}

/// The values of a primitive array.
pub(super) fn native<T: ArrowNativeType>(array: &dyn Array) -> ScalarBuffer<T> {
    let data = array.to_data();
    ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len())
}

impl Input {
    /// Of a column that is no dictionary.
    ///
    /// # Errors
    /// From the cast of texts to views.
    pub(super) fn new(array: &ArrayRef, kind: Kind) -> Result<Self> {
        let values = match kind {
            Kind::Null => Values::Null,
            Kind::Boolean => Values::Boolean(array.as_boolean().values().clone()),
            Kind::Signed(8) => Values::I8(native(array)),
            Kind::Signed(16) => Values::I16(native(array)),
            Kind::Signed(32) => Values::I32(native(array)),
            Kind::Signed(_) => Values::I64(native(array)),
            Kind::Unsigned(8) => Values::U8(native(array)),
            Kind::Unsigned(16) => Values::U16(native(array)),
            Kind::Unsigned(32) => Values::U32(native(array)),
            Kind::Unsigned(_) => Values::U64(native(array)),
            Kind::Float(32) => Values::F32(native(array)),
            Kind::Float(_) => Values::F64(native(array)),
            Kind::Long => Values::Long(native(array)),
            Kind::Text => texts(array)?,
        };
        let nulls = if kind == Kind::Null { None } else { array.nulls() };
        Ok(Self { values, valid: Valid::of(nulls) })
    }
}

impl Input {
    /// The same with one zero and one NaN.
    pub(super) fn canonical(mut self) -> Self {
        match &mut self.values {
            Values::F64(values) => {
                *values = values.iter().map(|value| f64::from_bits(Float::of(*value).canonical())).collect();
            }
            Values::F32(values) => {
                *values = values
                    .iter()
                    .map(|value| f64::from_bits(Float::of((*value).into()).canonical()) as f32)
                    .collect();
            }
            _ => {}
        }
        self
    }

    /// The bits of a float.
    pub(super) fn float(&self, row: usize) -> Option<u64> {
        match &self.values {
            Values::F64(values) if self.is_valid(row) => Some(values[row].to_bits()),
            Values::F32(values) if self.is_valid(row) => Some(f64::from(values[row]).to_bits()),
            _ => None,
        }
    }

    fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid.at(row))
    }
}

fn texts(array: &ArrayRef) -> Result<Values> {
    let viewed = match array.data_type() {
        DataType::Utf8View | DataType::BinaryView => None,
        DataType::Utf8 | DataType::LargeUtf8 => Some(cast(array, &DataType::Utf8View)?),
        _ => Some(cast(array, &DataType::BinaryView)?),
    };
    let array = viewed.as_ref().unwrap_or(array);
    Ok(match array.data_type() {
        DataType::Utf8View => {
            let texts = array.as_string_view();
            Values::Text(texts.views().clone(), texts.data_buffers().to_vec())
        }
        _ => {
            let bytes = array.as_binary_view();
            Values::Text(bytes.views().clone(), bytes.data_buffers().to_vec())
        }
    })
}

/// Bytes of the texts of a column that no view holds, and of the longest of them.
pub(super) fn long_texts(array: &ArrayRef) -> (usize, usize) {
    let of_views = |views: &[u128], buffers: &[Buffer]| {
        if buffers.is_empty() {
            return (0, 0);
        }
        let long = |view: &u128| if *view as u32 > INLINE { *view as u32 as usize } else { 0 };
        views.iter().map(long).fold((0, 0), |(sum, most), length| (sum + length, most.max(length)))
    };
    fn of_offsets<T: ArrowNativeType>(offsets: &[T]) -> (usize, usize) {
        let lengths = offsets.windows(2).map(|ends| ends[1].as_usize() - ends[0].as_usize());
        lengths.fold((0, 0), |(sum, most), length| (sum + length, most.max(length)))
    }
    match array.data_type() {
        DataType::Utf8View => {
            let texts = array.as_string_view();
            of_views(texts.views(), texts.data_buffers())
        }
        DataType::BinaryView => {
            let bytes = array.as_binary_view();
            of_views(bytes.views(), bytes.data_buffers())
        }
        DataType::Utf8 => of_offsets(array.as_string::<i32>().offsets()),
        DataType::LargeUtf8 => of_offsets(array.as_string::<i64>().offsets()),
        DataType::Binary => of_offsets(array.as_binary::<i32>().offsets()),
        DataType::LargeBinary => of_offsets(array.as_binary::<i64>().offsets()),
        DataType::FixedSizeBinary(width) => (array.len() * *width as usize, *width as usize),
        DataType::Dictionary(..) => {
            array.as_any_dictionary_opt().map_or((0, 0), |dictionary| long_texts(dictionary.values()))
        }
        _ => (0, 0),
    }
}

/// An array of a primitive type from its machine values.
pub(super) fn primitive<T: ArrowNativeType>(
    data_type: &DataType,
    values: Vec<T>,
    nulls: Option<arrow::buffer::NullBuffer>,
) -> Result<ArrayRef> {
    let data = arrow::array::ArrayData::builder(data_type.clone())
        .len(values.len())
        .nulls(nulls.filter(|nulls| nulls.null_count() > 0))
        .add_buffer(Buffer::from_vec(values));
    Ok(make_array(data.build()?))
}
