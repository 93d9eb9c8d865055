//! ISO dates and timestamps.

use arrow::datatypes::TimeUnit;
pub use partita_columns::calendar::days_from_civil;
use partita_columns::calendar::days_in_month;
pub use partita_columns::pattern::Stamp;

use super::int::digits_are_decimal;
use super::trim_blanks;

/// The unit of a timestamp column as a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Ticks a second: 1, 1000, 1000000 or 1000000000.
    pub per_second: i64,
}

impl Unit {
    /// Of an Arrow unit.
    pub fn new(unit: TimeUnit) -> Self {
        let per_second = match unit {
            TimeUnit::Second => 1,
            TimeUnit::Millisecond => 1_000,
            TimeUnit::Microsecond => 1_000_000,
            TimeUnit::Nanosecond => 1_000_000_000,
        };
        Self { per_second }
    }

    /// Whether all seconds of the years 1 to 9999 have a tick.
    pub(crate) fn holds_all_years(self) -> bool {
        self.per_second < 1_000_000_000
    }

    /// Ticks since 1970. `None` where they overflow, or where the unit is too coarse for the fraction: nothing is
    /// cut off silently.
    #[inline]
    pub fn ticks(self, seconds: i64, nanoseconds: u32) -> Option<i64> {
        let tick_nanoseconds = 1_000_000_000 / self.per_second;
        let fraction = i64::from(nanoseconds);
        if fraction == 0 {
            return seconds.checked_mul(self.per_second);
        }
        if fraction % tick_nanoseconds != 0 {
            return None;
        }
        // The product of a negative second may be below `i64::MIN` where the sum is not.
        let ticks =
            i128::from(seconds) * i128::from(self.per_second) + i128::from(fraction / tick_nanoseconds);
        i64::try_from(ticks).ok()
    }
}

#[inline]
fn two(text: &[u8; 2]) -> Option<u32> {
    let tens = text[0].wrapping_sub(b'0');
    let ones = text[1].wrapping_sub(b'0');
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// `YYYY-MM-DD`, years 0001 to 9999, as days since 1970.
#[inline]
pub(crate) fn date10(text: &[u8; 10]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    let year = (two(&[y1, y2])? * 100 + two(&[y3, y4])?) as i32;
    let month = two(&[m1, m2])?;
    let day = two(&[d1, d2])?;
    if year == 0 || month == 0 || month > 12 || day == 0 || day > 28 && day > days_in_month(year, month) {
        return None;
    }
    Some(days_from_civil(year, month, day))
}

/// `HH:MM:SS` as seconds; hours to 23, no leap second.
#[inline]
pub(crate) fn time8(text: &[u8; 8]) -> Option<u32> {
    // Digits become 0 to 9 and the two colons 0, all at once.
    let fields = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*b"00:00:00");
    if fields & 0x0000_FF00_00FF_0000 != 0 || !digits_are_decimal(fields) {
        return None;
    }
    let join = |shift: u32| ((fields >> shift) as u8 as u32) * 10 + (fields >> (shift + 8)) as u8 as u32;
    let (hours, minutes, seconds) = (join(0), join(24), join(48));
    (hours < 24 && minutes < 60 && seconds < 60).then_some(hours * 3600 + minutes * 60 + seconds)
}

/// An ISO date, `YYYY-MM-DD` with years 0001 to 9999, as days since 1970.
pub fn parse_date(text: &[u8]) -> Option<i32> {
    date10(trim_blanks(text).try_into().ok()?)
}

/// An ISO timestamp: `YYYY-MM-DD`, alone or with ` ` or `T` and `HH:MM[:SS[.f]]` (1 to 9 digits, comma or point),
/// then `Z`, `+HH`, `+HHMM` or `+HH:MM` (or with `-`) where a zone is meant.
pub fn parse_stamp(text: &[u8]) -> Option<Stamp> {
    let (date, rest) = trim_blanks(text).split_first_chunk::<10>()?;
    let mut stamp = Stamp::midnight(date10(date)?);
    let [b' ' | b'T' | b't', clock @ ..] = rest else {
        return rest.is_empty().then_some(stamp);
    };
    stamp.date_only = false;
    let (seconds, rest) = clock_seconds(clock)?;
    stamp.seconds += i64::from(seconds.value);
    if !seconds.has_seconds && matches!(rest, [b'.' | b',', ..]) {
        return None;
    }
    let tail = parse_tail(rest)?;
    Some(Stamp {
        nanoseconds: tail.nanoseconds,
        fraction_digits: tail.fraction_digits,
        offset: tail.offset,
        ..stamp
    })
}

/// What may stand behind the seconds of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) nanoseconds: u32,
    pub(crate) fraction_digits: u8,
    pub(crate) offset: Option<i32>,
}

/// A fraction of 1 to 9 digits or none, then an offset or none; nothing else.
#[inline]
pub(crate) fn parse_tail(text: &[u8]) -> Option<Tail> {
    let mut tail = Tail { nanoseconds: 0, fraction_digits: 0, offset: None };
    let mut rest = text;
    if let [b'.' | b',', after @ ..] = rest {
        let digits = count_digits(after);
        if digits == 0 || digits > 9 {
            return None;
        }
        tail.nanoseconds = fraction(&after[..digits]);
        tail.fraction_digits = digits as u8;
        rest = &after[digits..];
    }
    if !rest.is_empty() {
        tail.offset = Some(parse_offset(rest.strip_prefix(b" ").unwrap_or(rest))?);
    }
    Some(tail)
}

struct Clock {
    value: u32,
    has_seconds: bool,
}

fn clock_seconds(text: &[u8]) -> Option<(Clock, &[u8])> {
    if let Some((clock, rest)) = text.split_first_chunk::<8>()
        && let Some(value) = time8(clock)
    {
        return Some((Clock { value, has_seconds: true }, rest));
    }
    let ([h1, h2, b':', m1, m2], rest) = text.split_first_chunk::<5>()? else { return None };
    let (hours, minutes) = (two(&[*h1, *h2])?, two(&[*m1, *m2])?);
    (hours < 24 && minutes < 60 && rest.first() != Some(&b':'))
        .then_some((Clock { value: hours * 3600 + minutes * 60, has_seconds: false }, rest))
}

/// How many digits `text` begins with; of more than ten some number above nine.
#[inline]
fn count_digits(text: &[u8]) -> usize {
    text.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count()
}

/// One to nine digits after the point as nanoseconds.
#[inline]
fn fraction(digits: &[u8]) -> u32 {
    const POWERS: [u32; 10] =
        [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    let value =
        digits.iter().take(9).fold(0, |value, digit| value * 10 + u32::from(digit.wrapping_sub(b'0') % 10));
    value * POWERS[digits.len().min(9)]
}

/// `Z`, `+HH`, `+HHMM`, `+HH:MM` as seconds east of UTC; less than a day.
pub(crate) fn parse_offset(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text {
        [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match *digits {
        [h1, h2] => (two(&[h1, h2])?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two(&[h1, h2])?, two(&[m1, m2])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60) as i32)
}
