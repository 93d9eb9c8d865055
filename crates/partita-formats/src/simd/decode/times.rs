//! Dates and times of ISO 8601.

use super::lanes::Lanes;
use super::numbers::lanes_mask;
use super::{Column, ROWS, Texts};

/// Days from 1 March of year 0 to 1 January 1970.
const EPOCH_DAYS: u64 = 719_468;
const DAY_SECONDS: u64 = 86_400;

/// Eight bytes of a text, the first one lowest.
const fn bytes(text: [u8; 8]) -> u64 {
    u64::from_le_bytes(text)
}

/// Four numbers of 16 bits, the first one lowest.
const fn pairs(of: [u64; 4]) -> u64 {
    of[0] | of[1] << 16 | of[2] << 32 | of[3] << 48
}

/// Days since 1 March of year 0 from the bytes `YYYY-MM-` and `Y-MM-DD?`; what is wrong with them is not zero.
///
/// The calendar of [`crate::csv::value::days_from_civil`], with its divisions as products: by 100 for years below
/// 43,698, by 5 for the twelve months there are.
#[inline(always)]
fn days<L: Lanes>(level: L::Level, head: L, tail: L) -> (L, L) {
    let splat = |number| L::splat(level, number);
    let (one, low) = (splat(1), splat(0xFFFF_FFFF));
    let head = head.xor(splat(bytes(*b"0000-00-")));
    let wrong = head.exceeding(splat(bytes([9, 9, 9, 9, 0, 1, 9, 0])));
    let parts = head.weigh(splat(bytes([10, 1, 10, 1, 0, 10, 1, 0])), splat(pairs([100, 1, 1, 1])));
    let (year, month) = (parts.and(low), parts.shr(splat(32)));
    let tail = tail.xor(splat(bytes(*b"\0\0\0\0\x2D00\0"))).and(splat(bytes([0, 0, 0, 0, 255, 255, 255, 0])));
    let wrong = wrong.or(tail.exceeding(splat(bytes([0, 0, 0, 0, 0, 3, 9, 0]))));
    let day = tail.weigh(splat(bytes([0, 0, 0, 0, 0, 10, 1, 0])), splat(pairs([0, 0, 1, 1]))).shr(splat(32));
    let is_early = month.is_less(splat(3));
    // The last day: 31 and 30 in turns, from July on the other way round; of February the 28th, which is always there.
    let turn = month.xor(month.shr(splat(3))).and(one).or(splat(30));
    let last = L::select(month.xor(splat(2)).is_zero(), splat(28), turn);
    // Each difference is negative where it should not be.
    let range = month.sub(one).or(splat(12).sub(month)).or(day.sub(one)).or(last.sub(day)).or(year.sub(one));
    let wrong = wrong.or(range.and(splat(1 << 63)));
    let year = L::select(is_early, year.sub(one), year);
    let month = L::select(is_early, month.add(splat(9)), month.sub(splat(3)));
    let century = year.mul_low(splat(5243)).shr(splat(19));
    let leap_days = year.shr(splat(2)).sub(century).add(century.shr(splat(2)));
    let days_before = month.mul_low(splat(979)).add(splat(16)).shr(splat(5));
    (year.mul_low(splat(365)).add(leap_days).add(days_before).add(day).sub(one), wrong)
}

#[inline(always)]
pub(super) fn dates<L: Lanes>(level: L::Level, texts: &Texts, out: &mut Column) -> u64 {
    let mut odd = 0;
    for row in (0..ROWS).step_by(L::LANES) {
        let at = L::at(row);
        let len = L::widen(level, &texts.places.lens[at..]);
        let [head, tail, _] = &texts.words;
        let (days, wrong) = days(level, L::load(level, &head[at..]), L::load(level, &tail[at..]));
        days.sub(L::splat(level, EPOCH_DAYS)).store(&mut out[at..]);
        let right = wrong.or(len.xor(L::splat(level, 10))).is_zero();
        odd |= (!L::bits(right) & lanes_mask::<L>()) << at;
    }
    odd
}

#[inline(always)]
pub(super) fn stamps<L: Lanes>(level: L::Level, texts: &Texts, out: &mut Column) -> u64 {
    let splat = |number| L::splat(level, number);
    let mut odd = 0;
    for row in (0..ROWS).step_by(L::LANES) {
        let at = L::at(row);
        let len = L::widen(level, &texts.places.lens[at..]);
        let [head, tail, clock] = texts.words.each_ref().map(|word| L::load(level, &word[at..]));
        let (days, wrong) = days(level, head, tail);
        let between = tail.shr(splat(56));
        let is_blank = between.xor(splat(u64::from(b' '))).is_zero();
        let is_between = L::either(is_blank, between.xor(splat(u64::from(b'T'))).is_zero());
        let clock = clock.xor(splat(bytes(*b"00:00:00")));
        let wrong = wrong.or(clock.exceeding(splat(bytes([2, 9, 0, 5, 9, 0, 5, 9]))));
        let halves = clock.weigh(splat(bytes([10, 1, 0, 10, 1, 0, 10, 1])), splat(pairs([3600, 60, 60, 1])));
        let clock = halves.and(splat(0xFFFF_FFFF)).add(halves.shr(splat(32)));
        // Hours from 24 on, and texts that are too short.
        let wrong = wrong.or(splat(DAY_SECONDS - 1).sub(clock).or(len.sub(splat(19))).and(splat(1 << 63)));
        let seconds = days.mul_low(splat(DAY_SECONDS)).add(clock);
        seconds.sub(splat(EPOCH_DAYS * DAY_SECONDS)).store(&mut out[at..]);
        let right = L::bits(wrong.is_zero()) & L::bits(is_between);
        odd |= (!right & lanes_mask::<L>()) << at;
    }
    odd
}
