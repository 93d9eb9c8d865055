//! One parser a type: its fast shape and its full meaning.

use std::marker::PhantomData;

use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::super::value::float::{POWERS_OF_TEN, POWERS_OF_TEN_F32};
use super::super::value::{self, Pattern, PatternKind, Stamp, Unit, Zone};
use super::Span;
use super::fast::{self, LastDate};

/// From bytes to values of one type.
pub(crate) trait Parser: Send {
    /// The value's type.
    type Native: Copy + Default + PartialEq + Send;

    /// The value of a field in its common shape, by its place in the chunk; `None` for every other shape. `len` may
    /// be any number: where it is too large nothing is there to read.
    fn fast(&mut self, bytes: &[u8], start: u32, len: u32) -> Option<Self::Native>;

    /// The values of many fields, appended to `values`. Of a field in another shape some value, and its row in
    /// `others`.
    fn run(&mut self, bytes: &[u8], spans: &[Span], values: &mut Vec<Self::Native>, others: &mut Vec<u32>) {
        values.extend(spans.iter().zip(0_u32..).map(|(span, row)| {
            self.fast(bytes, span.start, span.len()).unwrap_or_else(|| {
                others.push(row);
                Self::Native::default()
            })
        }));
    }

    /// The value that a text has, whatever its shape.
    fn full(&mut self, text: &[u8]) -> Option<Self::Native>;
}

/// Integers of every width.
pub(crate) struct IntParser<T>(pub(crate) PhantomData<T>);

macro_rules! int_parser {
    ($($arrow:ty, $full:path);* $(;)?) => {$(
        impl Parser for IntParser<$arrow> {
            type Native = <$arrow as ArrowPrimitiveType>::Native;

            #[inline(always)]
            fn fast(&mut self, bytes: &[u8], start: u32, len: u32) -> Option<Self::Native> {
                Self::Native::try_from(fast::integer(bytes, start, len)?).ok()
            }

            fn full(&mut self, text: &[u8]) -> Option<Self::Native> {
                Self::Native::try_from($full(text)?).ok()
            }
        }
    )*};
}

int_parser! {
    Int8Type, value::parse_i64;
    Int16Type, value::parse_i64;
    Int32Type, value::parse_i64;
    Int64Type, value::parse_i64;
    UInt8Type, value::parse_u64;
    UInt16Type, value::parse_u64;
    UInt32Type, value::parse_u64;
    UInt64Type, value::parse_u64;
}

/// Floats.
pub(crate) struct FloatParser<T>(pub(crate) PhantomData<T>);

impl Parser for FloatParser<Float64Type> {
    type Native = f64;

    #[inline(always)]
    fn fast(&mut self, bytes: &[u8], start: u32, len: u32) -> Option<f64> {
        let (mantissa, fraction) = fast::decimal(bytes, start, len)?;
        Some(f64::from(mantissa) / POWERS_OF_TEN[fraction as usize])
    }

    /// Text to mantissas first, then one loop of divisions, which go several at a time. Mantissa and power are exact,
    /// so each division rounds correctly.
    fn run(&mut self, bytes: &[u8], spans: &[Span], values: &mut Vec<f64>, others: &mut Vec<u32>) {
        const BLOCK: usize = 64;
        let (mut mantissas, mut powers) = ([0_i32; BLOCK], [1.0_f64; BLOCK]);
        for (block, first) in spans.chunks(BLOCK).zip((0_u32..).step_by(BLOCK)) {
            let parts = mantissas.iter_mut().zip(powers.iter_mut());
            for ((span, (mantissa, power)), row) in block.iter().zip(parts).zip(first..) {
                if let Some((digits, fraction)) = fast::decimal(bytes, span.start, span.len()) {
                    *mantissa = digits;
                    *power = POWERS_OF_TEN[(fraction & 7) as usize];
                } else {
                    others.push(row);
                }
            }
            let parts = mantissas.iter().zip(&powers).take(block.len());
            values.extend(parts.map(|(mantissa, power)| f64::from(*mantissa) / power));
        }
    }

    fn full(&mut self, text: &[u8]) -> Option<f64> {
        value::parse_f64(text)
    }
}

impl Parser for FloatParser<Float32Type> {
    type Native = f32;

    #[inline(always)]
    fn fast(&mut self, bytes: &[u8], start: u32, len: u32) -> Option<f32> {
        let (mantissa, fraction) =
            fast::decimal(bytes, start, len).filter(|(mantissa, _)| mantissa.unsigned_abs() < 1 << 24)?;
        Some(mantissa as f32 / POWERS_OF_TEN_F32[fraction as usize])
    }

    fn full(&mut self, text: &[u8]) -> Option<f32> {
        value::parse_f32(text)
    }
}

/// Days since 1970.
#[derive(Debug, Default)]
pub(crate) struct DateParser {
    pub(crate) pattern: Option<Pattern>,
    pub(crate) last: LastDate,
}

impl Parser for DateParser {
    type Native = <Date32Type as ArrowPrimitiveType>::Native;

    #[inline(always)]
    fn fast(&mut self, bytes: &[u8], start: u32, len: u32) -> Option<i32> {
        if len != 10 || self.pattern.is_some() {
            return None;
        }
        let start = start as usize;
        self.last.days(bytes.get(start..start + 10)?.try_into().ok()?)
    }

    fn full(&mut self, text: &[u8]) -> Option<i32> {
        match &self.pattern {
            None => value::parse_date(text),
            Some(pattern) if pattern.kind() == PatternKind::Date => {
                i32::try_from(pattern.parse(text)?.seconds.div_euclid(86_400)).ok()
            }
            Some(_) => None,
        }
    }
}

/// Ticks since 1970.
#[derive(Debug)]
pub(crate) struct StampParser {
    pub(crate) unit: Unit,
    /// The column's zone; `None`: clock times without a zone.
    pub(crate) zone: Option<Zone>,
    /// Clock times without an offset are those of the zone.
    pub(crate) local_times: bool,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) last: LastDate,
}

impl StampParser {
    fn ticks(&self, stamp: &Stamp) -> Option<i64> {
        let seconds = match (self.zone, stamp.offset) {
            (None, None) | (Some(_), Some(_)) => stamp.utc_seconds(),
            (Some(zone), None) if self.local_times => zone.to_utc(stamp.seconds)?,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        self.unit.ticks(seconds, stamp.nanoseconds)
    }
}

impl Parser for StampParser {
    type Native = i64;

    #[inline(always)]
    fn fast(&mut self, bytes: &[u8], start: u32, len: u32) -> Option<i64> {
        if len.wrapping_sub(19) > 1 || self.pattern.is_some() {
            return None;
        }
        let start = start as usize;
        let text: &[u8; 19] = bytes.get(start..start + 19)?.try_into().ok()?;
        // With a zone, `Z` behind it; without one, nothing.
        if self.zone.is_some() != (len == 20) || len == 20 && *bytes.get(start + 19)? != b'Z' {
            return None;
        }
        fast::stamp19(text, &mut self.last)?.checked_mul(self.unit.per_second)
    }

    fn full(&mut self, text: &[u8]) -> Option<i64> {
        let stamp = match &self.pattern {
            None => value::parse_stamp(text)?,
            Some(pattern) => pattern.parse(text)?,
        };
        self.ticks(&stamp)
    }
}
