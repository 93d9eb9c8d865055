//! Values of one column, appended from the text.

use std::sync::Arc;

use arrow::array::NullBufferBuilder;
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanBuilder, ListArray, PrimitiveBuilder, StringViewBuilder,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{self as types, DataType, FieldRef};
use partita_columns::compute::{CastMode, cast_array};

use super::error::{Fault, What};
use super::json::{Cursor, Kind, Parsed};
use super::object::Object;
use crate::csv::mismatch::shown;
use crate::csv::schema_file::type_name as type_word;
use crate::csv::value::{parse_f32, parse_f64, parse_i64, parse_u64};
use crate::error::{Error, ErrorKind, Result};

/// A column under construction.
pub(super) trait Column: Send {
    /// Appends the value that comes next.
    fn push(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()>;

    fn push_null(&mut self);

    /// What was appended; the column is empty then.
    fn finish(&mut self) -> std::result::Result<ArrayRef, Refused>;

    /// Bytes of memory held.
    fn memory_bytes(&self) -> usize;
}

/// Why values do not become a column.
pub(super) enum Refused {
    /// A value of the column does not fit.
    Value {
        path: Vec<String>,
        item: usize,
        expected: String,
        found: String,
    },
    Other(Error),
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Refused::Other(error.into())
    }
}

impl Refused {
    /// The same, in the value of a key, in which the item is another.
    pub(super) fn within(self, key: &str, outer: impl FnOnce(usize) -> usize) -> Self {
        match self {
            Refused::Value { mut path, item, expected, found } => {
                path.push(key.to_owned());
                Refused::Value { path, item: outer(item), expected, found }
            }
            other => other,
        }
    }
}

/// Types that text is cast to.
fn is_cast(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..) | DataType::Decimal128(..))
}

/// Checks that values of JSON can become a column of this type.
///
/// # Errors
/// [`ErrorKind::Options`].
pub(super) fn check(name: &str, data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::Boolean | DataType::Float32 | DataType::Float64 | DataType::Utf8View => Ok(()),
        other if other.is_integer() || is_cast(other) => Ok(()),
        DataType::List(item) => check(name, item.data_type()),
        DataType::Struct(fields) => fields.iter().try_for_each(|field| check(name, field.data_type())),
        other => {
            let message = format!(
                "column {name:?}: JSON cannot be read as {other}; read it as Utf8 and cast the column"
            );
            Err(ErrorKind::Options(message).into())
        }
    }
}

/// An empty column of a type that [`check`] allows; of others one of text.
pub(super) fn column(data_type: &DataType, ignore_unknown: bool) -> Box<dyn Column> {
    use types as t;
    match data_type {
        DataType::Boolean => Box::new(Booleans(BooleanBuilder::new())),
        DataType::Int8 => Box::new(Integers::<t::Int8Type>::new()),
        DataType::Int16 => Box::new(Integers::<t::Int16Type>::new()),
        DataType::Int32 => Box::new(Integers::<t::Int32Type>::new()),
        DataType::Int64 => Box::new(Integers::<t::Int64Type>::new()),
        DataType::UInt8 => Box::new(Integers::<t::UInt8Type>::new()),
        DataType::UInt16 => Box::new(Integers::<t::UInt16Type>::new()),
        DataType::UInt32 => Box::new(Integers::<t::UInt32Type>::new()),
        DataType::UInt64 => Box::new(Integers::<t::UInt64Type>::new()),
        DataType::Float32 => Box::new(Floats::<t::Float32Type>(PrimitiveBuilder::new(), |text| {
            parse_f32(text).filter(|value| value.is_finite())
        })),
        DataType::Float64 => Box::new(Floats::<t::Float64Type>(PrimitiveBuilder::new(), |text| {
            parse_f64(text).filter(|value| value.is_finite())
        })),
        DataType::List(item) => Box::new(Lists {
            item: Arc::clone(item),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
            items: column(item.data_type(), ignore_unknown),
            count: 0,
        }),
        DataType::Struct(fields) => Box::new(Structs {
            nulls: NullBufferBuilder::new(0),
            object: Object::new(fields.iter().map(|field| (field, true)), ignore_unknown),
        }),
        other if is_cast(other) => Box::new(Casts { texts: StringViewBuilder::new(), to: other.clone() }),
        _ => Box::new(Texts(StringViewBuilder::new())),
    }
}

