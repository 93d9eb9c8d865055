//! Values that plainly are of a kind that was seen: most are, and nothing is to be learned from them. They are read by the
//! kernels of the decoder, a block at a time.

use arrow::datatypes::{Float64Type, Int64Type, TimeUnit};

use super::super::decode::Block;
use super::super::decode::parsers::{DateParser, FloatParser, IntParser, Parser, StampParser, rows_of};
use super::super::value::{Unit, Zone};
use super::kinds::Kinds;
use crate::simd::decode::{Kernels, ROWS};

/// Integers up to this one are exact as `f64`.
const EXACT_MAX: i64 = 1 << 53;

/// Numbers of so many bytes at most are within 64 bits, should they be integers.
const SHORT_NUMBER_BYTES: u32 = 16;

/// Times of so many bytes at most have six digits of fraction at most, whatever their offset.
const SHORT_TIME_BYTES: u32 = 26;

const DAY_SECONDS: i64 = 86_400;
const MICROS: i64 = 1_000_000;

/// Nanoseconds since 1970 certainly reach as far, in seconds.
const NEAR_SECONDS: i64 = 9_000_000_000;

/// Looks for values of kinds that were seen in one column, whose numbers have a point and whose times have no pattern.
pub(super) struct Known {
    floats: FloatParser<Float64Type>,
    integers: IntParser<Int64Type>,
    dates: DateParser,
    naive: StampParser,
    zoned: StampParser,
}

impl Known {
    pub(super) fn new(kernels: Kernels) -> Self {
        let stamps = |zone| {
            let unit = Unit::new(TimeUnit::Microsecond);
            StampParser { kernels, unit, zone, local_times: false, pattern: None }
        };
        Self {
            floats: FloatParser::new(kernels, b'.'),
            integers: IntParser::new(kernels),
            dates: DateParser { kernels, pattern: None },
            naive: stamps(None),
            zoned: stamps(Zone::parse("UTC")),
        }
    }

    /// The rows of a block whose values add nothing to `kinds`, as far as that is plain.
    pub(super) fn rows(&mut self, kinds: Kinds, bytes: &[u8], block: &mut Block) -> u64 {
        let seen = |some| kinds.intersects(some);
        if seen(Kinds::FLOAT) {
            return self.numbers(bytes, block);
        }
        if seen(Kinds::INTEGER) {
            let least = if seen(Kinds::NEGATIVE) { -EXACT_MAX } else { 0 };
            return near(&mut self.integers, bytes, block, (least, EXACT_MAX));
        }
        if seen(Kinds::NAIVE) {
            return times(&mut self.naive, bytes, block);
        }
        if seen(Kinds::ZONED) {
            return times(&mut self.zoned, bytes, block);
        }
        if seen(Kinds::DATE) {
            let days = (NEAR_SECONDS / DAY_SECONDS) as i32;
            return near(&mut self.dates, bytes, block, (-days, days));
        }
        0
    }

    /// Where fractions were seen all numbers are alike, but for integers of more than 64 bits, which are text.
    fn numbers(&mut self, bytes: &[u8], block: &mut Block) -> u64 {
        let odd = self.floats.run(bytes, block, &mut [0.0; ROWS]);
        let long =
            |row: &usize| block.place(*row).1 > SHORT_NUMBER_BYTES && block.decimals.fractions[*row] == 0;
        rows_of(!odd).filter(long).fold(!odd, |known, row| known & !(1 << row))
    }
}

/// The rows with values in a range.
fn near<P: Parser<Native: PartialOrd>>(
    parser: &mut P,
    bytes: &[u8],
    block: &mut Block,
    (least, most): (P::Native, P::Native),
) -> u64 {
    let mut values = [P::Native::default(); ROWS];
    let odd = parser.run(bytes, block, &mut values);
    let is_near =
        values.iter().enumerate().map(|(row, value)| u64::from(least <= *value && *value <= most) << row);
    is_near.fold(0, |mask, bit| mask | bit) & !odd
}

/// The rows with times that are neither far nor fine.
fn times(parser: &mut StampParser, bytes: &[u8], block: &mut Block) -> u64 {
    let micros = NEAR_SECONDS * MICROS;
    let known = near(parser, bytes, block, (-micros, micros));
    let lens = block.texts.places.lens.iter().enumerate();
    known & lens.map(|(row, len)| u64::from(*len <= SHORT_TIME_BYTES) << row).fold(0, |mask, bit| mask | bit)
}
