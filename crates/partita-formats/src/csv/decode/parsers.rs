//! One parser a type: whole blocks by the kernels, and the full meaning of one text.

use std::marker::PhantomData;

use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::super::value::float::POWERS_OF_TEN_F32;
use super::super::value::int::leading_digits;
use super::super::value::nearest::{nearest_f32, nearest_f64};
use super::super::value::time::parse_tail;
use super::super::value::{self, Pattern, PatternKind, Stamp, Unit, Zone};
use super::exponents::Exponents;
use super::fields::Block;
use crate::simd::decode::{Kernels, ROWS};

/// From bytes to values of one type.
pub(crate) trait Parser: Send {
    /// The value's type.
    type Native: Copy + Default + PartialEq + Send;

    /// The values of a block of fields. Returns the rows whose fields have another shape than the common ones, all empty
    /// ones among them; there `values` has anything, and the default value where a field is empty.
    fn run(&mut self, bytes: &[u8], block: &mut Block, values: &mut [Self::Native; ROWS]) -> u64;

    /// The value that a text has, whatever its shape.
    fn full(&mut self, text: &[u8]) -> Option<Self::Native>;
}

/// Calls `$run::<N>` for the number of words that a block has.
macro_rules! for_words {
    ($words:expr, $kernels:ident.$run:ident::<N $(, $parts:literal)?>($($argument:expr),*)) => {
        match $words {
            1 => $kernels.$run::<1 $(, $parts)?>($($argument),*),
            2 => $kernels.$run::<2 $(, $parts)?>($($argument),*),
            _ => $kernels.$run::<3 $(, $parts)?>($($argument),*),
        }
    };
}

/// Integers of every width.
pub(crate) struct IntParser<T> {
    kernels: Kernels,
    of: PhantomData<T>,
}

impl<T> IntParser<T> {
    pub(crate) fn new(kernels: Kernels) -> Self {
        Self { kernels, of: PhantomData }
    }
}

macro_rules! int_parser {
    ($($arrow:ty, $full:path, $max:expr);* $(;)?) => {$(
        impl Parser for IntParser<$arrow> {
            type Native = <$arrow as ArrowPrimitiveType>::Native;

            fn run(&mut self, bytes: &[u8], block: &mut Block, values: &mut [Self::Native; ROWS]) -> u64 {
                let range = (Self::Native::MIN as i64, $max);
                let (words, kernels, column) = (block.load_ends(bytes), self.kernels, &mut block.column);
                let odd = for_words!(words, kernels.integers::<N>(&block.texts, range, column));
                values.iter_mut().zip(&*column).for_each(|(value, number)| *value = *number as Self::Native);
                odd
            }

            fn full(&mut self, text: &[u8]) -> Option<Self::Native> {
                Self::Native::try_from($full(text)?).ok()
            }
        }
    )*};
}

int_parser! {
    Int8Type, value::parse_i64, i64::from(i8::MAX);
    Int16Type, value::parse_i64, i64::from(i16::MAX);
    Int32Type, value::parse_i64, i64::from(i32::MAX);
    Int64Type, value::parse_i64, i64::MAX;
    UInt8Type, value::parse_u64, i64::from(u8::MAX);
    UInt16Type, value::parse_u64, i64::from(u16::MAX);
    UInt32Type, value::parse_u64, i64::from(u32::MAX);
    UInt64Type, value::parse_u64, i64::MAX;
}

/// Floats.
pub(crate) struct FloatParser<T> {
    kernels: Kernels,
    /// What stands before the fraction.
    point: u8,
    /// Most numbers of the last block had exponents.
    expects_exponents: bool,
    of: PhantomData<T>,
}

impl<T> FloatParser<T> {
    pub(crate) fn new(kernels: Kernels, point: u8) -> Self {
        Self { kernels, point, expects_exponents: false, of: PhantomData }
    }

