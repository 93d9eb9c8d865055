//! The fields of one column, as text.

use arrow::array::{Array, ArrayRef, AsArray, GenericByteArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{self as types, ArrowPrimitiveType, DataType, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use memchr::{memchr, memchr3};

use super::CsvOptions;
use super::number::{push_f32, push_f64};
use crate::error::Result;
use crate::rows::time::{Clock, Ticks};

/// Bytes that a short field is copied as.
pub(super) const COPY_BYTES: usize = 16;

/// The options, ready for use.
#[derive(Debug)]
pub(super) struct Style {
    pub(super) separator: u8,
    quote: u8,
    null: Vec<u8>,
    /// Between date and time.
    between: u8,
}

impl Style {
    pub(super) fn new(options: &CsvOptions) -> Self {
        let between = if b' ' == options.separator || b' ' == options.quote { b'T' } else { b' ' };
        let null = options.null_value.as_bytes().to_vec();
        Self { separator: options.separator, quote: options.quote, null, between }
    }

    /// Whether there is a byte that needs quotes around it.
    fn is_special(&self, text: &[u8]) -> bool {
        memchr3(self.separator, self.quote, b'\n', text).is_some() || memchr(b'\r', text).is_some()
    }

    /// Whether a text without special bytes needs quotes.
    fn is_odd(&self, text: &[u8]) -> bool {
        text.is_empty() || text == self.null || text.starts_with(b"\xEF\xBB\xBF")
    }
}

/// Adds a text, in quotes where it needs them.
pub(super) fn push_text(out: &mut Vec<u8>, text: &[u8], style: &Style) {
    if !style.is_odd(text) && !style.is_special(text) {
        out.extend_from_slice(text);
        return;
    }
    out.push(style.quote);
    let mut rest = text;
    while let Some(at) = memchr(style.quote, rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(style.quote);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(style.quote);
}

/// Fields one after the other, and where each ends.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// [`COPY_BYTES`] more than there are texts, once they are complete.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Where the field of the next row begins.
    next: usize,
}

impl Fields {
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// Bytes of all fields.
    pub(super) fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.next = 0;
    }

    /// Copies the field of a row, which is the next, to `out` at `at`; where it ends there.
    #[inline]
    pub(super) fn copy(&mut self, row: usize, out: &mut [u8], at: usize) -> usize {
        let (start, end) = (self.next, self.ends[row]);
        self.next = end;
        let len = end - start;
        if len <= COPY_BYTES {
            out[at..at + COPY_BYTES].copy_from_slice(&self.bytes[start..start + COPY_BYTES]);
        } else {
            out[at..at + len].copy_from_slice(&self.bytes[start..end]);
        }
        at + len
    }

    /// Takes the fields of a column in place of those that are there.
    ///
    /// # Errors
    /// Where Arrow cannot show a value.
    pub(super) fn fill(&mut self, column: &ArrayRef, style: &Style) -> Result<()> {
        self.clear();
        self.fill_any(column, style)?;
        self.bytes.extend_from_slice(&[0; COPY_BYTES]);
        Ok(())
    }

    /// Puts quotes where a field is empty.
    pub(super) fn fill_empty(&mut self, style: &Style) {
        let lengths = self.ends.iter().scan(0, |start, end| Some(end - std::mem::replace(start, *end)));
        if lengths.into_iter().all(|length| length > 0) {
            return;
        }
        let (bytes, ends) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.ends));
        let mut start = 0;
        for end in ends {
            match &bytes[start..end] {
                [] => self.bytes.extend_from_slice(&[style.quote; 2]),
                field => self.bytes.extend_from_slice(field),
            }
            self.ends.push(self.bytes.len());
            start = end;
        }
        self.bytes.extend_from_slice(&[0; COPY_BYTES]);
    }

    fn fill_any(&mut self, column: &ArrayRef, style: &Style) -> Result<()> {
        use types as t;
        match column.data_type() {
            DataType::Int8 => self.integers::<t::Int8Type>(column, style),
            DataType::Int16 => self.integers::<t::Int16Type>(column, style),
            DataType::Int32 => self.integers::<t::Int32Type>(column, style),
            DataType::Int64 => self.integers::<t::Int64Type>(column, style),
            DataType::UInt8 => self.integers::<t::UInt8Type>(column, style),
            DataType::UInt16 => self.integers::<t::UInt16Type>(column, style),
            DataType::UInt32 => self.integers::<t::UInt32Type>(column, style),
            DataType::UInt64 => self.integers::<t::UInt64Type>(column, style),
            DataType::Float16 => {
                self.numbers::<t::Float16Type>(column, style, |out, value| push_f32(out, value.to_f32()));
            }
            DataType::Float32 => self.numbers::<t::Float32Type>(column, style, push_f32),
            DataType::Float64 => self.numbers::<t::Float64Type>(column, style, push_f64),
            DataType::Boolean => self.booleans(column, style),
            DataType::Utf8View => self.views(column.as_string_view(), style),
            DataType::Utf8 => self.texts(column.as_string::<i32>(), style),
            DataType::LargeUtf8 => self.texts(column.as_string::<i64>(), style),
            DataType::Date32 => {
                let mut clock = Clock::new(style.between, None);
                self.numbers::<t::Date32Type>(column, style, |out, days| clock.push_date(out, days.into()));
            }
            DataType::Timestamp(unit, zone) => {
                let clock = Clock::new(style.between, zone.as_deref());
                match unit {
                    TimeUnit::Second => self.stamps::<t::TimestampSecondType>(column, style, clock),
                    TimeUnit::Millisecond => self.stamps::<t::TimestampMillisecondType>(column, style, clock),
                    TimeUnit::Microsecond => self.stamps::<t::TimestampMicrosecondType>(column, style, clock),
                    TimeUnit::Nanosecond => self.stamps::<t::TimestampNanosecondType>(column, style, clock),
                }
            }
            DataType::Dictionary(_, values) => return self.fill_any(&cast(column, values)?, style),
            _ => return self.shown(column, style),
        }
        Ok(())
    }

    /// Adds one field a row: what `push` writes, or null.
    #[inline(always)]
    fn each(&mut self, column: &dyn Array, style: &Style, mut push: impl FnMut(&mut Vec<u8>, usize)) {
        if column.null_count() == 0 {
            for row in 0..column.len() {
                push(&mut self.bytes, row);
                self.ends.push(self.bytes.len());
            }
            return;
        }
        for row in 0..column.len() {
            if column.is_null(row) {
                self.bytes.extend_from_slice(&style.null);
            } else {
                push(&mut self.bytes, row);
            }
            self.ends.push(self.bytes.len());
        }
    }

    fn integers<T: ArrowPrimitiveType<Native: itoa::Integer>>(&mut self, column: &ArrayRef, style: &Style) {
        let mut digits = itoa::Buffer::new();
        self.numbers::<T>(column, style, |out, value| out.extend_from_slice(digits.format(value).as_bytes()));
    }

    fn numbers<T: ArrowPrimitiveType>(
        &mut self,
        column: &ArrayRef,
        style: &Style,
        mut push: impl FnMut(&mut Vec<u8>, T::Native),
    ) {
        let values = column.as_primitive::<T>().values();
        self.each(column, style, |out, row| push(out, values[row]));
    }

    fn stamps<T>(&mut self, column: &ArrayRef, style: &Style, mut clock: Clock)
    where
        T: ArrowPrimitiveType<Native = i64> + types::ArrowTimestampType,
    {
        let ticks = Ticks::new(column.as_primitive::<T>().values(), T::UNIT);
        self.each(column, style, |out, row| {
            let (seconds, nanoseconds) = ticks.get(row);
            clock.push_stamp(out, seconds, nanoseconds);
        });
    }

    fn booleans(&mut self, column: &ArrayRef, style: &Style) {
        let values = column.as_boolean().values();
        self.each(column, style, |out, row| {
            out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
        });
    }

    fn views(&mut self, column: &StringViewArray, style: &Style) {
        self.quoting(column, style, |row| column.value(row).as_bytes());
    }

    fn texts<T: types::ByteArrayType<Native = str>>(&mut self, column: &GenericByteArray<T>, style: &Style) {
        self.quoting(column, style, |row| column.value(row).as_bytes());
    }

    /// Texts as they are; where there is one among them that needs quotes, once more with those.
    fn quoting<'a>(&mut self, column: &dyn Array, style: &Style, text: impl Fn(usize) -> &'a [u8]) {
        let mut is_odd = false;
        self.each(column, style, |out, row| {
            let text = text(row);
            is_odd |= style.is_odd(text);
            out.extend_from_slice(text);
        });
        if is_odd || style.is_special(&self.bytes) {
            self.clear();
            self.each(column, style, |out, row| push_text(out, text(row), style));
        }
    }

    /// Values as Arrow shows them.
    fn shown(&mut self, column: &ArrayRef, style: &Style) -> Result<()> {
        use std::fmt::Write;
        let options = FormatOptions::new().with_display_error(false);
        let formatter = ArrayFormatter::try_new(column, &options)?;
        let (mut text, mut failed) = (String::new(), None);
        self.each(column, style, |out, row| {
            text.clear();
            if let Err(error) = formatter.value(row).write(&mut text as &mut dyn Write) {
                failed.get_or_insert(error);
            }
            push_text(out, text.as_bytes(), style);
        });
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}