/// The fault of a value that is not of the column's type. `kind` is what [`Cursor::kind`] said of it.
fn misfit(cursor: &mut Cursor<'_>, start: usize, kind: Kind, expected: String) -> Fault {
    let found = match kind {
        Kind::Null => "null".to_owned(),
        Kind::Bool(value) => value.to_string(),
        Kind::Number => match cursor.number() {
            Ok((number, _)) => format!("the number {number}"),
            Err(fault) => return fault,
        },
        Kind::String => match cursor.string() {
            Ok(text) => format!("the text {}", shown(text.as_bytes())),
            Err(fault) => return fault,
        },
        Kind::Array => "an array".to_owned(),
        Kind::Object => "an object".to_owned(),
    };
    Fault { path: Vec::new(), at: start, what: What::Value { expected, found } }
}

struct Booleans(BooleanBuilder);

impl Column for Booleans {
    fn push(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.at;
        match cursor.kind()? {
            Kind::Null => self.0.append_null(),
            Kind::Bool(value) => self.0.append_value(value),
            kind => return Err(misfit(cursor, start, kind, "Boolean".to_owned())),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> std::result::Result<ArrayRef, Refused> {
        Ok(Arc::new(self.0.finish()))
    }

    fn memory_bytes(&self) -> usize {
        self.0.capacity() / 4
    }
}

/// Values of a fixed width, and a bit each that says whether there is one.
fn primitive_bytes<T: ArrowPrimitiveType>(builder: &PrimitiveBuilder<T>) -> usize {
    builder.capacity() * size_of::<T::Native>() + builder.capacity() / 8
}

struct Integers<T: ArrowPrimitiveType>(PrimitiveBuilder<T>);

impl<T: ArrowPrimitiveType> Integers<T> {
    fn new() -> Self {
        Self(PrimitiveBuilder::new())
    }
}

impl<T: ArrowPrimitiveType<Native: TryFrom<i64> + TryFrom<u64>>> Column for Integers<T> {
    fn push(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.at;
        match cursor.kind()? {
            Kind::Null => self.0.append_null(),
            Kind::Number => {
                let (number, is_whole) = cursor.number()?;
                let digits = number.as_bytes();
                let signed = || parse_i64(digits).and_then(|value| T::Native::try_from(value).ok());
                let unsigned = || parse_u64(digits).and_then(|value| T::Native::try_from(value).ok());
                let value = if is_whole { signed().or_else(unsigned) } else { None };
                let Some(value) = value else {
                    cursor.at = start;
                    return Err(misfit(cursor, start, Kind::Number, T::DATA_TYPE.to_string()));
                };
                self.0.append_value(value);
            }
            kind => return Err(misfit(cursor, start, kind, T::DATA_TYPE.to_string())),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> std::result::Result<ArrayRef, Refused> {
        Ok(Arc::new(self.0.finish()))
    }

    fn memory_bytes(&self) -> usize {
        primitive_bytes(&self.0)
    }
}

struct Floats<T: ArrowPrimitiveType>(PrimitiveBuilder<T>, fn(&[u8]) -> Option<T::Native>);

impl<T: ArrowPrimitiveType> Column for Floats<T> {
    fn push(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.at;
        match cursor.kind()? {
            Kind::Null => self.0.append_null(),
            Kind::Number => {
                let (number, _) = cursor.number()?;
                let Some(value) = (self.1)(number.as_bytes()) else {
                    cursor.at = start;
                    return Err(misfit(cursor, start, Kind::Number, T::DATA_TYPE.to_string()));
                };
                self.0.append_value(value);
            }
            kind => return Err(misfit(cursor, start, kind, T::DATA_TYPE.to_string())),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> std::result::Result<ArrayRef, Refused> {
        Ok(Arc::new(self.0.finish()))
    }

    fn memory_bytes(&self) -> usize {
        primitive_bytes(&self.0)
    }
}

/// Strings as they are, other values as they are written.
struct Texts(StringViewBuilder);

impl Column for Texts {
    fn push(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.at;
        match cursor.kind()? {
            Kind::Null => self.0.append_null(),
            Kind::String => self.0.append_value(cursor.string()?),
            _ => {
                cursor.at = start;
                cursor.skip(0)?;
                self.0.append_value(cursor.since(start));
            }
        }
        Ok(())
    }

    fn push_null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> std::result::Result<ArrayRef, Refused> {
        Ok(Arc::new(self.0.finish()))
    }

    fn memory_bytes(&self) -> usize {
        self.0.allocated_size()
    }
}

/// Text that is cast; decimals may be numbers too.
struct Casts {
    texts: StringViewBuilder,
    to: DataType,
}

impl Column for Casts {
    fn push(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.at;
        match cursor.kind()? {
            Kind::Null => self.texts.append_null(),
            Kind::String => self.texts.append_value(cursor.string()?),
            Kind::Number if matches!(self.to, DataType::Decimal128(..)) => {
                self.texts.append_value(cursor.number()?.0);
            }
            kind => return Err(misfit(cursor, start, kind, type_word(&self.to))),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        self.texts.append_null();
    }

    fn finish(&mut self) -> std::result::Result<ArrayRef, Refused> {
        let texts = self.texts.finish();
        let array: ArrayRef = Arc::new(texts.clone());
        let cast = cast_array(&array, &self.to, CastMode::Lenient).map_err(ErrorKind::Columns)?;
        match (0..texts.len()).find(|item| texts.is_valid(*item) && cast.is_null(*item)) {
            None => Ok(cast),
            Some(item) => Err(Refused::Value {
                path: Vec::new(),
                item,
                expected: type_word(&self.to),
                found: format!("the text {}", shown(texts.value(item).as_bytes())),
            }),
        }
    }

    fn memory_bytes(&self) -> usize {
        2 * self.texts.allocated_size()
    }
}

struct Lists {
    item: FieldRef,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    items: Box<dyn Column>,
    count: i32,
}

impl Column for Lists {
    fn push(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.at;
        match cursor.kind()? {
            Kind::Null => self.push_null(),
            Kind::Array => {
                let (items, count) = (&mut self.items, &mut self.count);
                cursor.items(|cursor| {
                    let Some(next) = count.checked_add(1) else {
                        return Err(Fault::syntax(cursor.at, "fewer items in the arrays of a batch"));
                    };
                    *count = next;
                    items.push(cursor).map_err(|fault| fault.under("[]"))
                })?;
                self.offsets.push(self.count);
                self.nulls.append_non_null();
            }
            kind => return Err(misfit(cursor, start, kind, "an array".to_owned())),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        self.offsets.push(self.count);
        self.nulls.append_null();
    }

    fn finish(&mut self) -> std::result::Result<ArrayRef, Refused> {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        self.count = 0;
        let items = self.items.finish().map_err(|refused| {
            let list =
                |item: usize| offsets.partition_point(|offset| *offset as usize <= item).saturating_sub(1);
            refused.within("[]", list)
        })?;
        let offsets = OffsetBuffer::new(offsets.into());
        Ok(Arc::new(ListArray::try_new(Arc::clone(&self.item), offsets, items, self.nulls.finish())?))
    }

    fn memory_bytes(&self) -> usize {
        self.items.memory_bytes() + self.offsets.capacity() * size_of::<i32>() + self.nulls.allocated_size()
    }
}

struct Structs {
    nulls: NullBufferBuilder,
    object: Object,
}

impl Column for Structs {
    fn push(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.at;
        match cursor.kind()? {
            Kind::Null => self.push_null(),
            Kind::Object => {
                self.object.push(cursor)?;
                self.nulls.append_non_null();
            }
            kind => return Err(misfit(cursor, start, kind, "an object".to_owned())),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        self.object.push_null();
        self.nulls.append_null();
    }

    fn finish(&mut self) -> std::result::Result<ArrayRef, Refused> {
        let rows = self.nulls.len();
        let nulls = self.nulls.finish();
        let (fields, columns) = self.object.finish()?;
        Ok(Arc::new(StructArray::try_new_with_length(fields, columns, nulls, rows)?))
    }

    fn memory_bytes(&self) -> usize {
        self.object.memory_bytes() + self.nulls.allocated_size()
    }
}
