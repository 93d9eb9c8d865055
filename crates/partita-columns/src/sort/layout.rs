//! What becomes of key columns: words where they are narrow, bytes where they are not.

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{ArrowNativeType, DataType, TimeUnit};

use super::Direction;
use super::keys::{Keys, Store, Texts};
use crate::dtype;
use crate::error::{ErrorKind, Result};

/// How the key columns of a row become something that compares as one. Types and directions alone decide, so that
/// keys of any two batches compare.
#[derive(Debug, Clone)]
pub struct KeyLayout {
    columns: Vec<Column>,
    /// Bits of all columns and their marks; `None` where keys are bytes.
    bits: Option<u32>,
}

#[derive(Debug, Clone)]
struct Column {
    data_type: DataType,
    kind: Kind,
    direction: Direction,
}

/// Values by their machine representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing but nulls.
    Null,
    Boolean,
    /// Signed integers of so many bits.
    Signed(u32),
    Unsigned(u32),
    /// Floats of so many bits. No number's key has all bits clear or all set: these are null's.
    Float(u32),
    /// As for floats: 38 digits leave both ends of the range free.
    Decimal,
    Bytes,
}

impl Kind {
    fn of(data_type: &DataType) -> Option<Self> {
        use TimeUnit::{Millisecond, Second};
        Some(match data_type {
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
            DataType::Decimal128(..) => Self::Decimal,
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Dictionary(_, values) => Self::of(values)?,
            _ => return None,
        })
    }

    /// Bits of a value; `None` where it has no bound.
    fn bits(self) -> Option<u32> {
        match self {
            Self::Null => Some(0),
            Self::Boolean => Some(1),
            Self::Signed(bits) | Self::Unsigned(bits) | Self::Float(bits) => Some(bits),
            Self::Decimal => Some(128),
            Self::Bytes => None,
        }
    }

    /// Whether null needs a bit of its own.
    fn is_marked(self) -> bool {
        !matches!(self, Self::Float(_) | Self::Decimal)
    }
}

impl KeyLayout {
    /// The layout of key columns, the most significant first.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] for types that have no order (lists, structs, maps, intervals and the like),
    /// [`ErrorKind::Shape`] where there is no column.
    pub fn new(columns: &[(DataType, Direction)]) -> Result<Self> {
        if columns.is_empty() {
            return Err(ErrorKind::Shape("expected at least one key column, got none".to_owned()).into());
        }
        let columns: Vec<Column> = columns
            .iter()
            .map(|(data_type, direction)| match Kind::of(data_type) {
                Some(kind) => Ok(Column { data_type: data_type.clone(), kind, direction: *direction }),
                None => {
                    let types = dtype::name(data_type);
                    Err(ErrorKind::Undefined { operation: "an order".to_owned(), types })
                }
            })
            .collect::<Result<_, _>>()?;
        let bits =
            columns.iter().map(|column| Some(column.kind.bits()? + u32::from(column.kind.is_marked())));
        let bits = bits.sum::<Option<u32>>().filter(|&bits| bits <= 128);
        Ok(Self { columns, bits })
    }

    /// No keys.
    pub fn empty(&self) -> Keys {
        Keys::new(match self.bits {
            Some(_) => Store::Words { high: 0, words: Vec::new() },
            None => Store::Bytes(Texts::default()),
        })
    }

    /// The key of every row.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where columns are not as the layout says.
    pub fn encode(&self, columns: &[ArrayRef]) -> Result<Keys> {
        let rows = self.check(columns)?;
        let mut cells: Vec<Cells> = self
            .columns
            .iter()
            .zip(columns)
            .map(|(column, array)| column.cells(array))
            .collect::<Result<_>>()?;
        if let [Cells { values: Values::Words(words), nulls: None, kind, direction }] = &mut cells[..] {
            let words = std::mem::take(words);
            return Ok(Keys::new(whole(words, *kind, *direction)));
        }
        Ok(Keys::new(match self.bits {
            Some(..=64) => Store::Words { high: 0, words: words(&cells, rows) },
            Some(_) => Store::Pairs(pairs(&cells, rows)),
            None => Store::Bytes(texts(&cells, rows)),
        }))
    }

    fn check(&self, columns: &[ArrayRef]) -> Result<usize> {
        let expected = self.columns.len();
        if columns.len() != expected {
            let message = format!("expected {expected} key columns, got {}", columns.len());
            return Err(ErrorKind::Shape(message).into());
        }
        let rows = columns.first().map_or(0, |column| column.len());
        for (column, array) in self.columns.iter().zip(columns) {
            if array.data_type() != &column.data_type || array.len() != rows {
                let expected = dtype::name(&column.data_type);
                let (got, length) = (dtype::name(array.data_type()), array.len());
                let message = format!("expected a key column of {rows} {expected}, got {length} {got}");
                return Err(ErrorKind::Shape(message).into());
            }
        }
        Ok(rows)
    }
}