    /// Reads the decimals of a block, without the exponents; and these. Returns the rows of another shape. `SINGLE`: the
    /// parts of all decimals are wanted.
    #[inline]
    fn read<const SINGLE: bool>(&mut self, bytes: &[u8], block: &mut Block) -> (u64, Exponents) {
        let mut words = block.load_ends(bytes);
        let lens = block.texts.places.lens;
        let (mut odd, mut exponents) = (u64::MAX, Exponents::NONE);
        if !self.expects_exponents {
            odd = self.decimals::<SINGLE>(words, block);
        }
        if odd != 0 {
            exponents = Exponents::take(block, odd);
        }
        if exponents.rows != 0 {
            words = block.load_ends(bytes);
            odd = self.decimals::<true>(words, block);
            block.texts.places.lens = lens;
        } else if self.expects_exponents {
            odd = self.decimals::<SINGLE>(words, block);
        }
        self.expects_exponents = exponents.rows.count_ones() as usize > ROWS / 2;
        (odd, exponents)
    }

    #[inline]
    fn decimals<const PARTS: bool>(&self, words: usize, block: &mut Block) -> u64 {
        let Block { texts, decimals, .. } = block;
        match words {
            1 => self.kernels.decimals::<1, PARTS>(texts, self.point, decimals),
            2 => self.kernels.decimals::<2, true>(texts, self.point, decimals),
            _ => self.kernels.decimals::<3, true>(texts, self.point, decimals),
        }
    }
}

/// Each row of a mask, from the first on.
pub(crate) fn rows_of(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let row = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (row < ROWS).then_some(row)
    })
}

impl Parser for FloatParser<Float64Type> {
    type Native = f64;

    fn run(&mut self, bytes: &[u8], block: &mut Block, values: &mut [f64; ROWS]) -> u64 {
        let (mut odd, exponents) = self.read::<false>(bytes, block);
        let decimals = &block.decimals;
        values.iter_mut().zip(&decimals.values).for_each(|(value, bits)| *value = f64::from_bits(*bits));
        for row in rows_of((decimals.hard | exponents.rows) & !odd) {
            match nearest_f64(decimals.mantissas[row], exponents.values[row] - decimals.fractions[row] as i32)
            {
                Some(value) if decimals.negative >> row & 1 != 0 => values[row] = -value,
                Some(value) => values[row] = value,
                None => odd |= 1 << row,
            }
        }
        odd
    }

    fn full(&mut self, text: &[u8]) -> Option<f64> {
        value::parse_f64(text)
    }
}

impl Parser for FloatParser<Float32Type> {
    type Native = f32;

    fn run(&mut self, bytes: &[u8], block: &mut Block, values: &mut [f32; ROWS]) -> u64 {
        let (mut odd, exponents) = self.read::<true>(bytes, block);
        let decimals = &block.decimals;
        for (row, value) in values.iter_mut().enumerate() {
            let (mantissa, fraction) = (decimals.mantissas[row], decimals.fractions[row] as i32);
            let is_exact = mantissa < 1 << 24 && exponents.rows >> row & 1 == 0;
            let power = POWERS_OF_TEN_F32.get(fraction as usize).filter(|_| is_exact);
            let magnitude = match power {
                // Both are exact, and rounded once.
                Some(power) => mantissa as f32 / power,
                None => nearest_f32(mantissa, exponents.values[row] - fraction).unwrap_or_else(|| {
                    odd |= 1 << row;
                    0.0
                }),
            };
            *value = if decimals.negative >> row & 1 != 0 { -magnitude } else { magnitude };
        }
        odd
    }

    fn full(&mut self, text: &[u8]) -> Option<f32> {
        value::parse_f32(text)
    }
}

/// Days since 1970.
#[derive(Debug)]
pub(crate) struct DateParser {
    pub(crate) kernels: Kernels,
    pub(crate) pattern: Option<Pattern>,
}

impl Parser for DateParser {
    type Native = <Date32Type as ArrowPrimitiveType>::Native;

