//! Integers and decimal numbers.

use super::lanes::Lanes;
use super::{Column, Decimals, ROWS, Texts};

const ZEROS: u64 = 0x3030_3030_3030_3030;
const ONES: u64 = 0x0101_0101_0101_0101;
const NINES: u64 = 0x0909_0909_0909_0909;
const SIGN: u64 = 1 << 63;

/// Constants in all lanes.
struct Constants<L> {
    zero: L,
    eight: L,
    all: L,
    minus: L,
    low_byte: L,
    zeros: L,
    nines: L,
    sixty_four: L,
    three: L,
}

impl<L: Lanes> Constants<L> {
    #[inline(always)]
    fn new(level: L::Level) -> Self {
        let splat = |number| L::splat(level, number);
        Self {
            zero: splat(0),
            eight: splat(8),
            all: splat(u64::MAX),
            minus: splat(u64::from(b'-')),
            low_byte: splat(0xFF),
            zeros: splat(ZEROS),
            nines: splat(NINES),
            sixty_four: splat(64),
            three: splat(3),
        }
    }

    /// The lengths of some texts, 0 where a text has more than `bytes_max` bytes; and where they have 1 to `bytes_max`.
    #[inline(always)]
    fn lens(&self, level: L::Level, lens: &[u32], bytes_max: u64) -> (L, L::Mask) {
        let len = L::widen(level, lens);
        let fits = len.is_less(L::splat(level, bytes_max + 1));
        let len = L::select(fits, len, self.zero);
        (len, len.is_zero())
    }

    /// The bits of the text of `len` bytes that are in the word which ends `behind` bytes before it, without a sign; and 8
    /// where there is a sign, else 0.
    #[inline(always)]
    fn inside(&self, level: L::Level, word: L, len: L, behind: u64) -> (L, L) {
        let here = len.less(L::splat(level, behind)).min(self.eight);
        let shift = self.sixty_four.sub(here.shl(self.three));
        let first = word.shr(shift).and(self.low_byte);
        // A sign stands before all digits, not in a word with digits before it.
        let before = len.less(L::splat(level, behind + 8));
        let signed = first.xor(self.minus).or(before).is_zero();
        let sign = L::select(signed, self.eight, self.zero);
        (self.all.shl(shift.add(sign)), sign)
    }
}

#[inline(always)]
pub(super) fn integers<L: Lanes, const N: usize>(
    level: L::Level,
    texts: &Texts,
    (min, max): (i64, i64),
    out: &mut Column,
) -> u64 {
    let c = Constants::<L>::new(level);
    let splat = |number| L::splat(level, number);
    let mut odd = 0;
    for row in (0..ROWS).step_by(L::LANES) {
        let at = L::at(row);
        let (len, unknown) = c.lens(level, &texts.places.lens[at..], 8 * N as u64);
        let (mut value, mut sign, mut wrong) = (c.zero, c.zero, c.zero);
        for word in (0..N).rev() {
            let bytes = L::load(level, &texts.words[word][at..]);
            let (inside, signed) = c.inside(level, bytes, len, 8 * word as u64);
            let digits = bytes.xor(c.zeros).and(inside);
            wrong = wrong.or(digits.exceeding(c.nines));
            let joined = digits.join();
            sign = sign.or(signed);
            if word == 2 {
                // Two digits here, and 16 below, are 18.
                wrong = wrong.or(joined.exceeding(splat(99)));
            }
            value = match N - 1 - word {
                0 => joined,
                1 => value.mul_low(splat(100_000_000)).add(joined),
                _ => value.mul(splat(100_000_000)).add(joined),
            };
        }
        // A sign alone, and a zero with one, come out as zero.
        let no_sign = sign.is_zero();
        let unsure = L::either(unknown, sign.sub(c.eight).or(value).is_zero());
        let value = L::select(no_sign, value, c.zero.sub(value));
        value.store(&mut out[at..]);
        let outside = L::either(value.is_less(splat(min as u64)), splat(max as u64).is_less(value));
        let right = wrong.is_zero();
        let refused = L::bits(L::either(unsure, outside)) | !L::bits(right) & lanes_mask::<L>();
        odd |= refused << at;
    }
    odd
}

#[inline(always)]
pub(super) fn decimals<L: Lanes, const N: usize, const PARTS: bool>(
    level: L::Level,
    texts: &Texts,
    point: u8,
    out: &mut Decimals,
) -> u64 {
    let c = Constants::<L>::new(level);
    let splat = |number| L::splat(level, number);
    let (one, points, ones) = (splat(1), splat(u64::from(point) * ONES), splat(ONES));
    let (mut odd, mut negative, mut hard) = (0, 0, 0);
    for row in (0..ROWS).step_by(L::LANES) {
        let at = L::at(row);
        let (len, unknown) = c.lens(level, &texts.places.lens[at..], 8 * N as u64);
        let (mut mantissa, mut fraction) = (c.zero, c.zero);
        let (mut sign, mut moved, mut wrong) = (c.zero, c.zero, c.zero);
        for word in (0..N).rev() {
            let bytes = L::load(level, &texts.words[word][at..]);
            let (inside, signed) = c.inside(level, bytes, len, 8 * word as u64);
            sign = sign.or(signed);
            // The digits below the point move up over it: without one all are below it, and do not move.
            let point = bytes.first_byte(points, inside);
            let above = c.zero.sub(point.shl(c.eight));
            let below = point.sub(one);
            let moves = L::select(point.is_zero(), c.zero, c.eight);
            let digits = bytes.xor(c.zeros).and(inside);
            let digits = digits.and(above).or(digits.and(below).shl(moves));
            wrong = wrong.or(digits.exceeding(c.nines)).or(moved.and(moves));
            let joined = digits.join();
            let behind = above.and(ones).count_bytes();
            if N == 1 {
                (mantissa, fraction, moved) = (joined, behind, moves);
                continue;
            }
            if word == 2 {
                // Three digits here, and 16 below, are 19.
                wrong = wrong.or(splat(999).sub(joined).and(splat(SIGN)));
            }
            let scale = L::select(point.is_zero(), splat(100_000_000), splat(10_000_000));
            mantissa = match N - 1 - word {
                0 => joined,
                1 => mantissa.mul_low(scale).add(joined),
                _ => mantissa.mul(scale).add(joined),
            };
            fraction = L::select(moved.is_zero(), behind, fraction.add(c.eight));
            moved = moved.or(moves);
        }
        // No digit: nothing is left of the length without sign and point.
        let digits = len.shl(c.three).sub(sign).sub(moved);
        let unsure = L::either(unknown, digits.is_zero());
        let minus = sign.shl(splat(60));
        mantissa.shift_point(fraction).or(minus).store(&mut out.values[at..]);
        if PARTS {
            mantissa.store(&mut out.mantissas[at..]);
            fraction.store(&mut out.fractions[at..]);
            let inexact = mantissa.shr(splat(53)).or(fraction.shr(splat(4)));
            hard |= (!L::bits(inexact.is_zero()) & lanes_mask::<L>()) << at;
            negative |= (!L::bits(sign.is_zero()) & lanes_mask::<L>()) << at;
        }
        odd |= (L::bits(unsure) | !L::bits(wrong.is_zero()) & lanes_mask::<L>()) << at;
    }
    (out.negative, out.hard) = (negative, hard);
    odd
}

/// One bit a lane.
pub(super) const fn lanes_mask<L: Lanes>() -> u64 {
    u64::MAX >> (64 - L::LANES)
}