/// A key column, ordered and directed; what lies under nulls is arbitrary.
struct Cells {
    values: Values,
    nulls: Option<NullBuffer>,
    kind: Kind,
    direction: Direction,
}

enum Values {
    /// Only the lowest bits, as many as the kind has, are ever set.
    Words(Vec<u64>),
    Wide(Vec<u128>),
    Bytes(BinaryViewArray),
}

impl Column {
    fn cells(&self, array: &ArrayRef) -> Result<Cells> {
        let resolved;
        let array = match array.as_any_dictionary_opt() {
            Some(dictionary) => {
                resolved = take(dictionary.values(), dictionary.keys(), None)?;
                &resolved
            }
            None => array,
        };
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let values = match self.kind {
            Kind::Bytes => Values::Bytes(views(array)?),
            Kind::Decimal => {
                // The ends belong to null.
                let key = |value: i128| (value.cast_unsigned() ^ 1 << 127).clamp(1, u128::MAX - 1);
                let flip = if self.direction.descending { u128::MAX } else { 0 };
                Values::Wide(native::<i128>(array).iter().map(|value| key(*value) ^ flip).collect())
            }
            _ => Values::Words(self.words(array)),
        };
        Ok(Cells { values, nulls, kind: self.kind, direction: self.direction })
    }

    fn words(&self, array: &ArrayRef) -> Vec<u64> {
        let bits = self.kind.bits().unwrap_or(0);
        let flip = if self.direction.descending { u64::MAX.unbounded_shr(64 - bits) } else { 0 };
        let sign = 1_u64.unbounded_shl(bits.wrapping_sub(1)) ^ flip;
        match self.kind {
            Kind::Boolean => {
                array.as_boolean().values().iter().map(|value| u64::from(value) ^ flip).collect()
            }
            Kind::Signed(8) => map(array, |value: i8| u64::from(value.cast_unsigned()) ^ sign),
            Kind::Signed(16) => map(array, |value: i16| u64::from(value.cast_unsigned()) ^ sign),
            Kind::Signed(32) => map(array, |value: i32| u64::from(value.cast_unsigned()) ^ sign),
            Kind::Signed(_) => map(array, |value: i64| value.cast_unsigned() ^ sign),
            Kind::Unsigned(8) => map(array, |value: u8| u64::from(value) ^ flip),
            Kind::Unsigned(16) => map(array, |value: u16| u64::from(value) ^ flip),
            Kind::Unsigned(32) => map(array, |value: u32| u64::from(value) ^ flip),
            Kind::Unsigned(_) => map(array, |value: u64| value ^ flip),
            Kind::Float(32) => map(array, |value| u64::from(of_float32(value)) ^ flip),
            Kind::Float(_) => map(array, |value| of_float64(value) ^ flip),
            Kind::Null | Kind::Decimal | Kind::Bytes => vec![0; array.len()],
        }
    }
}

/// Keys of one column without nulls: its mark is the same in all rows.
fn whole(mut words: Vec<u64>, kind: Kind, direction: Direction) -> Store {
    let bits = kind.bits().unwrap_or(0);
    let mark = u64::from(direction.nulls_first && kind.is_marked());
    if bits == 64 {
        return Store::Words { high: mark, words };
    }
    if mark != 0 {
        words.iter_mut().for_each(|word| *word |= mark << bits);
    }
    Store::Words { high: 0, words }
}

impl Cells {
    /// The value of a row in the lowest bits, under its mark.
    #[inline(always)]
    fn marked(&self, value: u128, row: usize) -> u128 {
        let bits = self.kind.bits().unwrap_or(0);
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let first = self.direction.nulls_first;
        match (is_null, self.kind.is_marked()) {
            (true, true) => u128::from(!first) << bits,
            (true, false) if first => 0,
            (true, false) => u128::MAX.unbounded_shr(128 - bits),
            (false, true) => value | u128::from(first) << bits,
            (false, false) => value,
        }
    }

    fn bits(&self) -> u32 {
        self.kind.bits().unwrap_or(0) + u32::from(self.kind.is_marked())
    }

    /// About the bytes of all rows.
    fn size(&self, rows: usize) -> usize {
        match &self.values {
            Values::Words(_) => rows * (1 + self.kind.bits().unwrap_or(0).div_ceil(8) as usize),
            Values::Wide(_) => rows * 17,
            Values::Bytes(values) => rows * 3 + values.lengths().map(|length| length as usize).sum::<usize>(),
        }
    }
}