    fn run(&mut self, bytes: &[u8], block: &mut Block, values: &mut [i32; ROWS]) -> u64 {
        if self.pattern.is_some() {
            values.fill(0);
            return u64::MAX;
        }
        block.load_begins(bytes, &[0, 3]);
        let odd = self.kernels.dates(&block.texts, &mut block.column);
        values.iter_mut().zip(&block.column).for_each(|(value, days)| *value = *days as i32);
        odd
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
    pub(crate) kernels: Kernels,
    pub(crate) unit: Unit,
    /// The column's zone; `None`: clock times without a zone.
    pub(crate) zone: Option<Zone>,
    /// Clock times without an offset are those of the zone.
    pub(crate) local_times: bool,
    pub(crate) pattern: Option<Pattern>,
}

/// Bytes of a date and a time to the second.
const SECONDS_BYTES: u32 = 19;

impl StampParser {
    fn ticks(&self, stamp: &Stamp) -> Option<i64> {
        let seconds = match (self.zone, stamp.offset) {
            (None, None) | (Some(_), Some(_)) => stamp.utc_seconds(),
            (Some(zone), None) if self.local_times => zone.to_utc(stamp.seconds)?,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        self.unit.ticks(seconds, stamp.nanoseconds)
    }

    /// A time whose seconds are known, from the `len` bytes behind them, which begin at `start`.
    #[inline]
    fn tail(&self, seconds: i64, bytes: &[u8], start: usize, len: usize) -> Option<i64> {
        let text = bytes.get(start..start + len)?;
        if let ([b'.', digits @ ..], None, Some(eight)) =
            (text, self.zone, bytes.get(start + 1..)?.first_chunk())
            && let (count, value) = leading_digits(u64::from_le_bytes(*eight))
            && (1..=8).contains(&digits.len())
            && count as usize >= digits.len()
        {
            // What follows the field may be digits too.
            let beyond = POWERS_OF_TEN_U32[(count as usize - digits.len()) % 10];
            let nanoseconds = value as u32 / beyond * POWERS_OF_TEN_U32[9 - digits.len()];
            return self.unit.ticks(seconds, nanoseconds);
        }
        let tail = parse_tail(text)?;
        if self.zone.is_some() != tail.offset.is_some() {
            return None;
        }
        self.unit.ticks(seconds - i64::from(tail.offset.unwrap_or(0)), tail.nanoseconds)
    }
}

/// `10^n` for n from 0 to 9.
const POWERS_OF_TEN_U32: [u32; 10] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

impl Parser for StampParser {
    type Native = i64;

    fn run(&mut self, bytes: &[u8], block: &mut Block, values: &mut [i64; ROWS]) -> u64 {
        if self.pattern.is_some() {
            values.fill(0);
            return u64::MAX;
        }
        block.load_begins(bytes, &[0, 3, 11]);
        let mut odd = self.kernels.stamps(&block.texts, &mut block.column);
        let mut others = 0;
        for ((value, seconds), len) in values.iter_mut().zip(&block.column).zip(&block.texts.places.lens) {
            *value = (*seconds as i64).wrapping_mul(self.unit.per_second);
            others |= len ^ SECONDS_BYTES;
        }
        // Nanoseconds reach from 1677 to 2262 only, and a zone wants to be named behind each time.
        let bare = self.zone.is_none() && self.unit.holds_all_years();
        if others == 0 && bare {
            return odd;
        }
        for row in rows_of(!odd) {
            let (start, len) = block.place(row);
            if len == SECONDS_BYTES && bare {
                continue;
            }
            let behind = (start as usize + SECONDS_BYTES as usize, (len - SECONDS_BYTES) as usize);
            match self.tail(block.column[row] as i64, bytes, behind.0, behind.1) {
                Some(ticks) => values[row] = ticks,
                None => odd |= 1 << row,
            }
        }
        odd
    }

    fn full(&mut self, text: &[u8]) -> Option<i64> {
        let stamp = match &self.pattern {
            None => value::parse_stamp(text)?,
            Some(pattern) => pattern.parse(text)?,
        };
        self.ticks(&stamp)
    }
}