fn words(cells: &[Cells], rows: usize) -> Vec<u64> {
    let mut keys = vec![0_u64; rows];
    for cell in cells {
        let Values::Words(values) = &cell.values else { continue };
        let bits = cell.bits();
        for (row, (key, value)) in keys.iter_mut().zip(values).enumerate() {
            *key = key.unbounded_shl(bits) | cell.marked((*value).into(), row) as u64;
        }
    }
    keys
}

fn pairs(cells: &[Cells], rows: usize) -> Vec<u128> {
    let mut keys = vec![0_u128; rows];
    for cell in cells {
        let bits = cell.bits();
        let mut put = |row: usize, value: u128| {
            keys[row] = keys[row].unbounded_shl(bits) | cell.marked(value, row);
        };
        match &cell.values {
            Values::Words(values) => {
                for (row, value) in values.iter().enumerate() {
                    put(row, (*value).into());
                }
            }
            Values::Wide(values) => values.iter().enumerate().for_each(|(row, value)| put(row, *value)),
            Values::Bytes(_) => {}
        }
    }
    keys
}

/// Each column is a mark (1: null before values, 2: a value, 3: null after values), then the bytes of the value: of
/// a number its word, the highest byte first; of a text its bytes, every 0 followed by 255, and two zeros at its end,
/// all inverted where the order descends. Text that ends the key needs no end where the order ascends.
fn texts(cells: &[Cells], rows: usize) -> Texts {
    let mut keys = Texts::with_capacity(rows, cells.iter().map(|cell| cell.size(rows)).sum());
    for row in 0..rows {
        for (at, cell) in cells.iter().enumerate() {
            if cell.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                keys.bytes.push(if cell.direction.nulls_first { 1 } else { 3 });
                continue;
            }
            keys.bytes.push(2);
            match &cell.values {
                Values::Words(values) => {
                    let width = cell.kind.bits().unwrap_or(0).div_ceil(8) as usize;
                    keys.bytes.extend_from_slice(&values[row].to_be_bytes()[8 - width..]);
                }
                Values::Wide(values) => keys.bytes.extend_from_slice(&values[row].to_be_bytes()),
                Values::Bytes(values) if cell.direction.descending || at + 1 < cells.len() => {
                    put_text(values.value(row), cell.direction.descending, &mut keys.bytes);
                }
                Values::Bytes(values) => keys.bytes.extend_from_slice(values.value(row)),
            }
        }
        keys.ends.push(keys.bytes.len());
    }
    keys
}

fn put_text(text: &[u8], is_descending: bool, out: &mut Vec<u8>) {
    let from = out.len();
    let mut copied = 0;
    for zero in memchr::memchr_iter(0, text) {
        out.extend_from_slice(&text[copied..=zero]);
        out.push(255);
        copied = zero + 1;
    }
    out.extend_from_slice(&text[copied..]);
    out.extend_from_slice(&[0, 0]);
    if is_descending {
        out[from..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

fn views(array: &ArrayRef) -> Result<BinaryViewArray> {
    Ok(match array.data_type() {
        DataType::BinaryView => array.as_binary_view().clone(),
        DataType::Utf8View => array.as_string_view().clone().to_binary_view(),
        DataType::Utf8 | DataType::LargeUtf8 => {
            cast(array, &DataType::Utf8View)?.as_string_view().clone().to_binary_view()
        }
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().iter().collect(),
        _ => cast(array, &DataType::BinaryView)?.as_binary_view().clone(),
    })
}

/// The values of a primitive array.
fn native<T: ArrowNativeType>(array: &ArrayRef) -> ScalarBuffer<T> {
    let data = array.to_data();
    ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len())
}

fn map<T: ArrowNativeType>(array: &ArrayRef, f: impl Fn(T) -> u64) -> Vec<u64> {
    native::<T>(array).iter().map(|value| f(*value)).collect()
}

/// NaN is one value, greater than every number; zeros are equal.
#[inline(always)]
fn of_float64(value: f64) -> u64 {
    let value = if value.is_nan() { f64::NAN.abs() } else { value + 0.0 };
    let bits = value.to_bits();
    bits ^ ((bits.cast_signed() >> 63).cast_unsigned() | 1 << 63)
}

#[inline(always)]
fn of_float32(value: f32) -> u32 {
    let value = if value.is_nan() { f32::NAN.abs() } else { value + 0.0 };
    let bits = value.to_bits();
    bits ^ ((bits.cast_signed() >> 31).cast_unsigned() | 1 << 31)
}
